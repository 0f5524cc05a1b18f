"""The street, written a second time: days that happen, drawn at random, to hold every quoted figure against.

Nothing is shared with `routing.uncertainty` but the parameters: plain draws instead of strata, one leg after
the other, with seeds of its own. Weak point: the noise's description is the same, so a wrong description
would be wrong in both.
"""

import numpy as np
from numpy.typing import NDArray

from chalicelib.routing.packed import Route, live
from chalicelib.routing.travel_times import WorkClock
from chalicelib.routing.uncertainty import Noise
from chalicelib.units import Timestamp

type Days = NDArray[np.float64]


def arrivals(
    route: Route, clock: WorkClock, noise: Noise, now: Timestamp, *, days: int, chance: np.random.Generator
) -> Days:
    """When a van reaches each place of its route on so many days; shape (places, days), the depot last.

    A leg takes as long as planned, at the hour it is planned for, times its luck of the day.
    """
    stops = route.stops
    real = live(stops, now)
    legs = [*stops["leg_seconds"].tolist(), route.last_leg.seconds]
    planned = float(route.shift.starts_at)
    van = route.shift.starts_at + chance.exponential(max(noise.late_start, 1e-9), days)
    whole_route = chance.normal(0, noise.travel_shared, days)
    driver = _mean_one(chance.normal(0, noise.service_shared, days), noise.service_shared)
    fading = chance.normal(0, noise.travel_fading, days)
    spread = np.sqrt(noise.travel_shared**2 + noise.travel_fading**2 + noise.travel_leg**2)
    reached = np.empty((len(legs), days))
    for place, leg in enumerate(legs):
        arrive = float(clock.clock(clock.work(planned) + leg))
        step = np.sqrt(1 - noise.fading_memory**2) * noise.travel_fading
        fading = noise.fading_memory * fading + chance.normal(0, step, days)
        luck = whole_route + fading + chance.normal(0, noise.travel_leg, days)
        van = van + (arrive - planned) * _mean_one(luck, spread)
        if leg:
            van = van + _trouble(noise.leg_incident, noise.leg_incident_delay, days, chance)
        reached[place] = van
        planned = arrive
        if place == len(stops) or not real[place]:
            continue
        opens, service = int(stops["window_start"][place]), int(stops["service_time"][place])
        van, planned = np.maximum(van, opens), max(planned, opens)
        visit = _mean_one(chance.normal(0, noise.service_stop, days), noise.service_stop)
        van = van + service * driver * visit
        van = van + _trouble(noise.stop_incident, noise.stop_incident_delay, days, chance)
        planned += service
    return reached


def kept(
    route: Route, clock: WorkClock, noise: Noise, now: Timestamp, *, days: int, chance: np.random.Generator
) -> Days:
    """The share of days on which each stop's window was kept, and last the shift's end."""
    reached = arrivals(route, clock, noise, now, days=days, chance=chance)
    ends = np.array([*route.stops["window_end"].astype(float).tolist(), float(route.shift.ends_at)])
    return np.asarray((reached <= ends[:, None]).mean(axis=1))


def _mean_one(luck: Days, spread: float) -> Days:
    return np.exp(luck - spread**2 / 2)


def _trouble(probability: float, mean: float, days: int, chance: np.random.Generator) -> Days:
    return np.asarray((chance.random(days) < probability) * chance.exponential(mean, days))
