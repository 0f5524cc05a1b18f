"""Whether intervals keep what they say: where in its interval each arrival fell, counted by predicted lead.

Wrong standard deviations do not repair themselves, so each finished day is forecast with what was known
before it, at clock times that nothing in the day has chosen. The quantiles of what is counted stretch later
intervals (split conformal prediction: Vovk 2005; Romano, Patterson and Candes 2019, with a normalised score;
here over a sliding past). Weak point: vans of one day share their luck, so a thousand arrivals say less than
they seem to.
"""

import hashlib
from collections.abc import Iterable
from math import erfc, sqrt

import numpy as np
from numpy.typing import NDArray

from chalicelib.routing.arrivals import arrivals
from chalicelib.routing.finished import FinishedShift, Replay
from chalicelib.routing.luck import QUANTILES
from chalicelib.routing.pace import STRETCH_STEP, Habits, stretched
from chalicelib.routing.travel_times import WorkClock
from chalicelib.units import MINUTE

MOMENTS = 8  # at which each finished shift is forecast
LEADS = np.array([7, 22, 40, 65, 105, 165, 260]) * float(MINUTE)  # middles of the buckets of predicted lead
LEAD_EDGES = np.array([15, 30, 50, 80, 130, 200]) * float(MINUTE)
_BINS = np.linspace(-4.0, 5.0, 61)  # where in the interval an arrival fell, in half-widths from its median
CELLS = len(LEADS) * (len(_BINS) - 1)
_SCORES_AS_ASSUMED = 150.0  # in each bucket of lead, until days have been seen

type Floats = NDArray[np.float64]


def add_scores(counts: Floats, shift: FinishedShift, clock: WorkClock, habits: Habits) -> None:
    """Count where the arrivals of a shift fell in what would have been forecast of them.

    Parameters
    ----------
    counts
        Shape (`CELLS`,): arrivals by bucket of predicted lead, and by bin of where they fell.
    habits
        What was known before the shift, not calibrated.
    """
    table = counts.reshape(len(LEADS), -1)
    for lead, fell in _scores(shift, clock, habits):
        np.add.at(table, (lead, fell), 1.0)


def _scores(
    shift: FinishedShift, clock: WorkClock, habits: Habits
) -> Iterable[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Bucket of predicted lead, and bin of where the arrival fell, at clock times the day has not chosen."""
    replay = Replay(shift, clock, habits)
    begins, span = shift.route.shift.starts_at, shift.ends_at - shift.route.shift.starts_at
    offset = _by_chance(f"{shift.driver} {begins}")
    for number in range(MOMENTS):
        moment = replay.at(round(begins + span * ((number / MOMENTS + offset) % 1.0)))
        rest = moment.rest
        if not len(rest.stops):
            continue
        first = moment.first
        found = arrivals(
            rest,
            clock,
            moment.pace,
            moment.activity,
            moment.at,
            doors=shift.doors[first:],
        ).start
        told = shift.told[first:]
        low, middle, high = found[told].T
        missed = shift.started_at[first:][told] - middle
        fell = missed / np.maximum(np.where(missed < 0, middle - low, high - middle), 1.0)
        lead = np.searchsorted(LEAD_EDGES, middle - moment.at)
        yield lead, np.clip(np.searchsorted(_BINS, fell) - 1, 0, len(_BINS) - 2)


def stretch_of(counts: Floats) -> Floats:
    """Work out what calibrates intervals, by predicted lead: `pace.Habits.stretch`.

    Quantiles of where arrivals fell; before any did, those of a normal interval are assumed.
    """
    scores = counts.reshape(len(LEADS), -1)
    normal = np.array([erfc(-edge * 1.645 / sqrt(2)) / 2 for edge in _BINS.tolist()])
    assumed = np.diff(normal) * _SCORES_AS_ASSUMED
    below = np.concatenate([np.zeros((len(scores), 1)), np.cumsum(scores + assumed, axis=1)], axis=1)
    rows = []
    for cumulated in below / below[:, -1:]:
        low, middle, high = np.interp(QUANTILES, cumulated, _BINS).tolist()
        rows.append((min(low, middle - 0.05), middle, max(high, middle + 0.05)))
    leads = np.arange(0, LEADS[-1] + STRETCH_STEP, STRETCH_STEP)
    return stretched(
        np.stack([np.interp(leads, LEADS, column) for column in zip(*rows, strict=True)], axis=1)
    )


def _by_chance(text: str) -> float:
    """Between 0 and 1; the same text, the same number."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) / 2**64
