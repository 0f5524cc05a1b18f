"""A day or an hour is read where there is one way to read it, and nowhere else."""

from datetime import date

import pytest

from chalicelib.notifications.intents import Hours, Question, Reschedule, Unclear
from chalicelib.notifications.replies import understand
from tests.notifications.corpus import situation

# Now is Tuesday 24 November 2026, half past nine; the parcel is promised for two to four.


@pytest.mark.parametrize(
    ("text", "day", "start", "end"),
    [
        ("tomorrow", date(2026, 11, 25), None, None),
        ("friday please", date(2026, 11, 27), None, None),
        ("monday please", date(2026, 11, 30), None, None),
        ("can you come tuesday next week", date(2026, 12, 1), None, None),
        ("2 january please", date(2027, 1, 2), None, None),
        ("am 1.12. bitte", date(2026, 12, 1), None, None),
        ("after 5", None, 17, None),
        ("after 12", None, 12, None),
        ("after 9pm", None, 21, None),
        ("tomorrow after 9", date(2026, 11, 25), 9, None),
        ("before noon", None, None, 12),
        ("between 11 and 2 please", None, 11, 14),
        ("come between 5 and 7pm", None, 17, 19),
        ("tomorrow 9-11", date(2026, 11, 25), 9, 11),
        ("nach halb sechs", None, 17.5, None),
        ("can you come after half past 5", None, 17.5, None),
        ("mañana por la tarde", date(2026, 11, 25), 12, 20),
        ("demain matin", date(2026, 11, 25), 6, 12),
    ],
)
def test_a_time_with_one_reading_is_read(
    text: str, day: date | None, start: float | None, end: float | None
) -> None:
    """The half of the day that vans drive in, the weekday that comes next, the date of the coming weeks."""
    hours = Hours(start=_minutes(start), end=_minutes(end)) if (start, end) != (None, None) else None
    language = "es" if "ñ" in text else "en"
    assert understand(text, situation(language=language)) == Reschedule(day=day, hours=hours)


def _minutes(hour: float | None) -> int | None:
    return None if hour is None else int(hour * 60)


@pytest.mark.parametrize(
    "text",
    [
        "13",
        "ok 13",
        "Tues 9-11",  # today is a Tuesday
        "next friday",  # this week's, or the one after?
        "3/4 please",  # in March or in April, and neither is near
        "tomorrow after 8",  # in the morning or in the evening
        "5-7",
        "31 november please",
        "friday 26th",  # a Thursday
        "tomorrow until 5",
        "30 february",
    ],
)
def test_a_time_with_two_readings_or_none_is_asked_about(text: str) -> None:
    """A library that always finds a date finds one in most of these."""
    assert isinstance(understand(text, situation()), Question | Unclear)


def test_what_has_passed_today_is_not_meant() -> None:
    """At half past nine "after 8" can only be the evening; for tomorrow it could be either."""
    assert understand("can you come after 8", situation()) == Reschedule(hours=Hours(start=20 * 60))
