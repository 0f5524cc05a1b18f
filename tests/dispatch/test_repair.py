"""Repairs on the road: whoever is in trouble is helped, whoever is not is left alone, nothing is lost."""

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.dispatch.model import Replan, ReplanState, Work
from chalicelib.dispatch.repairing import LOOKS
from chalicelib.dispatch.service import Job
from chalicelib.dispatch.store import PlanChanges
from chalicelib.errors import StaleWrite
from chalicelib.events import FactKind, Tenant
from chalicelib.fleet.plans import RouteWrite
from chalicelib.fleet.progress import Incident, Progress, Served, Sighting, Trouble
from chalicelib.motion.store import MotionChanges
from chalicelib.routing.altered import Altered, Cause
from chalicelib.routing.model import Location, StopKind
from chalicelib.routing.packed import Route
from tests.dispatch.test_service import PLAN, Office
from tests.fakes_store import InMemoryStore
from tests.promises.shop import TENANT, Shop, a_vehicle, at

VAN, OTHER = "porto.van-1.2026-11-24.0800", "porto.van-2.2026-11-24.0800"
NEAR = [Location(lat=41.15 + step / 200, lon=-8.61) for step in range(4)]
FAR = Location(lat=41.30, lon=-8.61)


class Town(Office):
    """An office whose vans are on the road."""

    def repair(self, *, number: int | None = None, replan_id: str | None = None) -> Replan:
        job = Job(plan=PLAN, work=Work.REPAIR, number=number, replan_id=replan_id)
        return self.dispatch.run(TENANT, job, self.shop.now, seconds=10.0)

    def hear(self, shift_id: str, **facts: Any) -> None:
        """A van has left at eight; `facts` say what else is known of it."""
        new = Progress(shift_id=shift_id, plan=PLAN, departed_at=at(8), milestones=1)
        progress = replace(self.shop.store.progress(TENANT, PLAN, shift_id) or new, **facts)
        self.shop.store.commit_motion(TENANT, MotionChanges(progress=progress))

    def route(self, shift_id: str) -> Route:
        """The route of a shift, as it is stored."""
        found = self.shop.store.route(TENANT, PLAN.depot_id, PLAN.day, shift_id)
        assert found is not None
        return found

    def order(self, shift_id: str) -> list[int]:
        """The stops of a shift."""
        return [stop.stop_id for stop in self.route(shift_id).all_stops()]


def a_town() -> Town:
    """One van with a far delivery from ten to twelve, and three near ones from twelve to two."""
    shop = Shop()
    shop.buy(at(10), FAR, "far")
    for step in range(3):
        shop.buy(at(12), NEAR[step], f"near-{step}")
    return Town(shop)


@pytest.fixture
def town() -> Town:
    """As `a_town` has it."""
    return a_town()


def test_nobody_in_trouble_is_left_alone(town: Town) -> None:
    """A van that nothing was heard of is where its plan says; no route is written, no solver asked."""
    town.shop.now = at(11)
    done = town.repair()
    assert (done.state, done.why) == (ReplanState.UNCHANGED, "Nobody is in trouble.")
    assert town.solver.problems == 0
    assert done.standing is not None
    assert done.standing.broken == 0


def test_late_van_keeps_what_can_be_kept(town: Town) -> None:
    """An hour and a half late, the far one is lost: it comes last, and three are in time instead of none."""
    far, *near = town.order(VAN)
    town.shop.now = at(12)
    town.hear(VAN, departed_at=None, held_until=at(13, 24))
    done = town.repair()
    assert done.state is ReplanState.APPLIED
    assert town.order(VAN)[-1] == far
    assert sorted(town.order(VAN)) == sorted([far, *near])
    assert done.standing is not None
    assert (done.standing.kept, done.standing.broken) == (3, 1)


def test_its_driver_is_told_what_a_repair_did_and_why(town: Town) -> None:
    """Who has another place now is named, nobody else; it stands in the route that was written."""
    before = town.order(VAN)
    town.shop.now = at(12)
    town.hear(VAN, departed_at=None, held_until=at(13, 24))
    done = town.repair()
    route = town.route(VAN)
    (noted,) = route.altered
    assert (noted.because, noted.by) == (Cause.PROMISE_AT_RISK, done.replan_id)
    assert (noted.version, noted.at) == (route.version, at(12))
    moved = dict(noted.stops)
    assert set(moved.values()) == {Altered.MOVED}
    assert [each for each in town.order(VAN) if each not in moved] == [
        each for each in before if each not in moved
    ]


def test_without_a_repair_all_of_it_is_broken(town: Town) -> None:
    """CONTROL: the same van goes on in its order."""
    town.shop.now = at(12)
    town.hear(VAN, departed_at=None, held_until=at(13, 24))
    town.solver = Idle()
    done = town.repair()
    assert done.state is ReplanState.UNCHANGED
    assert done.standing is not None
    assert done.standing.broken > 1


class Idle:
    """A solver that has nothing to say."""

    def improve(self, problem: Any, budget: Any) -> Any:
        return problem.orders


def test_what_is_behind_stays_behind(town: Town) -> None:
    """A stop that was served keeps its place, and the rest is planned from there."""
    far, first, *rest = town.order(VAN)
    town.shop.now = at(13)
    served = Served(
        stop_id=first, arrived_at=at(12, 30), left_at=at(12, 36), outcome="delivered_to_recipient"
    )
    town.hear(VAN, served=(served,), milestones=3)
    done = town.repair()
    assert town.order(VAN)[0] in (far, first)
    assert sorted(town.order(VAN)) == sorted([far, first, *rest])
    assert done.standing is not None


def test_stranded_van_is_met_by_another(town: Town) -> None:
    """Both vans are out; what the first has on board is fetched where it stands and delivered in time."""
    shop = town.shop
    shop.fleet.put_vehicle(TENANT, "porto", a_vehicle(2), shop.now)
    far, *near = town.order(VAN)
    town.shop.now = at(11)
    served = Served(stop_id=far, arrived_at=at(10, 30), left_at=at(10, 36), outcome="delivered_to_recipient")
    spot = Sighting(location=Location(lat=41.20, lon=-8.61), at=at(10, 54))
    town.hear(VAN, served=(served,), seen=spot, down_at=at(10, 54), milestones=4)
    town.hear(OTHER)
    done = town.repair()
    assert done.state is ReplanState.APPLIED
    assert town.order(VAN) == [far]
    kinds = town.route(OTHER).stops["kind"].tolist()
    assert kinds[0] == StopKind.MEETING
    assert sorted(town.order(OTHER)[1:]) == sorted(near)
    assert {move.stop_id for move in done.moves} == set(near)
    assert done.standing is not None
    assert done.standing.broken == 0
    for shift_id, what, whom in ((VAN, Altered.GONE, near), (OTHER, Altered.NEW, town.order(OTHER))):
        (noted,) = town.route(shift_id).altered
        assert (noted.because, dict(noted.stops)) == (Cause.VAN_BROKE_DOWN, dict.fromkeys(whom, what))


def test_nobody_meets_a_van_that_drives(town: Town) -> None:
    """CONTROL: not broken down, the van keeps what it has, though another is idle."""
    town.shop.fleet.put_vehicle(TENANT, "porto", a_vehicle(2), town.shop.now)
    before = town.order(VAN)
    town.shop.now = at(11)
    town.hear(
        VAN, served=(Served(stop_id=before[0], arrived_at=at(10, 30), left_at=at(10, 36)),), milestones=3
    )
    town.hear(OTHER)
    town.repair()
    assert sorted(town.order(VAN)) == sorted(before)


class Restless(InMemoryStore):
    """A van passes a milestone whenever a repair is about to be written."""

    times = 0
    blind = False

    def commit_plan(self, tenant: Tenant, changes: PlanChanges) -> None:
        if changes.routes and self.times:
            self.times -= 1
            heard = self.progress(tenant, PLAN, VAN)
            assert heard is not None
            further = replace(heard, milestones=heard.milestones + 1)
            self.commit_motion(tenant, MotionChanges(progress=further))
        super().commit_plan(tenant, replace(changes, known=()) if self.blind else changes)


@pytest.fixture
def moving() -> Town:
    """The same day on a store in which vans come further meanwhile."""
    shop = Shop(store=Restless())
    shop.buy(at(10), FAR, "far")
    for step in range(3):
        shop.buy(at(12), NEAR[step], f"near-{step}")
    town = Town(shop)
    shop.now = at(12)
    town.hear(VAN, departed_at=None, held_until=at(13, 24))
    return town


def test_day_that_goes_on_is_looked_at_again(moving: Town) -> None:
    """One milestone meanwhile: nothing of the first answer is written, the second one stands."""
    moving.shop.store.times = 1
    done = moving.repair()
    assert done.state is ReplanState.APPLIED
    assert moving.solver.problems > 1


def test_day_that_never_stands_still_changes_nothing(moving: Town) -> None:
    """After some looks the plan is left as it was, and that is said."""
    before = moving.order(VAN)
    moving.shop.store.times = LOOKS
    done = moving.repair()
    assert (done.state, done.why) == (
        ReplanState.UNCHANGED,
        "The day went on faster than a change, every time.",
    )
    assert moving.order(VAN) == before


def test_without_that_condition_a_stop_that_was_served_is_moved(moving: Town) -> None:
    """CONTROL: a store that does not look at milestones takes the first answer, made from what is over."""
    moving.shop.store.times, moving.shop.store.blind = 1, True
    assert moving.repair().state is ReplanState.APPLIED
    heard = moving.shop.store.progress(TENANT, PLAN, VAN)
    assert heard is not None
    assert heard.milestones == 2


def test_repairs_and_improvements_are_counted_apart(town: Town) -> None:
    """A queue full of bookings never swallows trouble."""
    for _ in range(3):
        town.dispatch.request(TENANT, PLAN, Work.IMPROVE)
    assert town.dispatch.request(TENANT, PLAN, Work.REPAIR) == 1
    town.run(number=3)
    town.shop.now = at(11)
    assert town.repair(number=1).state is not ReplanState.SUPERSEDED
    assert town.repair(number=1).state is ReplanState.SUPERSEDED


def test_a_plan_on_the_road_is_asked_to_be_repaired(town: Town) -> None:
    """Before loading the same question is one for an improvement."""
    town.ask()
    assert [fact.kind for fact in town.shop.store.outbox[-1][1]] == [FactKind.PLAN_CHANGED]
    town.shop.now = at(11)
    town.ask()
    assert [fact.kind for fact in town.shop.store.outbox[-1][1]] == [FactKind.PLAN_TROUBLED]


def test_a_van_that_is_withdrawn_on_the_road_is_trouble(town: Town) -> None:
    """CONTROL: the day before it is a reason to improve."""
    later = Shop()
    later.buy(at(10), FAR, "far")
    later.fleet.delete_shift(TENANT, "porto", VAN, later.now)
    assert [fact.kind for fact in later.store.outbox[-1][1]] == [FactKind.PLAN_CHANGED]
    town.shop.now = at(11)
    town.shop.fleet.delete_shift(TENANT, "porto", VAN, town.shop.now)
    assert [fact.kind for fact in town.shop.store.outbox[-1][1]] == [FactKind.PLAN_TROUBLED]


def test_conflict_on_every_commit_loses_nothing(town: Town) -> None:
    """Whatever the store refuses, the stored day stays whole."""
    before = town.order(VAN)
    town.shop.now = at(12)
    town.hear(VAN, departed_at=None, held_until=at(13, 24))

    def refuse(tenant: Tenant, changes: PlanChanges) -> None:
        raise StaleWrite("always")

    town.shop.store.commit_plan = refuse
    assert town.repair().state is ReplanState.UNCHANGED
    assert town.order(VAN) == before


CLOSED = Incident(
    kind=Trouble.ROAD_CLOSED,
    at=at(11),
    until_at=at(18),
    location=Location(lat=41.155, lon=-8.61),
    radius=300,
)


def test_road_one_driver_found_closed_is_closed_for_all() -> None:
    """Another van's word lengthens the legs past that place; CONTROL: when it is over, nobody goes around."""
    seconds = []
    for until in (at(11, 30), at(18)):
        town = a_town()
        town.shop.fleet.put_vehicle(TENANT, "porto", a_vehicle(2), town.shop.now)
        town.shop.now = at(12)
        town.hear(VAN, departed_at=None, held_until=at(13, 24))
        town.hear(OTHER, incidents=(replace(CLOSED, until_at=until),))
        assert town.repair().state is ReplanState.APPLIED
        seconds.append(driven(town))
    over, closed = seconds
    assert closed > over


def driven(town: Town) -> int:
    """Seconds of driving of the first van's route, as it is stored."""
    route = town.route(VAN)
    return int(route.stops["leg_seconds"].sum()) + route.last_leg.seconds


class Timed(Idle):
    """A solver that finds nothing, and notes how long it could have looked."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def improve(self, problem: Any, budget: Any) -> Any:
        self.seconds.append(budget.left)
        return problem.orders


def test_who_is_asked_again_while_nothing_changed_thinks_longer(town: Town) -> None:
    """Twice as long as the first time; CONTROL: where a route was written meanwhile it is a new question."""
    town.shop.now = at(12)
    town.hear(VAN, departed_at=None, held_until=at(13, 24))
    town.solver = Timed()
    first = []
    for _ in range(3):
        town.solver.seconds.clear()
        town.repair(number=town.dispatch.request(TENANT, PLAN, Work.REPAIR))
        first.append(town.solver.seconds[0])
        if len(first) == 2:
            write = RouteWrite(depot_id=PLAN.depot_id, day=PLAN.day, route=town.route(VAN))
            town.shop.store.commit_motion(TENANT, MotionChanges(routes=(write,)))
    assert first[1] == pytest.approx(2 * first[0], rel=0.2)
    assert first[2] == pytest.approx(first[0], rel=0.2)
