"""What is counted of finished shifts: sums, so that days are added and the past fades by a factor.

Each leg and visit is held against what was expected of it; what is left over is a residual, clipped where it
was a hold-up and not a pace. Products of residuals near and far apart say later how much a day shares, how
much fades, and how much is each leg's own (`moments`).
"""

from math import erfc, exp, sqrt

import numpy as np
from numpy.typing import NDArray

from chalicelib.routing.calibration import CELLS
from chalicelib.routing.finished import FinishedShift
from chalicelib.routing.pace import CLIP, SHORTEST, Habits, known_of
from chalicelib.routing.travel_times import WorkClock

type Floats = NDArray[np.float64]

_FAR = 8  # legs after which what fades has faded


class At:
    """Where each sum is."""

    HOURS, HOUR_SUMS = slice(0, 24), slice(24, 48)
    SERVICE = slice(48, 50)  # visits, and what their logarithms sum to
    LAGS, LAG_SUMS = slice(50, 54), slice(54, 58)  # products of legs 0 to 3 apart
    FAR = slice(58, 61)  # pairs of legs far apart, their products, and how little was known of the driver
    VISITS = slice(61, 64)  # visits, their squares, and the part of these that was expected to be the door's
    DAYS = slice(64, 67)  # pairs of visits, their products, and how little was known of the driver
    DOORS = slice(67, 69)  # visits seen before, and products with what they had shown
    LEG_TROUBLE, STOP_TROUBLE = slice(69, 73), slice(73, 77)  # number, excess, its square, what hides some
    LATE = slice(77, 79)  # shifts, seconds
    BREAKS = slice(79, 82)  # breaks, where in the window, its square
    SCORES = slice(82, 82 + CELLS)  # arrivals by predicted lead and where they fell
    END = SCORES.stop


def add_shift(sums: Floats, shift: FinishedShift, clock: WorkClock, habits: Habits) -> tuple[float, float]:
    """Add a shift to the sums, except its scores.

    Parameters
    ----------
    habits
        What was expected of it.

    Returns
    -------
    Its mean residuals of travel and of service, without what was known of its driver.
    """
    spread = habits.spread
    began = shift.leg_began_at
    hours = ((began + habits.utc_offset) // 3600 % 24).astype(np.intp)
    planned, took = shift.legs(clock)
    level = habits.by_hour[hours]
    variance = habits.travel.variance + spread.travel_fading**2 + spread.travel_leg**2
    bound = np.full(len(shift), CLIP * sqrt(variance))
    travel, told = _residuals(planned, took, level + habits.travel.mean, bound)
    np.add.at(sums[At.HOURS], hours, told)
    np.add.at(sums[At.HOUR_SUMS], hours, told * (level + travel))
    _add_travel(sums, travel, told, habits.travel.variance - spread.travel_day**2)
    _add_trouble(sums[At.LEG_TROUBLE], planned, took, level + habits.travel.mean, bound)

    planned, took = shift.visits()
    known, unknown = known_of(shift.doors[:, 0], shift.doors[:, 1], spread)
    expected = habits.service_level + habits.service.mean + known
    bound = CLIP * np.sqrt(habits.service.variance + unknown + spread.service_visit**2)
    service, seen = _residuals(planned, took, expected, bound)
    sums[At.SERVICE] += seen.sum(), (seen * (habits.service_level + service)).sum()
    _add_service(sums, service, seen, unknown, habits.service.variance - spread.service_day**2)
    others = service + known - service.sum() / max(seen.sum(), 1.0)
    sums[At.DOORS] += (
        (seen * shift.doors[:, 0]).sum(),
        (seen * shift.doors[:, 0] * others * shift.doors[:, 1]).sum(),
    )
    _add_trouble(sums[At.STOP_TROUBLE], planned, took, expected, bound)

    sums[At.LATE] += 1.0, max(shift.left_at - shift.route.shift.starts_at, 0)
    taken = np.flatnonzero(shift.rested)
    for stop, pause in zip(taken.tolist(), shift.route.shift.breaks, strict=False):
        # Wished for at some time since the van last drove on; a visit is not broken off for it.
        wished_by, not_yet = began[stop] - shift.rested[stop], began[stop - 1] if stop else shift.left_at
        width = max(pause.latest_at - pause.earliest_at, 1)
        wish = float(np.clip(((wished_by + not_yet) / 2 - pause.earliest_at) / width, 0.0, 1.0))
        sums[At.BREAKS] += 1.0, wish, wish**2
    return (
        habits.travel.mean + float(travel.sum() / max(told.sum(), 1.0)),
        habits.service.mean + float(service.sum() / max(seen.sum(), 1.0)),
    )


def _residuals(planned: Floats, took: Floats, level: Floats, bound: Floats) -> tuple[Floats, Floats]:
    """Clipped logarithms beyond what was expected, 0 where too short to tell, and which do tell."""
    told = (planned >= SHORTEST).astype(np.float64)
    logs = np.log(np.maximum(took, 1.0) / np.maximum(planned, 1.0))
    return told * np.clip(logs - level, -bound, bound), told


def _add_travel(sums: Floats, travel: Floats, told: Floats, unknown: float) -> None:
    """Products of legs by how far apart they are."""
    near_pairs, near = 0.0, 0.0
    for lag in range(min(_FAR, len(travel))):
        pairs = float((told[lag:] * told[: len(told) - lag]).sum())
        products = float((travel[lag:] * travel[: len(travel) - lag]).sum())
        if lag < 4:
            sums[At.LAGS][lag] += pairs
            sums[At.LAG_SUMS][lag] += products
        near_pairs += pairs * (2 if lag else 1)
        near += products * (2 if lag else 1)
    pairs = float(told.sum() ** 2 - near_pairs) / 2
    sums[At.FAR] += pairs, float(travel.sum() ** 2 - near) / 2, pairs * unknown


def _add_service(sums: Floats, service: Floats, seen: Floats, unknown: Floats, driver: float) -> None:
    squares = float((service**2).sum())
    sums[At.VISITS] += seen.sum(), squares, float((seen * unknown).sum())
    pairs = float(seen.sum() ** 2 - seen.sum()) / 2
    sums[At.DAYS] += pairs, float(service.sum() ** 2 - squares) / 2, pairs * driver


def _add_trouble(sums: Floats, planned: Floats, took: Floats, level: Floats, bound: Floats) -> None:
    """Seconds beyond what the lognormal explains, less what it would have there itself."""
    some = planned >= SHORTEST
    usual, bound, took = (planned * np.exp(level))[some], bound[some], took[some]
    excess = np.maximum(took - usual * np.exp(bound), 0.0)
    own, own_square = _tail(float(bound.mean()) / CLIP) if len(bound) else (0.0, 0.0)
    sums += (
        len(excess),
        (excess - usual * own).sum(),
        (excess**2 - usual**2 * own_square).sum(),
        (usual * (np.exp(bound) - 1)).sum(),
    )


def _tail(spread: float) -> tuple[float, float]:
    """Mean, and mean square, of a lognormal's excess over `CLIP` standard deviations."""

    def beyond(at: float) -> float:
        return erfc((CLIP - at) / sqrt(2)) / 2

    bar = exp(CLIP * spread)
    first, second = exp(spread**2 / 2) * beyond(spread), exp(2 * spread**2) * beyond(2 * spread)
    return first - bar * beyond(0), second - 2 * bar * first + bar**2 * beyond(0)
