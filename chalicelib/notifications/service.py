"""From a fact to a text that waits to be sent: written once, recorded either way.

The row of a text is written on condition that nobody wrote it before, so a fact that comes twice makes one
text. Whoever finds the row there brings it to a worker again: the first may have died before it did. Weak
point: the words are those of the fact's moment; `sending` only looks whether they are still true.
"""

from dataclasses import replace

from chalicelib.events import Fact, FactKind, Tenant
from chalicelib.notifications.kinds import usefulness_of
from chalicelib.notifications.model import Addressee, Message, MessageKind, MessageStatus, Silence
from chalicelib.notifications.ports import Addressees, MessageStore, Reminders, TextQueue
from chalicelib.notifications.templates import language_of, words
from chalicelib.notifications.wording.sayings import PromiseConfirmed, Saying
from chalicelib.reminders import Reminder, ReminderKind
from chalicelib.units import MINUTE, Timestamp


def _promise_confirmed(to: Addressee) -> Saying:
    return PromiseConfirmed(window=to.window)


_REACTIONS = {FactKind.PROMISE_CONFIRMED: (MessageKind.PROMISE_CONFIRMED, _promise_confirmed)}


class Notifications:
    """Reacts to facts."""

    def __init__(
        self, store: MessageStore, addressees: Addressees, queue: TextQueue, reminders: Reminders
    ) -> None:
        self._store, self._addressees = store, addressees
        self._queue, self._reminders = queue, reminders

    def react(self, tenant: Tenant, fact: Fact, now: Timestamp) -> Message | None:
        """Write down what a fact asks to be said, and have it sent; None if it asks nothing, or did before.

        Raises
        ------
        Upstream
            The store or the queue did not answer: the same fact again does no harm.
        """
        reaction = _REACTIONS.get(fact.kind)
        to = self._addressees.addressee(tenant, fact.subject) if reaction else None
        if reaction is None or to is None:
            return None
        kind, saying = reaction
        message = Message(
            message_id=f"{fact.subject}.{fact.sequence}.{kind}",
            subject=fact.subject,
            kind=kind,
            status=MessageStatus.PENDING,
            created_at=now,
            body=words(
                saying(to),
                language=language_of(to.locale, to.locales),
                brand=to.brand,
                timezone=to.timezone,
                now=now,
            ),
            ready_at=now,
            expires_at=now + usefulness_of(kind).lasts,
        )
        silence = silence_of(to)
        if silence is not None:
            message = replace(message, status=MessageStatus.SKIPPED, reason=silence, body="")
            return message if self._store.add_message(tenant, message) else None
        return self.post(tenant, message, now)

    def post(self, tenant: Tenant, message: Message, now: Timestamp) -> Message | None:
        """Have a text sent, once for its id; None if it was under way before."""
        # First of all the reminder: a row without one would be forgotten if its message is lost.
        due_at = max(message.ready_at, now) + MINUTE
        reminder = Reminder(kind=ReminderKind.SEE_TO_TEXT, subject=message.message_id, due_at=due_at)
        self._reminders.write_reminder(tenant, reminder)
        is_new = self._store.add_message(tenant, message)
        self._queue.look(tenant, message.message_id)
        return message if is_new else None


def silence_of(to: Addressee) -> Silence | None:
    """Why somebody is not to be texted at all; None if they may be."""
    if not to.texting:
        return Silence.TEXTING_OFF
    if to.phone is None:
        return Silence.NO_PHONE
    return None if to.consent else Silence.NO_CONSENT
