"""Who wants no texts, who texted whom, and what was written back, without a number in the store.

A number is looked up by its mark, an HMAC under a key of its own that is never dropped: whoever said STOP has
said it for good, while sealing keys come and go. Where there are several keys the first one writes and all of
them look. What a buyer wrote is sealed, so it can be read for as long as its sealing key is kept. Weak point:
there are few enough numbers that whoever has the key can try them all.
"""

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Final

from chalicelib.adapters.dynamodb.phones import PhoneRows
from chalicelib.adapters.sealing import Sealer
from chalicelib.adapters.secrets import Parameter
from chalicelib.conversation.model import Talk
from chalicelib.events import Tenant
from chalicelib.notifications.inbound import Arrival, Contact, Inbound, Part
from chalicelib.units import Timestamp

_PURPOSE: Final = "inbound-text"
_MARK_BYTES = 16


class PhoneBook:
    """See `notifications.ports.PhoneBook` and `notifications.inbound.Correspondence`.

    Parameters
    ----------
    own_sender
        The number or service that texts come from where a merchant has none.
    """

    def __init__(
        self,
        rows: PhoneRows,
        keys: Parameter[Sequence[bytes]],
        sealer: Sealer,
        *,
        own_sender: Callable[[], str],
    ) -> None:
        self._rows, self._keys, self._sealer, self._own_sender = rows, keys, sealer, own_sender

    def is_opted_out(self, tenant: Tenant, phone: str) -> bool:
        """Whether a number wants nothing from a merchant; strongly consistent."""
        return self._rows.is_opted_out(tenant, self._marks(phone))

    def opt_out(self, tenant: Tenant, phone: str, at: Timestamp) -> None:
        """Write down that a number wants nothing from a merchant."""
        self._rows.set_opt_out(tenant, self._marks(phone)[0], out=True, at=at)

    def opt_in(self, tenant: Tenant, phone: str, at: Timestamp) -> None:
        """Write down that a number may be texted by a merchant again."""
        for mark in self._marks(phone):  # a line under an old key must not say otherwise
            self._rows.set_opt_out(tenant, mark, out=False, at=at)

    def note_texted(self, tenant: Tenant, phone: str, sender: str, subject: str, at: Timestamp) -> None:
        """Remember what a number was last texted about, and from where: an answer has nothing else."""
        contact = Contact(tenant=tenant, subject=subject, texted_at=at)
        self._rows.put_contact(self._marks(phone)[0], sender or self._own_sender(), contact)

    def contacts(self, phone: str, senders: Sequence[str]) -> Sequence[Contact]:
        """What a number was texted about from one of these, the latest first."""
        return self._rows.contacts(self._marks(phone), senders)

    def talk(self, phone: str, sender: str) -> Talk:
        """How the talk between two numbers stands; strongly consistent."""
        for number, mark in enumerate(self._marks(phone)):
            if (found := self._rows.talk(mark, sender)) is not None:
                document, version = found
                return Talk.of(json.loads(document), 0 if number else version)  # written anew by the first
        return Talk()

    def save_talk(self, phone: str, sender: str, talk: Talk, *, at: Timestamp) -> bool:
        """Write it as the version that follows its own; False if it moved."""
        document = json.dumps(talk.document())
        mark = self._marks(phone)[0]
        return self._rows.put_talk(mark, sender, document, version=talk.version, at=at)

    def record_arrival(self, arrival: Arrival) -> bool:
        """Write a text that came in, with all it changes; False if it was written before."""
        inbound = arrival.inbound
        tenants = list(dict.fromkeys(contact.tenant for contact in arrival.candidates))
        marks = self._marks(inbound.phone)
        # All marks: a line under an old key must not say otherwise.
        ledger = (
            {}
            if arrival.opts_out is None
            else {(tenant, mark): arrival.opts_out for tenant in tenants for mark in marks}
        )
        content = json.dumps([inbound.phone, list(inbound.senders), inbound.body])
        sealed = self._sealer.seal(_PURPOSE, content.encode())
        return self._rows.record_inbound(
            inbound.sid, sealed, arrival.at, mark=marks[0], whose=tenants, ledger=ledger, fact=arrival.fact
        )

    def inbound(self, sid: str) -> tuple[Inbound, Sequence[Tenant]] | None:
        """A text that came in, and whose buyer may have written it; None if there is none.

        Raises
        ------
        BadToken
            It was sealed by a key that is gone.
        """
        found = self._rows.inbound(sid)
        if found is None:
            return None
        sealed, tenants, at = found
        phone, senders, body = json.loads(self._sealer.unseal(_PURPOSE, sealed))
        return Inbound(sid=sid, phone=phone, senders=tuple(senders), body=body, at=at), tenants

    def said(self, tenant: Tenant, phone: str) -> Part:
        """All that was said between a merchant and a number."""
        return self._rows.said(tenant, self._marks(phone))

    def forget(self, tenant: Tenant, phone: str, part: Part) -> None:
        """Forget what was said between a merchant and a number, or part of it.

        Not that it wants no texts: whoever said so has said it for good.
        """
        self._rows.forget(tenant, self._marks(phone), part)

    def _marks(self, phone: str) -> list[str]:
        digests = (hmac.digest(key, phone.encode(), "sha256") for key in self._keys.current())
        return [urlsafe_b64encode(digest[:_MARK_BYTES]).rstrip(b"=").decode() for digest in digests]
