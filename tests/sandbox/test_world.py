"""A world of luck: the same from the same seed, and as wide as its figures say."""

from dataclasses import fields, replace
from datetime import date

import numpy as np
import pytest

from chalicelib.routing.model import Break, Location
from infra.sandbox.world import Climate, Dwelling, World
from tests.builders import hour, house

DAY = date(2026, 11, 24)
CALM = replace(
    Climate(),
    **{
        figure.name: 0
        for figure in fields(Climate)
        if figure.name not in ("hours", "dwellings", "service", "break_lean", "detour")
    },
)


def test_the_same_seed_is_the_same_world_in_whatever_order_it_is_asked() -> None:
    """Two ways of working a day meet the same luck."""
    one, other = World(Climate(), 3).shift(DAY, "ana"), World(Climate(), 3).shift(DAY, "ana")
    forwards = [one.leg(number, house(number), 9) for number in range(5)]
    visits = [one.visit(house(number)) for number in range(5)]
    assert [other.visit(house(number)) for number in reversed(range(5))] == visits[::-1]
    assert [other.leg(number, house(number), 9) for number in reversed(range(5))] == forwards[::-1]
    assert one.late_start == other.late_start


def test_another_seed_day_or_driver_is_other_luck() -> None:
    """Nothing is shared by accident."""
    lucks = [
        World(Climate(), seed).shift(day, driver).leg(0, house(1), 9).factor
        for seed in (1, 2)
        for day in (DAY, date(2026, 11, 25))
        for driver in ("ana", "rui")
    ]
    assert len(set(lucks)) == 8


def test_a_calm_world_does_what_the_plan_says() -> None:
    """Every factor is one, and nothing goes wrong."""
    luck = World(CALM, 1).shift(DAY, "ana")
    leg, visit = luck.leg(0, house(1), 9), luck.visit(house(1))
    assert (leg.factor, leg.hold_up, leg.closed, leg.flat_tyre) == (1, 0, False, False)
    assert (visit.factor, visit.trouble, visit.search, visit.absent) == (1, 0, 0, False)
    assert luck.late_start == 0


def test_factors_have_mean_one_and_the_spread_that_is_asked_for() -> None:
    """Over many drivers, doors and days; logarithms."""
    climate = replace(Climate(), closed_road=0.0)
    world = World(climate, 2)
    legs, visits = [], []
    for number in range(4000):
        luck = world.shift(date.fromordinal(738_000 + number), f"driver {number}")
        legs.append(luck.leg(number % 30, house(number), 9).factor)
        visits.append(luck.visit(house(number)).factor)
    travel = (0.05**2 + 0.08**2 + 0.18**2 + 0.25**2) ** 0.5
    service = (0.10**2 + 0.18**2 + 0.30**2 + 0.50**2) ** 0.5
    assert np.std(np.log(legs)) == pytest.approx(travel, rel=0.05)
    assert np.std(np.log(visits)) == pytest.approx(service, rel=0.05)
    assert np.mean(legs) == pytest.approx(1, abs=0.03)
    assert np.mean(visits) == pytest.approx(1, abs=0.05)


def test_what_fades_is_remembered_from_leg_to_leg() -> None:
    """An AR(1) path with the asked memory and spread."""
    world = World(replace(Climate(), fading_memory=0.8), 1)
    paths = np.array([world.shift(DAY, f"driver {number}").fading for number in range(40)])
    assert paths.std() == pytest.approx(0.18, rel=0.05)
    assert np.corrcoef(paths[:, :-1].ravel(), paths[:, 1:].ravel())[0, 1] == pytest.approx(0.8, abs=0.02)


def test_trouble_is_as_frequent_as_asked() -> None:
    """Counted over a few thousand legs and visits."""
    world = World(replace(Climate(), leg_trouble=0.1, stop_trouble=0.2, closed_road=0.05, absent=0.15), 1)
    luck = [world.shift(date.fromordinal(738_000 + number), "ana") for number in range(3000)]
    legs = [each.leg(0, house(1), 9) for each in luck]
    visits = [each.visit(house(1)) for each in luck]
    assert np.mean([leg.hold_up > 0 for leg in legs]) == pytest.approx(0.1, abs=0.02)
    assert np.mean([leg.closed for leg in legs]) == pytest.approx(0.05, abs=0.015)
    assert np.mean([visit.trouble > 0 for visit in visits]) == pytest.approx(0.2, abs=0.025)
    assert np.mean([visit.absent for visit in visits]) == pytest.approx(0.15, abs=0.02)


def test_a_door_is_the_same_on_every_day() -> None:
    """Kinds come in the shares asked for, and only gated doors miss a code."""
    world = World(Climate(), 1)
    doors = [world.door(Location(lat=41 + number / 1e4, lon=-8.6)) for number in range(3000)]
    assert world.door(Location(lat=41, lon=-8.6)) == World(Climate(), 1).door(Location(lat=41, lon=-8.6))
    shares = [np.mean([door.kind is kind for door in doors]) for kind in Dwelling]
    assert shares == pytest.approx(Climate().dwellings, abs=0.03)
    missing = {door.kind for door in doors if door.code_missing}
    assert missing == {Dwelling.GATED}


def test_slow_hours_and_slow_kinds_multiply() -> None:
    """On top of everything else."""
    slow = replace(CALM, hours=(2.0,) * 24, service=(3.0,) * 4)
    luck = World(slow, 1).shift(DAY, "ana")
    assert luck.leg(0, house(1), 9).factor == 2
    assert luck.visit(house(1)).factor == 3


def test_a_break_is_wished_for_within_its_window() -> None:
    """As early as the world's drivers lean."""
    rest = Break(earliest_at=hour(12), latest_at=hour(14), duration=1800)
    world = World(replace(Climate(), break_lean=(0.25, 0.25)), 1)
    wishes = [world.shift(DAY, f"driver {number}").break_at(0, rest) for number in range(200)]
    assert hour(12) <= min(wishes) < hour(12.1)
    assert hour(12.9) < max(wishes) <= hour(13)
