"""Days lived in a world of luck on the street of `tests.builders`, told as drivers tell them, and learned."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import numpy as np

from chalicelib.fleet.calendar import work_clock
from chalicelib.fleet.past import Past
from chalicelib.fleet.plans import PlanKey
from chalicelib.routing.finished import FinishedShift
from chalicelib.routing.model import Break
from chalicelib.routing.uncertainty import Noise
from chalicelib.units import DAY, HOUR, Timestamp
from infra.sandbox.world import Climate, World
from tests.benchmarks.eta_days import Outing, lived
from tests.benchmarks.eta_product import Office
from tests.builders import Street, hour, hours, route, shift, stop
from tests.promises.shop import a_depot

FIRST = date(2026, 11, 19)
DEPOT = a_depot()
NOISE, TRAVEL = Noise(), Street(seconds_a_house=600)
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
            van = route(*visits, of=on_duty, travel=TRAVEL, version=0)
            outing = Outing(van, day, driver=f"driver-{driver}")
            found[-1].append(lived(outing, world, clock, np.zeros((stops, 2))))
    return found


class Depot(Office):
    """A depot on that street; its days are numbered."""

    def __init__(self, noise: Noise = NOISE) -> None:
        super().__init__(DEPOT, TRAVEL, noise=noise)

    def tell(self, day: Sequence[FinishedShift], number: int) -> None:
        """Let the vans of a day come home."""
        self.hear(day, plan_of(number))

    def learn_day(self, number: int, *, hours_later: int = 24) -> Timestamp | None:
        """Learn the numbered day, so long after its last shift's end."""
        return self.learn(plan_of(number), hour(23 + 24 * number) + hours_later * HOUR)

    def covered(self, past: Past, days: Sequence[Sequence[FinishedShift]], first: int) -> float:
        """Share of live arrivals whose 90 % interval was true, at clock times the days have not chosen."""
        missed = [
            row
            for number, day in enumerate(days, first)
            for shift in day
            for at in np.linspace(shift.left_at, shift.ends_at, 9)[:-1].tolist()
            for row in self.missed(shift, plan_of(number), round(at), past)
        ]
        return float(np.mean([early >= -1 and late <= 1 for _, early, _, late in missed]))
