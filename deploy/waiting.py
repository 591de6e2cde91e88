"""Waiting for what can only be asked about again and again."""

import time
from collections.abc import Callable

PAUSE = 0.02


def wait_for(happened: Callable[[], bool], seconds: float) -> bool:
    """Whether it happened within this time; it is asked for once more when the time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if happened():
            return True
        time.sleep(PAUSE)
    return happened()
