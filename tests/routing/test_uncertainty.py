"""The scenarios are fair dice, thrown once and for all; and the screen's closed form knows their size."""

import numpy as np
import pytest
from hypothesis import given

from chalicelib.routing.schedule import forward, lay_out
from chalicelib.routing.spread import reserves
from chalicelib.routing.travel_times import WorkClock
from chalicelib.routing.uncertainty import Noise, scenarios
from tests.builders import CALM, THE_DAY_BEFORE, hours, route, stop
from tests.routing.days_at_random import routes

COUNT = 256


def test_the_same_dice_are_thrown_in_every_process() -> None:
    """Same state, same answer: nothing depends on what was asked before."""
    first = scenarios(Noise(), COUNT)
    scenarios.cache_clear()
    again = scenarios(Noise(), COUNT)
    assert np.array_equal(first.pace, again.pace)
    assert np.array_equal(first.hold_up, again.hold_up)


def test_every_quantile_comes_up_exactly_once() -> None:
    """A Latin hypercube: a row's numbers are all different, and their spread is the one asked for."""
    world = scenarios(Noise(), COUNT)
    assert all(len(np.unique(row)) == COUNT for row in world.step[:50])
    step = Noise().travel_fading * np.sqrt(1 - Noise().fading_memory ** 2)
    assert world.step.std(axis=1) == pytest.approx(step, rel=0.02)


def test_what_is_planned_is_what_is_expected() -> None:
    """Factors have mean one, delays the mean that probability and length make."""
    noise = Noise()
    world = scenarios(noise, COUNT)
    assert world.visit.mean() == pytest.approx(1, abs=0.01)
    assert world.hold_up.mean() == pytest.approx(noise.leg_incident * noise.leg_incident_delay, rel=0.1)
    assert world.trouble.mean() == pytest.approx(noise.stop_incident * noise.stop_incident_delay, rel=0.1)
    assert world.late_start.mean() == pytest.approx(noise.late_start, rel=0.05)


@given(routes())
def test_without_noise_nothing_is_kept_back(each: object) -> None:
    """The screen is then exact; with noise it never gives time away."""
    batch = lay_out([each], THE_DAY_BEFORE)  # type: ignore[list-item]
    times = forward(batch, WorkClock.flat())
    calm = reserves(batch, times, CALM, 0.98)
    restless = reserves(batch, times, Noise(), 0.98)
    for name in ("until_here", "onwards", "after_waiting"):
        assert np.abs(getattr(calm, name)).max() < 1
        assert getattr(restless, name).min() >= 0


def test_more_is_kept_back_the_longer_the_route_and_the_higher_the_target() -> None:
    """What is further away is less sure."""
    batch = lay_out([route(*(stop(n, 3 * n, hours(8, 18)) for n in range(1, 20)))], THE_DAY_BEFORE)
    times = forward(batch, WorkClock.flat())
    careful, bold = (reserves(batch, times, Noise(), target).until_here[:, 0] for target in (0.99, 0.9))
    assert (np.diff(careful[:-1]) > 0).all()
    assert (careful > bold).all()
