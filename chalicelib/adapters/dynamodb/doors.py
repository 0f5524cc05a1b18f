"""What is known of doors: sealed rows by the hash of an address, and by whom they were learned from.

A row names its owners and each owner's partition names the row, so that a buyer is forgotten without knowing
any address. Weak point: a door that another buyer taught us since stays; the first one's mark of it goes.
"""

from collections.abc import Sequence
from contextlib import suppress

from chalicelib.adapters.dynamodb.keys import door_key, door_owner_key, door_owner_span
from chalicelib.adapters.dynamodb.table import ConditionFailed, Item, Rows, key_item, number, text
from chalicelib.adapters.dynamodb.transaction import Transaction
from chalicelib.events import Tenant
from chalicelib.promises.doors import DoorRow
from chalicelib.units import Timestamp


class DoorRows(Rows):
    """Doors: see `promises.doors.DoorStore`."""

    def door(self, tenant: Tenant, keys: Sequence[str]) -> DoorRow | None:
        """The first of these doors that is known, strongly consistent."""
        for key in keys:
            item = self._table.get(door_key(tenant, key))
            if item is not None:
                return door_of(item, key)
        return None

    def keep_door(self, tenant: Tenant, row: DoorRow) -> None:
        """Keep a door in place of what was known of it, with the marks by which it can be forgotten."""
        writing, now = Transaction[str](self._table, tenant), self._table.now()
        writing.put("door", door_key(tenant, row.key), door_item(row, now), only_if=None)
        for owner in row.owners:
            kept = {"ttl": number(max(row.kept_until, now))}
            writing.put("owner", door_owner_key(tenant, owner, row.key), kept, only_if=None)
        writing.commit()

    def forget_doors(self, tenant: Tenant, owners: Sequence[str]) -> int:
        """Forget what was learned from a buyer; gives how many doors it was."""
        forgotten = set[str]()
        for owner in owners:
            for mark in self._table.query(door_owner_span(tenant, owner)):
                key = mark["sk"]["S"]
                # Somebody else may have taught us this door since: that is theirs.
                theirs = {
                    "ConditionExpression": "contains(owners, :owner)",
                    "ExpressionAttributeValues": {":owner": text(owner)},
                }
                with suppress(ConditionFailed):
                    self._table.ask("delete_item", Key=key_item(door_key(tenant, key)), **theirs)
                    forgotten.add(key)
                self._table.ask("delete_item", Key=key_item(door_owner_key(tenant, owner, key)))
        return len(forgotten)


def door_item(row: DoorRow, now: Timestamp) -> Item:
    """Write a door."""
    return {
        "sealed": text(row.sealed),
        "owners": {"L": [text(owner) for owner in row.owners]},
        "ttl": number(max(row.kept_until, now)),
    }


def door_of(item: Item, key: str) -> DoorRow:
    """Read what `door_item` wrote."""
    return DoorRow(
        key=key,
        sealed=item["sealed"]["S"],
        owners=tuple(owner["S"] for owner in item["owners"]["L"]),
        kept_until=int(item["ttl"]["N"]),
    )
