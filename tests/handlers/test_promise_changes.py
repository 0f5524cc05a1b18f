"""Changes of a promise as an outside client meets them: done, or refused with the reason."""

from typing import Any

import pytest

from tests.handlers.shop_client import ADDRESS, LISBON, LIVE_ETA, Shop, one_place_shop, window

CLOSE_BY = {"lat": 41.162, "lon": -8.603}


def test_other_slots_are_offers_to_move_to(shop: Shop) -> None:
    """All of them can be had, none is the one it has; a finished promise moves nowhere."""
    promise_id = shop.promise()["promise_id"]
    others = shop.other_slots(promise_id)
    assert {slot["available"] for slot in others} == {True}
    starts = [slot["starts_at"] for slot in others]
    assert starts[0] == "2026-11-24T10:00:00+00:00"
    assert window(24, 8)["starts_at"] not in starts
    assert starts == sorted(starts)
    assert len(shop.done("GET", f"/v1/promises/{promise_id}/slots?days=1")["slots"]) == 4
    shop.change(promise_id, kind="cancel")
    assert shop.other_slots(promise_id) == []


def test_promise_moves_to_another_slot(shop: Shop) -> None:
    """The effect is answered; the first window is remembered; the old place is for sale again."""
    promise_id = shop.promise()["promise_id"]
    changed = shop.change(promise_id, kind="slot", offer=shop.other_slots(promise_id)[2]["offer"])
    assert changed.keys() == {"change_id", "state", "effect"}
    assert changed["state"] == "accepted"
    assert changed["effect"]["promised_window"] == window(24, 14)
    assert changed["effect"]["live_eta"].keys() == LIVE_ETA
    shown = shop.done("GET", f"/v1/promises/{promise_id}")
    assert (shown["original_window"], shown["promised_window"]) == (window(24, 8), window(24, 14))
    assert shown["told_window"] == window(24, 14)


def test_promise_on_a_full_day_still_moves() -> None:
    """Its own place is given up in the same step."""
    shop = one_place_shop()
    promise_id = shop.promise()["promise_id"]
    [tomorrow, *_] = shop.other_slots(promise_id)
    shop.change(promise_id, kind="slot", offer=tomorrow["offer"])
    assert shop.search()[0]["available"]
    [back, *_] = shop.other_slots(promise_id)
    assert shop.change(promise_id, kind="slot", offer=back["offer"])["state"] == "accepted"


def test_slot_that_is_gone_is_refused_with_what_could_be_had() -> None:
    """201 `refused`: reason, alternatives, and everything stays as it was."""
    shop = one_place_shop()
    promise_id = shop.promise()["promise_id"]
    offer = shop.other_slots(promise_id)[0]["offer"]
    shop.promise(offer=shop.offer(from_date="2026-11-25"))
    changed = shop.change(promise_id, kind="slot", offer=offer)
    assert changed.keys() == {"change_id", "state", "reason", "effect", "alternatives"}
    assert (changed["state"], changed["reason"]) == ("refused", "slot_taken")
    assert changed["effect"]["promised_window"] == window(24, 10)
    assert (
        shop.change(promise_id, kind="slot", offer=changed["alternatives"][0]["offer"])["state"] == "accepted"
    )


def test_expired_offer_moves_nothing(shop: Shop) -> None:
    """B12: 410; nobody is moved at a price of half an hour ago."""
    promise_id = shop.promise(offer=shop.offer(from_date="2026-11-26"))["promise_id"]
    offer = shop.other_slots(promise_id)[-1]["offer"]
    shop.clock.advance(1800)
    body = {"kind": "slot", "offer": offer}
    problem = shop.refused("POST", f"/v1/promises/{promise_id}/changes", body)
    assert (problem["status"], problem["code"]) == (410, "offer_expired")


@pytest.mark.parametrize(
    "wish", [{"destination": CLOSE_BY}, {"load": {"parcels": 2}}, {"load": {"parcels": 1, "grams": 5}}]
)
def test_offer_for_something_else_moves_nothing(shop: Shop, wish: dict[str, Any]) -> None:
    """B12: an offer is bound to its delivery."""
    promise_id = shop.promise()["promise_id"]
    body = {"kind": "slot", "offer": shop.offer(2, **wish)}
    assert shop.refused("POST", f"/v1/promises/{promise_id}/changes", body)["code"] == "offer_invalid"


def test_offer_to_move_one_promise_moves_no_other(shop: Shop) -> None:
    """B12: it is bound to the promise it was made for."""
    one, other = shop.promise()["promise_id"], shop.promise()["promise_id"]
    body = {"kind": "slot", "offer": shop.other_slots(one)[0]["offer"]}
    assert shop.refused("POST", f"/v1/promises/{other}/changes", body)["code"] == "offer_invalid"


def test_new_address_is_checked_like_a_slot(shop: Shop) -> None:
    """Near by it is accepted within the same window, out of the area it is refused."""
    promise_id = shop.promise()["promise_id"]
    moved = shop.change(promise_id, kind="address", location=CLOSE_BY, address=ADDRESS)
    assert (moved["state"], moved["effect"]["promised_window"]) == ("accepted", window(24, 8))
    refused = shop.change(promise_id, kind="address", location=LISBON, address=ADDRESS)
    assert (refused["state"], refused["reason"]) == ("refused", "out_of_area")
    assert shop.other_slots(promise_id)


@pytest.mark.parametrize(
    ("change", "field", "told"),
    [
        ({"kind": "neighbour", "name_or_number": "No. 14"}, "neighbour", "No. 14"),
        ({"kind": "safe_place", "where": "Shed"}, "safe_place", "Shed"),
        ({"kind": "gate_code", "code": "4471#"}, "gate_code", "4471#"),
    ],
)
def test_driver_is_told_something_new(shop: Shop, change: dict[str, str], field: str, told: str) -> None:
    """Accepted at once, and shown among the instructions; the others stay."""
    promise_id = shop.promise(instructions={"note": "Ring twice."})["promise_id"]
    assert shop.change(promise_id, **change)["state"] == "accepted"
    shown = shop.done("GET", f"/v1/promises/{promise_id}")["instructions"]
    assert (shown[field], shown["note"]) == (told, "Ring twice.")


def test_what_must_be_handed_over_is_not_left_somewhere(shop: Shop) -> None:
    """Attended: no safe place; proof of age: no neighbour either."""
    attended = shop.promise(offer=shop.offer(handover={"attended": True}))["promise_id"]
    by_age = shop.promise(offer=shop.offer(handover={"requires": ["age_18"]}))["promise_id"]
    asked = [
        shop.change(attended, kind="safe_place", where="Shed"),
        shop.change(by_age, kind="safe_place", where="Shed"),
        shop.change(by_age, kind="neighbour", name_or_number="14"),
    ]
    assert {changed["reason"] for changed in asked} == {"handover_in_person"}
    assert shop.change(attended, kind="neighbour", name_or_number="14")["state"] == "accepted"


def test_cancelled_promise_frees_its_place_at_once_and_is_finished() -> None:
    """Nothing changes it any more."""
    shop = one_place_shop()
    promise_id = shop.promise()["promise_id"]
    assert not shop.search()[0]["available"]
    changed = shop.change(promise_id, kind="cancel", reason="Ordered twice")
    assert (changed["state"], changed["effect"]["state"]) == ("accepted", "cancelled")
    assert shop.search()[0]["available"]
    for change in ({"kind": "cancel"}, {"kind": "gate_code", "code": "1"}):
        refused = shop.change(promise_id, **change)
        assert (refused["state"], refused["reason"]) == ("refused", "promise_finished")


def test_loaded_parcel_is_neither_moved_nor_cancelled(shop: Shop) -> None:
    """From `loads_at` on its van gives none away; the driver may still be told a gate code."""
    promise_id = shop.promise()["promise_id"]
    offer = shop.other_slots(promise_id)[-1]["offer"]
    shop.clock.advance(90 * 60)
    for change in ({"kind": "slot", "offer": offer}, {"kind": "cancel"}):
        assert shop.change(promise_id, **change)["reason"] == "change_cutoff_passed"
    assert shop.change(promise_id, kind="gate_code", code="4471#")["state"] == "accepted"


def test_repeated_change_is_the_same_change(shop: Shop) -> None:
    """One line in the ledger; a refused change is an effect as well."""
    promise_id = shop.promise()["promise_id"]
    path, body = f"/v1/promises/{promise_id}/changes", {"kind": "gate_code", "code": "4471#"}
    first, again = (shop.ask("POST", path, body, idempotency_key="once") for _ in range(2))
    assert (again.body, again.headers["Idempotent-Replayed"]) == (first.body, "true")
    other = shop.refused("POST", path, {"kind": "cancel"}, idempotency_key="once")
    assert other["code"] == "idempotency_mismatch"
    assert len(shop.done("GET", f"/v1/promises/{promise_id}/ledger")["data"]) == 2


def test_key_used_for_one_promise_does_not_serve_for_another(shop: Shop) -> None:
    """The path is part of what a key stands for."""
    body = {"kind": "cancel"}
    one, other = (f"/v1/promises/{shop.promise()['promise_id']}/changes" for _ in range(2))
    shop.done("POST", one, body, idempotency_key="once")
    assert shop.refused("POST", other, body, idempotency_key="once")["code"] == "idempotency_mismatch"


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"kind": "slot"}, "/offer"),
        ({"kind": "address", "location": {"lat": 0, "lon": 0}, "address": ADDRESS}, "/location"),
        ({"kind": "address", "location": CLOSE_BY}, "/address"),
        ({"kind": "neighbour", "name_or_number": ""}, "/name_or_number"),
        ({"kind": "gate_code", "code": 4471}, "/code"),
        ({"kind": "gate_code", "code": "1" * 41}, "/code"),
        ({"kind": "safe_place", "place": "Shed"}, "/where"),
        ({"kind": "cancel", "because": "x"}, "/because"),
    ],
)
def test_change_that_makes_no_sense_is_refused_with_the_place(
    shop: Shop, wrong: dict[str, Any], pointer: str
) -> None:
    """Pointers lead into the body, whatever the union's members are called."""
    promise_id = shop.promise()["promise_id"]
    problem = shop.refused("POST", f"/v1/promises/{promise_id}/changes", wrong)
    assert (problem["status"], problem["errors"][0]["pointer"]) == (422, pointer)


@pytest.mark.parametrize(
    "wrong", [{}, {"kind": "Canary-refund"}, {"kind": None}, {"kind": 7}, {"kind": {}}, {"code": "4471#"}]
)
def test_change_of_no_kind_is_refused(shop: Shop, wrong: dict[str, Any]) -> None:
    """The field is named, and what came is not repeated."""
    promise_id = shop.promise()["promise_id"]
    problem = shop.refused("POST", f"/v1/promises/{promise_id}/changes", wrong)
    assert (problem["status"], problem["errors"][0]["pointer"]) == (422, "/kind")
    assert "Canary" not in str(problem)
