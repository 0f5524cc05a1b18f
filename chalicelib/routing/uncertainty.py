"""How far reality strays from the plan: one set of scenarios in which every route is driven.

Errors of a route are correlated (the same driver, the same day, a slow hour), service times are skewed, and
waiting at a closed window absorbs lateness, so standard deviations do not simply add up. Instead of a formula
for each of these, every route is driven through the same few hundred scenarios and the arrivals are counted.
The scenarios are a Latin hypercube with fixed seed: each source of noise takes each of its quantiles exactly
once, so that a probability is good to well under a point, and the same state gives the same answer.

Weak point: noise belongs to the place in the order, not to the address; what is known of a driver or an
address enters through the parameters.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from chalicelib.units import Probability, Seconds

_SEED = 20_260_101
_CHUNK = (
    32  # stops for which noise is drawn together; fixed, so that a longer route changes nothing before it
)


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
    """Noise for every place in the order: arrays of shape (places, scenarios)."""

    travel: NDArray[np.float32]
    travel_delay: NDArray[np.float32]
    service: NDArray[np.float32]
    service_delay: NDArray[np.float32]
    late_start: NDArray[np.float32]  # one per scenario

    @property
    def count(self) -> int:
        """How many scenarios there are."""
        return len(self.late_start)


def scenarios(noise: Noise, *, count: int, places: int) -> Scenarios:
    """Noise for routes of up to `places` places (the return to the depot is one).

    Cost: drawn once per process and (noise, count); afterwards a slice.
    """
    chunks = max(1, -(-places // _CHUNK))
    full = _draw(noise, count, 1 << (chunks - 1).bit_length())
    return Scenarios(
        travel=full.travel[:places],
        travel_delay=full.travel_delay[:places],
        service=full.service[:places],
        service_delay=full.service_delay[:places],
        late_start=full.late_start,
    )


@lru_cache(maxsize=16)
def _draw(noise: Noise, count: int, chunks: int) -> Scenarios:
    uniform = (np.arange(count) + 0.5) / count
    normal = np.array([NormalDist().inv_cdf(float(u)) for u in uniform])
    normal /= normal.std()

    def shuffled(rng: np.random.Generator, values: NDArray[np.float64], rows: int) -> NDArray[np.float64]:
        return values[np.argsort(rng.random((rows, count)), axis=1)]

    route = np.random.default_rng([_SEED, count])
    travel_shared = noise.travel_shared * shuffled(route, normal, 1)[0]
    service_shared = noise.service_shared * shuffled(route, normal, 1)[0]
    late_start = -noise.late_start * np.log(shuffled(route, uniform, 1)[0])
    travel, travel_delay, service, service_delay = [], [], [], []
    fading = np.zeros(count)
    for chunk in range(chunks):
        rng = np.random.default_rng([_SEED, count, chunk])
        steps, legs, visits = (shuffled(rng, normal, _CHUNK) for _ in range(3))
        for place in range(_CHUNK):
            memory = noise.fading_memory if chunk or place else 0.0
            fading = memory * fading + np.sqrt(1 - memory**2) * noise.travel_fading * steps[place]
            travel.append(travel_shared + fading + noise.travel_leg * legs[place])
        service.append(service_shared + noise.service_stop * visits)
        travel_delay.append(
            _incidents(shuffled(rng, uniform, _CHUNK), noise.leg_incident, noise.leg_incident_delay)
        )
        service_delay.append(
            _incidents(shuffled(rng, uniform, _CHUNK), noise.stop_incident, noise.stop_incident_delay)
        )
    return Scenarios(
        travel=_mean_one(np.array(travel)),
        travel_delay=np.concatenate(travel_delay).astype(np.float32),
        service=_mean_one(np.concatenate(service)),
        service_delay=np.concatenate(service_delay).astype(np.float32),
        late_start=late_start.astype(np.float32),
    )


def _mean_one(logs: NDArray[np.float64]) -> NDArray[np.float32]:
    factors = np.exp(logs)
    return (factors / factors.mean(axis=1, keepdims=True)).astype(np.float32)


def _incidents(
    uniform: NDArray[np.float64], probability: Probability, mean_delay: Seconds
) -> NDArray[np.float64]:
    if not probability:
        return np.zeros_like(uniform)
    return np.where(uniform < probability, -mean_delay * np.log(uniform / probability), 0.0)


type Watch = Callable[[int, NDArray[np.float32]], None]


def drive(
    world: Scenarios,
    *,
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
    world
        At least as many places as the batch has.
    drive_time, window_open, service_time
        Shape (places, routes): time to get there as planned, when the door opens (seconds since the route's
        start, as all times here), expected time at the door.
    pause, pause_until
        A break before the place: departure becomes `max(departure + pause, pause_until)`.
    watch
        Called with each place and the arrivals there, shape (routes, scenarios), to be left as they are.

    Notes
    -----
    Cost: about ten passes over (routes, scenarios) single-precision numbers for each place.
    """
    legs, opens, visits, rests, rests_until = (
        array.astype(np.float32)[:, :, None]
        for array in (drive_time, window_open, service_time, pause, pause_until)
    )
    resting = pause.any(axis=1)
    departure = np.repeat(world.late_start[None, :], legs.shape[1], axis=0)
    noise = np.empty_like(departure)
    for place in range(len(legs)):
        if resting[place]:
            departure += rests[place]
            np.maximum(departure, rests_until[place], out=departure)
        departure += np.multiply(legs[place], world.travel[place], out=noise)
        departure += world.travel_delay[place]
        watch(place, departure)
        np.maximum(departure, opens[place], out=departure)
        departure += np.multiply(visits[place], world.service[place], out=noise)
        departure += np.multiply(visits[place] > 0, world.service_delay[place], out=noise)
