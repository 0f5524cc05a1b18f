"""A few routes as a solver sees them: whole seconds since one origin, one matrix, tasks and vans by number.

Everything a solver cannot express is taken out here: ghosts, what is done, traffic (each leg is driven at the
middle of the window it leaves) and luck (windows end earlier, see `tightened`). So an answer is a proposal;
whether it keeps its promises is for the exact check. Weak point: a window of many hours has no middle that
says much about its traffic.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from chalicelib.routing.edit import places_of
from chalicelib.routing.model import Capacity, StopFlag, StopKind
from chalicelib.routing.packed import Route, live
from chalicelib.routing.proof import Judged, World, judge
from chalicelib.routing.travel_times import Places, TravelTimes
from chalicelib.units import Seconds, StopId, Timestamp

DIMENSIONS = ("parcels", "grams", "millilitres")

type Loads = tuple[int, int, int]
type Orders = tuple[tuple[int, ...], ...]
"""For each van the numbers of its tasks, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One stop to be visited; times in seconds since the origin.

    Attributes
    ----------
    place
        Row of the matrix.
    opens, closes
        Service starts within; `closes` may be before `opens`: then the van must be there that early and wait.
    required
        False: it may be left out, which is worse than any driving.
    """

    stop_id: StopId
    place: int
    opens: Seconds
    closes: Seconds
    service: Seconds
    load: Loads
    required: bool = True

    @property
    def visit(self) -> tuple[Seconds, Seconds, Seconds]:
        """Earliest start, latest start, duration, as solvers want them: whole, positive and in order.

        Who must be there before the door opens waits as if it were service.
        """
        closes = max(self.closes, 0)
        opens = max(min(self.opens, closes), 0)
        return opens, closes, self.service + max(self.opens - opens, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """A break; times in seconds since the origin."""

    earliest: Seconds
    latest: Seconds
    duration: Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Van:
    """One shift, from where it can still be planned.

    Attributes
    ----------
    start, end
        Rows of the matrix.
    starts, ends
        Seconds since the origin.
    capacity
        None where a dimension does not bind.
    takes
        The tasks it may serve, its own included.
    order
        The tasks it has now.
    """

    shift_id: str
    start: int
    end: int
    starts: Seconds
    ends: Seconds
    capacity: tuple[int | None, int | None, int | None]
    takes: frozenset[int]
    order: tuple[int, ...]
    rests: tuple[Rest, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """What an engine is asked to improve.

    Attributes
    ----------
    seconds
        From row to column, traffic included; each task has a row of its own, each van two.
    meetings
        Pairs of tasks, pickup and delivery: one van serves both, in this order; all other tasks bring what
        was loaded at the depot.
    soft
        Lateness is not forbidden but worse than any driving.
    """

    tasks: tuple[Task, ...]
    vans: tuple[Van, ...]
    seconds: NDArray[np.int64]
    meetings: tuple[tuple[int, int], ...] = ()
    soft: bool = False

    @property
    def orders(self) -> Orders:
        """What the vans have now."""
        return tuple(van.order for van in self.vans)

    def arrivals(self, van: int, order: Sequence[int]) -> list[Seconds]:
        """When a van reaches each task of an order and its end, by the matrix and without breaks."""
        at, now, reached = self.vans[van].start, self.vans[van].starts, []
        for number in order:
            task = self.tasks[number]
            now += int(self.seconds[at, task.place])
            reached.append(now)
            now, at = max(now, task.opens) + task.service, task.place
        return [*reached, now + int(self.seconds[at, self.vans[van].end])]

    def detour(self, van: int, order: Sequence[int], number: int) -> Seconds:
        """Seconds of driving that one task of an order costs."""
        at = order.index(number)
        here = self.tasks[number].place
        before = self.tasks[order[at - 1]].place if at else self.vans[van].start
        behind = self.tasks[order[at + 1]].place if at + 1 < len(order) else self.vans[van].end
        return int(self.seconds[before, here] + self.seconds[here, behind] - self.seconds[before, behind])

    def tightened(self, closes: Sequence[Seconds], ends: Sequence[Seconds]) -> "Problem":
        """The same with other ends: of each task's window and of each van's shift."""
        return replace(
            self,
            tasks=tuple(replace(task, closes=until) for task, until in zip(self.tasks, closes, strict=True)),
            vans=tuple(replace(van, ends=until) for van, until in zip(self.vans, ends, strict=True)),
        )

    def going_on_from(self, orders: Sequence[Sequence[int]]) -> "Problem":
        """The same with other present orders."""
        return replace(
            self,
            vans=tuple(
                replace(van, order=tuple(order)) for van, order in zip(self.vans, orders, strict=True)
            ),
        )

    def fault_of(self, orders: Sequence[Sequence[int]]) -> str | None:
        """Why an answer makes no sense, whatever the times; None if it does."""
        if len(orders) != len(self.vans):
            return "another number of vans"
        seen = [number for order in orders for number in order]
        if any(not 0 <= number < len(self.tasks) for number in seen):
            return "an unknown stop"
        if len(seen) != len(set(seen)):
            return "a stop twice"
        if any(task.required for number, task in enumerate(self.tasks) if number not in set(seen)):
            return "a stop is missing"
        if any(
            number not in van.takes for van, order in zip(self.vans, orders, strict=True) for number in order
        ):
            return "a stop on a van that may not take it"
        return None


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
    """

    problem: Problem
    origin: Timestamp
    routes: tuple[Route, ...]
    leading: tuple[int, ...]
    sources: tuple[tuple[Route, int], ...]

    def stops_of(self, van: int, order: Sequence[int]) -> list[tuple[Route, int]]:
        """What the van's route would hold: what leads, then these tasks; for `edit.reordered`."""
        route = self.routes[van]
        return [(route, at) for at in range(self.leading[van])] + [self.sources[number] for number in order]


def pose(
    routes: Sequence[Route],
    waiting: Sequence[Route],
    travel: TravelTimes,
    now: Timestamp,
    world: World,
    *,
    leading: Mapping[str, int] | None = None,
) -> Posed:
    """Write a few routes of one plan as a problem.

    Parameters
    ----------
    waiting
        Routes that nobody drives: the plan's unassigned stops, which may be inserted.
    leading
        By shift, how many stops at its head stay where they are although they are not done.

    Notes
    -----
    What is done stays, with everything before it. A pinned stop stays on its shift, and so does everything on
    a van that is loaded; a withdrawn van takes nothing. The cost is one `from_one` per place.
    """
    judged = judge(routes, now, world)
    heads = tuple(_head(route, (leading or {}).get(route.shift.shift_id, 0)) for route in routes)
    origin = min((route.shift.starts_at for route in routes), default=now)
    sources = [
        (route, index)
        for route, head in zip([*routes, *waiting], [*heads, *(0 for _ in waiting)], strict=True)
        for index in np.flatnonzero(live(route.stops, now)).tolist()
        if index >= head
    ]
    home = {id(route): number for number, route in enumerate(routes)}
    tasks = tuple(_task(source, place, origin, home) for place, source in enumerate(sources))
    ends = [_ends(route, head) for route, head in zip(routes, heads, strict=True)]
    places = Places.concat(
        [*(_place(*source) for source in sources), *(place for pair in ends for place in pair)]
    )
    departs = [
        (int(route.stops["window_start"][index]) + int(route.stops["window_end"][index])) / 2
        for route, index in sources
    ]
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
                takes=frozenset(_takes(number, sources, routes, home, now)),
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
        tasks=tasks, vans=tuple(vans), seconds=_matrix(places, np.array(departs), travel, world)
    )
    return Posed(problem=problem, origin=origin, routes=tuple(routes), leading=heads, sources=tuple(sources))


def _head(route: Route, asked: int) -> int:
    """Everything up to the last stop that is done stays in its place and order."""
    done = np.flatnonzero(route.stops["kind"] == StopKind.DONE)
    return max(asked, int(done[-1]) + 1 if len(done) else 0)


def _starts(route: Route, head: int, judged: Judged) -> float:
    if not head:
        return route.shift.starts_at
    return float(judged.start[head - 1]) + int(route.stops["service_time"][head - 1])


def _task(source: tuple[Route, int], place: int, origin: Timestamp, home: Mapping[int, int]) -> Task:
    route, index = source
    record = route.stops[index]
    return Task(
        stop_id=int(record["stop_id"]),
        place=place,
        opens=int(record["window_start"]) - origin,
        closes=int(record["window_end"]) - origin,
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
    now: Timestamp,
) -> list[int]:
    route = routes[van]
    taking = not route.withdrawn and now < route.shift.loads_at
    return [
        number
        for number, (of, index) in enumerate(sources)
        if of is route
        or (
            taking
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
