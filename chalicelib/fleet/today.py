"""What today has shown of a van, and what it does right now, told from its progress.

Each finished leg and visit is held against what was planned for it and what earlier days say of its driver,
its hour and its door; a stop of which nobody said when the van came, and a leg with a break in it, say
nothing. Weak point: what two vans of a depot meet on the same day is learned by each of them alone.
"""

from collections.abc import Iterator

from chalicelib.fleet.past import Past
from chalicelib.fleet.progress import Progress, Served
from chalicelib.routing.activity import Activity, Doing, Span
from chalicelib.routing.doors import door_of
from chalicelib.routing.model import Stop
from chalicelib.routing.pace import Habits, Pace
from chalicelib.routing.packed import Route
from chalicelib.routing.travel_times import Places, TravelTimes, WorkClock
from chalicelib.routing.underway import Underway
from chalicelib.units import Timestamp


def pace_of(
    route: Route, progress: Progress, clock: WorkClock, habits: Habits, travel: TravelTimes, past: Past
) -> Pace:
    """What the finished legs and visits of a shift say of the rest; one look-up of all legs driven."""
    pace, left_at = Pace.at_start(habits), progress.departed_at
    known = list(_visits(route, progress))
    if left_at is None or not known:
        return pace
    stops = [stop for _, _, stop in known]
    depot = Places.of([route.shift.start], [route.start_node])
    places = Places.of([stop.location for stop in stops], [stop.node for stop in stops])
    legs, _ = travel.pairs(Places.concat([depot, places[:-1]]), places)
    doors = past.doors_at(route.stops[[at for _, at, _ in known]])
    for number, ((each, _, stop), leg) in enumerate(zip(known, legs.tolist(), strict=True)):
        rested = any(left_at <= rest.began_at < each.arrived_at for rest in progress.rests)
        if not each.inferred and not rested and each.arrived_at > left_at:
            planned = float(clock.clock(clock.work(left_at) + leg)) - left_at
            pace = pace.drove(planned, each.arrived_at - left_at, left_at)
        if each.left_at is None:
            break
        began = max(each.arrived_at, stop.window.start)
        if not each.inferred and each.left_at > began:
            pace = pace.served(stop.service_time, each.left_at - began, door=door_of(doors, number))
        left_at = each.left_at
    return pace


def activity_of(
    route: Route,
    progress: Progress,
    there: Underway,
    now: Timestamp,
    past: Past,
    *,
    free_at: Span | None = None,
) -> Activity:
    """What a van does right now; whoever is held up rests until that is over.

    Parameters
    ----------
    free_at
        When the van is back from its shift before, if it is still out.
    """
    if progress.held_until is not None and progress.held_until > now:
        return Activity(doing=Doing.RESTING, since=now, planned=progress.held_until - now)
    if progress.departed_at is None:
        return Activity(doing=Doing.NOT_LEFT, since=now, free_at=free_at)
    if (serving := progress.serving) is not None and (at := route.index_of(serving.stop_id)) is not None:
        stop = route.stop(at)
        return Activity(
            doing=Doing.AT_DOOR,
            since=max(serving.arrived_at, stop.window.start),
            planned=stop.service_time,
            door=door_of(past.doors_at(route.stops[[at]]), 0),
            drove_off_at=_drove_off_at(progress),
        )
    if (rest := progress.resting) is not None:
        taken = route.shift.breaks[len(progress.rests) - 1 : len(progress.rests)]
        planned = sum(each.duration for each in taken)
        return Activity(doing=Doing.RESTING, since=rest.began_at, planned=planned)
    return Activity(doing=Doing.DRIVING, since=there.since)


def _visits(route: Route, progress: Progress) -> Iterator[tuple[Served, int, Stop]]:
    for each in progress.served:
        if (at := route.index_of(each.stop_id)) is not None:
            yield each, at, route.stop(at)


def _drove_off_at(progress: Progress) -> Timestamp:
    """When the van left the place before the one it is at; 0 if not known."""
    before = progress.served[-2].left_at if len(progress.served) > 1 else progress.departed_at
    return before or 0
