"""Depots, vehicles, shifts and plans over HTTP: parsing, shapes, status codes."""

import csv
import io
import json
from datetime import date
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from chalice import Chalice
from chalice.test import Client, HTTPResponse

from chalicelib.adapters.sealing import Sealer
from chalicelib.events import Mode, Tenant
from chalicelib.fleet.ids import hold_id, promise_id
from chalicelib.fleet.plans import RouteWrite, routes_between
from chalicelib.fleet.service import Fleet
from chalicelib.handlers import door, fleet
from chalicelib.merchants.model import ALL_SCOPES, KeyType, Merchant, Scope
from chalicelib.merchants.quota import Quota, RateLimiter
from chalicelib.merchants.service import Merchants
from chalicelib.promises.store import Changes
from chalicelib.routing.model import Location, Stop
from chalicelib.routing.uncertainty import Noise
from tests.fakes import (
    CountedEntropy,
    FakeClock,
    InMemoryMerchants,
    InMemoryRateCounter,
    InMemoryReceipts,
)
from tests.fakes_store import InMemoryStore
from tests.fleet.builders import STRAIGHT, booked, held, stop
from tests.handlers.bakery import problem_of
from tests.handlers.described import check_described

ACME = Tenant(merchant_id="acme", mode=Mode.TEST)
BEST = Tenant(merchant_id="best", mode=Mode.TEST)
TUESDAY = "2026-11-24"
SHIFT = f"porto.van-1.{TUESDAY}.0800"
DEPOT: dict[str, Any] = {
    "name": "Porto North",
    "location": {"lat": 41.15, "lon": -8.61},
    "timezone": "Europe/Lisbon",
    "currency": "EUR",
    "service_area": {"radius_metres": 15000},
    "slots": [{"starts": "08:00", "ends": "10:00"}],
}
VAN: dict[str, Any] = {"capacity": {"parcels": 20}, "weekly": [{"starts": "08:00", "ends": "16:00"}]}
HAND_PUT: dict[str, Any] = {
    "starts_at": f"{TUESDAY}T17:00:00+00:00",
    "ends_at": f"{TUESDAY}T21:00:00+00:00",
    "vehicle": {"vehicle_id": "van-1", "capacity": {"parcels": 9}, "skills": ["fridge"]},
    "driver": {"name": "Ines", "phone": "+12025550123"},
}
_service_names = count()


class Yard:
    """The fleet's endpoints, two merchants with keys, and everything behind them, in memory."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.merchants = Merchants(InMemoryMerchants(), entropy=CountedEntropy())
        self.store = InMemoryStore()
        self.fleet = Fleet(self.store, lambda _: STRAIGHT, noise=Noise(), pause=lambda _: None)
        self.rate_limiter = RateLimiter(InMemoryRateCounter(), quota=Quota(requests=10_000, window=60))
        for tenant in (ACME, BEST):
            self.merchants.save_settings(Merchant(tenant=tenant, brand="Acme"))
        self.keys = {
            "ops": self.key(ACME, KeyType.SECRET, Scope.OPS),
            "checkout": self.key(ACME, KeyType.SECRET, Scope.CHECKOUT | Scope.DRIVER | Scope.ADMIN),
            "publishable": self.key(ACME, KeyType.PUBLISHABLE, Scope.CHECKOUT),
            "other": self.key(BEST, KeyType.SECRET, ALL_SCOPES),
        }
        app = Chalice("yard", configure_logs=False)
        logger = Logger(service=f"yard-{next(_service_names)}", stream=io.StringIO())
        door.register(app, [fleet.api], self._build, log=logger)
        self._http = Client(app).http

    def key(self, tenant: Tenant, type: KeyType, scopes: Scope) -> str:
        return self.merchants.create_key(tenant, type=type, scopes=scopes, now=self.clock.at).text

    def ask(
        self, method: str, path: str, body: object = None, *, key: str = "ops", accept: str = ""
    ) -> HTTPResponse:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.keys[key]}"}
        if accept:
            headers["Accept"] = accept
        raw = b"" if body is None else json.dumps(body).encode()
        answer = self._http.request(method, f"/v1/depots{path}", headers=headers, body=raw)
        check_described(fleet.api.declared, method, f"/v1/depots{path}", answer)
        return answer

    def done(self, method: str, path: str, body: object = None) -> Any:
        """Ask, and expect success."""
        answer = self.ask(method, path, body)
        assert answer.status_code == 200, answer.body
        return answer.json_body

    def book(self, *stops: Stop) -> None:
        """Put stops onto the van's route of that Tuesday."""
        day, here = date.fromisoformat(TUESDAY), self.fleet.depot(ACME, "porto")
        stored = self.store.routes(ACME, "porto", first=day, last=day, consistent=True)
        vans = self.store.vehicles(ACME, here)
        merged = routes_between(stored, here, vans, first=day, last=day, travel=STRAIGHT)
        route = next(route for route in merged[day] if route.shift.shift_id == SHIFT)
        write = RouteWrite(depot_id="porto", day=day, route=booked(route, stops))
        self.store.commit(ACME, Changes(routes=(write,)))

    def _build(self) -> Any:
        return SimpleNamespace(
            clock=self.clock,
            merchants=self.merchants,
            rate_limiter=self.rate_limiter,
            receipts=InMemoryReceipts(),
            sealer=Sealer([b"a secret of thirty-two bytes ...."]),
            business_now=lambda tenant, *, system_now: system_now,
            fleet=self.fleet,
        )


@pytest.fixture
def yard() -> Yard:
    return Yard()


@pytest.fixture
def open_yard(yard: Yard) -> Yard:
    yard.done("PUT", "/porto", DEPOT)
    yard.done("PUT", "/porto/vehicles/van-1", VAN)
    return yard


# --- depots


def test_depot_needs_only_what_has_no_sensible_default(yard: Yard) -> None:
    """Everything else is answered with its default, and read back the same."""
    put = yard.done("PUT", "/porto", DEPOT)
    assert put.pop("at_risk") == []
    assert yard.done("GET", "/porto") == put
    assert put["booking"] == {"horizon_days": 14, "cutoff_minutes": 60, "hold_seconds": 600}
    assert put["service"] == {"base_seconds": 300, "per_parcel_seconds": 20}
    assert put["handover"] == {"attended": False, "requires": []}
    assert (put["target_kept"], put["loading_lead_minutes"], put["closures"]) == (0.98, 30, [])
    assert put["offer_shaping"] == {
        "mode": "off",
        "detour_ratio": 2.0,
        "detour_seconds": 1200,
        "surcharge_per_minute": None,
    }
    assert put["slots"][0]["days"] == ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    assert (put["depot_id"], put["version"], put["travel"]["engine"]) == ("porto", 1, "roads")


def test_depot_is_answered_as_it_was_described(yard: Yard) -> None:
    """With every field given; instants in the depot's own zone."""
    full = {
        **DEPOT,
        "timezone": "Europe/Madrid",
        "service_area": {
            "type": "Polygon",
            "coordinates": [[[-9, 41], [-8, 41], [-8, 42], [-9, 42], [-9, 41]]],
        },
        "slots": [
            {
                "starts": "22:00",
                "ends": "01:00",
                "days": ["mon", "fri"],
                "price": {"amount": 250, "currency": "EUR"},
                "order_by": {"days_before": 1, "time": "18:00"},
            }
        ],
        "booking": {"horizon_days": 7, "cutoff_minutes": 30, "hold_seconds": 300},
        "service": {"base_seconds": 240, "per_parcel_seconds": 15},
        "loading_lead_minutes": 45,
        "handover": {"attended": True, "requires": ["signature", "age_18"]},
        "closures": [
            {
                "from_at": "2026-12-25T00:00:00+01:00",
                "to_at": "2026-12-26T00:00:00+01:00",
                "reason": "Christmas",
                "sell": False,
                "deliver": False,
            }
        ],
        "target_kept": 0.95,
        "travel": {
            "engine": "straight_line",
            "graph": None,
            "slowness": [1.0] * 24,
            "weekend": [1.1] * 24,
        },
        "offer_shaping": {
            "mode": "price",
            "detour_ratio": 1.5,
            "detour_seconds": 900,
            "surcharge_per_minute": {"amount": 10, "currency": "EUR"},
        },
    }
    assert yard.done("PUT", "/porto", full) == {**full, "depot_id": "porto", "version": 1, "at_risk": []}


def test_depots_are_listed_in_pages(yard: Yard) -> None:
    """`data` and a sealed cursor."""
    for depot_id in ("c", "a", "b"):
        yard.done("PUT", f"/{depot_id}", DEPOT)
    first = yard.done("GET", "?limit=2")
    assert [each["depot_id"] for each in first["data"]] == ["a", "b"]
    last = yard.done("GET", f"?limit=2&cursor={first['next_cursor']}")
    assert [each["depot_id"] for each in last["data"]] == ["c"]
    assert last["next_cursor"] is None


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"location": {"lat": 0, "lon": 0}}, "/location"),
        ({"location": {"lat": 91, "lon": 0}}, "/location/lat"),
        ({"location": {"lat": "41", "lon": -8}}, "/location/lat"),
        ({"timezone": "Mars/Olympus"}, "/timezone"),
        ({"timezone": "../etc/passwd"}, "/timezone"),
        ({"currency": "EURO"}, "/currency"),
        ({"service_area": {"radius_metres": 0}}, "/service_area/radius_metres"),
        ({"service_area": {"radius_metres": 10**7}}, "/service_area/radius_metres"),
        ({"service_area": {"radius_metres": 10, "type": "radius"}}, "/service_area/type"),
        (
            {"service_area": {"type": "Polygon", "coordinates": [[[0, 1], [1, 1]]]}},
            "/service_area/coordinates/0",
        ),
        (
            {"service_area": {"type": "Polygon", "coordinates": [[["a", 1]]]}},
            "/service_area/coordinates/0/0/0",
        ),
        ({"service_area": {"type": "MultiPolygon", "coordinates": []}}, "/service_area/coordinates"),
        ({"service_area": 7}, "/service_area"),
        ({"slots": [{"starts": "8:00", "ends": "10:00"}]}, "/slots/0/starts"),
        ({"slots": [{"starts": "08:00", "ends": "24:00"}]}, "/slots/0/ends"),
        ({"slots": [{"starts": "08:00", "ends": "08:00"}]}, "/slots/0/ends"),
        ({"slots": [{"starts": "08:00:30", "ends": "10:00"}]}, "/slots/0/starts"),
        ({"slots": [{"starts": "08:00", "ends": "10:00", "days": []}]}, "/slots/0/days"),
        ({"slots": [{"starts": "08:00", "ends": "10:00", "days": ["monday"]}]}, "/slots/0/days/0"),
        (
            {"slots": [{"starts": "08:00", "ends": "10:00", "price": {"amount": 1, "currency": "USD"}}]},
            "/slots/0/price/currency",
        ),
        (
            {"closures": [{"from_at": "2026-12-25", "to_at": "2026-12-26", "reason": "x"}]},
            "/closures/0/from_at",
        ),
        ({"booking": {"horizon_days": 0}}, "/booking/horizon_days"),
        ({"target_kept": 1.0}, "/target_kept"),
        ({"travel": {"slowness": [1.0] * 23}}, "/travel/slowness"),
        ({"handover": {"requires": ["blood"]}}, "/handover/requires/0"),
        ({"offer_shaping": {"mode": "shout"}}, "/offer_shaping/mode"),
        ({"offer_shaping": {"detour_ratio": 0.9}}, "/offer_shaping/detour_ratio"),
        ({"offer_shaping": {"detour_seconds": -1}}, "/offer_shaping/detour_seconds"),
        ({"offer_shaping": {"mode": "price"}}, "/offer_shaping/surcharge_per_minute"),
        (
            {"offer_shaping": {"surcharge_per_minute": {"amount": 1, "currency": "USD"}}},
            "/offer_shaping/surcharge_per_minute/currency",
        ),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_depot_that_makes_no_sense_is_refused_with_the_place(
    yard: Yard, change: dict[str, Any], pointer: str
) -> None:
    """B02, B03, B04: 422 with a JSON pointer; nothing is stored."""
    answer = yard.ask("PUT", "/porto", {**DEPOT, **change})
    assert answer.status_code == 422
    assert pointer in [wrong["pointer"] for wrong in problem_of(answer)["errors"]]
    assert yard.ask("GET", "/porto").status_code == 404


def test_promises_inside_a_closure_are_answered_as_at_risk(open_yard: Yard) -> None:
    """`deliver: false` names them; the closure is also the stop-selling switch."""
    promised = stop()
    open_yard.book(promised)
    closure = {"from_at": f"{TUESDAY}T00:00:00Z", "to_at": f"{TUESDAY}T23:59:59Z", "reason": "Strike"}
    put = open_yard.done("PUT", "/porto", {**DEPOT, "closures": [closure]})
    assert put["at_risk"] == [promise_id(promised.stop_id)]
    still = open_yard.done("PUT", "/porto", {**DEPOT, "closures": [{**closure, "deliver": True}]})
    assert still["at_risk"] == []


def test_zone_of_a_depot_in_use_cannot_change(open_yard: Yard) -> None:
    """409 `depot_in_use`."""
    open_yard.book(stop())
    answer = open_yard.ask("PUT", "/porto", {**DEPOT, "timezone": "Asia/Kathmandu"})
    assert (answer.status_code, problem_of(answer)["code"]) == (409, "depot_in_use")


# --- vehicles


def test_vehicle_is_answered_as_it_was_described(open_yard: Yard) -> None:
    """With every field given, and read back the same."""
    full = {
        "capacity": {"parcels": 60, "grams": 800_000, "millilitres": 9_000_000},
        "skills": ["fridge", "lift"],
        "weekly": [
            {
                "days": ["mon", "tue"],
                "starts": "22:00",
                "ends": "06:00",
                "driver": {"name": "Rui", "phone": None},
            }
        ],
        "breaks": [{"earliest": "01:00", "latest": "02:00", "duration_seconds": 1800}],
    }
    put = open_yard.done("PUT", "/porto/vehicles/van-2", full)
    assert put == {**full, "vehicle_id": "van-2", "version": 1, "at_risk": []}
    del put["at_risk"]
    assert open_yard.done("GET", "/porto/vehicles/van-2") == put


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"capacity": {"parcels": -1}}, "/capacity/parcels"),
        ({"capacity": {"parcels": 1.5}}, "/capacity/parcels"),
        ({"capacity": None}, "/capacity"),
        ({"skills": ["a,b"]}, "/skills/0"),
        ({"weekly": [{"starts": "08:00", "ends": "25:00"}]}, "/weekly/0/ends"),
        ({"weekly": [{"starts": "08:00", "ends": "08:00"}]}, "/weekly/0/ends"),
        ({"weekly": [{"starts": "08:00", "ends": "09:00", "driver": {"name": ""}}]}, "/weekly/0/driver/name"),
        (
            {"breaks": [{"earliest": "12:00", "latest": "13:00", "duration_seconds": 0}]},
            "/breaks/0/duration_seconds",
        ),
    ],
)
def test_vehicle_that_makes_no_sense_is_refused_with_the_place(
    open_yard: Yard, change: dict[str, Any], pointer: str
) -> None:
    """422 with a JSON pointer."""
    answer = open_yard.ask("PUT", "/porto/vehicles/van-2", {**VAN, **change})
    assert answer.status_code == 422
    assert [wrong["pointer"] for wrong in problem_of(answer)["errors"]] == [pointer]


def test_overlapping_shifts_of_a_week_are_refused(open_yard: Yard) -> None:
    """422 `shift_overlap`."""
    lines = [{"starts": "08:00", "ends": "12:00"}, {"starts": "11:00", "ends": "15:00"}]
    answer = open_yard.ask("PUT", "/porto/vehicles/van-2", {**VAN, "weekly": lines})
    assert (answer.status_code, problem_of(answer)["code"]) == (422, "shift_overlap")


def test_smaller_van_and_no_van_are_answered_with_the_promises_at_risk(open_yard: Yard) -> None:
    """Accepted, never a silent cancel."""
    fits, fits_not = stop(parcels=3), stop(parcels=3)
    open_yard.book(fits, fits_not)
    put = open_yard.done("PUT", "/porto/vehicles/van-1", {**VAN, "capacity": {"parcels": 5}})
    assert put["at_risk"] == [promise_id(fits_not.stop_id)]
    gone = open_yard.done("DELETE", "/porto/vehicles/van-1")
    assert gone == {"at_risk": [promise_id(fits.stop_id), promise_id(fits_not.stop_id)]}
    assert open_yard.ask("DELETE", "/porto/vehicles/van-1").status_code == 404


# --- shifts


def test_shift_is_answered_as_it_was_put(open_yard: Yard) -> None:
    """With the depot's place and loading lead where nothing else was said."""
    put = open_yard.done("PUT", "/porto/shifts/evening", HAND_PUT)
    here = {"lat": 41.15, "lon": -8.61}
    assert put == {
        "shift_id": "evening",
        "depot_id": "porto",
        "date": TUESDAY,
        **HAND_PUT,
        "vehicle": {
            "vehicle_id": "van-1",
            "capacity": {"parcels": 9, "grams": None, "millilitres": None},
            "skills": ["fridge"],
        },
        "loads_at": f"{TUESDAY}T16:30:00+00:00",
        "breaks": [],
        "start": here,
        "end": here,
        "by_hand": True,
        "at_risk": [],
    }
    del put["at_risk"]
    assert open_yard.done("GET", "/porto/shifts/evening") == put


def test_template_shift_is_read_like_any_other(open_yard: Yard) -> None:
    """By its name; instants with the depot's offset."""
    shown = open_yard.done("GET", f"/porto/shifts/{SHIFT}")
    assert (shown["starts_at"], shown["by_hand"]) == (f"{TUESDAY}T08:00:00+00:00", False)
    assert open_yard.ask("GET", "/porto/shifts/porto.van-1.2026-11-24.0900").status_code == 404


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"starts_at": f"{TUESDAY}T17:00:00"}, "/starts_at"),
        ({"starts_at": TUESDAY}, "/starts_at"),
        ({"starts_at": "2026-W48-2T17:00:00Z"}, "/starts_at"),
        ({"starts_at": f"{TUESDAY}T17:00:00+25:00"}, "/starts_at"),
        ({"starts_at": f"{TUESDAY}T23:59:60Z"}, "/starts_at"),
        ({"starts_at": "0001-01-01T00:00:00Z"}, "/starts_at"),
        ({"ends_at": f"{TUESDAY}T17:00:00+00:00"}, "/ends_at"),
        ({"ends_at": "2026-11-25T17:00:01+00:00"}, "/ends_at"),
        ({"loads_at": f"{TUESDAY}T17:00:01+00:00"}, "/loads_at"),
        ({"vehicle": {"vehicle_id": "a b", "capacity": {}}}, "/vehicle/vehicle_id"),
        ({"driver": {"name": "Ines", "phone": "12345"}}, "/driver/phone"),
        ({"driver": {"name": "see evil.example/x"}}, "/driver/name"),
        ({"start": {"lat": 0, "lon": 0}}, "/start"),
        (
            {
                "breaks": [
                    {
                        "earliest_at": f"{TUESDAY}T16:00:00Z",
                        "latest_at": f"{TUESDAY}T18:00:00Z",
                        "duration_seconds": 600,
                    }
                ]
            },
            "/breaks/0/earliest_at",
        ),
    ],
)
def test_shift_that_makes_no_sense_is_refused_with_the_place(
    open_yard: Yard, change: dict[str, Any], pointer: str
) -> None:
    """B04: naive, date only, week date, +25:00, leap second, year 1, no length, more than 24 hours."""
    answer = open_yard.ask("PUT", "/porto/shifts/evening", {**HAND_PUT, **change})
    assert answer.status_code == 422
    assert [wrong["pointer"] for wrong in problem_of(answer)["errors"]] == [pointer]


def test_shift_that_overlaps_names_the_other(open_yard: Yard) -> None:
    """422 `shift_overlap`; the same id elsewhere is 409 `shift_in_use`."""
    early = {**HAND_PUT, "starts_at": f"{TUESDAY}T15:00:00+00:00"}
    refused = problem_of(open_yard.ask("PUT", "/porto/shifts/evening", early))
    assert (refused["status"], refused["code"], refused["shift_id"]) == (422, "shift_overlap", SHIFT)
    open_yard.done("PUT", "/porto/shifts/evening", HAND_PUT)
    later = {"starts_at": "2026-11-25T17:00:00Z", "ends_at": "2026-11-25T18:00:00Z"}
    taken = problem_of(open_yard.ask("PUT", "/porto/shifts/evening", {**HAND_PUT, **later}))
    assert (taken["status"], taken["code"]) == (409, "shift_in_use")


def test_deleted_shift_answers_its_promises_and_is_gone(open_yard: Yard) -> None:
    """200 with `at_risk`, then 404."""
    promised = stop()
    open_yard.book(promised)
    assert open_yard.done("DELETE", f"/porto/shifts/{SHIFT}") == {"at_risk": [promise_id(promised.stop_id)]}
    assert open_yard.ask("DELETE", f"/porto/shifts/{SHIFT}").status_code == 404
    assert open_yard.ask("GET", f"/porto/shifts/{SHIFT}").status_code == 404


# --- plans


def test_plan_shows_stops_in_order_and_how_the_promises_stand(open_yard: Yard) -> None:
    """Every route, what is unassigned, counts and version."""
    first, second, claimed = stop(), stop((10, 12), parcels=2), held(open_yard.clock.at + 600)
    open_yard.book(first, second, claimed)
    plan = open_yard.done("GET", f"/porto/plans/{TUESDAY}")
    (route,) = plan["routes"]
    assert {key: plan[key] for key in ("depot_id", "date", "timezone", "version", "unassigned")} == {
        "depot_id": "porto",
        "date": TUESDAY,
        "timezone": "Europe/Lisbon",
        "version": 1,
        "unassigned": [],
    }
    assert plan["promises"] == {"kept": 2, "at_risk": 0, "broken": 0}
    assert (route["shift_id"], route["load"]["parcels"], route["driver"]) == (SHIFT, 4, None)
    assert [each["sequence"] for each in route["stops"]] == [1, 2, 3]
    shown = route["stops"][1]
    assert shown["promise_id"] == promise_id(second.stop_id)
    assert shown["promised_window"] == {
        "starts_at": f"{TUESDAY}T10:00:00+00:00",
        "ends_at": f"{TUESDAY}T12:00:00+00:00",
    }
    assert (shown["planned_eta"], shown["live_eta"]) == (f"{TUESDAY}T10:00:00+00:00", None)
    assert shown["kept_probability"] > 0.98
    assert (shown["kind"], shown["risk"], shown["load"]["parcels"]) == ("promised", "kept", 2)
    hold = route["stops"][2]
    assert (hold["kind"], hold["hold_id"], hold["risk"]) == ("held", hold_id(claimed.stop_id), None)
    assert "promise_id" not in hold
    open_yard.done("DELETE", f"/porto/shifts/{SHIFT}")
    after = open_yard.done("GET", f"/porto/plans/{TUESDAY}")
    assert (after["routes"], len(after["unassigned"])) == ([], 3)
    assert after["promises"] == {"kept": 0, "at_risk": 2, "broken": 0}
    assert after["unassigned"][0]["planned_eta"] is None
    assert after["version"] > plan["version"]


def test_plan_as_csv_has_a_line_a_stop_and_runs_nothing(open_yard: Yard) -> None:
    """B15: a driver's name that a spreadsheet would take for a formula is escaped."""
    named = {"name": "=HYPERLINK(1)"}
    weekly = [{**VAN["weekly"][0], "driver": named}]
    open_yard.done("PUT", "/porto/vehicles/van-1", {**VAN, "weekly": weekly})
    promised = stop()
    open_yard.book(promised, stop(location=Location(lat=41.2, lon=-8.6)))
    answer = open_yard.ask("GET", f"/porto/plans/{TUESDAY}", accept="text/csv")
    assert answer.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.body.decode())))
    assert [row["sequence"] for row in rows] == ["1", "2"]
    assert rows[0]["promise_id"] == promise_id(promised.stop_id)
    assert rows[0]["driver"] == "'=HYPERLINK(1)"
    assert (rows[0]["shift_id"], rows[0]["live_eta"]) == (SHIFT, "")
    assert rows[0]["window_starts_at"] == f"{TUESDAY}T08:00:00+00:00"
    assert (rows[1]["lat"], rows[1]["lon"]) == ("41.2", "-8.6")


@pytest.mark.parametrize("day", ["2026-13-01", "2026-W48-2", "tomorrow", "1850-01-01"])
def test_plan_of_no_date_is_refused(open_yard: Yard, day: str) -> None:
    """422."""
    assert open_yard.ask("GET", f"/porto/plans/{day}").status_code == 422


# --- who may


CALLS = [
    ("PUT", "/porto", DEPOT),
    ("GET", "/porto", None),
    ("GET", "", None),
    ("PUT", "/porto/vehicles/van-1", VAN),
    ("GET", "/porto/vehicles/van-1", None),
    ("DELETE", "/porto/vehicles/van-1", None),
    ("PUT", "/porto/shifts/evening", HAND_PUT),
    ("GET", f"/porto/shifts/{SHIFT}", None),
    ("DELETE", f"/porto/shifts/{SHIFT}", None),
    ("GET", f"/porto/plans/{TUESDAY}", None),
]


@pytest.mark.parametrize("key", ["checkout", "publishable"])
@pytest.mark.parametrize(("method", "path", "body"), CALLS)
def test_fleet_is_for_ops_only(open_yard: Yard, method: str, path: str, body: object, key: str) -> None:
    """403 for every other scope, and for publishable keys."""
    assert open_yard.ask(method, path, body, key=key).status_code == 403


@pytest.mark.parametrize(("method", "path", "body"), [call for call in CALLS[1:] if call[1]])
def test_other_merchants_fleet_answers_like_none(
    open_yard: Yard, method: str, path: str, body: object
) -> None:
    """B10: 404, word for word the answer to an id that does not exist."""
    theirs = problem_of(open_yard.ask(method, path, body, key="other"))
    nobodys = problem_of(open_yard.ask(method, path.replace("/porto", "/nowhere", 1), body))
    assert theirs["status"] == 404
    assert {**theirs, "request_id": ""} == {**nobodys, "request_id": ""}


def test_merchants_may_use_the_same_ids(open_yard: Yard) -> None:
    """Another merchant's `porto` is another depot."""
    assert open_yard.ask("PUT", "/porto", {**DEPOT, "name": "Other"}, key="other").status_code == 200
    assert open_yard.done("GET", "/porto")["name"] == "Porto North"
    assert open_yard.ask("GET", "/porto/vehicles/van-1", key="other").status_code == 404
