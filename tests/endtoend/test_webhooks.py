"""The whole running product tells a merchant's receiver what happened: signed, and again when it was down."""

from collections.abc import Iterator
from time import time

import pytest

from infra.sandbox import Sandbox
from tests.endtoend.test_thin_line import client_of
from tests.handlers.shop_client import ShopClient, fresh
from tests.sandbox.waiting import eventually
from tests.webhooks.receiver import Got, Receiver, receiving
from tests.webhooks.reference import verified


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture
def shop(sandbox: Sandbox) -> ShopClient:
    return client_of(sandbox, sandbox.merchants[0])


@pytest.fixture
def other(sandbox: Sandbox) -> ShopClient:
    """The merchant whose clock is moved."""
    return client_of(sandbox, sandbox.merchants[1])


def of_promise(receiver: Receiver, promise_id: str) -> list[Got]:
    """What was sent about a promise; other tests share the merchant."""
    return [got for got in receiver.got if promise_id.encode() in got.body]


def test_confirmed_order_reaches_the_merchants_receiver_signed(shop: ShopClient, receiver: Receiver) -> None:
    """Store, stream, queue, worker: `promise.confirmed`, verified by the receiver's own means."""
    path = f"/v1/webhooks/{fresh('hook')}"
    secret = shop.done("PUT", path, {"url": receiver.url}, key="admin")["secret"]
    promise_id = shop.promise(offer=shop.offer(days=3))["promise_id"]
    [got] = eventually(lambda: of_promise(receiver, promise_id))
    payload = verified(secret, got.headers, got.body, now=time())
    assert payload["type"] == "promise.confirmed"
    assert (payload["data"]["promise_id"], payload["data"]["promise_sequence"]) == (promise_id, 1)

    def listed() -> bool:
        attempts = shop.done("GET", f"{path}/attempts")["data"]
        return any(each["event_id"] == got.headers["webhook-id"] and each["delivered"] for each in attempts)

    assert eventually(listed)
    shop.change(promise_id, kind="cancel")
    [cancelled] = eventually(lambda: of_promise(receiver, promise_id)[1:])
    told = verified(secret, cancelled.headers, cancelled.body, now=time())
    assert (told["type"], told["data"]["promise_sequence"]) == ("promise.cancelled", 2)
    assert told["data"]["sequence"] > payload["data"]["sequence"]
    assert shop.ask("DELETE", path, key="admin").status_code == 204


def test_receiver_that_was_down_is_told_when_the_clock_brings_it_and_again_on_demand(
    other: ShopClient, receiver: Receiver
) -> None:
    """F20: refused first; taken after the clock was moved; replayed under the same id."""
    path = f"/v1/webhooks/{fresh('hook')}"
    other.done("PUT", path, {"url": receiver.url}, key="admin")
    receiver.answers.append((503, {}))
    event = other.done("POST", f"{path}/test", key="admin")

    def numbers() -> list[int]:
        attempts = other.done("GET", f"{path}/attempts", key="admin")["data"]
        return [each["number"] for each in attempts if each["sequence"] == event["sequence"]]

    assert eventually(lambda: numbers() == [1])
    other.done("POST", "/v1/test/clock", {"advance_seconds": 65})
    assert eventually(lambda: numbers() == [2, 1])
    other.done("POST", f"{path}/replay", {"from_sequence": event["sequence"]}, key="admin")
    assert eventually(
        lambda: len([got for got in receiver.got if event["event_id"] in str(got.headers)]) == 3
    )
    assert other.ask("DELETE", path, key="admin").status_code == 204
