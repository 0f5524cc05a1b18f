"""The worker's look at a plan tells promises that hold from those that do not."""

from dataclasses import replace

from chalicelib.dispatch.service import Dispatch, PlanState
from chalicelib.fleet.plans import RouteWrite
from chalicelib.promises.store import Changes
from chalicelib.routing.model import Capacity
from tests.promises.shop import FAR, NEAR, TENANT, TODAY, Shop, at


def state(shop: Shop) -> PlanState | None:
    return Dispatch(shop.store, shop.planner).check(TENANT, "porto", TODAY, shop.now)


def test_what_was_sold_is_kept() -> None:
    """A sale never creates a violation."""
    shop = Shop()
    shop.buy(at(10), FAR, "order-1")
    shop.buy(at(10), NEAR, "order-2")
    assert state(shop) == PlanState(routes=1, kept=2, at_risk=0, broken=0)


def test_a_van_that_shrank_endangers_what_it_cannot_carry() -> None:
    """The look sees it, whoever did it."""
    shop = Shop()
    shop.buy(at(10), FAR, "order-1")
    shop.buy(at(10), NEAR, "order-2")
    ((_, route),) = shop.store.routes(TENANT, "porto", first=TODAY, last=TODAY, consistent=True)
    smaller = replace(route, shift=replace(route.shift, capacity=Capacity(parcels=1)))
    write = RouteWrite(depot_id="porto", day=TODAY, route=smaller)
    shop.store.commit(TENANT, Changes(routes=(write,)))
    assert state(shop) == PlanState(routes=1, kept=1, at_risk=1, broken=0)


def test_a_depot_that_is_gone_has_no_plan() -> None:
    """An old job finds nothing to do."""
    shop = Shop()
    assert Dispatch(shop.store, shop.planner).check(TENANT, "elsewhere", TODAY, shop.now) is None
