"""Merchants are told by the functions that are deployed: over TLS, to a receiver that verifies."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from chalicelib.handlers import workers
from tests.handlers.deployed import Deployed, Start, poison_job
from tests.webhooks.receiver import NAME, Receiver, certified, reaching, receiving
from tests.webhooks.reference import verified

PATH = "/v1/webhooks/office"
URL = f"https://{NAME}/in"


class Told:
    """The product, and a receiver of its merchant's on the other side of the internet."""

    def __init__(self, product: Deployed, receiver: Receiver) -> None:
        self.product, self.receiver = product, receiver
        self.secret = product.done("PUT", PATH, {"url": URL})["secret"]
        product.forget()

    def publish(self) -> None:
        """Bring the whole outbox to the function of the stream; all but what is new comes again."""
        facts = self.product.stream()
        assert workers.publish_facts(facts, self.product.services) == {"batchItemFailures": []}

    def swept(self) -> int:
        """How many deliveries the sweeper brings, whatever else it finds to do."""
        self.product.forget()
        workers.drain_due(self.product.services)
        return sum(line["brought"] for line in self.product.lines("drain_due") if "brought" in line)

    def deliver(self) -> None:
        """Bring what waits in the queue to its function, each message by itself."""
        for record in self.product.webhook_jobs()["Records"]:
            answer = workers.deliver_webhooks({"Records": [record]}, self.product.services)
            assert answer == {"batchItemFailures": []}

    def payloads(self) -> list[dict[str, Any]]:
        """What the receiver got, verified."""
        now = self.product.clock.at
        return [verified(self.secret, got.headers, got.body, now=now) for got in self.receiver.got]


@contextmanager
def running(start: Start, folder: Path) -> Iterator[Told]:
    server, trusting = certified(folder, NAME)
    with receiving(server) as receiver:
        yield Told(start(internet=reaching(receiver, trusting)), receiver)


@pytest.fixture
def told(start: Start, tmp_path: Path) -> Iterator[Told]:
    with running(start, tmp_path) as one:
        yield one


def test_order_reaches_the_merchants_receiver_signed(told: Told) -> None:
    """Through outbox, stream, log, queue and TLS; once, though the stream brings it twice."""
    promise_id = told.product.promise()["promise_id"]
    for _ in range(2):
        told.publish()
        told.deliver()
    [payload] = told.payloads()
    assert (payload["type"], payload["data"]["promise_id"]) == ("promise.confirmed", promise_id)
    [attempt] = told.product.done("GET", f"{PATH}/attempts")["data"]
    assert (attempt["delivered"], attempt["status"]) == (True, 204)


def test_lines_tell_what_was_sent_and_on_whose_behalf(told: Told) -> None:
    """Request id, event and answer; never a payload, a URL or a secret. Counts stand with the invocation."""
    body = told.product.order(offer=told.product.offer())
    told.product.done("POST", "/v1/promises", body, headers={"X-Request-Id": "req-of-the-shop"})
    told.publish()
    told.deliver()
    [line] = told.product.lines("webhook")
    [event_id] = [got.headers["webhook-id"] for got in told.receiver.got]
    assert (line["request_id"], line["events"], line["answers"]) == ("req-of-the-shop", [event_id], [204])
    assert (line["tenant"], line["webhook_id"]) == ("acme.test", "office")
    [facts] = [line for line in told.product.lines("facts") if "events" in line]
    assert facts["events"] == [event_id]
    [whole] = told.product.lines("deliver_webhooks")
    assert (whole["WebhooksSent"], whole["WebhooksFailed"], whole["WebhooksStopped"]) == (1, 0, 0)
    for secret in (told.secret, NAME, "promised_window"):
        assert secret not in told.product.log.getvalue()


def test_f20_receiver_that_was_down_is_told_when_it_is_back(told: Told) -> None:
    """The sweeper brings it to the queue, the worker to the receiver, under the same id."""
    told.receiver.answers += [(503, {}), (302, {"Location": URL})]
    told.product.promise()
    told.publish()
    told.deliver()
    for wait in (66, 420):
        told.product.clock.advance(wait)
        assert told.swept() == 1
        told.deliver()
    assert len({got.headers["webhook-id"] for got in told.receiver.got}) == 1
    attempts = told.product.done("GET", f"{PATH}/attempts")["data"]
    assert [(each["number"], each["status"]) for each in attempts] == [(3, 204), (2, 302), (1, 503)]
    assert told.swept() == 0


def test_f20_receiver_that_is_gone_is_told_nothing_more(told: Told) -> None:
    """410, in the log and in the metrics."""
    told.receiver.answers.append((410, {}))
    told.product.done("POST", f"{PATH}/test")
    told.deliver()
    assert told.product.done("GET", PATH)["stopped"]["reason"] == "gone"
    [line] = told.product.lines("webhook")
    assert line["stopped"] == "gone"
    told.product.promise()
    told.publish()
    told.deliver()
    assert len(told.receiver.got) == 1


def test_f36_receiver_with_either_secret_verifies_while_they_are_exchanged(told: Told) -> None:
    """Sealed, opened and signed by the functions themselves."""
    new = told.product.done("PUT", PATH, {"url": URL, "rotate_secret": True})["secret"]
    told.product.done("POST", f"{PATH}/test")
    told.deliver()
    [got] = told.receiver.got
    for secret in (told.secret, new):
        assert verified(secret, got.headers, got.body, now=told.product.clock.at)


def test_f20_replay_is_in_order_and_under_the_same_ids(told: Told) -> None:
    """All from a sequence on, whatever became of them."""
    for _ in range(4):
        told.product.done("POST", f"{PATH}/test")
    told.deliver()
    first = {
        payload["data"]["sequence"]: got
        for payload, got in zip(told.payloads(), told.receiver.got, strict=True)
    }
    told.receiver.got.clear()
    told.product.done("POST", f"{PATH}/replay", {"from_sequence": 2})
    told.deliver()
    assert [payload["data"]["sequence"] for payload in told.payloads()] == [2, 3, 4]
    for sequence, got in zip((2, 3, 4), told.receiver.got, strict=True):
        assert got.body == first[sequence].body
        assert got.headers["webhook-id"] == first[sequence].headers["webhook-id"]


def test_message_that_is_none_fails_by_itself(told: Told) -> None:
    """F11: it goes the way of the dead letters; its words are told to nobody."""
    for body in ("not JSON", '{"tenant": "acme.test"}', json.dumps({"tenant": 5})):
        poison = poison_job(body)
        answer = workers.deliver_webhooks({"Records": [poison]}, told.product.services)
        assert answer == {"batchItemFailures": [{"itemIdentifier": poison["messageId"]}]}


def test_receiver_of_another_stage_is_not_this_machine(told: Told) -> None:
    """B14: what a sandbox allows, no deployed stage does."""
    for url in ("http://127.0.0.1:8000/", "https://localhost/", "http://localhost/"):
        assert told.product.refused("PUT", PATH, {"url": url})["errors"][0]["pointer"] == "/url"
