"""Setting right over HTTP what was reported: a mis-tap undone, a buyer's call written down."""

from typing import Any

import pytest

from tests.handlers.shop_client import Shop, at
from tests.handlers.test_manifest import token
from tests.handlers.test_motion import DAY, completed, event, o_clock, report, state

NOT_HOME = {"outcome": "failed_not_home", "reason": "Tapped the wrong door"}
DELIVERED = {"outcome": "delivered_to_recipient", "reason": "It was the next tap"}


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def promise(shop: Shop) -> dict[str, Any]:
    """Delivered at 8:55, says the driver; it is nine."""
    made = shop.promise()
    shop.clock.at = at(o_clock("09:00"))
    report(shop, event("departed_depot", "08:10"), completed(made, "08:55"))
    return made


def correct(shop: Shop, promise: dict[str, Any], body: Any = NOT_HOME, key: str = "ops") -> Any:
    return shop.done("POST", f"/v1/promises/{promise['promise_id']}/corrections", body, key=key)


def refused(shop: Shop, promise: dict[str, Any], body: Any = NOT_HOME, key: str = "ops") -> Any:
    return shop.refused("POST", f"/v1/promises/{promise['promise_id']}/corrections", body, key=key)


def test_a_correction_opens_a_finished_promise(shop: Shop, promise: dict[str, Any]) -> None:
    """It is to be tried again; the attempt says what it really was, the ledger who said so."""
    shown = correct(shop, promise)
    assert (shown["state"], [each["outcome"] for each in shown["attempts"]]) == (
        "confirmed",
        ["failed_not_home"],
    )
    last = shop.done("GET", f"/v1/promises/{promise['promise_id']}/ledger")["data"][-1]
    assert (last["kind"], last["actor"]) == ("promise.corrected", "merchant")
    assert last["data"] == {
        "from_outcome": "delivered_to_recipient",
        "to_outcome": "failed_not_home",
        "reason": NOT_HOME["reason"],
    }


def test_what_was_corrected_can_be_delivered(shop: Shop, promise: dict[str, Any]) -> None:
    """The shift knows of it: the driver goes back and taps again; CONTROL: before, the tap was ignored."""
    again = completed(promise, "08:59", "delivered_to_neighbour")
    assert report(shop, again)["ignored"][0]["reason"] == "promise_finished"
    correct(shop, promise)
    assert report(shop, again)["accepted"] == 1
    shown = shop.done("GET", f"/v1/promises/{promise['promise_id']}")
    assert [each["outcome"] for each in shown["attempts"]] == ["failed_not_home", "delivered_to_neighbour"]
    assert shown["state"] == "delivered"


def test_a_correction_ends_what_was_to_be_tried_again(shop: Shop, promise: dict[str, Any]) -> None:
    """It was delivered after all: the place that it was moved to is free again."""
    correct(shop, promise)
    offer = next(slot["offer"] for slot in shop.other_slots(promise["promise_id"]))
    shop.change(promise["promise_id"], kind="slot", offer=offer)
    moved = shop.done("GET", f"/v1/promises/{promise['promise_id']}")["promised_window"]["starts_at"][:10]
    booked = shop.done("GET", f"/v1/depots/porto/plans/{moved}")["routes"][0]["stops"]
    assert promise["promise_id"] in [stop["promise_id"] for stop in booked]
    assert correct(shop, promise, DELIVERED)["state"] == "delivered"
    left = shop.done("GET", f"/v1/depots/porto/plans/{moved}")["routes"][0]["stops"]
    assert moved == DAY or promise["promise_id"] not in [stop["promise_id"] for stop in left]


def test_a_driver_has_ten_minutes_and_the_office_a_week(shop: Shop, promise: dict[str, Any]) -> None:
    """From when the attempt ended; afterwards 409, and nothing is changed."""
    token(shop)
    shop.clock.at = at(o_clock("09:05"))
    assert correct(shop, promise, key="phone")["state"] == "confirmed"
    assert correct(shop, promise, DELIVERED, key="phone")["state"] == "delivered"
    shop.clock.advance(1)
    assert refused(shop, promise, key="phone")["code"] == "correction_too_late"
    assert refused(shop, promise, key="driver")["code"] == "correction_too_late"
    shop.clock.at = at("2026-12-01T08:55:00+00:00")
    assert correct(shop, promise)["state"] == "confirmed"
    shop.clock.advance(1)
    assert refused(shop, promise, DELIVERED)["code"] == "correction_too_late"
    assert state(shop, promise) == "confirmed"


def test_a_driver_corrects_what_his_own_shift_tried(shop: Shop, promise: dict[str, Any]) -> None:
    """Others are not there for his token; CONTROL: the office may."""
    van = {"capacity": {}, "weekly": [{"starts": "08:00", "ends": "18:00"}]}
    shop.done("PUT", "/v1/depots/porto/vehicles/van-2", van)
    token(shop, "other", f"porto.van-2.{DAY}.0800")
    assert refused(shop, promise, key="other")["status"] == 404
    assert correct(shop, promise)["state"] == "confirmed"


def test_nothing_is_corrected_that_nobody_tried(shop: Shop) -> None:
    """409: there is no attempt; and a cancelled promise stays cancelled."""
    made = shop.promise()
    assert refused(shop, made)["code"] == "nothing_to_correct"
    shop.change(made["promise_id"], kind="cancel")
    assert refused(shop, made)["status"] == 409


def test_the_same_correction_is_made_once(shop: Shop, promise: dict[str, Any]) -> None:
    """Repeated with its Idempotency-Key it is answered as it was."""
    path = f"/v1/promises/{promise['promise_id']}/corrections"
    first, again = (shop.ask("POST", path, NOT_HOME, key="ops", idempotency_key="k") for _ in range(2))
    assert (first.status_code, first.json_body) == (201, again.json_body)
    assert len(shop.done("GET", f"/v1/promises/{promise['promise_id']}/ledger")["data"]) == 4


def test_a_contact_stands_in_the_ledger(shop: Shop, promise: dict[str, Any]) -> None:
    """Who asked by which way and why, and how it stood; the promise itself stays as it is."""
    asked = {"channel": "phone", "reason": "where_is_my_order"}
    made = shop.done("POST", f"/v1/promises/{promise['promise_id']}/contacts", asked)
    ledger = shop.done("GET", f"/v1/promises/{promise['promise_id']}/ledger")["data"]
    assert (made["sequence"], made["channel"]) == (len(ledger), "phone")
    assert ledger[-1]["kind"] == "promise.contacted"
    assert ledger[-1]["data"] == asked | {"state": "delivered"}
    assert state(shop, promise) == "delivered"
