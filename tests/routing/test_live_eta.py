"""What is shown only narrows, moves when it must, and a status does not flicker."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.routing.live_eta import Because, Interval, Status, Thresholds, shown_next, status_next


def minutes(earliest: int, expected: int, latest: int) -> Interval:
    return Interval(earliest_at=earliest * 60, expected_at=expected * 60, latest_at=latest * 60)


intervals = st.lists(st.integers(0, 300), min_size=3, max_size=3).map(lambda some: minutes(*sorted(some)))


def test_a_narrower_forecast_is_shown_as_it_is() -> None:
    """News that agrees with what was shown needs no reason."""
    assert shown_next(minutes(10, 30, 60), minutes(20, 32, 50)) == (minutes(20, 32, 50), None)


def test_a_forecast_that_sticks_out_a_little_is_cut() -> None:
    """Four minutes later is jitter: what was shown stays the limit."""
    assert shown_next(minutes(10, 30, 60), minutes(20, 40, 64)) == (minutes(20, 40, 60), None)


@pytest.mark.parametrize(
    ("fresh", "because"), [(minutes(45, 70, 100), Because.LATER), (minutes(1, 8, 20), Because.EARLIER)]
)
def test_a_forecast_that_leaves_moves_what_is_shown(fresh: Interval, because: Because) -> None:
    """The day has changed, and the direction is told."""
    assert shown_next(minutes(10, 30, 60), fresh) == (fresh, because)


def test_without_a_limit_every_jitter_would_move_the_end() -> None:
    """The control: with a threshold of nothing, four minutes are enough."""
    touchy = Thresholds(moves_above=0.0)
    assert shown_next(minutes(10, 30, 60), minutes(20, 40, 64), thresholds=touchy)[1] is Because.LATER


def test_what_is_explained_is_shown_at_once() -> None:
    """A replan or an incident needs no more evidence."""
    found = shown_next(minutes(10, 30, 60), minutes(20, 40, 64), explained=True)
    assert found == (minutes(20, 40, 64), Because.EXPLAINED)


@settings(max_examples=200)
@given(intervals, intervals)
def test_what_is_shown_widens_only_with_a_reason(shown: Interval, fresh: Interval) -> None:
    """Without one, the new interval lies within the old."""
    found, because = shown_next(shown, fresh)
    assert found.earliest_at <= found.expected_at <= found.latest_at
    if because is None:
        assert shown.earliest_at <= found.earliest_at
        assert found.latest_at <= shown.latest_at
    else:
        assert found == fresh


def test_the_share_outside_is_that_of_two_half_normals() -> None:
    """Arithmetic by hand: nine tenths lie between 5 % and 95 %, half on each side of the middle."""
    forecast = minutes(20, 30, 60)
    assert forecast.outside(minutes(20, 30, 60)) == (
        pytest.approx(0.05, abs=1e-3),
        pytest.approx(0.05, abs=1e-3),
    )
    assert forecast.outside(minutes(0, 10, 30)) == (pytest.approx(0, abs=1e-3), pytest.approx(0.5))
    assert minutes(30, 30, 30).outside(minutes(31, 40, 50)) == (1.0, 0.0)


def test_an_interval_out_of_order_is_refused() -> None:
    """5 % is never after 50 %."""
    with pytest.raises(ValueError, match="in order"):
        minutes(30, 20, 40)


def test_a_status_changes_at_one_threshold_and_back_at_another() -> None:
    """At risk below 0.80, safe again from 0.92 on; late below 0.10, hope again from 0.25 on."""
    path = [0.95, 0.85, 0.79, 0.85, 0.91, 0.92, 0.85, 0.09, 0.2, 0.25, 0.95]
    status, seen = None, []
    for kept in path:
        status = status_next(status, kept)
        seen.append(status)
    on_time, at_risk, late = Status.ON_TIME, Status.AT_RISK, Status.LATE
    assert seen == [
        on_time,
        on_time,
        at_risk,
        at_risk,
        at_risk,
        on_time,
        on_time,
        late,
        late,
        at_risk,
        on_time,
    ]


def test_with_one_threshold_jitter_would_flicker() -> None:
    """The control: around a single limit every event changes the status; with two of them none does."""
    jitter = [0.79, 0.81] * 10
    one = ["at risk" if kept < 0.8 else "on time" for kept in jitter]
    status, seen = None, []
    for kept in jitter:
        status = status_next(status, kept)
        seen.append(status)
    assert sum(before != after for before, after in pairwise(one)) == 19
    assert set(seen) == {Status.AT_RISK}


def test_thresholds_that_would_flicker_are_refused() -> None:
    """There is a gap between becoming and ceasing to be."""
    with pytest.raises(ValueError, match="late_below"):
        Thresholds(at_risk_below=0.9, safe_above=0.9)
