"""Our own programs: which there are, how many, and what each is told."""

import json
import os
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local import mariadb, redis
from deploy.local.ports import LOOPBACK
from deploy.local.process import Files, Process
from deploy.local.state import Flags, Settings, State
from deploy.trouble import Trouble
from deploy.waiting import wait_for

# In the order in which they are started and replaced: what others call comes before those who call it.
SERVICES = ("user-svc", "chat-svc", "battle-svc", "gateway")
EACH = 2
READY_WITHIN = 60.0
# How soon a program has said what it thinks of its flags, and its exit code when they are wrong.
READ_WITHIN, WRONG = 30.0, 64

# Ports of the cluster's block, counted from its first. A slot has two for gRPC, so that the next generation can listen
# while the one before still does; their callers are told both and pass over the one where nobody is.
REDIS, MARIADB, NGINX, GRPC = 0, 1, 2, 3


@dataclass(frozen=True)
class Start:
    """What it takes to start a program."""

    command: list[str | Path]
    env: dict[str, str]
    # The gRPC port it was given, if it has one.
    port: int | None


def binary(settings: Settings, name: str) -> Path:
    path = Path(settings.binaries) / name
    if not path.exists():
        raise Trouble(f"{path} is missing; build it, or name another directory with --binaries")
    return path


def slots(service: str) -> list[str]:
    return [f"{service}-{number}" for number in range(1, EACH + 1)]


def start_of(state: State, settings: Settings, service: str, slot: str, name: str, taken: int | None) -> Start:
    """How to start a program under this name; `taken` is the slot's port that its predecessor listens on."""
    port = None if service == "gateway" else next(p for p in grpc_ports(state, slot) if p != taken)
    return Start(_command(settings, service, _flags(state, settings, service, name, port)), environment(state), port)


def faults(state: State, settings: Settings) -> list[str]:
    """What the programs themselves say against their flags, names and values; none when all are right."""
    found = []
    with socket.create_server((LOOPBACK, 0)) as taken:
        for service in SERVICES:
            # A program reads all its flags before it takes an address: with this one it gets no further.
            nowhere = {"admin-listen": f"{LOOPBACK}:{taken.getsockname()[1]}"}
            command = _command(settings, service, _flags(state, settings, service, service, 0) | nowhere)
            code, said = _tried(command, state)
            if code == WRONG:
                found.append(f"{service}: {said.strip()}")
    return found


def ready_line(process: Process, files: Files) -> dict[str, Any] | None:
    """What the program says when it is ready; None when it has ended before, or said nothing for too long."""
    wait_for(lambda: _said(files.out) or not process.alive(), READY_WITHIN)
    return json.loads(files.out.read_text()) if _said(files.out) else None


def environment(state: State) -> dict[str, str]:
    """Passwords go this way: the list of processes shows every flag. Nothing of the operator's own settings gets in."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("MUD_")}
    return {
        **ours,
        "MUD_REDIS_URL": redis.url(state.first_port + REDIS, state.redis_password),
        "MUD_DATABASE_URL": mariadb.url(state.first_port + MARIADB, state.database_password),
    }


def grpc_ports(state: State, slot: str) -> list[int]:
    """The two ports of a slot."""
    index = [slot for service in SERVICES[:3] for slot in slots(service)].index(slot)
    first = state.first_port + GRPC + 2 * index
    return [first, first + 1]


def parse_flags(settings: list[str]) -> Flags:
    """Reads `SERVICE.FLAG=VALUE`."""
    flags: Flags = {}
    for setting in settings:
        path, given, value = setting.partition("=")
        service, dot, flag = path.partition(".")
        if not (given and dot and flag) or service not in (*SERVICES, "all"):
            raise Trouble(f"--set {setting}: expected SERVICE.FLAG=VALUE, where SERVICE is all, {', '.join(SERVICES)}")
        flags.setdefault(service, {})[flag] = value
    return flags


def _tried(command: list[str | Path], state: State) -> tuple[int, str]:
    """Runs a program to its end: its exit code, and what it said on standard error."""
    env, root = environment(state), state.layout.root
    try:
        done = subprocess.run(
            command, env=env, cwd=root, capture_output=True, text=True, timeout=READ_WITHIN, check=False
        )
    except subprocess.TimeoutExpired:
        raise Trouble(f"{command[0]} was to read its flags, and did not end") from None
    return done.returncode, done.stderr


def _command(settings: Settings, service: str, flags: dict[str, str]) -> list[str | Path]:
    return [binary(settings, service), *(part for flag, value in flags.items() for part in (f"--{flag}", value))]


def _flags(state: State, settings: Settings, service: str, name: str, port: int | None) -> dict[str, str]:
    ours = {"instance": name, "admin-listen": f"{LOOPBACK}:0"}
    return {**ours, **_told(state, service, port), **_set(settings, service)}


def _told(state: State, service: str, port: int | None) -> dict[str, str]:
    match service:
        case "gateway":
            peers = {f"{peer.removesuffix('-svc')}-url": _urls(state, peer) for peer in SERVICES[:3]}
            return {"listen": f"{LOOPBACK}:0", **peers, "trusted-proxies": LOOPBACK}
        case "battle-svc":
            return {"grpc-listen": f"{LOOPBACK}:{port}", "user-url": _urls(state, "user-svc")}
        case _:
            return {"grpc-listen": f"{LOOPBACK}:{port}"}


def _urls(state: State, service: str) -> str:
    ports = [port for slot in slots(service) for port in grpc_ports(state, slot)]
    return ",".join(f"http://{LOOPBACK}:{port}" for port in ports)


def _set(settings: Settings, service: str) -> dict[str, str]:
    return {**settings.flags.get("all", {}), **settings.flags.get(service, {})}


def _said(out: Path) -> bool:
    return out.exists() and out.read_text().endswith("\n")
