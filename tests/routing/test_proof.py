"""A route that is changed endangers nothing it kept, or the change is not made."""

from dataclasses import replace

import numpy as np
import pytest

from chalicelib.routing.model import Break
from chalicelib.routing.proof import Judgements, harmless, judge, surely_reached
from chalicelib.routing.uncertainty import Noise
from tests.builders import THE_DAY_BEFORE, calm_world, hour, hours, restless_world, route, shift, stop

CALM, RESTLESS = calm_world(), restless_world()
NOW = THE_DAY_BEFORE


def test_the_same_route_gets_the_same_judgement_whatever_stands_beside_it() -> None:
    """Same state, same answer: in any process, in any batch."""
    one, other = route(stop(1, 10)), route(*(stop(number, 5 * number) for number in range(2, 12)))
    (alone,), (_, beside) = judge([one], NOW, RESTLESS), judge([other, one], NOW, RESTLESS)
    assert np.array_equal(alone.kept, beside.kept)


def test_a_route_is_driven_the_same_in_one_go_and_place_by_place() -> None:
    """How much is worked out at once depends on how many routes there are; what is found does not."""
    rest = Break(earliest_at=hour(8.5), latest_at=hour(9), duration=1800)
    stops = [stop(number, 6 * number, hours(8, 9.4)) for number in range(1, 13)]
    one = route(*stops, of=shift("resting", breaks=[rest]))
    (alone,), crowd = judge([one], NOW, RESTLESS), judge([one] * 200, NOW, RESTLESS)
    assert len(np.unique(alone.kept)) > 6
    assert all(np.array_equal(alone.kept, each.kept) for each in crowd)


def test_a_wide_window_is_kept_and_a_missed_one_is_not() -> None:
    """Certain either way, with all the noise there is."""
    sure, hopeless = judge(
        [route(stop(1, 10, hours(8, 17))), route(stop(1, 60, hours(8, 8.2)))], NOW, RESTLESS
    )
    assert sure.kept[0] == 1.0
    assert hopeless.kept[0] == 0.0


def test_without_noise_the_plan_is_what_happens() -> None:
    """A window that ends on the second of the arrival is kept, one that ends before it is not."""
    on_the_dot = stop(1, 10, hours(8, 8 + 10 / 60))
    too_early = replace(on_the_dot, window=hours(8, 8 + 9.9 / 60))
    kept, missed = judge([route(on_the_dot), route(too_early)], NOW, CALM)
    assert (kept.kept[0], missed.kept[0]) == (1.0, 0.0)


def test_a_sale_that_makes_an_earlier_promise_late_is_harmful() -> None:
    """The newcomer is fine; the neighbour would be too late."""
    before = route(stop(1, 10, hours(8, 8.2)))
    after = route(stop(2, 5), stop(1, 10, hours(8, 8.2)))
    was, then = judge([before, after], NOW, CALM)
    assert not harmless(was, then, CALM.target, new=0)


def test_a_sale_below_the_target_is_harmful_to_itself() -> None:
    """On time as planned is not enough."""
    tight = stop(1, 30, hours(8, 8.55))
    was, then = judge([route(), route(tight)], NOW, RESTLESS)
    assert then.late[0] < 0
    assert then.kept[0] < RESTLESS.target
    assert not harmless(was, then, RESTLESS.target, new=0)


def test_a_violation_that_is_there_already_may_stay_but_not_grow() -> None:
    """A promise that is lost stands in nobody's way as long as nothing makes it worse."""
    lost = stop(1, 60, hours(8, 8.5))
    before, behind, ahead = route(lost), route(lost, stop(2, 60)), route(stop(2, 30), lost)
    was, then, worse = judge([before, behind, ahead], NOW, CALM)
    assert harmless(was, then, CALM.target, new=1)
    assert not harmless(was, worse, CALM.target, new=0)


def test_removing_a_stop_that_others_waited_behind_is_harmless() -> None:
    """Everybody else is as early as before or earlier."""
    both, one = route(stop(1, 10), stop(2, 20)), route(stop(2, 20))
    was, then = judge([both, one], NOW, RESTLESS)
    assert harmless(was, then, RESTLESS.target, gone=0)


def test_a_judgement_is_kept_until_a_hold_in_it_becomes_a_ghost() -> None:
    """Not a second longer: then the route is another one."""
    known, held = Judgements(CALM), route(stop(1, 60, hours(8, 8.5), held_until=hour(7)))
    (first,) = known.of([held], hour(7) + 1)
    assert known.of([held], hour(7) + 1)[0] is first
    (second,) = known.of([held], hour(7) + 2)
    assert second is not first
    assert (first.kept[0], second.kept[0]) == (0.0, 1.0)


@pytest.mark.parametrize("noise", ["travel_leg", "service_stop", "leg_incident", "stop_incident"])
def test_more_noise_never_makes_a_tight_window_safer(noise: str) -> None:
    """Each source by itself takes something."""
    stops = [stop(number, 6 * number, hours(8, 9.6)) for number in range(1, 7)]
    world = replace(CALM, noise=replace(CALM.noise, **{noise: getattr(Noise(), noise)}))
    more = replace(world, noise=replace(world.noise, leg_incident_delay=780, stop_incident_delay=660))
    (calm,), (noisy,) = judge([route(*stops)], NOW, CALM), judge([route(*stops)], NOW, more)
    assert (noisy.kept <= calm.kept).all()


def test_a_window_is_kept_exactly_if_it_ends_no_earlier_than_the_place_is_surely_reached() -> None:
    """The reserve that a replan asks for is the one that the proof wants."""
    of = route(*(stop(number, 6 * number, hours(8, 9.4)) for number in range(1, 9)))
    (judged,), (reached,) = judge([of], NOW, RESTLESS), surely_reached([of], NOW, RESTLESS)
    ends = np.array([*of.stops["window_end"].tolist(), of.shift.ends_at])
    assert ((judged.kept >= RESTLESS.target) == (reached <= ends)).all()
    assert 0 < (judged.kept >= RESTLESS.target).sum() < len(ends)


def test_driving_is_the_way_without_waiting_service_or_breaks() -> None:
    """Ten minutes there, ten back."""
    (judged,) = judge([route(stop(1, 10, hours(12, 13)))], NOW, CALM)
    assert judged.driven == 1200
