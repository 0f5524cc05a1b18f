"""A depot whose every day is another race, and the judge who looks at what was stored."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import time
from typing import Any

from chalicelib.events import Mode, Tenant
from chalicelib.fleet.model import BookingRules, ServiceTime, SlotTemplate
from chalicelib.fleet.service import Fleet
from chalicelib.promises.model import Offer
from chalicelib.promises.search import SlotQuery, SlotSearch
from chalicelib.routing.edit import places_of
from chalicelib.routing.model import Capacity, Load, StopKind
from chalicelib.routing.packed import Route
from chalicelib.routing.travel_times import StraightLine
from chalicelib.units import Seconds, StopId
from infra.sandbox.emulator import connect
from tests.builders import CALM
from tests.concurrency.racers import Desk, new_store
from tests.promises.shop import NEAR, a_depot, a_vehicle, at

NOW = at(6)
DAYS = 14
PLENTY = Capacity(parcels=1000)
ONE_PARCEL = Load(parcels=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """What is raced for on one day: a van with an empty route, and one slot on sale."""

    tenant: Tenant
    depot_id: str
    offer: Offer


class Arena:
    """Depots in one table.

    Parameters
    ----------
    name
        Tells this test's merchant from those of others on the same table.
    """

    def __init__(self, url: str, table: str, name: str) -> None:
        self.tenant, self.table = Tenant(merchant_id=name, mode=Mode.TEST), table
        self.client = connect("dynamodb", url)
        self.store = new_store(url, table)
        self.desk = Desk(self.store)
        self.booking = self.desk.booking
        self._travel = StraightLine()
        self.fleet = Fleet(self.store, lambda _: self._travel, noise=CALM, pause=lambda _: None)
        self._search = SlotSearch(self.store, self.desk.planner)
        self._depots = 0

    def races(
        self, rounds: int, *, load: Load = ONE_PARCEL, capacity: Capacity = PLENTY, service: Seconds = 60
    ) -> Iterator[Race]:
        """Open as many days as there are rounds."""
        while rounds > 0:
            depot_id = f"depot-{self._depots}"
            self._depots += 1
            depot = a_depot(
                depot_id=depot_id,
                slots=(SlotTemplate(starts=time(8), ends=time(10)),),
                booking=BookingRules(horizon_days=DAYS, cutoff_minutes=60, hold_seconds=600),
                service=ServiceTime(base_seconds=service, per_parcel_seconds=0),
            )
            self.fleet.put_depot(self.tenant, depot, NOW)
            self.fleet.put_vehicle(self.tenant, depot_id, a_vehicle(capacity=capacity), NOW)
            query = SlotQuery(location=NEAR, load=load, depot_id=depot_id, days=DAYS)
            slots = self._search.search(self.tenant, query, NOW).slots
            for slot in slots[:rounds]:
                assert slot.offer is not None
                yield Race(tenant=self.tenant, depot_id=depot_id, offer=slot.offer)
            rounds -= len(slots)

    def route(self, race: Race) -> Route | None:
        """The one route of that day, as a fresh eye finds it."""
        day = race.offer.day
        found = self.store.routes(self.tenant, race.depot_id, first=day, last=day, consistent=True)
        assert len(found) <= 1
        return found[0][1] if found else None

    def stops(self, race: Race, kind: StopKind) -> list[StopId]:
        """Which stops of a kind stand in it."""
        route = self.route(race)
        return [stop.stop_id for stop in route.all_stops() if stop.kind is kind] if route else []


def oversold(route: Route | None, granted: Sequence[StopId]) -> list[str]:
    """Everything that is wrong with a route and what was granted of it; nothing if all is well.

    Worked out from the stored stops and the map alone: no sweep, bound or leg of the product is trusted.
    """
    if route is None:
        return [f"{len(granted)} granted, nothing stored"] if granted else []
    faults = []
    stops, shift, travel = route.all_stops(), route.shift, StraightLine()
    stored = [stop.stop_id for stop in stops]
    if sorted(stored) != sorted(granted):
        faults.append(f"granted {sorted(granted)}, stored {sorted(stored)}")
    for name in ("parcels", "grams", "millilitres"):
        limit, taken = getattr(shift.capacity, name), sum(getattr(stop.load, name) for stop in stops)
        if limit is not None and taken > limit:
            faults.append(f"{taken} {name} on a van for {limit}")
    places = places_of(route)
    legs = travel.pairs(places[:-1], places[1:])[0].tolist()
    clock: Any = shift.starts_at
    for stop, leg in zip(stops, legs, strict=False):
        clock = max(clock + leg, stop.window.start)
        if clock > stop.window.end:
            faults.append(f"stop {stop.stop_id} is reached {clock - stop.window.end} s late")
        clock += stop.service_time
    if clock + legs[-1] > shift.ends_at:
        faults.append("back after the shift's end")
    return faults
