"""An office behind robo drivers in this process: the product on a store in memory, no queue in between.

It does what the stream's consumer and the repair worker do, in their order, at once.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.dispatch.model import ReplanState, Work
from chalicelib.dispatch.service import Dispatch, Job
from chalicelib.events import Fact, FactKind
from chalicelib.fleet.calendar import work_clock
from chalicelib.fleet.ids import promise_id
from chalicelib.fleet.plans import PlanKey
from chalicelib.fleet.service import Duty as Shift
from chalicelib.handlers.follow_ups import follow_up
from chalicelib.handlers.manifest_wire import ManifestStopView
from chalicelib.handlers.motion_wire import EventsRequest
from chalicelib.receipts import no_receipt
from chalicelib.routing.model import TimeWindow
from chalicelib.routing.optimiser import engine_for
from chalicelib.routing.optimiser.problem import Orders, Problem
from chalicelib.routing.packed import Route
from chalicelib.units import Timestamp
from infra.sandbox.driver import Cargo, Driver, Duty, Errand, Ground, Report, Sheet
from infra.sandbox.drivers import Lived, live, summed
from infra.sandbox.world import World
from tests.promises.shop import TENANT, TODAY, Shop

ROUNDS = 100  # of facts that lead to facts


class Engines:
    """The real engines."""

    def improve(self, problem: Problem, budget: Any) -> Orders:
        return engine_for(problem).improve(problem, budget)


@dataclass
class Desk:
    """A shop, those who watch over its day, and how far its facts have been read.

    Attributes
    ----------
    repairs
        Whether trouble is repaired; without, all else goes on.
    repair_seconds
        The longest a repair may take, by `clock`.
    """

    shop: Shop
    clock: Any
    repairs: bool = True
    repair_seconds: float = 10.0
    day: date = TODAY
    read: int = 0
    applied: int = 0
    facts: list[Fact] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.plan = PlanKey(depot_id=self.shop.depot.depot_id, day=self.day)
        self.dispatch = Dispatch(
            self.shop.store,
            self.shop.planner,
            engine=Engines,
            new_number=lambda: next(self.shop.ids),
            clock=self.clock,
            pause=lambda _: None,
        )
        self.read = len(self.shop.store.outbox)

    def move_to(self, at: Timestamp) -> None:
        """Nothing happens by itself in this shop."""
        self.shop.now = max(self.shop.now, at)

    def settle(self) -> None:
        """Read facts until there are no new ones."""
        for _ in range(ROUNDS):
            fresh = self.shop.store.outbox[self.read :]
            if not fresh:
                return
            self.read += len(fresh)
            for _, facts in fresh:
                for fact in facts:
                    self._react(fact)
        raise AssertionError("facts lead to facts for ever")

    def _react(self, fact: Fact) -> None:
        """As `handlers.workers.publish_facts`, and the worker behind its queue."""
        now, shop = self.shop.now, self.shop
        self.facts.append(fact)
        follow_up(shop, TENANT, fact, now)  # type: ignore[arg-type]  # as much of services as it asks for
        match fact.kind:
            case FactKind.PLAN_TROUBLED | FactKind.SHIFT_INCIDENT if self.repairs:
                number = self.dispatch.request(TENANT, self.plan, Work.REPAIR)
                job = Job(plan=self.plan, work=Work.REPAIR, number=number)
                done = self.dispatch.run(TENANT, job, now, seconds=self.repair_seconds)
                self.applied += done.state is ReplanState.APPLIED
            case FactKind.SHIFT_DEPARTED:
                shop.motion.set_out(TENANT, self.plan, fact.data["shift_id"], now)
            case FactKind.SHIFT_PROGRESSED | FactKind.ROUTE_CHANGED:
                shop.watch.look(TENANT, self.plan, fact.data["shift_id"], now)
            case FactKind.PLAN_REPLANNED:
                for shift_id in fact.data["shifts"]:
                    shop.watch.look(TENANT, self.plan, shift_id, now)

    def routes(self) -> Sequence[Route]:
        """The routes of all vans of the day, with and without stops."""
        shop, day = self.shop, self.day
        depot = shop.store.depot(TENANT, self.plan.depot_id)
        plans = shop.planner.read(TENANT, depot, day, day, now=shop.now, consistent=True)
        return list(plans.routes)


@dataclass
class InHand:
    """A phone that is answered in this process, by the very words of the wire."""

    desk: Desk
    shift_id: str
    sent: int = 0

    def manifest(self) -> Sheet:
        desk = self.desk
        found = desk.shop.motion.manifest(TENANT, self._duty(), desk.shop.now)
        ahead = []
        for line in found.lines:
            shown = ManifestStopView.of(line, found.altered.get(line.stop.stop_id))
            if line.served is None:
                ahead.append(
                    Errand(
                        promise_id=shown.promise_id,
                        location=line.stop.location,
                        window=line.stop.window if shown.promise_id else None,
                        expected_at=line.arrival.expected_at if line.arrival else None,
                    )
                )
        return Sheet(version=found.version, ahead=tuple(ahead))

    def report(self, *reports: Report) -> None:
        desk, events = self.desk, []
        for each in reports:
            self.sent += 1
            events.append({"event_id": f"e-{self.sent}", **each})
        wanted = EventsRequest.model_validate_json(json.dumps({"events": events}))
        reported = desk.shop.motion.report(TENANT, self._duty(), wanted.happened(), desk.shop.now, no_receipt)
        desk.ignored += [f"{each.event_id} {each.reason}" for each in reported.ignored]

    def _duty(self) -> Shift:
        return self.desk.shop.motion.duty(TENANT, self.shift_id)


@dataclass
class Paper:
    """A list on paper: read once, and nobody hears of anything."""

    sheet: Sheet

    def manifest(self) -> Sheet:
        return self.sheet

    def report(self, *reports: Report) -> None:
        pass


def ground_of(desk: Desk, world: World) -> Ground:
    """What the drivers of a day stand on."""
    shop, depot = desk.shop, desk.shop.depot
    return Ground(
        travel=shop.travel,
        clock=work_clock(depot, desk.day, desk.day),
        zone=ZoneInfo(depot.timezone),
        world=world,
        day=desk.day,
        planned_service={
            promise_id(stop.stop_id): stop.service_time
            for route in desk.routes()
            for stop in route.all_stops()
        },
    )


def hired(desk: Desk, world: World, *, on_paper: bool = False, follows: bool = True) -> list[Driver]:
    """A driver for every van of the day."""
    ground, cargo = ground_of(desk, world), Cargo()
    drivers = []
    for route in desk.routes():
        shift = route.shift
        duty = Duty(
            shift_id=shift.shift_id,
            driver=shift.vehicle_id,
            starts_at=shift.starts_at,
            ends_at=shift.ends_at,
            depot=shift.start,
            breaks=shift.breaks,
        )
        phone = Paper(_planned(route)) if on_paper else InHand(desk, shift.shift_id)
        drivers.append(Driver(duty, phone, ground, cargo, follows=follows and not on_paper))
    return drivers


def lived(desk: Desk, drivers: Sequence[Driver]) -> Lived:
    """Live the day and add it up."""
    promised = frozenset(promise_id(stop.stop_id) for route in desk.routes() for stop in route.all_stops())
    live(drivers, desk)
    return summed(drivers, promised)


def _planned(route: Route) -> Sheet:
    ahead = tuple(
        Errand(
            promise_id=promise_id(stop.stop_id),
            location=stop.location,
            window=TimeWindow(start=stop.window.start, end=stop.window.end),
        )
        for stop in route.all_stops()
    )
    return Sheet(version=1, ahead=ahead)
