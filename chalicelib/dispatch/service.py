"""The worker's side of a plan: each booking asks for a look at the plan it changed, and the look improves it.

Requests are numbered; a run covers every request made before it began, so a busy minute costs one run. A run
improves a few routes at a time, judges them with the code that sold them, and commits each group of routes
that exchanged stops on the versions it was computed from. When a booking slipped in, the change is put on
the routes as they are now, or dropped; the booking stands in any case. Weak point: a group that meets
bookings again and again is left as it is, until the next request.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from chalicelib.dispatch.budget import seconds_for
from chalicelib.dispatch.model import LONGEST_RUN, Move, Replan, ReplanState, Standing
from chalicelib.dispatch.store import DispatchStore, PlanChanges
from chalicelib.errors import NotFound, StaleWrite
from chalicelib.events import Actor, Fact, FactKind, Tenant
from chalicelib.fleet.ids import promise_id, replan_id
from chalicelib.fleet.model import Depot
from chalicelib.fleet.planning import DepotPlans, Planner
from chalicelib.fleet.plans import UNASSIGNED, PlanKey, plan_changed
from chalicelib.fleet.risk import Risk, visits, waiting
from chalicelib.receipts import Receipt
from chalicelib.routing.change import Change
from chalicelib.routing.model import StopKind
from chalicelib.routing.neighbourhoods import MOST_ROUTES, neighbourhoods
from chalicelib.routing.objective import Circumstances
from chalicelib.routing.optimiser import Budget, Engine
from chalicelib.routing.packed import Route
from chalicelib.routing.rebase import rebase
from chalicelib.routing.replan import replan as improved
from chalicelib.units import StopId, Timestamp

REBASES: Final = 3
NEIGHBOURHOOD_SECONDS: Final = 1.0
_AS_A_WHOLE = 400  # stops that a solver improves better together than piece by piece
_WORTH_SOLVING = 2  # stops: one alone is where its booking found it best

type Pause = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One request for an improvement.

    Attributes
    ----------
    number
        Which of the plan's requests it is; None if whoever asked did not count.
    replan_id
        Of the replan somebody asked for; None behind a booking.
    """

    plan: PlanKey
    number: int | None = None
    replan_id: str | None = None


class Dispatch:
    """Looks after plans.

    Parameters
    ----------
    engine
        Makes what solves; called by the first run.
    new_number
        A fresh number for a replan's id.
    clock
        Seconds that never go back.
    """

    def __init__(
        self,
        store: DispatchStore,
        planner: Planner,
        *,
        engine: Callable[[], Engine],
        new_number: Callable[[], StopId],
        clock: Callable[[], float],
        pause: Pause,
    ) -> None:
        self._store, self._planner, self._engine = store, planner, engine
        self._new_number, self._clock, self._pause = new_number, clock, pause

    def ask(
        self, tenant: Tenant, depot_id: str, day: date, now: Timestamp, receipt: Receipt[Replan]
    ) -> Replan:
        """Ask for an improvement of a plan, to be looked up by its id.

        Raises
        ------
        NotFound
            The merchant has no such depot.
        """
        if self._store.depot(tenant, depot_id) is None:
            raise NotFound("There is no such depot.")
        plan = PlanKey(depot_id=depot_id, day=day)
        asked = self._new_replan(plan, now, ReplanState.QUEUED)
        fact = plan_changed(plan, now, "asked", actor=Actor.MERCHANT, replan_id=asked.replan_id)
        self._store.commit_plan(tenant, PlanChanges(replan=asked, facts=(fact,), receipt=receipt(asked)))
        return asked

    def replan(self, tenant: Tenant, replan_id: str, now: Timestamp) -> Replan:
        """How far a replan is; one whose worker never came back has failed.

        Raises
        ------
        NotFound
            There is no such replan.
        """
        found = self._store.replan(tenant, replan_id)
        if found is None:
            raise NotFound("There is no such replan.")
        begun = found.began_at if found.began_at is not None else found.requested_at
        if not found.state.finished and now > begun + LONGEST_RUN:
            return replace(found, state=ReplanState.FAILED, why="The worker did not come back.")
        return found

    def request(self, tenant: Tenant, plan: PlanKey) -> int:
        """Count a request for an improvement; gives its number."""
        return self._store.request_improvement(tenant, plan)

    def run(self, tenant: Tenant, job: Job, now: Timestamp, *, seconds: float) -> Replan:
        """Improve a plan for one request and for all that were made before this run began.

        A job that comes twice does nothing the second time.

        Parameters
        ----------
        seconds
            The longest it may take.

        Returns
        -------
        What came of it. It is stored, and has a version, if somebody asked for it or the plan changed.
        """
        asked = self._store.replan(tenant, job.replan_id) if job.replan_id else None
        if asked is not None and asked.state.finished:
            return asked
        requests = self._store.requests(tenant, job.plan)
        record = asked or self._new_replan(job.plan, now, ReplanState.QUEUED)
        if job.number is not None and job.number <= requests.done:
            why = "An improvement that began after this was asked for has covered it."
            covered = replace(record, state=ReplanState.SUPERSEDED, why=why)
            return self._written(tenant, covered, now) if asked else covered
        record = replace(record, state=ReplanState.RUNNING, began_at=now)
        if asked is not None:
            record = self._written(tenant, record)
        depot = self._store.depot(tenant, job.plan.depot_id)
        if depot is None:
            gone = replace(record, state=ReplanState.FAILED, why="The depot is no longer there.")
            return self._written(tenant, gone, now) if asked else gone
        run = _Run(self._store, self._planner, self._engine(), self._pause, tenant, depot, record, now)
        worth = seconds_for(run.plans_of_day, requests.improved, now, asked=asked is not None)
        run.go(requests.improved, self._budget(min(worth, seconds)), patient=asked is not None)
        if requests.requested:
            self._store.finish_requests(tenant, job.plan, requests.requested, run.versions())
        finished = run.finished()
        worth_telling = asked is not None or finished.state is not ReplanState.UNCHANGED
        return self._written(tenant, finished, now) if worth_telling else finished

    def _budget(self, seconds: float) -> Budget:
        return Budget(clock=self._clock, until=self._clock() + seconds)

    def _new_replan(self, plan: PlanKey, now: Timestamp, state: ReplanState) -> Replan:
        return Replan(replan_id=replan_id(self._new_number()), plan=plan, state=state, requested_at=now)

    def _written(self, tenant: Tenant, record: Replan, finished_at: Timestamp | None = None) -> Replan:
        record = replace(record, finished_at=finished_at)
        self._store.commit_plan(tenant, PlanChanges(replan=record))
        return replace(record, version=record.version + 1)


class _Run:
    """One run: the plan as it is known by now, and what was done to it."""

    def __init__(
        self,
        store: DispatchStore,
        planner: Planner,
        engine: Engine,
        pause: Pause,
        tenant: Tenant,
        depot: Depot,
        record: Replan,
        now: Timestamp,
    ) -> None:
        self._store, self._planner, self._engine, self._pause = store, planner, engine, pause
        self._tenant, self._depot, self._record, self._now = tenant, depot, record, now
        self._plans = self._read()
        self._why: dict[str, None] = {}
        self._applied = 0

    @property
    def plans_of_day(self) -> list[Route]:
        """The routes of the plan, as they are known by now."""
        plans = self._plans
        return [route for route, day in zip(plans.routes, plans.days, strict=True) if day == self._day]

    @property
    def _day(self) -> date:
        return self._record.plan.day

    def _read(self) -> DepotPlans:
        day = self._record.plan.day
        return self._planner.read(self._tenant, self._depot, day, day, now=self._now, consistent=True)

    def versions(self) -> dict[str, int]:
        """Versions of the plan's routes as this run leaves them."""
        return {route.shift.shift_id: route.version for route in self.plans_of_day if route.version}

    def go(self, improved_before: Mapping[str, int], budget: Budget, *, patient: bool) -> None:
        """Improve group after group, those that changed since the last run first.

        Parameters
        ----------
        patient
            There is time: a plan that is not too large is improved as a whole, which finds more.
        """
        circumstances = self._circumstances()
        open_routes = [
            route for route in self.plans_of_day if not route.withdrawn and self._now < route.shift.loads_at
        ]
        changed = [
            route.shift.shift_id
            for route in open_routes
            if improved_before.get(route.shift.shift_id, 0) != route.version
        ]
        if not open_routes:
            self._why["No van of this plan can be changed any more."] = None
        whole = patient and sum(len(route.stops) for route in open_routes) <= _AS_A_WHOLE
        most = max(len(open_routes), MOST_ROUTES) if whole else MOST_ROUTES
        for group in neighbourhoods(open_routes, self._waiting(), changed, self._now, most=most):
            if budget.left <= 0:
                self._why["There was no time left for the rest of the plan."] = None
                break
            current = self._plans.same_shifts(group)
            nobodys = self._waiting()
            stops = sum(len(route.stops) for route in current or ())
            if current is None or (stops < _WORTH_SOLVING and nobodys is None):
                continue
            found = improved(
                current,
                nobodys,
                circumstances,
                budget if whole else budget.share(NEIGHBOURHOOD_SECONDS),
                engine=self._engine,
            )
            if found.unchanged:
                self._why[_sentence(found.unchanged)] = None
            for change in found.changes:
                self._apply(change, circumstances)

    def _circumstances(self) -> Circumstances:
        return Circumstances(travel=self._plans.travel, world=self._plans.world, now=self._now)

    def _waiting(self) -> Route | None:
        return next((route for day, route in self._plans.unassigned if day == self._day), None)

    def _apply(self, change: Change, circumstances: Circumstances) -> None:
        """Commit a change on the routes it was computed from, or on what has become of them."""
        for attempt in range(1 + REBASES):
            if attempt:
                self._pause(attempt)
                self._plans = self._read()
                newest = self._plans.same_shifts(change.before)
                rebased = rebase(change, newest, circumstances) if newest else None
                if rebased is None:
                    self._why["What was booked meanwhile left no room for a change."] = None
                    return
                change = rebased
            if self._committed(change):
                return
        self._why["Bookings were faster than a change, every time."] = None

    def _committed(self, change: Change) -> bool:
        changed = [new for old, new in zip(change.before, change.after, strict=True) if old is not new]
        record = replace(
            self._record,
            moves=(*self._record.moves, *_moves(change)),
            seconds_saved=self._record.seconds_saved + change.seconds_saved,
        )
        changes = PlanChanges(
            routes=tuple(self._plans.write(route) for route in changed),
            replan=record,
            facts=(_replanned(record, change, self._now),),
        )
        try:
            self._store.commit_plan(self._tenant, changes)
        except StaleWrite:
            return False
        self._record = replace(record, version=record.version + 1)
        self._applied += 1
        for route in changed:
            self._plans = self._plans.with_route(replace(route, version=route.version + 1))
        return True

    def finished(self) -> Replan:
        """The record as it ends."""
        return replace(
            self._record,
            state=ReplanState.APPLIED if self._applied else ReplanState.UNCHANGED,
            standing=self._standing(),
            why=None if self._applied else " ".join(self._why) or "There is nothing to improve yet.",
        )

    def _standing(self) -> Standing:
        """Judge every promise of the plan; the cost is the scenarios of each route."""
        plans = self._plans
        routes = [route for route in self.plans_of_day if len(route.stops)]
        judged = visits(routes, self._now, world=plans.world, travel=plans.travel)
        nobodys = [
            visit
            for day, route in plans.unassigned
            if day == self._day
            for visit in waiting(route, self._now)
        ]
        counts = Counter(visit.risk for here in [*judged, nobodys] for visit in here)
        return Standing(kept=counts[Risk.KEPT], at_risk=counts[Risk.AT_RISK], broken=counts[Risk.BROKEN])


def _sentence(why: str) -> str:
    return f"{why[0].upper()}{why[1:].rstrip('.')}."


def _moves(change: Change) -> tuple[Move, ...]:
    return tuple(
        Move(
            stop_id=move.stop_id, left=None if move.source == UNASSIGNED else move.source, joined=move.target
        )
        for move in change.moves
    )


def _replanned(record: Replan, change: Change, now: Timestamp) -> Fact:
    """Tell what moved, in the words of merchants; no place, no name."""
    promised = {
        stop.stop_id for route in change.after for stop in route.all_stops() if stop.kind is StopKind.PROMISED
    }
    moves = [
        {"promise_id": promise_id(move.stop_id), "from": move.left, "to": move.joined}
        for move in _moves(change)
        if move.stop_id in promised
    ]
    return Fact(
        kind=FactKind.PLAN_REPLANNED,
        at=now,
        actor=Actor.SYSTEM,
        subject=str(record.plan),
        sequence=0,
        data={"replan_id": record.replan_id, "seconds_saved": change.seconds_saved, "moves": moves},
    )
