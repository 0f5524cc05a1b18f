"""What positions say by themselves, and which of them nobody believes."""

import pytest

from chalicelib.fleet.progress import Progress, Served
from chalicelib.motion.events import Event, EventKind, Why
from chalicelib.motion.positions import BELIEVED
from chalicelib.routing.model import Location
from tests.builders import hour, house
from tests.motion.days import arrived, completed, departed, heard, position, told
from tests.motion.test_reducer import reasons

MINUTE = 1 / 60


def on_the_way() -> Progress:
    """It left at nine, and drives to house 10, which is ten minutes and 1,112 metres away."""
    return heard([departed(9)]).progress


def standing(at: float, minutes: int, number: float) -> list[Event]:
    """A position a minute, at one place."""
    return [position(at + n * MINUTE, number) for n in range(minutes + 1)]


def test_who_stays_near_the_next_stop_has_come() -> None:
    """With the first position there, once a minute has passed; CONTROL: who only passes has not."""
    came = heard(standing(9.2, 1, 10.3), on_the_way()).progress
    assert came.served == (Served(stop_id=1, arrived_at=hour(9.2), inferred=True),)
    passing = [position(9.2 + n * MINUTE / 2, 9.6 + n) for n in range(4)]
    assert heard(passing, on_the_way()).progress.served == ()


def test_who_goes_away_again_has_left() -> None:
    """A minute off, for half a minute; what came of it nobody said."""
    there = heard(standing(9.2, 2, 10), on_the_way()).progress
    gone = heard([position(9.3, 12), position(9.31, 13)], there).progress
    assert gone.served == (Served(stop_id=1, arrived_at=hour(9.2), left_at=hour(9.3), inferred=True),)
    assert gone.serving is None


def test_jitter_says_nothing() -> None:
    """F31: between the circles nothing is concluded: a position 100 metres to and fro leaves nobody."""
    there = heard(standing(9.2, 2, 10), on_the_way()).progress
    shaky = [position(9.3 + n * MINUTE, 10 + (n % 2) * 0.9) for n in range(20)]
    assert heard(shaky, there).progress.serving == there.serving
    one_off = [position(9.3, 12), position(9.31, 10), position(9.32, 12)]
    assert heard(one_off, there).progress.serving == there.serving


def test_a_tap_is_believed_more() -> None:
    """Whenever it comes: the van came when the driver says, and a stop it only waited at is served later."""
    inferred = heard(standing(9.2, 2, 10), on_the_way()).progress
    assert heard([arrived(1, 9.18)], inferred).progress.served[0].arrived_at == hour(9.18)
    gone = heard([position(9.3, 12), position(9.31, 13)], inferred).progress
    back = heard([arrived(1, 11)], gone).progress
    assert back.served == (Served(stop_id=1, arrived_at=hour(11)),)
    done = heard([completed(1, 9.26)], gone).progress.served[0]
    assert (done.arrived_at, done.left_at, done.outcome) == (hour(9.2), hour(9.26), "delivered_to_recipient")


def test_a_van_leaves_the_depot_without_a_tap() -> None:
    """400 metres off for half a minute, once it is loaded; CONTROL: before, it may drive about."""
    assert heard([position(7, 5), position(7.1, 6)]).progress.departed_at is None
    gone = heard([position(8.4, 1), position(8.45, 5), position(8.5, 8)]).progress
    assert (gone.departed_at, gone.milestones) == (hour(8.45), 1)


def test_believed_as_it_comes_a_jump_would_move_the_van() -> None:
    """F31, control: the position lies where it says; only the one before tells that no van can be there."""
    alone = heard([departed(8), position(9.11, 900)]).progress
    assert alone.seen is not None
    assert alone.seen.location == house(900)
    known = heard([departed(8), position(9.1, 5), position(9.11, 900)]).progress
    assert known.seen is not None
    assert known.seen.location == house(5)


@pytest.mark.parametrize("number", [300, -2000])
def test_no_van_jumps(number: float) -> None:
    """F31: faster than 200 km/h is ignored, and the van is where it was; CONTROL: a fast one is not."""
    going = heard([position(9.1, 5)], on_the_way()).progress
    jumped = heard([position(9.11, number)], going)
    assert (reasons(jumped), jumped.progress.seen) == ([Why.IMPOSSIBLE_JUMP], going.seen)
    assert reasons(heard([position(9.11, 15)], going)) == []


def test_the_first_position_must_fit_where_the_van_left() -> None:
    """It left the depot a minute ago and is 200 km away; CONTROL: a driver who tapped late is believed."""
    assert reasons(heard([position(9.02, 2000)], on_the_way())) == [Why.IMPOSSIBLE_JUMP]
    assert reasons(heard([position(9.02, 100)], on_the_way())) == []


def test_many_that_agree_are_believed() -> None:
    """One wrong position does not silence the right ones for long; CONTROL: fewer are not enough."""
    going = heard([position(9.1, 5)], on_the_way()).progress
    astray = heard([position(9.9, 600)], going).progress
    right = [position(9.91 + n * MINUTE, 6) for n in range(BELIEVED)]
    doubted = heard(right[:-1], astray)
    assert (reasons(doubted), doubted.progress.seen) == ([Why.IMPOSSIBLE_JUMP] * 2, astray.seen)
    believed = heard(right[-1:], doubted.progress).progress
    assert believed.seen is not None
    assert believed.seen.location == house(6)


def test_two_phones_in_two_places_are_one_van() -> None:
    """F31: a second phone far away is ignored, however often it says so."""
    going = heard([position(9.1, 5)], on_the_way()).progress
    mixed = [position(9.1 + n * MINUTE, 5 if n % 2 else 900) for n in range(1, 12)]
    reduced = heard(mixed, going)
    assert reduced.progress.seen is not None
    assert reduced.progress.seen.location == house(5)
    assert set(reasons(reduced)) == {Why.IMPOSSIBLE_JUMP}
    assert BELIEVED > 1


def test_old_positions_say_nothing_new() -> None:
    """Out of order across batches; within one they are put in order."""
    going = heard([position(9.2, 8), position(9.1, 5)], on_the_way()).progress
    assert going.seen is not None
    assert going.seen.at == hour(9.2)
    assert reasons(heard([position(9.15, 6)], going)) == [Why.OUT_OF_DATE]


def test_a_position_is_no_milestone() -> None:
    """It stales no replan; CONTROL: what it concludes is one."""
    going = on_the_way()
    assert heard([position(9.1, 5)], going).progress.milestones == going.milestones
    assert heard(standing(9.2, 1, 10), going).progress.milestones == going.milestones + 1


def test_a_phone_that_knows_no_place_is_ignored() -> None:
    """It says (0, 0), and is not believed however often; CONTROL: another place would be by then."""
    nowhere = [
        told(EventKind.POSITION, hour(9.1) + n, location=Location(lat=0, lon=0)) for n in range(BELIEVED + 2)
    ]
    assert reasons(heard(nowhere, on_the_way())) == [Why.IMPOSSIBLE_JUMP] * len(nowhere)
    somewhere = [told(EventKind.POSITION, hour(9.1) + n, location=house(900)) for n in range(BELIEVED + 2)]
    assert len(reasons(heard(somewhere, on_the_way()))) == BELIEVED - 1
