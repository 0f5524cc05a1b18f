"""The pure parts of travel times: places, the straight-line curve, and traffic by hour of day."""

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.routing.model import NO_NODE, Location
from chalicelib.routing.travel_times import (
    CITY_PROFILE,
    UNREACHABLE,
    Places,
    SpeedProfile,
    StraightLine,
    TravelTimes,
    WorkClock,
    fewest_seconds,
    haversine_metres,
)

LISBON = ZoneInfo("Europe/Lisbon")
HALF_SPEED = SpeedProfile(slowness=(2.0,) * 24)


def at(text: str, zone: ZoneInfo = LISBON) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp())


def clock_over(
    day: str, days: int = 1, *, profile: SpeedProfile = CITY_PROFILE, zone: ZoneInfo = LISBON
) -> WorkClock:
    end = (datetime.fromisoformat(day) + timedelta(days=days)).isoformat()
    return WorkClock.over(profile, zone, start=at(day, zone), end=at(end, zone))


points = st.builds(Location, lat=st.floats(40.9, 41.5), lon=st.floats(-8.9, -8.2))
profiles = st.builds(
    SpeedProfile,
    slowness=st.tuples(*[st.floats(0.1, 10)] * 24),
    weekend=st.none() | st.tuples(*[st.floats(0.1, 10)] * 24),
)
# Two days around the clock changes of Lisbon, Kathmandu's +05:45, and Lord Howe, which moves by half an hour.
spans = st.sampled_from(
    [
        ("2026-10-24", "Europe/Lisbon"),
        ("2026-03-28", "Europe/Lisbon"),
        ("2026-06-05", "Asia/Kathmandu"),
        ("2026-04-04", "Australia/Lord_Howe"),
        ("2026-10-03", "Australia/Lord_Howe"),
    ]
)


def places(*locations: Location) -> Places:
    return Places.of(locations, [NO_NODE] * len(locations))


class TestPlaces:
    """Arrays of one length, picked like arrays."""

    def test_a_position_picks_one_place_and_a_mask_picks_those_it_marks(self) -> None:
        three = Places.of(
            [Location(lat=41.0, lon=-8.0), Location(lat=42.0, lon=-9.0), Location(lat=43.0, lon=-7.0)],
            [5, 6, 7],
        )
        assert len(three) == 3
        assert len(three[1]) == 1
        assert three[1].node.tolist() == [6]
        assert three[-1].lat.tolist() == [43.0]
        assert three[np.array([True, False, True])].node.tolist() == [5, 7]
        assert three[1:].lon.tolist() == [-9.0, -7.0]

    def test_concatenation_keeps_the_order(self) -> None:
        one, other = Places.of([Location(lat=1, lon=2)], [3]), Places.of([Location(lat=4, lon=5)], [6])
        both = Places.concat([one, other])
        assert both.lat.tolist() == [1, 4]
        assert both.node.tolist() == [3, 6]

    def test_every_location_needs_its_node(self) -> None:
        with pytest.raises(ValueError, match="one length"):
            Places.of([Location(lat=41.0, lon=-8.0)], [1, 2])

    @given(lat=st.floats(-89, 89), lon=st.floats(-180, 180))
    @example(lat=3.5e-06, lon=0.0)  # half a millionth: its decimals round down, its millionths up
    def test_a_place_is_the_same_before_and_after_it_was_stored(self, lat: float, lon: float) -> None:
        """Routes store whole millionths of a degree; reading them back gives the very same float."""
        stored = round(Location(lat=lat, lon=lon).lat * 1e6)
        place = Places.of_arrays(lat=np.array([lat]), lon=np.array([lon]), node=np.array([0], dtype=np.int32))
        assert place.lat[0] == stored / 1e6 == Location(lat=lat, lon=lon).lat


def test_haversine_of_a_degree_of_latitude() -> None:
    """pi / 180 x 6,371,008.8 m = 111,195 m."""
    assert haversine_metres(41.0, -8.0, 42.0, -8.0) == pytest.approx(111_195, abs=1)


class TestStraightLine:
    """The last resort is still a metric, and says how fast it can be."""

    def test_it_is_an_engine_without_nodes(self) -> None:
        engine: TravelTimes = StraightLine()
        assert engine.name == "straight_line"
        assert engine.fingerprint == 0
        assert engine.snap(Location(lat=0.5, lon=0.5)) == NO_NODE

    def test_seconds_follow_the_fitted_power(self) -> None:
        """e^0 x 10,000^0.5 = 100 s over ten kilometres; one more metre takes another second begun."""
        engine = StraightLine(level=0.0, slope=0.5, detour=1.5)
        ten_km = 10_000 / 111_195.08
        seconds, metres = engine.pairs(
            places(Location(lat=0.0, lon=0.0), Location(lat=0.0, lon=0.0)),
            places(
                Location(lat=round(ten_km - 1e-6, 6), lon=0.0), Location(lat=round(ten_km + 1e-5, 6), lon=0.0)
            ),
        )
        assert seconds.tolist() == [100, 101]
        assert metres[0] == pytest.approx(15_000, abs=1)

    def test_far_away_is_far_and_never_negative(self) -> None:
        engine = StraightLine()
        (seconds,) = engine.from_one(
            places(Location(lat=80.0, lon=0.0)), places(Location(lat=-80.0, lon=179.0))
        )
        assert 0 < seconds <= UNREACHABLE

    @given(points, points, points)
    def test_no_detour_is_shorter_than_the_way_itself(self, a: Location, b: Location, c: Location) -> None:
        engine = StraightLine()
        legs = engine.pairs(places(a, a, b), places(c, b, c))[0]
        assert legs[0] <= legs[1] + legs[2]

    @given(points, points)
    def test_the_lower_bound_is_below_every_answer(self, a: Location, b: Location) -> None:
        engine = StraightLine()
        bound = fewest_seconds(places(a), places(b), engine.fastest_metres_per_second)
        assert bound[0] <= engine.from_one(places(a), places(b))[0] + 1e-6
        assert engine.from_one(places(a), places(b)) == engine.to_one(places(b), places(a))

    def test_a_power_alone_has_no_fastest_speed(self) -> None:
        """Control: without the tangent, a far pair beats any bound derived from the fitted distances."""
        fitted = StraightLine()
        endless = replace(fitted, tangent_from_metres=1e9)
        near, far = places(Location(lat=0.0, lon=0.0)), places(Location(lat=60.0, lon=0.0))
        bound = fewest_seconds(near, far, fitted.fastest_metres_per_second)
        assert endless.from_one(near, far)[0] < bound[0] <= fitted.from_one(near, far)[0]

    @pytest.mark.parametrize(
        "wrong", [{"slope": 1.2}, {"slope": 0.0}, {"detour": 0.9}, {"tangent_from_metres": 0.0}]
    )
    def test_figures_that_break_the_triangle_are_refused(self, wrong: dict[str, float]) -> None:
        with pytest.raises(ValueError, match="slope"):
            StraightLine(**wrong)


class TestSpeedProfile:
    """Factors of slowness by local hour."""

    @pytest.mark.parametrize(
        "factors", [(1.0,) * 23, (1.0,) * 23 + (0.0,), (1.0,) * 23 + (-1.0,), (float("nan"),) * 24]
    )
    def test_a_profile_that_would_stop_time_is_refused(self, factors: tuple[float, ...]) -> None:
        with pytest.raises(ValueError, match="24 factors"):
            SpeedProfile(slowness=factors)
        with pytest.raises(ValueError, match="24 factors"):
            SpeedProfile(slowness=(1.0,) * 24, weekend=factors)

    def test_weekends_may_have_hours_of_their_own(self) -> None:
        """2026-06-05 is a Friday: one hour of driving takes two, on Saturday one."""
        profile = SpeedProfile(slowness=(2.0,) * 24, weekend=(1.0,) * 24)
        clock = clock_over("2026-06-05", 3, profile=profile)
        assert clock.arrive(at("2026-06-05T12:00"), 3600) == at("2026-06-05T14:00")
        assert clock.arrive(at("2026-06-06T12:00"), 3600) == at("2026-06-06T13:00")

    def test_the_assumed_profile_is_slowest_in_the_late_morning(self) -> None:
        assert CITY_PROFILE.slowness.index(max(CITY_PROFILE.slowness)) == 9
        assert min(CITY_PROFILE.slowness) == CITY_PROFILE.slowness[3] == 1.0


class TestWorkClock:
    """Traffic by hour of day, first in first out, and its exact inverse."""

    def test_a_leg_that_crosses_the_hour_is_driven_at_both_speeds(self) -> None:
        """From 07:30 at half speed, from 08:00 free: 20 minutes' work are 15 (in 30) and then 5."""
        profile = SpeedProfile(slowness=(2.0,) * 8 + (1.0,) * 16)
        clock = clock_over("2026-06-05", profile=profile)
        assert clock.arrive(at("2026-06-05T07:30"), 20 * 60) == at("2026-06-05T08:05")
        assert clock.depart_by(at("2026-06-05T08:05"), 20 * 60) == at("2026-06-05T07:30")

    def test_a_flat_clock_adds(self) -> None:
        clock = WorkClock.flat()
        assert clock.arrive([100, 200], 30).tolist() == [130, 230]
        assert clock.depart_by(100, [30, 40]).tolist() == [70, 60]

    def test_outside_its_span_traffic_flows_freely(self) -> None:
        clock = clock_over("2026-06-05", profile=HALF_SPEED)
        assert clock.arrive(at("2026-06-04T12:00"), 600) == at("2026-06-04T12:10")
        assert clock.arrive(at("2026-06-08T12:00"), 600) == at("2026-06-08T12:10")

    def test_an_empty_span_is_refused(self) -> None:
        with pytest.raises(ValueError, match="ends after"):
            WorkClock.over(CITY_PROFILE, LISBON, start=100, end=100)

    def test_the_hour_that_comes_twice_is_slow_twice(self) -> None:
        """On 2026-10-25 Lisbon's clocks go from 02:00 back to 01:00; a slow 01 h lasts two hours."""
        profile = SpeedProfile(slowness=(1.0, 2.0, *(1.0,) * 22))
        clock = clock_over("2026-10-25", profile=profile)
        midnight = at("2026-10-25T00:00")
        assert clock.arrive(midnight + 3600, 3600) == midnight + 3 * 3600
        assert clock.arrive(midnight + 3600, 5400) == midnight + 3 * 3600 + 1800

    def test_the_hour_that_is_skipped_slows_nobody(self) -> None:
        """On 2026-03-29 Lisbon's clocks go from 01:00 to 02:00: there is no 01 h to be slow in."""
        profile = SpeedProfile(slowness=(1.0, 10.0, *(1.0,) * 22))
        midnight = at("2026-03-29T00:00")
        assert clock_over("2026-03-29", profile=profile).arrive(midnight, 3 * 3600) == midnight + 3 * 3600

    def test_a_clock_change_inside_a_local_hour_is_met_to_the_second(self) -> None:
        """Lord Howe goes from 02:00 back to 01:30 on 2026-04-05: the slow 01 h lasts ninety minutes."""
        zone = ZoneInfo("Australia/Lord_Howe")
        profile = SpeedProfile(slowness=(1.0, 2.0, *(1.0,) * 22))
        clock = clock_over("2026-04-05", profile=profile, zone=zone)
        begins = at("2026-04-05T01:00", zone)
        assert clock.arrive(begins, 45 * 60) == begins + 90 * 60
        assert clock.arrive(begins, 46 * 60) == begins + 91 * 60

    @given(profiles, spans, st.integers(0, 2 * 86_400), st.integers(0, 86_400), st.integers(0, 40_000))
    def test_whoever_leaves_later_never_arrives_earlier(
        self, profile: SpeedProfile, span: tuple[str, str], leaves: int, later: int, leg: int
    ) -> None:
        """First in, first out, for any speeds and through clock changes."""
        zone = ZoneInfo(span[1])
        clock = clock_over(span[0], 2, profile=profile, zone=zone)
        first = at(span[0], zone) + leaves
        assert first <= clock.arrive(first, leg) <= clock.arrive(first + later, leg)

    @given(profiles, spans, st.integers(0, 2 * 86_400), st.integers(-90_000, 90_000), st.integers(0, 40_000))
    def test_both_directions_agree_to_the_second(
        self, profile: SpeedProfile, span: tuple[str, str], leaves: int, slack: int, leg: int
    ) -> None:
        """Arriving in time and leaving in time are the same thing: no promise depends on which sweep asks."""
        zone = ZoneInfo(span[1])
        clock = clock_over(span[0], 2, profile=profile, zone=zone)
        depart = at(span[0], zone) + leaves
        earliest = int(clock.arrive(depart, leg))
        for arrive in (earliest + slack, earliest - 1, earliest):
            assert (earliest <= arrive) == (depart <= int(clock.depart_by(arrive, leg)))

    @given(profiles, spans, st.integers(0, 2 * 86_400))
    def test_work_and_clock_undo_each_other(
        self, profile: SpeedProfile, span: tuple[str, str], elapsed: int
    ) -> None:
        zone = ZoneInfo(span[1])
        clock = clock_over(span[0], 2, profile=profile, zone=zone)
        instant = at(span[0], zone) + elapsed
        assert clock.clock(clock.work(instant)) == pytest.approx(instant, abs=1e-6)

    def test_slowness_looked_up_at_departure_lets_later_vans_overtake(self) -> None:
        """Control: multiplying a leg by its departure's factor breaks first in, first out at the hour."""
        profile = SpeedProfile(slowness=(2.0,) * 8 + (1.0,) * 16)
        leg, before, after = 1800, at("2026-06-05T07:59"), at("2026-06-05T08:00")
        naive_before, naive_after = before + leg * 2, after + leg * 1
        assert naive_after < naive_before
        clock = clock_over("2026-06-05", profile=profile)
        assert clock.arrive(before, leg) <= clock.arrive(after, leg)
