"""A quoted confidence means something: it is what happens, and what was sold is kept.

Reality is written a second time (`tests.benchmarks.reality`) and drawn anew; the fuller tables are printed by
`python -m tests.benchmarks.confidence`.
"""

import pytest

from tests.benchmarks.confidence import by_decile, quotes, share_kept, sold_out
from tests.benchmarks.days import City, porto, world
from tests.builders import CALM

DAYS = 1500
VANS = 3


@pytest.fixture(scope="module")
def city() -> City:
    return porto(roads=False)


def test_the_quoted_confidence_is_what_happens(city: City) -> None:
    """On frozen routes, candidates far below the target included: within two points in every decile."""
    here = world()
    routes = sold_out(city, here, vans=VANS, seed=0) * 300
    for number, quoted, real in by_decile(quotes(city, routes, here, days=DAYS, seed=3)):
        assert number >= 10
        assert real == pytest.approx(quoted, abs=0.02)


@pytest.mark.parametrize("target", [0.90, 0.98])
def test_of_everything_sold_at_least_the_target_is_kept(city: City, target: float) -> None:
    """After the fully booked day, not only at the moment of each sale."""
    here = world(target)
    share, _, sold = share_kept(sold_out(city, here, vans=VANS, seed=1), here, days=DAYS, seed=1)
    assert sold > 60
    assert share >= target


def test_a_day_sold_by_the_plan_alone_is_not_kept(city: City) -> None:
    """The control: without margins and proofs more is sold, and far less than the target is kept."""
    blind = world(noise=CALM)
    share, _, sold = share_kept(sold_out(city, blind, vans=VANS, seed=1), blind, days=DAYS, seed=1)
    careful = len([stop for route in sold_out(city, world(), vans=VANS, seed=1) for stop in route.stops])
    assert sold > careful
    assert share < 0.90
