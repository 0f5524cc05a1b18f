"""The worker's side of a plan: every booking asks for a look at the plan it changed.

So far the look checks every route of the plan with the same exact code that sold it, and says how its
promises stand; improving it is the next step, at this same place.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from chalicelib.events import Tenant
from chalicelib.fleet.model import Depot
from chalicelib.fleet.planning import Planner
from chalicelib.fleet.risk import Risk, visits, waiting
from chalicelib.units import Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanState:
    """How the promises of a plan stand, in the words of `fleet.risk`."""

    routes: int
    kept: int
    at_risk: int
    broken: int


class DepotStore(Protocol):
    """Where depots are found."""

    def depot(self, tenant: Tenant, depot_id: str) -> Depot | None:
        """One depot."""
        ...


class Dispatch:
    """Looks after plans."""

    def __init__(self, depots: DepotStore, planner: Planner) -> None:
        self._depots, self._planner = depots, planner

    def check(self, tenant: Tenant, depot_id: str, day: date, now: Timestamp) -> PlanState | None:
        """Judge every promise of a plan as it is stored; None if the depot is gone.

        Cost: the scenarios of each route.
        """
        depot = self._depots.depot(tenant, depot_id)
        if depot is None:
            return None
        plans = self._planner.read(tenant, depot, day, day, now=now, consistent=True)
        routes = [
            route
            for route, of in zip(plans.routes, plans.days, strict=True)
            if of == day and len(route.stops)
        ]
        judged = visits(routes, depot.closures, now, world=plans.world, travel=plans.travel)
        nobodys = [visit for of, route in plans.unassigned if of == day for visit in waiting(route, now)]
        counts = Counter(visit.risk for here in [*judged, nobodys] for visit in here)
        return PlanState(
            routes=len(routes),
            kept=counts[Risk.KEPT],
            at_risk=counts[Risk.AT_RISK],
            broken=counts[Risk.BROKEN],
        )
