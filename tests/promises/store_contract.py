"""What every store of plans, holds and promises keeps: subclass it with a `store` fixture."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import count, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.adapters.errand import errand
from chalicelib.errors import AlreadyDone
from chalicelib.events import Actor, Fact, FactKind, Mode, Tenant
from chalicelib.fleet.calendar import template_shifts
from chalicelib.fleet.ids import promise_id
from chalicelib.fleet.planning import Found
from chalicelib.fleet.plans import NOWHERE, PlanKey, RouteWrite
from chalicelib.fleet.progress import Progress
from chalicelib.fleet.store import FleetChanges
from chalicelib.notifications.model import Message, MessageKind, MessageStatus
from chalicelib.promises.model import (
    Delivery,
    Handover,
    Hold,
    HoldState,
    Offer,
    Promise,
    PromiseState,
    Standing,
    token_hash,
)
from chalicelib.promises.store import CartClaim, Changes, Guard, OrderClaim, PromiseQuery, WriteRefused
from chalicelib.receipts import ReceiptRow
from chalicelib.reminders import Reminder, ReminderKind
from chalicelib.routing.altered import Alteration, Altered, Cause
from chalicelib.routing.model import Load, TimeWindow
from chalicelib.routing.packed import GHOST_GRACE, Route, no_stops, pack
from chalicelib.units import StopId
from tests.promises.clock_contract import ClockContract
from tests.promises.shop import NEAR, TODAY, a_depot, a_vehicle, an_order, at

ACME = Tenant(merchant_id="acme", mode=Mode.TEST)
ACME_LIVE = Tenant(merchant_id="acme", mode=Mode.LIVE)
BEST = Tenant(merchant_id="best", mode=Mode.TEST)
NOW = at(6)
TOMORROW = TODAY + timedelta(days=1)


def a_route(shift_id: str = "s-1", *, version: int = 0) -> Route:
    (shift,) = template_shifts(a_depot(), a_vehicle(), TODAY)
    shift = replace(shift, shift_id=shift_id)
    return Route(shift=shift, stops=no_stops(), last_leg=NOWHERE, version=version)


def write(route: Route, *, day: date = TODAY, depot_id: str = "porto", **more: Any) -> RouteWrite:
    return RouteWrite(depot_id=depot_id, day=day, route=route, **more)


def an_offer(**more: Any) -> Offer:
    described: dict[str, Any] = {
        "depot_id": "porto",
        "slot_id": "porto.2026-11-24.0800-1000",
        "day": TODAY,
        "window": TimeWindow(start=at(8), end=at(10)),
        "delivery": Delivery(
            location=NEAR,
            address=None,
            load=Load(parcels=1),
            skills=frozenset(),
            service_time=300,
            handover=Handover(),
        ),
        "price": None,
        "timezone": "Europe/Lisbon",
        "cutoff_at": at(7),
        "issued_at": NOW,
        "expires_at": NOW + 1800,
    }
    return Offer(**described | more)


def a_hold(stop_id: StopId = 1, **more: Any) -> Hold:
    described: dict[str, Any] = {
        "stop_id": stop_id,
        "cart_ref": "cart-1",
        "state": HoldState.ACTIVE,
        "offer": an_offer(),
        "created_at": NOW,
        "expires_at": NOW + 600,
        "confidence": 0.991,
        "found": Found(depot_id="porto", day=TODAY, shift_id="s-1"),
    }
    return Hold(**described | more)


def a_promise(stop_id: StopId = 1, **more: Any) -> Promise:
    described: dict[str, Any] = {
        "stop_id": stop_id,
        "state": PromiseState.CONFIRMED,
        "order": an_order(),
        "delivery": an_offer().delivery,
        "depot_id": "porto",
        "slot_id": "porto.2026-11-24.0800-1000",
        "day": TODAY,
        "window": TimeWindow(start=at(8), end=at(10)),
        "told_window": TimeWindow(start=at(8), end=at(10)),
        "timezone": "Europe/Lisbon",
        "cutoff_at": at(7),
        "price": None,
        "found": Found(depot_id="porto", day=TODAY, shift_id="s-1"),
        "tracking_token": f"token-{stop_id}",
        "created_at": NOW,
        "sequence": 1,
    }
    return Promise(**described | more)


def a_progress(milestones: int = 3) -> Progress:
    plan = PlanKey(depot_id="porto", day=TODAY)
    return Progress(shift_id="s-1", plan=plan, milestones=milestones)


def a_fact(stop_id: StopId = 1, sequence: int = 1, kind: FactKind = FactKind.PROMISE_CONFIRMED) -> Fact:
    return Fact(
        kind=kind,
        at=NOW,
        actor=Actor.MERCHANT,
        subject=promise_id(stop_id),
        sequence=sequence,
        data={"promised_window": {"starts_at": at(8)}, "note": "für später"},
    )


def a_receipt(key: str = "secret/POST//v1/holds/k") -> ReceiptRow:
    return ReceiptRow(
        key=key, fingerprint="f" * 64, status=201, sealed_body=b"\x00\xffsealed", expires_at=NOW + 86_400
    )


def a_message(message_id: str = "prm_1.1.promise_confirmed", **more: Any) -> Message:
    described: dict[str, Any] = {
        "message_id": message_id,
        "subject": "prm_1",
        "kind": MessageKind.PROMISE_CONFIRMED,
        "status": MessageStatus.SENDING,
        "created_at": NOW,
        "body": "Acme: your delivery comes…",
    }
    return Message(**described | more)


def cart(seen: StopId | None, now: StopId | None) -> CartClaim:
    return CartClaim(cart_ref="cart-1", seen=seen, now=now)


def order(seen: StopId | None, now: StopId, shipment_ref: str | None = None) -> OrderClaim:
    return OrderClaim(order_ref="order-1", shipment_ref=shipment_ref, seen=seen, now=now)


def describe(store: Any, tenant: Tenant = ACME, *depot_ids: str) -> None:
    """Put depots: each fleet is at version 1 afterwards."""
    for depot_id in depot_ids or ("porto",):
        depot = a_depot(depot_id=depot_id, version=1)
        store.commit_fleet(tenant, FleetChanges(depot_id=depot_id, fleet_version=0, depot=depot))


def routes_of(store: Any, tenant: Tenant = ACME, first: date = TODAY, last: date = TODAY) -> list[Route]:
    found = store.routes(tenant, "porto", first=first, last=last, consistent=True)
    return [route for _, route in found]


def all_pages(store: Any, query: PromiseQuery, *, limit: int = 2, tenant: Tenant = ACME) -> list[StopId]:
    """Walk through a list; every page has at most `limit` rows."""
    found: list[StopId] = []
    start: str | None = None
    while True:
        page = store.promises(tenant, query, limit=limit, start=start)
        assert len(page.rows) <= limit
        found += [promise.stop_id for promise in page.rows]
        if page.next_start is None:
            return found
        assert page.next_start != start
        start = page.next_start


class PromiseStoreContract(ClockContract):
    """The same tests on every store."""

    def test_nothing_is_found_where_nothing_was_written(self, store: Any) -> None:
        """No row is no row, not an error."""
        assert list(store.depots(ACME)) == []
        assert store.depot(ACME, "porto") is None
        assert routes_of(store) == []
        assert store.route(ACME, "porto", TODAY, "s-1") is None
        assert store.hold(ACME, 1) is None
        assert store.cart(ACME, "cart-1") is None
        assert store.order(ACME, "order-1", None) is None
        assert store.promise(ACME, 1) is None
        assert all_pages(store, PromiseQuery()) == []
        assert all_pages(store, PromiseQuery(order_ref="order-1")) == []
        assert list(store.ledger(ACME, 1)) == []
        assert list(store.due_holds(ACME, NOW + 10_000, limit=10)) == []
        assert store.get_receipt(ACME, "k") is None

    def test_one_commit_writes_everything_it_names(self, store: Any) -> None:
        """What is read is what was written, each row one version on."""
        hold, promise, fact, receipt = a_hold(), a_promise(), a_fact(), a_receipt()
        store.commit(
            ACME,
            Changes(
                routes=(write(a_route()),),
                holds=(hold,),
                promise=promise,
                cart=cart(None, 1),
                order=order(None, 1),
                facts=(fact,),
                receipt=receipt,
            ),
        )
        stored = store.route(ACME, "porto", TODAY, "s-1")
        assert (stored.version, pack(stored)) == (1, pack(a_route()))
        assert store.hold(ACME, 1) == replace(hold, version=1)
        assert store.promise(ACME, 1) == replace(promise, version=1)
        assert store.cart(ACME, "cart-1") == 1
        assert store.order(ACME, "order-1", None) == 1
        assert list(store.ledger(ACME, 1)) == [fact]
        assert store.get_receipt(ACME, receipt.key) == receipt

    def test_unchanged_route_is_the_very_same_object(self, store: Any) -> None:
        """What was computed for a route is kept by that object; a new version is another one."""
        store.commit(ACME, Changes(routes=(write(a_route("s-1")), write(a_route("s-2")))))
        one, two = routes_of(store)
        assert all(map(lambda a, b: a is b, routes_of(store), (one, two)))
        assert store.route(ACME, "porto", TODAY, "s-1") is one
        store.commit(ACME, Changes(routes=(write(one),)))
        changed, same = routes_of(store)
        assert (changed.version, changed is one, same is two) == (2, False, True)

    def test_what_altered_a_route_is_kept_with_it(self, store: Any) -> None:
        """Read alone and among the others of its plan; the next write, made from it, keeps it."""
        noted = Alteration(
            because=Cause.BUYER, by="chg_1", at=NOW, version=1, stops=((1, Altered.GONE), (2, Altered.NEW))
        )
        store.commit(ACME, Changes(routes=(write(replace(a_route(), altered=(noted,))),)))
        assert store.route(ACME, "porto", TODAY, "s-1").altered == (noted,)
        store.commit(ACME, Changes(routes=tuple(map(write, routes_of(store)))))
        assert [(route.version, route.altered) for route in routes_of(store)] == [(2, (noted,))]

    def test_routes_are_read_by_date_with_both_ends(self, store: Any) -> None:
        """In order of date and shift, whatever characters their ids have."""
        days = [TODAY + timedelta(days=n) for n in range(4)]
        ids = ["a", "a.b", "a~", "~unassigned"]
        store.commit(ACME, Changes(routes=tuple(write(a_route(i), day=d) for d, i in product(days, ids))))
        found = store.routes(ACME, "porto", first=days[1], last=days[2], consistent=False)
        assert [(day, route.shift.shift_id) for day, route in found] == list(product(days[1:3], ids))

    @pytest.mark.parametrize(("stored", "stale"), [(0, 1), (1, 0), (2, 1), (1, 2)])
    def test_route_is_written_on_its_version_only(self, store: Any, stored: int, stale: int) -> None:
        """The guard of all capacity: of two who read the same version, the first writes."""
        for version in range(stored):
            store.commit(ACME, Changes(routes=(write(a_route(version=version)),)))
        with pytest.raises(WriteRefused) as refused:
            store.commit(ACME, Changes(routes=(write(a_route(version=stale)),), holds=(a_hold(),)))
        assert refused.value.guards == {Guard.ROUTE}
        assert [route.version for route in routes_of(store)] == [stored] * bool(stored)
        assert store.hold(ACME, 1) is None

    def test_route_is_born_under_the_fleet_it_was_made_from(self, store: Any) -> None:
        """A template that changed in between would let it be born under constraints that no longer hold."""
        describe(store)
        born = write(a_route(), fleet_version=1)
        store.commit_fleet(ACME, FleetChanges(depot_id="porto", fleet_version=1, vehicle=a_vehicle()))
        with pytest.raises(WriteRefused) as refused:
            store.commit(ACME, Changes(routes=(born,)))
        assert refused.value.guards == {Guard.ROUTE}
        again = (replace(born, fleet_version=2), write(a_route("s-2"), fleet_version=2))
        store.commit(ACME, Changes(routes=again))
        assert len(routes_of(store)) == 2

    def test_routes_of_two_states_of_one_fleet_are_refused(self, store: Any) -> None:
        """They cannot both still be true."""
        describe(store)
        both = (write(a_route("s-1"), fleet_version=1), write(a_route("s-2"), fleet_version=2))
        with pytest.raises(WriteRefused) as refused:
            store.commit(ACME, Changes(routes=both))
        assert refused.value.guards == {Guard.ROUTE}

    @pytest.mark.parametrize("version", [0, 2])
    def test_hold_is_written_on_its_version_only(self, store: Any, version: int) -> None:
        """Of confirm, release and expiry one comes first."""
        store.commit(ACME, Changes(holds=(a_hold(),)))
        ended = a_hold(state=HoldState.EXPIRED, version=version)
        with pytest.raises(WriteRefused) as refused:
            store.commit(ACME, Changes(holds=(ended,), routes=(write(a_route()),)))
        assert refused.value.guards == {Guard.HOLD}
        assert store.hold(ACME, 1).state is HoldState.ACTIVE
        assert routes_of(store) == []

    @pytest.mark.parametrize("version", [0, 2])
    def test_promise_is_written_on_its_version_only(self, store: Any, version: int) -> None:
        """Two changes at once: the second decides anew."""
        store.commit(ACME, Changes(promise=a_promise()))
        changed = a_promise(state=PromiseState.CANCELLED, version=version)
        with pytest.raises(WriteRefused) as refused:
            store.commit(ACME, Changes(promise=changed))
        assert refused.value.guards == {Guard.PROMISE}
        assert store.promise(ACME, 1).state is PromiseState.CONFIRMED

    @pytest.mark.parametrize(("stored", "seen"), [(None, 7), (7, None), (7, 8)])
    @pytest.mark.parametrize("now", [None, 9])
    def test_cart_has_one_live_hold(
        self, store: Any, stored: StopId | None, seen: StopId | None, now: StopId | None
    ) -> None:
        """Claiming, swapping and giving up all rely on what was read."""
        if stored is not None:
            store.commit(ACME, Changes(cart=cart(None, stored)))
        with pytest.raises(WriteRefused) as refused:
            store.commit(ACME, Changes(cart=cart(seen, now), holds=(a_hold(),)))
        assert refused.value.guards == {Guard.CART}
        assert store.cart(ACME, "cart-1") == stored
        assert store.hold(ACME, 1) is None

    def test_cart_is_claimed_swapped_and_given_up(self, store: Any) -> None:
        """A cart without a hold leaves no row."""
        store.commit(ACME, Changes(cart=cart(None, None)))
        for seen, now in [(None, 1), (1, 2), (2, None), (None, 3)]:
            store.commit(ACME, Changes(cart=cart(seen, now)))
            assert store.cart(ACME, "cart-1") == now

    @pytest.mark.parametrize(("stored", "seen"), [(None, 7), (7, None), (7, 8)])
    def test_order_has_one_active_promise(
        self, store: Any, stored: StopId | None, seen: StopId | None
    ) -> None:
        """Two requests for one order: the second finds the first one's promise."""
        if stored is not None:
            store.commit(ACME, Changes(order=order(None, stored)))
        with pytest.raises(WriteRefused) as refused:
            store.commit(ACME, Changes(order=order(seen, 9), promise=a_promise(9)))
        assert refused.value.guards == {Guard.ORDER}
        assert store.order(ACME, "order-1", None) == stored
        assert store.promise(ACME, 9) is None

    def test_shipments_of_an_order_are_claimed_one_by_one(self, store: Any) -> None:
        """No shipment, an empty one and a named one are three."""
        for stop_id, shipment_ref in enumerate([None, "", "a"], 1):
            store.commit(ACME, Changes(order=order(None, stop_id, shipment_ref)))
        assert [store.order(ACME, "order-1", ref) for ref in (None, "", "a", "b")] == [1, 2, 3, None]

    def test_all_broken_guards_are_named(self, store: Any) -> None:
        """Whoever was refused reads again what moved, and nothing was written."""
        store.commit(ACME, Changes(holds=(a_hold(),), promise=a_promise(), cart=cart(None, 1)))
        with pytest.raises(WriteRefused) as refused:
            store.commit(
                ACME,
                Changes(
                    routes=(write(a_route(version=1)),),
                    holds=(a_hold(),),
                    promise=a_promise(),
                    cart=cart(None, 2),
                    order=order(5, 1),
                    known=(a_progress(),),
                ),
            )
        assert refused.value.guards == set(Guard) - {Guard.CONFLICT}

    def test_van_that_came_further_is_named(self, store: Any) -> None:
        """CONTROL: none was heard of yet, and whoever was told so may write."""
        store.commit(ACME, Changes(promise=a_promise(), known=(a_progress(0),)))
        with pytest.raises(WriteRefused) as refused:
            store.commit(ACME, Changes(promise=a_promise(2), known=(a_progress(1),)))
        assert refused.value.guards == {Guard.PROGRESS}
        assert store.promise(ACME, 2) is None

    def test_receipt_that_exists_settles_it(self, store: Any) -> None:
        """Twins of one request have one effect, and the second learns that it is done, not that all moved."""
        changes = Changes(routes=(write(a_route()),), holds=(a_hold(),), receipt=a_receipt())
        store.commit(ACME, changes)
        with pytest.raises(AlreadyDone):
            store.commit(ACME, changes)
        with pytest.raises(AlreadyDone):
            store.commit(ACME, Changes(holds=(a_hold(2),), receipt=a_receipt()))
        assert store.hold(ACME, 2) is None
        assert store.hold(ACME, 1).version == 1

    def test_ledger_grows_in_order(self, store: Any) -> None:
        """Oldest first; a fact about a plan is in no promise's ledger."""
        about_plan = replace(a_fact(), subject="porto/2026-11-24", sequence=0, kind=FactKind.PLAN_CHANGED)
        facts = [a_fact(sequence=1), a_fact(sequence=2, kind=FactKind.PROMISE_CHANGED), about_plan]
        store.commit(ACME, Changes(facts=tuple(reversed(facts))))
        store.commit(ACME, Changes(facts=(a_fact(sequence=10), a_fact(2, sequence=3))))
        assert [fact.sequence for fact in store.ledger(ACME, 1)] == [1, 2, 10]
        assert list(store.ledger(ACME, 1))[:2] == facts[:2]

    def test_line_of_a_ledger_is_never_overwritten(self, store: Any) -> None:
        """What happened stays on record."""
        store.commit(ACME, Changes(facts=(a_fact(),)))
        with pytest.raises(WriteRefused) as refused:
            store.commit(ACME, Changes(facts=(a_fact(kind=FactKind.PROMISE_CANCELLED),)))
        assert refused.value.guards == {Guard.PROMISE}
        assert list(store.ledger(ACME, 1)) == [a_fact()]

    def test_buyers_token_opens_its_promise(self, store: Any) -> None:
        """By its hash, before anybody knows whose it is; also when the promise was changed since."""
        store.commit(ACME, Changes(promise=a_promise(), facts=(a_fact(),)))
        store.commit(ACME, Changes(promise=replace(a_promise(), version=1, standing=Standing.AT_RISK)))
        store.commit(BEST, Changes(promise=replace(a_promise(2), tracking_token="another")))
        assert store.tracked(token_hash(a_promise().tracking_token)) == (ACME, 1)
        assert store.tracked(token_hash("another")) == (BEST, 2)
        assert store.tracked(token_hash("nobody's")) is None

    def test_reminders_are_written_with_what_makes_them_due(self, store: Any) -> None:
        """In the same transaction: a command that is refused reminds nobody."""
        reminder = Reminder(kind=ReminderKind.WATCH_SHIFT, subject="s-1", due_at=NOW)
        with pytest.raises(WriteRefused):
            store.commit(ACME, Changes(promise=a_promise(version=3), reminders=(reminder,)))
        assert list(store.reminders.due_reminders_of(ACME, NOW)) == []
        store.commit(ACME, Changes(promise=a_promise(), reminders=(reminder,)))
        assert list(store.reminders.due_reminders_of(ACME, NOW)) == [reminder]

    def test_active_holds_fall_due_oldest_first(self, store: Any) -> None:
        """From the moment they are ghosts for everybody; of one tenant, and no more than asked for."""
        for stop_id, lives in [(1, 300), (2, 100), (3, 200)]:
            store.commit(ACME, Changes(holds=(a_hold(stop_id, expires_at=NOW + lives),)))
        store.commit(BEST, Changes(holds=(a_hold(4, expires_at=NOW),)))
        due_at = NOW + 200 + GHOST_GRACE
        assert list(store.due_holds(ACME, due_at - 1, limit=10)) == [2]
        assert list(store.due_holds(ACME, due_at, limit=10)) == [2, 3]
        assert list(store.due_holds(ACME, due_at + 200, limit=2)) == [2, 3]
        assert set(store.due_anywhere(due_at)) == {(ACME, 2), (ACME, 3), (BEST, 4)}

    @pytest.mark.parametrize("state", [HoldState.CONFIRMED, HoldState.RELEASED, HoldState.EXPIRED])
    def test_ended_hold_never_falls_due(self, store: Any, state: HoldState) -> None:
        """And an extended one falls due later."""
        store.commit(ACME, Changes(holds=(a_hold(1), a_hold(2))))
        store.commit(ACME, Changes(holds=(a_hold(1, state=state, version=1),)))
        store.commit(ACME, Changes(holds=(a_hold(2, expires_at=NOW + 900, version=1),)))
        assert list(store.due_holds(ACME, NOW + 600 + GHOST_GRACE, limit=10)) == []
        assert list(store.due_holds(ACME, NOW + 900 + GHOST_GRACE, limit=10)) == [2]

    def test_promises_are_listed_oldest_first(self, store: Any) -> None:
        """By when they were made, not by when their place was first held."""
        for stop_id, created_at in [(1, NOW + 3), (2, NOW + 1), (3, NOW + 2), (4, NOW + 2)]:
            store.commit(ACME, Changes(promise=a_promise(stop_id, created_at=created_at)))
        assert all_pages(store, PromiseQuery()) == [2, 3, 4, 1]
        assert all_pages(store, PromiseQuery(depot_id="porto", day=TODAY), limit=3) == [2, 3, 4, 1]

    def test_promises_are_listed_as_narrowly_as_asked(self, store: Any) -> None:
        """By depot, day, state and order, and any of them together."""
        describe(store, ACME, "braga", "porto")
        kinds = [("porto", TODAY), ("porto", TOMORROW), ("braga", TODAY), ("braga", TOMORROW)]
        for stop_id, (depot_id, day) in enumerate(kinds * 2, 1):
            state = PromiseState.CANCELLED if stop_id > 4 else PromiseState.CONFIRMED
            promise = a_promise(stop_id, depot_id=depot_id, day=day, state=state, created_at=NOW + stop_id)
            store.commit(ACME, Changes(promise=promise))
        assert all_pages(store, PromiseQuery(depot_id="porto")) == [1, 2, 5, 6]
        assert all_pages(store, PromiseQuery(day=TODAY)) == [1, 3, 5, 7]
        assert all_pages(store, PromiseQuery(day=TODAY, depot_id="braga")) == [3, 7]
        assert all_pages(store, PromiseQuery(state="cancelled")) == [5, 6, 7, 8]
        assert all_pages(store, PromiseQuery(state="cancelled", day=TOMORROW)) == [6, 8]
        assert all_pages(store, PromiseQuery(state="arriving", depot_id="porto", day=TODAY)) == []

    def test_promises_of_an_order_are_all_its_shipments_and_earlier_ones(self, store: Any) -> None:
        """A cancelled promise that was followed by another is still the order's."""
        store.commit(ACME, Changes(promise=a_promise(1, created_at=NOW), order=order(None, 1)))
        store.commit(ACME, Changes(promise=a_promise(2, created_at=NOW + 1), order=order(None, 2, "b")))
        store.commit(ACME, Changes(promise=a_promise(3, created_at=NOW + 2), order=order(1, 3)))
        store.commit(ACME, Changes(order=order(3, 3)))
        other = OrderClaim(order_ref="order-10", shipment_ref=None, seen=None, now=4)
        store.commit(ACME, Changes(promise=a_promise(4, order=an_order("order-10")), order=other))
        assert all_pages(store, PromiseQuery(order_ref="order-1"), limit=1) == [1, 2, 3]
        assert all_pages(store, PromiseQuery(order_ref="order-1", depot_id="braga")) == []

    def test_moved_promise_is_listed_with_its_new_day_only(self, store: Any) -> None:
        """And once in the list of all."""
        store.commit(ACME, Changes(promise=a_promise(1)))
        store.commit(ACME, Changes(promise=a_promise(1, day=TOMORROW, version=1)))
        assert all_pages(store, PromiseQuery(depot_id="porto", day=TODAY)) == []
        assert all_pages(store, PromiseQuery(depot_id="porto", day=TOMORROW)) == [1]
        assert all_pages(store, PromiseQuery()) == [1]

    def test_pages_of_any_size_show_every_promise_once(self, store: Any) -> None:
        """Turning pages neither repeats nor leaves out."""
        numbers = count()

        @settings(max_examples=10, deadline=None)
        @given(made=st.lists(st.integers(0, 3), max_size=7), limit=st.integers(1, 8))
        def turn_pages(made: list[int], limit: int) -> None:
            tenant = Tenant(merchant_id=f"m{next(numbers)}", mode=Mode.TEST)
            for stop_id, later in enumerate(made, 1):
                token = f"{tenant}-{stop_id}"  # a token opens one promise, whosever it is
                promise = a_promise(stop_id, created_at=NOW + later, tracking_token=token)
                store.commit(tenant, Changes(promise=promise))
            expected = sorted(range(1, len(made) + 1), key=lambda stop_id: (made[stop_id - 1], stop_id))
            for query in (PromiseQuery(), PromiseQuery(depot_id="porto", day=TODAY)):
                assert all_pages(store, query, limit=limit, tenant=tenant) == expected

        turn_pages()

    @pytest.mark.parametrize("other", [BEST, ACME_LIVE])
    def test_tenants_never_see_each_other(self, store: Any, other: Tenant) -> None:
        """Whatever is read, under the very same ids; and the same ids are free for the other."""
        changes = Changes(
            routes=(write(a_route()),),
            holds=(a_hold(),),
            promise=a_promise(),
            cart=cart(None, 1),
            order=order(None, 1),
            facts=(a_fact(),),
            receipt=a_receipt(),
        )
        describe(store)
        store.commit(ACME, changes)
        assert routes_of(store, other) == []
        assert store.route(other, "porto", TODAY, "s-1") is None
        assert store.hold(other, 1) is None
        assert store.cart(other, "cart-1") is None
        assert store.order(other, "order-1", None) is None
        assert store.promise(other, 1) is None
        for query in (
            PromiseQuery(),
            PromiseQuery(order_ref="order-1"),
            PromiseQuery(day=TODAY),
            PromiseQuery(day=TODAY, depot_id="porto"),
        ):
            assert all_pages(store, query, tenant=other) == []
        assert list(store.ledger(other, 1)) == []
        assert list(store.due_holds(other, NOW + 10_000, limit=10)) == []
        assert store.get_receipt(other, a_receipt().key) is None
        store.commit(other, replace(changes, promise=a_promise(tracking_token="another")))
        assert store.promise(ACME, 1).version == 1

    @pytest.mark.parametrize("text", ["a#b", "T#best.test#CART", "ünï©ode ☂", " ", "x" * 255])
    def test_text_of_callers_is_only_text(self, store: Any, text: str) -> None:
        """A reference that looks like one of our keys is nobody else's."""
        claim = CartClaim(cart_ref=text, seen=None, now=1)
        claimed = OrderClaim(order_ref=text, shipment_ref=text, seen=None, now=1)
        store.commit(ACME, Changes(cart=claim, order=claimed, receipt=a_receipt(text)))
        assert (store.cart(ACME, text), store.order(ACME, text, text)) == (1, 1)
        assert store.order(ACME, text, None) is None
        assert store.get_receipt(ACME, text) == a_receipt(text)
        assert store.cart(BEST, text) is None

    def test_text_is_written_once(self, store: Any) -> None:
        """Two consumers with the same fact make one text."""
        assert store.add_message(ACME, a_message())
        assert not store.add_message(ACME, a_message(body="another"))
        assert store.add_message(BEST, a_message())
        assert list(store.messages(ACME, "prm_1")) == [a_message(version=1)]
        assert store.message(ACME, "prm_1.1.promise_confirmed") == a_message(version=1)
        assert store.message(ACME, "prm_1.2.promise_confirmed") is None

    def test_text_moves_on_from_the_version_that_was_read(self, store: Any) -> None:
        """Of two workers who read the same row, one writes; nobody writes one that is not there."""
        store.add_message(ACME, a_message())
        read = store.message(ACME, a_message().message_id)
        saved = store.save_message(ACME, replace(read, tries=1, sealed_to="sealed", resent=True))
        assert saved == replace(read, tries=1, sealed_to="sealed", resent=True, version=2)
        assert store.save_message(ACME, replace(read, tries=2)) is None
        assert store.message(ACME, read.message_id) == saved
        assert store.save_message(BEST, read) is None

    def test_what_became_of_a_text_is_recorded(self, store: Any) -> None:
        """Oldest first, of one promise; a carrier's id belongs to the tenant that sent it."""
        later = a_message("prm_1.later", created_at=NOW + 5, status=MessageStatus.SKIPPED, reason="no_phone")
        store.add_message(ACME, later)
        for tenant, sid in ((ACME, "SM1"), (BEST, "SM2")):
            store.add_message(tenant, a_message("prm_1.sent"))
            read = store.message(tenant, "prm_1.sent")
            assert store.save_message(tenant, replace(read, status=MessageStatus.SENT, sid=sid), new_sid=sid)
        sent = a_message("prm_1.sent", status=MessageStatus.SENT, sid="SM1", version=2)
        assert list(store.messages(ACME, "prm_1")) == [sent, replace(later, version=1)]
        assert list(store.messages(ACME, "prm_2")) == []
        assert store.own_sids(ACME, ["SM1", "SM2", "SM3"]) == {"SM1": "prm_1.sent"}
        assert store.own_sids(ACME, []) == {}

    def test_text_names_the_request_it_goes_back_to(self, store: Any) -> None:
        """From the first on; what is recorded later by somebody else changes nothing about that."""
        with errand("req-12345"):
            store.add_message(ACME, a_message())
        (claimed,) = store.messages(ACME, "prm_1")
        assert claimed == a_message(request_id="req-12345", version=1)
        with errand("req-of-somebody-else"):
            store.save_message(ACME, replace(claimed, status=MessageStatus.SENT, sid="SM1"))
        (recorded,) = store.messages(ACME, "prm_1")
        assert (recorded.request_id, recorded.sid) == ("req-12345", "SM1")
