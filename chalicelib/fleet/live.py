"""When a van is expected at each stop, from what has happened on its shift so far.

`live` is the one place that says it: of promises, plans and manifests alike. What is behind is known; what
is ahead is the rest of the route, driven through the scenarios from where the van is. Weak point: today's
pace is not learned from; a van that is slow is expected to be as fast as any from here on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from chalicelib.fleet.progress import Progress, underway
from chalicelib.routing.packed import Route
from chalicelib.routing.proof import World, forecast
from chalicelib.routing.travel_times import TravelTimes
from chalicelib.routing.underway import rest_of
from chalicelib.units import MINUTE, Seconds, StopId, Timestamp

SILENT_FOR: Final[Seconds] = 20 * MINUTE  # what is expected of a van that nobody heard of for longer is stale


class EtaStatus(StrEnum):
    """What an expected arrival rests on."""

    PLANNED = "planned"  # the van has not left
    UNDER_WAY = "under_way"
    NEXT = "next"  # the van drives to it
    AT_THE_DOOR = "at_the_door"
    STRANDED = "stranded"  # the van broke down
    STALE = "stale"  # nothing was heard of the van for long


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """When service is expected to start: 5 %, 50 % and 95 % of the scenarios, waiting included.

    Attributes
    ----------
    stops_before
        Deliveries the van makes first.
    """

    earliest_at: Timestamp
    expected_at: Timestamp
    latest_at: Timestamp
    stops_before: int
    status: EtaStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """A shift under way.

    Attributes
    ----------
    rest
        What is ahead, as a route from where the van is.
    arrivals
        At the stops ahead, and at the one that is being served.
    """

    rest: Route
    arrivals: Mapping[StopId, Arrival]


def live(route: Route, progress: Progress, now: Timestamp, *, world: World, travel: TravelTimes) -> Live:
    """Say when a van is expected where; before it left it leaves when it should, or now.

    Cost: the scenarios of the rest of its route, and a leg looked up.
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
    starts = forecast([rest], now, world)[0].tolist()
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
    return Live(rest=rest, arrivals=arrivals)


def _status(progress: Progress, now: Timestamp) -> EtaStatus:
    if progress.down_at is not None:
        return EtaStatus.STRANDED
    if progress.departed_at is None:
        return EtaStatus.PLANNED
    busy = progress.serving is not None or progress.resting is not None
    silent = not busy and now - progress.heard_at() > SILENT_FOR
    return EtaStatus.STALE if silent else EtaStatus.UNDER_WAY
