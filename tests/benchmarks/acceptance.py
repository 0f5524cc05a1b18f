"""How many orders a day of few vans accepts: by insertion alone, improved between bookings, or solved anew.

    python -m tests.benchmarks.acceptance --vans 4 --shoppers 260 --seeds 1

Each shopper takes the first of three ranked two-hour slots that is offered, or leaves; the same shoppers for
every policy, on the real roads of Porto, all promises kept with the target's probability at any moment. The
practical oracle solves the whole day anew for each shopper and slot that does not fit at once: PyVRP from the
present plan, with the newcomer to be placed. Times are CPU seconds. Weak point: solvers under a CPU limit do
not repeat themselves; two runs differ by a few orders.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from chalicelib.routing.edit import with_stop
from chalicelib.routing.insertion import Insertion
from chalicelib.routing.model import Leg, Stop, TimeWindow
from chalicelib.routing.neighbourhoods import neighbourhoods
from chalicelib.routing.objective import Circumstances
from chalicelib.routing.optimiser import Budget
from chalicelib.routing.packed import Route
from chalicelib.routing.proof import judge
from chalicelib.routing.replan import Replan, replan
from chalicelib.routing.sweeps import Sweeps
from tests.benchmarks.days import (
    FIRST_DAY,
    City,
    Shopper,
    empty_route,
    porto,
    shoppers,
    the_day_before,
    world,
)

NOW = the_day_before(FIRST_DAY)
NOWHERE = Leg(seconds=0, metres=0)


@dataclass(slots=True)
class Shop:
    """Routes that are sold, and what was measured of it."""

    city: City
    here: Circumstances
    routes: list[Route]
    sweeps: Sweeps
    sold: int = 0
    first_choices: int = 0
    queries: list[float] = field(default_factory=list)
    behind: float = 0.0

    @classmethod
    def open(cls, city: City, vans: int) -> "Shop":
        """With empty vans."""
        here = Circumstances(travel=city.travel, world=world(), now=NOW)
        return cls(city, here, [empty_route(city, FIRST_DAY, van) for van in range(vans)], Sweeps(here.world))

    def offer(self, shopper: Shopper, number: int, wants: Sequence[TimeWindow] | None = None) -> str | None:
        """Sell the first slot in which the shopper fits as the plan is; says whose route changed."""
        windows = shopper.wants if wants is None else wants
        swept = self.sweeps.of(self.routes, NOW)
        able = swept.able(shopper.visit)
        search = Insertion(self.sweeps, swept, able, shopper.visit, windows, self.city.travel, NOW)
        for rank, proof in enumerate(search.best()):
            if proof is not None:
                stop = as_stop(shopper, number, proof.candidate.window)
                changed = with_stop(proof.candidate, stop, self.city.travel, NOW, self.here.world)
                if changed is not None:
                    self.routes[self.routes.index(proof.candidate.route)] = changed
                    self.count(shopper.wants.index(windows[rank]))
                    return changed.shift.shift_id
        return None

    def count(self, rank: int) -> None:
        """One more order."""
        self.sold += 1
        self.first_choices += rank == 0

    def adopt(self, done: Replan) -> None:
        """Take over what a replan changed."""
        changed = {route.shift.shift_id: route for change in done.changes for route in change.after}
        self.routes = [changed.get(route.shift.shift_id, route) for route in self.routes]

    def infeasible(self) -> int:
        """Promises that the plan does not keep with the target's probability."""
        world_ = self.here.world
        return sum(int((seen.kept < world_.target).sum()) for seen in judge(self.routes, NOW, world_))

    @property
    def driven(self) -> int:
        """Seconds on the road."""
        return self.here.worth(self.here.see(self.routes)).driven


def as_stop(shopper: Shopper, number: int, window: TimeWindow) -> Stop:
    """The shopper's promise."""
    visit = shopper.visit
    return Stop(
        stop_id=number,
        location=visit.location,
        node=visit.node,
        window=window,
        service_time=visit.service_time,
        load=visit.load,
    )


def insertion_only(shop: Shop, shopper: Shopper, number: int) -> None:
    """What an insertion service alone sells."""
    timed(shop, lambda: shop.offer(shopper, number))


def improved(shop: Shop, shopper: Shopper, number: int, *, seconds: float) -> None:
    """... with the changed van and its neighbours improved behind each booking."""
    changed = timed(shop, lambda: shop.offer(shopper, number))
    if changed is not None:
        began = time.process_time()
        piece = next(neighbourhoods(shop.routes, None, [changed], NOW))
        budget = Budget(clock=time.process_time, until=began + seconds, seed=number)
        shop.adopt(replan(piece, None, shop.here, budget))
        shop.behind += time.process_time() - began


def solved_anew(shop: Shop, shopper: Shopper, number: int, *, seconds: float) -> None:
    """The oracle: each slot in turn, the whole day solved with the newcomer."""
    timed(shop, lambda: _solved_anew(shop, shopper, number, seconds))


def _solved_anew(shop: Shop, shopper: Shopper, number: int, seconds: float) -> None:
    for rank, window in enumerate(shopper.wants):
        if shop.offer(shopper, number, [window]) is not None:
            return
        nobody = empty_route(shop.city, FIRST_DAY, 999).inserted(
            0, as_stop(shopper, number, window), NOWHERE, NOWHERE
        )
        began = time.process_time()
        budget = Budget(clock=time.process_time, until=began + seconds, seed=number)
        done = replan(shop.routes, nobody, shop.here, budget)
        shop.adopt(done)
        if any(route.index_of(number) is not None for route in shop.routes):
            shop.count(rank)
            return


def timed[T](shop: Shop, work: Callable[[], T]) -> T:
    """Measure what the shopper waits for."""
    began = time.process_time()
    found = work()
    shop.queries.append(time.process_time() - began)
    return found


POLICIES: dict[str, Callable[[Shop, Shopper, int], None]] = {
    "insertion only": insertion_only,
    "+ 0.1 s behind each booking": lambda *asked: improved(*asked, seconds=0.1),
    "+ 0.3 s behind each booking": lambda *asked: improved(*asked, seconds=0.3),
    "solved anew (0.5 s a slot)": lambda *asked: solved_anew(*asked, seconds=0.5),
}


def live_through(city: City, policy: str, asking: Sequence[Shopper], vans: int) -> Shop:
    """Sell a day."""
    shop = Shop.open(city, vans)
    for number, shopper in enumerate(asking, start=1):
        POLICIES[policy](shop, shopper, number)
        assert not shop.infeasible()
    return shop


def main() -> None:
    """Print one row per policy."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vans", type=int, default=4)
    parser.add_argument("--shoppers", type=int, default=260)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--policies", default=",".join(POLICIES))
    asked = parser.parse_args()
    city = porto(roads=True)
    print(f"  {asked.vans} vans, {asked.shoppers} shoppers, {asked.seeds} seeds")
    print(f"  {'':28} accepted  first choice  drive s/order  query p50/p99 ms  behind s/day")
    for policy in asked.policies.split(","):
        days = []
        for seed in range(asked.seeds):
            asking = list(islice(shoppers(city, FIRST_DAY, seed), asked.shoppers))
            days.append(live_through(city, policy, asking, asked.vans))
        sold = np.mean([day.sold for day in days])
        waited = 1000 * np.concatenate([day.queries for day in days])
        print(
            f"  {policy:28} {sold:8.1f} {np.mean([day.first_choices for day in days]) / sold:12.0%} "
            f"{np.mean([day.driven for day in days]) / sold:14.0f}  "
            f"{np.median(waited):8.1f} / {np.quantile(waited, 0.99):6.1f}  "
            f"{np.mean([day.behind for day in days]):10.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
