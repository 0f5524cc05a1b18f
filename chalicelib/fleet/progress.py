"""What has happened on a shift so far: its milestones, and where its van was seen.

A route says what is planned, the progress what is done; neither repeats the other. Milestones are numbered,
so that a replan can say which of them it knew of; positions are not, because they come every few seconds and
change no plan. Weak point: without a position between two stops the van is taken to be on time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from chalicelib.errors import OffRoad
from chalicelib.fleet.forecasts import Forecast
from chalicelib.fleet.plans import PlanKey
from chalicelib.routing.model import Location, StopFlag, StopKind
from chalicelib.routing.packed import Route
from chalicelib.routing.travel_times import Places, TravelTimes
from chalicelib.routing.underway import Underway
from chalicelib.units import Metres, StopId, Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A stop the van came to.

    Attributes
    ----------
    left_at
        When it was done there; None while it is served.
    outcome
        What came of it, in the words of the contract; None while it is served, or if nobody said.
    inferred
        Nobody said when it came: positions did, or the word that it was done.
    """

    stop_id: StopId
    arrived_at: Timestamp
    left_at: Timestamp | None = None
    outcome: str | None = None
    inferred: bool = False

    @property
    def in_vain(self) -> bool:
        """Whether the parcels are still on the van."""
        return self.outcome is not None and not self.outcome.startswith("delivered_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """A break the driver took, or takes (no end yet)."""

    began_at: Timestamp
    ended_at: Timestamp | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """Where a van was."""

    location: Location
    at: Timestamp


class Trouble(StrEnum):
    """What may come in a van's way."""

    DELAY = "delay"
    ROAD_CLOSED = "road_closed"
    VEHICLE_DOWN = "vehicle_down"
    ACCESS = "access"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Something that came in a van's way.

    Attributes
    ----------
    until_at
        When it is expected to be over.
    stop_id
        Whose door it is about; None if it is no door.
    """

    kind: Trouble
    at: Timestamp
    until_at: Timestamp | None = None
    stop_id: StopId | None = None
    location: Location | None = None
    radius: Metres | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hunch:
    """What positions suggest and nobody believes yet.

    Attributes
    ----------
    stop_id
        The stop a van seems to have come to, or to have left; `NOBODY` for the depot.
    since
        From when on all positions agreed.
    """

    stop_id: StopId
    since: Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One shift, as far as it has come.

    Attributes
    ----------
    plan
        The plan its route is in.
    driver
        Stands for who drives, once the van has left: what was learned of a driver is known by it.
    served
        In the order of arrival; at most the last one is still being served.
    rests
        In order; at most the last one is under way.
    taps
        When somebody said that a break begins (True) or ends: what `rests` is made of.
    hunch
        What positions suggest.
    doubted, doubts
        The last position that nobody believed, and how many agreed with one another since.
    incidents
        The last ones, in order.
    held_until
        An incident keeps the van where it is until then.
    down_at
        When the van broke down; it goes nowhere from there.
    planned
        When service was planned to start at each stop as the van was loaded: what the plan becomes later does
        not change it.
    foreseen
        What was expected of the stops within an hour, until somebody says what came of them.
    marks
        Of the events heard last, so that one that comes again is known.
    milestones
        How many of all this there were; grows with everything but a position.
    version
        Of the stored row; 0 before it is stored.
    """

    shift_id: str
    plan: PlanKey
    driver: str = ""
    departed_at: Timestamp | None = None
    returned_at: Timestamp | None = None
    served: tuple[Served, ...] = ()
    rests: tuple[Rest, ...] = ()
    taps: tuple[tuple[Timestamp, bool], ...] = ()
    seen: Sighting | None = None
    hunch: Hunch | None = None
    doubted: Sighting | None = None
    doubts: int = 0
    incidents: tuple[Incident, ...] = ()
    held_until: Timestamp | None = None
    down_at: Timestamp | None = None
    planned: Mapping[StopId, Timestamp] = field(default_factory=dict)
    foreseen: Mapping[StopId, tuple[Forecast, ...]] = field(default_factory=dict)
    marks: tuple[str, ...] = ()
    milestones: int = 0
    version: int = 0

    @property
    def heard(self) -> bool:
        """Whether anything was heard of the van; what was planned for it is no word of it."""
        return self.milestones > 0 or self.seen is not None

    @property
    def serving(self) -> Served | None:
        """The stop the van is at."""
        return self.served[-1] if self.served and self.served[-1].left_at is None else None

    @property
    def resting(self) -> Rest | None:
        """The break that is under way."""
        rest = self.rests[-1] if self.rests and self.rests[-1].ended_at is None else None
        over = rest is not None and self.served and self.served[-1].arrived_at > rest.began_at
        return None if over else rest

    @property
    def is_back(self) -> bool:
        """Whether the van is at the depot again, all done or not."""
        last = self.served[-1].arrived_at if self.served else 0
        return self.returned_at is not None and self.returned_at >= last

    def heard_at(self) -> Timestamp:
        """When somebody or something was last heard of the van; 0 if never."""
        last = self.served[-1] if self.served else None
        return max(
            self.departed_at or 0,
            self.returned_at or 0,
            self.seen.at if self.seen else 0,
            max((each.at for each in self.incidents), default=0),
            (last.left_at or last.arrived_at) if last else 0,
        )

    def visit(self, stop_id: StopId) -> Served | None:
        """The last time the van was at a stop."""
        return next((each for each in reversed(self.served) if each.stop_id == stop_id), None)


def served_by(route: Route, progress: Progress) -> frozenset[StopId]:
    """The stops that a van has been at, but for those it is to try once more.

    Of such a stop one visit in vain does not count. Cost: one look at the route's stops.
    """
    marks = zip(route.stops["stop_id"].tolist(), route.stops["flags"].tolist(), strict=True)
    again = {stop_id for stop_id, flags in marks if flags & StopFlag.AGAIN}
    behind = set[StopId]()
    for visit in progress.served:
        if visit.stop_id in again and visit.in_vain:
            again.remove(visit.stop_id)
        else:
            behind.add(visit.stop_id)
    return frozenset(behind)


def heading_to(route: Route, progress: Progress) -> StopId | None:
    """The stop a van is at or drives to next; None before it left, and when there is no more.

    Cost: one look at the route's stops.
    """
    if progress.departed_at is None or progress.is_back or progress.down_at is not None:
        return None
    if (serving := progress.serving) is not None:
        return serving.stop_id
    behind = served_by(route, progress)
    stops = zip(route.stops["stop_id"].tolist(), route.stops["kind"].tolist(), strict=True)
    return next((each for each, kind in stops if kind == StopKind.PROMISED and each not in behind), None)


def underway(route: Route, progress: Progress, now: Timestamp, travel: TravelTimes) -> Underway:
    """Say from where and when a van goes on, and with what still ahead.

    Nothing that has not happened yet is taken to have happened: who should have left, arrived or finished
    before now does so now. Cost: at most one leg looked up.
    """
    behind = _behind(route, progress)
    breaks = route.shift.breaks[len(progress.rests) :]
    place, node, since = _last_known(route, progress, travel)
    towards = 0
    ahead = [at for at, stop_id in enumerate(route.stops["stop_id"].tolist()) if stop_id not in behind]
    if progress.departed_at is None:
        since = max(since, now)
    elif (serving := progress.serving) is not None:
        since = max(_done_at(route, serving), now)
    elif ahead and progress.down_at is None:
        towards = 1
        first = route.stop(ahead[0])
        leg, _ = travel.pairs(Places.of([place], [node]), Places.of([first.location], [first.node]))
        since = max(since, now - int(leg[0]))
    if (rest := progress.resting) is not None:
        taken = route.shift.breaks[len(progress.rests) - 1 : len(progress.rests)]
        since = max(since, now, rest.began_at + sum(each.duration for each in taken))
    if progress.held_until is not None:
        since = max(since, progress.held_until)
    return Underway(
        behind=behind,
        place=place,
        node=node,
        since=since,
        towards=towards,
        breaks=breaks,
        stranded=progress.down_at is not None,
    )


def _behind(route: Route, progress: Progress) -> frozenset[StopId]:
    """What was served; and where vans met, once a stop after that was: nobody taps a meeting."""
    served = served_by(route, progress)
    stops = list(zip(route.stops["stop_id"].tolist(), route.stops["kind"].tolist(), strict=True))
    last = max((at for at, (stop_id, _) in enumerate(stops) if stop_id in served), default=-1)
    met = {stop_id for stop_id, kind in stops[: last + 1] if kind == StopKind.MEETING}
    return frozenset(served | met)


def as_planned(route: Route, starts: Sequence[float], now: Timestamp) -> Underway:
    """Take a van that nothing was heard of to be where its plan says.

    Parameters
    ----------
    starts
        When service is planned to start at each stop.
    """
    shift, stops = route.shift, route.stops
    over = [start + service for start, service in zip(starts, stops["service_time"].tolist(), strict=True)]
    at_door = [at for at, start in enumerate(starts) if start <= now]
    last = route.stop(at_door[-1]) if at_door else None
    since = round(over[at_door[-1]]) if at_door else shift.starts_at
    return Underway(
        behind=frozenset(int(stops["stop_id"][at]) for at in at_door),
        place=last.location if last else shift.start,
        node=last.node if last else route.start_node,
        since=since,
        towards=int(now > since and len(at_door) < len(stops)),
        breaks=tuple(rest for rest in shift.breaks if rest.latest_at >= now),
    )


def _last_known(route: Route, progress: Progress, travel: TravelTimes) -> tuple[Location, int, Timestamp]:
    """The place of the last milestone, or where the van was seen since on a road."""
    place, node, since = route.shift.start, route.start_node, progress.departed_at or route.shift.starts_at
    if progress.served:
        last = progress.served[-1]
        since = last.left_at or last.arrived_at
        at = route.index_of(last.stop_id)
        if at is not None:
            stop = route.stop(at)
            place, node = stop.location, stop.node
    seen = progress.seen
    if seen is not None and progress.serving is None and seen.at > since and progress.departed_at is not None:
        try:
            return seen.location, travel.snap(seen.location), seen.at
        except OffRoad:
            pass
    return place, node, since


def _done_at(route: Route, serving: Served) -> Timestamp:
    """When a stop is expected to be done: service starts on arrival, or when the window opens."""
    at = route.index_of(serving.stop_id)
    if at is None:
        return serving.arrived_at
    stop = route.stop(at)
    return max(serving.arrived_at, stop.window.start) + stop.service_time
