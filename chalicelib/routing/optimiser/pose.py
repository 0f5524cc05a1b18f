"""A few routes written as a problem: whole seconds since one origin, one matrix, tasks and vans by number.

Everything a solver cannot express is taken out here: ghosts, what is done, traffic (each leg is driven at the
middle of the window it leaves) and luck (windows end earlier, see `Problem.tightened`). So an answer is a
proposal; whether it keeps its promises is for the exact check. Weak point: a window of many hours has no
middle that says much about its traffic.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chalicelib.routing.closed import windows_left
from chalicelib.routing.edit import places_of
from chalicelib.routing.model import Capacity, StopFlag, StopKind, TimeWindow
from chalicelib.routing.objective import Circumstances, OnTheRoad, fixed_head
from chalicelib.routing.optimiser.problem import DIMENSIONS, Problem, Rest, Task, Van
from chalicelib.routing.packed import Route, live
from chalicelib.routing.proof import Judged, World, judge
from chalicelib.routing.rescue import met_once, pickups
from chalicelib.routing.travel_times import Places, TravelTimes
from chalicelib.units import Timestamp


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Posed:
    """A problem, and what its numbers stand for.

    Attributes
    ----------
    routes
        Of the vans, in their order, as they are.
    leading
        How many stops of each route come before what is planned.
    sources
        For each task the route that has it and its index there.
    listed
        What may be fetched from vans that broke down: see `rescue.pickups`.
    """

    problem: Problem
    origin: Timestamp
    routes: tuple[Route, ...]
    leading: tuple[int, ...]
    sources: tuple[tuple[Route, int], ...]
    listed: tuple[Route, ...] = ()

    def stops_of(self, van: int, order: Sequence[int]) -> list[tuple[Route, int]]:
        """What the van's route would hold: what leads, then these tasks; for `edit.reordered`."""
        route = self.routes[van]
        stops = [(route, at) for at in range(self.leading[van])] + [self.sources[number] for number in order]
        return met_once(stops, self.listed)


def pose(
    routes: Sequence[Route],
    waiting: Sequence[Route],
    circumstances: Circumstances,
    *,
    stranded: Sequence[Route] = (),
) -> Posed:
    """Write a few routes of one plan as a problem.

    Parameters
    ----------
    waiting, stranded
        Routes that nobody drives: the plan's unassigned stops, which may be inserted, and what is on board of
        vans that broke down, which may be fetched.

    Notes
    -----
    What is done stays, with everything before it, and so does what is driven to. A pinned stop stays on its
    shift, and so does everything on a van that is loaded; a withdrawn van takes nothing. Left out is what
    waits and cannot be delivered at all, because nothing is in all of its window. The cost is one `from_one`
    per place.
    """
    now, on_road = circumstances.now, circumstances.on_road or OnTheRoad()
    judged = judge(routes, now, circumstances.world)
    heads = tuple(fixed_head(route, on_road.towards.get(route.shift.shift_id, 0)) for route in routes)
    origin = min((route.shift.starts_at for route in routes), default=now)
    nobodys = [*waiting, *stranded]
    home = {id(route): number for number, route in enumerate(routes)}
    left = {id(route): windows_left(route.stops, circumstances.world.closed) for route in [*routes, *nobodys]}
    sources = [
        (route, index)
        for route, head in zip([*routes, *nobodys], [*heads, *(0 for _ in nobodys)], strict=True)
        for index in np.flatnonzero(live(route.stops, now)).tolist()
        if index >= head and (id(route) in home or not left[id(route)][2][index])
    ]
    listed = {id(route): pickups(route) for route in stranded}
    meetings = []
    for delivery, (route, index) in enumerate(list(sources)):
        if id(route) in listed:
            meetings.append((len(sources), delivery))
            sources.append((listed[id(route)], index))
    left |= {id(route): windows_left(route.stops, ()) for route in listed.values()}
    windows = [
        TimeWindow(start=int(starts[index]), end=int(ends[index]))
        for starts, ends, index in ((*left[id(route)][:2], index) for route, index in sources)
    ]
    fetched = {*listed, *map(id, listed.values())}
    tasks = tuple(
        _task(source, window, place, origin, home)
        for place, (source, window) in enumerate(zip(sources, windows, strict=True))
    )
    ends = [_ends(route, head) for route, head in zip(routes, heads, strict=True)]
    places = Places.concat(
        [*(_place(*source) for source in sources), *(place for pair in ends for place in pair)]
    )
    departs = [(window.start + window.end) / 2 for window in windows]
    vans = []
    for number, (route, head) in enumerate(zip(routes, heads, strict=True)):
        starts = _starts(route, head, judged[number])
        departs += [starts, route.shift.ends_at]
        vans.append(
            Van(
                shift_id=route.shift.shift_id,
                start=len(tasks) + 2 * number,
                end=len(tasks) + 2 * number + 1,
                starts=round(starts) - origin,
                ends=route.shift.ends_at - origin,
                capacity=_capacity(route, head, now),
                takes=frozenset(_takes(number, sources, routes, home, fetched, now)),
                order=tuple(at for at, (of, _) in enumerate(sources) if of is route),
                rests=tuple(
                    Rest(
                        earliest=rest.earliest_at - origin,
                        latest=rest.latest_at - origin,
                        duration=rest.duration,
                    )
                    for rest in route.shift.breaks
                    if rest.latest_at >= starts
                ),
            )
        )
    problem = Problem(
        tasks=tasks,
        vans=tuple(vans),
        seconds=_matrix(places, np.array(departs), circumstances.travel, circumstances.world),
        meetings=tuple(meetings),
    )
    return Posed(
        problem=problem,
        origin=origin,
        routes=tuple(routes),
        leading=heads,
        sources=tuple(sources),
        listed=tuple(listed.values()),
    )


def _starts(route: Route, head: int, judged: Judged) -> float:
    if not head:
        return route.shift.starts_at
    return float(judged.start[head - 1]) + int(route.stops["service_time"][head - 1])


def _task(
    source: tuple[Route, int], window: TimeWindow, place: int, origin: Timestamp, home: Mapping[int, int]
) -> Task:
    route, index = source
    record = route.stops[index]
    return Task(
        stop_id=int(record["stop_id"]),
        place=place,
        opens=window.start - origin,
        closes=window.end - origin,
        service=int(record["service_time"]),
        load=(int(record["parcels"]), int(record["grams"]), int(record["millilitres"])),
        required=id(route) in home,
    )


def _place(route: Route, index: int) -> Places:
    return places_of(route)[index + 1]


def _ends(route: Route, head: int) -> tuple[Places, Places]:
    around = places_of(route)
    return around[head], around[len(around) - 1]


def _takes(
    van: int,
    sources: Sequence[tuple[Route, int]],
    routes: Sequence[Route],
    home: Mapping[int, int],
    fetched: Collection[int],
    now: Timestamp,
) -> list[int]:
    route = routes[van]
    loading = now < route.shift.loads_at
    return [
        number
        for number, (of, index) in enumerate(sources)
        if of is route
        or (
            not route.withdrawn
            and (loading or id(of) in fetched)
            and _free(of, index, home, now)
            and _skilled(route, of, index)
            and _ends_before_loading(route, of, index)
        )
    ]


def _free(route: Route, index: int, home: Mapping[int, int], now: Timestamp) -> bool:
    """Whether a stop may leave the route that has it."""
    if id(route) not in home:
        return True
    return now < route.shift.loads_at and not int(route.stops["flags"][index]) & StopFlag.PINNED


def _skilled(van: Route, route: Route, index: int) -> bool:
    return not route.stops["skills"][index] or route.stop(index).skills <= van.shift.skills


def _ends_before_loading(van: Route, route: Route, index: int) -> bool:
    """Whether a hold would end before its van is loaded, as every hold must; a promise always may come."""
    held = route.stops["kind"][index] == StopKind.HELD
    return not held or int(route.stops["expires_at"][index]) <= van.shift.loads_at


def _capacity(route: Route, head: int, now: Timestamp) -> tuple[int | None, int | None, int | None]:
    """What the van can carry beside what leads; never less than it has now."""
    own = route.stops[head:]
    own = own[live(own, now)]
    ahead = route.stops[:head]
    limits: Capacity = route.shift.capacity
    left = [
        None
        if (limit := getattr(limits, name)) is None
        else max(limit - int(ahead[name].sum(dtype=np.int64)), int(own[name].sum(dtype=np.int64)))
        for name in DIMENSIONS
    ]
    return left[0], left[1], left[2]


def _matrix(
    places: Places, departs: NDArray[np.float64], travel: TravelTimes, world: World
) -> NDArray[np.int64]:
    """Seconds of each leg as driven by whoever leaves at `departs`; equal places are asked for once."""
    keys = np.stack([places.lat, places.lon, places.node.astype(float)], axis=1)
    _, first, which = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    asked = places[first]
    legs = np.array([travel.from_one(asked[at], asked) for at in range(len(asked))], dtype=np.int64)
    free_flow = legs.reshape(len(asked), len(asked))[np.ix_(which, which)]
    begun = world.clock.work(departs)[:, None]
    driven = np.rint(world.clock.clock(begun + free_flow) - departs[:, None]).astype(np.int64)
    np.fill_diagonal(driven, 0)
    return driven
