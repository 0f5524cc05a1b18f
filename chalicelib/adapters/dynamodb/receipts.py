"""Receipts of answered requests, found again. They are written by the transactions that had the effect."""

from chalicelib.adapters.dynamodb.keys import receipt_key
from chalicelib.adapters.dynamodb.rows import receipt_of
from chalicelib.adapters.dynamodb.table import Rows
from chalicelib.events import Tenant
from chalicelib.receipts import ReceiptRow


class ReceiptRows(Rows):
    """Receipts: see `receipts.ReceiptStore`."""

    def get_receipt(self, tenant: Tenant, key: str) -> ReceiptRow | None:
        """Read one receipt, strongly consistent."""
        item = self._table.get(receipt_key(tenant, key))
        return receipt_of(item, key) if item else None
