"""What every store keeps of the clock by which a merchant tries things out."""

from typing import Any

import pytest

from chalicelib.errors import AlreadyDone, Conflict
from chalicelib.events import Mode, Tenant
from chalicelib.receipts import ReceiptRow
from tests.promises.shop import at

ACME = Tenant(merchant_id="acme", mode=Mode.TEST)
ACME_LIVE = Tenant(merchant_id="acme", mode=Mode.LIVE)
RECEIPT = ReceiptRow(
    key="secret/POST//v1/clock/k", fingerprint="f" * 64, status=200, sealed_body=b"sealed", expires_at=at(23)
)


class ClockContract:
    """Forward only, and once for one request."""

    def test_business_clock_only_moves_forward(self, store: Any) -> None:
        """Of each tenant by itself."""
        assert store.clock_offset(ACME) == 0
        store.set_clock_offset(ACME, 3600)
        store.set_clock_offset(ACME, 3600)
        with pytest.raises(Conflict):
            store.set_clock_offset(ACME, 3599)
        assert (store.clock_offset(ACME), store.clock_offset(ACME_LIVE)) == (3600, 0)

    def test_business_clock_moves_once_for_one_request(self, store: Any) -> None:
        """Its receipt is written with the move, or not at all."""
        store.set_clock_offset(ACME, 60)
        with pytest.raises(Conflict):
            store.set_clock_offset(ACME, 59, receipt=RECEIPT)
        assert store.get_receipt(ACME, RECEIPT.key) is None
        store.set_clock_offset(ACME, 120, receipt=RECEIPT)
        with pytest.raises(AlreadyDone):
            store.set_clock_offset(ACME, 180, receipt=RECEIPT)
        assert store.clock_offset(ACME) == 120
        assert store.get_receipt(ACME, RECEIPT.key) == RECEIPT
