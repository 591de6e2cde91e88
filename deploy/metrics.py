"""The metrics of a process, read from outside."""

import re
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Self

SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
PATIENCE = 1.0


class Metrics:
    """What `/metrics` said at one moment."""

    def __init__(self, text: str):
        self.samples = [(m[1], dict(LABEL.findall(m[2] or "")), float(m[3])) for m in SAMPLE.finditer(text)]

    @classmethod
    def of(cls, admin: str) -> Self | None:
        """Those of the process whose operators' listener this is; None when it doesn't answer."""
        try:
            with urllib.request.urlopen(f"http://{admin}/metrics", timeout=PATIENCE) as answer:
                return cls(answer.read().decode())
        except (urllib.error.URLError, HTTPException, OSError):
            return None

    def total(self, name: str, **labels: str) -> float:
        """The sum over all samples of a metric that have these labels, which may end in `*`; 0 where there are none."""
        return sum(
            value
            for sample, has, value in self.samples
            if sample == name and all(_fits(has.get(label, ""), wanted) for label, wanted in labels.items())
        )


def _fits(value: str, wanted: str) -> bool:
    return value.startswith(wanted[:-1]) if wanted.endswith("*") else value == wanted
