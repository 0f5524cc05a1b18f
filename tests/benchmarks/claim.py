"""The claim of the field, tried: one fleet, demand and luck under a plan on paper, and under this product.

    python -m tests.benchmarks.claim --seeds 6 --vans 4

The same stream of shoppers is sold a day of Porto twice, until a dozen in a row get nothing, and the plan is
improved over night: once as if every leg and visit took its mean time, which is how slots are usually sold,
and once with the product's confidence. Then robo drivers live the day on the real roads: by the list they
were given in the morning, with nobody listening, or reporting to the product, which watches and repairs,
their manifests changing under way. What a van or a door meets is drawn from the seed, never from what
anybody decides. A promise is kept if the van is at the door within the window it was sold; a buyer whose
window is over is gone with a probability of a quarter. `hopeless` were broken on the very leg to their door:
the van set out in time, nothing could have saved them. Weak point: the conversation with buyers comes later
and is in neither way, so each sends one text for a promise, and buyers who will not be home are not asked;
`warned` is whom a merchant was told about before it happened.
"""

import argparse
import time as clocks
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import time
from itertools import count

import numpy as np

from chalicelib.dispatch.service import Job
from chalicelib.events import FactKind
from chalicelib.fleet.model import EVERY_DAY, SlotTemplate, Travel, TravelEngine, WallBreak, WeeklyShift
from chalicelib.promises.model import Outcome
from chalicelib.routing.model import Load
from chalicelib.routing.travel_times import CITY_PROFILE
from chalicelib.routing.uncertainty import Noise
from chalicelib.units import HOUR, MINUTE
from infra.sandbox.drivers import Lived
from infra.sandbox.world import Climate, World
from tests.benchmarks.days import City, porto
from tests.builders import CALM
from tests.promises.shop import TENANT, TODAY, Shop, a_depot, a_vehicle, at
from tests.sandbox.desk import Desk, hired, lived

CLIMATES = {
    "as assumed": Climate(),
    "a slow day": replace(Climate(), hours=(1.25,) * 24),
    "a day of trouble": replace(
        Climate(), leg_trouble=0.04, leg_trouble_delay=1500, flat_tyre=0.012, flat_tyre_delay=3 * HOUR
    ),
}
SELLERS = {"sold by means": CALM, "sold with confidence": Noise()}
NIGHT_SECONDS = 3.0
REPAIR_SECONDS = 0.8  # a fraction of what the worker has, so that all of it ends within minutes
PATIENCE = 12  # shoppers in a row who get nothing: sold out


@dataclass(frozen=True, slots=True)
class Told:
    """A day as one of the ways had it."""

    lived: Lived
    repairs: int
    warned: int
    seconds: float


def sold_out(city: City, *, vans: int, seed: int, noise: Noise) -> Shop:
    """Sell tomorrow until a dozen shoppers in a row get nothing, and improve the plan.

    Parameters
    ----------
    noise
        What the seller believes of the world.
    """
    depot = a_depot(
        location=city.depot.location,
        slots=tuple(SlotTemplate(starts=time(hour), ends=time(hour + 2)) for hour in range(8, 20, 2)),
        travel=Travel(engine=TravelEngine.ROADS, profile=CITY_PROFILE),
    )
    rest = WallBreak(earliest=time(12), latest=time(13, 30), duration_seconds=30 * MINUTE)
    weekly = (WeeklyShift(days=EVERY_DAY, starts=time(7, 30), ends=time(20, 30)),)
    fleet = [a_vehicle(number, weekly=weekly, breaks=(rest,)) for number in range(1, vans + 1)]
    shop = Shop(depot=depot, vehicles=fleet, noise=noise, travel=city.travel, now=at(9) - 24 * HOUR)
    chance, refused = np.random.default_rng([seed, 11]), 0
    for number in count(1):
        door = city.address(chance).location
        offered = {
            slot.window.start: slot.offer
            for slot in shop.search(door, load=Load(parcels=1), from_date=TODAY)
            if slot.offer is not None
        }
        wishes = [at(2 * hour) for hour in chance.permutation(range(4, 10)).tolist()[:3]]
        liked = [offered[wish] for wish in wishes if wish in offered]
        refused = 0 if liked else refused + 1
        if refused == PATIENCE:
            break
        if liked:
            shop.confirm(shop.hold(liked[0], f"cart-{number}"), f"order-{number}")
    desk = Desk(shop, clocks.process_time)
    desk.dispatch.run(TENANT, Job(plan=desk.plan), shop.now, seconds=NIGHT_SECONDS)
    shop.now = at(6)
    return shop


def day(morning: Shop, climate: Climate, seed: int, *, on_paper: bool) -> Told:
    """Live the same morning's day one way; whoever sold it, the product knows that the world is uncertain."""
    shop = replace(morning, store=deepcopy(morning.store), ids=count(1 << 40), noise=Noise())
    desk, began = Desk(shop, clocks.process_time, repair_seconds=REPAIR_SECONDS), clocks.process_time()
    outcome = lived(desk, hired(desk, World(climate, seed), on_paper=on_paper))
    warned = {fact.subject for fact in desk.facts if fact.kind is FactKind.PROMISE_AT_RISK}
    return Told(
        lived=outcome,
        repairs=desk.applied,
        warned=len(warned),
        seconds=clocks.process_time() - began,
    )


def row(days: Sequence[Told]) -> str:
    """Add up the days of one way."""
    promised = sum(len(each.lived.promised) for each in days)
    kept = sum(each.lived.kept for each in days) / promised
    first = sum(each.lived.delivered for each in days) / promised
    hopeless = sum(each.lived.lost_on_the_way for each in days)
    missing = sum(each.lived.failed(Outcome.FAILED_PARCEL_MISSING) for each in days)
    assert not missing, "somebody was sent without the parcels"
    kilometres = sum(each.lived.metres for each in days) / 1000 / len(days)
    repairs, warned = sum(each.repairs for each in days), sum(each.warned for each in days)
    broken = sum(each.lived.broken for each in days)
    return (
        f"{promised:8} {kept:8.1%} {broken:7} {hopeless:9} {first:8.1%} {kilometres:8.0f} "
        f"{repairs:8} {warned:7} {sum(each.seconds for each in days):7.0f}"
    )


def main() -> None:
    """Print two rows for each seller and climate."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--vans", type=int, default=3)
    asked = parser.parse_args()
    city = porto(roads=True)
    print(f"  {asked.seeds} days of {asked.vans} vans; kilometres a day, else sums; one text a promise")
    print(f"  {'':48} promises    kept  broken  hopeless  at once       km  repairs  warned   CPU s")
    for sold, noise in SELLERS.items():
        mornings = [sold_out(city, vans=asked.vans, seed=seed, noise=noise) for seed in range(asked.seeds)]
        for name, climate in CLIMATES.items():
            for way, on_paper in (("on paper", True), ("live", False)):
                days = [
                    day(morning, climate, seed, on_paper=on_paper) for seed, morning in enumerate(mornings)
                ]
                print(f"  {f'{sold}, {name}, {way}':48} {row(days)}", flush=True)


if __name__ == "__main__":
    main()
