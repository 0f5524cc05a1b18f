"""Forecasts of arrival in a small world of luck: better than the delay, no better than the oracle, honest.

The full tables, on real roads and in worlds never tuned on, are printed by `python -m tests.benchmarks.eta`.
"""

from dataclasses import replace

import numpy as np
import pytest

from infra.sandbox.world import World
from tests.benchmarks.days import porto, world
from tests.benchmarks.eta import METHODS, TUNED, Forecasts, compared, forecasts_in, score
from tests.benchmarks.eta_days import fleet_days

LEARNING_DAYS, DAYS, DRIVERS = 4, 9, 12
OURS, DELAY, ORACLE, TOLD = (
    METHODS.index(name) for name in ("ours", "plan + delay", "oracle", "oracle that is told")
)


@pytest.fixture(scope="module")
def forecasts() -> Forecasts:
    """Of everything that was ten to ninety minutes away."""
    clock = world().clock  # ten days
    days = fleet_days(porto(roads=False), clock, World(TUNED, 1), days=DAYS, drivers=DRIVERS)
    found = forecasts_in(TUNED, days, clock, seed=1, learning_days=LEARNING_DAYS)
    return found.rows((found.lead > 10) & (found.lead < 90))


def ratio(forecasts: Forecasts, method: int, other: int) -> float:
    return compared(forecasts, method, other, chance=np.random.default_rng(1), times=2)[0]


def test_today_s_pace_is_worth_more_than_today_s_delay(forecasts: Forecasts) -> None:
    """Smaller errors."""
    assert ratio(forecasts, OURS, DELAY) < 0.95


def test_nobody_knows_more_than_the_oracle(forecasts: Forecasts) -> None:
    """We get near it; whoever gets well below has looked into the future."""
    assert 0.98 < ratio(forecasts, OURS, ORACLE) < 1.05
    assert ratio(forecasts, OURS, TOLD) > 1.0


def test_whoever_looks_into_the_future_gets_below_the_oracle(forecasts: Forecasts) -> None:
    """The control: somebody a tenth of whose forecast is what will happen is found out."""
    missed = forecasts.missed.copy()
    missed[:, OURS] *= 0.9
    assert ratio(replace(forecasts, missed=missed), OURS, ORACLE) < 0.98


def test_nine_tenths_mean_nine_tenths(forecasts: Forecasts) -> None:
    """After a few days of learning, on days not seen."""
    assert score(forecasts, OURS).covered == pytest.approx(0.9, abs=0.04)
