"""From a fact to what is to be said of it, and whether that is still true later: words come elsewhere.

What a buyer did by a text was answered by one. What they did on the page the page shows, and a text says it
as well, when nobody chooses anew any more: it is their receipt, and warns whoever lost the link to somebody.
Danger is said with the window we expect and not before it is likely; what a merchant is warned of earlier is
no text. Weak point: a text about an attempt names the reason that the driver gave.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from chalicelib.events import Actor, Fact, FactKind
from chalicelib.notifications.governor import awake_at, is_known, window_of
from chalicelib.notifications.model import Addressee, Message, MessageKind, MessageStatus, Phase, Silence
from chalicelib.notifications.owed import NEVER_GONE
from chalicelib.notifications.wording.sayings import (
    AccessAsked,
    AddressChanged,
    AtRisk,
    BackOnTime,
    Cancelled,
    Cause,
    Choice,
    ChoiceKind,
    Delayed,
    Delivered,
    Failed,
    FailedWhy,
    LeftHow,
    NextStop,
    PromiseConfirmed,
    Redirected,
    Rescheduled,
    Saying,
    WindowChanged,
)
from chalicelib.routing.live_eta import Interval
from chalicelib.routing.model import TimeWindow
from chalicelib.units import MINUTE, Seconds, Timestamp

LEADS_TO_TEXTS: Final = frozenset(
    {
        FactKind.PROMISE_CONFIRMED,
        FactKind.PROMISE_CHANGED,
        FactKind.PROMISE_CANCELLED,
        FactKind.PROMISE_DELIVERED,
        FactKind.PROMISE_FAILED,
        FactKind.PROMISE_CHOICES,
        FactKind.PROMISE_EXPECTED,
        FactKind.PROMISE_RECOVERED,
        FactKind.PROMISE_ARRIVING,
        FactKind.PROMISE_ACCESS_ASKED,
    }
)
NAMES_A_NEW_WINDOW: Final = frozenset(
    {
        MessageKind.MORNING_WINDOW,
        MessageKind.WINDOW_CHANGED,
        MessageKind.NEXT_STOP,
        MessageKind.AT_RISK,
        MessageKind.BACK_ON_TIME,
        MessageKind.DELAYED,
    }
)
_TROUBLE: Final = (MessageKind.AT_RISK, MessageKind.DELAYED)
_CHOOSING: Final[Seconds] = 2 * MINUTE  # on the page, after which most have chosen: one text, not one a click
# What else whoever lost the link has to hear of; a code opens the same door as before.
_ELSEWHERE: Final = {
    "address": MessageKind.ADDRESS_CHANGED,
    "neighbour": MessageKind.REDIRECTED,
    "safe_place": MessageKind.REDIRECTED,
}
_LEFT: Final[Mapping[str, LeftHow]] = {f"delivered_to_{how}": how for how in LeftHow}
_WHY: Final[Mapping[str, FailedWhy]] = {f"failed_{why}": why for why in FailedWhy}


type Others = Callable[[], Sequence[Message]]
"""Reads the texts about a promise before this one, oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What a text is to say.

    Attributes
    ----------
    window
        The one it names, if it names one.
    silence
        Why it should not be sent all the same.
    settles
        How long it waits for what may take its place.
    keeps
        It is of use still when the night is over, whatever its kind.
    """

    kind: MessageKind
    saying: Saying
    window: TimeWindow | None = None
    silence: Silence | None = None
    settles: Seconds = 0
    keeps: bool = False


def news_of(
    fact: Fact, to: Addressee, others: Others, forecast: Interval | None, now: Timestamp
) -> News | None:
    """Say what a fact asks to be said; None if it asks nothing.

    Parameters
    ----------
    others
        Asked only where it matters what was said before.
    forecast
        When the van is expected there, if the fact is that it drives there now.
    """
    data, window, link = fact.data, to.window, to.link
    answered = Silence.ANSWERED if data.get("by_text") else None
    settles = _CHOOSING if fact.actor is Actor.BUYER else 0
    others = partial(_going, others, to, now)
    match fact.kind:
        case FactKind.PROMISE_CONFIRMED:
            saying: Saying = PromiseConfirmed(window=window, link=link)
            return News(kind=MessageKind.PROMISE_CONFIRMED, saying=saying, window=window)
        case FactKind.PROMISE_CHANGED if "to_window" in data:
            saying = Rescheduled(window=window, link=link)
            kind = MessageKind.RESCHEDULED
            return News(kind=kind, saying=saying, window=window, silence=answered, settles=settles)
        case FactKind.PROMISE_CHANGED if fact.actor is Actor.BUYER and data.get("kind") in _ELSEWHERE:
            return _elsewhere(data["kind"], link, answered, settles)
        case FactKind.PROMISE_CANCELLED:
            return News(kind=MessageKind.CANCELLED, saying=Cancelled(), silence=answered)
        case FactKind.PROMISE_DELIVERED:
            how = _LEFT[data["outcome"]]
            delivered = Delivered(at=data["ended_at"], how=how, link=link)
            # Who has it in hand knows; where else it is has to be found out.
            return News(kind=MessageKind.DELIVERED, saying=delivered, keeps=how is not LeftHow.RECIPIENT)
        case FactKind.PROMISE_FAILED:
            choices = _choices(to, _goes_at(to, now))
            failed = Failed(why=_WHY[data["outcome"]], choices=choices, link=link)
            return News(kind=MessageKind.FAILED, saying=failed)
        case FactKind.PROMISE_CHOICES if data["after"] == "at_risk":
            return _at_risk(to, others, now)
        case FactKind.PROMISE_EXPECTED:
            return _expected(fact, to, others, now)
        case FactKind.PROMISE_RECOVERED:
            back = to.foreseen if to.foreseen and _within(to.foreseen, window) else window
            return _back_on_time(back, others) if _troubled(others) else None
        case FactKind.PROMISE_ARRIVING:
            return _next_stop(to, forecast)
        case FactKind.PROMISE_ACCESS_ASKED:
            return News(kind=MessageKind.ACCESS_ASKED, saying=AccessAsked())
        case _:
            return None


def is_true(message: Message, to: Addressee, now: Timestamp) -> bool:
    """Whether what a text says is so now: it may have waited."""
    window = message.window
    match message.kind:
        case MessageKind.DELIVERED:
            return to.phase is Phase.DELIVERED
        case MessageKind.FEEDBACK_ASKED:
            return to.phase is Phase.DELIVERED and not to.scored
        case MessageKind.FAILED:
            undone = to.phase in (Phase.DELIVERED, Phase.CANCELLED) or to.rebooked
            return not undone and _numbers_hold(message, to, now)
        case MessageKind.CANCELLED:
            return to.phase is Phase.CANCELLED
        case MessageKind.PROMISE_CONFIRMED | MessageKind.DAY_BEFORE | MessageKind.RESCHEDULED:
            return not to.phase.is_over and window in (None, to.window)
        case MessageKind.MORNING_WINDOW:
            return not to.phase.is_over and (window is None or _within(window, to.told_last))
        case MessageKind.DELAYED if window is None:
            return not to.phase.is_over and to.adrift
        case MessageKind.WINDOW_CHANGED | MessageKind.DELAYED:
            # The carrier took a first try that failed: what it named counts as told since.
            told = to.told if message.failed_sid is not None and not to.adrift else None
            return not to.phase.is_over and window == (to.foreseen or told)
        case MessageKind.AT_RISK:
            numbered = bool(_choices(to, now)) and _numbers_hold(message, to, now)
            lasts = to.adrift if window is None else to.in_danger and window == to.expected
            return not to.phase.is_over and lasts and numbered
        case MessageKind.BACK_ON_TIME:
            safe = not to.in_danger and not to.adrift
            return not to.phase.is_over and safe and window in (to.window, to.expected)
        case MessageKind.NEXT_STOP:
            return to.phase is Phase.NEXT
        case MessageKind.ACCESS_ASKED | MessageKind.ADDRESS_CHANGED | MessageKind.REDIRECTED:
            return not to.phase.is_over
        case _:  # answers to a reply
            return True


def _elsewhere(kind: str, link: str | None, silence: Silence | None, settles: Seconds) -> News:
    """To another address, to a neighbour, or to be left in a safe place: which of them, and never where."""
    readdressed, neighbour = kind == "address", kind == "neighbour"
    saying = AddressChanged(link=link) if readdressed else Redirected(to_neighbour=neighbour, link=link)
    return News(kind=_ELSEWHERE[kind], saying=saying, silence=silence, settles=settles)


def _at_risk(to: Addressee, others: Others, now: Timestamp) -> News | None:
    """The counter-offer: what we expect, and what the buyer may choose instead."""
    expected, choices = to.expected, _choices(to, now)
    if _within(expected, to.window) or not choices:
        return None
    saying = AtRisk(promised=to.window, expected=expected, choices=choices)
    last = _last(others, *_TROUBLE, MessageKind.BACK_ON_TIME)
    told = Silence.ALREADY_TOLD if last is not None and last.kind is MessageKind.AT_RISK else None
    return News(kind=MessageKind.AT_RISK, saying=saying, window=expected, silence=told)


def _expected(fact: Fact, to: Addressee, others: Others, now: Timestamp) -> News | None:
    """Another window than the one told last: back within the promised one, behind it, or just another."""
    if to.adrift:
        return _adrift(fact, to, others, now)
    window = to.foreseen
    if window is None:  # what was told holds again
        return None
    if _within(window, to.window) and not to.in_danger and _troubled(others):
        return _back_on_time(window, others)
    if window.end > to.window.end and to.in_danger:
        offer = _at_risk(to, others, now)
        if offer is not None and offer.silence is None:
            return offer
        delayed = Delayed(window=window, cause=_cause(fact), link=to.link)
        return News(kind=MessageKind.DELAYED, saying=delayed, window=window)
    changed = WindowChanged(window=window, narrowed=_within(window, to.told_last), link=to.link)
    return News(kind=MessageKind.WINDOW_CHANGED, saying=changed, window=window)


def _adrift(fact: Fact, to: Addressee, others: Others, now: Timestamp) -> News:
    """Nobody knows when: why, and what may be chosen instead, unless that was offered already."""
    choices, last = _choices(to, now), _last(others, *_TROUBLE, MessageKind.BACK_ON_TIME)
    if choices and (last is None or last.kind is not MessageKind.AT_RISK):
        risk = AtRisk(promised=to.window, expected=None, choices=choices, cause=_cause(fact))
        return News(kind=MessageKind.AT_RISK, saying=risk)
    return News(kind=MessageKind.DELAYED, saying=Delayed(window=None, cause=_cause(fact), link=to.link))


def _cause(fact: Fact) -> Cause:
    return Cause(fact.data.get("cause", Cause.EARLIER_STOPS))


def _back_on_time(window: TimeWindow, others: Others) -> News:
    told = _last(others, *_TROUBLE, MessageKind.BACK_ON_TIME)
    silence = Silence.ALREADY_TOLD if told and told.kind is MessageKind.BACK_ON_TIME else None
    saying = BackOnTime(window=window)
    return News(kind=MessageKind.BACK_ON_TIME, saying=saying, window=window, silence=silence)


def _next_stop(to: Addressee, forecast: Interval | None) -> News:
    window = to.told_last if forecast is None else window_of(forecast, to.window.start)
    known = is_known(to.told if to.told != to.window else None, window)
    return News(
        kind=MessageKind.NEXT_STOP,
        saying=NextStop(window=window, link=to.link),
        window=window,
        silence=Silence.NOTHING_NEW if known else None,
    )


def _troubled(others: Others) -> bool:
    """Whether the buyer was told of trouble on this delivery, as it stands."""
    last = _last(others, *_TROUBLE, MessageKind.RESCHEDULED)
    return last is not None and last.kind in _TROUBLE


def _going(others: Others, to: Addressee, now: Timestamp) -> Sequence[Message]:
    """The texts that went out, or are about to: one that waits and is true no more will not."""
    return [
        each
        for each in others()
        if each.status not in NEVER_GONE
        and (each.status is not MessageStatus.PENDING or is_true(each, to, now))
    ]


def _last(others: Others, *kinds: MessageKind) -> Message | None:
    """The last text of some kinds."""
    return next((each for each in reversed(others()) if each.kind in kinds), None)


def _choices(to: Addressee, now: Timestamp) -> tuple[Choice, ...]:
    if now >= to.offered_until:
        return ()
    return tuple(Choice(kind=ChoiceKind.SLOT, window=window) for window in to.offered)


def _goes_at(to: Addressee, now: Timestamp) -> Timestamp:
    """When a text that is written now goes, by night."""
    return awake_at(now, to.quiet, to.timezone)


def _numbers_hold(message: Message, to: Addressee, now: Timestamp) -> bool:
    """Whether the choices that a text numbers are those of now; one that numbers none waits for none."""
    if message.created_at < to.offered_at:
        return False
    numbers_some = _goes_at(to, message.created_at) < to.offered_until
    return not numbers_some or now < to.offered_until


def _within(inner: TimeWindow, outer: TimeWindow) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end
