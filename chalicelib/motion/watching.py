"""Whose promise is in danger on the road: said once, before it breaks, and taken back when it is over.

Whenever a van passes a milestone or its route is replanned, what is left of the route is judged. A promise
that is kept too rarely is at risk; it has recovered only when it is kept clearly more often, so that jitter
says nothing; it is broken when its window has closed and no van was there. Whoever gets at risk asks for a
repair of the plan in the same transaction. Weak point: a van of which nothing is heard is not looked at.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import batched

from chalicelib.errors import NotFound
from chalicelib.events import Actor, Fact, FactKind, Tenant
from chalicelib.fleet.live import live
from chalicelib.fleet.planning import TravelFor
from chalicelib.fleet.plans import PlanKey, plan_changed
from chalicelib.fleet.progress import Progress
from chalicelib.fleet.service import Duty, Fleet
from chalicelib.motion.service import MOST_STOPS_A_COMMIT, world_of
from chalicelib.motion.store import MotionChanges, MotionStore
from chalicelib.promises.facts import promise_fact, window_data
from chalicelib.promises.model import Promise, Standing
from chalicelib.promises.placing import Ports
from chalicelib.routing.live_eta import Status, status_next
from chalicelib.routing.model import StopKind
from chalicelib.routing.uncertainty import Noise
from chalicelib.units import Probability, StopId, Timestamp

_LAST_VISITS = 2  # of which a look may be the first to hear that they came late
_STATUS = {Standing.SAFE: Status.ON_TIME, Standing.AT_RISK: Status.AT_RISK, Standing.BROKEN: Status.LATE}


class Remedy(StrEnum):
    """What may still help a promise at risk."""

    REPLAN = "replan"  # asked for with this very fact
    OTHER_SLOT = "other_slot"  # hardly any plan keeps it: offer the buyer another time


@dataclass(frozen=True, slots=True, kw_only=True)
class Odds:
    """How a promise stands on the road.

    Attributes
    ----------
    kept
        Probability that the van is there within the window.
    expected_at
        When service is expected to start; None where the van stands still for good.
    """

    kept: Probability
    expected_at: Timestamp | None


class Watch:
    """Looks at shifts under way; one per process, holds no state."""

    def __init__(
        self, store: MotionStore, ports: Ports, fleet: Fleet, travel_for: TravelFor, *, noise: Noise
    ) -> None:
        self._store, self._ports, self._fleet = store, ports, fleet
        self._travel_for, self._noise = travel_for, noise

    def look(self, tenant: Tenant, plan: PlanKey, shift_id: str, now: Timestamp) -> int:
        """Judge what is left of a shift's route; gives how many promises stand otherwise than before.

        May be done twice or late: what is known already is not said again.
        """
        progress = self._store.progress(tenant, plan, shift_id)
        if progress is None:
            return 0
        try:
            duty = self._fleet.duty(tenant, shift_id, place=plan)
        except NotFound:
            return 0
        odds = self._odds(duty, progress, now)
        visits = progress.served[-_LAST_VISITS:]
        came = {each.stop_id: each.arrived_at for each in visits if each.stop_id not in odds}
        stop_ids = [*odds, *came]
        return sum(
            self._told(tenant, plan, some, odds, came, now) for some in batched(stop_ids, MOST_STOPS_A_COMMIT)
        )

    def _odds(self, duty: Duty, progress: Progress, now: Timestamp) -> dict[StopId, Odds]:
        """How the promises ahead stand."""
        if progress.is_back:
            return {}
        travel, world = self._travel_for(duty.depot), world_of(duty, self._noise)
        day = live(duty.route, progress, now, world=world, travel=travel)
        stops = zip(day.rest.stops["stop_id"].tolist(), day.rest.stops["kind"].tolist(), strict=True)
        promised = [stop_id for stop_id, kind in stops if kind == StopKind.PROMISED]
        moves = progress.down_at is None
        return {
            stop_id: Odds(
                kept=day.kept[stop_id], expected_at=day.arrivals[stop_id].expected_at if moves else None
            )
            for stop_id in promised
        }

    def _told(
        self,
        tenant: Tenant,
        plan: PlanKey,
        stop_ids: Sequence[StopId],
        odds: Mapping[StopId, Odds],
        came: Mapping[StopId, Timestamp],
        now: Timestamp,
    ) -> int:
        """Write what is new of some promises, and ask for help where somebody got into danger."""

        def attempt() -> int:
            known = self._store.promises_named(tenant, list(stop_ids))
            changed = [
                (promise, stands)
                for promise in known
                if (stands := _standing(promise, odds.get(promise.stop_id), came, now)) != promise.standing
            ]
            steps = [_step(promise, stands, odds.get(promise.stop_id), now) for promise, stands in changed]
            if not steps:
                return 0
            facts = [fact for _, fact in steps]
            if any(stands is Standing.AT_RISK for _, stands in changed):
                facts.append(plan_changed(plan, now, "at_risk", troubled=True))
            promises = tuple(promise for promise, _ in steps)
            self._store.commit_motion(tenant, MotionChanges(promises=promises, facts=tuple(facts)))
            return len(steps)

        return self._ports.retried(attempt)


def _standing(
    promise: Promise, odds: Odds | None, came: Mapping[StopId, Timestamp], now: Timestamp
) -> Standing:
    """How a promise stands: what is broken stays broken until it gets another window."""
    if promise.standing is Standing.BROKEN:
        return Standing.BROKEN
    if odds is None:
        return Standing.BROKEN if came[promise.stop_id] > promise.window.end else promise.standing
    if promise.state.finished:
        return promise.standing
    if now > promise.window.end:
        return Standing.BROKEN
    status = status_next(_STATUS[promise.standing], odds.kept)
    return Standing.SAFE if status is Status.ON_TIME else Standing.AT_RISK


_TOLD_BY = {
    Standing.SAFE: FactKind.PROMISE_RECOVERED,
    Standing.AT_RISK: FactKind.PROMISE_AT_RISK,
    Standing.BROKEN: FactKind.PROMISE_BROKEN,
}


def _step(promise: Promise, stands: Standing, odds: Odds | None, now: Timestamp) -> tuple[Promise, Fact]:
    promise = replace(promise, standing=stands, sequence=promise.sequence + 1)
    data = {"promised_window": window_data(promise.window)} | dict(_seen(stands, odds))
    return promise, promise_fact(_TOLD_BY[stands], promise, now, data, actor=Actor.SYSTEM)


def _seen(stands: Standing, odds: Odds | None) -> Iterator[tuple[str, object]]:
    if odds is None:
        return
    yield "kept_probability", round(odds.kept, 2)
    if odds.expected_at is not None:
        yield "expected_at", odds.expected_at
    if stands is Standing.AT_RISK:
        hopeless = status_next(None, odds.kept) is Status.LATE and odds.expected_at is not None
        yield "remedy", str(Remedy.OTHER_SLOT if hopeless else Remedy.REPLAN)
