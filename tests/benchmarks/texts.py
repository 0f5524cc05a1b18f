"""Texts on simulated days: how many, how true, how early, beside rules that watch the point forecast.

    python -m tests.benchmarks.texts

Vans live their days in worlds of luck on Porto's real roads. After each milestone, and each quarter of an
hour, the product forecasts what is ahead of a van (`fleet.live`, with the days learned before), and every
policy decides by the same forecasts whom to tell what. Each also texts whoever is next, when the van sets
out for it. A window told is true if service starts within it. Weak point: nobody reschedules or answers.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise

from chalicelib.fleet.calendar import work_clock
from chalicelib.fleet.live import live
from chalicelib.fleet.model import Travel, TravelEngine
from chalicelib.fleet.past import Past
from chalicelib.fleet.plans import PlanKey
from chalicelib.notifications.governor import USUAL, Rules, is_known, moved, ruling, window_of
from chalicelib.notifications.model import Message, MessageKind, MessageStatus
from chalicelib.notifications.ports import Wait
from chalicelib.routing.finished import FinishedShift
from chalicelib.routing.live_eta import Interval
from chalicelib.routing.model import TimeWindow
from chalicelib.routing.proof import World as Forecasting
from chalicelib.routing.schedule import forward, lay_out
from chalicelib.routing.travel_times import CITY_PROFILE, WorkClock
from chalicelib.units import DAY, HOUR, MINUTE, Seconds, StopId, Timestamp
from infra.sandbox.world import World
from tests.benchmarks.days import FIRST_DAY, SLOT_HOURS, ZONE, City, local, porto
from tests.benchmarks.eta import TUNED, WORLDS
from tests.benchmarks.eta_days import Memory, Outing, fleet_days, lived_days
from tests.benchmarks.eta_product import Office, told
from tests.promises.shop import a_depot

LEARNING_DAYS, TEST_DAYS = 10, 6
LOOKS: Seconds = 15 * MINUTE  # the product's own, where nothing is heard
GRID: Seconds = 30 * MINUTE  # of the starts of windows
AHEAD: Seconds = 20 * MINUTE


@dataclass(frozen=True, slots=True)
class Look:
    """What was forecast at a moment of the stops ahead, and which of them the van set out for just then."""

    at: Timestamp
    ahead: dict[StopId, Interval]
    set_out_for: StopId | None


@dataclass(frozen=True, slots=True)
class Drive:
    """A shift as it was seen: looks in order, what was promised, and when service really started."""

    looks: list[Look]
    promised: dict[StopId, TimeWindow]
    started: dict[StopId, float]


@dataclass(slots=True)
class Buyer:
    """What one was told.

    Attributes
    ----------
    texts
        When, and which window.
    rows
        The same as the governor sees them.
    waiting
        A window that is to be told then.
    """

    promised: TimeWindow
    told: TimeWindow
    texts: list[tuple[Timestamp, MessageKind, TimeWindow]] = field(default_factory=list)
    rows: list[Message] = field(default_factory=list)
    foreseen: TimeWindow | None = None
    waiting: Timestamp | None = None

    def tell(self, kind: MessageKind, window: TimeWindow, at: Timestamp) -> None:
        self.texts.append((at, kind, window))
        self.told, self.waiting = window, None
        self.rows.append(
            Message(
                message_id=f"prm.{len(self.rows)}",
                subject="prm",
                kind=kind,
                status=MessageStatus.SENT,
                created_at=at,
                ready_at=at,
            )
        )


type Policy = Callable[[Buyer, Interval, Timestamp], None]


def governed(rules: Rules) -> Policy:
    """As the product does it: what is foreseen is kept, told when it may be, and dropped when it is over."""

    def decide(buyer: Buyer, fresh: Interval, at: Timestamp) -> None:
        if buyer.waiting is not None and buyer.waiting <= at:
            _try(buyer, buyer.waiting)
        window = moved(buyer.foreseen or buyer.told, fresh, buyer.promised, at, rules)
        if window is None:
            return
        holds = moved(buyer.told, fresh, buyer.promised, at, rules) is None
        buyer.foreseen, buyer.waiting = (None if holds else window), None
        _try(buyer, at)

    def _try(buyer: Buyer, at: Timestamp) -> None:
        window = buyer.foreseen
        buyer.waiting = None
        if window is None:
            return
        late = window.end > buyer.promised.end
        kind = MessageKind.DELAYED if late else MessageKind.WINDOW_CHANGED
        match ruling(kind, buyer.rows, at, rules):
            case Wait(until=until):
                buyer.waiting = until
            case None:
                buyer.tell(kind, window, at)
                buyer.foreseen = None
            case _:
                pass

    return decide


def fixed(threshold: Seconds, gap: Seconds = 0) -> Policy:
    """Tell whoever's point forecast is so far from the middle of what was said; half an hour wide."""
    points = dict[int, Timestamp]()

    def decide(buyer: Buyer, fresh: Interval, at: Timestamp) -> None:
        point = points.setdefault(id(buyer), fresh.expected_at)
        last = buyer.texts[-1][0] if buyer.texts else at - gap
        if abs(fresh.expected_at - point) > threshold and at >= last + gap:
            points[id(buyer)] = fresh.expected_at
            buyer.tell(MessageKind.WINDOW_CHANGED, around(fresh), at)

    return decide


def around(fresh: Interval) -> TimeWindow:
    """A quarter of an hour to either side."""
    return TimeWindow(start=fresh.expected_at - 15 * MINUTE, end=fresh.expected_at + 15 * MINUTE)


def silent(buyer: Buyer, fresh: Interval, at: Timestamp) -> None:
    """Say nothing before the van sets out for the stop."""


POLICIES: dict[str, tuple[Callable[[], Policy], bool]] = {
    "next stop only": (lambda: silent, True),
    "point moved > 5 min": (lambda: fixed(5 * MINUTE), False),
    "point moved > 10 min": (lambda: fixed(10 * MINUTE), False),
    "point moved > 15 min, 20 min apart": (lambda: fixed(15 * MINUTE, 20 * MINUTE), False),
    "governor": (lambda: governed(USUAL), True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Shares of all stops, but `warned` of those that came late; texts are a mean."""

    texts: float
    true: float
    true_before_next: float
    warned: float
    warned_early: float
    flip_flops: float
    late: float
    width: float


def played(drive: Drive, policy: Policy, *, exact: bool, rules: Rules = USUAL) -> dict[StopId, Buyer]:
    """Let a policy decide at each look."""
    buyers = {stop_id: Buyer(promised=window, told=window) for stop_id, window in drive.promised.items()}
    for look in drive.looks:
        for stop_id, fresh in look.ahead.items():
            buyer = buyers[stop_id]
            if stop_id == look.set_out_for:
                window = window_of(fresh, buyer.promised.start, rules) if exact else around(fresh)
                knows = buyer.told if buyer.texts else None
                if exact and (
                    is_known(knows, window, rules)
                    or ruling(MessageKind.NEXT_STOP, buyer.rows, look.at, rules) is not None
                ):
                    continue
                buyer.tell(MessageKind.NEXT_STOP, window, look.at)
                buyer.foreseen = None
            else:
                policy(buyer, fresh, look.at)
    return buyers


def judged(drives: Sequence[Drive], policy: Callable[[], Policy], *, exact: bool, rules: Rules) -> Verdict:
    """Play all drives, and count."""
    stops = texts = true = before = flips = late = warned = early = 0
    width = 0.0
    for drive in drives:
        for stop_id, buyer in played(drive, policy(), exact=exact, rules=rules).items():
            started, promised = drive.started[stop_id], buyer.promised
            stops += 1
            texts += len(buyer.texts)
            true += buyer.told.start <= started <= buyer.told.end
            width += buyer.told.end - buyer.told.start
            news = [window for _, kind, window in buyer.texts if kind is not MessageKind.NEXT_STOP]
            last = news[-1] if news else promised
            before += last.start <= started <= last.end
            flips += _turns([promised, *news])
            if started > promised.end:
                late += 1
                warnings = [at for at, _, window in buyer.texts if window.end > promised.end]
                warned += any(at <= started - AHEAD for at in warnings)
                early += any(at <= promised.end - AHEAD for at in warnings)
    return Verdict(
        texts=texts / stops,
        true=true / stops,
        true_before_next=before / stops,
        warned=warned / max(late, 1),
        warned_early=early / max(late, 1),
        flip_flops=flips / stops,
        late=late / stops,
        width=width / stops / MINUTE,
    )


def _turns(windows: Sequence[TimeWindow]) -> bool:
    """Whether a buyer was sent one way and then the other."""
    middles = [window.start + window.end for window in windows[1:]]
    later = [windows[1].end > windows[0].end] if middles else []  # than promised: its middle says nothing
    return len({*later, *(after > before for before, after in pairwise(middles))}) > 1


def centred(outing: Outing, clock: WorkClock) -> Outing:
    """A route promised in two hours around its plan, by the half-hour."""
    route = outing.route
    stops = route.stops.copy()
    stops["window_start"], stops["window_end"] = local(outing.day, SLOT_HOURS[0]), local(outing.day, 21.5)
    starts = forward(lay_out([replace(route, stops=stops)], 0), clock).start[:-1, 0]
    opens = ((starts - HOUR + GRID / 2) // GRID * GRID).astype(int)
    opens = opens.clip(min=local(outing.day, SLOT_HOURS[0]))
    stops["window_start"], stops["window_end"] = opens, opens + 2 * HOUR
    return replace(outing, route=replace(route, stops=stops))


def drives_of(
    name: str, city: City, clock: WorkClock, *, seed: int, days: int, on_grid: bool = False
) -> list[Drive]:
    """Learn some days, then look at the drives of the following ones."""
    travel = Travel(engine=TravelEngine.ROADS, profile=CITY_PROFILE)
    depot = a_depot(location=city.depot.location, timezone=str(ZONE), travel=travel)
    office = Office(depot, city.travel)
    planned = fleet_days(city, clock, World(TUNED, seed), days=LEARNING_DAYS + days, seed=seed)
    if not on_grid:
        planned = [[centred(outing, clock) for outing in outings] for outings in planned]
    lived = lived_days(planned, World(WORLDS[name], seed), clock, Memory())
    drives = list[Drive]()
    for number, (outings, day) in enumerate(zip(planned, lived, strict=True)):
        plan = PlanKey(depot_id=depot.depot_id, day=outings[0].day)
        if number >= LEARNING_DAYS:
            past = office.past
            drives += [_drive(office, shift, plan, past) for shift in day]
        office.live_through(day, plan)
    return drives


def _drive(office: Office, shift: FinishedShift, plan: PlanKey, past: Past) -> Drive:
    world = Forecasting(clock=work_clock(office.depot, plan.day, plan.day), noise=office.noise, target=0.98)
    stops = shift.route.stops
    stop_ids = stops["stop_id"].tolist()
    windows = zip(stops["window_start"].tolist(), stops["window_end"].tolist(), strict=True)
    starts = dict(zip(stop_ids, shift.started_at.tolist(), strict=True))
    looks = list[Look]()
    for at, towards in _moments(shift, stop_ids):
        seen = live(shift.route, told(shift, plan, at), at, world=world, travel=office.travel, past=past)
        ahead = {
            stop_id: Interval(
                earliest_at=said.earliest_at, expected_at=said.expected_at, latest_at=said.latest_at
            )
            for stop_id, said in seen.arrivals.items()
            if starts[stop_id] > at
        }
        looks.append(Look(at, ahead, towards))
    promised = {
        stop_id: TimeWindow(start=opens, end=closes)
        for stop_id, (opens, closes) in zip(stop_ids, windows, strict=True)
    }
    return Drive(looks, promised, starts)


def _moments(shift: FinishedShift, stop_ids: Sequence[StopId]) -> Iterator[tuple[Timestamp, StopId | None]]:
    """Each milestone, with the stop it leads to, and the looks between."""
    done = shift.done_at.round().astype(int).tolist()
    came = shift.arrived_at.round().astype(int).tolist()
    set_out = dict(zip([shift.left_at, *done[:-1]], stop_ids, strict=True))
    begins = shift.route.shift.starts_at + 10 * MINUTE
    looks = range(begins, round(shift.ends_at), LOOKS)
    for at in sorted({*set_out, *came, *looks}):
        yield at, set_out.get(at)


def _line(name: str, verdict: Verdict) -> str:
    shares = (
        verdict.true,
        verdict.true_before_next,
        verdict.warned,
        verdict.warned_early,
        verdict.flip_flops,
    )
    figures = "".join(f"{100 * share:12.1f}" for share in shares)
    return f"{name:38}{verdict.texts:8.2f}{figures}{verdict.width:10.0f}"


def main() -> None:
    """Print a table for each world."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--world", choices=list(WORLDS), help="only this one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=int, default=TEST_DAYS)
    parser.add_argument("--grid", action="store_true", help="two-hour slots, wherever in them the plan falls")
    parser.add_argument("--sweep", action="store_true", help="other thresholds and widths beside the usual")
    asked = parser.parse_args()
    city = porto(roads=True)
    span = (LEARNING_DAYS + asked.days + 2) * DAY
    clock = WorkClock.over(CITY_PROFILE, ZONE, start=local(FIRST_DAY, 0), end=local(FIRST_DAY, 0) + span)
    for name in [asked.world] if asked.world else list(WORLDS):
        drives = drives_of(name, city, clock, seed=asked.seed, days=asked.days, on_grid=asked.grid)
        stops = sum(len(drive.promised) for drive in drives)
        first = judged(drives, lambda: silent, exact=True, rules=USUAL)
        print(f"\n{name}: {len(drives)} shifts, {stops} stops, {100 * first.late:.1f} % late")
        print(
            f"{'':38}{'texts':>8}{'true':>12}{'before next':>12}{'warned':>12}{'20 before end':>14}"
            f"{'flip-flops':>12}{'width':>8}"
        )
        for label, (policy, exact) in POLICIES.items():
            print(_line(label, judged(drives, policy, exact=exact, rules=USUAL)), flush=True)
        if asked.sweep:
            for leaves_above in (0.8, 0.9, 0.95):
                for late_above in (0.4, 0.5):
                    for last_call in (40 * MINUTE, 50 * MINUTE, 60 * MINUTE):
                        rules = replace(
                            USUAL, leaves_above=leaves_above, late_above=late_above, last_call=last_call
                        )
                        verdict = judged(drives, partial(governed, rules), exact=True, rules=rules)
                        print(
                            _line(f"governor, {leaves_above}, {late_above}, {last_call // MINUTE}", verdict)
                        )


if __name__ == "__main__":
    main()
