"""Where one more stop fits: the screen against trying every gap, and what the proof lets through."""

from dataclasses import dataclass, field, replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.routing.insertion import Insertion, Proof
from chalicelib.routing.model import Capacity, Leg, Load, Stop, TimeWindow, Visit
from chalicelib.routing.packed import Route
from chalicelib.routing.proof import World, harmless, judge
from chalicelib.routing.sweeps import Sweeps
from chalicelib.routing.travel_times import Places, Whole, WorkClock
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
    visit,
)
from tests.routing.days_at_random import houses, routes, windows

NOW = THE_DAY_BEFORE
STREET = Street()


def asked(
    some: list[Route],
    wish: Visit,
    wanted: list[TimeWindow],
    world: World,
    *,
    travel: Street = STREET,
    now: int = NOW,
) -> Insertion:
    sweeps = Sweeps(world)
    swept = sweeps.of(some, now)
    return Insertion(sweeps, swept, swept.able(wish), wish, wanted, travel, now)


def best(some: list[Route], wish: Visit, window: TimeWindow, world: World) -> Proof | None:
    return asked(some, wish, [window], world).best()[0]


def with_newcomer(each: Route, gap: int, wish: Visit, window: TimeWindow) -> Route:
    places = [each.shift.start, *(one.location for one in each.all_stops()), each.shift.end]
    around = Places.of([places[gap], wish.location, places[gap + 1]], [-1] * 3)
    seconds, _ = STREET.pairs(around[:2], around[1:])
    newcomer = Stop(
        stop_id=7, location=wish.location, window=window, service_time=wish.service_time, load=wish.load
    )
    leg_in, leg_out = (Leg(seconds=leg, metres=0) for leg in seconds.tolist())
    return each.inserted(gap, newcomer, leg_in, leg_out)


visits = st.builds(
    lambda location, minutes: replace(visit(0, minutes=minutes), location=location),
    location=houses,
    minutes=st.integers(0, 60),
)


@given(st.lists(routes(rests=False, ghosts=False), min_size=1, max_size=3), visits, windows)
def test_without_noise_the_screen_is_exact(some: list[Route], wish: Visit, window: TimeWindow) -> None:
    """The gaps it finds are those in which a route that is on time stays on time, no more and no fewer."""
    world = calm_world()
    open_vans = [replace(each, shift=replace(each.shift, capacity=Capacity())) for each in some]
    whole = [each for each in open_vans if judge([each], NOW, world)[0].sound(0.0)]
    if not whole:
        return
    found = asked(whole, wish, [window], world).look_up().candidates(window, 1000)
    screened = {(id(candidate.route), candidate.gap) for candidate in found}
    tried = {
        (id(each), gap)
        for each in whole
        for gap in range(len(each.stops) + 1)
        if judge([with_newcomer(each, gap, wish, window)], NOW, world)[0].sound(1.0)
    }
    assert screened == tried


@given(st.lists(routes(rests=False), min_size=1, max_size=3), visits, windows)
def test_what_is_proven_is_harmless_when_it_is_done(
    some: list[Route], wish: Visit, window: TimeWindow
) -> None:
    """Every yes carries its certificate: the gap, and the confidence of the route as it would be."""
    world = restless_world()
    proof = best(some, wish, window, world)
    if proof is None:
        return
    candidate = proof.candidate
    before, after = judge(
        [candidate.route, with_newcomer(candidate.route, candidate.gap, wish, window)], NOW, world
    )
    assert harmless(before, after, world.target, new=candidate.gap)
    assert after.kept[candidate.gap] == proof.confidence >= world.target


def test_the_place_with_least_extra_driving_is_taken() -> None:
    """The van that passes anyway, not the one that would go there for it."""
    passing, elsewhere = route(stop(1, 20)), route(stop(2, -20), of=shift("van-2"))
    proof = best([elsewhere, passing], visit(10), hours(8, 18), calm_world())
    assert proof is not None
    assert proof.candidate.route is passing
    assert proof.candidate.extra == 0


def test_one_pass_answers_every_window() -> None:
    """An hour's shift: the first half is free, the second is not."""
    busy = route(stop(1, 5, hours(8.5, 8.5), minutes=20), of=shift(end=8.95))
    early, late = hours(8, 8.25), hours(8.75, 9)
    proofs = asked([busy], visit(5), [early, late], calm_world()).best()
    assert [proof is not None for proof in proofs] == [True, False]


def test_load_and_skills_leave_vans_out() -> None:
    """In every dimension; the van that can take it does."""
    small = route(of=shift("small", capacity=Capacity(parcels=1, grams=1000)))
    cold = route(of=shift("cold", skills=["cold"]))
    for wish in (
        visit(5, load=Load(parcels=2)),
        visit(5, load=Load(parcels=1, grams=1001)),
        visit(5, skills=["cold"]),
    ):
        proof = best([small, cold], wish, hours(8, 18), calm_world())
        assert proof is not None
        assert proof.candidate.route is cold


def test_a_hold_that_runs_out_makes_room_two_seconds_later() -> None:
    """And the memory of the sweep notices."""
    full = route(stop(1, 5, held_until=hour(7)), of=shift(capacity=Capacity(parcels=1)))
    sweeps = Sweeps(calm_world())
    assert not sweeps.of([full], hour(7) + 1).able(visit(5)).any()
    assert sweeps.of([full], hour(7) + 2).able(visit(5)).all()


def test_the_answer_does_not_depend_on_who_stands_beside() -> None:
    """Other vans may be cheaper; they never make this one's promise surer or less sure."""
    alone = best([route(stop(1, 20))], visit(10), hours(9, 11), restless_world())
    crowd = [route(stop(1, 20)), *(route(stop(n, -30), of=shift(f"van-{n}")) for n in range(2, 6))]
    beside = best(crowd, visit(10), hours(9, 11), restless_world())
    assert alone is not None
    assert beside is not None
    assert alone.confidence == beside.confidence


def test_rush_hour_counts() -> None:
    """What an empty road allows, a full one does not."""

    @dataclass(frozen=True)
    class Crawl:
        def work(self, at: object) -> np.ndarray:
            return np.asarray(at, dtype=float) / 3

        def clock(self, work: object) -> np.ndarray:
            return np.asarray(work, dtype=float) * 3

        slowest = fastest = 1 / 3

    window = hours(8, 8.75)
    assert best([route()], visit(30), window, calm_world()) is not None
    crawling: WorkClock = Crawl()  # type: ignore[assignment]
    assert best([route()], visit(30), window, calm_world(clock=crawling)) is None


@dataclass(frozen=True, slots=True)
class Counting(Street):
    """Counts how many places it is asked about."""

    most_places: int = 12
    asked: list[int] = field(default_factory=list)

    def to_one(self, origins: Places, destination: Places) -> Whole:
        self.asked.append(len(origins))
        return Street.to_one(self, origins, destination)


def test_an_engine_on_a_network_is_asked_about_few_places() -> None:
    """Forty vans' gaps, and one look-up of what it says it can bear; the answer is still a proven one."""
    engine = Counting()
    vans = [
        route(*(stop(10 * van + n, n + van / 50) for n in range(1, 8)), of=shift(f"van-{van}"))
        for van in range(40)
    ]
    proof = asked(vans, visit(4), [hours(8, 18)], calm_world(), travel=engine).best()[0]
    assert proof is not None
    assert engine.asked == [12]
