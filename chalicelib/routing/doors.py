"""What earlier visits have shown of a depot's doors: eight bytes each, found by a keyed hash of the place.

A door is a place on the map, so flats of one house share it. Neither place nor address is stored, only 32
bits that say nothing without the depot's key; who was not visited for `FORGOTTEN_AFTER` is forgotten. Weak
point: beyond `MOST_DOORS` those not visited for longest go, however often they were before.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

from chalicelib.routing.pace import UNKNOWN_DOOR, Door

MOST_DOORS: Final = 8192
FORGOTTEN_AFTER: Final = timedelta(days=180)
_MOST_VISITS: Final = 50  # that count: whoever lives there now is known by them
_STEPS: Final = 50  # a residual is kept in fiftieths
_RECORD: Final = np.dtype([("mark", "<u4"), ("visits", "u1"), ("residual", "i1"), ("day", "<u2")])

type Marks = NDArray[np.uint32]
type Known = NDArray[np.float64]
"""Visits and residual (`pace.Door`) of some doors, 0 where nothing is known; shape (doors, 2)."""


@dataclass(frozen=True, slots=True, eq=False)
class Doors:
    """Doors in order of their marks.

    Attributes
    ----------
    records
        Of each its mark, visits, residual (`pace.Door`) and the day of the last visit, since 1970.
    """

    records: NDArray[np.void]

    @staticmethod
    def none() -> "Doors":
        """Of a depot that has learned nothing."""
        return Doors(np.empty(0, _RECORD))

    def __len__(self) -> int:
        """Count the doors."""
        return len(self.records)

    def known(self, marks: Marks) -> Known:
        """What is known of doors."""
        found = np.zeros((len(marks), 2))
        if len(self.records):
            at = np.searchsorted(self.records["mark"], marks) % len(self.records)
            here = self.records[at]
            hit = here["mark"] == marks
            found[hit, 0], found[hit, 1] = here["visits"][hit], here["residual"][hit] / _STEPS
        return found

    def after(self, seen: Iterable[tuple[int, Door]], on: date) -> "Doors":
        """Take in doors as they are known after a day; forget what was not visited for long.

        Parameters
        ----------
        seen
            Marks, and what is known of them now; of one named twice the last word counts.
        """
        new = np.array(
            [
                (
                    mark,
                    min(door.visits, _MOST_VISITS),
                    np.clip(round(door.residual * _STEPS), -127, 127),
                    _days(on),
                )
                for mark, door in dict(seen).items()
            ],
            _RECORD,
        )
        alive = self.records["day"].astype(np.int64) >= _days(on - FORGOTTEN_AFTER)
        old = self.records[alive & ~np.isin(self.records["mark"], new["mark"])]
        every = np.concatenate([new, old])
        latest = np.argsort(every["day"], kind="stable")[-MOST_DOORS:]
        return Doors(np.sort(every[latest], order="mark"))

    def pack(self) -> bytes:
        """As bytes, eight a door."""
        return self.records.tobytes()

    @staticmethod
    def unpack(packed: bytes) -> "Doors":
        """Read what `pack` wrote."""
        return Doors(np.frombuffer(packed, _RECORD))


def door_of(known: Known | None, number: int) -> Door:
    """Pick one; of None, nothing is known."""
    if known is None:
        return UNKNOWN_DOOR
    visits, residual = known[number].tolist()
    return Door(int(visits), residual)


def marks_of(places: Iterable[tuple[float, float]], key: bytes) -> Marks:
    """Mark places (latitude, longitude); some 2 us each when first asked for."""
    return np.array([_mark(key, lat, lon) for lat, lon in places], np.uint32)


@lru_cache(maxsize=32_768)
def _mark(key: bytes, lat: float, lon: float) -> int:
    place = f"{round(lat * 1e6)} {round(lon * 1e6)}".encode()
    return int.from_bytes(blake2b(place, digest_size=4, key=key).digest())


def _days(day: date) -> int:
    return day.toordinal() - date(1970, 1, 1).toordinal()
