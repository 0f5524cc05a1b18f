"""A shift as it was driven, and how it looked at any moment of it: what history learns from.

Weak point: the order of the stops is the one that was driven in the end; what the plan had before a replan is
not told, so a forecast is judged as if it had known the order.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from chalicelib.routing.activity import Activity, Doing
from chalicelib.routing.doors import Known, door_of
from chalicelib.routing.pace import Door, Habits, Pace
from chalicelib.routing.packed import Route
from chalicelib.routing.travel_times import WorkClock
from chalicelib.units import Timestamp

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldVisit:
    """A visit as it was told.

    Attributes
    ----------
    sure
        Somebody said when the van came.
    """

    arrived_at: Timestamp
    left_at: Timestamp
    sure: bool


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class FinishedShift:
    """What one driver did on one shift, stop by stop; all arrays have shape (stops,).

    Attributes
    ----------
    route
        The stops in the order driven, each leg from the stop before; the breaks the shift had.
    left_at
        When the van left the depot.
    arrived_at, started_at, done_at
        At each door: reaching it, start of service (later where the van waited), driving on.
    rested
        Seconds of break before driving to each stop; each takes one of the shift's breaks, in order.
    told
        Whether somebody said when the van came there and drove on: of others nothing is learned.
    doors
        What was known of each door when the shift began, shape (stops, 2): visits and residual.
    """

    driver: str
    route: Route
    left_at: Timestamp
    arrived_at: Floats
    started_at: Floats
    done_at: Floats
    rested: Floats
    told: NDArray[np.bool_]
    doors: Floats

    @staticmethod
    def of(
        route: Route,
        visits: Sequence[ToldVisit],
        rests: Iterable[tuple[Timestamp, Timestamp]],
        *,
        driver: str,
        left_at: Timestamp,
        doors: Known | None,
    ) -> "FinishedShift":
        """Make one of what was told of a shift.

        Where nobody said when the van came, where a break fell into the visit, or where times contradict each
        other, a stop is a point on the way and teaches nothing.

        Parameters
        ----------
        route
            The stops in the order of the visits.
        rests
            Beginning and end of the breaks that were taken.
        """
        arrived = np.array([visit.arrived_at for visit in visits], np.float64)
        done = np.array([visit.left_at for visit in visits], np.float64)
        drove_on = np.concatenate([[left_at], done[:-1]])
        rested, told = np.zeros(len(visits)), np.array([visit.sure for visit in visits], np.bool_)
        for began_at, ended_at in rests:
            rested[(drove_on <= began_at) & (began_at < arrived)] += ended_at - began_at
            told &= ~((arrived <= began_at) & (began_at < done))
        started = np.maximum(arrived, route.stops["window_start"])
        return FinishedShift(
            driver=driver,
            route=route,
            left_at=left_at,
            arrived_at=arrived,
            started_at=started,
            done_at=done,
            rested=rested,
            told=told & (drove_on + rested < arrived) & (started < done),
            doors=np.zeros((len(visits), 2)) if doors is None else doors,
        )

    def __len__(self) -> int:
        """Count the stops."""
        return len(self.arrived_at)

    @property
    def ends_at(self) -> float:
        """Leaving the last door."""
        return float(self.done_at[-1]) if len(self) else float(self.left_at)

    @property
    def leg_began_at(self) -> Floats:
        """Driving off to each stop, a break before it over."""
        return np.concatenate([[self.left_at], self.done_at[:-1]]) + self.rested

    def legs(self, clock: WorkClock) -> tuple[Floats, Floats]:
        """Seconds each leg should have taken in the traffic of its hour, 0 if not told, and those it took."""
        began = self.leg_began_at
        planned = clock.clock(clock.work(began) + self.route.stops["leg_seconds"]) - began
        return planned * self.told, self.arrived_at - began

    def visits(self) -> tuple[Floats, Floats]:
        """Seconds planned at each door, 0 if not told, and the seconds it took."""
        return self.route.stops["service_time"] * self.told, self.done_at - self.started_at

    def door(self, stop: int) -> Door:
        """What was known of a stop's door."""
        return door_of(self.doors, stop)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Moment:
    """How a shift looked at one moment: what `arrivals` asks for, and which stop is the first of the rest."""

    at: Timestamp
    rest: Route
    pace: Pace
    activity: Activity
    first: int


class Replay:
    """A finished shift lived through once more, with the habits of somebody who did not know it yet."""

    def __init__(self, shift: FinishedShift, clock: WorkClock, habits: Habits) -> None:
        self.shift = shift
        legs, visits = shift.legs(clock), shift.visits()
        pace = Pace.at_start(habits)
        self.paces = [pace]  # before each leg, and at each door
        began = shift.leg_began_at.tolist()
        each = zip(*(part.tolist() for part in (*legs, *visits)), strict=True)
        for stop, (leg, drove, visit, served) in enumerate(each):
            pace = pace.drove(leg, drove, round(began[stop]))
            self.paces.append(pace)
            pace = pace.served(visit, served, door=shift.door(stop))
            self.paces.append(pace)

    def at(self, now: Timestamp) -> Moment:
        """How it looked then."""
        shift = self.shift
        done = int(np.searchsorted(shift.done_at, now, side="right"))
        left = float(shift.done_at[done - 1]) if done else float(shift.left_at)
        rests = int(np.count_nonzero(shift.rested[: done + 1]))
        if done == len(shift):
            return self._moment(
                now, done, Activity(doing=Doing.DRIVING, since=round(left)), done=done, rests=rests
            )
        if now < shift.left_at:
            return self._moment(now, 0, Activity(doing=Doing.NOT_LEFT, since=now), done=0, rests=0)
        if now < left + shift.rested[done]:
            resting = Activity(doing=Doing.RESTING, since=round(left), planned=round(shift.rested[done]))
            return self._moment(now, done, resting, done=done, rests=rests)
        if now < shift.arrived_at[done]:
            driving = Activity(doing=Doing.DRIVING, since=round(left + shift.rested[done]))
            return self._moment(now, done, driving, done=done, rests=rests)
        visiting = Activity(
            doing=Doing.AT_DOOR,
            since=round(shift.started_at[done]),
            planned=int(shift.route.stops["service_time"][done]),
            door=shift.door(done),
            drove_off_at=round(left + shift.rested[done]),
        )
        return self._moment(now, done + 1, visiting, done=done, rests=rests)

    def _moment(self, now: Timestamp, first: int, activity: Activity, *, done: int, rests: int) -> Moment:
        route = self.shift.route
        rest = replace(
            route,
            stops=route.stops[first:],
            shift=replace(route.shift, breaks=route.shift.breaks[rests:]),
        )
        pace = self.paces[2 * done + (activity.doing is Doing.AT_DOOR)]
        return Moment(at=now, rest=rest, pace=pace, activity=activity, first=first)
