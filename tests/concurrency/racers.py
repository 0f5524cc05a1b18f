"""Processes that do something at the very same moment, each with a client, store and caches of its own.

As on Lambda: nothing is shared but the table. They are forked from a server that has everything imported, so
eight of them cost about a second.
"""

import multiprocessing
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from typing import Any, Self

from chalicelib.adapters.dynamodb import DynamoStore
from chalicelib.errors import SlotkeeperError
from chalicelib.events import Tenant
from chalicelib.fleet.planning import Planner
from chalicelib.promises.booking import Booking, Ports
from chalicelib.promises.model import Offer
from chalicelib.promises.search import SlotSearch
from chalicelib.receipts import ReceiptRow
from chalicelib.routing.travel_times import StraightLine
from chalicelib.units import StopId, Timestamp
from infra.sandbox.emulator import connect
from tests.builders import CALM
from tests.fakes import FakeClock
from tests.promises.shop import an_order
from tests.store_faults import drop_conditions

START_SECONDS = 60.0  # for a whole machine that is busy with other things

type Outcome = tuple[str, StopId | None]
"""What became of a task: `held`, `confirmed`, …, or the code of the error; and the stop it is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Hold an offered slot."""

    tenant: Tenant
    offer: Offer
    cart_ref: str
    now: Timestamp
    request: str | None = None

    def run(self, booking: Booking) -> Outcome:
        hold = booking.hold(
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

    def run(self, booking: Booking) -> Outcome:
        order = an_order(f"order-{self.stop_id}")
        made = booking.confirm_hold(
            self.tenant, self.stop_id, order, self.now, lambda _: receipt(self.request)
        )
        return "renewed" if made.renewed else "confirmed", made.promise.stop_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Expire:
    """Clear up behind a hold that ran out."""

    tenant: Tenant
    stop_id: StopId
    now: Timestamp

    def run(self, booking: Booking) -> Outcome:
        return "expired" if booking.expire(self.tenant, self.stop_id, self.now) else "left", self.stop_id


type Task = Held | Confirm | Expire


def receipt(request: str | None) -> ReceiptRow | None:
    """The receipt of a request that may come from several processes at once."""
    if request is None:
        return None
    return ReceiptRow(key=request, fingerprint="f", status=201, sealed_body=b"", expires_at=4_000_000_000)


def new_booking(store: DynamoStore) -> Booking:
    """A desk that sells by straight lines, without waiting between its attempts."""
    planner = Planner(store, lambda _: StraightLine(), noise=CALM, staleness=0)
    ports = Ports(
        store=store,
        planner=planner,
        search=SlotSearch(store, planner),
        new_stop_id=lambda: secrets.randbits(63),
        new_token=lambda: secrets.token_urlsafe(16),
        pause=lambda _: None,
    )
    return Booking(ports)


def new_store(url: str, table: str, *, unguarded: Sequence[str] = ()) -> DynamoStore:
    """A store with a client of its own.

    Parameters
    ----------
    unguarded
        Beginnings of the sort keys of rows that are written on no condition: for controls.
    """
    client = connect("dynamodb", url)
    if unguarded:
        drop_conditions(client, lambda _, sk: sk.startswith(tuple(unguarded)))
    return DynamoStore(client, table=table, clock=FakeClock(), pause=lambda _: None)


def _race(tasks: Connection, start: Barrier, url: str, table: str, unguarded: Sequence[str]) -> None:
    booking = new_booking(new_store(url, table, unguarded=unguarded))
    while (task := tasks.recv()) is not None:
        start.wait(START_SECONDS)
        try:
            outcome: Outcome = task.run(booking)
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

    def __init__(self, count: int, url: str, table: str, *, unguarded: Sequence[str] = ()) -> None:
        context: Any = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__])
        self.count = count
        self._lines: list[Connection] = []
        self._processes: list[Any] = []
        self._start = context.Barrier(count)  # goes with its last owner, and the processes find it by name
        for _ in range(count):
            ours, theirs = context.Pipe()
            given = (theirs, self._start, url, table, tuple(unguarded))
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
