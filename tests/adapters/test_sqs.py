"""Planning jobs on a FIFO queue."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from chalicelib.adapters.errand import errand
from chalicelib.adapters.sqs import DeliveryJobs, PlanJobs, TextJobs
from chalicelib.dispatch.model import Work
from chalicelib.errors import Upstream
from chalicelib.events import Mode, Tenant

TENANT = Tenant(merchant_id="m1", mode=Mode.TEST)
NOBODY = {"region_name": "eu-west-1", "aws_access_key_id": "nobody", "aws_secret_access_key": "nothing"}


@pytest.fixture
def sqs() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("sqs", **NOBODY)


@pytest.fixture
def queue_url(sqs: Any) -> str:
    return str(sqs.create_queue(QueueName="improve.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"])


def received(sqs: Any, queue_url: str) -> list[Any]:
    found = sqs.receive_message(
        QueueUrl=queue_url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
    )
    return list(found.get("Messages", []))


def test_a_job_names_the_plan_and_waits_in_its_group(sqs: Any, queue_url: str) -> None:
    """One worker at a time for a plan; other plans do not wait for it."""
    PlanJobs(sqs, urls={Work.IMPROVE: queue_url}).send(TENANT, "porto/2026-11-24", Work.IMPROVE, request="r1")
    (message,) = received(sqs, queue_url)
    assert json.loads(message["Body"]) == {"tenant": "m1.test", "plan": "porto/2026-11-24", "request": "r1"}
    assert message["Attributes"]["MessageGroupId"] == "m1.test:porto/2026-11-24"


def test_a_job_names_the_request_it_goes_back_to(sqs: Any, queue_url: str) -> None:
    """Beside what old workers read (F30); deduplication does not look at it."""
    jobs = PlanJobs(sqs, urls={Work.IMPROVE: queue_url})
    for request_id in ("req-12345", "req-67890"):
        with errand(request_id):
            jobs.send(TENANT, "porto/2026-11-24", Work.IMPROVE, request="r1")
    (message,) = received(sqs, queue_url)
    assert json.loads(message["Body"]) == {
        "tenant": "m1.test",
        "plan": "porto/2026-11-24",
        "request": "r1",
        "request_id": "req-12345",
    }


def test_the_same_request_twice_is_one_job(sqs: Any, queue_url: str) -> None:
    """The stream repeats; the queue does not."""
    jobs = PlanJobs(sqs, urls={Work.IMPROVE: queue_url})
    jobs.send(TENANT, "porto/2026-11-24", Work.IMPROVE, request="r1")
    jobs.send(TENANT, "porto/2026-11-24", Work.IMPROVE, request="r1")
    assert len(received(sqs, queue_url)) == 1


def test_one_request_for_two_plans_is_two_jobs(sqs: Any, queue_url: str) -> None:
    """A swap from one day to another changes both plans; deduplication is per queue, so the plan is in it."""
    jobs = PlanJobs(sqs, urls={Work.IMPROVE: queue_url})
    jobs.send(TENANT, "porto/2026-11-24", Work.IMPROVE, request="r1")
    jobs.send(TENANT, "porto/2026-11-25", Work.IMPROVE, request="r1")
    assert len(received(sqs, queue_url)) == 2


def test_a_long_name_is_shortened_and_still_one_of_its_own(sqs: Any, queue_url: str) -> None:
    """SQS takes 128 characters; two long plans are two jobs in two groups."""
    jobs = PlanJobs(sqs, urls={Work.IMPROVE: queue_url})
    for last in "ab":
        jobs.send(TENANT, f"{'d' * 128}{last}/2026-11-24", Work.IMPROVE, request="r1")
    groups = {message["Attributes"]["MessageGroupId"] for message in received(sqs, queue_url)}
    assert len(groups) == 2


def test_a_queue_that_refuses_is_upstream(sqs: Any) -> None:
    """Nothing above knows of boto's errors."""
    gone = PlanJobs(sqs, urls={Work.IMPROVE: "https://sqs.eu-west-1.amazonaws.com/123456789012/gone.fifo"})
    with pytest.raises(Upstream):
        gone.send(TENANT, "porto/2026-11-24", Work.IMPROVE, request="r1")


@pytest.fixture
def webhooks_queue_url(sqs: Any) -> str:
    return str(sqs.create_queue(QueueName="webhooks")["QueueUrl"])


def test_a_delivery_is_named_and_comes_when_it_should(sqs: Any, webhooks_queue_url: str) -> None:
    """At once, or after some seconds; with the request it goes back to."""
    jobs = DeliveryJobs(sqs, webhooks_queue_url=webhooks_queue_url)
    jobs.deliver(TENANT, "office", "000000000001")
    with errand("req-12345"):
        jobs.deliver(TENANT, "office", "replay")
    jobs.deliver(TENANT, "office", "000000000002", delay=900)
    bodies = [json.loads(message["Body"]) for message in received(sqs, webhooks_queue_url)]
    first = {"tenant": "m1.test", "webhook_id": "office", "delivery": "000000000001"}
    assert bodies == [first, first | {"delivery": "replay", "request_id": "req-12345"}]


def test_queue_that_takes_no_delivery_is_told(sqs: Any) -> None:
    """The caller knows that the sweeper will find it."""
    gone = DeliveryJobs(sqs, webhooks_queue_url="https://sqs.eu-west-1.amazonaws.com/123456789012/gone")
    with pytest.raises(Upstream):
        gone.deliver(TENANT, "office", "replay")


def test_texts_are_brought_ten_in_a_request(sqs: Any) -> None:
    """Each by itself in the queue, named by its id only, with the request it goes back to."""
    url = sqs.create_queue(QueueName="texts")["QueueUrl"]
    asked: list[str] = []
    sqs.meta.events.register("before-call.sqs", lambda model, **_: asked.append(model.name))
    with errand("req-12345"):
        TextJobs(sqs, texts_queue_url=url).look_at_all(TENANT, {f"prm_{number}.1": 0 for number in range(25)})
    assert asked == ["SendMessageBatch"] * 3
    bodies = [json.loads(each["Body"]) for _ in range(3) for each in received(sqs, url)]
    assert sorted(body["message_id"] for body in bodies) == sorted(f"prm_{number}.1" for number in range(25))
    assert {(body["tenant"], body["request_id"]) for body in bodies} == {("m1.test", "req-12345")}


def test_texts_of_which_the_queue_took_some_were_not_taken() -> None:
    """Whoever asked asks again: a look too many does no harm."""

    class Picky:
        def send_message_batch(self, **_: Any) -> Any:
            return {"Successful": [{"Id": "0"}], "Failed": [{"Id": "1", "Code": "InternalError"}]}

    with pytest.raises(Upstream):
        TextJobs(Picky(), texts_queue_url="texts").look_at_all(TENANT, {"prm_1.1": 0, "prm_2.1": 0})
