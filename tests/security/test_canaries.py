"""No log, metric, span or queue ever holds a name, number, address, text, key or token.

Everything personal and everything secret in this file is a canary: a value that occurs nowhere else. The
whole product runs on them, well and badly, with every logger listened to from DEBUG on; then the canaries
are looked for. The controls show that the look finds them, and what libraries would say if they were let.
Weak point: a caller that writes personal data into its own X-Request-Id finds it in our log.
"""

import json
import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from chalicelib.adapters.secrets import SEALING_KEYS
from chalicelib.handlers import workers
from chalicelib.handlers.telemetry import SERVICE, InvocationFailed, Metric
from chalicelib.notifications.inbound import Inbound
from tests.handlers.deployed import AUTH_TOKEN, Deployed, Start, level_of, poison_job
from tests.handlers.shop_client import fresh
from tests.webhooks.receiver import NAME as RECEIVER
from tests.webhooks.receiver import Receiver, certified, reaching, receiving

PHONE = "+12025550142"
REFUSED = "+15005550009"  # Twilio: not a mobile number
DRIVERS_PHONE = "+12025550143"
NAME = "Quillfeather"
LINE = "Rua do Canario 77"
UNIT = "flat-canary-9"
GATE = "G4T3-7781"
NOTE = "behind the yellow cage"
NEIGHBOUR = "Featherstonehaugh"
REASON = "moving to Cagliari"
PLACE = {"lat": 41.161234567, "lon": -8.601234567}
BODY = "your delivery is booked"
SECRET_PATH = "in-8f3k-canary"
CANARIES = [
    *(phone.removeprefix("+") for phone in (PHONE, REFUSED, DRIVERS_PHONE)),
    *(NAME, LINE, UNIT, GATE, NOTE, NEIGHBOUR, REASON, BODY, AUTH_TOKEN, SECRET_PATH),
    *(str(part).removeprefix("-") for part in PLACE.values()),
]
ADDRESS = {"lines": [LINE], "city": "Porto", "country": "PT", "unit": UNIT}
RECIPIENT = {"name": NAME, "phone": PHONE}
INSTRUCTIONS = {"gate_code": GATE, "note": NOTE}


class Flown:
    """The product after everything below was done to it, and what it wrote meanwhile."""

    def __init__(self, product: Deployed) -> None:
        self.product = product
        self.bodies: list[str] = []
        sealing = product.ssm.get_parameter(
            Name=f"{product.environment['SECRETS_PATH']}/{SEALING_KEYS}", WithDecryption=True
        )["Parameter"]["Value"]
        self.secrets = [*product.keys.values(), *(key["secret"] for key in json.loads(sealing)["keys"])]

    def everything(self) -> str:
        return "\n".join([self.product.log.getvalue(), *self.bodies])

    def leaks(self) -> list[str]:
        """The canaries and secrets that stand in what was written."""
        return found_in(self.everything(), [*CANARIES, *self.secrets])


def found_in(text: str, canaries: list[str]) -> list[str]:
    """Those that occur, in any case, also as they stand in a URL or in JSON."""
    low = text.lower()
    spellings = {
        canary: {canary.lower(), quote(canary).lower(), json.dumps(canary)[1:-1].lower()}
        for canary in canaries
    }
    return [canary for canary, each in spellings.items() if any(spelling in low for spelling in each)]


def sell(flown: Flown) -> str:
    """A search, a hold, a swap, a longer hold, a promise: as a storefront and a shop's server do it."""
    shop = flown.product
    wish: dict[str, Any] = {"destination": {**PLACE, "address": ADDRESS}}
    cart = fresh("cart")
    for key in ("publishable", "secret"):
        offer = shop.offer(key=key, cart_ref=cart, **wish)
    held = shop.hold(offer, cart, key="publishable")
    second = shop.offer(1, cart_ref=cart, **wish)
    proof = {"replaces": held["hold_id"], "hold_token": held["hold_token"]}
    swapped = shop.hold(second, cart, key="publishable", **proof)
    path = f"/v1/holds/{swapped['hold_id']}"
    shop.done("POST", f"{path}/extend", {"hold_token": swapped["hold_token"]}, key="publishable")
    shop.done("GET", f"{path}?hold_token={swapped['hold_token']}", key="publishable")
    made = shop.promise(hold_id=swapped["hold_id"], recipient=RECIPIENT, instructions=INSTRUCTIONS)
    flown.secrets += [offer, second, held["hold_token"], swapped["hold_token"]]
    flown.secrets.append(made["tracking_url"].rpartition("/")[2])
    return str(made["promise_id"])


def change(flown: Flown, promise_id: str) -> None:
    """Everything that may be changed, and everything that may be read."""
    shop = flown.product
    shop.change(promise_id, kind="gate_code", code=GATE)
    shop.change(promise_id, kind="neighbour", name_or_number=NEIGHBOUR)
    shop.change(promise_id, kind="safe_place", where=NOTE)
    shop.change(promise_id, kind="address", location=PLACE, address=ADDRESS)
    shop.change(promise_id, kind="address", location={"lat": 38.72, "lon": -9.14}, address=ADDRESS)
    shop.change(promise_id, kind="slot", offer=shop.other_slots(promise_id)[0]["offer"])
    day = shop.done("GET", f"/v1/promises/{promise_id}")["promised_window"]["starts_at"][:10]
    for target in (
        f"/v1/promises/{promise_id}/ledger",
        f"/v1/promises/{promise_id}/messages",
        f"/v1/promises?date={day}",
        f"/v1/depots/porto/plans/{day}",
    ):
        shop.done("GET", target)
    shop.ask("GET", f"/v1/depots/porto/plans/{day}", headers={"Accept": "text/csv"})
    shop.change(promise_id, kind="cancel", reason=REASON)


def run_the_shop(flown: Flown) -> None:
    """Drivers, settings and keys are personal or secret as well."""
    shop = flown.product
    shift = {
        "starts_at": "2026-11-26T08:00:00Z",
        "ends_at": "2026-11-26T16:00:00Z",
        "vehicle": {"vehicle_id": "van-9", "capacity": {"parcels": 9}},
        "driver": {"name": NAME, "phone": DRIVERS_PHONE},
    }
    shop.done("PUT", "/v1/depots/porto/shifts/s-9", shift)
    settings = {"brand": "Acme", "support_phone": PHONE, "sms_countries": ["PT", "US"]}
    shop.done("PUT", "/v1/settings", settings, key="admin")
    made = shop.done("POST", "/v1/keys", {"type": "secret", "scopes": ["ops"]}, key="admin")
    flown.secrets += [text for text in made.values() if str(text).startswith("slk_")]


def refuse(flown: Flown, promise_id: str) -> None:
    """Everything that is refused quotes nothing: bodies, fields, paths, queries and headers."""
    shop = flown.product
    order = shop.order(offer=shop.offer(), recipient=RECIPIENT, order_ref="twice")
    shop.done("POST", "/v1/promises", order)
    shop.refused("POST", "/v1/promises", order)
    shop.refused("POST", "/v1/promises", {**order, "offer": order["offer"][:-4] + "AAAA"})
    cart = fresh("cart")
    for _ in range(2):
        again = shop.ask("POST", "/v1/holds", {"offer": shop.offer(), "cart_ref": cart}, key="publishable")
    assert again.status_code == 409
    for body in (
        b'{"recipient": {"name": "%s", "phone": NaN}}' % NAME.encode(),
        b'{"phone": "%s", "phone": "%s"}' % (PHONE.encode(), PHONE.encode()),
        json.dumps({PHONE: NAME, "recipient": {LINE: GATE}}).encode(),
        json.dumps({**order, "recipient": {"name": NAME * 9, "phone": PHONE + "x"}}).encode(),
        f'{{"note": "{NOTE}'.encode(),
        NOTE.encode() * 9000,
        "\ufeff".encode() + NAME.encode(),
    ):
        shop.refused("POST", "/v1/promises", body)
    for method, target in (
        ("GET", f"/v1/promises/{quote(PHONE)}"),
        ("GET", f"/v1/promises/{PHONE[1:]}"),
        ("GET", f"/v1/promises/{promise_id}?{quote(NAME)}={quote(PHONE)}"),
        ("PUT", f"/v1/depots/{quote(LINE)}"),
        ("GET", f"/v1/promises?order_ref={quote(NAME)}&cursor={quote(GATE)}"),
        ("GET", f"/v1/depots?api_key={shop.keys['secret']}"),
        ("PATCH", f"/v1/promises/{PHONE[1:]}"),
    ):
        shop.refused(method, target, {} if method == "PUT" else None)
    for name, text in (
        ("Authorization", f"Bearer {NAME}"),
        ("Idempotency-Key", f"{NAME} {PHONE}"),
        ("X-Request-Id", f"{NAME} {PHONE}"),
        ("Content-Type", f"text/plain; name={NAME}"),
    ):
        shop.ask("POST", "/v1/promises", {**order, "order_ref": fresh("order")}, headers={name: text})


def break_down(flown: Flown, promise_id: str) -> None:
    """Bugs choke on rows that hold canaries: in a request, in the sweeper, in every record of a batch."""
    shop = flown.product
    held = shop.hold()
    name = shop.resources.table_name
    for row in shop.dynamodb.scan(TableName=name)["Items"]:
        spoilt = {"HOLD": "state", "PROMISE": "state", "ORDER": "stop"}.get(row["sk"]["S"])
        if spoilt and "document" in row:
            document = json.loads(shop.opened(row)["document"]["S"])
            row["document"] = {"S": json.dumps(document | {spoilt: f"{NAME} {PHONE}"})}
            shop.dynamodb.put_item(TableName=name, Item=row)
    for target in (f"/v1/promises/{promise_id}", f"/v1/holds/{held['hold_id']}"):
        assert shop.refused("GET", target)["code"] == "internal"
    poison = [
        {**row, "facts": {"S": f'[{{"kind": "{NAME}", "at": "{PHONE}"}}]'}} for row in shop.outbox()[:2]
    ]
    poison += [{**row, "facts": {"S": f"not JSON: {LINE}"}} for row in shop.outbox()[:1]]
    workers.publish_facts(shop.stream(*poison), shop.services)
    jobs = [
        f"not JSON: {PHONE}",
        json.dumps({"to": PHONE, "name": NAME}),
        json.dumps({"tenant": NAME, "plan": LINE, "request": GATE, "body": NOTE}),
    ]
    failed = workers.improve({"Records": [poison_job(job, group=job[:9]) for job in jobs]}, shop.services)
    assert len(failed["batchItemFailures"]) == len(jobs)
    shop.clock.advance(7 * 86_400)
    with pytest.raises(InvocationFailed) as told:
        workers.drain_due(shop.services)
    flown.bodies.append(repr(told.value))


def text(flown: Flown) -> None:
    """Facts become texts: taken, refused for good, and without an answer."""
    shop = flown.product
    for phone in (PHONE, REFUSED):
        shop.promise(offer=shop.offer(), recipient={"name": NAME, "phone": phone})
    failed = workers.publish_facts(shop.stream(), shop.services)
    assert failed == {"batchItemFailures": []}
    waiting = shop.text_jobs()
    flown.bodies += [json.dumps(record) for record in waiting["Records"]]
    workers.send_texts(waiting, shop.services)
    workers.send_texts({"Records": [poison_job(f"not JSON: {PHONE}")]}, shop.services)
    assert {line.get("status") for line in shop.lines("text")} >= {"pending", "sent", "failed"}


def forget(flown: Flown, promise_id: str) -> None:
    """A buyer answers, and is forgotten: by a number in a body, and one that is none."""
    shop = flown.product
    wrote = Inbound(sid="SM1", phone=PHONE, senders=("+15005550006",), body=f"{NAME}: {NOTE}")
    assert shop.services.text_inbox.take(wrote, now=shop.clock.at)
    workers.publish_facts(shop.stream(), shop.services)
    order_ref = shop.done("GET", f"/v1/promises/{promise_id}")["order_ref"]
    shop.done("POST", "/v1/erasures", {"order_ref": order_ref}, key="admin")
    shop.refused("POST", "/v1/erasures", {"phone": PHONE}, key="admin")
    shop.refused("POST", "/v1/erasures", {"phone": f"{PHONE} {NAME}"}, key="admin")
    waiting = shop.text_jobs()
    flown.bodies += [json.dumps(record) for record in waiting["Records"]]
    workers.send_texts(waiting, shop.services)
    for row in shop.dynamodb.scan(TableName=shop.resources.table_name)["Items"]:
        if row["pk"]["S"].partition("#REMINDER#")[1] or row["sk"]["S"].startswith(("L#", "E#")):
            flown.bodies.append(repr({name: part for name, part in row.items() if name != "document"}))


def tell(flown: Flown, receiver: Receiver) -> None:
    """Merchants are told: taken, refused, and gone for good; what waits in the queue is looked at, too."""
    shop, path = flown.product, "/v1/webhooks/office"
    wish = {"url": f"https://{RECEIVER}/{SECRET_PATH}", "description": NOTE}
    for rotate in (False, True):
        saved = shop.done("PUT", path, wish | {"rotate_secret": rotate}, key="admin")
        flown.secrets.append(saved["secret"].removeprefix("whsec_"))
    for url in (f"http://{SECRET_PATH}.example/", f"https://{NAME}:{GATE}@shop.example/"):
        shop.refused("PUT", "/v1/webhooks/bad", {"url": url}, key="admin")
    receiver.answers += [(204, {}), (503, {"X-Name": NAME}), (410, {})]
    for _ in range(3):
        shop.promise(recipient=RECIPIENT, instructions=INSTRUCTIONS)
    failed = workers.publish_facts(shop.stream(), shop.services)
    assert failed == {"batchItemFailures": []}
    for record in shop.webhook_jobs()["Records"]:
        flown.bodies.append(json.dumps(record))
        workers.deliver_webhooks({"Records": [record]}, shop.services)
    workers.deliver_webhooks({"Records": [poison_job(f"not JSON: {PHONE}")]}, shop.services)
    assert shop.done("GET", path, key="admin")["stopped"]["reason"] == "gone"


def work(flown: Flown) -> None:
    """Planning jobs wait, are looked at, come back, and end among the dead letters."""
    shop = flown.product
    for _ in range(5):  # more often than the queue's redrive policy has patience
        waiting = shop.jobs(delete=False)
        flown.bodies += [json.dumps(record) for record in waiting["Records"]]
    dead = shop.sqs.receive_message(QueueUrl=shop.resources.improve_dead_letters_url, MaxNumberOfMessages=10)
    assert dead["Messages"]
    flown.bodies += [json.dumps(message) for message in dead["Messages"]]
    workers.improve(waiting, shop.services)


@pytest.fixture(scope="module", params=["off", "on"])
def flown(
    request: pytest.FixtureRequest, start: Start, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flown]:
    """Everything above, without tracing and with it."""
    server, trusting = certified(tmp_path_factory.mktemp("tls"), RECEIVER)
    with receiving(server) as receiver:
        internet = reaching(receiver, trusting)
        flown = Flown(start(TRACING=request.param, internet=internet))
        tell(flown, receiver)
    promise_id = sell(flown)
    run_the_shop(flown)
    text(flown)
    change(flown, promise_id)
    refuse(flown, promise_id)
    work(flown)
    forget(flown, promise_id)
    dumb = start(TRACING=request.param, TWILIO_API_URL="http://127.0.0.1:9")
    dumb.promise(offer=dumb.offer(), recipient=RECIPIENT)
    dumb.send_texts()
    assert dumb.lines("text")[-1]["status"] == "pending"
    flown.bodies.append(dumb.log.getvalue())
    break_down(flown, promise_id)
    return flown


def test_nothing_that_is_written_holds_a_canary(flown: Flown) -> None:
    """Logs of every logger, metrics, spans, queue and dead-letter bodies, words of what a function raises."""
    assert flown.leaks() == []


def test_flow_wrote_what_it_should(flown: Flown) -> None:
    """The look above looked at something: every kind of line, error and metric is there."""
    lines = flown.product.lines()
    kinds = {line["message"] for line in lines}
    assert kinds >= {
        "request",
        "facts",
        "text",
        "plan",
        "publish_facts",
        "improve",
        "drain_due",
        "bug",
        "send_texts",
    }
    assert kinds >= {"webhook", "deliver_webhooks"}
    errors = {line.get("error") for line in lines}
    assert errors >= {"ValueError", "JSONDecodeError", "KeyError"}
    counted = {name for line in lines if "_aws" in line for name in line}
    assert counted >= {str(metric) for metric in Metric} - {Metric.CONFLICTS}
    codes = {line.get("code") for line in lines}
    assert codes >= {"malformed_json", "invalid_request", "unauthorized", "not_found", "internal"}
    assert codes >= {"offer_invalid", "hold_exists", "order_already_promised", "idempotency_key_invalid"}
    assert ("span" in kinds) == (flown.product.environment["TRACING"] == "on")
    assert flown.bodies


@pytest.mark.leaks
@pytest.mark.parametrize("canary", CANARIES)
def test_each_canary_is_found_where_it_is_logged(start: Start, canary: str) -> None:
    """The control of the look: one line of our own log, one of a library's, in whatever field."""
    product = start()
    logging.getLogger(SERVICE).info("request", extra={"oops": {"deep": [f"<{canary}>"]}})
    assert found_in(product.log.getvalue(), CANARIES) == [canary]
    product.forget()
    logging.getLogger("somebody.elses").warning("could not take %s", canary)
    assert found_in(product.log.getvalue(), CANARIES) == [canary]


def test_libraries_that_talk_tell_of_sealed_rows_only(start: Start) -> None:
    """Let botocore talk: a promise is sealed before it gets there. CONTROL: what is not sealed is heard."""
    product = start()
    product.forget()
    order = {"recipient": RECIPIENT, "instructions": INSTRUCTIONS}
    product.promise(offer=product.offer(), **order)
    assert found_in(product.log.getvalue(), CANARIES) == []
    with level_of("botocore", logging.DEBUG):
        product.promise(offer=product.offer(), **order)
        assert "PutItem" in product.log.getvalue() or "TransactWriteItems" in product.log.getvalue()
        assert found_in(product.log.getvalue(), CANARIES) == []
        logging.getLogger("botocore").debug("%s", order)
    assert {PHONE[1:], NAME, GATE, NOTE} <= set(found_in(product.log.getvalue(), CANARIES))
