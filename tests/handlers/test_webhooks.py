"""A merchant manages its webhooks over HTTP, and sees what they were sent."""

from typing import Any

import pytest

from chalicelib.webhooks.model import EventType, Failure
from chalicelib.webhooks.service import MOST_WEBHOOKS
from tests.handlers.shop_client import Shop, ShopClient
from tests.webhooks.reference import verified

PATH = "/v1/webhooks/office"
URL = "https://shop.example/webhooks"


@pytest.fixture
def shop() -> Shop:
    return Shop()


def put(client: ShopClient, path: str = PATH, **wish: Any) -> dict[str, Any]:
    saved: dict[str, Any] = client.done("PUT", path, {"url": URL} | wish)
    return saved


def told(shop: Shop) -> None:
    """Hand every fact on, and send what waits."""
    shop.services.publish()
    shop.services.deliver()


def test_webhook_is_made_shown_listed_and_deleted(shop: Shop) -> None:
    """Its secret comes with the answer that makes it, and never again."""
    made = put(shop, description="The office")
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert made == {
        "webhook_id": "office",
        "url": URL,
        "events": None,
        "description": "The office",
        "enabled": True,
        "stopped": None,
        "failing_since": None,
        "secrets": [{"created_at": "2026-11-24T06:00:00Z", "valid_until": None}],
        "created_at": "2026-11-24T06:00:00Z",
    }
    assert shop.done("GET", PATH) == made
    assert shop.done("GET", "/v1/webhooks")["data"] == [made]
    changed = put(shop, events=["promise.cancelled"], enabled=False)
    assert "secret" not in changed
    assert (changed["events"], changed["enabled"]) == (["promise.cancelled"], False)
    assert changed["stopped"] == {"reason": "by_merchant", "at": "2026-11-24T06:00:00Z"}
    assert shop.ask("DELETE", PATH).status_code == 204
    for method in ("GET", "DELETE"):
        assert shop.refused(method, PATH)["code"] == "not_found"
    assert secret not in shop.log.getvalue()


def test_promise_is_told_to_the_merchant_signed(shop: Shop) -> None:
    """From the order to the receiver: verified with the secret, listed among the attempts."""
    secret = put(shop)["secret"]
    promise_id = shop.promise()["promise_id"]
    shop.change(promise_id, kind="cancel", reason="moved")
    told(shop)
    payloads = [
        verified(secret, post.headers, post.body, now=shop.clock.at) for post in shop.services.world.posted
    ]
    assert [each["type"] for each in payloads] == ["promise.confirmed", "promise.cancelled"]
    for number, payload in enumerate(payloads, 1):
        numbers = {name: payload["data"][name] for name in ("sequence", "promise_id", "promise_sequence")}
        assert numbers == {"sequence": number, "promise_id": promise_id, "promise_sequence": number}
    ledger = shop.done("GET", f"/v1/promises/{promise_id}/ledger")["data"]
    assert [each["kind"] for each in ledger] == [each["data"]["kind"] for each in payloads]
    attempts = shop.done("GET", f"{PATH}/attempts")["data"]
    assert [each["sequence"] for each in attempts] == [2, 1]
    assert attempts[0] == {
        "event_id": shop.services.world.posted[1].headers["webhook-id"],
        "sequence": 2,
        "type": "promise.cancelled",
        "at": "2026-11-24T06:00:00Z",
        "number": 1,
        "replayed": False,
        "delivered": True,
        "status": 200,
        "failure": None,
        "milliseconds": 1,
        "next_attempt_at": None,
    }


def test_nothing_personal_is_told(shop: Shop) -> None:
    """Names, numbers, addresses and codes of a buyer are read under a key, and never sent anywhere."""
    put(shop)
    recipient = {"name": "Quillfeather", "phone": "+12025550142"}
    promise = shop.promise(recipient=recipient, instructions={"gate_code": "G4T3-7781"})
    shop.change(promise["promise_id"], kind="neighbour", name_or_number="Featherstonehaugh")
    shop.change(promise["promise_id"], kind="gate_code", code="G4T3-7782")
    shop.change(promise["promise_id"], kind="slot", offer=shop.other_slots(promise["promise_id"])[1]["offer"])
    told(shop)
    sent = b"".join(post.body for post in shop.services.world.posted)
    assert sent.count(b"promise.changed") >= 3
    for canary in (b"Quillfeather", b"2025550142", b"G4T3", b"Featherstone"):
        assert canary not in sent


def test_attempts_come_in_pages(shop: Shop) -> None:
    """The latest first; a cursor is good for this list only."""
    put(shop)
    for _ in range(5):
        shop.done("POST", f"{PATH}/test")
        shop.wait(1)
    shop.services.deliver()
    page = shop.done("GET", f"{PATH}/attempts?limit=3")
    rest = shop.done("GET", f"{PATH}/attempts?limit=3&cursor={page['next_cursor']}")
    assert [each["sequence"] for each in page["data"] + rest["data"]] == [5, 4, 3, 2, 1]
    assert rest["next_cursor"] is None
    put(shop, "/v1/webhooks/other")
    stolen = f"/v1/webhooks/other/attempts?cursor={page['next_cursor']}"
    assert shop.refused("GET", stolen)["code"] == "cursor_invalid"


def test_test_and_replay_answer_what_they_send(shop: Shop) -> None:
    """202 with the event, and with the range; a repetition of the request sends nothing more."""
    put(shop)
    for _ in range(2):
        asked = shop.done("POST", f"{PATH}/test", idempotency_key="once")
    shop.services.deliver()
    [post] = shop.services.world.posted
    assert asked == {"event_id": post.headers["webhook-id"], "sequence": 1}
    for _ in range(2):
        replay = shop.done("POST", f"{PATH}/replay", {"from_sequence": 1}, idempotency_key="again")
    assert replay == {"from_sequence": 1, "to_sequence": 1}
    shop.services.deliver()
    assert [each["replayed"] for each in shop.done("GET", f"{PATH}/attempts")["data"]].count(True) == 1


def test_failed_attempt_says_when_the_next_one_is(shop: Shop) -> None:
    """And the sandbox's clock brings it."""
    put(shop)
    shop.services.world.answers["shop.example"] = [Failure.TIMED_OUT]
    shop.done("POST", f"{PATH}/test")
    shop.services.deliver()
    [failed] = shop.done("GET", f"{PATH}/attempts")["data"]
    assert (failed["status"], failed["failure"], failed["delivered"]) == (None, "timed_out", False)
    assert failed["next_attempt_at"] in ("2026-11-24T06:00:05Z", "2026-11-24T06:00:06Z")
    assert shop.done("GET", PATH)["failing_since"] == "2026-11-24T06:00:00Z"
    shop.services.queue.taken()
    shop.done("POST", "/v1/test/clock", {"advance_seconds": 66})
    shop.services.deliver()
    last, _ = shop.done("GET", f"{PATH}/attempts")["data"]
    assert (last["number"], last["delivered"]) == (2, True)
    assert shop.done("GET", PATH)["failing_since"] is None


def test_rotation_shows_the_new_secret_and_until_when_the_old_one_signs(shop: Shop) -> None:
    """F36: both are listed, neither is shown again."""
    old = put(shop)["secret"]
    rotated = put(shop, rotate_secret=True)
    assert rotated["secret"] not in (None, old)
    assert [each["valid_until"] for each in rotated["secrets"]] == [None, "2026-11-25T06:00:00Z"]
    shop.wait(86_400)
    assert len(shop.done("GET", PATH)["secrets"]) == 1


@pytest.mark.parametrize(
    ("wish", "pointer"),
    [
        ({}, "/url"),
        ({"url": "http://shop.example/"}, "/url"),
        ({"url": "https://169.254.169.254/latest"}, "/url"),
        ({"url": "https://user:pw@shop.example/"}, "/url"),
        ({"url": URL, "events": []}, "/events"),
        ({"url": URL, "events": ["promise.eaten"]}, "/events/0"),
        ({"url": URL, "secret": "whsec_mine"}, "/secret"),
        ({"url": URL, "enabled": "yes"}, "/enabled"),
    ],
)
def test_webhook_that_must_not_be_is_refused(shop: Shop, wish: dict[str, Any], pointer: str) -> None:
    """B14: at saving, with the place; so is what we do not know."""
    problem = shop.refused("PUT", PATH, wish)
    assert (problem["status"], problem["errors"][0]["pointer"]) == (422, pointer)


def test_refusals_have_names(shop: Shop) -> None:
    """Too many webhooks, too many rotations, nothing to replay, stopped."""
    for number in range(MOST_WEBHOOKS):
        put(shop, f"/v1/webhooks/w{number}")
    assert shop.refused("PUT", PATH, {"url": URL})["code"] == "too_many_webhooks"
    for _ in range(4):
        put(shop, "/v1/webhooks/w0", rotate_secret=True)
    again = {"url": URL, "rotate_secret": True}
    assert shop.refused("PUT", "/v1/webhooks/w0", again)["code"] == "too_many_secrets"
    nothing = shop.refused("POST", "/v1/webhooks/w0/replay", {"from_sequence": 1})
    assert (nothing["code"], nothing["errors"][0]["pointer"]) == ("invalid_request", "/from_sequence")
    put(shop, "/v1/webhooks/w1", enabled=False)
    assert shop.refused("POST", "/v1/webhooks/w1/test")["code"] == "webhook_stopped"


def test_every_type_can_be_asked_for(shop: Shop) -> None:
    """The document's list is the one there is."""
    assert put(shop, events=[str(each) for each in EventType])["events"] == sorted(map(str, EventType))
