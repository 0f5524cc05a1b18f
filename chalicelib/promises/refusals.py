"""Why a slot is not offered, from the shop's own rules down to the road.

Which vans are at work also says until when a slot can be ordered: the last of them has to be loaded. Weak
points: a reason is the first that applies, others may stand behind it; and a slot counts as held if it would
be free without any hold, though some of these will become promises.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chalicelib.fleet.model import Depot, Slot
from chalicelib.fleet.planning import DepotPlans
from chalicelib.promises.model import Reason
from chalicelib.routing.insertion import Insertion
from chalicelib.routing.model import TimeWindow, Visit
from chalicelib.routing.packed import FOREVER
from chalicelib.routing.sweeps import Sweeps
from chalicelib.routing.travel_times import Places, TravelTimes
from chalicelib.units import MINUTE, Seconds, Timestamp

LEAST_TO_CUTOFF: Seconds = 15 * MINUTE


@dataclass(frozen=True, slots=True)
class Vans:
    """The shifts of the plans as arrays: who works when, can do it, and is still to be loaded."""

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    loads: NDArray[np.int64]
    at_work: NDArray[np.bool_]  # not withdrawn
    skilled: NDArray[np.bool_]
    roomy: NDArray[np.bool_]

    @staticmethod
    def of(plans: DepotPlans, visit: Visit, now: Timestamp) -> "Vans":
        """Look at every van of the plans for this visit."""
        swept = plans.swept(now)
        shifts = [route.shift for route in plans.routes]
        return Vans(
            starts=np.array([shift.starts_at for shift in shifts], dtype=np.int64),
            ends=np.array([shift.ends_at for shift in shifts], dtype=np.int64),
            loads=np.array([shift.loads_at for shift in shifts], dtype=np.int64),
            at_work=np.array([not route.withdrawn for route in plans.routes], dtype=bool),
            skilled=swept.skilled(visit),
            roomy=swept.roomy(visit),
        )

    def working(self, window: TimeWindow) -> NDArray[np.bool_]:
        """Vans on the road at some time of the window."""
        return np.asarray((self.starts <= window.end) & (self.ends >= window.start) & self.at_work)

    def cutoff(self, depot: Depot, slot: Slot) -> Timestamp:
        """The last moment to order: lead time, the slot's own rule, the last van that can still be loaded."""
        cutoff_at = slot.window.start - depot.booking.cutoff_minutes * MINUTE
        if slot.order_by_at is not None:
            cutoff_at = min(cutoff_at, slot.order_by_at)
        loads = self.loads[self.working(slot.window) & self.skilled]
        return min(cutoff_at, int(loads.max())) if len(loads) else cutoff_at


class Refusals:
    """Why slots are not offered: what is looked at only when something was refused.

    Parameters
    ----------
    windows
        Those for which no place was found.
    """

    def __init__(
        self,
        plans: DepotPlans,
        vans: Vans,
        visit: Visit,
        travel: TravelTimes,
        now: Timestamp,
        windows: Sequence[TimeWindow],
    ) -> None:
        self._plans, self._vans, self._visit, self._travel, self._now = plans, vans, visit, travel, now
        self._held = self._fit_without_holds(windows)

    def reason(self, slot: Slot, cutoff_at: Timestamp) -> Reason:
        """The first thing that stands in the way, from the shop's own rules down to the road."""
        vans = self._vans
        working = vans.working(slot.window)
        skilled = working & vans.skilled
        if not slot.sell:
            return Reason.CLOSED
        if not working.any():
            return Reason.NO_SHIFT
        if not skilled.any():
            return Reason.SKILL
        if self._now + LEAST_TO_CUTOFF > cutoff_at:
            return Reason.CUTOFF_PASSED
        if slot.window in self._held:
            return Reason.HELD
        if not (skilled & vans.roomy).any():
            return Reason.LOAD
        return Reason.FULL if self._reachable(slot.window, skilled) else Reason.NO_ROUTE_FIT

    def _fit_without_holds(self, windows: Sequence[TimeWindow]) -> frozenset[TimeWindow]:
        """Windows for which there would be room if every hold ran out: they may come back."""
        if not windows:
            return frozenset()
        routes = self._plans.routes
        waits = self._plans.open_for_loading(self._now) & self._plans.sweeps.holding(routes, self._now)
        held = [routes[at] for at in np.flatnonzero(waits).tolist()]
        if not held:
            return frozenset()
        sweeps = Sweeps(self._plans.world)
        swept = sweeps.of(held, FOREVER)
        able = swept.able(self._visit)
        gaps = Insertion(sweeps, swept, able, self._visit, windows, self._travel, FOREVER).look_up()
        return frozenset(window for window in windows if gaps.candidates(window, 1))

    def _reachable(self, window: TimeWindow, vans: NDArray[np.bool_]) -> bool:
        """Whether some van with nothing else to do could be there in the window and back in time."""
        routes = [self._plans.routes[at] for at in np.flatnonzero(vans)]
        here = Places.of([self._visit.location], [self._visit.node])
        starts = Places.of([r.shift.start for r in routes], [r.start_node for r in routes])
        ends = Places.of([r.shift.end for r in routes], [r.end_node for r in routes])
        clock = self._plans.world.clock
        arrive = clock.clock(clock.work(self._vans.starts[vans]) + self._travel.to_one(starts, here))
        begin = np.maximum(arrive, window.start)
        back = clock.clock(clock.work(begin + self._visit.service_time) + self._travel.from_one(here, ends))
        return bool(((arrive <= window.end) & (back <= self._vans.ends[vans])).any())
