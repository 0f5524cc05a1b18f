"""A client that knows the HTTP contract and nothing else, and a whole shop in memory for it to talk to."""

import io
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import uuid4

from aws_lambda_powertools import Logger
from botocore.credentials import Credentials
from chalice import Chalice
from chalice.test import Client, HTTPResponse

from chalicelib.adapters.s3 import Uploads
from chalicelib.adapters.secrets import Secrets
from chalicelib.adapters.travel import TravelEngines
from chalicelib.bootstrap import Services
from chalicelib.events import FactKind, Mode, Tenant
from chalicelib.fleet.plans import PlanKey
from chalicelib.handlers import (
    about,
    checkout,
    door,
    erasures,
    fleet,
    kpis,
    merchants,
    motion,
    notifications,
    operations,
    promises,
    replans,
    sandbox,
    tracking,
    twilio,
    webhooks,
)
from chalicelib.handlers.follow_ups import follow_up
from chalicelib.merchants.model import ALL_SCOPES, KeyType, Merchant, Scope
from chalicelib.notifications.carrier import Outgoing, Taken
from chalicelib.notifications.inbound import Inbound
from chalicelib.notifications.progress import Moment
from chalicelib.promises.model import Promise
from chalicelib.settings import Settings, Stage
from chalicelib.units import Seconds, StopId, Timestamp
from tests.canaries import LINE, NAME
from tests.fakes import FakeClock, FakeParameters, InMemoryMerchants, InMemoryRateCounter, InMemoryReceipts
from tests.fakes_store import InMemoryStore
from tests.fakes_texts import FakeTextQueue
from tests.fakes_webhooks import FakeQueue, FakeWayOut, InMemoryWebhooks
from tests.handlers.bakery import problem_of
from tests.handlers.described import check_described

type Send = Callable[[str, str, Mapping[str, str], bytes], HTTPResponse]
"""Carries method, target, headers and body to an API, and its answer back."""

SHOP_ORIGIN = "https://shop.example"
PHONE = "+12025550123"
CENTRE = {"lat": 41.15, "lon": -8.61}
NEAR = {"lat": 41.16, "lon": -8.60}
LISBON = {"lat": 38.72, "lon": -9.14}
ADDRESS = {"lines": [LINE], "city": "Porto", "country": "PT", "unit": "2E", "floor": "2"}
SLOT_SHOWN = {"slot_id", "depot_id", "starts_at", "ends_at", "available", "cutoff_at"}
LIVE_ETA = {"earliest_at", "expected_at", "latest_at", "stops_before", "status", "computed_at"}
ACME = Tenant(merchant_id="acme", mode=Mode.TEST)
BEST = Tenant(merchant_id="best", mode=Mode.TEST)


def fresh(what: str) -> str:
    """A reference that nobody used before."""
    return f"{what}-{uuid4().hex[:12]}"


def over_http(url: str, *, seconds: float = 30.0) -> Send:
    """Talk to a server, and wait as long as that for an answer."""

    def send(method: str, target: str, headers: Mapping[str, str], body: bytes) -> HTTPResponse:
        request = Request(url + target, body or None, dict(headers), method=method)
        try:
            with urlopen(request, timeout=seconds) as answer:
                return HTTPResponse(answer.read(), dict(answer.headers), answer.status)
        except HTTPError as refused:
            with refused:
                return HTTPResponse(refused.read(), dict(refused.headers), refused.code)

    return send


class ShopClient:
    """One merchant's programs: its server, its storefront, its office.

    Parameters
    ----------
    keys
        API keys by name: `secret`, `publishable`, …
    """

    def __init__(self, send: Send, keys: Mapping[str, str], *, destination: Mapping[str, float]) -> None:
        self._send, self.keys, self.destination = send, dict(keys), dict(destination)

    def ask(
        self,
        method: str,
        target: str,
        body: object = None,
        *,
        key: str | None = "secret",
        idempotency_key: str | None = "",
        headers: Mapping[str, str] = {},
    ) -> HTTPResponse:
        """Send a request: JSON, with the secret key, and a POST under a fresh Idempotency-Key."""
        sent = {"Content-Type": "application/json"}
        if key is not None:
            sent["Authorization"] = f"Bearer {self.keys[key]}"
        if method == "POST" and idempotency_key is not None:
            sent["Idempotency-Key"] = idempotency_key or fresh("request")
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return self._send(method, target, {**sent, **headers}, raw)

    def done(self, method: str, target: str, body: object = None, **more: Any) -> Any:
        """Ask, and expect success."""
        answer = self.ask(method, target, body, **more)
        assert answer.status_code < 300, answer.body
        return answer.json_body

    def refused(self, method: str, target: str, body: object = None, **more: Any) -> dict[str, Any]:
        """Ask, and expect a problem."""
        answer = self.ask(method, target, body, **more)
        assert answer.status_code >= 400, answer.body
        return problem_of(answer)

    def wish(self, **more: Any) -> dict[str, Any]:
        """The body of a search."""
        return {"destination": self.destination, "load": {"parcels": 1}, "days": 1} | more

    def search(self, *, key: str = "secret", **wish: Any) -> list[dict[str, Any]]:
        """The slots of a search."""
        slots: list[dict[str, Any]] = self.done("POST", "/v1/slots/search", self.wish(**wish), key=key)[
            "slots"
        ]
        return slots

    def offer(self, nth: int = 0, *, key: str = "secret", **wish: Any) -> str:
        """The n-th offer of a search."""
        offers = [slot["offer"] for slot in self.search(key=key, **wish) if slot["available"]]
        offer: str = offers[nth]
        return offer

    def hold(
        self, offer: str | None = None, cart_ref: str | None = None, *, key: str = "secret", **more: Any
    ) -> dict[str, Any]:
        """Hold an offer, the first of a search unless given, for a cart, a fresh one unless given."""
        body = {"offer": offer or self.offer(key=key), "cart_ref": cart_ref or fresh("cart")}
        held: dict[str, Any] = self.done("POST", "/v1/holds", body | more, key=key)
        return held

    def order(self, **more: Any) -> dict[str, Any]:
        """The body of a promise, but for what it is made of."""
        recipient = {"name": NAME, "phone": PHONE}
        return {"order_ref": fresh("order"), "recipient": recipient, "sms_consent": True} | more

    def promise(self, **more: Any) -> dict[str, Any]:
        """Make a promise: of the first offer of a search, unless given a hold or an offer."""
        source = {} if {"hold_id", "offer"} & more.keys() else {"offer": self.offer()}
        made: dict[str, Any] = self.done("POST", "/v1/promises", self.order(**source, **more))
        return made

    def change(self, promise_id: str, **change: Any) -> dict[str, Any]:
        """Ask for a change of a promise."""
        changed: dict[str, Any] = self.done("POST", f"/v1/promises/{promise_id}/changes", change)
        return changed

    def other_slots(self, promise_id: str) -> list[dict[str, Any]]:
        """The slots a promise could move to."""
        slots: list[dict[str, Any]] = self.done("GET", f"/v1/promises/{promise_id}/slots")["slots"]
        return slots


def a_depot(**more: Any) -> dict[str, Any]:
    """A depot with two-hour slots from 8 to 18, as its PUT has it."""
    return {
        "name": "Porto",
        "location": CENTRE,
        "timezone": "Europe/Lisbon",
        "currency": "EUR",
        "service_area": {"radius_metres": 20_000},
        "slots": [{"starts": f"{hour:02}:00", "ends": f"{hour + 2:02}:00"} for hour in range(8, 18, 2)],
        "travel": {"engine": "straight_line", "slowness": [1.0] * 24},
    } | more


def a_van(**more: Any) -> dict[str, Any]:
    """A van that works every day from 8 to 18, as its PUT has it."""
    return {"capacity": {"parcels": 50}, "weekly": [{"starts": "08:00", "ends": "18:00"}]} | more


OUR_NUMBER = "+15005550006"


class WholeStore(InMemoryStore, InMemoryMerchants, InMemoryRateCounter):
    """All rows of all tenants."""

    def __init__(self) -> None:
        InMemoryStore.__init__(self)
        InMemoryMerchants.__init__(self, InMemoryReceipts(self._receipts))
        InMemoryRateCounter.__init__(self)
        self.hooks = InMemoryWebhooks(InMemoryReceipts(self._receipts))

    def addressed(
        self, tenant: Tenant, stop_ids: Sequence[StopId]
    ) -> tuple[dict[StopId, Promise], Merchant | None]:
        found = {stop_id: self.promise(tenant, stop_id) for stop_id in stop_ids}
        return {stop_id: one for stop_id, one in found.items() if one}, self.get_merchant(tenant)


class InMemoryServices(Services):
    """The product's own services on stores in memory, with a carrier that delivers into a list."""

    store: WholeStore  # type: ignore[assignment]

    def __init__(self, clock: FakeClock) -> None:
        settings = Settings(
            stage=Stage.SANDBOX,
            table_name="",
            improve_queue_url="",
            repair_queue_url="",
            webhooks_queue_url="",
            texts_queue_url="",
            secrets_path="",
            secrets_seconds=60,
            public_base_url="https://track.example",
            twilio_api_url=None,
            roads_dir=None,
            osrm_url=None,
            staleness=0,
            requests_per_minute=1_000_000,
            segments_per_second=1000,
        )
        store: Any = WholeStore()
        travel = TravelEngines(None, osrm_url=None)
        self.parameters = FakeParameters.with_secrets("shop", clock)
        secrets = Secrets(lambda: self.parameters, path="/shop", clock=clock, fresh_for=60)
        super().__init__(settings, clock=clock, store=store, travel=travel, secrets=secrets)
        self.world, self.queue = FakeWayOut(), FakeQueue()
        self.text_queue = FakeTextQueue()
        vars(self).update(
            _way_out=self.world, delivery_jobs=self.queue, text_jobs=self.text_queue, _text_sender=self
        )
        self.texts: list[dict[str, Any]] = []

    @cached_property
    def uploads(self) -> Uploads:
        """Signs with credentials that open nothing."""
        nobodys = Credentials("id", "secret")
        return Uploads("https://proofs.example", region="eu-west-1", credentials=lambda: nobodys)

    def send(self, text: Outgoing) -> Taken:
        """Take a text, as the carrier does."""
        sid = f"SM{len(self.texts) + 1:032x}"
        told = {
            "to": text.to,
            "from": text.sender or OUR_NUMBER,
            "body": text.body,
            "sid": sid,
            "status": "delivered",
        }
        self.texts.append({**told, "sent_at": "2026-11-24T06:00:00Z", "num_segments": 1})
        return Taken(sid=sid)

    def forget(self, sid: str) -> None:
        """Forget a text, as the carrier does when it is told to."""
        self.texts = [text for text in self.texts if text["sid"] != sid]

    def sighting(self, sid: str) -> None:
        """Say nothing of a text that was taken long ago."""

    def inbox(self, phone: str | None) -> list[dict[str, Any]]:
        return [text for text in self.texts if phone in (None, text["to"])]

    def play_reply(self, *, phone: str, to: str, body: str) -> str:
        """Bring a buyer's text at once."""
        sid = f"SM{len(self.store.phones.arrived) + 1:032x}"
        inbound = Inbound(sid=sid, phone=phone, senders=(to,), body=body)
        self.text_inbox.take(inbound, now=self.clock.system_now())
        return sid

    def publish(self) -> None:
        """Hand every fact to webhooks and notifications, as the stream's consumer does."""
        written = [(tenant, (fact,)) for tenant, fact in self.store.phones.facts]
        for number, (tenant, facts) in enumerate([*self.store.outbox, *written]):
            self.webhooks.publish(tenant, f"{number:032x}", facts, self.business_now(tenant))
            for fact in facts:
                follow_up(self, tenant, fact, self.business_now(tenant))
                self.notifications.react(tenant, [fact], self.business_now(tenant))
                if fact.kind is FactKind.SHIFT_DEPARTED:
                    plan, shift_id = PlanKey.parse(fact.subject), fact.data["shift_id"]
                    self.motion.set_out(tenant, plan, shift_id, self.business_now(tenant))

        self.send_texts()

    def send_texts(self) -> None:
        """Send what waits for buyers, as the queue's consumer does."""
        system_now = self.clock.system_now()
        for tenant, message_id, _ in self.text_queue.taken():
            at = Moment(now=self.business_now(tenant), system_now=system_now)
            self.sending.look(tenant, message_id, at)

    def deliver(self) -> None:
        """Send what waits for merchants, as the queue's consumer does."""
        now = self.clock.system_now()
        for tenant, webhook_id, name, _ in self.queue.taken():
            self.deliveries.deliver(
                tenant, webhook_id, name, self.business_now(tenant), system_now=now, seconds=60
            )


class Shop(ShopClient):
    """The whole product in memory at six on a Tuesday morning, seen by the merchant `acme`.

    Attributes
    ----------
    other
        The client of another merchant, `best`, with a depot of its own.
    endpoints
        Everything that is served; each answer is held against its declaration.
    """

    def __init__(self, *, depot: Mapping[str, Any] = a_depot(), vans: int = 1, van: object = a_van()) -> None:
        self.clock = FakeClock(at("2026-11-24T06:00:00Z"))
        self.services = InMemoryServices(self.clock)
        features = [
            checkout.api,
            promises.api,
            operations.api,
            motion.api,
            fleet.api,
            replans.api,
            notifications.api,
            merchants.api,
            erasures.api,
            webhooks.api,
            twilio.api,
            kpis.api,
            tracking.api,
            sandbox.api,
        ]
        features.append(about.endpoints(tuple(features)))
        self.endpoints = [endpoint for feature in features for endpoint in feature.declared]
        app = Chalice("shop", configure_logs=False)
        self.log = io.StringIO()
        logger = Logger(service=fresh("shop"), stream=self.log)
        door.register(app, features, lambda: self.services, log=logger)
        self.app = app
        self._http = Client(app).http
        super().__init__(self._request, self._keys_of(ACME), destination=NEAR)
        self.other = ShopClient(self._request, self._keys_of(BEST), destination=NEAR)
        for client, depot_id in ((self, "porto"), (self.other, "gaia")):
            client.done("PUT", f"/v1/depots/{depot_id}", depot)
            for number in range(1, vans + 1):
                client.done("PUT", f"/v1/depots/{depot_id}/vehicles/van-{number}", van)

    def wait(self, seconds: Seconds) -> None:
        """Let time pass; what came due is cleared up."""
        self.clock.advance(seconds)
        for tenant in (ACME, BEST):
            self.services.expire_due(tenant, self.services.business_now(tenant))

    def _request(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> HTTPResponse:
        answer = self._http.request(method, target, headers=headers, body=body)
        check_described(self.endpoints, method, target, answer)
        return answer

    def _keys_of(self, tenant: Tenant) -> dict[str, str]:
        self.services.merchants.save_settings(
            Merchant(
                tenant=tenant,
                brand=tenant.merchant_id,
                origins=(SHOP_ORIGIN,),
                sms_countries=("PT", "US"),  # numbers that nobody has are American
            )
        )
        kinds = {
            "admin": (KeyType.SECRET, ALL_SCOPES),
            "secret": (KeyType.SECRET, Scope.CHECKOUT | Scope.OPS | Scope.DRIVER),
            "checkout": (KeyType.SECRET, Scope.CHECKOUT),
            "ops": (KeyType.SECRET, Scope.OPS),
            "driver": (KeyType.SECRET, Scope.DRIVER),
            "publishable": (KeyType.PUBLISHABLE, Scope.CHECKOUT),
        }
        make = self.services.merchants.create_key
        now = self.clock.at
        return {
            name: make(tenant, type=type, scopes=scopes, now=now).text
            for name, (type, scopes) in kinds.items()
        }


def one_place_shop() -> Shop:
    """A shop with room for a single parcel a day: one slot of one van."""
    slots = [{"starts": "10:00", "ends": "12:00"}]
    return Shop(depot=a_depot(slots=slots), van=a_van(capacity={"parcels": 1}))


def reasons(slots: list[dict[str, Any]]) -> set[str | None]:
    """Why slots of a search are not to be had; None stands for one that is."""
    return {slot.get("reason") for slot in slots}


def window(day: int, starts: int) -> dict[str, str]:
    """A two-hour window of that November, as a promise shows it."""
    return {
        "starts_at": f"2026-11-{day}T{starts:02}:00:00+00:00",
        "ends_at": f"2026-11-{day}T{starts + 2:02}:00:00+00:00",
    }


def at(text: str) -> Timestamp:
    """An instant as epoch seconds."""
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp())
