"""How well promises were kept, over HTTP: JSON, CSV, what is asked for and what is refused."""

import csv
import io
from typing import Any

import pytest

from tests.handlers.shop_client import Shop, a_depot, a_van, at
from tests.handlers.test_corrections import NOT_HOME, correct
from tests.handlers.test_motion import DAY, completed, event, o_clock, report


def hear(shop: Shop, wall: str, *events: dict[str, Any]) -> None:
    """Report events as they happen."""
    shop.clock.at = at(o_clock(wall))
    report(shop, *events)


@pytest.fixture
def sold() -> tuple[Shop, list[dict[str, Any]]]:
    """Three promises of the van's order, the first of them from eight to ten."""
    shop = Shop()
    made = {each["promise_id"]: each for each in (shop.promise() for _ in range(3))}
    stops = shop.done("GET", f"/v1/depots/porto/plans/{DAY}")["routes"][0]["stops"]
    return shop, [made[stop["promise_id"]] for stop in stops]


@pytest.fixture
def driven(sold: tuple[Shop, list[dict[str, Any]]]) -> tuple[Shop, list[dict[str, Any]]]:
    """One delivered within its window, one not at home, one that nobody came for; it is late."""
    shop, (first, second, _) = sold
    hear(shop, "07:50", event("departed_depot", "07:50"))
    hear(shop, "08:20", event("arrived", "08:20", promise_id=first["promise_id"]))
    hear(shop, "08:25", completed(first, "08:25"))
    hear(shop, "08:30", event("arrived", "08:30", promise_id=second["promise_id"]))
    hear(shop, "08:33", completed(second, "08:33", "failed_not_home"))
    shop.clock.at = at(o_clock("21:00"))
    return shop, sold[1]


def today(shop: Shop, query: str = "") -> dict[str, Any]:
    """The figures of the one day of the one depot."""
    shown = shop.done("GET", f"/v1/kpis?depot_id=porto&from={DAY}&to={DAY}{query}", key="ops")
    [row] = shown["data"]
    assert shown["total"] == {name: row[name] for name in shown["total"]}
    found: dict[str, Any] = row
    return found


def test_a_day_is_counted_as_it_went(driven: tuple[Shop, list[dict[str, Any]]]) -> None:
    """Kept, missed, first attempts, why one failed, and forecasts by horizon, the plan's first."""
    shown = today(driven[0])
    assert (shown["depot_id"], shown["date"], shown["promised"], shown["open"]) == ("porto", DAY, 3, 0)
    assert shown["promises"] == {
        "kept": 2,
        "early": 0,
        "late": 0,
        "missed": 1,
        "kept_share": 0.6667,
        "moved": 0,
    }
    assert shown["on_slot"]["kept"] == 2
    assert shown["first_attempts"] == {"made": 2, "delivered": 1, "success_share": 0.5}
    assert {name: count for name, count in shown["exceptions"].items() if count} == {"failed_not_home": 1}
    assert [each["horizon_minutes"] for each in shown["eta"]] == [None, 60, 30, 15]
    planned, _, half, quarter = shown["eta"]
    assert (planned["forecasts"], planned["intervals"], planned["covered_share"]) == (2, 0, None)
    assert half["forecasts"] + quarter["forecasts"] >= 2
    assert all(each["mean_width_seconds"] > 0 for each in shown["eta"] if each["intervals"])


def test_what_is_reported_twice_counts_once(driven: tuple[Shop, list[dict[str, Any]]]) -> None:
    """The whole day again, with new ids and without; the figures stay as they are."""
    shop, promises = driven
    before = today(shop)
    for promise in promises[:2]:
        report(shop, completed(promise, "08:26"), event("departed_depot", "07:50"))
    assert today(shop) == before


def test_a_mis_tap_undone_changes_the_figures(driven: tuple[Shop, list[dict[str, Any]]]) -> None:
    """Delivered was wrong: no first-attempt success, one exception more, and the visit as it was."""
    shop, promises = driven
    correct(shop, promises[0])
    shown = today(shop)
    assert shown["first_attempts"] == {"made": 2, "delivered": 0, "success_share": 0.0}
    assert shown["exceptions"][NOT_HOME["outcome"]] == 2
    assert shown["promises"]["kept"] == 2


def test_calls_of_buyers_are_counted(driven: tuple[Shop, list[dict[str, Any]]]) -> None:
    """Each once: the same request again, with its Idempotency-Key, is the same call."""
    shop, promises = driven
    path = f"/v1/promises/{promises[0]['promise_id']}/contacts"
    body = {"channel": "phone", "reason": "where_is_my_order"}
    for key in ("first", "first", "second"):
        assert shop.ask("POST", path, body, idempotency_key=key).status_code == 201
    assert today(shop)["contacts"] == 2


def test_empty_days_have_rows_without_shares() -> None:
    """Nothing promised is neither good nor bad: counts are 0, shares and means null."""
    shown = today(Shop())
    assert (shown["promised"], shown["promises"]["kept_share"], shown["nps_product"]["nps"]) == (
        0,
        None,
        None,
    )
    assert all(each["mean_error_seconds"] is None for each in shown["eta"])


def test_the_last_seven_days_of_all_depots_are_the_default() -> None:
    """Up to today by the clock of the depots."""
    shop = Shop()
    shop.done("PUT", "/v1/depots/maia", a_depot())
    rows = shop.done("GET", "/v1/kpis")["data"]
    assert [row["depot_id"] for row in rows] == ["maia"] * 7 + ["porto"] * 7
    assert [row["date"] for row in rows[:7]] == [f"2026-11-{day}" for day in range(18, 25)]
    rows = shop.done("GET", "/v1/kpis?depot_id=maia&to=2026-11-20")["data"]
    assert (rows[0]["date"], rows[-1]["date"], len(rows)) == ("2026-11-14", "2026-11-20", 7)


def test_a_day_is_the_depots_local_date() -> None:
    """Eight in the evening of Los Angeles is tomorrow in UTC, and today's figure all the same."""
    shop = Shop()
    slots = [{"starts": "18:00", "ends": "20:00"}]
    shop.done("PUT", "/v1/depots/la", a_depot(timezone="America/Los_Angeles", slots=slots))
    van = a_van(weekly=[{"starts": "12:00", "ends": "22:00"}])
    shop.done("PUT", "/v1/depots/la/vehicles/van-9", van)
    [slot, *_] = [slot for slot in shop.search(depot_id="la", days=2) if slot["available"]]
    shop.promise(offer=slot["offer"])
    local, closes = slot["starts_at"][:10], slot["ends_at"]
    assert closes == f"{local}T20:00:00-08:00"
    shop.clock.at = at(closes) + 1
    [row] = shop.done("GET", f"/v1/kpis?depot_id=la&from={local}&to={local}")["data"]
    assert (row["date"], row["promised"], row["promises"]["missed"]) == (local, 1, 1)


def test_csv_has_a_line_for_each_day(driven: tuple[Shop, list[dict[str, Any]]]) -> None:
    """Every number under its path in the JSON; an empty cell where there is no share."""
    shop, _ = driven
    query = f"/v1/kpis?depot_id=porto&from=2026-11-23&to={DAY}"
    answer = shop.ask("GET", query, headers={"Accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(answer.body.decode())))
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert [(row["depot_id"], row["date"], row["promises_kept_share"]) for row in rows] == [
        ("porto", "2026-11-23", ""),
        ("porto", DAY, "0.6667"),
    ]
    assert rows[1]["exceptions_failed_not_home"] == "1"
    assert rows[1]["eta_planned_forecasts"] == "2"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=2026-11-25&to=2026-11-24", "?to"),
        ("from=2026-11-01&to=2026-12-02", "?to"),
        ("from=yesterday", "?from"),
        ("to=2026-02-30", "?to"),
        ("since=2026-11-24", "?since"),
        ("depot_id=a%20b", "?depot_id"),
        ("from=2026-11-24&from=2026-11-25", "?from"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_its_field(shop: Shop, query: str, field: str) -> None:
    """422; CONTROL: 31 days, both ends included, are answered."""
    problem = shop.refused("GET", f"/v1/kpis?{query}")
    assert (problem["status"], [each["pointer"] for each in problem["errors"]]) == (422, [field])
    assert len(shop.done("GET", "/v1/kpis?from=2026-11-01&to=2026-12-01")["data"]) == 31


def test_too_many_depots_for_so_many_days_are_refused(shop: Shop) -> None:
    """Each day of each depot is read; the answer says what to narrow."""
    for number in range(4):
        shop.done("PUT", f"/v1/depots/more-{number}", a_depot())
    wide = "from=2026-11-01&to=2026-12-01"
    problem = shop.refused("GET", f"/v1/kpis?{wide}")
    assert (problem["status"], problem["errors"][0]["pointer"]) == (422, "?depot_id")
    assert len(shop.done("GET", f"/v1/kpis?{wide}&depot_id=porto")["data"]) == 31


def test_figures_are_for_the_office(shop: Shop) -> None:
    """Scope `ops`; neither the storefront's keys nor a driver's."""
    for key in ("publishable", "checkout", "driver"):
        assert shop.refused("GET", "/v1/kpis", key=key)["status"] == 403
    assert shop.done("GET", "/v1/kpis", key="ops")["data"]


def test_figures_are_of_one_merchant(driven: tuple[Shop, list[dict[str, Any]]]) -> None:
    """Another's depot is none, and its days are not in ours."""
    shop, _ = driven
    foreign = shop.ask("GET", "/v1/kpis?depot_id=gaia", headers={"X-Request-Id": "the-same-one"})
    missing = shop.ask("GET", "/v1/kpis?depot_id=nowhere", headers={"X-Request-Id": "the-same-one"})
    assert (foreign.status_code, foreign.body) == (404, missing.body)
    assert {row["depot_id"] for row in shop.done("GET", "/v1/kpis")["data"]} == {"porto"}
    assert shop.other.done("GET", "/v1/kpis")["total"]["promised"] == 0
