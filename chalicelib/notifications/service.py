"""From a fact to a text that waits to be sent: written once, recorded either way.

The row of a text is written on condition that nobody wrote it before, so a fact that comes twice makes one
text. Whoever finds the row there brings it to a worker again: the first may have died before it did. Weak
point: the words are those of the fact's moment; `policy` only looks whether they are still true.
"""

from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from chalicelib.events import Fact, FactKind, Tenant
from chalicelib.notifications.governor import at_clock, awake_at, narrowed
from chalicelib.notifications.kinds import usefulness_of
from chalicelib.notifications.model import Addressee, Message, MessageKind, MessageStatus, Silence
from chalicelib.notifications.ports import Addressees, MessageStore, Reminders, TextQueue
from chalicelib.notifications.reactions import LEADS_TO_TEXTS, News, is_true, news_of
from chalicelib.notifications.templates import language_of, words
from chalicelib.notifications.wording.sayings import DayBefore, FeedbackAsked, MorningWindow
from chalicelib.reminders import Reminder, ReminderKind
from chalicelib.units import DAY, HOUR, MINUTE, Seconds, Timestamp

_THE_EVENING: Final = time(18)  # of the day before
_THE_MORNING: Final = time(8)
_LONG_AGO: Final[Seconds] = DAY  # before the evening: whoever booked later has not forgotten
_TASTED: Final[Seconds] = 2 * HOUR  # after it was delivered one knows how it was


class Notifications:
    """Reacts to facts, and to what came due."""

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
        to = self._addressees.addressee(tenant, fact.subject) if fact.kind in LEADS_TO_TEXTS else None
        if to is None:
            return None
        self._plan_ahead(tenant, fact, to, now)
        arriving = fact.kind is FactKind.PROMISE_ARRIVING
        forecast = self._addressees.forecast(tenant, fact.subject, now) if arriving else None
        news = news_of(fact, to, self._store.messages(tenant, fact.subject), forecast, now)
        if news is None:
            return None
        # By its fact, not its kind: read once more when things have changed, it may ask for another kind.
        name = f"{fact.sequence}.{fact.kind.replace('.', '_')}"
        return self._tell(tenant, fact.subject, name, news, to, now, sequence=fact.sequence)

    def remind(self, tenant: Tenant, kind: ReminderKind, subject: str, now: Timestamp) -> Timestamp | None:
        """Say what is said at a time of its own; gives when to be reminded again, None if never.

        May be done twice or late.
        """
        to = self._addressees.addressee(tenant, subject)
        if to is None:
            return None
        news: News | None
        match kind:
            case ReminderKind.TELL_DAY_BEFORE:
                due_at, useful_until = _day_before(to), to.window.start - 6 * HOUR
                news = _said_the_day_before(to)
            case ReminderKind.TELL_MORNING:
                due_at, useful_until = _morning(to), to.window.end - HOUR
                news = self._said_in_the_morning(tenant, subject, to, now) if now >= due_at else None
            case ReminderKind.ASK_FEEDBACK:
                due_at, useful_until = now, now + DAY
                news = News(kind=MessageKind.FEEDBACK_ASKED, saying=FeedbackAsked())
            case _:
                raise ValueError(f"{kind} is no text's")
        if now < due_at:  # it has another window since
            return due_at
        if news is not None:
            late = Silence.TOO_LATE if now >= useful_until else None
            news = replace(news, silence=news.silence or late)
            self._tell(tenant, subject, f"{to.window.start}.{kind}", news, to, now, sequence=to.sequence)
        return None

    def _plan_ahead(self, tenant: Tenant, fact: Fact, to: Addressee, now: Timestamp) -> None:
        """Be reminded of what is to be said later."""
        due = dict[ReminderKind, Timestamp]()
        if fact.kind is FactKind.PROMISE_CONFIRMED or "to_window" in fact.data:
            due = {ReminderKind.TELL_DAY_BEFORE: _day_before(to), ReminderKind.TELL_MORNING: _morning(to)}
        elif fact.kind is FactKind.PROMISE_DELIVERED:
            due = {ReminderKind.ASK_FEEDBACK: fact.data["ended_at"] + _TASTED}
        for kind, due_at in due.items():
            if due_at > now:
                reminder = Reminder(kind=kind, subject=fact.subject, due_at=due_at)
                self._reminders.write_reminder(tenant, reminder)

    def _said_in_the_morning(
        self, tenant: Tenant, subject: str, to: Addressee, now: Timestamp
    ) -> News | None:
        """The more exact window of a delivery that could come at any time of the day."""
        forecast = self._addressees.forecast(tenant, subject, now)
        exact = narrowed(to.told_last, forecast, to.window.start) if forecast else None
        window = exact or to.told_last
        saying = MorningWindow(window=window, link=to.link)
        nothing = None if exact else Silence.NOTHING_NEW
        return News(kind=MessageKind.MORNING_WINDOW, saying=saying, window=window, silence=nothing)

    def _tell(
        self,
        tenant: Tenant,
        subject: str,
        name: str,
        news: News,
        to: Addressee,
        now: Timestamp,
        *,
        sequence: int,
    ) -> Message | None:
        """Write a text down, to be sent when it may, or not to be, with the reason."""
        usefulness = usefulness_of(news.kind)
        message = Message(
            message_id=f"{subject}.{name}",
            subject=subject,
            kind=news.kind,
            status=MessageStatus.PENDING,
            created_at=now,
            window=news.window,
            sequence=sequence,
            body=words(
                news.saying,
                language=language_of(to.locale, to.locales),
                brand=to.brand,
                timezone=to.timezone,
                now=now,
            ),
            ready_at=now,
            expires_at=now + usefulness.lasts,
        )
        silence = silence_of(to) or news.silence
        if silence is None and not is_true(message, to, now):
            silence = Silence.NOT_TRUE
        if silence is None and not usefulness.asked:
            awake = awake_at(now, to.quiet, to.timezone)
            expires_at = awake + usefulness.lasts if usefulness.waits else message.expires_at
            message = replace(message, ready_at=awake, expires_at=expires_at)
            silence = Silence.QUIET_HOURS if awake >= expires_at else None
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
        if message.ready_at <= now:
            self._queue.look(tenant, message.message_id)
        return message if is_new else None


def _said_the_day_before(to: Addressee) -> News:
    booked_at = to.booked_at
    forgotten = booked_at is not None and booked_at <= _day_before(to) - _LONG_AGO
    return News(
        kind=MessageKind.DAY_BEFORE,
        saying=DayBefore(window=to.window, link=to.link),
        window=to.window,
        silence=None if forgotten else Silence.NOTHING_NEW,
    )


def _day_before(to: Addressee) -> Timestamp:
    day = datetime.fromtimestamp(to.window.start, ZoneInfo(to.timezone)).date()
    return at_clock(day - timedelta(days=1), _THE_EVENING, to.timezone)


def _morning(to: Addressee) -> Timestamp:
    day = datetime.fromtimestamp(to.window.start, ZoneInfo(to.timezone)).date()
    return awake_at(at_clock(day, _THE_MORNING, to.timezone), to.quiet, to.timezone)


def silence_of(to: Addressee) -> Silence | None:
    """Why somebody is not to be texted at all; None if they may be."""
    if not to.texting:
        return Silence.TEXTING_OFF
    if to.phone is None:
        return Silence.NO_PHONE
    return None if to.consent else Silence.NO_CONSENT
