"""The demo's check of the plans finds what it is there to find: each fault is made once and must be named."""

from typing import Any

import pytest

from chalicelib.routing.model import Location
from infra.demo.audit import Round, audit
from infra.demo.streets import Way

DEPOT = Location(lat=41.15, lon=-8.6)
STANDING = frozenset({"prm_1", "prm_2"})


def stop(number: int, at: str, **changed: Any) -> dict[str, Any]:
    return {
        "kind": "promised",
        "promise_id": f"prm_{number}",
        "location": {"lat": 41.16, "lon": -8.6},
        "promised_window": {"starts_at": "2026-11-24T10:00:00+00:00", "ends_at": "2026-11-24T12:00:00+00:00"},
        "planned_eta": f"2026-11-24T{at}+00:00",
        "load": {"parcels": 3, "grams": 4000, "millilitres": 9000},
        "service_time_seconds": 300,
    } | changed


def day(*stops: dict[str, Any], seconds: float = 600.0, parcels: int | None = 6) -> Round:
    """A van on the road from 09:00 to 12:30; each way takes ten minutes on empty roads."""
    route = {
        "shift_id": "van-1",
        "vehicle": {"capacity": {"parcels": parcels, "grams": None, "millilitres": 20_000}},
        "starts_at": "2026-11-24T09:00:00+00:00",
        "ends_at": "2026-11-24T12:30:00+00:00",
        "stops": list(stops),
    }
    return Round(
        route=route, depot=DEPOT, ways=[Way(seconds, 5000, [DEPOT])] * (len(stops) + 1 if stops else 0)
    )


GOOD = day(stop(1, "10:00:00"), stop(2, "10:15:00"))


def test_good_day_has_no_faults() -> None:
    """10:00 and five minutes at the door, ten minutes of driving: 10:15 is just in time."""
    found = audit([GOOD, day()], [], STANDING)
    assert found.faults == []
    assert (found.stops, found.legs) == (2, 3)


@pytest.mark.parametrize(
    ("faulty", "named"),
    [
        (day(stop(1, "10:00:00"), stop(2, "10:15:00"), parcels=5), "carries 6 parcels, can carry 5"),
        (day(stop(1, "10:00:00"), stop(2, "12:00:01")), "comes to prm_2 at"),
        (day(stop(1, "09:59:59"), stop(2, "10:30:00")), "comes to prm_1 at"),
        (day(stop(1, "10:00:00"), stop(2, "10:14:58")), "drives leg 2 in 598 s, an empty road takes 600 s"),
        (day(stop(1, "10:00:00"), stop(2, "12:00:00"), seconds=1600), "drives leg 3 in 1500 s"),
        (
            day(stop(1, "10:00:00"), stop(2, "11:00:00"), stop(2, "11:30:00"), parcels=None),
            "prm_2 is on 2 routes",
        ),
        (day(stop(1, "10:00:00")), "prm_2 is on no route"),
        (day(stop(1, "10:00:00"), stop(2, "10:15:00"), stop(9, "10:30:00"), parcels=9), "nobody has it"),
    ],
)
def test_fault_is_named(faulty: Round, named: str) -> None:
    """Each thing that would mean a place was sold twice is found, and only that."""
    [fault] = [fault for fault in audit([faulty], [], STANDING).faults if "millilitres" not in fault]
    assert named in fault


def test_dimension_without_a_limit_never_overflows() -> None:
    """Grams have no limit here; millilitres do, and three stops are too much of them."""
    three = day(*(stop(number, f"1{number}:00:00") for number in (0, 1, 2)), parcels=None)
    faults = audit([three], [], frozenset({"prm_0", "prm_1", "prm_2"})).faults
    assert faults == ["van-1: carries 27000 millilitres, can carry 20000"]


def test_promise_that_waits_for_a_van_is_found() -> None:
    """An unassigned promise is at risk, which the plan counts; it is not lost."""
    assert audit([day(stop(1, "10:00:00"))], [stop(2, "10:00:00")], STANDING).faults == []


def test_held_stops_fill_the_van_but_are_nobodys_promise() -> None:
    """A hold takes room like a promise; nobody has been promised anything yet."""
    held = stop(3, "10:45:00", kind="held", promise_id=None)
    assert audit([day(stop(1, "10:00:00"), stop(2, "10:15:00"), held, parcels=9)], [], STANDING).faults == [
        "van-1: carries 27000 millilitres, can carry 20000"
    ]
