"""How many orders a day of few vans accepts: by live routes, fixed caps, solving anew, and by hindsight.

    INSTANCES=/folder/of/solomon/files python -m tests.benchmarks.acceptance
    python -m tests.benchmarks.acceptance --vans 4 --shoppers 230 --seeds 3 --markets roads --wishes 3

On the real roads of Porto, and on the positions of a published instance (a generated one without INSTANCES);
each shopper with one wished two-hour slot, and with a ranked choice of three. All policies meet the same
shoppers. The oracle solves the whole day anew for each shopper and slot that does not fit at once: PyVRP
from the present plan, with the newcomer to be placed. A fixed cap is swept, and its orders given to the same
vans by the solver at the day's end. After each booking of every other policy all promises are proven.
Latencies are CPU milliseconds of one search, the booking left out except for the oracle, whose search it is.
Weak points: a solver under a CPU limit does not repeat itself, two runs of a day differ by a few orders, so
that less than 3 % on one day says nothing; and a shopper who is shown a surcharge looks for another of her
slots first, but never leaves because of it.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

import numpy as np

from chalicelib.dispatch.budget import LEAST_SECONDS
from chalicelib.fleet.model import OfferShaping, ShapingMode
from tests.benchmarks.bounds import broken, capped, hindsight
from tests.benchmarks.days import Shopper
from tests.benchmarks.instances import instances
from tests.benchmarks.selling import Market, Policy, Shop, day_of, on_positions, on_roads

PER_VAN = 48  # shoppers: a third more than can be served
POSITIONS = "R1_2_1"  # 200 customers all over the field
SAYS_SOMETHING_EVERY = 20.0  # seconds of the wall

HEADER = f"{'':54} accepted  of oracle 1st choice s/order   query ms p50 / p99   of p99  CPU s/day broken"
OURS = Policy(ejects=True, behind=0.1)
AS_DEPLOYED = Policy(ejects=True, behind=LEAST_SECONDS)
ORACLE = Policy(anew=0.5)


@dataclass(slots=True)
class Row:
    """What some days of a policy came to."""

    sold: list[int] = field(default_factory=list)
    first_choices: int = 0
    driven: int = 0
    queries: list[float] = field(default_factory=list)
    behind: float = 0.0
    broken: int = 0

    def add(self, day: Shop) -> None:
        """Count a day."""
        self.sold.append(day.sold)
        self.first_choices += day.first_choices
        self.driven += day.driven
        self.queries += day.queries
        self.behind += day.behind

    def show(self, name: str, oracle: "Row") -> None:
        """Print it."""
        total = sum(self.sold)
        cells = f"  {name:54} {total / len(self.sold):8.1f} {total / sum(oracle.sold):10.0%}"
        cells += f" {self.first_choices / total:10.0%}"
        cells += f" {self.driven / total:7.0f}" if self.driven else f" {'-':>7}"
        if self.queries:
            p50, p99 = self.waits
            cells += f" {p50:12.1f} / {p99:7.1f} {f'1/{oracle.waits[1] / p99:.0f}':>8}"
            cells += f" {(sum(self.queries) + self.behind) / len(self.sold):10.1f}"
        else:
            cells += f" {'-':>22} {'-':>8} {'-':>10}"
        print(f"{cells} {self.broken:6}", flush=True)

    @property
    def waits(self) -> tuple[float, float]:
        """Milliseconds of a search: median and 99 %."""
        p50, p99 = np.quantile(self.queries, (0.5, 0.99)).tolist()
        return 1000 * p50, 1000 * p99


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A market, and the same shoppers for everybody.

    Attributes
    ----------
    days
        The shoppers of each seed.
    solve
        CPU seconds for hindsight, and of each cap's day for the solver.
    """

    market: Market
    vans: int
    wishes: int
    days: Sequence[Sequence[Shopper]]
    solve: float

    def run(self, shaping: OfferShaping) -> None:
        """Print the table."""
        wishes = "one wished slot" if self.wishes == 1 else f"a ranked choice of {self.wishes}"
        size = f"{self.vans} vans, {len(self.days[0])} shoppers, {len(self.days)} days"
        print(f"\n{self.market.name}, {wishes}: {size}")
        print(f"  {HEADER}", flush=True)
        oracle, _ = self._sold("solved anew", ORACLE)
        ours, sold = self._sold("ours", OURS)
        for name, cap, row in self._caps(ours):
            row.show(f"fixed cap of {cap} a slot, {name}", oracle)
        for name, policy in (("insertion only", Policy()), ("insertion + one ejection", Policy(ejects=True))):
            self._sold(name, policy)[0].show(name, oracle)
        ours.show("ours: + 0.1 s of improvement behind each booking", oracle)
        row, _ = self._sold("ours as deployed", AS_DEPLOYED)
        row.show(f"ours: + {LEAST_SECONDS:g} s, what the worker takes at least", oracle)
        limit = f"{shaping.detour_ratio:g} x cheapest + {shaping.detour_seconds} s"
        for mode, what in ((ShapingMode.HIDE, "hidden"), (ShapingMode.PRICE, "dearer")):
            if mode is ShapingMode.PRICE and self.wishes == 1:
                continue  # nobody has another slot to turn to
            row, _ = self._sold(what, replace(OURS, shaping=replace(shaping, mode=mode)))
            row.show(f"ours, 0.1 s, {what} beyond {limit}", oracle)
        oracle.show("solved anew for each shopper: the oracle", oracle)
        known = Row()
        for asking, day in zip(self.days, sold, strict=True):
            known.add(self._watched("hindsight", hindsight(day, asking, self.solve, OURS), known))
        known.queries.clear()
        known.show("hindsight: all wishes known in the morning", oracle)

    def _sold(self, name: str, policy: Policy) -> tuple[Row, list[Shop]]:
        row, days = Row(), list[Shop]()
        for asking in self.days:
            days.append(self._watched(name, day_of(self.market, self.vans, policy, asking), row))
            row.add(days[-1])
        return row, days

    def _watched(self, name: str, day: Iterator[Shop], row: Row) -> Shop:
        """Follow a day: every promise is proven at any moment, and now and then it says how far it is."""
        said, shop = time.monotonic(), None
        for shop in day:
            row.broken = max(row.broken, shop.infeasible())
            if time.monotonic() - said > SAYS_SOMETHING_EVERY:
                said = time.monotonic()
                print(f"    ... {name}: {len(shop.queries)} shoppers, {shop.sold} sold", file=sys.stderr)
        assert shop is not None
        return shop

    def _caps(self, ours: Row) -> Iterator[tuple[str, int, Row]]:
        """The largest cap that breaks nothing on any of the days, and the least that sells what we do."""
        as_much = next(
            cap
            for cap in count(1)
            if sum(len(capped(asking, cap)) for asking in self.days) >= sum(ours.sold)
            or cap == max(map(len, self.days))
        )
        tried = {as_much: self._capped(as_much)}
        safe, unsafe = 0, as_much + (tried[as_much].broken == 0)
        while unsafe - safe > 1:
            cap = (safe + unsafe) // 2
            tried[cap] = self._capped(cap)
            safe, unsafe = (cap, unsafe) if tried[cap].broken == 0 else (safe, cap)
        if safe:
            yield "the largest that breaks none", safe, tried[safe]
        yield "sells as much as ours", as_much, tried[as_much]

    def _capped(self, cap: int) -> Row:
        row = Row()
        for asking in self.days:
            sold = capped(asking, cap)
            row.sold.append(len(sold))
            row.first_choices += sum(rank == 0 for _, _, rank in sold)
            row.broken += broken(self.market, self.vans, sold, self.solve)
        return row


def main() -> None:
    """Print a table for each market and number of wishes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vans", type=int, default=3)
    parser.add_argument("--shoppers", type=int, help=f"{PER_VAN} for each van unless given")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--markets", default=f"roads,{POSITIONS}", help="roads, or names of instances")
    parser.add_argument("--wishes", default="1,3")
    parser.add_argument("--solve", type=float, default=10.0, help="CPU seconds of hindsight, and of each cap")
    parser.add_argument("--detour-ratio", type=float, default=OfferShaping().detour_ratio)
    parser.add_argument("--detour-seconds", type=int, default=OfferShaping().detour_seconds)
    asked = parser.parse_args()
    shaping = OfferShaping(detour_ratio=asked.detour_ratio, detour_seconds=asked.detour_seconds)
    for name in asked.markets.split(","):
        market = on_roads() if name == "roads" else on_positions(instances([name])[0])
        for wishes in map(int, asked.wishes.split(",")):
            shoppers = asked.shoppers or PER_VAN * asked.vans
            days = [market.asking(seed, shoppers_=shoppers, wishes=wishes) for seed in range(asked.seeds)]
            trial = Trial(market=market, vans=asked.vans, wishes=wishes, days=days, solve=asked.solve)
            trial.run(shaping)


if __name__ == "__main__":
    main()
