"""Whose promise is in danger on the road: said once, before it breaks, and taken back when it is over.

Whenever a van passes a milestone, its route is replanned, or time went by without either (`when_next`), what
is left of the route is judged. A promise that is kept too rarely is at risk; it has recovered only when it is
kept clearly more often, so that jitter says nothing; it is broken when its window has closed and no van was
there. Of a van that is silent while a window is about to close, nobody says that it will be kept. Whoever
gets at risk asks for a repair of the plan in the same transaction, and whoever stays so asks again as time
goes by. Weak point: where no van of a plan has reported yet, silence says nothing, because its
drivers may have no phones: nobody is warned there.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from enum import StrEnum
from itertools import batched
from typing import Final

from chalicelib.errors import NotFound
from chalicelib.events import Actor, Fact, FactKind, Tenant
from chalicelib.fleet.arrival import EtaStatus
from chalicelib.fleet.live import Live
from chalicelib.fleet.lookout import live_of
from chalicelib.fleet.planning import TravelFor
from chalicelib.fleet.plans import PlanKey, plan_changed
from chalicelib.fleet.progress import Progress
from chalicelib.fleet.service import Fleet
from chalicelib.fleet.turns import has_left, next_after
from chalicelib.motion.expecting import LAST_CALL, expected
from chalicelib.motion.service import MOST_STOPS_A_COMMIT, world_of
from chalicelib.motion.store import MotionChanges, MotionStore
from chalicelib.promises.facts import promise_fact, window_data
from chalicelib.promises.model import Promise, Standing
from chalicelib.promises.placing import Ports
from chalicelib.reminders import Reminder, ReminderKind
from chalicelib.routing.live_eta import USUAL, Status, status_next
from chalicelib.routing.uncertainty import Noise
from chalicelib.units import HOUR, MINUTE, Probability, Seconds, StopId, Timestamp

_LAST_VISITS = 2  # of which a look may be the first to hear that they came late
_LEAVES_WITHIN: Final[Seconds] = 10 * MINUTE  # of the start of its shift, or somebody should know
_TOLERANCE: Final[Seconds] = 5 * MINUTE  # behind what is expected next
_SOONEST: Final[Seconds] = 5 * MINUTE  # between two looks, but where a window closes
_LATEST: Final[Seconds] = 15 * MINUTE
_ASKED_AGAIN_EVERY: Final[Seconds] = 15 * MINUTE  # a repair, for whoever stays at risk
_ASKED_AGAIN_AT: Final[Seconds] = 7 * MINUTE  # of each quarter: windows close on it, and are looked at then
_LOOKS_BEFORE_THE_END: Final = 6  # the part of the time left to a doubtful promise that goes by between two
_MUSTERED: Final[Seconds] = 5 * MINUTE  # how often a plan under way is, however often it is written to
_SWEPT_WITHIN: Final[Seconds] = 2 * MINUTE  # reminders are, so that writing one anew puts none off for ever
_EARLIEST_MIDNIGHT: Final[Seconds] = 14 * HOUR  # before that of UTC: where a local date begins first
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sight:
    """A shift as it was seen.

    Attributes
    ----------
    day
        What is left of it; None if the van is back.
    odds
        How the promises ahead stand.
    silent
        Nothing was heard of it for long, or it should have left by now.
    """

    progress: Progress
    day: Live | None
    odds: Mapping[StopId, Odds]
    silent: bool = False


class Watch:
    """Looks at shifts under way; one per process, holds no state."""

    def __init__(
        self, store: MotionStore, ports: Ports, fleet: Fleet, travel_for: TravelFor, *, noise: Noise
    ) -> None:
        self._store, self._ports, self._fleet = store, ports, fleet
        self._travel_for, self._noise = travel_for, noise

    def look(self, tenant: Tenant, plan: PlanKey, shift_id: str, now: Timestamp) -> int:
        """Judge what is left of a shift's route, because something was heard of it, or it was replanned.

        May be done twice or late: what is known already is not said again.

        Returns
        -------
        How many promises stand otherwise than before.
        """
        progress = self._store.progress(tenant, plan, shift_id)
        if progress is None or not progress.heard:
            return 0
        sight = self._sight(tenant, plan, progress, now)
        if sight is None:
            return 0
        return self._say(tenant, plan, sight, now) + self._look_at_next(tenant, plan, sight, now)

    def expect(self, tenant: Tenant, plan: PlanKey, now: Timestamp) -> None:
        """See to it that the shifts of a plan that was written to are watched when their time has come.

        Cost: one write. Of a plan that is under way, once for all that is written to it in `_MUSTERED`.
        """
        begins = round(datetime.combine(plan.day, time(0), UTC).timestamp()) - _EARLIEST_MIDNIGHT
        soon = -(-(now - _SWEPT_WITHIN) // _MUSTERED) * _MUSTERED
        due = Reminder(kind=ReminderKind.WATCH_PLAN, subject=str(plan), due_at=max(begins, soon))
        self._store.reminders.write_reminder(tenant, due)

    def muster(self, tenant: Tenant, plan: PlanKey, now: Timestamp) -> Timestamp | None:
        """Have each shift of a plan watched that is loaded by now: nobody is added to it any more.

        Done again it changes nothing, but for a look at whoever should have left.

        Returns
        -------
        When the next shift that has something to deliver is loaded; None if there is none.
        """
        stored = self._store.routes(tenant, plan.depot_id, first=plan.day, last=plan.day, consistent=True)
        loads_at = list[Timestamp]()
        for route in (route for _, route in stored if route.driven and not route.withdrawn):
            shift = route.shift
            if not len(route.promised):
                continue
            if now < shift.loads_at:
                loads_at.append(shift.loads_at)
                continue
            first = shift.starts_at + _LEAVES_WITHIN
            due_at = first if now < first else self.watch(tenant, plan, shift.shift_id, now)
            if due_at is not None:
                self._store.reminders.write_reminder(tenant, _reminder(plan, shift.shift_id, due_at))
        return min(loads_at, default=None)

    def watch(self, tenant: Tenant, plan: PlanKey, shift_id: str, now: Timestamp) -> Timestamp | None:
        """Judge what is left of a shift's route, because time went by; whoever stays at risk asks for help.

        Returns
        -------
        When to do it again: see `when_next`; while somebody is in doubt, at the latest when it is time
        to ask.
        """
        progress = self._store.progress(tenant, plan, shift_id)
        known = progress or Progress(shift_id=shift_id, plan=plan)
        sight = self._sight(tenant, plan, known, now)
        day = sight.day if sight is not None else None
        if sight is None or day is None:
            return None
        if not known.heard and not any(each.heard for each in self._store.progresses(tenant, plan).values()):
            return when_next(day, sight.odds, now)
        # All vans of a plan ask at the same moments, so that one repair answers them all.
        since = (now - _ASKED_AGAIN_AT) % _ASKED_AGAIN_EVERY
        self._say(tenant, plan, sight, now, asks_again=since < _SOONEST)
        self._look_at_next(tenant, plan, sight, now)
        then = when_next(day, sight.odds, now)
        if then is None or all(odds.kept >= USUAL.safe_above for odds in sight.odds.values()):
            return then
        return min(then, now - since + _ASKED_AGAIN_EVERY)

    def _look_at_next(self, tenant: Tenant, plan: PlanKey, sight: _Sight, now: Timestamp) -> int:
        """Whoever is not back in time may be late for the next shift; whoever is back may not be after all.

        Cost: nothing for a van that will be back in time; else a read, and a look at the next shift.
        """
        day, shift_id = sight.day, sight.progress.shift_id
        if day is not None and day.back_at is not None and day.back_at[-1] <= day.rest.shift.ends_at:
            return 0
        found = self._store.routes(tenant, plan.depot_id, first=plan.day, last=plan.day, consistent=False)
        routes = {route.shift.shift_id: route for _, route in found}
        after = next_after(routes[shift_id], routes.values()) if shift_id in routes else None
        if after is None or not len(after.promised):
            return 0
        known = self._store.progress(tenant, plan, after.shift.shift_id)
        if has_left(known):
            return 0
        known = known or Progress(shift_id=after.shift.shift_id, plan=plan)
        then = self._sight(tenant, plan, known, now)
        return self._say(tenant, plan, then, now) if then is not None else 0

    def _say(
        self, tenant: Tenant, plan: PlanKey, sight: _Sight, now: Timestamp, *, asks_again: bool = False
    ) -> int:
        visits = sight.progress.served[-_LAST_VISITS:]
        came = {each.stop_id: each.arrived_at for each in visits if each.stop_id not in sight.odds}
        return sum(
            self._told(tenant, plan, some, sight, came, now, asks_again=asks_again)
            for some in batched([*sight.odds, *came], MOST_STOPS_A_COMMIT)
        )

    def _sight(self, tenant: Tenant, plan: PlanKey, progress: Progress, now: Timestamp) -> _Sight | None:
        """See how the promises ahead of a van stand; None if there is no such shift any more."""
        try:
            duty = self._fleet.duty(tenant, progress.shift_id, place=plan)
        except NotFound:
            return None
        if progress.is_back:
            return _Sight(progress=progress, day=None, odds={})
        travel, world = self._travel_for(duty.depot), world_of(duty, self._noise)
        day = live_of(self._store, tenant, duty, progress, now, world=world, travel=travel)
        moves = progress.down_at is None
        odds = {
            stop_id: Odds(
                kept=day.kept[stop_id], expected_at=day.arrivals[stop_id].expected_at if moves else None
            )
            for stop_id in day.rest.promised_ids
        }
        status = {each.status for each in day.arrivals.values()}
        late = progress.departed_at is None and now >= duty.route.shift.starts_at + _LEAVES_WITHIN
        return _Sight(progress=progress, day=day, odds=odds, silent=late or EtaStatus.STALE in status)

    def _told(
        self,
        tenant: Tenant,
        plan: PlanKey,
        stop_ids: Sequence[StopId],
        sight: _Sight,
        came: Mapping[StopId, Timestamp],
        now: Timestamp,
        *,
        asks_again: bool,
    ) -> int:
        """Write what is new of some promises, and ask for help where somebody got into danger."""

        def attempt() -> int:
            known = self._store.promises_named(tenant, list(stop_ids))
            stands = {each.stop_id: _standing(each, sight, came, now) for each in known}
            changed = [each for each in known if stands[each.stop_id] is not each.standing]
            steps = [_step(each, stands[each.stop_id], sight, now) for each in changed]
            facts = [fact for _, fact in steps]
            stepped = {each.stop_id: each for each, _ in steps}
            elsewhere = [
                step
                for each in known
                if (step := _expected(stepped.get(each.stop_id, each), sight, now)) is not None
            ]
            stepped |= {each.stop_id: each for each, _ in elsewhere}
            facts += [fact for _, fact in elsewhere]
            if any(stands[each.stop_id] is Standing.AT_RISK for each in changed):
                facts.append(plan_changed(plan, now, "at_risk", troubled=True))
            elif asks_again and any(_may_be_helped(each, sight, now) for each in known):
                facts.append(plan_changed(plan, now, "still_at_risk", troubled=True))
            if facts:
                promises = tuple(stepped.values())
                self._store.commit_motion(tenant, MotionChanges(promises=promises, facts=tuple(facts)))
            return len(steps)

        return self._ports.retried(attempt)


def shift_of(subject: str) -> tuple[PlanKey, str]:
    """Read which shift a reminder is about: no id holds a slash."""
    plan, _, shift_id = subject.rpartition("/")
    return PlanKey.parse(plan), shift_id


def when_next(day: Live, odds: Mapping[StopId, Odds], now: Timestamp) -> Timestamp | None:
    """Say when to look at a shift again if nothing is heard of it until then.

    When what is expected next did not happen; the sooner, the less time is left for whoever is in doubt; and
    as soon as a window has closed. Not sooner than `_SOONEST` but for that, and about `_LATEST` at most.

    Returns
    -------
    None when every window is over: nobody can get at risk any more.
    """
    stops = day.rest.promised
    closes: dict[StopId, Timestamp] = dict(
        zip(stops["stop_id"].tolist(), stops["window_end"].tolist(), strict=True)
    )
    left = {stop_id: end for stop_id, end in closes.items() if end >= now}
    if not left:
        return None
    goes_on = day.rest.shift.starts_at
    awaited = goes_on if goes_on > now else min(day.arrivals[stop_id].expected_at for stop_id in closes)
    gap = awaited + _TOLERANCE - now
    doubtful = [end for stop_id, end in left.items() if odds[stop_id].kept < USUAL.safe_above]
    if doubtful:
        gap = min(gap, (min(doubtful) - now) // _LOOKS_BEFORE_THE_END)
    then, closed = now + min(max(gap, _SOONEST), _LATEST), min(left.values()) + 1
    return closed if closed < then + _SOONEST else then


def _reminder(plan: PlanKey, shift_id: str, due_at: Timestamp) -> Reminder:
    return Reminder(kind=ReminderKind.WATCH_SHIFT, subject=f"{plan}/{shift_id}", due_at=due_at)


def _standing(promise: Promise, sight: _Sight, came: Mapping[StopId, Timestamp], now: Timestamp) -> Standing:
    """How a promise stands: what is broken stays broken until it gets another window."""
    if promise.standing is Standing.BROKEN:
        return Standing.BROKEN
    odds = sight.odds.get(promise.stop_id)
    if odds is None:
        return Standing.BROKEN if came[promise.stop_id] > promise.window.end else promise.standing
    if promise.state.finished:
        return promise.standing
    if now > promise.window.end:
        return Standing.BROKEN
    if sight.silent and now > promise.window.end - LAST_CALL:
        return Standing.AT_RISK  # wherever the van may be: afterwards it is too late to say so
    status = status_next(_STATUS[promise.standing], odds.kept)
    return Standing.SAFE if status is Status.ON_TIME else Standing.AT_RISK


def _may_be_helped(promise: Promise, sight: _Sight, now: Timestamp) -> bool:
    """Whether a promise is at risk, still to be kept, and of a van that is known to be somewhere."""
    ahead = promise.stop_id in sight.odds and not promise.state.finished
    known = sight.progress.milestones > 0
    return ahead and known and promise.standing is Standing.AT_RISK and now <= promise.window.end


_TOLD_BY = {
    Standing.SAFE: FactKind.PROMISE_RECOVERED,
    Standing.AT_RISK: FactKind.PROMISE_AT_RISK,
    Standing.BROKEN: FactKind.PROMISE_BROKEN,
}


def _step(promise: Promise, stands: Standing, sight: _Sight, now: Timestamp) -> tuple[Promise, Fact]:
    promise = replace(promise, standing=stands, sequence=promise.sequence + 1)
    seen = _seen(stands, sight.odds.get(promise.stop_id), sight)
    data = {"promised_window": window_data(promise.window)} | dict(seen)
    return promise, promise_fact(_TOLD_BY[stands], promise, now, data, actor=Actor.SYSTEM)


def _expected(promise: Promise, sight: _Sight, now: Timestamp) -> tuple[Promise, Fact] | None:
    at = sight.day.arrivals.get(promise.stop_id) if sight.day is not None else None
    if at is None:
        return None
    return expected(promise, at, sight.progress, now, silent=sight.silent)


def _seen(stands: Standing, odds: Odds | None, sight: _Sight) -> Iterator[tuple[str, object]]:
    if odds is None:
        return
    yield "kept_probability", round(odds.kept, 2)
    if odds.expected_at is not None:
        yield "expected_at", odds.expected_at
    if sight.silent and (heard_at := sight.progress.heard_at()):
        yield "silent_since", heard_at
    if stands is Standing.AT_RISK:
        hopeless = status_next(None, odds.kept) is Status.LATE and odds.expected_at is not None
        yield "remedy", str(Remedy.OTHER_SLOT if hopeless else Remedy.REPLAN)
