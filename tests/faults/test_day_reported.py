"""What a van's day leaves in the stream and the queue comes twice, in any order, and poisoned.

The bare thing beside ours is a consumer that believes each fact as it comes.
"""

import random
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.events import FactKind
from chalicelib.fleet.ids import PROMISE, stop_id_of
from chalicelib.handlers import workers
from chalicelib.motion.store import MotionChanges
from chalicelib.promises.facts import promise_fact
from chalicelib.promises.model import PromiseState
from tests.handlers.deployed import ACME, Deployed, Start, poison_job
from tests.handlers.test_motion import EVENTS, completed, event

pytestmark = pytest.mark.xdist_group("day-reported")


class Day:
    """Promises on a van that has left, served one and failed at one; nothing was handed on yet."""

    def __init__(self, product: Deployed, *, orders: int = 3) -> None:
        self.product = product
        self.made = [product.promise()["promise_id"] for _ in range(orders)]
        product.clock.at += 6 * 3600
        first, second, *_ = self.made
        batch = [
            event("departed_depot", "08:05"),
            completed({"promise_id": first}, "08:30"),
            completed({"promise_id": second}, "08:40", "failed_not_home"),
        ]
        assert product.done("POST", EVENTS, {"events": batch})["accepted"] == 3

    def published(self, *rows: dict[str, Any]) -> list[dict[str, str]]:
        """Hand rows of the outbox on, in this order; what failed.

        They are as before there was a sweeper: nobody can tell that they were handed on, or how old they are.
        """
        bare = [{name: row[name] for name in row.keys() - {"due_pk", "due_at"}} for row in rows]
        return workers.publish_facts(self.product.stream(*bare), self.product.services)["batchItemFailures"]

    def states(self) -> list[str]:
        return [self.product.done("GET", f"/v1/promises/{each}")["state"] for each in self.made]

    def ledgers(self) -> list[list[str]]:
        told = [self.product.done("GET", f"/v1/promises/{each}/ledger")["data"] for each in self.made]
        return [[line["kind"] for line in lines] for lines in told]

    def texts(self) -> list[int]:
        told = [self.product.done("GET", f"/v1/promises/{each}/messages")["data"] for each in self.made]
        return [len(each) for each in told]

    def believed(self) -> None:
        """Set out whatever the van left with, as a consumer would that looks at nothing else."""
        store = self.product.services.store
        for each in self.made:
            promise = store.promise(ACME, stop_id_of(each, PROMISE) or 0)
            assert promise is not None
            out = replace(promise, state=PromiseState.OUT_FOR_DELIVERY, sequence=promise.sequence + 1)
            fact = promise_fact(FactKind.PROMISE_OUT_FOR_DELIVERY, out, self.product.clock.at, {})
            store.commit_motion(ACME, MotionChanges(promises=(out,), facts=(fact,)))


@pytest.fixture
def day(start: Start) -> Day:
    return Day(start())


AS_IT_WAS = ["delivered", "confirmed", "arriving"]


def test_f09_messages_that_come_twice_have_one_effect(day: Day) -> None:
    """F09: each record and each job is handed over twice: one line in each ledger, one text, one run."""
    rows, product = day.product.outbox(), day.product
    for _ in range(2):
        assert day.published(*rows, *rows) == []
    assert day.states() == AS_IT_WAS
    before = day.ledgers()
    assert [lines.count("promise.out_for_delivery") for lines in before] == [1, 1, 1]
    assert day.texts() == [2, 2, 2]  # it was booked, and what became of it
    jobs = product.jobs()
    product.forget()
    for _ in range(2):
        assert workers.improve(jobs, product.services) == {"batchItemFailures": []}
    ran = [line["state"] for line in product.lines("plan")]
    assert len(ran) == 2 * len(jobs["Records"])
    assert len([state for state in ran if state != "superseded"]) == 1
    assert day.ledgers() == before


def test_f09_without_looking_a_message_that_comes_twice_is_told_twice(day: Day) -> None:
    """F09, control: a consumer that believes each fact writes a second line."""
    for _ in range(2):
        day.believed()
    assert all(lines.count("promise.out_for_delivery") > 1 for lines in day.ledgers())


@pytest.mark.parametrize("seed", range(4))
def test_f10_old_news_change_nothing(day: Day, seed: int) -> None:
    """F10: that the van left is handed on after all that happened since, and in any order."""
    rows = day.product.outbox()
    random.Random(seed).shuffle(rows)
    assert day.published(*rows) == []
    assert day.states() == AS_IT_WAS


def test_f10_without_looking_old_news_would_undo_a_delivery(day: Day) -> None:
    """F10, control: a consumer that believes each fact sets a delivered promise out again."""
    day.believed()
    assert day.states()[0] == "out_for_delivery"


def test_f11_poison_harms_nobody_else(day: Day) -> None:
    """F11: a record and a job that nobody can handle are reported by themselves; the others are done."""
    rows = day.product.outbox()
    broken = next(row for row in rows if "shift.departed" in row["facts"]["S"])
    poison = broken | {"facts": {"S": broken["facts"]["S"].replace('"shift_id"', '"no_such_field"')}}
    assert len(day.published(*(row for row in rows if row is not broken), poison)) == 1
    assert day.texts() == [2, 2, 2]  # it was booked, and what became of it
    jobs, bad = day.product.jobs(), poison_job("no json")
    answer = workers.improve({"Records": [bad, *jobs["Records"]]}, day.product.services)
    assert answer == {"batchItemFailures": [{"itemIdentifier": bad["messageId"]}]}


@pytest.fixture
def long_day(start: Start) -> Day:
    """A gate code, a door that cannot be entered, twice, and a van that is back with one never tried."""
    day = Day(start(), orders=5)
    *_, coded, barred, _ = day.made
    day.product.change(coded, kind="gate_code", code="4471#")
    batch = [
        event("incident", "09:10", kind="access", promise_id=barred),
        completed({"promise_id": barred}, "09:30", "failed_no_access"),
        event("returned_to_depot", "11:50"),
    ]
    answer = day.product.done("POST", EVENTS, {"events": batch})
    assert answer["accepted"] == 3, answer
    return day


def handed_on(day: Day) -> list[list[str]]:
    """Hand on all facts, and those that follow from them; gives every ledger."""
    for _ in range(2):
        assert day.published(*day.product.outbox()) == []
    return day.ledgers()


def test_f09_what_follows_from_a_fact_follows_once(long_day: Day) -> None:
    """F09: a door asked about, slots offered, what a van brought back: once, though all facts come again."""
    ledgers = handed_on(long_day)
    *_, barred, untried = ledgers
    assert barred.count("promise.access_asked") == 1, barred
    assert untried.count("promise.failed") == 1, untried
    assert [lines.count("promise.choices") for lines in ledgers] == [0, 1, 1, 1, 1], ledgers
    assert handed_on(long_day) == ledgers


def test_f09_without_what_is_known_what_follows_would_follow_twice(long_day: Day) -> None:
    """F09, control: nobody remembers that a door was asked about, or for which fact slots were offered."""
    before, store = handed_on(long_day), long_day.product.services.store
    for each in long_day.made:
        promise = store.promise(ACME, stop_id_of(each, PROMISE) or 0)
        assert promise is not None
        forgot = replace(promise, access_asked_at=None, choices=None)
        store.commit_motion(ACME, MotionChanges(promises=(forgot,)))
    *_, barred, untried = handed_on(long_day)
    assert barred.count("promise.access_asked") > before[-2].count("promise.access_asked")
    assert untried.count("promise.choices") > before[-1].count("promise.choices")
