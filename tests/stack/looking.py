"""What a deployed stack did, seen from outside: its logs, its queues, the texts it sent."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.request import urlopen

from infra.stack import Deployment, Stack


def texts(stack: Stack, phone: str) -> Sequence[Mapping[str, Any]]:
    """What the fake Twilio took for a number, oldest first."""
    with urlopen(f"{stack.twilio_url}/_inbox?phone=%2B{phone[1:]}", timeout=5) as answer:
        taken: Sequence[Mapping[str, Any]] = json.loads(answer.read())["data"]
    return taken


def log(stack: Stack, function: str, *, of: Deployment | None = None) -> list[str]:
    """Every line that a function has written, by its name in the template."""
    group = (of or stack.deployment).physical[f"{function}LogGroup"]
    logs, lines, more = stack.client("logs"), list[str](), dict[str, str]()
    while True:
        page = logs.filter_log_events(logGroupName=group, **more)
        lines += [event["message"] for event in page["events"]]
        if "nextToken" not in page:
            return lines
        more = {"nextToken": page["nextToken"]}


def due(stack: Stack) -> Sequence[Mapping[str, Any]]:
    """Every hold in the index of what will be due."""
    table = stack.deployment.physical["Table"]
    rows = stack.client("dynamodb").scan(TableName=table, IndexName="due")["Items"]
    return [row for row in rows if row["sk"]["S"] == "HOLD"]


def waiting(stack: Stack, queue: str, *, of: Deployment | None = None) -> int:
    """How many messages a queue holds, those that somebody is working on included."""
    counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    url = (of or stack.deployment).physical[queue]
    found = stack.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=counts)["Attributes"]
    return sum(int(found[name]) for name in counts)


def bodies(stack: Stack, queue: str, *, of: Deployment | None = None) -> list[str]:
    """What a queue of dead letters holds; looking does not take it away."""
    url = (of or stack.deployment).physical[queue]
    received = stack.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
    return [message["Body"] for message in received.get("Messages", [])]
