"""What was expected of a stop an hour, half an hour and a quarter before it is kept, and once each."""

from dataclasses import replace

import pytest

from chalicelib.fleet.forecasts import Forecast, horizon_of, noted
from chalicelib.fleet.progress_documents import progress_document, read_progress
from chalicelib.units import MINUTE
from tests.builders import hour
from tests.motion.days import fresh

NOON = hour(12)


def expected(stop_id: int, minutes: int, *, now: int = NOON) -> tuple[int, int, int, int]:
    """A stop that is reached in some minutes, give or take five."""
    at = now + minutes * MINUTE
    return stop_id, at - 5 * MINUTE, at, at + 5 * MINUTE


@pytest.mark.parametrize(
    ("minutes", "horizon"), [(0, 15), (15, 15), (16, 30), (30, 30), (31, 60), (60, 60), (61, None)]
)
def test_a_lead_belongs_to_the_shortest_horizon_that_holds_it(minutes: int, horizon: int | None) -> None:
    """Both ends: a lead of exactly a quarter is of the quarter."""
    assert horizon_of(minutes * MINUTE) == (None if horizon is None else horizon * MINUTE)


def test_each_horizon_is_noted_once() -> None:
    """The first time counts: who notes until the truth is there has forecast nothing."""
    known = noted({}, [expected(1, 50), expected(2, 90)], NOON)
    assert [each.horizon for each in known[1]] == [60 * MINUTE]
    assert 2 not in known
    again = noted(known, [expected(1, 40), expected(2, 80)], NOON)
    assert again == known
    nearer = noted(again, [expected(1, 10)], NOON)
    assert [each.horizon for each in nearer[1]] == [60 * MINUTE, 15 * MINUTE]
    assert nearer[1][0].expected_at == NOON + 50 * MINUTE


def test_who_is_no_longer_ahead_is_forgotten() -> None:
    """It is another van's now, or done; CONTROL: who is behind, and nobody said what came of it, is not."""
    known = noted({}, [expected(1, 50), expected(2, 20)], NOON)
    assert set(noted(known, [], NOON, awaited=[2])) == {2}
    assert noted(known, [], NOON) == {}


def test_forecasts_are_stored_with_the_progress() -> None:
    """And a progress from before they were kept has none."""
    known = (Forecast(horizon=900, earliest_at=1, expected_at=2, latest_at=3),)
    document = progress_document(replace(fresh(), foreseen={7: known}))
    assert read_progress(document, milestones=0, version=1).foreseen == {7: known}
    del document["foreseen"]
    assert read_progress(document, milestones=0, version=1).foreseen == {}
