"""Brings a table back to an earlier state, from the table that AWS restored beside it.

    python -m infra.restore slotkeeper-live-restored slotkeeper-live           says what it would do
    python -m infra.restore slotkeeper-live-restored slotkeeper-live --apply   does it

The stack keeps its table, its name and its stream. What cannot be taken back in the world is not taken back
here: which texts were sent, which requests were answered, which facts were told. So nobody is told anything
twice, and a repeated request gets the answer it got. Run it while nothing else writes, and publish a version
afterwards, because processes remember routes by their versions (`infra/README.md`). Weak point: one reader
and one writer, about a million rows in an hour.
"""

import argparse
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import batched
from typing import Any, Final

type Row = Mapping[str, Any]
type Key = tuple[str, str]

# What has left the house, by the partition keys of `adapters.dynamodb.keys`.
_OUTSIDE: Final = re.compile(r"RATE#|T#[^#]+#(OUTBOX|RECEIPT|SID|TEXTS)#")
_AT_ONCE: Final = 25  # rows in one BatchWriteItem


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What has to be done to one table that it becomes like another.

    Attributes
    ----------
    put
        Rows to be written as the other table has them.
    delete
        Keys of rows that the other table does not have.
    """

    put: tuple[Row, ...]
    delete: tuple[Key, ...]


def difference(dynamodb: Any, *, restored: str, table: str) -> Difference:
    """Compare two tables, rows that stand for something outside left out; both are read whole."""
    wanted = {_key(row): row for row in _rows(dynamodb, restored)}
    there = {_key(row): row for row in _rows(dynamodb, table)}
    return Difference(
        put=tuple(row for key, row in wanted.items() if there.get(key) != row),
        delete=tuple(key for key in there if key not in wanted),
    )


def apply(dynamodb: Any, found: Difference, *, table: str) -> None:
    """Make the difference; what is done twice does no harm."""
    requests = [{"PutRequest": {"Item": row}} for row in found.put]
    requests += [
        {"DeleteRequest": {"Key": {"pk": {"S": partition}, "sk": {"S": sort}}}}
        for partition, sort in found.delete
    ]
    for some in batched(requests, _AT_ONCE):
        left = list(some)
        while left:
            answer = dynamodb.batch_write_item(RequestItems={table: left})
            left = answer.get("UnprocessedItems", {}).get(table, [])


def _rows(dynamodb: Any, table: str) -> Iterator[Row]:
    for page in dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        yield from (row for row in page["Items"] if not _OUTSIDE.match(row["pk"]["S"]))


def _key(row: Row) -> Key:
    return row["pk"]["S"], row["sk"]["S"]


def main() -> int:
    """Compare, say what differs, and make it so if that was asked for."""
    import boto3

    parser = argparse.ArgumentParser(prog="python -m infra.restore", description=__doc__)
    parser.add_argument("restored", help="the table that AWS restored")
    parser.add_argument("table", help="the stack's own")
    parser.add_argument("--apply", action="store_true", help="write; without it, only say what would be")
    given = parser.parse_args()
    dynamodb = boto3.client("dynamodb")
    found = difference(dynamodb, restored=given.restored, table=given.table)
    print(f"{len(found.put)} rows to write, {len(found.delete)} to delete")
    if given.apply:
        apply(dynamodb, found, table=given.table)
        print("done")
    return 0


if __name__ == "__main__":
    sys.exit(main())
