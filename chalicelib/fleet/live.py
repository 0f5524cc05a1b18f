"""When a van is expected at each stop, from what has happened on its shift so far.

`live` is the one place that says it: of promises, plans and manifests alike. What is behind is known; what
is ahead is the rest of the route, at the pace that today and earlier days have shown (`routing.arrivals`). A
shift whose van is still out on the one before begins when that is back. Weak point: of a van that has not
begun nobody knows yet who will drive it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from chalicelib.fleet.arrival import Arrival, EtaStatus
from chalicelib.fleet.past import Past
from chalicelib.fleet.progress import Progress, underway
from chalicelib.fleet.today import activity_of, pace_of
from chalicelib.routing.activity import Span
from chalicelib.routing.arrivals import arrivals as arrivals_of
from chalicelib.routing.closed import windows_left
from chalicelib.routing.packed import Route
from chalicelib.routing.proof import World
from chalicelib.routing.travel_times import TravelTimes
from chalicelib.routing.underway import rest_of
from chalicelib.units import MINUTE, Probability, Seconds, StopId, Timestamp

SILENT_FOR: Final[Seconds] = 20 * MINUTE  # what is expected of a van that nobody heard of for longer is stale


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """A shift under way.

    Attributes
    ----------
    rest
        What is ahead, as a route from where the van is.
    arrivals
        At the stops ahead, and at the one that is being served.
    kept
        Probability of being at each stop ahead within its window; 0 for a van that broke down.
    back_at
        When the van is at the shift's end: 5 %, 50 % and 95 %; None for one that broke down.
    """

    rest: Route
    arrivals: Mapping[StopId, Arrival]
    kept: Mapping[StopId, Probability]
    back_at: Span | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The shift that a van is still out on, as far as the next one has to wait for it.

    Attributes
    ----------
    back_at
        As in `Live`.
    """

    back_at: Span | None


def live(
    route: Route,
    progress: Progress,
    now: Timestamp,
    *,
    world: World,
    travel: TravelTimes,
    past: Past,
    before: Turn | None = None,
) -> Live:
    """Say when a van is expected where; before it left it leaves when it should, when it is back, or now.

    Parameters
    ----------
    before
        What the van still has to do before this shift, if it has not left (`fleet.turns`).

    Notes
    -----
    Cost: some 0.4 ms for 30 stops, a quarter of it the forecast itself, 0.1 ms more where doors are known,
    and the legs driven looked up.
    """
    there = underway(route, progress, now, travel)
    rest = rest_of(route, there, travel)
    arrivals = dict[StopId, Arrival]()
    if (serving := progress.serving) is not None:
        at = serving.arrived_at
        arrivals[serving.stop_id] = Arrival(
            earliest_at=at, expected_at=at, latest_at=at, stops_before=0, status=EtaStatus.AT_THE_DOOR
        )
    status = _status(progress, now)
    habits = past.habits(progress.driver, now, world.noise)
    pace = pace_of(route, progress, world.clock, habits, travel, past)
    doing = activity_of(route, progress, there, now, past, free_at=before.back_at if before else None)
    ahead = arrivals_of(_as_open(rest, world), world.clock, pace, doing, now, doors=past.doors_at(rest.stops))
    starts = ahead.start.tolist()
    stands = there.stranded or (before is not None and before.back_at is None)
    odds = [0.0] * len(starts) if stands else ahead.kept.tolist()
    for at, stop_id in enumerate(rest.stops["stop_id"].tolist()):
        earliest, expected, latest = (round(start) for start in starts[at])
        is_next = status is EtaStatus.UNDER_WAY and at < there.towards
        arrivals[stop_id] = Arrival(
            earliest_at=earliest,
            expected_at=expected,
            latest_at=latest,
            stops_before=at + (serving is not None),
            status=EtaStatus.NEXT if is_next else status,
        )
    stop_ids = rest.stops["stop_id"].tolist()
    low, middle, high = (round(at) for at in ahead.back.tolist())
    return Live(
        rest=rest,
        arrivals=arrivals,
        kept=dict(zip(stop_ids, odds, strict=True)),
        back_at=None if stands else (low, middle, high),
    )


def _as_open(rest: Route, world: World) -> Route:
    """The rest with what closures leave of its windows."""
    if not world.closed:
        return rest
    stops = rest.stops.copy()
    stops["window_start"], stops["window_end"], _ = windows_left(stops, world.closed)
    return replace(rest, stops=stops)


def _status(progress: Progress, now: Timestamp) -> EtaStatus:
    if progress.down_at is not None:
        return EtaStatus.STRANDED
    if progress.departed_at is None:
        return EtaStatus.PLANNED
    held = progress.held_until is not None and now < progress.held_until  # as its driver said
    busy = held or progress.serving is not None or progress.resting is not None
    silent = not busy and now - progress.heard_at() > SILENT_FOR
    return EtaStatus.STALE if silent else EtaStatus.UNDER_WAY
