"""What the figures need of a store: nothing of their own, only what others wrote."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from chalicelib.events import Tenant
from chalicelib.fleet.model import Depot
from chalicelib.fleet.plans import PlanKey
from chalicelib.fleet.progress import Progress
from chalicelib.promises.model import Promise
from chalicelib.promises.store import Page, PromiseQuery
from chalicelib.units import StopId


class KpiStore(Protocol):
    """Where promises and shifts are read. Every read is of one tenant only."""

    def depots(self, tenant: Tenant) -> Sequence[Depot]:
        """All depots."""
        ...

    def promises(
        self, tenant: Tenant, query: PromiseQuery, *, limit: int, start: str | None
    ) -> Page[Promise]:
        """List promises, oldest first."""
        ...

    def promises_named(self, tenant: Tenant, stop_ids: Sequence[StopId]) -> Sequence[Promise]:
        """Promises by their ids, strongly consistent, in the same order; those not there left out."""
        ...

    def progresses(self, tenant: Tenant, plan: PlanKey) -> Mapping[str, Progress]:
        """How far the shifts of a plan have come, by their ids, strongly consistent."""
        ...
