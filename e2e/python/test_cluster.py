"""A small cluster on one machine, as operators start, mend, replace and end it."""

import json
import os
import signal
import socket
import urllib.request

import pytest

from cluster import FLAGS, Cluster
from player import Player

PROGRAMS = {f"{service}-{n}" for service in ("user-svc", "chat-svc", "battle-svc", "gateway") for n in (1, 2)}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """One cluster for all stories that leave it whole."""
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    started = cluster.up(*FLAGS)
    assert started.returncode == 0, started.stderr
    assert json.loads(started.stdout) == cluster.entries()
    yield cluster
    ended = cluster.down()
    assert ended.returncode == 0, ended.stderr
    assert cluster.processes() == []


@pytest.fixture
def other(tmp_path):
    """A directory for another one, with nothing in it."""
    other = Cluster(tmp_path / "other")
    yield other
    other.down()


def listens(address):
    host, port = address.rsplit(":", 1)
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def addresses(entries):
    return [entry[kind] for entry in entries for kind in ("http", "grpc", "admin") if kind in entry]


def test_all_of_it_is_there_and_told(cluster):
    entries = cluster.entries()
    assert {entry["name"] for entry in entries} == PROGRAMS | {"redis", "mariadb", "nginx"}
    for entry in entries:
        assert set(entry) - {"http", "grpc", "admin", "url"} == {"name", "service", "pid", "log"}
        os.kill(entry["pid"], 0)
        assert os.path.exists(entry["log"])
        if "admin" in entry:
            ready = urllib.request.urlopen(f"http://{entry['admin']}/ready", timeout=5)
            assert ready.status == 200
    assert all(map(listens, addresses(entries)))
    again = cluster.up()
    assert (again.returncode, json.loads(again.stdout)) == (0, entries)
    assert "up already" in again.stderr
    other_flags = cluster.up("battle-svc.tick-ms=1500")
    assert other_flags.returncode == 1
    assert "other settings" in other_flags.stderr


@pytest.mark.parametrize("transports", [["websocket"], ["polling"], ["polling", "websocket"]], ids="-".join)
def test_players_come_in_by_the_front_door(cluster, transports):
    player = Player(cluster.url, transports)
    player.sign_up()
    player.ask("battle:auto", {"dungeon": "1"})
    player.reach(5)
    player.ask("battle:stop")
    player.socket.disconnect()


def test_what_died_is_started_again_and_the_rest_left_alone(cluster):
    before = {entry["name"]: entry["pid"] for entry in cluster.entries()}
    for name in ("redis", "battle-svc-2"):
        os.kill(before[name], signal.SIGKILL)
    mended = cluster.up()
    assert mended.returncode == 0, mended.stderr
    after = {entry["name"]: entry["pid"] for entry in cluster.entries()}
    assert {name for name in after if after[name] != before.get(name)} == {"redis", "battle-svc-2"}
    assert set(after) == set(before)


def test_another_beside_it_comes_and_goes(cluster, other):
    started = other.up(*FLAGS)
    assert started.returncode == 0, started.stderr
    mine, theirs = cluster.entries(), other.entries()
    assert not set(addresses(mine)) & set(addresses(theirs))
    ended = other.down()
    assert ended.returncode == 0, ended.stderr
    assert other.processes() == []
    assert not any(map(listens, addresses(theirs)))
    assert all(map(listens, addresses(mine)))
    again = other.down()
    assert (again.returncode, again.stdout) == (0, "")
    assert "no cluster" in again.stderr


def test_a_program_that_does_not_start_is_told_and_nothing_stays(other):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        failed = other.up(*FLAGS, f"gateway.listen=127.0.0.1:{taken.getsockname()[1]}")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "gateway-1 ended with 1 before it was ready" in failed.stderr
    assert str(other.directory / "logs" / "gateway-1.log") in failed.stderr
    assert other.processes() == []


def test_wrong_flags_are_all_told_before_anything_is_touched(cluster, other):
    wrong = ("user-svc.no-such=1", "battle-svc.tick-ms=0", "battle-svc.save-every=soon", "gateway.outbox-bytes=none")
    before = cluster.entries()
    for command in (other.up(*wrong), cluster.deploy(flags=wrong)):
        assert command.returncode == 1
        for told in (
            "user-svc: ",
            "--no-such",
            "battle-svc: ",
            "--tick-ms",
            "--save-every",
            "gateway: ",
            "--outbox-bytes",
        ):
            assert told in command.stderr
    assert cluster.entries() == before
    assert other.processes() == []
    assert not (other.directory / "mariadb").exists()


def test_every_program_is_replaced_while_players_fight(cluster):
    players = [Player(cluster.url, ["websocket"], stays=True) for _ in range(6)]
    for player in players:
        player.sign_up()
        player.ask("battle:auto", {"dungeon": "1"})
        player.reach(2)

    rolled = cluster.deploy()
    report = json.loads(rolled.stdout)
    assert rolled.returncode == 0, rolled.stderr
    assert report["ok"]
    assert {replaced["old"]: (replaced["new"], replaced["exit"]) for replaced in report["replaced"]} == {
        name: (f"{name}.2", 0) for name in PROGRAMS
    }
    assert report["dropped"] == 0
    assert sum(r["moved"] for r in report["replaced"] if r["service"] == "gateway") == len(players)
    assert {entry["name"] for entry in cluster.entries()} >= {f"{name}.2" for name in PROGRAMS}

    for player in players:
        player.reach(player.seq + 2)
        assert player.faults == []
        assert player.connects == 2, "each comes back once, to a gateway that stays"
        player.ask("battle:stop")
        player.socket.disconnect()


def test_one_that_does_not_get_ready_stops_the_roll(cluster):
    before = cluster.entries()
    rolled = cluster.deploy(flags=(f"chat-svc.admin-listen={cluster.named('gateway-1.2')['admin']}",))
    report = json.loads(rolled.stdout)
    assert rolled.returncode == 1
    assert [replaced["service"] for replaced in report["replaced"]] == ["user-svc", "user-svc"]
    (stopped,) = report["faults"]
    assert "chat-svc-1" in stopped
    assert "Address already in use" in stopped
    others = [entry for entry in before if entry["service"] != "user-svc"]
    assert [entry for entry in cluster.entries() if entry["service"] != "user-svc"] == others
    # Nor is it remembered.
    assert cluster.up().returncode == 0
