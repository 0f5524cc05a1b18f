"""Learning from a finished day: what its vans did, held against what was expected of them.

A day is learned once, hours after its last shift, and taken into the depot's past by one conditional write.
What comes later, from a phone that was out of reach or by a correction, changes nothing in it: a correction
changes what came of a visit, not how long it took. Weak point: a van that is still out then counts as far as
it has come.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from chalicelib.errors import StaleWrite
from chalicelib.events import Tenant
from chalicelib.fleet.calendar import work_clock
from chalicelib.fleet.model import Depot
from chalicelib.fleet.past import KEY_BYTES, Past, assuming
from chalicelib.fleet.planning import TravelFor
from chalicelib.fleet.plans import PlanKey
from chalicelib.fleet.progress import Progress
from chalicelib.fleet.store import FleetStore
from chalicelib.reminders import Reminder, ReminderKind
from chalicelib.routing.edit import renumbered, reordered
from chalicelib.routing.finished import FinishedShift, ToldVisit
from chalicelib.routing.history import doors_after
from chalicelib.routing.pace import Door
from chalicelib.routing.packed import Route
from chalicelib.routing.travel_times import TravelTimes
from chalicelib.routing.uncertainty import Noise
from chalicelib.units import HOUR, MINUTE, Seconds, Timestamp

SETTLES: Final[Seconds] = 4 * HOUR  # late vans are back, and phones have told what they know


def to_learn(plan: PlanKey, ends_at: Timestamp) -> Reminder:
    """Remind of learning a day one of whose shifts ends then."""
    return Reminder(kind=ReminderKind.LEARN_DAY, subject=str(plan), due_at=ends_at + SETTLES)


class Learning:
    """Learns days; one per process, holds no state.

    Parameters
    ----------
    entropy
        Gives that many random bytes, for the key of a new past.
    """

    def __init__(
        self,
        store: FleetStore,
        travel_for: TravelFor,
        *,
        noise: Noise,
        entropy: Callable[[int], bytes],
    ) -> None:
        self._store, self._travel_for = store, travel_for
        self._noise, self._entropy = noise, entropy

    def learn(self, tenant: Tenant, plan: PlanKey, now: Timestamp) -> Timestamp | None:
        """Learn from a day if it is over; gives when to come again if it is not.

        May be done twice or late: a day that is known is passed over. Cost: three reads, one write, one
        look-up of legs and some 6 ms for each shift.
        """
        depot = self._store.depot(tenant, plan.depot_id)
        driven = self._store.progresses(tenant, plan)
        if depot is None or not driven:
            return None
        found = self._store.routes(tenant, plan.depot_id, first=plan.day, last=plan.day, consistent=True)
        routes = {route.shift.shift_id: route for _, route in found if route.shift.shift_id in driven}
        settled_at = max((route.shift.ends_at for route in routes.values()), default=0) + SETTLES
        if now < settled_at:
            return settled_at
        past = self._store.pasts.stored_past(tenant, depot)
        if past.has(plan.day):
            return None
        past = replace(past, key=past.key or self._entropy(KEY_BYTES))
        shifts = list(_finished(routes, driven, past, self._travel_for(depot)))
        try:
            self._store.pasts.save_past(
                tenant, depot.depot_id, past_after(past, plan, shifts, depot, self._noise)
            )
        except StaleWrite:
            return now + MINUTE  # another day of this depot, or this one, is learned at the same time
        return None


def past_after(
    past: Past, plan: PlanKey, shifts: Sequence[FinishedShift], depot: Depot, noise: Noise
) -> Past:
    """Take a day's finished shifts into a past."""
    clock = work_clock(depot, plan.day, plan.day)
    history, seen = assuming(past.history, noise), list[tuple[int, Door]]()
    offset = past.utc_offset(shifts[0].left_at) if shifts else 0
    for shift in shifts:
        doors = doors_after(shift, clock, history.habits(shift.driver, utc_offset=offset))
        marked = zip(past.marks_at(shift.route.stops).tolist(), doors, shift.told.tolist(), strict=True)
        seen += [(mark, door) for mark, door, told in marked if told]
    history = history.after(shifts, clock, utc_offset=offset)
    return past.with_day(plan.day, history, past.doors.after(seen, plan.day))


def _finished(
    routes: Mapping[str, Route], driven: Mapping[str, Progress], past: Past, travel: TravelTimes
) -> Iterator[FinishedShift]:
    for shift_id, route in sorted(routes.items()):
        shift = finished(renumbered(route, travel), driven[shift_id], past, travel)
        if shift is not None:
            yield shift


def finished(route: Route, progress: Progress, past: Past, travel: TravelTimes) -> FinishedShift | None:
    """Read a shift as it was driven out of what was told of it; None if the van went nowhere."""
    over = [
        (at, ToldVisit(arrived_at=each.arrived_at, left_at=each.left_at, sure=not each.inferred))
        for each in progress.served
        if each.left_at is not None and (at := route.index_of(each.stop_id)) is not None
    ]
    if progress.departed_at is None or not over:
        return None
    driven = reordered(route, [(route, at) for at, _ in over], travel)
    return FinishedShift.of(
        driven,
        [visit for _, visit in over],
        [(rest.began_at, rest.ended_at) for rest in progress.rests if rest.ended_at is not None],
        driver=past.mark_of(progress.driver),
        left_at=progress.departed_at,
        doors=past.doors_at(driven.stops),
    )
