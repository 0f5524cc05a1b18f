"""Facts are handed on, plans looked at, and each record tells in the log how it ended and on whose behalf."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from chalicelib.handlers import workers
from chalicelib.handlers.telemetry import InvocationFailed
from chalicelib.notifications.carrier import Outgoing, Taken
from tests.handlers.deployed import Deployed, Start, poison_job

PHONE = "+12025550123"
REFUSED = "+15005550009"  # Twilio: not a mobile number


@pytest.fixture
def product(start: Start) -> Deployed:
    product = start()
    product.forget()
    return product


def ordered(product: Deployed, request_id: str = "req-of-the-shop", phone: str = PHONE) -> str:
    """A promise made by a request of that id."""
    body = product.order(offer=product.offer(), recipient={"name": "Ana", "phone": phone})
    made = product.done("POST", "/v1/promises", body, headers={"X-Request-Id": request_id})
    return str(made["promise_id"])


@contextmanager
def silent() -> Iterator[str]:
    """Somebody who takes a request and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)

        threading.Thread(target=hang_up, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def metrics(line: dict[str, Any]) -> dict[str, int]:
    """What CloudWatch would read out of a line."""
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    return {each["Name"]: line[each["Name"]] for each in directive["Metrics"]}


def test_request_id_goes_from_the_request_through_stream_and_queue_to_the_text(product: Deployed) -> None:
    """Outbox row, planning job, every line on the way, and the text itself name the request."""
    promise_id = ordered(product)
    (row,) = [row for row in product.outbox() if "promise.confirmed" in row["facts"]["S"]]
    assert row["request_id"] == {"S": "req-of-the-shop"}
    product.forget()

    assert workers.publish_facts(product.stream(row), product.services) == {"batchItemFailures": []}
    [facts], [text] = product.lines("facts"), product.lines("text")
    assert facts["request_id"] == text["request_id"] == "req-of-the-shop"
    assert facts["outbox"] in row["pk"]["S"]
    assert facts["facts"] == ["promise.confirmed", "plan.changed"]
    assert facts["subjects"] == [promise_id, "porto/2026-11-24"]
    assert (text["promise_id"], text["status"]) == (promise_id, "pending")

    waiting = product.text_jobs()
    assert [json.loads(job["body"])["request_id"] for job in waiting["Records"]] == ["req-of-the-shop"]
    product.forget()
    assert workers.send_texts(waiting, product.services) == {"batchItemFailures": []}
    [text] = product.lines("text")
    [message] = product.done("GET", f"/v1/promises/{promise_id}/messages")["data"]
    assert message["request_id"] == "req-of-the-shop"
    told = (text["request_id"], text["message_id"], text["sid"], text["status"])
    assert told == ("req-of-the-shop", message["message_id"], message["sid"], "sent")

    jobs = product.jobs()
    assert [json.loads(job["body"])["request_id"] for job in jobs["Records"]] == ["req-of-the-shop"]
    assert workers.improve(jobs, product.services) == {"batchItemFailures": []}
    [plan] = product.lines("plan")
    assert (plan["request_id"], plan["outbox"], plan["kept"]) == ("req-of-the-shop", facts["outbox"], 1)


def test_rows_and_jobs_of_before_the_request_id_are_handled(product: Deployed) -> None:
    """F30: during a rollout old writers meet new readers; such a line has no request id, and all is done."""
    promise_id = ordered(product)
    rows = product.outbox()
    for row in rows:
        row.pop("request_id", None)
    product.forget()
    assert workers.publish_facts(product.stream(*rows), product.services) == {"batchItemFailures": []}
    assert workers.send_texts(product.text_jobs(), product.services) == {"batchItemFailures": []}
    jobs = product.jobs()
    assert not any("request_id" in job["body"] for job in jobs["Records"])
    assert workers.improve(jobs, product.services) == {"batchItemFailures": []}
    assert not any("request_id" in line for line in product.lines())
    [message] = product.done("GET", f"/v1/promises/{promise_id}/messages")["data"]
    assert message["status"] == "sent"
    assert "request_id" not in message


def test_counts_of_a_batch_stand_in_one_line(product: Deployed) -> None:
    """One line in embedded metric format for each invocation, whatever is in its batch."""
    for nth, phone in enumerate([PHONE, PHONE, REFUSED]):
        ordered(product, f"request-{nth}", phone)
    product.forget()
    workers.publish_facts(product.stream(), product.services)
    product.forget()
    workers.send_texts(product.text_jobs(), product.services)
    [line] = [line for line in product.lines() if "_aws" in line]
    assert metrics(line) == {"TextsSent": 2, "TextsFailed": 1}
    assert (line["message"], line["stage"], line["failed"]) == ("send_texts", "test", 0)
    assert [text.get("reason") for text in product.lines("text")].count("21614") == 1

    product.forget()
    jobs = product.jobs()
    workers.improve(jobs, product.services)
    [line] = [line for line in product.lines() if "_aws" in line]
    # The first job's run covers what the others ask for.
    assert metrics(line) == {"PromisesKept": 3, "PromisesAtRisk": 0, "PromisesBroken": 0}
    states = [plan["state"] for plan in product.lines("plan")]
    assert states[1:] == ["superseded"] * (len(jobs["Records"]) - 1)


class Meeting:
    """A carrier that answers nobody before three have called."""

    def __init__(self) -> None:
        self.all = threading.Barrier(3, timeout=2)

    def send(self, text: Outgoing) -> Taken:
        return Taken(sid=f"SM{self.all.wait():032x}")


def three_texts(product: Deployed) -> list[Any]:
    for nth in range(3):
        ordered(product, f"request-{nth}")
    workers.publish_facts(product.stream(), product.services)
    vars(product.services)["_text_sender"] = Meeting()
    return list(product.text_jobs()["Records"])


def test_texts_of_a_batch_are_with_the_carrier_at_once(product: Deployed) -> None:
    """None waits for the answer to another; each line names its own request, and all are counted."""
    jobs = three_texts(product)
    product.forget()
    assert workers.send_texts({"Records": jobs}, product.services) == {"batchItemFailures": []}
    assert {(text["status"], text["request_id"]) for text in product.lines("text")} == {
        ("sent", f"request-{nth}") for nth in range(3)
    }
    [line] = [line for line in product.lines() if "_aws" in line]
    assert metrics(line) == {"TextsSent": 3, "TextsFailed": 0}


def test_texts_of_one_batch_after_the_other_are_not(product: Deployed) -> None:
    """CONTROL: with this carrier a text by itself gets no answer."""
    job, *_ = three_texts(product)
    answer = workers.send_texts({"Records": [job]}, product.services)
    assert [failed["itemIdentifier"] for failed in answer["batchItemFailures"]] == [job["messageId"]]


def test_text_whose_answer_never_came_counts_as_failed(start: Start) -> None:
    """Nobody knows whether it was taken: that is on record, and the message of the queue is done with."""
    with silent() as url:
        product = start(TWILIO_API_URL=url)
        ordered(product)
        product.send_texts()
    [line] = [line for line in product.lines("send_texts") if "_aws" in line]
    assert metrics(line) == {"TextsSent": 0, "TextsFailed": 1}
    text = product.lines("text")[-1]
    assert (text["status"], text["request_id"]) == ("unknown", "req-of-the-shop")


def test_carrier_nobody_reaches_puts_a_text_off(start: Start) -> None:
    """It was never sent, so it waits, and a second look brings nothing new."""
    product = start(TWILIO_API_URL="http://127.0.0.1:9")  # nobody listens at the discard port
    ordered(product)
    product.send_texts()
    assert product.lines("text")[-1]["status"] == "pending"


def test_a_text_there_is_no_time_for_is_left_to_the_queue(product: Deployed) -> None:
    """An invocation that is about to end begins no text that it might not write down."""
    ordered(product)
    workers.publish_facts(product.stream(), product.services)
    jobs = product.text_jobs()
    answer = workers.send_texts(jobs, product.services, seconds=0.0)
    assert [failed["itemIdentifier"] for failed in answer["batchItemFailures"]] == [
        job["messageId"] for job in jobs["Records"]
    ]
    assert product.services.inbox(PHONE) == []


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("not JSON but +12025550123", "JSONDecodeError"),
        ('{"plan": "porto/2026-11-24"}', "KeyError"),
        ('{"tenant": "acme.test", "plan": "porto/Rua das Flores", "request": "r"}', "ValueError"),
    ],
)
def test_record_that_fails_tells_kind_and_place_and_not_what_it_choked_on(
    product: Deployed, body: str, error: str
) -> None:
    """One line with the kind of error and the job's id; the rest of the batch is done."""
    ordered(product)
    workers.publish_facts(product.stream(), product.services)
    good = product.jobs()["Records"]
    poison = poison_job(body)
    product.forget()
    answer = workers.improve({"Records": [poison, *good]}, product.services)
    assert answer == {"batchItemFailures": [{"itemIdentifier": poison["messageId"]}]}
    bad, *rest = product.lines("plan")
    assert (bad["error"], bad["level"], bad["job"]) == (error, "WARNING", poison["messageId"])
    assert any("workers.py" in place for place in bad["stack"])
    assert [line["state"] for line in rest] == ["unchanged", *["superseded"] * (len(good) - 1)]
    assert rest[0]["kept"] == 1
    [whole] = product.lines("improve")
    assert (whole["records"], whole["failed"]) == (1 + len(good), 1)
    for leak in (PHONE, "Flores"):
        assert leak not in product.log.getvalue()


def test_sweeper_tells_what_it_cleared(product: Deployed) -> None:
    """Holds that ran out; nothing due, nothing told."""
    product.hold()
    product.forget()
    assert workers.drain_due(product.services) == 0
    assert product.lines() == []
    product.clock.advance(86_400)
    assert workers.drain_due(product.services) == 1
    [line] = product.lines("drain_due")
    assert line["cleared"] == 1


def test_invocation_that_fails_is_told_and_raises_no_words(product: Deployed) -> None:
    """The runtime logs what a function raises: it learns the kind, the log the place as well."""
    product.hold()
    product.clock.advance(86_400)
    for row in product.dynamodb.scan(TableName=product.resources.table_name)["Items"]:
        if row["sk"]["S"] == "HOLD":
            row["document"] = {"S": '{"cart_ref": "Ana lives at Rua das Flores"}'}
            product.dynamodb.put_item(TableName=product.resources.table_name, Item=row)
    product.forget()
    with pytest.raises(InvocationFailed) as failed:
        workers.drain_due(product.services)
    assert str(failed.value) == "KeyError"
    [line] = product.lines("drain_due")
    assert (line["error"], line["level"]) == ("KeyError", "WARNING")
    assert any("rows.py" in place or "documents.py" in place for place in line["stack"])


def test_records_that_bring_nothing_new_are_not_told_one_by_one(product: Deployed) -> None:
    """Rows that are not the outbox's, and outbox rows without facts."""
    rows = product.dynamodb.scan(TableName=product.resources.table_name)["Items"]
    others = [row for row in rows if row["sk"]["S"] != "OUTBOX"]
    product.forget()
    workers.publish_facts(product.stream(*others), product.services)
    assert product.lines("facts") == []
    [whole] = product.lines("publish_facts")
    assert whole["records"] == len(others)
