"""A started day after one incident: promises kept by a replan on the road, beside what one would do instead.

    python -m tests.benchmarks.live --seeds 3

A day of Porto is sold until hardly anybody gets a slot and improved; when 30 or 150 of its stops are left,
the van with most of them is held up for two and a half hours or breaks down for good. `--fleet` has a day as
the demo sells it instead: three vans in the morning, three from the afternoon on, half full; the fuller of
the first two breaks down behind its fifth door. Then: nothing is done; the rest is solved anew by OR-Tools
with soft lateness, as one would without a plan at hand; it is replanned by ours; and ours is given a minute
for the best that can be found. Kept are promises on 2,000 days that happen (`tests.benchmarks.reality`), not
by our own scenarios. Times are CPU seconds of one thread, everything included. Weak point: everybody is on
time until then.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from chalicelib.fleet.progress import as_planned
from chalicelib.routing.edit import left_over, reordered
from chalicelib.routing.model import Break, StopKind
from chalicelib.routing.objective import Circumstances, OnTheRoad
from chalicelib.routing.optimiser import Budget, EngineFailed
from chalicelib.routing.optimiser.live import LiveEngine
from chalicelib.routing.optimiser.pose import pose
from chalicelib.routing.packed import Route
from chalicelib.routing.proof import judge
from chalicelib.routing.replan import replan
from chalicelib.routing.sweeps import Sweeps
from chalicelib.routing.underway import Underway, on_road, rest_of
from chalicelib.units import HOUR, MINUTE
from tests.benchmarks.days import (
    FIRST_DAY,
    City,
    book_day,
    empty_route,
    local,
    porto,
    sell,
    shoppers,
    the_day_before,
    world,
)
from tests.benchmarks.reality import kept

LATE = 5 * HOUR // 2
SIZES = {30: (2, 2.0), 150: (6, 5.0)}  # stops left: vans, and the seconds of worker time allowed
# Start, end and earliest break, in hours: as the vans of the demo's first depot.
FLEET = ((7.5, 14.5, 11), (7.5, 14.5, 11), (9, 18.5, 11), (14, 22, 16), (14, 22, 16), (15, 22, 16))
FLEET_ORDERS, FLEET_SHOPPERS, FLEET_SECONDS = 100, 300, 3.5
BREAKS_AFTER = 5
FINISH = 0.8  # of the allowance for the solver; the rest is for laying out and judging
BEST = 60.0
DAYS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What is left of a day on which one van is in trouble."""

    city: City
    here: Circumstances
    vans: tuple[Route, ...]
    stranded: tuple[Route, ...]

    @property
    def left(self) -> int:
        """Promises that are still to be kept."""
        return sum(len(route.stops) for route in (*self.vans, *self.stranded))

    def expected(self, routes: Sequence[Route]) -> float:
        """How many of them are kept, on days that happen; what nobody drives is not."""
        total = 0.0
        for route in routes:
            if route.driven and len(route.stops):
                chance = np.random.default_rng(7)
                shares = kept(
                    route,
                    self.here.world.clock,
                    self.here.world.noise,
                    self.here.now,
                    days=DAYS,
                    chance=chance,
                )
                total += float(shares[:-1][route.stops["kind"] != StopKind.MEETING].sum())
        return total


def day_sold(city: City, *, vans: int, seed: int, seconds: float) -> list[Route]:
    """Sold out, and improved as it would have been behind its bookings."""
    return improved(city, book_day(city, FIRST_DAY, world(), vans=vans, seed=seed), seconds)


def improved(city: City, sold: list[Route], seconds: float) -> list[Route]:
    """A booked day after so much work on it."""
    here = Circumstances(travel=city.travel, world=world(), now=the_day_before(FIRST_DAY))
    done = replan(sold, None, here, Budget(clock=time.process_time, until=time.process_time() + seconds))
    changed = {new.shift.shift_id: new for change in done.changes for new in change.after}
    return [changed.get(route.shift.shift_id, route) for route in sold]


def fleet_sold(city: City, *, seed: int) -> list[Route]:
    """A day of six vans as the demo has them, sold half and improved."""
    routes = [_shaped(empty_route(city, FIRST_DAY, van), *hours) for van, hours in enumerate(FLEET)]
    sweeps, now = Sweeps(world()), the_day_before(FIRST_DAY)
    for number, shopper in enumerate(shoppers(city, FIRST_DAY, seed), start=1):
        sell(sweeps, routes, shopper, number, city.travel, now)
        if sum(len(route.stops) for route in routes) >= FLEET_ORDERS or number >= FLEET_SHOPPERS:
            return improved(city, routes, 2.0)
    raise AssertionError("demand has no end")


def _shaped(route: Route, starts: float, ends: float, rests: float) -> Route:
    hour = partial(local, FIRST_DAY)
    rest = Break(earliest_at=hour(rests), latest_at=hour(rests + 2), duration=HOUR // 2)
    times = {"starts_at": hour(starts), "ends_at": hour(ends), "loads_at": hour(starts - 0.75)}
    return replace(route, shift=replace(route.shift, breaks=(rest,), **times))


def broken_down(city: City, sold: Sequence[Route]) -> Trouble:
    """The fuller of the first two vans never gets from its fifth door to the sixth."""
    world_ = on_road(world())
    judged = judge(sold, the_day_before(FIRST_DAY), world_)
    hit = max((0, 1), key=lambda van: len(sold[van].stops))
    now = int(judged[hit].start[BREAKS_AFTER - 1]) + 8 * MINUTE
    vans, stranded, towards = list[Route](), list[Route](), {}
    for van, (route, timetable) in enumerate(zip(sold, judged, strict=True)):
        if now < route.shift.starts_at:
            vans.append(route)
            continue
        there = as_planned(route, timetable.start[:-1].tolist(), now)
        if van == hit:
            there = replace(there, stranded=True, towards=0, since=now)
        towards[route.shift.shift_id] = there.towards
        (stranded if there.stranded else vans).append(rest_of(route, there, city.travel))
    here = Circumstances(travel=city.travel, world=world_, now=now, on_road=OnTheRoad(towards=towards))
    return Trouble(city=city, here=here, vans=tuple(vans), stranded=tuple(stranded))


def in_trouble(city: City, sold: Sequence[Route], left: int, *, down: bool) -> Trouble:
    """When so many stops are left, the van with most of them is late or never moves again."""
    world_ = on_road(world())
    judged = judge(sold, the_day_before(FIRST_DAY), world_)
    done_at = [
        timetable.start[:-1] + route.stops["service_time"]
        for route, timetable in zip(sold, judged, strict=True)
    ]
    now = int(np.sort(np.concatenate(done_at))[-left - 1]) + 1
    most = max(range(len(sold)), key=lambda van: int((done_at[van] > now).sum()))
    vans, stranded = list[Route](), list[Route]()
    for van, (route, done) in enumerate(zip(sold, done_at, strict=True)):
        over = np.flatnonzero(done <= now).tolist()
        last = route.stop(over[-1]) if over else None
        hit = van == most
        underway = Underway(
            behind=frozenset(int(route.stops["stop_id"][at]) for at in over),
            place=last.location if last else route.shift.start,
            node=last.node if last else route.start_node,
            since=now + (LATE if hit and not down else 0),
            stranded=hit and down,
        )
        (stranded if underway.stranded else vans).append(rest_of(route, underway, city.travel))
    here = Circumstances(travel=city.travel, world=world_, now=now, on_road=OnTheRoad())
    return Trouble(city=city, here=here, vans=tuple(vans), stranded=tuple(stranded))


def nothing(trouble: Trouble, seconds: float) -> list[Route]:
    """What happens if nobody does anything."""
    return [*trouble.vans, *trouble.stranded]


def ours(trouble: Trouble, seconds: float) -> list[Route]:
    """What the worker does."""
    budget = Budget(clock=time.process_time, until=time.process_time() + FINISH * seconds)
    done = replan(trouble.vans, None, trouble.here, budget, stranded=trouble.stranded)
    changed = {new.shift.shift_id: new for change in done.changes for new in change.after}
    plan = [*trouble.vans, *trouble.stranded]
    return [changed.get(route.shift.shift_id, route) for route in plan]


def from_scratch(trouble: Trouble, seconds: float) -> list[Route]:
    """All that is left, solved without the plan there was."""
    posed = pose(trouble.vans, [], trouble.here, stranded=trouble.stranded)
    fresh = replace(posed.problem.going_on_from([() for _ in trouble.vans]), soft=True)
    budget = Budget(clock=time.process_time, until=time.process_time() + FINISH * seconds)
    try:
        orders = LiveEngine().improve(fresh, budget)
    except EngineFailed:  # nothing in time: the plan stays as it was
        return nothing(trouble, seconds)
    placed = {fresh.tasks[number].stop_id for order in orders for number in order}
    return [
        *(
            reordered(route, posed.stops_of(van, orders[van]), trouble.city.travel)
            for van, route in enumerate(posed.routes)
        ),
        *(left_over(route, placed) for route in trouble.stranded),
    ]


def best_found(trouble: Trouble, seconds: float) -> list[Route]:
    """Ours with a minute, the clock that of one thread's work."""
    return ours(trouble, BEST / FINISH)


WAYS: dict[str, Callable[[Trouble, float], list[Route]]] = {
    "nothing": nothing,
    "OR-Tools from scratch": from_scratch,
    "ours": ours,
    "ours with 60 s": best_found,
}


def moved(before: Sequence[Route], after: Sequence[Route]) -> int:
    """Stops that change vans or are served after another stop than before."""

    def neighbours(routes: Sequence[Route]) -> dict[int, tuple[str, int]]:
        found = {}
        for route in routes:
            last = 0
            for stop_id in route.stops["stop_id"].tolist():
                found[stop_id] = (route.shift.shift_id, last)
                last = stop_id
        return found

    was, then = neighbours(before), neighbours(after)
    return sum(then[stop_id] != where for stop_id, where in was.items())


def main() -> None:
    """Print one row for each size, incident and way."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--fleet", action="store_true", help="a day as the demo's, instead of the sizes")
    parser.add_argument("--ways", default=",".join(WAYS))
    asked = parser.parse_args()
    city = porto(roads=True)
    print(f"  {'':38} left   kept    CPU s   moved   ({asked.seeds} days each, medians)")
    ways = asked.ways.split(",")
    if asked.fleet:
        days = [fleet_sold(city, seed=seed) for seed in range(asked.seeds)]
        compare("as the demo's, broken down", [broken_down(city, day) for day in days], FLEET_SECONDS, ways)
        return
    for size in map(int, asked.sizes.split(",")):
        vans, allowed = SIZES[size]
        sold = [day_sold(city, vans=vans, seed=seed, seconds=vans) for seed in range(asked.seeds)]
        for incident in ("late", "broken down"):
            troubles = [in_trouble(city, day, size, down=incident == "broken down") for day in sold]
            compare(f"{size} stops, {incident}", troubles, allowed, ways)


def compare(name: str, troubles: Sequence[Trouble], allowed: float, ways: Sequence[str]) -> None:
    """Print a row for each way."""
    for way in ways:
        rows = []
        for trouble in troubles:
            began = time.process_time()
            after = WAYS[way](trouble, allowed)
            took = time.process_time() - began
            before = [*trouble.vans, *trouble.stranded]
            rows.append((trouble.left, trouble.expected(after), took, moved(before, after)))
        left, kept_, took, moves = np.median(np.array(rows), axis=0).tolist()
        print(f"  {f'{name}: {way}':38} {left:4.0f} {kept_:6.1f} {took:8.2f} {moves:7.0f}", flush=True)


if __name__ == "__main__":
    main()
