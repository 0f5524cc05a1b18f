"""The buyer's endpoints: what a token opens, without a key.

The token is the only secret, so every wrong one is answered alike, and a network that asks too often is
slowed down. Nothing an answer carries is to be kept by anybody between us and the buyer.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from chalicelib.errors import RateLimited, SlotkeeperError
from chalicelib.events import Actor, Tenant
from chalicelib.handlers import incoming
from chalicelib.handlers.change_wire import ChangeRequest, ChangeView, change_view
from chalicelib.handlers.endpoints import Endpoints, OpenCall
from chalicelib.handlers.http import JSON, Answer, Text, problem
from chalicelib.handlers.idempotency import Idempotency, Repeatable, callers_key, fingerprint_of
from chalicelib.handlers.strict_json import canonical
from chalicelib.handlers.tracking_problems import AS_SENT, HTML, IN_PRIVATE, IN_WORDS, PRIVATE, said
from chalicelib.handlers.tracking_wire import (
    PageQuery,
    ScoreRequest,
    ScoreView,
    Sent,
    StateView,
    is_form,
    state_view,
)
from chalicelib.merchants.hold_caps import network_of
from chalicelib.promises.changes import Changed
from chalicelib.promises.model import Promise
from chalicelib.promises.offer_token import seal_offer
from chalicelib.receipts import Receipt, no_receipt
from chalicelib.units import Timestamp

if TYPE_CHECKING:
    from chalicelib.bootstrap import Services
    from chalicelib.handlers.tracking_page import Shop
    from chalicelib.handlers.tracking_words.words import PageWords

api = Endpoints("Buyer")

_DAYS_SHOWN = 7
_PROBLEMS = ("not_found", "rate_limited", "upstream_unavailable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """Who has a token, and what it opens."""

    services: "Services"
    tenant: Tenant
    promise: Promise
    now: Timestamp
    system_now: Timestamp
    sees_detours: bool = False


@api.open_endpoint(
    "GET",
    "/t/{token}",
    query=PageQuery,
    answers={200: "text/html"},
    problems=_PROBLEMS,
    dress=IN_WORDS,
)
def tracking_page(call: OpenCall[PageQuery]) -> Answer:
    """Show a buyer the delivery: the time, what changed, where the van is on its last stretch.

    A plain page in the buyer's language that works without JavaScript.
    """
    from chalicelib.handlers.tracking_page import Forms, page, security_policy

    buyer = opened(call)
    tracking, promise = buyer.services.tracking, buyer.promise
    words, shop = speaking(buyer)
    shown = tracking.look(buyer.tenant, promise, buyer.now, change=call.query.done)
    possible = buyer.services.promises.possible(buyer.tenant, promise, buyer.now, days=_DAYS_SHOWN)
    text = page(
        shown,
        possible,
        words,
        shop,
        buyer.now,
        tag=state_view(shown).tag,
        forms=Forms(token=promise.tracking_token, key=f"page-{promise.sequence}"),
        seal=partial(seal_offer, buyer.services.sealer, buyer.tenant),
        streets=partial(buyer.services.streets, buyer.tenant, promise.depot_id),
    )
    headers = PRIVATE | {"Content-Security-Policy": security_policy()}
    return Answer(200, Text(HTML, text), headers)


@api.open_endpoint(
    "GET",
    "/t/{token}/state",
    answers={200: StateView, 304: None},
    problems=_PROBLEMS,
    dress=IN_PRIVATE,
)
def tracking_state(call: OpenCall) -> Answer:
    """Tell how a delivery stands, for its buyer.

    The `ETag` stands for all of it: ask again after `poll_after_seconds`, with `If-None-Match`.
    """
    buyer = opened(call)
    view = state_view(buyer.services.tracking.look(buyer.tenant, buyer.promise, buyer.now))
    headers = PRIVATE | {"ETag": view.tag, "Cache-Control": "private, no-cache"}
    if incoming.has_already(call.headers, view.tag):
        return Answer(304, headers=headers)
    return Answer(200, view, headers)


@api.open_endpoint(
    "POST",
    "/t/{token}/changes",
    request=ChangeRequest,
    answers={201: ChangeView, 303: None},
    problems=(*_PROBLEMS, "offer_invalid", "offer_expired", "stale_write"),
    idempotency=Idempotency.REQUIRED,
    dress=AS_SENT,
)
def change_delivery(call: OpenCall) -> Answer:
    """Change a delivery as its buyer: the same kinds as for merchants, refused with the next best.

    A form of the page is answered with the page, which says what came of it.
    """
    buyer = opened(call)

    def change(sent: Sent) -> Answer:
        wanted = sent.read(ChangeRequest)

        def answer(changed: Changed) -> Answer:
            return Answer(201, change_view(buyer, changed), PRIVATE)

        def act(receipt: Receipt[Changed]) -> Changed:
            promises, stop_id = buyer.services.promises, buyer.promise.stop_id
            asked = wanted.change(buyer)
            return promises.change(buyer.tenant, stop_id, asked, buyer.now, receipt, actor=Actor.BUYER)

        tree = wanted.model_dump(mode="json")
        return once(repeated(sent, buyer, "changes", tree, Idempotency.REQUIRED), act, answer)

    return sent_back(call, buyer, change)


@api.open_endpoint(
    "POST",
    "/t/{token}/feedback",
    request=ScoreRequest,
    answers={201: ScoreView, 303: None},
    problems=(*_PROBLEMS, "not_delivered", "stale_write"),
    idempotency=Idempotency.OPTIONAL,
    dress=AS_SENT,
)
def score_delivery(call: OpenCall) -> Answer:
    """Say how likely you are to recommend what came, and how it came, each from 0 to 10.

    A form of the page is answered with the page; its field `key` is its Idempotency-Key.
    """
    buyer = opened(call)

    def score(sent: Sent) -> Answer:
        wanted = sent.read(ScoreRequest)

        def answer(promise: Promise) -> Answer:
            assert promise.feedback is not None  # it was just written
            return Answer(201, ScoreView.of(promise.feedback), PRIVATE)

        def act(receipt: Receipt[Promise]) -> Promise:
            heard, stop_id = buyer.services.heard, buyer.promise.stop_id
            return heard.rated(buyer.tenant, stop_id, wanted.feedback(), buyer.now, receipt)

        tree = wanted.model_dump(mode="json")
        return once(repeated(sent, buyer, "feedback", tree, Idempotency.OPTIONAL), act, answer)

    return sent_back(call, buyer, score)


def sent_back(call: "OpenCall[Any]", buyer: Buyer, answer: Callable[[Sent], Answer]) -> Answer:
    """Answer a program as it asked, and a person's form with the page; reloading that sends nothing again.

    A form that came too late, or was tampered with, is answered in the buyer's words.
    """
    if not is_form(call.headers):
        return answer(Sent.of(call))
    try:
        told = json.loads(answer(Sent.of(call)).rendered().text)
    except SlotkeeperError as error:
        return said(problem(error, call.request_id), *speaking(buyer))
    number = str(told.get("change_id", "")).rpartition("_")[2]
    done = f"?done={number}" if number else ""
    return Answer(303, headers=PRIVATE | {"Location": f"../{call.path['token']}{done}"})


def once[R](
    repeatable: Repeatable | None, act: Callable[[Receipt[R]], R], answer: Callable[[R], Answer]
) -> Answer:
    """Act, or answer what was answered when the same request came before; as the door does for keys."""
    if repeatable is None:
        return answer(act(no_receipt))
    told = repeatable.once(lambda: answer(act(repeatable.receipt(answer))).rendered())
    return Answer(told.status, Text(JSON, told.text), {**PRIVATE, **told.headers})


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
