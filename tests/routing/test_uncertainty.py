"""The scenarios are fair dice, thrown once and for all; and the screen's closed form knows their size."""

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given

from chalicelib.routing.schedule import forward, lay_out
from chalicelib.routing.spread import reserves
from chalicelib.routing.travel_times import WorkClock
from chalicelib.routing.uncertainty import ROWS, Noise, Scenarios, normal_quantile
from tests.builders import CALM, THE_DAY_BEFORE, hours, route, stop
from tests.routing.days_at_random import routes

COUNT = 256
EVERYWHERE = np.arange(ROWS)


def everywhere(noise: Noise) -> Scenarios:
    """Every row at once, which nobody waits for otherwise."""
    world = Scenarios(noise, COUNT)
    world.draw(EVERYWHERE)
    return world


def test_the_same_dice_are_thrown_in_every_process() -> None:
    """Same state, same answer: nothing depends on what was asked before."""
    first = everywhere(Noise())
    again = Scenarios(Noise(), COUNT)
    for some in (EVERYWHERE[900:], EVERYWHERE[::7], EVERYWHERE[:5], EVERYWHERE):
        again.draw(some)
    for name in ("pace", "step", "hold_up", "visit", "trouble"):
        assert np.array_equal(getattr(first, name), getattr(again, name))


def test_only_the_rows_that_are_needed_are_drawn() -> None:
    """A process that has just started does not throw the dice of a thousand addresses."""
    world = Scenarios(Noise(), COUNT)
    world.draw(np.array([[1, 5], [5, 2]]))
    full = everywhere(Noise())
    drawn = (world.visit == full.visit).all(axis=1)
    assert set(np.flatnonzero(drawn)) == {1, 2, 5}


@pytest.mark.parametrize("probability", [1e-9, 0.0015, 0.02, 0.25, 0.5, 0.98, 0.9985])
def test_quantiles_are_those_of_the_normal_distribution(probability: float) -> None:
    """Newton's method finds what the standard library has a formula for."""
    assert normal_quantile(probability) == pytest.approx(NormalDist().inv_cdf(probability), abs=1e-9)


def test_hashes_are_dice() -> None:
    """Rows and sources know nothing of each other: no more than a good generator's rows, thrown here too."""
    world = everywhere(Noise())
    logs = np.log(world.pace)
    of_the_leg_alone = logs - logs.mean(axis=0)  # without what the whole route shares
    fair = np.random.default_rng(1).permuted(np.tile(np.arange(COUNT), (2 * ROWS, 1)), axis=1)
    ours, theirs = np.corrcoef(np.vstack([world.step, of_the_leg_alone])), np.corrcoef(fair)
    np.fill_diagonal(ours, 0)
    np.fill_diagonal(theirs, 0)
    assert ours.std() == pytest.approx(theirs.std(), rel=0.02)
    assert np.abs(ours).max() < 1.1 * np.abs(theirs).max()
    assert (world.hold_up[:ROWS] > 0).mean() == pytest.approx(Noise().leg_incident, rel=0.02)


def test_every_quantile_comes_up_exactly_once() -> None:
    """A Latin hypercube: a row's numbers are all different, and their spread is the one asked for."""
    world = everywhere(Noise())
    assert all(len(np.unique(row)) == COUNT for row in world.step[:50])
    step = Noise().travel_fading * np.sqrt(1 - Noise().fading_memory ** 2)
    assert world.step.std(axis=1) == pytest.approx(step, rel=0.02)


def test_what_is_planned_is_what_is_expected() -> None:
    """Factors have mean one, delays the mean that probability and length make."""
    noise = Noise()
    world = everywhere(noise)
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
