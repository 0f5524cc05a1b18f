"""Texts go out, come back and are taken in, in the running sandbox: through its queue and signed webhooks."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from infra.sandbox import Sandbox
from infra.sandbox.serve import FROM_NUMBER
from tests.handlers.shop_client import CENTRE, ShopClient, fresh
from tests.sandbox.buyer import Buyer, let_in, offer_at
from tests.sandbox.test_product import call, offered
from tests.sandbox.waiting import eventually

PHONES = iter(f"+120255501{number:02}" for number in range(45, 87))


@pytest.fixture
def phone() -> Iterator[str]:
    """A number that nobody else in the shared sandbox has."""
    return next(PHONES)


def promised(sandbox: Sandbox, phone: str) -> tuple[str, str]:
    """A promise of which a text is to go out; gives the key and its id."""
    key = sandbox.merchants[0]["keys"]["secret"]
    order = {
        "offer": offered(sandbox, key),
        "order_ref": fresh("order"),
        "recipient": {"name": "Ana", "phone": phone},
        "sms_consent": True,
    }
    status, made = call(sandbox, "POST", "/v1/promises", order, key=key)
    assert status == 201, made
    return key, made["promise_id"]


def planned(sandbox: Sandbox, **plan: str) -> None:
    request = Request(f"{sandbox.environment['TWILIO_API_URL']}/_plan", urlencode(plan).encode())
    with urlopen(request, timeout=5) as answer:
        assert answer.status == 200


def messages(sandbox: Sandbox, key: str, promise_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = call(sandbox, "GET", f"/v1/promises/{promise_id}/messages", key=key)[1][
        "data"
    ]
    return found


def ends(sandbox: Sandbox, key: str, promise_id: str, status: str) -> dict[str, Any]:
    eventually(lambda: [each["status"] for each in messages(sandbox, key, promise_id)] == [status])
    [message] = messages(sandbox, key, promise_id)
    return message


def test_a_text_is_delivered_by_signed_callbacks(sandbox: Sandbox, phone: str) -> None:
    """Through stream, queue, Twilio and back: the promise's messages say `delivered`."""
    key, promise_id = promised(sandbox, phone)
    message = ends(sandbox, key, promise_id, "delivered")
    [text] = call(sandbox, "GET", f"/v1/test/messages?phone=%2B{phone[1:]}", key=key)[1]["data"]
    assert (text["sid"], text["status"]) == (message["sid"], "delivered")


@pytest.mark.parametrize("fault", ["500_after", "drop_after", "badshape"])
def test_f16_a_lost_answer_is_found_by_the_callback(sandbox: Sandbox, phone: str, fault: str) -> None:
    """F16, F18: the worker knows nothing, the callback carries our id: delivered, and one text."""
    planned(sandbox, faults=fault, callbacks="reversed")
    key, promise_id = promised(sandbox, phone)
    ends(sandbox, key, promise_id, "delivered")
    assert len(call(sandbox, "GET", f"/v1/test/messages?phone=%2B{phone[1:]}", key=key)[1]["data"]) == 1
    planned(sandbox, callbacks="in_order")


def test_f15_a_busy_twilio_gets_the_text_a_moment_later(sandbox: Sandbox, phone: str) -> None:
    """F15: put off as asked, then delivered."""
    planned(sandbox, faults="429,429")
    key, promise_id = promised(sandbox, phone)
    ends(sandbox, key, promise_id, "delivered")


def test_a_buyer_who_says_stop_is_texted_no_more(sandbox: Sandbox, phone: str) -> None:
    """Played by the contract's endpoint, through the real signed webhook; START opens it again."""
    key, promise_id = promised(sandbox, phone)
    ends(sandbox, key, promise_id, "delivered")
    for word, status in (("STOP", "skipped"), ("START", "delivered")):
        reply = {"from": phone, "to": FROM_NUMBER, "body": word}
        status_code, told = call(sandbox, "POST", "/v1/test/replies", reply, key=key)
        assert status_code == 202, told
        sid = told["message_sid"]
        rows = sandbox.client("dynamodb")
        inbound = {"pk": {"S": f"INBOUND#{sid}"}, "sk": {"S": "INBOUND"}}
        table = sandbox.environment["TABLE_NAME"]
        assert eventually(lambda: "Item" in rows.get_item(TableName=table, Key=inbound))  # noqa: B023
        ends(sandbox, *promised(sandbox, phone), status)


def test_b13_what_twilio_did_not_sign_is_refused(sandbox: Sandbox) -> None:
    """B13: over HTTP as well."""
    forged = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": "AAAA"}
    request = Request(f"{sandbox.url}/twilio/inbound", urlencode({"Body": "STOP"}).encode(), forged)
    with pytest.raises(HTTPError) as refused:
        urlopen(request, timeout=5)
    with refused.value:
        assert refused.value.code == 403


@pytest.fixture(scope="module")
def shop(sandbox: Sandbox) -> ShopClient:
    """A merchant of this module's own, who may text at night."""
    return let_in(sandbox, "Foz Books")


@pytest.fixture(scope="module")
def other(sandbox: Sandbox) -> ShopClient:
    """Another one, who texts from the same number."""
    return let_in(sandbox, "Foz Bread")


@pytest.fixture
def ana(sandbox: Sandbox, phone: str) -> Buyer:
    return Buyer(sandbox, phone)


def held_up(shop: ShopClient, shift: str) -> None:
    """It is half past nine, the van has left with a first stop ahead, and stands still for three hours."""
    day = shift.split(".")[2]
    shop.done("POST", "/v1/test/clock", {"now_at": f"{day}T09:30:00+00:00"})
    heard = [
        {"event_id": fresh("event"), "at": f"{day}T{wall}:00+00:00", **what}
        for wall, what in (
            ("09:20", {"type": "departed_depot"}),
            ("09:25", {"type": "incident", "kind": "delay", "delay_seconds": 3 * 3600}),
            ("09:29", {"type": "position", **CENTRE}),
        )
    ]
    assert shop.done("POST", f"/v1/shifts/{shift}/events", {"events": heard})["accepted"] == len(heard)


def test_a_number_moves_the_stop_and_is_answered_with_the_effect(sandbox: Sandbox, ana: Buyer) -> None:
    """Order, at risk with other slots, "2": promise, route, inbox and ledger say the same.

    "1" behind it takes nothing: a choice is taken once, and she is told what holds.
    """
    shop = let_in(sandbox, "Douro Wool", vans=1)
    shop.promise(offer=offer_at(shop, 8), sms_consent=False)  # where the van goes first
    promise_id = ana.orders(shop)
    held_up(shop, ana.route(promise_id)["shift_id"])
    [risk] = ana.hears(1)
    assert "we may not make today 10:00-12:00." in risk
    offered = risk.partition(" 2) today ")[2][:11]
    [answer] = ana.writes("2")
    assert answer == f"Douro Wool: done: today {offered}."
    assert ana.window(promise_id) == offered
    eta = ana.stop(promise_id)["live_eta"]["expected_at"]
    assert offered[:5] <= eta[11:16] <= offered[6:]
    assert ana.writes("1") == [answer]
    assert ana.did(promise_id) == ["promise.changed"]
    assert ana.window(promise_id) == offered


@pytest.mark.parametrize(
    ("body", "answer", "kind", "kept"),
    [
        ("gate code 4471#", "done: your driver has the code.", "gate_code", "4471#"),
        ("leave with no 12", "done: your driver will ask that neighbour.", "neighbour", "12"),
    ],
)
def test_what_is_certain_is_read_by_the_driver(
    ana: Buyer, shop: ShopClient, body: str, answer: str, kind: str, kept: str
) -> None:
    """Written in a text, read on the manifest; answered with the effect."""
    promise_id = ana.orders(shop)
    assert ana.writes(body) == [f"Foz Books: {answer}"]
    manifest = shop.done("GET", f"/v1/shifts/{ana.route(promise_id)['shift_id']}/manifest")
    [stop] = [stop for stop in manifest["stops"] if stop.get("promise_id") == promise_id]
    assert stop["instructions"][kind] == kept


def test_a_wish_moves_the_stop_within_its_route(ana: Buyer, shop: ShopClient) -> None:
    """ "tomorrow after 5": one slot fits, so it is done, and the van comes then."""
    promise_id = ana.orders(shop)
    [answer] = ana.writes("tomorrow after 5")
    assert answer.startswith("Foz Books: done: ")  # tomorrow; by its date if it is an hour to midnight
    assert answer.endswith(" 18:00-20:00.")
    assert ana.window(promise_id) == "18:00-20:00"
    assert ana.stop(promise_id)["planned_eta"][11:16] >= "18:00"


def test_what_nobody_understands_is_one_question_and_an_event(ana: Buyer, shop: ShopClient) -> None:
    """Gibberish changes nothing, is asked about once with numbers, and its merchant may read it."""
    promise_id = ana.orders(shop)
    [question] = ana.writes("xqzt 🤷 lorem")
    assert question.startswith("Foz Books: sorry, we did not understand. ")
    assert "Reply 1) " in question
    assert ana.window(promise_id) == "10:00-12:00"
    assert ana.unhandled(promise_id) == ["unclear"]
    [read] = [text for text in ana.messages() if text["kind"] == "reply"]
    assert (read["status"], read["body"]) == ("received", "xqzt 🤷 lorem")


def test_a_near_miss_of_stop_is_honoured_until_start(ana: Buyer, shop: ShopClient) -> None:
    """ "stop please", which no carrier knows: nothing is said any more, until START."""
    promise_id = ana.orders(shop)
    assert ana.writes("stop please", answers=0) == []
    assert ana.writes("gate code 4471#", answers=0) == []
    [silenced] = [text for text in ana.messages_about(promise_id) if text["kind"] == "done"]
    assert (silenced["status"], silenced["reason"]) == ("skipped", "opted_out")
    assert ana.writes("START", answers=0) == []
    assert ana.writes("leave with no 12") == ["Foz Books: done: your driver will ask that neighbour."]


def test_f33_of_several_orders_the_one_she_names_is_changed(ana: Buyer, shop: ShopClient) -> None:
    """F33: one question with numbers, and what was written waits for the answer to it."""
    first = ana.orders(shop, hour=10, order_ref=f"{ana.phone[-2:]}-one")
    second = ana.orders(shop, hour=14, order_ref=(name := f"{ana.phone[-2:]}-two"))
    [question] = ana.writes(f"gate code {ana.phone[-4:]}#")
    assert question.startswith("Foz Books: which delivery do you mean? Reply 1) order ")
    number = 1 if question.index(name) < question.index(" 2) ") else 2
    assert ana.writes(str(number)) == ["Foz Books: done: your driver has the code."]
    assert (ana.did(first), ana.did(second)) == ([], ["promise.changed"])


def test_f33_two_merchants_on_one_number_are_asked_about_by_name(
    ana: Buyer, shop: ShopClient, other: ShopClient
) -> None:
    """F33: she names one; the other merchant reads nothing of it. STOP is for both: the carrier's is, too."""
    books, bread = ana.orders(shop), ana.orders(other)
    [question] = ana.writes("leave with no 12")
    assert question.startswith("which delivery do you mean? Reply 1) order ")
    number = 1 if question.index("Foz Bread") < question.index(" 2) ") else 2
    [answer] = ana.writes(str(number))
    assert answer == "Foz Bread: done: your driver will ask that neighbour."
    assert [text["kind"] for text in ana.messages_about(books)] == ["promise_confirmed"]
    assert (ana.did(books), ana.did(bread)) == ([], ["promise.changed"])
    assert other.ask("GET", f"/v1/promises/{books}/messages").status_code == 404
    assert ana.writes("STOP", answers=0) == []
    for client in (shop, other):
        recipient = {"name": "Ana", "phone": ana.phone}
        made = client.promise(offer=offer_at(client, 16), recipient=recipient)["promise_id"]
        ana.promises[made] = client
        eventually(lambda: [text["status"] for text in ana.messages_about(made)] == ["skipped"])  # noqa: B023
    assert ana.hears(0) == []


def test_f34_another_machine_is_answered_twice_at_most(ana: Buyer, shop: ShopClient) -> None:
    """F34: whatever it sends back; each of its texts reaches the merchant."""
    promise_id = ana.orders(shop)
    before = ana.read
    automatic = "Thank you for your message. We are closed and come back to you as soon as we can. Ref {}"
    for number in range(5):
        ana.sends(automatic.format(number))
    eventually(lambda: len(ana.unhandled(promise_id)) == 5, seconds=60)
    assert 1 <= len(ana.inbox()) - before <= 2


def test_a_reply_that_twilio_brings_eight_times_at_once_acts_once(ana: Buyer, shop: ShopClient) -> None:
    """The same MessageSid to both workers of the API at the same moment: one effect, one answer."""
    promise_id = ana.orders(shop)
    for body, answers in (("tomorrow after 5", 1), ("where is my order?", 1)):
        looked_at, form = ana.looked_at(), ana.form(body)
        together = threading.Barrier(8)

        def bring(form: dict[str, str] = form, together: threading.Barrier = together) -> int:
            together.wait(10)
            return ana.bring(form)

        with ThreadPoolExecutor(8) as twilio:
            answered = [each.result() for each in [twilio.submit(bring) for _ in range(8)]]
        # A twin that meets its twin may be told to come again; Twilio does, once.
        assert set(answered) <= {200, 503}
        assert 200 in answered
        eventually(lambda: ana.looked_at() > looked_at)  # noqa: B023
        ana.hears(answers)
        assert ana.looked_at() == looked_at + 1
    assert ana.did(promise_id) == ["promise.changed", "promise.contacted"]
