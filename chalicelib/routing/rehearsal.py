"""What a newcomer does to the windows behind him, scenario by scenario, without driving the whole route again.

Each route is driven once through the scenarios and taped: when the van leaves for each place, how long it is
on the way if it never waits, and by how much each window is kept. A newcomer in a gap then delays the place
behind it, and a later window is missed exactly in the scenarios in which the delay outlasts what it had to
spare; waiting in between needs no thought, because whoever waits is on time anyway. A few array steps judge
dozens of candidates, so that hardly any is proven in vain. Weak point: what fades from leg to leg is taken as
it was without the newcomer, and the hour of day too; hence `LENIENCE`, and hence a proof.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from chalicelib.routing.packed import Route
from chalicelib.routing.proof import PROOF_SCENARIOS, World
from chalicelib.routing.schedule import Floats, drive_batch, forward, last_of_each_end, lay_out
from chalicelib.routing.uncertainty import Noises, Rows, row_of, scenarios
from chalicelib.units import Probability, Seconds, Timestamp

LENIENCE: Probability = 0.004
MOST_PLACES = 20_000  # remembered; 5 kB each


@dataclass(frozen=True, slots=True)
class _Tape:
    """One route in all scenarios; times in seconds since its start.

    Attributes
    ----------
    leaving, fading, passed
        Shape (places, scenarios): when the van leaves for a place, in which mood, and how long it takes to
        get there if no door ever makes it wait.
    row
        Of each place, in the scenarios' tables.
    windows
        Places after which no window ends as early: who keeps these keeps all.
    spare
        Shape (windows, scenarios): how long after the start the van may have `passed` and still be in time;
        never, where it is late anyway.
    floor
        With which probability each of the windows is to be kept: the target's, or the one it has.
    """

    leaving: Noises
    fading: NDArray[np.float16]
    passed: Noises
    row: Rows
    windows: NDArray[np.intp]
    spare: Noises
    floor: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomers:
    """Ways to serve one visit, one line each.

    Attributes
    ----------
    gap
        Before which stop of its route.
    way_in, way_out
        Planned seconds of the legs to the visit and from it, by the clock.
    opens, closes
        The window wanted, since the route's start.
    """

    gap: NDArray[np.intp]
    way_in: Floats
    way_out: Floats
    opens: Floats
    closes: Floats
    row: int
    service_time: Seconds


class Rehearsals:
    """Tapes of routes already driven, the oldest forgotten first.

    One per `World`; not shared between threads.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._known: WeakKeyDictionary[Route, tuple[_Tape, Timestamp]] = WeakKeyDictionary()
        self._places = 0
'''
