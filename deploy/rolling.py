"""The rolling program: replaces every instance of every service, one after the other, on whatever kind of cluster.

Start the new one, wait until it is ready and found, send work to it, drain the old one, wait until it has ended and
whoever it held is back; then the next. A new one that doesn't get ready stops the roll: its predecessor has not been
touched.
"""

import time

from deploy.crossing import Crossing
from deploy.metrics import Metrics
from deploy.report import Replaced, Report
from deploy.target import GRACE, T, Target
from deploy.terminal import say
from deploy.trouble import Trouble
from deploy.waiting import wait_for

# How an instance counts what it holds, where it holds anything: players, and battles that somebody follows.
HOLDS = {"gateway": "gateway_sessions", "battle-svc": "battle_watchers"}
# Who calls a service. Of one that holds nothing, calls that failed are what counts.
CALLERS = {"user-svc": ("battle-svc", "gateway"), "chat-svc": ("gateway",), "battle-svc": ("gateway",)}

# How long after the end of the old one somebody may be missing before they count as dropped.
BACK_WITHIN = 15.0
# How soon every caller of a service has found an instance that is ready; they look every second.
FOUND_WITHIN = 10.0
SAMPLE_EVERY = 0.1


def roll(target: Target[T], report: Report) -> None:
    """Replaces everything; what came of it is in the report, also when it ends early."""
    began = time.monotonic()
    try:
        target.prepare()
        for service in target.services:
            for old in target.instances(service):
                say(f"replacing {old.name}")
                report.replaced.append(_replace(target, old))
    except Trouble as trouble:
        report.stopped = str(trouble)
    finally:
        target.close()
        report.seconds = time.monotonic() - began


def _replace(target: Target[T], old: T) -> Replaced:
    began = time.monotonic()
    failed_before = _failed(target, old.service)
    new = target.start(old)
    ready = time.monotonic()
    if not wait_for(lambda: _found(target, old.service), FOUND_WITHIN):
        target.drain(new)
        _watch(target, new, None)
        target.finish(new)
        raise Trouble(f"{new.name} was ready, but not all who call it have found it")
    target.admit(new, old)

    crossing = _crossing(target, old) if old.service in HOLDS else None
    asked = time.monotonic()
    target.drain(old)
    ended = _watch(target, old, crossing)
    code = target.finish(old)
    done = Replaced(old.service, old.name, new.name, ready - began, ended - asked, code)
    if crossing:
        done.moved, done.dropped, done.slowest = crossing.moved, crossing.missing, crossing.slowest
    else:
        done.dropped = max(0, round(_failed(target, old.service) - failed_before))
    return done


def _watch(target: Target[T], leaving: T, crossing: Crossing | None) -> float:
    """Waits until one has ended, or has had its time, and nobody is missing; answers when it ended."""
    asked = time.monotonic()
    ended = None
    while True:
        if crossing:
            crossing.sample()
        now = time.monotonic()
        if ended is None and (target.ended(leaving) or now - asked > GRACE):
            ended = now
        if ended is not None and (not crossing or not crossing.missing or now - ended > BACK_WITHIN):
            return ended
        time.sleep(SAMPLE_EVERY)


def _crossing(target: Target[T], old: T) -> Crossing:
    metric = HOLDS[old.service]

    def held(instance: T) -> float:
        metrics = target.metrics(instance)
        return metrics.total(metric) if metrics else 0

    return Crossing(lambda: held(old), lambda: sum(held(instance) for instance in target.instances(old.service)))


def _found(target: Target[T], service: str) -> bool:
    """Whether everybody who calls the service knows all its instances as willing."""
    there = len(target.instances(service))
    seen = _callers(target, service)
    return all(m is not None and m.total("grpc_peers", service=service, state="serving") >= there for m in seen)


def _failed(target: Target[T], service: str) -> float:
    """How many calls to the service have failed because nobody answered, as its callers count them."""
    package = f"/mud.{service.removesuffix('-svc')}.v1.*"
    seen = [metrics for metrics in _callers(target, service) if metrics]
    return sum(m.total("grpc_client_seconds_count", method=package, code="unavailable") for m in seen)


def _callers(target: Target[T], service: str) -> list[Metrics | None]:
    """What those who call the service say of themselves."""
    return [target.metrics(caller) for kind in CALLERS.get(service, ()) for caller in target.instances(kind)]
