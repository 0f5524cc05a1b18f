"""A van on the road: what is left of its route is a route again, from where and when the van goes on.

Whoever judges, searches or replans what is left needs nothing new: `rest_of` cuts off what is behind, and
`whole` puts a changed rest back under it. Weak point: the rest starts at one known instant; how long the stop
that is being served may still take is not part of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from chalicelib.routing.edit import legs_between, places_of
from chalicelib.routing.model import Break, Location
from chalicelib.routing.packed import Route, joined
from chalicelib.routing.proof import World
from chalicelib.routing.travel_times import TravelTimes
from chalicelib.units import StopId, Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Underway:
    """How far a van is.

    Attributes
    ----------
    behind
        Stops that nothing can change any more: finished, given up, or being served.
    place, node
        From where it goes on: the stop it serves or served last, where it was seen since, or the depot.
    since
        When it goes on, or went on, from there.
    towards
        How many of the stops ahead, from the first one, stay first: 1 while it drives to one, else 0.
    breaks
        Those still to be taken.
    stranded
        It goes nowhere: what is on board can only be fetched.
    """

    behind: frozenset[StopId]
    place: Location
    node: int
    since: Timestamp
    towards: int = 0
    breaks: tuple[Break, ...] = ()
    stranded: bool = False


def on_road(world: World) -> World:
    """What the rest of a route is judged by: who is under way leaves no later than it did."""
    return replace(world, noise=replace(world.noise, late_start=0))


def rest_of(route: Route, underway: Underway, travel: TravelTimes) -> Route:
    """Cut off what is behind: the stops ahead in their order, from where the van is.

    Only legs that are new are looked up: the one from the van, and wherever a stop was served out of turn.
    The version is the whole route's; the shift ends when it did, however late it is.
    """
    ahead = _ahead(route, underway)
    shift = replace(route.shift, starts_at=underway.since, start=underway.place, breaks=underway.breaks)
    if underway.stranded:
        shift = replace(shift, vehicle_id="")  # nobody drives it
    rest = replace(route, shift=shift, stops=joined([route.stops[ahead]]), start_node=underway.node)
    came_from = [-1, *ahead.tolist()]
    goes_to = [*ahead.tolist(), len(route.stops)]
    new = [gap for gap, (a, b) in enumerate(zip(came_from, goes_to, strict=True)) if not gap or b != a + 1]
    return _with_legs(rest, new, travel)


def whole(route: Route, underway: Underway, rest: Route, travel: TravelTimes) -> Route:
    """Put a rest, changed or not, back under what is behind: the shift's route, as it is to be stored."""
    ahead = _ahead(route, underway)
    behind = np.setdiff1d(np.arange(len(route.stops)), ahead)
    put_back = replace(
        rest,
        shift=route.shift,
        stops=joined([route.stops[behind], rest.stops]),
        start_node=route.start_node,
    )
    out_of_turn = [int(at) for at in np.flatnonzero(behind != np.arange(len(behind)))]
    return _with_legs(put_back, [*out_of_turn, len(behind)], travel)


def _ahead(route: Route, underway: Underway) -> "np.ndarray[tuple[int], np.dtype[np.intp]]":
    behind = np.array(sorted(underway.behind), dtype=np.uint64)
    return np.flatnonzero(~np.isin(route.stops["stop_id"], behind))


def _with_legs(route: Route, gaps: Sequence[int], travel: TravelTimes) -> Route:
    """The same with these gaps' legs looked up anew."""
    around = places_of(route)
    stops, last_leg = route.stops.copy(), route.last_leg
    for gap in gaps:
        (leg,) = legs_between(around[gap : gap + 2], travel)
        if gap < len(stops):
            stops["leg_seconds"][gap], stops["leg_metres"][gap] = leg.seconds, leg.metres
        else:
            last_leg = leg
    return replace(route, stops=stops, last_leg=last_leg)
