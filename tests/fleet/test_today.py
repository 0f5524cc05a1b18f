"""What a van's day so far says of the rest of it."""

from dataclasses import replace

import pytest

from chalicelib.fleet.live import live
from chalicelib.fleet.past import Past
from chalicelib.fleet.progress import Progress, Rest, Served
from chalicelib.fleet.today import activity_of, pace_of
from chalicelib.routing.activity import Doing
from chalicelib.routing.model import NO_NODE, Break
from chalicelib.routing.pace import Pace
from chalicelib.routing.packed import Route
from chalicelib.routing.travel_times import WorkClock
from chalicelib.routing.uncertainty import Noise
from chalicelib.routing.underway import Underway
from tests.builders import CALM, Street, calm_world, hour, hours, house, restless_world, route, shift, stop
from tests.fleet.test_progress import PLAN

STREET, FLAT, NOTHING = Street(), WorkClock.flat(), Past.none()
FAR = 6  # stops behind the one that is looked at
LUNCH = Break(earliest_at=hour(11), latest_at=hour(13), duration=1800)


def van() -> Route:
    """Twelve houses, ten minutes apart, five minutes each; any time of the day will do."""
    return route(*(stop(number, 10 * number) for number in range(1, 13)), of=shift(breaks=[LUNCH]))


def driven(minutes: float, at_door: float = 5, stops: int = 5, **more: object) -> Progress:
    """Left at eight; each leg took so many minutes, each visit so many."""
    served, now = [], hour(8)
    for number in range(1, stops + 1):
        arrived = now + round(minutes * 60)
        now = arrived + round(at_door * 60)
        served.append(
            Served(stop_id=number, arrived_at=arrived, left_at=now, outcome="delivered_to_recipient")
        )
    known = Progress(shift_id=van().shift.shift_id, plan=PLAN, departed_at=hour(8), served=tuple(served))
    return replace(known, **more)  # type: ignore[arg-type]


def pace(progress: Progress, noise: Noise | None = None) -> Pace:
    """What it says of the rest."""
    return pace_of(van(), progress, FLAT, NOTHING.habits("", hour(8), noise or Noise()), STREET, NOTHING)


def ahead(progress: Progress) -> int:
    """How long after the last door the last stop but one is expected."""
    left = progress.served[-1].left_at
    assert left is not None
    day = live(van(), progress, left, world=restless_world(), travel=STREET, past=NOTHING)
    return day.arrivals[5 + FAR].expected_at - left


def test_a_slow_morning_makes_a_late_afternoon() -> None:
    """Each leg took fifteen minutes instead of ten: so may those ahead; CONTROL: on time, they do not."""
    on_time, slow = ahead(driven(10)), ahead(driven(15))
    assert slow > on_time + 3 * 60
    assert abs(on_time - (6 * 10 + 5 * 5) * 60) < 6 * 60


def test_travel_and_service_are_told_apart() -> None:
    """Who drives well and stays long is no slow driver."""
    usual, long_visits = pace(driven(10)), pace(driven(10, at_door=9))
    assert long_visits.service.mean > usual.service.mean + 0.1
    assert long_visits.travel.mean == pytest.approx(usual.travel.mean)


def test_one_stop_says_less_than_five() -> None:
    """With little seen, the habit is trusted."""
    habit = pace(driven(10, stops=1)).habits.travel
    one, five = pace(driven(15, stops=1)), pace(driven(15))
    assert habit.mean < one.travel.mean < five.travel.mean
    assert five.travel.variance < one.travel.variance < habit.variance


def test_what_nobody_said_says_nothing() -> None:
    """Visits known by positions only, and a leg in which the driver rested, are left out."""
    slow = driven(15)
    nothing = pace(replace(slow, served=tuple(replace(each, inferred=True) for each in slow.served)))
    assert nothing.travel.mean == NOTHING.habits("", hour(8), Noise()).travel.mean
    rest = Rest(began_at=slow.served[0].left_at or 0, ended_at=(slow.served[0].left_at or 0) + 300)
    assert pace(replace(slow, rests=(rest,))).travel.mean < pace(slow).travel.mean


def test_where_nothing_is_uncertain_nothing_is_learned() -> None:
    """A world without luck has no slow days: its plan is the truth."""
    assert pace(driven(15), CALM).travel.mean == 0.0
    day = live(van(), driven(10), hour(9.25), world=calm_world(), travel=STREET, past=NOTHING)
    arrival = day.arrivals[6]
    assert arrival.earliest_at == arrival.expected_at == arrival.latest_at == hour(9.25) + 600


def there(since: float) -> Underway:
    """On the way from the depot."""
    return Underway(behind=frozenset(), place=house(0), node=NO_NODE, since=hour(since))


@pytest.mark.parametrize(
    ("known", "doing", "since"),
    [
        ({"departed_at": None, "served": ()}, Doing.NOT_LEFT, hour(10)),
        ({}, Doing.DRIVING, hour(9.9)),
        ({"served": (Served(stop_id=1, arrived_at=hour(9.8)),)}, Doing.AT_DOOR, hour(9.8)),
        ({"rests": (Rest(began_at=hour(9.9)),)}, Doing.RESTING, hour(9.9)),
        ({"held_until": hour(11)}, Doing.RESTING, hour(10)),
        ({"held_until": hour(9.5)}, Doing.DRIVING, hour(9.9)),
    ],
)
def test_what_a_van_does_now(known: dict[str, object], doing: Doing, since: int) -> None:
    """As it was told; who is held up stands still until that is over."""
    progress = driven(10, stops=1, **known)
    seen = activity_of(van(), progress, there(9.9), hour(10), NOTHING)
    assert (seen.doing, seen.since) == (doing, since)


def test_who_waits_for_a_window_has_not_begun() -> None:
    """At the door at ten to nine, the window opens at nine."""
    early = route(stop(1, 10, hours(9, 10)))
    waiting = driven(10, stops=0, served=(Served(stop_id=1, arrived_at=hour(8.8)),))
    assert activity_of(early, waiting, there(9), hour(8.9), NOTHING).since == hour(9)


def test_a_van_that_broke_down_keeps_nothing() -> None:
    """CONTROL: the same van, driving, keeps all of it."""
    fine = live(van(), driven(10), hour(9.25), world=calm_world(), travel=STREET, past=NOTHING)
    assert set(fine.kept.values()) == {1.0}
    down = driven(10, down_at=hour(9.25))
    assert set(
        live(van(), down, hour(9.25), world=calm_world(), travel=STREET, past=NOTHING).kept.values()
    ) == {0.0}
