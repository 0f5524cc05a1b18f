"""From a fact to a text that waits to be sent: written once, recorded either way.

The row of a text is written on condition that nobody wrote it before, so a fact that comes twice makes one
text. Whoever finds the row there brings it to a worker again: the first may have died before it did. Weak
point: the words are those of the moment it was to go; `policy` only looks whether they are still true.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from functools import cache, partial
from typing import Final
from zoneinfo import ZoneInfo

from chalicelib.events import Fact, FactKind, Tenant
from chalicelib.notifications.governor import at_clock, awake_at, narrowed
from chalicelib.notifications.kinds import usefulness_of
from chalicelib.notifications.model import (
    Addressee,
    Message,
    MessageKind,
    MessageStatus,
    Silence,
    subject_of,
)
from chalicelib.notifications.owed import is_owed, is_still_owed, told_anew
from chalicelib.notifications.ports import LONGEST_DELAY, Addressees, MessageStore, Reminders, TextQueue
from chalicelib.notifications.reactions import LEADS_TO_TEXTS, News, is_true, news_of
from chalicelib.notifications.templates import language_of, words
from chalicelib.notifications.wording.sayings import DayBefore, FeedbackAsked, MorningWindow
from chalicelib.reminders import Reminder, ReminderKind
from chalicelib.units import DAY, HOUR, MINUTE, Seconds, Timestamp

_THE_EVENING: Final = time(18)  # of the day before
_THE_MORNING: Final = time(8)
_LONG_AGO: Final[Seconds] = DAY  # before the evening: whoever booked later has not forgotten
_SWITCHED_ON_WITHIN: Final[Seconds] = 15 * MINUTE  # how often is looked whether texting is on: a gap of texts
_TASTED: Final[Seconds] = 2 * HOUR  # after it was delivered one knows how it was


class Notifications:
    """Reacts to facts, and to what came due."""

    def __init__(
        self, store: MessageStore, addressees: Addressees, queue: TextQueue, reminders: Reminders
    ) -> None:
        self._store, self._addressees = store, addressees
        self._queue, self._reminders = queue, reminders

    def react(self, tenant: Tenant, facts: Sequence[Fact], now: Timestamp) -> Sequence[Message | None]:
        """Write down what facts ask to be said, and have it sent.

        Returns
        -------
        For each fact its text; None if it asks nothing, or did before.

        Raises
        ------
        Upstream
            The store or the queue did not answer: the same facts again do no harm.

        Notes
        -----
        A read for all of them and a write for each text; what reminds of them is written, and the queue
        asked, many at a time.
        """
        for fact in facts:
            if fact.kind is FactKind.PROMISE_CHANGED and fact.data.get("kind") == "gate_code":
                self._withdraw(tenant, fact.subject, MessageKind.ACCESS_ASKED)
        subjects = [fact.subject for fact in facts if fact.kind in LEADS_TO_TEXTS]
        whom = self._addressees.addressees(tenant, list(dict.fromkeys(subjects))) if subjects else {}
        made = list[Message | None]()
        for some in _apart(facts):
            drafts = [self._draft(tenant, fact, whom.get(fact.subject), now) for fact in some]
            ahead = [
                reminder
                for fact in some
                if fact.kind in LEADS_TO_TEXTS and fact.subject in whom
                for reminder in _due_later(fact, whom[fact.subject], now)
            ]
            new = iter(self._record(tenant, [each for each in drafts if each is not None], ahead, now))
            made += [each if each is not None and next(new) else None for each in drafts]
        return made

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
            name = f"{to.window.start}.{kind}"
            self._record(tenant, [_written(subject, name, news, to, now, sequence=to.sequence)], [], now)
        return None

    def tell_anew(self, tenant: Tenant, message_id: str, now: Timestamp) -> Timestamp | None:
        """Say what a text was about that did not go, as it is by now; gives when to try again, None if never.

        A later text of its kind takes that over. May be done twice or late: the text that it writes does too.

        Cost: reads of the promise, its texts, and its ledger; while texting is off, of the promise alone.
        """
        subject = subject_of(message_id)
        to = self._addressees.addressee(tenant, subject)
        if to is None:
            return None
        if not to.texting:
            return None if to.phase.is_over or now >= to.window.end + DAY else now + _SWITCHED_ON_WITHIN
        awake = awake_at(now, to.quiet, to.timezone)
        if awake > now:
            return awake
        texts = self._store.messages(tenant, subject)
        if not is_still_owed(message_id, texts):
            return None
        fact = self._addressees.fact(tenant, subject, int(message_id.split(".")[1]))
        draft = self._draft(tenant, fact, to, now) if fact is not None else None
        if draft is None or draft.status is not MessageStatus.PENDING:
            return None
        if draft.window is None or now < draft.window.end:
            # Named by how many there were: whoever does the same at the same time writes the same row.
            again = replace(draft, message_id=f"{draft.message_id}.{len(texts)}", sequence=to.sequence)
            self._record(tenant, [again], [], now)
        return None

    def _draft(self, tenant: Tenant, fact: Fact, to: Addressee | None, now: Timestamp) -> Message | None:
        """The text that a fact asks for, to be sent or not; None if it asks for none."""
        if to is None or fact.kind not in LEADS_TO_TEXTS:
            return None
        arriving = fact.kind is FactKind.PROMISE_ARRIVING
        forecast = self._addressees.forecast(tenant, fact.subject, now) if arriving else None
        others = cache(partial(self._store.messages, tenant, fact.subject))  # which most facts do without
        news = news_of(fact, to, others, forecast, now)
        if news is None:
            return None
        # By its fact, not its kind: read once more when things have changed, it may ask for another kind.
        name = f"{fact.sequence}.{fact.kind.replace('.', '_')}"
        return _written(fact.subject, name, news, to, now, sequence=fact.sequence)

    def _said_in_the_morning(
        self, tenant: Tenant, subject: str, to: Addressee, now: Timestamp
    ) -> News | None:
        """The more exact window of a delivery that could come at any time of the day."""
        forecast = self._addressees.forecast(tenant, subject, now)
        exact = narrowed(to.told_last, forecast, to.window.start) if forecast else None
        window = exact or to.told_last
        saying = MorningWindow(window=window, link=to.link)
        nothing = None if exact else Silence.NOTHING_NEW
        if to.foreseen is not None:  # the van has left: a text that says so is under way, or written anew now
            nothing = Silence.ALREADY_TOLD
        return News(kind=MessageKind.MORNING_WINDOW, saying=saying, window=window, silence=nothing)

    def post(self, tenant: Tenant, message: Message, now: Timestamp) -> Message | None:
        """Have a text sent, once for its id; None if it was under way before."""
        [is_new] = self._record(tenant, [message], [], now)
        return message if is_new else None

    def _withdraw(self, tenant: Tenant, subject: str, kind: MessageKind) -> None:
        """Take back a question that waits to be asked: it was answered before."""
        for each in self._store.messages(tenant, subject):
            if each.kind is kind and each.status is MessageStatus.PENDING:
                answered = replace(
                    each, status=MessageStatus.SKIPPED, reason=Silence.ANSWERED, sealed_to=None
                )
                self._store.save_message(tenant, answered)  # if it moved, it is being asked now

    def _record(
        self, tenant: Tenant, messages: Sequence[Message], ahead: Sequence[Reminder], now: Timestamp
    ) -> Sequence[bool]:
        """Write texts down, and bring those to a worker that may go now; says which were new."""
        pending = [each for each in messages if each.status is MessageStatus.PENDING]
        owed = [each for each in messages if is_owed(each)]
        # First of all the reminders: a row without one would be forgotten if its message is lost.
        reminders = [
            *ahead,
            *(_seen_to(each, now) for each in pending),
            *(told_anew(each, now) for each in owed),
        ]
        if reminders:
            self._reminders.write_reminders(tenant, reminders)
        new = [self._store.add_message(tenant, each) for each in messages]
        delays = {each.message_id: max(each.ready_at - now, 0) for each in pending}
        soon = {message_id: delay for message_id, delay in delays.items() if delay <= LONGEST_DELAY}
        if soon:
            self._queue.look_at_all(tenant, soon)
        return new


def _apart(facts: Sequence[Fact]) -> Iterator[Sequence[Fact]]:
    """Facts in their order, no two in one part about one promise: the second text is to see the first."""
    some = list[Fact]()
    for fact in facts:
        if any(fact.subject == each.subject for each in some):
            yield some
            some = []
        some.append(fact)
    if some:
        yield some


def _due_later(fact: Fact, to: Addressee, now: Timestamp) -> Iterator[Reminder]:
    """What is to be said at times of its own."""
    due = dict[ReminderKind, Timestamp]()
    if fact.kind is FactKind.PROMISE_CONFIRMED or "to_window" in fact.data:
        due = {ReminderKind.TELL_DAY_BEFORE: _day_before(to), ReminderKind.TELL_MORNING: _morning(to)}
    elif fact.kind is FactKind.PROMISE_DELIVERED:
        due = {ReminderKind.ASK_FEEDBACK: fact.data["ended_at"] + _TASTED}
    for kind, due_at in due.items():
        if due_at > now:
            yield Reminder(kind=kind, subject=fact.subject, due_at=due_at)


def _seen_to(message: Message, now: Timestamp) -> Reminder:
    due_at = max(message.ready_at, now) + MINUTE
    return Reminder(kind=ReminderKind.SEE_TO_TEXT, subject=message.message_id, due_at=due_at)


def _written(subject: str, name: str, news: News, to: Addressee, now: Timestamp, *, sequence: int) -> Message:
    """A text, to be sent when it may, or not to be, with the reason."""
    ready_at, expires_at = _of_use(news, to, now)
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
            now=ready_at,  # what is tomorrow now is today by then
            lasts=expires_at - ready_at,
        ),
        ready_at=ready_at,
        expires_at=expires_at,
    )
    silence = silence_of(to) or news.silence
    if silence is None and not is_true(message, to, now):
        silence = Silence.NOT_TRUE
    if silence is None and ready_at >= expires_at:
        silence = Silence.QUIET_HOURS
    if silence is not None:
        return replace(message, status=MessageStatus.SKIPPED, reason=silence, body="")
    return message


def _of_use(news: News, to: Addressee, now: Timestamp) -> tuple[Timestamp, Timestamp]:
    """From when on a text may go, and until when it is of use: not behind the end of the window it names."""
    usefulness = usefulness_of(news.kind)
    ready_at = now + news.settles
    expires_at = ready_at + usefulness.lasts
    if not usefulness.asked:
        ready_at = awake_at(ready_at, to.quiet, to.timezone)
        if usefulness.waits or news.keeps:
            expires_at = ready_at + usefulness.lasts
            over_night = awake_at(expires_at, to.quiet, to.timezone)
            if over_night > expires_at:  # whatever keeps it until then, the morning is not too late
                expires_at = over_night + usefulness.lasts
    over_at = news.window.end if news.window is not None else 0
    return ready_at, min(expires_at, over_at) if over_at > now else expires_at


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
    if not to.consent:
        return Silence.NO_CONSENT
    served = to.countries is None or to.country in to.countries
    return None if served else Silence.COUNTRY_NOT_SERVED
