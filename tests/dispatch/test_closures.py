"""A day or an hour in which nothing is delivered: what the worker moves out of it, and what must stay."""

from chalicelib.dispatch.model import ReplanState
from chalicelib.dispatch.service import Dispatch, Job
from chalicelib.dispatch.store import PlanChanges
from chalicelib.events import FactKind
from chalicelib.fleet.ids import promise_id
from chalicelib.fleet.model import Closure
from chalicelib.fleet.plans import UNASSIGNED, PlanKey
from chalicelib.fleet.risk import Cause, Risk, Visit
from chalicelib.promises.importing import ImportState, ImportWish
from chalicelib.promises.search import SlotQuery
from chalicelib.receipts import no_receipt
from chalicelib.routing.edit import reordered
from chalicelib.routing.model import Location, TimeWindow
from tests.dispatch.test_service import Solver, Ticking, bought
from tests.promises.shop import TENANT, TODAY, Shop, a_depot, a_vehicle, an_order, at

PLAN = PlanKey(depot_id="porto", day=TODAY)
NORTH, FARTHER_NORTH = Location(lat=41.17, lon=-8.61), Location(lat=41.20, lon=-8.61)


def shut(shop: Shop, *closed: tuple[int, int]) -> tuple[str, ...]:
    """Close the depot from hour to hour; gives what this endangers."""
    closures = tuple(Closure(from_at=at(start), to_at=at(end), reason="Marathon") for start, end in closed)
    return shop.fleet.put_depot(TENANT, a_depot(closures=closures), shop.now).at_risk


def improved(shop: Shop) -> ReplanState:
    dispatch = Dispatch(
        shop.store,
        shop.planner,
        engine=Solver,
        new_number=lambda: next(shop.ids),
        clock=Ticking(),
        pause=shop.pauses.append,
    )
    return dispatch.run(TENANT, Job(plan=PLAN), shop.now, seconds=20.0).state


def taken(shop: Shop, name: str, hours: tuple[int, int], where: Location = NORTH) -> tuple[int, ImportState]:
    """Import an order with a window from hour to hour; gives its stop and what became of it."""
    window = TimeWindow(start=at(hours[0]), end=at(hours[1]))
    wish = ImportWish(order=an_order(name), wanted=SlotQuery(location=where), window=window)
    imported = shop.importing.take(TENANT, wish, shop.now, no_receipt)
    assert imported.promise is not None
    return imported.promise.stop_id, imported.state


def looked_at(shop: Shop) -> list[str]:
    """Plans that somebody asked to look at because of closures."""
    return [
        fact.subject
        for _, facts in shop.store.outbox
        for fact in facts
        if fact.kind is FactKind.PLAN_CHANGED and fact.data["why"] == "closures"
    ]


def stands(shop: Shop, stop_id: int) -> Visit:
    """How a promise stands in the plan."""
    report = shop.fleet.plan(TENANT, "porto", TODAY, shop.now)
    rows = [*(route.visits for route in report.routes), report.unassigned]
    return next(visit for row in rows for visit in row if visit.stop.stop_id == stop_id)


def late_second() -> tuple[Shop, int]:
    """A van that drives to the far promise after the near one, though it might well go there first."""
    shop = Shop()
    near, _ = taken(shop, "near", (10, 12))
    far, _ = taken(shop, "far", (8, 12), FARTHER_NORTH)
    (found,) = shop.store.routes(TENANT, "porto", first=TODAY, last=TODAY, consistent=True)
    route = found[1]
    order = [(route, route.index_of(stop_id)) for stop_id in (near, far)]
    plans = shop.planner.read(TENANT, shop.depot, TODAY, TODAY, now=shop.now, consistent=True)
    changed = reordered(route, [(route, index or 0) for route, index in order], shop.travel)
    shop.store.commit_plan(TENANT, PlanChanges(routes=(plans.write(changed),)))
    return shop, far


def test_closure_asks_for_a_look_at_each_plan_it_touches_and_at_no_other() -> None:
    """When it is put, and when it is taken back; a closure nobody is promised in is nobody's business."""
    shop = Shop()
    taken(shop, "near", (10, 12))
    shut(shop, (11, 13))
    assert looked_at(shop) == [str(PLAN)]
    shut(shop, (11, 13), (14, 16))
    assert looked_at(shop) == [str(PLAN)]
    shut(shop)
    assert looked_at(shop) == [str(PLAN)] * 2


def test_closure_that_only_stops_the_sale_asks_for_nothing() -> None:
    """What was sold is delivered as planned."""
    shop = Shop()
    taken(shop, "near", (10, 12))
    closure = Closure(from_at=at(8), to_at=at(18), reason="Full enough", deliver=True)
    put = shop.fleet.put_depot(TENANT, a_depot(closures=(closure,)), shop.now)
    assert (put.at_risk, looked_at(shop)) == ((), [])


def test_promise_planned_inside_a_closure_is_moved_before_it() -> None:
    """At risk as soon as the closure is put, kept again after the run; its window never changed."""
    shop, far = late_second()
    assert promise_id(far) in shut(shop, (10, 18))
    assert stands(shop, far).risk is Risk.AT_RISK
    assert improved(shop) is ReplanState.APPLIED
    moved = stands(shop, far)
    assert (moved.risk, moved.cause) == (Risk.KEPT, None)
    assert moved.planned_at is not None
    assert moved.planned_at < at(10)
    assert (moved.stop.window.start, moved.stop.window.end) == (at(8), at(12))


def test_without_the_closure_the_run_leaves_the_promise_where_it_is() -> None:
    """Control: both orders drive the same, so nothing else would have moved it."""
    shop, far = late_second()
    assert improved(shop) is ReplanState.UNCHANGED
    assert (stands(shop, far).planned_at or 0) > at(10)


def test_promise_that_lies_in_a_closure_altogether_stays_at_risk_until_it_is_reopened() -> None:
    """It keeps its van and its window; no replan can help, and none drops it."""
    shop = Shop(vehicles=[a_vehicle(), a_vehicle(2)])
    stop_id, _ = taken(shop, "near", (10, 12))
    assert shut(shop, (9, 13)) == (promise_id(stop_id),)
    improved(shop)
    barred = stands(shop, stop_id)
    assert (barred.risk, barred.cause, barred.kept) == (Risk.AT_RISK, Cause.CLOSED, 0.0)
    shut(shop)
    assert stands(shop, stop_id).risk is Risk.KEPT


def test_promise_that_nothing_helps_keeps_no_other_from_being_improved() -> None:
    """Two vans cross the town; the plan gets better though two of its promises stay at risk."""
    shop = Shop(vehicles=[a_vehicle()])
    bought(shop)
    shop.fleet.put_vehicle(TENANT, "porto", a_vehicle(2), shop.now)
    at_risk = shut(shop, (16, 18))
    assert len(at_risk) == 2
    assert improved(shop) is ReplanState.APPLIED
    counts = shop.fleet.plan(TENANT, "porto", TODAY, shop.now).counts
    assert (counts[Risk.KEPT], counts[Risk.AT_RISK], counts[Risk.BROKEN]) == (6, 2, 0)


def test_import_into_a_closure_waits_at_risk_with_its_reason() -> None:
    """No route gets it, no run gives it a van while the closure stands, and the first one after does."""
    shop = Shop()
    shut(shop, (9, 13))
    stop_id, state = taken(shop, "near", (10, 12))
    assert state is ImportState.UNASSIGNED
    for _ in range(2):
        waits = stands(shop, stop_id)
        assert (waits.risk, waits.cause, waits.planned_at) == (Risk.AT_RISK, Cause.CLOSED, None)
        improved(shop)
    shut(shop)
    assert stands(shop, stop_id).cause is Cause.NO_VAN
    improved(shop)
    assert stands(shop, stop_id).risk is Risk.KEPT


def test_import_beside_a_closure_is_planned_outside_it() -> None:
    """A part of the window is enough."""
    shop = Shop()
    shut(shop, (8, 11))
    stop_id, state = taken(shop, "near", (10, 12))
    visit = stands(shop, stop_id)
    assert (state, visit.planned_at, visit.risk) == (ImportState.INSERTED, at(11), Risk.KEPT)


def test_van_withdrawn_on_a_closed_morning_leaves_its_promises_to_the_afternoon() -> None:
    """What waits is posed with the narrower window too."""
    shop = Shop(vehicles=[a_vehicle(), a_vehicle(2)])
    stop_id, _ = taken(shop, "near", (8, 12))
    shut(shop, (6, 11))
    holder = next(
        route.shift.shift_id
        for _, route in shop.store.routes(TENANT, "porto", first=TODAY, last=TODAY, consistent=True)
    )
    shop.fleet.delete_shift(TENANT, "porto", holder, shop.now)
    assert shop.store.route(TENANT, "porto", TODAY, UNASSIGNED).index_of(stop_id) == 0
    assert improved(shop) is ReplanState.APPLIED
    visit = stands(shop, stop_id)
    assert (visit.planned_at, visit.risk) == (at(11), Risk.KEPT)
