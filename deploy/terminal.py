"""What a command tells its operator while it works."""

import sys


def say(text: str) -> None:
    """A line on standard error; standard output is for what was asked for."""
    print(text, file=sys.stderr, flush=True)
