"""Slot recall: of all slots a van could keep, how many a search offers; directly, and with room made.

    python -m tests.benchmarks.recall --vans 8 --addresses 20 --seeds 1

Days of Porto, sold until hardly anybody gets a slot; then one order in twenty is cancelled: 95 % full.
"As sold" knows insertion alone; "improved" days were sold with the plan improved in between, and once more at
the end, so they hold more. A pair of address and slot counts as possible if any method proves it: insertion,
room made with any of the efforts, or the whole plan solved anew with the newcomer (PyVRP, from the present
plan). Every yes is written into the plan and judged again there; those of the ordinary effort are asked for
again alone, as a hold does. Times are CPU milliseconds of one search of six slots, beyond that of the direct
search: first by a process that has not seen the plan before the first of the addresses, then by one that was
asked the same before. Weak point: the solver's steps are bounded, so a pair that nobody proves may be
possible all the same.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from chalicelib.routing.edit import with_room_made, with_stop, without
from chalicelib.routing.ejection import ORDINARY, Effort, Ejection
from chalicelib.routing.insertion import Insertion, Proof
from chalicelib.routing.leaving import Reach
from chalicelib.routing.model import NO_LEG, Stop, TimeWindow
from chalicelib.routing.neighbourhoods import neighbourhoods
from chalicelib.routing.objective import broken_rule, wronged
from chalicelib.routing.optimiser import Budget
from chalicelib.routing.packed import Route
from chalicelib.routing.replan import replan
from chalicelib.routing.sweeps import Sweeps
from tests.benchmarks.days import FIRST_DAY, City, Shopper, porto, shoppers, windows_of
from tests.benchmarks.selling import NOW, Shop, as_stop, waiting

WINDOWS = windows_of(FIRST_DAY)
NEWCOMER = 1_000_000
CANCELLED = 0.05
AT_ONCE = 40  # shoppers between two improvements
IMPROVE, SOLVE = 1000, 200
PATIENCE = 10  # percent of them that still get a slot while a day is not sold out


EFFORTS = {
    "least": Effort(gaps=96, leaving=36, looked_up=36, proven=6, first=1, reach=Reach(looked_up=4, proven=1)),
    "less": Effort(
        gaps=128, leaving=60, looked_up=72, proven=12, first=2, reach=Reach(looked_up=6, proven=2)
    ),
    "ordinary": ORDINARY,
    "most": Effort(
        gaps=800, leaving=800, looked_up=600, proven=240, first=6, reach=Reach(looked_up=30, proven=8)
    ),
}


@dataclass(slots=True)
class Tried:
    """What one effort found, and the milliseconds it took: at first, and when asked again."""

    found: int = 0
    first: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Tally:
    """What was found on some days of one kind."""

    pairs: int = 0
    direct: int = 0
    possible: int = 0
    held: int = 0
    stops: list[int] = field(default_factory=list)
    searching: list[float] = field(default_factory=list)
    tried: dict[str, Tried] = field(default_factory=lambda: {name: Tried() for name in EFFORTS})


def steps(number: int, seed: int = 1) -> Budget:
    """So many steps of the solver, whatever time they take: the same answer in every run."""
    return Budget(clock=time.process_time, until=float("inf"), iterations=number, seed=seed)


def improve(shop: Shop, most: int) -> None:
    """Improve every neighbourhood of the plan."""
    for piece in list(neighbourhoods(shop.routes, None, [], NOW)):
        fresh = [next(r for r in shop.routes if r.shift.shift_id == p.shift.shift_id) for p in piece]
        shop.adopt(replan(fresh, None, shop.here, steps(most)))


def full_day(city: City, vans: int, seed: int, most: int) -> Shop:
    """Sell a day out, and cancel one order in twenty."""
    shop, asking = Shop.open(city, vans), enumerate(shoppers(city, FIRST_DAY, seed), start=1)
    while True:
        before = shop.sold
        for number, shopper in islice(asking, AT_ONCE):
            shop.offer(shopper, number)
        if 100 * (shop.sold - before) < PATIENCE * AT_ONCE:
            break
        if most:
            improve(shop, most)
    sold = sorted(int(stop_id) for route in shop.routes for stop_id in route.stops["stop_id"])
    chance = np.random.default_rng([seed, vans])
    for stop_id in chance.choice(sold, size=round(CANCELLED * len(sold)), replace=False).tolist():
        shop.routes = [without(route, stop_id, city.travel, NOW, shop.here.world) for route in shop.routes]
    if most:
        improve(shop, most)
    return shop


def ask(shop: Shop, known: dict[str, Sweeps], shopper: Shopper, number: int, most: int, tally: Tally) -> None:
    """Put one address to all methods; the solver is asked only about what everybody else refused."""
    visit, travel = shopper.visit, shop.city.travel
    swept = shop.sweeps.of(shop.routes, NOW)
    began = time.process_time()
    direct = Insertion(shop.sweeps, swept, swept.able(visit), visit, WINDOWS, travel, NOW).best()
    tally.searching.append(1000 * (time.process_time() - began))
    refused = [window for window, proof in zip(WINDOWS, direct, strict=True) if proof is None]
    tally.pairs += len(WINDOWS)
    tally.direct += verified(shop, shopper, [proof for proof in direct if proof])
    if not refused:
        tally.possible += len(WINDOWS)
        return
    possible = set(WINDOWS) - set(refused)
    for name, tried in tally.tried.items():
        made = timed(shop, known[name], shopper, refused, EFFORTS[name], tried.first)
        timed(shop, known[name], shopper, refused, EFFORTS[name], tried.again)
        tried.found += verified(shop, shopper, made)
        possible |= {proof.candidate.window for proof in made}
        if EFFORTS[name] is ORDINARY:
            for proof in made:
                alone = [proof.candidate.window]
                tally.held += len(timed(shop, known[name], shopper, alone, ORDINARY, []))
    left = [window for window in WINDOWS if window not in possible]
    tally.possible += len(possible) + sum(solved(shop, shopper, window, number, most) for window in left)


def timed(
    shop: Shop,
    sweeps: Sweeps,
    shopper: Shopper,
    windows: Sequence[TimeWindow],
    effort: Effort,
    took: list[float],
) -> list[Proof]:
    """Make room in these windows, and note how long that took once the routes are swept and judged."""
    swept = sweeps.of(shop.routes, NOW)
    sweeps.judgements.of(shop.routes, NOW)
    everybody, plans = np.ones(len(shop.routes), dtype=bool), np.zeros(len(shop.routes), dtype=np.int64)
    travel = shop.city.travel
    began = time.process_time()
    made = Ejection(sweeps, swept, everybody, plans, shopper.visit, windows, travel, NOW, effort).best()
    took.append(1000 * (time.process_time() - began))
    return [proof for proof in made if proof]


def verified(shop: Shop, shopper: Shopper, proofs: Sequence[Proof]) -> int:
    """Write each yes into the plan and judge all of it anew: a false one ends the run."""
    here = shop.here
    for proof in proofs:
        stop = as_stop(shopper, NEWCOMER, proof.candidate.window)
        changed = written(shop, proof, stop)
        assert changed, "an offer that cannot be held"
        after = [
            next((new for new in changed if new.shift.shift_id == route.shift.shift_id), route)
            for route in shop.routes
        ]
        nobody = waiting(shop.city, [stop])
        was, then = here.see(shop.routes), here.see(after)
        placed = here.see([nobody])
        assert broken_rule([*was, *placed], [*then, *here.see([nobody.removed(0, NO_LEG)])], NOW) is None
        assert not wronged([*was, *placed], [*then, *placed], NOW, here.world.target)
    return len(proofs)


def written(shop: Shop, proof: Proof, stop: Stop) -> Sequence[Route]:
    """The routes a hold would write."""
    if proof.moved is not None:
        return with_room_made(proof, stop, shop.city.travel, NOW, shop.here.world) or ()
    route = with_stop(proof.candidate, stop, shop.city.travel, NOW, shop.here.world)
    return () if route is None else (route,)


def solved(shop: Shop, shopper: Shopper, window: TimeWindow, number: int, most: int) -> bool:
    """Whether the plan solved anew from where it is has a place for the newcomer."""
    stop = as_stop(shopper, NEWCOMER, window)
    nobody = waiting(shop.city, [stop])
    done = replan(shop.routes, nobody, shop.here, steps(most, seed=number))
    return any(
        route.driven and route.index_of(NEWCOMER) is not None
        for change in done.changes
        for route in change.after
        if route.shift.shift_id != nobody.shift.shift_id
    )


def main() -> None:
    """Print one row for each kind of day."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vans", type=int, default=8)
    parser.add_argument("--addresses", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--improve", type=int, default=IMPROVE, help="steps of the solver between bookings")
    parser.add_argument("--solve", type=int, default=SOLVE, help="steps of the solver for each pair")
    asked = parser.parse_args()
    city = porto(roads=True)
    print(f"  {asked.vans} vans, {asked.addresses} addresses x {len(WINDOWS)} slots, {asked.seeds} days each")
    print(
        "  day        stops  pairs possible    direct  ms    effort    with room  more ms p50 / p90   again"
    )
    for name, most in (("as sold", 0), ("improved", asked.improve)):
        total = Tally()
        for seed in range(1, asked.seeds + 1):
            shop = full_day(city, asked.vans, seed, most)
            total.stops.append(sum(len(route.stops) for route in shop.routes))
            known = {effort: Sweeps(shop.here.world) for effort in EFFORTS}
            strangers = islice(shoppers(city, FIRST_DAY, 9000 + seed), asked.addresses)
            for number, shopper in enumerate(strangers, start=1):
                ask(shop, known, shopper, number, asked.solve, total)
            assert not shop.infeasible()
        report(name, total)


def report(name: str, total: Tally) -> None:
    """Print a row for each effort."""
    possible = max(total.possible, 1)
    day = (
        f"{name:9} {np.mean(total.stops):6.0f} {total.pairs:6} {total.possible:8} "
        f"{total.direct / possible:9.3f} {np.median(total.searching):5.1f}"
    )
    for effort, tried in total.tried.items():
        print(
            f"  {day:48}  {effort:9} {(total.direct + tried.found) / possible:9.3f} "
            f"{np.median(tried.first or [0.0]):11.1f} / {np.quantile(tried.first or [0.0], 0.9):4.1f} "
            f"{np.median(tried.again or [0.0]):7.1f}",
            flush=True,
        )
        day = ""
    print(f"  {name}: {total.held} of {total.tried['ordinary'].found} are offered again when asked alone")


if __name__ == "__main__":
    main()
