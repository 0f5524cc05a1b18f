"""What today shows of a van: weighed against what history expects, and never more than a hold-up deserves."""

from dataclasses import replace
from math import exp, log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.routing.pace import CLIP, Door, Habits, Pace, Spread, known_of
from tests.builders import hour

STILL = Spread(
    travel_day=0.0,
    travel_driver=0.0,
    travel_fading=0.0,
    travel_leg=0.0,
    service_day=0.0,
    service_driver=0.0,
    service_door=0.0,
    service_visit=0.0,
    leg_trouble=0.0,
    stop_trouble=0.0,
    late_start=0.0,
)
ratios = st.floats(0.1, 10)


def test_before_anything_is_seen_the_plan_is_right_in_the_mean() -> None:
    """A lognormal with mean one has its logarithm's mean half a variance below zero."""
    habits = Habits.unknown()
    variance = 0.05**2 + 0.08**2 + 0.18**2 + 0.25**2  # travel: day, driver, fading, leg
    assert habits.by_hour[9] == pytest.approx(-variance / 2)
    assert exp(habits.by_hour[9] + variance / 2) == pytest.approx(1)


def test_one_visit_moves_the_pace_by_what_it_weighs() -> None:
    """Arithmetic by hand: 0.09 known of the driver and day against 0.27 of door and visit is a quarter."""
    spread = replace(STILL, service_driver=0.3, service_door=0.3, service_visit=0.18**0.5)
    pace = Pace.at_start(Habits.unknown(spread))
    # The level is -(0.09 + 0.09 + 0.18) / 2 = -0.18; the visit took exp(0.4) of that.
    after = pace.served(600, 600 * exp(-0.18 + 0.4))
    assert after.service.mean == pytest.approx(0.4 * 0.25)
    assert after.service.variance == pytest.approx(0.09 * 0.75)
    assert after.travel == pace.travel


def test_a_door_that_is_known_to_be_slow_says_little_of_the_driver() -> None:
    """What the door explains is not put down to the day."""
    pace = Pace.at_start(Habits.unknown())
    slow = Door(visits=20, residual=0.7)
    took = 600 * exp(pace.habits.service_level + 0.7)
    assert abs(pace.served(600, took, door=slow).service.mean) < 0.2 * pace.served(600, took).service.mean


def test_a_leg_is_shared_out_between_the_day_and_what_fades() -> None:
    """Arithmetic by hand: shared 0.04, fading 0.09, the leg alone 0.12; together 0.25."""
    spread = replace(STILL, travel_day=0.2, travel_fading=0.3, fading_memory=0.5, travel_leg=0.12**0.5)
    pace = Pace.at_start(Habits.unknown(spread)).drove(100, 100 * exp(-0.125 + 0.5), hour(9))
    assert pace.travel.mean == pytest.approx(0.5 * 0.04 / 0.25)
    assert pace.fading.mean == pytest.approx(0.5 * 0.09 / 0.25)
    assert pace.shared == pytest.approx(-0.04 * 0.09 / 0.25)
    faded = pace.drove(10, 60, hour(9))  # too short to tell anything but that a leg has passed
    assert faded.fading.mean == pytest.approx(0.5 * pace.fading.mean)
    assert faded.travel == pace.travel


@settings(max_examples=50)
@given(st.lists(st.tuples(ratios, ratios), min_size=1, max_size=12))
def test_every_observation_narrows_what_is_not_known(seen: list[tuple[float, float]]) -> None:
    """Whatever is seen, the day's multipliers are never less sure afterwards."""
    pace = Pace.at_start(Habits.unknown())
    for driven, served in seen:
        after = pace.drove(200, 200 * driven, hour(9)).served(300, 300 * served)
        assert 0 < after.travel.variance < pace.travel.variance
        assert 0 < after.service.variance < pace.service.variance
        assert after.shared**2 <= after.travel.variance * after.fading.variance + 1e-12
        pace = after


def test_a_flat_tyre_is_not_a_slow_driver() -> None:
    """A visit of two hours counts as one a little over `CLIP` standard deviations too long."""
    pace = Pace.at_start(Habits.unknown())
    total = pace.service.variance + 0.3**2 + 0.5**2
    longest = 600 * exp(pace.habits.service_level + CLIP * total**0.5)
    assert pace.served(600, 7200).service.mean == pytest.approx(pace.served(600, longest).service.mean)


def test_without_clipping_it_would_be() -> None:
    """The control: taken at its word, that one visit makes the driver a tenth slower still."""
    pace = Pace.at_start(Habits.unknown())
    total = pace.service.variance + 0.3**2 + 0.5**2
    at_its_word = pace.service.variance / total * (log(7200 / 600) - pace.habits.service_level)
    assert at_its_word > pace.served(600, 7200).service.mean + 0.1


def test_few_visits_leave_a_door_to_its_kind_and_many_do_not() -> None:
    """Shrinkage: with 0.09 between doors and 0.25 within, n visits weigh 0.09 n / (0.09 n + 0.25)."""
    for visits in (0, 1, 5, 100):
        weight = 0.09 * visits / (0.09 * visits + 0.25)
        mean, variance = known_of(float(visits), 0.4, Spread())
        assert float(mean) == pytest.approx(0.4 * weight)
        assert float(variance) == pytest.approx(0.09 * (1 - weight))


def test_a_door_keeps_the_mean_of_its_visits() -> None:
    """Two numbers are enough."""
    assert Door().after(0.2).after(0.6) == Door(visits=2, residual=pytest.approx(0.4))
