"""Who changed a delivery decides what is texted: by a text it was answered, by anybody else it is told."""

from typing import Any

import pytest

from tests.handlers.shop_client import OUR_NUMBER, PHONE, Shop

SETTLED = 180  # seconds behind which whoever chooses on the page has chosen


@pytest.fixture
def shop() -> Shop:
    """By day: nothing waits for the morning."""
    shop = Shop()
    settings = shop.done("GET", "/v1/settings", key="admin")
    shop.done("PUT", "/v1/settings", settings | {"quiet_hours": None}, key="admin")
    return shop


def bodies(shop: Shop, seconds: int = 0) -> list[str]:
    """What is texted of what happened, and while some time goes by."""
    before = len(shop.services.texts)
    shop.services.publish()
    if seconds:
        shop.done("POST", "/v1/test/clock", {"advance_seconds": seconds})
        shop.services.publish()
    return [text["body"].removeprefix("acme: ") for text in shop.services.texts[before:]]


def booked(shop: Shop) -> dict[str, Any]:
    made = shop.promise(offer=shop.offer(3))
    assert len(bodies(shop)) == 1
    return made


def on_the_page(shop: Shop, promise: dict[str, Any], **change: Any) -> None:
    path = promise["tracking_url"].removeprefix("https://track.example")
    answer = shop.ask("POST", f"{path}/changes", change, key=None)
    assert answer.json_body["state"] == "accepted", answer.body


def evening(shop: Shop, promise: dict[str, Any]) -> str:
    """An offer of the slot from four to six."""
    slots = shop.other_slots(promise["promise_id"])
    offer: str = next(each["offer"] for each in slots if "T16:00" in each["starts_at"] and each["available"])
    return offer


def test_a_delivery_that_is_moved_on_the_page_is_confirmed_by_a_text(shop: Shop) -> None:
    """A receipt for whoever did it, and a warning if somebody else has the link."""
    made = booked(shop)
    on_the_page(shop, made, kind="slot", offer=evening(shop, made))
    assert bodies(shop) == []  # the page shows it, and they may choose again
    [text] = bodies(shop, SETTLED)
    assert text.startswith("your delivery has a new time: today 16:00-18:00.")


def test_a_delivery_that_is_cancelled_on_the_page_is_confirmed_by_a_text(shop: Shop) -> None:
    """At once: there is nothing left to choose."""
    made = booked(shop)
    on_the_page(shop, made, kind="cancel")
    assert bodies(shop) == ["your delivery is cancelled."]


def elsewhere(nth: int = 0) -> dict[str, Any]:
    """Another address within reach."""
    address = {"lines": [f"Rua Nova {nth}"], "postal_code": "4000-123", "city": "Porto", "country": "PT"}
    return {"kind": "address", "location": {"lat": 41.152 + nth / 1000, "lon": -8.612}, "address": address}


NEIGHBOUR: dict[str, Any] = {"kind": "neighbour", "name_or_number": "Mrs Silva, no. 12"}
SAFE_PLACE: dict[str, Any] = {"kind": "safe_place", "where": "behind the shed"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (elsewhere(), "your delivery goes to the new address now."),
        (NEIGHBOUR, "your driver will try the neighbour you chose."),
        (SAFE_PLACE, "your driver will leave it in the place you chose."),
    ],
    ids=lambda told: told["kind"] if isinstance(told, dict) else "",
)
def test_a_delivery_that_is_sent_elsewhere_on_the_page_is_confirmed(
    shop: Shop, change: dict[str, Any], told: str
) -> None:
    """Whoever has the link might have it brought to themselves; where it goes no text says."""
    made = booked(shop)
    on_the_page(shop, made, **change)
    assert bodies(shop) == []
    [text] = bodies(shop, SETTLED)
    assert text == f"{told} Details: {made['tracking_url']}"


def test_of_where_it_is_left_the_last_counts_and_hides_no_new_address(shop: Shop) -> None:
    """Three clicks on neighbour and place are one text; none of them swallows that it goes elsewhere."""
    made = booked(shop)
    for change in (elsewhere(1), NEIGHBOUR, elsewhere(2), SAFE_PLACE, NEIGHBOUR):
        on_the_page(shop, made, **change)
        bodies(shop, 10)
    texts = sorted(text.partition(" Details")[0] for text in bodies(shop, SETTLED))
    assert texts == [
        "your delivery goes to the new address now.",
        "your driver will try the neighbour you chose.",
    ]


@pytest.mark.parametrize("change", [elsewhere(), SAFE_PLACE], ids=["address", "safe_place"])
def test_where_the_merchant_sends_it_is_no_text(shop: Shop, change: dict[str, Any]) -> None:
    """They do it for whoever asked them to."""
    made = booked(shop)
    shop.change(made["promise_id"], **change)
    assert bodies(shop, SETTLED) == []


def test_a_code_for_the_driver_is_no_text(shop: Shop) -> None:
    """The page says that it was done; nothing that was told is another, and it comes to the same door."""
    made = booked(shop)
    on_the_page(shop, made, kind="gate_code", code="4471#")
    assert bodies(shop, SETTLED) == []


def test_what_a_buyer_changes_by_a_text_is_answered_once(shop: Shop) -> None:
    """The answer says it; the record says why there is no other."""
    made = booked(shop)
    reply = {"from": PHONE, "to": OUR_NUMBER, "body": "after 4pm please"}
    shop.done("POST", "/v1/test/replies", reply)
    assert bodies(shop, SETTLED) == ["done: today 16:00-18:00."]
    recorded = shop.done("GET", f"/v1/promises/{made['promise_id']}/messages")["data"]
    [silent] = [text for text in recorded if text["kind"] == "rescheduled"]
    assert (silent["status"], silent["reason"]) == ("skipped", "answered")
    shop.done("POST", "/v1/test/replies", reply | {"body": "leave it with the neighbour at no 12"})
    assert bodies(shop, SETTLED) == ["done: your driver will ask that neighbour."]


@pytest.mark.parametrize("cancels", [True, False])
def test_what_the_merchant_changes_is_told_at_once(shop: Shop, cancels: bool) -> None:
    """Nobody else would."""
    made = booked(shop)
    change = {"kind": "cancel"} if cancels else {"kind": "slot", "offer": evening(shop, made)}
    shop.change(made["promise_id"], **change)
    [text] = bodies(shop)
    assert text.startswith("your delivery is cancelled" if cancels else "your delivery has a new time")
