"""The test clock and the inbox: what exists in a sandbox only."""

import os
import subprocess
import sys
from typing import Any

import pytest

from tests.handlers.shop_client import PHONE, Shop, one_place_shop

OTHER_PHONE = "+12025550124"


def test_clock_is_moved_to_an_instant_or_by_seconds(shop: Shop) -> None:
    """It answers where it stands; what is asked afterwards is asked then."""
    assert shop.done("POST", "/v1/test/clock", {"advance_seconds": 90}) == {"now_at": "2026-11-24T06:01:30Z"}
    there = {"now_at": "2026-11-25T07:00:00+01:00"}
    assert shop.done("POST", "/v1/test/clock", there) == {"now_at": "2026-11-25T06:00:00Z"}
    found = shop.done("POST", "/v1/slots/search", shop.wish())
    assert found["computed_at"] == "2026-11-25T06:00:00+00:00"
    shop.clock.advance(60)
    assert shop.done("POST", "/v1/test/clock", {"advance_seconds": 0}) == {"now_at": "2026-11-25T06:01:00Z"}


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        (None, ""),
        ({}, ""),
        ({"now_at": "2026-11-25T06:00:00Z", "advance_seconds": 1}, ""),
        ({"now_at": "2026-11-25T06:00:00"}, "/now_at"),
        ({"now_at": 1_795_000_000}, "/now_at"),
        ({"advance_seconds": -1}, "/advance_seconds"),
        ({"advance_seconds": "60"}, "/advance_seconds"),
        ({"advance_seconds": 10**9}, "/advance_seconds"),
    ],
)
def test_clock_is_told_one_thing(shop: Shop, wrong: dict[str, Any] | None, pointer: str) -> None:
    """Either an instant with offset, or seconds of at most 400 days."""
    problem = shop.refused("POST", "/v1/test/clock", wrong)
    assert (problem["status"], [each["pointer"] for each in problem["errors"]]) == (422, [pointer])


def test_clock_never_goes_back(shop: Shop) -> None:
    """An earlier instant is refused, and the clock stays."""
    shop.done("POST", "/v1/test/clock", {"advance_seconds": 3600})
    assert shop.refused("POST", "/v1/test/clock", {"now_at": "2026-11-24T06:59:59Z"})["status"] == 422
    assert shop.done("POST", "/v1/test/clock", {"advance_seconds": 0})["now_at"] == "2026-11-24T07:00:00Z"


def test_clock_is_moved_once_under_one_key(shop: Shop) -> None:
    """A repetition gets the same answer and moves nothing."""
    body = {"advance_seconds": 60}
    first, again = (shop.ask("POST", "/v1/test/clock", body, idempotency_key="once") for _ in range(2))
    assert (again.body, again.headers["Idempotent-Replayed"]) == (first.body, "true")
    assert shop.done("POST", "/v1/test/clock", {"advance_seconds": 0})["now_at"] == "2026-11-24T06:01:00Z"
    other = shop.refused("POST", "/v1/test/clock", {"advance_seconds": 61}, idempotency_key="once")
    assert other["code"] == "idempotency_mismatch"


def test_clock_is_a_merchants_own(shop: Shop) -> None:
    """Nobody else's holds run out, and system time goes on: keys live by it."""
    theirs = shop.other.hold()
    shop.done("POST", "/v1/test/clock", {"advance_seconds": 3600})
    assert shop.other.done("GET", f"/v1/holds/{theirs['hold_id']}")["state"] == "active"
    found = shop.other.done("POST", "/v1/slots/search", shop.other.wish())
    assert found["computed_at"] == "2026-11-24T06:00:00+00:00"


def test_what_came_due_is_done_before_the_clock_answers() -> None:
    """An expired hold is cleared up: its stop has left the route, and nothing is left to do."""
    shop = one_place_shop()
    held = shop.hold()
    plan = "/v1/depots/porto/plans/2026-11-24"
    assert len(shop.done("GET", plan)["routes"][0]["stops"]) == 1
    shop.done("POST", "/v1/test/clock", {"advance_seconds": 602})
    assert shop.done("GET", f"/v1/holds/{held['hold_id']}")["state"] == "expired"
    assert shop.done("GET", plan)["routes"][0]["stops"] == []
    assert not list(shop.services.store.due_anywhere(10**10))


def test_inbox_shows_whom_and_what_by_phone(shop: Shop) -> None:
    """Oldest first; a plus sign in the query may be escaped."""
    for phone in (PHONE, OTHER_PHONE):
        shop.promise(recipient={"name": "Ana", "phone": phone})
    shop.services.publish()
    everything = shop.done("GET", "/v1/test/messages")["data"]
    assert [text["to"] for text in everything] == [PHONE, OTHER_PHONE]
    assert everything[0].keys() == {"to", "from", "body", "sid", "status", "sent_at", "num_segments"}
    assert shop.done("GET", f"/v1/test/messages?phone=%2B{OTHER_PHONE[1:]}")["data"] == everything[1:]
    assert shop.done("GET", "/v1/test/messages?phone=%2B12025550199")["data"] == []


def test_inbox_shows_no_other_merchants_texts(shop: Shop) -> None:
    """Also where both text the same buyer."""
    for client in (shop, shop.other):
        client.promise()
    shop.services.publish()
    [mine] = shop.done("GET", f"/v1/test/messages?phone=%2B{PHONE[1:]}")["data"]
    [theirs] = shop.other.done("GET", f"/v1/test/messages?phone=%2B{PHONE[1:]}")["data"]
    assert (mine["body"][:4], theirs["body"][:4]) == ("acme", "best")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("POST", "/v1/test/clock", {"advance_seconds": 1}), ("GET", "/v1/test/messages", None)],
)
def test_pages_neither_move_clocks_nor_read_texts(shop: Shop, method: str, path: str, body: object) -> None:
    """A publishable key is refused; any secret key will do."""
    assert shop.refused(method, path, body, key="publishable")["code"] == "forbidden"
    assert shop.refused(method, path, body, key=None)["code"] == "unauthorized"
    for key in ("admin", "checkout", "ops", "driver"):
        assert shop.ask(method, path, body, key=key).status_code == 200


@pytest.mark.parametrize(("stage", "there"), [("sandbox", True), ("live", False)])
def test_nothing_of_it_is_there_outside_a_sandbox(stage: str, there: bool) -> None:
    """Neither served nor described."""
    program = "import app; print(any('/test/' in route for route in app.app.routes))"
    environment = {**os.environ, "STAGE": stage}
    printed = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert printed.stdout.strip() == str(there)
