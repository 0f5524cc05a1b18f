"""Days lived in a world of luck on the street of `tests.builders`, told as drivers tell them, and learned."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import numpy as np

from chalicelib.fleet.calendar import work_clock
from chalicelib.fleet.learning import Learning
from chalicelib.fleet.live import live
from chalicelib.fleet.past import Past
from chalicelib.fleet.plans import PlanKey, RouteWrite
from chalicelib.fleet.progress import Progress, Rest, Served
from chalicelib.fleet.store import FleetChanges
from chalicelib.motion.store import MotionChanges
from chalicelib.promises.store import Changes
from chalicelib.routing.finished import FinishedShift
from chalicelib.routing.model import Break
from chalicelib.routing.proof import World as Judge
from chalicelib.routing.uncertainty import Noise
from chalicelib.units import DAY, HOUR, Timestamp
from infra.sandbox.world import Climate, World
from tests.benchmarks.eta_days import Outing, lived
from tests.builders import Street, hour, hours, route, shift, stop
from tests.fakes_store import InMemoryStore
from tests.promises.shop import TENANT, a_depot

FIRST = date(2026, 11, 19)
DEPOT = a_depot()
STREET, NOISE = Street(), Noise()
HOUSES = 120


def plan_of(number: int) -> PlanKey:
    """The plan of the numbered day."""
    return PlanKey(depot_id=DEPOT.depot_id, day=FIRST + timedelta(days=number))


def lived_days(
    climate: Climate, *, days: int, drivers: int = 6, stops: int = 25, seed: int = 1
) -> list[list[FinishedShift]]:
    """Each driver's own street, of which some houses are served each day."""
    world, found = World(climate, seed), list[list[FinishedShift]]()
    for number in range(days):
        day = FIRST + timedelta(days=number)
        clock, ahead = work_clock(DEPOT, day, day), number * DAY
        found.append([])
        for driver in range(drivers):
            chance = np.random.default_rng([seed, number, driver])
            pause = Break(earliest_at=hour(12) + ahead, latest_at=hour(14) + ahead, duration=1800)
            on_duty = shift(f"van-{driver}", start=8 + 24 * number, end=23 + 24 * number, breaks=[pause])
            on_duty = replace(on_duty, shift_id=f"{on_duty.shift_id}.{day}")
            window = hours(8 + 24 * number, 23 + 24 * number)
            houses = (chance.permutation(HOUSES)[:stops] + HOUSES * driver + 1).tolist()
            visits = [stop(at + 1, house / 60, window) for at, house in enumerate(houses)]
            van = route(*visits, of=on_duty, travel=Street(seconds_a_house=600))
            outing = Outing(van, day, driver=f"driver-{driver}")
            found[-1].append(lived(outing, world, clock, np.zeros((stops, 2))))
    return found


def told(of: FinishedShift, plan: PlanKey, until: Timestamp) -> Progress:
    """What is known of a shift by then, if its driver taps everything."""
    served, rests, drove_on = list[Served](), list[Rest](), of.left_at
    for number, stop_id in enumerate(of.route.stops["stop_id"].tolist()):
        came, left = round(of.arrived_at[number]), round(of.done_at[number])
        rested = round(of.rested[number])
        if rested and drove_on <= until:
            ended_at = drove_on + rested
            rests.append(Rest(began_at=drove_on, ended_at=ended_at if ended_at <= until else None))
        if came > until:
            break
        done = left <= until
        outcome = "delivered_to_recipient" if done else None
        served.append(
            Served(stop_id=stop_id, arrived_at=came, left_at=left if done else None, outcome=outcome)
        )
        drove_on = left
    return Progress(
        shift_id=of.route.shift.shift_id,
        plan=plan,
        driver=of.driver,
        departed_at=of.left_at if of.left_at <= until else None,
        served=tuple(served),
        rests=tuple(rests),
        milestones=1 + len(served),
    )


class Depot:
    """A depot in memory that learns its days, assuming such noise before."""

    def __init__(self, noise: Noise = NOISE) -> None:
        self.store, self.noise = InMemoryStore(), noise
        self.learning = Learning(
            self.store, lambda _: TRAVEL, noise=noise, entropy=lambda count: bytes(range(count))
        )
        self.store.commit_fleet(TENANT, FleetChanges(depot_id="porto", fleet_version=0, depot=DEPOT))

    def tell(self, day: Sequence[FinishedShift], number: int) -> None:
        """Let the vans of a day come home."""
        plan = plan_of(number)
        for each in day:
            write = RouteWrite(depot_id="porto", day=plan.day, route=replace(each.route, version=0))
            self.store.commit(TENANT, Changes(routes=(write,)))
            self.store.commit_motion(TENANT, MotionChanges(progress=told(each, plan, round(each.ends_at))))

    def learn(self, number: int, *, hours_later: int = 24) -> Timestamp | None:
        """Learn the numbered day, so long after its last shift's end."""
        return self.learning.learn(TENANT, plan_of(number), hour(23 + 24 * number) + hours_later * HOUR)

    @property
    def past(self) -> Past:
        """What it knows."""
        return self.store.pasts.stored_past(TENANT, DEPOT)


TRAVEL = Street(seconds_a_house=600)


def covered(past: Past, noise: Noise, days: Sequence[Sequence[FinishedShift]], first: int) -> float:
    """Share of the live arrivals whose 90 % interval was true, at clock times the days have not chosen."""
    inside = list[bool]()
    for number, day in enumerate(days, first):
        plan = plan_of(number)
        world = Judge(clock=work_clock(DEPOT, plan.day, plan.day), noise=noise, target=0.98)
        for each in day:
            for moment in np.linspace(each.left_at, each.ends_at, 9)[:-1].tolist():
                now = round(moment)
                seen = live(each.route, told(each, plan, now), now, world=world, travel=TRAVEL, past=past)
                ahead = dict(zip(each.route.stops["stop_id"].tolist(), each.started_at.tolist(), strict=True))
                inside += [
                    said.earliest_at <= ahead[stop_id] <= said.latest_at
                    for stop_id, said in seen.arrivals.items()
                    if ahead[stop_id] > now
                ]
    return float(np.mean(inside))
