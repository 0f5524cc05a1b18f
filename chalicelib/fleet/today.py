"""What today has shown of a van, and what it does right now, told from its progress.

Each finished leg and visit is held against what was planned for it; a stop of which nobody said when the van
came, and a leg with a break in it, say nothing. Weak point: a new day begins with what is assumed of any
driver; what finished days would teach (`routing.history`) is not kept yet.
"""

from functools import lru_cache

from chalicelib.fleet.progress import Progress
from chalicelib.routing.activity import Activity, Doing
from chalicelib.routing.model import Stop
from chalicelib.routing.pace import Habits, Pace, Spread
from chalicelib.routing.packed import Route
from chalicelib.routing.travel_times import Places, TravelTimes, WorkClock
from chalicelib.routing.uncertainty import Noise
from chalicelib.routing.underway import Underway
from chalicelib.units import Timestamp


@lru_cache(maxsize=16)
def habits_of(noise: Noise) -> Habits:
    """What is expected of a driver nobody has seen, in a world with this noise."""
    return Habits.unknown(Spread.of(noise))


def pace_of(route: Route, progress: Progress, clock: WorkClock, habits: Habits, travel: TravelTimes) -> Pace:
    """What the finished legs and visits of a shift say of the rest; one look-up of all legs driven."""
    pace, left_at = Pace.at_start(habits), progress.departed_at
    visits = [(each, _stop(route, each.stop_id)) for each in progress.served]
    known = [(each, stop) for each, stop in visits if stop is not None]
    if left_at is None or not known:
        return pace
    depot = Places.of([route.shift.start], [route.start_node])
    doors = Places.of([stop.location for _, stop in known], [stop.node for _, stop in known])
    legs, _ = travel.pairs(Places.concat([depot, doors[:-1]]), doors)
    for (each, stop), leg in zip(known, legs.tolist(), strict=True):
        rested = any(left_at <= rest.began_at < each.arrived_at for rest in progress.rests)
        if not each.inferred and not rested and each.arrived_at > left_at:
            planned = float(clock.clock(clock.work(left_at) + leg)) - left_at
            pace = pace.drove(planned, each.arrived_at - left_at, left_at)
        if each.left_at is None:
            break
        began = max(each.arrived_at, stop.window.start)
        if not each.inferred and each.left_at > began:
            pace = pace.served(stop.service_time, each.left_at - began)
        left_at = each.left_at
    return pace


def activity_of(route: Route, progress: Progress, there: Underway, now: Timestamp) -> Activity:
    """What a van does right now; whoever is held up rests until that is over."""
    if progress.held_until is not None and progress.held_until > now:
        return Activity(doing=Doing.RESTING, since=now, planned=progress.held_until - now)
    if progress.departed_at is None:
        return Activity(doing=Doing.NOT_LEFT, since=now)
    if (serving := progress.serving) is not None and (stop := _stop(route, serving.stop_id)) is not None:
        began = max(serving.arrived_at, stop.window.start)
        return Activity(doing=Doing.AT_DOOR, since=began, planned=stop.service_time)
    if (rest := progress.resting) is not None:
        taken = route.shift.breaks[len(progress.rests) - 1 : len(progress.rests)]
        planned = sum(each.duration for each in taken)
        return Activity(doing=Doing.RESTING, since=rest.began_at, planned=planned)
    return Activity(doing=Doing.DRIVING, since=there.since)


def _stop(route: Route, stop_id: int) -> Stop | None:
    at = route.index_of(stop_id)
    return None if at is None else route.stop(at)
