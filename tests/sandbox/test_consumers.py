"""The pollers treat functions as Lambda's event sources do."""

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from infra.sandbox.consumers import (
    InvocationFailed,
    QueuePoller,
    StreamPoller,
    Ticker,
    failed_items,
    poller_of,
)
from infra.sandbox.emulator import Emulator
from infra.sandbox.lambda_events import matches, stream_record
from infra.sandbox.resources import Resources
from tests.sandbox import tiny_app

Event = dict[str, Any]
_stacks = itertools.count(1)


@pytest.fixture
def resources(emulator: Emulator) -> Resources:
    """A table and queues of the test's own, whose messages come back at once."""
    created = emulator.create(f"consumers-{next(_stacks)}")
    emulator.client("sqs").set_queue_attributes(
        QueueUrl=created.improve_queue_url, Attributes={"VisibilityTimeout": "0"}
    )
    return created


@pytest.fixture
def sqs(emulator: Emulator) -> Any:
    return emulator.client("sqs")


def send(sqs: Any, resources: Resources, *bodies: str) -> None:
    """Enqueue jobs, each of a group of its own, so that a failed one holds up no other."""
    for body in bodies:
        sqs.send_message(
            QueueUrl=resources.improve_queue_url,
            MessageBody=body,
            MessageGroupId=body,
            MessageDeduplicationId=body,
        )


def bodies_in(sqs: Any, queue_url: str) -> set[str]:
    received = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10).get("Messages", [])
    return {message["Body"] for message in received}


def poison_fails(event: Event) -> Event:
    failed = [
        {"itemIdentifier": record["messageId"]} for record in event["Records"] if record["body"] == "poison"
    ]
    return {"batchItemFailures": failed}


def queue_poller(sqs: Any, resources: Resources, function: Callable[[Event], Any]) -> QueuePoller:
    return QueuePoller(sqs=sqs, queue_url=resources.improve_queue_url, function=function, batch_size=10)


def test_messages_that_did_not_fail_are_deleted_and_the_failed_one_comes_back(
    sqs: Any, resources: Resources
) -> None:
    """A partial batch failure costs only the failed message another try."""
    send(sqs, resources, "good", "poison", "fine")
    queue_poller(sqs, resources, poison_fails).poll()
    assert bodies_in(sqs, resources.improve_queue_url) == {"poison"}


def test_failure_that_is_not_reported_deletes_the_poison_message(sqs: Any, resources: Resources) -> None:
    """F11, F12, control: without the report the poison is lost, so the test above sees it at work."""
    send(sqs, resources, "good", "poison")
    queue_poller(sqs, resources, lambda _: None).poll()
    assert bodies_in(sqs, resources.improve_queue_url) == set()


def test_poison_message_ends_among_the_dead_letters_after_three_tries(sqs: Any, resources: Resources) -> None:
    """F11: the redrive policy of the template takes effect; good messages are handled once."""
    handled = []

    def function(event: Event) -> Event:
        handled.extend(record["body"] for record in event["Records"])
        return poison_fails(event)

    send(sqs, resources, "good", "poison")
    poller = queue_poller(sqs, resources, function)
    for _ in range(4):
        poller.poll()
    assert sorted(handled) == ["good", "poison", "poison", "poison"]
    assert bodies_in(sqs, resources.improve_dead_letters_url) == {"poison"}


def raises(_: Event) -> None:
    raise RuntimeError("a bug")


@pytest.mark.parametrize(
    "function",
    [raises, lambda _: "nonsense", lambda _: {"batchItemFailures": [{"itemIdentifier": "of no message"}]}],
)
def test_function_that_raises_or_answers_nonsense_fails_the_whole_batch(
    sqs: Any, resources: Resources, function: Callable[[Event], Any]
) -> None:
    """Nothing is deleted that the function may not have handled."""
    send(sqs, resources, "one", "two")
    queue_poller(sqs, resources, function).poll()
    assert bodies_in(sqs, resources.improve_queue_url) == {"one", "two"}


def test_queue_messages_have_the_shape_lambda_gives_them(sqs: Any, resources: Resources) -> None:
    """Handlers read the attributes they will find in production."""
    events: list[Event] = []
    sqs.send_message(
        QueueUrl=resources.improve_queue_url,
        MessageBody="{}",
        MessageGroupId="depot-day",
        MessageDeduplicationId="1",
        MessageAttributes={"trace": {"DataType": "String", "StringValue": "abc"}},
    )
    queue_poller(sqs, resources, events.append).poll()
    [record] = events[0]["Records"]
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"].endswith("-improve.fifo")
    assert record["attributes"]["MessageGroupId"] == "depot-day"
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["messageAttributes"] == {"trace": {"stringValue": "abc", "dataType": "String"}}


class Facts:
    """A stream with a consumer that fails where told, and a record of what it saw."""

    def __init__(
        self, emulator: Emulator, resources: Resources, *, failing: Callable[[str, int], bool]
    ) -> None:
        self.tries: list[str] = []
        self.pauses: list[float] = []
        self._failing = failing
        self._table = resources.table_name
        self._dynamodb = emulator.client("dynamodb")
        self.patterns: list[Event] = [{}]
        self.poller = StreamPoller(
            streams=emulator.client("dynamodbstreams"),
            sqs=emulator.client("sqs"),
            stream_arn=resources.stream_arn,
            dead_letters_url=resources.facts_dead_letters_url,
            function=self._consume,
            batch_size=10,
            retries=2,
            pause=self.pauses.append,
            patterns=self.patterns,
        )

    def write(self, *names: str) -> None:
        for name in names:
            self._dynamodb.put_item(TableName=self._table, Item={"pk": {"S": "fact"}, "sk": {"S": name}})

    def _consume(self, event: Event) -> Event:
        failed = []
        for record in event["Records"]:
            name = record["dynamodb"]["Keys"]["sk"]["S"]
            self.tries.append(name)
            if self._failing(name, self.tries.count(name)):
                failed.append({"itemIdentifier": record["dynamodb"]["SequenceNumber"]})
        return {"batchItemFailures": failed}


def test_stream_goes_on_from_the_first_failed_record(emulator: Emulator, resources: Resources) -> None:
    """Records before the failed one are not repeated, those after it keep their order."""
    facts = Facts(emulator, resources, failing=lambda name, tried: name == "b" and tried == 1)
    facts.write("a", "b", "c")
    assert facts.poller.poll() == 3
    assert facts.tries == ["a", "b", "c", "b", "c"]
    assert bodies_in(emulator.client("sqs"), resources.facts_dead_letters_url) == set()


def test_stream_gives_up_a_poison_record_after_its_retries_and_moves_on(
    emulator: Emulator, resources: Resources
) -> None:
    """F11: the dead letters say where the batch stood, and later facts are still told."""
    facts = Facts(emulator, resources, failing=lambda name, _: name == "poison")
    facts.write("a", "poison", "c")
    facts.poller.poll()
    assert facts.tries.count("poison") == 3
    assert facts.tries.count("a") == 1
    assert facts.pauses == sorted(facts.pauses)
    [message] = bodies_in(emulator.client("sqs"), resources.facts_dead_letters_url)
    given_up = json.loads(message)["DDBStreamBatchInfo"]
    assert given_up["batchSize"] == 2
    assert given_up["startSequenceNumber"] < given_up["endSequenceNumber"]
    facts.write("later")
    facts.poller.poll()
    assert facts.tries[-1] == "later"


def test_every_fact_is_handed_over_once_in_order(emulator: Emulator, resources: Resources) -> None:
    """More records than a batch takes lose and repeat nothing."""
    facts = Facts(emulator, resources, failing=lambda *_: False)
    names = [f"{number:02}" for number in range(25)]
    facts.write(*names)
    while facts.poller.poll():
        pass
    assert facts.tries == names


def test_records_nobody_wants_are_moved_past(emulator: Emulator, resources: Resources) -> None:
    """As Lambda's filters have it: the function is not invoked for them, and they are done with."""
    facts = Facts(emulator, resources, failing=lambda *_: False)
    facts.patterns[:] = [{"dynamodb": {"Keys": {"sk": {"S": ["b", "d"]}}}}]
    facts.write("a", "b", "c", "d", "e")
    assert facts.poller.poll() == 5
    assert facts.tries == ["b", "d"]


def test_filter_compares_as_lambda_does() -> None:
    """Values listed, or whether there is any; what is not known here is not guessed."""
    inserted = {"eventName": "INSERT", "dynamodb": {"NewImage": {"facts": {"S": "[]"}}}}
    other = {"eventName": "INSERT", "dynamodb": {"NewImage": {"claim": {"S": "x"}}}}
    wanted = {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"facts": {"S": [{"exists": True}]}}}}
    assert [matches(wanted, each) for each in (inserted, other, inserted | {"eventName": "MODIFY"})] == [
        True,
        False,
        False,
    ]
    assert matches({}, other)
    with pytest.raises(ValueError, match="prefix"):
        matches({"eventName": [{"prefix": "INS"}]}, inserted)


def test_stream_records_are_json_with_binaries_in_base64(emulator: Emulator, resources: Resources) -> None:
    """A packed route arrives as Lambda delivers it, at any depth."""
    events: list[Event] = []
    poller = StreamPoller(
        streams=emulator.client("dynamodbstreams"),
        sqs=emulator.client("sqs"),
        stream_arn=resources.stream_arn,
        dead_letters_url=resources.facts_dead_letters_url,
        function=events.append,
        batch_size=10,
        retries=0,
        pause=lambda _: None,
    )
    item = {
        "pk": {"S": "a"},
        "sk": {"S": "b"},
        "packed": {"B": b"\x00\xff"},
        "deep": {"L": [{"M": {"x": {"BS": [b"a"]}}}]},
    }
    emulator.client("dynamodb").put_item(TableName=resources.table_name, Item=item)
    poller.poll()
    [record] = json.loads(json.dumps(events[0]["Records"]))
    assert record["eventName"] == "INSERT"
    assert record["eventSourceARN"] == resources.stream_arn
    assert record["dynamodb"]["NewImage"]["packed"] == {"B": "AP8="}
    assert record["dynamodb"]["NewImage"]["deep"] == {"L": [{"M": {"x": {"BS": ["YQ=="]}}}]}
    assert record["dynamodb"]["ApproximateCreationDateTime"] > 0


def test_deletion_by_time_to_live_is_told_apart() -> None:
    """Lambda spells the deleting service in small letters."""
    record = {
        "userIdentity": {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"},
        "dynamodb": {"ApproximateCreationDateTime": _Moment(), "Keys": {}},
    }
    shown = stream_record(record, "arn")
    assert shown["userIdentity"] == {"type": "Service", "principalId": "dynamodb.amazonaws.com"}


class _Moment:
    def timestamp(self) -> float:
        return 1.0


def test_tick_goes_on_after_a_failure() -> None:
    """A failed run of what is due is repeated by the next tick, not fatal."""
    outcomes: Iterator[Callable[[Event], None]] = iter([raises, lambda _: None])
    ticks: list[Event] = []

    def function(event: Event) -> None:
        ticks.append(event)
        next(outcomes)(event)

    ticker = Ticker(function=function)
    ticker.poll()
    ticker.poll()
    assert [tick["source"] for tick in ticks] == ["aws.events", "aws.events"]


def test_failure_of_no_record_of_the_batch_is_not_believed() -> None:
    """An identifier from elsewhere fails the whole batch, as it does in Lambda."""
    with pytest.raises(InvocationFailed):
        failed_items({"batchItemFailures": [{"itemIdentifier": ""}]}, ["a"])


def test_function_the_app_does_not_declare_is_named() -> None:
    """A misspelt function stops the sandbox with its name."""
    with pytest.raises(LookupError, match="break_down"):
        poller_of("break_down", tiny_app, pause=lambda _: None)
