"""One job that can never be done, in a batch with others that can."""

import copy
import json
from datetime import UTC, datetime, timedelta

import pytest

from infra.stack import Deployment, Stack
from tests.handlers.shop_client import fresh
from tests.sandbox.waiting import eventually
from tests.stack.looking import bodies, log, waiting

pytestmark = pytest.mark.stack

POISON = "not a job"
TRIES = 3
FAILED = '"error":"JSONDecodeError"'
SECONDS = 60.0


def send_batch(stack: Stack, deployment: Deployment) -> list[str]:
    """Put a poisoned job between two good ones, each in its own group; gives what names the good ones."""
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date()
    requests = [fresh("request"), fresh("request")]
    jobs = [
        json.dumps({"tenant": "mer_ribeira.test", "plan": f"ribeira/{tomorrow}", "request": request})
        for request in requests
    ]
    entries = [
        {
            "Id": str(number),
            "MessageBody": body,
            "MessageGroupId": fresh("group"),
            "MessageDeduplicationId": fresh("job"),
        }
        for number, body in enumerate([jobs[0], POISON, jobs[1]])
    ]
    url = deployment.physical["ImproveQueue"]
    sqs = stack.client("sqs")
    # The queue as deployed hides a failed job for six minutes before the next try.
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "2"})
    assert len(sqs.send_message_batch(QueueUrl=url, Entries=entries)["Successful"]) == len(entries)
    return requests


def times_done(stack: Stack, deployment: Deployment, requests: list[str]) -> list[int]:
    lines = log(stack, "Improve", of=deployment)
    return [sum(request in line and '"kept"' in line for line in lines) for request in requests]


def test_poisoned_job_goes_to_the_dead_letters_and_the_others_are_done_once(stack: Stack) -> None:
    """It is tried three times and kept for a person; nothing else of its batch is lost or repeated."""
    deployment = stack.deployment
    before = sum(FAILED in line for line in log(stack, "Improve"))
    requests = send_batch(stack, deployment)
    eventually(lambda: bodies(stack, "ImproveDeadLetters") == [POISON], seconds=SECONDS)
    assert times_done(stack, deployment, requests) == [1, 1]
    assert waiting(stack, "ImproveQueue") == 0
    assert sum(FAILED in line for line in log(stack, "Improve")) - before == TRIES


def test_without_the_flag_the_poisoned_job_is_lost(stack: Stack) -> None:
    """Control: a stack whose event source does not ask for the report deletes it with the others, unseen."""
    broken = copy.deepcopy(stack.template)
    [source] = broken["Resources"]["Improve"]["Properties"]["Events"].values()
    del source["Properties"]["FunctionResponseTypes"]
    deployment = stack.deploy("deaf-test", broken)
    stack.seed(deployment)
    requests = send_batch(stack, deployment)
    eventually(lambda: times_done(stack, deployment, requests) == [1, 1], seconds=SECONDS)
    eventually(lambda: waiting(stack, "ImproveQueue", of=deployment) == 0, seconds=SECONDS)
    assert any(FAILED in line for line in log(stack, "Improve", of=deployment))
    assert bodies(stack, "ImproveDeadLetters", of=deployment) == []
