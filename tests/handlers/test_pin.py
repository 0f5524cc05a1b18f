"""PUT and DELETE /v1/promises/{promise_id}/pin: obeyed or refused with a reason."""

from typing import Any

import pytest

from tests.handlers.shop_client import Shop, a_van
from tests.handlers.test_import import DAY, an_order, imported

VAN_1, VAN_2 = (f"porto.van-{number}.{DAY}.0800" for number in (1, 2))


def pinned_stops(shop: Shop) -> dict[str, list[bool]]:
    """Of each shift of the day that has stops, which are pinned."""
    plan = shop.done("GET", f"/v1/depots/porto/plans/{DAY}")
    return {
        route["shift_id"]: [stop["pinned"] for stop in route["stops"]]
        for route in plan["routes"]
        if route["stops"]
    }


def path_of(promise: dict[str, Any]) -> str:
    return f"/v1/promises/{promise['promise_id']}/pin"


def test_a_promise_is_pinned_and_let_go() -> None:
    """200 with the promise as it stands there; 204; both stand in the ledger and in the plan."""
    shop = Shop(vans=2)
    promise = shop.promise()
    assert pinned_stops(shop) == {VAN_1: [False]}
    pinned = shop.done("PUT", path_of(promise), {"shift_id": VAN_2})
    assert (pinned["pinned_to"], pinned["promised_window"]) == (VAN_2, promise["promised_window"])
    assert shop.done("GET", f"/v1/promises/{promise['promise_id']}") == pinned
    assert pinned_stops(shop) == {VAN_2: [True]}
    assert shop.ask("DELETE", path_of(promise)).status_code == 204
    assert pinned_stops(shop) == {VAN_2: [False]}
    assert "pinned_to" not in shop.done("GET", f"/v1/promises/{promise['promise_id']}")
    ledger = shop.done("GET", f"/v1/promises/{promise['promise_id']}/ledger")["data"]
    assert [fact["kind"] for fact in ledger] == ["promise.confirmed", "promise.pinned", "promise.unpinned"]
    assert ledger[1]["data"] == {"shift_id": VAN_2, "from_shift_id": VAN_1}


def test_both_may_be_repeated() -> None:
    """PUT and DELETE need no key: twice is once."""
    shop = Shop(vans=2)
    promise = shop.promise()
    first = shop.done("PUT", path_of(promise), {"shift_id": VAN_2})
    assert shop.done("PUT", path_of(promise), {"shift_id": VAN_2}) == first
    for _ in range(2):
        assert shop.ask("DELETE", path_of(promise)).status_code == 204
    assert len(shop.done("GET", f"/v1/promises/{promise['promise_id']}/ledger")["data"]) == 3


def test_a_shift_it_does_not_fit_is_refused_with_the_reason() -> None:
    """409 `does_not_fit`; everything is as it was."""
    shop = Shop(van=a_van(capacity={"parcels": 1}))
    shop.promise()
    [waiting] = imported(shop, an_order())
    problem = shop.refused("PUT", path_of(waiting), {"shift_id": VAN_1})
    assert (problem["status"], problem["code"], problem["reason"]) == (409, "does_not_fit", "load")
    assert pinned_stops(shop) == {VAN_1: [False]}
    assert shop.done("GET", f"/v1/promises/{waiting['promise_id']}")["risk"] == "at_risk"


def test_after_the_loading_it_is_refused() -> None:
    """409 `already_loaded`, with the shift whose van is gone; so is letting go."""
    shop = Shop(vans=2)
    promise = shop.promise()
    shop.done("PUT", path_of(promise), {"shift_id": VAN_2})
    shop.wait(2 * 3600)
    for method, body in (("PUT", {"shift_id": VAN_1}), ("DELETE", None)):
        problem = shop.refused(method, path_of(promise), body)
        assert (problem["status"], problem["code"]) == (409, "already_loaded")
        assert problem["shift_id"] == VAN_2


def test_a_cancelled_promise_is_refused() -> None:
    """409 with its state."""
    shop = Shop()
    promise = shop.promise()
    shop.change(promise["promise_id"], kind="cancel")
    problem = shop.refused("PUT", path_of(promise), {"shift_id": VAN_1})
    assert (problem["code"], problem["state"]) == ("illegal_transition", "cancelled")


def test_another_merchants_shift_is_none() -> None:
    """B10: 404, word for word as for one that does not exist."""
    shop = Shop()
    promise = shop.promise()
    problems = [
        shop.refused("PUT", path_of(promise), {"shift_id": shift}, headers={"X-Request-Id": "the-same-one"})
        for shift in (f"gaia.van-1.{DAY}.0800", "nightly")
    ]
    assert problems[0] == problems[1]
    assert problems[0]["status"] == 404


@pytest.mark.parametrize("body", [{}, {"shift_id": ""}, {"shift_id": VAN_1, "why": "I said so"}])
def test_a_pin_names_a_shift_and_nothing_else(body: dict[str, Any]) -> None:
    """422."""
    shop = Shop()
    assert shop.refused("PUT", path_of(shop.promise()), body)["status"] == 422


def test_only_the_office_pins() -> None:
    """Scope `ops`."""
    shop = Shop()
    promise = shop.promise()
    for key in ("checkout", "driver", "publishable"):
        for method, body in (("PUT", {"shift_id": VAN_1}), ("DELETE", None)):
            assert shop.refused(method, path_of(promise), body, key=key)["code"] == "forbidden"
    assert shop.done("PUT", path_of(promise), {"shift_id": VAN_1}, key="ops")["pinned_to"] == VAN_1
