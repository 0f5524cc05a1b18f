"""A Chalice app of a few lines with the doors of the real one; the sandbox's own tests run it."""

import json
import os
import sys
from typing import Any

import boto3
from chalice import Chalice, CORSConfig, Rate, Response

app = Chalice(app_name="tiny")


def _note(kind: str, text: str) -> None:
    """Keep what a handler saw where the test can read it."""
    boto3.client("dynamodb").put_item(
        TableName=os.environ["TABLE_NAME"], Item={"pk": {"S": f"SEEN#{kind}"}, "sk": {"S": text}}
    )


@app.route("/v1/health")
def health() -> dict[str, Any]:
    """Answer which process it is."""
    return {"pid": os.getpid(), "stage": os.environ.get("STAGE")}


@app.route("/v1/echo/{name}", methods=["POST"], cors=CORSConfig(allow_origin="*"))
def echo(name: str) -> Response:
    """Answer what came in."""
    request = app.current_request
    assert request is not None
    seen = {
        "name": name,
        "query": dict(request.query_params or {}),
        "body": request.raw_body.decode(),
        "request_id": request.context["requestId"],
    }
    return Response(json.dumps(seen), {"Content-Type": "application/json", "X-Request-Id": "req"}, 201)


@app.route("/v1/break")
def break_down() -> None:
    """End as only a bug ends."""
    sys.exit("an exit no handler may take")


@app.on_sqs_message(queue="improve.fifo", batch_size=10)
def improve(event: Any) -> dict[str, Any]:
    """Fail for every body that says so."""
    failed = []
    for record in event:
        _note("improve", f"{record.body}#{record.to_dict()['attributes']['ApproximateReceiveCount']}")
        if record.body == "poison":
            failed.append({"itemIdentifier": record.to_dict()["messageId"]})
    return {"batchItemFailures": failed}


@app.on_sqs_message(queue="repair.fifo", batch_size=1)
def repair(event: Any) -> None:
    """Note every body."""
    for record in event:
        _note("repair", record.body)


@app.on_dynamodb_record(
    stream_arn="arn:aws:dynamodb:eu-west-1:000000000000:table/any/stream/any", batch_size=10
)
def publish_facts(event: Any) -> dict[str, Any]:
    """Note every item that asks for it."""
    for record in event:
        if record.keys["pk"]["S"] == "SAY":
            _note("fact", record.keys["sk"]["S"])
    return {"batchItemFailures": []}


@app.on_sqs_message(queue="webhooks", batch_size=1)
def deliver_webhooks(event: Any) -> None:
    """Note every body."""
    for record in event:
        _note("webhook", record.body)


@app.on_sqs_message(queue="texts", batch_size=1)
def send_texts(event: Any) -> None:
    """Note every body."""
    for record in event:
        _note("text", record.body)


@app.schedule(Rate(1, unit=Rate.MINUTES))
def drain_due(event: Any) -> None:
    """Say that it was called."""
    _note("due", f"tick {event.event_id}")
