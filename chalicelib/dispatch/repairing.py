"""Repairing a plan that is on the road: what is left of its routes is replanned around whoever is in trouble.

A van's own word says how far it is; one that nothing was heard of is taken to be where its plan says. A road
that one driver found closed is closed for all of them. A change is written only if no van in it has come
further meanwhile; else all of it is looked at again, because on the road nothing is still where it was. Weak
point: a route that was planned around a closed road keeps its long ways until it is planned again.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from chalicelib.dispatch.run import Run
from chalicelib.fleet.plans import UNASSIGNED
from chalicelib.fleet.progress import Progress, Trouble, as_planned, underway
from chalicelib.routing.altered import Cause, altered
from chalicelib.routing.change import Change
from chalicelib.routing.closed import reached
from chalicelib.routing.closed_roads import ClosedPlace, around
from chalicelib.routing.edit import reordered
from chalicelib.routing.neighbourhoods import neighbourhoods
from chalicelib.routing.objective import Circumstances, OnTheRoad
from chalicelib.routing.optimiser import Budget, Engine
from chalicelib.routing.packed import Route
from chalicelib.routing.proof import Judged, judge
from chalicelib.routing.replan import replan
from chalicelib.routing.travel_times import TravelTimes
from chalicelib.routing.underway import Underway, on_road, rest_of, whole

LOOKS: Final = 3  # at a plan that goes on while it is looked at
LEAST_SECONDS: Final = 1.0
LONGEST_SECONDS: Final = 4.0
STOPS_A_SECOND: Final = 50


def seconds_for(stops: int, *, again: bool = False) -> float:
    """Measure out a repair by the stops that are left: 1.6 s for 30, 4 s from 150 on; twice that `again`."""
    return min(LEAST_SECONDS + stops / STOPS_A_SECOND, LONGEST_SECONDS) * (1 + again)


def repair(run: Run, budget: Budget, *, engine: Engine, again: bool = False) -> list[Route]:
    """Replan around each van in trouble, and around what no van has.

    Parameters
    ----------
    budget
        Of the whole run; each look at the day takes its share.
    again
        No route was written since the last repair, which left somebody at risk: think longer.

    Returns
    -------
    What is left of the plan's routes.
    """
    day = _Day.of(run)
    for look in range(LOOKS):
        if look:
            run.read_again()
            day = _Day.of(run)
        worth = seconds_for(sum(len(rest.stops) for rest in day.rests.values()), again=again)
        if _repaired(run, day, budget.share(worth), engine):
            break
    else:
        run.because("The day went on faster than a change, every time.")
    return list(day.rests.values())


def _repaired(run: Run, day: "_Day", budget: Budget, engine: Engine) -> bool:
    """Replan group after group; False if the day went on, so that the rest is to be looked at again."""
    troubled = day.troubled()
    if not troubled and run.waiting is None:
        run.because("Nobody is in trouble.")
    for group in neighbourhoods(list(day.rests.values()), run.waiting, troubled, run.now, everywhere=False):
        if budget.left <= 0:
            run.because("There was no time left for the rest of the trouble.")
            break
        rests = [day.rests[rest.shift.shift_id] for rest in group]
        found = replan(
            [rest for rest in rests if rest.driven],
            run.waiting,
            day.circumstances,
            budget,
            stranded=[rest for rest in rests if not rest.driven],
            engine=engine,
        )
        if found.unchanged:
            run.because(found.unchanged)
        for change in found.changes:
            if not day.write(run, change):
                return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Day:
    """Where the vans of a plan are.

    Attributes
    ----------
    rests
        What is left of each route, by shift; of one that has not begun all of it.
    underway, progress
        Of those that have begun, by shift.
    judged
        The rests, as they were when the day was looked at; of vans that drive.
    detoured
        Shifts whose way goes around a closed road.
    """

    rests: dict[str, Route]
    underway: Mapping[str, Underway]
    progress: Mapping[str, Progress]
    judged: Mapping[str, Judged]
    detoured: frozenset[str]
    circumstances: Circumstances

    @staticmethod
    def of(run: Run) -> "_Day":
        """Look at a day."""
        now, world = run.now, on_road(run.plans.world)
        heard = run.progresses()
        travel = around(run.plans.travel, _closed(heard.values()), now)
        begun = dict[str, Underway]()
        progress = dict[str, Progress]()
        rests = dict[str, Route]()
        detoured = set[str]()
        routes = [route for route in run.routes if not route.withdrawn or len(route.stops)]
        for route, planned in zip(routes, judge(routes, now, run.plans.world), strict=True):
            shift_id = route.shift.shift_id
            word = heard.get(shift_id)
            word = word if word is not None and word.heard else None
            if word is not None and word.is_back:
                continue
            rests[shift_id] = route
            if word is not None:
                begun[shift_id] = underway(route, word, now, travel)
            elif now >= route.shift.starts_at:
                begun[shift_id] = as_planned(route, planned.start[:-1].tolist(), now)
            if shift_id in begun:
                progress[shift_id] = word or Progress(shift_id=shift_id, plan=run.plan)
                rests[shift_id] = rest_of(route, begun[shift_id], travel)
            if travel is not run.plans.travel:
                anew = _driven_anew(rests[shift_id], travel)
                if anew is not rests[shift_id]:
                    rests[shift_id] = anew
                    detoured.add(shift_id)
        driven = [rest for rest in rests.values() if rest.driven]
        return _Day(
            rests=rests,
            underway=begun,
            progress=progress,
            judged={
                rest.shift.shift_id: judged
                for rest, judged in zip(driven, judge(driven, now, world), strict=True)
            },
            detoured=frozenset(detoured),
            circumstances=Circumstances(
                travel=travel,
                world=world,
                now=now,
                on_road=OnTheRoad(towards={shift: each.towards for shift, each in begun.items()}),
            ),
        )

    def troubled(self) -> list[str]:
        """The shifts that do not keep what they have, whoever stands still first, then the worst."""
        target = self.circumstances.world.target
        odds: dict[str, float] = {
            shift_id: -1.0 for shift_id, rest in self.rests.items() if not rest.driven and len(rest.stops)
        }
        odds |= {
            shift_id: float(judged.kept.sum() - len(judged.kept))
            for shift_id, judged in self.judged.items()
            if len(self.rests[shift_id].stops) and not judged.sound(target)
        }
        return sorted(odds, key=lambda shift_id: (self.rests[shift_id].driven, odds[shift_id]))

    def write(self, run: Run, change: Change) -> bool:
        """Put what changed back under what is behind, and store it unless a van has come further."""
        stored = {route.shift.shift_id: route for route in run.routes}
        changed = {
            new.shift.shift_id: new
            for old, new in zip(change.before, change.after, strict=True)
            if old is not new
        }
        because = self._because(change)
        routes = [
            altered(
                stored[shift_id],
                self._whole(stored[shift_id], new),
                because=because,
                by=run.replan_id,
                now=run.now,
            )
            for shift_id, new in changed.items()
        ]
        known = [
            self.progress[old.shift.shift_id] for old in change.before if old.shift.shift_id in self.progress
        ]
        if not run.commit(change, routes, known):
            return False
        written = {route.shift.shift_id: route for route in routes}
        for shift_id in self.rests.keys() & changed.keys():
            new = changed[shift_id]
            self.rests[shift_id] = replace(new, version=new.version + 1, altered=written[shift_id].altered)
        return True

    def _whole(self, stored: Route, rest: Route) -> Route:
        """A route as it is to be stored, with what is behind of it."""
        underway = self.underway.get(stored.shift.shift_id)
        return rest if underway is None else whole(stored, underway, rest, self.circumstances.travel)

    def _because(self, change: Change) -> Cause:
        """What made it necessary, as its drivers are told."""
        vans = [route for route in change.before if route.shift.shift_id != UNASSIGNED]
        if not all(route.driven for route in vans):
            return Cause.VAN_BROKE_DOWN
        if len(vans) < len(change.before):
            return Cause.NO_VAN_HAD_IT
        if any(route.shift.shift_id in self.detoured for route in vans):
            return Cause.ROAD_CLOSED
        if any(reached(route, self.circumstances.world.closed, self.circumstances.now) for route in vans):
            return Cause.CLOSURE
        return Cause.PROMISE_AT_RISK


def _closed(heard: Iterable[Progress]) -> Iterator[ClosedPlace]:
    """The roads that drivers found closed."""
    for progress in heard:
        for incident in progress.incidents:
            place, radius, until = incident.location, incident.radius, incident.until_at
            if incident.kind is Trouble.ROAD_CLOSED and place and radius and until:
                yield ClosedPlace(location=place, radius_metres=radius, until_at=until)


def _driven_anew(rest: Route, travel: TravelTimes) -> Route:
    """The same order on roads that are not what they were; the very same route if no leg is longer."""
    anew = reordered(rest, [(rest, at) for at in range(len(rest.stops))], travel)
    same = (anew.stops["leg_seconds"] == rest.stops["leg_seconds"]).all() and anew.last_leg == rest.last_leg
    return rest if same else anew
