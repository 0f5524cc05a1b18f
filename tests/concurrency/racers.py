"""Processes that do something at the very same moment, each with a client, store and caches of its own.

As on Lambda: nothing is shared but the table. They are forked from a server that has everything imported, so
eight of them cost about a second.
"""

import multiprocessing
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from typing import Any, Protocol, Self

from chalicelib.adapters.dynamodb import DynamoStore
from chalicelib.dispatch.model import ReplanState, Work
from chalicelib.dispatch.service import Dispatch, Job
from chalicelib.errors import SlotkeeperError, SlotTaken
from chalicelib.events import Tenant
from chalicelib.fleet.planning import Planner
from chalicelib.fleet.plans import PlanKey
from chalicelib.promises.booking import Booking
from chalicelib.promises.changes import Promises
from chalicelib.promises.model import Change, ChangeKind, Offer
from chalicelib.promises.placing import Ports
from chalicelib.promises.search import SlotQuery, SlotSearch
from chalicelib.promises.store import WriteRefused
from chalicelib.receipts import ReceiptRow, no_receipt
from chalicelib.routing.model import Location
from chalicelib.routing.optimiser import Budget, engine_for
from chalicelib.routing.optimiser.problem import Orders, Problem
from chalicelib.routing.travel_times import StraightLine
from chalicelib.units import StopId, Timestamp
from infra.sandbox.emulator import connect
from tests.builders import CALM
from tests.fakes import A_VAULT, FakeClock
from tests.promises.shop import an_order
from tests.store_faults import drop_claims, drop_conditions

START_SECONDS = 60.0  # for a whole machine that is busy with other things

type Outcome = tuple[str, Any]
"""What became of a task: `held`, `confirmed`, …, or the code of the error; and the stops it is about."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything a process needs to sell and to plan; it sells by straight lines, without waiting.

    Parameters
    ----------
    store
        With a client of its own.
    """

    store: DynamoStore

    @property
    def planner(self) -> Planner:
        """A reader of plans that has seen none yet."""
        return Planner(self.store, lambda _: StraightLine(), noise=CALM, staleness=0)

    @property
    def ports(self) -> Ports:
        """What selling needs."""
        planner = self.planner
        return Ports(
            store=self.store,
            planner=planner,
            search=SlotSearch(self.store, planner),
            new_stop_id=lambda: secrets.randbits(63),
            new_token=lambda: secrets.token_urlsafe(16),
            pause=lambda _: None,
        )

    @property
    def booking(self) -> Booking:
        """Holds and promises."""
        return Booking(self.ports)

    @property
    def promises(self) -> Promises:
        """Changes of what was promised."""
        return Promises(self.ports, lambda _: 0)

    @property
    def dispatch(self) -> Dispatch:
        """The worker."""
        return Dispatch(
            self.store,
            self.planner,
            engine=Engines,
            new_number=lambda: secrets.randbits(63),
            clock=time.monotonic,
            pause=lambda _: None,
        )


class Engines:
    """The engines of the product, in this very process."""

    def improve(self, problem: Problem, budget: Budget) -> Orders:
        return engine_for(problem).improve(problem, budget)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Hold an offered slot."""

    tenant: Tenant
    offer: Offer
    cart_ref: str
    now: Timestamp
    request: str | None = None

    def run(self, desk: Desk) -> Outcome:
        hold = desk.booking.hold(
            self.tenant, self.offer, self.cart_ref, self.now, lambda _: receipt(self.request), trusted=True
        )
        return "held", hold.stop_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm:
    """Turn a hold into a promise."""

    tenant: Tenant
    stop_id: StopId
    now: Timestamp
    request: str | None = None

    def run(self, desk: Desk) -> Outcome:
        order = an_order(f"order-{self.stop_id}")
        made = desk.booking.confirm_hold(
            self.tenant, self.stop_id, order, self.now, lambda _: receipt(self.request)
        )
        return "renewed" if made.renewed else "confirmed", made.promise.stop_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Expire:
    """Clear up behind a hold that ran out."""

    tenant: Tenant
    stop_id: StopId
    now: Timestamp

    def run(self, desk: Desk) -> Outcome:
        return "expired" if desk.booking.expire(self.tenant, self.stop_id, self.now) else "left", self.stop_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """Buy here and there, pay for most, give up some holds, cancel some promises."""

    tenant: Tenant
    depot_id: str
    name: str
    places: tuple[Location, ...]
    now: Timestamp

    def run(self, desk: Desk) -> "Outcome":
        kept = list[StopId]()
        for number, place in enumerate(self.places):
            try:
                bought = self._bought(desk, f"{self.name}-{number}", place, number)
            except (SlotTaken, WriteRefused):
                continue
            if bought is not None:
                kept.append(bought)
        return "shopped", tuple(kept)

    def _bought(self, desk: Desk, name: str, place: Location, number: int) -> StopId | None:
        ports = desk.ports
        booking, promises = Booking(ports), Promises(ports, lambda _: 0)
        query = SlotQuery(location=place, depot_id=self.depot_id, days=1)
        offers = [
            slot.offer for slot in ports.search.search(self.tenant, query, self.now).slots if slot.offer
        ]
        if not offers:
            return None
        hold = booking.hold(
            self.tenant, offers[number % len(offers)], name, self.now, no_receipt, trusted=True
        )
        if number % 4 == 1:
            booking.release(self.tenant, hold.stop_id, self.now)
            return None
        made = booking.confirm_hold(self.tenant, hold.stop_id, an_order(name), self.now, no_receipt).promise
        if number % 4 == 2:
            cancel = Change(kind=ChangeKind.CANCEL)
            promises.change(self.tenant, made.stop_id, cancel, self.now, no_receipt)
            return None
        return made.stop_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Improve:
    """Improve a plan again and again."""

    tenant: Tenant
    plan: PlanKey
    runs: int
    now: Timestamp

    def run(self, desk: Desk) -> "Outcome":
        dispatch, applied = desk.dispatch, 0
        for _ in range(self.runs):
            number = dispatch.request(self.tenant, self.plan, Work.IMPROVE)
            done = dispatch.run(self.tenant, Job(plan=self.plan, number=number), self.now, seconds=2.0)
            applied += done.state is ReplanState.APPLIED
        return "improved", applied


class Task(Protocol):
    """One thing that a process does at its desk."""

    def run(self, desk: Desk) -> Outcome:
        """Do it, and say what came of it."""
        ...


def receipt(request: str | None) -> ReceiptRow | None:
    """The receipt of a request that may come from several processes at once."""
    if request is None:
        return None
    return ReceiptRow(key=request, fingerprint="f", status=201, sealed_body=b"", expires_at=4_000_000_000)


def new_store(url: str, table: str, *, unguarded: Sequence[str] = (), claims: bool = True) -> DynamoStore:
    """A store with a client of its own.

    Parameters
    ----------
    unguarded
        Beginnings of the sort keys of rows that are written on no condition: for controls.
    claims
        Whether a row that is written by itself is written on a condition: for controls.
    """
    client = connect("dynamodb", url)
    if unguarded:
        drop_conditions(client, lambda _, sk: sk.startswith(tuple(unguarded)))
    if not claims:
        drop_claims(client)
    return DynamoStore(client, table=table, vault=A_VAULT, clock=FakeClock(), pause=lambda _: None)


def _race(
    tasks: Connection, start: Barrier, url: str, table: str, unguarded: Sequence[str], claims: bool
) -> None:
    desk = Desk(new_store(url, table, unguarded=unguarded, claims=claims))
    while (task := tasks.recv()) is not None:
        start.wait(START_SECONDS)
        try:
            outcome: Outcome = task.run(desk)
        except SlotkeeperError as error:
            outcome = error.code, None
        tasks.send(outcome)


class Racers:
    """So many processes, waiting for tasks to start all at once.

    Attributes
    ----------
    count
        How many there are; every race needs as many tasks.
    """

    def __init__(
        self, count: int, url: str, table: str, *, unguarded: Sequence[str] = (), claims: bool = True
    ) -> None:
        context: Any = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__])
        self.count = count
        self._lines: list[Connection] = []
        self._processes: list[Any] = []
        self._start = context.Barrier(count)  # goes with its last owner, and the processes find it by name
        for _ in range(count):
            ours, theirs = context.Pipe()
            given = (theirs, self._start, url, table, tuple(unguarded), claims)
            process = context.Process(target=_race, args=given, daemon=True)
            process.start()
            self._lines.append(ours)
            self._processes.append(process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for line, process in zip(self._lines, self._processes, strict=True):
            if process.is_alive():
                line.send(None)
            process.join(START_SECONDS)
            line.close()

    def race(self, tasks: Sequence[Task]) -> list[Outcome]:
        """Let every process do its task, all at once."""
        for line, task in zip(self._lines, tasks, strict=True):
            line.send(task)
        return [line.recv() for line in self._lines]
