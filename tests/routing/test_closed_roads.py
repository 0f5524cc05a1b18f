"""Legs past a closed place: longer by the way around it, never shorter, and only while it is closed."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.routing.closed_roads import ClosedPlace, around
from chalicelib.routing.model import Location
from chalicelib.routing.objective import Circumstances
from chalicelib.routing.travel_times import EARTH_RADIUS_METRES, Places, StraightLine, TravelTimes
from tests.builders import calm_world

CENTRE = Location(lat=41.15, lon=-8.61)
DEGREE = math.radians(1) * EARTH_RADIUS_METRES  # metres of a degree of latitude
NOON = 1_795_089_600
ENGINE = StraightLine()
CLOSED = ClosedPlace(location=CENTRE, radius_metres=1000, until_at=NOON)


def at(east: float, north: float) -> Location:
    """A point so many metres from the closed place."""
    return Location(
        lat=CENTRE.lat + north / DEGREE,
        lon=CENTRE.lon + east / (DEGREE * math.cos(math.radians(CENTRE.lat))),
    )


def places(*locations: Location) -> Places:
    return Places.of(locations, [-1] * len(locations))


def closed(now: int = NOON - 1, *more: ClosedPlace) -> TravelTimes:
    return around(ENGINE, (CLOSED, *more), now)


def stretch(one: Location, other: Location, engine: TravelTimes | None = None) -> float:
    """How many times as long the way from one to the other is."""
    (with_it,), _ = (engine or closed()).pairs(places(one), places(other))
    (without,), _ = ENGINE.pairs(places(one), places(other))
    return float(with_it / without)


def test_leg_through_the_middle_goes_along_tangents_and_an_arc() -> None:
    """From 2 km west to 2 km east of a disc of 1 km: two tangents of sqrt(3) km, an arc of 60 degrees."""
    expected = (2 * math.sqrt(3) + math.pi / 3) / 4
    assert stretch(at(-2000, 0), at(2000, 0)) == pytest.approx(expected, rel=0.01)


def test_leg_that_passes_beside_is_as_it_was() -> None:
    """So is one that ends before it."""
    assert stretch(at(-2000, 1001), at(2000, 1001)) == 1.0
    assert stretch(at(-3000, 0), at(-1200, 0)) == 1.0


def test_who_lives_inside_is_reached_from_the_rim() -> None:
    """From the near side as before; from the far side around it."""
    inside = at(-400, 0)
    assert stretch(at(-3000, 0), inside) == 1.0
    assert stretch(at(3000, 0), inside) > 1.1


def test_all_ways_of_asking_agree() -> None:
    """Seconds from one, to one and in pairs; the metres grow alike."""
    engine, (west, *others) = closed(), (at(-2000, 0), at(2000, 0), at(0, 3000), at(1500, -100))
    here, there = places(west), places(*others)
    same = places(*[west] * len(others))
    seconds, metres = engine.pairs(same, there)
    assert engine.from_one(here, there).tolist() == seconds.tolist()
    assert engine.to_one(there, here).tolist() == seconds.tolist()  # a straight line has no direction
    assert (metres > ENGINE.pairs(same, there)[1]).tolist() == [True, False, True]


def test_road_that_is_open_again_lengthens_nothing() -> None:
    """The very same engine: nothing has to be worked out."""
    assert closed(NOON) is ENGINE
    assert stretch(at(-2000, 0), at(2000, 0), closed(NOON - 1)) > 1


def test_worst_of_several_places_counts() -> None:
    """Two discs on one way: the longer way around, and whoever passes one of them only."""
    larger = ClosedPlace(location=CENTRE, radius_metres=1500, until_at=NOON)
    both = closed(NOON - 1, larger)
    assert stretch(at(-2000, 0), at(2000, 0), both) > stretch(at(-2000, 0), at(2000, 0))
    assert stretch(at(-2000, 1200), at(2000, 1200), both) > 1


metres = st.integers(-4000, 4000)
points = st.tuples(metres, metres)
outside = points.filter(lambda point: math.hypot(*point) > 1000)


@settings(max_examples=150)
@given(one=points, other=points)
def test_no_leg_becomes_shorter(one: tuple[int, int], other: tuple[int, int]) -> None:
    """The port's lower bound still holds."""
    start, end = places(at(*one)), places(at(*other))
    assert closed().from_one(start, end) >= ENGINE.from_one(start, end)


@settings(max_examples=150)
@given(one=outside, other=outside, via=outside)
def test_no_leg_is_beaten_by_a_detour_over_a_third_place(
    one: tuple[int, int], other: tuple[int, int], via: tuple[int, int]
) -> None:
    """Among doors that lie outside; two seconds are the rounding."""
    engine = closed()
    start, end, third = (places(at(*point)) for point in (one, other, via))
    (direct,), (first,), (then,) = (
        engine.from_one(*leg) for leg in ((start, end), (start, third), (third, end))
    )
    assert direct <= first + then + 2


def test_circumstances_take_it_like_any_engine() -> None:
    """It is a `TravelTimes`: whatever judges, searches or solves needs no other door."""
    here = Circumstances(travel=closed(), world=calm_world(), now=NOON - 1)
    assert (here.travel.name, here.travel.fingerprint) == (ENGINE.name, ENGINE.fingerprint)
    assert here.travel.fastest_metres_per_second == ENGINE.fastest_metres_per_second
    assert here.travel.most_places == ENGINE.most_places
    assert here.travel.snap(CENTRE) == ENGINE.snap(CENTRE)
