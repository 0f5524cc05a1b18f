"""Slots with a long detour, under a merchant's policy: hidden, priced up, or left alone."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.fleet.model import Handover, Money, OfferShaping, ShapingMode
from chalicelib.promises.model import Delivery, Listed, Offer, Reason
from chalicelib.promises.shaping import shaped
from chalicelib.routing.model import Load, Location, TimeWindow
from tests.promises.shop import FAR, NEAR, TENANT, TODAY, Shop, a_depot, at

CENTS = Money(amount=10, currency="EUR")
HIDE = OfferShaping(mode=ShapingMode.HIDE, detour_ratio=2.0, detour_seconds=600)
PRICE = replace(HIDE, mode=ShapingMode.PRICE, surcharge_per_minute=CENTS)
OPPOSITE = Location(lat=41.11, lon=-8.56)

policies = st.builds(
    OfferShaping,
    mode=st.sampled_from([ShapingMode.HIDE, ShapingMode.PRICE]),
    detour_ratio=st.floats(1, 100),
    detour_seconds=st.integers(0, 86_400),
    surcharge_per_minute=st.just(CENTS),
)
detours = st.integers(-600, 50_000)


def a_slot(extra: int, day: date = TODAY, price: Money | None = None) -> Listed:
    """An offered slot that costs so many seconds of extra driving."""
    window = TimeWindow(start=at(10, day=day), end=at(12, day=day))
    offer = Offer(
        depot_id="porto",
        slot_id=f"porto.{day}.1000-1200",
        day=day,
        window=window,
        delivery=Delivery(
            location=NEAR,
            address=None,
            load=Load(parcels=1),
            skills=frozenset(),
            service_time=300,
            handover=Handover(),
        ),
        price=price,
        timezone="Europe/Lisbon",
        cutoff_at=at(9, day=day),
        issued_at=at(6),
        expires_at=at(6, 30),
    )
    return Listed(
        slot_id=offer.slot_id,
        depot_id="porto",
        window=window,
        timezone=offer.timezone,
        cutoff_at=offer.cutoff_at,
        price=price,
        extra_seconds=extra,
        extra_metres=10 * extra,
        confidence=0.99,
        offer=offer,
    )


def shown(policy: OfferShaping, *slots: Listed) -> list[Listed]:
    return shaped(a_depot(offer_shaping=policy), slots)


def offered(policy: OfferShaping, *extra: int) -> list[bool]:
    """Whether slots with these detours are still to be had."""
    return [slot.offer is not None for slot in shown(policy, *map(a_slot, extra))]


def test_detour_beyond_ratio_and_seconds_is_hidden() -> None:
    """Cheapest 100 s: up to 2 * 100 + 600 = 800 s stay, one second more does not."""
    assert offered(HIDE, 100, 800, 801) == [True, True, False]


def test_hidden_slot_says_why_and_tells_nothing_else() -> None:
    """No offer to hold it with, no detour, no confidence: a refused slot like any other."""
    hidden = shown(HIDE, a_slot(100), a_slot(5000))[1]
    assert hidden.reason is Reason.FAR_FROM_ROUTE
    assert (hidden.offer, hidden.confidence, hidden.extra_seconds, hidden.extra_metres) == (None,) * 4


def test_policy_that_is_off_changes_nothing() -> None:
    """Off is the default; whatever its figures, each slot is answered as it was."""
    slots = [a_slot(0), a_slot(50_000)]
    off = OfferShaping(mode=ShapingMode.OFF, detour_ratio=1.0, detour_seconds=0, surcharge_per_minute=CENTS)
    assert shown(off, *slots) == shown(OfferShaping(), *slots) == slots


@given(policy=policies, extra=detours, count=st.integers(1, 6))
def test_nothing_is_shaped_where_all_are_alike(policy: OfferShaping, extra: int, count: int) -> None:
    """An address far from everything has the same long detour in every slot: it is not turned away."""
    slots = [a_slot(extra)] * count
    assert shown(policy, *slots) == slots


@given(policy=policies, extra=st.lists(detours, min_size=1, max_size=8))
def test_cheapest_slot_is_never_shaped(policy: OfferShaping, extra: list[int]) -> None:
    """Whatever the figures, also where a stop on the way saves driving: somebody can always buy."""
    slots = [a_slot(each) for each in extra]
    cheapest = extra.index(min(extra))
    assert shown(policy, *slots)[cheapest] == slots[cheapest]


@given(policy=policies, extra=st.lists(detours, min_size=2, max_size=8))
def test_longer_detour_is_never_treated_better(policy: OfferShaping, extra: list[int]) -> None:
    """Of two slots of a day the one with less driving is no dearer, and is there if the other is."""
    answer = shown(policy, *(a_slot(each) for each in sorted(extra)))
    there = [slot.offer is not None for slot in answer]
    prices = [slot.price.amount if slot.price else 0 for slot in answer]
    assert there == sorted(there, reverse=True)
    assert prices == sorted(prices)


def test_days_are_measured_by_themselves() -> None:
    """A day whose vans are still empty stays, though today a van passes the door."""
    tomorrow = TODAY + timedelta(days=1)
    today, empty, far = shown(HIDE, a_slot(0), a_slot(3000, tomorrow), a_slot(6601, tomorrow))
    assert (today.offer is not None, empty.offer is not None, far.offer) == (True, True, None)
    assert offered(HIDE, 0, 3000) == [True, False]  # control: on one day it would be hidden


@pytest.mark.parametrize(("beyond", "cents"), [(0, None), (1, 10), (60, 10), (61, 20), (600, 100)])
def test_surcharge_counts_every_minute_begun_beyond_the_limit(beyond: int, cents: int | None) -> None:
    """A free slot costs the surcharge; the cheapest detour is 0 s, so the limit is 600 s."""
    slot = shown(PRICE, a_slot(0), a_slot(600 + beyond))[1]
    assert (slot.price and slot.price.amount) == cents


def test_surcharge_is_added_to_the_price_and_sealed_with_the_offer() -> None:
    """Who holds the slot pays what was shown; the slot's own price stays for the others."""
    own = Money(amount=250, currency="EUR")
    near, far = shown(PRICE, a_slot(0, price=own), a_slot(900, price=own))
    assert near.price == own
    assert far.price == Money(amount=300, currency="EUR")
    assert far.offer is not None
    assert far.offer.price == far.price


def test_refused_slots_stay_as_they_are() -> None:
    """What has a reason already keeps it, and is not what others are measured by."""
    full = replace(a_slot(0), offer=None, extra_seconds=None, reason=Reason.FULL)
    assert shown(HIDE, full, a_slot(9000)) == [full, a_slot(9000)]


TIGHT = OfferShaping(mode=ShapingMode.HIDE, detour_ratio=1.0, detour_seconds=120)


def a_stretched_shop() -> Shop:
    """One van that is far out at eight, and on the other side of the city from ten to six."""
    shop = Shop()
    shop.buy(at(8), FAR, "order-1")
    shop.buy(at(10), OPPOSITE, "order-2")
    shop.buy(at(16), OPPOSITE, "order-3")
    return shop


def under(policy: OfferShaping, shop: Shop) -> Shop:
    """The same shop from now on under a policy."""
    shop.fleet.put_depot(TENANT, a_depot(offer_shaping=policy), shop.now)
    return shop


def test_search_hides_what_is_far_from_the_vans_way() -> None:
    """Until ten the van is there anyway; later it would have to come back across the city."""
    shop = a_stretched_shop()
    assert [slot.reason for slot in shop.search(FAR)] == [None] * 5  # control: it could
    far = Reason.FAR_FROM_ROUTE
    assert [slot.reason for slot in under(TIGHT, shop).search(FAR)] == [None, None, far, far, far]


def test_offer_that_was_shown_is_honoured() -> None:
    """The policy decides what is shown, not what is possible: an offer in a buyer's hand stays good."""
    shop = a_stretched_shop()
    offer = shop.offer(at(12), FAR)
    assert under(TIGHT, shop).hold(offer).offer == offer


def test_surcharge_is_part_of_the_promise() -> None:
    """From search to promise the price is the one that was shown."""
    shop = under(replace(TIGHT, mode=ShapingMode.PRICE, surcharge_per_minute=CENTS), a_stretched_shop())
    dear = next(slot for slot in shop.search(FAR) if slot.window.start == at(12))
    assert dear.price is not None
    assert dear.price.amount > 0
    assert shop.buy(at(12), FAR, "order-4").promise.price == dear.price


def test_alternatives_of_a_lost_slot_are_shaped_too() -> None:
    """Or whoever fails to hold would be shown what a search hides."""
    shop = a_stretched_shop()
    offer = shop.offer(at(8), FAR)
    hidden = {at(hour) for hour in (12, 14, 16)}

    def shown_today() -> set[int]:
        found = shop.search_engine.alternatives(TENANT, offer, shop.now)
        return {slot.window.start for slot in found}

    assert shown_today() & hidden  # control
    under(TIGHT, shop)
    assert shown_today()
    assert not shown_today() & hidden


def test_promise_that_must_move_may_have_any_slot() -> None:
    """The policy is for new orders: who has bought already is shown all the ways out."""
    shop = a_stretched_shop()
    moving = shop.buy(at(8), FAR, "order-4").promise
    slots = under(TIGHT, shop).promises.other_slots(TENANT, moving.stop_id, shop.now, days=1)
    assert [slot.reason for slot in slots] == [None] * 5
