"""A buyer's text is never lost, acts once and is answered once, wherever the process dies that takes it.

Three processes take it: the webhook that Twilio calls, the stream's consumer that acts, and the sender of the
answer, which `test_carrier_faults` kills. Each dies by SIGKILL at each step; then it is brought again, as
Twilio, the stream or the minute's sweeper does.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count, cycle
from typing import Any

import pytest

from chalicelib.adapters.dynamodb.keys import inbound_key
from chalicelib.adapters.dynamodb.table import key_item
from chalicelib.events import FactKind
from chalicelib.notifications.model import MessageKind, MessageStatus
from chalicelib.units import MINUTE
from tests.faults.nursery import Killed, Texted
from tests.faults.premises import ACCOUNT, ACME, NOW, Attempt, Shop, killed_at_every_step
from tests.handlers.shop_client import a_van, fresh


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What somebody writes, and what must come of it, once.

    Attributes
    ----------
    did
        The facts of the promise that follow, by the buyer.
    answers
        Texts that her phone gets.
    orders
        That she has.
    """

    body: str
    did: tuple[FactKind, ...] = ()
    answers: int = 1
    orders: int = 1


REPLIES = {
    "a change of the route": Reply(body="after 4pm please", did=(FactKind.PROMISE_CHANGED,)),
    "a question": Reply(body="where is my order?", did=(FactKind.PROMISE_CONTACTED,)),
    "gibberish": Reply(body="xqzt lorem", did=(FactKind.BUYER_UNHANDLED,)),
    "a near miss of STOP": Reply(body="stop please", answers=0),
    "one of several orders": Reply(body="gate code 4471#", orders=2),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A text that came in."""

    phone: str
    sid: str
    promise_ids: tuple[str, ...]


class Buyers:
    """People who have orders for ten to twelve, and were texted about them."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        slots = [slot for slot in shop.api.search(days=7) if slot["starts_at"][11:13] == "10"]
        self._offers = cycle(slot["offer"] for slot in slots)
        self._phones = (f"+120255501{number:02}" for number in range(100))

    def next(self, orders: int = 1) -> tuple[str, tuple[str, ...]]:
        """One more of them: her number, and her promises."""
        phone = next(self._phones)
        order = {"recipient": {"name": "Ana", "phone": phone}}
        made = [
            self._shop.api.promise(offer=next(self._offers), **order)["promise_id"] for _ in range(orders)
        ]
        self._shop.nursery.run(Texted(now=NOW, tenant=ACME, phone=phone, subjects=tuple(made)))
        return phone, tuple(made)


def form_of(phone: str, body: str) -> dict[str, str]:
    """A text as Twilio brings it."""
    sid = f"SM{fresh('sid').rpartition('-')[2]:0>32}"
    whose = {"AccountSid": ACCOUNT.account_sid, "From": phone, "To": ACCOUNT.sender}
    return whose | {"MessageSid": sid, "Body": body}


def replied(shop: Shop, sid: str) -> list[str]:
    """The outbox rows that say that a text came in."""
    client = shop.emulator.client("dynamodb")
    pages = client.get_paginator("scan").paginate(TableName=shop.table, ConsistentRead=True)
    rows = [row for page in pages for row in page["Items"] if row["sk"]["S"] == "OUTBOX" and "facts" in row]
    told = [row for row in rows if "buyer.replied" in row["facts"]["S"] and sid in row["facts"]["S"]]
    return [row["pk"]["S"].rpartition("#")[2] for row in told]


def is_there(shop: Shop, key: tuple[str, str]) -> dict[str, Any] | None:
    found = shop.emulator.client("dynamodb").get_item(
        TableName=shop.table, Key=key_item(key), ConsistentRead=True
    )
    item: dict[str, Any] | None = found.get("Item")
    return item


def taken_at_every_step(shop: Shop, reply: Reply) -> Iterator[Written]:
    """The consumer that acts on a text dies at its first step, at its second, …; then the text is yielded."""
    shop.api.done("PUT", "/v1/depots/porto/vehicles/van-2", a_van())
    written, buyers = list[Written](), Buyers(shop)

    def begin() -> Attempt:
        phone, made = buyers.next(reply.orders)
        form = form_of(phone, reply.body)
        assert shop.brought("/twilio/inbound", form) == 200
        [row_id] = replied(shop, form["MessageSid"])
        written.append(Written(phone=phone, sid=form["MessageSid"], promise_ids=made))
        event = {"Records": [shop.outbox_record(row_id)]}
        return Attempt(once=lambda: shop.invoke("publish_facts", event), effects=lambda _: 1)

    for attempt in killed_at_every_step(shop, begin):
        assert attempt.once() == {"batchItemFailures": []}
        yield written[-1]


@pytest.mark.parametrize("what", REPLIES)
def test_f21_a_reply_whose_worker_dies_at_any_step_acts_once_and_is_answered_once(
    new_shop: Callable[..., Shop], what: str
) -> None:
    """F21, F32: one effect, one answer, its row at its end, and the text where the merchant reads it."""
    shop, reply = new_shop(), REPLIES[what]
    texts = list(taken_at_every_step(shop, reply))
    assert len(texts) > 10
    if (jobs := shop.text_jobs())["Records"]:
        shop.invoke("send_texts", jobs)
    books, rows = shop.books(), shop.text_rows()
    for text in texts:
        facts = [fact for fact in books.ledger if fact.subject in text.promise_ids]
        assert tuple(fact.kind for fact in facts if fact.actor == "buyer") == reply.did, text
        assert len(shop.twilio.accepted(text.phone)) == reply.answers, text
        assert is_there(shop, inbound_key(text.sid)), text
        about = [row for row in rows if row.subject in text.promise_ids or text.sid in row.message_id]
        listed = [row for row in about if row.kind is MessageKind.REPLY]
        assert [row.status for row in listed] == [MessageStatus.RECEIVED], text
        answers = [row for row in about if row.kind is not MessageKind.REPLY]
        assert len(answers) == reply.answers, text
        assert {row.status for row in answers} <= {MessageStatus.SENT, MessageStatus.DELIVERED}, text


def test_f21_without_its_receipt_a_reply_whose_worker_died_acts_twice(
    new_shop: Callable[..., Shop],
) -> None:
    """F21, control: nobody knows that it was done."""
    shop, reply = new_shop(receipts=False), REPLIES["a question"]
    texts = list(taken_at_every_step(shop, reply))
    told = [fact.subject for fact in shop.books().ledger if fact.kind is FactKind.PROMISE_CONTACTED]
    assert any(told.count(text.promise_ids[0]) > 1 for text in texts)


def test_f07_a_reply_that_nobody_brings_again_is_swept_up(new_shop: Callable[..., Shop]) -> None:
    """F07: the consumer died and the stream is off: a minute later it has acted and is answered, once."""
    shop, written = new_shop(), list[Written]()
    buyers = Buyers(shop)

    def begin() -> Attempt:
        phone, made = buyers.next()
        form = form_of(phone, "where is my order?")
        assert shop.brought("/twilio/inbound", form) == 200
        [row_id] = replied(shop, form["MessageSid"])
        written.append(Written(phone=phone, sid=form["MessageSid"], promise_ids=made))
        event = {"Records": [shop.outbox_record(row_id)]}
        return Attempt(once=lambda: shop.invoke("publish_facts", event), effects=lambda _: 1)

    for _ in killed_at_every_step(shop, begin):
        pass
    for minute in range(1, 9):
        shop.sweep(NOW + minute * MINUTE)
    told = [fact.subject for fact in shop.books().ledger if fact.kind is FactKind.PROMISE_CONTACTED]
    assert sorted(told) == sorted(text.promise_ids[0] for text in written)
    bodies = [text["body"] for text in shop.twilio.accepted()]
    assert sum("we expect to be with you" in body for body in bodies) == len(written)


def stopped_at_every_step(shop: Shop) -> Iterator[tuple[Written, bool]]:
    """The webhook that takes STOP dies; yields the text, and whether it was stored, before Twilio retries."""
    buyers = Buyers(shop)
    for step in count(1):
        phone, made = buyers.next()
        form = form_of(phone, "STOP")
        shop.kill_at, lived = step, True
        try:
            assert shop.brought("/twilio/inbound", form) == 200
        except Killed:
            lived = False
        shop.kill_at = None
        text = Written(phone=phone, sid=form["MessageSid"], promise_ids=made)
        yield text, is_there(shop, inbound_key(text.sid)) is not None
        assert shop.brought("/twilio/inbound", form) == 200
        yield text, True
        if lived:
            return


def test_f21_a_webhook_that_dies_at_any_step_loses_no_text_and_no_stop(
    new_shop: Callable[..., Shop],
) -> None:
    """F21, B13: the text, what it stops and what it tells are there together or not at all; again, once."""
    shop, stored = new_shop(), set[bool]()
    for text, was_stored in stopped_at_every_step(shop):
        stored.add(was_stored)
        assert shop.is_opted_out(text.phone) == was_stored
        assert len(replied(shop, text.sid)) == was_stored
    assert stored == {False, True}


def test_f21_without_the_transaction_a_webhook_that_dies_loses_a_stop(
    new_shop: Callable[..., Shop],
) -> None:
    """F21, control: the text is known, so Twilio's second try is nothing new, and what it stops is lost."""
    shop = new_shop(whole=False)
    ends = list(stopped_at_every_step(shop))
    assert any(not shop.is_opted_out(text.phone) or not replied(shop, text.sid) for text, _ in ends)


def told_at_every_step(shop: Shop, word: str) -> list[str]:
    """The webhook that hears what became of a text dies, and Twilio tries once more; gives the texts."""
    heard, buyers = list[str](), Buyers(shop)

    def begin() -> Attempt:
        phone, [made] = buyers.next()
        jobs = shop.say(made, MessageKind.DONE, ["acme: done."])
        shop.invoke("send_texts", {"Records": jobs})
        [text] = shop.twilio.accepted(phone)
        form = {
            "AccountSid": ACCOUNT.account_sid,
            "MessageSid": text["sid"],
            "MessageStatus": word,
            "ErrorCode": "30005" if word == "undelivered" else "",
        }
        target = shop.callback_of(f"{made}.said.0")
        heard.append(f"{made}.said.0")
        return Attempt(once=lambda: shop.brought(target, form), effects=lambda _: 1)

    for attempt in killed_at_every_step(shop, begin):
        assert attempt.once() == 200
    return heard


@pytest.mark.parametrize("word", ["delivered", "undelivered"])
def test_f18_a_callback_whose_webhook_dies_at_any_step_is_believed_once(
    new_shop: Callable[..., Shop], word: str
) -> None:
    """F18, F21: the row says it, and the merchant is told of what did not arrive, once."""
    shop = new_shop()
    heard = told_at_every_step(shop, word)
    rows = {row.message_id: row.status for row in shop.text_rows()}
    assert {rows[each] for each in heard} == {MessageStatus(word)}
    assert failures(shop) == sorted(heard if word == "undelivered" else [])


def test_f18_without_the_transaction_a_merchant_is_not_told_what_did_not_arrive(
    new_shop: Callable[..., Shop],
) -> None:
    """F18, control: the row was written, its fact was not, and the second callback is nothing new."""
    shop = new_shop(whole=False)
    heard = told_at_every_step(shop, "undelivered")
    assert set(failures(shop)) < set(heard)


def failures(shop: Shop) -> list[str]:
    """The texts of which a merchant was told that they did not arrive."""
    told = [fact for _, facts in shop.books().outbox for fact in facts]
    return sorted(fact.data["message_id"] for fact in told if fact.kind is FactKind.NOTIFICATION_FAILED)
