"""The limit of any forecast: somebody who knows the world's figures, and drives its future a thousand times.

Two of them. One knows the figures and every driver, and has to infer the day and the doors from what was
seen, as we do: nobody with our observations can do better. The other is also told what every day, driver and
door is like, which nobody ever sees; only the luck of single legs and visits is hidden from it. Both see
hold-ups for what they are. A forecast that beats them has looked into the future.
"""

from dataclasses import dataclass

import numpy as np

from chalicelib.routing.activity import Doing
from chalicelib.routing.finished import FinishedShift, Moment
from chalicelib.routing.model import Break, Location
from chalicelib.routing.pace import Belief
from chalicelib.routing.travel_times import WorkClock
from chalicelib.units import HOUR
from infra.sandbox.world import Climate, ShiftLuck, World
from tests.benchmarks.eta_days import Outing

_CANDIDATES = 5_000  # of what is going on, of which those that last longer than it has are kept


@dataclass(frozen=True)
class Seen:
    """What the oracle has inferred before leg or visit number k of a shift; logarithms without the level."""

    travel: list[tuple[np.ndarray, np.ndarray]]  # of what is shared and what fades: means, covariance
    service: list[Belief]
    doors: list[Belief]


class Oracle:
    """Forecasts one finished shift; `told` says that it knows the day and the doors."""

    def __init__(
        self, outing: Outing, shift: FinishedShift, world: World, clock: WorkClock, *, told: bool, count: int
    ) -> None:
        self.climate, self.shift, self.clock, self.count = world.climate, shift, clock, count
        self.luck = world.shift(outing.day, outing.driver)
        self.places = [stop.location for stop in outing.route.all_stops()]
        self.slowness = [world.climate.service[world.door(place).kind - 1] for place in self.places]
        self.seen = _seen(self, world, outing.driver, told=told)
        self.chance = np.random.default_rng([7, outing.day.toordinal(), len(outing.driver)])

    def starts(self, moment: Moment) -> np.ndarray:
        """Start of service at each stop that is left: 5 %, 50 %, 95 %."""
        climate, chance, count = self.climate, self.chance, self.count
        doing, first = moment.activity.doing, moment.first
        visits_done = first - (doing is Doing.AT_DOOR)
        mean, covariance = self.seen.travel[first]
        states = chance.multivariate_normal(
            mean, covariance, _CANDIDATES, method="eigh", check_valid="ignore"
        )
        hand = self.seen.service[visits_done]
        hands = hand.mean + np.sqrt(hand.variance) * chance.standard_normal(_CANDIDATES)
        elapsed = max(moment.at - moment.activity.since, 0)
        stops, n = moment.rest.stops, len(moment.rest.stops)
        since = float(moment.activity.since)
        lasts = np.full(_CANDIDATES, np.inf)
        if doing is Doing.DRIVING:
            states[:, 1] = self._next(states[:, 1])
            lasts = self._leg(states, int(stops["leg_seconds"][0]), np.full(_CANDIDATES, since)) - since
        elif doing is Doing.AT_DOOR:
            lasts = self._visit(hands, moment.activity.planned, first - 1)
        longer = np.flatnonzero(lasts > elapsed)
        chosen = chance.choice(longer if len(longer) > 20 else _CANDIDATES, count)
        states, hands, lasts = states[chosen], hands[chosen], lasts[chosen]
        if len(longer) <= 20:  # only a hold-up lasts that long, and it has no memory
            lasts = elapsed + chance.exponential(climate.leg_trouble_delay, count)
        now = {
            Doing.NOT_LEFT: max(moment.rest.shift.starts_at, moment.at)
            + chance.exponential(climate.late_start, count),
            Doing.RESTING: np.full(count, since + moment.activity.planned),
            Doing.AT_DOOR: since + lasts,
            Doing.DRIVING: np.full(count, since),
        }[doing]
        wishes = [
            self._wish(pause, doing, float(moment.activity.drove_off_at or since))
            for pause in moment.rest.shift.breaks
        ]
        found = np.empty((n, count))
        for k in range(n):
            if k or doing is not Doing.DRIVING:
                for pause, wish in zip(moment.rest.shift.breaks, wishes, strict=True):
                    taken = now >= wish
                    now = now + taken * pause.duration
                    wish[taken] = np.inf
                states[:, 1] = self._next(states[:, 1])
                now = self._leg(states, int(stops["leg_seconds"][k]), now)
            else:
                now = since + lasts
            now = np.maximum(now, float(stops["window_start"][k]))
            found[k] = now
            now = now + self._visit(hands, int(stops["service_time"][k]), first + k)
        return np.quantile(found, (0.05, 0.5, 0.95), axis=1).T

    def _next(self, fading: np.ndarray) -> np.ndarray:
        memory = self.climate.fading_memory
        fresh = self.climate.travel_fading * np.sqrt(1 - memory**2)
        return memory * fading + fresh * self.chance.standard_normal(len(fading))

    def _leg(self, states: np.ndarray, leg: int, now: np.ndarray) -> np.ndarray:
        climate, chance, size = self.climate, self.chance, len(now)
        luck = travel_level(climate) + states.sum(axis=1) + climate.travel_leg * chance.standard_normal(size)
        factor = np.exp(luck) * np.asarray(climate.hours)[(now // HOUR % 24).astype(int)]
        factor = np.where(chance.random(size) < climate.closed_road, factor * climate.detour, factor)
        held_up = (chance.random(size) < climate.leg_trouble) * chance.exponential(
            climate.leg_trouble_delay, size
        )
        tyre = (chance.random(size) < climate.flat_tyre) * chance.exponential(climate.flat_tyre_delay, size)
        return self.clock.clock(self.clock.work(now) + leg * factor) + held_up + tyre

    def _visit(self, hands: np.ndarray, planned: int, stop: int) -> np.ndarray:
        climate, chance, size = self.climate, self.chance, len(hands)
        door = self.seen.doors[stop]
        spread = np.sqrt(door.variance + climate.service_visit**2)
        luck = service_level(climate) + hands + door.mean + spread * chance.standard_normal(size)
        factor = np.exp(luck) * self.slowness[stop]
        trouble = (chance.random(size) < climate.stop_trouble) * chance.exponential(
            climate.stop_trouble_delay, size
        )
        return planned * factor + trouble

    def _wish(self, pause: Break, doing: Doing, since: float) -> np.ndarray:
        mean, half = self.climate.break_lean
        width = pause.latest_at - pause.earliest_at
        earliest, latest = (pause.earliest_at + lean * width for lean in (mean - half, mean + half))
        if doing in (Doing.DRIVING, Doing.AT_DOOR):
            earliest = max(earliest, since)
        return self.chance.uniform(earliest, max(latest, earliest + 1e-6), self.count)


def travel_level(climate: Climate) -> float:
    """Mean logarithm of a leg."""
    parts = climate.travel_day, climate.travel_driver, climate.travel_fading, climate.travel_leg
    return -sum(part**2 for part in parts) / 2


def service_level(climate: Climate) -> float:
    """Mean logarithm of a visit."""
    parts = climate.service_day, climate.service_driver, climate.service_door, climate.service_visit
    return -sum(part**2 for part in parts) / 2


def _seen(oracle: Oracle, world: World, driver: str, *, told: bool) -> Seen:
    """Exact Gaussian inference from the luck itself, hold-ups and detours taken out."""
    climate, luck, shift = world.climate, oracle.luck, oracle.shift
    hand = world.driver(driver)
    if told:
        doors = [Belief(world.door(place).service, 0.0) for place in oracle.places]
    else:
        between, within = climate.service_door**2, climate.service_visit**2
        weights = [visits * between / (visits * between + within) for visits, _ in shift.doors.tolist()]
        doors = [
            Belief(weight * residual, between * (1 - weight))
            for weight, (_, residual) in zip(weights, shift.doors.tolist(), strict=True)
        ]
    mean = np.array([luck.shared.travel if told else hand.travel, 0.0])
    covariance = np.diag([0.0 if told else climate.travel_day**2, climate.travel_fading**2])
    memory, fresh = climate.fading_memory, climate.travel_fading**2 * (1 - climate.fading_memory**2)
    travel = [(mean, covariance)]
    for number, place in enumerate(oracle.places):
        fade = np.diag([1.0, memory])
        mean, covariance = fade @ mean, fade @ covariance @ fade + np.diag([0.0, fresh])
        off = _leg_luck(luck, number, place, climate, shift.leg_began_at[number]) - mean.sum()
        gain = covariance.sum(axis=1) / (covariance.sum() + climate.travel_leg**2)
        mean, covariance = mean + gain * off, covariance - np.outer(gain, covariance.sum(axis=0))
        travel.append((mean, covariance))
    service = Belief(luck.shared.service if told else hand.service, 0.0 if told else climate.service_day**2)
    beliefs = [service]
    for number, place in enumerate(oracle.places):
        factor = luck.visit(place).factor / oracle.slowness[number]
        off = np.log(factor) - service_level(climate) - doors[number].mean - service.mean
        total = service.variance + doors[number].variance + climate.service_visit**2
        gain = service.variance / total
        service = Belief(service.mean + gain * float(off), service.variance * (1 - gain))
        beliefs.append(service)
    return Seen(travel, beliefs, doors)


def _leg_luck(luck: ShiftLuck, number: int, place: Location, climate: Climate, began: float) -> float:
    met = luck.leg(number, place, int(began // HOUR % 24))
    known = climate.hours[int(began // HOUR % 24)] * (climate.detour if met.closed else 1.0)
    return float(np.log(met.factor / known)) - travel_level(climate)
