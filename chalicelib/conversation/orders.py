"""Which delivery a buyer means: those their number was texted about, and what each was asked last.

A text to a number of ours says nothing else. One open delivery is meant, or the one whose open prompt the
text answers; of several it is asked, never guessed. Weak point: a delivery that nobody was texted about yet
is not known here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from chalicelib.conversation.model import PROMPT_LIFE, About, Option, Prompt, Talk
from chalicelib.conversation.ports import Ports
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
    WrongNumber,
)
from chalicelib.notifications.model import Addressee, Message, MessageKind, MessageStatus
from chalicelib.notifications.replies import understand
from chalicelib.notifications.templates import language_of
from chalicelib.notifications.wording.language import Language
from chalicelib.notifications.wording.sayings import ChoiceKind
from chalicelib.promises.model import Promise
from chalicelib.units import DAY, Seconds, Timestamp

type Read = Intent | Question | Unclear

MOST_ORDERS: Final = 4  # that one question lists
_MOST_LOOKED_AT: Final = 12  # of those a number was texted about, the latest
_SPOKEN_OF_FOR: Final[Seconds] = 7 * DAY  # behind its window, or the last attempt
_ACCEPTED: Final = frozenset(
    {MessageStatus.SENDING, MessageStatus.UNKNOWN, MessageStatus.SENT, MessageStatus.DELIVERED}
)
_OFFERING: Final = frozenset({MessageKind.AT_RISK, MessageKind.FAILED})
_ASKING: Final = {MessageKind.ACCESS_ASKED: Asked.GATE_CODE, MessageKind.FEEDBACK_ASKED: Asked.SCORES}
_FITS: Final = {
    Asked.GATE_CODE: GateCode,
    Asked.NEIGHBOUR: Neighbour,
    Asked.SAFE_PLACE: SafePlace,
    Asked.SCORES: Scores,
    Asked.CONFIRMATION: Answer,
}
_ABOUT_NO_ORDER: Final = (Stop, Start, Help, Thanks, WrongNumber)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A delivery that may be meant.

    Attributes
    ----------
    now
        Its merchant's own time.
    prompt
        What its buyer was asked last and may still answer.
    read
        The text, as it reads if this one is meant: as of when it came in, however late it is looked at.
    """

    tenant: Tenant
    promise: Promise
    to: Addressee
    now: Timestamp
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
    def language(self) -> Language:
        """In which its buyer is answered."""
        return language_of(self.to.locale, self.to.locales)

    def reading(self, inbound: Inbound, system_now: Timestamp) -> "Order":
        """The same, for another text."""
        written_at = self.now - _age(inbound, system_now)
        read = _read(inbound.body, self.promise, self.language, self.prompt, written_at)
        return replace(self, read=read)


def orders_of(ports: Ports, inbound: Inbound, talk: Talk, system_now: Timestamp) -> list[Order]:
    """The deliveries a number was texted about lately and that are still its buyer's; the latest first."""
    found, age = list[Order](), _age(inbound, system_now)
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
        prompt = _prompt(About(contact.tenant, promise.stop_id), promise, talk, texts, now)
        language = language_of(to.locale, to.locales)
        read = _read(inbound.body, promise, language, prompt, now - age)
        found.append(Order(tenant=contact.tenant, promise=promise, to=to, now=now, prompt=prompt, read=read))
    return found


def pick(orders: Sequence[Order]) -> Order | tuple[Order, ...]:
    """Find the one that is meant, or all that may be.

    Parameters
    ----------
    orders
        At least one.
    """
    answering = [order for order in orders if _answers(order)]
    if len(answering) == 1:
        return answering[0]
    open_ones = [order for order in orders if not order.promise.state.finished]
    meant = open_ones or list(orders[:1])
    if len(meant) == 1:
        return meant[0]
    if all(isinstance(order.read, _ABOUT_NO_ORDER) for order in meant):
        return meant[0]
    return tuple(meant[:MOST_ORDERS])


def picked_from_list(orders: Sequence[Order], talk: Talk, body: str, now: Timestamp) -> Order | None:
    """The order whose number answers the open question which one is meant."""
    listed = talk.prompt
    if listed is None or listed.asked is not None or not listed.is_open(now) or not orders:
        return None
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
            wanted = listed.about[number - 1]
            return next((order for order in orders if order.about == wanted), None)
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


def _prompt(
    about: About, promise: Promise, talk: Talk, texts: Sequence[Message], now: Timestamp
) -> Prompt | None:
    """What was asked last about a delivery and is open: by us here, or by a text of another kind."""
    known = [_offered(about, promise, texts), *_asked(about, promise, texts)]
    own = talk.prompt
    if own is not None and own.about == (about,) and own.asked is not None:
        known.append(own)
    there = [each for each in known if each is not None and each.is_open(now)]
    moved = [each for each in there if each.window in (None, promise.window)]
    return max(moved, key=lambda prompt: prompt.at, default=None)


def _offered(about: About, promise: Promise, texts: Sequence[Message]) -> Prompt | None:
    """The promise's own choices, if the last text that offers any was written for these."""
    choices = promise.choices
    offering = [text for text in texts if text.kind in _OFFERING and text.status in _ACCEPTED]
    if choices is None or not offering or offering[-1].created_at < choices.made_at:
        return None
    options = [
        Option(kind=ChoiceKind.SLOT, window=each.window, slot_id=each.slot_id) for each in choices.choices
    ]
    return Prompt(
        sid="",
        asked=Asked.CHOICE,
        about=(about,),
        at=offering[-1].created_at,
        valid_until=choices.valid_until,
        options=tuple(options),
        window=promise.window,
    )


def _asked(about: About, promise: Promise, texts: Sequence[Message]) -> list[Prompt]:
    """Questions that other texts asked, and that nobody has answered."""
    answered = {
        Asked.GATE_CODE: promise.order.instructions.gate_code is not None,
        Asked.SCORES: promise.feedback is not None,
    }
    return [
        Prompt(
            sid="",
            asked=_ASKING[text.kind],
            about=(about,),
            at=text.created_at,
            valid_until=text.created_at + PROMPT_LIFE,
        )
        for text in texts
        if text.kind in _ASKING and text.status in _ACCEPTED and not answered[_ASKING[text.kind]]
    ]


def _age(inbound: Inbound, system_now: Timestamp) -> Seconds:
    return max(0, system_now - inbound.at)


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
