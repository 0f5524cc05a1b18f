"""A human's pin: obeyed where it harms nobody, refused with a reason where it does, never replanned away."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.errors import Conflict, IllegalTransition, NotFound
from chalicelib.events import FactKind
from chalicelib.fleet.plans import UNASSIGNED
from chalicelib.promises.model import Change, ChangeKind
from chalicelib.promises.pinning import Pinned
from chalicelib.receipts import no_receipt
from chalicelib.routing.change import Change as PlanChange
from chalicelib.routing.change import change_between
from chalicelib.routing.edit import reordered
from chalicelib.routing.model import Capacity, StopFlag
from chalicelib.routing.objective import Circumstances
from chalicelib.routing.rebase import rebase
from tests.promises.shop import FAR, TENANT, TODAY, Overtaken, Shop, a_vehicle, at
from tests.promises.test_importing import (
    VAN_1,
    VAN_2,
    a_wish,
    busy_shop,
    late_if_squeezed,
    late_in,
    taken,
    waiting,
)


def two_vans(**more: Any) -> Shop:
    return Shop(vehicles=[a_vehicle(1), a_vehicle(2, **more)])


def pin(shop: Shop, stop_id: int, shift_id: str) -> Pinned:
    return shop.pinning.pin(TENANT, stop_id, shift_id, shop.now)


def place_of(shop: Shop, stop_id: int) -> tuple[str, bool]:
    """The shift that has a stop, and whether it is pinned there."""
    routes = shop.store.routes(TENANT, "porto", first=TODAY, last=TODAY, consistent=True)
    [(shift_id, stop)] = [
        (route.shift.shift_id, stop)
        for _, route in routes
        for stop in route.all_stops()
        if stop.stop_id == stop_id
    ]
    return shift_id, StopFlag.PINNED in stop.flags


def ledger(shop: Shop, stop_id: int) -> list[tuple[FactKind, dict[str, Any]]]:
    return [(fact.kind, dict(fact.data)) for fact in shop.store.ledger(TENANT, stop_id)]


def test_a_pin_moves_a_promise_to_the_shift_it_names() -> None:
    """It stands there with its old window; the ledger says from where; the plan is worth another look."""
    shop = two_vans()
    promise = shop.buy(at(10)).promise
    assert place_of(shop, promise.stop_id) == (VAN_1, False)
    pinned = pin(shop, promise.stop_id, VAN_2)
    assert place_of(shop, promise.stop_id) == (VAN_2, True)
    assert (pinned.promise.window, pinned.promise.found.shift_id) == (promise.window, VAN_2)
    assert (pinned.outlook.pinned_to, pinned.outlook.kept) == (VAN_2, 1.0)
    *_, last = ledger(shop, promise.stop_id)
    assert last == (FactKind.PROMISE_PINNED, {"shift_id": VAN_2, "from_shift_id": VAN_1})
    assert FactKind.PLAN_CHANGED in [fact.kind for fact in shop.store.outbox[-1][1]]


def test_a_pin_where_it_is_only_sets_the_flag() -> None:
    """Its place in the order stays, whatever the route could do better."""
    shop = two_vans()
    first, second = (shop.buy(at(10), order_ref=f"order-{n}").promise.stop_id for n in (1, 2))
    before = [stop.stop_id for stop in shop.stops()]
    pin(shop, first, VAN_1)
    assert place_of(shop, first) == (VAN_1, True)
    assert place_of(shop, second) == (VAN_1, False)
    assert [stop.stop_id for stop in shop.stops()] == before


def test_a_pin_set_twice_is_set_once() -> None:
    """A repetition writes nothing, not even a line in the ledger; nor does it after the loading."""
    shop = two_vans()
    stop_id = shop.buy(at(10)).promise.stop_id
    pin(shop, stop_id, VAN_2)
    written = len(shop.store.outbox)
    pin(shop, stop_id, VAN_2)
    shop.now = at(7, 45)
    pin(shop, stop_id, VAN_2)
    assert len(shop.store.outbox) == written


def test_a_pin_is_taken_off() -> None:
    """The flag goes, the place stays, the ledger and the worker hear of it; twice is once."""
    shop = two_vans()
    stop_id = shop.buy(at(10)).promise.stop_id
    pin(shop, stop_id, VAN_2)
    shop.pinning.unpin(TENANT, stop_id, shop.now)
    assert place_of(shop, stop_id) == (VAN_2, False)
    *_, last = ledger(shop, stop_id)
    assert last == (FactKind.PROMISE_UNPINNED, {"shift_id": VAN_2})
    written = len(shop.store.outbox)
    shop.pinning.unpin(TENANT, stop_id, shop.now)
    assert len(shop.store.outbox) == written


def test_a_van_that_is_too_small_is_refused() -> None:
    """With the reason; everything stays as it was."""
    shop = two_vans(capacity=Capacity(parcels=0))
    stop_id = shop.buy(at(10)).promise.stop_id
    with pytest.raises(Conflict) as refused:
        pin(shop, stop_id, VAN_2)
    assert (refused.value.code, refused.value.extra) == ("does_not_fit", {"reason": "load"})
    assert place_of(shop, stop_id) == (VAN_1, False)
    assert len(ledger(shop, stop_id)) == 1


def test_a_van_without_the_skill_is_refused() -> None:
    """Nobody gets ice from a van that has no freezer."""
    shop = Shop(vehicles=[a_vehicle(1, skills=frozenset({"frozen"})), a_vehicle(2)])
    stop_id = taken(shop, a_wish(skills=frozenset({"frozen"})))
    with pytest.raises(Conflict) as refused:
        pin(shop, stop_id, VAN_2)
    assert refused.value.extra == {"reason": "skill"}


def test_a_pin_never_endangers_another() -> None:
    """A promise that waits is not forced upon a van that would break one: refused, and it waits on."""
    shop, stop_id = one_that_waits()
    with pytest.raises(Conflict) as refused:
        pin(shop, stop_id, VAN_1)
    assert refused.value.extra == {"reason": "no_route_fit"}
    assert waiting(shop) == [stop_id]
    assert late_in(shop, VAN_1) == []
    assert len(ledger(shop, stop_id)) == 1


def test_control_forced_there_it_would_make_somebody_late() -> None:
    """What the refusal prevents, in whatever order the van drives."""
    shop, stop_id = one_that_waits()
    assert all(late_if_squeezed(shop))
    assert waiting(shop) == [stop_id]


def test_one_that_waits_is_pinned_where_there_is_room() -> None:
    """It leaves the list: no van had it before."""
    shop, stop_id = one_that_waits()
    shop.fleet.put_vehicle(TENANT, "porto", a_vehicle(2), shop.now)
    pin(shop, stop_id, VAN_2)
    assert place_of(shop, stop_id) == (VAN_2, True)
    assert waiting(shop) == []
    *_, (_, data) = ledger(shop, stop_id)
    assert data == {"shift_id": VAN_2, "from_shift_id": None}


def one_that_waits() -> tuple[Shop, int]:
    """A van with an hour's visit at ten, and a promise for that very time elsewhere, which waits."""
    shop, _, wish = busy_shop()
    stop_id = taken(shop, wish)
    assert waiting(shop) == [stop_id]
    return shop, stop_id


def test_from_the_loading_on_nothing_is_pinned_or_let_go() -> None:
    """Neither off its van, nor onto another, nor where it is."""
    shop = two_vans()
    pinned, loose = (shop.buy(at(10), order_ref=f"order-{n}").promise.stop_id for n in (1, 2))
    pin(shop, pinned, VAN_1)
    shop.now = at(7, 45)
    tries = [
        lambda: pin(shop, pinned, VAN_2),
        lambda: pin(shop, loose, VAN_1),
        lambda: shop.pinning.unpin(TENANT, pinned, shop.now),
    ]
    for attempt in tries:
        with pytest.raises(Conflict) as refused:
            attempt()
        assert (refused.value.code, refused.value.extra) == ("already_loaded", {"shift_id": VAN_1})


def test_a_loaded_van_gets_none_either() -> None:
    """A promise that waits cannot be thrown onto a van that is gone."""
    shop, stop_id = one_that_waits()
    shop.now = at(7, 45)
    with pytest.raises(Conflict) as refused:
        pin(shop, stop_id, VAN_1)
    assert refused.value.code == "already_loaded"


def test_what_is_not_there_is_not_found() -> None:
    """A promise, a shift, and one that was withdrawn."""
    shop = two_vans()
    stop_id = shop.buy(at(10)).promise.stop_id
    shop.fleet.delete_shift(TENANT, "porto", VAN_2, shop.now)
    for wrong_stop, shift_id in ((99, VAN_1), (stop_id, "nightly"), (stop_id, VAN_2)):
        with pytest.raises(NotFound):
            pin(shop, wrong_stop, shift_id)
    with pytest.raises(NotFound):
        shop.pinning.unpin(TENANT, 99, shop.now)


def test_a_shift_of_another_depot_does_not_fit() -> None:
    """The parcel lies elsewhere."""
    shop = two_vans()
    stop_id = shop.buy(at(10)).promise.stop_id
    gaia = replace(shop.depot, depot_id="gaia")
    shop.fleet.put_depot(TENANT, gaia, shop.now)
    shop.fleet.put_vehicle(TENANT, "gaia", a_vehicle(1), shop.now)
    with pytest.raises(Conflict) as refused:
        pin(shop, stop_id, VAN_1.replace("porto", "gaia"))
    assert refused.value.extra == {"reason": "other_depot"}


@pytest.mark.parametrize("days", [1, 2, 3, 25_000])
def test_a_shift_of_another_day_does_not_fit(days: int) -> None:
    """The window stands; a template's shift at the end of the century is not even looked for."""
    shop = two_vans()
    stop_id = shop.buy(at(10)).promise.stop_id
    another = f"porto.van-1.{TODAY + timedelta(days=days)}.0800"
    with pytest.raises(Conflict) as refused:
        pin(shop, stop_id, another)
    assert refused.value.extra == {"reason": "no_route_fit"}


def test_a_finished_promise_is_not_pinned() -> None:
    """There is nothing left to drive; taking a pin off it changes nothing."""
    shop = two_vans()
    stop_id = shop.buy(at(10)).promise.stop_id
    shop.promises.change(TENANT, stop_id, Change(kind=ChangeKind.CANCEL), shop.now, no_receipt)
    with pytest.raises(IllegalTransition) as refused:
        pin(shop, stop_id, VAN_1)
    assert refused.value.extra == {"state": "cancelled"}
    shop.pinning.unpin(TENANT, stop_id, shop.now)


def test_a_withdrawn_shift_ends_the_pin() -> None:
    """The promise waits for any van again."""
    shop = two_vans()
    stop_id = shop.buy(at(10)).promise.stop_id
    pin(shop, stop_id, VAN_2)
    shop.fleet.delete_shift(TENANT, "porto", VAN_2, shop.now)
    assert place_of(shop, stop_id) == (UNASSIGNED, False)


def moving_all_to_van_2(shop: Shop) -> tuple[PlanChange, Circumstances]:
    """A replan under way: everything of the first van is to go to the second."""
    depot = shop.store.depot(TENANT, "porto")
    plans = shop.planner.read(TENANT, depot, TODAY, TODAY, now=shop.now, consistent=True)
    one, two = (next(r for r in plans.routes if r.shift.shift_id == shift) for shift in (VAN_1, VAN_2))
    circumstances = Circumstances(travel=shop.travel, world=plans.world, now=shop.now)
    stops = [*((two, at) for at in range(len(two.stops))), *((one, at) for at in range(len(one.stops)))]
    after = [reordered(one, [], shop.travel), reordered(two, stops, shop.travel)]
    return (
        change_between(circumstances.see([one, two]), circumstances.see(after), circumstances),
        circumstances,
    )


@pytest.mark.parametrize("pinned_meanwhile", [True, False])
def test_a_pin_set_during_a_replan_wins(pinned_meanwhile: bool) -> None:
    """The replan's change, put on the routes as they are now, leaves the stop; without the pin it moves."""
    shop = two_vans()
    one, other = (shop.buy(at(10), FAR, f"order-{n}").promise.stop_id for n in (1, 2))
    pin(shop, other, VAN_2)
    shop.pinning.unpin(TENANT, other, shop.now)
    change, circumstances = moving_all_to_van_2(shop)
    assert change.worth_after < change.worth_before
    if pinned_meanwhile:
        pin(shop, one, VAN_1)
    depot = shop.store.depot(TENANT, "porto")
    plans = shop.planner.read(TENANT, depot, TODAY, TODAY, now=shop.now, consistent=True)
    current = plans.same_shifts(change.before)
    assert current is not None
    rebased = rebase(change, current, circumstances)
    left = [
        stop.stop_id for route in (rebased.after if rebased else current)[:1] for stop in route.all_stops()
    ]
    assert left == ([one] if pinned_meanwhile else [])


def test_a_pin_that_meets_another_writer_is_decided_anew() -> None:
    """The routes are read again; the booking that came first keeps its place."""
    store = Overtaken()
    shop = Shop(vehicles=[a_vehicle(1), a_vehicle(2)], store=store)
    stop_id = shop.buy(at(10)).promise.stop_id
    store.rival = lambda: shop.buy(at(10), order_ref="rival")
    pin(shop, stop_id, VAN_2)
    assert shop.pauses == [1]
    assert place_of(shop, stop_id) == (VAN_2, True)
    assert len(shop.stops()) == 2


def test_a_van_that_fills_up_meanwhile_refuses_the_pin() -> None:
    """What was true when it was read is not enough."""
    store = Overtaken()
    shop = Shop(vehicles=[a_vehicle(1), a_vehicle(2, capacity=Capacity(parcels=1))], store=store)
    stop_id = shop.buy(at(10)).promise.stop_id
    store.rival = lambda: taken(shop, a_wish("rival", shift_id=VAN_2))
    with pytest.raises(Conflict) as refused:
        pin(shop, stop_id, VAN_2)
    assert refused.value.extra == {"reason": "load"}
    assert place_of(shop, stop_id) == (VAN_1, False)
