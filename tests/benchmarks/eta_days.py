"""Days for the forecasts to be tried on: a fleet on Porto's real roads, in a world of luck.

Every day a dozen drivers share out addresses of one pool, some seen before; each sector is toured door by
door, promised in the two-hour slot its plan falls into, and then lived with the world's luck. Weak point:
the order driven is the order planned.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import numpy as np

from chalicelib.routing.edit import legs_between
from chalicelib.routing.finished import FinishedShift
from chalicelib.routing.history import History, doors_after
from chalicelib.routing.model import Break, Load, Location, Stop, TimeWindow
from chalicelib.routing.pace import UNKNOWN_DOOR, Door
from chalicelib.routing.packed import Route
from chalicelib.routing.schedule import forward, lay_out
from chalicelib.routing.travel_times import Places, WorkClock
from chalicelib.units import HOUR, MINUTE, Seconds
from infra.sandbox.world import ShiftLuck, World
from tests.benchmarks.days import FIRST_DAY, SLOT_HOURS, Address, City, empty_route, local

DRIVERS = 12
STOPS = 35
ADDRESSES = 6000
PLANNED: tuple[Seconds, ...] = (440, 290, 470, 435, 725)  # at the door, by kind of dwelling; 0 is not known


@dataclass(frozen=True, slots=True)
class Outing:
    """A route that is to be driven, the day, and by whom."""

    route: Route
    day: date
    driver: str


def fleet_days(
    city: City, clock: WorkClock, home: World, *, days: int, drivers: int = DRIVERS, seed: int = 1
) -> list[list[Outing]]:
    """Plan so many days; `home` only says which kind of door stands where."""
    chance = np.random.default_rng([seed, 5])
    pool = [city.address(chance) for _ in range(ADDRESSES)]
    return [
        _plan_day(city, clock, home, pool, FIRST_DAY + timedelta(days=number), drivers, chance)
        for number in range(days)
    ]


def _plan_day(
    city: City,
    clock: WorkClock,
    home: World,
    pool: Sequence[Address],
    day: date,
    drivers: int,
    chance: np.random.Generator,
) -> list[Outing]:
    at = city.depot.location
    chosen = chance.choice(len(pool), size=drivers * STOPS, replace=False).tolist()
    around = sorted(
        (pool[index] for index in chosen),
        key=lambda door: math.atan2(door.location.lat - at.lat, door.location.lon - at.lon),
    )
    return [
        Outing(
            _route(city, clock, home, around[van * STOPS : (van + 1) * STOPS], day, van), day, f"driver-{van}"
        )
        for van in range(drivers)
    ]


def _route(city: City, clock: WorkClock, home: World, doors: Sequence[Address], day: date, van: int) -> Route:
    tour, left = [city.depot], list(doors)
    while left:
        here = tour[-1].location
        tour.append(left.pop(min(range(len(left)), key=lambda at: _apart(left[at].location, here))))
    tour.append(city.depot)
    places = Places.of([door.location for door in tour], [door.node for door in tour])
    *legs, last = legs_between(places, city.travel)
    route = empty_route(city, day, van)
    rest = Break(earliest_at=local(day, 12.25), latest_at=local(day, 13.75), duration=30 * MINUTE)
    route = replace(route, shift=replace(route.shift, breaks=(rest,)))
    for gap, (door, leg) in enumerate(zip(tour[1:-1], legs, strict=True)):
        stop = Stop(
            stop_id=van * 1000 + gap + 1,
            location=door.location,
            node=door.node,
            window=TimeWindow(start=local(day, SLOT_HOURS[0]), end=local(day, 21.5)),
            service_time=PLANNED[home.door(door.location).kind],
            load=Load(parcels=1),
        )
        route = route.inserted(gap, stop, leg, last)
    starts = forward(lay_out([route], 0), clock).start[:-1, 0]
    slot = 2 * HOUR
    opens = local(day, SLOT_HOURS[0]) + (starts - local(day, SLOT_HOURS[0])) // slot * slot
    stops = route.stops.copy()
    stops["window_start"], stops["window_end"] = opens, opens + slot
    return replace(route, stops=stops)


def _apart(one: Location, other: Location) -> float:
    return (one.lat - other.lat) ** 2 + (one.lon - other.lon) ** 2


def lived(outing: Outing, world: World, clock: WorkClock, doors: np.ndarray) -> FinishedShift:
    """Drive a route through its luck."""
    route, luck = outing.route, world.shift(outing.day, outing.driver)
    left = route.shift.starts_at + round(luck.late_start)
    now, places = float(left), [stop.location for stop in route.all_stops()]
    stops = route.stops
    arrived, started, done, rested = (np.zeros(len(stops)) for _ in range(4))
    breaks = list(enumerate(route.shift.breaks))
    for number, place in enumerate(places):
        if breaks and now >= luck.break_at(*breaks[0]):
            rested[number] = breaks.pop(0)[1].duration
            now += rested[number]
        now = drive(luck, clock, number, place, int(stops["leg_seconds"][number]), now)
        arrived[number] = now
        started[number] = max(now, float(stops["window_start"][number]))
        visit = luck.visit(place)
        now = started[number] + float(stops["service_time"][number]) * visit.factor + visit.trouble
        done[number] = now
    return FinishedShift(
        driver=outing.driver,
        route=route,
        left_at=left,
        arrived_at=arrived,
        started_at=started,
        done_at=done,
        rested=rested,
        told=np.ones(len(stops), dtype=bool),
        doors=doors,
    )


def drive(luck: ShiftLuck, clock: WorkClock, number: int, to: Location, leg: Seconds, now: float) -> float:
    """When a van that leaves now is there; Porto's winter time is UTC."""
    met = luck.leg(number, to, int(now // HOUR % 24))
    return float(clock.clock(clock.work(now) + leg * met.factor)) + met.hold_up


@dataclass(slots=True)
class Memory:
    """What the fleet remembers: the history, and what is known of each door."""

    history: History = field(default_factory=History.empty)
    doors: dict[tuple[int, int], Door] = field(default_factory=dict)

    def known(self, outing: Outing) -> np.ndarray:
        """What is known of the doors of a route."""
        found = [self.doors.get(key, UNKNOWN_DOOR) for key in _keys(outing.route)]
        return np.array([(door.visits, door.residual) for door in found])

    def learn(self, day: Sequence[FinishedShift], clock: WorkClock) -> None:
        """A day is over."""
        for shift in day:
            after = doors_after(shift, clock, self.history.habits(shift.driver))
            self.doors.update(zip(_keys(shift.route), after, strict=True))
        self.history = self.history.after(day, clock)


def _keys(route: Route) -> list[tuple[int, int]]:
    return list(zip(route.stops["lat"].tolist(), route.stops["lon"].tolist(), strict=True))


def lived_days(
    days: Sequence[Sequence[Outing]], world: World, clock: WorkClock, memory: Memory
) -> Iterator[list[FinishedShift]]:
    """Live day after day; what the caller learns of one is known on the next."""
    for outings in days:
        yield [lived(outing, world, clock, memory.known(outing)) for outing in outings]
