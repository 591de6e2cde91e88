"""The rolling program on a cluster that is made up."""

from dataclasses import dataclass

import pytest

from deploy import rolling
from deploy.metrics import Metrics
from deploy.report import Limits, Report
from deploy.rolling import roll
from deploy.trouble import Trouble


@dataclass(eq=False)
class Instance:
    name: str
    service: str
    players: int = 0


class Target:
    """Gateways with players, and a service that holds nothing."""

    services = ("user-svc", "gateway")

    def __init__(self, refuses=(), unseen=(), lost=0, stubborn=(), failing=0, short_lived=(), busy=0):
        self.there = [Instance(f"{service}-{n}", service) for service in self.services for n in (1, 2)]
        for gateway in self.instances("gateway"):
            gateway.players = 10
        self.refuses, self.unseen, self.lost, self.stubborn, self.failing = refuses, unseen, lost, stubborn, failing
        self.short_lived, self.busy = short_lived, busy
        self.done, self.failed_calls = [], 0

    def prepare(self):
        self.done.append("prepare")

    def instances(self, service):
        return [instance for instance in self.there if instance.service == service]

    def start(self, old):
        if old.name in self.refuses:
            raise Trouble(f"{old.name}.2 was not ready in time")
        new = Instance(f"{old.name}.2", old.service)
        self.there.append(new)
        return new

    def admit(self, new, old):
        self.done.append(f"admit {new.name} for {old.name}")

    def drain(self, old):
        self.done.append(f"drain {old.name}")
        self.failed_calls += self.failing
        lost = self.lost if old.players else 0
        self.instances(old.service)[-1].players += old.players - lost
        old.players = 0

    def ended(self, old):
        return old.name not in self.stubborn

    def died(self):
        return [instance.name for instance in self.there if instance.name in self.short_lived]

    def finish(self, old):
        self.there.remove(old)
        return 137 if old.name in self.stubborn else 0

    def close(self):
        self.done.append("close")

    def metrics(self, instance):
        if instance.service == "gateway" and self.busy > 0:
            self.busy -= 1
            return None
        count = 'grpc_client_seconds_count{method="/mud.user.v1.UserService/Authenticate",code="unavailable"}'
        calls = self.failed_calls if instance.name == "gateway-1" else 0
        seen = [user for user in self.instances("user-svc") if user.name not in self.unseen]
        peers = f'grpc_peers{{service="user-svc",state="serving"}} {len(seen)}'
        return Metrics(f"gateway_sessions {instance.players}\n{count} {calls}\n{peers}\n")


@pytest.fixture(autouse=True)
def no_patience(monkeypatch):
    for name in ("BACK_WITHIN", "GRACE", "SAMPLE_EVERY"):
        monkeypatch.setattr(rolling, name, 0.01)
    monkeypatch.setattr(rolling, "FOUND_WITHIN", 0.2)


def rolled(target):
    report = Report("test", Limits(dropped=0, slowest=15))
    roll(target, report)
    return report


def test_one_after_the_other_is_replaced():
    target = Target()
    report = rolled(target)
    assert report.faults() == []
    assert [(r.old, r.new) for r in report.replaced] == [
        (f"{service}-{n}", f"{service}-{n}.2") for service in Target.services for n in (1, 2)
    ]
    assert target.done[:3] == ["prepare", "admit user-svc-1.2 for user-svc-1", "drain user-svc-1"]
    assert target.done[-1] == "close"
    assert (report.moved, report.dropped) == (20, 0)
    assert "4 replaced: moved 20, dropped 0" in report.as_text()
    assert report.as_json()["ok"] is True


def test_one_that_does_not_get_ready_stops_the_roll_and_costs_nothing():
    target = Target(refuses=["user-svc-2"])
    report = rolled(target)
    assert report.faults() == ["stopped: user-svc-2.2 was not ready in time"]
    assert [r.old for r in report.replaced] == ["user-svc-1"]
    assert {instance.name for instance in target.there} == {"user-svc-1.2", "user-svc-2", "gateway-1", "gateway-2"}
    assert "drain user-svc-2" not in target.done and target.done[-1] == "close"


def test_one_that_nobody_finds_is_taken_back():
    target = Target(unseen=["user-svc-1.2"])
    report = rolled(target)
    assert report.faults() == ["stopped: user-svc-1.2 was ready, but not all who call it have found it"]
    assert [instance.name for instance in target.instances("user-svc")] == ["user-svc-1", "user-svc-2"]
    assert target.done == ["prepare", "drain user-svc-1.2", "close"]


def test_players_who_do_not_come_back_are_dropped():
    report = rolled(Target(lost=3))
    assert [(r.moved, r.dropped) for r in report.replaced] == [(0, 0), (0, 0), (7, 3), (7, 3)]
    assert report.faults() == ["6 dropped, where 0 may be"]
    assert report.slowest >= rolling.BACK_WITHIN


def test_a_new_one_that_dies_later_stops_the_roll():
    report = rolled(Target(short_lived=["user-svc-1.2"]))
    assert report.faults() == ["stopped: user-svc-1.2 ended by itself"]
    assert [r.old for r in report.replaced] == ["user-svc-1"]


def test_players_are_counted_from_an_answer_and_not_from_silence():
    report = rolled(Target(lost=3, busy=5))
    assert [(r.moved, r.dropped) for r in report.replaced] == [(0, 0), (0, 0), (7, 3), (7, 3)]


def test_calls_that_fail_count_where_nothing_is_held():
    report = rolled(Target(failing=2))
    assert [r.dropped for r in report.replaced] == [2, 2, 0, 0]


def test_one_that_does_not_end_is_told():
    report = rolled(Target(stubborn=["gateway-1"]))
    assert report.faults() == ["gateway-1 ended with 137"]
    assert len(report.replaced) == 4
