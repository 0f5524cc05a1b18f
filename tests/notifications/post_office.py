"""Everything texts need, in memory: a store, a carrier with a plan of faults, a queue, clocks, and death.

Every call that leaves a worker is a step. A worker can be told to die at its n-th step, before it or behind
it: what it did by then stays, what it had in mind is gone.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from chalicelib.adapters.sealing import Sealer
from chalicelib.errors import Upstream
from chalicelib.events import Actor, Fact, FactKind, Mode, Tenant
from chalicelib.notifications.callbacks import Callbacks
from chalicelib.notifications.caps import TextCaps, TextLimiter
from chalicelib.notifications.carrier import (
    Answer,
    NotProcessed,
    Outgoing,
    Refused,
    Sighting,
    Taken,
    TextSender,
    Unanswered,
)
from chalicelib.notifications.model import UNDER_WAY, Addressee, Message, MessageStatus
from chalicelib.notifications.pace import Pace
from chalicelib.notifications.policy import StillWanted
from chalicelib.notifications.ports import Policy
from chalicelib.notifications.progress import Moment, Progress
from chalicelib.notifications.sending import Ports, Sending
from chalicelib.notifications.service import Notifications
from chalicelib.reminders import ReminderKind
from chalicelib.routing.live_eta import Interval
from chalicelib.routing.model import TimeWindow
from chalicelib.units import Seconds, Timestamp
from tests.fakes import InMemoryRateCounter, InMemoryReminders
from tests.fakes_texts import InMemorySenders

TENANT = Tenant(merchant_id="m1", mode=Mode.TEST)
NOW = 1_795_000_000
ANA = Addressee(
    phone="+12025550123",
    consent=True,
    brand="Ribeira Wines",
    texting=True,
    window=TimeWindow(start=1_795_514_400, end=1_795_521_600),  # Tuesday 24 November 2026, Lisbon
    timezone="Europe/Lisbon",
)
CONFIRMED = Fact(
    kind=FactKind.PROMISE_CONFIRMED, at=NOW, actor=Actor.MERCHANT, subject="prm_1", sequence=1, data={}
)


PLENTY = TextCaps(number=1000, prefix=1000, country=1000, merchant=1000)


class Died(BaseException):
    """The worker was killed."""


@dataclass
class Steps:
    """Counts what leaves a worker, and kills it there."""

    taken: int = 0
    kill_at: int | None = None
    behind: bool = False

    def __call__[R](self, act: Callable[[], R]) -> R:
        self.taken += 1
        dies = self.taken == self.kill_at
        if dies and not self.behind:
            raise Died
        result = act()
        if dies:
            raise Died
        return result


@dataclass
class Carrier:
    """Takes texts, and does with each what its plan says next.

    Attributes
    ----------
    plan
        Faults of the next calls: `429`, `500`, `500_after`, `refused`, `drop_before`, `drop_after`, or an
        error code. An empty plan takes everything.
    lists
        Whether it says what it took.
    """

    clock: "Clock"
    plan: list[str] = field(default_factory=list)
    fault: str = ""
    lists: bool = True
    texts: list[tuple[Outgoing, Sighting]] = field(default_factory=list)
    calls: int = 0

    def send(self, text: Outgoing) -> Answer:
        self.calls += 1
        fault = self.plan.pop(0) if self.plan else self.fault
        match fault:
            case "429":
                return NotProcessed(after=7)
            case "refused":
                return NotProcessed(reached=False)
            case "500" | "drop_before":
                return Unanswered()
            case "" | "500_after" | "drop_after":
                sid = f"SM{len(self.texts) + 1:032x}"
                seen = Sighting(
                    sid=sid, body=text.body, word="queued", code=None, created_at=self.clock.system_now
                )
                self.texts.append((text, seen))
                return Unanswered() if fault else Taken(sid=sid)
            case code:
                return Refused(code=code)

    def sent_to(self, to: str) -> Sequence[Sighting]:
        if not self.lists or self.fault in ("500", "drop_before"):
            raise Upstream("No answer.")
        return [seen for text, seen in reversed(self.texts) if text.to == to]

    def sighting(self, sid: str) -> Sighting | None:
        if not self.lists:
            raise Upstream("No answer.")
        return next((seen for _, seen in self.texts if seen.sid == sid), None)

    def forget(self, sid: str) -> None:
        if not self.lists:
            raise Upstream("No answer.")
        self.texts = [(text, seen) for text, seen in self.texts if seen.sid != sid]


@dataclass
class Clock:
    """Both clocks, which go together here."""

    system_now: Timestamp = NOW

    @property
    def moment(self) -> Moment:
        return Moment(now=self.system_now, system_now=self.system_now)


@dataclass
class Rows(InMemorySenders):
    """The store: texts, what is known of senders, ledgers; `guarded` for the control without versions."""

    texts: dict[str, Message] = field(default_factory=dict)
    facts: list[Fact] = field(default_factory=list)
    opted_out: set[str] = field(default_factory=set)
    contacts: dict[str, str] = field(default_factory=dict)
    guarded: bool = True
    noted: dict[str, str] = field(default_factory=dict)
    dies_behind_the_id: bool = False

    def add_message(self, tenant: Tenant, message: Message) -> bool:
        if self.guarded and message.message_id in self.texts:
            return False
        self.texts[message.message_id] = replace(message, version=1)
        return True

    def message(self, tenant: Tenant, message_id: str) -> Message | None:
        return self.texts.get(message_id)

    def save_message(
        self, tenant: Tenant, message: Message, facts: Sequence[Fact] = (), *, new_sid: str | None = None
    ) -> Message | None:
        if new_sid is not None:
            self.noted[new_sid] = message.message_id  # first of all, and by itself
            if self.dies_behind_the_id:
                raise Died
        if self.guarded and self.texts[message.message_id].version != message.version:
            return None
        saved = self.texts[message.message_id] = replace(message, version=message.version + 1)
        self.facts += facts
        return saved

    def messages(self, tenant: Tenant, subject: str) -> Sequence[Message]:
        return [text for text in self.texts.values() if text.subject == subject]

    def own_sids(self, tenant: Tenant, sids: Sequence[str]) -> dict[str, str]:
        return {sid: self.noted[sid] for sid in sids if sid in self.noted}

    def is_opted_out(self, tenant: Tenant, phone: str) -> bool:
        return phone in self.opted_out

    def opt_out(self, tenant: Tenant, phone: str, at: Timestamp) -> None:
        self.opted_out.add(phone)

    def note_texted(self, tenant: Tenant, phone: str, sender: str, subject: str, at: Timestamp) -> None:
        self.contacts[phone] = subject


@dataclass
class Queue:
    """Messages by the time they are to be brought."""

    clock: Clock
    waiting: list[tuple[Timestamp, str]] = field(default_factory=list)
    loses: bool = False

    def look(self, tenant: Tenant, message_id: str, *, delay: Seconds = 0) -> None:
        assert 0 <= delay <= 900
        if not self.loses:
            self.waiting.append((self.clock.system_now + delay, message_id))

    def look_at_all(self, tenant: Tenant, delays: Mapping[str, Seconds]) -> None:
        for message_id, delay in delays.items():
            self.look(tenant, message_id, delay=delay)


class Stepped:
    """Another thing, each of whose calls is a step."""

    def __init__(self, thing: Any, steps: Steps) -> None:
        self._thing, self._steps = thing, steps

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._thing, name)
        return lambda *args, **kwargs: self._steps(lambda: method(*args, **kwargs))


class PostOffice:
    """A merchant's texts, from the fact to their end.

    Attributes
    ----------
    to
        Whom every promise is for; None: no promise is there any more.
    """

    def __init__(
        self,
        *,
        caps: TextCaps = PLENTY,
        per_second: int = 1000,
        guarded: bool = True,
        sender: Callable[[TextSender], TextSender] = lambda sender: sender,
        policy: Policy | None = None,
    ) -> None:
        self.clock = Clock()
        self.rows, self.queue, self.steps = Rows(guarded=guarded), Queue(self.clock), Steps()
        self.carrier, self.reminders = Carrier(self.clock), InMemoryReminders()
        self.counter = InMemoryRateCounter()
        self.to: Addressee | None = ANA
        self.expected: Interval | None = None
        self.others: dict[str, Addressee] = {}
        self.ledger: list[Fact] = []
        store: Any = Stepped(self.rows, self.steps)
        queue: Any = Stepped(self.queue, self.steps)
        carrier: Any = Stepped(self.carrier, self.steps)
        reminders: Any = Stepped(self.reminders, self.steps)
        sealer = Sealer([b"k" * 32])
        self.callbacks = Callbacks(sealer, base_url="https://slots.example")
        self.notifications = Notifications(store, self, queue, reminders)
        self.progress = Progress(store, queue, reminders, store, sealer)
        self.sending = Sending(
            Ports(
                store=store,
                addressees=self,
                sender=sender(carrier),
                policy=policy or StillWanted(store, store),
                pace=Pace(store, segments_per_second=per_second),
                limiter=TextLimiter(self.counter, caps=caps, hide=lambda purpose, text: f"{purpose}/{text}"),
                phone_book=store,
                progress=self.progress,
                callbacks=self.callbacks,
                seal=sealer,
                segments=lambda body: 1,
                jitter=lambda: 0.5,
            )
        )

    def addressee(self, tenant: Tenant, subject: str) -> Addressee | None:
        return self.others.get(subject, self.to)

    def addressees(self, tenant: Tenant, subjects: Sequence[str]) -> dict[str, Addressee]:
        found = {subject: self.addressee(tenant, subject) for subject in subjects}
        return {subject: to for subject, to in found.items() if to is not None}

    def forecast(self, tenant: Tenant, subject: str, now: Timestamp) -> Interval | None:
        return self.expected

    def fact(self, tenant: Tenant, subject: str, sequence: int) -> Fact | None:
        known = (each for each in self.ledger if (each.subject, each.sequence) == (subject, sequence))
        return next(known, None)

    def react(self, fact: Fact = CONFIRMED) -> Message | None:
        self.ledger.append(fact)
        [message] = self.notifications.react(TENANT, [fact], self.clock.system_now)
        return message

    def look(self, message_id: str) -> Message | None:
        return self.sending.look(TENANT, message_id, self.clock.moment)

    def hear(self, word: str, *, sid: str = f"SM{1:032x}", code: str | None = None) -> Message | None:
        [message_id] = self.rows.texts
        return self.progress.hear(TENANT, message_id, self.clock.moment, sid=sid, word=word, code=code)

    def bring(self) -> int:
        """Hand the workers what the queue has for now; gives how many messages that were."""
        now = self.clock.system_now
        due = [message_id for at, message_id in self.queue.waiting if at <= now]
        self.queue.waiting = [each for each in self.queue.waiting if each[0] > now]
        for message_id in due:
            self.look(message_id)
        return len(due)

    def remind(self) -> None:
        """Let the minute's trigger come."""
        for reminder in list(self.reminders.due_reminders_of(TENANT, self.clock.system_now)):
            now, about = self.clock.moment, reminder.subject
            if reminder.kind is ReminderKind.TELL_ANEW:
                again = self.notifications.tell_anew(TENANT, about, now.now)
            else:
                again = self.progress.remind(TENANT, about, now)
            self.reminders.finish_reminder(TENANT, reminder, again)

    def live(self, seconds: Seconds, *, step: Seconds = 20) -> None:
        """Let time pass, with everything that comes of it."""
        until = self.clock.system_now + seconds
        while self.clock.system_now <= until:
            while self.bring():
                pass
            self.remind()
            self.clock.system_now += step

    @property
    def text(self) -> Message:
        """The only one there is."""
        [message] = self.rows.texts.values()
        return message

    @property
    def under_way(self) -> list[MessageStatus]:
        return [text.status for text in self.rows.texts.values() if text.status in UNDER_WAY]


def killed_at_every_step(
    act: Callable[[PostOffice], object], make: Callable[[], PostOffice]
) -> Iterator[PostOffice]:
    """Post offices in which an act was killed: at each of its steps, before it and behind it."""
    for behind in (False, True):
        for step in range(1, 100):
            office = make()
            office.steps.taken, office.steps.kill_at, office.steps.behind = 0, step, behind
            try:
                act(office)
            except Died:
                office.steps.kill_at = None
                yield office
            else:
                break
        else:
            raise AssertionError("it never came to its end")
