"""The main job through what is deployed: API Gateway, functions, table, stream and queue."""

import pytest

from infra.stack import Stack
from tests.handlers.shop_client import ShopClient, fresh
from tests.sandbox.waiting import eventually
from tests.stack.looking import log, texts, waiting

pytestmark = pytest.mark.stack

PHONE = "+12025550181"
TWO_MINUTES = 120.0


@pytest.mark.usefixtures("short_hold")
def test_order_goes_from_search_to_promise_text_and_plan(stack: Stack, shop: ShopClient) -> None:
    """Search, hold and confirm over the deployed URL; the stream texts, the queue has the plan looked at.

    Every step writes the id of the request that caused it.
    """
    cart, order_ref = fresh("cart"), fresh("order")
    held = shop.hold(shop.offer(cart_ref=cart, days=3), cart)
    recipient = {"name": "Ana", "phone": PHONE}
    order = shop.order(hold_id=held["hold_id"], order_ref=order_ref, recipient=recipient)
    answer = shop.ask("POST", "/v1/promises", order)
    assert answer.status_code == 201
    made, request_id = answer.json_body, answer.headers["X-Request-Id"]
    promise_id, day = made["promise_id"], made["promised_window"]["starts_at"][:10]
    assert made["state"] == "confirmed"
    assert made["promised_window"] == {"starts_at": held["starts_at"], "ends_at": held["ends_at"]}
    plan = shop.done("GET", f"/v1/depots/ribeira/plans/{day}")
    planned = [stop.get("promise_id") for route in plan["routes"] for stop in route["stops"]]
    assert planned.count(promise_id) == 1

    [text] = eventually(lambda: texts(stack, PHONE), seconds=TWO_MINUTES)
    assert "Ribeira Wines" in text["body"]
    messages = f"/v1/promises/{promise_id}/messages"
    eventually(lambda: shop.done("GET", messages)["data"][0].get("sid"))
    [message] = shop.done("GET", messages)["data"]
    assert message["status"] in ("sent", "delivered")  # the carrier tells when it likes
    assert (message["sid"], message["body"]) == (text["sid"], text["body"])

    def looked_at() -> list[str]:
        lines = [line for line in log(stack, "Improve") if f"ribeira/{day}" in line]
        # By this very job, or by that of the hold, whose run covered it.
        done = any('"kept"' in line for line in lines)
        return [line for line in lines if request_id in line and '"state"' in line and done]

    assert eventually(looked_at, seconds=TWO_MINUTES)
    eventually(lambda: any(text["sid"] in line for line in log(stack, "SendTexts") if request_id in line))
    eventually(lambda: waiting(stack, "ImproveQueue") == 0)
    assert [waiting(stack, queue) for queue in ("ImproveDeadLetters", "FactsDeadLetters")] == [0, 0]
