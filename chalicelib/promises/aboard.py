"""A parcel on a van that is loaded: what may still become of it on the way, and what once it is back.

What is left of a route is a route, so a later place on the same van is found, judged and written like any
other; all else waits until the van is back at its depot, and another can load the parcel. Whoever the van is
at, or drives to, is left in peace. Weak point: a van of which nothing was heard is taken to be where its plan
says, and a driver who was out of reach may have served a stop that is given away here.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from chalicelib.errors import OffRoad
from chalicelib.fleet.calendar import slots_between
from chalicelib.fleet.model import Slot
from chalicelib.fleet.planning import DepotPlans
from chalicelib.fleet.plans import RouteWrite
from chalicelib.fleet.progress import Progress, as_planned, heading_to, served_by, underway
from chalicelib.promises.model import Delivery
from chalicelib.promises.outlook import Today
from chalicelib.promises.placing import Placed
from chalicelib.promises.refusals import LEAST_TO_CUTOFF
from chalicelib.routing.altered import Cause, altered
from chalicelib.routing.edit import reordered, with_stop, without
from chalicelib.routing.insertion import Insertion, Proof
from chalicelib.routing.model import StopFlag, StopKind, TimeWindow, Visit
from chalicelib.routing.packed import Route
from chalicelib.routing.proof import World, judge
from chalicelib.routing.sweeps import Sweeps
from chalicelib.routing.underway import Underway, on_road, rest_of, whole
from chalicelib.units import StopId, Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Aboard:
    """One parcel of a loaded van.

    Attributes
    ----------
    stored
        The van's route as it is stored.
    progress
        What is known of its day; a change relies on there being no milestone more.
    route
        The stored one, in which a stop that was tried in vain is ahead again.
    there, emptied
        How far the van is, and what it has ahead without this stop.
    tried
        The van was at the door, in vain.
    awaited
        The van is at the door, or drives to it, or must be taken to.
    retries
        Whether the van could still come (again).
    expected_at
        When it is expected there; None if it was tried, is awaited, or the van is back.
    """

    today: Today
    stop_id: StopId
    stored: Route
    progress: Progress
    route: Route
    there: Underway
    emptied: Route
    tried: bool
    awaited: bool
    retries: bool
    expected_at: Timestamp | None

    @staticmethod
    def of(today: Today, stored: Route, stop_id: StopId) -> "Aboard | None":
        """Look at a stop of a van's route; None while its parcel is at the depot.

        Cost: what it takes to judge one route.
        """
        plans, now, shift = today.plans, today.now, stored.shift
        known = today.progresses.get(shift.shift_id)
        progress = known or Progress(shift_id=shift.shift_id, plan=today.place)
        if now < shift.loads_at and progress.departed_at is None:
            return None
        visit = progress.visit(stop_id)
        was_there = stop_id in served_by(stored, progress)
        tried = was_there and visit is not None and visit.in_vain
        retries = not progress.is_back and progress.down_at is None and now < shift.ends_at
        route = stored
        if tried and retries:
            retries = not _is_again(stored, stop_id)
            route = _tried_again(stored, stop_id, plans) if retries else stored
        there = _how_far(route, progress, plans, now)
        world = on_road(plans.world)
        rest = rest_of(route, there, plans.travel)
        ahead = rest.index_of(stop_id)
        awaited = (
            not tried
            and not progress.is_back
            and (heading_to(stored, progress) == stop_id or ahead is None or ahead < there.towards)
        )
        outlook = None
        if not tried and not awaited and not progress.is_back:
            outlook = today.outlooks(stored, [stop_id]).get(stop_id)
        return Aboard(
            today=today,
            stop_id=stop_id,
            stored=stored,
            progress=progress,
            route=route,
            there=there,
            emptied=without(rest, stop_id, plans.travel, now, world),
            tried=tried,
            awaited=awaited,
            retries=retries,
            expected_at=outlook.expected_at if outlook else None,
        )

    @property
    def plans(self) -> DepotPlans:
        """Those around the van, as it was found in them."""
        return self.today.plans

    @property
    def now(self) -> Timestamp:
        """When that was."""
        return self.today.now

    @property
    def back_at(self) -> Timestamp:
        """From when on another van can load the parcel."""
        return self.now if self.progress.is_back else max(self.stored.shift.ends_at, self.now)

    def slots(self, visit: Visit) -> Iterator[tuple[Slot, Proof]]:
        """The slots of its day in which the van could come (again), each with the proven place."""
        depot, day = self.plans.depot, self.progress.plan.day
        slots = [
            slot
            for slot in slots_between(depot, day, day)
            if slot.sell and self.now + LEAST_TO_CUTOFF <= slot.window.end
        ]
        for slot, proofs in zip(slots, self._proofs(visit, [slot.window for slot in slots]), strict=True):
            if proofs:
                yield slot, proofs[0]

    def moved(
        self, delivery: Delivery, window: TimeWindow, *, not_before: Timestamp | None = None
    ) -> Placed | None:
        """Put the stop elsewhere among what the van has ahead; None if that wrongs somebody or comes late.

        Parameters
        ----------
        not_before
            It is to be planned no earlier; its window stays what it is.
        """
        try:
            visit = delivery.visit(self.plans.travel)
        except OffRoad:
            return None
        sought = window
        if not_before is not None:
            if not_before > window.end:
                return None
            sought = replace(window, start=max(window.start, not_before))
        flags = StopFlag.AGAIN if self.tried or _is_again(self.stored, self.stop_id) else StopFlag.NONE
        stop = replace(visit.stop(self.stop_id, window), flags=flags)
        for proof in self._proofs(visit, [sought])[0]:
            rest = with_stop(proof.candidate, stop, self.plans.travel, self.now, self._world)
            if rest is not None and self._starts(rest) >= sought.start:
                return self._placed(rest)
        return None

    def given_away(self) -> RouteWrite:
        """The van's route when the stop is somebody else's, or nobody's: what was tried is done."""
        at = self.stored.index_of(self.stop_id)
        if self.tried and at is not None:
            return self.plans.write(self.stored.marked(at, kind=StopKind.DONE))
        return self.plans.write(whole(self.route, self.there, self.emptied, self.plans.travel))

    def noted(self) -> RouteWrite:
        """The van's route as it is, in a new version: its driver is to read the manifest again."""
        return self.plans.write(self.stored)

    def explained(
        self, writes: Iterable[RouteWrite], because: Cause, by: str | None = None
    ) -> tuple[RouteWrite, ...]:
        """The same writes, in which the van's route says why it is not what its driver knew."""
        return tuple(
            replace(write, route=self._explained(write.route, because, by))
            if write.route.shift.shift_id == self.stored.shift.shift_id
            else write
            for write in writes
        )

    def _explained(self, route: Route, because: Cause, by: str | None) -> Route:
        touched = [self.stop_id]
        return altered(self.stored, route, because=because, by=by, now=self.now, touched=touched)

    @property
    def _world(self) -> World:
        return on_road(self.plans.world)

    def _proofs(self, visit: Visit, windows: Sequence[TimeWindow]) -> list[list[Proof]]:
        """For each window the proven places behind the stop that the van drives to, the cheapest first."""
        if not self.retries or not windows:
            return [[] for _ in windows]
        sweeps = Sweeps(self._world)
        swept = sweeps.of([self.emptied], self.now)
        search = Insertion(sweeps, swept, swept.able(visit), visit, windows, self.plans.travel, self.now)
        return [
            [each for each in search.choices(at) if each.candidate.gap >= self.there.towards]
            for at in range(len(windows))
        ]

    def _starts(self, rest: Route) -> float:
        """When service at the stop is planned to start."""
        at = rest.index_of(self.stop_id)
        return 0.0 if at is None else float(judge([rest], self.now, self._world)[0].start[at])

    def _placed(self, rest: Route) -> Placed:
        route = whole(self.route, self.there, rest, self.plans.travel)
        outlook = self.today.outlooks(route, [self.stop_id])[self.stop_id]
        return Placed(writes=(self.plans.write(route),), found=self.plans.found(route), outlook=outlook)


def _how_far(route: Route, progress: Progress, plans: DepotPlans, now: Timestamp) -> Underway:
    if progress.heard or now < route.shift.starts_at:
        return underway(route, progress, now, plans.travel)
    return as_planned(route, judge([route], now, plans.world)[0].start[:-1].tolist(), now)


def _is_again(route: Route, stop_id: StopId) -> bool:
    at = route.index_of(stop_id)
    return at is not None and StopFlag.AGAIN in route.stop(at).flags


def _tried_again(route: Route, stop_id: StopId, plans: DepotPlans) -> Route:
    """The route with a stop that was tried behind all others, to be tried again."""
    at = route.index_of(stop_id)
    others = [(route, place) for place in range(len(route.stops)) if place != at]
    anew = reordered(route, [*others, *([(route, at)] if at is not None else [])], plans.travel)
    flags = anew.stop(len(others)).flags | StopFlag.AGAIN
    return anew.marked(len(others), flags=flags)
