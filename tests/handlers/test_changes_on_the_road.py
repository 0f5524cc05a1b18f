"""Changes of a day in motion as an outside client meets them, and what follows from facts unasked."""

import json
from typing import Any

import pytest

from tests.handlers.shop_client import ADDRESS, NEAR, Shop, at, fresh, window

DAY = "2026-11-24"
SHIFT = f"porto.van-1.{DAY}.0800"
MANIFEST = f"/v1/shifts/{SHIFT}/manifest"


def o_clock(wall: str) -> str:
    return f"{DAY}T{wall}:00+00:00"


def report(shop: Shop, type: str, wall: str, promise: dict[str, Any] | None = None, **more: Any) -> None:
    """The driver reports something, and everybody whom it concerns hears of it."""
    named = {"promise_id": promise["promise_id"]} if promise else {}
    event = {"event_id": fresh("event"), "type": type, "at": o_clock(wall)} | named | more
    told = shop.done("POST", f"/v1/shifts/{SHIFT}/events", {"events": [event]})
    assert told["accepted"] == 1, told
    settle(shop)


def settle(shop: Shop) -> None:
    """Every fact is handed on, and what follows from it, until nothing does."""
    for _ in range(5):
        before = _facts(shop)
        shop.services.publish()
        if _facts(shop) == before:
            return
    raise AssertionError("one thing follows from another for ever")


def _facts(shop: Shop) -> int:
    return sum(len(facts) for _, facts in shop.services.store.outbox)


def shown(shop: Shop, promise: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = shop.done("GET", f"/v1/promises/{promise['promise_id']}")
    return answer


def ledger(shop: Shop, promise: dict[str, Any]) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = shop.done("GET", f"/v1/promises/{promise['promise_id']}/ledger")["data"]
    return lines


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def sold(shop: Shop) -> list[dict[str, Any]]:
    """One promise in each of four slots of a van that has left; it is half past eight."""
    made = [shop.promise(offer=shop.offer(nth)) for nth in range(4)]
    shop.clock.at = at(o_clock("08:30"))
    report(shop, "departed_depot", "08:01")
    return made


def test_a_change_on_the_road_is_answered_with_its_effect(shop: Shop, sold: list[dict[str, Any]]) -> None:
    """A later slot of the same van; the driver's manifest has it in its new place, and says who wished it."""
    tag = shop.ask("GET", MANIFEST).headers["ETag"]
    others = shop.other_slots(sold[2]["promise_id"])
    [later] = [slot for slot in others if slot["starts_at"] == o_clock("16:00")]
    changed = shop.change(sold[2]["promise_id"], kind="slot", offer=later["offer"])
    assert (changed["state"], changed["effect"]["state"]) == ("accepted", "out_for_delivery")
    assert changed["effect"]["promised_window"] == window(24, 16)
    assert changed["effect"]["live_eta"]["stops_before"] == 3
    manifest = shop.ask("GET", MANIFEST)
    assert manifest.headers["ETag"] != tag
    last = manifest.json_body["stops"][-1]
    assert (last["promise_id"], last["changed_because"]) == (sold[2]["promise_id"], "merchant")


def test_a_refusal_names_the_cut_off_and_the_next_best(shop: Shop, sold: list[dict[str, Any]]) -> None:
    """The merchant's own cut-off, as its settings publish it. CONTROL: an hour is short enough."""
    promise_id = sold[1]["promise_id"]
    refused = shop.change(promise_id, kind="cancel")
    assert (refused["state"], refused["reason"]) == ("refused", "change_cutoff_passed")
    assert refused["still_possible"] == ["gate_code", "neighbour", "safe_place"]
    assert o_clock("07:30") < refused["cutoff_at"] < o_clock("08:30")
    assert shop.other_slots(promise_id) == []
    settings = shop.done("GET", "/v1/settings", key="admin")
    shop.done("PUT", "/v1/settings", settings | {"change_cutoff_minutes": 60}, key="admin")
    assert shop.change(promise_id, kind="cancel")["state"] == "accepted"


def test_whom_the_van_drives_to_stays_and_is_heard(shop: Shop, sold: list[dict[str, Any]]) -> None:
    """`van_on_its_way`; what the driver has to know is accepted, and read at once."""
    refused = shop.change(sold[0]["promise_id"], kind="cancel")
    assert (refused["reason"], refused["still_possible"][0]) == ("van_on_its_way", "gate_code")
    assert shop.change(sold[0]["promise_id"], kind="gate_code", code="4471#")["state"] == "accepted"
    assert shop.done("GET", MANIFEST)["stops"][0]["instructions"]["gate_code"] == "4471#"


def test_a_failed_attempt_comes_with_choices(shop: Shop, sold: list[dict[str, Any]]) -> None:
    """Three offers, shown with the promise, told in the ledger and to webhooks; one of them is taken."""
    report(shop, "completed", "08:25", sold[0], outcome="failed_not_home")
    choices = shown(shop, sold[0])["choices"]
    assert choices["after"] == "failed"
    assert [(slot["number"], slot["starts_at"]) for slot in choices["slots"]] == [
        (1, o_clock("10:00")),
        (2, o_clock("12:00")),
        (3, o_clock("14:00")),
    ]
    line = ledger(shop, sold[0])[-1]
    assert (line["kind"], line["actor"]) == ("promise.choices", "system")
    assert line["data"]["choices"][0]["window"] == window(24, 10)
    changed = shop.change(sold[0]["promise_id"], kind="slot", offer=choices["slots"][2]["offer"])
    assert changed["effect"]["promised_window"] == window(24, 14)
    after = shown(shop, sold[0])
    assert "choices" not in after
    assert (after["state"], after["live_eta"]["stops_before"] >= 2) == ("confirmed", True)


def test_the_same_slot_may_be_had_again_after_an_attempt(shop: Shop, sold: list[dict[str, Any]]) -> None:
    """CONTROL: before, nobody is offered what they have."""
    own = sold[2]["promised_window"]["starts_at"]
    assert own not in {slot["starts_at"] for slot in shop.other_slots(sold[2]["promise_id"])}
    shop.clock.at = at(o_clock("12:10"))
    report(shop, "completed", "12:05", sold[2], outcome="failed_not_home")
    report(shop, "arrived", "12:06", sold[0])
    assert own in {slot["starts_at"] for slot in shop.other_slots(sold[2]["promise_id"])}


def test_what_comes_back_untried_is_not_out_for_delivery(shop: Shop, sold: list[dict[str, Any]]) -> None:
    """`failed_no_time`, told as any failure, with tomorrow's slots to choose from."""
    shop.clock.at = at(o_clock("13:00"))
    report(shop, "completed", "08:25", sold[0], outcome="delivered_to_recipient")
    report(shop, "returned_to_depot", "12:55")
    states = [shown(shop, each) for each in sold]
    assert [each["state"] for each in states] == ["delivered", *["confirmed"] * 3]
    assert [each["attempts"][0]["outcome"] for each in states[1:]] == ["failed_no_time"] * 3
    assert all(each["choices"]["slots"][0]["starts_at"].startswith("2026-11-25") for each in states[1:])
    kinds = [line["kind"] for line in ledger(shop, sold[1])]
    assert kinds[-2:] == ["promise.failed", "promise.choices"]


def test_no_access_is_asked_about_and_remembered_for_the_address(
    shop: Shop, sold: list[dict[str, Any]]
) -> None:
    """The driver says so, the buyer is asked, and the answer is there with the next order.

    CONTROL: another merchant, who never was told, knows nothing of that door.
    """
    report(shop, "incident", "08:26", sold[3], kind="access")
    told = [(line["kind"], line["data"]) for line in ledger(shop, sold[3])]
    assert ("promise.access_asked", {"because": "reported"}) in told
    shop.change(sold[3]["promise_id"], kind="gate_code", code="4471#")
    settle(shop)
    tomorrow = {"from_date": "2026-11-25"}
    again = shop.promise(offer=shop.offer(**tomorrow))
    theirs = shop.other.promise(offer=shop.other.offer(**tomorrow))
    settle(shop)
    assert shown(shop, again)["instructions"]["gate_code"] == "4471#"
    other = shop.other.done("GET", f"/v1/promises/{theirs['promise_id']}")
    assert other["instructions"]["gate_code"] is None
    stops = shop.done("GET", "/v1/shifts/porto.van-1.2026-11-25.0800/manifest")["stops"]
    assert [stop["instructions"]["gate_code"] for stop in stops] == ["4471#"]


def test_an_address_written_another_way_is_the_same_door(shop: Shop) -> None:
    """Letters and spaces do not matter; CONTROL: another flat is another door."""
    there = {"destination": NEAR | {"address": ADDRESS}}
    lines = [line.upper().replace(" ", "  ") for line in ADDRESS["lines"]]  # type: ignore[attr-defined]
    same = {"destination": NEAR | {"address": ADDRESS | {"lines": lines}}}
    flat = {"destination": NEAR | {"address": ADDRESS | {"unit": "5B"}}}
    first = shop.promise(offer=shop.offer(**there))
    shop.change(first["promise_id"], kind="gate_code", code="4471#")
    settle(shop)
    made = [shop.promise(offer=shop.offer(**wish)) for wish in (same, flat)]
    settle(shop)
    codes = [shown(shop, each)["instructions"]["gate_code"] for each in made]
    assert codes == ["4471#", None]


def test_merchants_are_told_of_choices_and_questions(shop: Shop, sold: list[dict[str, Any]]) -> None:
    """As events of their own, by slot and window; no gate code and no name in them."""
    shop.done("PUT", "/v1/webhooks/hook", {"url": "https://shop.example/webhooks"}, key="admin")
    report(shop, "completed", "08:25", sold[0], outcome="failed_no_access")
    shop.services.deliver()
    told = [each.body for each in shop.services.world.posted]
    kinds = [json.loads(body)["type"] for body in told]
    assert {"promise.failed", "promise.choices", "promise.access_asked"} <= {*kinds}
    assert "Ana" not in str(told)
