"""One run of the worker on a plan: the plan as it is known by now, and what was done to it.

Each change is one transaction on the versions it was computed from, with the run's record and one fact that
names the moves. Weak point: a run reads all routes of a plan again whenever one of them was written by
somebody else.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from chalicelib.dispatch.model import Move, Replan, ReplanState, Standing
from chalicelib.dispatch.store import DispatchStore, PlanChanges
from chalicelib.errors import StaleWrite
from chalicelib.events import Actor, Fact, FactKind, Tenant
from chalicelib.fleet.ids import promise_id
from chalicelib.fleet.model import Depot
from chalicelib.fleet.planning import DepotPlans, Planner
from chalicelib.fleet.plans import UNASSIGNED, PlanKey
from chalicelib.fleet.progress import Progress
from chalicelib.fleet.risk import Risk, visits, waiting
from chalicelib.routing.change import Change
from chalicelib.routing.model import StopKind
from chalicelib.routing.packed import Route
from chalicelib.units import Timestamp


class Run:
    """A run, its plan read strongly."""

    def __init__(
        self,
        store: DispatchStore,
        planner: Planner,
        tenant: Tenant,
        depot: Depot,
        record: Replan,
        now: Timestamp,
    ) -> None:
        self._store, self._planner = store, planner
        self._tenant, self._depot, self._record = tenant, depot, record
        self.now = now
        self.plans = self.read_again()
        self._why: dict[str, None] = {}
        self._applied = 0

    @property
    def plan(self) -> PlanKey:
        """Which plan it is."""
        return self._record.plan

    @property
    def replan_id(self) -> str:
        """Id of this run's record."""
        return self._record.replan_id

    @property
    def routes(self) -> list[Route]:
        """The vans' routes of the plan, as they are known by now."""
        plans = self.plans
        return [route for route, day in zip(plans.routes, plans.days, strict=True) if day == self.plan.day]

    @property
    def waiting(self) -> Route | None:
        """What no van of the plan has."""
        return next((route for day, route in self.plans.unassigned if day == self.plan.day), None)

    def versions(self) -> dict[str, int]:
        """Versions of the plan's routes as this run leaves them."""
        return {route.shift.shift_id: route.version for route in self.routes if route.version}

    def read_again(self) -> DepotPlans:
        """Somebody else wrote: know the plan as it is now."""
        day = self.plan.day
        self.plans = self._planner.read(self._tenant, self._depot, day, day, now=self.now, consistent=True)
        return self.plans

    def progresses(self) -> dict[str, Progress]:
        """How far the vans of the plan are, by shift; whoever nothing was heard of is missing."""
        return dict(self._store.progresses(self._tenant, self.plan))

    def because(self, why: str) -> None:
        """Remember why something was not changed."""
        self._why[f"{why[0].upper()}{why[1:].rstrip('.')}."] = None

    def commit(self, change: Change, routes: Sequence[Route], known: Sequence[Progress] = ()) -> bool:
        """Write a change; False if it was computed from what is no longer so, and nothing was written.

        Parameters
        ----------
        routes
            What is to be stored of it, whole and changed.
        known
            Progress that it was computed from: written only if there is no milestone more.
        """
        record = replace(
            self._record,
            moves=(*self._record.moves, *_moves(change)),
            seconds_saved=self._record.seconds_saved + change.seconds_saved,
        )
        changes = PlanChanges(
            routes=tuple(self.plans.write(route) for route in routes),
            known=tuple(known),
            replan=record,
            facts=(_replanned(record, change, self.now),),
        )
        try:
            self._store.commit_plan(self._tenant, changes)
        except StaleWrite:
            return False
        self._record = replace(record, version=record.version + 1)
        self._applied += 1
        for route in routes:
            self.plans = self.plans.with_route(replace(route, version=route.version + 1))
        return True

    def finished(self, routes: Sequence[Route] | None = None) -> Replan:
        """The record as it ends; the promises of these routes are judged, those of the plan if not given."""
        return replace(
            self._record,
            state=ReplanState.APPLIED if self._applied else ReplanState.UNCHANGED,
            standing=self._standing(self.routes if routes is None else routes),
            why=None if self._applied else " ".join(self._why) or "There is nothing to improve yet.",
        )

    def _standing(self, routes: Sequence[Route]) -> Standing:
        """Judge promises; the cost is the scenarios of each route."""
        plans = self.plans
        driven = [route for route in routes if len(route.stops) and route.driven]
        judged = visits(driven, self.now, world=plans.world, travel=plans.travel)
        nobodys = [route for route in (*routes, self.waiting) if route is not None and not route.driven]
        left = [waiting(route, self.now, plans.world.closed) for route in nobodys]
        counts = Counter(visit.risk for here in (*judged, *left) for visit in here)
        return Standing(kept=counts[Risk.KEPT], at_risk=counts[Risk.AT_RISK], broken=counts[Risk.BROKEN])


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
        data={
            "replan_id": record.replan_id,
            "seconds_saved": change.seconds_saved,
            "moves": moves,
            "shifts": [route.shift.shift_id for route in change.after if route.shift.shift_id != UNASSIGNED],
        },
    )
