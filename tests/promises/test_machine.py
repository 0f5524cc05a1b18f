"""Anything a shop may do in any order, against a simple model: nothing is ever oversold or endangered.

Hypothesis drives searches, holds, extensions, swaps, confirmations, imports, pins, changes, cancellations and
the clock; after every step each stored route is judged anew from its stops alone.
"""

from dataclasses import replace
from datetime import time, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from chalicelib.errors import Conflict, Expired, SlotTaken
from chalicelib.fleet.calendar import work_clock
from chalicelib.fleet.model import EVERY_DAY, ServiceTime, WeeklyShift
from chalicelib.fleet.plans import UNASSIGNED
from chalicelib.promises.importing import ImportRefusal, ImportState, ImportWish
from chalicelib.promises.model import Address, Change, ChangeKind, Hold, HoldState, Offer, PromiseState
from chalicelib.promises.search import SlotQuery
from chalicelib.receipts import no_receipt
from chalicelib.routing.model import NOBODY, Capacity, Load, Location, StopFlag, StopKind, TimeWindow
from chalicelib.routing.packed import carried, fits, live
from chalicelib.routing.proof import World, judge
from chalicelib.routing.uncertainty import Noise
from chalicelib.units import MINUTE, StopId
from tests.builders import CALM
from tests.promises.shop import TENANT, TODAY, Shop, a_depot, a_vehicle, an_order, at

WINDY = Noise()  # the real thing
PLACES = [
    Location(lat=41.15 + north / 100, lon=-8.61 + east / 100)
    for north in range(-3, 4)
    for east in range(-3, 4)
]
SHIFTS = [f"porto.van-{number}.{TODAY}.0900" for number in (1, 2)]
CARTS = ["cart-a", "cart-b", "cart-c", "cart-d"]


class ShopMachine(RuleBasedStateMachine):
    """A shop with two vans, four hours, and twenty minutes at each door: room for few."""

    noise = WINDY
    holds = Bundle("holds")
    offers = Bundle("offers")
    promises = Bundle("promises")

    @initialize()
    def open_shop(self) -> None:
        depot = replace(a_depot(), service=ServiceTime(base_seconds=20 * MINUTE, per_parcel_seconds=0))
        morning = (WeeklyShift(days=EVERY_DAY, starts=time(9), ends=time(13)),)
        vans = [
            a_vehicle(1, capacity=Capacity(parcels=2), weekly=morning),
            a_vehicle(2, capacity=Capacity(parcels=9), weekly=morning),
        ]
        self.shop = Shop(depot=depot, vehicles=vans, noise=self.noise)
        self.orders = 0
        self.sold: dict[StopId, object] = {}
        self.kept_before: dict[StopId, float] = {}

    @rule(
        target=offers,
        place=st.sampled_from(PLACES),
        nth=st.integers(0, 9),
        cart=st.sampled_from([None, *CARTS]),
    )
    def search(self, place: Location, nth: int, cart: str | None) -> object:
        slots = self.shop.search(place, days=1, cart_ref=cart)
        assert all((slot.offer is None) == (slot.reason is not None) for slot in slots)
        offered = [slot.offer for slot in slots if slot.offer]
        return offered[nth % len(offered)] if offered else multiple()

    @rule(target=holds, offer=offers, cart=st.sampled_from(CARTS))
    def hold(self, offer: Offer, cart: str) -> object:
        if offer.cart_ref not in (None, cart):
            return multiple()
        if self.shop.now >= offer.expires_at:
            with pytest.raises(Expired):
                self.shop.hold(offer, cart)
            return multiple()
        try:
            hold = self.shop.hold(offer, cart)
        except SlotTaken:
            event("a hold came too late")
            return multiple()
        event("held")
        return hold

    @rule(hold=holds)
    def extend(self, hold: Hold) -> None:
        now = self.shop.booking.read_hold(TENANT, hold.stop_id, self.shop.now)
        if now.state is not HoldState.ACTIVE:
            return
        longer = self.shop.booking.extend(TENANT, hold.stop_id, self.shop.now, no_receipt)
        assert now.expires_at <= longer.expires_at <= min(hold.created_at + 3600, hold.offer.cutoff_at)

    @rule(hold=consumes(holds))
    def release(self, hold: Hold) -> None:
        if self.shop.booking.read_hold(TENANT, hold.stop_id, self.shop.now).state is not HoldState.CONFIRMED:
            self.shop.booking.release(TENANT, hold.stop_id, self.shop.now)
            assert not self._routes_with(hold.stop_id)

    @rule(target=promises, hold=consumes(holds))
    def confirm(self, hold: Hold) -> object:
        before = self.shop.booking.read_hold(TENANT, hold.stop_id, self.shop.now)
        if before.state is HoldState.CONFIRMED:
            return multiple()
        self.orders += 1
        try:
            made = self.shop.confirm(hold, f"order-{self.orders}")
        except SlotTaken:
            event("a paid hold came too late")
            still_good = before.state is HoldState.ACTIVE
            return self._refused_only_if(not still_good)
        event("renewed" if made.renewed else "confirmed")
        assert made.renewed == (before.state is not HoldState.ACTIVE)
        self.sold[hold.stop_id] = made.promise.window
        return hold.stop_id

    @rule(target=promises, offer=offers)
    def confirm_offer(self, offer: Offer) -> object:
        self.orders += 1
        order = an_order(f"order-{self.orders}")
        try:
            made = self.shop.booking.confirm_offer(
                TENANT, offer, offer.cart_ref, order, self.shop.now, no_receipt
            )
        except SlotTaken:
            return multiple()
        self.sold[made.promise.stop_id] = made.promise.window
        return made.promise.stop_id

    @rule(
        target=promises,
        place=st.sampled_from(PLACES),
        start=st.integers(8 * 4, 14 * 4),
        quarters=st.integers(1, 12),
        shift_id=st.sampled_from([None, *SHIFTS]),
    )
    def take_over(self, place: Location, start: int, quarters: int, shift_id: str | None) -> object:
        self.orders += 1
        opens = at(0) + start * 15 * MINUTE
        imported = self.shop.importing.take(
            TENANT,
            ImportWish(
                order=an_order(f"order-{self.orders}"),
                wanted=SlotQuery(location=place, load=Load(parcels=1)),
                window=TimeWindow(start=opens, end=opens + quarters * 15 * MINUTE),
                shift_id=shift_id,
            ),
            self.shop.now,
            no_receipt,
        )
        event(f"import: {imported.state}")
        if imported.promise is None:
            assert imported.refusal is ImportRefusal.WINDOW_PASSED
            return multiple()
        stop_id = imported.promise.stop_id
        assert self._is_waiting(stop_id) == (imported.state is ImportState.UNASSIGNED)
        self.sold[stop_id] = imported.promise.window
        return stop_id

    @rule(stop_id=promises, shift_id=st.sampled_from(SHIFTS))
    def pin(self, stop_id: StopId, shift_id: str) -> None:
        try:
            self.shop.pinning.pin(TENANT, stop_id, shift_id, self.shop.now)
        except Conflict as refused:
            event(f"pin: {refused.code}")
            return
        event("pinned")
        [route] = self._routes_with(stop_id)
        assert route.shift.shift_id == shift_id
        assert StopFlag.PINNED in route.stop(route.index_of(stop_id)).flags

    @rule(stop_id=promises)
    def unpin(self, stop_id: StopId) -> None:
        try:
            self.shop.pinning.unpin(TENANT, stop_id, self.shop.now)
        except Conflict as refused:
            event(f"unpin: {refused.code}")

    @rule(stop_id=promises, nth=st.integers(0, 9))
    def move(self, stop_id: StopId, nth: int) -> None:
        offered = [
            slot.offer
            for slot in self.shop.promises.other_slots(TENANT, stop_id, self.shop.now, days=2)
            if slot.offer
        ]
        if offered:
            wish = Change(kind=ChangeKind.SLOT, offer=offered[nth % len(offered)])
            self._change(stop_id, wish)

    @rule(stop_id=promises, place=st.sampled_from(PLACES))
    def readdress(self, stop_id: StopId, place: Location) -> None:
        address = Address(lines=("somewhere",), city="Porto", country="PT")
        self._change(stop_id, Change(kind=ChangeKind.ADDRESS, location=place, address=address))

    @rule(stop_id=consumes(promises))
    def cancel(self, stop_id: StopId) -> None:
        self._change(stop_id, Change(kind=ChangeKind.CANCEL))

    @rule(minutes=st.sampled_from([1, 5, 9, 10, 11, 30]))
    def wait(self, minutes: int) -> None:
        self.shop.wait(minutes * MINUTE)

    @rule()
    def clear_up(self) -> None:
        for stop_id in self.shop.store.due_holds(TENANT, self.shop.now, limit=100):
            assert self.shop.booking.expire(TENANT, stop_id, self.shop.now)

    @staticmethod
    def _refused_only_if(allowed: bool) -> object:
        assert allowed
        return multiple()

    def _change(self, stop_id: StopId, wish: Change) -> None:
        changed = self.shop.promises.change(TENANT, stop_id, wish, self.shop.now, no_receipt)
        event(f"{wish.kind}: {changed.refusal or 'done'}")
        if changed.promise.state is PromiseState.CANCELLED:
            self.sold.pop(stop_id, None)
        elif stop_id in self.sold:
            self.sold[stop_id] = changed.promise.window

    def _is_waiting(self, stop_id: StopId) -> bool:
        return [route.shift.shift_id for route in self._routes_with(stop_id)] == [UNASSIGNED]

    def _routes_with(self, stop_id: StopId) -> list[Any]:
        return [route for route in self._routes() if route.index_of(stop_id) is not None]

    def _routes(self) -> list[Any]:
        stored = self.shop.store.routes(
            TENANT, "porto", first=TODAY - timedelta(days=1), last=TODAY + timedelta(days=20), consistent=True
        )
        return [route for _, route in stored]

    @invariant()
    def every_route_keeps_what_it_sold(self) -> None:
        if not hasattr(self, "shop"):
            return
        depot = self.shop.store.depot(TENANT, "porto")
        world = World(clock=self._clock(), noise=WINDY, target=depot.target_kept)
        routes = [route for route in self._routes() if route.driven]
        for route, judged in zip(routes, judge(routes, self.shop.now, world), strict=True):
            assert fits(carried(route, self.shop.now), route.shift.capacity)
            real = live(route.stops, self.shop.now)
            assert (judged.late[:-1][real] <= 1e-3).all()
            assert judged.late[-1] <= 1e-3
            assert (judged.kept[:-1][real] >= depot.target_kept).all()
            assert judged.kept[-1] >= depot.target_kept

    def _clock(self) -> object:
        return work_clock(self.shop.depot, TODAY - timedelta(days=2), TODAY + timedelta(days=20))

    @invariant()
    def every_promise_has_exactly_its_place(self) -> None:
        if not hasattr(self, "shop"):
            return
        stops = [stop for route in self._routes() for stop in route.all_stops() if stop.stop_id != NOBODY]
        assert len({stop.stop_id for stop in stops}) == len(stops)
        promised = {stop.stop_id: stop.window for stop in stops if stop.kind is StopKind.PROMISED}
        assert promised == self.sold


_THOROUGH = settings(
    max_examples=120, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
)
ShopMachine.TestCase.settings = _THOROUGH
TestShopMachine = ShopMachine.TestCase


class Hopeful(ShopMachine):
    """The control: a shop that sells by the plan alone, as if every day went as planned."""

    noise = CALM


def test_the_machine_would_notice_a_promise_that_is_not_safe() -> None:
    """Without the scenarios behind each sale, some route soon falls below the target."""
    quick = settings(_THOROUGH, phases=[Phase.generate], database=None)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Hopeful, settings=quick)
