"""Runs of the worker: what they improve, what they never touch, and what becomes of bookings meanwhile."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import pytest

from chalicelib.dispatch.improving import REBASES
from chalicelib.dispatch.model import LONGEST_RUN, Replan, ReplanState, Work
from chalicelib.dispatch.service import Dispatch, Job
from chalicelib.dispatch.store import PlanChanges
from chalicelib.errors import NotFound, StaleWrite
from chalicelib.events import FactKind
from chalicelib.fleet.ids import promise_id
from chalicelib.fleet.plans import UNASSIGNED, PlanKey
from chalicelib.receipts import no_receipt
from chalicelib.routing.model import Location, StopFlag
from chalicelib.routing.optimiser import Budget, EngineFailed, engine_for
from chalicelib.routing.optimiser.problem import Orders, Problem
from tests.promises.shop import TENANT, TODAY, Shop, a_vehicle, at

PLAN = PlanKey(depot_id="porto", day=TODAY)
# Two streets at opposite ends of the town, sold in turns: each van drives to both.
NORTH = [Location(lat=41.20 + step / 500, lon=-8.61) for step in range(4)]
SOUTH = [Location(lat=41.10 - step / 500, lon=-8.61) for step in range(4)]


class Solver:
    """The real engines, counting the problems they get; something may happen while they think."""

    def __init__(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        self.problems = 0
        self._meanwhile = meanwhile

    def improve(self, problem: Problem, budget: Budget) -> Orders:
        self.problems += 1
        orders = engine_for(problem).improve(problem, budget)
        self._meanwhile()
        return orders


@dataclass
class Ticking:
    """A clock that goes on with every look, so that a budget is a number of steps."""

    now: float = 0.0

    def __call__(self) -> float:
        self.now += 0.002
        return self.now


@dataclass
class Office:
    """A shop and the worker behind it."""

    shop: Shop
    solver: Any = field(default_factory=Solver)
    pauses: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dispatch = Dispatch(
            self.shop.store,
            self.shop.planner,
            engine=lambda: self.solver,
            new_number=lambda: next(self.shop.ids),
            clock=Ticking(),
            pause=self.pauses.append,
        )

    def ask(self) -> Replan:
        return self.dispatch.ask(TENANT, "porto", TODAY, self.shop.now, no_receipt)

    def run(self, *, number: int | None = None, replan_id: str | None = None) -> Replan:
        job = Job(plan=PLAN, number=number, replan_id=replan_id)
        return self.dispatch.run(TENANT, job, self.shop.now, seconds=20.0)

    def shifts(self) -> dict[int, str]:
        """Which shift has which stop."""
        stored = self.shop.store.routes(TENANT, "porto", first=TODAY, last=TODAY, consistent=True)
        return {stop.stop_id: route.shift.shift_id for _, route in stored for stop in route.all_stops()}

    def facts(self, kind: FactKind) -> list[Any]:
        return [fact for _, facts in self.shop.store.outbox for fact in facts if fact.kind is kind]


def bought(shop: Shop, hours: tuple[int, ...] = (10, 12, 14, 16)) -> list[int]:
    """Sell one delivery at either end of the town in each of these slots."""
    made = []
    for step, hour in enumerate(hours):
        for name, street in (("north", NORTH), ("south", SOUTH)):
            confirmed = shop.buy(at(hour), street[step], f"{name}-{hour}")
            made.append(confirmed.promise.stop_id)
    return made


@pytest.fixture
def office() -> Office:
    """A shop with two vans, eight promises, and both vans crossing the town."""
    shop = Shop(vehicles=[a_vehicle()])
    bought(shop)
    shop.fleet.put_vehicle(TENANT, "porto", a_vehicle(2), shop.now)
    return Office(shop)


def test_run_improves_the_plan_and_loses_nothing(office: Office) -> None:
    """One van did all of it; two of them drive less, and every stop is there exactly once."""
    before = sorted(office.shifts())
    done = office.run()
    assert done.state is ReplanState.APPLIED
    assert done.seconds_saved > 0
    assert done.moves
    assert sorted(office.shifts()) == before
    assert done.standing is not None
    assert (done.standing.kept, done.standing.at_risk, done.standing.broken) == (len(before), 0, 0)


def test_run_tells_what_it_moved_and_asks_for_no_other(office: Office) -> None:
    """The fact names promises and shifts; it is no reason for another look."""
    asked = len(office.facts(FactKind.PLAN_CHANGED))
    done = office.run()
    told = [move for fact in office.facts(FactKind.PLAN_REPLANNED) for move in fact.data["moves"]]
    shifts = office.shifts()
    assert {(move["promise_id"], move["to"]) for move in told} == {
        (promise_id(move.stop_id), shifts[move.stop_id]) for move in done.moves
    }
    assert len(office.facts(FactKind.PLAN_CHANGED)) == asked


def test_second_run_finds_nothing_better_and_says_so(office: Office) -> None:
    """A replan that changes nothing writes no route."""
    office.run()
    stored = office.shop.store.routes(TENANT, "porto", first=TODAY, last=TODAY, consistent=True)
    again = office.run()
    assert (again.state, again.why) == (ReplanState.UNCHANGED, "Nothing better was found.")
    assert stored == office.shop.store.routes(TENANT, "porto", first=TODAY, last=TODAY, consistent=True)


def test_run_covers_every_request_made_before_it_began(office: Office) -> None:
    """Three bookings, one run's work; the fourth, which came later, is another's."""
    numbers = [office.dispatch.request(TENANT, PLAN, Work.IMPROVE) for _ in range(3)]
    office.run(number=numbers[0])
    worked = office.solver.problems
    assert office.run(number=numbers[2]).state is ReplanState.SUPERSEDED
    assert office.solver.problems == worked
    newest = office.dispatch.request(TENANT, PLAN, Work.IMPROVE)
    assert office.run(number=newest).state is not ReplanState.SUPERSEDED


def test_request_that_comes_while_a_run_is_under_way_is_not_covered(office: Office) -> None:
    """The run read the plan before: what asked later would be swallowed."""
    late: list[int] = []
    office.solver = Solver(lambda: late.append(office.dispatch.request(TENANT, PLAN, Work.IMPROVE)))
    office.run(number=office.dispatch.request(TENANT, PLAN, Work.IMPROVE))
    assert office.shop.store.requests(TENANT, PLAN, Work.IMPROVE).done < late[0]


def test_replan_that_was_asked_for_answers_by_its_id(office: Office) -> None:
    """Queued, then applied, with what came of it."""
    asked = office.ask()
    assert office.dispatch.replan(TENANT, asked.replan_id, office.shop.now).state is ReplanState.QUEUED
    (fact,) = office.facts(FactKind.PLAN_CHANGED)[-1:]
    assert fact.data["replan_id"] == asked.replan_id
    done = office.run(number=office.dispatch.request(TENANT, PLAN, Work.IMPROVE), replan_id=asked.replan_id)
    assert office.dispatch.replan(TENANT, asked.replan_id, office.shop.now) == done
    assert done.state is ReplanState.APPLIED


def test_job_that_comes_twice_has_one_effect(office: Office) -> None:
    """The second finds its replan finished."""
    asked = office.ask()
    number = office.dispatch.request(TENANT, PLAN, Work.IMPROVE)
    first = office.run(number=number, replan_id=asked.replan_id)
    worked = office.solver.problems
    assert office.run(number=number, replan_id=asked.replan_id) == first
    assert office.solver.problems == worked


def test_replan_that_a_later_run_covered_is_superseded(office: Office) -> None:
    """Jobs out of order: nobody waits for an answer that never comes."""
    asked = office.ask()
    number = office.dispatch.request(TENANT, PLAN, Work.IMPROVE)
    office.run(number=office.dispatch.request(TENANT, PLAN, Work.IMPROVE))
    late = office.run(number=number, replan_id=asked.replan_id)
    assert (late.state, bool(late.why)) == (ReplanState.SUPERSEDED, True)
    assert office.dispatch.replan(TENANT, asked.replan_id, office.shop.now) == late


def test_replan_whose_worker_died_has_failed(office: Office) -> None:
    """It is not seen as running for ever."""
    asked = office.ask()
    begun = replace(asked, version=1, state=ReplanState.RUNNING, began_at=office.shop.now)
    office.shop.store.commit_plan(TENANT, PlanChanges(replan=begun))
    alive = office.dispatch.replan(TENANT, asked.replan_id, office.shop.now + LONGEST_RUN)
    dead = office.dispatch.replan(TENANT, asked.replan_id, office.shop.now + LONGEST_RUN + 1)
    assert (alive.state, dead.state) == (ReplanState.RUNNING, ReplanState.FAILED)


def test_run_that_was_killed_is_done_by_the_next_try(office: Office) -> None:
    """The replan is running already when the job comes again."""
    asked = office.ask()
    begun = replace(asked, version=1, state=ReplanState.RUNNING, began_at=office.shop.now)
    office.shop.store.commit_plan(TENANT, PlanChanges(replan=begun))
    assert office.run(replan_id=asked.replan_id).state is ReplanState.APPLIED


def test_unknown_depot_and_replan_are_not_found(office: Office) -> None:
    """The same for what is another merchant's."""
    with pytest.raises(NotFound):
        office.dispatch.ask(TENANT, "elsewhere", TODAY, office.shop.now, no_receipt)
    with pytest.raises(NotFound):
        office.dispatch.replan(TENANT, "rpl_0000000000000", office.shop.now)


def test_job_for_a_depot_that_is_gone_ends(office: Office) -> None:
    """An old job finds nothing to do, and is not tried again."""
    job = Job(plan=PlanKey(depot_id="elsewhere", day=TODAY), number=1)
    assert office.dispatch.run(TENANT, job, office.shop.now, seconds=5).state is ReplanState.FAILED


def test_booking_that_slips_in_stands_and_the_plan_is_improved_all_the_same(office: Office) -> None:
    """The change is put on the routes as they are by then."""
    orders = count(1)

    def book() -> None:
        if next(orders) == 1:
            office.shop.buy(at(8), NORTH[3], "slipped-in")

    before = len(office.shifts())
    office.solver = Solver(book)
    done = office.run()
    assert done.state is ReplanState.APPLIED
    assert len(office.shifts()) == before + 1
    assert done.standing is not None
    assert done.standing.kept == before + 1


def test_without_its_versions_a_change_would_lose_the_booking_that_slipped_in(office: Office) -> None:
    """Control: the same change, written over whatever is there, drops the stop."""
    store = office.shop.store
    commit = store.commit_plan

    def forced(tenant: Any, changes: PlanChanges) -> None:
        current = {
            route.shift.shift_id: route.version
            for _, route in store.routes(tenant, "porto", first=TODAY, last=TODAY, consistent=True)
        }
        routes = tuple(
            replace(write, route=replace(write.route, version=current.get(write.route.shift.shift_id, 0)))
            for write in changes.routes
        )
        commit(tenant, replace(changes, routes=routes))

    slipped: list[int] = []

    def book() -> None:
        if not slipped:
            slipped.append(office.shop.buy(at(8), NORTH[3], "slipped-in").promise.stop_id)
            store.commit_plan = forced

    office.solver = Solver(book)
    office.run()
    assert slipped[0] not in office.shifts()


def test_plan_that_is_booked_faster_than_it_is_improved_is_left_as_it_is(office: Office) -> None:
    """A commit that is refused every time is given up after a few tries, and says so."""
    before = office.shifts()

    def refused(*_: Any) -> None:
        raise StaleWrite("a route changed")

    office.shop.store.commit_plan = refused
    done = office.run()
    assert (done.state, office.shifts()) == (ReplanState.UNCHANGED, before)
    assert office.pauses[:REBASES] == list(range(1, 1 + REBASES))
    assert done.why is not None
    assert "Bookings were faster" in done.why


def test_two_workers_on_one_plan_lose_nothing(office: Office) -> None:
    """Another run comes and goes while the first one thinks."""
    other = Office(office.shop)
    runs = count(1)
    office.solver = Solver(lambda: other.run() if next(runs) == 1 else None)
    before = sorted(office.shifts())
    office.run()
    assert sorted(office.shifts()) == before


@dataclass(frozen=True)
class Broken:
    """A solver that is no help."""

    answer: Callable[[Problem], Orders]

    def improve(self, problem: Problem, budget: Budget) -> Orders:
        return self.answer(problem)


def crash(_: Problem) -> Orders:
    raise EngineFailed("the solver crashed")


def nonsense() -> Iterator[tuple[str, Callable[[Problem], Orders]]]:
    yield "crashes", crash
    yield "loses every stop", lambda problem: tuple(() for _ in problem.vans)
    yield "doubles stops", lambda problem: tuple(tuple(range(len(problem.tasks))) for _ in problem.vans)
    yield "invents stops", lambda problem: tuple((99,) for _ in problem.vans)
    yield "has no better idea", lambda problem: problem.orders


@pytest.mark.parametrize(("how", "answer"), list(nonsense()), ids=[how for how, _ in nonsense()])
def test_solver_that_is_no_help_does_no_harm(
    office: Office, how: str, answer: Callable[[Problem], Orders]
) -> None:
    """The plan stays, the replan says why, the requests count as covered."""
    before = office.shifts()
    office.solver = Broken(answer)
    done = office.run(number=office.dispatch.request(TENANT, PLAN, Work.IMPROVE))
    assert (done.state, office.shifts()) == (ReplanState.UNCHANGED, before)
    assert done.why
    assert office.shop.store.requests(TENANT, PLAN, Work.IMPROVE).done == 1


def test_promises_of_a_van_that_was_withdrawn_find_another(office: Office) -> None:
    """They wait in the plan's unassigned route, and the next run gives them a van."""
    office.shop.fleet.delete_shift(TENANT, "porto", f"porto.van-1.{TODAY}.0800", office.shop.now)
    waiting = [stop for stop, shift in office.shifts().items() if shift == UNASSIGNED]
    assert waiting
    done = office.run()
    assert done.state is ReplanState.APPLIED
    assert UNASSIGNED not in office.shifts().values()
    assert sorted(move.stop_id for move in done.moves if move.left is None) == sorted(waiting)


def test_promise_that_no_van_can_take_stays_unassigned_and_at_risk(office: Office) -> None:
    """It is never dropped, and every run says that it is at risk."""
    shop = office.shop
    for van in (1, 2):
        shop.fleet.delete_shift(TENANT, "porto", f"porto.van-{van}.{TODAY}.0800", shop.now)
    before = office.shifts()
    done = office.run()
    assert office.shifts() == before
    assert done.standing is not None
    assert done.standing.at_risk == len(before)


def test_loaded_vans_keep_what_they_have(office: Office) -> None:
    """After loading no parcel changes vans, and the run says why nothing did."""
    before = office.shifts()
    office.shop.now = at(8)
    done = office.run()
    assert (done.state, office.shifts()) == (ReplanState.UNCHANGED, before)
    assert done.why == "No van of this plan can be changed any more."


def test_pinned_stop_stays_on_its_shift(office: Office) -> None:
    """A human put it there."""
    store = office.shop.store
    (found,) = store.routes(TENANT, "porto", first=TODAY, last=TODAY, consistent=True)
    route = found[1]
    for index in range(len(route.stops)):
        route = route.marked(index, flags=int(StopFlag.PINNED))
    plans = office.shop.planner.read(
        TENANT, store.depot(TENANT, "porto"), TODAY, TODAY, now=office.shop.now, consistent=True
    )
    store.commit_plan(TENANT, PlanChanges(routes=(plans.write(route),)))
    before = office.shifts()
    office.run()
    assert office.shifts() == before


def test_held_place_may_move_and_is_confirmed_where_it_is(office: Office) -> None:
    """A hold is a stop like any other; its buyer notices nothing."""
    shop = office.shop
    hold = shop.hold(shop.offer(at(8), NORTH[3]), "cart-of-a-hold")
    office.run()
    made = shop.confirm(hold, "order-of-a-hold")
    assert not made.renewed
    assert made.promise.stop_id == hold.stop_id
