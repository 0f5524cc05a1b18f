"""A small shop to sell from: one depot at noon, a few vans, straight-line travel, no noise unless asked for.

With `CALM` noise a plan is kept exactly as planned, so a test can count places on its fingers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.adapters.sealing import Sealer
from chalicelib.events import Mode, Tenant
from chalicelib.fleet.calendar import instant
from chalicelib.fleet.model import (
    EVERY_DAY,
    BookingRules,
    Depot,
    Radius,
    ServiceTime,
    SlotTemplate,
    Travel,
    TravelEngine,
    Vehicle,
    WeeklyShift,
)
from chalicelib.fleet.planning import Planner
from chalicelib.fleet.service import Fleet
from chalicelib.motion.service import Motion
from chalicelib.motion.watching import Watch
from chalicelib.promises.access import Access
from chalicelib.promises.booking import Booking, Confirmed
from chalicelib.promises.changes import Promises
from chalicelib.promises.choices import Counteroffers
from chalicelib.promises.doors import Doors
from chalicelib.promises.heard import Heard
from chalicelib.promises.importing import Importing
from chalicelib.promises.model import Hold, Instructions, Listed, Offer, Order, Recipient
from chalicelib.promises.pinning import Pinning
from chalicelib.promises.placing import Ports
from chalicelib.promises.search import SlotQuery, SlotSearch
from chalicelib.promises.store import Changes
from chalicelib.promises.telling import Telling
from chalicelib.receipts import no_receipt
from chalicelib.routing.model import Capacity, Load, Location
from chalicelib.routing.travel_times import SpeedProfile, StraightLine, TravelTimes
from chalicelib.routing.uncertainty import Noise
from chalicelib.tracking.service import Tracking
from chalicelib.units import HOUR, MINUTE, Seconds, Timestamp
from tests.builders import CALM
from tests.fakes_store import InMemoryStore

TENANT = Tenant(merchant_id="m1", mode=Mode.TEST)
DEPOT = Location(lat=41.15, lon=-8.61)
NEAR = Location(lat=41.16, lon=-8.60)
FAR = Location(lat=41.19, lon=-8.66)
TODAY = date(2026, 11, 24)  # a Tuesday
LEVEL = SpeedProfile(slowness=(1.0,) * 24)


def at(hour: int, minute: int = 0, day: date = TODAY) -> Timestamp:
    """An instant on the depot's wall."""
    return instant(ZoneInfo("Europe/Lisbon"), day, time(hour, minute))


def a_depot(**changes: Any) -> Depot:
    """A depot with two-hour slots from 8 to 18."""
    described: dict[str, Any] = {
        "depot_id": "porto",
        "name": "Porto",
        "location": DEPOT,
        "timezone": "Europe/Lisbon",
        "currency": "EUR",
        "service_area": Radius(metres=20_000),
        "slots": tuple(SlotTemplate(starts=time(hour), ends=time(hour + 2)) for hour in range(8, 18, 2)),
        "booking": BookingRules(horizon_days=14, cutoff_minutes=60, hold_seconds=600),
        "service": ServiceTime(base_seconds=300, per_parcel_seconds=0),
        "travel": Travel(engine=TravelEngine.STRAIGHT_LINE, profile=LEVEL),
    }
    return Depot(**(described | changes))


def a_vehicle(number: int = 1, **changes: Any) -> Vehicle:
    """A van that works every day from 8 to 18."""
    described: dict[str, Any] = {
        "vehicle_id": f"van-{number}",
        "capacity": Capacity(parcels=50),
        "weekly": (WeeklyShift(days=EVERY_DAY, starts=time(8), ends=time(18)),),
    }
    return Vehicle(**(described | changes))


def an_order(order_ref: str = "order-1") -> Order:
    """A paid order whose buyer agreed to texts."""
    return Order(
        order_ref=order_ref,
        shipment_ref=None,
        recipient=Recipient(name="Ana", phone="+12025550123"),
        sms_consent=True,
        instructions=Instructions(),
    )


class Overtaken(InMemoryStore):
    """A store in which somebody else writes first, once, between reading and writing."""

    rival: Callable[[], object] | None = None

    def commit(self, tenant: Tenant, changes: Changes) -> None:
        rival, self.rival = self.rival, None
        if rival is not None:
            rival()
        super().commit(tenant, changes)


@dataclass
class Shop:
    """Everything a test of the promises needs, on one in-memory store.

    `now` is six in the morning of a day with an empty plan, unless a test moves it.
    """

    depot: Depot = field(default_factory=a_depot)
    vehicles: Sequence[Vehicle] = field(default_factory=lambda: [a_vehicle()])
    noise: Noise = CALM
    travel: TravelTimes = field(default_factory=StraightLine)
    store: Any = field(default_factory=InMemoryStore)
    now: Timestamp = field(default_factory=lambda: at(6))
    ids: Any = field(default_factory=lambda: count(1))
    ports: type[Ports] = Ports
    cutoff: Seconds = 2 * HOUR

    def __post_init__(self) -> None:
        self.planner = Planner(self.store, lambda _: self.travel, noise=self.noise, staleness=0)
        self.search_engine = SlotSearch(self.store, self.planner)
        self.pauses: list[int] = []
        ports = self.ports(
            store=self.store,
            planner=self.planner,
            search=self.search_engine,
            new_stop_id=lambda: next(self.ids),
            new_token=lambda: f"token-{next(self.ids)}",
            pause=self.pauses.append,
        )
        self.booking = Booking(ports)
        self.promises = Promises(ports, lambda _: self.cutoff)
        self.fleet = Fleet(self.store, lambda _: self.travel, noise=self.noise, pause=self.pauses.append)
        self.counteroffers = Counteroffers(ports)
        self.telling = Telling(ports)
        self.doors = Doors(self.store.doors, Sealer([b"s" * 32]))
        self.access = Access(ports, self.doors)
        self.importing = Importing(ports, self.fleet.shift_place)
        self.pinning = Pinning(ports, self.fleet.shift_place)
        self.motion = Motion(self.store, ports, self.fleet, lambda _: self.travel, noise=self.noise)
        self.watch = Watch(self.store, ports, self.fleet, lambda _: self.travel, noise=self.noise)
        self.tracking, self.heard = Tracking(self.store, self.planner), Heard(ports)
        self.fleet.put_depot(TENANT, self.depot, self.now)
        for vehicle in self.vehicles:
            self.fleet.put_vehicle(TENANT, self.depot.depot_id, vehicle, self.now)

    def search(self, location: Location = NEAR, *, load: Load | None = None, **asked: Any) -> list[Listed]:
        """One day's slots for an address."""
        query = SlotQuery(location=location, load=load or Load(parcels=1), **({"days": 1} | asked))
        return list(self.search_engine.search(TENANT, query, self.now).slots)

    def offer(self, starts: Timestamp, location: Location = NEAR, **asked: Any) -> Offer:
        """The offer of the slot that starts then; fails the test if there is none."""
        slot = next(slot for slot in self.search(location, **asked) if slot.window.start == starts)
        assert slot.offer is not None, slot.reason
        return slot.offer

    def hold(self, offer: Offer, cart_ref: str = "cart-1", *, trusted: bool = True, **more: Any) -> Hold:
        """Hold an offer for a cart."""
        return self.booking.hold(TENANT, offer, cart_ref, self.now, no_receipt, trusted=trusted, **more)

    def confirm(self, hold: Hold, order_ref: str = "order-1") -> Confirmed:
        """Turn a hold into a promise."""
        return self.booking.confirm_hold(TENANT, hold.stop_id, an_order(order_ref), self.now, no_receipt)

    def buy(self, starts: Timestamp, location: Location = NEAR, order_ref: str = "order-1") -> Confirmed:
        """Search, hold and confirm in one go."""
        return self.confirm(self.hold(self.offer(starts, location), f"cart-of-{order_ref}"), order_ref)

    def wait(self, seconds: Seconds) -> None:
        """Let business time pass."""
        self.now += seconds

    def stops(self, day: date = TODAY) -> list[Any]:
        """Every stop of the stored routes of a day."""
        stored = self.store.routes(TENANT, self.depot.depot_id, first=day, last=day, consistent=True)
        return [stop for _, route in stored for stop in route.all_stops()]


def one_hour_shop(**changes: Any) -> Shop:
    """A shop with room for a single delivery: one van, one hour's shift, half an hour at the door."""
    van = a_vehicle(weekly=(WeeklyShift(days=EVERY_DAY, starts=time(10), ends=time(11)),))
    described: dict[str, Any] = {
        "depot": a_depot(
            slots=(SlotTemplate(starts=time(10), ends=time(11)),),
            service=ServiceTime(base_seconds=30 * MINUTE, per_parcel_seconds=0),
        ),
        "vehicles": [van],
    }
    return Shop(**(described | changes))
