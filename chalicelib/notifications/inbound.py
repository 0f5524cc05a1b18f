"""What buyers write back: stored once, and what stops or starts texts done at once.

A text comes to a number of ours and says from which; nothing else tells whose buyer wrote. Merchants who
texted that number from ours are the candidates. STOP stops the texts of each of them: the carrier has stopped
them already, whatever we think. What anything else means is not decided here, it is handed on as a fact to
the merchant who texted last. Weak point: whoever was texted longer ago than the phone book remembers is known
to nobody.
"""

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from typing import Protocol

from chalicelib.events import Actor, Fact, FactKind, Tenant
from chalicelib.notifications.keywords import Keyword, obeyed
from chalicelib.units import Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """A text that came in.

    Attributes
    ----------
    sid
        The carrier's id of it: the same one twice is the same text.
    phone
        Who wrote it, E.164.
    senders
        What it was written to: a number of ours, and the messaging service that is for, if any.
    keyword
        What the carrier itself took it for.
    at
        System time when it came in; 0 before it is stored.
    """

    sid: str
    phone: str
    senders: tuple[str, ...]
    body: str
    keyword: Keyword | None = None
    at: Timestamp = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A merchant who texted a number, and what about; there is one for each promise."""

    tenant: Tenant
    subject: str
    texted_at: Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What is written of a text that came in, all at once or not at all.

    Attributes
    ----------
    candidates
        Who may be meant and what about, the latest first.
    opts_out
        True: none of them may text any more; False: they may again; None: that stays as it is.
    fact
        What is handed on.
    """

    inbound: Inbound
    at: Timestamp
    candidates: Sequence[Contact]
    opts_out: bool | None
    fact: Fact | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What was said between a merchant and a number, or part of it.

    Attributes
    ----------
    subjects
        What it was about: promises, and texts that were asked back about.
    sids
        The carrier's ids of texts that came in.
    shared
        Those of them that may have been meant for another merchant as well.
    is_all
        Whether there was nothing else.
    """

    subjects: frozenset[str]
    sids: frozenset[str]
    shared: frozenset[str] = frozenset()
    is_all: bool = True

    def of(self, subjects: Set[str], sids: Set[str]) -> "Part":
        """As much of it as is about these, or is one of these texts."""
        return Part(
            subjects=self.subjects & subjects,
            sids=self.sids & sids,
            shared=self.shared & sids,
            is_all=False,
        )


class Correspondence(Protocol):
    """Where it is known who texted whom."""

    def contacts(self, phone: str, senders: Sequence[str]) -> Sequence[Contact]:
        """What a number was texted about from one of these, the latest first."""
        ...

    def record_arrival(self, arrival: Arrival) -> bool:
        """Write a text that came in, with all it changes; False if it was written before."""
        ...


class Inbox:
    """Takes texts in.

    Parameters
    ----------
    business_now
        A merchant's own time.
    """

    def __init__(
        self, correspondence: Correspondence, *, business_now: Callable[[Tenant], Timestamp]
    ) -> None:
        self._correspondence, self._business_now = correspondence, business_now

    def take(self, inbound: Inbound, *, now: Timestamp) -> Arrival | None:
        """Store a text once, obey its keyword, hand it on; None if that was done before.

        Parameters
        ----------
        now
            System time.

        Raises
        ------
        Upstream
            Nothing was stored that would keep the same text from being taken in when it comes again.
        """
        candidates = self._correspondence.contacts(inbound.phone, inbound.senders)
        keyword = inbound.keyword or obeyed(inbound.body)
        fact = None
        if candidates:
            latest = candidates[0]
            data = {
                "message_sid": inbound.sid,
                "keyword": keyword,
                "candidates": len({each.tenant for each in candidates}),
            }
            fact = Fact(
                kind=FactKind.BUYER_REPLIED,
                at=self._business_now(latest.tenant),
                actor=Actor.BUYER,
                subject=latest.subject,
                sequence=0,
                data={name: value for name, value in data.items() if value is not None},
            )
        opts_out = {Keyword.STOP: True, Keyword.START: False}.get(keyword) if keyword else None
        arrival = Arrival(inbound=inbound, at=now, candidates=candidates, opts_out=opts_out, fact=fact)
        return arrival if self._correspondence.record_arrival(arrival) else None


def answer_receipt(sid: str) -> str:
    """Name the receipt that says what came of a text: whoever answers it again finds it."""
    return f"reply {sid}"
