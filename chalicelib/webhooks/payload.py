"""From a fact to what a merchant is sent: `{type, timestamp, data}`, and nothing personal in it.

A fact in our words holds no name, number or address; only numbers are added, by which it is put in order.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.events import Fact
from chalicelib.units import Timestamp, iso_utc
from chalicelib.webhooks.model import PUBLISHED, Event, EventType


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An event that has no number yet."""

    event_id: str
    type: EventType
    at: Timestamp
    about: Mapping[str, Any]
    only_for: str | None = None

    def numbered(self, sequence: int) -> Event:
        """The event that it is as the next in the merchant's log."""
        told = {
            "type": self.type,
            "timestamp": iso_utc(self.at),
            "data": {"sequence": sequence, **self.about},
        }
        return Event(
            event_id=self.event_id,
            sequence=sequence,
            type=self.type,
            at=self.at,
            body=json.dumps(told, separators=(",", ":"), ensure_ascii=False),
            only_for=self.only_for,
        )


def drafts(row_id: str, facts: tuple[Fact, ...]) -> list[Draft]:
    """What merchants are told of the facts of one transaction; the same ids whenever it is asked.

    Parameters
    ----------
    row_id
        Of the outbox row, which no other transaction has.
    """
    return [
        Draft(event_id=f"evt_{row_id}_{number}", type=type, at=fact.at, about=_about(fact))
        for number, fact in enumerate(facts)
        if (type := PUBLISHED[fact.kind]) is not None
    ]


def _about(fact: Fact) -> dict[str, Any]:
    depot_id, _, date = fact.subject.rpartition("/")
    whose = (
        {"depot_id": depot_id, "date": date}
        if depot_id
        else {"promise_id": fact.subject, "promise_sequence": fact.sequence}
    )
    # What people wrote stands in the ledger, where it can be forgotten; an event is gone once it is sent.
    details = _shown(fact.in_our_words().data)
    return {**whose, "kind": fact.kind, "actor": fact.actor, "details": details}


def _shown(value: Any) -> Any:
    """A fact's value for the outside: instants, which end in `_at`, as text."""
    if isinstance(value, Mapping):
        return {
            name: iso_utc(part) if name.endswith("_at") and isinstance(part, int) else _shown(part)
            for name, part in value.items()
        }
    return [_shown(part) for part in value] if isinstance(value, list | tuple) else value
