"""How far reality strays from the plan: one set of scenarios in which every route is driven.

Errors of a route are correlated (the same driver, the same day, a slow hour), service times are skewed, and
waiting at a closed window absorbs lateness, so standard deviations do not simply add up. Instead of a formula
for each of these, every route is driven through the same few hundred scenarios and the arrivals are counted.
The scenarios are Latin hypercubes with fixed seed: each source of noise takes each of its quantiles exactly
once, so that a probability is good to well under a point, and the same state gives the same answer. Noise
belongs to the address: a stop put in or taken out before it leaves a stop's own luck as it was, so that what
changes is the effect of the change and not of other dice.

Weak point: what is known of a driver or an address enters through the parameters only.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import erfc, exp, pi, sqrt

import numpy as np
from numpy.typing import NDArray

from chalicelib.units import Probability, Seconds

type Noises = NDArray[np.float32]
type Rows = NDArray[np.intp]

_SEED = 20_260_101
_ROW_BITS = 10
ROWS = 1 << _ROW_BITS
_NOTHING = ROWS  # the row of the delays that is all zeros
_GOLDEN, _OTHER = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
_LOW = np.uint64(0xFFFFFFFF)

# What each number is about: one per address, or one for the whole day.
_PACE, _STEP, _HOLD_UP, _VISIT, _TROUBLE, _TRAVEL, _SERVICE, _START, _MOOD = range(9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """What makes a day differ from its plan; standard deviations are of the logarithm, factors have mean one.

    The travel figures reproduce the spread of 0.33 found in taxi trips given distance and hour, split into a
    part shared by the whole route, a part that fades from leg to leg (`travel_fading`, correlation
    `fading_memory`) and a part of the leg alone. The service figures are assumptions until a merchant's own
    finished days replace them. Incidents are rare and long: probability per leg or stop, mean delay.
    """

    travel_shared: float = 0.094  # day 0.05 and driver 0.08
    travel_fading: float = 0.18
    fading_memory: float = 0.7
    travel_leg: float = 0.25
    service_shared: float = 0.206  # driver 0.18 and day 0.10
    service_stop: float = 0.583  # address 0.30 and the visit itself 0.50
    leg_incident: Probability = 0.012
    leg_incident_delay: Seconds = 780
    stop_incident: Probability = 0.02
    stop_incident_delay: Seconds = 660
    late_start: Seconds = 420  # mean; exponential


class Scenarios:
    """Noise by address, one row of scenarios each; `row_of` says which row is whose.

    Parameters
    ----------
    count
        How many scenarios, at least 2.

    Attributes
    ----------
    pace
        Factor of the leg to the address, without what fades from leg to leg.
    step
        What the address adds to that, as a logarithm.
    hold_up
        Seconds lost on the leg; one row more, without any.
    visit
        Factor of the time at the door.
    trouble
        Seconds lost at the door; one row more, without any.
    late_start, mood
        One per scenario: seconds, and what fades, as it is before the first leg.
    memory
        How much of what fades is still there a leg later.

    Notes
    -----
    A row is drawn when it is first needed (`draw`), some 20 us each: a process that has just started judges a
    few dozen addresses. It is the same row whenever that is, for each number is a hash of its own place.
    """

    def __init__(self, noise: Noise, count: int) -> None:
        self.memory = noise.fading_memory
        self._noise = noise
        self._dice = Dice(count)
        alone = np.zeros(1, dtype=np.intp)
        self._travel_shared = noise.travel_shared * self._dice.normal(_TRAVEL, alone)
        self._service_shared = noise.service_shared * self._dice.normal(_SERVICE, alone)
        self.late_start = (-noise.late_start * np.log(self._dice.uniform(_START, alone)[0])).astype(
            np.float32
        )
        self.mood = (noise.travel_fading * self._dice.normal(_MOOD, alone)[0]).astype(np.float32)
        self.pace, self.step, self.visit = (np.zeros((ROWS, count), dtype=np.float32) for _ in range(3))
        self.hold_up, self.trouble = (np.zeros((ROWS + 1, count), dtype=np.float32) for _ in range(2))
        self._drawn = np.zeros(ROWS, dtype=bool)

    def draw_all(self) -> None:
        """See to it that every row is there: 25 ms, for whoever has the time."""
        self.draw(np.arange(ROWS))

    def draw(self, rows: Rows) -> None:
        """See to it that these rows are there. Two threads that draw the same row write the same numbers."""
        if self._drawn[rows].all():
            return
        needed = np.zeros(ROWS, dtype=bool)
        needed[rows] = True
        new = np.flatnonzero(needed & ~self._drawn)
        noise, dice = self._noise, self._dice
        own = noise.travel_leg * dice.normal(_PACE, new)
        self.pace[new] = _mean_one(self._travel_shared + own) * np.exp(-(noise.travel_fading**2) / 2)
        fresh = noise.travel_fading * np.sqrt(1 - noise.fading_memory**2)
        self.step[new] = fresh * dice.normal(_STEP, new)
        self.hold_up[new] = dice.delays(_HOLD_UP, new, noise.leg_incident, noise.leg_incident_delay)
        self.visit[new] = _mean_one(self._service_shared + noise.service_stop * dice.normal(_VISIT, new))
        self.trouble[new] = dice.delays(_TROUBLE, new, noise.stop_incident, noise.stop_incident_delay)
        self._drawn[new] = True


class Dice:
    """Latin hypercubes: each row takes each stratum exactly once, in an order of its own."""

    def __init__(self, count: int) -> None:
        quantiles = np.array([normal_quantile((stratum + 0.5) / count) for stratum in range(count)])
        self._quantiles = quantiles / quantiles.std()
        self._numbers = np.arange(count, dtype=np.uint32)
        self._bits = np.uint32((count - 1).bit_length())

    def normal(self, source: int, rows: Rows) -> NDArray[np.float64]:
        """Standard normal, each quantile once a row."""
        return np.asarray(self._quantiles[self._order(self._hashes(source, rows))])

    def uniform(self, source: int, rows: Rows) -> NDArray[np.float64]:
        """Anywhere in its stratum, never 0: the rare and long delays live in the first few of them."""
        hashes = self._hashes(source, rows)
        within = (hashes & _LOW).astype(np.float64) / 2**32
        return np.asarray((self._order(hashes) + 1 - within) / len(self._numbers))

    def delays(self, source: int, rows: Rows, probability: Probability, mean: float) -> NDArray[np.float64]:
        """Seldom, and exponentially long."""
        chances = self.uniform(source, rows)
        found = np.zeros_like(chances)
        happens = chances < probability
        found[happens] = -mean * np.log(chances[happens] / probability)
        return found

    def _order(self, hashes: NDArray[np.uint64]) -> NDArray[np.uint32]:
        """Each row the numbers below `count`, sorted by the upper halves of its hashes."""
        keys = (hashes >> np.uint64(32)).astype(np.uint32) >> self._bits << self._bits
        return np.sort(keys | self._numbers, axis=1) & np.uint32((1 << int(self._bits)) - 1)

    def _hashes(self, source: int, rows: Rows) -> NDArray[np.uint64]:
        """One for each row and scenario, by the place alone: splitmix64 (Steele, Lea and Flood 2014)."""
        place = (np.uint64(source * ROWS) + rows.astype(np.uint64))[:, None] << np.uint64(32) | self._numbers
        mixed = (place + np.uint64(_SEED)) * _GOLDEN
        mixed = (mixed ^ mixed >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ mixed >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
        return np.asarray(mixed ^ mixed >> np.uint64(31))


def normal_quantile(probability: Probability) -> float:
    """Where a standard normal number lies below with this probability, between 0 and 1; some microseconds.

    Newton's method on the distribution function. Below the middle that is convex, so that from the middle
    each step goes towards the quantile and none beyond it.
    """
    if probability > 0.5:
        return -normal_quantile(1 - probability)
    at, step = 0.0, 1.0
    while step > 1e-12:
        below = erfc(-at / sqrt(2)) / 2
        step = (below - probability) * sqrt(2 * pi) * exp(at * at / 2)
        at -= step
    return at


def row_of(lat: NDArray[np.int32], lon: NDArray[np.int32]) -> Rows:
    """Which row of the scenarios belongs to an address; positions in millionths of a degree.

    Two addresses have the same row, and so the same luck, once in `ROWS` pairs.
    """
    mixed = lat.astype(np.uint64) * _GOLDEN ^ lon.astype(np.uint64) * _OTHER
    mixed ^= mixed >> np.uint64(29)
    return (mixed * _GOLDEN >> np.uint64(64 - _ROW_BITS)).astype(np.intp)


@lru_cache(maxsize=4)
def scenarios(noise: Noise, count: int) -> Scenarios:
    """So many scenarios, the same ones for everybody."""
    return Scenarios(noise, count)


def _mean_one(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    factors = np.exp(logs)
    return np.asarray(factors / factors.mean(axis=1, keepdims=True))


type Watch = Callable[[slice, Noises], None]

_AT_ONCE = 1 << 15  # numbers: what is worked on at once stays in fast memory


def drive(
    world: Scenarios,
    *,
    rows: Rows,
    drive_time: NDArray[np.float64],
    window_open: NDArray[np.float64],
    service_time: NDArray[np.float64],
    pause: NDArray[np.float64],
    pause_until: NDArray[np.float64],
    watch: Watch,
) -> None:
    """Drive every route of a batch through every scenario.

    Parameters
    ----------
    rows
        Which row of the scenarios each place has; shape (places, routes), as all that follow.
    drive_time, window_open, service_time
        Time to get there as planned, when the door opens (seconds since the route's start, as all times
        here), expected time at the door. Where there is no leg nothing holds the van up, where there is no
        service no trouble waits.
    pause, pause_until
        A break before the place: departure becomes `max(departure + pause, pause_until)`.
    watch
        Called with some places and the arrivals there, shape (places, routes, scenarios), which are
        overwritten afterwards.

    Notes
    -----
    What ways and visits take is worked out for many places at once, as many as stay in fast memory, so that
    a single route does not cost as much as ten; only the van's own clock goes from place to place. Cost:
    about fifteen passes over (places, routes, scenarios) single-precision numbers, and the drawing of rows
    that nobody needed before.
    """
    world.draw(rows)
    places, routes = rows.shape
    legs, opens, visits, rests, rests_until = (
        array.astype(np.float32)[:, :, None]
        for array in (drive_time, window_open, service_time, pause, pause_until)
    )
    resting = pause.any(axis=1)
    held_up, troubled = np.where(drive_time > 0, rows, _NOTHING), np.where(service_time > 0, rows, _NOTHING)
    departure = np.repeat(world.late_start[None, :], routes, axis=0)
    fading = np.repeat(world.mood[None, :], routes, axis=0)
    most = min(max(_AT_ONCE // max(departure.size, 1), 1), places)
    buffers = np.empty((3, most, *departure.shape), dtype=np.float32)
    for first in range(0, places, most):
        some = slice(first, min(first + most, places))
        ways, doors, noise = buffers[:, : some.stop - first]
        world.step.take(rows[some], axis=0, out=ways, mode="clip")
        for way in ways:
            fading *= world.memory
            fading += way
            way[:] = fading
        np.exp(ways, out=ways)
        ways *= world.pace.take(rows[some], axis=0, out=noise, mode="clip")
        ways *= legs[some]
        ways += world.hold_up.take(held_up[some], axis=0, out=noise, mode="clip")
        world.visit.take(rows[some], axis=0, out=doors, mode="clip")
        doors *= visits[some]
        doors += world.trouble.take(troubled[some], axis=0, out=noise, mode="clip")
        for place, (arrival, door) in enumerate(zip(ways, doors, strict=True), start=first):
            if resting[place]:
                departure += rests[place]
                np.maximum(departure, rests_until[place], out=departure)
            arrival += departure
            np.maximum(arrival, opens[place], out=departure)
            departure += door
        watch(some, ways)
