"""How a plan looks in JSON and CSV: routes with their stops in order, and how each promise stands.

Weak point: it shows places and times, no recipients; whoever needs these reads the promise or the manifest.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import Field

from chalicelib.fleet.arrival import Arrival, EtaStatus
from chalicelib.fleet.ids import hold_id, promise_id
from chalicelib.fleet.plan_report import PlanReport
from chalicelib.fleet.risk import Cause, Risk, Visit
from chalicelib.handlers.shift_wire import ShiftVehicleView, vehicle_of
from chalicelib.handlers.wire import Date, Instant, LocationView, View, absent, rfc3339
from chalicelib.routing.model import Load, StopFlag, StopKind
from chalicelib.units import StopId

PLAN_COLUMNS = (
    *("date", "shift_id", "vehicle_id", "driver", "sequence", "kind", "promise_id", "hold_id", "lat", "lon"),
    *("window_starts_at", "window_ends_at", "planned_eta", "live_eta", "kept_probability", "risk", "reason"),
    *("parcels", "grams", "millilitres", "service_time_seconds"),
)


class LoadView(View):
    """What is carried."""

    parcels: int
    grams: int
    millilitres: int

    @staticmethod
    def of(load: Load) -> "LoadView":
        """Show a load."""
        return LoadView(parcels=load.parcels, grams=load.grams, millilitres=load.millilitres)


class StopWindowView(View):
    """When service may start, both ends included."""

    starts_at: Instant
    ends_at: Instant


class ArrivalView(View):
    """When the van is expected: 5 %, 50 % and 95 % of what may happen."""

    earliest_at: Instant
    expected_at: Instant
    latest_at: Instant
    stops_before: int
    status: EtaStatus

    @staticmethod
    def of(arrival: Arrival) -> "ArrivalView":
        """Show an arrival."""
        return ArrivalView(
            earliest_at=arrival.earliest_at,
            expected_at=arrival.expected_at,
            latest_at=arrival.latest_at,
            stops_before=arrival.stops_before,
            status=arrival.status,
        )


class StopView(View):
    """One visit of a plan."""

    sequence: Annotated[int, Field(description="From 1, in driving order.")]
    kind: Annotated[str, Field(description="`held`, `promised`, `done` or `meeting`.")]
    promise_id: str | None = absent()
    hold_id: str | None = absent()
    location: LocationView
    promised_window: Annotated[
        StopWindowView | None,
        Field(description="Null where parcels of a van that broke down are taken over."),
    ]
    planned_eta: Annotated[
        Instant | None, Field(description="Start of service as planned; null without a van.")
    ]
    live_eta: Annotated[ArrivalView | None, Field(description="Null before the van moves, and behind it.")]
    kept_probability: float | None
    risk: Annotated[Risk | None, Field(description="How the promise stands; null for a hold.")]
    reason: Annotated[
        Cause | None,
        absent(
            description="Why it is at risk or broken. Where it is `closed`, nothing is delivered in all of "
            "its window, and only another slot helps; whatever else it is, every replan tries again."
        ),
    ] = None
    load: LoadView
    service_time_seconds: int
    pinned: bool

    @staticmethod
    def of(visit: Visit, sequence: int, arrival: Arrival | None = None) -> "StopView":
        """Show a visit, and when the van is expected if it moves."""
        stop = visit.stop
        held, meeting = stop.kind is StopKind.HELD, stop.kind is StopKind.MEETING
        return StopView(
            sequence=sequence,
            kind=stop.kind.name.lower(),
            promise_id=None if held or meeting else promise_id(stop.stop_id),
            hold_id=hold_id(stop.stop_id) if held else None,
            location=LocationView.of(stop.location),
            promised_window=(
                None if meeting else StopWindowView(starts_at=stop.window.start, ends_at=stop.window.end)
            ),
            planned_eta=visit.planned_at,
            live_eta=None if arrival is None else ArrivalView.of(arrival),
            kept_probability=visit.kept,
            risk=visit.risk,
            reason=visit.cause,
            load=LoadView.of(stop.load),
            service_time_seconds=stop.service_time,
            pinned=StopFlag.PINNED in stop.flags,
        )


class RouteView(View):
    """One van's day."""

    shift_id: str
    vehicle: ShiftVehicleView
    driver: str | None
    starts_at: Instant
    ends_at: Instant
    loads_at: Instant
    version: int
    by_hand: bool
    withdrawn: bool
    load: Annotated[LoadView, Field(description="All it carries, holds included.")]
    stops: list[StopView]


class StandingView(View):
    """How many promises stand how."""

    kept: int
    at_risk: int
    broken: int


class PlanView(View):
    """All routes of a depot on one local date."""

    depot_id: str
    date: Date
    timezone: str
    version: Annotated[int, Field(description="Grows with every change.")]
    promises: StandingView
    routes: list[RouteView]
    unassigned: Annotated[list[StopView], Field(description="What no van has; its promises are at risk.")]

    @staticmethod
    def of(plan: PlanReport) -> "PlanView":
        """Show a plan."""
        return PlanView(
            depot_id=plan.place.depot_id,
            date=plan.place.day,
            timezone=plan.timezone,
            version=plan.version,
            promises=StandingView(
                kept=plan.counts[Risk.KEPT],
                at_risk=plan.counts[Risk.AT_RISK],
                broken=plan.counts[Risk.BROKEN],
            ),
            routes=[
                RouteView(
                    shift_id=route.shift.shift_id,
                    vehicle=vehicle_of(route.shift),
                    driver=route.driver.name if route.driver else None,
                    starts_at=route.shift.starts_at,
                    ends_at=route.shift.ends_at,
                    loads_at=route.shift.loads_at,
                    version=route.version,
                    by_hand=route.by_hand,
                    withdrawn=route.withdrawn,
                    load=LoadView.of(route.load),
                    stops=[
                        StopView.of(visit, number, route.arrivals.get(visit.stop.stop_id))
                        for number, visit in enumerate(route.visits, start=1)
                    ],
                )
                for route in plan.routes
            ],
            unassigned=[StopView.of(visit, number) for number, visit in enumerate(plan.unassigned, start=1)],
        )


def plan_rows(plan: PlanReport) -> Iterator[tuple[object, ...]]:
    """Write a plan as rows of `PLAN_COLUMNS`, one a stop; unassigned ones have no shift."""
    for route in plan.routes:
        driver = route.driver.name if route.driver else None
        whose = route.shift.shift_id, route.shift.vehicle_id, driver
        yield from _rows(plan, whose, route.visits, route.arrivals)
    yield from _rows(plan, (None, None, None), plan.unassigned, {})


def _rows(
    plan: PlanReport,
    whose: tuple[str | None, ...],
    visits: tuple[Visit, ...],
    arrivals: Mapping[StopId, Arrival],
) -> Iterator[tuple[object, ...]]:
    for number, visit in enumerate(visits, start=1):
        stop, zone = visit.stop, plan.timezone
        held, meeting = stop.kind is StopKind.HELD, stop.kind is StopKind.MEETING
        arrival = arrivals.get(stop.stop_id)
        yield (
            plan.place.day.isoformat(),
            *whose,
            number,
            stop.kind.name.lower(),
            None if held or meeting else promise_id(stop.stop_id),
            hold_id(stop.stop_id) if held else None,
            stop.location.lat,
            stop.location.lon,
            None if meeting else rfc3339(stop.window.start, zone),
            None if meeting else rfc3339(stop.window.end, zone),
            None if visit.planned_at is None else rfc3339(visit.planned_at, zone),
            None if arrival is None else rfc3339(arrival.expected_at, zone),
            visit.kept,
            visit.risk,
            visit.cause,
            stop.load.parcels,
            stop.load.grams,
            stop.load.millilitres,
            stop.service_time,
        )
