"""The worker's side of plans: bookings ask for a look at the plan they changed, trouble on the road at once.

Requests are numbered, those for an improvement and those for a repair apart; a run covers every request made
before it began, so a busy minute costs one run. Whatever a run changes is judged with the code that sold the
promises and committed on the versions it was computed from. Weak point: who is asked to improve never looks
at vans that are loaded, who is asked to repair only at trouble; a late booking on a half-loaded plan is the
former's.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

from chalicelib.dispatch.budget import seconds_for
from chalicelib.dispatch.improving import Pause, improve
from chalicelib.dispatch.model import LONGEST_RUN, Replan, ReplanState, Work
from chalicelib.dispatch.repairing import repair
from chalicelib.dispatch.run import Run
from chalicelib.dispatch.store import DispatchStore, PlanChanges
from chalicelib.errors import NotFound
from chalicelib.events import Actor, Tenant
from chalicelib.fleet.ids import replan_id
from chalicelib.fleet.planning import Planner
from chalicelib.fleet.plans import PlanKey, is_on_road, plan_changed
from chalicelib.receipts import Receipt
from chalicelib.routing.optimiser import Budget, Engine
from chalicelib.units import StopId, Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One request for a look at a plan.

    Attributes
    ----------
    number
        Which of the plan's requests for this work it is; None if whoever asked did not count.
    replan_id
        Of the replan somebody asked for; None behind a booking.
    """

    plan: PlanKey
    work: Work = Work.IMPROVE
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
        """Ask for a look at a plan, to be looked up by its id: a repair if it is on the road already.

        Raises
        ------
        NotFound
            The merchant has no such depot.
        """
        if self._store.depot(tenant, depot_id) is None:
            raise NotFound("There is no such depot.")
        plan = PlanKey(depot_id=depot_id, day=day)
        asked = self._new_replan(plan, now, ReplanState.QUEUED)
        stored = self._store.routes(tenant, depot_id, first=day, last=day, consistent=True)
        fact = plan_changed(
            plan,
            now,
            "asked",
            actor=Actor.MERCHANT,
            replan_id=asked.replan_id,
            troubled=any(is_on_road(route, now) for _, route in stored),
        )
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

    def request(self, tenant: Tenant, plan: PlanKey, work: Work) -> int:
        """Count a request; gives its number."""
        return self._store.request(tenant, plan, work)

    def run(self, tenant: Tenant, job: Job, now: Timestamp, *, seconds: float) -> Replan:
        """Improve or repair a plan for one request and for all that were made before this run began.

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
        requests = self._store.requests(tenant, job.plan, job.work)
        record = asked or self._new_replan(job.plan, now, ReplanState.QUEUED)
        if job.number is not None and job.number <= requests.done:
            why = "A run that began after this was asked for has covered it."
            covered = replace(record, state=ReplanState.SUPERSEDED, why=why)
            return self._written(tenant, covered, now) if asked else covered
        record = replace(record, state=ReplanState.RUNNING, began_at=now)
        if asked is not None:
            record = self._written(tenant, record)
        depot = self._store.depot(tenant, job.plan.depot_id)
        if depot is None:
            gone = replace(record, state=ReplanState.FAILED, why="The depot is no longer there.")
            return self._written(tenant, gone, now) if asked else gone
        run = Run(self._store, self._planner, tenant, depot, record, now)
        left = None
        if job.work is Work.REPAIR:
            again = requests.improved == run.versions()
            left = repair(run, self._budget(seconds), engine=self._engine(), again=again)
        else:
            worth = seconds_for(run.routes, requests.improved, now, asked=asked is not None)
            improve(
                run,
                requests.improved,
                self._budget(min(worth, seconds)),
                engine=self._engine(),
                pause=self._pause,
                patient=asked is not None,
            )
        if requests.requested:
            covered_until = requests.requested
            self._store.finish_requests(tenant, job.plan, job.work, covered_until, run.versions())
        finished = run.finished(left)
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
