"""A slot that is there only if another stop changes vans: offered, held and confirmed like any other."""

from datetime import time
from typing import Any

import pytest

from chalicelib.errors import SlotTaken
from chalicelib.events import FactKind, Tenant
from chalicelib.fleet.model import EVERY_DAY, WeeklyShift
from chalicelib.promises.model import Change, ChangeKind, Grade, HoldState, Offer, Reason
from chalicelib.promises.store import Changes
from chalicelib.receipts import no_receipt
from chalicelib.routing.model import StopKind
from chalicelib.units import StopId
from tests.promises.shop import (
    FAR,
    NEAR,
    TENANT,
    TODAY,
    Overtaken,
    Shop,
    a_vehicle,
    an_order,
    at,
    one_hour_shop,
)

HOUR_SHIFT = (WeeklyShift(days=EVERY_DAY, starts=time(10), ends=time(11)),)
COLD = frozenset({"cold"})


def cold_shop(**changes: Any) -> Shop:
    """One cold van with room for one delivery."""
    return one_hour_shop(vehicles=[a_vehicle(1, weekly=HOUR_SHIFT, skills=COLD)], **changes)


def another_van(shop: Shop) -> None:
    """A second, plain one, that works from now on."""
    shop.fleet.put_vehicle(TENANT, "porto", a_vehicle(2, weekly=HOUR_SHIFT), shop.now)


def cold_offer(shop: Shop) -> Offer:
    return shop.offer(at(10), skills=COLD)


def by_van(shop: Shop) -> dict[str, list[StopId]]:
    """Which van has which stops."""
    stored = shop.store.routes(TENANT, "porto", first=TODAY, last=TODAY, consistent=True)
    return {route.shift.vehicle_id: [stop.stop_id for stop in route.all_stops()] for _, route in stored}


def test_a_stop_that_any_van_can_take_makes_room_for_one_that_only_this_van_can() -> None:
    """Offer, hold and promise; the other promise keeps its window and changes vans in the same write."""
    shop = cold_shop()
    first = shop.promises.read(TENANT, shop.buy(at(10)).promise.stop_id)
    another_van(shop)
    hold = shop.hold(cold_offer(shop), "cold")
    assert by_van(shop) == {"van-1": [hold.stop_id], "van-2": [first.stop_id]}
    (moved,) = (stop for stop in shop.stops() if stop.stop_id == first.stop_id)
    assert (moved.window, moved.kind) == (first.window, StopKind.PROMISED)
    assert shop.promises.read(TENANT, first.stop_id) == first
    assert shop.confirm(hold, "order-2").promise.found.shift_id == hold.found.shift_id
    assert [fact.kind for fact in shop.store.ledger(TENANT, first.stop_id)] == [FactKind.PROMISE_CONFIRMED]


def test_with_no_van_to_go_to_the_slot_is_full() -> None:
    """The control: it is the second van that makes it possible."""
    shop = cold_shop()
    shop.buy(at(10))
    assert [slot.reason for slot in shop.search(skills=COLD)] == [Reason.FULL]
    another_van(shop)
    assert [slot.reason for slot in shop.search(skills=COLD)] == [None]


def test_what_the_offer_costs_counts_both_vans() -> None:
    """The newcomer stands where the other stood; what is added is the other van's whole trip."""
    shop = cold_shop()
    shop.buy(at(10), FAR)
    another_van(shop)
    (alone,) = shop.search(FAR)
    (made,) = shop.search(FAR, skills=COLD)
    assert alone.extra_seconds
    assert alone.extra_metres
    assert (made.extra_seconds, made.extra_metres) == (alone.extra_seconds, alone.extra_metres)
    assert made.grade is Grade.BEST


def test_a_paid_offer_makes_room_without_a_hold() -> None:
    """Confirming straight from the offer decides in the same way."""
    shop = cold_shop()
    first = shop.buy(at(10)).promise
    another_van(shop)
    offer = cold_offer(shop)
    made = shop.booking.confirm_offer(TENANT, offer, None, an_order("order-2"), shop.now, no_receipt)
    assert by_van(shop) == {"van-1": [made.promise.stop_id], "van-2": [first.stop_id]}


def test_a_hold_that_made_room_is_extended_confirmed_and_released_where_it_is() -> None:
    """Where a stop was last seen is only a hint."""
    for end in ("confirm", "release"):
        shop = cold_shop()
        moved = shop.hold(shop.offer(at(10)), "plain")
        another_van(shop)
        hold = shop.hold(cold_offer(shop), "cold")
        assert by_van(shop) == {"van-1": [hold.stop_id], "van-2": [moved.stop_id]}
        shop.wait(60)
        longer = shop.booking.extend(TENANT, moved.stop_id, shop.now, no_receipt)
        assert longer.expires_at > moved.expires_at
        if end == "confirm":
            assert not shop.confirm(longer).renewed
            assert by_van(shop)["van-2"] == [moved.stop_id]
        else:
            shop.booking.release(TENANT, moved.stop_id, shop.now)
            assert by_van(shop) == {"van-1": [hold.stop_id], "van-2": []}


def test_a_swap_of_holds_writes_each_route_once() -> None:
    """The old hold leaves the van that the moved stop goes to, all in one commit."""
    shop = cold_shop()
    first = shop.buy(at(10)).promise
    another_van(shop)
    mine = shop.hold(shop.offer(at(10)), "mine")
    assert by_van(shop) == {"van-1": [first.stop_id], "van-2": [mine.stop_id]}
    swapped = shop.hold(shop.offer(at(10), skills=COLD, cart_ref="mine"), "mine")
    assert by_van(shop) == {"van-1": [swapped.stop_id], "van-2": [first.stop_id]}
    assert shop.booking.read_hold(TENANT, mine.stop_id, shop.now).state is HoldState.RELEASED


def test_two_buyers_who_want_the_same_stop_to_leave() -> None:
    """One gets the slot; the other is told, and the stop that moved is there exactly once."""
    shop = cold_shop(store=Overtaken())
    first = shop.buy(at(10)).promise
    another_van(shop)
    mine, hers = cold_offer(shop), cold_offer(shop)
    shop.store.rival = lambda: shop.hold(hers, "hers")
    with pytest.raises(SlotTaken):
        shop.hold(mine, "mine")
    vans = by_van(shop)
    assert vans["van-2"] == [first.stop_id]
    assert len(vans["van-1"]) == 1
    assert vans["van-1"] != [first.stop_id]


def test_the_stop_that_should_leave_is_cancelled_meanwhile() -> None:
    """Then nobody has to: the newcomer has the place, and what is gone does not come back."""
    shop = cold_shop(store=Overtaken())
    first = shop.buy(at(10)).promise
    another_van(shop)
    offer = cold_offer(shop)
    shop.store.rival = lambda: _cancel(shop, first.stop_id)
    hold = shop.hold(offer, "mine")
    assert by_van(shop) == {"van-1": [hold.stop_id]}


def test_the_hold_that_should_leave_is_confirmed_meanwhile() -> None:
    """Both are there, the confirmed one as a promise."""
    shop = cold_shop(store=Overtaken())
    plain = shop.hold(shop.offer(at(10)), "plain")
    another_van(shop)
    offer = cold_offer(shop)
    shop.store.rival = lambda: shop.confirm(plain)
    hold = shop.hold(offer, "mine")
    assert by_van(shop) == {"van-1": [hold.stop_id], "van-2": [plain.stop_id]}
    assert {stop.stop_id: stop.kind for stop in shop.stops()} == {
        hold.stop_id: StopKind.HELD,
        plain.stop_id: StopKind.PROMISED,
    }


class _Careless(Overtaken):
    """The control: a store that writes whatever it is given."""

    def _broken(self, tenant: Tenant, changes: Changes) -> list[Any]:
        return []

    def _routes_as_seen(self, tenant: Tenant, writes: Any) -> bool:
        return True


def test_without_versions_a_cancelled_stop_would_come_back() -> None:
    """The control: written on what was read, the stop that was cancelled rides on the other van."""
    shop = cold_shop(store=_Careless())
    first = shop.buy(at(10)).promise
    another_van(shop)
    offer = cold_offer(shop)
    shop.store.rival = lambda: _cancel(shop, first.stop_id)
    shop.hold(offer, "mine")
    assert by_van(shop)["van-2"] == [first.stop_id]


def _cancel(shop: Shop, stop_id: StopId) -> None:
    shop.promises.change(TENANT, stop_id, Change(kind=ChangeKind.CANCEL), shop.now, no_receipt)


def test_an_empty_day_needs_nobody_to_move() -> None:
    """Where there is a place nothing else is touched."""
    shop = cold_shop()
    another_van(shop)
    hold = shop.hold(shop.offer(at(10), NEAR, skills=COLD), "cold")
    assert by_van(shop) == {"van-1": [hold.stop_id]}
