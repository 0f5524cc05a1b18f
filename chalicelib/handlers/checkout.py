"""Endpoints of a checkout: search slots, hold one, turn it into a promise."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from chalicelib.errors import Forbidden, NotFound, SlotTaken
from chalicelib.fleet.ids import HOLD, hold_id, stop_id_of
from chalicelib.handlers.delivery_wire import DeliveryBody
from chalicelib.handlers.endpoints import Asking, Call, Endpoints
from chalicelib.handlers.http import Answer
from chalicelib.handlers.idempotency import Idempotency
from chalicelib.handlers.telemetry import Metric
from chalicelib.handlers.wire import Body, Date, Id, InstantText, Money, Query, View, absent, rfc3339
from chalicelib.merchants.hold_caps import HoldAttempt
from chalicelib.merchants.model import KeyType, Scope
from chalicelib.promises.model import Answered, Grade, Hold, Listed, Offer, Reason
from chalicelib.promises.offer_token import seal_offer, unseal_offer
from chalicelib.promises.search import DEFAULT_DAYS, SlotQuery
from chalicelib.units import StopId

api = Endpoints("Checkout")

_LONGEST_TOKEN = 16_384

OfferText = Annotated[
    str, Field(min_length=1, max_length=_LONGEST_TOKEN, description="As a search gave it; opaque.")
]
CartRef = Annotated[Id, Field(description="The storefront's own name for this checkout.")]


class SearchRequest(DeliveryBody):
    """Asks which delivery slots this buyer can have."""

    from_date: Annotated[Date | None, Field(description="Today at the depot, unless given.")] = None
    days: Annotated[int, Field(ge=1, le=14)] = DEFAULT_DAYS
    cart_ref: Annotated[
        CartRef | None, Field(description="Binds the offers to it, and overlooks its own hold.")
    ] = None

    def query(self, *, detours: bool) -> SlotQuery:
        """Give what is asked as the search wants it."""
        return replace(
            self.asked(),
            from_date=self.from_date,
            days=self.days,
            cart_ref=self.cart_ref,
            detours=detours,
        )


class Served(StrEnum):
    """Where an answer comes from."""

    LIVE_ROUTES = "live_routes"
    FALLBACK = "fallback"


class SlotView(View):
    """A slot, offered or not."""

    slot_id: str
    depot_id: str
    starts_at: InstantText
    ends_at: InstantText
    available: bool
    reason: Annotated[Reason | None, absent(description="Why it is not available.")]
    confidence: Annotated[
        float | None,
        absent(description="Probability that this window is kept, on the route as just computed."),
    ]
    extra_seconds: Annotated[int | None, absent(description="Added driving. Secret keys only.")]
    extra_metres: Annotated[int | None, absent(description="Added distance. Secret keys only.")]
    grade: Annotated[Grade | None, absent(description="How well it suits the routes.")]
    price: Annotated[Money | None, absent()]
    cutoff_at: InstantText
    offer: Annotated[str | None, absent(description="Token to hold or promise it with; good for 30 minutes.")]


class SearchView(View):
    """All slots of the days asked for, sold-out ones included."""

    computed_at: InstantText
    expires_at: Annotated[InstantText, Field(description="From then on some offer in it has run out.")]
    timezone: str
    served: Served
    slots: list[SlotView]


class HoldRequest(Body):
    """Claim an offered slot for a checkout."""

    offer: OfferText
    cart_ref: CartRef
    replaces: Annotated[
        str | None,
        Field(max_length=64, description="The cart's earlier hold, to be given up in the same step."),
    ] = None
    hold_token: Annotated[
        str | None, Field(max_length=64, description="Of the hold in `replaces`; publishable keys need it.")
    ] = None

    @model_validator(mode="after")
    def _token_has_a_hold(self) -> "HoldRequest":
        if self.hold_token is not None and self.replaces is None:
            raise PydanticCustomError("hold_token", "A hold_token goes with replaces")
        return self


class HoldToken(Body):
    """What a publishable key proves with that the hold is its own."""

    hold_token: Annotated[str | None, Field(max_length=64)] = None


class HoldTokenQuery(Query):
    """The same, where a body is not to be had."""

    hold_token: Annotated[str | None, Field(max_length=64)] = None


class HoldView(View):
    """A claimed place."""

    hold_id: str
    state: str
    depot_id: str
    slot_id: str
    starts_at: InstantText
    ends_at: InstantText
    expires_at: InstantText
    confidence: float
    cart_ref: Annotated[str | None, absent(description="Not shown to a publishable key without the token.")]
    hold_token: Annotated[str | None, absent(description="Lets a publishable key extend, swap or release.")]


@api.endpoint(
    "POST",
    "/v1/slots/search",
    scope=Scope.CHECKOUT,
    publishable=True,
    request=SearchRequest,
    answers={200: SearchView},
    problems=("not_found",),
    example={"destination": {"lat": 41.1579, "lon": -8.6291}, "load": {"parcels": 2}, "days": 2},
)
def search_slots(call: Call[SearchRequest]) -> Answer:
    """Search delivery slots.

    Answered from the live routes: a slot is available only if the stop fits a van's route without endangering
    a promise already made. What is not available says why; "no slot" is not an error. `far_from_route` is
    said only where the depot's `offer_shaping` hides slots with a long detour; where that prices them up, the
    surcharge is in `price` and in the offer.
    """
    secret = call.key.type is KeyType.SECRET
    answered = call.services.search.search(call.tenant, call.body.query(detours=secret), call.now)
    offers = sum(slot.offer is not None for slot in answered.slots)
    counts = {Metric.SEARCHES: 1, Metric.OFFERS: offers}
    return Answer(200, search_view(call, answered), counts=counts)


@api.endpoint(
    "POST",
    "/v1/holds",
    scope=Scope.CHECKOUT,
    publishable=True,
    request=HoldRequest,
    answers={201: HoldView},
    problems=("slot_taken", "offer_expired", "offer_invalid", "hold_exists", "not_found"),
    idempotency=Idempotency.REQUIRED,
)
def hold_slot(call: Call[HoldRequest]) -> Answer:
    """Hold an offered slot.

    One live hold per cart: with a secret key a second hold of the same cart swaps, with a publishable key it
    names the first in `replaces` and proves it with its `hold_token`. A swap is one transaction. What
    publishable keys hold in an hour is capped per shopper's network and per destination (`rate_limited`).
    """

    def answer(hold: Hold) -> Answer:
        about = {"hold_id": hold_id(hold.stop_id)}
        return Answer(201, hold_view(call, hold, own=True), counts={Metric.HOLDS: 1}, about=about)

    wanted, secret = call.body, call.key.type is KeyType.SECRET
    replaces = _own_hold(call, wanted.replaces, wanted.hold_token) if wanted.replaces else None
    offer = unseal_offer(call.services.sealer, call.tenant, wanted.offer)
    if not secret:
        call.services.hold_limiter.take(_attempt(call, offer), now=call.system_now)
    with offering_alternatives(call):
        return answer(
            call.services.booking.hold(
                call.tenant,
                offer,
                wanted.cart_ref,
                call.now,
                call.receipt(answer),
                trusted=secret,
                replaces=replaces,
            )
        )


@api.endpoint(
    "GET",
    "/v1/holds/{hold_id}",
    scope=Scope.CHECKOUT,
    publishable=True,
    query=HoldTokenQuery,
    answers={200: HoldView},
    problems=("not_found",),
)
def read_hold(call: Call[None, HoldTokenQuery]) -> Answer:
    """Read a hold."""
    named = call.path["hold_id"]
    hold = call.services.booking.read_hold(call.tenant, hold_stop_id(named), call.now)
    return Answer(200, hold_view(call, hold, own=_is_own(call, named, call.query.hold_token)))


@api.endpoint(
    "DELETE",
    "/v1/holds/{hold_id}",
    scope=Scope.CHECKOUT,
    publishable=True,
    request=HoldToken,
    query=HoldTokenQuery,
    answers={204: None},
    problems=("not_found", "illegal_transition"),
)
def release_hold(call: Call[HoldToken, HoldTokenQuery]) -> Answer:
    """Give a hold back; its capacity is free at once. The token may stand in the body or in the query."""
    stop_id = _own_hold(call, call.path["hold_id"], call.body.hold_token or call.query.hold_token)
    call.services.booking.release(call.tenant, stop_id, call.now)
    return Answer(204)


@api.endpoint(
    "POST",
    "/v1/holds/{hold_id}/extend",
    scope=Scope.CHECKOUT,
    publishable=True,
    request=HoldToken,
    answers={200: HoldView},
    problems=("not_found", "hold_expired", "illegal_transition"),
    idempotency=Idempotency.OPTIONAL,
)
def extend_hold(call: Call[HoldToken]) -> Answer:
    """Keep a hold for another `hold_seconds`, at most an hour in all and never past the cut-off."""

    def answer(hold: Hold) -> Answer:
        return Answer(200, hold_view(call, hold, own=True))

    stop_id = _own_hold(call, call.path["hold_id"], call.body.hold_token)
    return answer(call.services.booking.extend(call.tenant, stop_id, call.now, call.receipt(answer)))


def hold_stop_id(text: str) -> StopId:
    """The stop a hold's id names; `NotFound` if it is not one we would write."""
    stop_id = stop_id_of(text, HOLD)
    if stop_id is None:
        raise NotFound("There is no such hold.")
    return stop_id


def _own_hold(call: Call[Any, Any], text: str, token: str | None) -> StopId:
    """The hold this text names; a browser has to prove that it is its own.

    Raises
    ------
    NotFound
        It names no hold of ours.
    Forbidden
        A publishable key without the hold's token.
    """
    stop_id = hold_stop_id(text)
    if not _is_own(call, text, token):
        call.services.booking.read_hold(call.tenant, stop_id, call.now)  # what is not there is not forbidden
        raise Forbidden("A publishable key needs the hold_token of this hold.")
    return stop_id


def _is_own(call: Call[Any, Any], text: str, token: str | None) -> bool:
    secret = call.key.type is KeyType.SECRET
    return secret or call.services.sealer.is_derived(_token_purpose(call), text, token or "")


def _attempt(call: Call[Any, Any], offer: Offer) -> HoldAttempt:
    """What a browser's hold counts for."""
    place = offer.delivery.location
    return HoldAttempt(
        tenant=call.tenant,
        key_id=call.key.key_id,
        source_ip=call.source_ip,
        destination=(place.lat, place.lon),
    )


def _token_purpose(call: Call[Any, Any]) -> str:
    return f"hold_token:{call.tenant}"


def hold_view(call: Call[Any, Any], hold: Hold, *, own: bool) -> HoldView:
    """Show a hold; whose it is, and its token, only to whom it is."""
    zone = hold.offer.timezone
    named = hold_id(hold.stop_id)
    return HoldView(
        hold_id=named,
        state=str(hold.state),
        depot_id=hold.offer.depot_id,
        slot_id=hold.offer.slot_id,
        starts_at=rfc3339(hold.offer.window.start, zone),
        ends_at=rfc3339(hold.offer.window.end, zone),
        expires_at=rfc3339(hold.expires_at, zone),
        confidence=hold.confidence,
        cart_ref=hold.cart_ref if own else None,
        hold_token=call.services.sealer.derive(_token_purpose(call), named) if own else None,
    )


def slot_view(call: Asking, listed: Listed) -> SlotView:
    """Show a slot, its offer sealed; added driving is the merchant's business only."""
    zone = listed.timezone
    secret, price = call.sees_detours, listed.price
    return SlotView(
        slot_id=listed.slot_id,
        depot_id=listed.depot_id,
        starts_at=rfc3339(listed.window.start, zone),
        ends_at=rfc3339(listed.window.end, zone),
        available=listed.offer is not None,
        reason=listed.reason,
        confidence=listed.confidence,
        extra_seconds=listed.extra_seconds if secret else None,
        extra_metres=listed.extra_metres if secret else None,
        grade=listed.grade,
        price=Money(amount=price.amount, currency=price.currency) if price else None,
        cutoff_at=rfc3339(listed.cutoff_at, zone),
        offer=seal_offer(call.services.sealer, call.tenant, listed.offer) if listed.offer else None,
    )


def search_view(call: Call[Any, Any], answered: Answered) -> SearchView:
    """Show a whole answer, each slot in its depot's zone."""
    return SearchView(
        computed_at=rfc3339(answered.computed_at, answered.timezone),
        expires_at=rfc3339(answered.expires_at, answered.timezone),
        timezone=answered.timezone,
        served=Served.LIVE_ROUTES if answered.live else Served.FALLBACK,
        slots=[slot_view(call, slot) for slot in answered.slots],
    )


@contextmanager
def offering_alternatives(call: Call[Any, Any]) -> Iterator[None]:
    """Show the slots that a `SlotTaken` carries as a search would: nobody is left with a bare no."""
    try:
        yield
    except SlotTaken as taken:
        slots = [slot_view(call, slot) for slot in taken.extra.get("alternatives", ())]
        shown = [slot.model_dump(mode="json", exclude_none=True) for slot in slots]
        raise SlotTaken(taken.detail, extra={"alternatives": shown}) from taken
