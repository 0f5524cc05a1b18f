"""Spans when TRACING is on; when it is off, nothing of it is loaded and nothing hangs on the way."""

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from chalicelib.adapters import tracing
from chalicelib.adapters.dynamodb import client_config
from chalicelib.adapters.errand import errand
from chalicelib.handlers import workers
from chalicelib.notifications.carrier import Answer, Outgoing, Sighting
from tests.adapters.conftest import ACCOUNT
from tests.handlers.deployed import Start
from tests.test_settings import of_stage


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What spans write."""
    stream, log = io.StringIO(), logging.getLogger("slotkeeper")
    handler, before = logging.StreamHandler(stream), log.level
    handler.setFormatter(logging.Formatter())
    handler.format = lambda record: json.dumps(vars(record), default=str)  # type: ignore[method-assign]
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield stream
    log.setLevel(before)
    log.removeHandler(handler)


def spans(written: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


@pytest.fixture
def dynamodb() -> Iterator[Any]:
    """A traced client, and a table."""
    with mock_aws():
        client = boto3.client("dynamodb", config=client_config(), **ACCOUNT)
        tracing.hook(client, "dynamodb")
        client.create_table(
            TableName="slots",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield client


def test_aws_call_is_a_span_with_what_it_consumed(dynamodb: Any, written: io.StringIO) -> None:
    """Operation, table, retries, capacity, on whose behalf, since when, how long, how it ended."""
    with errand("req-12345"):
        dynamodb.get_item(TableName="slots", Key={"pk": {"S": "+12025550123"}})
    [span] = spans(written)
    assert (span["msg"], span["span"], span["operation"], span["on"]) == (
        "span",
        "aws.dynamodb",
        "GetItem",
        "slots",
    )
    assert (span["request_id"], span["outcome"], span["retries"]) == ("req-12345", "ok", 0)
    assert span["capacity_units"] > 0
    assert span["milliseconds"] > 0
    assert span["started_at"] > 1_700_000_000
    assert "12025550123" not in written.getvalue()


def test_each_kind_of_call_names_its_table_or_queue(dynamodb: Any, written: io.StringIO) -> None:
    """A transaction and a batch have it inside; a queue is named by the end of its URL."""
    item = {"pk": {"S": "a"}}
    dynamodb.transact_write_items(TransactItems=[{"Put": {"TableName": "slots", "Item": item}}])
    dynamodb.batch_get_item(RequestItems={"slots": {"Keys": [item]}})
    sqs = boto3.client("sqs", **ACCOUNT)
    url = sqs.create_queue(QueueName="improve.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    tracing.hook(sqs, "sqs")
    sqs.send_message(QueueUrl=url, MessageBody="x", MessageGroupId="g", MessageDeduplicationId="d")
    named = [(span["span"], span["operation"], span["on"]) for span in spans(written)]
    assert named == [
        ("aws.dynamodb", "TransactWriteItems", "slots"),
        ("aws.dynamodb", "BatchGetItem", "slots"),
        ("aws.sqs", "SendMessage", "improve.fifo"),
    ]


def test_refused_call_is_a_span_with_its_code(dynamodb: Any, written: io.StringIO) -> None:
    """The code, not the words."""
    with pytest.raises(ClientError):
        dynamodb.get_item(TableName="gone", Key={"pk": {"S": "a"}})
    assert [span["outcome"] for span in spans(written)] == ["ResourceNotFoundException"]


def test_call_without_an_answer_is_a_span_with_the_kind_of_error(written: io.StringIO) -> None:
    """The store cannot be reached."""
    client = boto3.client("dynamodb", config=client_config(), endpoint_url="http://127.0.0.1:9", **ACCOUNT)
    tracing.hook(client, "dynamodb")
    with pytest.raises(EndpointConnectionError):
        client.get_item(TableName="slots", Key={"pk": {"S": "a"}})
    assert [span["outcome"] for span in spans(written)] == ["EndpointConnectionError"]


A_TEXT = Outgoing(
    to="+12025550123", body="Hello", sender=None, callback_url="https://track.example/s", valid_for=60
)


def test_span_of_a_block_that_raises_has_the_kind_of_error(written: io.StringIO) -> None:
    """What it raises goes on."""

    class Deaf:
        def send(self, text: Outgoing) -> Answer:
            raise TimeoutError(f"{text.to} did not answer")

        def sent_to(self, to: str) -> list[Sighting]:
            return []

        def sighting(self, sid: str) -> None:
            return None

        def forget(self, sid: str) -> None:
            return None

    with pytest.raises(TimeoutError):
        tracing.TracedSender(Deaf()).send(A_TEXT)
    [span] = spans(written)
    assert (span["span"], span["outcome"]) == ("twilio.send", "TimeoutError")
    assert "12025550123" not in written.getvalue()


# --- on and off

BUILT = """
import os, sys
from chalicelib.bootstrap import build
from chalicelib.settings import Settings

services = build(Settings.from_env(os.environ))
assert services.plan_jobs
print(type(services.planner).__name__, "chalicelib.adapters.tracing" in sys.modules)
"""


@pytest.mark.parametrize(
    ("switch", "found"),
    [
        ({}, "Planner False"),
        ({"TRACING": "off"}, "Planner False"),
        ({"TRACING": "on"}, "TracedPlanner True"),
    ],
)
def test_off_nothing_of_it_is_loaded(switch: dict[str, str], found: str) -> None:
    """Hooks and wrappers live in one module: where it is not loaded, there are none. The control is "on"."""
    environment = of_stage("test") | {"AWS_DEFAULT_REGION": "eu-west-1", **switch}
    ran = subprocess.run(
        [sys.executable, "-c", BUILT], env=environment, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == found


def test_client_that_nobody_hooked_is_called_straight() -> None:
    """The hooks are the client's own, not those of every client."""
    plain, traced = (boto3.client("sqs", **ACCOUNT) for _ in range(2))
    tracing.hook(traced, "sqs")
    context = {"slotkeeper_span": ("aws.sqs", 0.0, 0.0, {})}
    called = [
        client.meta.events.emit("after-call-error.sqs.SendMessage", exception=ValueError(), context=context)
        for client in (plain, traced)
    ]
    assert [len(handlers) for handlers in called] == [0, 1]


def test_traced_search_takes_every_phase_and_gives_the_same_answer(start: Start) -> None:
    """Plans read, gaps screened, roads looked up, candidates proven; every span on behalf of its request."""
    answers = []
    for switch in ("off", "on"):
        product = start(TRACING=switch)
        product.forget()
        asked = {"X-Request-Id": "req-traced"}
        found = product.ask("POST", "/v1/slots/search", product.wish(), headers=asked).json_body
        answers.append([{**slot, "offer": None} for slot in found["slots"]])
    assert answers[0] == answers[1]
    spans = product.lines("span")
    assert {span["request_id"] for span in spans} == {"req-traced"}
    named = {span["span"] for span in spans}
    assert named >= {"aws.dynamodb", "plans.read", "search.screen", "search.roads", "search.proof"}
    assert {"travel.to_one", "travel.from_one"} <= named


def test_traced_order_is_sold_texted_and_looked_at(start: Start) -> None:
    """Hold, swap, promise and change of address on traced plans; the queue's and Twilio's calls are spans."""
    product = start(TRACING="on")
    cart = "cart-1"
    first = product.hold(product.offer(), cart)
    second = product.hold(product.offer(1, cart_ref=cart), cart)
    assert first["starts_at"] != second["starts_at"]
    made = product.promise(hold_id=second["hold_id"])
    near = {"lat": 41.161, "lon": -8.601}
    address = {"lines": ["Rua das Flores 12"], "city": "Porto", "country": "PT"}
    changed = product.change(made["promise_id"], kind="address", location=near, address=address)
    assert changed["state"] == "accepted"
    workers.publish_facts(product.stream(), product.services)
    workers.improve(product.jobs(), product.services)
    workers.send_texts(product.text_jobs(), product.services)
    named = {span["span"] for span in product.lines("span")}
    assert {"aws.sqs", "twilio.send", "travel.pairs", "travel.snap"} <= named
    assert product.lines("plan")[0]["kept"] == 1
