"""On the road promises are weighed: fewer are to be broken, and nothing moves that nobody feels."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.routing.model import NO_NODE, Break, Capacity, StopKind
from chalicelib.routing.objective import Circumstances, OnTheRoad, broken_rule
from chalicelib.routing.optimiser import EngineFailed
from chalicelib.routing.optimiser.booked import BookedEngine
from chalicelib.routing.optimiser.problem import Orders, Problem
from chalicelib.routing.packed import Route, joined
from chalicelib.routing.replan import Replan, replan
from chalicelib.routing.rescue import HANDED_OVER, meeting_id
from chalicelib.routing.underway import Underway, rest_of, whole
from tests.builders import Street, calm_world, hour, hours, house, restless_world, route, shift, stop
from tests.routing.engines import Answering, patient

STREET = Street()
NOON = hour(12)
CALM = Circumstances(travel=STREET, world=calm_world(), now=NOON, on_road=OnTheRoad())
BIG = Capacity(parcels=9)


def left_of(planned: Route, at: float, *, since: float = 12, stranded: bool = False) -> Route:
    """What is left of a route whose van is at a house."""
    return rest_of(planned, underway(at, since, stranded=stranded), STREET)


def underway(at: float, since: float = 12, *, stranded: bool = False) -> Underway:
    """Nothing is behind a van that is at a house."""
    return Underway(behind=frozenset(), place=house(at), node=NO_NODE, since=hour(since), stranded=stranded)


def ids(of: Route) -> list[int]:
    """Its stops in order."""
    return [int(stop_id) for stop_id in of.stops["stop_id"]]


def after(plan: Sequence[Route], done: Replan) -> list[Route]:
    """The plan with every change made."""
    changed = {new.shift.shift_id: new for change in done.changes for new in change.after}
    return [changed.get(old.shift.shift_id, old) for old in plan]


def delayed() -> Route:
    """At noon still at the depot: house 60 by half past twelve is lost, two others need not be."""
    return left_of(
        route(
            stop(1, 60, hours(10, 12.5)),
            stop(2, 10, hours(10, 13)),
            stop(3, 20, hours(10, 13.2)),
            of=shift("a"),
        ),
        0,
    )


def test_who_cannot_be_kept_makes_way_for_those_who_can() -> None:
    """In its order all three would come late; with the lost one last only that one does."""
    late = delayed()
    assert CALM.worth(CALM.see([late])).broken == 3  # CONTROL: doing nothing
    done = replan([late], None, CALM, patient())
    (better,) = after([late], done)
    assert ids(better) == [2, 3, 1]
    assert CALM.worth(CALM.see([better])).broken == 1


def test_nothing_moves_for_what_nobody_feels() -> None:
    """Half the driving would be saved, but everybody is in time; CONTROL: as a booked plan it is turned."""
    detour = left_of(route(stop(1, 40), stop(2, 10), stop(3, 41), of=shift("a")), 0, since=12)
    done = replan([detour], None, CALM, patient())
    assert done.changes == ()
    booked = replan([detour], None, replace(CALM, on_road=None), patient())
    assert booked.seconds_saved > 0


def test_a_stop_that_is_driven_to_stays_next() -> None:
    """Even where it is the lost one; CONTROL: it does not where nobody drives to it yet."""
    late = delayed()
    driving = replace(CALM, on_road=OnTheRoad(towards={"shift-of-a": 1}))
    assert ids(after([late], replan([late], None, driving, patient()))[0])[0] == 1
    assert ids(after([late], replan([late], None, CALM, patient()))[0])[0] != 1


def test_a_van_that_is_not_loaded_yet_takes_over_what_another_would_break() -> None:
    """Both load at one; what is on a loaded van stays there."""
    early = Underway(behind=frozenset(), place=house(0), node=NO_NODE, since=hour(12.4))
    helper = rest_of(
        route(of=replace(shift("b"), loads_at=hour(12.2))), replace(early, since=hour(12)), STREET
    )
    late = [stop(1, 30, hours(10, 12.75)), stop(2, -30, hours(10, 12.75))]
    for loads_at, broken in ((12.2, 0), (11, 1)):
        busy = rest_of(
            route(*late, of=replace(shift("a"), loads_at=hour(loads_at))),
            replace(early, since=hour(12)),
            STREET,
        )
        done = replan([busy, helper], None, CALM, patient())
        plan = after([busy, helper], done)
        assert CALM.worth(CALM.see(plan)).broken == broken


def stranded_day() -> tuple[Route, Route, Circumstances]:
    """Van a broke down at house 20 with parcels for 25 and 30; van b, loaded, is at house 10."""
    down = left_of(
        route(stop(1, 25, hours(10, 14)), stop(2, 30, hours(10, 14)), of=shift("a")), 20, stranded=True
    )
    other = left_of(route(stop(3, 12, hours(10, 15)), of=shift("b", capacity=BIG)), 10)
    here = replace(CALM, on_road=OnTheRoad(aboard=frozenset({1, 2})))
    return down, other, here


def test_what_a_stranded_van_has_on_board_is_fetched_and_delivered() -> None:
    """One meeting for both parcels, before either is delivered, and nobody is late."""
    down, other, here = stranded_day()
    done = replan([other], None, here, patient(), stranded=[down])
    left, rescuer = after([down, other], done)
    assert ids(left) == []
    meeting = rescuer.stops[rescuer.stops["kind"] == StopKind.MEETING]
    assert meeting["stop_id"].tolist() in ([meeting_id(1)], [meeting_id(2)])
    assert meeting["service_time"].tolist() == [2 * HANDED_OVER]
    order = ids(rescuer)
    met = order.index(int(meeting["stop_id"][0]))
    assert met < min(order.index(1), order.index(2))
    assert CALM.worth(CALM.see([rescuer])).broken == 0
    assert {(move.stop_id, move.source, move.target) for move in done.changes[0].moves} == {
        (1, "shift-of-a", "shift-of-b"),
        (2, "shift-of-a", "shift-of-b"),
    }
    stored = whole(route(stop(1, 25), stop(2, 30), of=shift("a")), underway(20, stranded=True), left, STREET)
    assert (ids(stored), stored.driven) == ([], True)


def test_where_no_van_is_left_to_come_that_is_said() -> None:
    """A depot's only van broke down: nothing changes, and the reason can be read."""
    down, _, here = stranded_day()
    done = replan([], None, here, patient(), stranded=[down])
    assert (done.changes, done.unchanged) == ((), "no van is left to come")


def test_nobody_fetches_what_is_not_stranded() -> None:
    """CONTROL: where the van is merely late, what it has on board stays there."""
    _, other, _ = stranded_day()
    late = left_of(route(stop(1, 25, hours(10, 14)), stop(2, 30, hours(10, 14)), of=shift("a")), 20, since=15)
    done = replan([other, late], None, CALM, patient())
    assert all(change.moves == () for change in done.changes)


def test_a_rescuer_takes_no_more_than_it_can_carry() -> None:
    """Room for one parcel beside its own: the other stays on board."""
    down, _, here = stranded_day()
    small = left_of(route(stop(3, 12, hours(10, 15)), of=shift("b", capacity=Capacity(parcels=2))), 10)
    done = replan([small], None, here, patient(), stranded=[down])
    left, rescuer = after([down, small], done)
    assert len(ids(left)) == 1
    assert (rescuer.stops["kind"] == StopKind.MEETING).sum() == 1


def test_the_way_to_a_meeting_is_not_changed_any_more() -> None:
    """Replanned once more, the meeting and what comes before it stay where they are."""
    down, other, here = stranded_day()
    _, rescuer = after([down, other], replan([other], None, here, patient(), stranded=[down]))
    head = ids(rescuer)[: ids(rescuer).index(next(i for i in ids(rescuer) if i > 1 << 62)) + 1]
    troubled = rescuer.marked(len(rescuer.stops) - 1, window_end=NOON + 60)
    again = replan([troubled], None, CALM, patient())
    assert ids(after([troubled], again)[0])[: len(head)] == head


@pytest.mark.parametrize("order", [[0, 1], [1, 0, 3], [2, 0]])
def test_a_proposal_that_delivers_what_it_never_fetched_is_refused(order: list[int]) -> None:
    """Tasks 0 to 2 are deliveries (0 its own), 3 and 4 the pick-ups of 1 and 2; one more comes too late."""
    down, other, here = stranded_day()
    down = down.marked(1, window_end=NOON)  # or no solver would be asked
    done = replan([other], None, here, patient(), stranded=[down], engine=Answering(lambda _: [order]))
    assert any("without being fetched" in why for why in done.refused)
    _, rescuer = after([down, other], done)
    assert ids(rescuer) != [order]


def test_a_rule_of_our_own_says_so_too() -> None:
    """Whatever a solver was asked: what is on board of another van cannot be delivered before it is met."""
    down, other, here = stranded_day()
    before = here.see([other, down])
    carried_off = replace(other, stops=joined([other.stops, down.stops[1:]]))
    invented = here.see([carried_off, replace(down, stops=down.stops[:1])])
    rule = broken_rule(before, invented, NOON, here.on_road)
    assert rule == "a parcel would be delivered before it is fetched"


@settings(max_examples=25, deadline=None)
@given(
    closes=st.lists(st.integers(3, 60), min_size=2, max_size=6),
    houses=st.lists(st.integers(-40, 40), min_size=6, max_size=6),
    towards=st.integers(0, 1),
)
def test_expected_breaks_never_grow(closes: list[int], houses: list[int], towards: int) -> None:
    """Whatever the day, a change spares a promise or is not made, and every rule holds."""
    stops = [
        stop(number, at, hours(10, 12 + close / 20))
        for number, (close, at) in enumerate(zip(closes, houses, strict=False), start=1)
    ]
    half = len(stops) // 2
    plan = [
        left_of(route(*stops[:half], of=shift("a")), 0),
        left_of(route(*stops[half:], of=shift("b")), 5),
    ]
    here = Circumstances(
        travel=STREET,
        world=restless_world(),
        now=NOON,
        on_road=OnTheRoad(towards={"shift-of-a": min(towards, half)}),
    )
    done = replan(plan, None, here, patient(), engine=BookedEngine())
    before, then = here.see(plan), here.see(after(plan, done))
    assert broken_rule(before, then, NOON, here.on_road) is None
    assert here.worth(then).broken <= here.worth(before).broken + 1e-9
    for change in done.changes:
        assert here.pays(change.worth_before, change.worth_after)


def test_a_rescuer_with_a_break_ahead_still_comes() -> None:
    """Because it rests first its own stops are late anyway: that must not look impossible to the solver."""
    down, _, here = stranded_day()
    lunch = Break(earliest_at=NOON, latest_at=hour(12), duration=1800)
    own = [stop(3, 12, hours(10, 12.2)), stop(4, 14, hours(10, 12.4)), stop(5, 11, hours(10, 12.5))]
    busy = left_of(route(*own, of=shift("b", capacity=BIG)), 10)
    resting = replace(busy, shift=replace(busy.shift, breaks=(lunch,)))
    done = replan([resting], None, here, patient(), stranded=[down])
    left, rescuer = after([down, resting], done)
    assert ids(left) == []
    assert {1, 2} <= set(ids(rescuer))


def test_a_solver_that_fails_once_is_asked_otherwise() -> None:
    """On the road no answer to one question is no reason not to ask the next; CONTROL: booked, it waits."""
    late = delayed()
    asked = list[bool]()

    def fails_first(problem: Problem) -> Orders:
        asked.append(all(task.required for task in problem.tasks))
        if len(asked) == 1:
            raise EngineFailed("no answer")
        return BookedEngine().improve(problem, patient())

    done = replan([late], None, CALM, patient(), engine=Answering(fails_first))
    assert len(asked) > 1
    assert ids(after([late], done)[0])[-1] == 1
    asked.clear()
    replan([late], None, replace(CALM, on_road=None), patient(), engine=Answering(fails_first))
    assert len(asked) == 1
