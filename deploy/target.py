"""What the rolling program needs to know of a cluster: the seam before local processes, containers or pods."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from deploy.metrics import Metrics

# How long a program may take to end. The slowest of ours, a gateway or `mud`, gives up after 26 seconds by itself.
GRACE = 30.0


class Instance(Protocol):
    """One process of a service."""

    @property
    def name(self) -> str: ...

    @property
    def service(self) -> str: ...


T = TypeVar("T", bound=Instance)


class Target(Protocol[T]):
    """A cluster whose programs can be replaced one by one."""

    @property
    def services(self) -> Sequence[str]:
        """In the order in which they are replaced."""

    def prepare(self) -> None:
        """What comes before the first replacement: a look at the flags, and the tables of the new programs."""

    def instances(self, service: str) -> Sequence[T]:
        """Those that are there now."""

    def start(self, old: T) -> T:
        """Starts the successor of `old`, and waits until it is ready. If that fails, it is gone: `Trouble`."""

    def admit(self, new: T, old: T) -> None:
        """Sends what comes from now on to `new`, and nothing more to `old`."""

    def drain(self, old: T) -> None:
        """Asks `old` to let go of everything and end; doesn't wait."""

    def ended(self, old: T) -> bool:
        """Whether it has."""

    def died(self) -> Sequence[str]:
        """Names of those that have ended although nobody asked them to."""

    def finish(self, old: T) -> int | None:
        """How it ended; one that hasn't is killed."""

    def close(self) -> None:
        """What comes after the last replacement, also after one that failed."""

    def metrics(self, instance: T) -> Metrics | None:
        """What the instance says of itself; None when it doesn't answer."""
