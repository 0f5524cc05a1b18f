"""Which promises are in danger, and why it is said of them."""

from dataclasses import replace

from chalicelib.fleet.calendar import template_shifts, work_clock
from chalicelib.fleet.plans import NOWHERE, unassigned
from chalicelib.fleet.risk import Cause, Risk, Visit, endangered, visits, waiting
from chalicelib.routing.model import Capacity, Stop, StopKind, TimeWindow
from chalicelib.routing.packed import Route, no_stops
from chalicelib.routing.proof import World
from chalicelib.routing.uncertainty import Noise
from tests.fleet.builders import NOW, STRAIGHT, TUESDAY, at, booked, depot, held, stop, van

WORLD = World(clock=work_clock(depot(), TUESDAY, TUESDAY), noise=Noise(), target=0.98)


def route(*stops: Stop, **shift: object) -> Route:
    (described,) = template_shifts(depot(), van(), TUESDAY)
    described = replace(described, **shift)  # type: ignore[arg-type]
    return booked(Route(shift=described, stops=no_stops(), last_leg=NOWHERE), stops)


def judged(of: Route, *closed: TimeWindow) -> list[Visit]:
    (here,) = visits([of], NOW, world=replace(WORLD, closed=closed), travel=STRAIGHT)
    return here


def risks(of: Route, *closed: TimeWindow) -> list[Risk | None]:
    return [visit.risk for visit in judged(of, *closed)]


def causes(of: Route, *closed: TimeWindow) -> list[Cause | None]:
    return [visit.cause for visit in judged(of, *closed)]


def between(first: int, last: int) -> TimeWindow:
    """From hour to hour of that Tuesday."""
    return TimeWindow(start=at(first), end=at(last))


def test_promise_on_a_relaxed_route_is_kept() -> None:
    """An hour and more of slack: planned at nine at the latest, kept almost surely."""
    first, second = judged(route(stop(), stop((10, 12))))
    assert (first.risk, second.risk) == (Risk.KEPT, Risk.KEPT)
    assert second.planned_at == at(10)  # it waits for the window
    assert first.kept is not None
    assert first.kept >= 0.98


def test_promise_whose_odds_fell_below_the_target_is_at_risk() -> None:
    """The plan is in time, the van probably not: the shift starts five minutes before the window ends."""
    (visit,) = judged(route(stop(), starts_at=at(9, 50)))
    assert visit.planned_at is not None
    assert visit.planned_at < at(10)
    assert visit.kept is not None
    assert visit.kept < 0.98
    assert visit.risk is Risk.AT_RISK


def test_promise_whose_plan_is_late_is_broken() -> None:
    """The shift starts after the window has ended."""
    assert risks(route(stop(), starts_at=at(10, 30))) == [Risk.BROKEN]


def test_promises_beyond_a_shorter_shift_are_at_risk_and_the_others_are_not() -> None:
    """F26: noon instead of four: what was promised for the afternoon cannot be brought and be home."""
    stops = [stop(), stop((10, 12)), stop((14, 16))]
    assert risks(route(*stops)) == [Risk.KEPT] * 3
    assert risks(route(*stops, ends_at=at(12))) == [Risk.KEPT, Risk.KEPT, Risk.AT_RISK]
    assert risks(route(*stops, ends_at=at(8, 1))) == [Risk.AT_RISK] * 3


def test_odds_of_the_windows_alone_would_not_see_a_shorter_shift() -> None:
    """F26, control: each window of the afternoon is kept, were the van allowed to stay out."""
    short = judged(route(stop((14, 16)), ends_at=at(12)))
    assert short[0].kept is not None
    assert short[0].kept >= 0.98
    assert short[0].risk is Risk.AT_RISK


def test_parcels_that_no_longer_fit_are_at_risk_from_the_last_stop_on() -> None:
    """A van for three: the stop with which the load exceeds it, and those after it."""
    stops = [stop(parcels=2), stop(parcels=1), stop(parcels=1), stop(parcels=1)]
    found = risks(route(*stops, capacity=Capacity(parcels=3)))
    assert found == [Risk.KEPT, Risk.KEPT, Risk.AT_RISK, Risk.AT_RISK]


def test_promise_that_needs_a_skill_its_van_lost_is_at_risk() -> None:
    """Only that one."""
    stops = [stop(), stop(skills=frozenset({"fridge"}))]
    assert risks(route(*stops)) == [Risk.KEPT, Risk.AT_RISK]
    assert risks(route(*stops, skills=frozenset({"fridge"}))) == [Risk.KEPT, Risk.KEPT]


def test_promise_inside_a_closure_is_at_risk_whatever_the_plan_says() -> None:
    """Nothing is delivered in all of its window: it is never kept, and the others are as they were."""
    first, second = judged(route(stop(), stop((14, 16))), between(7, 11))
    assert (first.risk, first.cause, first.kept) == (Risk.AT_RISK, Cause.CLOSED, 0.0)
    assert (second.risk, second.cause) == (Risk.KEPT, None)


def test_promise_beside_a_closure_is_kept_where_it_is_planned_before_or_after() -> None:
    """A part of its window is enough: planned at eight, or as soon as the closure ends."""
    assert risks(route(stop()), between(9, 11)) == [Risk.KEPT]
    (visit,) = judged(route(stop()), between(7, 9))
    assert (visit.risk, visit.planned_at) == (Risk.KEPT, at(9))


def test_promise_planned_inside_a_closure_is_at_risk_but_not_broken() -> None:
    """Its window is not over when the van is there; the worker may still find a better time."""
    (visit,) = judged(route(stop(), starts_at=at(9)), between(8, 9), between(9, 10))
    assert (visit.risk, visit.cause) == (Risk.AT_RISK, Cause.CLOSED)
    (visit,) = judged(route(stop((8, 12)), starts_at=at(10)), between(9, 11), between(11, 12))
    assert (visit.risk, visit.cause) == (Risk.AT_RISK, Cause.LATE)


def test_cause_is_the_first_thing_that_is_wrong() -> None:
    """What a human may do about it: another slot, another van, fewer parcels, a longer shift, less to do."""
    assert causes(route(stop(skills=frozenset({"fridge"})))) == [Cause.SKILL]
    assert causes(route(stop(parcels=2), capacity=Capacity(parcels=1))) == [Cause.LOAD]
    assert causes(route(stop(), ends_at=at(8, 1))) == [Cause.SHIFT_ENDS]
    assert causes(route(stop(), starts_at=at(9, 50))) == [Cause.LATE]
    assert causes(route(stop(), starts_at=at(10, 30))) == [Cause.LATE]
    assert causes(route(stop(), held(NOW + 60))) == [None, None]
    waits = unassigned(None, depot(), TUESDAY, [stop(), stop((14, 16))])
    found = waiting(waits, NOW, [between(7, 11)])
    assert [visit.cause for visit in found] == [Cause.CLOSED, Cause.NO_VAN]


def test_holds_are_shown_without_a_risk_and_ghosts_not_at_all() -> None:
    """Nothing is promised to a hold yet; an expired one is only a point on the way."""
    live, ghost = held(NOW + 60), held(NOW - 60)
    here = judged(route(live, ghost, stop()))
    assert here[0].stop.stop_id == live.stop_id
    assert [visit.risk for visit in here] == [None, Risk.KEPT]


def test_what_is_done_counts_as_kept() -> None:
    """Whatever the plan thinks of it by now."""
    assert risks(route(replace(stop(), kind=StopKind.DONE), starts_at=at(12))) == [Risk.KEPT]


def test_promise_without_a_van_is_at_risk_until_its_window_has_passed() -> None:
    """Then it is broken."""
    waits = unassigned(None, depot(), TUESDAY, [stop(), held(NOW + 60), held(NOW - 60)])
    assert [visit.risk for visit in waiting(waits, NOW)] == [Risk.AT_RISK, None]
    assert [visit.risk for visit in waiting(waits, at(10, 1))] == [Risk.BROKEN]


def test_endangered_promises_are_named_in_order_of_their_routes() -> None:
    """At risk and broken, no holds."""
    late, fine = route(stop(), held(NOW + 60), starts_at=at(10, 30)), route(stop())
    found = endangered(visits([late, fine], NOW, world=WORLD, travel=STRAIGHT))
    assert found == [late.stop(0).stop_id]
