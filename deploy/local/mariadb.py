"""A MariaDB of the cluster's own, reached on the loopback by a user who has one database and nothing else."""

import getpass
import os
import shutil
import socket
import subprocess
from pathlib import Path

from deploy.local.ports import LOOPBACK
from deploy.local.process import find
from deploy.trouble import Trouble

# Carried out at each start, before anybody is let in; the password is another one in each cluster.
INIT = """\
CREATE DATABASE IF NOT EXISTS mud CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE OR REPLACE USER mud@'{host}' IDENTIFIED BY '{password}';
GRANT ALL ON mud.* TO mud@'{host}';
"""


def install(directory: Path, log: Path) -> None:
    """Makes an empty server in a directory that has none."""
    data = directory / "data"
    if (data / "mysql").is_dir():
        return
    shutil.rmtree(directory, ignore_errors=True)
    _temporary(directory).mkdir(parents=True)
    # Made beside its place, so that one that was cut short is never taken for a server.
    making = directory / "making"
    # Only this account of the machine gets in as root, and only over the socket.
    command = [
        find("mariadb-install-db"),
        "--no-defaults",
        f"--datadir={making}",
        f"--user={getpass.getuser()}",
        "--auth-root-authentication-method=socket",
        f"--auth-root-socket-user={getpass.getuser()}",
        "--skip-test-db",
        "--skip-name-resolve",
    ]
    with log.open("a") as output:
        done = subprocess.run(command, env=environment(directory), stdout=output, stderr=output, check=False)
    if done.returncode:
        raise Trouble(f"mariadb-install-db failed; see {log}")
    making.rename(data)


def command(directory: Path, port: int, password: str) -> list[str | Path]:
    """What starts it. The password is in a file, not in the list of processes."""
    init = directory / "init.sql"
    init.touch(mode=0o600)
    init.write_text(INIT.format(host=LOOPBACK, password=password))
    return [
        find("mariadbd"),
        "--no-defaults",
        f"--datadir={directory / 'data'}",
        f"--user={getpass.getuser()}",
        f"--init-file={init}",
        # Beside the data; a whole path could be longer than a socket's may be.
        "--socket=socket",
        "--pid-file=pid",
        f"--bind-address={LOOPBACK}",
        f"--port={port}",
        "--skip-name-resolve",
        "--max-connections=500",
        "--performance-schema=off",
        # What is committed outlives the server, though not the machine: its disk isn't waited for.
        "--innodb-flush-log-at-trx-commit=2",
    ]


def environment(directory: Path) -> dict[str, str]:
    # A starting server sweeps away what others have in a shared directory for temporary files.
    return {**os.environ, "TMPDIR": str(_temporary(directory))}


def url(port: int, password: str) -> str:
    return f"mysql://mud:{password}@{LOOPBACK}:{port}/mud"


def answers(port: int) -> bool:
    """Whether a server greets: the first byte after the packet's head is the protocol's version, 10."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1) as server, server.makefile("rb") as greeting:
            return greeting.read(5)[4:] == b"\n"
    except OSError:
        return False


def _temporary(directory: Path) -> Path:
    return directory / "tmp"
