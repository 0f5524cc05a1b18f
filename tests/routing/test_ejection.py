"""Making room: one stop goes to another van, the newcomer takes its place, and nobody is worse off."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from chalicelib.routing.edit import (
    Place,
    detours,
    legs_between,
    metres_saved,
    with_room_made,
    with_stop,
)
from chalicelib.routing.ejection import MOST_WINDOWS, Ejection
from chalicelib.routing.insertion import Insertion, Proof
from chalicelib.routing.model import NOBODY, Capacity, Load, Stop, StopFlag, TimeWindow, Visit
from chalicelib.routing.objective import Circumstances, broken_rule, wronged
from chalicelib.routing.packed import Route, live
from chalicelib.routing.proof import World, judge
from chalicelib.routing.sweeps import Sweeps
from chalicelib.routing.travel_times import Places, Whole
from tests.builders import (
    THE_DAY_BEFORE,
    Street,
    calm_world,
    hour,
    hours,
    house,
    restless_world,
    route,
    shift,
    stop,
    visit,
)
from tests.routing.days_at_random import HOUR, loads, routes

NOW = THE_DAY_BEFORE
STREET = Street()
MORNING = hours(8, 9)

# The cold van's hour is full with stop 1, which asks for nothing special; the plain van has nothing to do.
COLD, PLAIN = shift("cold", end=9, skills=["fridge"]), shift("plain", end=9)
LONG = stop(1, 10, MORNING, minutes=30)
FROZEN = visit(20, skills=["fridge"])


def plan(*first: Stop, second: Sequence[Stop] = (), plain: object = PLAIN) -> list[Route]:
    return [route(*first, of=COLD), route(*second, of=plain)]  # type: ignore[arg-type]


def direct(plan_: Sequence[Route], wish: Visit, windows: Sequence[TimeWindow]) -> list[Proof | None]:
    sweeps = Sweeps(calm_world())
    swept = sweeps.of(plan_, NOW)
    return Insertion(sweeps, swept, swept.able(wish), wish, windows, STREET, NOW).best()


def asked(
    plan_: Sequence[Route],
    wish: Visit = FROZEN,
    windows: Sequence[TimeWindow] = (MORNING,),
    *,
    world: World | None = None,
    open_routes: Sequence[bool] | None = None,
    plans: Sequence[int] | None = None,
) -> Ejection:
    sweeps = Sweeps(world or calm_world())
    return Ejection(
        sweeps,
        sweeps.of(plan_, NOW),
        np.array([True] * len(plan_) if open_routes is None else open_routes),
        np.array([0] * len(plan_) if plans is None else plans),
        wish,
        windows,
        STREET,
        NOW,
    )


@dataclass(frozen=True)
class _Counting(Street):
    """A street that counts the ways it is asked for."""

    asked: list[int] = field(default_factory=list)
    fingerprint: int = 0  # type: ignore[misc]

    def to_one(self, origins: Places, destination: Places) -> Whole:
        self.asked.append(len(origins))
        return super().to_one(origins, destination)

    def from_one(self, origin: Places, destinations: Places) -> Whole:
        self.asked.append(len(destinations))
        return super().from_one(origin, destinations)


def driving(of: Route) -> int:
    return int(of.stops["leg_seconds"].sum()) + of.last_leg.seconds


def length(of: Route) -> int:
    return int(of.stops["leg_metres"].sum()) + of.last_leg.metres


def metres(start: Place, via: Place, end: Place) -> int:
    legs = legs_between(Places.of([each.location for each in (start, via, end)], [-1] * 3), STREET)
    return sum(leg.metres for leg in legs)


def ids(of: Route) -> list[int]:
    return [int(stop_id) for stop_id in of.stops["stop_id"]]


def test_a_stop_makes_room_for_one_that_no_other_van_can_take() -> None:
    """The frozen delivery fits only if the long stop goes to the van that has time."""
    (proof,) = asked(plan(LONG)).best()
    assert proof is not None
    assert proof.holds
    assert proof.moved is not None
    assert proof.moved.to.route.shift == PLAIN
    assert proof.extra == 20 * 60 + 20 * 60  # to house 20 instead of house 10, and another van to house 10
    changed = with_room_made(proof, FROZEN.stop(9, MORNING), STREET, NOW, calm_world())
    assert changed is not None
    assert [ids(each) for each in changed] == [[9], [1]]
    assert changed[1].stop(0) == LONG
    fresh = plan(replace(stop(9, 20, MORNING), skills=frozenset({"fridge"})), second=[LONG])
    for made, right in zip(changed, fresh, strict=True):
        assert made.all_stops() == right.all_stops()
        assert made.stops["leg_metres"].tolist() == right.stops["leg_metres"].tolist()
        assert made.last_leg == right.last_leg


BETWEEN = hours(8.5, 9)
FIRST_OF_TWO = (
    stop(1, 10, hours(8, 8.2), minutes=30),
    replace(stop(2, 10, BETWEEN, minutes=30), flags=StopFlag.PINNED),
)
LAST_OF_TWO = (
    replace(stop(2, 10, BETWEEN, minutes=30), flags=StopFlag.PINNED),
    stop(1, 10, hours(9, 9.1), minutes=30),
)


@pytest.mark.parametrize(
    ("stops", "window", "index", "gap"),
    [(FIRST_OF_TWO, hours(9, 9.4), 0, 1), (LAST_OF_TWO, hours(8, 8.3), 1, 0)],
)
def test_the_newcomer_stands_where_it_likes(
    stops: tuple[Stop, Stop], window: TimeWindow, index: int, gap: int
) -> None:
    """Its window is on the other side of a stop that stays: whoever leaves need not have stood there."""
    cold = shift("cold", end=9.75, skills=["fridge"])
    wish = visit(11, minutes=30, skills=["fridge"])
    plain = shift("plain", end=10)
    there = [route(*stops, of=cold), route(of=plain)]
    assert direct(there, wish, [window]) == [None]
    (proof,) = asked(there, wish, [window]).best()
    assert proof is not None
    assert proof.moved is not None
    assert (proof.moved.index, proof.candidate.gap) == (index, gap)
    changed = with_room_made(proof, wish.stop(9, window), STREET, NOW, calm_world())
    assert changed is not None
    assert [ids(each) for each in changed] == [[9, 2] if gap == 0 else [2, 9], [1]]
    everybody_stays = [replace(each, flags=StopFlag.PINNED) for each in stops]
    assert asked([route(*everybody_stays, of=cold), route(of=plain)], wish, [window]).best() == [None]


@pytest.mark.parametrize(("minutes", "fits"), [(198, True), (186, False)])
def test_a_place_that_the_screen_refused_by_little_is_proven_all_the_same(minutes: int, fits: bool) -> None:
    """The screen knows luck in closed form only. Nobody leaves; twelve minutes less, and it is right."""
    world, window = restless_world(), hours(8, 8 + minutes / 60)
    wish, van = visit(3, minutes=10), shift("van", end=8 + minutes / 60)
    there = [route(*(stop(number, 2 * number, minutes=10) for number in range(1, 9)), of=van)]
    sweeps = Sweeps(world)
    swept = sweeps.of(there, NOW)
    assert Insertion(sweeps, swept, swept.able(wish), wish, [window], STREET, NOW).best() == [None]
    (proof,) = asked(there, wish, [window], world=world).best()
    assert (proof is not None) == fits
    if proof is not None:
        assert proof.moved is None
        assert with_stop(proof.candidate, wish.stop(9, window), STREET, NOW, world) is not None


def test_without_it_the_slot_is_refused() -> None:
    """The control: directly the newcomer fits nowhere, and without the other van nobody can make room."""
    assert direct(plan(LONG), FROZEN, [MORNING]) == [None]
    assert asked(plan(LONG)[:1]).best() == [None]
    assert asked(plan(LONG), open_routes=[False, True]).best() == [None]
    assert asked(plan(LONG), open_routes=[True, False]).best() == [None]


def test_a_pinned_stop_stays_where_a_human_put_it() -> None:
    """It makes room for nobody."""
    assert asked(plan(replace(LONG, flags=StopFlag.PINNED))).best() == [None]


def test_a_held_stop_never_goes_to_a_van_that_is_loaded_before_it_runs_out() -> None:
    """A hold is good until it expires; its control is one that runs out in time."""
    for held_until, found in ((hour(7.5), True), (hour(7.5) + 1, False)):
        held = stop(1, 10, MORNING, minutes=30, held_until=held_until)
        assert (asked(plan(held)).best()[0] is not None) == found


def test_a_stop_never_leaves_its_plan() -> None:
    """A van of another day may come by, but whoever looks for the stop looks in its own plan."""
    assert asked(plan(LONG), plans=[1, 2]).best() == [None]


def test_a_stop_goes_only_where_it_is_served() -> None:
    """Skills and room of the other van count, and its own promises."""
    cold_too = stop(1, 10, MORNING, minutes=30, skills=["fridge"])
    assert asked(plan(cold_too)).best() == [None]
    small = replace(PLAIN, capacity=Capacity(parcels=1))
    busy = [stop(2, 1, MORNING, minutes=1)]
    assert asked(plan(LONG, second=busy)).best() != [None]
    assert asked(plan(LONG, second=busy, plain=small)).best() == [None]
    assert asked(plan(LONG, second=[stop(2, -5, hours(8, 8.2), minutes=40)])).best() == [None]


def test_the_room_of_the_stop_that_leaves_is_the_newcomers() -> None:
    """A van that is full by weight takes one for another, but not more than it gave."""
    full = replace(COLD, capacity=Capacity(grams=10))
    heavy = stop(1, 10, load=Load(parcels=1, grams=8))
    there = [route(heavy, of=full), route(of=PLAIN)]
    for grams, found in ((10, True), (11, False)):
        wish = visit(20, skills=["fridge"], load=Load(parcels=1, grams=grams))
        assert (asked(there, wish).best()[0] is not None) == found


def test_every_window_is_answered_by_itself() -> None:
    """Where one stop can leave and another cannot, one window is offered and the other is not."""
    cold = shift("cold", end=10, skills=["fridge"])
    early = stop(1, 10, hours(8, 8.5), minutes=30)
    late = replace(stop(2, 10, hours(9, 9.5), minutes=40), flags=StopFlag.PINNED)
    windows = [hours(8, 8.5), hours(9.25, 9.5)]
    found = asked([route(early, late, of=cold), route(of=PLAIN)], FROZEN, windows).best()
    assert [proof is not None for proof in found] == [True, False]


def test_a_month_that_is_sold_out_is_not_tried_day_by_day() -> None:
    """Work is capped: windows beyond the first so many are answered as before, with nothing."""
    later = [hours(24 * day, 24 * day + 1) for day in range(1, MOST_WINDOWS + 3)]
    found = asked(plan(LONG), windows=[MORNING, *later]).best()
    assert len(found) == 1 + len(later)
    assert found[0] is not None
    assert not any(found[1:])
    assert asked(plan(LONG), windows=[*later, MORNING]).best() == [None] * (1 + len(later))


def test_asking_again_asks_no_roads_again() -> None:
    """Ways between a stop and another van's gaps are remembered, by engine; only the newcomer's are asked.

    Also when the other van has changed meanwhile, here by a stop at the depot's door: the ways have not.
    """
    roads, before = _Counting(), plan(LONG)
    booked_since = plan(LONG, second=[stop(2, 0, hours(8, 9))])
    sweeps = Sweeps(calm_world())
    counts = []
    for engine, there in (
        (roads, before),
        (roads, before),
        (roads, booked_since),
        (replace(roads, fingerprint=7), before),
    ):
        roads.asked.clear()
        search = Ejection(
            sweeps,
            sweeps.of(there, NOW),
            np.ones(2, dtype=bool),
            np.zeros(2, dtype=np.int64),
            FROZEN,
            [MORNING],
            engine,
            NOW,
        )
        assert search.best() != [None]
        counts.append(sum(roads.asked))
    assert counts == [6, 4, 4, 6]


def test_all_the_choices_hold() -> None:
    """Writers that meet spread over them."""
    three = [*plan(LONG), route(of=shift("third", end=9))]
    proofs = asked(three).choices()
    assert len(proofs) == 2
    assert all(proof.holds and proof.moved for proof in proofs)


def test_a_move_is_for_those_who_need_one() -> None:
    """A place that needs no room is written by `with_stop`."""
    (proof,) = direct(plan(), FROZEN, [MORNING])
    assert proof is not None
    newcomer = FROZEN.stop(NOBODY, MORNING)
    assert with_stop(proof.candidate, newcomer, STREET, NOW, calm_world()) is not None
    with pytest.raises(ValueError, match="nobody makes room"):
        with_room_made(proof, newcomer, STREET, NOW, calm_world())


def test_a_move_is_judged_again_when_it_is_carried_out() -> None:
    """The roads say otherwise by then: nothing is written."""
    (proof,) = asked(plan(LONG)).best()
    assert proof is not None
    jammed = Street(seconds_a_house=120)
    newcomer = FROZEN.stop(NOBODY, MORNING)
    assert with_room_made(proof, newcomer, jammed, NOW, calm_world()) is None


visits = st.builds(
    Visit,
    location=st.integers(-40, 40).map(house),
    node=st.just(-1),
    load=loads,
    skills=st.sets(st.sampled_from(["fridge"])).map(frozenset),
    service_time=st.integers(0, 1800),
)
slots = st.integers(7, 17).map(lambda start: hours(start, start + 1))


@st.composite
def crowded(draw: st.DrawFn) -> list[Route]:
    """Up to four vans of one day, all stops different."""
    drawn = draw(st.lists(routes(ghosts=False), min_size=2, max_size=4))
    return [
        replace(
            each,
            shift=replace(each.shift, shift_id=f"shift-{number}"),
            stops=_renamed(each, 100 * number),
        )
        for number, each in enumerate(drawn, start=1)
    ]


def _renamed(of: Route, first: int) -> np.ndarray:
    stops = of.stops.copy()
    stops["stop_id"] = first + np.arange(len(stops))
    return stops


@given(crowded(), visits, st.lists(slots, min_size=1, max_size=3, unique_by=lambda each: each.start))
@settings(max_examples=300, deadline=None)
def test_whoever_makes_room_is_no_worse_off(
    plan_: list[Route], wish: Visit, windows: list[TimeWindow]
) -> None:
    """On any day: every stop once, pinned ones unmoved, nobody below the target or what it had."""
    circumstances = Circumstances(travel=STREET, world=restless_world(), now=NOW)
    for proof in asked(plan_, wish, windows, world=restless_world()).best():
        if proof is None:
            continue
        event("room was made")
        newcomer = wish.stop(9, proof.candidate.window)
        if proof.moved is None:
            event("nobody had to")
            alone = with_stop(proof.candidate, newcomer, STREET, NOW, circumstances.world)
            changed = () if alone is None else (alone,)
        else:
            changed = with_room_made(proof, newcomer, STREET, NOW, circumstances.world) or ()
        by_shift = {each.shift.shift_id: each for each in changed}
        assert len(by_shift) == (1 if proof.moved is None else 2)
        after = [by_shift.get(each.shift.shift_id, each) for each in plan_]
        assert sum(map(driving, after)) - sum(map(driving, plan_)) == proof.extra
        here = Place(location=wish.location, node=wish.node)
        longer = sum(metres(*way) for way in detours(proof, here)) - metres_saved(proof)
        assert sum(map(length, after)) - sum(map(length, plan_)) == longer
        nobodys = route(newcomer, of=replace(shift("nobody"), vehicle_id=""))
        without = replace(nobodys, stops=nobodys.stops[:0])
        was, then = circumstances.see([*plan_, nobodys]), circumstances.see([*after, without])
        assert broken_rule(was, then, NOW) is None
        assert not wronged(was, then, NOW, circumstances.world.target)
        everyone = sorted(stop_id for each in plan_ for stop_id in ids(each))
        assert sorted(stop_id for each in after for stop_id in ids(each)) == sorted([*everyone, 9])
        place = changed[0].index_of(9)
        assert place is not None
        assert judge([changed[0]], NOW, circumstances.world)[0].kept[place] >= circumstances.world.target
        assert live(changed[0].stops, NOW)[place]
        assert proof.candidate.window.end - proof.candidate.window.start == HOUR
