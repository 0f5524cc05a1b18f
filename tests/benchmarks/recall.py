"""Slot recall: of all slots a van could keep, how many a search offers; directly, and with one ejection.

    python -m tests.benchmarks.recall --vans 8 --addresses 20 --seeds 1

Days of Porto, sold until hardly anybody gets a slot; then one order in twenty is cancelled: 95 % full.
"As sold" knows insertion alone; "improved" days were sold with the plan improved in between, and once more at
the end, so they hold more. A pair of address and slot counts as possible if any method proves it:
insertion, one ejection, or the whole plan solved anew with the newcomer (PyVRP, from the present plan). Every
yes is written into the plan and judged again there, and asked for again alone, as a hold does. Times are CPU
milliseconds of one search of six slots.
Weak point: the solver's steps are bounded, so a pair that nobody proves may be possible all the same.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from chalicelib.routing.edit import with_room_made, with_stop, without
from chalicelib.routing.ejection import Ejection
from chalicelib.routing.insertion import Insertion, Proof
from chalicelib.routing.model import NO_LEG, Stop, TimeWindow
from chalicelib.routing.neighbourhoods import neighbourhoods
from chalicelib.routing.objective import broken_rule, wronged
from chalicelib.routing.optimiser import Budget
from chalicelib.routing.packed import Route
from chalicelib.routing.replan import replan
from tests.benchmarks.days import FIRST_DAY, City, Shopper, porto, shoppers, windows_of
from tests.benchmarks.selling import NOW, Shop, as_stop, waiting

WINDOWS = windows_of(FIRST_DAY)
NEWCOMER = 1_000_000
CANCELLED = 0.05
AT_ONCE = 40  # shoppers between two improvements
IMPROVE, SOLVE = 1000, 200
PATIENCE = 10  # percent of them that still get a slot while a day is not sold out


@dataclass(slots=True)
class Tally:
    """What was found on some days."""

    pairs: int = 0
    direct: int = 0
    ejected: int = 0
    held: int = 0
    solved: int = 0
    stops: list[int] = field(default_factory=list)
    searching: list[float] = field(default_factory=list)
    ejecting: list[float] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Count another day too."""
        self.pairs, self.direct = self.pairs + other.pairs, self.direct + other.direct
        self.ejected, self.solved = self.ejected + other.ejected, self.solved + other.solved
        self.held += other.held
        self.stops += other.stops
        self.searching += other.searching
        self.ejecting += other.ejecting

    @property
    def possible(self) -> int:
        """Pairs that some method proved."""
        return self.direct + self.ejected + self.solved


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


def ask(shop: Shop, shopper: Shopper, number: int, most: int, tally: Tally) -> None:
    """Put one address to all methods; each is asked only about what the one before refused."""
    visit, travel = shopper.visit, shop.city.travel
    swept = shop.sweeps.of(shop.routes, NOW)
    everybody = np.ones(len(shop.routes), dtype=bool)
    began = time.process_time()
    direct = Insertion(shop.sweeps, swept, swept.able(visit), visit, WINDOWS, travel, NOW).best()
    tally.searching.append(1000 * (time.process_time() - began))
    refused = [window for window, proof in zip(WINDOWS, direct, strict=True) if proof is None]
    tally.pairs += len(WINDOWS)
    tally.direct += verified(shop, shopper, [proof for proof in direct if proof])
    if not refused:
        return
    plans = np.zeros(len(shop.routes), dtype=np.int64)
    began = time.process_time()
    ejected = Ejection(shop.sweeps, swept, everybody, plans, visit, refused, travel, NOW).best()
    tally.ejecting.append(1000 * (time.process_time() - began))
    tally.ejected += verified(shop, shopper, [proof for proof in ejected if proof])
    for window in (proof.candidate.window for proof in ejected if proof):
        again = Ejection(shop.sweeps, swept, everybody, plans, visit, [window], travel, NOW)
        tally.held += again.best() != [None]
    left = [window for window, proof in zip(refused, ejected, strict=True) if proof is None]
    tally.solved += sum(solved(shop, shopper, window, number, most) for window in left)


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
    print("  day        stops  pairs possible    direct  + ejection  held again    ms direct  + ms p50 / p95")
    for name, most in (("as sold", 0), ("improved", asked.improve)):
        total = Tally()
        for seed in range(1, asked.seeds + 1):
            shop = full_day(city, asked.vans, seed, most)
            day = Tally(stops=[sum(len(route.stops) for route in shop.routes)])
            strangers = islice(shoppers(city, FIRST_DAY, 9000 + seed), asked.addresses)
            for number, shopper in enumerate(strangers, start=1):
                ask(shop, shopper, number, asked.solve, day)
            assert not shop.infeasible()
            total.add(day)
        both = total.direct + total.ejected
        possible = max(total.possible, 1)
        held = f"{total.held} of {total.ejected}"
        ejecting = total.ejecting or [0.0]
        print(
            f"  {name:9} {np.mean(total.stops):6.0f} {total.pairs:6} {total.possible:8} "
            f"{total.direct / possible:9.2f} {both / possible:11.2f} {held:>12} "
            f"{np.median(total.searching):12.1f} "
            f"{np.median(ejecting):7.1f} / {np.quantile(ejecting, 0.95):.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
