"""Starting a cluster, mending it, ending it."""

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from deploy.local import mariadb, nginx, programs, redis
from deploy.local.layout import Layout
from deploy.local.nginx import Route
from deploy.local.ports import LOOPBACK
from deploy.local.process import Process, start
from deploy.local.programs import MARIADB, NGINX, REDIS, SERVICES
from deploy.local.state import Member, Settings, State
from deploy.target import GRACE
from deploy.terminal import say
from deploy.trouble import Trouble
from deploy.waiting import wait_for

SERVER_ANSWERS_WITHIN = 60.0
# Ended in this order, those of a line together: players are told first, and what is written last is kept last.
ENDING = (("gateway",), ("nginx",), ("battle-svc",), ("chat-svc", "user-svc"), ("mariadb", "redis"))


class Cluster:
    """The processes of one directory."""

    def __init__(self, state: State):
        self.state = state
        self.layout = state.layout
        # What programs are started with from now on; remembered only once all of them have been.
        self.settings = state.settings

    @classmethod
    def open(cls, layout: Layout) -> "Cluster | None":
        """The cluster that is there, whatever of it is alive; None where there is none."""
        state = State.load(layout)
        return cls(state) if state and state.members else None

    @classmethod
    def new(cls, layout: Layout, settings: Settings) -> "Cluster":
        """A cluster of which nothing runs yet. The database of the last one in this directory is taken up again."""
        return cls(State.new(layout, settings))

    def up(self) -> None:
        """Starts whatever isn't running. If that fails, what this call started is ended again."""
        names = self.clear_away()
        before = list(self.state.members)
        self.check()
        try:
            self._servers()
            if self._gaps():
                self.migrate()
            for service, slot in self._gaps():
                # Under the name of the one that has died: what that had is its own at once.
                self.launch(service, slot, names.get(slot) or self.state.generations.get(slot, 1))
            self._front()
        except BaseException:
            self.end([member for member in self.state.members if member not in before])
            raise

    def settle(self) -> None:
        """Remembers what programs are started with."""
        self.state.settings = self.settings
        self.state.save()

    def whole(self) -> bool:
        """Whether everything that belongs to it runs."""
        return not self._gaps() and all(self.state.of(server) for server in ("redis", "mariadb", "nginx"))

    def down(self) -> None:
        self.end(list(self.state.members))
        self.state.forget()

    def check(self) -> None:
        """Lets nothing be started or replaced as long as there are wrong flags, whichever program they are for."""
        if faults := programs.faults(self.state, self.settings):
            raise Trouble("wrong flags\n" + "\n".join(faults))

    def migrate(self) -> None:
        """Brings the tables up to date."""
        log = self.layout.log("migrate")
        command: list[str | Path] = [programs.binary(self.settings, "mud"), "migrate"]
        with log.open("a") as output:
            env = programs.environment(self.state)
            done = subprocess.run(command, env=env, cwd=self.layout.root, stdout=output, stderr=output, check=False)
        if done.returncode:
            tail = self.layout.files("migrate").tail()
            raise Trouble(f"mud migrate failed with {done.returncode}; see {log}\n{tail}")

    def launch(self, service: str, slot: str, generation: int, taken: int | None = None) -> Member:
        """Starts a program and waits until it is ready; one that doesn't get there is ended again."""
        name = slot if generation == 1 else f"{slot}.{generation}"
        how = programs.start_of(self.state, self.settings, service, slot, name, taken)
        files = self.layout.files(name)
        process = start(how.command, files, how.env, self.layout.root)
        member = Member(name, service, slot, generation, process, str(files.log), port=how.port)
        self.state.add(member)
        ready = programs.ready_line(process, files)
        if ready is None:
            why = "was not ready in time" if process.alive() else f"ended with {files.exit_code()} before it was ready"
            self.end([member])
            raise Trouble(f"{name} {why}; see {files.log}\n{files.tail()}")
        member.http, member.grpc, member.admin = ready.get("http"), ready.get("grpc"), ready.get("admin")
        member.ready = True
        self.state.save()
        return member

    def route(self, routes: Sequence[Route]) -> None:
        """Sends players to these gateways and to no others."""
        if nginx.write(self.layout.nginx, self.state.first_port + NGINX, routes):
            nginx.reload(self.state.of("nginx")[0].process)

    def routes(self) -> list[Route]:
        return [Route(gateway.slot, gateway.http or "") for gateway in self.state.of("gateway")]

    def end(self, members: Sequence[Member]) -> None:
        """Asks processes to end, and makes them when they don't."""
        for group in ENDING:
            ending = [member for member in members if member.service in group]
            for member in ending:
                member.leaving = True
                member.process.signal(signal.SIGTERM)
                # One that was frozen can't hear it otherwise.
                member.process.signal(signal.SIGCONT)
            for member in ending:
                self.finish(member)

    def finish(self, member: Member, grace: float = GRACE) -> int | None:
        """Waits for one that was asked to end, and answers how it did; past its grace it is killed."""
        if not member.process.gone_within(grace):
            say(f"{member.name} did not end in time and is killed; see {member.log}")
            member.process.signal(signal.SIGKILL)
            member.process.gone_within(GRACE)
        code = self.layout.files(member.name).exit_code()
        self.state.remove(member)
        return code

    def clear_away(self) -> dict[str, int]:
        """Takes the dead off the list, and ends what an interrupted command has left behind; answers the generation of
        the dead by slot."""
        dead = [member for member in self.state.members if not member.process.alive()]
        for member in dead:
            say(f"{member.name} is dead; its log is {member.log}")
            self.state.remove(member)
        self.end(list(self.state.superfluous()))
        return {member.slot: member.generation for member in dead if member.ready}

    def _gaps(self) -> list[tuple[str, str]]:
        """Services and slots in which nothing runs."""
        running = {member.slot for service in SERVICES for member in self.state.of(service)}
        return [(service, slot) for service in SERVICES for slot in programs.slots(service) if slot not in running]

    def _servers(self) -> None:
        port, password = self.state.first_port + REDIS, self.state.redis_password
        if not self.state.of("redis"):
            command = redis.command(self.layout.redis, port, password, self.layout.log("redis"))
            member = self._serve("redis", command, os.environ, lambda _: redis.answers(port, password))
            member.url = redis.url(port, password)
        port, password = self.state.first_port + MARIADB, self.state.database_password
        if not self.state.of("mariadb"):
            mariadb.install(self.layout.mariadb, self.layout.log("mariadb"))
            command = mariadb.command(self.layout.mariadb, port, password)
            env = mariadb.environment(self.layout.mariadb)
            member = self._serve("mariadb", command, env, lambda _: mariadb.answers(port))
            member.url = mariadb.url(port, password)
        self.state.save()

    def _front(self) -> None:
        if self.state.of("nginx"):
            self.route(self.routes())
            return
        port = self.state.first_port + NGINX
        command = nginx.command(self.layout.nginx, port, self.routes())
        member = self._serve("nginx", command, os.environ, nginx.accepts)
        member.http = f"{LOOPBACK}:{port}"
        self.state.save()

    def _serve(
        self, name: str, command: Sequence[str | Path], env: Mapping[str, str], answers: Callable[[Process], bool]
    ) -> Member:
        """Starts a server that isn't ours, of which there is one, and waits until it answers."""
        files = self.layout.files(name)
        process = start(command, files, env, self.layout.root)
        member = Member(name, name, name, 1, process, str(files.log))
        self.state.add(member)
        wait_for(lambda: answers(process) or not process.alive(), SERVER_ANSWERS_WITHIN)
        if not process.alive() or not answers(process):
            raise Trouble(f"{name} does not answer; see {files.log}\n{files.tail()}")
        member.ready = True
        return member
