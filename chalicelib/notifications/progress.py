"""Where a text stands: how its row moves on, what the carrier says of it, and who comes back to it.

Worker, callback and clock meet at one row, so each change is a function of the row as it is, tried again when
it moved. Whatever the carrier said of a text stands above what a worker decided about it. Weak point: the row
is read for each word of the carrier's, also for those that say nothing new.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from chalicelib.errors import BadToken, StaleWrite, Upstream
from chalicelib.events import Actor, Fact, FactKind, Tenant
from chalicelib.notifications.carrier import heard
from chalicelib.notifications.kinds import usefulness_of
from chalicelib.notifications.model import UNDER_WAY, Message, MessageStatus, Silence
from chalicelib.notifications.owed import is_owed, told_anew
from chalicelib.notifications.ports import LONGEST_DELAY, MessageStore, PhoneBook, Reminders, Seal, TextQueue
from chalicelib.notifications.reactions import NAMES_A_NEW_WINDOW
from chalicelib.notifications.refusals import Refusal, again_after, refusal_of
from chalicelib.reminders import Reminder, ReminderKind
from chalicelib.units import DAY, HOUR, MINUTE, Seconds, Timestamp

LAST_WORD: Final[Seconds] = HOUR  # behind its expiry the carrier should have said how a text ended
GIVEN_UP_AFTER: Final[Seconds] = DAY
_OVERDUE: Final[Seconds] = MINUTE  # a message of the queue should have come by then
_ASKED_AGAIN: Final[Seconds] = 6 * HOUR
_MOST_ATTEMPTS = 5  # to write down what is known, while others write
# A text is looked for by it in the carrier's list; of one that is sent the carrier may say it wants no more.
_NUMBER_IS_NEEDED: Final = UNDER_WAY | {MessageStatus.SENT}
_BROKEN: Final = frozenset({MessageStatus.FAILED, MessageStatus.UNDELIVERED, MessageStatus.EXPIRED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Both clocks: business time says what is due, system time who holds a lease and what the carrier saw."""

    now: Timestamp
    system_now: Timestamp


type Change = Callable[[Message], Message | None]


class Progress:
    """Moves texts on."""

    def __init__(
        self,
        store: MessageStore,
        queue: TextQueue,
        reminders: Reminders,
        phone_book: PhoneBook,
        seal: Seal,
    ) -> None:
        self._store, self._queue, self._reminders = store, queue, reminders
        self._phone_book, self._seal = phone_book, seal

    def remind(self, tenant: Tenant, message_id: str, at: Moment) -> Timestamp | None:
        """Bring a text to a worker if it is due; gives when to be asked again, None when it is at its end."""
        message = self._store.message(tenant, message_id)
        due_at = None if message is None else _next_look(message, at)
        if message is None or due_at is None:
            return None
        if due_at > at.now:
            return due_at
        self._queue.look(tenant, message_id)
        return at.now + (_ASKED_AGAIN if message.status is MessageStatus.SENT else _OVERDUE)

    def hear(
        self, tenant: Tenant, message_id: str, at: Moment, *, sid: str, word: str, code: str | None
    ) -> Message | None:
        """Write down a word of the carrier's about a text; None if it is nothing new.

        Raises
        ------
        StaleWrite
            Others kept writing it.
        """

        def change(message: Message) -> Message | None:
            after = heard(message, sid=sid, word=word, code=code)
            return after and _second_chance(after, at.now)

        message = self._store.message(tenant, message_id)
        after = message and self.change(tenant, message, change, at)
        if message is None or after is None:
            return None
        if refusal_of(code) is Refusal.OPTED_OUT:
            self.opt_out(tenant, message, at)
        if after.status is MessageStatus.PENDING:
            self._come_back(tenant, after, at)
        return after

    def end(
        self, tenant: Tenant, message: Message, status: MessageStatus, reason: str, at: Moment
    ) -> Message:
        """Bring a claimed text to its end; gives the row as it is then."""
        ended = replace(message, status=status, reason=reason, leased_until=0)
        if is_owed(ended):
            self._reminders.write_reminder(tenant, told_anew(ended, at.now))
        return self._saved(tenant, message, ended, at)

    def put_off(self, tenant: Tenant, message: Message, until: Timestamp, at: Moment) -> Message:
        """Have a text looked at again then; it is at its end if that is too late for anybody."""
        if until >= message.expires_at:
            return self.end(tenant, message, MessageStatus.EXPIRED, Silence.TOO_LATE, at)
        later = replace(message, ready_at=until, leased_until=0)
        saved = self._saved(tenant, message, later, at)
        if saved.status is MessageStatus.PENDING:
            self._come_back(tenant, saved, at)
        return saved

    def change(self, tenant: Tenant, message: Message, change: Change, at: Moment) -> Message | None:
        """Change a row, read anew when it moved; None if there is nothing to change.

        At its end it names nobody any more.

        Raises
        ------
        StaleWrite
            Others kept writing it.
        """
        row: Message | None = message
        for _ in range(_MOST_ATTEMPTS):
            after = row and change(row)
            if row is None or after is None:
                return None
            if after.status not in _NUMBER_IS_NEEDED:
                after = replace(after, sealed_to=None)
            new_sid = after.sid if after.sid != row.sid else None
            saved = self._store.save_message(tenant, after, _told(row, after, at.now), new_sid=new_sid)
            if saved is not None:
                return saved
            row = self._store.message(tenant, message.message_id)
        raise StaleWrite("Others kept writing this text.")

    def bring(self, tenant: Tenant, message: Message, *, delay: Seconds) -> None:
        """Have a text looked at after some seconds, by a worker."""
        with suppress(Upstream):  # the reminder finds it
            self._queue.look(tenant, message.message_id, delay=delay)

    def opt_out(self, tenant: Tenant, message: Message, at: Moment) -> None:
        """Write down that whoever a text went to wants no more of them."""
        with suppress(BadToken):
            phone = self._seal.unseal(number_purpose(tenant), message.sealed_to or "").decode()
            self._phone_book.opt_out(tenant, phone, at.system_now)

    def _saved(self, tenant: Tenant, before: Message, after: Message, at: Moment) -> Message:
        """Write what a worker decided about its claim; a callback or an erasure meanwhile knows better."""

        def change(row: Message) -> Message | None:
            return after if row.version == before.version else None

        changed = self.change(tenant, before, change, at)
        return changed or self._store.message(tenant, after.message_id) or after

    def _come_back(self, tenant: Tenant, message: Message, at: Moment) -> None:
        """Have a text that waits brought back in time: by the queue if that reaches so far, by the clock."""
        wait = max(0, message.ready_at - at.now)
        if wait <= LONGEST_DELAY:
            self.bring(tenant, message, delay=wait)
        due_at = message.ready_at + (_OVERDUE if wait <= LONGEST_DELAY else 0)
        reminder = Reminder(kind=ReminderKind.SEE_TO_TEXT, subject=message.message_id, due_at=due_at)
        self._reminders.write_reminder(tenant, reminder)


def number_purpose(tenant: Tenant) -> str:
    """What the number is sealed for that a text went to."""
    return f"text-to:{tenant}"


def _next_look(message: Message, at: Moment) -> Timestamp | None:
    """When, in business time, something is to be done for a text; None if never."""
    freed_at = at.now + max(0, message.leased_until - at.system_now)
    if message.redact:
        return freed_at
    match message.status:
        case MessageStatus.PENDING | MessageStatus.UNKNOWN:
            return max(message.ready_at, freed_at)
        case MessageStatus.SENDING:
            return freed_at
        case MessageStatus.SENT if at.now < message.expires_at + GIVEN_UP_AFTER:
            return message.expires_at + LAST_WORD
        case _:
            return None


def _second_chance(message: Message, now: Timestamp) -> Message:
    """A text that failed on its way, made ready to go once more if that is worth it."""
    wait = again_after(refusal_of(message.reason))
    failed = message.status in (MessageStatus.FAILED, MessageStatus.UNDELIVERED)
    if not failed or wait is None or message.resent or not usefulness_of(message.kind).resend:
        return message
    if not message.body or now + wait >= message.expires_at:  # its buyer was forgotten, or needs it no more
        return message
    return replace(
        message,
        status=MessageStatus.PENDING,
        resent=True,
        paced=False,
        ready_at=now + wait,
        sid=None,
        failed_sid=message.sid,
        heard=None,
    )


def _told(before: Message, after: Message, now: Timestamp) -> Sequence[Fact]:
    """What becomes true with a change: that a buyer knows of a window, or a text will not arrive."""
    facts = list[Fact]()
    window = after.window if after.kind in NAMES_A_NEW_WINDOW else None
    if window is not None and after.sid is not None and before.sid is None and before.failed_sid is None:
        told = {"starts_at": window.start, "ends_at": window.end, "sequence": after.sequence}
        facts.append(_fact(FactKind.PROMISE_TOLD, after, now, told))
    if _is_broken(after) and not _is_broken(before):
        about = {
            "message_id": after.message_id,
            "message": after.kind,
            "status": after.status,
            "reason": after.reason,
            "class": refusal_of(after.reason),
        }
        facts.append(_fact(FactKind.NOTIFICATION_FAILED, after, now, about))
    return facts


def _is_broken(message: Message) -> bool:
    """Whether a text that was to arrive will not, which one is too that failed and may not go once more."""
    tried = message.failed_sid is not None
    return message.status in _BROKEN or (tried and message.status is MessageStatus.SKIPPED)


def _fact(kind: FactKind, message: Message, now: Timestamp, data: Mapping[str, Any]) -> Fact:
    return Fact(kind=kind, at=now, actor=Actor.SYSTEM, subject=message.subject, sequence=0, data=data)
