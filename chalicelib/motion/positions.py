"""What positions say by themselves: where a van is, when it came to a stop, when it left again.

A van has come when it was within `NEAR` metres of its next stop for `STAYS` seconds, and has left when it was
farther than `AWAY` for `GOES`; between the two circles nothing is concluded, so that a jittering position
says nothing twice. A tap wins over all of it (`motion.reducer`). A jump faster than `FASTEST` is ignored;
when `BELIEVED` of the ignored ones in a row agree with one another, it was the place before that was wrong.
Weak point: who waits a minute at a traffic light beside the next stop has come, until the tap says otherwise.
"""

from dataclasses import replace
from typing import Final

from chalicelib.fleet.area import metres_between
from chalicelib.fleet.progress import Hunch, Progress, Served, Sighting, heading_to
from chalicelib.motion.events import Event, Why
from chalicelib.routing.model import NOBODY, Location
from chalicelib.routing.packed import Route
from chalicelib.units import Metres, Seconds, StopId, Timestamp

FASTEST: Final = 200 / 3.6  # metres a second
JITTER: Final[Metres] = 200  # a position may be off by so much on both ends
TAPPED_LATE: Final[Metres] = 15_000  # how far a van may be when its driver thinks of the tap
BELIEVED: Final = 3
NEAR: Final[Metres] = 60
AWAY: Final[Metres] = 150
STAYS: Final[Seconds] = 60
GOES: Final[Seconds] = 30
FAR_FROM_DEPOT: Final[Metres] = 400
NULL_ISLAND: Final = Location(lat=0, lon=0)  # what a phone says that knows no place


def seen(progress: Progress, route: Route, event: Event) -> Progress | Why:
    """Take a position in, and what follows from it."""
    assert event.location is not None  # a position has one
    here = Sighting(location=event.location, at=event.at)
    if here.location == NULL_ISLAND:
        return Why.IMPOSSIBLE_JUMP
    if progress.seen is not None and here.at <= progress.seen.at:
        return Why.OUT_OF_DATE
    if not _is_possible(progress, route, here) and not _outvoted(progress, here):
        return Why.IMPOSSIBLE_JUMP
    progress = replace(progress, seen=here, doubted=None, doubts=0)
    return _concluded(progress, route, here)


def doubted(progress: Progress, event: Event) -> Progress:
    """Remember a position that was ignored: if the next ones agree with it, it was right."""
    assert event.location is not None
    here = Sighting(location=event.location, at=event.at)
    if here.location == NULL_ISLAND:
        return progress
    agrees = progress.doubted is not None and _can_be(progress.doubted, here)
    return replace(progress, doubted=here, doubts=progress.doubts + 1 if agrees else 1)


def _outvoted(progress: Progress, here: Sighting) -> bool:
    last = progress.doubted
    return last is not None and progress.doubts >= BELIEVED - 1 and _can_be(last, here)


def _is_possible(progress: Progress, route: Route, here: Sighting) -> bool:
    if progress.seen is not None:
        return _can_be(progress.seen, here)
    tapped = _last_place(progress, route)
    return tapped is None or _can_be(tapped, here, off=TAPPED_LATE)


def _can_be(before: Sighting, after: Sighting, *, off: Metres = JITTER) -> bool:
    metres = metres_between(before.location, after.location)
    return metres <= FASTEST * abs(after.at - before.at) + off


def _last_place(progress: Progress, route: Route) -> Sighting | None:
    """Where the van must have been when it was last heard of; None before it left."""
    if progress.served:
        last = progress.served[-1]
        place = _place_of(route, last.stop_id)
        return Sighting(location=place, at=last.left_at or last.arrived_at) if place else None
    if progress.departed_at is not None:
        return Sighting(location=route.shift.start, at=progress.departed_at)
    return None


def _concluded(progress: Progress, route: Route, here: Sighting) -> Progress:
    if progress.departed_at is None:
        if here.at < route.shift.loads_at:
            return progress
        gone = metres_between(route.shift.start, here.location) > FAR_FROM_DEPOT
        since = _since(progress, NOBODY, here.at, holds=gone)
        progress = replace(progress, hunch=Hunch(stop_id=NOBODY, since=since) if since else None)
        if since is not None and here.at - since >= GOES:
            return _milestone(replace(progress, departed_at=since))
        return progress
    stop_id = heading_to(route, progress)
    place = _place_of(route, stop_id) if stop_id is not None else None
    if stop_id is None or place is None:
        return replace(progress, hunch=None)
    metres = metres_between(place, here.location)
    serving = progress.serving is not None
    since = _since(progress, stop_id, here.at, holds=metres > AWAY if serving else metres <= NEAR)
    progress = replace(progress, hunch=Hunch(stop_id=stop_id, since=since) if since else None)
    if since is None or here.at - since < (GOES if serving else STAYS):
        return progress
    if serving:
        left = replace(progress.served[-1], left_at=max(since, progress.served[-1].arrived_at))
        return _milestone(replace(progress, served=(*progress.served[:-1], left)))
    since = max(since, progress.served[-1].arrived_at if progress.served else since)
    came = Served(stop_id=stop_id, arrived_at=since, inferred=True)
    return _milestone(replace(progress, served=(*progress.served, came)))


def _since(progress: Progress, stop_id: StopId, at: Timestamp, *, holds: bool) -> Timestamp | None:
    """From when on it has held without a break; None if it does not."""
    if not holds:
        return None
    hunch = progress.hunch
    return hunch.since if hunch is not None and hunch.stop_id == stop_id else at


def _milestone(progress: Progress) -> Progress:
    return replace(progress, hunch=None, milestones=progress.milestones + 1)


def _place_of(route: Route, stop_id: StopId) -> Location | None:
    at = route.index_of(stop_id)
    return None if at is None else route.stop(at).location
