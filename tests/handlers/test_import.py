"""POST /v1/promises/import: one result for each order, and a repetition that finishes what was begun."""

from datetime import date
from typing import Any

import pytest

from chalicelib.errors import Upstream
from chalicelib.events import Tenant
from chalicelib.promises.store import Changes
from tests.handlers.shop_client import ACME, LISBON, NEAR, PHONE, Shop, a_depot, a_van, fresh, window

DAY = "2026-11-24"
IMPORT = "/v1/promises/import"
A_WINDOW = {"starts_at": f"{DAY}T09:15:00+00:00", "ends_at": f"{DAY}T11:45:00+00:00"}


def an_order(order_ref: str | None = None, **more: Any) -> dict[str, Any]:
    """An order promised elsewhere, for a window that is none of the depot's slots."""
    return {
        "order_ref": order_ref or fresh("order"),
        "destination": NEAR,
        "load": {"parcels": 1},
        "promised_window": A_WINDOW,
        "recipient": {"name": "Ana", "phone": PHONE},
        "sms_consent": True,
    } | more


def imported(shop: Shop, *orders: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = shop.done("POST", IMPORT, {"orders": orders}, **more)["results"]
    return results


def test_each_order_has_its_result_in_the_order_of_the_request() -> None:
    """Inserted, kept waiting, promised already, refused: told one by one, and all with status 200."""
    shop = Shop(van=a_van(capacity={"parcels": 2}))
    sold = shop.promise(order_ref="sold")
    results = imported(
        shop,
        an_order("one"),
        an_order("two", shipment_ref="a"),
        an_order("sold"),
        an_order("wrong", destination=LISBON),
    )
    assert [(each["order_ref"], each["state"]) for each in results] == [
        ("one", "inserted"),
        ("two", "unassigned"),
        ("sold", "already_promised"),
        ("wrong", "refused"),
    ]
    one, two, again, wrong = results
    assert one["promised_window"] == two["promised_window"] == A_WINDOW
    assert (two["shipment_ref"], two["reason"]) == ("a", "no_route_fit")
    assert (again["promise_id"], again["promised_window"]) == (sold["promise_id"], window(24, 8))
    assert wrong == {"order_ref": "wrong", "state": "refused", "reason": "out_of_area"}


def test_an_inserted_promise_is_like_any_other() -> None:
    """It is read, listed, planned; its tracking page has an address; it can be changed."""
    shop = Shop()
    [result] = imported(shop, an_order("one", instructions={"gate_code": "12"}, skills=[], handover={}))
    promise = shop.done("GET", f"/v1/promises/{result['promise_id']}")
    assert (promise["state"], promise["promised_window"]) == ("confirmed", A_WINDOW)
    assert promise["planned_eta"] == A_WINDOW["starts_at"]
    assert promise["instructions"]["gate_code"] == "12"
    assert "risk" not in promise
    assert shop.done("GET", "/v1/promises?order_ref=one")["data"] == [promise]
    [route] = shop.done("GET", f"/v1/depots/porto/plans/{DAY}")["routes"]
    assert [stop["promise_id"] for stop in route["stops"]] == [result["promise_id"]]
    moved = shop.change(
        result["promise_id"], kind="slot", offer=shop.other_slots(result["promise_id"])[-1]["offer"]
    )
    assert moved["state"] == "accepted"


def test_a_waiting_promise_is_shown_at_risk() -> None:
    """By itself, in the list of those without a van, and in its plan."""
    shop = Shop(vans=0)
    [result] = imported(shop, an_order())
    assert result["state"] == "unassigned"
    promise = shop.done("GET", f"/v1/promises/{result['promise_id']}")
    assert (promise["risk"], promise["planned_eta"]) == ("at_risk", None)
    assert shop.done("GET", "/v1/promises?unassigned=true")["data"] == [promise]
    plan = shop.done("GET", f"/v1/depots/porto/plans/{DAY}")
    assert [stop["promise_id"] for stop in plan["unassigned"]] == [result["promise_id"]]


def test_an_order_for_a_closed_day_waits_and_says_why() -> None:
    """Here, in the plan, and in its ledger: only another slot helps."""
    closure = {
        "from_at": f"{DAY}T00:00:00Z",
        "to_at": f"{DAY}T23:59:59Z",
        "reason": "Strike",
    }
    shop = Shop(depot=a_depot(closures=[closure]))
    [result] = imported(shop, an_order())
    assert (result["state"], result["reason"]) == ("unassigned", "closed")
    [stop] = shop.done("GET", f"/v1/depots/porto/plans/{DAY}")["unassigned"]
    assert (stop["risk"], stop["reason"]) == ("at_risk", "closed")
    [fact] = shop.done("GET", f"/v1/promises/{result['promise_id']}/ledger")["data"]
    assert fact["data"]["reason"] == "closed"


def test_nobody_is_texted_about_an_import() -> None:
    """Whoever promised has told the buyer; the control is a sale, of which they are told."""
    shop = Shop()
    imported(shop, an_order())
    shop.services.publish()
    assert shop.services.texts == []
    shop.promise()
    shop.services.publish()
    assert len(shop.services.texts) == 1


def test_the_ledger_begins_with_the_import() -> None:
    """Its window as text, like all windows."""
    shop = Shop()
    [result] = imported(shop, an_order())
    [fact] = shop.done("GET", f"/v1/promises/{result['promise_id']}/ledger")["data"]
    assert (fact["kind"], fact["actor"]) == ("promise.imported", "merchant")
    assert fact["data"]["promised_window"] == A_WINDOW


@pytest.mark.parametrize(
    ("starts", "ends", "reason"),
    [
        (f"{DAY}T11:00:00Z", f"{DAY}T10:00:00Z", "bad_window"),
        (f"{DAY}T10:00:00Z", "2026-11-25T10:00:01Z", "bad_window"),
        (f"{DAY}T04:00:00Z", f"{DAY}T05:00:00Z", "window_passed"),
        ("2026-12-24T10:00:00Z", "2026-12-24T12:00:00Z", "beyond_horizon"),
    ],
)
def test_a_window_that_cannot_be_is_refused_alone(starts: str, ends: str, reason: str) -> None:
    """The other orders of the request are taken all the same."""
    shop = Shop()
    wrong = an_order(promised_window={"starts_at": starts, "ends_at": ends})
    first, second = imported(shop, wrong, an_order())
    assert (first["state"], first["reason"]) == ("refused", reason)
    assert second["state"] == "inserted"


def test_another_merchants_depot_and_shift_are_unknown() -> None:
    """B10: word for word as those that do not exist; the control is their owner."""
    shop = Shop()
    theirs = {"depot_id": "gaia"}, {"shift_id": f"gaia.van-1.{DAY}.0800"}
    nobodys = {"depot_id": "nowhere"}, {"shift_id": f"nowhere.van-1.{DAY}.0800"}
    orders = [an_order(f"order-{number}", **more) for number, more in enumerate([*theirs, *nobodys])]
    foreign_depot, foreign_shift, no_depot, no_shift = imported(shop, *orders)
    assert foreign_depot["reason"] == no_depot["reason"] == "unknown_depot"
    assert foreign_shift["reason"] == no_shift["reason"] == "unknown_shift"
    own = shop.other.done("POST", IMPORT, {"orders": orders[:2]})["results"]
    assert {result["state"] for result in own} == {"inserted"}


def test_a_repetition_answers_the_same_and_does_nothing() -> None:
    """`Idempotent-Replayed: true`; under another key every order says that it is promised."""
    shop = Shop()
    body = {"orders": [an_order("one"), an_order("two")]}
    first = shop.ask("POST", IMPORT, body, idempotency_key="monday")
    again = shop.ask("POST", IMPORT, body, idempotency_key="monday")
    assert again.body == first.body
    assert again.headers["Idempotent-Replayed"] == "true"
    other = imported(shop, *body["orders"])
    assert {result["state"] for result in other} == {"already_promised"}
    assert [result["promise_id"] for result in other] == [
        result["promise_id"] for result in first.json_body["results"]
    ]
    assert len(shop.done("GET", "/v1/promises")["data"]) == 2


def test_a_key_is_good_for_one_request() -> None:
    """422 for another body; 400 without a key."""
    shop = Shop()
    body = {"orders": [an_order("one")]}
    shop.done("POST", IMPORT, body, idempotency_key="monday")
    other = {"orders": [an_order("two")]}
    assert shop.refused("POST", IMPORT, other, idempotency_key="monday")["code"] == "idempotency_mismatch"
    assert shop.refused("POST", IMPORT, other, idempotency_key=None)["code"] == "idempotency_key_missing"


class _Fails:
    """A commit that stops working after a number of times, and works again when told."""

    def __init__(self, shop: Shop, after: int) -> None:
        self._commit, self._left = shop.services.store.commit, after
        self.broken = True
        shop.services.store.commit = self  # type: ignore[method-assign]

    def __call__(self, tenant: Tenant, changes: Changes) -> None:
        if self.broken and not self._left:
            raise Upstream("The store does not answer.")
        self._left -= 1
        self._commit(tenant, changes)


@pytest.mark.parametrize("done", [0, 1, 2, 3])
def test_an_import_that_broke_off_is_finished_by_its_repetition(done: int) -> None:
    """503 in the middle; the repetition answers for all orders as if nothing had been, each imported once."""
    whole, shop = Shop(van=a_van(capacity={"parcels": 2})), Shop(van=a_van(capacity={"parcels": 2}))
    body = {"orders": [an_order("one"), an_order("two"), an_order("three")]}
    expected = [result["state"] for result in whole.done("POST", IMPORT, body)["results"]]
    assert expected == ["inserted", "inserted", "unassigned"]
    fails = _Fails(shop, done)
    problem = shop.refused("POST", IMPORT, body, idempotency_key="monday")
    assert (problem["status"], problem["code"]) == (503, "upstream_unavailable")
    assert len(shop.done("GET", "/v1/promises")["data"]) == done
    fails.broken = False
    answered = shop.done("POST", IMPORT, body, idempotency_key="monday")
    assert [result["state"] for result in answered["results"]] == expected
    assert shop.done("POST", IMPORT, body, idempotency_key="monday") == answered
    promises = shop.done("GET", "/v1/promises")["data"]
    assert sorted(promise["order_ref"] for promise in promises) == ["one", "three", "two"]


def test_control_another_key_does_not_know_what_the_first_one_did() -> None:
    """Without the receipts of the parts, the repetition would answer like this."""
    shop = Shop()
    body = {"orders": [an_order("one"), an_order("two")]}
    fails = _Fails(shop, 1)
    shop.refused("POST", IMPORT, body, idempotency_key="monday")
    fails.broken = False
    answered = shop.done("POST", IMPORT, body, idempotency_key="tuesday")
    assert [result["state"] for result in answered["results"]] == ["already_promised", "inserted"]


def test_an_import_that_broke_off_is_not_finished_by_another_request() -> None:
    """The same key with other orders is a mistake, also in the middle."""
    shop = Shop()
    fails = _Fails(shop, 1)
    shop.refused("POST", IMPORT, {"orders": [an_order("one"), an_order("two")]}, idempotency_key="monday")
    fails.broken = False
    other = {"orders": [an_order("three")]}
    assert shop.refused("POST", IMPORT, other, idempotency_key="monday")["code"] == "idempotency_mismatch"
    assert len(shop.done("GET", "/v1/promises")["data"]) == 1


def test_a_caller_cannot_ask_for_a_part() -> None:
    """The receipts of parts have names that no Idempotency-Key can have."""
    shop = Shop()
    shop.done("POST", IMPORT, {"orders": [an_order("one")]}, idempotency_key="monday")
    refused = shop.refused("POST", IMPORT, {"orders": [an_order("two")]}, idempotency_key="monday 0")
    assert refused["code"] == "idempotency_key_invalid"


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"promised_window": {"starts_at": f"{DAY}T10:00:00", "ends_at": f"{DAY}T11:00:00Z"}}, "starts_at"),
        ({"promised_window": {"starts_at": f"{DAY}T10:00:00Z"}}, "ends_at"),
        ({"destination": {"lat": 0.0, "lon": 0.0}}, "destination"),
        ({"recipient": {"name": "Ana", "phone": "12"}}, "phone"),
        ({"price": 1}, "price"),
    ],
)
def test_what_is_no_order_at_all_refuses_the_request(wrong: dict[str, Any], pointer: str) -> None:
    """422 with a pointer to the order; nothing of it is done."""
    shop = Shop()
    problem = shop.refused("POST", IMPORT, {"orders": [an_order(), an_order(**wrong)]})
    assert problem["code"] == "invalid_request"
    [error] = problem["errors"]
    assert error["pointer"].startswith("/orders/1/")
    assert error["pointer"].endswith(pointer)
    assert shop.done("GET", "/v1/promises")["data"] == []


@pytest.mark.parametrize("count", [0, 101])
def test_an_import_has_one_to_a_hundred_orders(count: int) -> None:
    """More are sent in several requests."""
    shop = Shop()
    small = {name: value for name, value in an_order().items() if name not in ("load", "sms_consent")}
    orders = [small | {"order_ref": f"order-{number}"} for number in range(count)]
    assert shop.refused("POST", IMPORT, {"orders": orders})["errors"][0]["pointer"] == "/orders"


def test_a_hundred_orders_are_taken_at_once() -> None:
    """Within the limit of a body."""
    shop = Shop(vans=3, depot=a_depot())
    results = imported(shop, *(an_order(f"order-{number}") for number in range(100)))
    assert {result["state"] for result in results} == {"inserted", "unassigned"}
    day = date.fromisoformat(DAY)
    routes = shop.services.store.routes(ACME, "porto", first=day, last=day, consistent=True)
    stops = [stop.stop_id for _, route in routes for stop in route.all_stops()]
    assert len(stops) == len(set(stops)) == 100


def test_only_the_office_imports() -> None:
    """Scope `ops`: a storefront's key does not, and the office's needs no other scope."""
    shop = Shop()
    for key in ("checkout", "driver", "publishable"):
        assert shop.refused("POST", IMPORT, {"orders": [an_order()]}, key=key)["code"] == "forbidden"
    assert imported(shop, an_order(), key="ops")[0]["state"] == "inserted"
