"""From an offer to a promise: holds, swaps, expiry, and the dead ends that are none."""

from dataclasses import replace

import pytest

from chalicelib.errors import BadToken, Conflict, Expired, IllegalTransition, NotFound, SlotTaken
from chalicelib.events import FactKind, Mode, Tenant
from chalicelib.promises.booking import LONGEST_HOLD
from chalicelib.promises.model import HoldState, Offer
from chalicelib.promises.placing import ATTEMPTS
from chalicelib.promises.store import Changes, Guard, WriteRefused
from chalicelib.receipts import no_receipt
from chalicelib.routing.model import StopKind
from chalicelib.units import HOUR, MINUTE
from tests.fakes_store import InMemoryStore
from tests.promises.shop import FAR, TENANT, Shop, a_vehicle, an_order, at, one_hour_shop


def test_a_hold_is_a_stop_in_a_route() -> None:
    """Capacity is whether the stop fits into a route: holding puts it there."""
    shop = Shop()
    hold = shop.hold(shop.offer(at(10)))
    (stop,) = shop.stops()
    assert (stop.stop_id, stop.kind, stop.expires_at) == (hold.stop_id, StopKind.HELD, hold.expires_at)
    assert hold.expires_at == shop.now + 600


def test_the_last_place_is_held_once() -> None:
    """The second cart is told so, and what it could have instead."""
    shop = one_hour_shop()
    offer = shop.offer(at(10))
    shop.hold(offer, "first")
    with pytest.raises(SlotTaken) as refused:
        shop.hold(offer, "second")
    tomorrow = at(10) + 24 * HOUR
    assert refused.value.extra["alternatives"][0].window.start == tomorrow


def test_an_expired_hold_is_given_to_the_next_buyer() -> None:
    """Expiry is a comparison: nobody has to clear up first."""
    shop = one_hour_shop()
    first = shop.hold(shop.offer(at(10)), "first")
    shop.now = first.expires_at + 1
    with pytest.raises(SlotTaken):
        shop.hold(_offer(shop), "second")
    shop.now = first.expires_at + 2
    second = shop.hold(shop.offer(at(10)), "second")
    assert [stop.stop_id for stop in shop.stops()] == [second.stop_id]


def _offer(shop: Shop) -> Offer:
    """An offer of a twin shop that nobody holds anything in: the same slot, as if it were free."""
    return one_hour_shop(now=shop.now).offer(at(10))


def test_confirm_refuses_at_expires_at_and_takes_the_slot_anew() -> None:
    """A paid order never meets a dead end: the same slot is tried again in one transaction."""
    shop = one_hour_shop()
    hold = shop.hold(shop.offer(at(10)))
    shop.now = hold.expires_at
    confirmed = shop.confirm(hold)
    assert confirmed.renewed
    (stop,) = shop.stops()
    assert (stop.stop_id, stop.kind) == (hold.stop_id, StopKind.PROMISED)


def test_a_renewal_that_came_too_late_answers_with_alternatives() -> None:
    """Another buyer has the place now; the paid order gets other slots."""
    shop = one_hour_shop()
    hold = shop.hold(shop.offer(at(10)), "slow")
    shop.now = hold.expires_at + 2
    shop.hold(shop.offer(at(10)), "fast")
    with pytest.raises(SlotTaken) as refused:
        shop.confirm(hold)
    assert refused.value.extra["alternatives"]


def test_confirming_keeps_the_stop_where_it_is() -> None:
    """The stop id is the same from hold to promise."""
    shop = Shop()
    hold = shop.hold(shop.offer(at(10)))
    confirmed = shop.confirm(hold)
    (stop,) = shop.stops()
    assert not confirmed.renewed
    assert (stop.stop_id, stop.kind, stop.expires_at) == (hold.stop_id, StopKind.PROMISED, 0)
    assert shop.booking.read_hold(TENANT, hold.stop_id, shop.now).state is HoldState.CONFIRMED
    assert [fact.kind for fact in shop.store.ledger(TENANT, hold.stop_id)] == [FactKind.PROMISE_CONFIRMED]


def test_an_order_is_promised_once() -> None:
    """A second promise for the same order is refused with the id of the first."""
    shop = Shop()
    first = shop.buy(at(10))
    second = shop.hold(shop.offer(at(12)), "other-cart")
    with pytest.raises(Conflict) as refused:
        shop.confirm(second)
    assert refused.value.code == "order_already_promised"
    assert refused.value.extra["promise_id"].startswith("prm_")
    assert first.promise.order.order_ref == "order-1"


def test_an_offer_becomes_a_promise_without_a_hold() -> None:
    """Where a storefront has no hold step, the paid order brings the offer itself."""
    shop = Shop()
    offer = shop.offer(at(10))
    made = shop.booking.confirm_offer(TENANT, offer, None, an_order(), shop.now, no_receipt)
    assert not made.renewed
    assert made.promise.window == offer.window


def test_a_paid_order_with_an_expired_offer_is_tried_all_the_same() -> None:
    """The slot is still free: sold, and marked as renewed."""
    shop = Shop()
    offer = shop.offer(at(14))
    shop.now = offer.expires_at
    made = shop.booking.confirm_offer(TENANT, offer, None, an_order(), shop.now, no_receipt)
    assert made.renewed


def test_an_expired_offer_is_not_held() -> None:
    """Before payment an old offer is refused, so that price and slot are fresh."""
    shop = Shop()
    offer = shop.offer(at(14))
    shop.now = offer.expires_at
    with pytest.raises(Expired) as refused:
        shop.hold(offer)
    assert refused.value.code == "offer_expired"


def test_an_offer_of_another_cart_is_refused() -> None:
    """An offer that was issued to a cart is that cart's only."""
    shop = Shop()
    offer = shop.offer(at(10), cart_ref="hers")
    with pytest.raises(BadToken):
        shop.hold(offer, "his")


def test_a_second_hold_of_a_cart_swaps_new_before_old() -> None:
    """One live hold per cart: after the swap only the new stop is in the routes."""
    shop = Shop()
    first = shop.hold(shop.offer(at(10)))
    second = shop.hold(shop.offer(at(14), cart_ref="cart-1"))
    assert [stop.stop_id for stop in shop.stops()] == [second.stop_id]
    assert shop.booking.read_hold(TENANT, first.stop_id, shop.now).state is HoldState.RELEASED


def test_a_full_van_can_still_swap() -> None:
    """The old place makes room for the new one within the same route, in one write of it."""
    shop = one_hour_shop()
    first = shop.hold(shop.offer(at(10)))
    second = shop.hold(shop.offer(at(10), FAR, cart_ref="cart-1"))
    assert [stop.stop_id for stop in shop.stops()] == [second.stop_id] != [first.stop_id]


def test_a_swap_that_fails_keeps_the_old_hold() -> None:
    """New before old: who does not get the new slot loses nothing."""
    shop = Shop(vehicles=[a_vehicle()])
    mine = shop.hold(shop.offer(at(10)), "mine")
    gone = replace(shop.offer(at(12)), cutoff_at=shop.now)
    with pytest.raises(SlotTaken):
        shop.hold(gone, "mine")
    assert shop.booking.read_hold(TENANT, mine.stop_id, shop.now).state is HoldState.ACTIVE


def test_a_browser_must_name_the_hold_it_swaps() -> None:
    """With a publishable key a cart's reference alone takes nobody's hold away."""
    shop = Shop()
    first = shop.hold(shop.offer(at(10)), trusted=False)
    with pytest.raises(Conflict) as refused:
        shop.hold(shop.offer(at(14)), trusted=False)
    assert refused.value.code == "hold_exists"
    second = shop.hold(shop.offer(at(14)), trusted=False, replaces=first.stop_id)
    assert [stop.stop_id for stop in shop.stops()] == [second.stop_id]


def test_released_capacity_is_free_at_once() -> None:
    """Given back is on sale again, in the same second."""
    shop = one_hour_shop()
    hold = shop.hold(shop.offer(at(10)))
    shop.booking.release(TENANT, hold.stop_id, shop.now)
    assert shop.stops() == []
    shop.hold(shop.offer(at(10)), "next")


def test_releasing_twice_is_releasing_once() -> None:
    """What is gone stays gone, without an error; what became a promise is not released."""
    shop = Shop()
    hold = shop.hold(shop.offer(at(10)))
    shop.booking.release(TENANT, hold.stop_id, shop.now)
    shop.booking.release(TENANT, hold.stop_id, shop.now)
    with pytest.raises(NotFound):
        shop.booking.release(TENANT, 987_654, shop.now)
    sold = shop.hold(shop.offer(at(10)))
    shop.confirm(sold)
    with pytest.raises(IllegalTransition):
        shop.booking.release(TENANT, sold.stop_id, shop.now)


def test_a_hold_can_be_extended_to_an_hour_in_all() -> None:
    """Each extension is counted from now; the hour is counted from the first hold."""
    shop = Shop()
    shop.now = at(6) - 48 * HOUR
    hold = shop.hold(shop.offer(at(14), from_date=None, days=3))
    for _ in range(8):
        shop.wait(8 * MINUTE)
        if shop.now >= hold.expires_at:
            break
        hold = shop.booking.extend(TENANT, hold.stop_id, shop.now, no_receipt)
    assert hold.expires_at == hold.created_at + LONGEST_HOLD
    assert {stop.expires_at for stop in shop.stops(_day(hold.offer))} == {hold.expires_at}


def _day(offer: Offer) -> object:
    return offer.day


def test_an_expired_hold_is_not_extended() -> None:
    """It is too late: its place is on sale again."""
    shop = Shop()
    hold = shop.hold(shop.offer(at(10)))
    shop.now = hold.expires_at
    with pytest.raises(Expired) as refused:
        shop.booking.extend(TENANT, hold.stop_id, shop.now, no_receipt)
    assert refused.value.code == "hold_expired"


def test_a_hold_ends_when_its_van_is_loaded() -> None:
    """A hold never outlives the moment from which its van takes no parcel, nor the cut-off."""
    shop = Shop()
    shop.now = at(7, 10)
    hold = shop.hold(shop.offer(at(14)))
    shop.wait(8 * MINUTE)
    hold = shop.booking.extend(TENANT, hold.stop_id, shop.now, no_receipt)
    shop.wait(8 * MINUTE)
    hold = shop.booking.extend(TENANT, hold.stop_id, shop.now, no_receipt)
    assert hold.expires_at == at(7, 30)


def test_clearing_up_behind_an_expired_hold_is_done_once_and_only_then() -> None:
    """The expiry writer waits for the grace, empties the route, and finds nothing the second time."""
    shop = Shop()
    hold = shop.hold(shop.offer(at(10)))
    assert not shop.booking.expire(TENANT, hold.stop_id, hold.expires_at + 1)
    assert shop.booking.expire(TENANT, hold.stop_id, hold.expires_at + 2)
    assert shop.stops() == []
    assert not shop.booking.expire(TENANT, hold.stop_id, hold.expires_at + 3)


def test_another_merchants_hold_does_not_exist() -> None:
    """Two merchants never see each other."""
    shop = Shop()
    hold = shop.hold(shop.offer(at(10)))
    other = Tenant(merchant_id="m2", mode=Mode.TEST)
    with pytest.raises(NotFound):
        shop.booking.read_hold(other, hold.stop_id, shop.now)
    with pytest.raises(NotFound):
        shop.booking.confirm_hold(other, hold.stop_id, an_order(), shop.now, no_receipt)


class _Contended(InMemoryStore):
    """A store in which other writers are faster a number of times."""

    losses = 0

    def commit(self, tenant: Tenant, changes: Changes) -> None:
        if self.losses and changes.routes:
            self.losses -= 1
            raise WriteRefused(frozenset({Guard.ROUTE}))
        super().commit(tenant, changes)


def test_a_lost_race_is_run_again() -> None:
    """Each conflict costs one more attempt after a pause, and nothing else."""
    shop = Shop(store=_Contended(), vehicles=[a_vehicle(1), a_vehicle(2)])
    offer = shop.offer(at(10))
    shop.store.losses = 3
    shop.hold(offer)
    assert len(shop.stops()) == 1
    assert shop.pauses == [1, 2, 3]


def test_a_race_lost_too_often_is_given_up_with_nothing_done() -> None:
    """Attempts are bounded; the slot may still be free, so it is not called taken."""
    shop = Shop(store=_Contended())
    offer = shop.offer(at(10))
    shop.store.losses = ATTEMPTS
    with pytest.raises(WriteRefused):
        shop.hold(offer)
    assert shop.stops() == []
    shop.hold(offer)
