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
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from chalicelib.units import Probability, Seconds

type Noises = NDArray[np.float32]
type Rows = NDArray[np.intp]

_SEED = 20_260_101
_ROW_BITS = 10
ROWS = 1 << _ROW_BITS
_NOTHING = ROWS  # the row of the delays that is all zeros
_MIX_LAT, _MIX_LON = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)


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


@dataclass(frozen=True, slots=True)
class Scenarios:
    """Noise by address, one row of scenarios each; `row_of` says which row is whose.

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
    """

    pace: Noises
    step: Noises
    hold_up: Noises
    visit: Noises
    trouble: Noises
    late_start: Noises
    mood: Noises
    memory: float


def row_of(lat: NDArray[np.int32], lon: NDArray[np.int32]) -> Rows:
    """Which row of the scenarios belongs to an address; positions in millionths of a degree.

    Two addresses have the same row, and so the same luck, once in `ROWS` pairs.
    """
    mixed = lat.astype(np.uint64) * _MIX_LAT ^ lon.astype(np.uint64) * _MIX_LON
    mixed ^= mixed >> np.uint64(29)
    return (mixed * _MIX_LAT >> np.uint64(64 - _ROW_BITS)).astype(np.intp)


@lru_cache(maxsize=4)
def scenarios(noise: Noise, count: int) -> Scenarios:
    """So many scenarios; drawn once per process, in about 30 ms for 320."""
    chance = np.random.default_rng([_SEED, count])
    quantiles = np.array([NormalDist().inv_cdf((stratum + 0.5) / count) for stratum in range(count)])
    quantiles /= quantiles.std()

    def strata(rows: int) -> NDArray[np.uint32]:
        """Each row the numbers below `count` in an order of its own."""
        bits = np.uint32(max(count - 1, 1).bit_length())
        keys = chance.integers(0, 1 << 32, (rows, count), dtype=np.uint32) >> bits << bits
        return np.sort(keys | np.arange(count, dtype=np.uint32), axis=1) & np.uint32((1 << int(bits)) - 1)

    def normal(rows: int) -> NDArray[np.float64]:
        return np.asarray(quantiles[strata(rows)])

    def uniform(rows: int) -> NDArray[np.float64]:
        """Anywhere in its stratum: the rare and long delays live in the first few of them."""
        return np.asarray((strata(rows) + 1 - chance.random((rows, count))) / count)

    def delays(probability: Probability, mean: Seconds) -> Noises:
        found = np.zeros((ROWS + 1, count), dtype=np.float32)
        chances = uniform(ROWS)
        happens = chances < probability
        found[:ROWS][happens] = -mean * np.log(chances[happens] / probability)
        return found

    travel_shared, service_shared = noise.travel_shared * normal(1), noise.service_shared * normal(1)
    return Scenarios(
        pace=_mean_one(travel_shared + noise.travel_leg * normal(ROWS)) * np.float32(_level(noise)),
        step=(noise.travel_fading * np.sqrt(1 - noise.fading_memory**2) * normal(ROWS)).astype(np.float32),
        hold_up=delays(noise.leg_incident, noise.leg_incident_delay),
        visit=_mean_one(service_shared + noise.service_stop * normal(ROWS)),
        trouble=delays(noise.stop_incident, noise.stop_incident_delay),
        late_start=(-noise.late_start * np.log(uniform(1)[0])).astype(np.float32),
        mood=(noise.travel_fading * normal(1)[0]).astype(np.float32),
        memory=noise.fading_memory,
    )


def _level(noise: Noise) -> float:
    """What gives the fading factor a mean of one."""
    return float(np.exp(-(noise.travel_fading**2) / 2))


def _mean_one(logs: NDArray[np.float64]) -> Noises:
    factors = np.exp(logs)
    return (factors / factors.mean(axis=1, keepdims=True)).astype(np.float32)


type Watch = Callable[[int, Noises], None]


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
        Called with each place and the arrivals there, shape (routes, scenarios), to be left as they are.

    Notes
    -----
    Cost: about fifteen passes over (routes, scenarios) single-precision numbers for each place.
    """
    legs, opens, visits, rests, rests_until = (
        array.astype(np.float32)[:, :, None]
        for array in (drive_time, window_open, service_time, pause, pause_until)
    )
    resting = pause.any(axis=1)
    held_up, troubled = np.where(drive_time > 0, rows, _NOTHING), np.where(service_time > 0, rows, _NOTHING)
    departure = np.repeat(world.late_start[None, :], legs.shape[1], axis=0)
    fading = np.repeat(world.mood[None, :], legs.shape[1], axis=0)
    noise, factor = np.empty_like(departure), np.empty_like(departure)
    for place, own in enumerate(rows):
        if resting[place]:
            departure += rests[place]
            np.maximum(departure, rests_until[place], out=departure)
        fading *= world.memory
        fading += world.step.take(own, axis=0, out=noise, mode="clip")
        np.exp(fading, out=factor)
        factor *= world.pace.take(own, axis=0, out=noise, mode="clip")
        factor *= legs[place]
        departure += factor
        departure += world.hold_up.take(held_up[place], axis=0, out=noise, mode="clip")
        watch(place, departure)
        np.maximum(departure, opens[place], out=departure)
        world.visit.take(own, axis=0, out=noise, mode="clip")
        noise *= visits[place]
        departure += noise
        departure += world.trouble.take(troubled[place], axis=0, out=noise, mode="clip")
