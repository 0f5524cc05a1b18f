"""The main job over HTTP against the whole running product: from search to text and worker log.

What one process in memory can show is shown in `tests/handlers`; here are the things that need the real
store, several processes, the stream, the queue, the clock and the gateway. Carts, orders and depots are the
test's own, for other tests share the sandbox.
"""

import csv
import io
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from openapi_spec_validator import validate

from infra.sandbox import Sandbox
from tests.handlers.bakery import problem_of
from tests.handlers.shop_client import ShopClient, a_depot, a_van, fresh, over_http
from tests.sandbox.waiting import eventually

SHOP_ORIGIN = "https://shop.example"  # as the seed has it
PHONE = "+12025550177"


def client_of(sandbox: Sandbox, merchant: Mapping[str, Any]) -> ShopClient:
    destination = {"ribeira": {"lat": 41.162, "lon": -8.62}, "matosinhos": {"lat": 41.18, "lon": -8.66}}
    return ShopClient(over_http(sandbox.url), merchant["keys"], destination=destination[merchant["depot_id"]])


@pytest.fixture
def shop(sandbox: Sandbox) -> ShopClient:
    return client_of(sandbox, sandbox.merchants[0])


@pytest.fixture
def other(sandbox: Sandbox) -> ShopClient:
    """The merchant whose clock is moved."""
    return client_of(sandbox, sandbox.merchants[1])


def one_place_depot(client: ShopClient) -> dict[str, Any]:
    """A wish for a depot of the test's own, with room for a single parcel a day; nobody else searches it."""
    depot_id = fresh("depot")
    area = {"radius_metres": 3_000}
    slots = [{"starts": "10:00", "ends": "12:00"}]
    lonely = {"lat": 41.15, "lon": -8.3}
    client.done("PUT", f"/v1/depots/{depot_id}", a_depot(location=lonely, service_area=area, slots=slots))
    client.done("PUT", f"/v1/depots/{depot_id}/vehicles/van-1", a_van(capacity={"parcels": 1}))
    return {"depot_id": depot_id, "destination": lonely, "days": 4}


def test_order_goes_from_search_to_text_and_worker_log(sandbox: Sandbox, shop: ShopClient) -> None:
    """Every step of the main job, and everything that it leaves behind."""
    cart, order_ref = fresh("cart"), fresh("order")
    held = shop.hold(shop.offer(cart_ref=cart, days=3), cart)
    shop.done("POST", f"/v1/holds/{held['hold_id']}/extend", {})
    recipient = {"name": "Ana", "phone": PHONE}
    made = shop.promise(hold_id=held["hold_id"], order_ref=order_ref, recipient=recipient)
    promise_id, day = made["promise_id"], made["promised_window"]["starts_at"][:10]
    assert made["promised_window"] == {"starts_at": held["starts_at"], "ends_at": held["ends_at"]}
    assert shop.done("GET", f"/v1/holds/{held['hold_id']}")["state"] == "confirmed"
    [listed] = shop.done("GET", f"/v1/promises?order_ref={order_ref}")["data"]
    assert listed["promise_id"] == promise_id

    plan = shop.done("GET", f"/v1/depots/ribeira/plans/{day}")
    planned = [stop.get("promise_id") for route in plan["routes"] for stop in route["stops"]]
    assert planned.count(promise_id) == 1

    inbox = f"/v1/test/messages?phone=%2B{PHONE[1:]}"
    [text] = eventually(lambda: shop.done("GET", inbox)["data"])
    eventually(lambda: shop.done("GET", f"/v1/promises/{promise_id}/messages")["data"][0].get("sid"))
    [message] = shop.done("GET", f"/v1/promises/{promise_id}/messages")["data"]
    assert message["kind"] == "promise_confirmed"
    assert message["status"] in ("sent", "delivered")  # the carrier tells when it likes
    assert (message["sid"], message["body"]) == (text["sid"], text["body"])
    assert "Ribeira Wines" in text["body"]

    def looked_at() -> bool:
        lines = (sandbox.home / "improve.log").read_text("utf-8").splitlines()
        return any(f'"plan":"ribeira/{day}"' in line and '"kept":' in line for line in lines)

    assert eventually(looked_at)
    [fact] = shop.done("GET", f"/v1/promises/{promise_id}/ledger")["data"]
    assert (fact["sequence"], fact["kind"]) == (1, "promise.confirmed")


def test_twins_have_one_effect_and_one_answer(shop: ShopClient) -> None:
    """The same request from several threads to several processes at once, and once more later."""
    body = shop.order(offer=shop.offer(days=3))
    key = fresh("key")

    def send(_: int) -> tuple[int, bytes]:
        answer = shop.ask("POST", "/v1/promises", body, idempotency_key=key)
        return answer.status_code, answer.body

    with ThreadPoolExecutor(6) as threads:
        answers = set(threads.map(send, range(6)))
    answers.add(send(0))
    [(status, _)] = answers
    assert status == 201
    assert len(shop.done("GET", f"/v1/promises?order_ref={body['order_ref']}")["data"]) == 1
    mismatch = shop.ask("POST", "/v1/promises", {**body, "sms_consent": False}, idempotency_key=key)
    assert problem_of(mismatch)["code"] == "idempotency_mismatch"
    twice = shop.ask("POST", "/v1/promises", body)
    assert problem_of(twice)["code"] == "order_already_promised"


def test_last_place_is_sold_once_and_the_loser_gets_alternatives(shop: ShopClient) -> None:
    """Shoppers race for it through different processes: one hold, for the others the next days."""
    wish = one_place_depot(shop)
    offer = shop.offer(**wish)

    def claim(cart_ref: str) -> tuple[int, str, dict[str, Any]]:
        answer = shop.ask("POST", "/v1/holds", {"offer": offer, "cart_ref": cart_ref})
        return answer.status_code, cart_ref, answer.json_body

    with ThreadPoolExecutor(5) as threads:
        answers = list(threads.map(claim, [fresh("cart") for _ in range(5)]))
    assert sorted(status for status, _, _ in answers) == [201, 409, 409, 409, 409]
    cart_ref, problem = next((cart, problem) for status, cart, problem in answers if status == 409)
    assert problem["code"] == "slot_taken"
    assert shop.hold(problem["alternatives"][0]["offer"], cart_ref)["state"] == "active"


def test_cart_swaps_its_hold_on_a_full_van(shop: ShopClient) -> None:
    """The only place is given up and taken again in one transaction; the old hold is released."""
    wish, cart = one_place_depot(shop), fresh("cart")
    first = shop.hold(shop.offer(**wish), cart)
    second = shop.hold(shop.offer(cart_ref=cart, **wish), cart)
    assert second["starts_at"] == first["starts_at"]
    states = [shop.done("GET", f"/v1/holds/{each['hold_id']}")["state"] for each in (first, second)]
    assert states == ["released", "active"]
    assert shop.ask("DELETE", f"/v1/holds/{second['hold_id']}").status_code == 204
    assert shop.offer(**wish)


def test_expired_hold_is_renewed_by_the_paid_order(other: ShopClient) -> None:
    """The clock moves past `expires_at`: the place is for sale again, and confirming takes it anew."""
    wish = one_place_depot(other)
    held = other.hold(other.offer(1, **wish))
    clock = other.done("POST", "/v1/test/clock", {"advance_seconds": 700})
    assert clock["now_at"].endswith("Z")
    assert other.done("GET", f"/v1/holds/{held['hold_id']}")["state"] == "expired"
    again = other.search(**wish)
    assert next(slot for slot in again if slot["starts_at"] == held["starts_at"])["available"]
    made = other.promise(hold_id=held["hold_id"])
    assert made["renewed"] is True
    assert made["promised_window"]["starts_at"] == held["starts_at"]
    late = other.ask("POST", f"/v1/holds/{held['hold_id']}/extend", {})
    assert problem_of(late)["status"] in (409, 410)


def test_page_searches_and_holds_and_does_nothing_else(shop: ShopClient) -> None:
    """A publishable key sees no detours, needs tokens, and is readable from the merchant's own pages."""
    page, theirs = {"Origin": SHOP_ORIGIN}, {"Origin": "https://evil.example"}
    wish = shop.wish(days=3)
    mine = shop.ask("POST", "/v1/slots/search", wish, key="publishable", headers=page)
    assert mine.headers["Access-Control-Allow-Origin"] == SHOP_ORIGIN
    assert not any("extra_seconds" in slot or "extra_metres" in slot for slot in mine.json_body["slots"])
    evil = shop.ask("POST", "/v1/slots/search", wish, key="publishable", headers=theirs)
    assert "Access-Control-Allow-Origin" not in evil.headers

    cart, offer = fresh("cart"), next(slot["offer"] for slot in mine.json_body["slots"] if slot["available"])
    held = shop.hold(offer, cart, key="publishable")
    body = {"offer": shop.offer(1, days=3), "cart_ref": cart}
    second = shop.ask("POST", "/v1/holds", body, key="publishable", headers=page)
    assert problem_of(second)["code"] == "hold_exists"
    assert second.headers["Access-Control-Allow-Origin"] == SHOP_ORIGIN
    proof = {"replaces": held["hold_id"], "hold_token": held["hold_token"]}
    swapped = shop.done("POST", "/v1/holds", {**body, **proof}, key="publishable")
    path = f"/v1/holds/{swapped['hold_id']}"
    assert problem_of(shop.ask("DELETE", path, key="publishable"))["code"] == "forbidden"
    gone = shop.ask("DELETE", f"{path}?hold_token={swapped['hold_token']}", key="publishable")
    assert (gone.status_code, gone.body) == (204, b"")
    order = shop.order(offer=offer)
    assert problem_of(shop.ask("POST", "/v1/promises", order, key="publishable"))["code"] == "forbidden"


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/v1/slots/search", "POST"),
        ("/v1/holds", "POST"),
        ("/v1/holds/any", "GET, DELETE"),
        ("/v1/holds/any/extend", "POST"),
    ],
)
def test_preflight_is_answered_to_anybody(shop: ShopClient, path: str, methods: str) -> None:
    """B16: with `*`, without credentials, with the headers that a checkout sends; only where pages may go."""
    asked = {"Origin": "https://any.example", "Access-Control-Request-Method": "POST"}
    answer = shop.ask("OPTIONS", path, key=None, headers=asked)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (204, "*")
    assert answer.headers["Access-Control-Allow-Methods"] == methods
    assert "Access-Control-Allow-Credentials" not in answer.headers
    allowed = answer.headers["Access-Control-Allow-Headers"].lower().split(", ")
    assert {"authorization", "content-type", "idempotency-key"} <= set(allowed)
    for secret in ("/v1/promises", "/v1/depots", "/v1/keys"):
        refused = shop.ask("OPTIONS", secret, key=None)
        # The gateway's own errors are readable to pages, so that they see a 429; it allows them nothing.
        assert (refused.status_code, refused.headers.get("Access-Control-Allow-Methods")) == (404, None)


def test_plan_and_promises_are_read_as_csv(shop: ShopClient) -> None:
    """One line a stop and one line a promise, with the same ids as in JSON."""
    made = shop.promise(offer=shop.offer(days=3))
    day = made["promised_window"]["starts_at"][:10]
    for path in (f"/v1/depots/ribeira/plans/{day}", f"/v1/promises?order_ref={made['order_ref']}"):
        answer = shop.ask("GET", path, headers={"Accept": "text/csv"})
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        rows = list(csv.DictReader(io.StringIO(answer.body.decode())))
        assert made["promise_id"] in [row["promise_id"] for row in rows]


def test_new_address_in_the_sea_is_refused_like_a_slot(other: ShopClient) -> None:
    """Inside the area, and off every road: the promise stays where it was."""
    promise_id = other.promise(offer=other.offer(days=3))["promise_id"]
    address = {"lines": ["Praia"], "city": "Matosinhos", "country": "PT"}
    at_sea = {"lat": 41.18, "lon": -8.76}
    changed = other.change(promise_id, kind="address", location=at_sea, address=address)
    assert (changed["state"], changed["reason"]) == ("refused", "no_route_fit")
    assert {slot["available"] for slot in other.search(destination=at_sea)} == {False}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        pytest.param(b'"' + b"x" * 70_000 + b'"', 413, "body_too_large", id="too large for us"),
        pytest.param(b'"' + b"x" * 11_000_000 + b'"', 413, "body_too_large", id="too large for the gateway"),
        pytest.param(b"[" * 40, 400, "malformed_json", id="too deep"),
        pytest.param(b"\xff\xfe", 400, "malformed_json", id="not UTF-8"),
        pytest.param(b'{"days": NaN}', 400, "malformed_json", id="NaN"),
        pytest.param(b"", 400, "malformed_json", id="nothing"),
    ],
)
def test_bad_body_is_refused_in_one_dress(shop: ShopClient, body: bytes, status: int, code: str) -> None:
    """B01: problem+json with a request id, whether the gateway says it or the app."""
    problem = problem_of(shop.ask("POST", "/v1/slots/search", body))
    assert (problem["status"], problem["code"], problem["errors"]) == (status, code, [])


@pytest.mark.parametrize(("method", "target"), [("GET", "/v1/nowhere"), ("PATCH", "/v1/holds"), ("GET", "/")])
def test_what_is_not_served_is_not_found(shop: ShopClient, method: str, target: str) -> None:
    """The gateway's own answer is dressed as ours, with and without a key."""
    for key in ("secret", None):
        assert problem_of(shop.ask(method, target, key=key))["code"] == "not_found"


def test_every_answer_under_a_key_tells_its_quota(shop: ShopClient) -> None:
    """RateLimit and RateLimit-Policy, on refusals as well."""
    for target in ("/v1/depots", "/v1/promises/none"):
        headers = shop.ask("GET", target).headers
        assert headers["RateLimit-Policy"].startswith('"key";q=')
        assert headers["RateLimit"].startswith('"key";r=')


CONTRACT = """
PUT /v1/depots/{depot_id}
GET /v1/depots/{depot_id}
GET /v1/depots
PUT /v1/depots/{depot_id}/vehicles/{vehicle_id}
GET /v1/depots/{depot_id}/vehicles/{vehicle_id}
DELETE /v1/depots/{depot_id}/vehicles/{vehicle_id}
PUT /v1/depots/{depot_id}/shifts/{shift_id}
GET /v1/depots/{depot_id}/shifts/{shift_id}
DELETE /v1/depots/{depot_id}/shifts/{shift_id}
GET /v1/depots/{depot_id}/plans/{date}
POST /v1/slots/search
POST /v1/holds
GET /v1/holds/{hold_id}
DELETE /v1/holds/{hold_id}
POST /v1/holds/{hold_id}/extend
POST /v1/promises
GET /v1/promises
GET /v1/promises/{promise_id}
GET /v1/promises/{promise_id}/slots
POST /v1/promises/{promise_id}/changes
GET /v1/promises/{promise_id}/ledger
GET /v1/promises/{promise_id}/messages
GET /v1/settings
PUT /v1/settings
POST /v1/keys
GET /v1/keys
DELETE /v1/keys/{key_id}
GET /v1/webhooks
PUT /v1/webhooks/{webhook_id}
GET /v1/webhooks/{webhook_id}
DELETE /v1/webhooks/{webhook_id}
GET /v1/webhooks/{webhook_id}/attempts
POST /v1/webhooks/{webhook_id}/replay
POST /v1/webhooks/{webhook_id}/test
GET /v1/health
GET /openapi.json
GET /docs
POST /v1/test/clock
GET /v1/test/messages
"""


def test_description_of_the_running_product_names_what_it_serves(shop: ShopClient) -> None:
    """`/openapi.json` needs no key, is OpenAPI, and has every call of the contract; `/docs` renders it."""
    document = json.loads(shop.ask("GET", "/openapi.json", key=None).body)
    validate(document)
    described = {f"{method.upper()} {path}" for path, calls in document["paths"].items() for method in calls}
    assert set(CONTRACT.split("\n")[1:-1]) <= described
    page = shop.ask("GET", "/docs", key=None)
    assert page.status_code == 200
    assert all(path in page.body.decode() for path in document["paths"])
    assert shop.done("GET", "/v1/health", key=None) == {"status": "ok"}
