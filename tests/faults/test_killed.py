"""F21: a Lambda that is killed at any step of any command leaves books that agree, and a retry finishes it.

Every command runs again and again, killed one step later each time, until it lives to its end. Then the same
request comes again, as its sender would repeat it.
"""

import json
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import partial
from itertools import count, pairwise
from typing import Any

import pytest

from chalicelib.notifications.model import MessageStatus
from tests.faults.books import Books, disagreements
from tests.faults.nursery import Killed
from tests.faults.premises import ACME, NOW, Attempt, Shop, killed_at_every_step, post
from tests.handlers.shop_client import a_van, fresh
from tests.handlers.test_import import an_order
from tests.promises.shop import TODAY

HOLD_ENDED = NOW + 700
ALL_DAY = {"starts_at": f"{TODAY}T08:00:00Z", "ends_at": f"{TODAY}T18:00:00Z"}


def hold(shop: Shop, offers: Iterator[str]) -> Attempt:
    cart = fresh("cart")
    body = {"offer": next(offers), "cart_ref": cart}
    return Attempt(once=post(shop, "/v1/holds", body), effects=lambda books: holds_of(books, cart))


def holds_of(books: Books, cart: str) -> int:
    return sum(hold.cart_ref == cart for hold in books.holds)


def swap(shop: Shop, offers: Iterator[str]) -> Attempt:
    first = shop.api.hold(next(offers), cart := fresh("cart"))
    body = {"offer": next(offers), "cart_ref": cart, "replaces": first["hold_id"]}
    return Attempt(once=post(shop, "/v1/holds", body), effects=lambda books: holds_of(books, cart) - 1)


def extend(shop: Shop, offers: Iterator[str]) -> Attempt:
    held = shop.api.hold(next(offers), cart := fresh("cart"))
    once = post(shop, f"/v1/holds/{held['hold_id']}/extend", {})
    return Attempt(once=once, effects=lambda books: rewritten(books, cart))


def release(shop: Shop, offers: Iterator[str]) -> Attempt:
    held = shop.api.hold(next(offers), cart := fresh("cart"))

    def once() -> None:
        assert shop.api.ask("DELETE", f"/v1/holds/{held['hold_id']}").status_code == 204

    return Attempt(once=once, effects=lambda books: rewritten(books, cart))


def rewritten(books: Books, cart: str) -> int:
    return next(hold.version for hold in books.holds if hold.cart_ref == cart) - 1


def confirm_hold(shop: Shop, offers: Iterator[str]) -> Attempt:
    return promised(shop, hold_id=shop.api.hold(next(offers))["hold_id"])


def confirm_offer(shop: Shop, offers: Iterator[str]) -> Attempt:
    return promised(shop, offer=next(offers))


def promised(shop: Shop, **source: str) -> Attempt:
    order = shop.api.order(**source)
    return Attempt(
        once=post(shop, "/v1/promises", order),
        effects=lambda books: sum(p.order.order_ref == order["order_ref"] for p in books.promises),
    )


def change(shop: Shop, offers: Iterator[str]) -> Attempt:
    promise_id = shop.api.promise(offer=next(offers))["promise_id"]
    return changed(shop, promise_id, {"kind": "slot", "offer": next(offers)})


def cancel(shop: Shop, offers: Iterator[str]) -> Attempt:
    return changed(shop, shop.api.promise(offer=next(offers))["promise_id"], {"kind": "cancel"})


def changed(shop: Shop, promise_id: str, body: Any) -> Attempt:
    def effects(books: Books) -> int:
        return sum(fact.subject == promise_id for fact in books.ledger) - 1

    return Attempt(once=post(shop, f"/v1/promises/{promise_id}/changes", body), effects=effects)


def take_over(shop: Shop, _offers: Iterator[str]) -> Attempt:
    order = an_order()
    return Attempt(
        once=post(shop, "/v1/promises/import", {"orders": [order]}),
        effects=lambda books: sum(p.order.order_ref == order["order_ref"] for p in books.promises),
    )


def pin(shop: Shop, offers: Iterator[str]) -> Attempt:
    shop.api.done("PUT", "/v1/depots/porto/vehicles/van-2", a_van())
    promise_id = shop.api.promise(offer=next(offers))["promise_id"]
    [made] = [fact for fact in shop.books().ledger if fact.subject == promise_id]
    day = date.fromisoformat(made.data["slot_id"].split(".")[1])

    def once() -> None:
        shift = {"shift_id": f"porto.van-2.{day}.0800"}
        shop.api.done("PUT", f"/v1/promises/{promise_id}/pin", shift)

    return Attempt(
        once=once, effects=lambda books: sum(fact.subject == promise_id for fact in books.ledger) - 1
    )


COMMANDS = {
    each.__name__: each
    for each in (hold, swap, extend, release, confirm_hold, confirm_offer, change, cancel, take_over, pin)
}


@pytest.mark.parametrize("command", COMMANDS)
def test_f21_command_killed_at_any_step_is_done_once_by_its_retry(
    new_shop: Callable[..., Shop], command: str
) -> None:
    """F21: no hold without its stop, no stop without its hold, each fact told once; before the retry, too."""
    shop = new_shop()
    offers = shop.offers()
    before = []
    for attempt in killed_at_every_step(shop, partial(COMMANDS[command], shop, offers)):
        books = shop.books()
        before.append(attempt.effects(books))
        assert disagreements(books) == []
        attempt.once()
        books = shop.books()
        assert attempt.effects(books) == 1
        assert disagreements(books) == []
    assert len(before) > 5
    assert set(before) == {0, 1}  # some died too early to do it, some only before they could say so


def test_f21_import_killed_between_its_orders_is_finished_by_its_retry(
    new_shop: Callable[..., Shop],
) -> None:
    """F21: each order once, and an answer that does not show that anything happened."""
    shop = new_shop()
    left_undone = set[int]()

    def begin() -> Attempt:
        orders = [an_order(promised_window=ALL_DAY, service_time_seconds=1) for _ in range(2)]
        refs = {order["order_ref"] for order in orders}
        return Attempt(
            once=post(shop, "/v1/promises/import", {"orders": orders}),
            effects=lambda books: sum(p.order.order_ref in refs for p in books.promises),
        )

    for attempt in killed_at_every_step(shop, begin):
        left_undone.add(attempt.effects(shop.books()))
        results = attempt.once()["results"]
        assert [result["state"] for result in results] == ["inserted", "inserted"]
        books = shop.books()
        assert attempt.effects(books) == 2
        assert disagreements(books) == []
    assert left_undone == {0, 1, 2}


def test_f21_without_the_transaction_a_kill_leaves_half_a_hold(new_shop: Callable[..., Shop]) -> None:
    """Control: the same kills while a commit is many writes leave books that contradict each other."""
    shop = new_shop(whole=False)
    offers = shop.offers()
    attempts = killed_at_every_step(shop, partial(hold, shop, offers))
    assert any(disagreements(shop.books()) for _ in attempts)


def test_f21_facts_killed_on_their_way_are_told_by_the_retry(new_shop: Callable[..., Shop]) -> None:
    """F21: one planning job for each booking, never two texts, and none that is not on record."""
    shop = new_shop()
    offers, known = shop.offers(), set[str]()

    def begin() -> Attempt:
        shop.api.promise(offer=next(offers))
        (row_id,) = {row_id for row_id, facts in shop.books().outbox if facts} - known
        known.add(row_id)
        event = {"Records": [shop.outbox_record(row_id)]}
        return Attempt(once=lambda: shop.invoke("publish_facts", event), effects=lambda _: 1)

    fleet = {row_id for row_id, _ in shop.books().outbox}
    known.update(fleet)
    took = [0]
    for attempt in killed_at_every_step(shop, begin):
        assert attempt.once() == {"batchItemFailures": []}
        assert attempt.once() == {"batchItemFailures": []}
        shop.invoke("send_texts", shop.text_jobs())
        took.append(shop.texts())
    assert sorted(shop.jobs()) == sorted(known - fleet)
    assert {later - earlier for earlier, later in pairwise(took)} == {1}
    assert len(shop.recorded_texts()) == len(took) - 1


def test_f07_facts_of_whoever_was_killed_are_swept_up_once(new_shop: Callable[..., Shop]) -> None:
    """F07: killed at any step between the write and the end of handing on, and nobody tries again.

    A minute later the sweeper has told everybody: one planning job for each booking, never two texts.
    """
    shop = new_shop()
    offers, known = shop.offers(), set[str]()
    shop.invoke("drain_due", now=NOW + 60)
    shop.jobs()
    known.update(row_id for row_id, _ in shop.books().outbox)
    fleet, took, left, swept = set(known), [0], set[bool](), set(known)

    def begin() -> Attempt:
        shop.api.promise(offer=next(offers))
        (row_id,) = {row_id for row_id, facts in shop.books().outbox if facts} - known
        known.add(row_id)
        event = {"Records": [shop.outbox_record(row_id)]}
        return Attempt(once=lambda: shop.invoke("publish_facts", event), effects=lambda _: 1)

    for _ in killed_at_every_step(shop, begin):
        (row_id,) = known - swept
        left.add(is_left(shop, row_id))
        shop.invoke("drain_due", now=NOW + 60)
        swept.add(row_id)
        assert not is_left(shop, row_id)
        shop.invoke("send_texts", shop.text_jobs(), now=NOW + 60)
        took.append(shop.texts())
    assert sorted(shop.jobs()) == sorted(known - fleet)
    assert left == {True, False}  # some were handed on to the end
    assert {later - earlier for earlier, later in pairwise(took)} == {1}
    assert len(shop.recorded_texts()) == len(took) - 1


def is_left(shop: Shop, row_id: str) -> bool:
    """Whether an outbox row still waits to be handed on."""
    return "due_pk" in shop.outbox_record(row_id)["dynamodb"]["NewImage"]


def test_f07_without_its_place_in_the_index_nobody_finds_what_the_killed_one_left(
    new_shop: Callable[..., Shop],
) -> None:
    """F07, control: the same death before the first step; the booking stands, and nobody is told of it."""
    shop = new_shop()
    shop.invoke("drain_due", now=NOW + 60)
    shop.jobs()
    known = {row_id for row_id, _ in shop.books().outbox}
    shop.api.promise()
    (row_id,) = {row_id for row_id, facts in shop.books().outbox if facts} - known
    record = shop.outbox_record(row_id)
    shop.kill_at = 1
    with pytest.raises(Killed):
        shop.invoke("publish_facts", {"Records": [record]})
    shop.kill_at = None
    item = record["dynamodb"]["NewImage"]
    bare = {name: item[name] for name in item.keys() - {"due_pk", "due_at"}}
    shop.emulator.client("dynamodb").put_item(TableName=shop.table, Item=bare)
    assert shop.invoke("drain_due", now=NOW + 60) == 0
    assert (shop.jobs(), shop.texts()) == ([], 0)


def test_f08_text_killed_on_its_way_is_finished_by_the_sweeper(new_shop: Callable[..., Shop]) -> None:
    """F08: whatever the worker had done by then, each text is taken once, and its row says so.

    A worker that died right before the call leaves one that goes out by a second call, marked.
    """
    shop, later = new_shop(), NOW
    offers, known = shop.offers(), set[str]()

    def begin() -> Attempt:
        shop.api.promise(offer=next(offers))
        new = {row_id for row_id, facts in shop.books().outbox if facts} - known
        known.update(new)
        for row_id in new:
            shop.invoke("publish_facts", {"Records": [shop.outbox_record(row_id)]})
        event, now = shop.text_jobs(), later  # the sender's pace has moved on to there
        return Attempt(once=lambda: shop.invoke("send_texts", event, now=now), effects=lambda _: 1)

    known.update(row_id for row_id, _ in shop.books().outbox)
    for number, attempt in enumerate(killed_at_every_step(shop, begin), start=1):
        attempt.once()
        for _ in range(4):
            later += 120
            shop.sweep(later)
        assert shop.texts() == number
    rows = [(text.status, text.resent, text.tries) for text in shop.text_rows()]
    said = {row for row in rows if row[0] is not MessageStatus.SKIPPED}
    assert said == {("sent", False, 1), ("sent", True, 2), ("delivered", False, 1)}


def job_for(plan: str) -> dict[str, Any]:
    """A planning job as the queue hands it over."""
    job = json.dumps({"tenant": str(ACME), "plan": plan, "request": "r"})
    group = {"MessageGroupId": "g"}
    return {"Records": [{"messageId": "1", "body": job, "eventSource": "aws:sqs", "attributes": group}]}


def test_f21_plan_is_looked_at_again_after_a_kill(new_shop: Callable[..., Shop]) -> None:
    """F21: the job comes back, and the look it takes changes nothing that was sold."""
    shop = new_shop()
    shop.api.promise()
    event = job_for(f"porto/{TODAY}")
    before = shop.books()

    def begin() -> Attempt:
        return Attempt(once=lambda: shop.invoke("improve", event), effects=lambda _: 1)

    for attempt in killed_at_every_step(shop, begin):
        assert attempt.once() == {"batchItemFailures": []}
    assert shop.books().places == before.places


def test_f21_improvement_killed_at_any_step_is_finished_by_the_next_try(
    new_shop: Callable[..., Shop],
) -> None:
    """F21: the books agree at every moment; in the end the plan is better, and nobody was lost or doubled."""
    shop = new_shop()
    days = (TODAY + timedelta(days=ahead) for ahead in count(1))
    extra: list[str] = []

    def begin() -> Attempt:
        day = next(days)
        for nth in (1, 2):
            for lat in (41.20, 41.10):  # the one van crosses the town again and again
                place = {"lat": lat, "lon": -8.61}
                shop.api.promise(offer=shop.api.offer(nth, destination=place, from_date=str(day)))
        extra.append(f"extra-{day}")
        second = {
            "starts_at": f"{day}T08:00:00+00:00",
            "ends_at": f"{day}T18:00:00+00:00",
            "vehicle": {"vehicle_id": "van-2", "capacity": {"parcels": 50}},
        }
        shop.api.done("PUT", f"/v1/depots/porto/shifts/{extra[-1]}", second)
        event = job_for(f"porto/{day}")
        return Attempt(once=lambda: shop.invoke("improve", event), effects=lambda _: 1)

    for attempt in killed_at_every_step(shop, begin):
        assert disagreements(shop.books()) == []
        assert attempt.once() == {"batchItemFailures": []}
        books = shop.books()
        assert disagreements(books) == []
        [route] = [route for route in books.routes if route.shift.shift_id == extra[-1]]
        assert len(route.stops)


def test_f21_clearing_up_that_was_killed_is_finished_by_the_next(new_shop: Callable[..., Shop]) -> None:
    """F21: every hold that ran out is cleared once, its stop and its cart with it."""
    shop = new_shop()
    offers = shop.offers()

    def begin() -> Attempt:
        shop.api.hold(next(offers))
        shop.invoke("drain_due", now=NOW + 60)  # hands on what the hold tells: that has a test of its own
        return Attempt(once=lambda: shop.invoke("drain_due", now=HOLD_ENDED), effects=lambda _: 1)

    for attempt in killed_at_every_step(shop, begin):
        assert disagreements(shop.books()) == []
        attempt.once()
        books = shop.books()
        assert disagreements(books) == []
        assert (books.places, books.carts) == ({}, {})
