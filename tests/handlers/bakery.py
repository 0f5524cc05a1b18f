"""A small feature on the door, so that the door is tested by itself: loaves are baked, listed, eaten."""

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from types import SimpleNamespace
from typing import Annotated, Any

from aws_lambda_powertools import Logger
from chalice import Chalice
from chalice.test import Client, HTTPResponse
from pydantic import Field

from chalicelib.adapters.sealing import Sealer
from chalicelib.errors import Conflict, Expired, NotFound, StaleWrite
from chalicelib.events import Mode, Tenant
from chalicelib.handlers import about, door, merchants
from chalicelib.handlers.csv_export import csv_answer, is_wanted
from chalicelib.handlers.endpoints import Call, Endpoints, OpenCall
from chalicelib.handlers.http import Answer, Text
from chalicelib.handlers.idempotency import Idempotency
from chalicelib.handlers.paging import Listed, PageQuery, next_cursor, position
from chalicelib.handlers.wire import Body, Instant, LatLon, Name, View
from chalicelib.merchants.model import ALL_SCOPES, KeyType, Merchant, Scope
from chalicelib.merchants.quota import Quota, RateLimiter
from chalicelib.merchants.service import Merchants
from chalicelib.receipts import Receipt
from tests.fakes import (
    CountedEntropy,
    FakeClock,
    InMemoryMerchants,
    InMemoryRateCounter,
    InMemoryReceipts,
)
from tests.handlers.described import check_described

SHOP = "https://shop.example"
ACME = Tenant(merchant_id="acme", mode=Mode.TEST)
BEST = Tenant(merchant_id="best", mode=Mode.TEST)
SENDER, SHARED_SENDER = "+12025550100", "+12025550101"
PLENTY = Quota(requests=10_000, window=60)
_service_names = count()


@dataclass
class Oven:
    """Bakes; a loaf and its receipt are stored in one step, as one transaction would."""

    receipts: InMemoryReceipts
    loaves: list[str] = field(default_factory=list)
    before_commit: Callable[[], None] = lambda: None

    def bake(self, tenant: Tenant, name: str, receipt: Receipt[str]) -> str:
        if name == "Burnt":
            raise Conflict("It burnt.")
        loaf = f"{name} {len(self.loaves) + 1}"
        row = receipt(loaf)
        self.before_commit()
        self.receipts.add(tenant, row)
        self.loaves.append(loaf)
        return loaf


class LoafRequest(Body):
    """A loaf to bake."""

    name: Name
    place: LatLon | None = None
    slices: Annotated[int, Field(ge=0, le=100)] = 10
    ready_at: Instant | None = None


class Wish(Body):
    """How it is to be eaten."""

    butter: bool = False


class LoafView(View):
    """A loaf."""

    name: str


class LoafList(Listed[LoafView]):
    """Loaves."""


class LoafQuery(PageQuery):
    """Which loaves."""

    grain: str | None = None


api = Endpoints("Bakery")
_REFUSALS = {
    "stale": StaleWrite("Too many bakers."),
    "expired": Expired("It is stale bread.", expired_at=0),
    "coded": Conflict("Nobody wrote an entry for this.", code="never_heard_of"),
}


@api.endpoint(
    "POST",
    "/v1/loaves",
    scope=Scope.CHECKOUT,
    publishable=True,
    request=LoafRequest,
    answers={201: LoafView},
    problems=("conflict",),
    idempotency=Idempotency.REQUIRED,
)
def bake(call: Call[LoafRequest]) -> Answer:
    """Bake a loaf."""

    def answer(loaf: str) -> Answer:
        return Answer(201, LoafView(name=loaf))

    return answer(call.services.oven.bake(call.tenant, call.body.name, call.receipt(answer)))


@api.endpoint("GET", "/v1/loaves", scope=Scope.OPS, query=LoafQuery, answers={200: (LoafList, "text/csv")})
def list_loaves(call: Call[None, LoafQuery]) -> Answer:
    """List the loaves."""
    begin = int(position(call) or 0)
    loaves = call.services.oven.loaves
    end = begin + call.query.limit
    shown = loaves[begin:end]
    if is_wanted(call.headers):
        return csv_answer(["name"], [[loaf] for loaf in shown])
    rest = next_cursor(call, str(end) if end < len(loaves) else None)
    return Answer(200, LoafList(data=[LoafView(name=loaf) for loaf in shown], next_cursor=rest))


@api.endpoint(
    "GET",
    "/v1/loaves/{loaf_id}",
    scope=Scope.CHECKOUT | Scope.OPS,
    answers={200: LoafView},
    problems=("stale_write", "expired"),
)
def read_loaf(call: Call) -> Answer:
    """Read a loaf."""
    wanted = call.path["loaf_id"]
    if wanted == "bug":
        raise KeyError("+12025550123 lives at Rua das Flores")
    if wanted == "slow":
        raise StaleWrite("Too many bakers.") from TimeoutError("10.1.2.3 did not answer")
    if wanted in _REFUSALS:
        raise _REFUSALS[wanted]
    if wanted == "odd":
        return Answer(200, LoafView(name="odd"), {"X-Note": "a\r\nSet-Cookie: b=c"})
    raise NotFound("There is no such loaf.")


@api.endpoint("PUT", "/v1/loaves/{loaf_id}", scope=Scope.OPS, request=LoafRequest, answers={200: LoafView})
def put_loaf(call: Call[LoafRequest]) -> Answer:
    """Put a loaf on the shelf."""
    return Answer(200, LoafView(name=call.body.name))


@api.endpoint("POST", "/v1/loaves/{loaf_id}/eat", scope=Scope.DRIVER, request=Wish, answers={200: LoafView})
def eat(call: Call[Wish]) -> Answer:
    """Eat a loaf."""
    return Answer(200, LoafView(name="with butter" if call.body.butter else "dry"))


@api.endpoint("DELETE", "/v1/loaves/{loaf_id}", scope=Scope.OPS, answers={204: None})
def throw_away(_call: Call) -> Answer:
    """Throw a loaf away."""
    return Answer(204)


@api.open_endpoint("POST", "/shout", answers={200: "text/plain"}, problems=("body_too_large",))
def shout(call: OpenCall) -> Answer:
    """Say what came in."""
    return Answer(200, Text("text/plain; charset=utf-8", str(len(call.raw))))


class Bakery:
    """The app, two merchants with keys, and everything behind them."""

    def __init__(self, *, quota: Quota = PLENTY) -> None:
        self.clock = FakeClock()
        self.receipts = InMemoryReceipts()
        self.store = InMemoryMerchants(self.receipts)
        self.merchants = Merchants(self.store, entropy=CountedEntropy())
        self.counter = InMemoryRateCounter()
        self.oven = Oven(self.receipts)
        self.built = 0
        self.quota = quota
        for tenant in (ACME, BEST):
            self.store.put_merchant(Merchant(tenant=tenant, brand="Acme", origins=(SHOP,)))
        self.merchants.assign_senders(ACME, [SENDER, SHARED_SENDER])
        self.merchants.assign_senders(BEST, [SHARED_SENDER])
        self.secret = self.key(ACME, KeyType.SECRET, ALL_SCOPES)
        self.publishable = self.key(ACME, KeyType.PUBLISHABLE, Scope.CHECKOUT)
        self.other = self.key(BEST, KeyType.SECRET, ALL_SCOPES)
        self.log = io.StringIO()
        self.app = Chalice("bakery", configure_logs=False)
        features = [api, merchants.api]
        features.append(about.endpoints(tuple(features)))
        self.endpoints = [endpoint for feature in features for endpoint in feature.declared]
        logger = Logger(service=f"bakery-{next(_service_names)}", stream=self.log)
        door.register(self.app, features, self._build, log=logger)
        self._http = Client(self.app).http

    def key(self, tenant: Tenant, type: KeyType, scopes: Scope) -> str:
        return self.merchants.create_key(tenant, type=type, scopes=scopes, now=self.clock.at).text

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str | None = "secret",
        headers: Mapping[str, str] = {},
    ) -> HTTPResponse:
        """Send a request: with the secret key, and JSON, unless told otherwise."""
        sent = {"Content-Type": "application/json"}
        if key is not None:
            sent["Authorization"] = f"Bearer {self.secret if key == 'secret' else key}"
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        answer = self._http.request(method, path, headers={**sent, **headers}, body=raw)
        if not path.startswith("/v1/loaves/coded"):
            check_described(self.endpoints, method, path, answer)
        return answer

    def bake(self, name: str = "Rye", *, idempotency_key: str = "k", **more: Any) -> HTTPResponse:
        headers = {"Idempotency-Key": idempotency_key, **more.pop("headers", {})}
        return self.ask("POST", "/v1/loaves", more.pop("body", {"name": name}), headers=headers, **more)

    def log_lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.getvalue().splitlines()]

    def _build(self) -> Any:
        self.built += 1
        return SimpleNamespace(
            clock=self.clock,
            merchants=self.merchants,
            rate_limiter=RateLimiter(self.counter, quota=self.quota),
            receipts=self.receipts,
            sealer=Sealer([b"a secret of thirty-two bytes ...."]),
            business_now=lambda tenant, *, system_now: system_now,
            oven=self.oven,
        )


def problem_of(answer: HTTPResponse) -> dict[str, Any]:
    """Read a problem, after checking that it is dressed as all of them are."""
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json_body
    assert problem["status"] == answer.status_code
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    assert problem["type"] == f"/docs#{problem['code']}"
    assert problem["title"]
    assert problem["detail"]
    return problem
