"""A cluster as an operator has it: started, replaced and ended by the commands behind `make up` and its like."""

import json
import os
import subprocess
import sys
from pathlib import Path

from conftest import BINARY

ROOT = Path(__file__).parents[2]
BINARIES = Path(BINARY).resolve().parent
# Nothing that a story awaits should take long, and one address plays for many.
FLAGS = ("battle-svc.tick-ms=100", "user-svc.bcrypt-cost=4", "gateway.limits=off")


class Cluster:
    """The cluster of one directory."""

    def __init__(self, directory: Path):
        self.directory = directory

    def up(self, *flags: str) -> subprocess.CompletedProcess:
        return self.run("up", "--binaries", BINARIES, *_settings(flags))

    def down(self) -> subprocess.CompletedProcess:
        return self.run("down")

    def deploy(self, *arguments: str, flags: tuple[str, ...] = ()) -> subprocess.CompletedProcess:
        return self.run("deploy", "--target", "local", "--binaries", BINARIES, *_settings(flags), *arguments)

    def run(self, command: str, *arguments: str | Path) -> subprocess.CompletedProcess:
        line = [sys.executable, "-m", "deploy", command, "--dir", self.directory, *arguments]
        # An operator's own settings are not the cluster's.
        env = {**os.environ, "MUD_TICK_MS": "nonsense"}
        return subprocess.run(line, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300, check=False)

    def entries(self) -> list[dict]:
        return json.loads((self.directory / "cluster.json").read_text())

    def named(self, name: str) -> dict:
        return next(entry for entry in self.entries() if entry["name"] == name)

    @property
    def url(self) -> str:
        return f"http://{self.named('nginx')['http']}"

    def processes(self) -> list[str]:
        """Every process on this machine that has to do with it."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                command = (process / "cmdline").read_text().replace("\0", " ")
                where = os.readlink(process / "cwd")
            except OSError:
                continue
            if str(self.directory) in command or where.startswith(str(self.directory)):
                found.append(command)
        return found


def _settings(flags: tuple[str, ...]) -> list[str]:
    return [part for flag in flags for part in ("--set", flag)]
