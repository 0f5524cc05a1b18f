"""The offer a storefront carries: encrypted, authenticated, and the same for the same offer.

Everything the offer is bound to is inside, so nothing is stored for a search. Weak point: what a search was
given (the address, say) travels with the storefront, unreadable, until the offer expires.
"""

import json
from typing import Protocol

from chalicelib.errors import BadToken, Expired
from chalicelib.events import Tenant
from chalicelib.promises.documents import offer_document, read_offer
from chalicelib.promises.model import Offer
from chalicelib.units import Timestamp

_PURPOSE = "offer"


class Sealer(Protocol):
    """Deterministic authenticated encryption; see `adapters.sealing`."""

    def seal(self, purpose: str, payload: bytes) -> str:
        """Encrypt for one purpose; the same input gives the same URL-safe text."""
        ...

    def unseal(self, purpose: str, token: str) -> bytes:
        """Decrypt; `BadToken` unless it was sealed by us, for this purpose, and is unedited."""
        ...


def seal_offer(sealer: Sealer, tenant: Tenant, offer: Offer) -> str:
    """Write an offer as a token of one merchant's."""
    text = json.dumps(offer_document(offer), separators=(",", ":"), ensure_ascii=False)
    return sealer.seal(f"{_PURPOSE}:{tenant}", text.encode())


def unseal_offer(sealer: Sealer, tenant: Tenant, token: str) -> Offer:
    """Read a token, expired or not.

    Raises
    ------
    BadToken
        `offer_invalid`: edited, another merchant's, or no offer at all.
    """
    try:
        return read_offer(json.loads(sealer.unseal(f"{_PURPOSE}:{tenant}", token)))
    except BadToken as error:
        raise BadToken("The offer is not one that this merchant was given.", code="offer_invalid") from error


def require_cart(offer: Offer, cart_ref: str) -> None:
    """Refuse an offer that was issued to another cart, or for moving a promise.

    Raises
    ------
    BadToken
        `offer_invalid`.
    """
    if offer.promise is not None or offer.cart_ref not in (None, cart_ref):
        raise BadToken("The offer was issued for something else.", code="offer_invalid")


def require_fresh(offer: Offer, now: Timestamp) -> None:
    """Refuse an offer that has run out.

    Raises
    ------
    Expired
        `offer_expired`.
    """
    if now >= offer.expires_at:
        raise Expired(
            "The offer has run out; search again.", expired_at=offer.expires_at, code="offer_expired"
        )
