"""A merchant's policy for slots with a long detour: hidden, or priced up, so that the day takes more orders.

Each day's slots are held against the cheapest of that day, which is never touched: no day that could be had
disappears, and a day whose vans are still empty is not measured by one that passes the door anyway. Weak
point: short-sighted; it asks what a stop costs on the routes as they are, not what is still to be sold.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from chalicelib.fleet.model import MOST_MINOR_UNITS, Depot, Money, OfferShaping, ShapingMode
from chalicelib.promises.model import Listed, Offer, Reason
from chalicelib.units import MINUTE, MinorUnits, Seconds


def shaped(depot: Depot, slots: Sequence[Listed]) -> list[Listed]:
    """One depot's answer as its merchant wants it shown; what is not offered stays as it is.

    The surcharge is part of the offer, so whoever holds the slot pays what was shown.
    """
    policy = depot.offer_shaping
    if policy.mode is ShapingMode.OFF:
        return list(slots)
    cheapest: dict[date, Seconds] = {}
    for slot in slots:
        if slot.offer is not None and slot.extra_seconds is not None:
            day = slot.offer.day
            cheapest[day] = min(slot.extra_seconds, cheapest.get(day, slot.extra_seconds))
    return [_shaped(depot, slot, cheapest) for slot in slots]


def _shaped(depot: Depot, slot: Listed, cheapest: dict[date, Seconds]) -> Listed:
    policy, offer = depot.offer_shaping, slot.offer
    if offer is None or slot.extra_seconds is None:
        return slot
    beyond = slot.extra_seconds - policy.limit(cheapest[offer.day])
    if beyond <= 0:
        return slot
    if policy.mode is ShapingMode.HIDE:
        return _hidden(slot)
    return _priced(slot, offer, depot.currency, surcharge(policy, beyond))


def surcharge(policy: OfferShaping, beyond: Seconds) -> MinorUnits:
    """What a detour costs the buyer that is so many seconds beyond the limit: every minute begun."""
    price = policy.surcharge_per_minute
    return price.amount * -(-beyond // MINUTE) if price else 0


def _hidden(slot: Listed) -> Listed:
    return Listed(
        slot_id=slot.slot_id,
        depot_id=slot.depot_id,
        window=slot.window,
        timezone=slot.timezone,
        cutoff_at=slot.cutoff_at,
        price=slot.price,
        reason=Reason.FAR_FROM_ROUTE,
    )


def _priced(slot: Listed, offer: Offer, currency: str, more: MinorUnits) -> Listed:
    own = slot.price.amount if slot.price else 0
    price = Money(amount=min(own + more, MOST_MINOR_UNITS), currency=currency)
    return replace(slot, price=price, offer=replace(offer, price=price))
