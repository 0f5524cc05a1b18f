"""Texts go out, come back and are taken in, in the running sandbox: through its queue and signed webhooks."""

from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from infra.sandbox import Sandbox
from infra.sandbox.serve import FROM_NUMBER
from tests.handlers.shop_client import fresh
from tests.sandbox.test_product import call, offered
from tests.sandbox.waiting import eventually

PHONES = iter(f"+120255501{number:02}" for number in range(60, 99))


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
