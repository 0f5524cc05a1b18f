"""How far days stray, from what was counted of them: the method of moments.

Each moment is blended with what is assumed, as if so many legs, visits or shifts of that kind had been seen
before (empirical Bayes, Efron and Morris 1975, Morris 1983): with few days the assumption counts, with many
the days.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import exp, sqrt

import numpy as np
from numpy.typing import NDArray

from chalicelib.routing.pace import Belief, Spread
from chalicelib.routing.tally import At

type Floats = NDArray[np.float64]

# How much the assumption counts.
_PAIRS_AS_ASSUMED, _SHIFTS_AS_ASSUMED, _DRIVERS_AS_ASSUMED = 300.0, 10.0, 5.0
_TROUBLES_AS_ASSUMED = 800.0
_STOPS_A_SHIFT = 30.0  # for how well one shift shows its driver
# A normal number clipped at CLIP has this share of its variance.
_SHRUNK = 0.9507


def spread_of(sums: Floats, drivers: Sequence[tuple[float, float, float]], assumed: Spread) -> Spread:
    """Work out how far days stray, from what was counted of them.

    Parameters
    ----------
    sums
        Where `tally.At` says.
    drivers
        Of each: shifts, and the sums of their travel and service residuals.
    assumed
        What counts as long as there is little to see.
    """
    shifts = sums[At.LATE][0]
    shared = _blend(_excess(sums[At.FAR]), shifts, assumed.travel_day**2, _SHIFTS_AS_ASSUMED)
    fading, memory, leg = _fading(sums, shared, assumed)
    day = _blend(_excess(sums[At.DAYS]), shifts, assumed.service_day**2, _SHIFTS_AS_ASSUMED)
    visits, squares, at_doors = sums[At.VISITS]
    unknown = sums[At.DAYS][2] / sums[At.DAYS][0] if sums[At.DAYS][0] else 0.0
    alone = (squares / _SHRUNK - at_doors) / visits - day - unknown if visits else 0.0
    visit = _blend(alone, visits, assumed.service_visit**2, _PAIRS_AS_ASSUMED)
    known, products = sums[At.DOORS]
    door = _blend(products / known if known else 0.0, known, assumed.service_door**2, _PAIRS_AS_ASSUMED)
    leg_trouble, leg_delay = _trouble(sums[At.LEG_TROUBLE], assumed.leg_trouble, assumed.leg_trouble_delay)
    stop_trouble, stop_delay = _trouble(
        sums[At.STOP_TROUBLE], assumed.stop_trouble, assumed.stop_trouble_delay
    )
    rests, lean, square = sums[At.BREAKS]
    lean = _blend(lean / rests if rests else 0.0, rests, assumed.break_lean, _SHIFTS_AS_ASSUMED)
    around = square / rests - (sums[At.BREAKS][1] / rests) ** 2 if rests else 0.0
    found = replace(
        assumed,
        travel_day=sqrt(shared),
        travel_fading=sqrt(fading),
        fading_memory=memory,
        travel_leg=sqrt(leg),
        service_day=sqrt(day),
        service_visit=sqrt(visit),
        service_door=sqrt(door),
        leg_trouble=leg_trouble,
        leg_trouble_delay=leg_delay,
        stop_trouble=stop_trouble,
        stop_trouble_delay=stop_delay,
        late_start=_blend(
            sums[At.LATE][1] / shifts if shifts else 0.0, shifts, assumed.late_start, _SHIFTS_AS_ASSUMED
        ),
        break_lean=lean,
        break_spread=sqrt(_blend(around, rests, assumed.break_spread**2, _SHIFTS_AS_ASSUMED)),
    )
    noise = shift_noise(found)
    hands = [
        sqrt(_between([(seen, total[which]) for seen, *total in drivers], noise[which], hand))
        for which, hand in enumerate((assumed.travel_driver, assumed.service_driver))
    ]
    return replace(found, travel_driver=hands[0], service_driver=hands[1])


def shift_noise(spread: Spread) -> tuple[float, float]:
    """Tell the variance with which the mean of one shift shows its driver's travel, and service."""
    memory = spread.fading_memory
    fading = spread.travel_fading**2 * (1 + memory) / (1 - memory)
    return (
        spread.travel_day**2 + (spread.travel_leg**2 + fading) / _STOPS_A_SHIFT,
        spread.service_day**2 + (spread.service_visit**2 + spread.service_door**2) / _STOPS_A_SHIFT,
    )


def hand_of(total: float, shifts: float, between: float, noise: float) -> Belief:
    """Judge a driver's multiplier, shrunk towards everybody's: few shifts, little said.

    Parameters
    ----------
    total, shifts
        Sum of the residuals of so many shifts.
    between, noise
        Variance of drivers' hands, and that with which one shift shows its driver's.
    """
    if between <= 0:
        return Belief(0.0, 0.0)
    precision = shifts / noise + 1 / between
    return Belief(total / noise / precision, 1 / precision)


def _blend(seen: float, count: float, assumed: float, strength: float) -> float:
    """Weigh what was seen against what is assumed; never below a twentieth of that."""
    return max((seen * count + assumed * strength) / (count + strength), assumed / 20)


def _excess(sums: Floats) -> float:
    """Mean product of pairs, less what was not known of the driver."""
    pairs, products, unknown = sums
    return float((products / _SHRUNK - unknown) / pairs) if pairs else 0.0


def _fading(sums: Floats, shared: float, assumed: Spread) -> tuple[float, float, float]:
    """Variance and memory of what fades, and the leg's own variance, from products 0 to 3 legs apart."""
    pairs, products, _ = sums[At.FAR]
    far = products / pairs / _SHRUNK if pairs else 0.0
    fades = assumed.travel_fading**2 * assumed.fading_memory ** np.arange(4)
    fades[0] += assumed.travel_leg**2
    counts = sums[At.LAGS]
    seen = sums[At.LAG_SUMS] / np.maximum(counts, 1.0) / _SHRUNK - far
    moments = (seen * counts + fades * _PAIRS_AS_ASSUMED) / (counts + _PAIRS_AS_ASSUMED)
    best = (np.inf, assumed.travel_fading**2, assumed.fading_memory)
    for memory in np.arange(0.3, 0.96, 0.05).tolist():
        shape = memory ** np.arange(1, 4)
        fading = max(float(moments[1:] @ shape / (shape @ shape)), 1e-4)
        best = min(best, (float(((moments[1:] - fading * shape) ** 2).sum()), fading, memory))
    _, fading, memory = best
    return fading, memory, max(float(moments[0]) - fading, assumed.travel_leg**2 / 20)


def _trouble(sums: Floats, seldom: float, delay: float) -> tuple[float, float]:
    """How often, and for how long: an exponential has twice its mean's square as mean square."""
    number, excess, square, hiding = sums
    hidden = hiding / number if number else 0.0
    assumed = _TROUBLES_AS_ASSUMED * seldom * exp(-hidden / delay)
    excess, square = excess + assumed * delay, square + assumed * 2 * delay**2
    mean = min(max(square / (2 * excess), 120.0), 5400.0) if excess > 0 and square > 0 else delay
    often = max(excess, 0.0) / mean / (number + _TROUBLES_AS_ASSUMED) * exp(min(hidden / mean, 2.0))
    return min(max(often, 0.0005), 0.2), mean


def _between(drivers: list[tuple[float, float]], noise: float, assumed: float) -> float:
    """Variance of drivers' hands, from how much more their means differ than one driver's shifts would."""
    seen = np.array([shifts for shifts, _ in drivers])
    if len(seen) < 2:
        return assumed**2
    means = np.array([total for _, total in drivers]) / seen
    centre, total = float(seen @ means / seen.sum()), float(seen.sum())
    spare = total - float(seen @ seen) / total
    found = (float(seen @ (means - centre) ** 2) - (len(seen) - 1) * noise) / max(spare, 1e-9)
    return _blend(max(found, 0.0), len(seen), assumed**2, _DRIVERS_AS_ASSUMED)
