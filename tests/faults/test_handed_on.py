"""Facts that the stream brings late, again, in pieces or not at all, and a table that was restored.

That whoever hands them on is killed (F07) is in `test_killed`, with processes that really die.
"""

import random
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.adapters.webhook_http import Internet
from chalicelib.handlers import workers
from chalicelib.units import DAY, HOUR, MINUTE
from tests.faults.test_day_reported import AS_IT_WAS, Day
from tests.handlers.deployed import Deployed, Start

pytestmark = pytest.mark.xdist_group("handed-on")
WEBHOOK = "/v1/webhooks/office"


class Office:
    """A merchant with a webhook who sold something, of which nobody has heard yet."""

    def __init__(self, product: Deployed) -> None:
        self.product = product
        product.done("PUT", WEBHOOK, {"url": "https://example.com/in"})
        self.hand_on(*product.outbox())
        product.jobs()
        known = {row["pk"]["S"] for row in product.outbox()}
        self.promise_id = product.promise()["promise_id"]
        (self.row,) = (
            row for row in product.outbox() if row["pk"]["S"] not in known and row["facts"]["S"] != "[]"
        )
        product.forget()

    def hand_on(self, *rows: dict[str, Any]) -> None:
        """What the stream does."""
        answer = workers.publish_facts(self.product.stream(*rows), self.product.services)
        assert answer == {"batchItemFailures": []}

    def sweep(self) -> None:
        """What the minute's trigger does."""
        workers.drain_due(self.product.services)

    def heard(self) -> tuple[int, int, int]:
        """How many texts the buyer has, and how many jobs and events came of it since this was asked last."""
        texts = self.product.done("GET", f"/v1/promises/{self.promise_id}/messages")["data"]
        events = [event for line in self.product.lines("facts") for event in line.get("events", ())]
        self.product.forget()
        return len(texts), len(self.product.jobs()["Records"]), len(events)

    def reasons(self) -> list[str]:
        """Why facts were not handed on."""
        return [line["reason"] for line in self.product.lines("facts") if "reason" in line]


def refused(*_: object) -> socket.socket:
    """Nobody is at home."""
    raise ConnectionRefusedError


def bare(row: dict[str, Any]) -> dict[str, Any]:
    """A row as it was before there was a sweeper: nobody can tell its age, or whether it was handed on."""
    return {name: row[name] for name in row.keys() - {"due_pk", "due_at"}}


@pytest.fixture
def office(start: Start) -> Office:
    return Office(start(internet=Internet(resolve=lambda *_: ["93.184.215.14"], connect=refused)))


def test_f07_facts_of_a_stream_that_is_off_are_swept_up_within_a_minute(office: Office) -> None:
    """F07: not while the stream may still bring them; then once, to everybody, and never again."""
    office.sweep()
    assert office.heard() == (0, 0, 0)
    office.product.clock.advance(MINUTE)
    office.sweep()
    assert office.heard() == (1, 1, 1)
    for _ in range(3):
        office.product.clock.advance(MINUTE)
        office.sweep()
    assert office.heard() == (1, 0, 0)


def test_f07_without_its_place_in_the_index_a_fact_is_lost(office: Office) -> None:
    """F07, control: what the stream does not bring, nobody finds."""
    office.product.dynamodb.put_item(TableName=office.product.resources.table_name, Item=bare(office.row))
    office.product.clock.advance(MINUTE)
    office.sweep()
    assert office.heard() == (0, 0, 0)


def test_f07_stream_that_wakes_up_brings_nothing_twice(office: Office) -> None:
    """F07: it was slow, and the sweeper faster; then everybody has heard it."""
    office.product.clock.advance(MINUTE)
    office.sweep()
    assert office.heard() == (1, 1, 1)
    office.hand_on(office.row)
    assert office.reasons() == ["handed_on_before"]
    assert office.heard() == (1, 0, 0)


def test_f07_row_that_fails_holds_up_no_other(office: Office) -> None:
    """F11: a poisoned one is tried again ever more rarely, and the sweeper sees to the rest."""
    poison = office.row | {
        "pk": {"S": office.row["pk"]["S"][:-32] + "0" * 32},
        "facts": {"S": office.row["facts"]["S"].replace("promise.confirmed", "promise.beamed")},
    }
    office.product.dynamodb.put_item(TableName=office.product.resources.table_name, Item=poison)
    office.product.clock.advance(MINUTE)
    office.sweep()
    [failed] = [line for line in office.product.lines("facts") if "error" in line]
    assert failed["error"] == "ValueError"
    assert office.heard() == (1, 1, 1)
    tries = 0
    for _ in range(30):
        office.product.clock.advance(MINUTE)
        office.sweep()
        tries += len(office.product.lines("facts"))
        office.product.forget()
    assert tries == 4  # after 2, 4, 8 and 16 minutes


def test_f14_facts_handed_over_again_a_day_later_are_nothing_new(office: Office) -> None:
    """F14: somebody sets the trigger back to bring what was given up, and all of that day comes with it."""
    office.hand_on(office.row)
    assert office.heard() == (1, 1, 1)
    office.product.clock.advance(DAY)
    office.hand_on(office.row)
    assert office.reasons() == ["handed_on_before"]
    assert office.heard() == (1, 0, 0)


def test_f14_if_nobody_could_tell_a_plan_would_be_looked_at_again(office: Office) -> None:
    """F14, control: the same of a row that does not say it: one more run of a solver for each."""
    office.hand_on(bare(office.row))
    assert office.heard() == (1, 1, 1)
    office.product.clock.advance(DAY)
    office.hand_on(bare(office.row))
    assert office.heard()[1] == 1


def test_f14_facts_that_nobody_handed_on_for_a_day_are_no_news_to_a_buyer(office: Office) -> None:
    """F14: the plan is looked at and the merchant told, however late; a buyer is not, and the log says so."""
    office.product.clock.advance(DAY)
    office.hand_on(office.row)
    assert office.reasons() == ["no_news_to_a_buyer"]
    assert office.heard() == (0, 1, 1)


def test_f14_if_nobody_could_tell_a_buyer_would_be_texted_a_day_late(office: Office) -> None:
    """F14, control: the same of a row that does not say how old it is."""
    office.product.clock.advance(DAY)
    office.hand_on(bare(office.row))
    assert office.heard()[0] == 1


def states_of(office: Office, jobs: Any) -> list[str]:
    """What came of jobs."""
    office.product.forget()
    assert workers.improve(jobs, office.product.services) == {"batchItemFailures": []}
    return [line["state"] for line in office.product.lines("plan")]


def test_f14_job_of_a_dead_letter_queue_a_day_later_is_covered(office: Office) -> None:
    """F14: what was asked for was done since, and the job says so; its day being over changes nothing."""
    office.hand_on(office.row)
    jobs = office.product.jobs()
    assert states_of(office, jobs) == ["unchanged"]
    office.product.clock.advance(DAY)
    assert states_of(office, jobs) == ["superseded"]


def test_f14_job_of_a_day_that_is_over_does_no_harm(office: Office) -> None:
    """F14: it was never done, and comes when the van is long back: nothing moves, nobody is told."""
    office.hand_on(office.row)
    ledger = f"/v1/promises/{office.promise_id}/ledger"
    jobs, before = office.product.jobs(), office.product.done("GET", ledger)
    office.product.clock.advance(2 * DAY)
    assert states_of(office, jobs) == ["unchanged"]
    assert office.product.done("GET", ledger) == before


def test_f14_job_without_a_number_would_be_done_again(office: Office) -> None:
    """F14, control: by its number a job tells that it was covered."""
    office.hand_on(office.row)
    jobs = office.product.jobs()
    for record in jobs["Records"]:
        record["body"] = record["body"].replace('"number"', '"no_number"')
    assert states_of(office, jobs) == ["unchanged"]
    assert states_of(office, jobs) == ["unchanged"]


def replayed(rows: list[dict[str, Any]], seed: int) -> Iterator[list[dict[str, Any]]]:
    """Batches of a stream whose two shards are split on the way, read twice over, with retries.

    A shard is read in order, its children after it; of shards that exist side by side, any is read next.
    """
    chance = random.Random(seed)
    for _ in range(2):  # the second time from the oldest record on: a consumer that begins anew
        shards = [rows[number::2] for number in range(2)]
        while any(shards):
            shard = chance.choice([shard for shard in shards if shard])
            if len(shard) > 2 and chance.random() < 0.3:
                shards.remove(shard)
                shards += [shard[0::2], shard[1::2]]
                continue
            batch = shard[: chance.randint(1, 4)]
            yield batch
            yield batch[chance.randrange(len(batch)) :]  # from the first that failed on
            del shard[: len(batch)]


@pytest.mark.parametrize("seed", range(3))
def test_f24_stream_that_is_split_read_again_and_retried_has_one_effect(start: Start, seed: int) -> None:
    """F24: whatever a shard's children, an old record or a retry bring, each thing is said and done once."""
    day = Day(start())
    for batch in replayed(day.product.outbox(), seed):
        assert day.published(*batch) == []
    assert day.states() == AS_IT_WAS
    assert day.texts() == [2, 2, 2]  # it was booked, and what became of it
    ledgers = [day.product.done("GET", f"/v1/promises/{each}/ledger")["data"] for each in day.made]
    for lines in ledgers:
        assert [line["sequence"] for line in lines] == [*range(1, len(lines) + 1)]
        assert [line["kind"] for line in lines].count("promise.out_for_delivery") == 1
    asked = [record["body"] for record in day.product.jobs()["Records"]]
    assert len(asked) == len(set(asked)) == 3  # one for each order, and none for what was replayed


def test_f24_whoever_believes_the_stream_hears_things_twice_and_backwards(start: Start) -> None:
    """F24, control: the same records as they come are no history of anything."""
    day = Day(start())
    batches = list(replayed(day.product.outbox(), 0))
    heard = [row["pk"]["S"] for batch in batches for row in batch]
    first = list(dict.fromkeys(heard))
    assert len(heard) > 2 * len(first)
    assert [first.index(name) for name in heard] != sorted(first.index(name) for name in heard)


def texts_to_send(office: Office) -> int:
    """How many texts wait for their worker since this was asked last."""
    return len(office.product.text_jobs()["Records"])


def turned_back(office: Office) -> None:
    """Hand a fact on, and put the table back to what it was before, as a restore to that moment would."""
    dynamodb, table = office.product.dynamodb, office.product.resources.table_name
    before = dynamodb.scan(TableName=table)["Items"]
    office.hand_on(office.row)
    assert texts_to_send(office) == 1
    for row in dynamodb.scan(TableName=table)["Items"]:
        dynamodb.delete_item(TableName=table, Key={name: row[name] for name in ("pk", "sk")})
    for row in before:
        dynamodb.put_item(TableName=table, Item=row)


def test_f29_restored_table_tells_nobody_again(office: Office) -> None:
    """F29: what was under way at that moment was told since; it is old, because a restore takes its time."""
    turned_back(office)
    office.product.clock.advance(2 * HOUR)
    office.product.forget()
    office.sweep()
    assert office.product.lines("facts") == []
    assert texts_to_send(office) == 0


def test_f29_without_looking_at_its_age_the_buyer_would_be_texted_again(office: Office) -> None:
    """F29, control: the same rows, looked at as if no time had passed."""
    turned_back(office)
    office.product.clock.advance(MINUTE)
    office.sweep()
    assert texts_to_send(office) == 1
