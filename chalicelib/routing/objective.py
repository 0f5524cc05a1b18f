"""What a plan is worth, strictly in this order: promises broken, lateness, churn, cost.

And what no replan of a booked plan may do, whatever it saves: leave a stop, a shift's end or a break worse
off than it was unless it is still kept with the target's probability. So a plan without violations never gets
one, one that is there never grows, and no promise pays for another. On the road (`OnTheRoad`) promises must
be weighed: there fewer are to be broken, by expectation, and nothing changes for less than buyers can feel.
Weak point: seconds late are those of the plan, not of the scenarios.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from chalicelib.routing.model import Load, StopFlag, StopKind, TimeWindow
from chalicelib.routing.packed import Route, carried, fits, live
from chalicelib.routing.proof import Judged, World, judge
from chalicelib.routing.travel_times import TravelTimes
from chalicelib.units import DAY, Probability, Seconds, StopId, Timestamp

_ROUNDING = 1e-3  # planned times are sums of floats; a thousandth of a second is not late
_FELT_PROMISES = 0.05  # expected broken promises less: what a route on the road is changed for
_FELT_SECONDS = 120  # or, where that makes no difference, seconds late


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Worth:
    """Less is better, the first difference decides.

    Attributes
    ----------
    broken
        Stops that even the plan serves too late, or that nobody has and whose window is over; on the road how
        many are expected to be broken, and whoever nobody has is.
    late
        By how many seconds, all together, the plan is too late, at home included; on the road by a day for
        each stop that nobody has.
    doubt
        Probability missing to the target, summed over stops and shift ends; for a stop that nobody has all
        of the target.
    churn
        Seconds between planned starts and what buyers were told, for those who were told more than their
        promised window.
    driven, working
        Seconds on the road, and from each shift's start to the van's return.
    vans
        How many have something to do.
    """

    broken: float = 0
    late: Seconds = 0
    doubt: float = 0.0
    churn: Seconds = 0
    driven: Seconds = 0
    working: Seconds = 0
    vans: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Promises:
    """How the promises of some routes stand; holds are none yet."""

    kept: int = 0
    at_risk: int = 0
    broken: int = 0

    def __add__(self, other: "Promises") -> "Promises":
        return Promises(
            kept=self.kept + other.kept,
            at_risk=self.at_risk + other.at_risk,
            broken=self.broken + other.broken,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OnTheRoad:
    """What is special about a live day.

    Attributes
    ----------
    towards
        By shift, how many of the first stops stay first: a van is driving to them.
    aboard
        Stops on vans that broke down: their parcels may be fetched, by loaded vans too.
    """

    towards: Mapping[str, int] = field(default_factory=dict)
    aboard: frozenset[StopId] = frozenset()


@dataclass(frozen=True, slots=True)
class Seen:
    """A route with its judgement; `judged` is None for a plan's unassigned stops, which nobody drives."""

    route: Route
    judged: Judged | None


def worth(
    plan: Iterable[Seen],
    now: Timestamp,
    target: Probability,
    told: Mapping[StopId, TimeWindow] | None = None,
    *,
    on_road: bool = False,
) -> Worth:
    """Add up what some routes are worth; `told` where a buyer knows a narrower time than the promise."""
    broken, late, doubt, churn, driven, working, vans = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0
    for seen in plan:
        stops, judged = seen.route.stops, seen.judged
        real = live(stops, now) & (stops["kind"] != StopKind.DONE)
        if judged is None:
            broken += int(real.sum()) if on_road else int((stops["window_end"][real] < now).sum())
            late += DAY * int(real.sum()) if on_road else 0
            doubt += target * int(real.sum())
            continue
        overdue = judged.late[:-1][real]
        if on_road:
            broken += float((1.0 - judged.kept[:-1][real]).sum())
        else:
            broken += int((overdue > _ROUNDING).sum())
        late += float(np.maximum(judged.late, 0.0)[np.append(real, len(stops) > 0)].sum())
        doubt += float(np.maximum(target - judged.kept, 0.0)[np.append(real, len(stops) > 0)].sum())
        churn += sum(
            max(float(judged.start[at]) - window.end, window.start - float(judged.start[at]), 0.0)
            for at, stop_id in enumerate(stops["stop_id"].tolist() if told else ())
            if told and (window := told.get(stop_id)) is not None
        )
        if len(stops):
            driven += judged.driven
            working += float(judged.arrive[-1]) - seen.route.shift.starts_at
            vans += 1
    return Worth(
        broken=round(broken, 6),
        late=round(late),
        doubt=round(doubt, 6),
        churn=round(churn),
        driven=round(driven),
        working=round(working),
        vans=vans,
    )


def promises(plan: Iterable[Seen], now: Timestamp, target: Probability) -> Promises:
    """Count how promises stand, in the words of `fleet.risk`."""
    total = Promises()
    for seen in plan:
        stops = seen.route.stops
        done = stops["kind"] == StopKind.DONE
        promised = stops["kind"] == StopKind.PROMISED
        if seen.judged is None:
            lost, doubtful = stops["window_end"] < now, np.ones(len(stops), dtype=bool)
        else:
            lost, doubtful = seen.judged.late[:-1] > _ROUNDING, seen.judged.kept[:-1] < target
        total += Promises(
            kept=int((done | (promised & ~lost & ~doubtful)).sum()),
            at_risk=int((promised & ~lost & doubtful).sum()),
            broken=int((promised & lost).sum()),
        )
    return total


@dataclass(frozen=True, slots=True)
class _Stand:
    """How a stop stood before."""

    late: float
    kept: Probability
    shift_id: str | None


def wronged(
    before: Sequence[Seen], after: Sequence[Seen], now: Timestamp, target: Probability
) -> dict[int, list[int]]:
    """Find the places that a change would leave worse off, of the same shifts in the same order.

    Returns
    -------
    By index of the route its places that are wronged (the depot is the last one); empty if nobody is.
    """
    stood = {
        stop_id: _Stand(float(late), float(kept), shift_id)
        for seen in before
        for stop_id, late, kept, shift_id in _stands(seen, now)
    }
    found: dict[int, list[int]] = {}
    for number, (was, then) in enumerate(zip(before, after, strict=True)):
        if then.judged is None or was.judged is None or was.route is then.route:
            continue
        ids = then.route.stops["stop_id"].tolist()
        here = [
            place
            for place in np.flatnonzero(live(then.route.stops, now)).tolist()
            if not _as_good(stood.get(ids[place]), then.judged, place, target)
        ]
        end = len(then.route.stops)
        home = _Stand(float(was.judged.late[-1]), float(was.judged.kept[-1]), None)
        if not _as_good(home, then.judged, end, target) or then.judged.break_late > (
            max(was.judged.break_late, 0.0) + _ROUNDING
        ):
            here.append(end)
        if here:
            found[number] = here
    return found


def _stands(seen: Seen, now: Timestamp) -> Iterable[tuple[StopId, float, float, str]]:
    shift_id = seen.route.shift.shift_id
    for place in np.flatnonzero(live(seen.route.stops, now)).tolist():
        stop_id = int(seen.route.stops["stop_id"][place])
        if seen.judged is None:
            yield stop_id, 0.0, 1.0, shift_id  # who gets a van gets it properly
        else:
            yield stop_id, seen.judged.late[place], seen.judged.kept[place], shift_id


def _as_good(stood: _Stand | None, judged: Judged, place: int, target: Probability) -> bool:
    if stood is None:
        return False
    return bool(
        judged.late[place] <= max(stood.late, 0.0) + _ROUNDING
        and judged.kept[place] >= min(stood.kept, target)
    )


def broken_rule(
    before: Sequence[Seen], after: Sequence[Seen], now: Timestamp, on_road: OnTheRoad | None = None
) -> str | None:
    """Name the rule, besides time, that a change of some routes breaks; None if none is.

    Every live stop is there exactly once; what is done, or being driven to, stays where it was; a pinned stop
    stays on its shift, a loaded van keeps what it has and takes only what it meets, a withdrawn one takes
    nothing; loads and skills fit, or are no worse than they were.
    """
    known = on_road or OnTheRoad()
    was = [_ids(seen.route, now) for seen in before]
    then = [_ids(seen.route, now) for seen in after]
    if sorted(stop_id for ids in was for stop_id in ids) != sorted(
        stop_id for ids in then for stop_id in ids
    ):
        return "stops were lost, doubled or invented"
    for old, new, had, has in zip(before, after, was, then, strict=True):
        came, left = set(has) - set(had), set(had) - set(has)
        if old.judged is None:
            if came:
                return "a stop lost its van"
        elif old.route is not new.route:
            head = known.towards.get(old.route.shift.shift_id, fixed_head(old.route))
            loaded = (came | left) - known.aboard
            rule = _rule_of_meetings(new.route, set(has) & known.aboard) or _rule_of_van(
                old.route, new.route, loaded, came, left, now, head
            )
            if rule:
                return rule
    return None


def _ids(route: Route, now: Timestamp) -> list[StopId]:
    """The stops that are somebody's."""
    theirs = live(route.stops, now) & (route.stops["kind"] != StopKind.MEETING)
    return [int(stop_id) for stop_id in route.stops["stop_id"][theirs]]


def fixed_head(route: Route, towards: int = 0) -> int:
    """How many stops at the head of a route stay where they are.

    What is done or driven to, and the way to a meeting: what is taken over there can only follow it.
    """
    fixed = np.flatnonzero(np.isin(route.stops["kind"], (StopKind.DONE, StopKind.MEETING)))
    return max(towards, int(fixed[-1]) + 1 if len(fixed) else 0)


def _rule_of_meetings(new: Route, fetched: set[StopId]) -> str | None:
    met = False
    for stop_id, kind in zip(new.stops["stop_id"].tolist(), new.stops["kind"].tolist(), strict=True):
        met |= kind == StopKind.MEETING
        if stop_id in fetched and not met:
            return "a parcel would be delivered before it is fetched"
    return None


def _rule_of_van(
    old: Route,
    new: Route,
    loaded: set[StopId],
    came: set[StopId],
    left: set[StopId],
    now: Timestamp,
    head: int,
) -> str | None:
    """Rules of one van; `loaded` are those that came or left and change vans at the depot only."""
    pinned = old.stops["stop_id"][old.stops["flags"] & StopFlag.PINNED != 0]
    if left & set(pinned.tolist()):
        return "a pinned stop left its shift"
    if came and old.withdrawn:
        return "a withdrawn van got a stop"
    if loaded and now >= old.shift.loads_at:
        return "a parcel left or joined a loaded van"
    if old.stops["stop_id"][:head].tolist() != new.stops["stop_id"][:head].tolist():
        return "what is done or under way was moved"
    has, had, most = carried(new, now), carried(old, now), old.shift.capacity
    grown = Load(  # only what became more has to fit: a van that is too full already may stay so
        parcels=has.parcels if has.parcels > had.parcels else 0,
        grams=has.grams if has.grams > had.grams else 0,
        millilitres=has.millilitres if has.millilitres > had.millilitres else 0,
    )
    if not fits(grown, most):
        return "a van got more than it can carry"
    if any(
        stop_id in came and not new.stop(at).skills <= new.shift.skills
        for at, stop_id in enumerate(new.stops["stop_id"].tolist())
    ):
        return "a van got what it cannot serve"
    lasting = (new.stops["kind"] == StopKind.HELD) & (new.stops["expires_at"] > new.shift.loads_at)
    if came & set(new.stops["stop_id"][lasting].tolist()):
        return "a hold would outlast the loading of its van"
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a replan is judged by.

    Attributes
    ----------
    told
        Narrower times that buyers were told, if any.
    on_road
        Given on a live day, whose routes are what is left of them.
    """

    travel: TravelTimes
    world: World
    now: Timestamp
    told: Mapping[StopId, TimeWindow] = field(default_factory=dict)
    on_road: OnTheRoad | None = None

    def see(self, routes: Sequence[Route]) -> list[Seen]:
        """Judge routes; what nobody drives has no judgement."""
        driven = [route for route in routes if route.driven]
        judged = dict(zip(driven, judge(driven, self.now, self.world), strict=True))
        return [Seen(route, judged.get(route)) for route in routes]

    def worth(self, plan: Sequence[Seen]) -> Worth:
        """What they are worth now."""
        on_road = self.on_road is not None
        return worth(plan, self.now, self.world.target, self.told, on_road=on_road)

    def wronged(self, before: Sequence[Seen], after: Sequence[Seen]) -> dict[int, list[int]]:
        """Find places that a change must not leave worse off: on the road promises are weighed instead."""
        if self.on_road is not None:
            return {}
        return wronged(before, after, self.now, self.world.target)

    def broken_rule(self, before: Sequence[Seen], after: Sequence[Seen]) -> str | None:
        """Name the rule that a change breaks, if any."""
        return broken_rule(before, after, self.now, self.on_road)

    def pays(self, before: Worth, after: Worth) -> bool:
        """Whether a change is worth making; drivers and buyers are not stirred up for what nobody feels."""
        if self.on_road is None:
            return after < before
        spared = before.broken - after.broken
        if abs(spared) >= _FELT_PROMISES:
            return spared > 0
        return before.late - after.late >= _FELT_SECONDS
