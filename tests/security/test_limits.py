"""API4: what one request may cost is bounded by what it may say."""

from typing import Any

import pytest
from pydantic import BaseModel

from chalicelib.handlers.endpoints import Endpoint
from chalicelib.handlers.strict_json import MAX_BYTES, MAX_DEPTH
from chalicelib.promises.search import MOST_DEPOTS
from tests.handlers.shop_client import CENTRE, Shop, a_depot, a_van

LAMBDA_ANSWER = 6_000_000  # bytes that a function can answer
LIMITS = {"maxLength", "pattern", "format", "enum", "const"}
# Bounded by a function that counts before it looks: `fleet.area` (points, holes), `wire` (texts, zones).
COUNTED_BY_HAND = {
    "coordinates",
    "location",
    "brand",
    "name",
    "reason",
    "note",
    "gate_code",
    "safe_place",
    "neighbour",
    "where",
    "name_or_number",
    "code",
    "lines",
    "city",
    "unit",
    "floor",
    "state",
}


def requests(shop: Shop) -> list[Endpoint]:
    return [endpoint for endpoint in shop.endpoints if endpoint.request is not None]


def unbounded(schema: Any, document: Any, name: str = "") -> list[str]:
    """Fields of a schema that neither end nor are counted by hand."""
    if isinstance(schema, list):
        return [found for part in schema for found in unbounded(part, document, name)]
    if not isinstance(schema, dict):
        return []
    if "$ref" in schema:
        defined = document[schema["$ref"].rpartition("/")[2]]
        return unbounded(defined, document, name)
    found = []
    kind = schema.get("type")
    if kind == "string" and not LIMITS & schema.keys() and name not in COUNTED_BY_HAND:
        found.append(name)
    if kind == "array" and "maxItems" not in schema and name not in COUNTED_BY_HAND:
        found.append(name)
    if kind == "integer" and not {"maximum", "enum"} & schema.keys():
        found.append(name)
    for key, part in schema.get("properties", {}).items():
        found += unbounded(part, document, key)
    for key in ("items", "anyOf", "oneOf", "prefixItems", "allOf"):
        found += unbounded(schema.get(key, []), document, name)
    return found


def test_every_field_of_every_request_is_bounded() -> None:
    """Texts by length or pattern, numbers by a maximum, lists by a count: nothing goes on for ever."""
    shop = Shop()
    document = shop.done("GET", "/openapi.json", key=None)
    schemas = document["components"]["schemas"]
    for operations in document["paths"].values():
        for operation in operations.values():
            body = operation.get("requestBody")
            wanted = [body["content"]["application/json"]["schema"]] if body else []
            wanted += [parameter.get("schema", {}) for parameter in operation["parameters"]]
            assert unbounded(wanted, schemas) == [], operation["operationId"]


def test_unbounded_field_is_found() -> None:
    """The control: a plain text, number or list is seen, also behind a reference."""

    class Loose(BaseModel):
        text: str
        number: int
        many: list[bool]

    assert unbounded(Loose.model_json_schema(), {}) == ["text", "number", "many"]


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b" " * (MAX_BYTES + 1), 413),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), 400),
        (b'{"a": ' + b"9" * 400 + b"}", 400),
    ],
    ids=["size", "depth", "digits"],
)
def test_every_endpoint_bounds_size_depth_and_numbers(raw: bytes, status: int) -> None:
    """B01: whatever reads a body reads so much of it and no more."""
    shop = Shop()
    token = shop.promise()["tracking_url"].rpartition("/")[2]
    for endpoint in requests(shop):
        path = endpoint.path.replace("{token}", token)
        for name in endpoint.path_parameters:
            path = path.replace(f"{{{name}}}", "any")
        assert shop.ask(endpoint.method, path, raw, key="admin").status_code == status, endpoint.name


def test_pages_days_and_cursors_are_bounded() -> None:
    """B18: no list without end in one answer."""
    shop = Shop()
    for query in ("limit=101", "limit=1000000000", "limit=0", "cursor=" + "a" * 4097):
        for path in ("/v1/depots", "/v1/promises"):
            assert shop.ask("GET", f"{path}?{query}").status_code == 422
    assert shop.refused("POST", "/v1/slots/search", shop.wish(days=15))["status"] == 422
    promise = shop.promise()["promise_id"]
    assert shop.refused("GET", f"/v1/promises/{promise}/slots?days=15")["status"] == 422


def most_slots() -> list[dict[str, Any]]:
    return [
        {"starts": f"{hour:02}:{minute:02}", "ends": f"{hour + 1:02}:{minute:02}"}
        for hour in range(6, 20)
        for minute in (0, 8, 15, 22, 30, 38, 45, 52)
    ][:100]


def test_depot_with_all_it_may_have_is_answered_for() -> None:
    """A hundred slots a day, two weeks: a search fits one answer; the hundred and first slot is refused."""
    shop = Shop(depot=a_depot(slots=most_slots()), vans=3)
    answer = shop.ask("POST", "/v1/slots/search", shop.wish(days=14))
    assert len(answer.json_body["slots"]) == 1400
    assert len(answer.body) * MOST_DEPOTS < LAMBDA_ANSWER
    more = [*most_slots(), {"starts": "21:00", "ends": "22:00"}]
    assert shop.refused("PUT", "/v1/depots/porto", a_depot(slots=more))["status"] == 422


def test_so_many_depots_answer_a_search_and_no_more() -> None:
    """Of forty depots that serve an address the five nearest do: work and answer do not grow without end."""
    shop = Shop()
    for number in range(1, 41):
        lat = CENTRE["lat"] + 0.002 * (40 - number)
        shop.done("PUT", f"/v1/depots/d{number:02}", a_depot(location={"lat": lat, "lon": CENTRE["lon"]}))
        shop.done("PUT", f"/v1/depots/d{number:02}/vehicles/van", a_van())
    found = {slot["depot_id"] for slot in shop.search(destination=CENTRE)}
    assert found == {"porto", "d40", "d39", "d38", "d37"}
    assert {slot["depot_id"] for slot in shop.search(depot_id="d01")} == {"d01"}


def a_ring(points: int) -> list[list[float]]:
    """A zigzag whose edges all overlap from west to east: the worst for a check of crossings."""
    zigzag = [[-9.0 if number % 2 else -8.0, round(41 + number * 0.001, 6)] for number in range(points - 3)]
    closing = [[-7.5, zigzag[-1][1]], [-7.5, 41.0]]
    return [*zigzag, *closing, zigzag[0]]


def test_polygons_are_bounded_before_they_are_looked_at() -> None:
    """B03: 500 points a ring and 20 holes are judged, more is refused by counting."""
    shop = Shop()

    def put(rings: list[list[list[float]]]) -> int:
        area = {"type": "Polygon", "coordinates": rings}
        return shop.ask("PUT", "/v1/depots/drawn", a_depot(service_area=area)).status_code

    assert put([a_ring(500)]) == 200
    assert put([a_ring(501)]) == 422
    assert put([a_ring(100)] + [[[0.0, 1.0]]] * 21) == 422


def test_vehicle_has_so_many_shifts_and_breaks() -> None:
    """Lines of a template, breaks and skills end, and so do the shifts they yield."""
    shop = Shop()
    line = {"days": ["mon"], "starts": "08:00", "ends": "09:00"}
    rest = {"earliest": "10:00", "latest": "11:00", "duration_seconds": 60}
    for body in (a_van(weekly=[line] * 29), a_van(breaks=[rest] * 9), a_van(skills=["a"] * 17)):
        assert shop.refused("PUT", "/v1/depots/porto/vehicles/van-1", body)["status"] == 422
