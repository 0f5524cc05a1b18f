"""A replan gives every promise at least what it had, whatever a solver says."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.routing.model import Break, Capacity, Load, StopFlag, StopKind
from chalicelib.routing.objective import Circumstances
from chalicelib.routing.optimiser import Budget
from chalicelib.routing.optimiser.booked import BookedEngine
from chalicelib.routing.optimiser.live import LiveEngine
from chalicelib.routing.optimiser.problem import Problem
from chalicelib.routing.packed import Route, fits, live, together
from chalicelib.routing.proof import World, judge
from chalicelib.routing.replan import Replan, replan
from tests.builders import (
    THE_DAY_BEFORE,
    Street,
    calm_world,
    hour,
    hours,
    restless_world,
    route,
    shift,
    stop,
)
from tests.routing import days_at_random as at_random
from tests.routing.engines import Answering, Crashing, Ticking, patient
from tests.routing.naive import drive

NOW = THE_DAY_BEFORE
STREET = Street()
CALM = Circumstances(travel=STREET, world=calm_world(), now=NOW)
RESTLESS = Circumstances(travel=STREET, world=restless_world(), now=NOW)


def nobodys(*stops: object) -> Route:
    """What a plan has no van for."""
    made = route(*stops)  # type: ignore[arg-type]
    return replace(made, shift=replace(made.shift, shift_id="~unassigned", vehicle_id=""))


def after(plan: Sequence[Route], done: Replan) -> list[Route]:
    """The plan with every change made."""
    changed = {new.shift.shift_id: new for change in done.changes for new in change.after}
    return [changed.get(old.shift.shift_id, old) for old in plan]


def ids(of: Route) -> list[int]:
    return [int(stop_id) for stop_id in of.stops["stop_id"]]


@st.composite
def plans(draw: st.DrawFn, *, rests: bool = True) -> tuple[list[Route], Route | None, int]:
    """A few vans' routes, perhaps stops without a van, and a moment before, while or after loading."""
    vans = draw(st.lists(at_random.routes(most=6, rests=rests), min_size=2, max_size=3))
    left = draw(st.lists(at_random.stops(), max_size=2))
    number, routes = 0, []
    for at, van in enumerate(vans):
        stops = []
        for each in van.all_stops():
            number += 1
            stops.append(replace(each, stop_id=number))
        own = replace(van.shift, shift_id=f"shift-{at}", vehicle_id=f"van-{at}")
        routes.append(replace(route(*stops, of=own), withdrawn=draw(st.integers(0, 9)) == 0))
    waiting = nobodys(*(replace(each, stop_id=100 + at) for at, each in enumerate(left))) if left else None
    return routes, waiting, draw(st.sampled_from([NOW, NOW, hour(6.2), hour(7.6)]))


def assert_nobody_is_wronged(
    plan: Sequence[Route], waiting: Route | None, done: Replan, now: int, world: World
) -> None:
    """Everything a shop may rely on, worked out here once more, stop by stop."""
    all_before = [*plan, *([waiting] if waiting is not None else [])]
    all_after = after(all_before, done)
    before, then = all_before[: len(plan)], all_after[: len(plan)]
    stops = [
        sorted(np.concatenate([_live_ids(each, now) for each in state])) for state in (all_before, all_after)
    ]
    assert stops[0] == stops[1]
    home = {stop_id: at for at, each in enumerate(all_before) for stop_id in _live_ids(each, now)}
    was, is_ = judge(before, now, world), judge(then, now, world)
    for at, (old, new) in enumerate(zip(before, then, strict=True)):
        assert new.version == old.version
        assert new.shift == old.shift
        had, has = set(_live_ids(old, now)), set(_live_ids(new, now))
        if now >= old.shift.loads_at:
            assert had == has
        if old.withdrawn:
            assert has <= had
        assert not {each.stop_id for each in old.all_stops() if each.flags & StopFlag.PINNED} & (had - has)
        _assert_loads(old, new, now)
        assert is_[at].break_late <= max(was[at].break_late, 0) + 0.01
        assert is_[at].kept[-1] >= min(was[at].kept[-1], world.target)
        assert is_[at].late[-1] <= max(was[at].late[-1], 0) + 0.01
        for place, stop_id in enumerate(ids(new)):
            if stop_id not in has:
                continue
            each = new.stop(place)
            origin = home[stop_id]
            if origin != at:
                assert each.skills <= new.shift.skills
            kept_before, late_before = 1.0, 0.0
            if origin < len(plan):
                there = ids(before[origin]).index(stop_id)
                kept_before, late_before = was[origin].kept[there], was[origin].late[there]
            assert is_[at].kept[place] >= min(kept_before, world.target)
            assert is_[at].late[place] <= max(late_before, 0) + 0.01
        _assert_timetable(new, is_[at].start, now, world)


def _live_ids(of: Route, now: int) -> list[int]:
    return [stop_id for stop_id, real in zip(ids(of), live(of.stops, now), strict=True) if real]


def _assert_loads(old: Route, new: Route, now: int) -> None:
    loads = []
    for each in (old, new):
        total = Load()
        for at, real in enumerate(live(each.stops, now)):
            total = together(total, each.stop(at).load) if real else total
        loads.append(total)
    for name in ("parcels", "grams", "millilitres"):
        limit = getattr(new.shift.capacity, name)
        assert limit is None or getattr(loads[1], name) <= max(limit, getattr(loads[0], name))


def _assert_timetable(new: Route, start: np.ndarray, now: int, world: World) -> None:
    """The legs are the street's, and the times are those one would work out on paper."""
    fresh = route(*new.all_stops(), of=new.shift)
    assert new.stops["leg_seconds"].tolist() == fresh.stops["leg_seconds"].tolist()
    assert new.last_leg.seconds == fresh.last_leg.seconds
    paper = [call.started for call in drive(new, world.clock, now)]
    assert np.allclose(start, paper, atol=0.01)


@settings(max_examples=20, deadline=None)
@given(plans())
def test_an_improved_plan_gives_every_stop_at_least_what_it_had(
    drawn: tuple[list[Route], Route | None, int],
) -> None:
    """Any plan, sold well or badly: PyVRP's answers, as far as they are adopted, wrong nobody."""
    plan, waiting, now = drawn
    for circumstances in (replace(CALM, now=now), replace(RESTLESS, now=now)):
        done = replan(plan, waiting, circumstances, patient(), engine=BookedEngine())
        assert_nobody_is_wronged(plan, waiting, done, now, circumstances.world)
        for change in done.changes:
            assert change.worth_after < change.worth_before


@settings(max_examples=10, deadline=None)
@given(plans())
def test_the_other_solver_is_believed_no_more(drawn: tuple[list[Route], Route | None, int]) -> None:
    """OR-Tools, with its own idea of breaks."""
    plan, waiting, now = drawn
    circumstances = replace(RESTLESS, now=now)
    budget = replace(patient(10), until=5.0, clock=Ticking(step=1e-4))
    done = replan(plan, waiting, circumstances, budget, engine=LiveEngine())
    assert_nobody_is_wronged(plan, waiting, done, now, circumstances.world)


@settings(max_examples=25, deadline=None)
@given(plans(), st.randoms(use_true_random=False))
def test_an_arbitrary_answer_wrongs_nobody(
    drawn: tuple[list[Route], Route | None, int], chance: object
) -> None:
    """Stops anywhere, in any order: what is adopted of it is an improvement all the same."""
    plan, waiting, now = drawn
    circumstances = replace(RESTLESS, now=now)

    def anything(problem: Problem) -> list[list[int]]:
        orders: list[list[int]] = [[] for _ in problem.vans]
        for number in chance.sample(range(len(problem.tasks)), len(problem.tasks)):  # type: ignore[attr-defined]
            able = [at for at, van in enumerate(problem.vans) if number in van.takes]
            if able:
                orders[chance.choice(able)].append(number)  # type: ignore[attr-defined]
        return orders

    done = replan(plan, waiting, circumstances, patient(), engine=Answering(anything))
    assert_nobody_is_wronged(plan, waiting, done, now, circumstances.world)


# Two vans that each drive the whole street, because bookings came in an unlucky order.
CROSSED = [
    route(stop(1, 10), stop(2, -10), stop(3, 11), of=shift("a")),
    route(stop(4, -11), stop(5, 12), stop(6, -12), of=shift("b")),
]


def test_vans_that_cross_each_others_way_are_parted() -> None:
    """The reason for all this: the same promises, half of the driving."""
    done = replan(CROSSED, None, RESTLESS, patient())
    (change,) = done.changes
    assert sorted(sorted(ids(each)) for each in change.after) in (
        [[], [1, 2, 3, 4, 5, 6]],
        [[1, 3, 5], [2, 4, 6]],
    )
    assert done.seconds_saved == change.worth_before.driven - change.worth_after.driven > 3000
    assert done.promises_before == done.promises_after
    assert done.unchanged == ""
    moved = {move.stop_id: (move.source, move.target) for move in change.moves}
    for old, new in zip(change.before, change.after, strict=True):
        for stop_id in set(ids(new)) - set(ids(old)):
            assert moved[stop_id][1] == new.shift.shift_id


def test_the_same_steps_give_the_same_plan() -> None:
    """Counted in steps, a replan can be repeated."""
    first, second = (replan(CROSSED, None, RESTLESS, patient()) for _ in range(2))
    assert [ids(new) for new in first.changes[0].after] == [ids(new) for new in second.changes[0].after]


def test_a_plan_that_cannot_be_better_stays_the_very_same() -> None:
    """No write without a gain, and it says so."""
    done = replan([route(stop(1, 10), stop(2, 20))], None, RESTLESS, patient())
    assert done.changes == ()
    assert done.unchanged == "nothing better was found"


def test_a_stop_that_no_van_has_is_the_first_to_find_a_place() -> None:
    """Though it costs driving: a promise is worth more."""
    plan, waiting = [route(stop(1, 10), of=shift("a"))], nobodys(stop(7, -20))
    done = replan(plan, waiting, RESTLESS, patient())
    (change,) = done.changes
    assert [ids(new) for new in change.after] == [[1, 7], []] or [ids(new) for new in change.after] == [
        [7, 1],
        [],
    ]
    assert (done.promises_before.at_risk, done.promises_after.at_risk) == (1, 0)
    assert change.seconds_saved < 0
    assert [(move.source, move.target, move.planned_before) for move in change.moves] == [
        ("~unassigned", "shift-of-a", None)
    ]


def test_what_cannot_be_placed_stays_where_it_is() -> None:
    """A promise nobody can keep is not dropped, and others do not pay for it."""
    far = stop(7, 700, hours(8, 9))
    waiting = nobodys(far, stop(8, 12))
    done = replan([route(stop(1, 10), of=shift("a"))], waiting, RESTLESS, patient())
    assert ids(after([waiting], done)[0]) == [7]
    assert done.promises_after.at_risk == 1


def test_what_is_at_risk_is_moved_to_a_van_that_keeps_it() -> None:
    """A shift was shortened: its van would be home too late."""
    short = replace(shift("a"), ends_at=hour(9.2))
    plan = [route(stop(1, 20), stop(2, 40, hours(8, 12)), of=short), route(stop(3, 41), of=shift("b"))]
    before = CALM.worth(CALM.see(plan))
    done = replan(plan, None, CALM, patient())
    then = CALM.worth(CALM.see(after(plan, done)))
    assert before.late > 0
    assert then.late == 0
    assert done.promises_after.kept == 3


# Without the check, this answer would be believed: shorter, and one promise broken.
TIGHT = route(stop(1, 30, hours(8, 8.55)), stop(2, 10), stop(3, 31), of=shift("a"))
BELIEVED = route(stop(2, 10), stop(1, 30, hours(8, 8.55)), stop(3, 31), of=shift("a"))


def shorter(problem: Problem) -> list[list[int]]:
    return [[1, 0, 2]]


def test_an_answer_that_breaks_a_promise_is_refused() -> None:
    """The solver is not asked what a promise is."""
    done = replan([TIGHT], None, CALM, patient(), engine=Answering(shorter))
    assert done.changes == ()
    assert done.unchanged == "it would have endangered a promise"


def test_believing_that_answer_would_break_the_promise() -> None:
    """Control: what it proposes is cheaper indeed, and too late."""
    was, then = judge([TIGHT, BELIEVED], NOW, CALM.world)
    assert then.driven < was.driven
    assert (was.kept[0], then.kept[1]) == (1.0, 0.0)


def test_windows_are_tightened_for_a_solver_that_knows_of_no_luck() -> None:
    """On time as planned is not enough: the problem's window ends as much earlier as luck needs."""
    plan = [route(*(stop(number, 5 * number, hours(8, 11)) for number in range(1, 13)))]
    for circumstances, room in ((CALM, 0), (RESTLESS, 600)):
        engine = Answering(lambda problem: problem.orders)
        replan(plan, None, circumstances, patient(), engine=engine)
        closes = {task.stop_id: task.closes for task in engine.asked[0].tasks}
        assert 3 * 3600 - closes[6] >= room


def test_a_worse_answer_later_does_not_spoil_a_better_one() -> None:
    """The best so far stays the best."""
    answers = iter(
        [[[0, 2, 4], [1, 3, 5]], [[0, 1, 2], [5, 4, 3]], [[5, 0, 3], [1, 4, 2]], [[], [0, 1, 2, 3, 4, 5]]]
    )
    done = replan(CROSSED, None, RESTLESS, patient(), engine=Answering(lambda _: next(answers)))
    assert sorted(sorted(ids(each)) for each in after(CROSSED, done)) == [[1, 3, 5], [2, 4, 6]]


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (lambda problem: [[0, 1, 2], [3, 4]], "a stop is missing"),
        (lambda problem: [[0, 1, 2], [3, 4, 5, 5]], "a stop twice"),
        (lambda problem: [[0, 1, 2], [3, 4, 5, 6]], "an unknown stop"),
        (lambda problem: [[0, 1, 2, 3, 4, 5]], "another number of vans"),
        (lambda problem: [[0, 1, 2], [3, 4, -1]], "an unknown stop"),
    ],
)
def test_nonsense_is_refused_by_name(answer: object, fault: str) -> None:
    """Nothing is applied of an answer that lost, doubled or invented a stop."""
    engine = Answering(answer)  # type: ignore[arg-type]
    done = replan(CROSSED, None, RESTLESS, patient(), engine=engine)
    assert done.changes == ()
    assert done.unchanged == f"the solver's answer has {fault}"
    assert len(engine.asked) == 1


def test_a_stop_on_a_van_that_may_not_take_it_is_nonsense_too() -> None:
    """Pins, skills and loaded vans are the problem's, and checked in the answer."""
    pinned = [CROSSED[0].marked(0, flags=StopFlag.PINNED), CROSSED[1]]
    done = replan(pinned, None, RESTLESS, patient(), engine=Answering(lambda _: [[1, 2], [3, 4, 5, 0]]))
    assert done.unchanged == "the solver's answer has a stop on a van that may not take it"


def test_a_solver_that_crashes_changes_nothing() -> None:
    """And says why."""
    done = replan(CROSSED, None, RESTLESS, patient(), engine=Crashing())
    assert (done.changes, done.unchanged) == ((), "it crashed")


@pytest.mark.parametrize("engine", [BookedEngine(), LiveEngine()], ids=["pyvrp", "ortools"])
def test_a_solver_with_no_end_in_sight_stops_at_the_deadline(engine: BookedEngine | LiveEngine) -> None:
    """By the clock it is given; it looks between its steps."""
    clock = Ticking()
    replan(CROSSED, None, RESTLESS, Budget(clock=clock, until=0.5), engine=engine)
    assert 0.5 <= clock.at < 0.6


def test_no_time_left_means_no_change() -> None:
    """Whoever is late asks no solver."""
    engine = Answering(lambda problem: problem.orders)
    done = replan(CROSSED, None, RESTLESS, Budget(clock=lambda: 9.0, until=9.0), engine=engine)
    assert (done.changes, engine.asked) == ((), [])


def test_a_loaded_van_may_change_its_order_but_not_its_parcels() -> None:
    """A parcel on board leaves it at its door only."""
    loaded = hour(7.6)
    done = replan(CROSSED, None, replace(CALM, now=loaded), patient())
    for change in done.changes:
        assert change.moves == ()
        assert [set(ids(new)) for new in change.after] == [set(ids(old)) for old in change.before]
    assert done.seconds_saved > 0


def test_what_is_done_stays_in_its_place() -> None:
    """The head of a started route is history."""
    started = [CROSSED[0].marked(0, kind=StopKind.DONE).marked(1, kind=StopKind.DONE), CROSSED[1]]
    done = replan(started, None, CALM, patient())
    assert ids(after(started, done)[0])[:2] == [1, 2]


def test_holds_are_kept_like_promises_until_they_run_out() -> None:
    """A ghost on the way goes when its route changes."""
    plan = [
        route(stop(1, 10), stop(2, -10, held_until=hour(0)), stop(9, 30, held_until=NOW - 60), of=shift("a")),
        route(stop(4, -11), stop(5, 12), of=shift("b")),
    ]
    done = replan(plan, None, RESTLESS, patient())
    left = [stop_id for each in after(plan, done) for stop_id in ids(each)]
    assert sorted(left) == [1, 2, 4, 5]
    assert (done.promises_before.kept, done.promises_after.kept) == (3, 3)


def test_skills_and_room_go_where_they_are_needed() -> None:
    """A cold parcel only moves to a van with a fridge, a heavy one to where it fits."""
    fridge = shift("a", skills=["fridge"], capacity=Capacity(parcels=3, grams=5_000))
    plain = shift("b", capacity=Capacity(parcels=9, grams=20_000))
    plan = [
        route(stop(1, 10, skills=["fridge"]), stop(2, -10, load=Load(parcels=1, grams=4_000)), of=fridge),
        route(stop(4, -11, load=Load(parcels=1, grams=4_000)), stop(5, 12), of=plain),
    ]
    done = replan(plan, None, RESTLESS, patient())
    one, other = after(plan, done)
    assert 1 in ids(one)
    assert {2, 4} <= set(ids(other))
    assert all(fits(Load(grams=int(each.stops["grams"].sum())), each.shift.capacity) for each in (one, other))


def test_a_break_is_kept_by_a_solver_that_knows_of_none() -> None:
    """Windows behind it end earlier, by the break: nobody is endangered."""
    rest = Break(earliest_at=hour(9), latest_at=hour(9.5), duration=3600)
    plan = [replace(each, shift=replace(each.shift, breaks=(rest,))) for each in CROSSED]
    done = replan(plan, None, RESTLESS, patient())
    assert done.seconds_saved > 0
    assert_nobody_is_wronged(plan, None, done, NOW, RESTLESS.world)


def test_who_was_told_a_time_counts_before_driving() -> None:
    """Churn comes before cost: a shorter way past the time a buyer was told is no better."""
    loose = replace(TIGHT, stops=TIGHT.stops.copy())
    loose.stops["window_end"] = hour(18)
    told = replace(CALM, told={1: hours(8.4, 8.52)})
    for circumstances, changed in ((CALM, 1), (told, 0)):
        done = replan([loose], None, circumstances, patient(), engine=Answering(shorter))
        assert len(done.changes) == changed
