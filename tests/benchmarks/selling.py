"""A day that is sold to a stream of shoppers, by one policy or another.

Every policy meets the same shoppers, the same roads and the same bounds: after each booking all promises are
kept with the target's probability, proven by `routing.proof`. What a shopper waits for (the search) and what
is done behind a booking are timed apart, in CPU seconds of this process. Weak point: a shopper takes the
first of her slots that she is offered, and never looks at another day.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np

from chalicelib.fleet.model import OfferShaping, ShapingMode
from chalicelib.fleet.plans import UNASSIGNED
from chalicelib.routing.edit import with_room_made, with_stop
from chalicelib.routing.ejection import Ejection
from chalicelib.routing.insertion import Insertion, Proof
from chalicelib.routing.model import NO_LEG, Location, Stop, TimeWindow, Visit
from chalicelib.routing.neighbourhoods import neighbourhoods
from chalicelib.routing.objective import Circumstances
from chalicelib.routing.optimiser import Budget
from chalicelib.routing.packed import Route
from chalicelib.routing.proof import World, judge
from chalicelib.routing.replan import Replan, replan
from chalicelib.routing.sweeps import Sweeps
from chalicelib.routing.travel_times import WorkClock
from chalicelib.routing.uncertainty import Noise
from chalicelib.units import Seconds
from tests.benchmarks.days import (
    FIRST_DAY,
    Address,
    City,
    Shopper,
    empty_route,
    porto,
    shoppers,
    the_day_before,
    windows_of,
    world,
)
from tests.benchmarks.instances import Instance, Table

NOW = the_day_before(FIRST_DAY)
UNSHAPED = OfferShaping()
SLOTS = windows_of(FIRST_DAY)
POPULARITY = (0.10, 0.20, 0.15, 0.10, 0.20, 0.25)  # of the six slots: mornings and evenings are wanted more
SECONDS_PER_UNIT = 30  # of a published instance: a field of 140 units is 35 km wide at 30 km/h
_DEGREES_PER_UNIT = SECONDS_PER_UNIT * 30 / 3.6 / 111_195


@dataclass(frozen=True, slots=True)
class Market:
    """Where a day is sold, and by what its promises are judged."""

    name: str
    city: City
    world: World

    def asking(self, seed: int, *, shoppers_: int, wishes: int) -> list[Shopper]:
        """So many shoppers, each with so many slots she would take, the first one first."""
        chance = np.random.default_rng([seed, 4])
        return [
            Shopper(shopper.visit, [SLOTS[at] for at in _ranked(chance)[:wishes]])
            for shopper in islice(shoppers(self.city, FIRST_DAY, seed), shoppers_)
        ]


def _ranked(chance: np.random.Generator) -> list[int]:
    """Three slots by chance: as many wishes are drawn whatever is used of them."""
    slots: list[int] = chance.choice(len(SLOTS), size=3, replace=False, p=POPULARITY).tolist()
    return slots


def on_roads() -> Market:
    """Metropolitan Porto, rush hours included."""
    return Market("Porto", porto(roads=True), world())


def on_positions(instance: Instance) -> Market:
    """The depot and the customers' positions of a published instance, at an even speed."""
    xy = instance.rows[:, 1:3].astype(float)
    apart = np.hypot(*(xy[:, None] - xy).transpose(2, 0, 1))
    travel = Table(np.rint(SECONDS_PER_UNIT * apart).astype(np.int32))
    corners = [
        Address(Location(lat=y * _DEGREES_PER_UNIT, lon=x * _DEGREES_PER_UNIT), node)
        for node, (x, y) in enumerate(xy.tolist())
    ]
    flat = World(clock=WorkClock.flat(), noise=Noise(), target=0.98)
    return Market(instance.name, City(travel, corners), flat)


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
    def open(cls, city: City, vans: int, judged_by: World | None = None) -> "Shop":
        """With empty vans."""
        here = Circumstances(travel=city.travel, world=judged_by or world(), now=NOW)
        return cls(city, here, [empty_route(city, FIRST_DAY, van) for van in range(vans)], Sweeps(here.world))

    def search(
        self, visit: Visit, windows: Sequence[TimeWindow], *, ejects: bool = False
    ) -> list[Proof | None]:
        """A proven place for each window; where there is none, one for which another stop makes room."""
        swept = self.sweeps.of(self.routes, NOW)
        travel = self.city.travel
        best = Insertion(self.sweeps, swept, swept.able(visit), visit, windows, travel, NOW).best()
        full = [at for at, proof in enumerate(best) if proof is None]
        if ejects and full:
            left = [windows[at] for at in full]
            everybody = np.ones(len(self.routes), dtype=bool)
            one_plan = np.zeros(len(self.routes), dtype=np.int64)
            made = Ejection(self.sweeps, swept, everybody, one_plan, visit, left, travel, NOW).best()
            for at, proof in zip(full, made, strict=True):
                best[at] = proof
        return best

    def book(self, proof: Proof, shopper: Shopper, number: int) -> list[str]:
        """Write a proven place into the plan; says whose routes changed, nobody's if it does not hold."""
        stop = as_stop(shopper, number, proof.candidate.window)
        travel, judged_by = self.city.travel, self.here.world
        changed: Sequence[Route]
        if proof.moved is not None:
            changed = with_room_made(proof, stop, travel, NOW, judged_by) or ()
        else:
            route = with_stop(proof.candidate, stop, travel, NOW, judged_by)
            changed = () if route is None else (route,)
        if changed:
            self._replace(changed)
            self.count(shopper.wants.index(proof.candidate.window))
        return [route.shift.shift_id for route in changed]

    def offer(self, shopper: Shopper, number: int) -> list[str]:
        """Sell the first slot in which the shopper fits as the plan is; says whose route changed."""
        for proof in self.search(shopper.visit, shopper.wants):
            if proof is not None and (changed := self.book(proof, shopper, number)):
                return changed
        return []

    def count(self, rank: int) -> None:
        """One more order."""
        self.sold += 1
        self.first_choices += rank == 0

    def adopt(self, done: Replan) -> None:
        """Take over what a replan changed."""
        self._replace([route for change in done.changes for route in change.after])

    def _replace(self, changed: Sequence[Route]) -> None:
        new = {route.shift.shift_id: route for route in changed}
        self.routes = [new.get(route.shift.shift_id, route) for route in self.routes]

    def infeasible(self) -> int:
        """Promises that the plan does not keep with the target's probability."""
        judged_by = self.here.world
        return sum(int((seen.kept < judged_by.target).sum()) for seen in judge(self.routes, NOW, judged_by))

    @property
    def driven(self) -> Seconds:
        """Seconds on the road."""
        return self.here.worth(self.here.see(self.routes)).driven


def as_stop(shopper: Shopper, number: int, window: TimeWindow) -> Stop:
    """The shopper's promise."""
    return shopper.visit.stop(number, window)


def waiting(city: City, stops: Sequence[Stop]) -> Route:
    """Stops that no van has, as a plan keeps them: nobody drives this route."""
    route = empty_route(city, FIRST_DAY, 0)
    route = replace(route, shift=replace(route.shift, shift_id=UNASSIGNED, vehicle_id=""))
    for at, stop in enumerate(stops):
        route = route.inserted(at, stop, NO_LEG, NO_LEG)
    return route


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A way to sell a day.

    Attributes
    ----------
    ejects
        Whether one stop may make room where nothing fits directly.
    behind
        CPU seconds of improvement behind each booking.
    anew
        CPU seconds for which the whole day is solved anew for each shopper and slot that does not fit
        directly: the practical oracle.
    shaping
        What becomes of slots with a long detour.
    """

    ejects: bool = False
    behind: float = 0.0
    anew: float = 0.0
    shaping: OfferShaping = UNSHAPED

    def sell(self, shop: Shop, shopper: Shopper, number: int) -> None:
        """Serve one shopper, and do what is to be done behind her."""
        if self.anew:
            self._anew(shop, shopper, number)
            return
        changed = self._booked(shop, shopper, number)
        if changed and self.behind:
            began = time.process_time()
            piece = next(neighbourhoods(shop.routes, None, changed, NOW))
            budget = Budget(clock=time.process_time, until=began + self.behind, seed=number)
            shop.adopt(replan(piece, None, shop.here, budget))
            shop.behind += time.process_time() - began

    def _booked(self, shop: Shop, shopper: Shopper, number: int) -> list[str]:
        began = time.process_time()
        offered = self._offered(shop, shopper)
        shop.queries.append(time.process_time() - began)
        for proof in offered:
            if changed := shop.book(proof, shopper, number):
                return changed
        return []

    def _offered(self, shop: Shop, shopper: Shopper) -> list[Proof]:
        """What she is offered of what she wants, as she would choose."""
        if self.shaping.mode is ShapingMode.OFF:
            found = shop.search(shopper.visit, shopper.wants, ejects=self.ejects)
            return [proof for proof in found if proof is not None]
        whole_day = shop.search(shopper.visit, SLOTS, ejects=self.ejects)
        limit = self.shaping.limit(min((proof.extra for proof in whole_day if proof), default=0))
        wanted = [whole_day[SLOTS.index(window)] for window in shopper.wants]
        near = [proof for proof in wanted if proof is not None and proof.extra <= limit]
        if self.shaping.mode is ShapingMode.HIDE:
            return near
        return near + [proof for proof in wanted if proof is not None and proof.extra > limit]

    def _anew(self, shop: Shop, shopper: Shopper, number: int) -> None:
        began = time.process_time()
        for rank in range(len(shopper.wants)):
            if self._forced(shop, shopper, number, rank):
                break
        shop.queries.append(time.process_time() - began)

    def _forced(self, shop: Shop, shopper: Shopper, number: int, rank: int) -> bool:
        """Sell one slot: as the plan is, else by solving the whole day with the newcomer."""
        window = shopper.wants[rank]
        (proof,) = shop.search(shopper.visit, [window])
        if proof is not None and shop.book(proof, shopper, number):
            return True
        nobody = waiting(shop.city, [as_stop(shopper, number, window)])
        budget = Budget(clock=time.process_time, until=time.process_time() + self.anew, seed=number)
        shop.adopt(replan(shop.routes, nobody, shop.here, budget))
        found = any(route.index_of(number) is not None for route in shop.routes)
        if found:
            shop.count(rank)
        return found


def day_of(market: Market, vans: int, policy: Policy, asking: Sequence[Shopper]) -> Iterator[Shop]:
    """Sell a day, shopper by shopper: the shop after each of them."""
    shop = Shop.open(market.city, vans, market.world)
    for number, shopper in enumerate(asking, start=1):
        policy.sell(shop, shopper, number)
        yield shop
