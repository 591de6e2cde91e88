"""Processes that outlive the command that starts them.

A process is known by its number and by when it began, so that a number that was given to another process since is never
mistaken for it. Signals and ends go by a descriptor of the process for the same reason.
"""

import os
import select
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.trouble import Trouble
from deploy.waiting import wait_for

# Debian keeps servers where an ordinary user's PATH doesn't look.
PLACES = os.environ.get("PATH", os.defpath) + ":/usr/sbin"

# Who starts a process is gone when it ends, so a shell stays behind to note how it ended (and to bury it, where
# process 1 doesn't), and then takes with it what the process has left behind, such as the workers of an nginx that was
# killed. $1 is where its exit code goes, $2 where its standard output goes.
KEEPER = 'code=$1 out=$2; shift 2; "$@" >"$out" & echo $!; wait $!; echo $? >"$code"; kill -KILL 0'

# How soon after the end of a process its keeper has noted it.
NOTED_WITHIN = 5.0


@dataclass(frozen=True)
class Process:
    """A process of this machine, alive or not."""

    pid: int
    # In ticks since the machine came up: field 22 of /proc/PID/stat.
    began: int

    def alive(self) -> bool:
        return began(self.pid) == self.began

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal; one that is gone needs none."""
        with self._descriptor() as descriptor:
            if descriptor is not None:
                signal.pidfd_send_signal(descriptor, number)

    def gone_within(self, seconds: float) -> bool:
        """Waits for its end."""
        with self._descriptor() as descriptor:
            if descriptor is None:
                return True
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            return bool(poll.poll(max(0, round(seconds * 1000))))

    @contextmanager
    def _descriptor(self) -> Iterator[int | None]:
        """Stands for this process and no other; None when it has ended."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            yield None
            return
        try:
            # Looked at after opening: if the number is still ours now, the descriptor is ours too.
            yield descriptor if self.alive() else None
        finally:
            os.close(descriptor)


@dataclass(frozen=True)
class Files:
    """Where a process writes: its log, its standard output, and in the end its exit code."""

    log: Path
    out: Path
    code: Path

    def exit_code(self) -> int | None:
        """How the process ended, once it has; above 128 a signal ended it. None when nobody was there to note it."""
        wait_for(lambda: self.code.exists() and self.code.read_text().endswith("\n"), NOTED_WITHIN)
        try:
            return int(self.code.read_text())
        except (FileNotFoundError, ValueError):
            return None

    def tail(self, lines: int = 8) -> str:
        """The end of the log."""
        try:
            text = self.log.read_text(errors="replace")
        except FileNotFoundError:
            return ""
        return "\n".join(text.splitlines()[-lines:])


def find(program: str) -> str:
    """Where a program of the system is."""
    found = shutil.which(program, path=PLACES)
    if found is None:
        raise Trouble(f"{program} is missing")
    return found


def start(command: Sequence[str | Path], files: Files, env: Mapping[str, str], cwd: Path) -> Process:
    """Starts a process in a session of its own, which the end of this terminal doesn't reach."""
    for leftover in (files.out, files.code):
        leftover.unlink(missing_ok=True)
    with files.log.open("a") as log:
        keeper = subprocess.Popen(
            ["sh", "-c", KEEPER, "keeper", files.code, files.out, *command],
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    assert keeper.stdout is not None
    with keeper.stdout as said:
        pid = int(said.readline())
    when = began(pid)
    if when is None:
        raise Trouble(f"{command[0]} ended at once with {files.exit_code()}; see {files.log}\n{files.tail()}")
    return Process(pid, when)


def began(pid: int) -> int | None:
    """When the process with this number began; None if there is none, or one that only waits to be buried."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is a name in parentheses, which may hold anything; the state comes after it.
    state, *rest = stat.rpartition(")")[2].split()
    return None if state in "ZX" else int(rest[18])
