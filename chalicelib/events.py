"""Facts that happened, in the words every feature understands.

A fact is written in the transaction that made it true (as an outbox row) and handed on from there: to the
ledger, to the notifications, to the worker that improves the plan. Features never call each other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from chalicelib.units import Timestamp


class Mode(StrEnum):
    """Test and live data never meet: the mode is part of every key."""

    TEST = "test"
    LIVE = "live"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """Whose data: a merchant, and which of its two worlds."""

    merchant_id: str
    mode: Mode

    def __str__(self) -> str:
        """As it stands in keys."""
        return f"{self.merchant_id}.{self.mode}"

    @staticmethod
    def parse(text: str) -> "Tenant":
        """Read what `str` wrote."""
        merchant_id, _, mode = text.rpartition(".")
        return Tenant(merchant_id=merchant_id, mode=Mode(mode))


class FactKind(StrEnum):
    """What may happen, named as merchants see it in the ledger and in webhooks."""

    PROMISE_CONFIRMED = "promise.confirmed"
    PROMISE_IMPORTED = "promise.imported"  # made elsewhere, where its buyer was told: nobody is texted
    PROMISE_CHANGED = "promise.changed"
    CHANGE_REFUSED = "promise.change_refused"
    PROMISE_CANCELLED = "promise.cancelled"
    PROMISE_PINNED = "promise.pinned"
    PROMISE_UNPINNED = "promise.unpinned"
    PROMISE_AT_RISK = "promise.at_risk"
    PROMISE_RECOVERED = "promise.recovered"
    PROMISE_BROKEN = "promise.broken"
    PROMISE_OUT_FOR_DELIVERY = "promise.out_for_delivery"
    PROMISE_EXPECTED = "promise.expected"  # elsewhere than was told; merchants hear of it as `eta.changed`
    PROMISE_TOLD = "promise.told"  # the carrier took a text that names a window
    PROMISE_ARRIVING = "promise.arriving"  # the van drives to it next; merchants hear of it as `eta.changed`
    PROMISE_DELIVERED = "promise.delivered"
    PROMISE_FAILED = "promise.failed"  # an attempt did; the promise may be kept yet
    PROMISE_CHOICES = "promise.choices"  # other slots were offered unasked
    PROMISE_ACCESS_ASKED = "promise.access_asked"  # how does one get in?
    PROMISE_CORRECTED = "promise.corrected"
    PROMISE_CONTACTED = "promise.contacted"  # its buyer asked where it is
    PROMISE_SCORED = "promise.scored"  # its buyer said how likely they are to recommend it
    NOTIFICATION_FAILED = "notification.failed"  # a text that was to arrive will not
    BUYER_REPLIED = "buyer.replied"  # a text of a buyer's came in; what it means is not known yet
    BUYER_UNHANDLED = "buyer.message_unhandled"  # and somebody has to read it
    SHIFT_DEPARTED = "shift.departed"
    SHIFT_RETURNED = "shift.returned"
    SHIFT_INCIDENT = "shift.incident"
    SHIFT_PROGRESSED = "shift.progressed"  # there is a milestone more: who judges the day looks again
    ROUTE_CHANGED = "route.changed"  # a buyer or merchant changed what a loaded van has ahead: look again
    PLAN_CHANGED = "plan.changed"  # a booking, release, shift or closure: it may be improvable now
    PLAN_TROUBLED = "plan.troubled"  # the same of one that is on the road: to be looked at at once
    PLAN_REPLANNED = "plan.replanned"  # an improvement was applied; no reason to look again


class Actor(StrEnum):
    """Who made it happen."""

    BUYER = "buyer"
    MERCHANT = "merchant"
    DRIVER = "driver"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing that happened.

    Attributes
    ----------
    subject
        The promise (`prm_…`) or the depot-day (`depot_id/date`) it is about.
    sequence
        Numbers the facts of one promise from 1 on; 0 for a depot-day.
    data
        Ready for JSON; holds no name, number or address. What somebody wrote in their own words may hold
        anything: only the ledger keeps that, sealed.
    """

    kind: FactKind
    at: Timestamp
    actor: Actor
    subject: str
    sequence: int
    data: Mapping[str, Any]

    @property
    def own_words(self) -> dict[str, Any]:
        """What of `data` somebody wrote in their own words."""
        return {name: part for name, part in self.data.items() if name in _OWN_WORDS.get(self.kind, ())}

    def in_our_words(self) -> "Fact":
        """The same without what somebody wrote: as it is handed on."""
        words = self.own_words
        if not words:
            return self
        return replace(self, data={name: part for name, part in self.data.items() if name not in words})

    def in_own_words(self, words: Mapping[str, Any]) -> "Fact":
        """The same with what somebody wrote."""
        return replace(self, data={**self.data, **words}) if words else self


# A `reason` of any other kind is a word of ours.
_OWN_WORDS: Final = {
    FactKind.PROMISE_CANCELLED: {"reason"},
    FactKind.PROMISE_CORRECTED: {"reason"},
    FactKind.PROMISE_CONTACTED: {"channel", "reason"},
}
