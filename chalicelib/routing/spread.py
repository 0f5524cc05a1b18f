"""How far arrivals spread, in closed form: what noise takes of a route's slack, before any dice are thrown.

Mean and variance of lateness are carried along every route, what all of it shares (driver, day) apart as the
driving and service it acts on; waiting for a window forgets most of it (moments of a maximum: Clark 1961).
Quantiles are those of a gamma distribution of usual skewness (Wilson and Hilferty 1931). Far cheaper than
driving through the scenarios of `uncertainty` and right to a few minutes: good enough to choose what is worth
a proof. Weak point: two stops at one address share their luck there, not here.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chalicelib.routing.schedule import NEVER, Batch, Timetable
from chalicelib.routing.uncertainty import Noise, normal_quantile
from chalicelib.units import Probability, Seconds

# On booked days arrivals are more skewed than this, but their variance here is on the safe side. By trial:
# with more, sellable windows are missed; with less, more proofs are wasted.
_SKEWNESS = 0.5
_ORDINARY_LEG: Seconds = 300  # a newcomer's, who is not known yet when routes are swept
_ORDINARY_VISIT: Seconds = 240
_FADING_LEGS = 8  # legs between two waits, over which what fades adds up
_FAR = 8.0  # deviations beyond which waiting is certain, or out of the question

type Floats = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Reserves:
    """What to keep back in each gap of each route; shape (places, routes), never negative.

    Attributes
    ----------
    until_here
        How much later than planned a newcomer in the gap must be expected.
    onwards
        By how much earlier than the planned timetable allows the place behind the gap must be reached so
        that all later windows are kept.
    after_waiting
        The same for a newcomer for whom the van had to wait, which forgets what went wrong before.
    """

    until_here: NDArray[np.float64]
    onwards: NDArray[np.float64]
    after_waiting: NDArray[np.float64]


def reserves(batch: Batch, times: Timetable, noise: Noise, target: Probability) -> Reserves:
    """Seconds to keep back so that each window is kept with a probability of about `target`.

    Without noise they are zero. Cost: about forty array steps over the routes for each place, and twenty over
    (different window ends, places, routes).
    """
    luck = _Luck.of(noise, target)
    on_the_way = np.arange(batch.places)[:, None] <= batch.count
    legs = luck.of_legs(np.where(on_the_way, times.arrive - times.depart, 0.0))
    visits = luck.of_visits(batch.service)
    vans, before = luck.at_start(len(batch.starts)), np.empty_like(legs)
    for place in range(batch.places):
        before[:, place] = vans
        vans = luck.waited(vans + legs[:, place], times.arrive[place], batch.opens[place]) + visits[:, place]
    leg = luck.of_legs(np.full((1, 1), float(_ORDINARY_LEG)))
    newcomer = leg + luck.of_visits(np.full((1, 1), float(_ORDINARY_VISIT)))
    chain = _Chain.of(batch, times, legs, visits)
    return Reserves(
        until_here=np.maximum(luck.worst(before + leg), 0.0).astype(np.float64),
        onwards=chain.kept_back(luck, before + newcomer),
        after_waiting=chain.kept_back(luck, newcomer),
    )


type _Lateness = Floats
"""Moments of how late vans are, which add up along the way; shape (4, ...)."""

# Seconds; variance of all that is not shared; seconds of driving and of service, on which shared luck acts.
_MEAN, _VARIANCE, _DRIVING, _SERVING = range(4)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Luck:
    """What `Noise` means for a leg and for a visit.

    Attributes
    ----------
    leg_variance, visit_variance
        Of one that takes a second.
    rare_on_leg, rare_at_door
        Mean and variance of what seldom happens there.
    shared_driving, shared_serving
        Variance of the shared factors.
    late_start
        Mean seconds.
    deviations
        How many standard deviations above its mean a lateness may be expected with the target's probability.
    """

    leg_variance: float
    visit_variance: float
    rare_on_leg: tuple[float, float]
    rare_at_door: tuple[float, float]
    shared_driving: float
    shared_serving: float
    late_start: float
    deviations: float

    @classmethod
    def of(cls, noise: Noise, target: Probability) -> "_Luck":
        memory, sixth = noise.fading_memory, _SKEWNESS / 6
        together = 1 + 2 * sum((1 - gap / _FADING_LEGS) * memory**gap for gap in range(1, _FADING_LEGS))
        root = 1 + sixth * (normal_quantile(target) - sixth)
        return cls(
            leg_variance=_lognormal(noise.travel_leg) + together * _lognormal(noise.travel_fading),
            visit_variance=_lognormal(noise.service_stop),
            rare_on_leg=_seldom(noise.leg_incident, noise.leg_incident_delay),
            rare_at_door=_seldom(noise.stop_incident, noise.stop_incident_delay),
            shared_driving=_lognormal(noise.travel_shared),
            shared_serving=_lognormal(noise.service_shared),
            late_start=float(noise.late_start),
            deviations=(root**3 - 1) / (3 * sixth),
        )

    def at_start(self, vans: int) -> _Lateness:
        """Leaving the depot: exponentially late."""
        late = np.full(vans, self.late_start)
        return np.stack([late, late**2, np.zeros(vans), np.zeros(vans)])

    def of_legs(self, seconds: Floats) -> _Lateness:
        mean, variance = self.rare_on_leg
        there = seconds > 0
        own = self.leg_variance * seconds**2 + variance * there
        return np.stack([mean * there, own, seconds, np.zeros_like(seconds)])

    def of_visits(self, seconds: Floats) -> _Lateness:
        mean, variance = self.rare_at_door
        there = seconds > 0
        own = self.visit_variance * seconds**2 + variance * there
        return np.stack([mean * there, own, np.zeros_like(seconds), seconds])

    def deviation(self, late: _Lateness) -> Floats:
        """The standard deviation of all together."""
        shared = self.shared_driving * late[_DRIVING] ** 2 + self.shared_serving * late[_SERVING] ** 2
        return np.asarray(np.sqrt(late[_VARIANCE] + shared))

    def worst(self, late: _Lateness) -> Floats:
        """How late at most, with the target's probability."""
        return np.asarray(late[_MEAN] + self.deviations * self.deviation(late))

    def waited(self, late: _Lateness, planned: Floats, until: Floats) -> _Lateness:
        """Nobody starts before the window opens: luck counts only as far as it leads beyond that."""
        deviation = self.deviation(late)
        ahead = (planned + late[_MEAN] - until) / np.maximum(deviation, 1e-6)
        goes_on = ahead >= _FAR
        ahead = np.clip(ahead, -_FAR, _FAR)
        square = ahead * ahead
        share = 0.5 + 0.5 * np.tanh(0.7978845608 * ahead * (1 + 0.044715 * square))  # normal distribution
        density = 0.3989422804 * np.exp(-0.5 * square)
        first = ahead * share + density
        second = (square + 1) * share + ahead * density
        waited = late * share
        waited[_MEAN] = until + deviation * first - np.maximum(planned, until)
        waited[_VARIANCE] = 0.0
        own = deviation**2 * (second - first * first) - self.deviation(waited) ** 2
        waited[_VARIANCE] = np.maximum(own, 0.0)
        return np.where(goes_on, late, waited)


def _lognormal(log_deviation: float) -> float:
    """Variance of a lognormal factor of mean one."""
    return float(np.expm1(log_deviation**2))


def _seldom(probability: Probability, mean: Seconds) -> tuple[float, float]:
    """Mean and variance of an exponential delay that happens with this probability, else none."""
    return probability * mean, probability * (2 - probability) * mean**2


@dataclass(frozen=True, slots=True)
class _Chain:
    """From each gap to each later window, as if the van never had to wait on the way.

    Waiting is what a newcomer may use up, so it must not be counted on. Of windows that end together only the
    last counts: who keeps that has kept the others.

    Attributes
    ----------
    by
        When the place behind each gap must be reached as planned to be in time at the window: shape (windows,
        places, routes), in seconds since the route's start; never, if the window is before the gap.
    onwards
        What may go wrong between, the gap's own leg included.
    """

    by: Floats
    onwards: _Lateness

    @classmethod
    def of(cls, batch: Batch, times: Timetable, legs: _Lateness, visits: _Lateness) -> "_Chain":
        windows = _last_of_each_end(batch)
        visits_before = np.concatenate([np.zeros_like(visits[:, :1]), visits[:, :-1]], axis=1)
        arriving = np.cumsum(legs + visits_before, axis=1)
        leaving = arriving - legs
        needed = np.cumsum(legs[_DRIVING] + visits_before[_SERVING] + times.pause, axis=0)
        closes = np.take_along_axis(batch.closes, windows, axis=0) - batch.starts
        by = (closes - np.take_along_axis(needed, windows, axis=0))[:, None] + needed
        before = np.arange(batch.places)[:, None] > windows[:, None]
        by[before] = NEVER
        at_windows = np.take_along_axis(arriving, windows[None], axis=1)[:, :, None]
        return cls(_single(by), _single(np.where(before, 0.0, at_windows - leaving[:, None])))

    def kept_back(self, luck: _Luck, leaving: _Lateness) -> NDArray[np.float64]:
        """What vans that leave for the gap with that lateness must keep back."""
        in_time = self.by - luck.worst(_single(leaving)[:, None] + self.onwards)
        return np.maximum(self.by.min(axis=0) - in_time.min(axis=0), 0.0).astype(np.float64)


def _single(moment: Floats) -> Floats:
    """Half the bytes are enough for the seconds of a day."""
    return np.asarray(moment, dtype=np.float32)


def _last_of_each_end(batch: Batch) -> NDArray[np.intp]:
    """Places after which no window ends as early: shape (most of a route, routes), filled with depots."""
    later = np.minimum.accumulate(batch.closes[::-1], axis=0)[::-1]
    later = np.vstack([later[1:], np.full_like(later[:1], NEVER)])
    route, place = np.nonzero((batch.closes < later).T)
    rank = np.arange(len(route)) - np.searchsorted(route, route)
    windows = np.broadcast_to(batch.count, (int(rank.max(initial=0)) + 1, len(batch.count))).copy()
    windows[rank, route] = place
    return windows
