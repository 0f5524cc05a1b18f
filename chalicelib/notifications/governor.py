"""Which text goes out, when, and when not: the rules, apart from everything that asks them.

A buyer is told a new window only when the truth is likely to leave the one told last. That is compared with
what was said, never with the forecast of a moment ago, and what is said anew is as wide as the forecast, so
jitter says nothing. Then come a gap between two texts, a budget for each delivery, and the night at the
address. Weak point: the rules are the same for every merchant, but for the quiet hours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import IntEnum
from typing import Final
from zoneinfo import ZoneInfo

from chalicelib.notifications.model import Message, MessageKind, MessageStatus, QuietHours, Silence
from chalicelib.notifications.ports import Wait
from chalicelib.routing.live_eta import Interval
from chalicelib.routing.model import TimeWindow
from chalicelib.units import HOUR, MINUTE, Probability, Seconds, Timestamp


class Importance(IntEnum):
    """How much a text matters, from what may be left out to what never is."""

    ROUTINE = 0  # nice to know: leaves room in the budget for news
    NEWS = 1
    TROUBLE = 2  # may go over the budget
    OWED = 3  # what was agreed, what came of it, or an answer: in no budget


IMPORTANCE: Final = {
    MessageKind.DAY_BEFORE: Importance.ROUTINE,
    MessageKind.MORNING_WINDOW: Importance.ROUTINE,
    MessageKind.WINDOW_CHANGED: Importance.NEWS,
    MessageKind.NEXT_STOP: Importance.NEWS,
    MessageKind.AT_RISK: Importance.TROUBLE,
    MessageKind.DELAYED: Importance.TROUBLE,
    MessageKind.BACK_ON_TIME: Importance.TROUBLE,
}
LAST_COUNTS: Final = frozenset({MessageKind.RESCHEDULED, MessageKind.ADDRESS_CHANGED, MessageKind.REDIRECTED})
"""What was chosen, maybe more than once: the last text says what holds."""
_GONE: Final = frozenset(
    {
        MessageStatus.SENDING,
        MessageStatus.UNKNOWN,
        MessageStatus.SENT,
        MessageStatus.DELIVERED,
        MessageStatus.UNDELIVERED,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the governor goes by.

    Attributes
    ----------
    leaves_above
        Probability that the truth is outside what was told from which on something else is told.
    late_above, last_call
        The same that it is behind the promised window, so long before that closes, for whoever was not told.
    widened
        Width of a window that is told, in that of the forecast from 5 % to 95 %.
    step
        To which its ends are rounded, outwards.
    narrowest
        How wide it is at least.
    wide_from
        Width of a told window from which on a more exact one is worth a text.
    narrower
        Part of the told window that the more exact one is at most.
    exact
        Width of a told window from which on whoever is next need not be told, if they come within it.
    gap
        Between two texts.
    budget
        Texts for a delivery beside those that are owed.
    reserve
        How many of them are kept for news.
    in_trouble
        How many more there may be in trouble.
    """

    leaves_above: Probability = 0.9
    late_above: Probability = 0.4
    last_call: Seconds = 50 * MINUTE
    widened: float = 1.2
    step: Seconds = 5 * MINUTE
    narrowest: Seconds = 20 * MINUTE
    wide_from: Seconds = 3 * HOUR
    narrower: float = 0.5
    exact: Seconds = 45 * MINUTE
    gap: Seconds = 15 * MINUTE
    budget: int = 3
    reserve: int = 1
    in_trouble: int = 2


USUAL: Final = Rules()


def outside(told: TimeWindow, fresh: Interval) -> tuple[Probability, Probability]:
    """How likely the truth is before, and behind, what was told."""
    middle = (told.start + told.end) // 2
    return fresh.outside(Interval(earliest_at=told.start, expected_at=middle, latest_at=told.end))


def window_of(fresh: Interval, opens_at: Timestamp, rules: Rules = USUAL) -> TimeWindow:
    """The window to tell of a forecast: rounded outwards, and not before anybody may come.

    Parameters
    ----------
    opens_at
        Start of the promised window, for which a van waits.
    """
    before = max((fresh.expected_at - fresh.earliest_at) * rules.widened, rules.narrowest / 2)
    after = max((fresh.latest_at - fresh.expected_at) * rules.widened, rules.narrowest / 2)
    step = rules.step
    start = max(round(fresh.expected_at - before) // step * step, opens_at)
    end = max(-(-round(fresh.expected_at + after) // step) * step, start + rules.narrowest)
    return TimeWindow(start=start, end=end)


def moved(
    said: TimeWindow, fresh: Interval, promised: TimeWindow, now: Timestamp, rules: Rules = USUAL
) -> TimeWindow | None:
    """The window to say instead of the one said last; None while the truth is likely enough within that.

    Hours ahead that is said only if it is nearly certain: most delays are made up for. Shortly before the
    promised window closes it is said that the van is rather late than not, once.
    """
    _, late = outside(promised, fresh)
    is_last_call = said.end <= promised.end and now >= promised.end - rules.last_call
    if sum(outside(said, fresh)) > rules.leaves_above or (is_last_call and late > rules.late_above):
        return window_of(fresh, promised.start, rules)
    return None


def narrowed(
    said: TimeWindow, fresh: Interval, opens_at: Timestamp, rules: Rules = USUAL
) -> TimeWindow | None:
    """The more exact window that is worth a text; None if what was said is exact enough."""
    width = said.end - said.start
    exact = window_of(fresh, opens_at, rules)
    inside = said.start <= exact.start and exact.end <= said.end
    worth = width >= rules.wide_from and exact.end - exact.start <= width * rules.narrower
    return exact if inside and worth else None


def is_known(knows: TimeWindow | None, window: TimeWindow, rules: Rules = USUAL) -> bool:
    """Whether a buyer who was texted a window need not be told another one.

    Parameters
    ----------
    knows
        What they were texted; None: nothing since the promise.
    """
    return (
        knows is not None
        and knows.start <= window.start
        and window.end <= knows.end
        and knows.end - knows.start <= rules.exact
    )


def ruling(
    kind: MessageKind, others: Sequence[Message], now: Timestamp, rules: Rules = USUAL
) -> Silence | Wait | None:
    """Why a text must not go beside the others about its delivery, or until when it waits; None: go.

    Parameters
    ----------
    others
        The other texts about the promise, whatever became of them, oldest first.
    """
    importance = IMPORTANCE.get(kind, Importance.OWED)
    if importance is Importance.OWED:
        return None
    gone = [each for each in _since_moved(others) if each.kind in IMPORTANCE and each.status in _GONE]
    allowed = rules.budget + rules.in_trouble if importance is Importance.TROUBLE else rules.budget
    if len(gone) >= allowed - (rules.reserve if importance is Importance.ROUTINE else 0):
        return Silence.BUDGET
    free_at = max((each.ready_at for each in gone), default=now - rules.gap) + rules.gap
    if now >= free_at:
        return None
    return Silence.TOO_SOON if kind is MessageKind.NEXT_STOP else Wait(until=free_at)


def is_overtaken(message: Message, texts: Sequence[Message]) -> bool:
    """Whether a later text says what was chosen last; also where that is what this one says."""
    return message.kind in LAST_COUNTS and any(
        each.kind is message.kind and each.sequence > message.sequence for each in texts
    )


def _since_moved(texts: Sequence[Message]) -> Sequence[Message]:
    """The texts about a delivery as it stands: another day has a budget of its own."""
    moves = [at for at, each in enumerate(texts) if each.kind is MessageKind.RESCHEDULED]
    return texts[moves[-1] + 1 :] if moves else texts


def awake_at(now: Timestamp, quiet: QuietHours | None, timezone: str) -> Timestamp:
    """When somebody at an address may be texted: now, or when its quiet hours are over.

    Parameters
    ----------
    timezone
        IANA name, of the delivery address.
    """
    if quiet is None or quiet.starts == quiet.ends:
        return now
    here = datetime.fromtimestamp(now, ZoneInfo(timezone))
    clock = here.time()
    spans_midnight = quiet.starts > quiet.ends
    if spans_midnight:
        is_quiet = clock >= quiet.starts or clock < quiet.ends
    else:
        is_quiet = quiet.starts <= clock < quiet.ends
    if not is_quiet:
        return now
    day = here.date() + timedelta(days=spans_midnight and clock >= quiet.starts)
    return at_clock(day, quiet.ends, timezone)


def at_clock(day: date, clock: time, timezone: str) -> Timestamp:
    """An instant by the wall at an address."""
    return round(datetime.combine(day, clock, ZoneInfo(timezone)).timestamp())
