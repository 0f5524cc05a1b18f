"""Events in the shapes Lambda gets: SQS messages, DynamoDB stream records, EventBridge ticks."""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from infra.sandbox.emulator import REGION

type Event = dict[str, Any]


def queue_record(message: Event, *, arn: str) -> Event:
    """Return an SQS message in the shape in which Lambda hands it over."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": {
            name: {_uncapitalized(key): value for key, value in attribute.items()}
            for name, attribute in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": REGION,
    }


def stream_record(record: Event, stream_arn: str) -> Event:
    """Return a stream record in the shape of Lambda: binaries in base64, times as numbers."""
    change = dict(record["dynamodb"])
    change["ApproximateCreationDateTime"] = change["ApproximateCreationDateTime"].timestamp()
    for image in ("Keys", "NewImage", "OldImage"):
        if image in change:
            change[image] = {name: _plain(value) for name, value in change[image].items()}
    shown = {**record, "dynamodb": change, "eventSourceARN": stream_arn}
    if identity := record.get("userIdentity"):
        shown["userIdentity"] = {_uncapitalized(key): value for key, value in identity.items()}
    return shown


def matches(pattern: Mapping[str, Any], event: Any) -> bool:
    """Whether an event passes a filter of Lambda's: each part it names is one of the values it lists.

    Raises
    ------
    ValueError
        The pattern compares in a way that is not known here.
    """
    for name, wanted in pattern.items():
        part = event.get(name) if isinstance(event, Mapping) else None
        if isinstance(wanted, Mapping):
            if not matches(wanted, part):
                return False
        elif not any(_is(each, part) for each in wanted):
            return False
    return True


def _is(wanted: Any, part: Any) -> bool:
    match wanted:
        case {"exists": bool() as exists}:
            return (part is not None) is exists
        case Mapping():
            raise ValueError(f"a filter that is not known here: {wanted}")
        case _:
            return bool(part == wanted)


def tick() -> Event:
    """Return what EventBridge sends on a schedule."""
    return {
        "version": "0",
        "id": str(uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "000000000000",
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [f"arn:aws:events:{REGION}:000000000000:rule/sandbox"],
        "detail": {},
    }


def _plain(value: Event) -> Event:
    [(kind, inner)] = value.items()
    match kind:
        case "B":
            return {"B": base64.b64encode(inner).decode()}
        case "BS":
            return {"BS": [base64.b64encode(one).decode() for one in inner]}
        case "L":
            return {"L": [_plain(one) for one in inner]}
        case "M":
            return {"M": {name: _plain(one) for name, one in inner.items()}}
        case _:
            return value


def _uncapitalized(name: str) -> str:
    return name[:1].lower() + name[1:]
