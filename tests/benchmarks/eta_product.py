"""Forecasts as the product makes them: shifts told by drivers, days learned in the evening, then `live`.

What `tests.benchmarks.eta` measures of the method, taken through progress, learning, the stored past and
`fleet.live`, after so many days. Weak point: every driver taps everything, to the second.
"""

from collections.abc import Sequence

import numpy as np

from chalicelib.fleet.calendar import work_clock
from chalicelib.fleet.learning import SETTLES, Learning
from chalicelib.fleet.live import live
from chalicelib.fleet.model import Depot
from chalicelib.fleet.past import Past
from chalicelib.fleet.plans import PlanKey, RouteWrite
from chalicelib.fleet.progress import Progress, Rest, Served
from chalicelib.fleet.store import FleetChanges
from chalicelib.motion.store import MotionChanges
from chalicelib.promises.store import Changes
from chalicelib.routing.finished import FinishedShift
from chalicelib.routing.proof import World
from chalicelib.routing.travel_times import TravelTimes
from chalicelib.routing.uncertainty import Noise
from chalicelib.units import MINUTE, Seconds, Timestamp
from tests.fakes_store import InMemoryStore
from tests.promises.shop import TENANT

type Missed = tuple[Seconds, float, float, float]
"""Predicted lead, and the actual start of service less the 5 %, 50 % and 95 % that were said of it."""


class Office:
    """A depot in memory that hears its vans and learns its days, assuming such noise before."""

    def __init__(self, depot: Depot, travel: TravelTimes, *, noise: Noise | None = None) -> None:
        self.depot, self.travel, self.noise = depot, travel, noise or Noise()
        self.store = InMemoryStore()
        self.learning = Learning(
            self.store,
            lambda _: travel,
            noise=self.noise,
            entropy=lambda count: bytes(range(count)),
        )
        changes = FleetChanges(depot_id=depot.depot_id, fleet_version=0, depot=depot)
        self.store.commit_fleet(TENANT, changes)

    def hear(self, day: Sequence[FinishedShift], plan: PlanKey) -> None:
        """The vans of a day come home."""
        for shift in day:
            write = RouteWrite(depot_id=plan.depot_id, day=plan.day, route=shift.route)
            self.store.commit(TENANT, Changes(routes=(write,)))
            progress = told(shift, plan, round(shift.ends_at))
            self.store.commit_motion(TENANT, MotionChanges(progress=progress))

    def learn(self, plan: PlanKey, now: Timestamp) -> Timestamp | None:
        """What the evening's reminder does."""
        return self.learning.learn(TENANT, plan, now)

    def live_through(self, day: Sequence[FinishedShift], plan: PlanKey) -> None:
        """A day, and its evening."""
        self.hear(day, plan)
        self.learn(plan, max(shift.route.shift.ends_at for shift in day) + SETTLES)

    @property
    def past(self) -> Past:
        """What it knows."""
        return self.store.pasts.stored_past(TENANT, self.depot)

    def missed(self, shift: FinishedShift, plan: PlanKey, at: Timestamp, past: Past) -> list[Missed]:
        """By how much each stop ahead is missed at a moment of a shift."""
        clock = work_clock(self.depot, plan.day, plan.day)
        world = World(clock=clock, noise=self.noise, target=0.98)
        seen = live(shift.route, told(shift, plan, at), at, world=world, travel=self.travel, past=past)
        stops = shift.route.stops["stop_id"].tolist()
        starts = dict(zip(stops, shift.started_at.tolist(), strict=True))
        return [
            (
                said.expected_at - at,
                starts[stop_id] - said.earliest_at,
                starts[stop_id] - said.expected_at,
                starts[stop_id] - said.latest_at,
            )
            for stop_id, said in seen.arrivals.items()
            if starts[stop_id] > at
        ]


def told(shift: FinishedShift, plan: PlanKey, until: Timestamp) -> Progress:
    """What is known of a shift by then, if its driver taps everything."""
    served, rests, drove_on = list[Served](), list[Rest](), shift.left_at
    times = zip(
        shift.route.stops["stop_id"].tolist(),
        *(np.rint(part).astype(int).tolist() for part in (shift.arrived_at, shift.done_at, shift.rested)),
        strict=True,
    )
    for stop_id, came, left, rested in times:
        if rested and drove_on <= until:
            ended_at = drove_on + rested
            rests.append(Rest(began_at=drove_on, ended_at=ended_at if ended_at <= until else None))
        if came > until:
            break
        done = left <= until
        served.append(
            Served(
                stop_id=stop_id,
                arrived_at=came,
                left_at=left if done else None,
                outcome="delivered_to_recipient" if done else None,
            )
        )
        drove_on = left
    return Progress(
        shift_id=shift.route.shift.shift_id,
        plan=plan,
        driver=shift.driver,
        departed_at=shift.left_at if shift.left_at <= until else None,
        served=tuple(served),
        rests=tuple(rests),
        milestones=1 + len(served),
    )


def judged(missed: Sequence[Missed], lead: int | None = None) -> str:
    """Mean error in minutes, coverage in percent, mean width in minutes; of those about so far away."""
    rows = np.array(missed) / MINUTE
    if lead is not None:
        rows = rows[np.abs(rows[:, 0] - lead) <= lead / 5]
    _, low, middle, high = rows.T
    covered = (low >= -0.01) & (high <= 0.01)
    return f"{np.abs(middle).mean():9.2f} {100 * covered.mean():6.1f} {(low - high).mean():7.1f}"
