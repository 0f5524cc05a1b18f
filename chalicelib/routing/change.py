"""What changes from one state of some routes to the next, and which routes change together.

Routes that exchange stops are one change: it is made as a whole or not at all. Weak point: a route counts as
changed if it is another object, not if its stops differ; who builds a state keeps the routes that stay.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chalicelib.routing.objective import Circumstances, Promises, Seen, Worth, promises
from chalicelib.routing.packed import Route, live
from chalicelib.units import Seconds, StopId, Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A stop that changes vans.

    Attributes
    ----------
    source
        The shift that had it; that of the plan's unassigned route, if nobody had.
    planned_before, planned_after
        Start of service; None where nobody drives.
    """

    stop_id: StopId
    source: str
    target: str
    planned_before: Timestamp | None
    planned_after: Timestamp | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Routes that exchange stops, or one whose order changes: one transaction on the versions in `before`.

    Attributes
    ----------
    before, after
        The same shifts in the same order, the plan's unassigned route among them if stops leave it.
    seconds_saved
        Of driving; negative where that is the price of a promise.
    """

    before: tuple[Route, ...]
    after: tuple[Route, ...]
    moves: tuple[Move, ...]
    worth_before: Worth
    worth_after: Worth
    promises_before: Promises
    promises_after: Promises

    @property
    def seconds_saved(self) -> Seconds:
        """Seconds of driving less than before."""
        return self.worth_before.driven - self.worth_after.driven


def components(before: Sequence[Seen], after: Sequence[Seen], now: Timestamp) -> Iterator[list[int]]:
    """Group changed routes, by index, so that no stop moves from one group to another."""
    home = {
        stop_id: at
        for at, seen in enumerate(before)
        for stop_id in seen.route.stops["stop_id"][live(seen.route.stops, now)].tolist()
    }
    group = list(range(len(before)))

    def root(at: int) -> int:
        while group[at] != at:
            group[at] = group[group[at]]
            at = group[at]
        return at

    for at, seen in enumerate(after):
        for stop_id in seen.route.stops["stop_id"].tolist():
            group[root(home.get(stop_id, at))] = root(at)
    members: dict[int, list[int]] = {}
    for at, (was, then) in enumerate(zip(before, after, strict=True)):
        if was.route is not then.route:
            members.setdefault(root(at), []).append(at)
    yield from members.values()


def change_between(before: Sequence[Seen], after: Sequence[Seen], circumstances: Circumstances) -> Change:
    """Say what changed between two states of the same shifts, in the same order."""
    now, target = circumstances.now, circumstances.world.target
    stood = {stop_id: (seen, at) for seen in before for at, stop_id in _numbered(seen.route)}
    return Change(
        before=tuple(seen.route for seen in before),
        after=tuple(seen.route for seen in after),
        moves=tuple(
            Move(
                stop_id=stop_id,
                source=was.route.shift.shift_id,
                target=seen.route.shift.shift_id,
                planned_before=_planned(was, place),
                planned_after=_planned(seen, at),
            )
            for seen in after
            for at, stop_id in _numbered(seen.route)
            if stop_id in stood  # a meeting was in no route before
            for was, place in [stood[stop_id]]
            if was.route.shift.shift_id != seen.route.shift.shift_id
        ),
        worth_before=circumstances.worth(before),
        worth_after=circumstances.worth(after),
        promises_before=promises(before, now, target),
        promises_after=promises(after, now, target),
    )


def _numbered(route: Route) -> list[tuple[int, StopId]]:
    return list(enumerate(route.stops["stop_id"].tolist()))


def _planned(seen: Seen, at: int) -> Timestamp | None:
    return round(float(seen.judged.start[at])) if seen.judged is not None else None
