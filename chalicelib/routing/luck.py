"""The scenarios' luck, drawn before any route is known: one table for each `Spread`.

Weak point: on a route longer than `LEGS` the luck of the first legs is used a second time.
"""

from functools import lru_cache
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from chalicelib.routing.pace import Spread
from chalicelib.routing.uncertainty import Dice
from chalicelib.units import Probability

COUNT = 64  # scenarios; twice as many are 0.3 % better in the median
LEGS = 256
QUANTILES: tuple[Probability, Probability, Probability] = (0.05, 0.5, 0.95)

type Singles = NDArray[np.float32]


class Luck:
    """The scenarios' luck, as far as it can be drawn before a route is known; a row for each leg ahead.

    Latin hypercubes (McKay, Beckman and Conover 1979), so that few scenarios are fair in every single leg.
    """

    def __init__(self, spread: Spread) -> None:
        dice, rows, once = Dice(COUNT), np.arange(LEGS + 1), np.arange(4)
        travel, fading, visit, leg_trouble, stop_trouble, normal, uniform = range(7)
        ahead = np.arange(1, LEGS + 2)
        fresh = spread.travel_fading * sqrt(1 - spread.fading_memory**2) * dice.normal(fading, rows)
        path = np.zeros(COUNT)
        self.travel = np.empty((LEGS + 1, COUNT), dtype=np.float32)
        for row, own in enumerate(spread.travel_leg * dice.normal(travel, rows)):
            path = spread.fading_memory * path + fresh[row]
            self.travel[row] = path + own
        self.memory = (spread.fading_memory**ahead).astype(np.float32)
        self.visit = dice.normal(visit, rows).astype(np.float32)
        delays = dice.delays(leg_trouble, rows, spread.leg_trouble, spread.leg_trouble_delay)
        self.hold_up = delays.astype(np.float32)
        delays = dice.delays(stop_trouble, rows, spread.stop_trouble, spread.stop_trouble_delay)
        self.trouble = delays.astype(np.float32)
        self.route, self.mood, self.hand, self.before = dice.normal(normal, once).astype(np.float32)
        self.ending, self.lateness = -np.log(dice.uniform(uniform, once[:2])).astype(np.float32)
        self.wishes = dice.uniform(uniform, once[2:]).astype(np.float32)
        self.weights = _weights()

    def rows(self, of: Singles, count: int) -> Singles:
        """As many rows, from the first one again where there are not so many."""
        return of[:count] if count <= len(of) else of[np.arange(count) % len(of)]


@lru_cache(maxsize=64)
def luck_of(spread: Spread) -> Luck:
    """The table of a spread; one per depot and day, 0.3 MB each, a few ms when it is first asked for."""
    return Luck(spread)


@lru_cache(maxsize=1)
def _weights() -> Singles:
    """How the sorted scenarios make each quantile: smoother than any one of them (Harrell and Davis 1982)."""
    fine = (np.arange(100 * COUNT) + 0.5) / (100 * COUNT)
    columns = []
    for quantile in QUANTILES:
        above, below = (COUNT + 1) * quantile, (COUNT + 1) * (1 - quantile)
        density = np.exp((above - 1) * np.log(fine) + (below - 1) * np.log1p(-fine))
        shares = density.reshape(COUNT, 100).sum(axis=1)
        columns.append(shares / shares.sum())
    return np.array(columns, dtype=np.float32).T
