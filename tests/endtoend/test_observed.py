"""What the running product tells of itself: from one request to its text and job, and nothing personal."""

import json
from typing import Any

import pytest

from infra.sandbox import Sandbox
from tests.endtoend.test_thin_line import client_of
from tests.handlers.shop_client import ShopClient, fresh
from tests.sandbox.waiting import eventually
from tests.security.test_canaries import found_in

PHONE = "+12025550166"
NAME = "Ottoline Canary"
LINE = "Travessa do Pintassilgo 5"
GATE = "C4N4RY-88"


@pytest.fixture
def shop(sandbox: Sandbox) -> ShopClient:
    return client_of(sandbox, sandbox.merchants[0])


def lines_of(sandbox: Sandbox, log: str, request_id: str) -> list[dict[str, Any]]:
    """The lines of some of our processes that name a request."""
    found = [
        line
        for path in sandbox.home.glob(f"{log}*.log")
        for line in path.read_text("utf-8").splitlines()
        if line.startswith("{") and request_id in line
    ]
    return [json.loads(line) for line in found]


def ordered(shop: ShopClient, request_id: str) -> str:
    address = {"lines": [LINE], "city": "Porto", "country": "PT"}
    offer = shop.offer(days=3, destination={**shop.destination, "address": address})
    body = shop.order(offer=offer, recipient={"name": NAME, "phone": PHONE}, instructions={"gate_code": GATE})
    made = shop.done("POST", "/v1/promises", body, headers={"X-Request-Id": request_id})
    return str(made["promise_id"])


def test_request_id_goes_through_stream_and_queue_to_the_text(sandbox: Sandbox, shop: ShopClient) -> None:
    """The merchant's own id of a request: in its line, in those of facts, text and job, and on the text."""
    request_id = fresh("request")
    promise_id = ordered(shop, request_id)

    def sent() -> list[dict[str, Any]]:
        messages = shop.done("GET", f"/v1/promises/{promise_id}/messages")["data"]
        return [message for message in messages if message["status"] == "sent"]

    [message] = eventually(sent)
    assert message["request_id"] == request_id
    [plan] = eventually(lambda: lines_of(sandbox, "improve", request_id))
    assert plan["message"] == "plan"
    assert plan["state"] in ("applied", "unchanged", "superseded")  # by the run of the job before
    told = {line["message"]: line for line in lines_of(sandbox, "publish_facts", request_id)}
    assert told["text"]["promise_id"] == promise_id
    [text] = eventually(lambda: lines_of(sandbox, "send_texts", request_id))
    assert text["sid"] == message["sid"]
    assert told["facts"]["outbox"] == plan["outbox"]
    [request] = lines_of(sandbox, "api", request_id)
    assert (request["endpoint"], request["promise_id"]) == ("POST /v1/promises", promise_id)
    assert request["PromisesMade"] == 1


def test_logs_of_the_running_product_hold_nothing_personal(sandbox: Sandbox, shop: ShopClient) -> None:
    """Whatever a process of ours wrote, in whatever way; the control is the id, which is found."""
    request_id = fresh("request")
    ordered(shop, request_id)
    eventually(lambda: lines_of(sandbox, "improve", request_id))
    eventually(lambda: [line for line in lines_of(sandbox, "send_texts", request_id) if "sid" in line])
    logs = {path.name: path.read_text("utf-8") for path in sandbox.home.glob("*.log")}
    secret = sandbox.merchants[0]["keys"]["secret"]
    canaries = [PHONE[1:], NAME, LINE, GATE, secret, request_id]
    assert {canary for text in logs.values() for canary in found_in(text, canaries)} == {request_id}
