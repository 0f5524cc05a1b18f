"""Promises as an outside client meets them: made, read, listed, and all that happened to them."""

import csv
import io
import re
from typing import Any

import pytest

from tests.handlers.shop_client import (
    ADDRESS,
    LISBON,
    LIVE_ETA,
    NEAR,
    PHONE,
    Shop,
    a_depot,
    a_van,
    one_place_shop,
    window,
)

PROMISE = {
    *("promise_id", "order_ref", "shipment_ref", "state", "depot_id", "slot_id", "promised_window"),
    *("told_window", "planned_eta", "live_eta", "kept_probability", "handover", "instructions"),
    *("tracking_url", "attempts", "created_at"),
}


# --- made


def test_promise_has_the_shape_of_the_contract(shop: Shop) -> None:
    """From a hold, with every field given; it reads back the same."""
    instructions = {
        "gate_code": "4471#",
        "note": "Ring twice.\nBlue door.",
        "safe_place": "Shed",
        "neighbour": "No. 14",
    }
    handover = {"attended": True, "requires": ["age_18", "pin"]}
    offer = shop.offer(destination={**NEAR, "address": ADDRESS}, handover=handover)
    made = shop.promise(
        hold_id=shop.hold(offer)["hold_id"],
        order_ref="R-1",
        shipment_ref="S-1",
        recipient={"name": "Ana", "phone": PHONE, "locale": "pt-PT"},
        instructions=instructions,
    )
    assert made.keys() == PROMISE
    assert (made["order_ref"], made["shipment_ref"], made["state"]) == ("R-1", "S-1", "confirmed")
    assert made["promised_window"] == made["told_window"] == window(24, 8)
    assert made["instructions"] == instructions
    assert made["handover"] == handover
    assert made["live_eta"].keys() == LIVE_ETA
    eta = made["live_eta"]
    assert eta["earliest_at"] <= eta["expected_at"] <= eta["latest_at"] <= made["promised_window"]["ends_at"]
    assert made["planned_eta"].endswith("+00:00")
    assert 0.98 <= made["kept_probability"] <= 1
    assert made["attempts"] == []
    assert shop.done("GET", f"/v1/promises/{made['promise_id']}") == made


def test_offer_becomes_a_promise_without_a_hold(shop: Shop) -> None:
    """A storefront may leave the hold out; what has no default is the order, its name and the consent."""
    made = shop.done(
        "POST",
        "/v1/promises",
        {"offer": shop.offer(), "order_ref": "R-1", "recipient": {"name": "Ana"}, "sms_consent": False},
    )
    assert made["state"] == "confirmed"
    assert "renewed" not in made


def test_paid_offer_gives_up_its_carts_hold() -> None:
    """Where the offer names the cart, the request need not: the place it holds is the one it becomes."""
    shop = one_place_shop()
    shop.hold(cart_ref="cart")
    made = shop.promise(offer=shop.offer(cart_ref="cart"))
    assert made["promised_window"] == window(24, 10)


def test_hold_that_ran_out_is_renewed_where_it_can_be() -> None:
    """201 with `renewed: true`, cleared up or not."""
    for clear_up in (False, True):
        shop = one_place_shop()
        held = shop.hold()
        shop.clock.advance(900)
        if clear_up:
            shop.wait(0)
        made = shop.promise(hold_id=held["hold_id"])
        assert (made["renewed"], made["promised_window"]) == (True, window(24, 10))
        assert shop.done("GET", f"/v1/holds/{held['hold_id']}")["state"] == "confirmed"


def test_paid_order_that_came_too_late_gets_alternatives() -> None:
    """409 `slot_taken`, never a dead end: what it offers can be promised at once."""
    shop = one_place_shop()
    held, offer = shop.hold(), shop.offer(from_date="2026-11-25")
    shop.clock.advance(900)
    shop.promise()
    shop.promise(offer=offer)
    for source in ({"hold_id": held["hold_id"]}, {"offer": offer}):
        problem = shop.refused("POST", "/v1/promises", shop.order(**source))
        assert (problem["status"], problem["code"]) == (409, "slot_taken")
        assert shop.promise(offer=problem["alternatives"][0]["offer"])["state"] == "confirmed"


def test_paid_order_with_an_expired_offer_is_tried_all_the_same(shop: Shop) -> None:
    """A hold is refused then, a paid order is not."""
    offer = shop.offer()
    shop.clock.advance(2000)
    assert shop.promise(offer=offer)["renewed"] is True


def test_order_is_promised_once(shop: Shop) -> None:
    """409 with the id of the promise there is; another shipment of the order is another delivery."""
    made = shop.promise(order_ref="R-1")
    for source in ({"offer": shop.offer()}, {"hold_id": shop.hold()["hold_id"]}):
        problem = shop.refused("POST", "/v1/promises", shop.order(order_ref="R-1", **source))
        assert (problem["status"], problem["code"]) == (409, "order_already_promised")
        assert problem["promise_id"] == made["promise_id"]
    second = shop.promise(order_ref="R-1", shipment_ref="S-2")
    listed = shop.done("GET", "/v1/promises?order_ref=R-1")["data"]
    assert [each["promise_id"] for each in listed] == [made["promise_id"], second["promise_id"]]


def test_cancelled_order_may_be_promised_again(shop: Shop) -> None:
    """Also from the very hold that its first promise came of: whoever confirms has been paid."""
    held = shop.hold()
    first = shop.promise(hold_id=held["hold_id"], order_ref="R-1")
    shop.change(first["promise_id"], kind="cancel")
    second = shop.promise(hold_id=held["hold_id"], order_ref="R-1")
    assert second["promise_id"] != first["promise_id"]
    assert shop.done("GET", f"/v1/promises/{first['promise_id']}")["state"] == "cancelled"


def test_hold_of_one_order_is_not_anothers(shop: Shop) -> None:
    """The place is taken; the other order, paid as well, gets alternatives."""
    held = shop.hold()
    shop.promise(hold_id=held["hold_id"])
    problem = shop.refused("POST", "/v1/promises", shop.order(hold_id=held["hold_id"]))
    assert problem["code"] == "slot_taken"
    assert problem["alternatives"]


def test_repeated_promise_is_the_same_promise() -> None:
    """Same answer, also after the hold has expired and its slot is gone; another body is refused."""
    shop = one_place_shop()
    body = shop.order(hold_id=shop.hold()["hold_id"])
    first = shop.ask("POST", "/v1/promises", body, idempotency_key="once")
    shop.clock.advance(7200)
    again = shop.ask("POST", "/v1/promises", body, idempotency_key="once")
    assert (first.status_code, again.status_code, again.body) == (201, 201, first.body)
    assert again.headers["Idempotent-Replayed"] == "true"
    other = shop.refused("POST", "/v1/promises", {**body, "sms_consent": False}, idempotency_key="once")
    assert (other["status"], other["code"]) == (422, "idempotency_mismatch")
    assert len(shop.done("GET", "/v1/promises")["data"]) == 1


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"order_ref": ""}, "/order_ref"),
        ({"order_ref": "R 1"}, "/order_ref"),
        ({"order_ref": None}, "/order_ref"),
        ({"recipient": {}}, "/recipient/name"),
        ({"recipient": {"name": ""}}, "/recipient/name"),
        ({"recipient": {"name": "see evil.example/x"}}, "/recipient/name"),
        ({"recipient": {"name": "A" * 41}}, "/recipient/name"),
        ({"recipient": {"name": "Ana", "phone": "2025550123"}}, "/recipient/phone"),
        ({"recipient": {"name": "Ana", "phone": "+1 202 555 0123"}}, "/recipient/phone"),
        ({"recipient": {"name": "Ana", "phone": "+1-800-FLOWERS"}}, "/recipient/phone"),
        ({"recipient": {"name": "Ana", "phone": "+12025550123;ext=3"}}, "/recipient/phone"),
        ({"recipient": {"name": "Ana", "phone": "+19005551234"}}, "/recipient/phone"),
        ({"recipient": {"name": "Ana", "phone": "+870776123456"}}, "/recipient/phone"),
        ({"recipient": {"name": "Ana", "phone": "+" + "1" * 40}}, "/recipient/phone"),
        ({"recipient": {"name": "Ana", "phone": "+١٢٠٢٥٥٥٠١٢٣"}}, "/recipient/phone"),
        ({"recipient": {"name": "Ana", "phone": 12025550123}}, "/recipient/phone"),
        ({"recipient": {"name": "Ana", "locale": "portuguese"}}, "/recipient/locale"),
        ({"sms_consent": "yes"}, "/sms_consent"),
        ({"sms_consent": None}, "/sms_consent"),
        ({"instructions": {"note": "x" * 501}}, "/instructions/note"),
        ({"instructions": {"door": "blue"}}, "/instructions/door"),
        ({"offer": None, "hold_id": None}, ""),
        ({"hold_id": "hold_0000000000000"}, ""),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_order_that_makes_no_sense_is_refused_with_the_place(
    shop: Shop, wrong: dict[str, Any], pointer: str
) -> None:
    """B05: 422 with a JSON pointer, and nothing is promised."""
    problem = shop.refused("POST", "/v1/promises", shop.order(offer=shop.offer()) | wrong)
    assert (problem["status"], problem["code"]) == (422, "invalid_request")
    assert [each["pointer"] for each in problem["errors"]] == [pointer]
    assert shop.done("GET", "/v1/promises")["data"] == []


def test_tracking_link_is_opaque_and_says_nothing(shop: Shop) -> None:
    """B11: at least 96 bits of chance, another for each promise, nothing personal in it."""
    made = [shop.promise(order_ref=f"R-{number}") for number in range(3)]
    tokens = [re.fullmatch(r"https://track\.example/t/([\w-]{16,})", each["tracking_url"]) for each in made]
    assert all(tokens)
    assert len({each["tracking_url"] for each in made}) == 3


# --- read and listed


def test_lists_are_narrowed_by_what_is_asked(shop: Shop) -> None:
    """Order, depot, date (with or without a depot), state; together they narrow further."""
    shop.done("PUT", "/v1/depots/aveiro", a_depot())
    shop.done("PUT", "/v1/depots/aveiro/vehicles/van-1", a_van())
    today = shop.promise(offer=shop.offer(depot_id="porto"))["promise_id"]
    tomorrow = shop.promise(offer=shop.offer(depot_id="porto", from_date="2026-11-25"))["promise_id"]
    elsewhere = shop.promise(offer=shop.offer(depot_id="aveiro"))["promise_id"]
    shop.change(tomorrow, kind="cancel")

    def listed(query: str) -> list[str]:
        return sorted(each["promise_id"] for each in shop.done("GET", f"/v1/promises?{query}")["data"])

    assert listed("") == sorted([today, tomorrow, elsewhere])
    assert listed("depot_id=aveiro") == [elsewhere]
    assert listed("depot_id=nowhere") == []
    assert listed("date=2026-11-24") == sorted([today, elsewhere])
    assert listed("date=2026-11-24&depot_id=porto") == [today]
    assert listed("date=2026-12-24") == []
    assert listed("state=cancelled") == [tomorrow]
    assert listed("state=confirmed") == sorted([today, elsewhere])
    assert listed("state=delivered") == []
    assert listed("order_ref=nobodys") == []


def test_promises_without_a_van_are_found(shop: Shop) -> None:
    """`unassigned` and `risk` tell what needs a human; what is finished needs nobody."""
    lost, cancelled = shop.promise(), shop.promise()
    safe = shop.promise(offer=shop.offer(from_date="2026-11-26"))
    shop.change(cancelled["promise_id"], kind="cancel")
    gone = shop.done("DELETE", "/v1/depots/porto/shifts/porto.van-1.2026-11-24.0800")
    assert gone["at_risk"] == [lost["promise_id"]]

    def listed(query: str) -> set[str]:
        return {each["promise_id"] for each in shop.done("GET", f"/v1/promises?{query}")["data"]}

    assert listed("unassigned=true") == {lost["promise_id"]}
    assert listed("unassigned=false") == {cancelled["promise_id"], safe["promise_id"]}
    assert listed("risk=at_risk") == {lost["promise_id"]}
    assert listed("risk=broken") == set()
    shown = shop.done("GET", f"/v1/promises/{lost['promise_id']}")
    assert (shown["risk"], shown["planned_eta"], shown["live_eta"]) == ("at_risk", None, None)
    assert shown["promised_window"] == window(24, 8)


def test_pages_join_to_the_whole_list_whatever_is_left_out(shop: Shop) -> None:
    """A page is as long as asked where there is enough, also with a filter that the store does not know."""
    made = [shop.promise() for _ in range(5)]
    for each in made[:3]:
        shop.change(each["promise_id"], kind="cancel")
    shop.done("DELETE", "/v1/depots/porto/shifts/porto.van-1.2026-11-24.0800")
    for query, expected in (("", made), ("unassigned=true&", made[3:])):
        seen, cursor = [], ""
        while cursor is not None:
            page = shop.done("GET", f"/v1/promises?{query}limit=2{cursor and f'&cursor={cursor}'}")
            assert len(page["data"]) == 2 or page["next_cursor"] is None
            seen += [each["promise_id"] for each in page["data"]]
            cursor = page["next_cursor"]
        assert seen == [each["promise_id"] for each in expected]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=1000000000", "?limit"),
        ("limit=0", "?limit"),
        ("state=lost", "?state"),
        ("date=tomorrow", "?date"),
        ("risk=high", "?risk"),
        ("unassigned=perhaps", "?unassigned"),
        ("order_ref=a%20b", "?order_ref"),
        ("ordre_ref=R-1", "?ordre_ref"),
        ("date=2026-11-24&date=2026-11-25", "?date"),
    ],
)
def test_list_that_is_not_understood_is_refused(shop: Shop, query: str, pointer: str) -> None:
    """B18: 422 naming the parameter."""
    problem = shop.refused("GET", f"/v1/promises?{query}")
    assert (problem["status"], [each["pointer"] for each in problem["errors"]]) == (422, [pointer])


def test_cursor_is_good_for_its_list_only(shop: Shop) -> None:
    """B18: edited, of another filter or of another merchant: 400."""
    for _ in range(2):
        shop.promise()
    cursor = shop.done("GET", "/v1/promises?limit=1")["next_cursor"]
    for query in (f"cursor={cursor[:-1]}", f"cursor={cursor}A", f"state=confirmed&cursor={cursor}"):
        problem = shop.refused("GET", f"/v1/promises?{query}")
        assert (problem["status"], problem["code"]) == (400, "cursor_invalid")
    assert shop.other.refused("GET", f"/v1/promises?cursor={cursor}")["code"] == "cursor_invalid"


def test_list_as_csv_leads_to_its_next_page_and_runs_nothing(shop: Shop) -> None:
    """B15: what a spreadsheet would take for a formula gets an apostrophe; the Link header goes on."""
    made = [shop.promise(order_ref=ref) for ref in ("-1", "R-2", "R-3")]
    seen, target = [], "/v1/promises?limit=2&date=2026-11-24&unassigned=false"
    while target:
        answer = shop.ask("GET", target, headers={"Accept": "text/csv"})
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        seen += list(csv.DictReader(io.StringIO(answer.body.decode())))
        [target] = re.findall(r'<(.+)>; rel="next"', answer.headers.get("Link", "")) or [""]
    assert [row["promise_id"] for row in seen] == [each["promise_id"] for each in made]
    assert [row["order_ref"] for row in seen] == ["'-1", "R-2", "R-3"]
    assert {row["promised_starts_at"] for row in seen} == {"2026-11-24T08:00:00+00:00"}
    assert PHONE not in str(seen)


# --- ledger and texts


def test_ledger_tells_all_that_happened_with_reasons(shop: Shop) -> None:
    """Oldest first, numbered, who did it and why; windows in the depot's zone."""
    promise_id = shop.promise()["promise_id"]
    shop.clock.advance(60)
    shop.change(promise_id, kind="slot", offer=shop.other_slots(promise_id)[0]["offer"])
    shop.change(promise_id, kind="address", location=LISBON, address=ADDRESS)
    shop.change(promise_id, kind="cancel", reason="Ordered twice")
    ledger = shop.done("GET", f"/v1/promises/{promise_id}/ledger")
    assert ledger["next_cursor"] is None
    facts = ledger["data"]
    assert all(fact.keys() == {"sequence", "at", "kind", "actor", "data"} for fact in facts)
    assert [(fact["sequence"], fact["kind"], fact["actor"]) for fact in facts] == [
        (1, "promise.confirmed", "merchant"),
        (2, "promise.changed", "merchant"),
        (3, "promise.change_refused", "merchant"),
        (4, "promise.cancelled", "merchant"),
    ]
    confirmed, moved, refused, cancelled = facts
    assert (confirmed["at"], moved["at"]) == ("2026-11-24T06:00:00+00:00", "2026-11-24T06:01:00+00:00")
    assert confirmed["data"]["promised_window"] == moved["data"]["from_window"] == window(24, 8)
    assert moved["data"]["to_window"] == window(24, 10)
    assert (refused["data"]["kind"], refused["data"]["reason"]) == ("address", "out_of_area")
    assert cancelled["data"]["reason"] == "Ordered twice"
    assert "Flores" not in str(facts)


def test_confirmed_promise_is_texted_once_however_often_its_fact_comes(shop: Shop) -> None:
    """Sent ones have the carrier's id; the inbox holds one."""
    promise_id = shop.promise()["promise_id"]
    for _ in range(2):
        shop.services.publish()
    messages = shop.done("GET", f"/v1/promises/{promise_id}/messages")
    assert messages["next_cursor"] is None
    [text] = messages["data"]
    assert (text["kind"], text["status"]) == ("promise_confirmed", "sent")
    [received] = shop.done("GET", "/v1/test/messages")["data"]
    assert (received["sid"], received["to"], received["body"]) == (text["sid"], PHONE, text["body"])


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ({"recipient": {"name": "Ana"}}, "no_phone"),
        ({"sms_consent": False}, "no_consent"),
    ],
)
def test_text_that_was_not_sent_says_why(shop: Shop, order: dict[str, Any], reason: str) -> None:
    """Silence is recorded, too."""
    promise_id = shop.promise(**order)["promise_id"]
    shop.services.publish()
    [text] = shop.done("GET", f"/v1/promises/{promise_id}/messages")["data"]
    assert (text["status"], text["reason"]) == ("skipped", reason)
    assert "sid" not in text
    assert shop.done("GET", "/v1/test/messages")["data"] == []


def test_merchant_that_switched_texting_off_texts_nobody(shop: Shop) -> None:
    """The setting counts when the text would go out."""
    promise_id = shop.promise()["promise_id"]
    shop.done("PUT", "/v1/settings", {"brand": "Acme", "texting": False})
    shop.services.publish()
    [text] = shop.done("GET", f"/v1/promises/{promise_id}/messages")["data"]
    assert (text["status"], text["reason"]) == ("skipped", "texting_off")


def test_log_holds_nothing_personal(shop: Shop) -> None:
    """Names, numbers, addresses, notes, keys and tokens of a whole order stay out of it."""
    canaries = {
        "recipient": {"name": "Canaria", "phone": PHONE},
        "instructions": {"gate_code": "Canary-gate", "note": "Canary-note"},
    }
    held = shop.hold(shop.offer(destination={**NEAR, "address": {**ADDRESS, "lines": ["Canary Street"]}}))
    promise_id = shop.promise(hold_id=held["hold_id"], **canaries)["promise_id"]
    shop.change(promise_id, kind="safe_place", where="Canary-shed")
    shop.refused("POST", "/v1/promises", {**shop.order(), **canaries, "colour": "Canary"})
    logged = shop.log.getvalue()
    assert logged.count("\n") > 5
    for secret in ("anar", PHONE[1:], held["hold_token"], *shop.keys.values()):
        assert secret not in logged


@pytest.mark.parametrize("promise_id", ["prm_0000000000000", "prm_x", "hold_0000000000000", "R-1"])
@pytest.mark.parametrize("part", ["", "/slots", "/ledger", "/messages"])
def test_promise_that_does_not_exist_is_not_found(shop: Shop, promise_id: str, part: str) -> None:
    """404, whatever its id looks like."""
    assert shop.refused("GET", f"/v1/promises/{promise_id}{part}")["code"] == "not_found"


@pytest.mark.parametrize("key", ["driver", "publishable"])
@pytest.mark.parametrize("part", ["", "/slots", "/ledger", "/messages"])
def test_promises_are_for_checkout_and_office(shop: Shop, key: str, part: str) -> None:
    """Either scope opens them; a page or a van sees none."""
    promise_id = shop.promise()["promise_id"]
    for allowed in ("checkout", "ops"):
        assert shop.ask("GET", f"/v1/promises/{promise_id}{part}", key=allowed).status_code == 200
    assert shop.refused("GET", f"/v1/promises/{promise_id}{part}", key=key)["code"] == "forbidden"
