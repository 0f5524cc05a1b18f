"""How a promise stands is worked out from what it takes, and no more of a large depot's day."""

from collections.abc import Mapping

import pytest

from chalicelib.events import Tenant
from chalicelib.fleet.plans import PlanKey
from chalicelib.fleet.progress import Progress
from chalicelib.motion.store import MotionChanges
from chalicelib.promises.outlook import Today
from tests.fakes_store import InMemoryStore
from tests.promises.shop import NEAR, TENANT, TODAY, Shop, a_vehicle, at

PLACE = PlanKey(depot_id="porto", day=TODAY)
ALL = "all of the plan"


class Watched(InMemoryStore):
    """Notes of which shifts it was read how far they have come."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []

    def progress(self, tenant: Tenant, plan: PlanKey, shift_id: str) -> Progress | None:
        self.read.append(shift_id)
        return super().progress(tenant, plan, shift_id)

    def progresses(self, tenant: Tenant, plan: PlanKey) -> Mapping[str, Progress]:
        self.read.append(ALL)
        return super().progresses(tenant, plan)


@pytest.fixture
def shop() -> Shop:
    """Six vans; the one that was sold something left an hour late."""
    shop = Shop(store=Watched(), vehicles=[a_vehicle(number) for number in range(1, 7)])
    shop.buy(at(10), NEAR)
    [(_, route)] = shop.store.routes(TENANT, "porto", first=TODAY, last=TODAY, consistent=True)
    shop.now = at(9)
    left = Progress(shift_id=route.shift.shift_id, plan=PLACE, departed_at=shop.now, milestones=1)
    shop.store.commit_motion(TENANT, MotionChanges(progress=left))
    shop.store.read.clear()
    return shop


def today(shop: Shop, vans: int | None) -> Today:
    """What is read for the routes of so many vans, the one that left first; None: of all there are."""
    depot = shop.store.depot(TENANT, "porto")
    plans = shop.planner.read(TENANT, depot, TODAY, TODAY, now=shop.now, consistent=True)
    here = [route for day, route in zip(plans.days, plans.routes, strict=True) if day == TODAY]
    by_stops = sorted(here, key=lambda route: -len(route.stops))
    routes = None if vans is None else by_stops[:vans]
    return Today.read(shop.store, TENANT, plans, TODAY, shop.now, routes=routes)


def test_one_promise_takes_the_progress_of_its_van_alone(shop: Shop) -> None:
    """With 400 vans all of them are a megabyte, and reading one promise would grow with the depot."""
    read = today(shop, 1)
    assert len(shop.store.read) == 1
    assert ALL not in shop.store.read
    [progress] = read.progresses.values()
    assert progress.departed_at == shop.now


def test_promises_of_many_vans_are_one_request(shop: Shop) -> None:
    """A page of a list reads all of the plan at once."""
    today(shop, 5)
    assert shop.store.read == [ALL]


def test_what_is_read_of_one_van_says_the_same_as_all(shop: Shop) -> None:
    """How its promise stands depends on no other van."""
    of_one, of_all = today(shop, 1), today(shop, None)
    [route] = [route for route in of_all.plans.routes if len(route.stops)]
    stop_ids = route.stops["stop_id"].tolist()
    assert of_one.outlooks(route, stop_ids) == of_all.outlooks(route, stop_ids) != {}
