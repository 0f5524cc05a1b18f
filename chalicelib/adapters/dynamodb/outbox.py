"""What a transaction made true: read from the table's stream, and found where the stream did not bring it.

A row with facts is in the due index from its first write, and whoever handed them on takes it out: one write
for each row. So what is still there some seconds later is what the stream gave up or never brought, and the
sweeper needs nobody to tell it. The row itself stays, because it is the witness of its transaction. Weak
point: whoever dies between handing on and taking out leaves a row that is handed on twice.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from chalicelib.adapters.dynamodb.keys import (
    DUE,
    OUTBOX_DUE_SHARDS,
    Key,
    Span,
    outbox_due_partition,
    outbox_key,
    outbox_of,
)
from chalicelib.adapters.dynamodb.rows import facts_of
from chalicelib.adapters.dynamodb.table import ConditionFailed, Rows, key_item, key_of, number
from chalicelib.events import Fact, Tenant
from chalicelib.retention import OUTBOX_KEPT
from chalicelib.units import HOUR, Seconds, Timestamp

SWEPT_FOR: Final[Seconds] = HOUR  # behind its due time; what was due longer ago is of a restored table
_SWEPT_AT_ONCE: Final = 32  # rows of one shard
_STILL_DUE: Final = "attribute_exists(due_pk)"  # nobody handed it on, and the row is there

type Record = Mapping[str, Any]
"""A record of the stream as Lambda hands it over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """The facts of one transaction, which became true together.

    Attributes
    ----------
    row_id
        Unique to the transaction: whoever handles facts may be handed the same ones twice, and tells by this.
    request_id
        Of the request that made it true; None if nobody asked, or the row is older than this attribute.
    written_at, due_at
        System time; from `due_at` on the sweeper may have handed it on. None in rows of before there was one.
    """

    tenant: Tenant
    row_id: str
    facts: tuple[Fact, ...]
    request_id: str | None = None
    written_at: Timestamp | None = None
    due_at: Timestamp | None = None


def outbox_row(record: Record) -> OutboxRow | None:
    """Read a record of the stream; None unless it is a new outbox row with facts."""
    image = record["dynamodb"].get("NewImage", {})
    if record["eventName"] != "INSERT" or "facts" not in image:
        return None
    whose = outbox_of(image["pk"]["S"], image["sk"]["S"])
    facts = facts_of(image["facts"]["S"])
    if not whose or not facts:
        return None
    asked, due_at = image.get("request_id"), image.get("due_at")
    return OutboxRow(
        tenant=whose[0],
        row_id=whose[1],
        facts=facts,
        request_id=asked["S"] if asked else None,
        written_at=int(image["ttl"]["N"]) - OUTBOX_KEPT if due_at else None,
        due_at=int(due_at["N"]) if due_at else None,
    )


class OutboxRows(Rows):
    """Which facts are still to be handed on."""

    def outbox_row(self, record: Record) -> OutboxRow | None:
        """Read a record of the stream; None unless it is a new outbox row with facts."""
        return outbox_row(record)

    def is_handed_on(self, row: OutboxRow, now: Timestamp) -> bool:
        """Whether somebody handed a row on before; the store is asked only where that may be: once it is due.

        Parameters
        ----------
        now
            System time.
        """
        if row.due_at is None or now < row.due_at:
            return False
        item = self._table.get(outbox_key(row.tenant, row.row_id))
        return item is None or "due_pk" not in item

    def note_handed_on(self, row: OutboxRow) -> None:
        """Take a row out of what is due; no effect if somebody did."""
        if row.due_at is not None:
            self._update(outbox_key(row.tenant, row.row_id), "REMOVE due_pk, due_at")

    def left_over(self, now: Timestamp) -> Sequence[Record]:
        """Rows that nobody handed on in time, as the stream would have brought them, the oldest first.

        Each shard gives some, so that no row waits behind many others for ever. Cost: a query for each shard,
        also when nothing is left over.

        Parameters
        ----------
        now
            System time.
        """
        keys: list[Key] = []
        for shard in range(OUTBOX_DUE_SHARDS):
            span = Span(outbox_due_partition(shard), str(now - SWEPT_FOR), str(now))
            due = self._table.query(span, index=DUE, attributes="pk, sk", at_once=_SWEPT_AT_ONCE)
            keys += map(key_of, islice(due, _SWEPT_AT_ONCE))
        # An index lags behind: what the table itself says counts.
        items = [item for item in self._table.get_many(keys).values() if "due_pk" in item]
        items.sort(key=lambda item: int(item["ttl"]["N"]))
        return [
            {
                "eventName": "INSERT",
                "eventSource": "aws:dynamodb",
                "dynamodb": {"NewImage": item, "SequenceNumber": item["pk"]["S"]},
            }
            for item in items
        ]

    def put_off(self, record: Record, now: Timestamp) -> None:
        """Have a row that could not be handed on tried again at twice its age: a dozen times in all."""
        image = record["dynamodb"]["NewImage"]
        age = now - (int(image["ttl"]["N"]) - OUTBOX_KEPT)
        self._update(key_of(image), "SET due_at = :later", later=now + age)

    def _update(self, key: Key, expression: str, **values: int) -> None:
        request: dict[str, Any] = {"UpdateExpression": expression, "ConditionExpression": _STILL_DUE}
        if values:
            request["ExpressionAttributeValues"] = {f":{name}": number(at) for name, at in values.items()}
        with suppress(ConditionFailed):
            self._table.ask("update_item", Key=key_item(key), **request)
