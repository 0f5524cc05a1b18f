"""What finished days have taught, one row for each depot; what was read is good for an hour.

A row grows by eight bytes a door and twenty a driver up to some 80 KB, and is written once a day. Weak point:
for an hour after a day was learned two processes may forecast differently.
"""

import json
from datetime import date
from typing import Any

from chalicelib.adapters.dynamodb.keys import Key, past_key
from chalicelib.adapters.dynamodb.recent import Recent
from chalicelib.adapters.dynamodb.rows import json_text, version_of
from chalicelib.adapters.dynamodb.table import (
    ConditionFailed,
    Item,
    Rows,
    Table,
    binary,
    binary_of,
    key_item,
    number,
    text,
)
from chalicelib.adapters.dynamodb.transaction import unmoved
from chalicelib.errors import StaleWrite
from chalicelib.events import Tenant
from chalicelib.fleet.model import Depot
from chalicelib.fleet.past import FRESH_FOR, Past
from chalicelib.retention import PASTS_KEPT
from chalicelib.routing.doors import Doors
from chalicelib.routing.history import History
from chalicelib.units import Timestamp

_DEPOTS = 64


class PastRows(Rows):
    """Pasts of depots: see `fleet.past.PastStore`."""

    def __init__(self, table: Table) -> None:
        super().__init__(table)
        self._known: Recent[tuple[Key, str], tuple[Timestamp, Past]] = Recent(_DEPOTS)

    def past(self, tenant: Tenant, depot: Depot, now: Timestamp) -> Past:
        """A depot's past as it was at most `FRESH_FOR` ago; an empty one before anything was learned.

        Cost: one read an hour for each depot and process; decoding 0.2 ms.
        """
        known_as = past_key(tenant, depot.depot_id), depot.timezone
        read_at, known = self._known.get(known_as) or (0, None)
        if known is not None and 0 <= now - read_at < FRESH_FOR:
            return known
        item = self._table.get(known_as[0])
        if known is None or known.version != (version_of(item) if item else 0):
            known = past_of(item, depot.timezone)
        return self._known.put(known_as, (now, known))[1]

    def stored_past(self, tenant: Tenant, depot: Depot) -> Past:
        """The same, strongly consistent."""
        return past_of(self._table.get(past_key(tenant, depot.depot_id)), depot.timezone)

    def save_past(self, tenant: Tenant, depot_id: str, past: Past) -> None:
        """Store a past as `version + 1`, on condition of its version.

        Raises
        ------
        StaleWrite
            Somebody else stored one.
        """
        only_if = unmoved(past.version)
        request: dict[str, Any] = {"ConditionExpression": only_if.expression}
        if only_if.values:
            request["ExpressionAttributeValues"] = only_if.values
        key = key_item(past_key(tenant, depot_id))
        try:
            self._table.ask("put_item", Item=key | past_item(past, self._table.now()), **request)
        except ConditionFailed as failed:
            raise StaleWrite("Another day was learned in the meantime.") from failed


def past_item(past: Past, now: Timestamp) -> Item:
    """Write a past as the version that follows its own."""
    document = {"days": [day.isoformat() for day in past.days], "key": past.key.hex()}
    return {
        "version": number(past.version + 1),
        "document": text(json_text(document)),
        "history": binary(past.history.pack()),
        "doors": binary(past.doors.pack()),
        "ttl": number(now + PASTS_KEPT),
    }


def past_of(item: Item | None, timezone: str) -> Past:
    """Read what `past_item` wrote; no row: nothing was learned yet."""
    if item is None:
        return Past.none(timezone)
    document = json.loads(item["document"]["S"])
    return Past(
        history=History.unpack(binary_of(item, "history")),
        doors=Doors.unpack(binary_of(item, "doors")),
        days=tuple(map(date.fromisoformat, document["days"])),
        key=bytes.fromhex(document["key"]),
        timezone=timezone,
        version=version_of(item),
    )
