"""A table comes back to an earlier state, and what has left the house does not leave it again (F29)."""

from itertools import count
from typing import Any

import pytest

from infra.restore import apply, difference
from infra.sandbox import Emulator

_stacks = count(1)


def row(pk: str, sk: str = "X", **attributes: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}} | {name: {"S": text} for name, text in attributes.items()}


EARLIER = (
    row("T#acme.test#D#porto", "R#2026-11-24#s-1", version="1"),
    row("T#acme.test#S#01", "PROMISE", document="as made"),
    row("T#acme.test#S#02", "HOLD", document="gone since"),
    row("T#acme.test#TEXTS#prm_1", "prm_1.1.confirmed", document="queued"),
    row("T#acme.test#OUTBOX#1", "OUTBOX", facts="[1]"),
)
LATER = (
    row("T#acme.test#D#porto", "R#2026-11-24#s-1", version="7"),
    row("T#acme.test#S#01", "PROMISE", document="changed by mistake"),
    row("T#acme.test#S#03", "PROMISE", document="made by mistake"),
    row("T#acme.test#TEXTS#prm_1", "prm_1.1.confirmed", document="sent"),
    row("T#acme.test#RECEIPT#k", "RECEIPT", sealed_body="answered"),
)


@pytest.fixture
def tables(emulator: Emulator) -> tuple[str, str]:
    """What AWS restored, and what the stack has."""
    dynamodb, number = emulator.client("dynamodb"), next(_stacks)
    names = []
    for name, rows in ((f"restored-{number}", EARLIER), (f"damaged-{number}", LATER)):
        table = emulator.create(name).table_name
        for each in rows:
            dynamodb.put_item(TableName=table, Item=each)
        names.append(table)
    return names[0], names[1]


def rows_of(emulator: Emulator, table: str) -> dict[tuple[str, str], Any]:
    found = emulator.client("dynamodb").scan(TableName=table)["Items"]
    return {(each["pk"]["S"], each["sk"]["S"]): each for each in found}


def test_plans_and_promises_are_as_they_were(emulator: Emulator, tables: tuple[str, str]) -> None:
    """What changed is changed back, what was deleted is there again, what was made since is gone."""
    restored, damaged = tables
    dynamodb = emulator.client("dynamodb")
    found = difference(dynamodb, restored=restored, table=damaged)
    assert (len(found.put), len(found.delete)) == (3, 1)
    apply(dynamodb, found, table=damaged)
    after = rows_of(emulator, damaged)
    assert {
        key: each for key, each in after.items() if "TEXTS" not in key[0] and "RECEIPT" not in key[0]
    } == {(each["pk"]["S"], each["sk"]["S"]): each for each in EARLIER[:3]}


def test_f29_what_has_left_the_house_stays_told(emulator: Emulator, tables: tuple[str, str]) -> None:
    """A text stays sent, an answer given, and no old outbox row comes in as if it were news.

    The control is the table that was restored: used as it is, it would send the text again.
    """
    restored, damaged = tables
    dynamodb = emulator.client("dynamodb")
    apply(dynamodb, difference(dynamodb, restored=restored, table=damaged), table=damaged)
    after, raw = rows_of(emulator, damaged), rows_of(emulator, restored)
    text = ("T#acme.test#TEXTS#prm_1", "prm_1.1.confirmed")
    assert (after[text]["document"]["S"], raw[text]["document"]["S"]) == ("sent", "queued")
    assert ("T#acme.test#RECEIPT#k", "RECEIPT") in after
    assert ("T#acme.test#OUTBOX#1", "OUTBOX") not in after


def test_restoring_twice_changes_nothing_more(emulator: Emulator, tables: tuple[str, str]) -> None:
    """A run that was broken off is run again."""
    restored, damaged = tables
    dynamodb = emulator.client("dynamodb")
    apply(dynamodb, difference(dynamodb, restored=restored, table=damaged), table=damaged)
    again = difference(dynamodb, restored=restored, table=damaged)
    assert (again.put, again.delete) == ((), ())
