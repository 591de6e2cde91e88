"""A Redis of the cluster's own: it keeps nothing on disk and throws nothing away."""

import socket
from pathlib import Path

from deploy.local.ports import LOOPBACK
from deploy.local.process import find

CONFIG = """\
bind {host}
port {port}
requirepass {password}
dir "{directory}"
save ""
appendonly no
maxmemory-policy noeviction
logfile "{log}"
"""


def command(directory: Path, port: int, password: str, log: Path) -> list[str | Path]:
    """What starts it. The password is in a file, not in the list of processes."""
    directory.mkdir(exist_ok=True)
    config = directory / "redis.conf"
    config.touch(mode=0o600)
    config.write_text(CONFIG.format(host=LOOPBACK, port=port, password=password, directory=directory, log=log))
    return [find("redis-server"), config]


def url(port: int, password: str) -> str:
    return f"redis://:{password}@{LOOPBACK}:{port}"


def answers(port: int, password: str) -> bool:
    """Whether it, and not a stranger on its port, answers."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1) as redis, redis.makefile("rb") as lines:
            redis.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            return [lines.readline(), lines.readline()] == [b"+OK\r\n", b"+PONG\r\n"]
    except OSError:
        return False
