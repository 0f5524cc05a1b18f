"""Days to measure on, from a seed: loose ones made at once, really booked ones sold by the product.

A booked day is the answer of `Insertion` to a stream of shoppers who want one of three two-hour windows,
until hardly anybody gets one. It costs minutes for 200 vans, so it is kept, packed, in a directory outside
the repository. Weak point: demand falls evenly over the city and the day; real demand has evenings.
"""

import hashlib
import math
import struct
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from chalicelib.adapters.road_graph import RoadFigures, RoadGraph
from chalicelib.routing import insertion, packed, proof, schedule, spread, sweeps, uncertainty
from chalicelib.routing.edit import legs_between, with_stop
from chalicelib.routing.insertion import Insertion
from chalicelib.routing.model import Capacity, Leg, Load, Location, Shift, Stop, TimeWindow, Visit
from chalicelib.routing.packed import Route, no_stops, pack, unpack
from chalicelib.routing.proof import World
from chalicelib.routing.sweeps import Sweeps
from chalicelib.routing.travel_times import CITY_PROFILE, Places, StraightLine, TravelTimes, WorkClock
from chalicelib.routing.uncertainty import Noise
from chalicelib.units import HOUR, Probability, Seconds, Timestamp

PORTO = Path(__file__).parents[2] / "infra" / "roads" / "porto"
ZONE = ZoneInfo("Europe/Lisbon")
FIRST_DAY = date(2026, 11, 24)  # a Tuesday
SLOT_HOURS = (8, 10, 12, 14, 16, 18)
DOORS: tuple[tuple[Seconds, float], ...] = ((150, 0.5), (240, 0.3), (330, 0.2))  # time at the door, share


@dataclass(frozen=True, slots=True)
class Address:
    """A door, and the node of the road graph it stands at."""

    location: Location
    node: int


@dataclass(frozen=True, slots=True)
class City:
    """Corners of a city, and the engine that knows its roads."""

    travel: TravelTimes
    corners: list[Address]

    @property
    def depot(self) -> Address:
        return self.corners[0]

    def address(self, chance: np.random.Generator) -> Address:
        """A door within some fifty metres of a corner."""
        corner = self.corners[int(chance.integers(1, len(self.corners)))]
        north, east = chance.uniform(-0.0005, 0.0005, 2).tolist()
        location = Location(lat=corner.location.lat + north, lon=corner.location.lon + east)
        return Address(location, corner.node)


def porto(*, roads: bool) -> City:
    """Metropolitan Porto on its real roads, or as the crow flies."""
    corners = np.genfromtxt(PORTO / "points.csv", delimiter=",", skip_header=1)
    locations = [Location(lat=lat, lon=lon) for lat, lon in corners.tolist()]
    travel = RoadGraph(RoadFigures.read(PORTO / "graph.npz")) if roads else StraightLine()
    return City(travel, [Address(location, travel.snap(location)) for location in locations])


def world(target: Probability = 0.98, noise: Noise | None = None) -> World:
    """What a depot of Porto is judged by, rush hours included."""
    start = int(datetime(2026, 11, 22, tzinfo=ZONE).timestamp())
    clock = WorkClock.over(CITY_PROFILE, ZONE, start=start, end=start + 10 * 24 * HOUR)
    return World(clock=clock, noise=noise or Noise(), target=target)


def local(day: date, hour: float) -> Timestamp:
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZONE)
    return int(midnight.timestamp() + hour * HOUR)


def the_day_before(day: date) -> Timestamp:
    """When all of this is sold: long before any van is loaded."""
    return local(day - timedelta(days=1), 9)


def windows_of(day: date) -> list[TimeWindow]:
    """Six slots of two hours."""
    return [TimeWindow(start=local(day, hour), end=local(day, hour + 2)) for hour in SLOT_HOURS]


def empty_route(city: City, day: date, van: int) -> Route:
    """A van from the depot and back."""
    shift = Shift(
        shift_id=f"{day:%m%d}-{van:03d}",
        vehicle_id=f"{day:%m%d}-{van:03d}",
        starts_at=local(day, 7.5),
        ends_at=local(day, 21.5),
        loads_at=local(day, 7),
        capacity=Capacity(parcels=150),
        skills=frozenset(),
        start=city.depot.location,
        end=city.depot.location,
    )
    return Route(
        shift=shift,
        stops=no_stops(),
        last_leg=Leg(seconds=0, metres=0),
        graph=city.travel.fingerprint,
        start_node=city.depot.node,
        end_node=city.depot.node,
    )


def loose_day(city: City, day: date, *, vans: int, stops: int, seed: int) -> list[Route]:
    """Vans with plenty of time: each drives a sector of the city, every door stays open all day."""
    chance = np.random.default_rng([seed, vans, stops])
    home = city.depot.location
    by_sector = sorted(
        (city.address(chance) for _ in range(vans * stops)),
        key=lambda door: math.atan2(door.location.lat - home.lat, door.location.lon - home.lon),
    )
    return [_loose_route(city, day, van, by_sector[van * stops : (van + 1) * stops]) for van in range(vans)]


def _loose_route(city: City, day: date, van: int, sector: list[Address]) -> Route:
    tour, left = [city.depot], list(sector)
    while left:
        here = tour[-1].location
        tour.append(left.pop(min(range(len(left)), key=lambda at: _squared(left[at].location, here))))
    tour.append(city.depot)
    places = Places.of([door.location for door in tour], [door.node for door in tour])
    *legs, last = legs_between(places, city.travel)
    route = empty_route(city, day, van)
    all_day = TimeWindow(start=local(day, 7.5), end=local(day, 21.5))
    for gap, (door, leg) in enumerate(zip(tour[1:-1], legs, strict=True)):
        stop = Stop(
            stop_id=van * 1000 + gap + 1,
            location=door.location,
            node=door.node,
            window=all_day,
            service_time=360,
            load=Load(parcels=1),
        )
        route = route.inserted(gap, stop, leg, last)
    return route


def _squared(one: Location, other: Location) -> float:
    return (one.lat - other.lat) ** 2 + (one.lon - other.lon) ** 2


@dataclass(frozen=True, slots=True)
class Shopper:
    """Somebody who would take any of these windows, the first one first."""

    visit: Visit
    wants: list[TimeWindow]


def shoppers(city: City, day: date, seed: int) -> Iterator[Shopper]:
    """An endless stream of demand."""
    chance = np.random.default_rng(seed)
    slots = windows_of(day)
    seconds, shares = zip(*DOORS, strict=True)
    while True:
        door = city.address(chance)
        wanted = chance.choice(len(slots), size=3, replace=False).tolist()
        visit = Visit(
            location=door.location,
            node=door.node,
            load=Load(parcels=1),
            skills=frozenset(),
            service_time=int(chance.choice(seconds, p=shares)),
        )
        yield Shopper(visit, [slots[index] for index in wanted])


def book_day(
    city: City, day: date, world: World, *, vans: int, seed: int, most: int | None = None
) -> list[Route]:
    """Sell a whole day until of the last `max(40, 2 * vans)` shoppers fewer than one in ten got a window."""
    sweeps, now = Sweeps(world), the_day_before(day)
    routes = [empty_route(city, day, van) for van in range(vans)]
    patience = max(40, 2 * vans)
    recent = [True] * patience
    for number, shopper in enumerate(shoppers(city, day, seed), start=1):
        sold = sell(sweeps, routes, shopper, number, city.travel, now)
        recent[number % patience] = sold
        if sum(recent) < patience // 10:
            return routes
        if most is not None and sum(len(route.stops) for route in routes) >= most:
            return routes
    raise AssertionError("demand has no end")


def sell(
    sweeps: Sweeps, routes: list[Route], shopper: Shopper, number: int, travel: TravelTimes, now: Timestamp
) -> bool:
    swept = sweeps.of(routes, now)
    found = Insertion(
        sweeps, swept, swept.able(shopper.visit), shopper.visit, shopper.wants, travel, now
    ).best()
    chosen = next((offer for offer in found if offer is not None), None)
    if chosen is None:
        return False
    stop = Stop(
        stop_id=number,
        location=shopper.visit.location,
        node=shopper.visit.node,
        window=chosen.candidate.window,
        service_time=shopper.visit.service_time,
        load=shopper.visit.load,
    )
    placed = with_stop(chosen.candidate, stop, travel, now, sweeps.world)
    if placed is None:
        return False
    routes[routes.index(chosen.candidate.route)] = placed
    return True


def booked_day(city: City, day: date, world: World, *, vans: int, seed: int) -> list[Route]:
    """The same, from the directory of days already booked if the code that books is still the same."""
    code = hashlib.sha256()
    for module in (insertion, packed, proof, schedule, spread, sweeps, uncertainty):
        code.update(Path(str(module.__file__)).read_bytes())
    code.update(Path(__file__).read_bytes())
    name = f"{city.travel.name}-{day:%m%d}-{vans}-{seed}-{world.target}-{code.hexdigest()[:12]}.day"
    kept = Path(tempfile.gettempdir()) / "slotkeeper-benchmark-days" / name
    if kept.exists():
        return list(_read(kept))
    routes = book_day(city, day, world, vans=vans, seed=seed)
    kept.parent.mkdir(exist_ok=True)
    kept.write_bytes(b"".join(struct.pack("<I", len(packed)) + packed for packed in map(pack, routes)))
    return routes


def _read(kept: Path) -> Iterator[Route]:
    """Vehicles have one shift a day here, so the vehicle tells the shift."""
    stored, at = kept.read_bytes(), 0
    while at < len(stored):
        (size,) = struct.unpack_from("<I", stored, at)
        route = unpack("", stored[at + 4 : at + 4 + size], 1)
        yield replace(route, shift=replace(route.shift, shift_id=route.shift.vehicle_id))
        at += 4 + size
