"""The worker's side of a plan: every booking asks for a look at the plan it changed.

So far the look checks every route of the plan with the same exact code that sold it, and says how its
promises stand; improving it is the next step, at this same place.
"""

from dataclasses import dataclass
from datetime import date
from typing import Protocol

import numpy as np

from chalicelib.events import Tenant
from chalicelib.fleet.model import Depot
from chalicelib.fleet.planning import Planner
from chalicelib.routing.model import StopKind
from chalicelib.routing.packed import carried, fits
from chalicelib.units import Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanState:
    """How the promises of a plan stand.

    Attributes
    ----------
    broken
        Planned later than promised, or on a van that cannot carry them.
    at_risk
        On time as planned, but with less than the depot's `target_kept`.
    """

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

        Cost: the scenarios of each route that was not judged before.
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
        kept = at_risk = broken = 0
        for route, judged in zip(routes, plans.sweeps.judgements.of(routes, now), strict=True):
            promised = route.stops["kind"] == StopKind.PROMISED
            late = judged.late[:-1] > 0 if fits(carried(route, now), route.shift.capacity) else promised
            doubtful = (judged.kept[:-1] < depot.target_kept) & ~late
            broken += int(np.count_nonzero(promised & late))
            at_risk += int(np.count_nonzero(promised & doubtful))
            kept += int(np.count_nonzero(promised & ~late & ~doubtful))
        return PlanState(routes=len(routes), kept=kept, at_risk=at_risk, broken=broken)
