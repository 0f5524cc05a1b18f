"""A shop whose van is on the road: what its driver reports, and what buyers change meanwhile."""

from dataclasses import dataclass, field
from datetime import date
from itertools import count
from typing import Any

from chalicelib.events import Actor, Fact
from chalicelib.fleet.plans import PlanKey
from chalicelib.fleet.progress import Progress, Trouble
from chalicelib.motion.events import Event, EventKind
from chalicelib.promises.changes import Changed
from chalicelib.promises.model import Change, ChangeKind, Listed, Outcome, Promise
from chalicelib.promises.search import OFFER_LIFE
from chalicelib.receipts import no_receipt
from chalicelib.routing.model import Location
from chalicelib.units import StopId, Timestamp
from tests.promises.shop import TENANT, TODAY, Shop, at

SHIFT = "porto.van-1.2026-11-24.0800"
PLAN = PlanKey(depot_id="porto", day=TODAY)
DOORS = [Location(lat=41.15 + step / 200, lon=-8.61) for step in range(6)]


@dataclass
class Street:
    """Deliveries every two hours from eight on, one to each door, on one van; it is six in the morning."""

    shop: Shop = field(default_factory=Shop)
    hours: tuple[int, ...] = (8, 10, 12, 14)
    stops: list[StopId] = field(default_factory=list)
    _numbers: Any = field(default_factory=count)

    def __post_init__(self) -> None:
        for number, (hour, door) in enumerate(zip(self.hours, DOORS, strict=False)):
            made = self.shop.buy(at(hour), door, f"order-{number}")
            self.stops.append(made.promise.stop_id)

    def promise(self, nth: int) -> Promise:
        """The n-th promise as it is stored."""
        found = self.shop.store.promise(TENANT, self.stops[nth])
        assert found is not None
        return found  # type: ignore[no-any-return]

    def progress(self) -> Progress:
        """How far the van has come."""
        found = self.shop.store.progress(TENANT, PLAN, SHIFT)
        assert found is not None
        return found  # type: ignore[no-any-return]

    def tell(self, kind: EventKind, when: Timestamp, nth: int | None = None, **more: Any) -> None:
        """The driver reports something; it is then, or later."""
        self.shop.now = max(self.shop.now, when)
        named = {} if nth is None else {"stop_id": self.stops[nth]}
        event = Event(event_id=f"e-{next(self._numbers)}", kind=kind, at=when, **named, **more)
        duty = self.shop.motion.duty(TENANT, SHIFT)
        reported = self.shop.motion.report(TENANT, duty, [event], self.shop.now, no_receipt)
        assert reported.accepted == 1, reported.ignored

    def leave(self) -> None:
        """The van leaves at eight, and all it has is out for delivery."""
        self.tell(EventKind.DEPARTED, at(8))
        self.shop.motion.set_out(TENANT, PLAN, SHIFT, self.shop.now)

    def serve(self, nth: int, when: Timestamp, outcome: Outcome = Outcome.DELIVERED_TO_RECIPIENT) -> None:
        """The van is at a door for five minutes, until then."""
        self.tell(EventKind.ARRIVED, when - 300, nth)
        self.tell(EventKind.COMPLETED, when, nth, outcome=outcome)

    def incident(self, when: Timestamp, nth: int) -> None:
        """Nobody can get in there."""
        self.tell(EventKind.INCIDENT, when, nth, trouble=Trouble.ACCESS)

    def change(self, nth: int, kind: ChangeKind, **wish: Any) -> Changed:
        """Asked for by the shop."""
        wanted = Change(kind=kind, **wish)
        return self.shop.promises.change(TENANT, self.stops[nth], wanted, self.shop.now, no_receipt)

    def slots(self, nth: int, days: int = 2) -> list[Listed]:
        """What a promise could have instead."""
        listed = self.shop.promises.other_slots(TENANT, self.stops[nth], self.shop.now, days=days)
        return [slot for slot in listed if slot.offer is not None]

    def move(self, nth: int, starts: Timestamp) -> Changed:
        """To the slot that starts then."""
        slot = next(slot for slot in self.slots(nth) if slot.window.start == starts)
        return self.change(nth, ChangeKind.SLOT, offer=slot.offer)

    def choose(self, nth: int, slot_id: str) -> Changed | None:
        """The buyer takes a slot that was offered unasked; None if it is not among them, or no longer."""
        stop_id, now = self.stops[nth], self.shop.now
        offers = self.promise(nth).offered(now, OFFER_LIFE).values()
        offer = next((each for each in offers if each.slot_id == slot_id), None)
        if offer is None:
            return None
        wanted = Change(kind=ChangeKind.SLOT, offer=offer)
        return self.shop.promises.change(TENANT, stop_id, wanted, now, no_receipt, actor=Actor.BUYER)

    def order(self, day: date = TODAY, shift_id: str | None = None) -> list[StopId]:
        """Whom the vans of a day have to serve or have served, in their order."""
        routes = self.shop.store.routes(TENANT, "porto", first=day, last=day, consistent=True)
        return [
            stop.stop_id
            for _, route in routes
            for stop in route.all_stops()
            if shift_id in (None, route.shift.shift_id)
        ]

    def version(self) -> int:
        """Of the van's route."""
        return self.shop.motion.duty(TENANT, SHIFT).route.version

    def facts(self) -> list[Fact]:
        """What the last commit said."""
        return list(self.shop.store.outbox[-1][1])
