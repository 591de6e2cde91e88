"""The rolling program: replaces every instance of every service, one after the other, on whatever kind of cluster.

Start the new one, wait until it is ready and found, send work to it, drain the old one, wait until it has ended and
whoever it held is back; then the next. A new one that doesn't get ready stops the roll: its predecessor has not been
touched. So does a new one that dies later.
"""

import time
from collections.abc import Callable

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
# How soon all who are asked for their metrics have answered once; one busy moment is no reason to stop.
ANSWERED_WITHIN = 10.0
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
                if died := target.died():
                    raise Trouble(f"{', '.join(died)} ended by itself")
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
    try:
        if not wait_for(lambda: _found(target, old.service), FOUND_WITHIN):
            raise Trouble(f"{new.name} was ready, but not all who call it have found it")
        crossing = _crossing(target, old) if old.service in HOLDS else None
    except Trouble:
        target.drain(new)
        _watch(target, new, None)
        target.finish(new)
        raise
    target.admit(new, old)

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

    def held(instance: T) -> float | None:
        if metrics := target.metrics(instance):
            return metrics.total(metric)
        return 0 if target.ended(instance) else None

    def total() -> float | None:
        counts = [held(instance) for instance in target.instances(old.service)]
        return sum(count for count in counts if count is not None) if None not in counts else None

    return Crossing(_said(lambda: held(old), old.name), _said(total, old.service), total)


def _said(count: Callable[[], float | None], by: str) -> float:
    """The first answer there is."""
    answer: float | None = None

    def answered() -> bool:
        nonlocal answer
        answer = count()
        return answer is not None

    if not wait_for(answered, ANSWERED_WITHIN) or answer is None:
        raise Trouble(f"{by} does not say how it stands")
    return answer


def _found(target: Target[T], service: str) -> bool:
    """Whether everybody who calls the service knows all its instances as willing."""
    there = len(target.instances(service))
    seen = _callers(target, service)
    return all(m is not None and m.total("grpc_peers", service=service, state="serving") >= there for m in seen)


def _failed(target: Target[T], service: str) -> float:
    """How many calls to the service have failed because nobody answered, as its callers count them."""
    package = f"/mud.{service.removesuffix('-svc')}.v1.*"

    def failed() -> float | None:
        seen = _callers(target, service)
        counts = [m.total("grpc_client_seconds_count", method=package, code="unavailable") for m in seen if m]
        return sum(counts) if len(counts) == len(seen) else None

    return _said(failed, f"a caller of {service}")


def _callers(target: Target[T], service: str) -> list[Metrics | None]:
    """What those who call the service say of themselves."""
    return [target.metrics(caller) for kind in CALLERS.get(service, ()) for caller in target.instances(kind)]
