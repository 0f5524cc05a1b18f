"""What a shopper waits for, beside the oracle that solves the day anew: same questions, same moments.

    INSTANCES=/folder/of/solomon/files python -m tests.benchmarks.asking --markets roads --every 6

Days are sold by live routes and improved behind each booking, as in `acceptance`. After each shopper a
stranger asks, for one slot and for all six of the day: first of a plan that has changed since anybody asked,
then others of the same plan. Every few shoppers the oracle is asked as well: insertion, and for each slot
that does not fit 0.5 s of solving the whole day with the newcomer; nothing of it is adopted. What ours costs
is what `acceptance` counts: sweeping the vans that changed, roads, proofs, and making room. All of it is CPU
time. Weak point: the oracle answers few questions, so that its 99 % is its longest.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import islice

import numpy as np

from chalicelib.routing.model import TimeWindow
from chalicelib.routing.optimiser import Budget
from chalicelib.routing.replan import replan
from chalicelib.routing.sweeps import Sweeps
from tests.benchmarks.acceptance import OURS, PER_VAN, POSITIONS
from tests.benchmarks.days import FIRST_DAY, Shopper, shoppers
from tests.benchmarks.instances import instances
from tests.benchmarks.selling import (
    SLOTS,
    Market,
    Shop,
    as_stop,
    day_of,
    on_positions,
    on_roads,
    waiting,
)

SOLVE = 0.5  # CPU seconds of the oracle for each slot that does not fit
OTHERS = 3  # strangers who ask of a plan that somebody asked before
NEWCOMER = 1_000_000
QUESTIONS = {"one slot": 1, "the day's six slots": len(SLOTS)}

type Waits = defaultdict[tuple[str, str], list[float]]


def timed(ask: Callable[[], object]) -> float:
    """CPU milliseconds of a question."""
    began = time.process_time()
    ask()
    return 1000 * (time.process_time() - began)


class Counter:
    """Where strangers ask: each kind of question has a memory of its own, so that none warms up another."""

    def __init__(self, market: Market, vans: int) -> None:
        self._market, self._vans = market, vans
        ways = [(question, room) for question in QUESTIONS for room in (False, True)]
        self._memories = {way: Sweeps(market.world) for way in ways}
        self._ask_once(Shop.open(market.city, vans, market.world))
        self.waits: Waits = defaultdict(list)

    def _ask_once(self, shop: Shop) -> None:
        """What is loaded and drawn once in a process is not the question here."""
        self.waits = defaultdict(list)
        self.ask(shop, list(islice(shoppers(self._market.city, FIRST_DAY, 0), 1 + OTHERS)))

    def ask(self, shop: Shop, strangers: Sequence[Shopper]) -> None:
        """Put the questions to live routes: the first stranger, then the others."""
        asked = shop.sweeps
        for (question, room), shop.sweeps in self._memories.items():
            for at, stranger in enumerate(strangers):
                windows = wanted(stranger, question)
                wait = timed(lambda s=stranger, w=windows, r=room: shop.search(s.visit, w, ejects=r))
                who = f"{'room made' if room else 'direct'}, {'plan known' if at else 'plan changed'}"
                self.waits[question, who].append(wait)
        shop.sweeps = asked

    def solve(self, shop: Shop, stranger: Shopper, number: int) -> None:
        """Put them to the oracle."""
        for question in QUESTIONS:
            wait = timed(lambda q=question: solved_anew(shop, stranger, wanted(stranger, q), number))
            self.waits[question, "solved anew"].append(wait)


def wanted(stranger: Shopper, question: str) -> Sequence[TimeWindow]:
    """The slots a question is about."""
    return stranger.wants[:1] if QUESTIONS[question] == 1 else SLOTS


def solved_anew(shop: Shop, stranger: Shopper, windows: Sequence[TimeWindow], number: int) -> list[bool]:
    """Which of these windows the oracle has a place in."""
    found = list[bool]()
    for window, proof in zip(windows, shop.search(stranger.visit, windows), strict=True):
        if proof is None:
            nobody = waiting(shop.city, [as_stop(stranger, NEWCOMER, window)])
            until = time.process_time() + SOLVE
            budget = Budget(clock=time.process_time, until=until, seed=number)
            done = replan(shop.routes, nobody, shop.here, budget)
            after = (route for change in done.changes for route in change.after if route.driven)
            found.append(any(route.index_of(NEWCOMER) is not None for route in after))
        else:
            found.append(True)
    return found


def report(market: Market, waits: Waits) -> None:
    """Print a row for each question and way to answer it."""
    print(f"\n{market.name:34} {'ms p50':>9} {'p99':>9}   of the oracle's p50, p99")
    for question in QUESTIONS:
        anew = np.quantile(waits[question, "solved anew"], (0.5, 0.99))
        for who in sorted(who for asked, who in waits if asked == question):
            own = np.quantile(waits[question, who], (0.5, 0.99))
            share = ", ".join(f"1/{times:.0f}" for times in (anew / own).tolist())
            print(f"  {question:20} {who:24} {own[0]:9.1f} {own[1]:9.1f}   {share}", flush=True)


def main() -> None:
    """Print a table for each market."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vans", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--every", type=int, default=6, help="shoppers between two questions to the oracle")
    parser.add_argument("--markets", default=f"roads,{POSITIONS}", help="roads, or names of instances")
    asked = parser.parse_args()
    for name in asked.markets.split(","):
        market = on_roads() if name == "roads" else on_positions(instances([name])[0])
        counter = Counter(market, asked.vans)
        for seed in range(asked.seeds):
            asking = market.asking(seed, shoppers_=PER_VAN * asked.vans, wishes=3)
            strangers = shoppers(market.city, FIRST_DAY, 9000 + seed)
            for number, shop in enumerate(day_of(market, asked.vans, OURS, asking), start=1):
                here = list(islice(strangers, 1 + OTHERS))
                counter.ask(shop, here)
                if number % asked.every == 0:
                    counter.solve(shop, here[0], number)
        report(market, counter.waits)


if __name__ == "__main__":
    main()
