"""B10: every endpoint with every id of another merchant answers exactly as with an id that does not exist."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from chalice.test import HTTPResponse

from chalicelib.events import Mode
from chalicelib.handlers.endpoints import Endpoint
from chalicelib.merchants.model import KeyType, key_text
from tests.handlers.described import endpoint_of
from tests.handlers.shop_client import Shop, ShopClient, a_depot, a_van

DAY = "2026-11-24"
ARRIVED = {"event_id": "e-1", "type": "arrived", "at": f"{DAY}T06:00:00+00:00", "promise_id": "{t.promise}"}
SHIFT = {
    "starts_at": f"{DAY}T19:00:00+00:00",
    "ends_at": f"{DAY}T21:00:00+00:00",
    "vehicle": {"vehicle_id": "van-9", "capacity": {}},
}
HOOK = {"url": "https://shop.example/webhooks"}


@dataclass
class Things:
    """One of everything that has an id: of a merchant, or none at all."""

    depot: str = "nowhere"
    vehicle: str = "no-van"
    shift: str = "no-shift"
    driving: str = f"nowhere.van-1.{DAY}.0800"
    hold: str = "hold_0000000000000"
    token: str = "no-token"
    promise: str = "prm_0000000000000"
    tried: str = "prm_0000000000000"
    key: str = "key_00000000000000000"
    replan: str = "rpl_0000000000000"
    webhook: str = "no-webhook"

    @staticmethod
    def of(client: ShopClient, depot: str) -> "Things":
        client.done("PUT", f"/v1/depots/{depot}/shifts/evening", SHIFT)
        held = client.hold(key="publishable")
        promise = client.promise(hold_id=client.hold()["hold_id"])
        made = client.done("POST", "/v1/keys", {"type": "secret", "scopes": ["ops"]}, key="admin")
        driving = f"{depot}.van-1.{DAY}.0800"
        tried = client.promise()["promise_id"]
        done = ARRIVED | {"type": "completed", "promise_id": tried, "outcome": "failed_not_home"}
        back = {
            "event_id": "e-2",
            "type": "returned_to_depot",
            "at": ARRIVED["at"],
        }  # it drives to nobody else
        client.done("POST", f"/v1/shifts/{driving}/events", {"events": [done | {"event_id": "e-0"}, back]})
        client.done("PUT", f"/v1/webhooks/of-{depot}", HOOK)
        client.done("POST", f"/v1/webhooks/of-{depot}/test")
        return Things(
            depot=depot,
            vehicle="van-1",
            shift="evening",
            driving=driving,
            hold=held["hold_id"],
            token=held["hold_token"],
            promise=promise["promise_id"],
            tried=tried,
            key=made["key_id"],
            replan=client.done("POST", f"/v1/depots/{depot}/plans/{DAY}/replan")["replan_id"],
            webhook=f"of-{depot}",
        )


@dataclass(frozen=True)
class Ask:
    """A request that names things."""

    method: str
    path: str
    body: Any = None
    key: str = "admin"

    def send(self, client: ShopClient, things: Things) -> HTTPResponse:
        return client.ask(
            self.method,
            self.path.format(t=things),
            _filled(self.body, things),
            key=self.key,
            headers={"X-Request-Id": "the-same-one"},
        )

    def __str__(self) -> str:
        return f"{self.key} {self.method} {self.path}"


def _filled(body: Any, things: Things) -> Any:
    if isinstance(body, dict):
        return {name: _filled(value, things) for name, value in body.items()}
    if isinstance(body, list):
        return [_filled(value, things) for value in body]
    return body.format(t=things) if isinstance(body, str) else body


CANCEL = {"kind": "cancel"}
PROVEN = {"hold_token": "{t.token}"}
ASKS = [
    Ask("GET", "/v1/depots/{t.depot}"),
    Ask("PUT", "/v1/depots/{t.depot}/vehicles/{t.vehicle}", a_van()),
    Ask("GET", "/v1/depots/{t.depot}/vehicles/{t.vehicle}"),
    Ask("PUT", "/v1/depots/{t.depot}/shifts/{t.shift}", SHIFT),
    Ask("GET", "/v1/depots/{t.depot}/shifts/{t.shift}"),
    Ask("GET", f"/v1/depots/{{t.depot}}/plans/{DAY}"),
    Ask("POST", f"/v1/depots/{{t.depot}}/plans/{DAY}/replan"),
    Ask("GET", "/v1/replans/{t.replan}"),
    Ask(
        "POST",
        "/v1/slots/search",
        {"destination": {"lat": 41.16, "lon": -8.6}, "depot_id": "{t.depot}"},
    ),
    Ask("GET", "/v1/holds/{t.hold}"),
    Ask("GET", "/v1/holds/{t.hold}", key="publishable"),
    Ask("GET", "/v1/holds/{t.hold}?hold_token={t.token}", key="publishable"),
    Ask("POST", "/v1/holds/{t.hold}/extend", {}),
    Ask("POST", "/v1/holds/{t.hold}/extend", PROVEN, key="publishable"),
    Ask("DELETE", "/v1/holds/{t.hold}", PROVEN, key="publishable"),
    Ask("DELETE", "/v1/holds/{t.hold}?hold_token={t.token}", key="publishable"),
    Ask("GET", "/v1/promises/{t.promise}"),
    Ask("GET", "/v1/promises/{t.promise}/slots"),
    Ask("GET", "/v1/promises/{t.promise}/ledger"),
    Ask("GET", "/v1/promises/{t.promise}/messages"),
    Ask("POST", "/v1/promises/{t.promise}/changes", {"kind": "gate_code", "code": "4471#"}),
    Ask("PUT", "/v1/promises/{t.promise}/pin", {"shift_id": "{t.driving}"}),
    Ask("DELETE", "/v1/promises/{t.promise}/pin"),
    Ask("POST", "/v1/promises/{t.promise}/changes", CANCEL),
    Ask(
        "POST",
        "/v1/promises",
        {
            "hold_id": "{t.hold}",
            "order_ref": "R-9",
            "recipient": {"name": "Ana"},
            "sms_consent": False,
        },
    ),
    Ask("POST", "/v1/shifts/{t.driving}/tokens"),
    Ask("POST", "/v1/shifts/{t.driving}/proofs", {}),
    Ask(
        "POST",
        "/v1/promises/{t.tried}/corrections",
        {"outcome": "failed_not_home", "reason": "wrong door"},
    ),
    Ask("POST", "/v1/promises/{t.promise}/contacts", {"channel": "phone", "reason": "where"}),
    Ask("GET", "/v1/shifts/{t.driving}/manifest"),
    Ask("GET", "/v1/shifts/{t.driving}/manifest", key="driver"),
    Ask("POST", "/v1/shifts/{t.driving}/events", {"events": [ARRIVED]}),
    Ask("POST", "/v1/shifts/{t.driving}/events", {"events": [ARRIVED]}, key="driver"),
    Ask("DELETE", "/v1/depots/{t.depot}/shifts/{t.shift}"),
    Ask("DELETE", "/v1/depots/{t.depot}/vehicles/{t.vehicle}"),
    Ask("DELETE", "/v1/holds/{t.hold}"),
    Ask("DELETE", "/v1/keys/{t.key}"),
    Ask("GET", "/v1/webhooks/{t.webhook}"),
    Ask("GET", "/v1/webhooks/{t.webhook}/attempts"),
    Ask("POST", "/v1/webhooks/{t.webhook}/replay", {"from_sequence": 1}),
    Ask("POST", "/v1/webhooks/{t.webhook}/test"),
    Ask("DELETE", "/v1/webhooks/{t.webhook}"),
]
# Asked apart: PUT of a depot or webhook makes one of the caller's own, under whatever id.
ELSEWHERE = {"put_depot", "put_webhook"}


@pytest.fixture(scope="module")
def world() -> tuple[Shop, Things, Things]:
    shop = Shop()
    return shop, Things.of(shop, "porto"), Things.of(shop.other, "gaia")


@pytest.mark.parametrize("ask", ASKS, ids=str)
def test_other_merchants_thing_answers_like_none(world: tuple[Shop, Things, Things], ask: Ask) -> None:
    """404, word for word; only the id that was asked for may be in it."""
    shop, _, theirs = world
    foreign, missing = ask.send(shop, theirs), ask.send(shop, Things())
    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert foreign.headers.keys() == missing.headers.keys()
    said = foreign.body.decode()
    for their, nobodys in ((theirs.depot, "nowhere"), (theirs.hold, Things.hold)):
        said = said.replace(their, nobodys)
    assert said == missing.body.decode()


@pytest.mark.parametrize("ask", ASKS, ids=str)
def test_same_request_serves_its_own_merchant(ask: Ask) -> None:
    """The control: what is refused above is refused for whose it is, and for nothing else."""
    shop = Shop()
    assert ask.send(shop.other, Things.of(shop.other, "gaia")).status_code < 300


def test_what_another_merchant_asked_changed_nothing(world: tuple[Shop, Things, Things]) -> None:
    """After all of these requests everything of theirs is as it was."""
    shop, _, theirs = world
    for ask in ASKS:
        ask.send(shop, theirs)
    untouched = shop.other.done("GET", f"/v1/promises/{theirs.promise}")
    assert (untouched["state"], untouched["instructions"]["gate_code"]) == ("confirmed", None)
    assert shop.other.done("GET", f"/v1/holds/{theirs.hold}")["state"] == "active"
    assert len(shop.other.done("GET", f"/v1/promises/{theirs.promise}/ledger")["data"]) == 1
    for path in ("shifts/evening", "vehicles/van-1"):
        assert shop.other.ask("GET", f"/v1/depots/gaia/{path}").status_code == 200


def test_every_endpoint_that_takes_an_id_was_asked(world: tuple[Shop, Things, Things]) -> None:
    """Who adds an endpoint adds it here."""

    def asked() -> Iterator[Endpoint | None]:
        for ask in ASKS:
            yield endpoint_of(world[0].endpoints, ask.method, ask.path.format(t=Things()))

    names = {endpoint.name for endpoint in asked() if endpoint} | ELSEWHERE
    with_ids = [each for each in world[0].endpoints if each.path_parameters and each.scope]
    assert {each.name for each in with_ids} <= names


def asked_of_every_endpoint(shop: Shop, key: str | None) -> dict[str, HTTPResponse]:
    """Ask each endpoint that wants a key, with ids and, where it reads one, a body that nobody would take."""
    return {
        endpoint.name: shop.ask(
            endpoint.method,
            re.sub(r"{\w+}", "any", endpoint.path),
            b"{{" if endpoint.request else None,
            key=key,
            headers={"X-Request-Id": "the-same-one"},
        )
        for endpoint in shop.endpoints
        if endpoint.scope
    }


def test_nothing_but_health_description_and_the_buyers_own_page_is_open(
    world: tuple[Shop, Things, Things],
) -> None:
    """B09: 401, the same for every endpoint, and the same whatever is wrong with a key."""
    shop = world[0]
    unknown = key_text(mode=Mode.TEST, type=KeyType.SECRET, random=b"nobody has this key!")
    shop.keys |= {"unknown": unknown, "live": shop.keys["admin"].replace("_test_", "_live_")}
    for keys in ([None], ["unknown", "live"]):
        answers = [answer for key in keys for answer in asked_of_every_endpoint(shop, key).values()]
        assert {answer.status_code for answer in answers} == {401}
        assert len({answer.body for answer in answers}) == 1
    opened = [endpoint for endpoint in shop.endpoints if not endpoint.scope]
    by_token = {endpoint.name for endpoint in opened if endpoint.path.startswith("/t/{token}")}
    by_signature = {endpoint.name for endpoint in opened if endpoint.path.startswith("/twilio/")}
    described = {"health", "openapi_document", "docs"}
    assert {endpoint.name for endpoint in opened} - by_token - by_signature == described


def test_publishable_key_opens_search_and_holds_only(world: tuple[Shop, Things, Things]) -> None:
    """B09: 403 everywhere else, before the body is looked at."""
    answers = asked_of_every_endpoint(world[0], "publishable")
    opened = {name for name, answer in answers.items() if answer.status_code != 403}
    assert opened == {"search_slots", "hold_slot", "read_hold", "release_hold", "extend_hold"}


def test_same_depot_id_is_another_depot() -> None:
    """Two merchants may choose the same words."""
    shop = Shop()
    shop.other.done("PUT", "/v1/depots/porto", a_depot(name="Theirs"))
    assert shop.done("GET", "/v1/depots/porto")["name"] == "Porto"
    shop.promise(order_ref="R-1")
    assert shop.other.promise(order_ref="R-1")["state"] == "confirmed"
    shop.hold(cart_ref="cart", key="publishable")
    assert shop.other.hold(cart_ref="cart", key="publishable")["state"] == "active"


@pytest.mark.parametrize("source", ["/v1/holds", "/v1/promises", "changes"])
def test_other_merchants_offer_is_no_offer(source: str) -> None:
    """400 `offer_invalid`, as for one that was made up; the control is its own merchant."""
    shop = Shop()
    own, foreign = shop.offer(1), shop.other.offer(1)
    bodies = {
        "/v1/holds": {"cart_ref": "cart"},
        "/v1/promises": shop.order(),
        "changes": {"kind": "slot"},
    }
    path = f"/v1/promises/{shop.promise()['promise_id']}/changes" if source == "changes" else source
    problems = [shop.refused("POST", path, {**bodies[source], "offer": offer}) for offer in (foreign, "x")]
    assert {(problem["status"], problem["code"]) for problem in problems} == {(400, "offer_invalid")}
    assert problems[0]["detail"] == problems[1]["detail"]
    assert shop.ask("POST", path, {**bodies[source], "offer": own}).status_code == 201


def test_other_merchants_hold_is_not_replaced() -> None:
    """404 as for one that does not exist, with either kind of key; it stays."""
    shop = Shop()
    theirs = shop.other.hold(key="publishable")
    for key in ("secret", "publishable"):
        problems = [
            shop.refused(
                "POST",
                "/v1/holds",
                {
                    "offer": shop.offer(),
                    "cart_ref": "cart",
                    "replaces": hold,
                    "hold_token": theirs["hold_token"],
                },
                key=key,
            )
            for hold in (theirs["hold_id"], Things.hold)
        ]
        assert [problem["status"] for problem in problems] == [404, 404]
        assert problems[0]["detail"] == problems[1]["detail"]
    assert shop.other.done("GET", f"/v1/holds/{theirs['hold_id']}")["state"] == "active"


def test_lists_hold_nothing_of_another_merchant() -> None:
    """Depots, promises by whatever filter, keys, texts."""
    shop = Shop()
    made = shop.other.promise(order_ref="R-1")
    shop.services.publish()
    for path in (
        "/v1/promises",
        "/v1/promises?order_ref=R-1",
        "/v1/promises?depot_id=gaia",
        f"/v1/promises?date={DAY}",
        f"/v1/promises?date={DAY}&depot_id=gaia",
        "/v1/promises?state=confirmed",
        "/v1/test/messages",
    ):
        assert shop.done("GET", path)["data"] == [], path
        assert len(shop.other.done("GET", path)["data"]) == 1, path
    assert (
        made["promise_id"]
        not in shop.ask("GET", "/v1/promises", headers={"Accept": "text/csv"}).body.decode()
    )
    assert [depot["depot_id"] for depot in shop.done("GET", "/v1/depots")["data"]] == ["porto"]
    keys = [client.done("GET", "/v1/keys", key="admin")["data"] for client in (shop, shop.other)]
    assert not {each["key_id"] for each in keys[0]} & {each["key_id"] for each in keys[1]}


def test_idempotency_key_of_another_merchant_means_nothing() -> None:
    """Same key, same body: two merchants, two effects."""
    shop = Shop()
    body = {"destination": {"lat": 41.16, "lon": -8.6}}
    assert shop.ask("POST", "/v1/slots/search", body, idempotency_key="same").status_code == 200
    body = shop.order()
    made = [
        client.ask("POST", "/v1/promises", {**body, "offer": client.offer()}, idempotency_key="same")
        for client in (shop, shop.other)
    ]
    assert [answer.status_code for answer in made] == [201, 201]
    assert not any("Idempotent-Replayed" in answer.headers for answer in made)


@pytest.mark.parametrize("weird", ["a.b:c-d_e", "A" * 64, "a..", "-", "a%3Ab", "%61"])
def test_weird_ids_are_ids(weird: str) -> None:
    """Dots, colons and escapes neither lead elsewhere nor into each other."""
    shop = Shop()
    put = shop.done("PUT", f"/v1/depots/{weird}", a_depot())
    assert put["depot_id"] == weird.replace("%3A", ":").replace("%61", "a")
    shop.done("PUT", f"/v1/depots/{weird}/vehicles/{weird}", a_van())
    slots = shop.search(depot_id=put["depot_id"])
    made = shop.promise(offer=slots[0]["offer"])
    assert made["depot_id"] == put["depot_id"]
    [route] = shop.done("GET", f"/v1/depots/{weird}/plans/{DAY}")["routes"]
    shown = shop.done("GET", f"/v1/depots/{weird}/shifts/{route['shift_id']}")
    assert shown["vehicle"]["vehicle_id"] == put["depot_id"]
    assert [each["promise_id"] for each in shop.done("GET", f"/v1/promises?depot_id={weird}")["data"]] == [
        made["promise_id"]
    ]


@pytest.mark.parametrize("steps", [".", "..", "%2e", "%2E%2e", ".hidden"])
def test_steps_of_a_path_are_no_ids(steps: str) -> None:
    """422 for a PUT, 404 else: no client and no proxy can turn one into another endpoint's path."""
    shop = Shop()
    for method, body, status in (("PUT", a_depot(), 422), ("GET", None, 404)):
        assert shop.ask(method, f"/v1/depots/{steps}", body).status_code == status
    shift = SHIFT | {"vehicle": {"vehicle_id": "..", "capacity": {}}}
    assert shop.refused("PUT", "/v1/depots/porto/shifts/evening", shift)["status"] == 422
