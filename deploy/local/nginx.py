"""The front door: nginx before the gateways.

WebSockets go to the gateway with the fewest; the requests of one long-polling player have to reach the same gateway, so
the player's address chooses a slot for them. A slot, not a gateway: when one gateway is replaced, the players of the
others stay where they are.
"""

import getpass
import grp
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.local.process import Process, find
from deploy.trouble import Trouble
from deploy.waiting import wait_for

TEMPLATE = Path(__file__).with_name("nginx.conf")
RELOADED_WITHIN = 10.0
WORKERS = 2


@dataclass(frozen=True)
class Route:
    """A gateway that gets players."""

    slot: str
    address: str
    # One that is about to be replaced: whoever comes now had better come to another, if there is one.
    leaving: bool = False


def command(directory: Path, port: int, routes: Sequence[Route]) -> list[str | Path]:
    """What starts it."""
    (directory / "tmp").mkdir(parents=True, exist_ok=True)
    write(directory, port, routes)
    return [find("nginx"), "-p", directory, "-e", "stderr", "-c", _config(directory)]


def write(directory: Path, port: int, routes: Sequence[Route]) -> bool:
    """Writes the configuration, and answers whether it is another one now."""
    text = TEMPLATE.read_text()
    for name, value in _values(port, routes).items():
        text = text.replace(f"@{name}@", value)
    config = _config(directory)
    if config.exists() and config.read_text() == text:
        return False
    config.write_text(text)
    return True


def accepts(process: Process) -> bool:
    """Whether it lets players in: its workers are there as soon as the port is its own."""
    return len(_accepting(process.pid)) == WORKERS


def reload(process: Process) -> None:
    """Makes it read its configuration again; back when no connection is accepted under the old one any more."""
    old = _workers(process.pid)
    process.signal(signal.SIGHUP)

    # Each says so in the list of processes when it has closed its listeners; it may stay for as long as its sockets do.
    def taken_over() -> bool:
        accepting = _accepting(process.pid)
        return bool(accepting) and not old & accepting

    if not wait_for(taken_over, RELOADED_WITHIN):
        raise Trouble("nginx did not take its new configuration")


def _values(port: int, routes: Sequence[Route]) -> dict[str, str]:
    slots = sorted({route.slot for route in routes})
    pools = [_pool("any_gateway", "least_conn;", [(route.address, route.leaving) for route in routes])]
    for slot in slots:
        # The others of a slot stand in when its gateway is gone.
        pools.append(_pool(_name(slot), "", [(route.address, route.slot != slot) for route in routes]))
        others = [(route.address, False) for route in routes if route.slot != slot]
        # Always the same of them for one player.
        pools.append(_pool(f"elsewhere_{_name(slot)}", "hash $remote_addr;", others or [(routes[0].address, False)]))
    shares = [f"{100 / len(slots):.2f}% {_name(slot)};" for slot in slots[1:]] + [f"* {_name(slots[0])};"]
    # As whoever starts the cluster, like everything else in it. An ordinary user has no choice, and isn't asked.
    user = f"user {getpass.getuser()} {grp.getgrgid(os.getgid()).gr_name};" if os.getuid() == 0 else ""
    return {
        "user": user,
        "workers": str(WORKERS),
        "port": str(port),
        "upstreams": "\n".join(pools),
        "shares": " ".join(shares),
    }


def _pool(name: str, method: str, servers: Sequence[tuple[str, bool]]) -> str:
    # One of them has to be no backup.
    only_backups = all(backup for _, backup in servers)
    # None counts as failed for a while: one slow connect would send every long-polling player of a gateway to another.
    lines = [
        f"    server {address} max_fails=0{' backup' if backup and not only_backups else ''};"
        for address, backup in servers
    ]
    return "\n".join([f"  upstream {name} {{", f"    zone {name} 64k; {method}".rstrip(), *lines, "  }"])


def _name(slot: str) -> str:
    return slot.replace("-", "_")


def _config(directory: Path) -> Path:
    return directory / "nginx.conf"


def _workers(master: int) -> set[int]:
    children = Path(f"/proc/{master}/task/{master}/children")
    try:
        return {int(pid) for pid in children.read_text().split()}
    except FileNotFoundError:
        return set()


def _accepting(master: int) -> set[int]:
    return {pid for pid in _workers(master) if _title(pid) == "nginx: worker process"}


def _title(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0 ").decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
