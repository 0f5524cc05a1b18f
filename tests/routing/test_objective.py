"""What a plan is worth, and what no change of it may do."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from chalicelib.routing.model import Capacity, Load, StopFlag, StopKind
from chalicelib.routing.objective import Circumstances, Promises, Worth, broken_rule, promises, wronged
from chalicelib.routing.packed import Route
from tests.builders import THE_DAY_BEFORE, Street, calm_world, hour, hours, restless_world, route, shift, stop

NOW = THE_DAY_BEFORE
CALM = Circumstances(travel=Street(), world=calm_world(), now=NOW)
RESTLESS = replace(CALM, world=restless_world())


def nobodys(*stops: object) -> Route:
    made = route(*stops)  # type: ignore[arg-type]
    return replace(made, shift=replace(made.shift, shift_id="~unassigned", vehicle_id=""))


def wrongs(
    before: Sequence[Route], after: Sequence[Route], here: Circumstances = CALM
) -> dict[int, list[int]]:
    return wronged(here.see(before), here.see(after), NOW, here.world.target)


def rule(before: Sequence[Route], after: Sequence[Route], now: int = NOW) -> str | None:
    return broken_rule(CALM.see(before), CALM.see(after), now)


# ------------------------------------------------------------------------------------ what it is worth


def test_the_first_difference_decides() -> None:
    """Promises broken before lateness, lateness before churn, churn before any cost."""
    ranked = [
        Worth(broken=0, late=0, doubt=0.0, churn=0, driven=99, working=99, vans=9),
        Worth(broken=0, late=0, doubt=0.0, churn=1, driven=0),
        Worth(broken=0, late=0, doubt=0.1, churn=0, driven=0),
        Worth(broken=0, late=1, doubt=0.0),
        Worth(broken=1, late=0),
    ]
    assert sorted(reversed(ranked)) == ranked


def test_cost_is_driving_then_working_time_then_vans() -> None:
    """The house ten minutes away: twenty on the road, five at the door."""
    one = route(stop(1, 10), of=shift("a"))
    assert CALM.worth(CALM.see([one, route(of=shift("b"))])) == Worth(driven=1200, working=1500, vans=1)


def test_late_doors_and_a_late_return_count_by_the_second() -> None:
    """The plan comes a minute late to the door and ten minutes late home."""
    short = replace(shift("a"), ends_at=hour(8) + 15 * 60)
    late = route(stop(1, 10, replace(hours(8, 8.1), end=hour(8) + 9 * 60)), of=short)
    found = CALM.worth(CALM.see([late]))
    assert (found.broken, found.late) == (1, 60 + 600)
    assert found.doubt == pytest.approx(2 * 0.98)


def test_what_no_van_has_is_in_full_doubt_and_broken_when_its_window_is_over() -> None:
    """It is never cheaper to leave a promise without a van."""
    waiting = nobodys(stop(1, 10, hours(9, 10)), stop(2, 10, hours(11, 12)))
    assert CALM.worth(CALM.see([waiting])) == Worth(doubt=1.96)
    later = replace(CALM, now=hour(10.5))
    assert later.worth(later.see([waiting])).broken == 1


def test_promises_are_counted_and_holds_are_none() -> None:
    """Kept, at risk for lack of luck or of a van, broken by the plan itself; what is done is kept."""
    plan = [
        route(stop(1, 10, hours(8, 8.1)), stop(2, 11), stop(3, 12, held_until=hour(0))),
        route(stop(4, 10, hours(8, 8.18)), of=shift("b")),
        nobodys(stop(5, 1)),
    ]
    plan[0] = plan[0].marked(1, kind=StopKind.DONE)
    assert promises(RESTLESS.see(plan), NOW, 0.98) == Promises(kept=1, at_risk=2, broken=1)


# --------------------------------------------------------------------------------------- what is wrong


def test_nobody_may_fall_below_the_target() -> None:
    """On time as planned and not surely enough is wrong, by a van or by another order."""
    tight = stop(1, 30, hours(8, 8.75))
    before, after = [route(tight)], [route(stop(2, 18), tight)]
    assert wrongs(before, [route(tight, stop(2, 18))], RESTLESS) == {0: [1]}  # who was not there before
    both_before = [route(tight), route(stop(2, 18), of=shift("b"))]
    both_after = [after[0], route(of=shift("b"))]
    assert wrongs(both_before, both_after, CALM) == {}
    assert wrongs(both_before, both_after, RESTLESS) == {0: [1]}


def test_who_is_late_already_may_stay_so_but_not_get_later() -> None:
    """An existing violation never grows."""
    late = stop(1, 60, hours(8, 8.5))
    other = stop(2, 60, hours(8, 18))
    assert wrongs([route(late, other)], [route(late, other)]) == {}
    assert wrongs([route(late, other)], [route(other, late)]) == {0: [1]}


def test_a_late_return_is_wrong_too() -> None:
    """The depot is the last place."""
    short = replace(shift("a"), ends_at=hour(8) + 30 * 60)
    before = [route(stop(1, 10), of=short), route(stop(2, 10), stop(3, 12), of=shift("b"))]
    after = [route(stop(1, 10), stop(3, 12), of=short), route(stop(2, 10), of=shift("b"))]
    assert wrongs(before, after) == {0: [2]}


def test_ghosts_are_wronged_by_nothing() -> None:
    """They are a point on the way."""
    ghost = stop(1, 10, hours(8, 8.1), held_until=NOW - 60)
    assert wrongs([route(stop(2, 5), ghost)], [route(ghost, stop(2, 5))]) == {}


# ---------------------------------------------------------------------------------- rules besides time

TWO = [route(stop(1, 10), stop(2, 11), of=shift("a")), route(stop(3, 12), of=shift("b"))]


def test_moving_a_stop_between_vans_breaks_no_rule() -> None:
    """The control of all that follows."""
    assert (
        rule(TWO, [route(stop(1, 10), of=shift("a")), route(stop(3, 12), stop(2, 11), of=shift("b"))]) is None
    )


@pytest.mark.parametrize(
    "after",
    [
        [route(stop(1, 10), of=shift("a")), TWO[1]],
        [TWO[0], route(stop(3, 12), stop(2, 11), of=shift("b"))],
        [TWO[0], route(stop(3, 12), stop(4, 13), of=shift("b"))],
    ],
    ids=["lost", "doubled", "invented"],
)
def test_no_stop_is_lost_doubled_or_invented(after: list[Route]) -> None:
    """Every live stop is there exactly once."""
    assert rule(TWO, after) == "stops were lost, doubled or invented"


MOVED = [route(stop(1, 10), of=shift("a")), route(stop(3, 12), stop(2, 11), of=shift("b"))]


def test_a_pinned_stop_stays_on_its_shift() -> None:
    """A human said so."""
    assert rule([TWO[0].marked(1, flags=StopFlag.PINNED), TWO[1]], MOVED) == "a pinned stop left its shift"


def test_a_withdrawn_van_takes_nothing() -> None:
    """It will not drive."""
    assert rule([TWO[0], replace(TWO[1], withdrawn=True)], MOVED) == "a withdrawn van got a stop"


def test_a_loaded_van_neither_takes_nor_gives() -> None:
    """Parcels on board leave it at their doors."""
    assert rule(TWO, MOVED, hour(7.6)) == "a parcel left or joined a loaded van"
    reordered = [route(stop(2, 11), stop(1, 10), of=shift("a")), TWO[1]]
    assert rule(TWO, reordered, hour(7.6)) is None


def test_what_is_done_is_not_moved() -> None:
    """The head of a route is history."""
    done = [TWO[0].marked(0, kind=StopKind.DONE), TWO[1]]
    reordered = [route(stop(2, 11), stop(1, 10), of=shift("a")), TWO[1]]
    assert rule(done, reordered) == "what is done or under way was moved"


def test_no_stop_goes_back_to_having_no_van() -> None:
    """A replan only ever takes from there."""
    before = [*TWO, nobodys(stop(9, 1))]
    after = [route(stop(1, 10), of=shift("a")), TWO[1], nobodys(stop(9, 1), stop(2, 11))]
    assert rule(before, after) == "a stop lost its van"


def test_loads_fit_or_do_not_grow() -> None:
    """In each dimension by itself; a van that is too full already may lose something."""
    tiny = shift("b", capacity=Capacity(parcels=1))
    before, after = (
        [TWO[0], route(stop(3, 12), of=tiny)],
        [MOVED[0], route(stop(3, 12), stop(2, 11), of=tiny)],
    )
    assert rule(before, after) == "a van got more than it can carry"
    overfull = [
        route(
            stop(1, 10, load=Load(parcels=5)),
            stop(2, 11, load=Load(parcels=5)),
            of=replace(tiny, shift_id="a"),
        ),
        TWO[1],
    ]
    relieved = [
        route(stop(1, 10, load=Load(parcels=5)), of=replace(tiny, shift_id="a")),
        route(stop(3, 12), stop(2, 11, load=Load(parcels=5)), of=shift("b")),
    ]
    assert rule(overfull, relieved) is None


def test_skills_go_with_the_stop() -> None:
    """Who has no fridge gets nothing cold."""
    cold = stop(2, 11, skills=["fridge"])
    before = [route(stop(1, 10), cold, of=shift("a", skills=["fridge"])), TWO[1]]
    after = [route(stop(1, 10), of=shift("a", skills=["fridge"])), route(stop(3, 12), cold, of=shift("b"))]
    assert rule(before, after) == "a van got what it cannot serve"


@pytest.mark.parametrize(
    ("held_until", "why"), [(7.4, None), (7.6, "a hold would outlast the loading of its van")]
)
def test_a_hold_ends_before_its_van_is_loaded(held_until: float, why: str | None) -> None:
    """Else a parcel nobody paid for would be on board: van b loads at half past seven."""
    held = stop(2, 11, held_until=hour(held_until))
    before = [route(stop(1, 10), held, of=shift("a", start=12)), TWO[1]]
    after = [route(stop(1, 10), of=shift("a", start=12)), route(stop(3, 12), held, of=shift("b"))]
    assert rule(before, after) == why
