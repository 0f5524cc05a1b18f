"""Endpoints for depots, vehicles, shifts and plans; how these look is in the `_wire` modules."""

from datetime import date

from chalicelib.errors import FieldError, InvalidRequest
from chalicelib.fleet.plan_report import PlanReport
from chalicelib.handlers.csv_export import csv_answer, is_wanted
from chalicelib.handlers.depot_wire import DepotAccepted, DepotBody, DepotList, DepotView
from chalicelib.handlers.endpoints import Call, Endpoints
from chalicelib.handlers.http import Answer
from chalicelib.handlers.paging import PageQuery, next_cursor, position
from chalicelib.handlers.plan_wire import PLAN_COLUMNS, PlanView, plan_rows
from chalicelib.handlers.shift_wire import (
    AtRisk,
    ShiftAccepted,
    ShiftBody,
    ShiftView,
    VehicleAccepted,
    VehicleBody,
    VehicleView,
)
from chalicelib.handlers.wire import read_date
from chalicelib.merchants.model import Scope

api = Endpoints("Fleet")

DEPOT = "/v1/depots/{depot_id}"
VEHICLE = "/v1/depots/{depot_id}/vehicles/{vehicle_id}"
SHIFT = "/v1/depots/{depot_id}/shifts/{shift_id}"
PLAN = "/v1/depots/{depot_id}/plans/{date}"


@api.endpoint(
    "PUT",
    DEPOT,
    scope=Scope.OPS,
    request=DepotBody,
    answers={200: DepotAccepted},
    problems=("off_road", "bad_area", "depot_in_use"),
    example=DepotBody.EXAMPLE,
)
def put_depot(call: Call[DepotBody]) -> Answer:
    """Describe a depot, new or anew.

    What is left out goes back to its default. A closure with `deliver: false` is answered with the promises
    inside it as `at_risk`; nothing is cancelled by itself. Vans that are not loaded yet follow a new location
    or loading lead.
    """
    wish = call.body.depot(call.path["depot_id"])
    accepted = call.services.fleet.put_depot(call.tenant, wish, call.now)
    return Answer(200, DepotAccepted.accepted(accepted), zone=accepted.value.timezone)


@api.endpoint("GET", DEPOT, scope=Scope.OPS, answers={200: DepotView})
def get_depot(call: Call) -> Answer:
    """Read a depot."""
    depot = call.services.fleet.depot(call.tenant, call.path["depot_id"])
    return Answer(200, DepotView.of(depot), zone=depot.timezone)


@api.endpoint("GET", "/v1/depots", scope=Scope.OPS, query=PageQuery, answers={200: DepotList})
def list_depots(call: Call[None, PageQuery]) -> Answer:
    """List the depots, in order of their ids."""
    depots, rest = call.services.fleet.depots(call.tenant, after=position(call), limit=call.query.limit)
    data = [DepotView.of(depot) for depot in depots]
    return Answer(200, DepotList(data=data, next_cursor=next_cursor(call, rest)))


@api.endpoint(
    "PUT",
    VEHICLE,
    scope=Scope.OPS,
    request=VehicleBody,
    answers={200: VehicleAccepted},
    problems=("shift_overlap",),
    example=VehicleBody.EXAMPLE,
)
def put_vehicle(call: Call[VehicleBody]) -> Answer:
    """Describe a vehicle and the shifts it works every week, new or anew.

    The weekly template yields shifts for the whole horizon, named `{depot_id}.{vehicle_id}.{date}.{HHMM}`. A
    change of it carries booked shifts along that are not loaded yet, and is answered with the promises this
    puts `at_risk`. Shifts that were put or deleted by hand stay as they are.
    """
    wish = call.body.vehicle(call.path["vehicle_id"])
    accepted = call.services.fleet.put_vehicle(call.tenant, call.path["depot_id"], wish, call.now)
    return Answer(200, VehicleAccepted.accepted(accepted))


@api.endpoint("GET", VEHICLE, scope=Scope.OPS, answers={200: VehicleView})
def get_vehicle(call: Call) -> Answer:
    """Read a vehicle."""
    vehicle = call.services.fleet.vehicle(call.tenant, call.path["depot_id"], call.path["vehicle_id"])
    return Answer(200, VehicleView.of(vehicle))


@api.endpoint("DELETE", VEHICLE, scope=Scope.OPS, answers={200: AtRisk})
def delete_vehicle(call: Call) -> Answer:
    """Take a vehicle out.

    Its template yields no shifts any more; those that are not loaded yet are taken back, and their promises
    are answered as `at_risk` and wait in `unassigned`. Shifts put by hand stay.
    """
    depot_id, vehicle_id = call.path["depot_id"], call.path["vehicle_id"]
    accepted = call.services.fleet.delete_vehicle(call.tenant, depot_id, vehicle_id, call.now)
    return Answer(200, AtRisk(at_risk=accepted.at_risk))


@api.endpoint(
    "PUT",
    SHIFT,
    scope=Scope.OPS,
    request=ShiftBody,
    answers={200: ShiftAccepted},
    problems=("shift_overlap", "shift_in_use", "off_road"),
    example=ShiftBody.EXAMPLE,
)
def put_shift(call: Call[ShiftBody]) -> Answer:
    """Put a single shift, new or in place of what is known under its id.

    It belongs to the local date on which it starts. Shrinking it is accepted; `at_risk` names the promises it
    can no longer be expected to keep, and they stay on it. No template undoes it.
    """
    depot_id, shift_id = call.path["depot_id"], call.path["shift_id"]
    accepted = call.services.fleet.put_shift(call.tenant, depot_id, shift_id, call.body.wish(), call.now)
    return Answer(200, ShiftAccepted.accepted(accepted), zone=accepted.value.timezone)


@api.endpoint("GET", SHIFT, scope=Scope.OPS, answers={200: ShiftView})
def get_shift(call: Call) -> Answer:
    """Read a shift, put by hand or from a vehicle's template."""
    known = call.services.fleet.shift(call.tenant, call.path["depot_id"], call.path["shift_id"])
    return Answer(200, ShiftView.of(known), zone=known.timezone)


@api.endpoint("DELETE", SHIFT, scope=Scope.OPS, answers={200: AtRisk})
def delete_shift(call: Call) -> Answer:
    """Take a shift back.

    Its promises are answered as `at_risk` and wait in the plan's `unassigned`; checkouts that hold a place on
    it try the same slot on another van when they confirm. No template brings it again; putting it does.
    """
    depot_id, shift_id = call.path["depot_id"], call.path["shift_id"]
    accepted = call.services.fleet.delete_shift(call.tenant, depot_id, shift_id, call.now)
    return Answer(200, AtRisk(at_risk=accepted.at_risk))


@api.endpoint("GET", PLAN, scope=Scope.OPS, answers={200: (PlanView, "text/csv")})
def get_plan(call: Call) -> Answer:
    """Show the plan of a local date: every route, stops in order, and how its promises stand.

    `version` grows with every change. `live_eta` is null until the van moves. With `Accept: text/csv`, one
    line a stop.
    """
    day = day_of(call.path["date"])
    plan = call.services.fleet.plan(call.tenant, call.path["depot_id"], day, call.now)
    return _plan_answer(plan, as_csv=is_wanted(call.headers))


def _plan_answer(plan: PlanReport, *, as_csv: bool) -> Answer:
    if as_csv:
        return csv_answer(PLAN_COLUMNS, plan_rows(plan))
    return Answer(200, PlanView.of(plan), zone=plan.timezone)


def day_of(text: str) -> date:
    """Read a local date out of a path.

    Raises
    ------
    InvalidRequest
        It is none.
    """
    try:
        return read_date(text)
    except ValueError:
        field = FieldError("{date}", "is a date as YYYY-MM-DD")
        raise InvalidRequest("The date is not valid.", fields=[field]) from None
