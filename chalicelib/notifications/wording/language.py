"""What a language module has to say, and its calendar: own small tables, no locale library.

Babel would bring 30 MB of tables into the Lambda for seven weekdays, twelve months and two forms of a plural.
Weak point: a language with more than two plural forms needs another field here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from chalicelib.notifications.intents import IntentKind
from chalicelib.notifications.wording.sayings import Cause, ChoiceKind, Effect, FailedWhy, LeftHow, Obstacle


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """The words of one language. Texts are filled in with `str.format`; fields are in braces.

    Attributes
    ----------
    tag
        Such as `en`.
    weekdays, months
        Short, in letters of GSM-7 as far as it goes; Monday and January first.
    day
        A date by `{weekday}`, `{day}`, `{month}` (its name) and `{number}` (the month's).
    hour, minute
        A time on the hour and one that is not, by `{hour}` and `{minute}`.
    hours
        A part of a day by `{start}` and `{end}`.
    when
        A day and hours together, by `{day}` and `{hours}`; `when_near` if the day is today or tomorrow.
    reply
        Asks for a number, by `{choices}`.
    link, details
        Where a delivery can be followed, and where to read what came of it.
    way_out
        How to get no more texts, for the first one.
    stops
        How many stops come before, for one and for more; by `{count}`.
    """

    tag: str
    weekdays: tuple[str, ...]
    months: tuple[str, ...]
    today: str
    tomorrow: str
    day: str
    hour: str
    minute: str
    hours: str
    when: str
    when_near: str
    reply: str
    order: str
    link: str
    details: str
    way_out: str
    promise_confirmed: str
    day_before: str
    morning_window: str
    window_narrowed: str
    window_moved: str
    next_stop: str
    at_risk: str
    at_risk_open: str
    back_on_time: str
    delayed: str
    delayed_open: str
    delivered: str
    failed: str
    rescheduled: str
    address_changed: str
    redirected_neighbour: str
    redirected_safe_place: str
    cancelled: str
    feedback_asked: str
    access_asked: str
    refused: str
    which_order: str
    prompt_too_old: str
    whereabouts: str
    whereabouts_next: str
    whereabouts_stops: tuple[str, str]
    help: str
    help_no_phone: str
    causes: Mapping[Cause, str]
    left: Mapping[LeftHow, str]
    failures: Mapping[FailedWhy, str]
    obstacles: Mapping[Obstacle, str]
    choices: Mapping[ChoiceKind, str]
    effects: Mapping[Effect, str]
    questions: Mapping[IntentKind, str]
    question: str
    twelve_hours: bool = False

    def clock(self, at: datetime) -> str:
        """Write a local time."""
        if self.twelve_hours:
            half = "am" if at.hour < 12 else "pm"
            minute = f":{at.minute:02d}" if at.minute else ""
            return f"{(at.hour - 1) % 12 + 1}{minute}{half}"
        written = self.minute if at.minute else self.hour
        return written.format(hour=f"{at.hour:02d}", plain_hour=at.hour, minute=f"{at.minute:02d}")

    def span(self, start: datetime, end: datetime) -> str:
        """Write a part of a day."""
        return self.hours.format(start=self.clock(start), end=self.clock(end))

    def on(self, day: date, today: date) -> str:
        """Write a day, as today or tomorrow where it is."""
        if day == today:
            return self.today
        if day == today + timedelta(days=1):
            return self.tomorrow
        return self.day.format(
            weekday=self.weekdays[day.weekday()],
            day=day.day,
            month=self.months[day.month - 1],
            number=day.month,
        )

    def at(self, start: datetime, end: datetime, today: date) -> str:
        """Write a window: its day and its hours."""
        day = start.date()
        near = day in (today, today + timedelta(days=1))
        written = self.when_near if near else self.when
        return written.format(day=self.on(day, today), hours=self.span(start, end))

    def stops_before(self, count: int) -> str:
        """Write how many stops come before this one."""
        one, more = self.whereabouts_stops
        return (one if count == 1 else more).format(count=count)
