"""What a new description of a shift does to a route that is booked already.

A route keeps its stops when its shift changes, even those that no longer fit: a promise is never cancelled
silently, it is reported at risk. Stops lose their van only when the shift is taken back; then they go to the
plan's unassigned route, promised and held ones alike. A held stop is moved because the stop is the truth
about a hold: its buyer's confirm finds it there and tries the same slot on another van, as for a hold that
ran out; nobody else ever turns it into a promise.
Weak point: legs are asked of the travel-time engine one route at a time.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from chalicelib.errors import InvalidRequest
from chalicelib.fleet.calendar import template_shifts
from chalicelib.fleet.model import Depot, Driver, Vehicle
from chalicelib.fleet.plans import NOWHERE, UNASSIGNED, PlanKey, RouteWrite, overlap, unassigned
from chalicelib.routing.edit import legs_between, places_of, renumbered
from chalicelib.routing.model import Break, Capacity, Location, Shift, Stop, StopFlag, StopKind
from chalicelib.routing.packed import Route, live, no_stops
from chalicelib.routing.travel_times import TravelTimes
from chalicelib.units import MINUTE, Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftWish:
    """A single shift as a merchant describes it; None stands for what the depot says."""

    starts_at: Timestamp
    ends_at: Timestamp
    vehicle_id: str
    capacity: Capacity
    skills: frozenset[str]
    driver: Driver | None = None
    loads_at: Timestamp | None = None
    breaks: tuple[Break, ...] = ()
    start: Location | None = None
    end: Location | None = None

    def at(self, depot: Depot, shift_id: str) -> Shift:
        """Make it a shift of a depot."""
        loads_at = self.loads_at
        return Shift(
            shift_id=shift_id,
            vehicle_id=self.vehicle_id,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            loads_at=self.starts_at - depot.loading_lead_minutes * MINUTE if loads_at is None else loads_at,
            capacity=self.capacity,
            skills=self.skills,
            start=self.start or depot.location,
            end=self.end or depot.location,
            breaks=tuple(sorted(self.breaks, key=lambda rest: rest.earliest_at)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownShift:
    """A shift as it stands, from the template or put by hand, and the zone its times are shown in."""

    shift: Shift
    place: PlanKey
    timezone: str
    driver: Driver | None
    by_hand: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequences:
    """What a change of shifts does to the routes of a depot.

    Attributes
    ----------
    writes
        Groups of routes that have to be written in one transaction each.
    changed
        Routes that go on under other constraints.
    moved
        Promises and holds that have no van any more.
    """

    writes: tuple[tuple[RouteWrite, ...], ...] = ()
    changed: tuple[Route, ...] = ()
    moved: tuple[Stop, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """A route that was taken back, and the stops that need another van."""

    route: Route
    stops: tuple[Stop, ...]


def reshaped(route: Route, shift: Shift, travel: TravelTimes) -> Route:
    """Give a route a shift's new constraints; its stops stay, in their order.

    Two legs are looked up if the shift starts or ends elsewhere, none otherwise.

    Raises
    ------
    OffRoad
        The new start or end is too far from any road.
    """
    changed = replace(route, shift=shift, withdrawn=False)
    ends_stay = (route.shift.start, route.shift.end) == (shift.start, shift.end)
    return changed if ends_stay else _with_new_ends(changed, travel)


def empty_route(shift: Shift, travel: TravelTimes) -> Route:
    """Make the route of a shift that nobody is booked on, at version 0.

    Raises
    ------
    OffRoad
        Its start or end is too far from any road.
    """
    return _with_new_ends(Route(shift=shift, stops=no_stops(), last_leg=NOWHERE), travel)


def _with_new_ends(route: Route, travel: TravelTimes) -> Route:
    route = replace(
        renumbered(route, travel),
        start_node=travel.snap(route.shift.start),
        end_node=travel.snap(route.shift.end),
    )
    places = places_of(route)
    if len(route.stops):
        into_first = legs_between(places[:2], travel)[0]
        route = route.marked(0, leg_seconds=into_first.seconds, leg_metres=into_first.metres)
    return replace(route, last_leg=legs_between(places[-2:], travel)[0])


def withdrawn(route: Route, now: Timestamp, *, by_hand: bool) -> Withdrawal:
    """Take a shift back: what was delivered stays on record, every other stop leaves, ghosts vanish.

    The remaining legs are those of the route as it was driven. A pin to this shift ends with it.
    """
    done = route.stops["kind"] == StopKind.DONE
    leaving = replace(route, stops=route.stops[live(route.stops, now) & ~done])
    return Withdrawal(
        route=replace(route, stops=route.stops[done], withdrawn=True, by_hand=route.by_hand or by_hand),
        stops=tuple(replace(stop, flags=stop.flags & ~StopFlag.PINNED) for stop in leaving.all_stops()),
    )


def follow_template(
    stored: Iterable[Route], wanted: Sequence[Shift], now: Timestamp, travel: TravelTimes
) -> tuple[list[Route], list[Withdrawal]]:
    """Bring one vehicle's stored routes of one plan in line with what its template says now.

    Routes that a human touched stay as they are, and so do those that are loaded: from `loads_at` a template
    changes nothing. A route whose shift is gone takes the new shift that overlaps it most and keeps its id,
    so that moving Monday's start from eight to nine does not throw Monday's bookings out; without one it is
    taken back. A route the template once took back returns with it.

    Returns
    -------
    The routes that change, and those that are taken back.
    """
    stored = sorted(stored, key=lambda route: route.shift.shift_id)
    fixed = [route for route in stored if route.by_hand or now >= route.shift.loads_at]
    free = {
        shift.shift_id: shift
        for shift in wanted
        if not any(_takes_the_place_of(route, shift) for route in fixed)
    }
    following = [route for route in stored if route not in fixed]
    takes = {route: free.pop(route.shift.shift_id, None) for route in following}
    changed, gone = [], []
    for route, same in takes.items():
        shift = same
        if shift is None and not route.withdrawn:
            shift = max(free.values(), key=lambda other: _shared(route.shift, other), default=None)
            shift = shift if shift and overlap(route.shift, shift) else None
            if shift is not None:
                del free[shift.shift_id]
                shift = replace(shift, shift_id=route.shift.shift_id)
        if shift is None:
            if not route.withdrawn:
                gone.append(withdrawn(route, now, by_hand=False))
        elif route.withdrawn or shift != route.shift:
            changed.append(reshaped(route, shift, travel))
    return changed, gone


def templates_changed(
    depot: Depot,
    vehicles: Sequence[Vehicle],
    stored: Iterable[tuple[date, Route]],
    now: Timestamp,
    travel: TravelTimes,
) -> Consequences:
    """Bring the stored routes of some vehicles in line with a depot and templates as they are described now.

    Parameters
    ----------
    stored
        Routes with the date of their plan, of all vehicles, unassigned ones included.

    Raises
    ------
    InvalidRequest
        `shift_overlap`: a booked route would be under way together with another of its vehicle.
    """
    on = defaultdict[date, list[Route]](list)
    for day, route in stored:
        on[day].append(route)
    writes, changed, moved = list[tuple[RouteWrite, ...]](), list[Route](), list[Stop]()
    for day, routes in sorted(on.items()):
        gone = list[Withdrawal]()
        for vehicle in vehicles:
            theirs = [route for route in routes if route.shift.vehicle_id == vehicle.vehicle_id]
            wanted = template_shifts(depot, vehicle, day) if theirs else ()
            follow, leave = follow_template(theirs, wanted, now, travel)
            changed += follow
            gone += leave
            writes += [(RouteWrite(depot_id=depot.depot_id, day=day, route=route),) for route in follow]
        if gone:
            writes.append(taken_back(gone, routes, depot, day))
            moved += [stop for withdrawal in gone for stop in withdrawal.stops]
    _refuse_overlap([route for routes in on.values() for route in routes], changed)
    return Consequences(writes=tuple(writes), changed=tuple(changed), moved=tuple(moved))


def taken_back(
    gone: Sequence[Withdrawal], plan: Iterable[Route], depot: Depot, day: date
) -> tuple[RouteWrite, ...]:
    """Write routes that were taken back together with the unassigned route that gets their stops.

    Parameters
    ----------
    plan
        The stored routes of that day, the unassigned one included if there is one.
    """
    routes = [withdrawal.route for withdrawal in gone]
    stops = [stop for withdrawal in gone for stop in withdrawal.stops]
    if stops:
        waiting = next((route for route in plan if route.shift.shift_id == UNASSIGNED), None)
        routes.append(unassigned(waiting, depot, day, stops))
    return tuple(RouteWrite(depot_id=depot.depot_id, day=day, route=route) for route in routes)


def overlapping(route: Route, others: Iterable[Route]) -> Route | None:
    """Find a shift of the same vehicle that is under way together with this one."""
    mine = route.shift
    return next(
        (
            other
            for other in others
            if other.shift.vehicle_id == mine.vehicle_id
            and other.shift.shift_id != mine.shift_id
            and not other.withdrawn
            and overlap(mine, other.shift)
        ),
        None,
    )


def shift_overlap(route: Route, other: Route) -> InvalidRequest:
    """Say that one vehicle cannot drive two routes at a time."""
    error = InvalidRequest(
        f"The vehicle {route.shift.vehicle_id} already has a shift at that time.", code="shift_overlap"
    )
    error.extra = {"shift_id": other.shift.shift_id}
    return error


def _refuse_overlap(stored: Iterable[Route], changed: Sequence[Route]) -> None:
    now = {route.shift.shift_id: route for route in stored} | {
        route.shift.shift_id: route for route in changed
    }
    for route in changed:
        other = overlapping(route, now.values())
        if other is not None:
            raise shift_overlap(route, other)


def _takes_the_place_of(fixed: Route, shift: Shift) -> bool:
    stands = fixed.by_hand or not fixed.withdrawn
    return fixed.shift.shift_id == shift.shift_id or (stands and overlap(fixed.shift, shift))


def _shared(one: Shift, other: Shift) -> int:
    return min(one.ends_at, other.ends_at) - max(one.starts_at, other.starts_at)
