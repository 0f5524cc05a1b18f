"""Jobs that can never be done, in one batch with a replan somebody waits for: real worker, real queues.

The queue's redrive policy is the template's; only its visibility timeout is 0 here, so that a try follows the
one before at once.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from chalicelib.adapters.dynamodb import DynamoStore
from chalicelib.adapters.sqs import PlanJobs
from chalicelib.dispatch.model import ReplanState, Work
from chalicelib.dispatch.service import Dispatch
from chalicelib.fleet.planning import Planner
from chalicelib.handlers import workers
from chalicelib.receipts import no_receipt
from chalicelib.routing.optimiser import Budget
from chalicelib.routing.optimiser.problem import Orders, Problem
from chalicelib.routing.travel_times import StraightLine
from chalicelib.settings import Stage
from infra.sandbox.consumers import InvocationFailed, QueuePoller
from infra.sandbox.emulator import Emulator
from infra.sandbox.resources import Resources
from tests.fakes import A_VAULT, FakeClock
from tests.promises.shop import CALM, TENANT, TODAY, Shop, at

NOW = at(6)
TRIES = 3
POISON = (
    "not a job",
    '{"plan": "porto/2026-11-24", "request": "of nobody"}',
    '{"tenant": "m1.test", "plan": "porto/tomorrow", "request": "on no date"}',
)
_stacks = count(1)


class NoSolver:
    """Has no better idea."""

    def improve(self, problem: Problem, budget: Budget) -> Orders:
        return problem.orders


@dataclass
class Factory:
    """A shop, the worker behind it and their queue.

    Attributes
    ----------
    handled
        How often each body was handed to the worker.
    """

    emulator: Emulator
    resources: Resources
    handled: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.sqs = self.emulator.client("sqs")
        client, table = self.emulator.client("dynamodb"), self.resources.table_name
        store = DynamoStore(client, table=table, vault=A_VAULT, clock=FakeClock(), pause=lambda _: None)
        self.shop = Shop(store=store)
        self.shop.buy(at(10))
        self.dispatch = Dispatch(
            self.shop.store,
            Planner(self.shop.store, lambda _: StraightLine(), noise=CALM, staleness=0),
            engine=NoSolver,
            new_number=count(1).__next__,
            clock=lambda: 0.0,
            pause=lambda _: None,
        )

    def asked(self) -> str:
        """Somebody waits for a replan; its job is in the queue, as the stream's consumer puts it."""
        replan = self.dispatch.ask(TENANT, "porto", TODAY, NOW, no_receipt)
        jobs = PlanJobs(self.sqs, urls={Work.IMPROVE: self.resources.improve_queue_url})
        jobs.send(TENANT, f"porto/{TODAY}", Work.IMPROVE, request=uuid4().hex, replan_id=replan.replan_id)
        return replan.replan_id

    def poison(self, body: str, *, group: str | None = None) -> None:
        self.sqs.send_message(
            QueueUrl=self.resources.improve_queue_url,
            MessageBody=body,
            MessageGroupId=group or uuid4().hex,
            MessageDeduplicationId=uuid4().hex,
        )

    def improve(self, event: Any) -> Any:
        self.handled.update(record["body"] for record in event["Records"])
        services: Any = SimpleNamespace(
            settings=SimpleNamespace(stage=Stage.SANDBOX),
            business_now=lambda _: NOW,
            dispatch=self.dispatch,
            store=self.shop.store,
        )
        return workers.improve(event, services)

    def work(self, function: Callable[[Any], Any] | None = None) -> None:
        """Poll until nothing is left to poll, and then some."""
        poller = QueuePoller(
            sqs=self.sqs,
            queue_url=self.resources.improve_queue_url,
            function=function or self.improve,
            batch_size=10,
        )
        for _ in range(TRIES + 2):
            poller.poll()

    def state(self, replan_id: str) -> ReplanState:
        return self.dispatch.replan(TENANT, replan_id, NOW).state

    def dead(self) -> list[str]:
        """Bodies of the dead letters."""
        url = self.resources.improve_dead_letters_url
        received = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        return sorted(message["Body"] for message in received)


@pytest.fixture
def factory(emulator: Emulator) -> Factory:
    """On a table and queues of the test's own."""
    created = emulator.create(f"poison-{next(_stacks)}")
    emulator.client("sqs").set_queue_attributes(
        QueueUrl=created.improve_queue_url, Attributes={"VisibilityTimeout": "0"}
    )
    return Factory(emulator, created)


def test_poison_goes_to_the_dead_letters_after_three_tries_and_its_neighbours_are_done_once(
    factory: Factory,
) -> None:
    """Whatever is wrong with it; who waits for a replan has his answer."""
    factory.poison(POISON[0])
    waited_for = factory.asked()
    for body in POISON[1:]:
        factory.poison(body)
    factory.work()
    assert factory.dead() == sorted(POISON)
    assert {body: factory.handled[body] for body in POISON} == dict.fromkeys(POISON, TRIES)
    assert factory.state(waited_for) is ReplanState.UNCHANGED
    (job,) = factory.handled.keys() - set(POISON)
    assert (json.loads(job)["replan_id"], factory.handled[job]) == (waited_for, 1)


def test_poison_of_a_plan_takes_no_other_job_of_that_plan_with_it(factory: Factory) -> None:
    """The same message group: what follows the poison is not tried as often as the poison, and given up."""
    factory.poison(POISON[0], group=f"{TENANT}:porto/{TODAY}")
    waited_for = factory.asked()
    factory.work()
    assert factory.dead() == [POISON[0]]
    assert factory.state(waited_for) is ReplanState.UNCHANGED


def test_a_job_that_waits_for_the_poison_of_its_plan_is_given_up_with_it(factory: Factory) -> None:
    """Control: a worker that keeps the order of a group reports the follower as failed, three times too."""

    def in_order(event: Any) -> Any:
        failed = factory.improve(event)["batchItemFailures"]
        return {
            "batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in event["Records"]]
            if failed
            else []
        }

    factory.poison(POISON[0], group=f"{TENANT}:porto/{TODAY}")
    factory.asked()
    factory.work(in_order)
    assert len(factory.dead()) == 2


def test_without_the_report_of_single_failures_the_neighbour_is_given_up_with_the_poison(
    factory: Factory,
) -> None:
    """Control: a worker that raises when a job fails; the batch comes back whole, and dies whole."""

    def raises(event: Any) -> None:
        if factory.improve(event)["batchItemFailures"]:
            raise InvocationFailed("one of them")

    factory.poison(POISON[0])
    factory.asked()
    factory.work(raises)
    assert len(factory.dead()) == 2
    assert set(factory.handled.values()) == {TRIES}


def test_with_the_report_unheard_the_poison_is_lost(factory: Factory) -> None:
    """Control: a queue that does not ask for the report deletes the whole batch, and nobody learns of it."""
    factory.poison(POISON[0])
    factory.asked()
    factory.work(lambda event: factory.improve(event) and None)
    assert factory.dead() == []
    assert factory.handled[POISON[0]] == 1
