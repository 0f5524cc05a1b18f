"""A world of luck, from one seed: how fast a street moves, how long a door takes, what goes wrong.

Every draw is a pure function of the seed and of what it is about (a driver, a door, a day, a van's leg), so
that two ways of working the same day meet the same luck, in whatever order they ask. What is drawn: travel
with the day's, the driver's and the hour's pace, a part that fades from leg to leg (AR(1)) and a part of the
leg alone; service by the kind of dwelling, with the door's, the driver's and the day's part and the visit's
own; hold-ups, late starts, breaks, flat tyres, closed roads, absent buyers, gate codes nobody has.
Weak point: the shapes (lognormal, exponential, AR(1)) are assumed; only the size of the travel noise was
measured (a spread of 0.33 given distance and hour, in New York taxi trips).
"""

import hashlib
from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum
from functools import cached_property, lru_cache

import numpy as np

from chalicelib.routing.model import Break, Location
from chalicelib.units import Probability, Seconds, Timestamp

_DAY, _DRIVER, _DOOR, _SHIFT, _LEG, _VISIT = range(6)
MOST_LEGS = 512  # that one shift can drive, corrections and returns included


class Dwelling(IntEnum):
    """What kind of door it is; 0 is for whoever does not know."""

    HOUSE = 1
    APARTMENT = 2
    BUSINESS = 3
    GATED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Climate:
    """The figures of a world. Standard deviations are of the logarithm; factors have mean one.

    Attributes
    ----------
    hours
        24 factors on top of the depot's speed profile: 1.0 everywhere where that profile is right.
    dwellings
        Share of each kind of door, in the order of `Dwelling`; they sum to one.
    service
        How many times its planned time at the door each kind takes.
    leg_trouble, stop_trouble
        Probability of a hold-up on a leg and at a door; exponentially long.
    late_start
        Mean seconds by which a van leaves late; exponential.
    break_lean
        Where in its window a break begins: mean and half-width of a uniform draw, as shares of the window.
    absent
        Probability that nobody who should be home is.
    missing_code
        Probability that a gated door's code is not known at the first visit; the search takes
        `missing_code_delay` in the mean.
    flat_tyre, closed_road
        Probability per leg; a tyre takes `flat_tyre_delay` in the mean, a detour `detour` times the leg.
    """

    travel_day: float = 0.05
    travel_driver: float = 0.08
    travel_fading: float = 0.18
    fading_memory: float = 0.7
    travel_leg: float = 0.25
    hours: tuple[float, ...] = (1.0,) * 24
    dwellings: tuple[float, float, float, float] = (0.4, 0.4, 0.12, 0.08)
    service: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    service_day: float = 0.10
    service_driver: float = 0.18
    service_door: float = 0.30
    service_visit: float = 0.50
    leg_trouble: Probability = 0.012
    leg_trouble_delay: Seconds = 780
    stop_trouble: Probability = 0.02
    stop_trouble_delay: Seconds = 660
    late_start: Seconds = 420
    break_lean: tuple[float, float] = (0.5, 0.5)
    absent: Probability = 0.05
    missing_code: Probability = 0.2
    missing_code_delay: Seconds = 300
    flat_tyre: Probability = 0.0003
    flat_tyre_delay: Seconds = 2700
    closed_road: Probability = 0.002
    detour: float = 1.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Trait:
    """What a driver or a day does to every leg and every visit: logarithms, 0 is as usual."""

    travel: float
    service: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What is true of an address on every day: `service` is a logarithm, 0 is as its kind."""

    kind: Dwelling
    service: float
    code_missing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LegLuck:
    """What a leg meets: it takes `factor` times its free-flow seconds and `hold_up` seconds more.

    `closed` says that the factor has a detour in it, `flat_tyre` that the hold-up has a tyre.
    """

    factor: float
    hold_up: float
    closed: bool
    flat_tyre: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitLuck:
    """What a visit meets: `factor` times its planned seconds, and `trouble` seconds more.

    `search` is what the missing gate code costs besides, as long as nobody has told it.
    """

    factor: float
    trouble: float
    search: float
    absent: bool


@dataclass(frozen=True)
class World:
    """One world: the figures and the seed."""

    climate: Climate
    seed: int

    def day(self, day: date) -> Trait:
        """The traffic and the weather of a day, the same for every van."""
        return self._trait(_DAY, day.toordinal(), self.climate.travel_day, self.climate.service_day)

    def driver(self, name: str) -> Trait:
        """A driver's hand, the same on every day."""
        return self._trait(_DRIVER, _number(name), self.climate.travel_driver, self.climate.service_driver)

    def door(self, at: Location) -> Door:
        """What stands at an address."""
        return _door(self, *_place(at))

    def shift(self, day: date, driver: str) -> "ShiftLuck":
        """All that a driver's shift of that day may meet."""
        return ShiftLuck(self, day, driver)

    def chance(self, kind: int, *about: int) -> np.random.Generator:
        """Dice that are the same whenever they are asked for."""
        return np.random.default_rng([self.seed, kind, *about])

    def _trait(self, kind: int, about: int, travel: float, service: float) -> Trait:
        drawn = self.chance(kind, about).standard_normal(2)
        return Trait(travel=travel * float(drawn[0]), service=service * float(drawn[1]))


@lru_cache(maxsize=20_000)
def _door(world: World, lat: int, lon: int) -> Door:
    """Some 20 us to draw, and asked for at every visit."""
    climate, chance = world.climate, world.chance(_DOOR, lat, lon)
    kind = Dwelling(1 + int(np.searchsorted(np.cumsum(climate.dwellings)[:-1], chance.random(), "right")))
    service = climate.service_door * float(chance.standard_normal())
    return Door(
        kind=kind,
        service=service,
        code_missing=bool(chance.random() < climate.missing_code) and kind is Dwelling.GATED,
    )


@dataclass(frozen=True)
class ShiftLuck:
    """What one shift may meet. Legs are numbered as driven, from 0; at most `MOST_LEGS`."""

    world: World
    day: date
    driver: str
    _about: tuple[int, int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_about", (self.day.toordinal(), _number(self.driver)))

    @cached_property
    def late_start(self) -> float:
        """Seconds by which the van leaves late."""
        return float(self._at_once.exponential(self.world.climate.late_start))

    def break_at(self, number: int, rest: Break) -> Timestamp:
        """When the driver feels like this break: it is taken before the first leg after that."""
        mean, half = self.world.climate.break_lean
        lean = mean + half * float(self.world.chance(_SHIFT, *self._about, 1 + number).uniform(-1, 1))
        return rest.earliest_at + round(lean * (rest.latest_at - rest.earliest_at))

    @cached_property
    def fading(self) -> list[float]:
        """The part of the travel luck that passes slowly: one logarithm a leg."""
        climate = self.world.climate
        steps = self.world.chance(_SHIFT, *self._about).standard_normal(MOST_LEGS) * climate.travel_fading
        memory, fresh = climate.fading_memory, (1 - climate.fading_memory**2) ** 0.5
        path = [float(steps[0])]
        for step in steps[1:].tolist():
            path.append(memory * path[-1] + fresh * step)
        return path

    @cached_property
    def shared(self) -> Trait:
        """What the day and the driver do together."""
        day, driver = self.world.day(self.day), self.world.driver(self.driver)
        return Trait(travel=day.travel + driver.travel, service=day.service + driver.service)

    def leg(self, number: int, to: Location, hour: int) -> LegLuck:
        """Luck of the numbered leg, to that place, driven in that local hour."""
        climate, chance = self.world.climate, self.world.chance(_LEG, *self._about, *_place(to))
        own = climate.travel_leg * float(chance.standard_normal())
        spread = climate.travel_day, climate.travel_driver, climate.travel_fading, climate.travel_leg
        luck = self.shared.travel + self.fading[number] + own
        closed = bool(chance.random() < climate.closed_road)
        factor = _mean_one(luck, *spread) * climate.hours[hour] * (climate.detour if closed else 1.0)
        hold_up = _seldom(chance, climate.leg_trouble, climate.leg_trouble_delay)
        tyre = _seldom(chance, climate.flat_tyre, climate.flat_tyre_delay)
        return LegLuck(factor=factor, hold_up=hold_up + tyre, closed=closed, flat_tyre=tyre > 0)

    def visit(self, at: Location, attempt: int = 0) -> VisitLuck:
        """Luck at that door on this day."""
        climate, door = self.world.climate, self.world.door(at)
        chance = self.world.chance(_VISIT, *self._about, *_place(at), attempt)
        own = climate.service_visit * float(chance.standard_normal())
        spread = climate.service_day, climate.service_driver, climate.service_door, climate.service_visit
        factor = _mean_one(self.shared.service + door.service + own, *spread) * climate.service[door.kind - 1]
        trouble = _seldom(chance, climate.stop_trouble, climate.stop_trouble_delay)
        absent = bool(chance.random() < climate.absent)
        search = float(chance.exponential(climate.missing_code_delay)) if door.code_missing else 0.0
        return VisitLuck(factor=factor, trouble=trouble, search=search, absent=absent)

    @property
    def _at_once(self) -> np.random.Generator:
        return self.world.chance(_SHIFT, *self._about, 0)


def _mean_one(luck: float, *spread: float) -> float:
    return float(np.exp(luck - sum(one * one for one in spread) / 2))


def _seldom(chance: np.random.Generator, probability: Probability, mean: Seconds) -> float:
    """Seldom, and exponentially long; the dice are thrown either way, so that later ones stay the same."""
    happens, lasts = chance.random() < probability, chance.exponential(mean)
    return float(lasts) if happens else 0.0


def _place(at: Location) -> tuple[int, int]:
    """Millionths of a degree, made positive."""
    return round((at.lat + 90) * 1e6), round((at.lon + 180) * 1e6)


def _number(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest())
