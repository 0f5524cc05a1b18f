"""How good forecasts of arrival are, beside the static plan, the plan plus today's delay, and two oracles.

    python -m tests.benchmarks.eta

First as the product says them, after none, five and thirty learned days; then the method beside the others.
Days are lived in worlds of luck on Porto's real roads: one whose figures our defaults assume, and others they
were never tuned on. Everybody forecasts at clock times the day has not chosen, everything is reported by the
lead the oracle predicts (never by the lead that came true, which would give the answer away) and by stops
away, and whoever gets below the oracle has a leak. Intervals are 90 %; minutes throughout.
"""

import argparse
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from chalicelib.fleet.model import Travel, TravelEngine
from chalicelib.fleet.plans import PlanKey
from chalicelib.routing.activity import Doing
from chalicelib.routing.arrivals import Arrivals, arrivals
from chalicelib.routing.calibration import LEAD_EDGES
from chalicelib.routing.finished import FinishedShift, Moment, Replay
from chalicelib.routing.pace import UNSTRETCHED
from chalicelib.routing.schedule import forward, lay_out
from chalicelib.routing.travel_times import CITY_PROFILE, WorkClock
from chalicelib.units import DAY, MINUTE
from infra.sandbox.world import Climate, World
from tests.benchmarks.days import FIRST_DAY, ZONE, City, local, porto
from tests.benchmarks.eta_days import Memory, Outing, fleet_days, lived_days
from tests.benchmarks.eta_product import Missed, Office, judged
from tests.benchmarks.oracle import Oracle
from tests.promises.shop import a_depot

MOMENTS = 4
SCENARIOS = 500  # of the oracles
LEARNING_DAYS, TEST_DAYS, BASELINE_DAYS = 30, 30, 8

METHODS = ("plan", "plan + delay", "ours, uncalibrated", "ours", "oracle", "oracle that is told")
LEADS = (60, 30, 15)  # minutes, predicted
AWAY = (10, 5)  # stops

# Rush hours that the depot's profile does not have, twice on weekdays.
_RUSH = tuple(1.35 if hour in (8, 9, 17, 18) else 0.95 for hour in range(24))

TUNED = Climate()
WORLDS = {
    "as assumed": TUNED,
    "quieter": replace(
        TUNED,
        travel_fading=0.10,
        travel_leg=0.15,
        service_door=0.20,
        service_visit=0.30,
        leg_trouble=0.005,
        stop_trouble=0.01,
    ),
    "noisier": replace(
        TUNED,
        travel_day=0.10,
        travel_fading=0.28,
        fading_memory=0.8,
        travel_leg=0.32,
        service_day=0.15,
        service_visit=0.65,
        leg_trouble=0.02,
        stop_trouble=0.04,
    ),
    "slow doors, other rush hours": replace(
        TUNED, service=(1.35, 1.2, 1.5, 1.3), service_driver=0.25, hours=_RUSH
    ),
    "late starts, early breaks": replace(
        TUNED, late_start=900, break_lean=(0.3, 0.3), service_visit=0.42, service_door=0.40
    ),
}


@dataclass(frozen=True)
class Forecasts:
    """What everybody said, one row for each stop that was left at some moment; minutes.

    Attributes
    ----------
    day
        Which day a row is of: its vans share their luck.
    lead
        Until the told oracle's median.
    away
        Stops before this one.
    missed
        Actual start of service less what each method said; shape (rows, methods, 3).
    """

    day: np.ndarray
    lead: np.ndarray
    away: np.ndarray
    missed: np.ndarray

    def rows(self, chosen: np.ndarray) -> "Forecasts":
        return Forecasts(self.day[chosen], self.lead[chosen], self.away[chosen], self.missed[chosen])


@dataclass(frozen=True)
class Score:
    """Of one method: mean absolute error, share inside the interval, its mean width."""

    error: float
    covered: float
    width: float


def score(forecasts: Forecasts, method: int) -> Score:
    """Minutes, share, minutes."""
    missed = forecasts.missed[:, method]
    inside = (missed[:, 0] >= -1e-6) & (missed[:, 2] <= 1e-6)
    return Score(
        float(np.abs(missed[:, 1]).mean()),
        float(inside.mean()),
        float((missed[:, 0] - missed[:, 2]).mean()),
    )


def around(forecasts: Forecasts, lead: float) -> Forecasts:
    """Rows whose predicted lead is within a fifth of this."""
    return forecasts.rows(np.abs(forecasts.lead - lead) <= lead / 5)


def stops_away(forecasts: Forecasts, away: int) -> Forecasts:
    """Rows with so many stops before them."""
    return forecasts.rows(forecasts.away == away)


def moments_of(shift: FinishedShift, chance: np.random.Generator) -> list[int]:
    """Clock times that nothing of the day has chosen."""
    begins = shift.route.shift.starts_at
    return [round(at) for at in np.sort(chance.uniform(begins, shift.ends_at, MOMENTS)).tolist()]


class Baseline:
    """A point forecast, with an interval from how far it missed at such a lead on earlier days."""

    def __init__(self, point: Callable[[FinishedShift, Moment], np.ndarray]) -> None:
        self.point = point
        self.missed: list[list[float]] = [[] for _ in range(len(LEAD_EDGES) + 1)]
        self.interval: np.ndarray | None = None  # of each bucket of lead, once nothing is learned any more

    def learn(self, shift: FinishedShift, moment: Moment) -> None:
        """See how far it missed."""
        points = self.point(shift, moment)
        leads = np.searchsorted(LEAD_EDGES, points - moment.at)
        for lead, missed in zip(leads.tolist(), (shift.started_at[moment.first :] - points), strict=True):
            self.missed[lead].append(float(missed))

    def starts(self, shift: FinishedShift, moment: Moment) -> np.ndarray:
        """5 %, 50 %, 95 %; the middle stays the plan's."""
        points = self.point(shift, moment)
        if self.interval is None:
            self.interval = np.array([np.quantile(some or [0.0], (0.05, 0.95)) for some in self.missed])
        low, high = self.interval[np.searchsorted(LEAD_EDGES, points - moment.at)].T
        return np.maximum(np.stack([points + low, points, points + high], axis=1), moment.at)


def baselines(clock: WorkClock) -> list[Baseline]:
    """The static plan, and the plan from where the van should be by now."""

    def plan(shift: FinishedShift, moment: Moment) -> np.ndarray:
        planned = forward(lay_out([shift.route], moment.at), clock).start[:-1, 0]
        return np.maximum(planned[moment.first :], moment.at)

    def delayed(shift: FinishedShift, moment: Moment) -> np.ndarray:
        doing, now, rest = moment.activity.doing, moment.at, moment.rest
        begins = moment.activity.since
        if doing is Doing.NOT_LEFT:
            begins = max(rest.shift.starts_at, now)
        elif doing is Doing.DRIVING:
            leg = int(rest.stops["leg_seconds"][0])
            overdue = now - float(clock.clock(clock.work(begins) + leg))
            begins += round(max(overdue, 0.0))
        else:
            begins = max(begins + moment.activity.planned, now)
        from_here = replace(rest, shift=replace(rest.shift, starts_at=begins))
        return np.maximum(forward(lay_out([from_here], now), clock).start[:-1, 0], now)

    return [Baseline(plan), Baseline(delayed)]


def forecasts_in(
    climate: Climate,
    days: Sequence[Sequence[Outing]],
    clock: WorkClock,
    *,
    seed: int,
    learning_days: int = LEARNING_DAYS,
    forget: bool = False,
) -> Forecasts:
    """Let a fleet live in a world: learn from the first days, forecast the others, learning on.

    Parameters
    ----------
    forget
        Nothing is ever learned: what a new fleet gets on its first day.
    """
    here, memory, plain = World(climate, seed), Memory(), baselines(clock)
    chance = np.random.default_rng([seed, 11])
    rows: list[tuple[np.ndarray, ...]] = []
    for number, (outings, day) in enumerate(zip(days, lived_days(days, here, clock, memory), strict=True)):
        forecast = number >= learning_days - BASELINE_DAYS
        for outing, shift in zip(outings, day, strict=True) if forecast else ():
            habits = memory.history.habits(shift.driver)
            replay = Replay(shift, clock, habits)
            raw = Replay(shift, clock, replace(habits, stretch=UNSTRETCHED))
            oracles = [
                Oracle(outing, shift, here, clock, told=told, count=SCENARIOS) for told in (False, True)
            ]
            for at in moments_of(shift, chance):
                moment = replay.at(at)
                if not len(moment.rest.stops):
                    continue
                if number < learning_days:
                    for baseline in plain:
                        baseline.learn(shift, moment)
                    continue
                said = [baseline.starts(shift, moment) for baseline in plain]
                said += [said_of(shift, clock, other.at(at)).start for other in (raw, replay)]
                said += [oracle.starts(moment) for oracle in oracles]
                together = np.stack(said, axis=1)
                rows.append(_judged(together, shift, moment, number))
        if not forget:
            memory.learn(day, clock)
    return Forecasts(*(np.concatenate(column) for column in zip(*rows, strict=True)))


def said_of(shift: FinishedShift, clock: WorkClock, moment: Moment) -> Arrivals:
    """What we say at a moment of a shift."""
    first = moment.first
    return arrivals(
        moment.rest,
        clock,
        moment.pace,
        moment.activity,
        moment.at,
        doors=shift.doors[first:],
    )


def _judged(said: np.ndarray, shift: FinishedShift, moment: Moment, day: int) -> tuple[np.ndarray, ...]:
    actual = shift.started_at[moment.first :]
    away = np.arange(len(actual))
    return (
        np.full(len(actual), day),
        (said[:, -1, 1] - moment.at) / MINUTE,
        away,
        (actual[:, None, None] - said) / MINUTE,
    )


def compared(
    forecasts: Forecasts, method: int, other: int, *, chance: np.random.Generator, times: int = 400
) -> tuple[float, float, float]:
    """Error of a method over another's, and its 90 % range when days are drawn anew (cluster bootstrap)."""
    days, of = np.unique(forecasts.day, return_inverse=True)
    errors = np.abs(forecasts.missed[:, [method, other], 1])
    sums = np.stack([np.bincount(of, errors[:, column], len(days)) for column in (0, 1)], axis=1)
    drawn = chance.integers(len(days), size=(times, len(days)))
    again = sums[drawn].sum(axis=1)
    low, high = np.quantile(again[:, 0] / again[:, 1], (0.05, 0.95)).tolist()
    return float(errors[:, 0].sum() / errors[:, 1].sum()), low, high


def cost(days: Sequence[Sequence[Outing]], clock: WorkClock) -> tuple[float, float, float]:
    """CPU microseconds: of a forecast with 30 stops left, of one at any moment, of the update before it."""
    here, memory = World(TUNED, 1), Memory()
    day = next(iter(lived_days(days[:1], here, clock, memory)))
    memory.learn(day, clock)
    shift, chance = day[0], np.random.default_rng(1)
    replay = Replay(shift, clock, memory.history.habits(shift.driver))
    early = replay.at(round(float(shift.done_at[4]) + 5))
    moments = [replay.at(at) for _ in range(5) for at in moments_of(shift, chance)]
    pace = early.pace

    def update() -> None:
        pace.drove(200, 230, early.at).served(300, 280)

    return (
        _cpu(lambda: said_of(shift, clock, early)),
        float(np.mean([_cpu(lambda at=moment: said_of(shift, clock, at)) for moment in moments])),
        _cpu(update) / 2,
    )


def _cpu(call: Callable[[], object], times: int = 100) -> float:
    timings = []
    for _ in range(7):
        began = time.process_time()
        for _ in range(times):
            call()
        timings.append((time.process_time() - began) / times * 1e6)
    return float(np.median(timings))


def _print(name: str, forecasts: Forecasts) -> None:
    cuts = [(f"lead {lead}", around(forecasts, lead)) for lead in LEADS]
    cuts += [(f"{away} stops", stops_away(forecasts, away)) for away in AWAY]
    cuts += [("all", forecasts)]
    days = len(np.unique(forecasts.day))
    print(f"\n{name}: {days} days, {len(forecasts.lead)} forecasts; error | covered | width")
    print(" " * 27 + "".join(f"{cut:>24}" for cut, _ in cuts))
    for method, label in enumerate(METHODS):
        scores = [score(rows, method) for _, rows in cuts]
        print(
            f"{label:27}"
            + "".join(f"{one.error:9.2f} {100 * one.covered:6.1f} {one.width:7.1f}" for one in scores)
        )
    chance = np.random.default_rng(3)
    ours = METHODS.index("ours")
    for other in ("plan + delay", "oracle", "oracle that is told"):
        line = [
            f"{ratio:8.3f} [{low:.3f}, {high:.3f}]"
            for _, rows in cuts
            for ratio, low, high in [compared(rows, ours, METHODS.index(other), chance=chance)]
        ]
        print(f"ours / {other:20}" + "".join(line))


def product_missed(
    climate: Climate,
    city: City,
    days: Sequence[Sequence[Outing]],
    clock: WorkClock,
    *,
    seed: int,
    learned: int,
) -> list[Missed]:
    """By how much the product misses, which learns the first days' evenings and, if any, all later ones."""
    travel = Travel(engine=TravelEngine.ROADS, profile=CITY_PROFILE)
    depot = a_depot(location=city.depot.location, timezone=str(ZONE), travel=travel)
    office, missed, chance = Office(depot, city.travel), list[Missed](), np.random.default_rng([seed, 13])
    lived_through = lived_days(days, World(climate, seed), clock, Memory())
    for number, (outings, day) in enumerate(zip(days, lived_through, strict=True)):
        plan = PlanKey(depot_id=depot.depot_id, day=outings[0].day)
        for shift in day if number >= learned else ():
            for at in moments_of(shift, chance):
                missed += office.missed(shift, plan, at, office.past)
        if learned:
            office.live_through(day, plan)
    return missed


def _print_product(
    worlds: Iterable[str], city: City, days: Sequence[Sequence[Outing]], clock: WorkClock, *, seed: int
) -> None:
    test = len(days) - TEST_DAYS
    print(f"\nas the product says it: {TEST_DAYS} days; error | covered | width")
    print(" " * 48 + "".join(f"{cut:>24}" for cut in (*(f"lead {lead}" for lead in LEADS), "all")))
    for name in worlds:
        for many in (0, 5, test):
            missed = product_missed(WORLDS[name], city, days[test - many :], clock, seed=seed, learned=many)
            found = [*(judged(missed, lead) for lead in LEADS), judged(missed)]
            print(f"{name:32}{many:3} days learned" + "".join(found))


def main() -> None:
    """Print a table for each world, and what the product gets of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--world", choices=list(WORLDS), help="only this one")
    parser.add_argument("--product", action="store_true", help="only what the product itself says")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=int, default=LEARNING_DAYS, help="days learned from")
    asked = parser.parse_args()
    city = porto(roads=True)
    span = (asked.days + TEST_DAYS + 2) * DAY
    clock = WorkClock.over(CITY_PROFILE, ZONE, start=local(FIRST_DAY, 0), end=local(FIRST_DAY, 0) + span)
    days = fleet_days(city, clock, World(TUNED, asked.seed), days=asked.days + TEST_DAYS, seed=asked.seed)
    worlds = [asked.world] if asked.world else list(WORLDS)
    _print_product(worlds, city, days, clock, seed=asked.seed)
    if asked.product:
        return
    early, any_time, update = cost(days, clock)
    print(
        f"CPU: a forecast with 30 stops, windows and a break ahead {early:.0f} us, at any moment of a day"
        f" {any_time:.0f} us; taking in a finished leg or visit {update:.1f} us"
    )
    for name in worlds:
        _print(name, forecasts_in(WORLDS[name], days, clock, seed=asked.seed, learning_days=asked.days))
    for name in ("as assumed", "noisier"):
        if name in worlds:
            first = days[asked.days - 1 :]  # its first day is the baselines' only one
            found = forecasts_in(WORLDS[name], first, clock, seed=asked.seed, learning_days=1, forget=True)
            _print(f"{name}, a new fleet without any history", found)


if __name__ == "__main__":
    main()
