"""What a quoted confidence is worth: on frozen routes by decile, and on whole days that were sold out.

    python -m tests.benchmarks.confidence

Reality is `tests.benchmarks.reality`: other draws, written a second time.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from chalicelib.routing.model import Leg, Stop, TimeWindow, Visit
from chalicelib.routing.packed import Route
from chalicelib.routing.proof import World, judge
from chalicelib.routing.travel_times import Places
from chalicelib.routing.uncertainty import Noise
from tests.benchmarks.days import FIRST_DAY, City, book_day, local, porto, shoppers, the_day_before, world
from tests.benchmarks.reality import kept
from tests.builders import CALM

NOW = the_day_before(FIRST_DAY)


@dataclass(frozen=True, slots=True)
class Quote:
    """A candidate's confidence as we quote it, and the share of real days on which it was kept."""

    quoted: float
    real: float


def candidates(city: City, routes: Sequence[Route], *, seed: int) -> Iterator[tuple[Route, int]]:
    """Routes with a newcomer anywhere, sensible or not, in a window about when the van comes by."""
    chance = np.random.default_rng(seed)
    for route, shopper in zip(routes, shoppers(city, FIRST_DAY, seed), strict=False):
        gap = int(chance.integers(0, len(route.stops) + 1))
        about = int(route.stops["window_start"][gap - 1]) if gap else route.shift.starts_at
        opens = about + int(chance.integers(-60, 90)) * 60
        window = TimeWindow(start=opens, end=opens + int(chance.integers(30, 120)) * 60)
        yield with_newcomer(city, route, gap, shopper.visit, window), gap


def with_newcomer(city: City, route: Route, gap: int, visit: Visit, window: TimeWindow) -> Route:
    """The route with one more stop, driven on the city's roads."""
    here = Places.of([visit.location], [visit.node])
    ends = [route.shift.start, *(stop.location for stop in route.all_stops()), route.shift.end]
    nodes = [route.start_node, *route.stops["node"].tolist(), route.end_node]
    around = Places.of(ends, nodes)
    seconds_in = int(city.travel.to_one(around[gap : gap + 1], here)[0])
    seconds_out = int(city.travel.from_one(here, around[gap + 1 : gap + 2])[0])
    stop = Stop(
        stop_id=10**6,
        location=visit.location,
        node=visit.node,
        window=window,
        service_time=visit.service_time,
        load=visit.load,
    )
    return route.inserted(gap, stop, Leg(seconds=seconds_in, metres=0), Leg(seconds=seconds_out, metres=0))


def quotes(city: City, routes: Sequence[Route], here: World, *, days: int, seed: int) -> list[Quote]:
    """Quote each candidate, then live its route."""
    changed = list(candidates(city, routes, seed=seed))
    chance = np.random.default_rng([seed, 1])
    found = []
    for first in range(0, len(changed), 50):
        some = changed[first : first + 50]
        for (route, gap), judged in zip(some, judge([route for route, _ in some], NOW, here), strict=True):
            real = kept(route, here.clock, here.noise, NOW, days=days, chance=chance)
            found.append(Quote(float(judged.kept[gap]), float(real[gap])))
    return found


def by_decile(found: Sequence[Quote]) -> list[tuple[int, float, float]]:
    """How many candidates were quoted within each tenth, their mean quote and their mean reality."""
    tenth = np.minimum([int(quote.quoted * 10) for quote in found], 9)
    rows = []
    for decile in range(10):
        own = [quote for quote, of in zip(found, tenth.tolist(), strict=True) if of == decile]
        if own:
            quoted, real = np.mean([[quote.quoted, quote.real] for quote in own], axis=0).tolist()
            rows.append((len(own), quoted, real))
        else:
            rows.append((0, np.nan, np.nan))
    return rows


def share_kept(routes: Sequence[Route], here: World, *, days: int, seed: int) -> tuple[float, float, int]:
    """Of everything sold the share kept on real days, the least sure promise's, and how many there are."""
    chance = np.random.default_rng([seed, 2])
    shares = [kept(route, here.clock, Noise(), NOW, days=days, chance=chance)[:-1] for route in routes]
    all_of_them = np.concatenate(shares)
    return float(all_of_them.mean()), float(all_of_them.min()), len(all_of_them)


def sold_out(city: City, here: World, *, vans: int, seed: int) -> list[Route]:
    """A day sold until hardly anybody gets a slot any more."""
    return book_day(city, FIRST_DAY, here, vans=vans, seed=seed)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vans", type=int, default=6)
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    assert local(FIRST_DAY, 0) > NOW
    for roads in (True, False):
        city, here = porto(roads=roads), world()
        print(f"\n{'real roads' if roads else 'straight line'}, {asked.vans} vans, {asked.seeds} seeds")
        print("share kept of everything sold on a sold-out day")
        for target in (0.90, 0.95, 0.98):
            aimed = world(target)
            days = [sold_out(city, aimed, vans=asked.vans, seed=seed) for seed in range(asked.seeds)]
            _print_share(f"target {target:.2f}", [share_kept(day, aimed, days=2000, seed=1) for day in days])
        hopeful = replace(here, noise=CALM)
        days = [sold_out(city, hopeful, vans=asked.vans, seed=seed) for seed in range(asked.seeds)]
        _print_share("by the plan alone", [share_kept(day, here, days=2000, seed=1) for day in days])
        booked = [sold_out(city, here, vans=asked.vans, seed=seed) for seed in range(asked.seeds)]
        routes = [route for day in booked for route in day] * (1500 // (asked.vans * asked.seeds))
        print(f"quoted confidence and reality, {len(routes)} candidates")
        for number, quoted, real in by_decile(quotes(city, routes, here, days=2000, seed=7)):
            gap = 100 * (real - quoted)
            print(f"  {number:6}  quoted {100 * quoted:5.1f} %  real {100 * real:5.1f} %  {gap:+.1f}")


def _print_share(name: str, shares: Sequence[tuple[float, float, int]]) -> None:
    sold = sum(number for _, _, number in shares)
    mean = sum(share * number for share, _, number in shares) / sold
    least = min(least for _, least, _ in shares)
    print(f"  {name:18}  kept {100 * mean:5.2f} %   least sure {100 * least:5.1f} %   sold {sold}")


if __name__ == "__main__":
    main()
