"""How to get in: remembered for the address, asked for in time and once, and time gained for the answer."""

from datetime import timedelta

import pytest

from chalicelib.adapters.sealing import Sealer
from chalicelib.events import Fact, FactKind
from chalicelib.fleet.ids import promise_id
from chalicelib.fleet.model import ServiceTime
from chalicelib.promises.access import ASKED_BEFORE_LOADING, TIME_TO_ANSWER, Asking
from chalicelib.promises.doors import Door, Doors
from chalicelib.promises.model import ChangeKind, ChoicesAfter, Outcome, Promise
from chalicelib.reminders import ReminderKind
from chalicelib.units import MINUTE, StopId, Timestamp
from tests.promises.shop import FAR, NEAR, TENANT, TODAY, Shop, a_depot, at
from tests.promises.street import Street

TOMORROW = TODAY + timedelta(days=1)
NEXT_WEEK = TODAY + timedelta(days=7)


def buy(shop: Shop, when: Timestamp, order_ref: str, location: object = NEAR) -> Promise:
    """An order, and what its consumer does."""
    offer = next(
        slot.offer for slot in shop.search(location, days=9) if slot.window.start == when and slot.offer
    )
    promise = shop.confirm(shop.hold(offer, f"cart-of-{order_ref}"), order_ref).promise
    shop.access.prepare(TENANT, promise.stop_id, shop.now)
    return read(shop, promise.stop_id)


def read(shop: Shop, stop_id: StopId) -> Promise:
    found: Promise = shop.store.promise(TENANT, stop_id)
    return found


def asked(shop: Shop) -> list[Fact]:
    facts = [fact for _, facts in shop.store.outbox for fact in facts]
    return [fact for fact in facts if fact.kind is FactKind.PROMISE_ACCESS_ASKED]


def due(shop: Shop) -> list[tuple[str, Timestamp]]:
    return [
        (each.subject, each.due_at)
        for _, each in shop.store.reminders.due_reminders(at(0, day=NEXT_WEEK))
        if each.kind is ReminderKind.ASK_ACCESS
    ]


@pytest.fixture
def shop() -> Shop:
    return Shop()


def nobody_got_in(shop: Shop, location: object = NEAR) -> None:
    """Somebody failed at that door some time ago."""
    promise = buy(shop, at(8), "earlier", location)
    shop.doors.learn(TENANT, promise.delivery, promise.order, Door(gate_code=None, learned_at=shop.now))


def test_a_code_that_was_given_is_filled_in_next_time(shop: Shop) -> None:
    """The next order at that address has it, and its driver reads it; CONTROL: another address has not."""
    first = buy(shop, at(10), "first")
    street = Street(shop, hours=(), stops=[first.stop_id])
    street.change(0, ChangeKind.GATE_CODE, text="4471#")
    shop.access.answered(TENANT, first.stop_id, shop.now)
    again, elsewhere = buy(shop, at(12), "again"), buy(shop, at(14), "elsewhere", FAR)
    assert again.order.instructions.gate_code == "4471#"
    assert elsewhere.order.instructions.gate_code is None
    line = shop.store.ledger(TENANT, again.stop_id)[-1]
    assert (line.data, "4471" in str(shop.store.outbox)) == ({"kind": "gate_code", "remembered": True}, False)
    assert asked(shop) == due(shop) == []


def test_what_the_buyer_says_is_not_overwritten_by_what_is_remembered(shop: Shop) -> None:
    """The gate has a new code: theirs is the latest word."""
    first = buy(shop, at(10), "first")
    shop.doors.learn(TENANT, first.delivery, first.order, Door(gate_code="old", learned_at=shop.now))
    street = Street(shop, hours=(), stops=[first.stop_id])
    street.change(0, ChangeKind.GATE_CODE, text="new")
    shop.access.prepare(TENANT, first.stop_id, shop.now)
    assert read(shop, first.stop_id).order.instructions.gate_code == "new"


def test_a_missing_code_is_asked_for_before_the_van_is_loaded(shop: Shop) -> None:
    """Twelve hours before, once. CONTROL: where nobody ever failed, nobody is asked."""
    nobody_got_in(shop)
    promise = buy(shop, at(10, day=TOMORROW), "next")
    buy(shop, at(12, day=TOMORROW), "elsewhere", FAR)
    [(subject, due_at)] = due(shop)
    assert subject == promise_id(promise.stop_id)
    loads_at = at(7, 30, day=TOMORROW)
    assert due_at == loads_at - ASKED_BEFORE_LOADING
    assert shop.access.due(TENANT, subject, due_at - 60) == due_at
    assert asked(shop) == []
    assert shop.access.due(TENANT, subject, due_at) is None
    assert shop.access.due(TENANT, subject, due_at) is None
    [fact] = asked(shop)
    assert (fact.subject, fact.data) == (subject, {"because": "door_known"})
    assert read(shop, promise.stop_id).access_asked_at == due_at


def test_who_orders_for_today_is_asked_at_once(shop: Shop) -> None:
    """Twelve hours before loading are over; twice said is once asked."""
    nobody_got_in(shop)
    promise = buy(shop, at(10), "today")
    shop.access.prepare(TENANT, promise.stop_id, shop.now)
    assert [fact.subject for fact in asked(shop)] == [promise_id(promise.stop_id)]


def test_who_has_answered_or_is_gone_is_not_asked(shop: Shop) -> None:
    """The reminder comes all the same, and asks nobody."""
    nobody_got_in(shop)
    promise = buy(shop, at(10, day=TOMORROW), "next")
    street = Street(shop, hours=(), stops=[promise.stop_id])
    street.change(0, ChangeKind.GATE_CODE, text="4471#")
    [(subject, due_at)] = due(shop)
    assert shop.access.due(TENANT, subject, due_at) is None
    street.change(0, ChangeKind.CANCEL)
    assert shop.access.due(TENANT, subject, due_at) is None
    assert shop.access.due(TENANT, "prm_0000000000000", due_at) is None
    assert asked(shop) == []


def barred(street: Street, nth: int, why: Asking) -> None:
    street.shop.access.barred(TENANT, street.stops[nth], why, street.shop.now, street.shop.now)


def a_slow_street() -> Street:
    """A quarter of an hour at each of four doors that are close by, in one slot."""
    slow = a_depot(service=ServiceTime(base_seconds=15 * MINUTE, per_parcel_seconds=0))
    street = Street(Shop(depot=slow), hours=(8, 8, 8, 8))
    street.stops = street.order()
    street.leave()
    return street


def test_a_failed_access_is_asked_about_at_once_and_tried_again_when_it_is_answered() -> None:
    """Later in the van's way, within its window. CONTROL: without an answer nobody drives there again."""
    street = a_slow_street()
    first = street.stops[0]
    street.serve(0, at(8, 15), Outcome.FAILED_NO_ACCESS)
    version = street.version()
    for _ in range(2):
        barred(street, 0, Asking.FAILED)
    assert [fact.data["because"] for fact in asked(street.shop)] == ["failed"]
    made = street.shop.counteroffers.offer(TENANT, first, ChoicesAfter.FAILED, 9, street.shop.now)
    assert made is not None
    assert (street.order()[0], street.version()) == (first, version)
    street.change(0, ChangeKind.GATE_CODE, text="4471#")
    for _ in range(2):
        street.shop.access.answered(TENANT, first, street.shop.now)
    assert (street.order()[0] != first, street.version()) == (True, version + 1)
    outlook = street.change(0, ChangeKind.GATE_CODE, text="4471#").outlook
    assert outlook is not None
    assert at(8, 15) < outlook.expected_at <= at(10)
    again = street.promise(0)
    assert (again.window.start, again.state, again.choices) == (at(8), "confirmed", None)


def test_a_stop_that_cannot_be_entered_yet_goes_to_later_in_its_window() -> None:
    """The driver says so from the road: two near ones come first. CONTROL: it was before them."""
    street = a_slow_street()
    street.incident(at(8, 2), 1)
    barred(street, 1, Asking.REPORTED)
    assert street.order().index(street.stops[1]) == 2
    later = street.change(1, ChangeKind.GATE_CODE, text="1").outlook
    assert later is not None
    assert at(8, 2) + TIME_TO_ANSWER <= later.expected_at <= at(10)
    assert street.promise(1).window.start == at(8)


def test_whom_the_van_drives_to_is_asked_and_stays_where_it_is() -> None:
    """CONTROL of the one above: nothing is taken from under the driver's wheels."""
    street = Street()
    street.leave()
    order = street.order()
    street.incident(at(8, 2), 0)
    barred(street, 0, Asking.REPORTED)
    assert (street.order(), len(asked(street.shop))) == (order, 1)


def test_an_answer_given_since_is_believed() -> None:
    """The fact comes late: the code that was given meanwhile is not taken for the one that failed."""
    street = Street()
    street.leave()
    street.incident(at(8, 2), 0)
    street.shop.now = at(8, 4)
    street.change(0, ChangeKind.GATE_CODE, text="4471#")
    street.shop.access.answered(TENANT, street.stops[0], street.shop.now)
    street.shop.access.barred(TENANT, street.stops[0], Asking.REPORTED, at(8, 2), at(8, 5))
    door = street.shop.doors.known(TENANT, street.promise(0).delivery)
    assert door is not None
    assert door.gate_code == "4471#"


def test_a_buyer_is_forgotten_by_phone_or_order(shop: Shop) -> None:
    """Erased with the buyer: by either, and what is kept shows neither number nor code."""
    for order_ref, by in (("one", {"phone": "+12025550123"}), ("two", {"order_ref": "two"})):
        promise = buy(shop, at(10 if order_ref == "one" else 12), order_ref)
        shop.doors.learn(TENANT, promise.delivery, promise.order, Door(gate_code="4471#", learned_at=1))
        kept = str(shop.store.doors.rows)
        assert ("4471" in kept, "2025550123" in kept) == (False, False)
        assert shop.doors.forget(TENANT, **by) == 1
        assert shop.doors.known(TENANT, promise.delivery) is None


def test_a_rotated_secret_still_finds_the_door(shop: Shop) -> None:
    """And one that is gone forgets it. CONTROL: the same secret knows it."""
    promise = buy(shop, at(10), "first")
    shop.doors.learn(TENANT, promise.delivery, promise.order, Door(gate_code="4471#", learned_at=1))
    rotated = Doors(shop.store.doors, Sealer([b"n" * 32, b"s" * 32]))
    gone = Doors(shop.store.doors, Sealer([b"n" * 32]))
    assert rotated.known(TENANT, promise.delivery) == shop.doors.known(TENANT, promise.delivery)
    assert gone.known(TENANT, promise.delivery) is None
    assert rotated.forget(TENANT, order_ref="first") == 1
