"""When a van under way is where: hand arithmetic where nothing is uncertain, properties where all is."""

from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.routing.activity import Activity, Doing
from chalicelib.routing.arrivals import Arrivals, arrivals
from chalicelib.routing.luck import COUNT
from chalicelib.routing.model import Break, Stop
from chalicelib.routing.pace import STRETCH_STEP, Belief, Door, Habits, Pace, stretched
from chalicelib.routing.packed import Route
from chalicelib.routing.travel_times import SpeedProfile, WorkClock
from chalicelib.units import HOUR, Timestamp
from tests.builders import hour, hours, route, shift, stop
from tests.routing.test_pace import STILL

CLOCK = WorkClock.flat()
CALM = Pace.at_start(Habits.unknown(STILL))
RESTLESS = Pace.at_start(Habits.unknown())
NINE = hour(9)


def driving(since: Timestamp = NINE) -> Activity:
    return Activity(doing=Doing.DRIVING, since=since)


def at_door(since: Timestamp, planned: int = 300) -> Activity:
    return Activity(doing=Doing.AT_DOOR, since=since, planned=planned)


def street(count: int, *, window: tuple[float, float] = (8, 20), breaks: tuple[Break, ...] = ()) -> Route:
    """Ten houses from stop to stop, five minutes at each door."""
    stops = [stop(number, 10 * number, hours(*window)) for number in range(1, count + 1)]
    return route(*stops, of=shift(start=9, end=20, breaks=breaks))


def minutes(found: np.ndarray, since: Timestamp = NINE) -> list[float]:
    return ((found - since) / 60).round(2).tolist()


def test_where_nothing_is_uncertain_the_plan_comes_true() -> None:
    """Arithmetic by hand: 10 minutes to the first door, then 5 there and 10 on."""
    found = arrivals(street(3), CLOCK, CALM, driving(), NINE)
    assert minutes(found.arrive[:, 1]) == [10, 25, 40]
    assert minutes(found.arrive[:, 0]) == minutes(found.arrive[:, 2]) == [10, 25, 40]
    assert minutes(found.back) == [75, 75, 75]  # 5 at the door, 30 houses back
    assert found.kept.tolist() == [1, 1, 1]
    assert found.home == 1


def test_a_leg_in_progress_is_driven_on() -> None:
    """Four of ten minutes are behind; at a door, two of five."""
    assert minutes(arrivals(street(1), CLOCK, CALM, driving(NINE), NINE + 240).arrive[:, 1]) == [10]
    assert minutes(arrivals(street(1), CLOCK, CALM, at_door(NINE), NINE + 120).arrive[:, 1]) == [15]


def test_what_is_overdue_ends_now() -> None:
    """Without noise nothing is known of how it can last; it never ends before now."""
    late = NINE + 1500
    assert minutes(arrivals(street(2), CLOCK, CALM, driving(), late).arrive[:, 1], late) == [0, 15]
    assert minutes(arrivals(street(2), CLOCK, CALM, at_door(NINE), late).arrive[:, 1], late) == [10, 25]


def test_a_van_that_has_not_left_leaves_as_planned_or_now() -> None:
    """The rest's shift says when."""
    waiting = Activity(doing=Doing.NOT_LEFT, since=0)
    assert minutes(arrivals(street(1), CLOCK, CALM, waiting, NINE - 600).arrive[:, 1]) == [10]
    assert minutes(arrivals(street(1), CLOCK, CALM, waiting, NINE + 600).arrive[:, 1]) == [20]


def test_a_van_that_is_still_out_leaves_when_it_is_back() -> None:
    """Half an hour late from its shift before, give or take ten minutes; CONTROL: early, it is no matter."""
    span = (NINE + 1200, NINE + 1800, NINE + 2400)
    out = Activity(doing=Doing.NOT_LEFT, since=0, free_at=span)
    low, middle, high = minutes(arrivals(street(1), CLOCK, CALM, out, NINE - 600).arrive[0])
    assert (low, middle, high) == pytest.approx((30, 40, 50), abs=2)
    early = replace(out, free_at=tuple(at - HOUR for at in span))
    assert minutes(arrivals(street(1), CLOCK, CALM, early, NINE - 600).arrive[0]) == [10, 10, 10]


def test_a_shift_that_is_hours_away_is_driven_in_the_traffic_of_its_own_hours() -> None:
    """Asked for in the morning calm, driven in a rush hour in which all takes twice as long."""
    profile = SpeedProfile(slowness=(1.0,) * 9 + (2.0,) * 3 + (1.0,) * 12)
    clock = WorkClock.over(profile, ZoneInfo("UTC"), start=hour(0), end=hour(24))
    waiting = Activity(doing=Doing.NOT_LEFT, since=0)
    assert minutes(arrivals(street(1), clock, CALM, waiting, hour(5)).arrive[:, 1]) == [20]


def test_a_break_in_progress_is_waited_for() -> None:
    """Twelve of thirty minutes are over."""
    resting = Activity(doing=Doing.RESTING, since=NINE, planned=1800)
    assert minutes(arrivals(street(1), CLOCK, CALM, resting, NINE + 720).arrive[:, 1]) == [40]


def test_service_starts_when_the_window_opens() -> None:
    """Arriving at 9:10 means starting at 9:30, and driving on at 9:35."""
    van = route(stop(1, 10, hours(9.5, 11)), stop(2, 20, hours(9, 11)), of=shift(start=9))
    found = arrivals(van, CLOCK, CALM, driving(), NINE)
    assert minutes(found.arrive[:, 1]) == [10, 45]
    assert minutes(found.start[:, 1]) == [30, 45]


def test_a_van_that_waits_is_at_the_door_from_when_it_opens() -> None:
    """Service starts in the future: that long, and then all of it."""
    assert minutes(arrivals(street(1), CLOCK, CALM, at_door(NINE + 600), NINE).arrive[:, 1]) == [25]


def test_waiting_absorbs_lateness() -> None:
    """A quarter of an hour late at the first door is nothing behind one that opens at ten."""
    van = route(stop(1, 10, hours(8, 12)), stop(2, 20, hours(10, 12)), stop(3, 30, hours(8, 12)))
    on_time = arrivals(van, CLOCK, CALM, driving(NINE), NINE)
    late = arrivals(van, CLOCK, CALM, driving(NINE + 900), NINE + 900)
    assert minutes(late.start[:, 1] - on_time.start[:, 1], 0) == [15, 0, 0]
    assert minutes(late.arrive[:, 1] - on_time.arrive[:, 1], 0) == [15, 15, 0]


def test_a_break_is_taken_before_the_first_leg_after_its_time() -> None:
    """Wished for a second after 9:30, when the van drove on; at 9:45, before the fourth stop, it is due."""
    pause = Break(earliest_at=hour(9.25), latest_at=hour(9.75) + 2, duration=1800)
    spread = replace(STILL, break_lean=0.5, break_spread=0.0)
    found = arrivals(
        street(4, breaks=(pause,)), CLOCK, Pace.at_start(Habits.unknown(spread)), driving(), NINE
    )
    assert minutes(found.arrive[:, 1]) == [10, 25, 40, 55 + 30]


def test_a_break_that_may_come_earlier_or_later_widens_what_lies_between() -> None:
    """Half of the scenarios have had it: the interval there is the break's length."""
    pause = Break(earliest_at=hour(9.5), latest_at=hour(10.5), duration=1800)
    found = arrivals(street(8, breaks=(pause,)), CLOCK, CALM, driving(), NINE)
    widths = minutes(found.arrive[:, 2] - found.arrive[:, 0], 0)
    assert widths[0] == widths[1] == 0
    assert widths[4] == pytest.approx(30, abs=1)
    assert widths[7] == 0


def test_the_traffic_of_the_hour_is_in_a_leg() -> None:
    """On a clock on which everything takes half as long again, ten minutes are fifteen."""
    slow = WorkClock(
        _times=np.array([NINE - 1e6, NINE + 1e6]), _works=np.array([0, 2e6 / 1.5])
    )  # one long rush hour
    assert minutes(arrivals(street(1), slow, CALM, driving(), NINE).arrive[:, 1]) == [15]


def test_a_slow_local_hour_is_slow_by_the_depot_s_clock() -> None:
    """From ten to eleven every leg takes twice as long; an hour east of Greenwich, from nine to ten."""
    by_hour = np.zeros(24)
    by_hour[10] = np.log(2)
    for east, found in ((3600, 20), (0, 10)):
        pace = Pace.at_start(replace(Habits.unknown(STILL, utc_offset=east), by_hour=by_hour))
        assert minutes(arrivals(street(1), CLOCK, pace, driving(), NINE).arrive[:, 1]) == [found]


def test_an_expired_hold_is_only_a_point_on_the_way() -> None:
    """No window, no time at its door."""
    van = route(stop(1, 10, hours(11, 12), held_until=NINE - 600), stop(2, 20), of=shift(start=9))
    found = arrivals(van, CLOCK, CALM, driving(), NINE)
    assert minutes(found.start[:, 1]) == [10, 20]
    assert found.kept[0] == 1


def test_kept_is_the_share_of_scenarios_within_the_window() -> None:
    """Where the window ends at the median, half of them."""
    found = arrivals(street(6), CLOCK, RESTLESS, driving(), NINE)
    ends = round(float(found.arrive[5, 1]))
    van = street(6).marked(5, window_end=ends)
    assert arrivals(van, CLOCK, RESTLESS, driving(), NINE).kept[5] == pytest.approx(0.5, abs=0.02)


def test_a_slow_day_is_slow_from_here_on() -> None:
    """Travel learned to take a fifth longer makes every later leg a fifth longer."""
    slow = replace(CALM, travel=Belief(float(np.log(1.2)), 0.0))
    found = arrivals(street(3), CLOCK, slow, driving(), NINE)
    assert minutes(found.arrive[:, 1]) == [12, 29, 46]


def test_what_fades_is_felt_on_the_next_legs_only() -> None:
    """Half of it is left a leg later."""
    spread = replace(STILL, fading_memory=0.5)
    jam = replace(Pace.at_start(Habits.unknown(spread)), fading=Belief(float(np.log(4.0)), 0.0))
    found = arrivals(street(3), CLOCK, jam, driving(), NINE)
    legs = np.diff(minutes(found.arrive[:, 1]), prepend=-5) - 5
    assert legs.tolist() == pytest.approx([10 * 4**0.5, 10 * 4**0.25, 10 * 4**0.125], abs=0.02)


def test_known_doors_move_and_narrow_their_visits() -> None:
    """Twenty visits that took twice as long: this one will, and is less uncertain."""
    doors = np.array([[20, float(np.log(2))], [0, 0]])
    van = street(2)
    plain = arrivals(van, CLOCK, RESTLESS, driving(), NINE)
    found = arrivals(van, CLOCK, RESTLESS, driving(), NINE, doors=doors)
    assert found.arrive[0].tolist() == plain.arrive[0].tolist()
    assert found.arrive[1, 1] > plain.arrive[1, 1] + 120


def test_an_overdue_visit_is_taken_for_trouble() -> None:
    """After an hour of five minutes the rest is as long as a hold-up, not as a visit."""
    started, now = NINE, NINE + 3600
    held_up = arrivals(street(1), CLOCK, RESTLESS, at_door(started), now)
    fresh = arrivals(street(1), CLOCK, RESTLESS, at_door(now), now)
    assert held_up.arrive[0, 1] > fresh.arrive[0, 1] + 120


def test_a_route_without_stops_is_the_way_home() -> None:
    """Only the depot is left."""
    found = arrivals(street(0), CLOCK, RESTLESS, driving(), NINE)
    assert found.start.shape == (0, 3)
    assert found.kept.shape == (0,)
    assert found.back[0] >= NINE


def test_a_route_longer_than_the_scenarios_is_no_different() -> None:
    """Their luck starts again from the first row."""
    found = arrivals(street(300), CLOCK, RESTLESS, driving(), NINE)
    assert (np.diff(found.arrive[:, 1]) > 0).all()


def test_calibration_stretches_each_side_of_its_own() -> None:
    """Half of the lower side, twice the upper, the middle a tenth of the upper side later."""
    stretch = stretched(np.tile([-0.5, 0.1, 2.0], (200, 1)))
    plain = arrivals(street(3), CLOCK, RESTLESS, driving(), NINE)
    pace = Pace.at_start(replace(Habits.unknown(), stretch=stretch))
    found = arrivals(street(3), CLOCK, pace, driving(), NINE)
    low, middle, high = plain.arrive.T
    assert found.arrive[:, 0] == pytest.approx(middle - 0.5 * (middle - low))
    assert found.arrive[:, 1] == pytest.approx(middle + 0.1 * (high - middle))
    assert found.arrive[:, 2] == pytest.approx(middle + 2.0 * (high - middle))


def test_a_calibrated_window_end_keeps_its_meaning() -> None:
    """The promise that ends at the calibrated 95 % is kept with 95 %."""
    stretch = stretched(np.tile([-0.7, 0.1, 2.0], (200, 1)))
    pace = Pace.at_start(replace(Habits.unknown(), stretch=stretch))
    ends = arrivals(street(4), CLOCK, pace, driving(), NINE).arrive[3, 2]
    van = street(4).marked(3, window_end=round(float(ends)))
    assert arrivals(van, CLOCK, pace, driving(), NINE).kept[3] == pytest.approx(0.95, abs=0.02)


def test_calibration_follows_the_predicted_lead() -> None:
    """Only the rows up to ten minutes say anything here, and only near stops are stretched."""
    lies = [[-2.0, 0.0, 2.0]] * (900 // STRETCH_STEP) + [[-1.0, 0.0, 1.0]] * 100
    stretch = stretched(np.array(lies))
    plain = arrivals(street(3), CLOCK, RESTLESS, driving(), NINE)
    found = arrivals(
        street(3), CLOCK, Pace.at_start(replace(Habits.unknown(), stretch=stretch)), driving(), NINE
    )
    wider = (found.arrive[:, 2] - found.arrive[:, 1]) / (plain.arrive[:, 2] - plain.arrive[:, 1])
    assert wider.tolist() == pytest.approx([2, 1, 1])


@st.composite
def under_way(draw: st.DrawFn) -> tuple[Route, Activity, Timestamp, Pace]:
    count = draw(st.integers(0, 12))
    stops: list[Stop] = []
    for number in range(1, count + 1):
        opens = draw(st.integers(8, 14))
        window = hours(opens, opens + draw(st.integers(0, 4)))
        stops.append(stop(number, draw(st.integers(-40, 40)), window, minutes=draw(st.integers(0, 20))))
    breaks = [
        Break(earliest_at=hour(11), latest_at=hour(12.5), duration=1800)
        for _ in range(draw(st.integers(0, 1)))
    ]
    now = hour(9) + draw(st.integers(0, 4 * 3600))
    doing = draw(st.sampled_from(Doing))
    since = now - draw(st.integers(-600 if doing is Doing.AT_DOOR else 0, 7200))
    activity = Activity(doing=doing, since=since, planned=draw(st.integers(0, 1800)))
    pace = RESTLESS
    for ratio in draw(st.lists(st.floats(0.2, 5), max_size=4)):
        pace = pace.drove(300, 300 * ratio, now).served(300, 300 / ratio)
    return route(*stops, of=shift(start=9, end=19, breaks=breaks)), activity, now, pace


@settings(max_examples=60, deadline=None)
@given(under_way())
def test_quantiles_are_in_order_and_never_before_now(found: tuple[Route, Activity, Timestamp, Pace]) -> None:
    """Whatever the van does, and however overdue it is."""
    rest, activity, now, pace = found
    said: Arrivals = arrivals(rest, CLOCK, pace, activity, now)
    for three in (said.arrive, said.start, said.back[None, :]):
        assert (np.diff(three, axis=1) >= 0).all()
        assert (three >= now).all()
    assert (said.start >= said.arrive - 1e-3).all()
    assert ((said.kept >= 0) & (said.kept <= 1)).all()
    assert (np.diff(said.arrive[:, 1]) >= -1e-2).all()


@settings(max_examples=60, deadline=None)
@given(under_way(), st.integers(1, 3600))
def test_more_delay_is_never_an_earlier_arrival(
    found: tuple[Route, Activity, Timestamp, Pace], delay: int
) -> None:
    """The same van, with all that is behind it that much later."""
    rest, activity, now, pace = found
    rest = replace(
        rest, shift=replace(rest.shift, breaks=())
    )  # a break may be over by then, or still to come
    later = replace(activity, since=activity.since + delay)
    shifted = replace(rest, shift=replace(rest.shift, starts_at=rest.shift.starts_at + delay))
    before = arrivals(rest, CLOCK, pace, activity, now)
    after = arrivals(shifted, CLOCK, pace, later, now + delay)
    assert (after.start >= before.start - 0.1).all()
    assert (after.kept <= before.kept + 1e-9).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 20))
def test_the_longer_nothing_happens_the_later_everything_is(steps: int) -> None:
    """A minute in which a visit does not end brings no arrival nearer."""
    van = street(5)
    now = NINE + 60 * steps
    earlier = arrivals(van, CLOCK, RESTLESS, at_door(NINE), now - 60)
    found = arrivals(van, CLOCK, RESTLESS, at_door(NINE), now)
    assert (found.arrive[:, 1:] >= earlier.arrive[:, 1:] - 15).all()


def test_what_has_been_seen_of_the_day_narrows_the_rest_of_it() -> None:
    """Twenty visits and legs exactly as expected: the same middle, a narrower interval."""
    pace = RESTLESS
    habits = pace.habits
    for _ in range(20):
        pace = pace.drove(300, 300 * float(np.exp(habits.by_hour[9])), NINE)
        pace = pace.served(300, 300 * float(np.exp(habits.service_level)))
    before = arrivals(street(10), CLOCK, RESTLESS, driving(), NINE).arrive
    after = arrivals(street(10), CLOCK, pace, driving(), NINE).arrive
    assert after[9, 2] - after[9, 0] < 0.95 * (before[9, 2] - before[9, 0])


def test_the_same_state_gives_the_same_answer() -> None:
    """The dice are thrown once and for all."""
    one, other = (arrivals(street(9), CLOCK, RESTLESS, driving(), NINE + 60) for _ in range(2))
    assert one.arrive.tobytes() == other.arrive.tobytes()


def test_the_few_scenarios_are_fair() -> None:
    """Sums of legs and visits, drawn once more and often: quantiles agree within a tenth of the width."""
    chance, spread = np.random.default_rng(4), RESTLESS.habits.spread
    many, count = 40_000, 10
    now = np.zeros(many)
    shared = chance.normal(0, np.hypot(spread.travel_day, spread.travel_driver), many)
    hand = chance.normal(0, np.hypot(spread.service_day, spread.service_driver), many)
    fading = chance.normal(0, spread.travel_fading, many)
    fresh = spread.travel_fading * np.sqrt(1 - spread.fading_memory**2)
    own = np.hypot(spread.service_door, spread.service_visit)
    for _ in range(count):
        fading = spread.fading_memory * fading + chance.normal(0, fresh, many)
        luck = spread.travel_level + shared + fading + chance.normal(0, spread.travel_leg, many)
        now += 600 * np.exp(luck)
        now += (chance.random(many) < spread.leg_trouble) * chance.exponential(spread.leg_trouble_delay, many)
        reached = now.copy()
        now += 300 * np.exp(spread.service_level + hand + chance.normal(0, own, many))
        now += (chance.random(many) < spread.stop_trouble) * chance.exponential(
            spread.stop_trouble_delay, many
        )
    true = np.quantile(reached, (0.05, 0.5, 0.95))
    found = arrivals(street(count), CLOCK, RESTLESS, driving(), NINE).arrive[-1] - NINE
    assert COUNT < 1000
    assert np.abs(found - true).max() < 0.1 * (true[2] - true[0])


def test_a_door_that_is_seen_slow_delays_the_visit_in_progress() -> None:
    """What is known of the door counts for the visit that is going on, too."""
    slow = replace(at_door(NINE), door=Door(visits=30, residual=1.0))
    plain = arrivals(street(1), CLOCK, RESTLESS, at_door(NINE), NINE).arrive[0, 1]
    assert arrivals(street(1), CLOCK, RESTLESS, slow, NINE).arrive[0, 1] > plain + 200
