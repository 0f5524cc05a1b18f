"""What Lambda's event sources do: hand queue messages, stream records and ticks to the functions of `app.py`.

    python -m infra.sandbox.consumers publish_facts --app app

One process runs one function, invoked by one event at a time. Which source a function has, and its batch
size, is read from its declaration; retries of the stream come from `infra/resources.json`. Partial batch
failures are honoured as Lambda honours them:

* a queue message that is not reported as failed is deleted, the others come back after their visibility
  timeout until the queue's redrive policy moves them to the dead letters;
* a stream goes on from the lowest sequence number reported; after the last retry the place of what is left of
  the batch is written to the dead letters and the stream moves on.

Its weak point: one invocation at a time per function, where Lambda would run several, and batches are never
bisected.
"""

import argparse
import json
import os
import signal
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from chalice.app import DynamoDBEventConfig, ScheduledEventConfig, SQSEventConfig
from chalice.local import LambdaContext

from infra.sandbox.emulator import STACK, connect
from infra.sandbox.gateway import load, stage_config
from infra.sandbox.lambda_events import Event, matches, queue_record, stream_record, tick
from infra.sandbox.resources import template

QUEUE_WAIT_SECONDS = 1  # of one long poll; also how long a consumer may take to notice that it should stop
STREAM_PAUSE_SECONDS = 0.1
TICK_SECONDS = 1.0
FIRST_RETRY_SECONDS = 0.1
LAST_RETRY_SECONDS = 2.0

type Function = Callable[[Event], Any]


class InvocationFailed(Exception):
    """The function raised, or its answer cannot be understood: the whole batch has failed."""


def invoke(function: Function, event: Event) -> Any:
    """Call a function as Lambda would: whatever it raises is logged and fails the invocation only."""
    try:
        return function(event)
    except Exception as error:  # the runtime's job is to catch what the function did not
        traceback.print_exc()
        raise InvocationFailed(repr(error)) from error


def failed_items(answer: Any, known: Sequence[str]) -> set[str]:
    """Return the identifiers of the records a function reported as failed.

    Parameters
    ----------
    answer
        What the function returned: nothing, or `{"batchItemFailures": [{"itemIdentifier": …}]}`.
    known
        Identifiers of the records it was given.

    Raises
    ------
    InvocationFailed
        If the answer has another shape or names a record that was not in the batch; Lambda then takes the
        whole batch as failed.
    """
    if answer is None:
        return set()
    if not isinstance(answer, dict) or not isinstance(answer.get("batchItemFailures") or [], list):
        raise InvocationFailed("the answer is no batch response")
    failed: set[str] = set()
    for failure in answer.get("batchItemFailures") or []:
        identifier = failure.get("itemIdentifier") if isinstance(failure, dict) else None
        if not isinstance(identifier, str) or identifier not in known:
            raise InvocationFailed("a failure names no record of the batch")
        failed.add(identifier)
    return failed


class QueuePoller:
    """Hands the messages of one queue to a function, as Lambda's SQS event source.

    Parameters
    ----------
    sqs
        boto3 client.
    function
        Takes an event in Lambda's shape and returns its answer.
    batch_size
        Messages per invocation, 1 to 10.
    """

    def __init__(self, *, sqs: Any, queue_url: str, function: Function, batch_size: int) -> None:
        self._sqs = sqs
        self._queue_url = queue_url
        self._function = function
        self._batch_size = min(batch_size, 10)
        queue = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
        self._arn = queue["Attributes"]["QueueArn"]

    def poll(self) -> int:
        """Receive and hand over at most one batch; return how many messages were done with."""
        received = self._sqs.receive_message(
            QueueUrl=self._queue_url,
            MaxNumberOfMessages=self._batch_size,
            WaitTimeSeconds=QUEUE_WAIT_SECONDS,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        ).get("Messages", [])
        if not received:
            return 0
        records = [queue_record(message, arn=self._arn) for message in received]
        try:
            answer = invoke(self._function, {"Records": records})
            failed = failed_items(answer, [record["messageId"] for record in records])
        except InvocationFailed:
            return 0
        done = [message for message in received if message["MessageId"] not in failed]
        if done:
            # Some may not be ours any more: a run that outlasts the visibility timeout was not the only one.
            entries = [
                {"Id": str(at), "ReceiptHandle": message["ReceiptHandle"]} for at, message in enumerate(done)
            ]
            self._sqs.delete_message_batch(QueueUrl=self._queue_url, Entries=entries)
        return len(done)


class StreamPoller:
    """Hands the records of a table's stream to a function, as Lambda's DynamoDB event source.

    Parameters
    ----------
    streams, sqs
        boto3 clients.
    dead_letters_url
        Queue that learns of batches given up.
    retries
        How often a batch is tried again before it is given up.
    pause
        Called with a number of seconds between two tries.
    patterns
        Which records are wanted, as filters of Lambda's say it; any of them will do.
    """

    def __init__(
        self,
        *,
        streams: Any,
        sqs: Any,
        stream_arn: str,
        dead_letters_url: str,
        function: Function,
        batch_size: int,
        retries: int,
        pause: Callable[[float], object],
        patterns: Sequence[Mapping[str, Any]] = ({},),
    ) -> None:
        self._streams = streams
        self._sqs = sqs
        self._stream_arn = stream_arn
        self._dead_letters_url = dead_letters_url
        self._function = function
        self._batch_size = batch_size
        self._patterns = patterns
        self._retries = retries
        self._pause = pause
        self._iterators: dict[str, str] = {}

    def poll(self) -> int:
        """Read and hand over at most one batch per shard; return how many records were moved past."""
        self._find_shards()
        moved = 0
        for shard, iterator in list(self._iterators.items()):
            if not iterator:
                continue
            read = self._streams.get_records(ShardIterator=iterator, Limit=self._batch_size)
            wanted = [
                stream_record(record, self._stream_arn)
                for record in read["Records"]
                if any(matches(pattern, record) for pattern in self._patterns)
            ]
            if wanted:
                self._hand_over(shard, wanted)
            moved += len(read["Records"])
            self._iterators[shard] = read.get("NextShardIterator", "")
        return moved

    def _find_shards(self) -> None:
        if any(self._iterators.values()):
            return
        stream = self._streams.describe_stream(StreamArn=self._stream_arn)["StreamDescription"]
        for shard in (found["ShardId"] for found in stream["Shards"]):
            if shard not in self._iterators:
                start = self._streams.get_shard_iterator(
                    StreamArn=self._stream_arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
                )
                self._iterators[shard] = start["ShardIterator"]

    def _hand_over(self, shard: str, records: list[Event]) -> None:
        attempts = 0
        while records:
            numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
            try:
                failed = failed_items(invoke(self._function, {"Records": records}), numbers)
            except InvocationFailed:
                failed = {numbers[0]}
            if not failed:
                return
            checkpoint = min(numbers.index(number) for number in failed)
            # What precedes the checkpoint is done: what is left is another batch, with retries of its own.
            attempts = attempts + 1 if checkpoint == 0 else 1
            records = records[checkpoint:]
            if attempts > self._retries:
                self._give_up(shard, records)
                return
            self._pause(min(FIRST_RETRY_SECONDS * 2 ** (attempts - 1), LAST_RETRY_SECONDS))

    def _give_up(self, shard: str, records: list[Event]) -> None:
        changes = [record["dynamodb"] for record in records]
        created = [
            datetime.fromtimestamp(change["ApproximateCreationDateTime"], UTC).isoformat()
            for change in changes
        ]
        message = {
            "requestContext": {"requestId": str(uuid4()), "condition": "RetryAttemptsExhausted"},
            "version": "1.0",
            "timestamp": datetime.now(UTC).isoformat(),
            "DDBStreamBatchInfo": {
                "shardId": shard,
                "startSequenceNumber": changes[0]["SequenceNumber"],
                "endSequenceNumber": changes[-1]["SequenceNumber"],
                "approximateArrivalOfFirstRecord": created[0],
                "approximateArrivalOfLastRecord": created[-1],
                "batchSize": len(records),
                "streamArn": self._stream_arn,
            },
        }
        self._sqs.send_message(QueueUrl=self._dead_letters_url, MessageBody=json.dumps(message))


class Ticker:
    """Calls a function once a second, where EventBridge would once a minute: nobody likes to wait."""

    def __init__(self, *, function: Function) -> None:
        self._function = function

    def poll(self) -> int:
        """Call the function, whose failure is logged; there is never more to do at once."""
        with suppress(InvocationFailed):
            invoke(self._function, tick())
        return 0


def poller_of(name: str, module: Any, *, pause: Callable[[float], object]) -> tuple[Any, float]:
    """Return the poller of one function of an app, and its pause in seconds after finding nothing.

    Raises
    ------
    LookupError
        If the app declares no event source of that name, or one of a kind the sandbox does not have.
    """
    sources = [source for source in module.app.event_sources if source.name == name]
    if not sources:
        raise LookupError(f"the app declares no queue, stream or schedule named {name}")
    url = os.environ["AWS_ENDPOINT_URL"]
    handler, config = getattr(module, name), stage_config(name)

    def function(event: Event) -> Any:
        context = LambdaContext(name, config.lambda_memory_size, max_runtime_ms=config.lambda_timeout * 1000)
        return handler(event, context)

    match sources[0]:
        case SQSEventConfig(queue=queue, batch_size=size):
            sqs = connect("sqs", url)
            queue_url = sqs.get_queue_url(QueueName=f"{STACK}-{queue}")["QueueUrl"]
            return QueuePoller(sqs=sqs, queue_url=queue_url, function=function, batch_size=size), 0.0
        case DynamoDBEventConfig(batch_size=size):
            sqs, table = connect("sqs", url), os.environ["TABLE_NAME"]
            described = connect("dynamodb", url).describe_table(TableName=table)["Table"]
            stream = StreamPoller(
                streams=connect("dynamodbstreams", url),
                sqs=sqs,
                stream_arn=described["LatestStreamArn"],
                dead_letters_url=sqs.get_queue_url(QueueName=f"{STACK}-facts-dlq")["QueueUrl"],
                function=function,
                batch_size=size,
                retries=_declared_source()["MaximumRetryAttempts"],
                pause=pause,
                patterns=_declared_patterns(),
            )
            return stream, STREAM_PAUSE_SECONDS
        case ScheduledEventConfig():
            return Ticker(function=function), TICK_SECONDS
        case other:
            raise LookupError(
                f"the sandbox has no event source of the kind of {name}: {type(other).__name__}"
            )


def _declared_source() -> Mapping[str, Any]:
    [source] = template()["Resources"]["PublishFacts"]["Properties"]["Events"].values()
    declared: Mapping[str, Any] = source["Properties"]
    return declared


def _declared_patterns() -> list[Mapping[str, Any]]:
    return [json.loads(each["Pattern"]) for each in _declared_source()["FilterCriteria"]["Filters"]]


def _run(name: str, module: Any) -> None:
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    poller, pause = poller_of(name, module, pause=stopping.wait)
    while not stopping.is_set():
        if not poller.poll():
            stopping.wait(pause)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("function", help="name of the function in the app module")
    arguments.add_argument("--app", default="app", help="module that holds the Chalice app")
    given = arguments.parse_args()
    _run(given.function, load(given.app))
