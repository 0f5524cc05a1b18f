"""What a description of a depot, a vehicle or a shift must fulfil beyond the types of its fields.

Each function answers every fault it finds, with a JSON pointer into the request. Weak point: weekly overlap
is judged on the wall, so it does not see that a clock change may push two shifts into each other for a night.
"""

from collections.abc import Iterator
from datetime import time
from itertools import pairwise

from chalicelib.errors import FieldError, InvalidRequest
from chalicelib.fleet.area import MAX_RADIUS_METRES
from chalicelib.fleet.model import Depot, Radius, ShapingMode, Vehicle
from chalicelib.routing.model import Shift
from chalicelib.units import DAY, Seconds

LONGEST_SHIFT: Seconds = DAY
MOST_SHIFTS_A_DAY = 4
_WEEK_MINUTES = 7 * 24 * 60

type Faults = Iterator[FieldError]


def require(faults: Faults, what: str) -> None:
    """Refuse a request that has faults.

    Raises
    ------
    InvalidRequest
        With all of them.
    """
    fields = list(faults)
    if fields:
        raise InvalidRequest(f"The {what} is not valid; see errors.", fields=fields)


def depot_faults(depot: Depot) -> Faults:
    """Find what is wrong with a depot."""
    if isinstance(depot.service_area, Radius) and not 0 < depot.service_area.metres <= MAX_RADIUS_METRES:
        yield FieldError("/service_area/radius_metres", f"is more than 0 and at most {MAX_RADIUS_METRES}")
    for i, template in enumerate(depot.slots):
        if template.starts == template.ends:
            yield FieldError(f"/slots/{i}/ends", "is another time than `starts`")
        if template.price and template.price.currency != depot.currency:
            yield FieldError(f"/slots/{i}/price/currency", f"is the depot's own, {depot.currency}")
        order_by = template.order_by
        if order_by and not order_by.days_before and order_by.time > template.starts:
            yield FieldError(f"/slots/{i}/order_by", "is no later than the start of the slot")
        times = template.starts, template.ends
        for j, other in enumerate(depot.slots[:i]):
            if times == (other.starts, other.ends) and template.days & other.days:
                yield FieldError(f"/slots/{i}", f"repeats the times of slot {j} on a day they share")
    surcharge = depot.offer_shaping.surcharge_per_minute
    if surcharge and surcharge.currency != depot.currency:
        yield FieldError(
            "/offer_shaping/surcharge_per_minute/currency", f"is the depot's own, {depot.currency}"
        )
    if depot.offer_shaping.mode is ShapingMode.PRICE and not surcharge:
        yield FieldError("/offer_shaping/surcharge_per_minute", "is what the mode `price` needs")
    for i, closure in enumerate(depot.closures):
        if closure.to_at <= closure.from_at:
            yield FieldError(f"/closures/{i}/to_at", "is later than `from_at`")


def vehicle_faults(vehicle: Vehicle) -> Faults:
    """Find what is wrong with a vehicle; overlapping shifts are `weekly_overlap`'s."""
    for i, weekly in enumerate(vehicle.weekly):
        if weekly.starts == weekly.ends:
            yield FieldError(f"/weekly/{i}/ends", "is another time than `starts`")
    lines_on = [
        sum(number in {day.number for day in line.days} for line in vehicle.weekly) for number in range(7)
    ]
    if max(lines_on) > MOST_SHIFTS_A_DAY:
        yield FieldError("/weekly", f"has at most {MOST_SHIFTS_A_DAY} shifts on one day")


def weekly_overlap(vehicle: Vehicle) -> FieldError | None:
    """Find two shifts of a weekly template that are under way at the same time, on any night of the week."""
    spans = sorted(
        (_minutes(line.starts) + day.number * 24 * 60, _length(line.starts, line.ends), i)
        for i, line in enumerate(vehicle.weekly)
        for day in line.days
    )
    if not spans:
        return None
    first = spans[0]
    for (starts, length, _), (next_starts, _, i) in pairwise(
        [*spans, (first[0] + _WEEK_MINUTES, first[1], first[2])]
    ):
        if starts + length > next_starts:
            return FieldError(f"/weekly/{i}", "starts before the shift before it has ended")
    return None


def shift_faults(shift: Shift) -> Faults:
    """Find what is wrong with a single shift."""
    if not 0 < shift.ends_at - shift.starts_at <= LONGEST_SHIFT:
        yield FieldError("/ends_at", "is later than `starts_at`, by at most 24 hours")
    if not shift.starts_at - LONGEST_SHIFT <= shift.loads_at <= shift.starts_at:
        yield FieldError("/loads_at", "is no later than `starts_at`, and at most 24 hours before")
    for i, rest in enumerate(shift.breaks):
        if not shift.starts_at <= rest.earliest_at <= rest.latest_at:
            yield FieldError(f"/breaks/{i}/earliest_at", "is within the shift and no later than `latest_at`")
        elif rest.latest_at + rest.duration > shift.ends_at:
            yield FieldError(f"/breaks/{i}/latest_at", "leaves time for the break within the shift")


def _minutes(wall: time) -> int:
    return wall.hour * 60 + wall.minute


def _length(starts: time, ends: time) -> int:
    return (_minutes(ends) - _minutes(starts)) % (24 * 60) or 24 * 60
