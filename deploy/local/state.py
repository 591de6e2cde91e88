"""What a cluster is made of: what the commands remember from one to the next, and what `cluster.json` tells others."""

import json
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from deploy.local import ports
from deploy.local.layout import Layout, write_json
from deploy.local.process import Process
from deploy.trouble import Trouble

# What each service has been told by `--set`: service → flag → value.
Flags = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Settings:
    """What programs are started with."""

    # The directory they are in; as text, for the file.
    binaries: str
    flags: Flags = field(default_factory=dict)

    def with_flags(self, more: Flags) -> Self:
        flags = {s: {**self.flags.get(s, {}), **more.get(s, {})} for s in sorted({*self.flags, *more})}
        return replace(self, flags=flags)


@dataclass
class Member:
    """A process of the cluster."""

    name: str
    service: str
    # What it takes the place of when it is replaced: of one slot, one process is there for good.
    slot: str
    generation: int
    process: Process
    log: str
    # Where it listens, as it said itself; `url` is for servers with a password.
    http: str | None = None
    grpc: str | None = None
    admin: str | None = None
    url: str | None = None
    # The gRPC port that the slot gave it.
    port: int | None = None
    # It was ready once; one that never was is no part of the cluster.
    ready: bool = False
    # It has been told to end.
    leaving: bool = False

    def entry(self) -> dict[str, Any]:
        """How `cluster.json` tells it."""
        told = {key: getattr(self, key) for key in ("http", "grpc", "admin", "url")}
        shown = {key: value for key, value in told.items() if value}
        return {"name": self.name, "service": self.service, "pid": self.process.pid, **shown, "log": self.log}


@dataclass
class State:
    """A cluster, dead or alive."""

    layout: Layout
    settings: Settings
    first_port: int
    redis_password: str
    database_password: str
    members: list[Member] = field(default_factory=list)
    # The highest generation each slot ever had.
    generations: dict[str, int] = field(default_factory=dict)

    @classmethod
    def new(cls, layout: Layout, settings: Settings) -> Self:
        return cls(layout, settings, ports.block(), secrets.token_hex(16), secrets.token_hex(16))

    @classmethod
    def load(cls, layout: Layout) -> Self | None:
        """What the last command left; None where there was none."""
        try:
            kept = json.loads(layout.state.read_text())
        except FileNotFoundError:
            return None
        except ValueError:
            raise Trouble(
                f"{layout.state} is damaged; end what {layout.cluster} names by hand, then delete {layout.root}"
            ) from None
        try:
            members = [Member(**{**member, "process": Process(**member["process"])}) for member in kept.pop("members")]
            return cls(layout, Settings(**kept.pop("settings")), members=members, **kept)
        except (AttributeError, KeyError, TypeError):
            raise Trouble(f"{layout.state} was written by another version of this program") from None

    def save(self) -> None:
        """Keeps it for the next command, and tells the world."""
        kept = {key: value for key, value in vars(self).items() if key != "layout"}
        members = [asdict(member) for member in self.members]
        write_json(self.layout.state, {**kept, "settings": asdict(self.settings), "members": members})
        write_json(self.layout.cluster, self.entries())

    def forget(self) -> None:
        """The cluster is no more; its data stays for the next one."""
        self.members.clear()
        self.save()
        self.layout.cluster.unlink()

    def entries(self) -> list[dict[str, Any]]:
        return [member.entry() for member in self.members if member.ready]

    def add(self, member: Member) -> None:
        self.generations[member.slot] = max(member.generation, self.generations.get(member.slot, 0))
        self.members.append(member)
        self.save()

    def remove(self, member: Member) -> None:
        self.members.remove(member)
        self.save()

    def of(self, service: str) -> list[Member]:
        """The processes that make up a service now, by slot: ready, alive, and not about to leave."""
        members = [m for m in self.members if m.service == service and m.ready and not m.leaving and m.process.alive()]
        return sorted(members, key=lambda member: member.slot)

    def superfluous(self) -> Iterator[Member]:
        """What an interrupted command left behind: what never got ready, was leaving, or has a successor."""
        for member in list(self.members):
            newer = any(m.slot == member.slot and m.generation > member.generation and m.ready for m in self.members)
            if newer or member.leaving or not member.ready:
                yield member
