"""Which delivery a buyer means: those their number was texted about, and what each was asked last.

A text to a number of ours says nothing else. One open delivery is meant, or the one whose open prompt the
text answers; of several it is asked, never guessed. Weak point: a delivery that nobody was texted about yet
is not known here.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Final

from chalicelib.conversation.model import About, Prompt, Talk
from chalicelib.conversation.ports import Ports
from chalicelib.conversation.prompts import asked_last, is_seen
from chalicelib.events import Tenant
from chalicelib.fleet.ids import PROMISE, promise_id, stop_id_of
from chalicelib.notifications.inbound import Inbound
from chalicelib.notifications.intents import (
    Answer,
    Asked,
    Choose,
    GateCode,
    Help,
    Intent,
    Neighbour,
    Question,
    Reschedule,
    SafePlace,
    Scores,
    Situation,
    Start,
    Stop,
    Thanks,
    Unclear,
    WrongAddress,
    WrongNumber,
)
from chalicelib.notifications.model import Addressee, Message
from chalicelib.notifications.replies import understand
from chalicelib.notifications.templates import language_of
from chalicelib.notifications.wording.language import Language
from chalicelib.promises.model import Promise
from chalicelib.units import DAY, Seconds, Timestamp

type Read = Intent | Question | Unclear

MOST_ORDERS: Final = 4  # that one question lists
_MOST_LOOKED_AT: Final = 12  # of those a number was texted about, the latest
_SPOKEN_OF_FOR: Final[Seconds] = 7 * DAY  # behind its window, or the last attempt
_FITS: Final = {
    Asked.GATE_CODE: GateCode,
    Asked.NEIGHBOUR: Neighbour,
    Asked.SAFE_PLACE: SafePlace,
    Asked.SCORES: Scores,
    Asked.CONFIRMATION: Answer,
}
_ABOUT_NO_ORDER: Final = (Stop, Start, Help, Thanks, WrongNumber)
_ABOUT_ANY_ORDER: Final = (Question, Unclear, WrongAddress)  # as complaints of one that is over are read
_LATELY: Final[Seconds] = DAY  # what was brought is complained of when it is unpacked


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A delivery that may be meant.

    Attributes
    ----------
    now
        Its merchant's own time.
    written_at
        System time when the text came in.
    is_lately
        Whether its buyer was texted about it within a day.
    asked_at
        System time when its buyer was last asked anything, before they wrote; 0 if they never were.
    prompt
        What they were asked then, if it can still be answered.
    read
        The text, as it reads if this one is meant: as of when it came in, however late it is looked at.
    """

    tenant: Tenant
    promise: Promise
    to: Addressee
    now: Timestamp
    written_at: Timestamp
    is_lately: bool
    asked_at: Timestamp
    prompt: Prompt | None
    read: Read

    @property
    def about(self) -> About:
        """Which it is."""
        return About(self.tenant, self.promise.stop_id)

    @property
    def subject(self) -> str:
        """Which it is, for its texts."""
        return promise_id(self.promise.stop_id)

    @property
    def wish(self) -> str:
        """What is wanted, in none of the buyer's words: tells who repeats it from who wants another thing."""
        match self.read:
            case Choose() | Answer() | Reschedule() as read:
                return str(read)
            case Question() | Unclear():
                return "unsure"
            case read:
                return type(read).__name__

    @property
    def is_about_none(self) -> bool:
        """Whether the text is about no delivery."""
        return isinstance(self.read, _ABOUT_NO_ORDER)

    @property
    def is_unsure(self) -> bool:
        """Whether it is not certain what the text asks for."""
        return isinstance(self.read, Question | Unclear)

    @property
    def is_a_number(self) -> bool:
        """Whether the text is a number and nothing else: it says nothing of anybody."""
        return isinstance(self.read, Choose)

    @property
    def language(self) -> Language:
        """In which its buyer is answered."""
        return language_of(self.to.locale, self.to.locales)


def orders_of(ports: Ports, inbound: Inbound, talk: Talk, system_now: Timestamp) -> list[Order]:
    """The deliveries a number was texted about lately and that are still its buyer's; the latest first."""
    found, age = list[_Spoken](), max(0, system_now - inbound.at)
    contacts = ports.letters.contacts(inbound.phone, inbound.senders)
    for contact in contacts[:_MOST_LOOKED_AT]:
        stop_id = stop_id_of(contact.subject, PROMISE)
        promise = ports.promise_ports.store.promise(contact.tenant, stop_id) if stop_id is not None else None
        to = ports.addressees.addressee(contact.tenant, contact.subject) if promise is not None else None
        if promise is None or to is None or to.phone != inbound.phone:
            continue
        now = ports.business_now(contact.tenant)
        if now - _ended_at(promise) > _SPOKEN_OF_FOR:
            continue
        texts = ports.messages.messages(contact.tenant, contact.subject)
        seen = [text for text in texts if is_seen(text, inbound)]
        found.append(_Spoken(tenant=contact.tenant, promise=promise, to=to, now=now, seen=seen))
    told_at = max((text.called_at for each in found for text in each.seen), default=0)
    return [_order(each, inbound, talk, told_at, each.now - age) for each in found]


def pick(orders: Sequence[Order]) -> tuple[Order, ...]:
    """Find the one that is meant, or all that may be: at least one, the latest first.

    Parameters
    ----------
    orders
        At least one.
    """
    answering = tuple(order for order in orders if _answers(order))
    if answering:
        return answering[:MOST_ORDERS]
    meant = [order for order in orders if not order.promise.state.finished]
    if not meant or any(isinstance(order.read, _ABOUT_ANY_ORDER) for order in meant):
        meant += _over(orders, without={order.tenant for order in meant})
    if all(order.is_about_none or (order.promise.state.finished and order.is_a_number) for order in meant):
        return (meant[0],)
    return tuple(meant[:MOST_ORDERS])


def _over(orders: Sequence[Order], *, without: Set[Tenant]) -> list[Order]:
    """The latest finished delivery of each merchant, of those who have none that is open.

    What is said of one must not be shown to the other; each merchant reads all of its own. Where another's is
    open, only those of the last day may be meant: nobody is asked without need.
    """
    latest = dict[Tenant, Order]()
    for order in orders:
        if order.tenant not in without and (not without or order.is_lately):
            latest.setdefault(order.tenant, order)
    return list(latest.values())


def answered(listed: Prompt, orders: Sequence[Order], body: str, now: Timestamp) -> Prompt | None:
    """The question which one is meant, with the number taken that a text answers it by; None if by none."""
    first = orders[0]
    situation = Situation(
        now=now,
        timezone=first.promise.timezone,
        window=first.promise.told_window,
        language=first.language.tag,
        asked=Asked.CHOICE,
        choices=len(listed.about),
    )
    match understand(body, situation):
        case Choose(number=number) if 1 <= number <= len(listed.about):
            return listed.used(number, now)
        case _:
            return None


def _answers(order: Order) -> bool:
    """Whether a text is an answer to what this delivery's buyer was asked."""
    prompt, read = order.prompt, order.read
    if prompt is None or prompt.asked is None:
        return False
    if isinstance(read, Choose):
        return prompt.option(read.number) is not None
    fitting = _FITS.get(prompt.asked)
    return fitting is not None and isinstance(read, fitting)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spoken:
    """A delivery that may be meant, and what its buyer was texted about it before they wrote."""

    tenant: Tenant
    promise: Promise
    to: Addressee
    now: Timestamp
    seen: Sequence[Message]


def _order(spoken: _Spoken, inbound: Inbound, talk: Talk, told_at: Timestamp, written_at: Timestamp) -> Order:
    """Read a text as if a delivery were meant.

    Parameters
    ----------
    told_at
        System time of the last text about any delivery that its buyer had.
    written_at
        When it was written, by the merchant's own clock.
    """
    promise, to = spoken.promise, spoken.to
    about = About(spoken.tenant, promise.stop_id)
    asked_at, prompt = asked_last(about, promise, spoken.seen, talk, told_at=told_at)
    if prompt is not None and not (prompt.is_open(spoken.now) and prompt.window in (None, promise.window)):
        prompt = None
    return Order(
        tenant=spoken.tenant,
        promise=promise,
        to=to,
        now=spoken.now,
        written_at=inbound.at,
        is_lately=any(inbound.at - text.called_at < _LATELY for text in spoken.seen),
        asked_at=asked_at,
        prompt=prompt,
        read=_read(inbound.body, promise, language_of(to.locale, to.locales), prompt, written_at),
    )


def _read(
    body: str, promise: Promise, language: Language, prompt: Prompt | None, written_at: Timestamp
) -> Read:
    situation = Situation(
        now=written_at,
        timezone=promise.timezone,
        window=promise.told_window,
        language=language.tag,
        asked=prompt.asked if prompt else None,
        choices=len(prompt.options) if prompt else 0,
        windows=tuple(option.window for option in prompt.options) if prompt else (),
    )
    return understand(body, situation)


def _ended_at(promise: Promise) -> Timestamp:
    return max([promise.window.end, *(attempt.ended_at for attempt in promise.attempts[-1:])])
