"""API1, API2, API3, API5: which key opens what, what tells keys and things apart, what cannot be said."""

import sys
from collections.abc import Callable
from typing import Any, get_args

import pytest
from pydantic import BaseModel, RootModel

from chalicelib.handlers.endpoints import Endpoint
from chalicelib.handlers.wire import LinkQuery
from chalicelib.merchants.model import ALL_SCOPES, Scope
from tests.handlers.shop_client import Shop, a_depot, a_van
from tests.handlers.test_import import an_order
from tests.handlers.test_isolation import ARRIVED, ASKS, HOOK, SHIFT, Ask, Things

CHECKOUT, OPS, ADMIN = Scope.CHECKOUT, Scope.OPS, Scope.ADMIN
# Written out, so that a scope that slips in a declaration is seen here.
OPENED_BY = {
    "search_slots": CHECKOUT,
    "hold_slot": CHECKOUT,
    "read_hold": CHECKOUT,
    "release_hold": CHECKOUT,
    "extend_hold": CHECKOUT,
    "make_promise": CHECKOUT,
    "list_promises": CHECKOUT | OPS,
    "read_promise": CHECKOUT | OPS,
    "other_slots": CHECKOUT | OPS,
    "change_promise": CHECKOUT | OPS,
    "read_ledger": CHECKOUT | OPS,
    "read_messages": CHECKOUT | OPS,
    "put_depot": OPS,
    "get_depot": OPS,
    "list_depots": OPS,
    "put_vehicle": OPS,
    "get_vehicle": OPS,
    "delete_vehicle": OPS,
    "put_shift": OPS,
    "get_shift": OPS,
    "delete_shift": OPS,
    "get_plan": OPS,
    "ask_for_replan": OPS,
    "get_replan": OPS,
    "import_promises": OPS,
    "pin_promise": OPS,
    "unpin_promise": OPS,
    "make_token": OPS,
    "read_manifest": OPS | Scope.DRIVER,
    "report_events": OPS | Scope.DRIVER,
    "announce_proof": OPS | Scope.DRIVER,
    "correct_promise": OPS | Scope.DRIVER,
    "record_contact": CHECKOUT | OPS,
    "read_kpis": OPS,
    "create_key": ADMIN,
    "list_keys": ADMIN,
    "revoke_key": ADMIN,
    "erase_buyer": ADMIN,
    "get_settings": OPS | ADMIN,
    "put_settings": OPS | ADMIN,
    "list_webhooks": OPS | ADMIN,
    "put_webhook": OPS | ADMIN,
    "get_webhook": OPS | ADMIN,
    "delete_webhook": OPS | ADMIN,
    "list_attempts": OPS | ADMIN,
    "replay_webhook": OPS | ADMIN,
    "send_test_event": OPS | ADMIN,
    "move_clock": ALL_SCOPES,
    "read_inbox": ALL_SCOPES,
    "play_reply": ALL_SCOPES,
}
FOR_PAGES = {"search_slots", "hold_slot", "read_hold", "release_hold", "extend_hold"}
HELD_BY = {
    "admin": ALL_SCOPES,
    "secret": CHECKOUT | OPS | Scope.DRIVER,
    "checkout": CHECKOUT,
    "ops": OPS,
    "driver": Scope.DRIVER,
    "publishable": CHECKOUT,
}


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop()


def path_of(endpoint: Endpoint) -> str:
    path = endpoint.path
    for name in endpoint.path_parameters:
        path = path.replace(f"{{{name}}}", "any")
    return path


@pytest.mark.parametrize("key", HELD_BY)
def test_every_endpoint_opens_to_the_keys_it_is_for_and_to_no_other(shop: Shop, key: str) -> None:
    """API5: 403 before anything else is looked at, or an answer; for every endpoint and kind of key."""
    endpoints = {endpoint.name: endpoint for endpoint in shop.endpoints if endpoint.scope}
    assert endpoints.keys() == OPENED_BY.keys()
    for name, endpoint in endpoints.items():
        opened = bool(HELD_BY[key] & OPENED_BY[name]) and (key != "publishable" or name in FOR_PAGES)
        answer = shop.ask(endpoint.method, path_of(endpoint), b"{{" if endpoint.request else None, key=key)
        assert (answer.status_code != 403) is opened, name


# --- enumeration


def asked_of_the_store(run: Callable[[], object]) -> list[str]:
    """Which methods of the store a request calls, in order."""
    called: list[str] = []

    def watch(frame: Any, event: str, _argument: Any) -> None:
        code = frame.f_code
        ours = code.co_filename.endswith(("fakes_store.py", "fakes_webhooks.py", "fakes.py"))
        if event == "call" and ours and code.co_name[0] != "_":
            called.append(code.co_qualname)

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        run()
    finally:
        sys.setprofile(before)
    return [name for name in called if "<" not in name]


@pytest.fixture(scope="module")
def world() -> tuple[Shop, Things]:
    shop = Shop()
    Things.of(shop, "porto")
    shop.ask("GET", "/v1/shifts/any/manifest", key="driver")  # the first use of a key in a day is noted
    return shop, Things.of(shop.other, "gaia")


@pytest.mark.parametrize("ask", ASKS, ids=str)
def test_foreign_and_missing_things_cost_the_same_work(world: tuple[Shop, Things], ask: Ask) -> None:
    """API1: the store is asked the same questions, so not even time tells that something exists elsewhere."""
    shop, theirs = world
    foreign = asked_of_the_store(lambda: ask.send(shop, theirs))
    missing = asked_of_the_store(lambda: ask.send(shop, Things()))
    assert foreign == missing
    assert "InMemoryMerchants.get_key" in foreign


def test_own_thing_costs_other_work(world: tuple[Shop, Things]) -> None:
    """Control: what is there is read further, and the measure sees it."""
    shop, theirs = world
    ask = Ask("GET", "/v1/promises/{t.promise}")
    assert asked_of_the_store(lambda: ask.send(shop.other, theirs)) != asked_of_the_store(
        lambda: ask.send(shop, theirs)
    )


def test_tokens_hold_more_chance_than_anybody_can_try(shop: Shop) -> None:
    """B11: 128 bits for a tracking page and for a hold, 160 for a key; ids alone open nothing."""
    pages = {shop.promise()["tracking_url"].rpartition("/")[2] for _ in range(8)}
    assert len(pages) == 8
    assert {len(token) for token in pages} == {22}  # of 6 bits: at least 128
    assert len(shop.hold()["hold_token"]) == 22
    made = shop.done("POST", "/v1/keys", {"type": "secret", "scopes": ["ops"]}, key="admin")
    assert len(made["key"].removeprefix("slk_test_sk_")) - 6 == 27  # of 62 digits: 160 bits


# --- what a request cannot say

HOLD = {"cart_ref": "cart"}
DRIVEN = "/v1/shifts/porto.van-1.2026-11-24.0800"
GOOD: dict[str, tuple[str, str, dict[str, Any]]] = {
    "search_slots": ("POST", "/v1/slots/search", {"destination": {"lat": 41.16, "lon": -8.6}}),
    "hold_slot": ("POST", "/v1/holds", HOLD),
    "make_promise": ("POST", "/v1/promises", {"recipient": {"name": "Ana"}, "sms_consent": False}),
    "change_promise": ("POST", "/v1/promises/{promise}/changes", {"kind": "gate_code", "code": "1"}),
    "import_promises": ("POST", "/v1/promises/import", {"orders": [an_order()]}),
    "pin_promise": (
        "PUT",
        "/v1/promises/{promise}/pin",
        {"shift_id": "porto.van-1.2026-11-24.0800"},
    ),
    "play_reply": ("POST", "/v1/test/replies", {"from": "+12025550123", "to": "+15005550006", "body": "1"}),
    "report_events": ("POST", f"{DRIVEN}/events", {"events": [ARRIVED]}),
    "announce_proof": ("POST", f"{DRIVEN}/proofs", {}),
    "correct_promise": (
        "POST",
        "/v1/promises/{promise}/corrections",
        {"outcome": "failed_refused", "reason": "wrong door"},
    ),
    "record_contact": ("POST", "/v1/promises/{promise}/contacts", {"channel": "phone", "reason": "where"}),
    "put_depot": ("PUT", "/v1/depots/new", a_depot()),
    "put_vehicle": ("PUT", "/v1/depots/porto/vehicles/new", a_van()),
    "put_shift": ("PUT", "/v1/depots/porto/shifts/new", SHIFT),
    "create_key": ("POST", "/v1/keys", {"type": "secret", "scopes": ["ops"]}),
    "put_settings": ("PUT", "/v1/settings", {"brand": "Acme"}),
    "extend_hold": ("POST", "/v1/holds/{hold}/extend", {}),
    "release_hold": ("DELETE", "/v1/holds/{hold}", {}),
    "put_webhook": ("PUT", "/v1/webhooks/new", HOOK),
    "erase_buyer": ("POST", "/v1/erasures", {"order_ref": "R-1"}),
    "replay_webhook": ("POST", "/v1/webhooks/of-porto/replay", {"from_sequence": 1}),
    "move_clock": ("POST", "/v1/test/clock", {"advance_seconds": 0}),
}
OURS = {
    "merchant_id": "best",
    "tenant": "best.test",
    "mode": "live",
    "version": 7,
    "state": "delivered",
    "expires_at": "2026-12-24T06:00:00+00:00",
    "promised_window": {"starts_at": "2026-11-24T08:00:00+00:00"},
    "tracking_token": "x",
    "price": {"amount": 0, "currency": "EUR"},
    "confidence": 1.0,
    "created_at": "2026-11-24T06:00:00+00:00",
    "key": "slk_test_sk_x",
    "kept_probability": 1,
    "__class__": "x",
}


def good_request(shop: Shop, name: str) -> tuple[str, str, dict[str, Any]]:
    method, path, body = GOOD[name]
    if name in ("hold_slot", "make_promise"):
        body = {**body, "offer": shop.offer()}
    if name == "make_promise":
        body = {**body, "order_ref": "R-1"}
    if name == "replay_webhook":
        shop.done("PUT", "/v1/webhooks/of-porto", HOOK)
        shop.done("POST", "/v1/webhooks/of-porto/test")
    promise = shop.promise()["promise_id"] if "{promise}" in path else ""
    if name == "correct_promise":
        tried = ARRIVED | {"type": "completed", "promise_id": promise, "outcome": "failed_not_home"}
        shop.done("POST", f"{DRIVEN}/events", {"events": [tried]})
    return (
        method,
        path.format(
            promise=promise,
            hold=shop.hold()["hold_id"] if "{hold}" in path else "",
        ),
        body,
    )


@pytest.mark.parametrize("name", GOOD)
def test_what_is_ours_to_say_is_refused(name: str) -> None:
    """API3: a field of the server's own, or of nobody's, is refused by name; without it all is well."""
    shop = Shop()
    method, path, body = good_request(shop, name)
    model = next(each.request for each in shop.endpoints if each.name == name)
    known = {"expires_at"} if name == "create_key" else set()
    for field, value in OURS.items():
        if field in known:
            continue
        problem = shop.refused(method, path, {**body, field: value}, key="admin")
        assert (problem["status"], problem["errors"][0]["pointer"]) == (422, f"/{field}"), (field, model)
    assert shop.ask(method, path, body, key="admin").status_code < 300


def test_every_endpoint_with_a_body_was_tried(shop: Shop) -> None:
    """Who adds an endpoint adds it here."""
    with_keys = [endpoint for endpoint in shop.endpoints if endpoint.request and endpoint.scope]
    assert {endpoint.name for endpoint in with_keys} == GOOD.keys()


def models_in(kind: Any) -> set[type[BaseModel]]:
    """A model and all that its fields are made of."""
    found: set[type[BaseModel]] = set()
    rest = [kind]
    while rest:
        part = rest.pop()
        if isinstance(part, type) and issubclass(part, BaseModel) and part not in found:
            found.add(part)
            rest += [field.annotation for field in part.model_fields.values()]
        rest += get_args(getattr(part, "__value__", part))
    return found


def test_no_model_of_a_request_takes_what_it_does_not_know(shop: Shop) -> None:
    """The same for everything inside: strict types, no unknown field, at any depth.

    Only of the one link that people open what an app appended is dropped; it reaches nobody.
    """
    lenient = set[str]()
    for endpoint in shop.endpoints:
        for model in models_in(endpoint.request):
            if not issubclass(model, RootModel):
                assert model.model_config.get("extra") == "forbid", model
                assert model.model_config.get("strict"), model
        for model in models_in(endpoint.query):
            assert model.model_config.get("extra") == ("ignore" if issubclass(model, LinkQuery) else "forbid")
            lenient |= {endpoint.path} if issubclass(model, LinkQuery) else set()
    assert lenient == {"/t/{token}"}
