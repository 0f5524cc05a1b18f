"""What improving plans needs of a store.

Weak point: a request is counted behind the booking that made it, by whoever reads its fact; a fact read twice
counts twice, and costs a run that finds nothing to do.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from chalicelib.dispatch.model import Replan, Requests, Work
from chalicelib.events import Fact, Tenant
from chalicelib.fleet.model import Depot
from chalicelib.fleet.planning import PlanStore
from chalicelib.fleet.plans import PlanKey, RouteWrite
from chalicelib.receipts import ReceiptRow

if TYPE_CHECKING:
    from chalicelib.fleet.progress import Progress  # a search need not know how far vans are


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanChanges:
    """What one improvement writes: all of it or nothing.

    Attributes
    ----------
    routes
        Each is stored as `route.version + 1`, on condition that `route.version` is what is stored.
    replan
        On condition that its version is what is stored.
    known
        Progress of vans, on condition that they have passed no milestone more.
    facts
        Written together as one outbox row; all are about plans.
    """

    routes: tuple[RouteWrite, ...] = ()
    known: "tuple[Progress, ...]" = ()
    replan: Replan | None = None
    facts: tuple[Fact, ...] = ()
    receipt: ReceiptRow | None = None


class DispatchStore(PlanStore, Protocol):
    """Where plans and their replans live. Every read is of one tenant only, and strongly consistent."""

    def depot(self, tenant: Tenant, depot_id: str) -> Depot | None:
        """One depot."""
        ...

    def progresses(self, tenant: Tenant, plan: PlanKey) -> "Mapping[str, Progress]":
        """How far the vans of a plan are, by shift; whoever nothing was heard of is missing."""
        ...

    def request(self, tenant: Tenant, plan: PlanKey, work: Work) -> int:
        """Count one more request; gives its number."""
        ...

    def requests(self, tenant: Tenant, plan: PlanKey, work: Work) -> Requests:
        """How many requests there were for a plan, and how many are covered."""
        ...

    def finish_requests(
        self, tenant: Tenant, plan: PlanKey, work: Work, covered: int, improved: Mapping[str, int]
    ) -> None:
        """Note that a run covers all requests up to a number; no effect if a later one is noted already."""
        ...

    def replan(self, tenant: Tenant, replan_id: str) -> Replan | None:
        """One replan."""
        ...

    def commit_plan(self, tenant: Tenant, changes: PlanChanges) -> None:
        """Apply everything or nothing.

        Raises
        ------
        StaleWrite
            A condition no longer held, or the rows were being written at that moment.
        AlreadyDone
            The receipt exists: this very request had its effect before.
        Upstream
            The store did not answer; whether it was applied was looked up, and it was not.
        """
        ...
