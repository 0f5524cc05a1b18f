"""Lets an answer go, once and to people only; what nobody here could do is handed to the merchant.

Whoever answers a machine is answered by it: so what was said lately is written down before it is said, and
counted. A text that is not answered reaches the merchant instead. Weak point: whoever asks the same
a third time within half an hour is taken for a machine.
"""

from dataclasses import replace
from typing import Final

from chalicelib.conversation.kept import Kept
from chalicelib.conversation.model import About, Said, Unhandled
from chalicelib.conversation.ports import Ports
from chalicelib.errors import AlreadyDone, NotFound, StaleWrite
from chalicelib.events import Tenant
from chalicelib.fleet.ids import PROMISE, stop_id_of
from chalicelib.notifications.inbound import Inbound
from chalicelib.notifications.kinds import usefulness_of
from chalicelib.notifications.model import Message, MessageKind, MessageStatus, Silence
from chalicelib.promises.heard import Heard
from chalicelib.receipts import ReceiptRow
from chalicelib.retention import RECEIPTS_KEPT
from chalicelib.units import Timestamp

_MOST_ATTEMPTS: Final = 8  # to write down what is said, while texts of the same number do so too


class Speaking:
    """Says what was decided; may be asked to twice."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    def say(self, tenant: Tenant, inbound: Inbound, kept: Kept, system_now: Timestamp) -> MessageKind | None:
        """Let an answer go, unless it would keep a machine going; hand over what the merchant has to read."""
        now = self._ports.business_now(tenant)
        if kept.unhandled is not None:
            self._hand_over(tenant, inbound.sid, kept, kept.unhandled, system_now)
        if kept.kind is None:
            return None
        message = Message(
            message_id=f"{kept.subject}.{inbound.sid}",
            subject=kept.subject,
            kind=kept.kind,
            status=MessageStatus.PENDING,
            created_at=now,
            body=kept.body,
            ready_at=now,
            expires_at=now + usefulness_of(kept.kind).lasts,
        )
        before = self._ports.messages.message(tenant, message.message_id)
        if before is not None and before.status is MessageStatus.SKIPPED:
            return None
        if before is not None or self._noted(inbound, kept, now, system_now):
            self._ports.posting.post(tenant, message, now)  # again: a worker may have died before it did
            return kept.kind
        if kept.unhandled is None:
            self._hand_over(tenant, inbound.sid, kept, Unhandled.NOT_ANSWERED, system_now)
        skipped = replace(message, status=MessageStatus.SKIPPED, reason=Silence.MAYBE_A_MACHINE, body="")
        self._ports.messages.add_message(tenant, skipped)
        return None

    def _noted(self, inbound: Inbound, kept: Kept, now: Timestamp, system_now: Timestamp) -> bool:
        """Write down that this is said, if it may be: whoever comes second counts the first."""
        letters, sender = self._ports.letters, inbound.senders[-1]
        answer = Said(sid=inbound.sid, at=now, weight=kept.weight, wish=kept.wish)
        for _ in range(_MOST_ATTEMPTS):
            talk = letters.talk(inbound.phone, sender)
            if not talk.may_say(answer):
                return False
            if letters.save_talk(inbound.phone, sender, talk.after(answer, kept.prompt), at=system_now):
                return True
        raise StaleWrite("This number keeps writing.")

    def _hand_over(self, tenant: Tenant, sid: str, kept: Kept, why: Unhandled, system_now: Timestamp) -> None:
        listed = kept.prompt.about if kept.prompt else ()  # of a question that is about no one promise
        theirs = (about.stop_id for about in listed if about.tenant == tenant)
        stop_id = stop_id_of(kept.subject, PROMISE) or next(theirs, None)
        if stop_id is not None:
            self.hand_over(About(tenant, stop_id), sid, why, system_now)

    def hand_over(self, about: About, sid: str, why: Unhandled, system_now: Timestamp) -> None:
        """Tell a merchant, once, that a text of a promise's buyer is theirs to read."""
        receipt = ReceiptRow(
            key=f"handed over {sid}",
            fingerprint=sid,
            status=0,
            sealed_body=b"",
            expires_at=system_now + RECEIPTS_KEPT,
        )
        try:
            Heard(self._ports.promise_ports).unhandled(
                about.tenant,
                about.stop_id,
                message_sid=sid,
                reason=why,
                now=self._ports.business_now(about.tenant),
                receipt=lambda _: receipt,
            )
        except (AlreadyDone, NotFound):
            return
