"""Small numbers: requests of a key, texts against their caps, and how far a tenant's clock was moved."""

from collections.abc import Mapping
from typing import Final

from chalicelib.adapters.dynamodb.keys import clock_key, counts_key, rate_key
from chalicelib.adapters.dynamodb.table import ConditionFailed, Rows, key_item, number
from chalicelib.adapters.dynamodb.transaction import ABSENT, Condition, Refused, Transaction
from chalicelib.errors import Conflict, StaleWrite
from chalicelib.events import Tenant
from chalicelib.receipts import ReceiptRow
from chalicelib.retention import COUNTS_KEPT, TEXTS_COUNTED
from chalicelib.units import Seconds, Timestamp

# Of two who move it at once the farther one wins, whoever comes first.
_NO_FARTHER: Final = ABSENT | Condition("ahead_seconds <= :ahead")


class CountRows(Rows):
    """Requests of each key and window (see `merchants.quota.RateCounter`), and the sandbox's clocks."""

    def add(self, key_id: str, window: Timestamp, requests: int) -> int:
        """Add to the count of a window, and return the sum.

        Tried once: whoever asks goes on by its own count, and a request should not wait for this.

        Raises
        ------
        Upstream
            No answer; it may have been counted.
        """
        values = {":more": number(requests), ":ttl": number(window + COUNTS_KEPT)}
        answer = self._table.attempt(
            "update_item",
            {
                "TableName": self._table.name,
                "Key": key_item(rate_key(key_id, window)),
                "UpdateExpression": "ADD requests :more SET #ttl = :ttl",
                "ExpressionAttributeNames": {"#ttl": "ttl"},
                "ExpressionAttributeValues": values,
                "ReturnValues": "UPDATED_NEW",
            },
        )
        return int(answer["Attributes"]["requests"]["N"])

    def take(self, name: str, window: Timestamp, caps: Mapping[str, int]) -> str | None:
        """Add one to each count of a row unless one is at its cap: see `notifications.caps.TextCounter`.

        Tried once, as `add`.

        Raises
        ------
        Upstream
            No answer; it may have been counted.
        """
        counts = {f"#{at}": count for at, count in enumerate(caps)}
        most = {f":{at}": number(cap) for at, cap in enumerate(caps.values())}
        room = [f"(attribute_not_exists(#{at}) OR #{at} < :{at})" for at in range(len(caps))]
        more = ", ".join(f"{placeholder} :one" for placeholder in counts)
        try:
            self._table.attempt(
                "update_item",
                {
                    "TableName": self._table.name,
                    "Key": key_item(counts_key(name, window)),
                    "UpdateExpression": f"ADD {more} SET #ttl = :ttl",
                    "ConditionExpression": " AND ".join(room),
                    "ExpressionAttributeNames": counts | {"#ttl": "ttl"},
                    "ExpressionAttributeValues": most
                    | {":one": number(1), ":ttl": number(window + TEXTS_COUNTED)},
                    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                },
            )
        except ConditionFailed as failed:
            counted = {count: int(failed.row[count]["N"]) for count in caps if count in failed.row}
            return next(count for count, cap in caps.items() if counted.get(count, 0) >= cap)
        return None

    def clock_offset(self, tenant: Tenant) -> Seconds:
        """How far a tenant's business clock is ahead; 0 until it was moved. Strongly consistent."""
        item = self._table.get(clock_key(tenant))
        return int(item["ahead_seconds"]["N"]) if item else 0

    def set_clock_offset(self, tenant: Tenant, ahead: Seconds, *, receipt: ReceiptRow | None = None) -> None:
        """Set how far a tenant's business clock is ahead, with the request's receipt, in one transaction.

        Raises
        ------
        AlreadyDone
            The receipt exists.
        Conflict
            `clock_moved_back`: it is ahead by more already, and time only goes forward.
        StaleWrite
            Another transaction was moving it at that moment.
        """
        moving = Transaction[str](self._table, tenant)
        values = {":ahead": number(ahead)}
        moving.update("clock", clock_key(tenant), "SET ahead_seconds = :ahead", values, only_if=_NO_FARTHER)
        moving.receipt(receipt)
        try:
            moving.commit()
        except Refused as refused:
            if "clock" in refused.guards:
                raise Conflict("The clock only moves forward.", code="clock_moved_back") from refused
            raise StaleWrite("The clock was not moved; try again.") from refused
