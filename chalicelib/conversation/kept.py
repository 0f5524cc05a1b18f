"""What came of a text, under the text's own id: whoever brings it again is answered the same.

Written in the transaction that acts, so there is no moment at which a text has acted and nobody knows. Weak
point: it is kept as long as any receipt, and a text that is brought later is taken for a new one.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chalicelib.conversation.model import Prompt, Unhandled, Weight
from chalicelib.conversation.ports import Ports
from chalicelib.events import Tenant
from chalicelib.notifications.inbound import answer_receipt
from chalicelib.notifications.model import MessageKind
from chalicelib.receipts import ReceiptRow
from chalicelib.retention import RECEIPTS_KEPT
from chalicelib.units import Timestamp

_PURPOSE: Final = "reply-answered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What came of a text, as its receipt keeps it.

    Attributes
    ----------
    subject
        What the answer is about: a promise, or the text itself.
    kind, body
        Of the answer; None and empty: nothing is said.
    wish
        What it answers: `Order.wish`.
    """

    subject: str
    kind: MessageKind | None = None
    body: str = ""
    wish: str = ""
    weight: Weight = Weight.NOTHING
    prompt: Prompt | None = None
    unhandled: Unhandled | None = None


class Keeping:
    """Writes down what came of texts, and finds it again."""

    def __init__(self, ports: Ports) -> None:
        self._receipts, self._seal = ports.receipts, ports.seal

    def before(self, tenants: Sequence[Tenant], sid: str) -> tuple[Tenant, Kept | None]:
        """What came of a text when it was brought before."""
        for tenant in tenants:
            row = self._receipts.get_receipt(tenant, answer_receipt(sid))
            if row is not None:
                opened = self._seal.unseal(f"{_PURPOSE}/{tenant}", row.sealed_body.decode())
                return tenant, _read(opened)
        return tenants[0], None

    def receipt(self, tenant: Tenant, sid: str, kept: Kept, system_now: Timestamp) -> ReceiptRow:
        """The row that goes with whatever a text does."""
        return ReceiptRow(
            key=answer_receipt(sid),
            fingerprint=sid,
            status=0,
            sealed_body=self._seal.seal(f"{_PURPOSE}/{tenant}", _written(kept)).encode(),
            expires_at=system_now + RECEIPTS_KEPT,
        )


def _written(kept: Kept) -> bytes:
    prompt = kept.prompt.document() if kept.prompt else None
    told = [kept.subject, kept.kind, kept.body, kept.wish, kept.weight, prompt, kept.unhandled]
    return json.dumps(told).encode()


def _read(document: bytes) -> Kept:
    subject, kind, body, wish, weight, prompt, why = json.loads(document)
    return Kept(
        subject=subject,
        kind=MessageKind(kind) if kind else None,
        body=body,
        wish=wish,
        weight=Weight(weight),
        prompt=Prompt.of(prompt) if prompt else None,
        unhandled=Unhandled(why) if why else None,
    )
