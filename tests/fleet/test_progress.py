"""From where and when a van goes on, by what has happened so far."""

from dataclasses import replace
from datetime import date

import pytest

from chalicelib.fleet.plans import PlanKey
from chalicelib.fleet.progress import Progress, Rest, Served, Sighting, underway
from chalicelib.routing.model import Break, StopKind
from chalicelib.routing.packed import Route
from tests.builders import Street, hour, hours, house, route, shift, stop

STREET = Street()
PLAN = PlanKey(depot_id="d", day=date(2026, 11, 19))
LUNCH = Break(earliest_at=hour(11), latest_at=hour(13), duration=1800)


def van() -> Route:
    """Houses 10 and 20, five minutes each, a lunch break to be taken."""
    return route(stop(1, 10, hours(9, 10)), stop(2, 20, hours(9, 12)), of=shift(breaks=[LUNCH]))


def gone(**facts: object) -> Progress:
    """A van that left the depot at nine."""
    return replace(Progress(shift_id="shift-of-van-1", plan=PLAN, departed_at=hour(9)), **facts)  # type: ignore[arg-type]


def served(stop_id: int, arrived: float, left: float | None = None) -> Served:
    """A stop it came to."""
    return Served(
        stop_id=stop_id,
        arrived_at=hour(arrived),
        left_at=None if left is None else hour(left),
        outcome=None if left is None else "delivered_to_recipient",
    )


def test_a_van_that_has_not_left_leaves_when_it_should_or_now() -> None:
    """At seven it will leave at eight; at half past eight it has not, so it leaves then at the earliest."""
    waiting = Progress(shift_id="shift-of-van-1", plan=PLAN)
    assert underway(van(), waiting, hour(7), STREET).since == hour(8)
    late = underway(van(), waiting, hour(8.5), STREET)
    assert (late.since, late.place, late.towards) == (hour(8.5), house(0), 0)


def test_a_van_that_drives_stays_with_the_stop_it_drives_to() -> None:
    """Nobody turns round on the way: the first stop ahead stays the first."""
    on_time = underway(van(), gone(), hour(9) + 240, STREET)
    assert (on_time.since, on_time.place, on_time.towards) == (hour(9), house(0), 1)


def test_what_has_not_happened_yet_happens_now_at_the_earliest() -> None:
    """Ten minutes from house 0 to house 10: who left at nine and is not there at half past comes then."""
    overdue = underway(van(), gone(), hour(9.5), STREET)
    assert overdue.since + 600 == hour(9.5)
    serving = underway(van(), gone(served=(served(1, 9.2),)), hour(9.5), STREET)
    assert serving.since == hour(9.5)


def test_a_van_at_a_stop_goes_on_when_it_is_done_there() -> None:
    """Who is there before the window opens waits; what is served is behind, whatever comes of it."""
    early = underway(van(), gone(served=(served(1, 8.9),)), hour(8.95), STREET)
    assert (early.since, early.place, early.behind, early.towards) == (
        hour(9) + 300,
        house(10),
        frozenset({1}),
        0,
    )


def test_a_position_says_more_than_the_last_stop() -> None:
    """Seen at house 14 after it left house 10; CONTROL: what was seen before it left says nothing."""
    done = gone(served=(served(1, 9.2, 9.3),))
    behind = replace(done, seen=Sighting(location=house(14), at=hour(9.25)))
    ahead = replace(done, seen=Sighting(location=house(14), at=hour(9.35)))
    assert underway(van(), behind, hour(9.36), STREET).place == house(10)
    seen = underway(van(), ahead, hour(9.36), STREET)
    assert (seen.place, seen.since) == (house(14), hour(9.35))


def test_breaks_taken_are_not_taken_again() -> None:
    """While the break lasts nothing goes on; afterwards it is no longer ahead."""
    resting = gone(served=(served(1, 9.2, 9.3),), rests=(Rest(began_at=hour(9.3)),))
    here = underway(van(), resting, hour(9.5), STREET)
    assert (here.since, here.breaks) == (hour(9.8), ())
    assert underway(van(), gone(), hour(9), STREET).breaks == (LUNCH,)


@pytest.mark.parametrize(("until", "since"), [(9.2, 9.4), (10.0, 10.0)])
def test_an_incident_holds_a_van_until_it_is_over(until: float, since: float) -> None:
    """And not a moment longer."""
    held = gone(served=(served(1, 9.2, 9.4),), held_until=hour(until))
    assert underway(van(), held, hour(9.4), STREET).since == hour(since)


def test_a_van_that_broke_down_drives_to_nobody() -> None:
    """What it has on board can only be fetched from where it stands."""
    down = underway(
        van(), gone(seen=Sighting(location=house(5), at=hour(9.1)), down_at=hour(9.1)), hour(10), STREET
    )
    assert (down.stranded, down.towards, down.place) == (True, 0, house(5))


def test_a_meeting_is_over_when_a_stop_behind_it_was_served() -> None:
    """Nobody taps it; CONTROL: until then the van is on its way there."""
    met = replace(stop(1 << 63 | 2, 15), kind=StopKind.MEETING)
    rescuer = route(stop(1, 10), met, stop(2, 20), stop(3, 30))
    before = underway(rescuer, gone(served=(served(1, 9.2, 9.3),)), hour(9.4), STREET)
    assert before.behind == {1}
    both = gone(served=(served(1, 9.2, 9.3), served(2, 9.6, 9.7)))
    assert underway(rescuer, both, hour(9.8), STREET).behind == {1, 2, met.stop_id}
