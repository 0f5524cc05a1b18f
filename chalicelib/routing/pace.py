"""How today goes for one van: two multipliers of its plan, travel and service apart, learned event by event.

Everything is a logarithm of observed over planned seconds, so that a multiplier is a mean and a variance. A
shift starts with what history expects of it (`Habits`); every finished leg and visit moves it by as much as
the evidence weighs against that (empirical Bayes, Morris 1983). Travel is a two-state Kalman filter (Kalman
1960): what the whole shift shares, and what fades from leg to leg. An observation farther off than
`CLIP` standard deviations counts as one that far (Huber's rule), since it was a hold-up, not a pace.
Weak point: traffic that two vans of a depot meet on the same day is learned by each of them alone.
"""

from dataclasses import dataclass, field, replace
from math import log, sqrt

import numpy as np
from numpy.typing import NDArray

from chalicelib.routing.uncertainty import Noise
from chalicelib.units import Probability, Seconds, Timestamp

CLIP = 2.2  # standard deviations
STRETCH_STEP: Seconds = 120
SHORTEST: Seconds = 20  # a leg or visit planned shorter than this says nothing but how clocks are rounded

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How far finished days strayed from their plans; standard deviations are of the logarithm.

    The default is what `uncertainty.Noise` assumes, told apart into what history can know.

    Attributes
    ----------
    travel_day, travel_driver, travel_fading, travel_leg
        Shared by a shift; by a driver's shifts; fading from leg to leg (correlation `fading_memory`); alone.
    service_day, service_driver, service_door, service_visit
        Shared by a shift; by a driver's shifts; by the visits at one door; alone.
    leg_trouble, stop_trouble
        Probability of a hold-up, exponentially long; `…_delay` is its mean in seconds, above 0.
    late_start
        Mean seconds by which a van leaves late; exponential.
    break_lean, break_spread
        Where in its window a break begins, as a share of the window: mean and standard deviation.
    """

    travel_day: float = 0.05
    travel_driver: float = 0.08
    travel_fading: float = 0.18
    fading_memory: float = 0.7
    travel_leg: float = 0.25
    service_day: float = 0.10
    service_driver: float = 0.18
    service_door: float = 0.30
    service_visit: float = 0.50
    leg_trouble: Probability = 0.012
    leg_trouble_delay: float = 780.0
    stop_trouble: Probability = 0.02
    stop_trouble_delay: float = 660.0
    late_start: float = 420.0
    break_lean: float = 0.5
    break_spread: float = 0.29

    @classmethod
    def of(cls, noise: Noise) -> "Spread":
        """The same world as promises are sold by, each share told apart as in the default."""
        usual, known = Noise(), cls()
        travel = noise.travel_shared / usual.travel_shared
        service = noise.service_shared / usual.service_shared
        stop = noise.service_stop / usual.service_stop
        return cls(
            travel_day=known.travel_day * travel,
            travel_driver=known.travel_driver * travel,
            travel_fading=noise.travel_fading,
            fading_memory=noise.fading_memory,
            travel_leg=noise.travel_leg,
            service_day=known.service_day * service,
            service_driver=known.service_driver * service,
            service_door=known.service_door * stop,
            service_visit=known.service_visit * stop,
            leg_trouble=noise.leg_incident,
            leg_trouble_delay=noise.leg_incident_delay,
            stop_trouble=noise.stop_incident,
            stop_trouble_delay=noise.stop_incident_delay,
            late_start=noise.late_start,
        )

    @property
    def travel_level(self) -> float:
        """Mean of the logarithm of a leg whose factor has mean one."""
        variances = self.travel_day**2 + self.travel_driver**2 + self.travel_fading**2 + self.travel_leg**2
        return -variances / 2

    @property
    def service_level(self) -> float:
        """Mean of the logarithm of a visit whose factor has mean one."""
        alone = self.service_door**2 + self.service_visit**2
        return -(self.service_day**2 + self.service_driver**2 + alone) / 2


@dataclass(frozen=True, slots=True)
class Belief:
    """A logarithm as far as it is known."""

    mean: float
    variance: float


@dataclass(frozen=True, slots=True)
class Door:
    """What earlier visits of one address have shown; kept with the address, and forgotten with it.

    Attributes
    ----------
    visits
        How many there were.
    residual
        Mean logarithm by which they took longer than their driver and their day explain.
    """

    visits: int = 0
    residual: float = 0.0

    def after(self, residual: float) -> "Door":
        """One more visit seen."""
        visits = self.visits + 1
        return Door(visits, self.residual + (residual - self.residual) / visits)


UNKNOWN_DOOR = Door()
UNSTRETCHED: Floats = np.empty((0, 3, 3))


def stretched(lies: Floats) -> Floats:
    """Matrices that move three computed quantiles (a row) to where they were found to lie.

    Parameters
    ----------
    lies
        Where the true 5 %, 50 % and 95 % lie, shape (leads, 3): in half-widths of the computed interval, each
        side of its own, from its median; (-1, 0, 1) leaves everything as it is.
    """
    below, above = np.maximum(-lies, 0.0), np.maximum(lies, 0.0)
    moves = np.zeros((len(lies), 3, 3))
    moves[:, 0], moves[:, 1], moves[:, 2] = below, 1 - below - above, above
    return moves


def known_of[Number: (float, Floats)](
    visits: Number, residual: Number, spread: Spread
) -> tuple[Number, Number]:
    """What is known of doors: mean and variance of each one's logarithm, shrunk towards any door.

    With few visits what is usual is trusted, with many the door (James and Stein; Efron and Morris 1975).
    """
    between, within = spread.service_door**2, max(spread.service_visit**2, 1e-12)
    weight = visits * between / (visits * between + within)
    return weight * residual, between * (1 - weight)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Habits:
    """What a shift is expected to be like before it starts; made by `History.habits`.

    Attributes
    ----------
    travel, service
        The driver's multiplier on such a day; their variances are the day's and what is not known of the
        driver.
    by_hour
        Logarithm of travel by local hour, shape (24,), the general level included.
    service_level
        Logarithm of a visit's seconds over the planned ones, whoever it is and wherever.
    utc_offset
        Of the depot's clock on that day, in seconds.
    stretch
        What turns the computed 5 %, 50 % and 95 % into calibrated ones, see `stretched`: a matrix for every
        `STRETCH_STEP` seconds of predicted lead; none where nothing is known better.
    """

    spread: Spread = field(default_factory=Spread)
    travel: Belief
    service: Belief
    by_hour: Floats
    service_level: float
    stretch: Floats
    utc_offset: Seconds = 0

    def hour(self, at: float) -> int:
        """The local hour of an instant."""
        return int((at + self.utc_offset) // 3600) % 24

    @classmethod
    def unknown(cls, spread: Spread | None = None, *, utc_offset: Seconds = 0) -> "Habits":
        """Of a driver and a city nobody has seen: the plan is right in the mean, within the spread."""
        spread = spread or Spread()
        return cls(
            spread=spread,
            travel=Belief(0.0, spread.travel_day**2 + spread.travel_driver**2),
            service=Belief(0.0, spread.service_day**2 + spread.service_driver**2),
            by_hour=np.full(24, spread.travel_level),
            service_level=spread.service_level,
            stretch=UNSTRETCHED,
            utc_offset=utc_offset,
        )


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Pace:
    """What today has shown of one van; a new value after every finished leg and visit.

    Attributes
    ----------
    travel, service
        Today's multipliers, without what fades.
    fading
        What fades from leg to leg, as it was on the last leg driven.
    shared
        Covariance of `travel` and `fading`: which of them it was is not always known.
    """

    habits: Habits
    travel: Belief
    fading: Belief
    shared: float
    service: Belief

    @classmethod
    def at_start(cls, habits: Habits) -> "Pace":
        """Before anything has been seen."""
        return cls(
            habits=habits,
            travel=habits.travel,
            fading=Belief(0.0, habits.spread.travel_fading**2),
            shared=0.0,
            service=habits.service,
        )

    def drove(self, planned: float, took: float, at: Timestamp) -> "Pace":
        """A leg was finished.

        Parameters
        ----------
        planned
            Seconds it should have taken in the traffic of its hour.
        took
            Seconds it took, breaks left out.
        at
            When it began.
        """
        spread, memory = self.habits.spread, self.habits.spread.fading_memory
        faded = memory * self.fading.mean
        faded_variance = memory**2 * self.fading.variance + (1 - memory**2) * spread.travel_fading**2
        shared = memory * self.shared
        if planned < SHORTEST:
            return replace(self, fading=Belief(faded, faded_variance), shared=shared)
        route = self.travel
        expected = self.habits.by_hour[self.habits.hour(at)] + route.mean + faded
        total = route.variance + faded_variance + 2 * shared + spread.travel_leg**2
        surprise = _clipped(log(max(took, 1.0) / planned) - expected, total)
        on_route, on_fading = route.variance + shared, faded_variance + shared
        per = 1 / max(total, 1e-12)
        return replace(
            self,
            travel=Belief(route.mean + on_route * per * surprise, route.variance - on_route**2 * per),
            fading=Belief(faded + on_fading * per * surprise, faded_variance - on_fading**2 * per),
            shared=shared - on_route * on_fading * per,
        )

    def served(self, planned: float, took: float, *, door: Door = UNKNOWN_DOOR) -> "Pace":
        """A visit was finished; seconds from the start of service to leaving the door."""
        if planned < SHORTEST:
            return self
        spread = self.habits.spread
        known, unknown = known_of(door.visits, door.residual, spread)
        expected = self.habits.service_level + self.service.mean + known
        total = self.service.variance + unknown + spread.service_visit**2
        surprise = _clipped(log(max(took, 1.0) / planned) - expected, total)
        gain = self.service.variance / max(total, 1e-12)
        mean = self.service.mean + gain * surprise
        return replace(self, service=Belief(mean, self.service.variance * (1 - gain)))


def _clipped(surprise: float, variance: float) -> float:
    bound = CLIP * sqrt(variance)
    return max(-bound, min(bound, surprise))
