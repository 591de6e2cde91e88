"""What came of a deployment."""

from dataclasses import asdict, dataclass, field
from typing import Any

HEADS = ("replaced", "by", "ready s", "drain s", "exit", "moved", "dropped", "slowest s")


@dataclass
class Replaced:
    """One instance and its successor."""

    service: str
    old: str
    new: str
    # Seconds from the start of the new one until it was ready, and from asking the old one to end until it had.
    ready: float
    drain: float
    # Of the old one; above 128 it was killed by a signal, None when nobody knows.
    exit: int | None
    # Players of a gateway, or watched battles of a battle-svc, that went over; the others hold nothing.
    moved: int = 0
    # Those who were not back in time; of the others, calls that failed.
    dropped: int = 0
    # No player or battle was missing for longer than this, in seconds.
    slowest: float = 0.0

    def row(self) -> tuple[str, ...]:
        code = "?" if self.exit is None else str(self.exit)
        numbers = (str(self.moved), str(self.dropped), f"{self.slowest:.1f}")
        return (self.old, self.new, f"{self.ready:.1f}", f"{self.drain:.1f}", code, *numbers)


@dataclass
class Limits:
    """What a deployment may cost."""

    dropped: int
    slowest: float


@dataclass
class Report:
    """All that was replaced."""

    target: str
    limits: Limits
    replaced: list[Replaced] = field(default_factory=list)
    # Why nothing more was replaced.
    stopped: str | None = None
    seconds: float = 0.0

    def faults(self) -> list[str]:
        """What went wrong, in sentences; none when all is well."""
        unclean = [f"{r.old} ended with {r.exit}" for r in self.replaced if r.exit != 0]
        found = [f"stopped: {self.stopped}"] if self.stopped else []
        if self.dropped > self.limits.dropped:
            found.append(f"{self.dropped} dropped, where {self.limits.dropped} may be")
        if self.slowest > self.limits.slowest:
            found.append(f"the slowest took {self.slowest:.1f} s, where {self.limits.slowest:.1f} s may be")
        return found + unclean

    @property
    def moved(self) -> int:
        return sum(replaced.moved for replaced in self.replaced)

    @property
    def dropped(self) -> int:
        return sum(replaced.dropped for replaced in self.replaced)

    @property
    def slowest(self) -> float:
        return max((replaced.slowest for replaced in self.replaced), default=0.0)

    def as_json(self) -> dict[str, Any]:
        return {
            "target": self.target,
            "ok": not self.faults(),
            "moved": self.moved,
            "dropped": self.dropped,
            "slowestMs": round(self.slowest * 1000),
            "durationMs": round(self.seconds * 1000),
            "faults": self.faults(),
            "replaced": [_milliseconds(asdict(replaced)) for replaced in self.replaced],
        }

    def as_text(self) -> str:
        rows = [HEADS, *(replaced.row() for replaced in self.replaced)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(HEADS))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        total = f"moved {self.moved}, dropped {self.dropped}, slowest {self.slowest:.1f} s, in {self.seconds:.1f} s"
        return "\n".join([*lines, "", f"{len(self.replaced)} replaced: {total}", *self.faults()])


def _milliseconds(replaced: dict[str, Any]) -> dict[str, Any]:
    """JSON has whole milliseconds, under names that say so."""
    spans = {name: f"{name}Ms" for name in ("ready", "drain", "slowest")}
    return {spans.get(k, k): round(v * 1000) if k in spans else v for k, v in replaced.items()}
