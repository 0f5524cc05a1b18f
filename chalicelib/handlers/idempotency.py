"""The same request twice has one effect and one answer.

Before a handler runs, its request's receipt is looked up; afterwards the receipt is part of the transaction
that had the effect. Two twins may both find nothing: then the store lets one of them commit, and the other,
however it failed, finds its twin's receipt and answers the same. Weak point: an answer that had no effect is
not kept, so a refusal may turn into a success when it is repeated; that is what its sender hopes for.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from hashlib import sha256

from chalicelib.adapters.sealing import Sealer
from chalicelib.errors import BadToken, Conflict, InvalidRequest, SlotkeeperError
from chalicelib.events import Tenant
from chalicelib.handlers.http import JSON, Answer, Rendered
from chalicelib.receipts import Receipt, ReceiptRow, ReceiptStore
from chalicelib.retention import RECEIPTS_KEPT
from chalicelib.units import Timestamp

REPLAYED = {"Idempotent-Replayed": "true"}
_FINGERPRINT = "fingerprint"
_VISIBLE_ASCII = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)


class Idempotency(Enum):
    """What an endpoint does with an Idempotency-Key."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    UNUSED = "unused"  # reads and idempotent methods: repeating them is harmless anyway


def callers_key(header: str | None, rule: Idempotency) -> str | None:
    """Read the Idempotency-Key header.

    Raises
    ------
    InvalidRequest
        `idempotency_key_missing` where it is required, `idempotency_key_invalid` if it is not 1 to 255
        visible ASCII characters.
    """
    if rule is Idempotency.UNUSED:
        return None
    if header is None:
        if rule is Idempotency.REQUIRED:
            raise InvalidRequest("Send an Idempotency-Key header.", code="idempotency_key_missing")
        return None
    if not _VISIBLE_ASCII.fullmatch(header):
        raise InvalidRequest(
            "Idempotency-Key is 1 to 255 visible ASCII characters.", code="idempotency_key_invalid"
        )
    return header


def fingerprint_of(place: str, canonical_body: bytes) -> str:
    """Tell this request from another one under the same key."""
    return sha256(place.encode() + b"\n" + canonical_body).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeatable:
    """A request that is recognised when it comes again.

    Attributes
    ----------
    key
        Unique within the tenant: kind of API key, method, endpoint, and the caller's key.
    fingerprint
        Kept as a keyed hash only: whoever reads the table could find a number or a gate code by trying all.
    """

    tenant: Tenant
    key: str
    fingerprint: str
    system_now: Timestamp
    store: ReceiptStore
    sealer: Sealer

    def earlier_answer(self) -> Rendered | None:
        """Find what was answered before; one strongly consistent read.

        Raises
        ------
        InvalidRequest
            `idempotency_mismatch` if the key was used for another request.
        Conflict
            `answer_forgotten`: it was carried out, and its buyer was forgotten since.
        """
        row = self.store.get_receipt(self.tenant, self.key)
        if row is None:
            return None
        if not self._is_of_this_request(row.fingerprint):
            raise InvalidRequest(
                "This Idempotency-Key was used for another request.", code="idempotency_mismatch"
            )
        if not row.sealed_body:
            raise Conflict(
                "This request was carried out; what it answered was forgotten with its buyer.",
                code="answer_forgotten",
            )
        try:
            text = self.sealer.unseal_bytes(self._purpose, row.sealed_body).decode()
        except (
            BadToken
        ) as error:  # not the caller's fault: a sealing secret was dropped within a day of its use
            raise RuntimeError("a receipt does not open") from error
        return Rendered(row.status, text, JSON if text else None, REPLAYED)

    def once(self, answer: Callable[[], Rendered]) -> Rendered:
        """Carry a request out, or give the answer of the one before it that was the same.

        Raises
        ------
        InvalidRequest
            As `earlier_answer`; and whatever `answer` raises.
        """
        earlier = self.earlier_answer()
        if earlier is not None:
            return earlier
        try:
            return answer()
        except SlotkeeperError:
            # A twin that ran beside us may have had the effect; that may be the very reason for the refusal.
            earlier = self.earlier_answer()
            if earlier is None:
                raise
            return earlier

    def part(self, number: int) -> "Repeatable":
        """Tell the parts of a request apart that have their effects in transactions of their own.

        No caller's key has a space in it, so no part is taken for another request.
        """
        return replace(self, key=f"{self.key} {number}")

    def receipt[R](self, render: Callable[[R], Answer]) -> Receipt[R]:
        """Make the function with which a service turns its result into the receipt."""

        def row(result: R) -> ReceiptRow:
            rendered = render(result).rendered()
            return ReceiptRow(
                key=self.key,
                fingerprint=self.sealer.derive(_FINGERPRINT, self.fingerprint),
                status=rendered.status,
                sealed_body=self.sealer.seal_bytes(self._purpose, rendered.text.encode()),
                expires_at=self.system_now + RECEIPTS_KEPT,
            )

        return row

    def _is_of_this_request(self, kept: str) -> bool:
        """Compare with what a receipt has; those of before have the fingerprint itself."""
        return kept == self.fingerprint or self.sealer.is_derived(_FINGERPRINT, self.fingerprint, kept)

    @property
    def _purpose(self) -> str:
        return f"receipt/{self.tenant}/{self.key}"
