"""From a fact to a text: claimed once, sent once, recorded either way.

The row that claims a text is written on condition that nobody wrote it before, and before Twilio is called;
so a fact that is delivered twice makes one text. Weak point: a worker that dies between the claim and the
answer leaves a row in `sending`, which nobody resolves yet.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from chalicelib.errors import SlotkeeperError, Upstream
from chalicelib.events import Fact, FactKind, Tenant
from chalicelib.notifications.model import Addressee, Message, MessageKind, MessageStatus, Silence
from chalicelib.notifications.templates import promise_confirmed
from chalicelib.units import Timestamp


class TextRefused(SlotkeeperError):
    """The carrier will not take this text; repeating it would not help. `code` is the carrier's."""

    code = "text_refused"


class TextUnanswered(Upstream):
    """The carrier may have taken this text, or not: nobody knows, so it is not sent again."""


class TextSender(Protocol):
    """Twilio, or what stands in for it."""

    def send(self, to: str, body: str) -> str:
        """Send one text and give the carrier's id of it.

        Raises
        ------
        TextRefused
            It was refused for good.
        Upstream
            Whether it was taken is not known.
        """
        ...


class MessageStore(Protocol):
    """Where texts are recorded."""

    def claim_message(self, tenant: Tenant, message: Message) -> bool:
        """Write a text on condition that there is no row of its id; False if there is."""
        ...

    def record_message(self, tenant: Tenant, message: Message) -> None:
        """Write what became of a text, over its row."""
        ...

    def messages(self, tenant: Tenant, subject: str) -> Sequence[Message]:
        """Every text about a promise, sent or not, oldest first."""
        ...

    def own_sids(self, tenant: Tenant, sids: Sequence[str]) -> frozenset[str]:
        """Those of the carrier's ids that belong to this tenant's texts."""
        ...


class Addressees(Protocol):
    """Who is behind a promise."""

    def addressee(self, tenant: Tenant, subject: str) -> Addressee | None:
        """Whom to text about a promise; None if it is gone."""
        ...


_REACTIONS = {FactKind.PROMISE_CONFIRMED: (MessageKind.PROMISE_CONFIRMED, promise_confirmed)}


class Notifications:
    """Reacts to facts."""

    def __init__(self, store: MessageStore, addressees: Addressees, sender: TextSender) -> None:
        self._store, self._addressees, self._sender = store, addressees, sender

    def react(self, tenant: Tenant, fact: Fact, now: Timestamp) -> Message | None:
        """Say what a fact asks to be said, once; None if it asks nothing or was said before.

        Raises
        ------
        TextUnanswered
            The carrier's answer is not known; the claim stays.
        """
        reaction = _REACTIONS.get(fact.kind)
        to = self._addressees.addressee(tenant, fact.subject) if reaction else None
        if reaction is None or to is None:
            return None
        kind, words = reaction
        message = Message(
            message_id=f"{fact.subject}.{fact.sequence}.{kind}",
            subject=fact.subject,
            kind=kind,
            status=MessageStatus.SENDING,
            created_at=now,
            body=words(to),
        )
        silence = _silence(to)
        if silence is not None:
            message = replace(message, status=MessageStatus.SKIPPED, reason=silence, body="")
        if not self._store.claim_message(tenant, message):
            return None
        if silence is not None or to.phone is None:
            return message
        try:
            sid = self._sender.send(to.phone, message.body)
        except TextRefused as refused:
            message = replace(message, status=MessageStatus.FAILED, reason=refused.code)
        except Upstream as silent:
            raise TextUnanswered(silent.detail) from silent
        else:
            message = replace(message, status=MessageStatus.SENT, sid=sid)
        self._store.record_message(tenant, message)
        return message


def _silence(to: Addressee) -> Silence | None:
    if not to.texting:
        return Silence.TEXTING_OFF
    if to.phone is None:
        return Silence.NO_PHONE
    return None if to.consent else Silence.NO_CONSENT
