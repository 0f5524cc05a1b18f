"""API10: what queues and streams hand us is read as strictly as what strangers send."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib.adapters.dynamodb.outbox import outbox_row
from chalicelib.handlers import workers
from tests.handlers.shop_client import Shop

JOB = {"tenant": "acme.test", "plan": "porto/2026-11-24", "request": "r"}


def message(number: int, body: str) -> dict[str, Any]:
    return {
        "messageId": f"m{number}",
        "receiptHandle": "r",
        "body": body,
        "attributes": {"MessageGroupId": f"g{number}"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:000000000000:improve.fifo",
        "awsRegion": "eu-west-1",
    }


@pytest.mark.parametrize(
    "body",
    [
        "",
        "not JSON",
        "[]",
        "{}",
        json.dumps(JOB | {"tenant": "acme"}),
        json.dumps(JOB | {"tenant": 7}),
        json.dumps(JOB | {"plan": "porto"}),
        json.dumps(JOB | {"plan": "porto/2026-02-30"}),
        "[" * 5000,
    ],
    ids=lambda body: body[:24],
)
def test_job_that_is_none_fails_by_itself(body: str) -> None:
    """It is reported and ends among the dead letters; the good jobs beside it are done."""
    batch = [message(1, json.dumps(JOB)), message(2, body), message(3, json.dumps(JOB))]
    answer = workers.improve({"Records": batch}, Shop().services)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m2"}]}


def test_good_jobs_do_not_fail() -> None:
    """The control."""
    batch = [message(number, json.dumps(JOB)) for number in (1, 2)]
    assert workers.improve({"Records": batch}, Shop().services) == {"batchItemFailures": []}


@pytest.mark.parametrize("facts", ["", "{", "[{}]", '[{"kind": "no.such.kind"}]', "7"])
def test_row_whose_facts_are_none_fails_by_itself(facts: str) -> None:
    """A record of the stream that cannot be read is reported, and reaches neither texts nor plans."""
    reached: list[object] = []
    services: Any = SimpleNamespace(
        store=SimpleNamespace(outbox_row=outbox_row),
        plan_jobs=SimpleNamespace(improve=lambda *about, **more: reached.append(about)),
        notifications=SimpleNamespace(react=lambda *about: reached.append(about)),
        business_now=lambda tenant: 0,
    )
    record = {
        "eventID": "1",
        "eventName": "INSERT",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-west-1",
        "eventSourceARN": "arn:aws:dynamodb:eu-west-1:000000000000:table/t/stream/1",
        "dynamodb": {
            "SequenceNumber": "100",
            "NewImage": {"pk": {"S": "T#acme.test#OUTBOX#t"}, "sk": {"S": "OUTBOX"}, "facts": {"S": facts}},
        },
    }
    answer = workers.publish_facts({"Records": [record]}, services)
    assert reached == []
    assert answer == {"batchItemFailures": [{"itemIdentifier": "100"}]}
