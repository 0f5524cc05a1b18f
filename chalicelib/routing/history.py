"""What finished days have taught a merchant's forecasts: a few hundred sums, and what follows from them.

Everything learned is a sum, so that days are added, two depots are merged and the past fades by a factor.
From the sums follow, each shrunk towards an assumption as long as there is little to see (empirical Bayes,
Efron and Morris 1975, Morris 1983; variances by the method of moments): the level of travel by hour and of
service by kind of address, every driver's hand, the standard deviations of `pace.Spread`, and how often and
how long vans are held up.

Wrong standard deviations do not repair themselves, so each day is first forecast with what was known before
it, at clock times that nothing in the day has chosen, and it is counted where in its interval each arrival
fell. The quantiles of those counts, by predicted lead, stretch later intervals (split conformal prediction:
Vovk 2005; Romano, Patterson and Candes 2019, with a normalised score; here over a sliding past).
Weak point: vans of one day share their luck, so a thousand arrivals say less than they seem to.
"""

import hashlib
import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import erfc, exp, sqrt

import numpy as np
from numpy.typing import NDArray

from chalicelib.routing.arrivals import QUANTILES, arrivals
from chalicelib.routing.finished import FinishedShift, Replay
from chalicelib.routing.pace import (
    CLIP,
    STRETCH_STEP,
    UNSTRETCHED,
    Belief,
    Door,
    Habits,
    Spread,
    known_of,
    stretched,
)
from chalicelib.routing.travel_times import WorkClock
from chalicelib.units import MINUTE, Seconds

FORMAT = 1
MOST_DRIVERS = 1000
MOMENTS = 8  # at which each finished shift is forecast
HALF_LIFE = 60.0  # days after which a day counts half
STRETCH_HALF_LIFE = 14.0
LEADS = np.array([7, 22, 40, 65, 105, 165, 260]) * float(MINUTE)  # middles of the buckets of predicted lead
LEAD_EDGES = np.array([15, 30, 50, 80, 130, 200]) * float(MINUTE)
_BINS = np.linspace(-4.0, 5.0, 61)  # where in the interval an arrival fell, in half-widths from its median
_SHORTEST: Seconds = 20
_FAR = 8  # legs after which what fades has faded

# Until days have been seen: how much the assumption counts.
_LEGS_AS_ASSUMED, _VISITS_AS_ASSUMED = 60.0, 60.0  # for a level
_PAIRS_AS_ASSUMED, _SHIFTS_AS_ASSUMED, _DRIVERS_AS_ASSUMED = 300.0, 10.0, 5.0  # for a spread
_TROUBLES_AS_ASSUMED = 800.0
_SCORES_AS_ASSUMED = 150.0  # in each bucket of lead
_STOPS_A_SHIFT = 30.0  # for how well one shift shows its driver

type Floats = NDArray[np.float64]


class _At:
    """Where each sum is."""

    HOURS, HOUR_SUMS = slice(0, 24), slice(24, 48)
    KINDS, KIND_SUMS = slice(48, 56), slice(56, 64)
    LAGS, LAG_SUMS = slice(64, 68), slice(68, 72)  # products of legs 0 to 3 apart
    FAR = slice(72, 75)  # pairs of legs far apart, their products, and how little was known of the driver
    VISITS = slice(75, 78)  # visits, their squares, and the part of these that was expected to be the door's
    DAYS = slice(78, 81)  # pairs of visits, their products, and how little was known of the driver
    DOORS = slice(81, 83)  # visits seen before, and products with what they had shown
    LEG_TROUBLE, STOP_TROUBLE = slice(83, 87), slice(87, 91)  # number, excess, its square, what hides some
    LATE = slice(91, 93)  # shifts, seconds
    BREAKS = slice(93, 96)  # breaks, where in the window, its square
    SCORES = slice(96, 96 + len(LEADS) * (len(_BINS) - 1))  # arrivals by predicted lead and where they fell
    END = SCORES.stop


@dataclass(frozen=True, eq=False)
class History:
    """What a merchant's finished days have shown.

    Attributes
    ----------
    sums
        See `_At`; shape (`_At.END`,).
    drivers
        By the hash of a driver's name: shifts, and the sums of their travel and service residuals.

    Notes
    -----
    What follows from the sums is worked out once, when it is first asked for (2 ms).
    """

    sums: Floats
    drivers: dict[bytes, tuple[float, float, float]]

    @classmethod
    def empty(cls) -> "History":
        """Of somebody whose vans have not driven yet."""
        return cls(np.zeros(_At.END), {})

    def habits(self, driver: str, *, utc_offset: Seconds = 0) -> Habits:
        """What a shift of this driver is expected to be like; some microseconds."""
        seen, travel, service = self.drivers.get(_key(driver), (0.0, 0.0, 0.0))
        spread = self.spread
        noise = _shift_noise(spread)
        known = [
            _hand(total, seen, hand**2, each)
            for total, hand, each in zip(
                (travel, service), (spread.travel_driver, spread.service_driver), noise, strict=True
            )
        ]
        return Habits(
            spread=spread,
            travel=Belief(known[0].mean, known[0].variance + spread.travel_day**2),
            service=Belief(known[1].mean, known[1].variance + spread.service_day**2),
            by_hour=self._by_hour,
            by_kind=self._by_kind,
            stretch=self.stretch,
            utc_offset=utc_offset,
        )

    def after(self, day: Sequence[FinishedShift], clock: WorkClock, *, utc_offset: Seconds = 0) -> "History":
        """One more day: what was there fades a little, and its shifts are added.

        Cost: some 5 ms a shift, most of it the forecasts it is measured by.
        """
        faded = 0.5 ** (1 / HALF_LIFE)
        sums = self.sums * faded
        sums[_At.SCORES] = self.sums[_At.SCORES] * 0.5 ** (1 / STRETCH_HALF_LIFE)
        drivers = {
            key: (seen * faded, travel * faded, service * faded)
            for key, (seen, travel, service) in self.drivers.items()
        }
        for shift in day:
            if not len(shift):
                continue
            habits = self.habits(shift.driver, utc_offset=utc_offset)
            scores = sums[_At.SCORES].reshape(len(LEADS), -1)
            for lead, fell in _scores(shift, clock, replace(habits, stretch=UNSTRETCHED)):
                np.add.at(scores, (lead, fell), 1.0)
            travel, service = _learn(sums, shift, clock, habits)
            seen, travels, services = drivers.get(_key(shift.driver), (0.0, 0.0, 0.0))
            drivers[_key(shift.driver)] = seen + 1, travels + travel, services + service
        kept = sorted(drivers.items(), key=lambda known: -known[1][0])[:MOST_DRIVERS]
        return History(sums, dict(kept))

    def merged(self, other: "History") -> "History":
        """Both pasts together, as if one fleet had had them."""
        drivers = dict(self.drivers)
        for key, sums in other.drivers.items():
            mine = drivers.get(key, (0.0, 0.0, 0.0))
            drivers[key] = mine[0] + sums[0], mine[1] + sums[1], mine[2] + sums[2]
        return History(self.sums + other.sums, drivers)

    @cached_property
    def spread(self) -> Spread:
        """How far days stray, as far as has been seen."""
        return _spread(self.sums, list(self.drivers.values()))

    @cached_property
    def stretch(self) -> Floats:
        """What calibrates intervals, by predicted lead: `pace.Habits.stretch`."""
        return _stretch(self.sums[_At.SCORES].reshape(len(LEADS), -1))

    @cached_property
    def _by_hour(self) -> Floats:
        counts, sums = self.sums[_At.HOURS], self.sums[_At.HOUR_SUMS]
        assumed = self.spread.travel_level
        level = (sums.sum() + assumed * _LEGS_AS_ASSUMED) / (counts.sum() + _LEGS_AS_ASSUMED)
        return np.asarray((sums + level * _LEGS_AS_ASSUMED) / (counts + _LEGS_AS_ASSUMED))

    @cached_property
    def _by_kind(self) -> Floats:
        counts, sums = self.sums[_At.KINDS], self.sums[_At.KIND_SUMS]
        assumed = self.spread.service_level
        level = (sums.sum() + assumed * _VISITS_AS_ASSUMED) / (counts.sum() + _VISITS_AS_ASSUMED)
        return np.asarray((sums + level * _VISITS_AS_ASSUMED) / (counts + _VISITS_AS_ASSUMED))

    def pack(self) -> bytes:
        """As bytes: a version, the sums in single precision, the drivers; 2 KB and 20 bytes a driver."""
        drivers = b"".join(key + struct.pack("<fff", *sums) for key, sums in self.drivers.items())
        body = struct.pack("<I", len(self.sums)) + self.sums.astype("<f4").tobytes() + drivers
        return bytes([FORMAT]) + zlib.compress(body, 6)

    @classmethod
    def unpack(cls, packed: bytes) -> "History":
        """Read what `pack` wrote.

        Raises
        ------
        ValueError
            The first byte names a format this code does not know.
        """
        if packed[0] != FORMAT:
            raise ValueError(f"a history is stored in format {packed[0]}; this code reads {FORMAT}")
        body = zlib.decompress(packed[1:])
        (count,) = struct.unpack_from("<I", body)
        sums = np.zeros(_At.END)  # what is counted only since then was never seen
        sums[:count] = np.frombuffer(body, dtype="<f4", count=count, offset=4)
        drivers = {}
        for at in range(4 + 4 * count, len(body), 20):
            seen, travel, service = struct.unpack_from("<fff", body, at + 8)
            drivers[body[at : at + 8]] = seen, travel, service
        return cls(sums, drivers)


def doors_after(shift: FinishedShift, clock: WorkClock, habits: Habits) -> list[Door]:
    """What is known of each stop's door once the shift is over, for whoever keeps the addresses."""
    service = Replay(shift, clock, habits).paces[-1].service
    planned, took = shift.visits()
    residuals = np.log(np.maximum(took, 1.0) / np.maximum(planned, 1.0)) - habits.by_kind[shift.kinds]
    bound = CLIP * sqrt(habits.spread.service_visit**2 + habits.spread.service_door**2)
    clipped = np.clip(residuals - service.mean, -bound, bound)
    return [
        shift.door(stop).after(residual) if planned[stop] >= _SHORTEST else shift.door(stop)
        for stop, residual in enumerate(clipped.tolist())
    ]


def _key(driver: str) -> bytes:
    """Names are not stored."""
    return hashlib.blake2b(driver.encode(), digest_size=8).digest()


def _shift_noise(spread: Spread) -> tuple[float, float]:
    """Variance with which the mean of one shift shows its driver's travel and service."""
    memory = spread.fading_memory
    fading = spread.travel_fading**2 * (1 + memory) / (1 - memory)
    return (
        spread.travel_day**2 + (spread.travel_leg**2 + fading) / _STOPS_A_SHIFT,
        spread.service_day**2 + (spread.service_visit**2 + spread.service_door**2) / _STOPS_A_SHIFT,
    )


def _hand(total: float, shifts: float, between: float, noise: float) -> Belief:
    """A driver's multiplier, shrunk towards everybody's: few shifts, little said."""
    if between <= 0:
        return Belief(0.0, 0.0)
    precision = shifts / noise + 1 / between
    return Belief(total / noise / precision, 1 / precision)


def _scores(
    shift: FinishedShift, clock: WorkClock, habits: Habits
) -> Iterable[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Bucket of predicted lead, and bin of where the arrival fell, at clock times the day has not chosen."""
    replay = Replay(shift, clock, habits)
    begins, span = shift.route.shift.starts_at, shift.ends_at - shift.route.shift.starts_at
    offset = int.from_bytes(_key(f"{shift.driver} {begins}")) / 2**64
    for number in range(MOMENTS):
        moment = replay.at(round(begins + span * ((number / MOMENTS + offset) % 1.0)))
        rest = moment.rest
        if not len(rest.stops):
            continue
        first = moment.first
        found = arrivals(
            rest,
            clock,
            moment.pace,
            moment.activity,
            moment.at,
            kinds=shift.kinds[first:],
            doors=shift.doors[first:],
        ).start
        low, middle, high = found.T
        missed = shift.started_at[first:] - middle
        fell = missed / np.maximum(np.where(missed < 0, middle - low, high - middle), 1.0)
        lead = np.searchsorted(LEAD_EDGES, middle - moment.at)
        yield lead, np.clip(np.searchsorted(_BINS, fell) - 1, 0, len(_BINS) - 2)


def _stretch(scores: Floats) -> Floats:
    """Quantiles of where arrivals fell, by lead; half-widths of a normal interval are assumed before."""
    normal = np.array([erfc(-edge * 1.645 / sqrt(2)) / 2 for edge in _BINS.tolist()])
    assumed = np.diff(normal) * _SCORES_AS_ASSUMED
    below = np.concatenate([np.zeros((len(scores), 1)), np.cumsum(scores + assumed, axis=1)], axis=1)
    rows = []
    for cumulated in below / below[:, -1:]:
        low, middle, high = np.interp(QUANTILES, cumulated, _BINS).tolist()
        rows.append((min(low, middle - 0.05), middle, max(high, middle + 0.05)))
    leads = np.arange(0, LEADS[-1] + STRETCH_STEP, STRETCH_STEP)
    return stretched(
        np.stack([np.interp(leads, LEADS, column) for column in zip(*rows, strict=True)], axis=1)
    )


def _learn(sums: Floats, shift: FinishedShift, clock: WorkClock, habits: Habits) -> tuple[float, float]:
    """Add a shift to the sums; return its mean residuals of travel and service."""
    spread = habits.spread
    began = shift.leg_began_at
    hours = ((began + habits.utc_offset) // 3600 % 24).astype(np.intp)
    planned, took = shift.legs(clock)
    level = habits.by_hour[hours]
    variance = habits.travel.variance + spread.travel_fading**2 + spread.travel_leg**2
    bound = np.full(len(shift), CLIP * sqrt(variance))
    travel, told = _residuals(planned, took, level + habits.travel.mean, bound)
    np.add.at(sums[_At.HOURS], hours, told)
    np.add.at(sums[_At.HOUR_SUMS], hours, told * (level + travel))
    _add_travel(sums, travel, told, habits.travel.variance - spread.travel_day**2)
    _add_trouble(sums[_At.LEG_TROUBLE], planned, took, level + habits.travel.mean, bound)

    planned, took = shift.visits()
    known, unknown = known_of(shift.doors[:, 0], shift.doors[:, 1], spread)
    level = habits.by_kind[shift.kinds]
    bound = CLIP * np.sqrt(habits.service.variance + unknown + spread.service_visit**2)
    service, seen = _residuals(planned, took, level + habits.service.mean + known, bound)
    np.add.at(sums[_At.KINDS], shift.kinds, seen)
    np.add.at(sums[_At.KIND_SUMS], shift.kinds, seen * (level + service))
    _add_service(sums, service, seen, unknown, habits.service.variance - spread.service_day**2)
    others = service + known - service.mean()
    sums[_At.DOORS] += (
        (seen * shift.doors[:, 0]).sum(),
        (seen * shift.doors[:, 0] * others * shift.doors[:, 1]).sum(),
    )
    _add_trouble(sums[_At.STOP_TROUBLE], planned, took, level + habits.service.mean + known, bound)

    sums[_At.LATE] += 1.0, max(shift.left_at - shift.route.shift.starts_at, 0)
    taken = np.flatnonzero(shift.rested)
    for stop, pause in zip(taken.tolist(), shift.route.shift.breaks, strict=False):
        # Wished for at some time since the van last drove on; a visit is not broken off for it.
        wished_by, not_yet = began[stop] - shift.rested[stop], began[stop - 1] if stop else shift.left_at
        width = max(pause.latest_at - pause.earliest_at, 1)
        wish = float(np.clip(((wished_by + not_yet) / 2 - pause.earliest_at) / width, 0.0, 1.0))
        sums[_At.BREAKS] += 1.0, wish, wish**2
    return (
        habits.travel.mean + float(travel.sum() / max(told.sum(), 1.0)),
        habits.service.mean + float(service.sum() / max(seen.sum(), 1.0)),
    )


def _residuals(planned: Floats, took: Floats, level: Floats, bound: Floats) -> tuple[Floats, Floats]:
    """Clipped logarithms beyond what was expected, 0 where too short to tell, and which do tell."""
    told = (planned >= _SHORTEST).astype(np.float64)
    logs = np.log(np.maximum(took, 1.0) / np.maximum(planned, 1.0))
    return told * np.clip(logs - level, -bound, bound), told


def _add_travel(sums: Floats, travel: Floats, told: Floats, unknown: float) -> None:
    """Products of legs by how far apart they are."""
    near_pairs, near = 0.0, 0.0
    for lag in range(min(_FAR, len(travel))):
        pairs = float((told[lag:] * told[: len(told) - lag]).sum())
        products = float((travel[lag:] * travel[: len(travel) - lag]).sum())
        if lag < 4:
            sums[_At.LAGS][lag] += pairs
            sums[_At.LAG_SUMS][lag] += products
        near_pairs += pairs * (2 if lag else 1)
        near += products * (2 if lag else 1)
    pairs = float(told.sum() ** 2 - near_pairs) / 2
    sums[_At.FAR] += pairs, float(travel.sum() ** 2 - near) / 2, pairs * unknown


def _add_service(sums: Floats, service: Floats, seen: Floats, unknown: Floats, driver: float) -> None:
    squares = float((service**2).sum())
    sums[_At.VISITS] += seen.sum(), squares, float((seen * unknown).sum())
    pairs = float(seen.sum() ** 2 - seen.sum()) / 2
    sums[_At.DAYS] += pairs, float(service.sum() ** 2 - squares) / 2, pairs * driver


def _add_trouble(sums: Floats, planned: Floats, took: Floats, level: Floats, bound: Floats) -> None:
    """Seconds beyond what the lognormal explains, less what it would have there itself."""
    some = planned >= _SHORTEST
    usual, bound, took = (planned * np.exp(level))[some], bound[some], took[some]
    excess = np.maximum(took - usual * np.exp(bound), 0.0)
    own, own_square = _tail(float(bound.mean()) / CLIP) if len(bound) else (0.0, 0.0)
    sums += (
        len(excess),
        (excess - usual * own).sum(),
        (excess**2 - usual**2 * own_square).sum(),
        (usual * (np.exp(bound) - 1)).sum(),
    )


def _tail(spread: float) -> tuple[float, float]:
    """Mean, and mean square, of a lognormal's excess over `CLIP` standard deviations."""

    def beyond(at: float) -> float:
        return erfc((CLIP - at) / sqrt(2)) / 2

    bar = exp(CLIP * spread)
    first, second = exp(spread**2 / 2) * beyond(spread), exp(2 * spread**2) * beyond(2 * spread)
    return first - bar * beyond(0), second - 2 * bar * first + bar**2 * beyond(0)


# A normal number clipped at CLIP has this share of its variance.
_SHRUNK = 0.9507


def _spread(sums: Floats, drivers: list[tuple[float, float, float]]) -> Spread:
    """Method of moments, each moment blended with what is assumed."""
    assumed = Spread()
    shifts = sums[_At.LATE][0]
    shared = _blend(_excess(sums[_At.FAR]), shifts, assumed.travel_day**2, _SHIFTS_AS_ASSUMED)
    fading, memory, leg = _fading(sums, shared, assumed)
    day = _blend(_excess(sums[_At.DAYS]), shifts, assumed.service_day**2, _SHIFTS_AS_ASSUMED)
    visits, squares, at_doors = sums[_At.VISITS]
    unknown = sums[_At.DAYS][2] / sums[_At.DAYS][0] if sums[_At.DAYS][0] else 0.0
    alone = (squares / _SHRUNK - at_doors) / visits - day - unknown if visits else 0.0
    visit = _blend(alone, visits, assumed.service_visit**2, _PAIRS_AS_ASSUMED)
    known, products = sums[_At.DOORS]
    door = _blend(products / known if known else 0.0, known, assumed.service_door**2, _PAIRS_AS_ASSUMED)
    leg_trouble, leg_delay = _trouble(sums[_At.LEG_TROUBLE], assumed.leg_trouble, assumed.leg_trouble_delay)
    stop_trouble, stop_delay = _trouble(
        sums[_At.STOP_TROUBLE], assumed.stop_trouble, assumed.stop_trouble_delay
    )
    rests, lean, square = sums[_At.BREAKS]
    lean = _blend(lean / rests if rests else 0.0, rests, assumed.break_lean, _SHIFTS_AS_ASSUMED)
    around = square / rests - (sums[_At.BREAKS][1] / rests) ** 2 if rests else 0.0
    found = replace(
        assumed,
        travel_day=sqrt(shared),
        travel_fading=sqrt(fading),
        fading_memory=memory,
        travel_leg=sqrt(leg),
        service_day=sqrt(day),
        service_visit=sqrt(visit),
        service_door=sqrt(door),
        leg_trouble=leg_trouble,
        leg_trouble_delay=leg_delay,
        stop_trouble=stop_trouble,
        stop_trouble_delay=stop_delay,
        late_start=_blend(
            sums[_At.LATE][1] / shifts if shifts else 0.0, shifts, assumed.late_start, _SHIFTS_AS_ASSUMED
        ),
        break_lean=lean,
        break_spread=sqrt(_blend(around, rests, assumed.break_spread**2, _SHIFTS_AS_ASSUMED)),
    )
    noise = _shift_noise(found)
    hands = [
        sqrt(_between([(seen, total[which]) for seen, *total in drivers], noise[which], hand))
        for which, hand in enumerate((assumed.travel_driver, assumed.service_driver))
    ]
    return replace(found, travel_driver=hands[0], service_driver=hands[1])


def _blend(seen: float, count: float, assumed: float, strength: float) -> float:
    """Weigh what was seen against what is assumed; never below a twentieth of that."""
    return max((seen * count + assumed * strength) / (count + strength), assumed / 20)


def _excess(sums: Floats) -> float:
    """Mean product of pairs, less what was not known of the driver."""
    pairs, products, unknown = sums
    return float((products / _SHRUNK - unknown) / pairs) if pairs else 0.0


def _fading(sums: Floats, shared: float, assumed: Spread) -> tuple[float, float, float]:
    """Variance and memory of what fades, and the leg's own variance, from products 0 to 3 legs apart."""
    pairs, products, _ = sums[_At.FAR]
    far = products / pairs / _SHRUNK if pairs else 0.0
    fades = assumed.travel_fading**2 * assumed.fading_memory ** np.arange(4)
    fades[0] += assumed.travel_leg**2
    counts = sums[_At.LAGS]
    seen = sums[_At.LAG_SUMS] / np.maximum(counts, 1.0) / _SHRUNK - far
    moments = (seen * counts + fades * _PAIRS_AS_ASSUMED) / (counts + _PAIRS_AS_ASSUMED)
    best = (np.inf, assumed.travel_fading**2, assumed.fading_memory)
    for memory in np.arange(0.3, 0.96, 0.05).tolist():
        shape = memory ** np.arange(1, 4)
        fading = max(float(moments[1:] @ shape / (shape @ shape)), 1e-4)
        best = min(best, (float(((moments[1:] - fading * shape) ** 2).sum()), fading, memory))
    _, fading, memory = best
    return fading, memory, max(float(moments[0]) - fading, assumed.travel_leg**2 / 20)


def _trouble(sums: Floats, seldom: float, delay: float) -> tuple[float, float]:
    """How often, and for how long: an exponential has twice its mean's square as mean square."""
    number, excess, square, hiding = sums
    hidden = hiding / number if number else 0.0
    assumed = _TROUBLES_AS_ASSUMED * seldom * exp(-hidden / delay)
    excess, square = excess + assumed * delay, square + assumed * 2 * delay**2
    mean = min(max(square / (2 * excess), 120.0), 5400.0) if excess > 0 and square > 0 else delay
    often = max(excess, 0.0) / mean / (number + _TROUBLES_AS_ASSUMED) * exp(min(hidden / mean, 2.0))
    return min(max(often, 0.0005), 0.2), mean


def _between(drivers: list[tuple[float, float]], noise: float, assumed: float) -> float:
    """Variance of drivers' hands, from how much more their means differ than one driver's shifts would."""
    seen = np.array([shifts for shifts, _ in drivers])
    if len(seen) < 2:
        return assumed**2
    means = np.array([total for _, total in drivers]) / seen
    centre, total = float(seen @ means / seen.sum()), float(seen.sum())
    spare = total - float(seen @ seen) / total
    found = (float(seen @ (means - centre) ** 2) - (len(seen) - 1) * noise) / max(spare, 1e-9)
    return _blend(max(found, 0.0), len(seen), assumed**2, _DRIVERS_AS_ASSUMED)
