"""The receipt of a request that had an effect: what to answer when the very same request comes again.

The door hands a service a `Receipt`, a function from its result to the row to keep. The service puts that row
into the transaction that has the effect, so there is never an effect without its receipt, nor a receipt
without its effect. Weak point: the answer is rendered before the commit, once for each attempt.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from chalicelib.events import Tenant
from chalicelib.units import Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptRow:
    """One answered request.

    Attributes
    ----------
    key
        Kind of API key, method, endpoint and the caller's Idempotency-Key: unique within a tenant.
    fingerprint
        Keyed hash of method, path and canonical body, to tell a repetition from another request.
    status
        The HTTP status that was answered.
    sealed_body
        The body that was answered, encrypted: it may hold personal data or a token. Empty once that was
        forgotten.
    expires_at
        System time from which a store may drop the row. As long as it is there, it counts.
    """

    key: str
    fingerprint: str
    status: int
    sealed_body: bytes
    expires_at: Timestamp


type Receipt[R] = Callable[[R], ReceiptRow | None]
"""Makes the row for a result; `None` when the caller sent no Idempotency-Key."""


class ReceiptStore(Protocol):
    """Where receipts are found again."""

    def get_receipt(self, tenant: Tenant, key: str) -> ReceiptRow | None:
        """Read one receipt, strongly consistent."""
        ...


def no_receipt(_result: object) -> None:
    """Stand in where nobody asked for a receipt: seeds, workers, tests."""
