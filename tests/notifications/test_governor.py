"""Which text goes out, when, and when not: the rules by themselves."""

from dataclasses import replace
from datetime import UTC, datetime, time
from itertools import pairwise

import pytest

from chalicelib.notifications.governor import (
    USUAL,
    at_clock,
    awake_at,
    is_known,
    moved,
    narrowed,
    ruling,
    window_of,
)
from chalicelib.notifications.model import Message, MessageKind, MessageStatus, QuietHours, Silence
from chalicelib.notifications.ports import Wait
from chalicelib.routing.live_eta import Interval
from chalicelib.routing.model import TimeWindow
from chalicelib.units import HOUR, MINUTE, Seconds, Timestamp

TEN = round(datetime(2026, 11, 24, 10, tzinfo=UTC).timestamp())
PROMISED = TimeWindow(start=TEN, end=TEN + 2 * HOUR)
NIGHT = QuietHours(starts=time(21), ends=time(8))


def expected(at: Seconds, *, within: Seconds = 20 * MINUTE) -> Interval:
    """So long after ten."""
    middle = TEN + at
    return Interval(earliest_at=middle - within, expected_at=middle, latest_at=middle + within)


def sent(kind: MessageKind, at: Timestamp, status: MessageStatus = MessageStatus.DELIVERED) -> Message:
    return Message(
        message_id=f"prm_1.{at}.{kind}", subject="prm_1", kind=kind, status=status, created_at=at, ready_at=at
    )


def test_a_truth_within_what_was_told_is_silent() -> None:
    """However the forecast moves inside the window, nobody hears of it."""
    for minutes in range(20, 100):
        assert moved(PROMISED, expected(minutes * MINUTE), PROMISED, TEN) is None


def test_a_truth_that_leaves_what_was_told_is_told_in_a_window_of_its_own() -> None:
    """An hour behind: whole five minutes, rounded outwards, a little wider than the forecast."""
    window = moved(PROMISED, expected(3 * HOUR + 2 * MINUTE), PROMISED, TEN)
    assert window == TimeWindow(start=TEN + 155 * MINUTE, end=TEN + 210 * MINUTE)


def test_jitter_about_a_window_just_told_says_nothing() -> None:
    """A forecast that comes and goes by ten minutes stays within the window that it made."""
    told = moved(PROMISED, expected(3 * HOUR), PROMISED, TEN)
    assert told is not None
    for minutes in (-10, 10, -8, 9):
        assert moved(told, expected(3 * HOUR + minutes * MINUTE), PROMISED, TEN + HOUR) is None


def test_without_the_window_told_jitter_would_be_told_each_time() -> None:
    """CONTROL: the same forecasts, held against the last point forecast, as fixed thresholds do."""
    points = [180, 170, 190, 172, 189]
    assert all(abs(one - other) > 5 for one, other in pairwise(points))


def test_that_it_is_late_is_told_early_only_if_it_is_nearly_certain() -> None:
    """Three in four that it comes behind the window: hours ahead that may be made up for; soon it may not."""
    fresh = expected(2 * HOUR + 8 * MINUTE)
    assert moved(PROMISED, fresh, PROMISED, TEN - HOUR) is None
    assert moved(PROMISED, fresh, PROMISED, TEN + HOUR + 15 * MINUTE) is not None
    assert moved(PROMISED, expected(3 * HOUR), PROMISED, TEN - HOUR) is not None


def test_whoever_would_say_at_once_that_it_is_late_says_it_in_vain() -> None:
    """CONTROL: without the last call, the same doubt would be a text hours ahead."""
    at_once = replace(USUAL, last_call=24 * HOUR)
    assert moved(PROMISED, expected(2 * HOUR + 8 * MINUTE), PROMISED, TEN - HOUR, at_once) is not None


def test_no_window_is_told_before_the_van_may_come() -> None:
    """It waits for the promised window."""
    assert window_of(expected(5 * MINUTE), PROMISED.start).start == TEN


def test_only_a_wide_window_is_worth_being_told_more_exactly() -> None:
    """Two hours are exact enough; of a whole day, an hour says more."""
    day = TimeWindow(start=TEN, end=TEN + 8 * HOUR)
    fresh = expected(4 * HOUR)
    assert narrowed(PROMISED, expected(HOUR), TEN) is None
    exact = narrowed(day, fresh, TEN)
    assert exact is not None
    assert exact.end - exact.start < HOUR
    assert narrowed(day, expected(4 * HOUR, within=3 * HOUR), TEN) is None


def test_whoever_knows_it_as_exactly_need_not_be_told_that_they_are_next() -> None:
    """Only if a text said so, and the van comes within."""
    exact = TimeWindow(start=TEN, end=TEN + 40 * MINUTE)
    soon = TimeWindow(start=TEN + 5 * MINUTE, end=TEN + 25 * MINUTE)
    assert is_known(exact, soon)
    assert not is_known(None, soon)
    assert not is_known(PROMISED, soon)
    assert not is_known(exact, TimeWindow(start=soon.start, end=exact.end + 1))


def test_texts_keep_a_distance() -> None:
    """A quarter of an hour, even in trouble; what cannot wait is not sent, what is owed is."""
    others = [sent(MessageKind.WINDOW_CHANGED, TEN)]
    soon = TEN + 5 * MINUTE
    assert ruling(MessageKind.DELAYED, others, soon) == Wait(until=TEN + 15 * MINUTE)
    assert ruling(MessageKind.NEXT_STOP, others, soon) is Silence.TOO_SOON
    assert ruling(MessageKind.DELIVERED, others, soon) is None
    assert ruling(MessageKind.DELAYED, others, TEN + 15 * MINUTE) is None


def test_a_delivery_has_a_budget() -> None:
    """Three texts, of which routine leaves one; trouble has two more; what never went out costs nothing."""
    news = [sent(MessageKind.WINDOW_CHANGED, TEN - number * HOUR) for number in (3, 2, 1)]
    owed = [sent(MessageKind.PROMISE_CONFIRMED, TEN - 9 * HOUR)]
    unsent = [sent(MessageKind.DELAYED, TEN - 8 * HOUR, MessageStatus.SKIPPED)]
    others = [*owed, *unsent, *news]
    assert ruling(MessageKind.WINDOW_CHANGED, others, TEN) is Silence.BUDGET
    assert ruling(MessageKind.WINDOW_CHANGED, others[:-1], TEN) is None
    assert ruling(MessageKind.DAY_BEFORE, others[:-1], TEN) is Silence.BUDGET
    assert ruling(MessageKind.DELAYED, others, TEN) is None
    trouble = [sent(MessageKind.DELAYED, TEN - number * HOUR) for number in (5, 4)]
    assert ruling(MessageKind.DELAYED, [*trouble, *others], TEN) is Silence.BUDGET


def test_another_day_has_a_budget_of_its_own() -> None:
    """Whoever moved their delivery begins anew, though they were not texted about the move itself."""
    before = [sent(MessageKind.WINDOW_CHANGED, TEN - number * HOUR) for number in (3, 2, 1)]
    move = sent(MessageKind.RESCHEDULED, TEN - 30 * MINUTE, MessageStatus.SKIPPED)
    assert ruling(MessageKind.WINDOW_CHANGED, before, TEN) is Silence.BUDGET
    assert ruling(MessageKind.WINDOW_CHANGED, [*before, move], TEN) is None


@pytest.mark.parametrize(
    ("here", "awake"),
    [
        ("2026-11-24T20:59", "2026-11-24T20:59"),
        ("2026-11-24T21:00", "2026-11-25T08:00"),
        ("2026-11-25T03:10", "2026-11-25T08:00"),
        ("2026-11-25T08:00", "2026-11-25T08:00"),
        ("2026-10-24T23:00", "2026-10-25T08:00"),  # the clocks go back in between
    ],
)
def test_nobody_is_texted_at_night_by_the_wall_of_the_address(here: str, awake: str) -> None:
    """Nine in the evening to eight in the morning, in Berlin."""

    def instant(text: str) -> Timestamp:
        local = datetime.fromisoformat(text)
        return at_clock(local.date(), local.time(), "Europe/Berlin")

    assert awake_at(instant(here), NIGHT, "Europe/Berlin") == instant(awake)


def test_quiet_hours_may_lie_within_a_day_or_not_be_at_all() -> None:
    """A merchant's own: a siesta, or none."""
    siesta = QuietHours(starts=time(13), ends=time(15))
    at = TEN + 4 * HOUR  # two in the afternoon
    assert awake_at(at, siesta, "UTC") == TEN + 5 * HOUR
    assert awake_at(TEN, siesta, "UTC") == TEN
    assert awake_at(at, None, "UTC") == at
