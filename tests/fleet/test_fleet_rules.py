"""What a description must fulfil beyond the types of its fields (B04)."""

from dataclasses import replace
from datetime import time

import pytest

from chalicelib.errors import InvalidRequest
from chalicelib.fleet.calendar import template_shifts
from chalicelib.fleet.model import Closure, Depot, Money, OrderBy, Radius, SlotTemplate, Vehicle, Weekday
from chalicelib.fleet.rules import depot_faults, require, shift_faults, vehicle_faults, weekly_overlap
from chalicelib.routing.model import Break, Shift
from chalicelib.units import DAY
from tests.fleet.builders import TUESDAY, at, depot, van, weekly

SLOT = SlotTemplate(starts=time(8), ends=time(10))


def pointers(faults: object) -> list[str]:
    return [fault.pointer for fault in faults]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("described", "expected"),
    [
        (depot(), []),
        (depot(service_area=Radius(metres=0)), ["/service_area/radius_metres"]),
        (depot(slots=(replace(SLOT, ends=time(8)),)), ["/slots/0/ends"]),
        (depot(slots=(replace(SLOT, price=Money(amount=1, currency="USD")),)), ["/slots/0/price/currency"]),
        (depot(slots=(replace(SLOT, price=Money(amount=1, currency="EUR")),)), []),
        (
            depot(slots=(replace(SLOT, order_by=OrderBy(days_before=0, time=time(9))),)),
            ["/slots/0/order_by"],
        ),
        (depot(slots=(replace(SLOT, order_by=OrderBy(days_before=1, time=time(9))),)), []),
        (depot(slots=(SLOT, SLOT)), ["/slots/1"]),
        (
            depot(
                slots=(
                    replace(SLOT, days=frozenset({Weekday.MON})),
                    replace(SLOT, days=frozenset({Weekday.TUE})),
                )
            ),
            [],
        ),
        (depot(closures=(Closure(from_at=2, to_at=1, reason="?"),)), ["/closures/0/to_at"]),
    ],
)
def test_depot_that_contradicts_itself_is_told_where(described: Depot, expected: list[str]) -> None:
    """Each fault has its pointer."""
    assert pointers(depot_faults(described)) == expected


def test_all_faults_are_named_at_once() -> None:
    """Nobody has to send the same request once per mistake."""
    bad = depot(slots=(replace(SLOT, ends=time(8)),), closures=(Closure(from_at=2, to_at=1, reason="?"),))
    with pytest.raises(InvalidRequest) as refused:
        require(depot_faults(bad), "depot")
    assert pointers(refused.value.fields) == ["/slots/0/ends", "/closures/0/to_at"]


@pytest.mark.parametrize(
    ("described", "expected"),
    [
        (van(), []),
        (van(weekly=()), []),
        (van(weekly=(weekly(8, 8),)), ["/weekly/0/ends"]),
        (van(weekly=tuple(weekly(h, h + 1) for h in range(5))), ["/weekly"]),
    ],
)
def test_vehicle_that_contradicts_itself_is_told_where(described: Vehicle, expected: list[str]) -> None:
    """Each fault has its pointer."""
    assert pointers(vehicle_faults(described)) == expected


MONDAY, SUNDAY = frozenset({Weekday.MON}), frozenset({Weekday.SUN})


@pytest.mark.parametrize(
    ("lines", "overlaps"),
    [
        ((weekly(8, 12), weekly(12, 16)), False),
        ((weekly(8, 12), weekly(11, 16)), True),
        ((weekly(22, 6), weekly(6, 10)), False),
        ((weekly(22, 6), weekly(5, 10)), True),
        ((weekly(8, 12, days=MONDAY), weekly(8, 12, days=SUNDAY)), False),
        ((weekly(0, 4, days=MONDAY), weekly(22, 2, days=SUNDAY)), True),  # from one week into the next
        ((weekly(20, 19, days=MONDAY),), False),
        ((weekly(8, 7),), False),
        ((weekly(8, 7), weekly(7, 8, days=MONDAY)), False),
        ((weekly(8, 12), weekly(8, 12)), True),
    ],
)
def test_shifts_of_a_week_that_overlap_are_found(lines: tuple[object, ...], overlaps: bool) -> None:
    """On any night of the week, the last one included."""
    assert (weekly_overlap(van(weekly=lines)) is not None) == overlaps


def shift(**more: int | tuple[Break, ...]) -> Shift:
    (described,) = template_shifts(depot(), van(), TUESDAY)
    return replace(described, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("described", "expected"),
    [
        (shift(), []),
        (shift(ends_at=at(8) + DAY), []),
        (shift(ends_at=at(8) + DAY + 1), ["/ends_at"]),
        (shift(ends_at=at(8)), ["/ends_at"]),
        (shift(ends_at=at(7)), ["/ends_at"]),
        (shift(loads_at=at(8) + 1), ["/loads_at"]),
        (shift(loads_at=at(8) - DAY - 1), ["/loads_at"]),
        (shift(loads_at=at(8)), []),
        (shift(breaks=(Break(earliest_at=at(12), latest_at=at(13), duration=1800),)), []),
        (
            shift(breaks=(Break(earliest_at=at(13), latest_at=at(12), duration=1800),)),
            ["/breaks/0/earliest_at"],
        ),
        (
            shift(breaks=(Break(earliest_at=at(7), latest_at=at(12), duration=1800),)),
            ["/breaks/0/earliest_at"],
        ),
        (
            shift(breaks=(Break(earliest_at=at(12), latest_at=at(15, 45), duration=1800),)),
            ["/breaks/0/latest_at"],
        ),
    ],
)
def test_shift_that_contradicts_itself_is_told_where(described: Shift, expected: list[str]) -> None:
    """B04: no length, more than 24 hours, loading after the start, breaks outside."""
    assert pointers(shift_faults(described)) == expected
