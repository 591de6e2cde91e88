"""Where a cluster keeps what, all below one directory."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deploy.local.process import Files
from deploy.trouble import Trouble


class Layout:
    """The directory of a cluster. What is in it is for its owner alone: there are passwords in it."""

    def __init__(self, root: Path):
        self.root = root
        self.cluster = self.root / "cluster.json"
        self.state = self.root / "state.json"
        self.report = self.root / "deploy.json"
        self.logs = self.root / "logs"
        self.redis = self.root / "redis"
        self.mariadb = self.root / "mariadb"
        self.nginx = self.root / "nginx"

    def make(self) -> None:
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.logs.mkdir(exist_ok=True)

    def files(self, name: str) -> Files:
        return Files(self.log(name), self.logs / f"{name}.out", self.logs / f"{name}.code")

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps other commands off this cluster; the lock ends with the process, however that ends."""
        with (self.root / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Trouble(f"another command is at work on the cluster in {self.root}") from None
            yield


def write_json(path: Path, content: Any) -> None:
    """Writes a file in one step, so that whoever reads it sees the old one or the new one."""
    new = path.with_name(f"{path.name}.new")
    new.touch(mode=0o600)
    new.write_text(json.dumps(content, indent=1) + "\n")
    os.replace(new, path)
