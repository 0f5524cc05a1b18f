"""Routes small enough to reason about: a street on which every house is a minute from the next.

Time starts at `MIDNIGHT`; `hour(9.5)` is half past nine. `house(3)` stands three minutes down the street, and
a `Street` van needs exactly that. Nothing here is uncertain unless a test asks for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from chalicelib.routing.model import (
    NO_NODE,
    Break,
    Capacity,
    Leg,
    Load,
    Location,
    Shift,
    Stop,
    StopKind,
    TimeWindow,
    Visit,
)
from chalicelib.routing.packed import Route, no_stops
from chalicelib.routing.proof import World
from chalicelib.routing.travel_times import MANY_PLACES, Places, Whole, WorkClock
from chalicelib.routing.uncertainty import Noise
from chalicelib.units import Probability, Seconds, StopId, Timestamp

MIDNIGHT: Timestamp = 1_795_046_400  # 2026-11-19T00:00:00Z
THE_DAY_BEFORE: Timestamp = MIDNIGHT - 12 * 3600
METRES_A_HOUSE = 111.2  # a thousandth of a degree of latitude

CALM = Noise(
    travel_shared=0.0,
    travel_fading=0.0,
    travel_leg=0.0,
    service_shared=0.0,
    service_stop=0.0,
    leg_incident=0.0,
    stop_incident=0.0,
    late_start=0,
)


def hour(at: float) -> Timestamp:
    """This hour of the day, in seconds since the epoch."""
    return MIDNIGHT + round(at * 3600)


def house(number: float) -> Location:
    """So many minutes down the street; the depot is house 0."""
    return Location(lat=41 + number / 1000, lon=-8.6)


def hours(start: float, end: float) -> TimeWindow:
    """A window between two hours of the day."""
    return TimeWindow(start=hour(start), end=hour(end))


@dataclass(frozen=True, slots=True)
class Street:
    """Travel times along one street, or by shortcuts and detours of a test's own.

    Parameters
    ----------
    seconds_a_house
        60: a house a minute.
    ways
        Seconds from one house number to another that differ from the street's; they may well break the
        triangle inequality.
    """

    seconds_a_house: Seconds = 60
    ways: Mapping[tuple[float, float], Seconds] | None = None

    name = "street"
    fingerprint = 0
    fastest_metres_per_second = 1000.0
    most_places = MANY_PLACES

    def snap(self, location: Location) -> int:
        return NO_NODE

    def from_one(self, origin: Places, destinations: Places) -> Whole:
        return self._seconds(np.broadcast_to(origin.lat, destinations.lat.shape), destinations.lat)

    def to_one(self, origins: Places, destination: Places) -> Whole:
        return self._seconds(origins.lat, np.broadcast_to(destination.lat, origins.lat.shape))

    def pairs(self, origins: Places, destinations: Places) -> tuple[Whole, Whole]:
        metres = np.abs(origins.lat - destinations.lat) * 1000 * METRES_A_HOUSE
        return self._seconds(origins.lat, destinations.lat), np.ceil(metres).astype(np.int32)

    def _seconds(self, origins: np.ndarray, destinations: np.ndarray) -> Whole:
        numbers = [np.round((lat - 41) * 1000, 3) for lat in (origins, destinations)]
        seconds = np.round(np.abs(numbers[0] - numbers[1]) * self.seconds_a_house).astype(np.int32)
        for at, way in enumerate(zip(numbers[0].tolist(), numbers[1].tolist(), strict=True)):
            seconds[at] = (self.ways or {}).get(way, seconds[at])
        return seconds


def calm_world(*, target: Probability = 0.98, clock: WorkClock | None = None) -> World:
    """A world in which everything goes as planned."""
    return World(clock=clock or WorkClock.flat(), noise=CALM, target=target)


def restless_world(*, target: Probability = 0.98, clock: WorkClock | None = None) -> World:
    """The world as it is."""
    return World(clock=clock or WorkClock.flat(), noise=Noise(), target=target)


def shift(
    name: str = "van-1",
    *,
    start: float = 8,
    end: float = 18,
    capacity: Capacity | None = None,
    skills: Sequence[str] = (),
    breaks: Sequence[Break] = (),
) -> Shift:
    """From the depot and back, loaded half an hour before."""
    return Shift(
        shift_id=f"shift-of-{name}",
        vehicle_id=name,
        starts_at=hour(start),
        ends_at=hour(end),
        loads_at=hour(start - 0.5),
        capacity=capacity or Capacity(),
        skills=frozenset(skills),
        start=house(0),
        end=house(0),
        breaks=tuple(breaks),
    )


def stop(
    stop_id: StopId,
    at: float,
    window: TimeWindow | None = None,
    *,
    minutes: float = 5,
    load: Load | None = None,
    skills: Sequence[str] = (),
    held_until: Timestamp = 0,
) -> Stop:
    """A promise at a house, any time of the day unless a window is given; a hold if it is `held_until`."""
    return Stop(
        stop_id=stop_id,
        location=house(at),
        window=window or hours(8, 18),
        service_time=round(minutes * 60),
        load=load or Load(parcels=1),
        skills=frozenset(skills),
        kind=StopKind.HELD if held_until else StopKind.PROMISED,
        expires_at=held_until,
    )


def visit(at: float, *, minutes: float = 5, load: Load | None = None, skills: Sequence[str] = ()) -> Visit:
    """Somebody at a house asks for a delivery."""
    return Visit(
        location=house(at),
        node=NO_NODE,
        load=load or Load(parcels=1),
        skills=frozenset(skills),
        service_time=round(minutes * 60),
    )


def route(*stops: Stop, of: Shift | None = None, travel: Street | None = None, version: int = 1) -> Route:
    """A route with these stops in this order, legs as the engine gives them."""
    shift_ = of or shift()
    engine = travel or Street()
    places = Places.of(
        [shift_.start, *(each.location for each in stops), shift_.end], [NO_NODE] * (len(stops) + 2)
    )
    seconds, metres = engine.pairs(places[:-1], places[1:])
    *legs, last = [Leg(seconds=s, metres=m) for s, m in zip(seconds.tolist(), metres.tolist(), strict=True)]
    built = Route(shift=shift_, stops=no_stops(), last_leg=last, version=version)
    for gap, (each, leg) in enumerate(zip(stops, legs, strict=True)):
        built = built.inserted(gap, each, leg, last)
    return replace(built, last_leg=last)
