"""The buyer's endpoints: what a token opens, without a key.

The token is the only secret, so every wrong one is answered alike, and a network that asks too often is
slowed down. Nothing an answer carries is to be kept by anybody between us and the buyer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from chalicelib.errors import NotFound, RateLimited, SlotkeeperError
from chalicelib.events import Tenant
from chalicelib.handlers.endpoints import Endpoints, OpenCall
from chalicelib.handlers.http import JSON, Answer, Text
from chalicelib.handlers.idempotency import Idempotency, Repeatable, callers_key, fingerprint_of
from chalicelib.handlers.strict_json import canonical
from chalicelib.handlers.tracking_wire import ScoreRequest, ScoreView, Sent, StateView, state_view
from chalicelib.merchants.hold_caps import network_of
from chalicelib.promises.model import Promise
from chalicelib.receipts import Receipt, no_receipt
from chalicelib.units import Timestamp

if TYPE_CHECKING:
    from chalicelib.bootstrap import Services
    from chalicelib.handlers.tracking_page import Shop
    from chalicelib.handlers.tracking_words import PageWords

api = Endpoints("Buyer")

HTML = "text/html; charset=utf-8"
_PROBLEMS = ("not_found", "rate_limited")
PRIVATE = {
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """Who has a token, and what it opens."""

    services: "Services"
    tenant: Tenant
    promise: Promise
    now: Timestamp
    system_now: Timestamp


@api.open_endpoint("GET", "/t/{token}", answers={200: "text/html", 404: "text/html"}, problems=_PROBLEMS)
def tracking_page(call: OpenCall) -> Answer:
    """Show a buyer the delivery: the time, what changed, where the van is on its last stretch.

    A plain page in the buyer's language that works without JavaScript.
    """
    from chalicelib.handlers.tracking_page import page, security_policy

    try:
        buyer = opened(call)
    except NotFound:
        return _no_such_page(call)
    tracking, promise = buyer.services.tracking, buyer.promise
    words, shop = speaking(buyer)
    text = page(
        tracking.look(buyer.tenant, promise, buyer.now),
        words,
        shop,
        buyer.now,
        token=promise.tracking_token,
        key=f"page-{promise.sequence}",
        streets=partial(buyer.services.streets, buyer.tenant, promise.depot_id),
    )
    headers = PRIVATE | {"Content-Security-Policy": security_policy()}
    return Answer(200, Text(HTML, text), headers)


@api.open_endpoint("GET", "/t/{token}/state", answers={200: StateView, 304: None}, problems=_PROBLEMS)
def tracking_state(call: OpenCall) -> Answer:
    """Tell how a delivery stands, for its buyer.

    The `ETag` stands for all of it: ask again after `poll_after_seconds`, with `If-None-Match`.
    """
    buyer = opened(call)
    view = state_view(buyer.services.tracking.look(buyer.tenant, buyer.promise, buyer.now))
    tag = f'"{sha256(view.model_dump_json().encode()).hexdigest()[:32]}"'
    headers = PRIVATE | {"ETag": tag, "Cache-Control": "private, no-cache"}
    if tag in (call.headers.get("if-none-match") or ""):
        return Answer(304, headers=headers)
    return Answer(200, view, headers)


@api.open_endpoint(
    "POST",
    "/t/{token}/feedback",
    request=ScoreRequest,
    answers={201: ScoreView, 303: None},
    problems=(*_PROBLEMS, "not_delivered"),
    idempotency=Idempotency.OPTIONAL,
)
def score_delivery(call: OpenCall) -> Answer:
    """Say how likely you are to recommend what came, and how it came, each from 0 to 10.

    A form of the page is answered with the page; its field `key` is its Idempotency-Key.
    """
    buyer, sent = opened(call), Sent.of(call)
    wanted = sent.read(ScoreRequest)

    def answer(promise: Promise) -> Answer:
        assert promise.feedback is not None  # it was just written
        return Answer(201, ScoreView.of(promise.feedback), PRIVATE)

    def rate(receipt: Receipt[Promise]) -> Promise:
        tenant, stop_id = buyer.tenant, buyer.promise.stop_id
        return buyer.services.tracking.rate(tenant, stop_id, wanted.feedback(), buyer.now, receipt)

    repeatable = repeated(sent, buyer, "feedback", wanted.model_dump(mode="json"), Idempotency.OPTIONAL)
    answered = once(repeatable, rate, answer)
    return Answer(303, headers=PRIVATE | {"Location": f"../{call.path['token']}"}) if sent.form else answered


def once[R](
    repeatable: Repeatable | None, act: Callable[[Receipt[R]], R], answer: Callable[[R], Answer]
) -> Answer:
    """Act, or answer what was answered when the same request came before; as the door does for keys."""
    if repeatable is None:
        return answer(act(no_receipt))
    earlier = repeatable.earlier_answer()
    if earlier is None:
        try:
            return answer(act(repeatable.receipt(answer)))
        except SlotkeeperError:
            earlier = repeatable.earlier_answer()  # of a twin that ran beside us
            if earlier is None:
                raise
    return Answer(earlier.status, Text(JSON, earlier.text), {**PRIVATE, **earlier.headers})


def opened(call: "OpenCall[Any]") -> Buyer:
    """What the path's token opens.

    Raises
    ------
    NotFound
        Nothing.
    RateLimited
        This network asks too often.
    """
    services = call.build()
    system_now = services.clock.system_now()
    network = sha256(network_of(call.source_ip).encode()).hexdigest()[:16]
    left = services.tracking_limiter.take(f"buyers_{network}", now=system_now)
    if left.is_exceeded:
        raise RateLimited("Too many requests from this network.", retry_after=left.resets_in)
    tenant, promise = services.tracking.find(call.path["token"])
    return Buyer(
        services=services,
        tenant=tenant,
        promise=promise,
        now=services.business_now(tenant, system_now=system_now),
        system_now=system_now,
    )


def _no_such_page(call: "OpenCall[Any]") -> Answer:
    """Say so to a person, in a language that the browser asks for."""
    from chalicelib.handlers.tracking_page import Shop, plain_page, security_policy
    from chalicelib.handlers.tracking_words import words_for

    asked = call.headers.get("accept-language", "").split(",")
    words = words_for(*(each.partition(";")[0].strip() for each in asked))
    shop = Shop(brand="", support_phone=None)
    text = plain_page(words, shop, title=words.not_found_title, text=words.not_found)
    return Answer(404, Text(HTML, text), PRIVATE | {"Content-Security-Policy": security_policy()})


def speaking(buyer: Buyer) -> "tuple[PageWords, Shop]":
    """In which language to speak to a buyer, and for whom."""
    from chalicelib.handlers.tracking_page import Shop
    from chalicelib.handlers.tracking_words import words_for

    merchant = buyer.services.merchants.settings(buyer.tenant)
    words = words_for(buyer.promise.order.recipient.locale, *merchant.locales)
    return words, Shop(brand=merchant.brand, support_phone=merchant.support_phone)


def repeated(sent: Sent, buyer: Buyer, what: str, tree: Any, rule: Idempotency) -> Repeatable | None:
    """Recognise a request that comes again; None if its sender gave it no name."""
    callers = callers_key(sent.key, rule)
    if callers is None:
        return None
    place = f"POST /t/{what}"
    return Repeatable(
        tenant=buyer.tenant,
        key=f"buyer/{place}/{buyer.promise.stop_id:016x}/{callers}",
        fingerprint=fingerprint_of(place, canonical(tree)),
        system_now=buyer.system_now,
        store=buyer.services.receipts,
        sealer=buyer.services.sealer,
    )
