"""What a merchant knows of getting in at an address: a gate code that a buyer gave, or that one is needed.

A door is found by a keyed hash of its address and kept sealed, apart from any promise, so that the next order
there has it; whoever gave it can have it forgotten. Weak point: an address written otherwise is another door,
and what was sealed with a secret that is gone is forgotten with it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from chalicelib.errors import BadToken
from chalicelib.events import Tenant
from chalicelib.promises.model import Delivery, Order
from chalicelib.retention import DOORS_KEPT
from chalicelib.units import Timestamp

_ADDRESS, _OWNER, _SEALED = "door", "door-owner", "door"


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What is known.

    Attributes
    ----------
    gate_code
        None: nobody got in, and nobody said how.
    learned_at
        When that was.
    """

    gate_code: str | None
    learned_at: Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorRow:
    """A door as it is stored.

    Attributes
    ----------
    key
        Keyed hash of the address.
    owners
        Keyed hashes of what identifies the buyer it was learned from.
    """

    key: str
    sealed: str
    owners: tuple[str, ...]
    kept_until: Timestamp


class DoorStore(Protocol):
    """Where doors are kept."""

    def door(self, tenant: Tenant, keys: Sequence[str]) -> DoorRow | None:
        """The first of these doors that is known."""
        ...

    def keep_door(self, tenant: Tenant, row: DoorRow) -> None:
        """Keep a door in place of what was known of it."""
        ...

    def forget_doors(self, tenant: Tenant, owners: Sequence[str]) -> int:
        """Forget what was learned from a buyer; gives how many doors it was."""
        ...


class Secretive(Protocol):
    """Seals, and hashes with a key; see `adapters.sealing`."""

    def seal(self, purpose: str, payload: bytes) -> str:
        """Encrypt for one purpose."""
        ...

    def unseal(self, purpose: str, token: str) -> bytes:
        """Decrypt; `BadToken` where no secret in force opens it."""
        ...

    def derivations(self, purpose: str, text: str) -> list[str]:
        """Keyed hashes with every secret in force; that of today first."""
        ...


class Doors:
    """The doors of all merchants; holds no state."""

    def __init__(self, store: DoorStore, sealer: Secretive) -> None:
        self._store, self._sealer = store, sealer

    def known(self, tenant: Tenant, delivery: Delivery) -> Door | None:
        """What is known of where this is delivered.

        Cost: one read for each secret in force.
        """
        row = self._store.door(tenant, self._keys(tenant, delivery))
        if row is None:
            return None
        try:
            stored = json.loads(self._sealer.unseal(f"{_SEALED}:{tenant}", row.sealed))
        except BadToken:
            return None
        return Door(gate_code=stored["code"], learned_at=stored["at"])

    def learn(self, tenant: Tenant, delivery: Delivery, order: Order, door: Door) -> None:
        """Keep what an order's buyer, or its driver, made known of the door."""
        document = json.dumps({"code": door.gate_code, "at": door.learned_at})
        row = DoorRow(
            key=self._keys(tenant, delivery)[0],
            sealed=self._sealer.seal(f"{_SEALED}:{tenant}", document.encode()),
            owners=tuple(self._owners(tenant, who)[0] for who in _identities(order)),
            kept_until=door.learned_at + DOORS_KEPT,
        )
        self._store.keep_door(tenant, row)

    def forget(self, tenant: Tenant, *, phone: str | None = None, order_ref: str | None = None) -> int:
        """Forget what was learned from a buyer, by what identifies one; gives how many doors it was."""
        asked = [("phone", phone), ("order", order_ref)]
        owners = [self._owners(tenant, f"{kind}:{who}") for kind, who in asked if who is not None]
        return self._store.forget_doors(tenant, [owner for each in owners for owner in each])

    def _keys(self, tenant: Tenant, delivery: Delivery) -> list[str]:
        return self._sealer.derivations(f"{_ADDRESS}:{tenant}", _spelled(delivery))

    def _owners(self, tenant: Tenant, who: str) -> list[str]:
        return self._sealer.derivations(f"{_OWNER}:{tenant}", who)


def _identities(order: Order) -> list[str]:
    phone = order.recipient.phone
    return [f"order:{order.order_ref}", *([f"phone:{phone}"] if phone else [])]


def _spelled(delivery: Delivery) -> str:
    """An address in one spelling; without one the place on the map, to about ten metres."""
    address = delivery.address
    if address is None:
        return f"{delivery.location.lat:.4f} {delivery.location.lon:.4f}"
    parts = (*address.lines, address.unit or "", address.postal_code or "", address.city, address.country)
    return "\n".join(" ".join(part.casefold().split()) for part in parts)
