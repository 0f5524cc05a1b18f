"""What became true is handed on exactly as it was written; and no list reads without bound."""

import json
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.adapters.dynamodb.keys import outbox_key
from chalicelib.adapters.dynamodb.listing import page_of
from chalicelib.adapters.dynamodb.outbox import SWEPT_FOR, OutboxRow
from chalicelib.adapters.dynamodb.rows import HANDED_ON_WITHIN
from chalicelib.adapters.dynamodb.table import Table
from chalicelib.adapters.errand import errand
from chalicelib.events import FactKind
from chalicelib.promises.store import Changes, PromiseQuery
from chalicelib.units import DAY, MINUTE
from tests.adapters.conftest import NewStore
from tests.fakes import A_VAULT, CountedEntropy, FakeClock
from tests.promises.store_contract import ACME, BEST, NOW, a_fact, a_hold, a_promise, cart

LONG_AFTER = FakeClock().at + 10 * DAY


def stream_record(item: dict[str, Any], event: str = "INSERT") -> dict[str, Any]:
    """A record as Lambda hands it over."""
    image = "OldImage" if event == "REMOVE" else "NewImage"
    return {"eventName": event, "dynamodb": {"Keys": {"pk": item["pk"], "sk": item["sk"]}, image: item}}


def test_facts_of_a_commit_come_out_of_the_stream_together(
    new_store: NewStore, moto_dynamodb: Any, moto_table: str
) -> None:
    """One row of the many a commit writes has them, named by the transaction; each is handed on once."""
    store = new_store(entropy=CountedEntropy())
    facts = (a_fact(), a_fact(sequence=2, kind=FactKind.PROMISE_CHANGED))
    store.commit(ACME, Changes(holds=(a_hold(),), promise=a_promise(), cart=cart(None, 1), facts=facts))
    items = moto_dynamodb.scan(TableName=moto_table)["Items"]
    (row,) = [row for item in items if (row := store.outbox_row(stream_record(item)))]
    assert (row.tenant, row.facts, row.row_id) == (ACME, facts, f"{1:032x}")
    assert len(items) == 9


def test_row_names_the_request_of_its_transaction(
    new_store: NewStore, moto_dynamodb: Any, moto_table: str
) -> None:
    """What the facts lead to can be traced to who asked; a write that nobody asked for names nobody."""
    store = new_store()
    with errand("req-12345"):
        store.commit(ACME, Changes(facts=(a_fact(),)))
    store.commit(BEST, Changes(facts=(a_fact(),)))
    items = moto_dynamodb.scan(TableName=moto_table)["Items"]
    rows = [row for item in items if (row := store.outbox_row(stream_record(item)))]
    assert {str(row.tenant): row.request_id for row in rows} == {"acme.test": "req-12345", "best.test": None}


def test_row_of_before_the_request_id_is_read(
    new_store: NewStore, moto_dynamodb: Any, moto_table: str
) -> None:
    """F30: nor before the sweeper; and new rows have all that old readers look at, in the same spelling."""
    store = new_store()
    with errand("req-12345"):
        store.commit(ACME, Changes(facts=(a_fact(),)))
    items = moto_dynamodb.scan(TableName=moto_table)["Items"]
    (new,) = [item for item in items if item["sk"]["S"] == "OUTBOX"]
    assert set(new) == {"pk", "sk", "facts", "ttl", "request_id", "due_pk", "due_at"}
    (document,) = json.loads(new["facts"]["S"])
    assert set(document) == {"kind", "at", "actor", "subject", "sequence", "data"}
    old = {name: new[name] for name in ("pk", "sk", "facts", "ttl")}
    row, earlier = (store.outbox_row(stream_record(item)) for item in (new, old))
    assert row is not None
    assert earlier == replace(row, request_id=None, written_at=None, due_at=None)
    assert earlier is not None
    assert not store.is_handed_on(earlier, LONG_AFTER)
    store.note_handed_on(earlier)  # there is nothing to take out


@pytest.mark.parametrize("event", ["MODIFY", "REMOVE"])
def test_only_new_rows_are_handed_on(
    new_store: NewStore, moto_dynamodb: Any, moto_table: str, event: str
) -> None:
    """What time to live removes from the outbox is not new."""
    store = new_store()
    store.commit(ACME, Changes(facts=(a_fact(),)))
    for item in moto_dynamodb.scan(TableName=moto_table)["Items"]:
        assert store.outbox_row(stream_record(item, event)) is None


def test_commit_without_facts_hands_nothing_on(
    new_store: NewStore, moto_dynamodb: Any, moto_table: str
) -> None:
    """Its row in the outbox is only its witness."""
    store = new_store()
    store.commit(ACME, Changes(holds=(a_hold(),)))
    items = moto_dynamodb.scan(TableName=moto_table)["Items"]
    assert len(items) == 2
    assert not any(store.outbox_row(stream_record(item)) for item in items)


class Outbox:
    """A table, facts in it, and when they were written."""

    def __init__(self, new_store: NewStore, **given: Any) -> None:
        self.clock = FakeClock()
        self.store = new_store(clock=self.clock, **given)
        self.written_at = self.clock.at

    def write(self, count: int = 1) -> None:
        for sequence in range(1, count + 1):
            self.store.commit(ACME, Changes(facts=(a_fact(sequence=sequence),)))

    def left_over(self, after: int) -> list[OutboxRow]:
        """What a sweeper finds so many seconds after the facts were written."""
        records = self.store.left_over(self.written_at + after)
        return [row for record in records if (row := self.store.outbox_row(record))]

    def fails(self, after: int) -> None:
        """Sweep, and have all of it fail."""
        now = self.written_at + after
        for record in self.store.left_over(now):
            self.store.put_off(record, now)


@pytest.fixture
def outbox(new_store: NewStore) -> Outbox:
    return Outbox(new_store)


def test_facts_that_nobody_handed_on_are_left_over_after_a_quarter_of_a_minute(outbox: Outbox) -> None:
    """Not before, for the stream is on its way with them; and just as the stream would have brought them."""
    outbox.write()
    assert outbox.left_over(HANDED_ON_WITHIN - 1) == []
    (row,) = outbox.left_over(HANDED_ON_WITHIN)
    assert (row.tenant, row.facts) == (ACME, (a_fact(),))
    assert (row.written_at, row.due_at) == (outbox.written_at, outbox.written_at + HANDED_ON_WITHIN)


def test_witness_without_facts_is_never_left_over(outbox: Outbox) -> None:
    """There is nothing to hand on, and nothing to pay for."""
    outbox.store.commit(ACME, Changes(holds=(a_hold(),)))
    assert outbox.left_over(MINUTE) == []


def test_row_that_was_handed_on_is_no_longer_left_over(outbox: Outbox) -> None:
    """Whoever handed it on says so, once or twice; who has an old copy of it learns that."""
    outbox.write(2)
    row, other = outbox.left_over(MINUTE)
    for _ in range(2):
        outbox.store.note_handed_on(row)
    assert outbox.left_over(MINUTE) == [other]
    assert outbox.store.is_handed_on(row, LONG_AFTER)
    assert not outbox.store.is_handed_on(other, LONG_AFTER)


def test_row_that_was_forgotten_is_not_made_anew(outbox: Outbox, moto_dynamodb: Any, moto_table: str) -> None:
    """A row that time to live removed meanwhile counts as handed on, and stays removed."""
    outbox.write()
    (row,) = outbox.left_over(MINUTE)
    partition, sort = outbox_key(row.tenant, row.row_id)
    key = {"TableName": moto_table, "Key": {"pk": {"S": partition}, "sk": {"S": sort}}}
    moto_dynamodb.delete_item(**key)
    outbox.store.note_handed_on(row)
    assert outbox.store.is_handed_on(row, LONG_AFTER)
    assert "Item" not in moto_dynamodb.get_item(**key)


def test_row_that_fails_is_tried_ever_more_rarely_and_for_a_day(outbox: Outbox) -> None:
    """A poisoned row costs a few tries, not one in each minute of a week; it stays on record."""
    outbox.write()
    tried = []
    for after in range(10 * MINUTE, 3 * DAY, 10 * MINUTE):
        if outbox.left_over(after):
            tried.append(after // MINUTE)
            outbox.fails(after)
    assert tried == [10 * 2**number for number in range(9)]


def test_row_of_long_ago_is_not_left_over(outbox: Outbox) -> None:
    """F29: in a table that was restored, what had not been handed on at that moment was since."""
    outbox.write()
    assert len(outbox.left_over(HANDED_ON_WITHIN + SWEPT_FOR)) == 1
    assert outbox.left_over(HANDED_ON_WITHIN + SWEPT_FOR + 1) == []


def test_no_row_waits_behind_many(new_store: NewStore) -> None:
    """The sweeper takes a bounded number of rows, and some of each shard: 32."""
    tokens = iter([*range(0x10, 0x300, 0x10), 0x301])  # one shard, but for the last
    outbox = Outbox(new_store, entropy=lambda size: next(tokens).to_bytes(size))
    outbox.write(48)
    swept = outbox.left_over(MINUTE)
    assert len(swept) == 33
    assert f"{0x301:032x}" in [row.row_id for row in swept]
    for row in swept:
        outbox.store.note_handed_on(row)
    assert len(outbox.left_over(MINUTE)) == 15


def test_page_looks_at_a_bounded_number_of_promises(
    new_store: NewStore, moto_dynamodb: Any, moto_table: str
) -> None:
    """A question that hardly anything answers gets short pages, empty ones too, and comes to its end."""
    store = new_store()
    for stop_id in range(1, 8):
        depot_id = "braga" if stop_id == 6 else "porto"
        promise = a_promise(stop_id, depot_id=depot_id, created_at=NOW + stop_id)
        store.commit(ACME, Changes(promise=promise))
    table = Table(
        moto_dynamodb,
        moto_table,
        vault=A_VAULT,
        clock=FakeClock(),
        pause=lambda _: None,
        entropy=CountedEntropy(),
    )
    start, pages = None, []
    while not pages or start is not None:
        page = page_of(
            table,
            ACME,
            PromiseQuery(depot_id="braga"),
            depot_ids=list,
            limit=2,
            start=start,
            most_examined=3,
        )
        pages.append([promise.stop_id for promise in page.rows])
        start = page.next_start
    assert pages == [[], [6], []]
