"""What a transaction made true, read from the table's stream."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.adapters.dynamodb.keys import outbox_of
from chalicelib.adapters.dynamodb.rows import facts_of
from chalicelib.events import Fact, Tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """The facts of one transaction, which became true together.

    Attributes
    ----------
    row_id
        Unique to the transaction: whoever handles facts may be handed the same ones twice, and tells by this.
    request_id
        Of the request that made it true; None if nobody asked, or the row is older than this attribute.
    """

    tenant: Tenant
    row_id: str
    facts: tuple[Fact, ...]
    request_id: str | None = None


def outbox_row(record: Mapping[str, Any]) -> OutboxRow | None:
    """Read a record of the stream as Lambda hands it over; None unless it is a new outbox row with facts."""
    image = record["dynamodb"].get("NewImage", {})
    if record["eventName"] != "INSERT" or "facts" not in image:
        return None
    whose = outbox_of(image["pk"]["S"], image["sk"]["S"])
    facts = facts_of(image["facts"]["S"])
    if not whose or not facts:
        return None
    asked = image.get("request_id")
    return OutboxRow(tenant=whose[0], row_id=whose[1], facts=facts, request_id=asked["S"] if asked else None)
