"""Merchants and their API keys in the table.

A key lies under the hash of its text, and has an entry in its tenant's list.
"""

from collections.abc import Sequence
from datetime import date

from chalicelib.adapters.dynamodb.keys import (
    api_key_key,
    key_entries_span,
    key_entry_key,
    merchant_key,
    pass_key,
)
from chalicelib.adapters.dynamodb.rows import (
    api_key_item,
    api_key_of,
    json_text,
    merchant_item,
    merchant_of,
    time_to_live,
)
from chalicelib.adapters.dynamodb.table import ConditionFailed, Rows, key_item, number, text
from chalicelib.adapters.dynamodb.transaction import ABSENT, Condition, Refused, Transaction
from chalicelib.errors import NotFound, StaleWrite
from chalicelib.events import Tenant
from chalicelib.merchants.model import ApiKey, Merchant
from chalicelib.receipts import ReceiptRow
from chalicelib.retention import PASSES_KEPT
from chalicelib.units import Timestamp


class MerchantRows(Rows):
    """Merchants and keys: see `merchants.service.MerchantStore`."""

    def get_key(self, sha256: str) -> ApiKey | None:
        """Find a key by its hash, whoever's it is; strongly consistent: a revoked one stops at once."""
        item = self._table.get(api_key_key(sha256))
        return api_key_of(item) if item else None

    def add_key(self, key: ApiKey, *, receipt: ReceiptRow | None) -> None:
        """Store a new key, and the request's receipt, in one transaction.

        Raises
        ------
        AlreadyDone
            The receipt exists.
        StaleWrite
            Another transaction was writing the receipt at that moment.
        """
        adding = Transaction[str](self._table, key.tenant)
        adding.put("key", api_key_key(key.sha256), api_key_item(key), only_if=ABSENT)
        entry = key_entry_key(key.tenant, key.created_at, key.key_id)
        adding.put("key", entry, {"sha256": text(key.sha256)}, only_if=ABSENT)
        adding.receipt(receipt)
        try:
            adding.commit()
        except Refused as refused:
            raise StaleWrite("The key was not made; try again.") from refused

    def put_pass(self, key: ApiKey, *, receipt: ReceiptRow | None) -> None:
        """Store a driver's key instead of the shift's last one, and the request's receipt.

        Raises
        ------
        AlreadyDone
            The receipt exists.
        StaleWrite
            Another one was made at that moment.
        """
        assert key.shift is not None  # a pass has one
        row = pass_key(key.tenant, key.shift.shift_id)
        last = self._table.get(row)
        until = time_to_live(self._table.now(), key.expires_at or 0, PASSES_KEPT)
        adding = Transaction[str](self._table, key.tenant)
        # One key opens a shift: whoever made another one since then has the word.
        only_if = Condition("sha256 = :seen", {":seen": last["sha256"]}) if last else ABSENT
        adding.put("pass", row, {"sha256": text(key.sha256), "ttl": until}, only_if=only_if)
        if last is not None:
            adding.delete("key", api_key_key(last["sha256"]["S"]), only_if=None)
        adding.put("key", api_key_key(key.sha256), api_key_item(key) | {"ttl": until}, only_if=ABSENT)
        adding.receipt(receipt)
        try:
            adding.commit()
        except Refused as refused:
            raise StaleWrite("The key was not made; try again.") from refused

    def list_keys(self, tenant: Tenant) -> Sequence[ApiKey]:
        """Every key of a tenant, revoked ones included, oldest first; strongly consistent."""
        hashes = [api_key_key(entry["sha256"]["S"]) for entry in self._table.query(key_entries_span(tenant))]
        found = self._table.get_many(hashes)
        return [api_key_of(found[key]) for key in hashes if key in found]

    def revoke_key(self, tenant: Tenant, key_id: str, *, at: Timestamp) -> None:
        """Mark a key revoked, keeping an earlier mark.

        Raises
        ------
        NotFound
            The tenant has no such key.
        """
        for key in self.list_keys(tenant):
            if key.key_id == key_id:
                self._table.ask(
                    "update_item",
                    Key=key_item(api_key_key(key.sha256)),
                    UpdateExpression="SET revoked_at = if_not_exists(revoked_at, :at)",
                    ExpressionAttributeValues={":at": number(at)},
                )
                return
        raise NotFound("There is no such key.")

    def note_use(self, key: ApiKey, day: date) -> None:
        """Remember that a key was used on this day; tried once, for a request waits.

        Raises
        ------
        Upstream
            No answer; it may be remembered.
        """
        self._table.attempt(
            "update_item",
            {
                "TableName": self._table.name,
                "Key": key_item(api_key_key(key.sha256)),
                "UpdateExpression": "SET last_used_on = :day",
                "ExpressionAttributeValues": {":day": text(day.isoformat())},
            },
        )

    def get_merchant(self, tenant: Tenant) -> Merchant | None:
        """Read a tenant's settings, strongly consistent."""
        item = self._table.get(merchant_key(tenant))
        return merchant_of(item, tenant) if item else None

    def put_merchant(self, merchant: Merchant) -> None:
        """Write a tenant's settings over the old ones; what it may text from is another attribute."""
        self._table.ask(
            "update_item",
            Key=key_item(merchant_key(merchant.tenant)),
            UpdateExpression="SET document = :document",
            ExpressionAttributeValues={":document": merchant_item(merchant)["document"]},
        )

    def assign_senders(self, tenant: Tenant, senders: Sequence[str]) -> None:
        """Write what a tenant may text from; `NotFound` if there is no tenant."""
        try:
            self._table.ask(
                "update_item",
                Key=key_item(merchant_key(tenant)),
                ConditionExpression="attribute_exists(document)",
                UpdateExpression="SET senders = :senders",
                ExpressionAttributeValues={":senders": text(json_text(list(senders)))},
            )
        except ConditionFailed:
            raise NotFound("There is no such merchant.") from None
