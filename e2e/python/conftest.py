"""A private server for each story, as in e2e/lib/server.js."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

BINARY = os.environ.get("MUD_BINARY") or Path(__file__).parents[2] / "target/debug/mud"


class Server:
    """A running `mud` with a database of its own."""

    def __init__(self, directory: Path, **flags):
        defaults = {"listen": "127.0.0.1:0", "grpc_listen": "127.0.0.1:0", "admin_listen": "127.0.0.1:0"}
        flags = {**defaults, "bcrypt_cost": 4, "log": "warn", "database_url": f"sqlite://{directory}/mud.db", **flags}
        arguments = [part for name, value in flags.items() for part in (f"--{name.replace('_', '-')}", str(value))]
        self.log = directory / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen([BINARY, *arguments], stdout=subprocess.PIPE, stderr=log, text=True)
        line = self.process.stdout.readline()
        assert line, f"no ready line; log:\n{self.log.read_text()}"
        ready = json.loads(line)
        self.url, self.grpc, self.admin = f"http://{ready['http']}", ready["grpc"], ready["admin"]

    def stop(self) -> int:
        """Asks it to end and answers its exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(30)
        finally:
            self.process.kill()


@pytest.fixture
def start(tmp_path):
    """Starts servers with flags of choice; each has to end politely when the story is over."""
    servers = []

    def launch(**flags):
        servers.append(Server(tmp_path, **flags))
        return servers[-1]

    yield launch
    assert [server.stop() for server in servers] == [0] * len(servers)
