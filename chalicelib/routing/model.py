"""The things of a route: places, windows, loads, shifts, stops.

A time window limits when service *starts*; both ends are inclusive, as in VROOM and PyVRP. Routes themselves
are arrays (`routing.packed`), because a search judges ten thousand positions at once.
"""

from dataclasses import dataclass
from enum import IntEnum, IntFlag

from chalicelib.units import Grams, Metres, Millilitres, Seconds, StopId, Timestamp

NOBODY: StopId = 0  # of a stop that is nobody's: a rehearsal, or a ghost taken out on purpose
NO_NODE = -1  # a place that no road graph has numbered


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A point on the globe (WGS 84), kept to a millionth of a degree: about 11 cm."""

    lat: float
    lon: float

    def __post_init__(self) -> None:
        # As arrays round, and as routes store it: by the millionths, never by the decimals of the float.
        object.__setattr__(self, "lat", round(self.lat * 1e6) / 1e6)
        object.__setattr__(self, "lon", round(self.lon * 1e6) / 1e6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """The fastest way between two places: free-flow seconds, and the metres along it."""

    seconds: Seconds
    metres: Metres


NO_LEG = Leg(seconds=0, metres=0)  # stands in until the ways are known


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeWindow:
    """When service may start, both ends included."""

    start: Timestamp
    end: Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a stop brings onto the van."""

    parcels: int = 0
    grams: Grams = 0
    millilitres: Millilitres = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """What a van can carry at once; `None` means that this dimension does not bind."""

    parcels: int | None = None
    grams: Grams | None = None
    millilitres: Millilitres | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """A rest that starts between two instants, before the first stop that would push it past the second."""

    earliest_at: Timestamp
    latest_at: Timestamp
    duration: Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A vehicle's working time: from `start` at `starts_at` back to `end` by `ends_at`.

    `loads_at` is the moment from which the van takes no new parcel and gives none away.
    """

    shift_id: str
    vehicle_id: str
    starts_at: Timestamp
    ends_at: Timestamp
    loads_at: Timestamp
    capacity: Capacity
    skills: frozenset[str]
    start: Location
    end: Location
    breaks: tuple[Break, ...] = ()


class StopKind(IntEnum):
    """What a stop in a route stands for."""

    HELD = 1  # claimed by a checkout until `expires_at`, a ghost afterwards
    PROMISED = 2
    DONE = 3
    MEETING = 4  # nobody's door: here the van takes over parcels of one that broke down


class StopFlag(IntFlag):
    """Marks a stop carries besides its kind."""

    NONE = 0
    PINNED = 1  # a human fixed it to this shift
    AGAIN = 2  # tried on this shift in vain, and to be tried on it once more


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A delivery somebody asks for: a stop that has no window yet."""

    location: Location
    node: int
    load: Load
    skills: frozenset[str]
    service_time: Seconds

    def stop(
        self,
        stop_id: StopId,
        window: TimeWindow,
        *,
        kind: StopKind = StopKind.PROMISED,
        expires_at: Timestamp = 0,
    ) -> "Stop":
        """Make it a stop in a window."""
        return Stop(
            stop_id=stop_id,
            location=self.location,
            window=window,
            service_time=self.service_time,
            load=self.load,
            skills=self.skills,
            kind=kind,
            expires_at=expires_at,
            node=self.node,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """One visit: where, when it may start, how long it takes, what it brings.

    `service_time` is the expected time at the door. `expires_at` is 0 unless the stop is held.
    """

    stop_id: StopId
    location: Location
    window: TimeWindow
    service_time: Seconds
    load: Load
    skills: frozenset[str] = frozenset()
    kind: StopKind = StopKind.PROMISED
    expires_at: Timestamp = 0
    flags: StopFlag = StopFlag.NONE
    node: int = NO_NODE

    @property
    def visit(self) -> Visit:
        """What is asked for, whenever it is."""
        return Visit(
            location=self.location,
            node=self.node,
            load=self.load,
            skills=self.skills,
            service_time=self.service_time,
        )
