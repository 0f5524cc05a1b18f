"""Two small numbers: how many requests a key made, and how far a tenant's clock was moved."""

from typing import Final

from chalicelib.adapters.dynamodb.keys import clock_key, rate_key
from chalicelib.adapters.dynamodb.table import ConditionFailed, Rows, key_item, number
from chalicelib.errors import Conflict
from chalicelib.events import Tenant
from chalicelib.units import DAY, Seconds, Timestamp

_RATE_KEPT: Final[Seconds] = DAY


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
        answer = self._table.attempt(
            "update_item",
            {
                "TableName": self._table.name,
                "Key": key_item(rate_key(key_id, window)),
                "UpdateExpression": "ADD requests :more SET #ttl = :ttl",
                "ExpressionAttributeNames": {"#ttl": "ttl"},
                "ExpressionAttributeValues": {":more": number(requests), ":ttl": number(window + _RATE_KEPT)},
                "ReturnValues": "UPDATED_NEW",
            },
        )
        return int(answer["Attributes"]["requests"]["N"])

    def clock_offset(self, tenant: Tenant) -> Seconds:
        """How far a tenant's business clock is ahead; 0 until it was moved. Strongly consistent."""
        item = self._table.get(clock_key(tenant))
        return int(item["ahead_seconds"]["N"]) if item else 0

    def set_clock_offset(self, tenant: Tenant, ahead: Seconds) -> None:
        """Set how far a tenant's business clock is ahead.

        Raises
        ------
        Conflict
            `clock_moved_back`: it is ahead by more already, and time only goes forward.
        """
        try:
            self._table.ask(
                "update_item",
                Key=key_item(clock_key(tenant)),
                UpdateExpression="SET ahead_seconds = :ahead",
                # Of two who move it at once the farther one wins, whoever comes first.
                ConditionExpression="attribute_not_exists(pk) OR ahead_seconds <= :ahead",
                ExpressionAttributeValues={":ahead": number(ahead)},
            )
        except ConditionFailed as error:
            raise Conflict("The clock only moves forward.", code="clock_moved_back") from error
