"""A shift's day, as its driver reports it: events in, promises moved on, facts out.

A batch is taken in parts of at most `MOST_STOPS_A_COMMIT` stops, each one transaction on the versions it was
decided on; where another phone was faster, the part is decided anew on what that one wrote. A part that was
written is known by its events' marks, so a batch that broke off is sent again as it was. When a van leaves,
all its promises are out for delivery; these are more rows than one transaction holds, so the milestone writes
one fact, and the stream's consumer sets them out a few at a time (`set_out`). Until it has, a promise still
reads confirmed. Derived when it is read, the state could not be listed, nor numbered in the ledger.
Weak point: after a lost answer `accepted` may be answered as `duplicates`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import batched
from typing import Final

from chalicelib.errors import NotFound, Unauthorized
from chalicelib.events import Actor, Fact, FactKind, Tenant
from chalicelib.fleet.calendar import work_clock
from chalicelib.fleet.forecasts import noted
from chalicelib.fleet.ids import promise_id
from chalicelib.fleet.learning import to_learn
from chalicelib.fleet.lookout import live_of
from chalicelib.fleet.planning import TravelFor
from chalicelib.fleet.plans import PlanKey
from chalicelib.fleet.progress import Progress, heading_to, served_by
from chalicelib.fleet.service import Duty, Fleet
from chalicelib.merchants.model import ShiftPass, driver_mark
from chalicelib.motion.attempts import Driven, Stepped, arrived_earlier, brought_back, ended, forward
from chalicelib.motion.events import Event, EventKind, Ignored, straightened
from chalicelib.motion.manifest import Line, Manifest
from chalicelib.motion.reducer import Reduced, reduce
from chalicelib.motion.store import MotionChanges, MotionStore
from chalicelib.promises.model import Promise, PromiseState
from chalicelib.promises.placing import Ports
from chalicelib.receipts import Receipt
from chalicelib.routing.model import StopKind
from chalicelib.routing.packed import Route
from chalicelib.routing.proof import World, judge
from chalicelib.routing.uncertainty import Noise
from chalicelib.units import HOUR, Seconds, StopId, Timestamp

MOST_STOPS_A_COMMIT: Final = 20  # each up to four rows, of the hundred a transaction holds
BEFORE_LOADING: Final[Seconds] = 6 * HOUR  # nothing of a shift happens earlier


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """What became of a batch of events.

    Attributes
    ----------
    manifest_version
        Of the route that the driver follows.
    """

    accepted: int
    duplicates: int
    ignored: tuple[Ignored, ...]
    manifest_version: int


@dataclass(slots=True)
class _Count:
    """What became of the parts that are written."""

    accepted: int = 0
    duplicates: int = 0
    ignored: list[Ignored] = field(default_factory=list)

    def with_part(self, reduced: Reduced, manifest_version: int) -> Reported:
        """Say how it stands when this part is written, too."""
        return Reported(
            accepted=self.accepted + len(reduced.accepted),
            duplicates=self.duplicates + reduced.duplicates,
            ignored=(*self.ignored, *reduced.ignored),
            manifest_version=manifest_version,
        )

    def add(self, reported: Reported) -> None:
        """Take a written part in."""
        self.accepted, self.duplicates = reported.accepted, reported.duplicates
        self.ignored = list(reported.ignored)


class Motion:
    """The day of a merchant's shifts; one per process, holds no state.

    Parameters
    ----------
    travel_for
        Finds a depot's travel-time engine.
    """

    def __init__(
        self, store: MotionStore, ports: Ports, fleet: Fleet, travel_for: TravelFor, *, noise: Noise
    ) -> None:
        self._store, self._ports, self._fleet = store, ports, fleet
        self._travel_for, self._noise = travel_for, noise

    def duty(self, tenant: Tenant, shift_id: str, held: ShiftPass | None = None) -> Duty:
        """Find a shift for whoever drives it, or for the merchant's office.

        Parameters
        ----------
        held
            What the caller's key is good for, if it is a driver's.

        Raises
        ------
        NotFound
            The merchant has no such shift, or the key is for another one.
        Unauthorized
            Somebody else drives it since the key was made.
        """
        if held is not None and held.shift_id != shift_id:
            raise NotFound("There is no such shift.")
        duty = self._fleet.duty(tenant, shift_id, place=held.place if held else None)
        if held is not None and held.driver != driver_mark(duty.driver):
            raise Unauthorized("Somebody else drives this shift now.")
        return duty

    def manifest(self, tenant: Tenant, duty: Duty, now: Timestamp) -> Manifest:
        """Lay out a shift's stops: those behind as they were served, then those ahead in their order."""
        progress, route = self.progress(tenant, duty), duty.route
        travel = self._travel_for(duty.depot)
        day = live_of(
            self._store, tenant, duty, progress, now, world=world_of(duty, self._noise), travel=travel
        )
        stops = {stop.stop_id: stop for stop in route.all_stops() if stop.kind is not StopKind.HELD}
        promises = {each.stop_id: each for each in self._store.promises_named(tenant, list(stops))}
        known = served_by(route, progress) & stops.keys()
        behind = dict.fromkeys(each.stop_id for each in progress.served if each.stop_id in known)
        order = [*behind, *(stop_id for stop_id in stops if stop_id not in behind)]
        lines = [
            Line(
                sequence=sequence,
                stop=stops[stop_id],
                promise=promises.get(stop_id),
                arrival=day.arrivals.get(stop_id),
                served=progress.visit(stop_id) if stop_id in behind else None,
            )
            for sequence, stop_id in enumerate(order, start=1)
        ]
        return Manifest(duty=duty, progress=progress, lines=lines)

    def progress(self, tenant: Tenant, duty: Duty) -> Progress:
        """How far a shift has come."""
        shift_id = duty.route.shift.shift_id
        known = self._store.progress(tenant, duty.place, shift_id)
        return known or Progress(shift_id=shift_id, plan=duty.place)

    def report(
        self,
        tenant: Tenant,
        duty: Duty,
        events: Sequence[Event],
        now: Timestamp,
        receipt: Receipt[Reported],
        *,
        sent_at: Timestamp | None = None,
    ) -> Reported:
        """Take in what a shift's driver reports.

        Parameters
        ----------
        sent_at
            What the phone's clock showed when it sent them, if it says so.

        Raises
        ------
        StaleWrite
            Every attempt met another writer; the parts before are done and known.
        AlreadyDone
            The request's receipt exists.
        """
        shift = duty.route.shift
        earliest = min(shift.loads_at, shift.starts_at) - BEFORE_LOADING
        happened, ignored = straightened(events, now, sent_at=sent_at, not_before=earliest)
        count = _Count(ignored=ignored)
        *before, last = list(_parts(happened)) or [[]]
        for part in before:
            count.add(self._written(tenant, duty, part, now, count, None))
        return self._written(tenant, duty, last, now, count, receipt)

    def set_out(self, tenant: Tenant, plan: PlanKey, shift_id: str, now: Timestamp) -> int:
        """Set what a van left with out for delivery, a few promises at a time; gives how many it was.

        May be done twice, late, or after a part of it: only who is still confirmed, and was not tried on this
        shift, takes the step.
        """
        route = self._store.route(tenant, plan.depot_id, plan.day, shift_id)
        progress = self._store.progress(tenant, plan, shift_id)
        if route is None or progress is None:
            return 0
        behind = served_by(route, progress)
        aboard = [stop_id for stop_id in route.promised_ids if stop_id not in behind]
        driven = Driven(place=plan, shift_id=shift_id)

        def step(promise: Promise) -> Stepped:
            return forward(promise, PromiseState.OUT_FOR_DELIVERY, driven, now)

        return sum(self._stepped(tenant, some, step) for some in batched(aboard, MOST_STOPS_A_COMMIT))

    def _stepped(self, tenant: Tenant, stop_ids: Iterable[StopId], step: Callable[[Promise], Stepped]) -> int:
        """Take a step with some promises, in one transaction; gives how many took it."""

        def attempt() -> int:
            found = self._store.promises_named(tenant, list(stop_ids))
            taken = [stepped for stepped in map(step, found) if stepped.facts]
            if taken:
                self._store.commit_motion(tenant, _changes(taken))
            return len(taken)

        return self._ports.retried(attempt)

    def bring_back(self, tenant: Tenant, plan: PlanKey, shift_id: str, now: Timestamp) -> int:
        """Fail what a van brought back untried, a few promises at a time; gives how many it was.

        May be done twice, late, or after a part of it. Who was served after all, as a phone says that was out
        of reach, is believed as long as the stop is on this route.
        """
        route = self._store.route(tenant, plan.depot_id, plan.day, shift_id)
        progress = self._store.progress(tenant, plan, shift_id)
        if route is None or progress is None or not progress.is_back:
            return 0
        behind = served_by(route, progress)
        untried = [stop_id for stop_id in route.promised_ids if stop_id not in behind]
        driven = Driven(place=plan, shift_id=shift_id)

        def step(promise: Promise) -> Stepped:
            return brought_back(promise, progress, driven, now)

        return sum(self._stepped(tenant, some, step) for some in batched(untried, MOST_STOPS_A_COMMIT))

    def _written(
        self,
        tenant: Tenant,
        duty: Duty,
        part: Sequence[Event],
        now: Timestamp,
        count: _Count,
        receipt: Receipt[Reported] | None,
    ) -> Reported:
        def attempt() -> Reported:
            before = self.progress(tenant, duty)
            reduced, promises = self._reduced(tenant, duty.route, before, part)
            reported = count.with_part(reduced, duty.route.version)
            row = receipt(reported) if receipt else None
            after = self._planned(duty, before, reduced.progress, now)
            after = self._foreseen(tenant, duty, before, after, now)
            steps = self._steps(tenant, duty, before, reduced, promises, now)
            changes = _changes(steps, _shift_facts(before, after, reduced.accepted, now))
            if after != before:
                leaves = before.departed_at is None and after.departed_at is not None
                reminders = (to_learn(duty.place, duty.route.shift.ends_at),) if leaves else ()
                changes = replace(changes, progress=after, reminders=reminders, receipt=row)
                self._store.commit_motion(tenant, changes)
            return reported

        return self._ports.retried(attempt)

    def _reduced(
        self, tenant: Tenant, route: Route, progress: Progress, part: Sequence[Event]
    ) -> tuple[Reduced, dict[StopId, Promise]]:
        """The part taken in, and the promises it names."""
        promised = set(route.promised_ids)
        named = [event.stop_id for event in part if event.stop_id in promised]
        found = self._store.promises_named(tenant, list(dict.fromkeys(named)))
        finished = {each.stop_id for each in found if each.state.finished}
        return reduce(progress, route, part, finished=finished), {each.stop_id: each for each in found}

    def _steps(
        self,
        tenant: Tenant,
        duty: Duty,
        before: Progress,
        reduced: Reduced,
        promises: dict[StopId, Promise],
        now: Timestamp,
    ) -> list[Stepped]:
        """What the promises make of it: attempts that ended, and who is next."""
        driven = Driven(place=duty.place, shift_id=duty.route.shift.shift_id)
        steps: dict[StopId, Stepped] = {}
        for event in reduced.accepted:
            served = reduced.progress.visit(event.stop_id)
            known = steps.get(event.stop_id) or _unmoved(promises.get(event.stop_id))
            if known is None or served is None:
                continue
            if event.kind is EventKind.COMPLETED:
                step = ended(known.promise, event, served, driven, now, before=before)
            else:
                step = arrived_earlier(known.promise, served, driven)
            steps[event.stop_id] = Stepped(promise=step.promise, facts=(*known.facts, *step.facts))
        next_one = heading_to(duty.route, reduced.progress)
        if next_one is not None and reduced.accepted:
            if next_one not in promises and (promise := self._store.promise(tenant, next_one)) is not None:
                promises |= {next_one: promise}
            known = steps.get(next_one) or _unmoved(promises.get(next_one))
            if known is not None:
                again = next_one in {each.stop_id for each in reduced.progress.served}
                step = forward(known.promise, PromiseState.ARRIVING, driven, now, again=again)
                steps[next_one] = Stepped(promise=step.promise, facts=(*known.facts, *step.facts))
        return [step for stop_id, step in steps.items() if step.promise != promises[stop_id]]

    def keep_planned(self, tenant: Tenant, plan: PlanKey, now: Timestamp) -> int:
        """Keep what is planned for the vans of a plan that are loaded; gives how many these were.

        What the plan becomes later changes nothing of it. May be done twice or late: who has left keeps what
        was planned then.
        """
        stored = self._store.routes(tenant, plan.depot_id, first=plan.day, last=plan.day, consistent=True)
        known = self._store.progresses(tenant, plan)
        loaded = [
            route.shift.shift_id
            for _, route in stored
            if route.driven and not route.withdrawn and now >= route.shift.loads_at and route.promised_ids
        ]
        new = [shift_id for shift_id in loaded if shift_id not in known or not known[shift_id].planned]
        return sum(self._keep_planned(tenant, plan, shift_id, now) for shift_id in new)

    def _keep_planned(self, tenant: Tenant, plan: PlanKey, shift_id: str, now: Timestamp) -> int:
        def attempt() -> int:
            duty = self._fleet.duty(tenant, shift_id, place=plan)
            before = self.progress(tenant, duty)
            after = replace(before, planned=before.planned or self._starts(duty, now))
            if after != before:
                self._store.commit_motion(tenant, MotionChanges(progress=after))
            return int(after != before)

        return self._ports.retried(attempt)

    def _planned(self, duty: Duty, before: Progress, after: Progress, now: Timestamp) -> Progress:
        """Keep who drives, and what was planned when the van left, unless it was kept at loading."""
        if after.departed_at is None or before.departed_at is not None:
            return after
        after = replace(after, driver=_driver_of(duty))
        if before.planned:
            return after
        return replace(after, planned=self._starts(duty, now))

    def _starts(self, duty: Duty, now: Timestamp) -> Mapping[StopId, Timestamp]:
        """When service is planned to start at each stop."""
        if not len(duty.route.stops):
            return {}
        starts = judge([duty.route], now, world_of(duty, self._noise))[0].start.tolist()
        stops = duty.route.stops["stop_id"].tolist()
        return {stop_id: round(start) for stop_id, start in zip(stops, starts, strict=False)}

    def _foreseen(
        self, tenant: Tenant, duty: Duty, before: Progress, after: Progress, now: Timestamp
    ) -> Progress:
        """Keep what is expected of the stops that are near: when the truth is known it is too late."""
        moves = after.departed_at is not None and after.down_at is None and not after.is_back
        if not moves or after.milestones == before.milestones:
            return after
        world, travel = world_of(duty, self._noise), self._travel_for(duty.depot)
        day = live_of(self._store, tenant, duty, after, now, world=world, travel=travel)
        here = after.serving.stop_id if after.serving else None
        ahead = (
            (stop_id, each.earliest_at, each.expected_at, each.latest_at)
            for stop_id, each in day.arrivals.items()
            if stop_id != here
        )
        awaited = [each.stop_id for each in after.served if each.outcome is None]
        return replace(after, foreseen=noted(after.foreseen, ahead, now, awaited=awaited))


def world_of(duty: Duty, noise: Noise) -> World:
    """What a shift's route is judged by."""
    depot, day = duty.depot, duty.place.day
    return World(
        clock=work_clock(depot, day, day), noise=noise, target=depot.target_kept, closed=depot.closed
    )


def _driver_of(duty: Duty) -> str:
    """What stands for a driver; where nobody is named, the van does."""
    return driver_mark(duty.driver) if duty.driver else f"van {duty.route.shift.vehicle_id}"


def _parts(events: Iterable[Event]) -> Iterator[list[Event]]:
    """Cut a batch so that no part names more stops than one commit takes."""
    part, stops = list[Event](), set[StopId]()
    for event in events:
        if event.stop_id and len(stops | {event.stop_id}) > MOST_STOPS_A_COMMIT:
            yield part
            part, stops = [], set()
        part.append(event)
        if event.stop_id:
            stops.add(event.stop_id)
    if part:
        yield part


def _unmoved(promise: Promise | None) -> Stepped | None:
    return Stepped(promise=promise) if promise is not None else None


def _changes(steps: Iterable[Stepped], facts: Iterable[Fact] = ()) -> MotionChanges:
    changed = list(steps)
    return MotionChanges(
        promises=tuple(step.promise for step in changed),
        facts=(*(fact for step in changed for fact in step.facts), *facts),
    )


def _shift_facts(
    before: Progress, after: Progress, accepted: Iterable[Event], now: Timestamp
) -> Iterator[Fact]:
    """What became true of the shift."""
    if after.milestones == before.milestones:
        return

    def fact(kind: FactKind, **data: object) -> Fact:
        told = {"shift_id": after.shift_id, "milestones": after.milestones, **data}
        return Fact(kind=kind, at=now, actor=Actor.DRIVER, subject=str(after.plan), sequence=0, data=told)

    if before.departed_at is None and after.departed_at is not None:
        yield fact(FactKind.SHIFT_DEPARTED, departed_at=after.departed_at)
    for event in accepted:
        if event.kind is EventKind.INCIDENT:
            whose = {"promise_id": promise_id(event.stop_id)} if event.stop_id else {}
            yield fact(FactKind.SHIFT_INCIDENT, incident=str(event.trouble), happened_at=event.at, **whose)
    if after.is_back and not before.is_back:
        yield fact(FactKind.SHIFT_RETURNED, returned_at=after.returned_at)
    yield fact(FactKind.SHIFT_PROGRESSED)
