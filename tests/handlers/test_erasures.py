"""A buyer is forgotten over HTTP: everywhere, once, by number or by order, and nobody else with it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast
from urllib.parse import urlsplit

import pytest

from chalicelib.events import Tenant
from chalicelib.notifications.inbound import Inbound
from chalicelib.notifications.model import ANSWERS, Message, MessageKind, MessageStatus
from chalicelib.reminders import ReminderKind
from chalicelib.units import HOUR
from tests.handlers.shop_client import ACME, ADDRESS, NEAR, OUR_NUMBER, Shop, fresh

PHONE, OTHERS = "+12025550142", "+12025550143"
NAME, GATE, NOTE, REASON = "Quillfeather", "G4T3-7781", "behind the yellow cage", "moving to Cagliari"
NOTHING = {"promises": 0, "texts": 0, "replies": 0, "doors": 0}


def bought(shop: Shop, phone: str = PHONE, **more: Any) -> dict[str, Any]:
    """A delivery that was texted about and then cancelled, in somebody's own words."""
    offer = shop.offer(destination={**NEAR, "address": ADDRESS})
    made = shop.promise(
        offer=offer,
        recipient={"name": NAME, "phone": phone},
        instructions={"gate_code": GATE, "note": NOTE},
        **more,
    )
    shop.services.publish()
    shop.change(made["promise_id"], kind="cancel", reason=REASON)
    return made


def erase(shop: Shop, **who: str) -> Any:
    return shop.done("POST", "/v1/erasures", who, key="admin")


def answers(shop: Shop, sid: str = "SM1", phone: str = PHONE, body: str = NOTE) -> None:
    """A text comes in; the carrier keeps its own copy."""
    text = Inbound(sid=sid, phone=phone, senders=(OUR_NUMBER,), body=body)
    assert shop.services.text_inbox.take(text, now=shop.clock.at)
    shop.services.texts.append({"sid": sid, "to": OUR_NUMBER, "from": phone, "body": body})


def asked_back(shop: Shop) -> None:
    """One number waits for two merchants, and its buyer does not say which is meant."""
    made = {who: who.promise(recipient={"name": NAME, "phone": PHONE}) for who in (shop, shop.other)}
    for _ in range(2):  # each merchant's facts, and the texts that come of them
        shop.services.publish()
    answers(shop, sid="SM7", body="please cancel it")
    shop.services.publish()
    for who, each in made.items():
        who.change(each["promise_id"], kind="cancel")


def question(shop: Shop) -> Message:
    """What was asked back."""
    asked = [each for each in shop.services.store.messages(ACME, "txt_SM7") if each.kind in ANSWERS]
    [found] = asked
    return found


def stand(shop: Shop, subject: str, status: MessageStatus) -> None:
    """Have the one text of a promise stand like this."""
    [message] = shop.services.store.messages(ACME, subject)
    assert shop.services.store.save_message(ACME, replace(message, status=status))


def come_back(shop: Shop) -> None:
    """Have the clock come back for what could not go, and the carrier told."""
    services, now = shop.services, shop.clock.at
    for due in list(services.store.reminders.due_reminders_of(ACME, now)):
        if due.kind is ReminderKind.FINISH_ERASURE:
            again_at = services.erasure.finish(ACME, due.subject, now)
            services.store.reminders.finish_reminder(ACME, due, again_at)
    services.send_texts()


@pytest.fixture
def shop() -> Shop:
    return Shop()


def stored(shop: Shop) -> str:
    """All that can be read of all promises, texts and ledgers."""
    rows = vars(shop.services.store)
    names = ("_promises", "_holds", "_messages", "_ledger", "phones")
    return repr([rows[name] for name in names])


@pytest.mark.parametrize("by", ["phone", "order_ref"])
def test_buyer_is_forgotten_by_number_or_by_order(shop: Shop, by: str) -> None:
    """Nothing of a buyer can be read any more. CONTROL: before it, all of it could."""
    made = bought(shop)
    answers(shop)
    canaries = [PHONE, NAME, GATE, NOTE, REASON, ADDRESS["lines"][0]]
    assert [each for each in canaries if each in stored(shop)] == canaries
    erased = erase(shop, **{by: PHONE if by == "phone" else made["order_ref"]})
    assert erased == {"promises": 1, "texts": 1, "replies": 1, "doors": 0}
    assert [each for each in canaries if each in stored(shop)] == []
    assert shop.services.phone_book.inbound("SM1") is None


def test_erasing_again_finds_nothing_and_says_so(shop: Shop) -> None:
    """It is idempotent by itself; with the same key the first answer comes again."""
    made = bought(shop)
    body = {"order_ref": made["order_ref"]}
    first = shop.ask("POST", "/v1/erasures", body, key="admin", idempotency_key="once")
    again = shop.ask("POST", "/v1/erasures", body, key="admin", idempotency_key="once")
    assert (first.json_body, again.headers["Idempotent-Replayed"]) == (again.json_body, "true")
    assert erase(shop, order_ref=made["order_ref"]) == NOTHING
    assert erase(shop, phone=PHONE) == NOTHING


def test_answers_kept_for_requests_that_come_again_are_forgotten_and_nothing_is_bought_twice(
    shop: Shop,
) -> None:
    """409 for the same key: what was answered had the gate code in it. CONTROL: before, it is answered."""
    order = shop.order(offer=shop.offer(), recipient={"name": NAME, "phone": PHONE})
    order["instructions"] = {"gate_code": GATE}

    def buy() -> Any:
        return shop.ask("POST", "/v1/promises", order, idempotency_key="monday")

    made = buy().json_body
    again = buy()
    assert (again.json_body["promise_id"], again.json_body["instructions"]["gate_code"]) == (
        made["promise_id"],
        GATE,
    )
    shop.change(made["promise_id"], kind="cancel")
    erase(shop, phone=PHONE)
    assert (buy().status_code, buy().json_body["code"]) == (409, "answer_forgotten")
    assert len(shop.done("GET", f"/v1/promises?order_ref={order['order_ref']}")["data"]) == 1


def test_holds_that_led_to_a_promise_are_forgotten_with_it(shop: Shop) -> None:
    """Its own, and those of its cart that were swapped for it. CONTROL: before, each can be read."""
    cart = fresh("cart")
    held = [shop.hold(shop.offer(nth), cart)["hold_id"] for nth in range(3)]
    straight = shop.hold(shop.offer(), "other")["hold_id"]
    recipient = {"name": NAME, "phone": PHONE}
    made = [shop.promise(hold_id=held[-1], recipient=recipient)]
    made.append(shop.promise(offer=shop.offer(), cart_ref="other", recipient=recipient))
    states = [shop.done("GET", f"/v1/holds/{hold}")["state"] for hold in (*held, straight)]
    assert states == ["released", "released", "confirmed", "released"]
    for each in made:
        shop.change(each["promise_id"], kind="cancel")
    erase(shop, phone=PHONE)
    assert {shop.ask("GET", f"/v1/holds/{hold}").status_code for hold in (*held, straight)} == {404}


def test_talk_with_a_forgotten_number_is_forgotten(shop: Shop) -> None:
    """What it was asked last, and when it was answered; unless another merchant texts it from there, too."""
    made = bought(shop)
    answers(shop)
    shop.services.publish()
    assert shop.services.store.phones.talks
    other = shop.other.promise(recipient={"name": NAME, "phone": PHONE})
    shop.services.publish()
    shop.services.publish()
    erase(shop, order_ref=made["order_ref"])
    assert shop.services.store.phones.talks
    shop.other.change(other["promise_id"], kind="cancel")
    shop.other.done("POST", "/v1/erasures", {"phone": PHONE}, key="admin")
    assert not shop.services.store.phones.talks


def test_order_that_is_still_to_come_hears_its_buyers_answers(shop: Shop) -> None:
    """Forgetting one order of a number leaves what was said about another; what came in about it goes.

    CONTROL: by the number all of it goes, once nothing is to come.
    """
    past, to_come = bought(shop), shop.promise(recipient={"name": NAME, "phone": PHONE})
    answers(shop)
    shop.services.publish()
    book = shop.services.phone_book
    assert {each.subject for each in book.contacts(PHONE, [OUR_NUMBER])} == {
        past["promise_id"],
        to_come["promise_id"],
    }
    erase(shop, order_ref=past["order_ref"])
    assert [each.subject for each in book.contacts(PHONE, [OUR_NUMBER])] == [to_come["promise_id"]]
    answers(shop, sid="SM2")
    shop.services.publish()
    assert book.inbound("SM2") is not None
    shop.change(to_come["promise_id"], kind="cancel")
    assert erase(shop, phone=PHONE)["promises"] == 1
    assert (book.contacts(PHONE, [OUR_NUMBER]), book.inbound("SM2")) == ([], None)


def test_nothing_more_is_written_down_of_a_forgotten_buyer(shop: Shop) -> None:
    """404, as if there were no such promise: nobody could have it forgotten again. CONTROL: before, 201."""
    made = bought(shop)
    said = {"channel": "phone", "reason": NOTE}
    path = f"/v1/promises/{made['promise_id']}/contacts"
    shop.done("POST", path, said)
    erase(shop, phone=PHONE)
    assert shop.refused("POST", path, said)["code"] == "not_found"
    assert NOTE not in stored(shop)


def test_nobody_else_is_forgotten(shop: Shop) -> None:
    """CONTROL: another number's delivery, another order of the same number, and another merchant's."""
    mine, theirs = bought(shop), bought(shop, OTHERS)
    erase(shop, phone=OTHERS)
    read = shop.done("GET", f"/v1/promises/{mine['promise_id']}")
    assert (read["instructions"]["gate_code"], read["instructions"]["note"]) == (GATE, NOTE)
    gone = shop.done("GET", f"/v1/promises/{theirs['promise_id']}")
    assert (gone["state"], {*gone["instructions"].values()}) == ("cancelled", {None})
    assert shop.other.done("POST", "/v1/erasures", {"phone": PHONE}, key="admin") == NOTHING
    second = bought(shop)
    erase(shop, order_ref=second["order_ref"])
    assert shop.done("GET", f"/v1/promises/{mine['promise_id']}") == read


def test_buyer_who_still_waits_is_not_forgotten(shop: Shop) -> None:
    """409 with the ids of what is open, and nothing is touched; afterwards all of it goes."""
    bought(shop)
    waiting = shop.promise(recipient={"name": NAME, "phone": PHONE})["promise_id"]
    before = stored(shop)
    problem = shop.refused("POST", "/v1/erasures", {"phone": PHONE}, key="admin")
    assert (problem["status"], problem["code"]) == (409, "promises_open")
    assert (problem["promise_ids"], stored(shop)) == ([waiting], before)
    shop.change(waiting, kind="cancel")
    assert erase(shop, phone=PHONE)["promises"] == 2


def test_page_of_a_forgotten_buyer_is_gone(shop: Shop) -> None:
    """B11: an erased order's link answers like one that never was."""
    made = bought(shop)
    page = urlsplit(made["tracking_url"]).path
    assert shop.ask("GET", page, key=None).status_code == 200
    erase(shop, phone=PHONE)
    never = shop.ask("GET", f"/t/{'A' * 22}", key=None)
    assert (shop.ask("GET", page, key=None).body, never.status_code) == (never.body, 404)


def test_carrier_forgets_what_was_said_as_well(shop: Shop) -> None:
    """Texts and answers are deleted there by the worker that talks to it, and once."""
    made = bought(shop)
    answers(shop)
    assert len(shop.services.inbox(None)) == 2
    erase(shop, phone=PHONE)
    shop.services.send_texts()
    assert shop.services.inbox(None) == []
    [message] = shop.services.store.messages(ACME, made["promise_id"])
    assert (message.redact, message.body, message.sealed_to) == ((), "", None)


@pytest.mark.parametrize("why", ["no text is left", "its only text is being sent"])
def test_carrier_forgets_what_came_in_whatever_became_of_texts(shop: Shop, why: str) -> None:
    """That needs no text of ours that could be told with it. CONTROL: the carrier has it until then."""
    made = bought(shop)
    if why == "no text is left":
        erase(shop, phone=PHONE)
    else:
        stand(shop, made["promise_id"], MessageStatus.SENDING)
    answers(shop, sid="SM2")
    assert erase(shop, phone=PHONE)["replies"] == 1
    assert "SM2" in {text["sid"] for text in shop.services.inbox(None)}
    shop.services.send_texts()
    assert "SM2" not in {text["sid"] for text in shop.services.inbox(None)}


def test_question_about_orders_of_two_merchants_is_forgotten_with_what_it_asks_about(shop: Shop) -> None:
    """It is no one promise's, but one merchant's: it goes when that one forgets the number."""
    asked_back(shop)
    assert question(shop).body
    assert question(shop).sealed_to
    erase(shop, phone=PHONE)
    shop.services.send_texts()
    after = question(shop)
    assert (after.body, after.sealed_to, after.redact) == ("", None, ())
    assert after.sid not in {text["sid"] for text in shop.services.inbox(PHONE)}
    assert shop.other.done("POST", "/v1/erasures", {"phone": PHONE}, key="admin")["replies"] == 1
    shop.services.send_texts()
    assert shop.services.inbox(None) == []


def test_question_that_is_being_sent_is_forgotten_an_hour_later(shop: Shop) -> None:
    """As any text that is with the carrier. CONTROL: until then it has its words."""
    asked_back(shop)
    store, asked = shop.services.store, question(shop)
    assert store.save_message(ACME, replace(asked, status=MessageStatus.SENDING))
    erase(shop, phone=PHONE)
    for status, left in ((None, asked.body), (MessageStatus.SENT, "")):
        if status is not None:
            assert store.save_message(ACME, replace(question(shop), status=status))
        shop.clock.advance(HOUR)
        come_back(shop)
        assert question(shop).body == left
    assert asked.sid not in {text["sid"] for text in shop.services.inbox(PHONE)}


@pytest.mark.parametrize(
    ("written", "became"),
    [
        ("before the erasure", (MessageStatus.SKIPPED, "erased")),
        ("after the erasure", (MessageStatus.SKIPPED, "not_true")),
        ("and none is erased", (MessageStatus.SENT, None)),
    ],
)
def test_question_that_waits_is_not_sent_to_who_was_forgotten(
    shop: Shop, written: str, became: tuple[MessageStatus, str | None]
) -> None:
    """By its merchant, that is: the text it answers may be another's still. CONTROL: else it goes."""
    asked_back(shop)
    store, asked = shop.services.store, question(shop)
    waiting = replace(asked, status=MessageStatus.PENDING, sid=None, heard=None, sealed_to=None)
    for named in [named for named in store.phones.known if asked.subject in named]:
        del store.phones.known[named]  # as long as it did not go
    if written == "after the erasure":
        erase(shop, phone=PHONE)
        waiting = replace(waiting, version=question(shop).version)
    assert store.save_message(ACME, waiting)
    if written == "before the erasure":
        erase(shop, phone=PHONE)
    shop.services.text_queue.look(ACME, waiting.message_id)
    shop.services.send_texts()
    assert (question(shop).status, question(shop).reason) == became


def test_erasure_that_breaks_off_finds_a_question_again(shop: Shop) -> None:
    """503: it is forgotten before that by which it is found."""
    asked_back(shop)
    store = shop.services.store

    def moves() -> None:
        assert store.save_message(ACME, question(shop))

    shop.services.store = cast("Any", Meanwhile(store, moves))
    assert shop.refused("POST", "/v1/erasures", {"phone": PHONE}, key="admin")["status"] == 503
    erase(shop, phone=PHONE)
    assert question(shop).body == ""


def test_text_that_is_with_the_carrier_is_forgotten_later(shop: Shop) -> None:
    """What became of its call is found out by its words; the clock comes back for them."""
    made = bought(shop)
    store, subject = shop.services.store, made["promise_id"]
    stand(shop, subject, MessageStatus.UNKNOWN)
    assert erase(shop, phone=PHONE)["texts"] == 0
    kinds = {(reminder.kind, reminder.subject) for reminder in store.reminders.rows.values()}
    assert (ReminderKind.FINISH_ERASURE, subject) in kinds
    finish, now = shop.services.erasure.finish, shop.clock.at
    assert finish(ACME, subject, now) == now + 3600
    stand(shop, subject, MessageStatus.SENT)
    assert finish(ACME, subject, now) is None
    assert [message.body for message in store.messages(ACME, subject)] == [""]


class Meanwhile:
    """The store; the moment the texts about a promise were read, something else happens."""

    def __init__(self, store: Any, happens: Callable[[], object]) -> None:
        self._store, self._happens = store, [happens]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def messages(self, tenant: Tenant, subject: str) -> Any:
        found = self._store.messages(tenant, subject)
        for happens in self._happens:
            self._happens = []
            happens()
        return found


@pytest.mark.parametrize("what", ["the carrier answers", "a text is written down"])
def test_text_that_moves_on_during_the_erasure_is_forgotten_an_hour_later(shop: Shop, what: str) -> None:
    """Whoever cancels and then erases does it while the buyer is texted about that.

    CONTROL: what the erasure read as being sent, or did not see, has its words until then, and asking again
    finds nothing.
    """
    made = bought(shop)
    store, subject, now = shop.services.store, made["promise_id"], shop.clock.at
    late = Message(
        message_id=f"{subject}.9.late",
        subject=subject,
        kind=MessageKind.PROMISE_CONFIRMED,
        status=MessageStatus.PENDING,
        created_at=now,
        body=NOTE,
    )
    meanwhile: dict[str, Callable[[], object]] = {
        "the carrier answers": lambda: stand(shop, subject, MessageStatus.SENT),
        "a text is written down": lambda: store.add_message(ACME, late),
    }
    if what == "the carrier answers":
        stand(shop, subject, MessageStatus.SENDING)
    shop.services.store = cast("Any", Meanwhile(store, meanwhile[what]))
    erase(shop, phone=PHONE)
    assert any(message.body for message in store.messages(ACME, subject))
    assert erase(shop, phone=PHONE) == NOTHING
    shop.clock.advance(HOUR)
    come_back(shop)
    left = store.messages(ACME, subject)
    assert {(message.body, message.sealed_to, message.redact) for message in left} == {("", None, ())}
    assert shop.services.inbox(PHONE) == []


def test_who_wants_no_texts_still_wants_none(shop: Shop) -> None:
    """The ledger of STOP has nobody's number in it, and outlives the buyer's data."""
    bought(shop)
    shop.services.phone_book.opt_out(ACME, PHONE, shop.clock.at)
    erase(shop, phone=PHONE)
    assert shop.services.phone_book.is_opted_out(ACME, PHONE)


def test_text_meant_for_two_merchants_stays_with_the_other(shop: Shop) -> None:
    """Both texted the number; each forgets its own part."""
    bought(shop)
    other = shop.other.promise(recipient={"name": NAME, "phone": PHONE})
    shop.services.publish()
    answers(shop)
    assert erase(shop, phone=PHONE)["replies"] == 0
    found = shop.services.phone_book.inbound("SM1")
    assert found is not None
    assert ACME not in found[1]
    shop.other.change(other["promise_id"], kind="cancel")
    assert shop.other.done("POST", "/v1/erasures", {"phone": PHONE}, key="admin")["replies"] == 1
    assert shop.services.phone_book.inbound("SM1") is None


def test_forgotten_delivery_is_not_corrected(shop: Shop) -> None:
    """A correction could have it delivered again, to nobody."""
    made = bought(shop)
    erase(shop, phone=PHONE)
    wrong = {"outcome": "delivered_to_recipient", "reason": "wrong door"}
    path = f"/v1/promises/{made['promise_id']}/corrections"
    assert shop.refused("POST", path, wrong)["code"] == "correction_too_late"


@pytest.mark.parametrize("body", [{}, {"phone": PHONE, "order_ref": "R-1"}, {"phone": "555"}])
def test_buyer_is_named_in_one_way(shop: Shop, body: dict[str, str]) -> None:
    """422 for neither, both, or a number that is none."""
    assert shop.refused("POST", "/v1/erasures", body, key="admin")["status"] == 422
