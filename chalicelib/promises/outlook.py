"""How a promise stands right now: planned arrival, expected arrival, and the probability of being kept.

Computed from the route as it is and from what has happened on its shift, never stored. Weak point: before the
van leaves, the expected arrival is the plan's, with the scenarios' spread.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from chalicelib.events import Tenant
from chalicelib.fleet.arrival import EtaStatus
from chalicelib.fleet.planning import DepotPlans, Planner, is_unassigned
from chalicelib.fleet.plans import PlanKey
from chalicelib.fleet.progress import Progress
from chalicelib.fleet.risk import Risk, visits, visits_ahead
from chalicelib.promises.model import Promise
from chalicelib.promises.store import PromiseStore
from chalicelib.routing.model import Stop, StopFlag, TimeWindow
from chalicelib.routing.packed import Route
from chalicelib.routing.proof import forecast
from chalicelib.units import MINUTE, Probability, Seconds, StopId, Timestamp

if TYPE_CHECKING:  # whoever holds a slot forecasts nothing
    from chalicelib.fleet.live import Live, Turn
    from chalicelib.fleet.past import Past

TOLD_IN: Final[Seconds] = 5 * MINUTE  # steps of what buyers are told: to the minute it would promise too much
_UNDER_WAY = (EtaStatus.UNDER_WAY, EtaStatus.NEXT, EtaStatus.AT_THE_DOOR)
_MOST_ONE_BY_ONE = 4  # shifts: of more, a query for all of the plan is one request


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What the plan says of one promise.

    Attributes
    ----------
    planned_at
        Planned start of service; what it was when the van was loaded, from then on.
    earliest_at, expected_at, latest_at
        Start of service in 5 %, 50 % and 95 % of the scenarios, waiting at a closed window included.
    stops_before
        Deliveries the van makes first.
    risk
        See `fleet.risk`; None while it is only held.
    pinned_to
        The shift a human fixed it to, if one did.
    """

    planned_at: Timestamp
    earliest_at: Timestamp
    expected_at: Timestamp
    latest_at: Timestamp
    stops_before: int
    kept: Probability
    risk: Risk | None
    pinned_to: str | None = None
    status: EtaStatus = EtaStatus.PLANNED

    @property
    def told(self) -> TimeWindow | None:
        """When a buyer is told the van comes, outwards; None unless it is under way and heard of."""
        if self.status not in _UNDER_WAY:
            return None
        start, end = self.earliest_at // TOLD_IN * TOLD_IN, -(-self.latest_at // TOLD_IN) * TOLD_IN
        return TimeWindow(start=start, end=max(end, start + TOLD_IN))


def outlooks(
    store: PromiseStore, planner: Planner, tenant: Tenant, promises: Sequence[Promise], now: Timestamp
) -> dict[StopId, Outlook]:
    """Work out how open promises stand; one that no van has is not in the answer.

    Cost: a read of each plan concerned, one of each van's shifts or of all, another once an hour, and the
    scenarios of each route concerned.
    """
    by_plan = defaultdict[tuple[str, date], list[Promise]](list)
    for promise in promises:
        if not promise.state.finished:
            by_plan[promise.found.depot_id, promise.found.day].append(promise)
    found: dict[StopId, Outlook] = {}
    for (depot_id, day), open_ones in by_plan.items():
        depot = store.depot(tenant, depot_id)
        if depot is None:
            continue
        plans = planner.read(tenant, depot, day, day, now=now, consistent=False)
        holders = {promise.stop_id: plans.holder(promise.stop_id) for promise in open_ones}
        routes = list({id(route): route for route in holders.values() if route}.values())
        if not routes:
            continue
        today = Today.read(store, tenant, plans, day, now, routes=routes)
        for route in routes:
            here = [stop_id for stop_id, holder in holders.items() if holder is route]
            found |= today.outlooks(route, here)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """A plan on its day: what has happened of it, and what earlier days say.

    Attributes
    ----------
    progresses
        How far its shifts have come, by their ids; those of the vans that were asked for at least.
    """

    place: PlanKey
    plans: DepotPlans
    progresses: Mapping[str, Progress]
    now: Timestamp
    past: "Past"

    @staticmethod
    def read(
        store: PromiseStore,
        tenant: Tenant,
        plans: DepotPlans,
        day: date,
        now: Timestamp,
        *,
        routes: Sequence[Route] | None = None,
    ) -> "Today":
        """Read what there is beside the plans: how far vans have come, and once an hour the past.

        Parameters
        ----------
        routes
            The only ones that are asked for. A few vans are read one by one: all those of a large depot are
            hundreds of kilobytes.
        """
        place = PlanKey(depot_id=plans.depot.depot_id, day=day)
        vans = {route.shift.vehicle_id for route in (plans.routes if routes is None else routes)}
        shifts = [
            route.shift.shift_id
            for of, route in zip(plans.days, plans.routes, strict=True)
            if of == day and route.shift.vehicle_id in vans
        ]
        if len(shifts) > _MOST_ONE_BY_ONE:
            progresses = store.progresses(tenant, place)
        else:
            found = {shift_id: store.progress(tenant, place, shift_id) for shift_id in shifts}
            progresses = {shift_id: progress for shift_id, progress in found.items() if progress is not None}
        past = store.pasts.past(tenant, plans.depot, now)
        return Today(place=place, plans=plans, progresses=progresses, now=now, past=past)

    def outlooks(self, route: Route, stop_ids: Sequence[StopId]) -> dict[StopId, Outlook]:
        """How stops of one route stand; what is behind is not in the answer."""
        from chalicelib.fleet.turns import turn_before

        shift_id = route.shift.shift_id
        progress = self.progresses.get(shift_id)
        before = turn_before(route, self.plans.routes, self.progresses, self._look)
        if before is None and (progress is None or not progress.milestones):
            return outlooks_in(self.plans, route, stop_ids, self.now, progress)
        known = progress or Progress(shift_id=shift_id, plan=self.place)
        return _under_way(self.plans, route, known, self._look(route, known, before), stop_ids, self.now)

    def _look(self, route: Route, progress: Progress, before: "Turn | None") -> "Live":
        from chalicelib.fleet.live import live

        world, travel = self.plans.world, self.plans.travel
        return live(route, progress, self.now, world=world, travel=travel, past=self.past, before=before)


def outlooks_in(
    plans: DepotPlans,
    route: Route,
    stop_ids: Sequence[StopId],
    now: Timestamp,
    progress: Progress | None = None,
) -> dict[StopId, Outlook]:
    """How stops of a route stand that nobody has begun to drive; it may be about to be written.

    Parameters
    ----------
    progress
        What is kept of its shift since its van was loaded.
    """
    if is_unassigned(route):
        return {}
    stood = visits([route], now, world=plans.world, travel=plans.travel)[0]
    by_stop = {visit.stop.stop_id: visit for visit in stood}
    starts = forecast([route], now, plans.world)[0]
    found = {}
    for stop_id in stop_ids:
        at, visit = route.index_of(stop_id), by_stop.get(stop_id)
        if at is not None and visit is not None:
            earliest, expected, latest = (round(start) for start in starts[at].tolist())
            found[stop_id] = Outlook(
                planned_at=_planned(visit.stop, progress) or visit.planned_at or expected,
                earliest_at=earliest,
                expected_at=expected,
                latest_at=latest,
                stops_before=at,
                kept=visit.kept or 0.0,
                risk=visit.risk,
                pinned_to=route.shift.shift_id if StopFlag.PINNED in visit.stop.flags else None,
            )
    return found


def _under_way(
    plans: DepotPlans,
    route: Route,
    progress: Progress,
    day: "Live",
    stop_ids: Sequence[StopId],
    now: Timestamp,
) -> dict[StopId, Outlook]:
    """How stops stand whose van has something behind it: judged on the rest of its way."""
    stood = visits_ahead(day, now, world=plans.world, travel=plans.travel)
    by_stop = {visit.stop.stop_id: visit for visit in stood}
    found = {}
    for stop_id in stop_ids:
        arrival, at = day.arrivals.get(stop_id), route.index_of(stop_id)
        if arrival is None or at is None:
            continue
        stop, visit = route.stop(at), by_stop.get(stop_id)
        in_time = arrival.expected_at <= stop.window.end  # of one that is being served, the rest says nothing
        planned_at = _planned(stop, progress) or (visit.planned_at if visit else None)
        found[stop_id] = Outlook(
            planned_at=planned_at or arrival.expected_at,
            earliest_at=arrival.earliest_at,
            expected_at=arrival.expected_at,
            latest_at=arrival.latest_at,
            stops_before=arrival.stops_before,
            kept=(visit.kept or 0.0) if visit else float(in_time),
            risk=visit.risk if visit else (Risk.KEPT if in_time else Risk.BROKEN),
            pinned_to=route.shift.shift_id if StopFlag.PINNED in stop.flags else None,
            status=arrival.status,
        )
    return found


def _planned(stop: Stop, progress: Progress | None) -> Timestamp | None:
    """What was planned as its van was loaded; of a stop that went to a later window since, nothing."""
    at = progress.planned.get(stop.stop_id) if progress is not None else None
    return at if at is not None and at >= stop.window.start else None
