"""Processes of this machine as something that can be rolled."""

import signal
from collections.abc import Sequence
from dataclasses import replace

from deploy.local import programs
from deploy.local.cluster import Cluster
from deploy.local.nginx import Route
from deploy.local.state import Member
from deploy.metrics import Metrics
from deploy.trouble import Trouble


class LocalTarget:
    """The cluster of `make up`."""

    def __init__(self, cluster: Cluster):
        self.cluster = cluster
        self.state = cluster.state
        # Gateways of the generation that goes; who comes while the roll lasts had better come to another.
        self._old = {gateway.name for gateway in self.state.of("gateway")}

    @property
    def services(self) -> Sequence[str]:
        return programs.SERVICES

    def prepare(self) -> None:
        if not self.cluster.whole():
            raise Trouble("the cluster is not whole; `make up` mends it")
        self.cluster.check()
        self.cluster.migrate()

    def instances(self, service: str) -> Sequence[Member]:
        there = [m for m in self.state.members if m.service == service and m.ready and m.process.alive()]
        return sorted(there, key=lambda member: (member.slot, member.generation))

    def start(self, old: Member) -> Member:
        generation = self.state.generations[old.slot] + 1
        return self.cluster.launch(old.service, old.slot, generation, taken=old.port)

    def admit(self, new: Member, old: Member) -> None:
        # The services find each other by their lists of addresses and by leases; only players have to be sent.
        old.leaving = True
        self.state.save()
        if new.service == "gateway":
            self.cluster.route([self._leaving(route) for route in self.cluster.routes()])

    def drain(self, old: Member) -> None:
        old.process.signal(signal.SIGTERM)

    def ended(self, old: Member) -> bool:
        return not old.process.alive()

    def died(self) -> Sequence[str]:
        return [m.name for m in self.state.members if m.ready and not m.leaving and not m.process.alive()]

    def finish(self, old: Member) -> int | None:
        return self.cluster.finish(old, grace=0)

    def close(self) -> None:
        if self.state.of("gateway") and self.state.of("nginx"):
            self.cluster.route(self.cluster.routes())

    def metrics(self, instance: Member) -> Metrics | None:
        return Metrics.of(instance.admin) if instance.admin else None

    def _leaving(self, route: Route) -> Route:
        goes = any(m.http == route.address and m.name in self._old for m in self.state.of("gateway"))
        return replace(route, leaving=goes)
