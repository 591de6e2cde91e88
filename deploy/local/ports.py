"""Ports of a cluster: one block, chosen once and kept for as long as the cluster lives."""

import random
import socket
from contextlib import ExitStack
from pathlib import Path

from deploy.trouble import Trouble

LOOPBACK = "127.0.0.1"
SIZE = 16
LOWEST = 20_000
# Below the ports that Linux gives to outgoing connections where nobody changed that.
HIGHEST = 32_767


def block() -> int:
    """The first of `SIZE` ports that are all free.

    A cluster needs ports again after they were free for a while: the next generation of a program listens where the
    last but one did. So they lie outside the range from which the system gives ports to whoever asks for any.
    """
    starts = list(range(LOWEST, max(_first_given_away(), LOWEST + SIZE) - SIZE, SIZE))
    random.shuffle(starts)
    for first in starts or [LOWEST]:
        if all_free(range(first, first + SIZE)):
            return first
    raise Trouble(f"no {SIZE} ports in a row are free above {LOWEST}")


def all_free(ports: range) -> bool:
    with ExitStack() as held:
        try:
            for port in ports:
                held.enter_context(socket.create_server((LOOPBACK, port)))
        except OSError:
            return False
    return True


def accepts(port: int) -> bool:
    """Whether somebody listens there."""
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    return True


def _first_given_away() -> int:
    given = Path("/proc/sys/net/ipv4/ip_local_port_range")
    first = int(given.read_text().split()[0]) if given.exists() else HIGHEST + 1
    return first if first > LOWEST + SIZE else HIGHEST + 1
