"""Days and hours as people write them, read only where there is one way to read them.

No library for free dates stands behind this: those always find a date, also in "13", "ok" or "after 5". A day
is today, tomorrow, a weekday of the coming week or a date of the coming weeks. An hour without a half of the
day is the one that vans drive in; where both do, or none, it is not certain.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from chalicelib.notifications.intents import Hours, MinuteOfDay, Situation
from chalicelib.notifications.understanding.signs import Meaning, Sign
from chalicelib.routing.model import TimeWindow

_FIRST_DRIVEN, _LAST_DRIVEN = 7 * 60, 21 * 60  # vans are at doors between these
_EARLY_EVENING = 7 * 60  # "after 6" is in the evening, "after 8" may be either
_FARTHEST = timedelta(days=60)
_NEXT_WEEKDAY = 7
_DAYS = frozenset({Meaning.TODAY, Meaning.TOMORROW, Meaning.OVERMORROW, Meaning.WEEKDAY, Meaning.DATE})
_PARTS = frozenset({Meaning.MORNING, Meaning.AFTERNOON, Meaning.EVENING, Meaning.NOON})
_NOON = 12 * 60
_HALF_HOUR = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """When a buyer wants it, as far as it is certain.

    Attributes
    ----------
    asked_for
        Somebody says to come then; otherwise a time is only named.
    readable
        It may only be uncertain because it has two readings, not because nobody asks for it.
    """

    day: date | None = None
    hours: Hours | None = None
    certain: bool = True
    asked_for: bool = True
    readable: bool = True

    @property
    def one_hour(self) -> bool:
        """Whether its hour is that and no other, however it was put: nobody drives at two in the night."""
        late = self.hours is not None and (self.hours.start or 0) >= _NOON
        return self.certain or (self.day is None and late)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wall:
    """The wall the buyer looks at: today, the minute of the day, and the window last told."""

    today: date
    minute: MinuteOfDay
    promised: date
    promised_hours: Hours

    @staticmethod
    def of(situation: Situation) -> "Wall":
        """Read the clocks at the delivery address."""
        zone = ZoneInfo(situation.timezone)
        now, start, end = (
            datetime.fromtimestamp(at, zone)
            for at in (situation.now, situation.window.start, situation.window.end)
        )
        ends = _minute(end) if end.date() == start.date() else 24 * 60
        return Wall(
            today=now.date(),
            minute=_minute(now),
            promised=start.date(),
            promised_hours=Hours(start=_minute(start), end=ends),
        )


def wish(said: Sequence[Sign], wall: Wall, afternoon: tuple[int, int]) -> Wish:
    """Read the signs of one phrase about time.

    Parameters
    ----------
    said
        Without fillers; every sign in it is about time.
    afternoon
        Its first and last hour in the language at hand.
    """
    day, day_certain = _day(said, wall)
    hours, hours_certain = _hours(said, wall, day or wall.promised, afternoon)
    return Wish(day=day, hours=hours, certain=day_certain and hours_certain)


def chosen_by_time(wishes: Sequence[Wish], situation: Situation) -> Sequence[int]:
    """Which numbered choices a time fits, read with either half of the day where none is told."""
    zone = ZoneInfo(situation.timezone)
    if not all(asked.readable for asked in wishes):
        return ()
    return [
        number
        for number, window in enumerate(situation.windows, start=1)
        if window is not None and all(_may_be(window, asked, zone) for asked in wishes)
    ]


def _may_be(window: TimeWindow, asked: Wish, zone: ZoneInfo) -> bool:
    later = _later(asked.hours) if asked.hours is not None and not asked.certain else asked.hours
    return any(_lies_in(window, asked.day, hours, zone) for hours in (asked.hours, later))


def _later(hours: Hours) -> Hours:
    """The same hours, half a day later."""
    start, end = (at + 12 * 60 if at is not None else None for at in (hours.start, hours.end))
    return Hours(start=start, end=end)


def _lies_in(window: TimeWindow, day: date | None, hours: Hours | None, zone: ZoneInfo) -> bool:
    starts, ends = (datetime.fromtimestamp(at, zone) for at in (window.start, window.end))
    if day is not None and starts.date() != day:
        return False
    if hours is None:
        return day is not None
    start, end = _minute(starts), _minute(ends)
    if hours.start is not None and hours.start == hours.end:
        return start <= hours.start < end
    return (hours.start is None or start >= hours.start) and (hours.end is None or end <= hours.end)


def covers(asked: Wish, wall: Wall) -> bool:
    """Whether a time somebody speaks of touches the window last told."""
    if asked.day is not None and asked.day != wall.promised:
        return False
    told, hours = wall.promised_hours, asked.hours
    if hours is None:
        return True
    starts_before_end = hours.start is None or told.end is None or hours.start < told.end
    ends_after_start = hours.end is None or told.start is None or hours.end > told.start
    return starts_before_end and ends_after_start


def _day(said: Sequence[Sign], wall: Wall) -> tuple[date | None, bool]:
    days = set[date]()
    certain = True
    meanings = [sign.meaning for sign in said]
    for at, sign in enumerate(said):
        match sign.meaning:
            case Meaning.TODAY:
                days.add(wall.today)
            case Meaning.TOMORROW:
                days.add(wall.today + timedelta(days=1))
            case Meaning.OVERMORROW:
                days.add(wall.today + timedelta(days=2))
            case Meaning.WEEKDAY:
                ahead = (sign.value - wall.today.weekday()) % _NEXT_WEEKDAY
                if Meaning.WEEK in meanings:  # "Tuesday next week"
                    ahead = _NEXT_WEEKDAY - wall.today.weekday() + sign.value
                    certain &= Meaning.NEXT in meanings
                elif ahead == 0 or (Meaning.NEXT in meanings and sign.value > wall.today.weekday()):
                    certain = False  # "Tuesday" on a Tuesday; "next Friday", which may be this week's
                days.add(wall.today + timedelta(days=ahead))
            case Meaning.DATE:
                month, number = divmod(sign.value, 100)
                read = {_coming(month, number, wall.today)}
                if not sign.told:  # 3/4 is in April or in March
                    read.add(_coming(number, month, wall.today))
                read.discard(None)
                certain &= len(read) == 1
                days.update(day for day in read if day is not None)
            case Meaning.MONTH:
                around = said[max(0, at - 1) : at + 2]
                numbers = [one.value for one in around if one.meaning in (Meaning.NUMBER, Meaning.ORDINAL)]
                coming = _coming(sign.value, numbers[0], wall.today) if len(numbers) == 1 else None
                certain &= coming is not None
                days.update({coming} if coming else ())
            case Meaning.ORDINAL if Meaning.MONTH not in meanings:
                coming = _this_or_next_month(sign.value, wall.today)
                certain &= coming is not None
                days.update({coming} if coming else ())
            case _:
                pass
    if len(days) == 1:
        return days.pop(), certain
    # A weekday and a date may stand for the same day; two different days are nobody's wish.
    return None, certain and not days


def _coming(month: int, number: int, today: date) -> date | None:
    for year in (today.year, today.year + 1):
        try:
            day = date(year, month, number)
        except ValueError:
            return None
        if today <= day <= today + _FARTHEST:
            return day
    return None


def _this_or_next_month(number: int, today: date) -> date | None:
    later = (today.replace(day=1) + timedelta(days=31)).month
    return _coming(today.month, number, today) or _coming(later, number, today)


def _hours(
    said: Sequence[Sign], wall: Wall, day: date, afternoon: tuple[int, int]
) -> tuple[Hours | None, bool]:
    meanings = [sign.meaning for sign in said]
    times, certain = _times(said, wall, day)
    if not times:
        parts = {sign.meaning for sign in said if sign.meaning in _PARTS}
        if not parts:
            return None, True
        named = _part(parts.pop(), afternoon)
        if Meaning.AFTER in meanings or Meaning.BEFORE in meanings or parts:
            return None, False
        return named, True
    negated = Meaning.NOT in meanings or Meaning.AWAY in meanings
    if len(times) == 2:
        first, second = times
        if Meaning.MORNING not in meanings and second <= first and first >= 12 * 60:
            return None, False
        if first > second and first - 12 * 60 < second:
            first -= 12 * 60
        return Hours(start=first, end=second), certain and first < second and not negated
    if len(times) > 2:
        return None, False
    (at,) = times
    is_start = not negated and {Meaning.AFTER, Meaning.FROM} & set(meanings)
    is_end = not negated and {Meaning.BEFORE} & set(meanings)
    if negated:
        is_start = {Meaning.BEFORE, Meaning.UNTIL} & set(meanings)
        is_end = {Meaning.AFTER} & set(meanings)
    if is_start or is_end:
        return Hours(start=at if is_start else None, end=at if is_end else None), certain
    return Hours(start=at, end=at), certain and Meaning.UNTIL not in meanings


def _times(said: Sequence[Sign], wall: Wall, day: date) -> tuple[list[MinuteOfDay], bool]:
    """Every time of day that is named, each as certain as its half of the day."""
    out, certain = list[MinuteOfDay](), True
    half = _half(said)
    bounded = any(sign.meaning in _BOUNDS for sign in said)
    for at, sign in enumerate(said):
        before = said[at - 1].meaning if at else None
        if sign.meaning is Meaning.NOON and bounded and not _is_number(said, at - 1):
            out.append(12 * 60)
            continue
        if sign.meaning is Meaning.NUMBER and not _is_date(said, at):
            minute = sign.value * 60
        elif sign.meaning is Meaning.CLOCK:
            minute = sign.value
        else:
            continue
        if before is Meaning.HALF_TO:
            minute -= _HALF_HOUR
        following = said[at + 1].meaning if at + 1 < len(said) else None
        if Meaning.HALF_PAST in (before, following):
            minute += _HALF_HOUR
        read = _read(minute, told=sign.told, half=half, wall=wall, day=day)
        certain &= read is not None
        out.append(read if read is not None else minute)
    explicit = half is not None or any(
        sign.meaning is Meaning.CLOCK or sign.meaning in _BOUNDS or sign.meaning in _DAYS for sign in said
    )
    return out, certain and (explicit or not out)


_BOUNDS = frozenset({Meaning.AFTER, Meaning.BEFORE, Meaning.FROM, Meaning.UNTIL, Meaning.BETWEEN})


def _half(said: Sequence[Sign]) -> Meaning | None:
    """The part of the day, or the half that a `pm` on one of two times gives to both."""
    for sign in said:
        if sign.meaning in (Meaning.MORNING, Meaning.AFTERNOON, Meaning.EVENING):
            return sign.meaning
    clocks = [sign for sign in said if sign.meaning is Meaning.CLOCK]
    if (
        len(clocks) == 1
        and clocks[0].told
        and clocks[0].value > 12 * 60
        and any(sign.meaning is Meaning.NUMBER for sign in said)
    ):
        return Meaning.AFTERNOON if "p" in clocks[0].spelled.lower() else None
    return None


def _read(
    minute: MinuteOfDay, *, told: bool, half: Meaning | None, wall: Wall, day: date
) -> MinuteOfDay | None:
    if minute >= 24 * 60:
        return None
    if told or minute > 12 * 60 + 59:
        return minute
    early, late = minute % (12 * 60), minute % (12 * 60) + 12 * 60
    if half is not None:
        return early if half is Meaning.MORNING else late
    if early < _EARLY_EVENING:
        return late
    possible = [
        at
        for at in (early, late)
        if _FIRST_DRIVEN <= at < _LAST_DRIVEN and (day != wall.today or at > wall.minute)
    ]
    return possible[0] if len(possible) == 1 else None


def _part(meaning: Meaning, afternoon: tuple[int, int]) -> Hours:
    first, last = {
        Meaning.MORNING: (6, 12),
        Meaning.NOON: (11, 14),
        Meaning.AFTERNOON: afternoon,
        Meaning.EVENING: (18, 22),
    }[meaning]
    return Hours(start=first * 60, end=last * 60)


def _is_number(said: Sequence[Sign], at: int) -> bool:
    return 0 <= at < len(said) and said[at].meaning in (Meaning.NUMBER, Meaning.CLOCK)


def _is_date(said: Sequence[Sign], at: int) -> bool:
    return any(sign.meaning is Meaning.MONTH for sign in said[max(0, at - 1) : at + 2])


def _minute(at: datetime) -> MinuteOfDay:
    return at.hour * 60 + at.minute
