"""Holds, promises and offers as plain JSON documents, and back.

The one place that knows their stored shape; `shape` is the version of it, and readers keep all that were ever
written, and pass over fields that newer code added. Enums are stored by value, instants and quantities as
whole numbers, dates as ISO text.
"""

from datetime import date
from typing import Any

from chalicelib.fleet.forecasts import forecast_document, read_forecast
from chalicelib.fleet.model import Handover, Money, Requirement
from chalicelib.fleet.planning import Found
from chalicelib.promises.model import (
    Address,
    Attempt,
    AttemptFlag,
    Choice,
    Choices,
    ChoicesAfter,
    Delivery,
    Feedback,
    HandedOver,
    Hold,
    HoldState,
    Instructions,
    Offer,
    Order,
    Outcome,
    Promise,
    PromiseState,
    Recipient,
    Standing,
)
from chalicelib.routing.model import Load, Location, TimeWindow

type Document = dict[str, Any]

SHAPE = 1


def _window(window: TimeWindow) -> list[int]:
    return [window.start, window.end]


def _read_window(stored: list[int]) -> TimeWindow:
    return TimeWindow(start=stored[0], end=stored[1])


def _money(money: Money | None) -> list[Any] | None:
    return [money.amount, money.currency] if money else None


def _read_money(stored: list[Any] | None) -> Money | None:
    return Money(amount=stored[0], currency=stored[1]) if stored else None


def address_document(address: Address | None) -> Document | None:
    """Write an address; fields without a value are left out."""
    if address is None:
        return None
    fields = {
        "lines": list(address.lines),
        "unit": address.unit,
        "floor": address.floor,
        "postal_code": address.postal_code,
        "city": address.city,
        "country": address.country,
    }
    return {name: value for name, value in fields.items() if value is not None}


def read_address(stored: Document | None) -> Address | None:
    """Read what `address_document` wrote."""
    if stored is None:
        return None
    return Address(
        lines=tuple(stored["lines"]),
        unit=stored.get("unit"),
        floor=stored.get("floor"),
        postal_code=stored.get("postal_code"),
        city=stored["city"],
        country=stored["country"],
    )


def delivery_document(delivery: Delivery) -> Document:
    """Write what is to be brought where."""
    return {
        "at": [delivery.location.lat, delivery.location.lon],
        "address": address_document(delivery.address),
        "load": [delivery.load.parcels, delivery.load.grams, delivery.load.millilitres],
        "skills": sorted(delivery.skills),
        "service": delivery.service_time,
        "attended": delivery.handover.attended,
        "requires": sorted(delivery.handover.requires),
    }


def read_delivery(stored: Document) -> Delivery:
    """Read what `delivery_document` wrote."""
    parcels, grams, millilitres = stored["load"]
    return Delivery(
        location=Location(lat=stored["at"][0], lon=stored["at"][1]),
        address=read_address(stored["address"]),
        load=Load(parcels=parcels, grams=grams, millilitres=millilitres),
        skills=frozenset(stored["skills"]),
        service_time=stored["service"],
        handover=Handover(
            attended=stored["attended"],
            requires=frozenset(Requirement(requirement) for requirement in stored["requires"]),
        ),
    )


def offer_document(offer: Offer) -> Document:
    """Write an offer."""
    return {
        "shape": SHAPE,
        "depot": offer.depot_id,
        "slot": offer.slot_id,
        "day": offer.day.isoformat(),
        "window": _window(offer.window),
        "delivery": delivery_document(offer.delivery),
        "price": _money(offer.price),
        "zone": offer.timezone,
        "cutoff": offer.cutoff_at,
        "issued": offer.issued_at,
        "expires": offer.expires_at,
        "cart": offer.cart_ref,
        "promise": offer.promise,
    }


def read_offer(stored: Document) -> Offer:
    """Read what `offer_document` wrote."""
    return Offer(
        depot_id=stored["depot"],
        slot_id=stored["slot"],
        day=date.fromisoformat(stored["day"]),
        window=_read_window(stored["window"]),
        delivery=read_delivery(stored["delivery"]),
        price=_read_money(stored["price"]),
        timezone=stored["zone"],
        cutoff_at=stored["cutoff"],
        issued_at=stored["issued"],
        expires_at=stored["expires"],
        cart_ref=stored["cart"],
        promise=stored["promise"],
    )


def _found(found: Found) -> list[str]:
    return [found.depot_id, found.day.isoformat(), found.shift_id]


def _read_found(stored: list[str]) -> Found:
    return Found(depot_id=stored[0], day=date.fromisoformat(stored[1]), shift_id=stored[2])


def hold_document(hold: Hold) -> Document:
    """Write a hold; its version is the row's."""
    document: Document = {
        "shape": SHAPE,
        "stop": hold.stop_id,
        "cart": hold.cart_ref,
        "state": hold.state,
        "offer": offer_document(hold.offer),
        "created": hold.created_at,
        "expires": hold.expires_at,
        "confidence": hold.confidence,
        "found": _found(hold.found),
    }
    return document | {"earlier": list(hold.earlier)} if hold.earlier else document


def read_hold(stored: Document, version: int) -> Hold:
    """Read what `hold_document` wrote."""
    return Hold(
        stop_id=stored["stop"],
        cart_ref=stored["cart"],
        state=HoldState(stored["state"]),
        offer=read_offer(stored["offer"]),
        created_at=stored["created"],
        expires_at=stored["expires"],
        confidence=stored["confidence"],
        found=_read_found(stored["found"]),
        earlier=tuple(stored.get("earlier", ())),
        version=version,
    )


def _attempt(attempt: Attempt) -> Document:
    fields = {
        "outcome": attempt.outcome,
        "at": [attempt.arrived_at, attempt.ended_at],
        "shift": [attempt.depot_id, attempt.day.isoformat(), attempt.shift_id],
        "parcels": attempt.parcels,
        "flags": sorted(attempt.flags),
        "name": attempt.proof.name,
        "note": attempt.proof.note,
        "uploads": list(attempt.proof.uploads),
        "window": attempt.window and _window(attempt.window),
        "told": attempt.told_window and _window(attempt.told_window),
        "planned": attempt.planned_at,
        "forecasts": list(map(forecast_document, attempt.forecasts)),
    }
    return {name: value for name, value in fields.items() if value not in (None, [])}


def _read_attempt(stored: Document) -> Attempt:
    depot_id, day, shift_id = stored["shift"]
    return Attempt(
        outcome=Outcome(stored["outcome"]),
        arrived_at=stored["at"][0],
        ended_at=stored["at"][1],
        depot_id=depot_id,
        day=date.fromisoformat(day),
        shift_id=shift_id,
        parcels=stored.get("parcels"),
        flags=frozenset(map(AttemptFlag, stored.get("flags", ()))),
        proof=HandedOver(
            name=stored.get("name"),
            note=stored.get("note"),
            uploads=tuple(stored.get("uploads", ())),
        ),
        window=_read_window(stored["window"]) if "window" in stored else None,
        told_window=_read_window(stored["told"]) if "told" in stored else None,
        planned_at=stored.get("planned"),
        forecasts=tuple(map(read_forecast, stored.get("forecasts", ()))),
    )


def _read_feedback(stored: list[Any] | None) -> Feedback | None:
    if not stored:
        return None
    product, delivery, *comment = stored  # older rows have no comment
    return Feedback(product=product, delivery=delivery, comment=comment[0] if comment else None)


def _choices(choices: Choices) -> Document:
    return {
        "after": choices.after,
        "answers": choices.answers,
        "made": choices.made_at,
        "until": choices.valid_until,
        "slots": [
            [
                each.depot_id,
                each.slot_id,
                each.day.isoformat(),
                _window(each.window),
                _money(each.price),
                each.cutoff_at,
            ]
            for each in choices.choices
        ],
    }


def _read_choices(stored: Document | None) -> Choices | None:
    if stored is None:
        return None
    return Choices(
        after=ChoicesAfter(stored["after"]),
        answers=stored["answers"],
        made_at=stored["made"],
        valid_until=stored["until"],
        choices=tuple(
            Choice(
                depot_id=depot_id,
                slot_id=slot_id,
                day=date.fromisoformat(day),
                window=_read_window(window),
                price=_read_money(price),
                cutoff_at=cutoff_at,
            )
            for depot_id, slot_id, day, window, price, cutoff_at in stored["slots"]
        ),
    )


def promise_document(promise: Promise) -> Document:
    """Write a promise; its version is the row's."""
    order, instructions = promise.order, promise.order.instructions
    document: Document = {
        "shape": SHAPE,
        "stop": promise.stop_id,
        "state": promise.state,
        "order_ref": order.order_ref,
        "shipment_ref": order.shipment_ref,
        "recipient": [order.recipient.name, order.recipient.phone, order.recipient.locale],
        "sms_consent": order.sms_consent,
        "instructions": {
            "gate_code": instructions.gate_code,
            "note": instructions.note,
            "safe_place": instructions.safe_place,
            "neighbour": instructions.neighbour,
        },
        "delivery": delivery_document(promise.delivery),
        "depot": promise.depot_id,
        "slot": promise.slot_id,
        "day": promise.day.isoformat(),
        "window": _window(promise.window),
        "told": _window(promise.told_window),
        "original": promise.original_window and _window(promise.original_window),
        "zone": promise.timezone,
        "cutoff": promise.cutoff_at,
        "price": _money(promise.price),
        "found": _found(promise.found),
        "token": promise.tracking_token,
        "created": promise.created_at,
        "sequence": promise.sequence,
        "cart": promise.cart_ref,
    }
    if promise.attempts:
        document["attempts"] = [_attempt(attempt) for attempt in promise.attempts]
    if promise.standing is not Standing.SAFE:
        document["standing"] = promise.standing
    if promise.contacts:
        document["contacts"] = promise.contacts
    if promise.feedback is not None:
        said = promise.feedback
        document["feedback"] = [said.product, said.delivery, said.comment]
    if promise.choices is not None:
        document["choices"] = _choices(promise.choices)
    if promise.access_asked_at is not None:
        document["access_asked"] = promise.access_asked_at
    if promise.told_by:
        document["told_by"] = promise.told_by
    if promise.foreseen is not None:
        document["foreseen"] = _window(promise.foreseen)
    if promise.adrift:
        document["adrift"] = True
    if promise.erased_at is not None:
        document["erased"] = promise.erased_at
    return document


def read_promise(stored: Document, version: int) -> Promise:
    """Read what `promise_document` wrote."""
    name, phone, locale = stored["recipient"]
    told = stored["instructions"]
    return Promise(
        stop_id=stored["stop"],
        state=PromiseState(stored["state"]),
        order=Order(
            order_ref=stored["order_ref"],
            shipment_ref=stored["shipment_ref"],
            recipient=Recipient(name=name, phone=phone, locale=locale),
            sms_consent=stored["sms_consent"],
            instructions=Instructions(
                gate_code=told["gate_code"],
                note=told["note"],
                safe_place=told["safe_place"],
                neighbour=told["neighbour"],
            ),
        ),
        delivery=read_delivery(stored["delivery"]),
        depot_id=stored["depot"],
        slot_id=stored["slot"],
        day=date.fromisoformat(stored["day"]),
        window=_read_window(stored["window"]),
        told_window=_read_window(stored["told"]),
        original_window=_read_window(stored["original"]) if stored["original"] else None,
        timezone=stored["zone"],
        cutoff_at=stored["cutoff"],
        price=_read_money(stored["price"]),
        found=_read_found(stored["found"]),
        tracking_token=stored["token"],
        created_at=stored["created"],
        sequence=stored["sequence"],
        cart_ref=stored["cart"],
        attempts=tuple(map(_read_attempt, stored.get("attempts", ()))),
        standing=Standing(stored.get("standing", Standing.SAFE)),
        contacts=stored.get("contacts", 0),
        feedback=_read_feedback(stored.get("feedback")),
        choices=_read_choices(stored.get("choices")),
        access_asked_at=stored.get("access_asked"),
        told_by=stored.get("told_by", 0),
        foreseen=_read_window(stored["foreseen"]) if "foreseen" in stored else None,
        adrift="adrift" in stored,
        erased_at=stored.get("erased"),
        version=version,
    )
