"""Where the time goes: a span for each AWS call, phase of a search and text. Loaded by TRACING=on only.

A span is a line of the log: its request's id (and X-Ray's trace id, which the log adds where there is one),
start, milliseconds and outcome. Operations and tables are named; rows, bodies and places never. Nothing is
patched: clients get hooks, and planner, travel engines and sender are other objects than without tracing.
Weak point: spans do not say which of them lies within which; name and start have to tell.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import date
from time import perf_counter, time
from typing import Any, override

import numpy as np
from botocore.client import BaseClient
from numpy.typing import NDArray

from chalicelib.adapters.errand import current_request_id
from chalicelib.events import Tenant
from chalicelib.fleet.model import Depot
from chalicelib.fleet.planning import DepotPlans, Planner, TravelFor
from chalicelib.notifications.carrier import Answer, Outgoing, Sighting, TextSender
from chalicelib.routing.insertion import Candidate, Gaps, Insertion, Proof
from chalicelib.routing.model import Location, TimeWindow, Visit
from chalicelib.routing.travel_times import Places, TravelTimes
from chalicelib.units import Timestamp

type Seconds32 = NDArray[np.int32]

_log = logging.getLogger("slotkeeper")
_SPAN = "slotkeeper_span"  # our place in the context that botocore hands from hook to hook


@contextmanager
def span(name: str, **about: object) -> Iterator[None]:
    """Write a span when the block ends; what it raises goes on, and its kind is the outcome."""
    started_at, began = time(), perf_counter()
    outcome = "ok"
    try:
        yield
    except BaseException as failed:
        outcome = type(failed).__qualname__
        raise
    finally:
        _write(name, started_at, perf_counter() - began, outcome, about)


def hook(client: BaseClient, service: str) -> None:
    """Have every call of a client write a span: operation, what on, retries, capacity consumed."""
    events = client.meta.events
    events.register(f"before-parameter-build.{service}", _begun, unique_id="span-begin")
    events.register(f"after-call.{service}", _answered, unique_id="span-answer")
    events.register(f"after-call-error.{service}", _unanswered, unique_id="span-error")


def _begun(params: dict[str, Any], model: Any, context: dict[str, Any], **_: object) -> None:
    if "ReturnConsumedCapacity" in model.input_shape.members:
        params.setdefault("ReturnConsumedCapacity", "TOTAL")
    about = {"operation": model.name, "on": _whereon(params)}
    context[_SPAN] = (f"aws.{model.service_model.service_name}", time(), perf_counter(), about)


def _answered(parsed: Mapping[str, Any], context: dict[str, Any], **_: object) -> None:
    name, started_at, began, about = context[_SPAN]
    consumed = parsed.get("ConsumedCapacity") or []
    each = consumed if isinstance(consumed, list) else [consumed]
    if each:
        about |= {"capacity_units": sum(one.get("CapacityUnits", 0) for one in each)}
    about |= {"retries": parsed["ResponseMetadata"].get("RetryAttempts", 0)}
    failed = parsed["ResponseMetadata"].get("HTTPStatusCode", 200) >= 300
    outcome = str(parsed.get("Error", {}).get("Code", "unknown")) if failed else "ok"
    _write(name, started_at, perf_counter() - began, outcome, about)


def _unanswered(exception: Exception, context: dict[str, Any], **_: object) -> None:
    name, started_at, began, about = context[_SPAN]
    _write(name, started_at, perf_counter() - began, type(exception).__qualname__, about)


def _whereon(params: Mapping[str, Any]) -> str:
    """The table, queue or secret of a call, by name: ours name one each."""
    match params:
        case {"TableName": str(table)}:
            return table
        case {"TransactItems": [first, *_]}:
            return str(next(iter(first.values()))["TableName"])
        case {"RequestItems": dict(tables)}:
            return str(next(iter(tables)))
        case {"Name": str(parameter)}:
            return parameter
        case {"QueueUrl": str(url)}:
            return url.rpartition("/")[2]
        case _:
            return "unknown"


def _write(name: str, started_at: float, seconds: float, outcome: str, about: Mapping[str, object]) -> None:
    span = {"span": name, "started_at": round(started_at, 6), "milliseconds": round(seconds * 1000, 3)}
    asked = current_request_id()
    whose = {} if asked is None else {"request_id": asked}
    _log.info("span", extra={**whose, **span, "outcome": outcome, **about})


class TracedPlanner(Planner):
    """Reads plans whose phases of a search are traced."""

    @override
    def read(
        self, tenant: Tenant, depot: Depot, first: date, last: date, *, now: Timestamp, consistent: bool
    ) -> DepotPlans:
        with span("plans.read", consistent=consistent):
            plans = super().read(tenant, depot, first, last, now=now, consistent=consistent)
        return TracedPlans(**{each.name: getattr(plans, each.name) for each in fields(plans)})


class TracedPlans(DepotPlans):
    """Plans that trace how a visit is put into them."""

    __slots__ = ()

    @override
    def insertion(
        self,
        visit: Visit,
        windows: Sequence[TimeWindow],
        now: Timestamp,
        travel: TravelTimes | None = None,
        *,
        only: str | None = None,
    ) -> Insertion:
        with span("search.screen", routes=len(self.routes), windows=len(windows)):
            return TracedInsertion(super().insertion(visit, windows, now, travel, only=only))


class TracedInsertion(Insertion):
    """The two looks at gaps, traced: by road, then in the scenarios."""

    def __init__(self, plain: Insertion) -> None:
        vars(self).update(vars(plain))

    @override
    def _look_up(self, chosen: NDArray[np.intp]) -> Gaps:
        with span("search.roads", gaps=len(chosen)):
            return super()._look_up(chosen)

    @override
    def prove(self, candidates: Sequence[Candidate]) -> list[Proof]:
        with span("search.proof", candidates=len(candidates)):
            return super().prove(candidates)


def traced_engines(travel_for: TravelFor) -> TravelFor:
    """Trace every engine that depots are given."""
    return lambda depot: TracedTravel(travel_for(depot))


class TracedTravel:
    """A travel-time engine, traced."""

    def __init__(self, engine: TravelTimes) -> None:
        self._engine = engine

    @property
    def name(self) -> str:
        """The engine's own."""
        return self._engine.name

    @property
    def fingerprint(self) -> int:
        """The engine's own."""
        return self._engine.fingerprint

    @property
    def fastest_metres_per_second(self) -> float:
        """The engine's own."""
        return self._engine.fastest_metres_per_second

    @property
    def most_places(self) -> int:
        """The engine's own."""
        return self._engine.most_places

    def snap(self, location: Location) -> int:
        """Find the node of a place."""
        with span("travel.snap", engine=self.name):
            return self._engine.snap(location)

    def from_one(self, origin: Places, destinations: Places) -> Seconds32:
        """Seconds from one place to each destination."""
        return self._timed("travel.from_one", len(destinations), self._engine.from_one, origin, destinations)

    def to_one(self, origins: Places, destination: Places) -> Seconds32:
        """Seconds from each origin to one place."""
        return self._timed("travel.to_one", len(origins), self._engine.to_one, origins, destination)

    def pairs(self, origins: Places, destinations: Places) -> tuple[Seconds32, Seconds32]:
        """Seconds and metres from each origin to the destination at the same index."""
        return self._timed("travel.pairs", len(origins), self._engine.pairs, origins, destinations)

    def _timed[R](
        self, name: str, places: int, look_up: Callable[[Places, Places], R], one: Places, other: Places
    ) -> R:
        with span(name, engine=self.name, places=places):
            return look_up(one, other)


class TracedSender:
    """Whoever sends texts, traced."""

    def __init__(self, sender: TextSender) -> None:
        self._sender = sender

    def send(self, text: Outgoing) -> Answer:
        """Give one text to the carrier, once."""
        with span("twilio.send"):
            return self._sender.send(text)

    def sent_to(self, to: str) -> Sequence[Sighting]:
        """What was last sent to a number."""
        with span("twilio.list"):
            return self._sender.sent_to(to)

    def sighting(self, sid: str) -> Sighting | None:
        """What became of a text."""
        with span("twilio.fetch"):
            return self._sender.sighting(sid)

    def forget(self, sid: str) -> None:
        """Have a text forgotten."""
        with span("twilio.delete"):
            self._sender.forget(sid)
