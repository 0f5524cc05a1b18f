"""Was anything sold twice? Recomputed from the plans as the API shows them, sharing no arithmetic with it.

Every load is added up, every window and shift compared, every leg driven again on the road graph by the
demo's own search: no van may be faster than an empty road allows. Weak point: it sees what the plans say;
that a plan also says what was promised is checked by the ids of the promises.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.routing.model import Location
from infra.demo.streets import Streets, Way

ROUNDING_SECONDS = 1.0  # times in a plan are whole seconds

type Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One van's day: the plan's route, and the ways between its doors, depot to depot."""

    route: Document
    depot: Location
    ways: Sequence[Way]


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What was looked at, and every sentence there is to say against it."""

    stops: int
    legs: int
    faults: Sequence[str]


def drive(route: Document, depot: Location, streets: Streets) -> Round:
    """Drive a route of a plan on our own map."""
    doors = [Location(**stop["location"]) for stop in route["stops"]]
    legs = zip([depot, *doors], [*doors, depot], strict=True)
    return Round(route=route, depot=depot, ways=[streets.way(*leg) for leg in legs] if doors else [])


def audit(rounds: Iterable[Round], unassigned: Iterable[Document], standing: frozenset[str]) -> Audit:
    """Check all rounds of all plans.

    Parameters
    ----------
    standing
        Ids of the promises that buyers have.
    """
    faults, stops, legs = list[str](), 0, 0
    found = Counter(stop["promise_id"] for stop in unassigned if stop["kind"] == "promised")
    for driven in rounds:
        found.update(stop["promise_id"] for stop in driven.route["stops"] if stop["kind"] == "promised")
        faults += [f"{driven.route['shift_id']}: {fault}" for check in _CHECKS for fault in check(driven)]
        stops += len(driven.route["stops"])
        legs += len(driven.ways)
    faults += [f"{promise_id} is on {times} routes" for promise_id, times in found.items() if times > 1]
    faults += [f"{promise_id} is on no route" for promise_id in sorted(standing - found.keys())]
    faults += [
        f"{promise_id} is on a route, and nobody has it" for promise_id in sorted(found.keys() - standing)
    ]
    return Audit(stops=stops, legs=legs, faults=faults)


def _loads_fit(driven: Round) -> Iterable[str]:
    for dimension, most in driven.route["vehicle"]["capacity"].items():
        carried = sum(stop["load"][dimension] for stop in driven.route["stops"])
        if most is not None and carried > most:
            yield f"carries {carried} {dimension}, can carry {most}"


def _windows_kept(driven: Round) -> Iterable[str]:
    for stop in driven.route["stops"]:
        window = stop["promised_window"]
        comes_at = stop["planned_eta"]
        if not _at(window["starts_at"]) <= _at(comes_at) <= _at(window["ends_at"]):
            yield f"comes to {stop['promise_id']} at {comes_at}, promised from {window['starts_at']}"


def _driven_in_time(driven: Round) -> Iterable[str]:
    """From leaving the depot to being back: between two events there is time for the visit and the way."""
    stops = driven.route["stops"]
    if not stops:
        return
    leaves = [
        _at(driven.route["starts_at"]),
        *(_at(s["planned_eta"]) + s["service_time_seconds"] for s in stops),
    ]
    arrives = [*(_at(stop["planned_eta"]) for stop in stops), _at(driven.route["ends_at"])]
    for number, (left, arrived, way) in enumerate(zip(leaves, arrives, driven.ways, strict=True), start=1):
        if arrived - left < way.seconds - ROUNDING_SECONDS:
            yield f"drives leg {number} in {arrived - left:.0f} s, an empty road takes {way.seconds:.0f} s"


_CHECKS: Sequence[Callable[[Round], Iterable[str]]] = (_loads_fit, _windows_kept, _driven_in_time)


def _at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
