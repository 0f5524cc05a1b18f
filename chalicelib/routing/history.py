"""What finished days have taught a depot's forecasts: some hundred sums, and what follows from them.

Everything learned is a sum, so that days are added and the past fades by a factor. From the sums follow, each
shrunk towards an assumption as long as there is little to see: the level of travel by hour and of service,
every driver's hand, the standard deviations of `pace.Spread` with how often and how long vans are held up
(`moments`), and what keeps intervals honest (`calibration`).

Kinds of address (house, flat, business) are not told apart: beside what is known of each door they brought
nothing in any world of `tests.benchmarks.eta`. Weak point: the sums know nothing of weekdays.
"""

import hashlib
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from chalicelib.routing.calibration import add_scores, stretch_of
from chalicelib.routing.finished import FinishedShift, Replay
from chalicelib.routing.moments import hand_of, shift_noise, spread_of
from chalicelib.routing.pace import CLIP, SHORTEST, UNSTRETCHED, Belief, Door, Habits, Spread
from chalicelib.routing.tally import At, add_shift
from chalicelib.routing.travel_times import WorkClock
from chalicelib.units import Seconds

FORMAT = 1
MOST_DRIVERS = 1000
HALF_LIFE = 60.0  # learned days after which a day counts half
STRETCH_HALF_LIFE = 14.0
FORGOTTEN = 0.25  # shifts; of whom no more than this is left nothing is known any more
_LEGS_AS_ASSUMED, _VISITS_AS_ASSUMED = 60.0, 60.0  # for a level, until days have been seen

type Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class History:
    """What a depot's finished days have shown.

    Attributes
    ----------
    sums
        See `tally.At`; shape (`At.END`,).
    drivers
        By the hash of what stands for a driver: shifts, and the sums of their travel and service residuals.
    assumed
        What counts where little was seen; not stored.

    Notes
    -----
    What follows from the sums is worked out once, when it is first asked for (2 ms).
    """

    sums: Floats
    drivers: dict[bytes, tuple[float, float, float]]
    assumed: Spread = field(default_factory=Spread)

    @classmethod
    def empty(cls) -> "History":
        """Of somebody whose vans have not driven yet."""
        return cls(np.zeros(At.END), {})

    def habits(self, driver: str, *, utc_offset: Seconds = 0) -> Habits:
        """What a shift of this driver is expected to be like; some microseconds.

        Parameters
        ----------
        driver
            Whatever stands for one, the same on every day; nobody in particular has not been seen.
        """
        if not self.sums[At.LATE][0]:
            return Habits.unknown(self.assumed, utc_offset=utc_offset)
        seen, travel, service = self.drivers.get(_key(driver), (0.0, 0.0, 0.0))
        spread = self.spread
        noise = shift_noise(spread)
        known = [
            hand_of(total, seen, hand**2, each)
            for total, hand, each in zip(
                (travel, service), (spread.travel_driver, spread.service_driver), noise, strict=True
            )
        ]
        return Habits(
            spread=spread,
            travel=Belief(known[0].mean, known[0].variance + spread.travel_day**2),
            service=Belief(known[1].mean, known[1].variance + spread.service_day**2),
            by_hour=self._by_hour,
            service_level=self._service_level,
            stretch=self.stretch,
            utc_offset=utc_offset,
        )

    def after(self, day: Sequence[FinishedShift], clock: WorkClock, *, utc_offset: Seconds = 0) -> "History":
        """One more day: what was there fades a little, and its shifts are added.

        Cost: some 5 ms a shift, most of it the forecasts it is measured by.
        """
        faded = 0.5 ** (1 / HALF_LIFE)
        sums = self.sums * faded
        sums[At.SCORES] = self.sums[At.SCORES] * 0.5 ** (1 / STRETCH_HALF_LIFE)
        drivers = {
            key: (seen * faded, travel * faded, service * faded)
            for key, (seen, travel, service) in self.drivers.items()
        }
        for shift in day:
            if not len(shift):
                continue
            habits = self.habits(shift.driver, utc_offset=utc_offset)
            add_scores(sums[At.SCORES], shift, clock, replace(habits, stretch=UNSTRETCHED))
            travel, service = add_shift(sums, shift, clock, habits)
            seen, travels, services = drivers.get(_key(shift.driver), (0.0, 0.0, 0.0))
            drivers[_key(shift.driver)] = seen + 1, travels + travel, services + service
        known = [driver for driver in drivers.items() if driver[1][0] > FORGOTTEN]
        kept = sorted(known, key=lambda driver: -driver[1][0])[:MOST_DRIVERS]
        return History(sums, dict(kept), self.assumed)

    @cached_property
    def spread(self) -> Spread:
        """How far days stray, as far as has been seen."""
        return spread_of(self.sums, list(self.drivers.values()), self.assumed)

    @cached_property
    def stretch(self) -> Floats:
        """What calibrates intervals, by predicted lead: `pace.Habits.stretch`."""
        return stretch_of(self.sums[At.SCORES])

    @cached_property
    def _by_hour(self) -> Floats:
        counts, sums = self.sums[At.HOURS], self.sums[At.HOUR_SUMS]
        assumed = self.spread.travel_level
        level = (sums.sum() + assumed * _LEGS_AS_ASSUMED) / (counts.sum() + _LEGS_AS_ASSUMED)
        return np.asarray((sums + level * _LEGS_AS_ASSUMED) / (counts + _LEGS_AS_ASSUMED))

    @cached_property
    def _service_level(self) -> float:
        count, total = self.sums[At.SERVICE].tolist()
        assumed = self.spread.service_level
        return float((total + assumed * _VISITS_AS_ASSUMED) / (count + _VISITS_AS_ASSUMED))

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
        sums = np.zeros(At.END)  # what is counted only since then was never seen
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
    residuals = np.log(np.maximum(took, 1.0) / np.maximum(planned, 1.0)) - habits.service_level
    bound = CLIP * sqrt(habits.spread.service_visit**2 + habits.spread.service_door**2)
    clipped = np.clip(residuals - service.mean, -bound, bound)
    return [
        shift.door(stop).after(residual) if planned[stop] >= SHORTEST else shift.door(stop)
        for stop, residual in enumerate(clipped.tolist())
    ]


def _key(driver: str) -> bytes:
    """What stands for a driver is not stored either."""
    return hashlib.blake2b(driver.encode(), digest_size=8).digest()
