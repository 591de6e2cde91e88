"""Watching what an instance holds go over to the others while it is drained.

Seen from outside, by counting: what all instances of the service hold together, before and ever since. So whoever
leaves for good meanwhile counts as dropped, and one who comes new makes up for one who is missing.
"""

import time
from collections.abc import Callable

# What there is of a service now; None while somebody doesn't say.
Count = Callable[[], float | None]


class Crossing:
    """The players or battles of one instance on their way to others."""

    def __init__(self, held: float, before: float, total: Count):
        """Of the `before` that all hold together, one holds `held`."""
        self._total = total
        self._before = before
        self._away_since: float | None = None
        self.held = round(held)
        self.missing = 0
        # The longest stretch of time without a moment at which nobody was missing: no single one was away for longer.
        self.slowest = 0.0

    def sample(self) -> None:
        """Looks who is missing now."""
        now, total = time.monotonic(), self._total()
        if total is None:
            return
        self.missing = max(0, round(self._before - total))
        if self.missing and self._away_since is None:
            self._away_since = now
        if self._away_since is not None:
            self.slowest = max(self.slowest, now - self._away_since)
        if not self.missing:
            self._away_since = None

    @property
    def moved(self) -> int:
        return max(0, self.held - self.missing)
