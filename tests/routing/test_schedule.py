"""The sweeps, against a timetable worked out stop by stop on paper."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.routing.model import Break
from chalicelib.routing.packed import Route
from chalicelib.routing.schedule import NEVER, backward, forward, lay_out
from chalicelib.routing.travel_times import CITY_PROFILE, WorkClock
from tests.builders import MIDNIGHT, THE_DAY_BEFORE, hour, hours, route, shift, stop
from tests.routing.days_at_random import routes
from tests.routing.naive import drive, on_time

RUSH = WorkClock.over(CITY_PROFILE, ZoneInfo("UTC"), start=MIDNIGHT - 86_400, end=MIDNIGHT + 3 * 86_400)
clocks = st.sampled_from([WorkClock.flat(), RUSH])


def test_the_street_begins_at_midnight() -> None:
    """What the other tests call an hour is one."""
    assert datetime.fromtimestamp(hour(9.5), UTC).strftime("%H:%M") == "09:30"


def test_a_van_waits_for_a_window_and_goes_on() -> None:
    """Ten minutes' drive, an hour of waiting, five minutes at the door: home at 09:25."""
    batch = lay_out([route(stop(1, 10, hours(9.25, 10)))], THE_DAY_BEFORE)
    times = forward(batch, WorkClock.flat())
    assert times.arrive[:, 0].tolist() == [hour(8) + 600, hour(9.25) + 300 + 600]
    assert times.start[0, 0] == hour(9.25)


@given(st.lists(routes(), min_size=1, max_size=4), clocks)
def test_the_forward_sweep_is_the_timetable_on_paper(some: list[Route], clock: WorkClock) -> None:
    """Side by side or alone, with breaks, ghosts and rush hours: the same departures and arrivals."""
    times = forward(lay_out(some, THE_DAY_BEFORE), clock)
    for column, each in enumerate(some):
        log = drive(each, clock, THE_DAY_BEFORE)
        places = len(log)
        for name, swept in (("departed", times.depart), ("arrived", times.arrive), ("started", times.start)):
            expected = [getattr(call, name) for call in log]
            assert swept[:places, column].tolist() == pytest.approx(expected, abs=1e-3)


@given(routes(rests=False), clocks, st.data())
def test_the_latest_arrival_is_exact(each: Route, clock: WorkClock, data: st.DataObject) -> None:
    """On a route that is on time, arriving at the latest keeps all later windows, two seconds more do not."""
    batch = lay_out([each], THE_DAY_BEFORE)
    times = forward(batch, clock)
    late = backward(batch, times, clock)[:, 0]
    place = data.draw(st.integers(0, len(each.stops)))
    slip = float(late[place] - times.arrive[place, 0])
    if not on_time(drive(each, clock, THE_DAY_BEFORE)) or slip >= NEVER / 2 or late[place] >= hour(40):
        return
    assert on_time(drive(each, clock, THE_DAY_BEFORE, delayed={place: slip})[place:])
    assert not on_time(drive(each, clock, THE_DAY_BEFORE, delayed={place: slip + 2})[place:])


def test_a_break_is_taken_before_the_stop_that_would_push_it_too_late() -> None:
    """Lunch from 12 to 13: the stop that would end at 13:05 comes after it, the one before does not."""
    lunch = Break(earliest_at=hour(12), latest_at=hour(13), duration=1800)
    early, late = stop(1, 10, hours(12.5, 12.75)), stop(2, 20, hours(13, 14))
    batch = lay_out([route(early, late, of=shift(breaks=[lunch]))], THE_DAY_BEFORE)
    times = forward(batch, WorkClock.flat())
    assert times.depart[0, 0] == hour(8)
    assert times.depart[1, 0] == hour(12.5) + 300 + 1800
    assert times.pause[:, 0].tolist() == [0, 1800, 0]


def test_what_stands_beside_a_route_changes_nothing_about_it() -> None:
    """A batch is as wide as its routes and as long as its longest; each is judged alone."""
    short, long = route(stop(1, 3)), route(*(stop(number, number) for number in range(2, 9)))
    alone = forward(lay_out([short], THE_DAY_BEFORE), RUSH)
    beside = forward(lay_out([long, short], THE_DAY_BEFORE), RUSH)
    assert np.array_equal(alone.arrive[:, 0], beside.arrive[:2, 1])


def test_an_expired_hold_is_only_a_point_on_the_way() -> None:
    """No window, no time at the door; two seconds before, it still has both."""
    held = stop(1, 10, hours(9, 10), held_until=hour(8))
    each = route(held)
    before = forward(lay_out([each], hour(8) + 1), WorkClock.flat())
    after = forward(lay_out([each], hour(8) + 2), WorkClock.flat())
    assert before.arrive[1, 0] == hour(9) + 300 + 600
    assert after.arrive[1, 0] == hour(8) + 1200


@given(routes(), clocks)
def test_a_late_break_is_as_late_as_on_paper(each: Route, clock: WorkClock) -> None:
    """Two breaks before one stop do not make each other late."""
    (late,) = forward(lay_out([each], THE_DAY_BEFORE), clock).break_late.tolist()
    expected = max(call.break_late for call in drive(each, clock, THE_DAY_BEFORE))
    assert max(late, -1.0) == pytest.approx(max(expected, -1.0), abs=1e-3)
