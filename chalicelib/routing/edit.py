"""Changing a stored route: a stop in, a stop out, ghosts swept, nodes renumbered; every change is judged.

Each function answers a new `Route` with the old one's version, to be written on condition of it, or None when
the change would endanger a promise. Weak point: travel times are asked for one change at a time.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from chalicelib.errors import OffRoad
from chalicelib.routing.insertion import Candidate, Insertion, Proof
from chalicelib.routing.model import NO_LEG, NO_NODE, NOBODY, Leg, Location, Stop, StopKind
from chalicelib.routing.packed import Route, joined, live, no_stops, skill_bits
from chalicelib.routing.proof import Judged, World, harmless, judge
from chalicelib.routing.sweeps import Sweeps
from chalicelib.routing.travel_times import Places, TravelTimes
from chalicelib.units import Metres, StopId, Timestamp

_LONG_AGO: Timestamp = 1  # an expiry that has passed for every clock: the stop is a ghost at once


def places_of(route: Route) -> Places:
    """Every place of a route in order, its start and end included."""
    shift, stops = route.shift, route.stops
    return Places(
        lat=np.concatenate([[shift.start.lat], stops["lat"] / 1e6, [shift.end.lat]]),
        lon=np.concatenate([[shift.start.lon], stops["lon"] / 1e6, [shift.end.lon]]),
        node=np.concatenate([[route.start_node], stops["node"], [route.end_node]]).astype(np.int32),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a gap of a route begins or ends."""

    location: Location
    node: int


def ends_of(route: Route, gap: int) -> tuple[Place, Place]:
    """Where a gap begins and ends: at a stop, or at the shift's start or end."""
    first, last = gap == 0, gap == len(route.stops)
    shift = route.shift
    return (
        Place(location=shift.start, node=route.start_node) if first else _at_stop(route, gap - 1),
        Place(location=shift.end, node=route.end_node) if last else _at_stop(route, gap),
    )


def metres_to(route: Route, gap: int) -> Metres:
    """The metres from where a gap begins to where it ends."""
    return route.last_leg.metres if gap == len(route.stops) else int(route.stops["leg_metres"][gap])


def detours(proof: Proof, here: Place) -> Iterator[tuple[Place, Place, Place]]:
    """Each detour of a proof: from, via, to. Driven instead of what `metres_saved` counts."""
    route, moved = proof.candidate.route, proof.moved
    first, last = _replaced(proof)
    yield ends_of(route, first)[0], here, ends_of(route, last)[1]
    if moved is None:
        return
    begins, ends = ends_of(moved.to.route, moved.to.gap)
    before, leaving = ends_of(route, moved.index)
    yield begins, leaving, ends
    if first == last:
        behind = ends_of(route, moved.index + 1)[1]
        yield before, behind, behind


def metres_saved(proof: Proof) -> Metres:
    """What is not driven any more for the detours of a proof."""
    route, moved = proof.candidate.route, proof.moved
    gone = set(_replaced(proof))
    if moved is None:
        return sum(metres_to(route, gap) for gap in gone)
    gone |= {moved.index, moved.index + 1}
    return sum(metres_to(route, gap) for gap in gone) + metres_to(moved.to.route, moved.to.gap)


def _replaced(proof: Proof) -> tuple[int, int]:
    """The gaps of the whole route around the newcomer: two where a stop gives its place, else twice one."""
    gap, moved = proof.candidate.gap, proof.moved
    if moved is None or gap < moved.index:
        return gap, gap
    return (gap, gap + 1) if gap == moved.index else (gap + 1, gap + 1)


def _at_stop(route: Route, index: int) -> Place:
    record = route.stops[index]
    location = Location(lat=int(record["lat"]) / 1e6, lon=int(record["lon"]) / 1e6)
    return Place(location=location, node=int(record["node"]))


def legs_between(places: Places, travel: TravelTimes) -> list[Leg]:
    """The legs from each place to the next."""
    seconds, metres = travel.pairs(places[:-1], places[1:])
    return [Leg(seconds=s, metres=m) for s, m in zip(seconds.tolist(), metres.tolist(), strict=True)]


def reordered(route: Route, stops: Sequence[tuple[Route, int]], travel: TravelTimes) -> Route:
    """Give a shift these stops in this order, wherever they were: each named by its route and index there.

    Legs are looked up anew, all of them. The routes' nodes must be of one graph (`renumbered`).

    Raises
    ------
    ValueError
        The stops ask for more skills than a route can tell apart.
    """
    names = route.skill_names
    records = no_stops()
    if stops:
        records = joined(other.stops[index : index + 1] for other, index in stops)
        for at, (other, index) in enumerate(stops):
            if other.skill_names != route.skill_names and records["skills"][at]:
                names, records["skills"][at] = skill_bits(names, other.stop(index).skills)
    changed = replace(route, stops=records, skill_names=names)
    *legs, last = legs_between(places_of(changed), travel)
    records["leg_seconds"] = [leg.seconds for leg in legs]
    records["leg_metres"] = [leg.metres for leg in legs]
    return replace(changed, last_leg=last)


def renumbered(route: Route, travel: TravelTimes) -> Route:
    """Find the nodes of a route's places anew when they were numbered by another road graph; legs stay.

    A place that this graph's roads do not reach gets no node.
    """
    if route.graph == travel.fingerprint:
        return route
    stops = route.stops.copy()
    stops["node"] = [_node(stop.location, travel) for stop in route.all_stops()]
    return replace(
        route,
        stops=stops,
        graph=travel.fingerprint,
        start_node=_node(route.shift.start, travel),
        end_node=_node(route.shift.end, travel),
    )


def _node(location: Location, travel: TravelTimes) -> int:
    try:
        return travel.snap(location)
    except OffRoad:
        return NO_NODE


def with_stop(
    candidate: Candidate, stop: Stop, travel: TravelTimes, now: Timestamp, world: World
) -> Route | None:
    """Put a stop where its proven candidate says, and drop the route's ghosts if that does no harm.

    Judged again on real legs: None if the new stop or any promise would fall below the target.
    """
    route, gap = candidate.route, candidate.gap
    changed = _on_roads(route, gap, stop, travel)
    before, after = judge([route, changed], now, world)
    if not harmless(before, after, world.target, new=gap):
        return None
    return without_ghosts(changed, travel, now, world)


def _on_roads(route: Route, gap: int, stop: Stop, travel: TravelTimes) -> Route:
    around = places_of(route)
    here = Places.of([stop.location], [stop.node])
    ways = Places.concat([around[gap : gap + 1], here, around[gap + 1 : gap + 2]])
    leg_in, leg_out = legs_between(ways, travel)
    return route.inserted(gap, stop, leg_in, leg_out)


def with_room_made(
    proof: Proof, stop: Stop, travel: TravelTimes, now: Timestamp, world: World
) -> tuple[Route, Route] | None:
    """Carry a proven move out: the newcomer's route, and that of the stop that makes room for it.

    Judged again on real legs, ghosts dropped where that does no harm: None if the newcomer, the stop that
    moves or any other promise would fall below the target.
    """
    candidate, moved = proof.candidate, proof.moved
    if moved is None:
        raise ValueError("nobody makes room here: `with_stop` is enough")
    route, other = candidate.route, moved.to.route
    own_place = candidate.gap == moved.index
    left = route.removed(moved.index, NO_LEG) if own_place else _drop(route, [moved.index], travel)
    changed = (
        _on_roads(left, candidate.gap, stop, travel),
        _on_roads(other, moved.to.gap, route.stop(moved.index), travel),
    )
    was, had, here, there = judge([route, other, *changed], now, world)
    if not (
        harmless(was, here, world.target, new=candidate.gap, gone=moved.index)
        and harmless(had, there, world.target, new=moved.to.gap)
    ):
        return None
    return (
        without_ghosts(changed[0], travel, now, world),
        without_ghosts(changed[1], travel, now, world),
    )


def inserted(
    stop: Stop,
    routes: Sequence[Route],
    able: Sequence[bool],
    sweeps: Sweeps,
    travel: TravelTimes,
    now: Timestamp,
) -> tuple[int, Route] | None:
    """Put a stop where it costs least driving among the routes that are able; None if it fits nowhere.

    Returns
    -------
    Which of the routes changes, and what it becomes. Cost: one search, see `insertion.Insertion.best`.
    """
    swept = sweeps.of(routes, now)
    allowed = swept.able(stop.visit) & np.array(able, dtype=bool)
    (proof,) = Insertion(sweeps, swept, allowed, stop.visit, [stop.window], travel, now).best()
    if proof is None:
        return None
    changed = with_stop(proof.candidate, stop, travel, now, sweeps.world)
    if changed is None:
        return None
    return next(at for at, route in enumerate(routes) if route is proof.candidate.route), changed


def without(route: Route, stop_id: StopId, travel: TravelTimes, now: Timestamp, world: World) -> Route:
    """Take a stop out; where even that would endanger a promise, it stays as a ghost: a point on the way.

    Removal can hurt when legs break the triangle inequality, as measured ones may. A stop that is not there
    changes nothing.
    """
    at = route.index_of(stop_id)
    if at is None:
        return route
    gone = route.marked(at, kind=StopKind.HELD, expires_at=_LONG_AGO, stop_id=NOBODY)
    return without_ghosts(gone, travel, now, world)


def left_over(route: Route, gone: Collection[StopId]) -> Route:
    """Take stops out of a route that nobody drives; the very same object if it has none of them."""
    for at in reversed(range(len(route.stops))):
        if int(route.stops["stop_id"][at]) in gone:
            route = route.removed(at, route.last_leg)
    return route


def without_ghosts(route: Route, travel: TravelTimes, now: Timestamp, world: World) -> Route:
    """Drop every expired hold whose absence harms nobody."""
    ghosts = np.flatnonzero(~live(route.stops, now))
    if not len(ghosts):
        return route
    cleaned = _drop(route, ghosts.tolist(), travel)
    before, after = judge([route, cleaned], now, world)
    real = np.flatnonzero(live(route.stops, now)).tolist()
    return cleaned if harmless(_only(before, [*real, len(route.stops)]), after, world.target) else route


def _drop(route: Route, gone: Sequence[int], travel: TravelTimes) -> Route:
    """Take several stops out and join what remains; only the joints are looked up."""
    around = places_of(route)
    for index in reversed(gone):
        places = around[np.delete(np.arange(len(around)), index + 1)]
        leg = legs_between(places[index : index + 2], travel)[0]
        route, around = route.removed(index, leg), places
    return route


def _only(judged: Judged, places: Sequence[int]) -> Judged:
    """The judgement of some places, to compare with a route that has only those."""
    return Judged(
        judged.arrive[places],
        judged.start[places],
        judged.late[places],
        judged.kept[places],
        judged.break_late,
        judged.now,
    )
