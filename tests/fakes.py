"""Stores in memory that keep what their ports promise; each passes the contract test of its port."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from chalicelib.errors import AlreadyDone, NotFound
from chalicelib.events import Tenant
from chalicelib.merchants.model import ApiKey, Merchant
from chalicelib.receipts import ReceiptRow
from chalicelib.units import Seconds, Timestamp


@dataclass
class FakeClock:
    """A clock that stands still until it is moved."""

    at: Timestamp = 1_795_000_000

    def system_now(self) -> Timestamp:
        return self.at

    def advance(self, seconds: Seconds) -> None:
        self.at += seconds


@dataclass
class CountedEntropy:
    """Bytes that look random and are the same in every run."""

    drawn: int = 0

    def __call__(self, size: int) -> bytes:
        self.drawn += 1
        return self.drawn.to_bytes(size)


@dataclass
class InMemoryReceipts:
    """Receipts of all tenants."""

    rows: dict[tuple[Tenant, str], ReceiptRow] = field(default_factory=dict)

    def get_receipt(self, tenant: Tenant, key: str) -> ReceiptRow | None:
        return self.rows.get((tenant, key))

    def add(self, tenant: Tenant, row: ReceiptRow | None) -> None:
        if row is None:
            return
        if (tenant, row.key) in self.rows:
            raise AlreadyDone("This request was carried out before.")
        self.rows[tenant, row.key] = row


@dataclass
class InMemoryMerchants:
    """Merchants and keys; `lookups` tells how often the store was asked for a key."""

    receipts: InMemoryReceipts = field(default_factory=InMemoryReceipts)
    keys: dict[str, ApiKey] = field(default_factory=dict)
    merchants: dict[Tenant, Merchant] = field(default_factory=dict)
    lookups: int = 0

    def get_key(self, sha256: str) -> ApiKey | None:
        self.lookups += 1
        return self.keys.get(sha256)

    def add_key(self, key: ApiKey, *, receipt: ReceiptRow | None) -> None:
        self.receipts.add(key.tenant, receipt)
        self.keys[key.sha256] = key

    def list_keys(self, tenant: Tenant) -> Sequence[ApiKey]:
        return sorted(
            (key for key in self.keys.values() if key.tenant == tenant), key=lambda key: key.created_at
        )

    def revoke_key(self, tenant: Tenant, key_id: str, *, at: Timestamp) -> None:
        for key in self.list_keys(tenant):
            if key.key_id == key_id:
                self.keys[key.sha256] = replace(key, revoked_at=key.revoked_at or at)
                return
        raise NotFound("There is no such key.")

    def get_merchant(self, tenant: Tenant) -> Merchant | None:
        return self.merchants.get(tenant)

    def put_merchant(self, merchant: Merchant) -> None:
        self.merchants[merchant.tenant] = merchant


@dataclass
class InMemoryRateCounter:
    """One count per key and window; `writes` tells how often it was asked."""

    counts: dict[tuple[str, Timestamp], int] = field(default_factory=dict)
    writes: int = 0

    def add(self, key_id: str, window: Timestamp, requests: int) -> int:
        self.writes += 1
        self.counts[key_id, window] = self.counts.get((key_id, window), 0) + requests
        return self.counts[key_id, window]
