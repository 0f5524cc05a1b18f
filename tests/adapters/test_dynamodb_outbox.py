"""What became true is handed on exactly as it was written; and no list reads without bound."""

import json
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.adapters.dynamodb.listing import page_of
from chalicelib.adapters.dynamodb.table import Table
from chalicelib.adapters.errand import errand
from chalicelib.events import FactKind
from chalicelib.promises.store import Changes, PromiseQuery
from tests.adapters.conftest import NewStore
from tests.fakes import CountedEntropy, FakeClock
from tests.promises.store_contract import ACME, BEST, NOW, a_fact, a_hold, a_promise, cart


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
    assert len(items) == 7


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
    """F30: and new rows have all that old readers look at: key, event, facts in the same spelling."""
    store = new_store()
    with errand("req-12345"):
        store.commit(ACME, Changes(facts=(a_fact(),)))
    items = moto_dynamodb.scan(TableName=moto_table)["Items"]
    (new,) = [item for item in items if item["sk"]["S"] == "OUTBOX"]
    assert set(new) == {"pk", "sk", "facts", "ttl", "request_id"}
    (document,) = json.loads(new["facts"]["S"])
    assert set(document) == {"kind", "at", "actor", "subject", "sequence", "data"}
    old = {name: value for name, value in new.items() if name != "request_id"}
    row, earlier = (store.outbox_row(stream_record(item)) for item in (new, old))
    assert row is not None
    assert earlier == replace(row, request_id=None)


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
        moto_dynamodb, moto_table, clock=FakeClock(), pause=lambda _: None, entropy=CountedEntropy()
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
