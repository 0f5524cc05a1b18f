"""A robo driver: one shift, from the depot and back, through the luck of a world.

A day is a generator of instants: whoever runs it moves the clock to the next one and lets the driver go on.
The driver knows only its manifest and what is on board; what it meets is drawn by `world`, whatever the
others do. Everything is reported as a phone would report it. Weak point: a driver obeys its manifest to the
letter, and guesses the length of a hold-up exactly.
"""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

from chalicelib.errors import OffRoad
from chalicelib.fleet.area import metres_between
from chalicelib.promises.model import Outcome
from chalicelib.routing.edit import legs_between
from chalicelib.routing.model import Break, Leg, Location, TimeWindow
from chalicelib.routing.travel_times import Places, TravelTimes, WorkClock
from chalicelib.units import HOUR, MINUTE, Metres, Probability, Seconds, Timestamp
from infra.sandbox.world import MOST_LEGS, ShiftLuck, World

OVERTIME: Final[Seconds] = HOUR  # past the end of the shift nobody drives to one more door
LOOKS_AGAIN: Final[Seconds] = 15 * MINUTE  # a driver without work, or with a van that stands still
POSITION_EVERY: Final[Seconds] = 10 * MINUTE
WORTH_TELLING: Final[Seconds] = 5 * MINUTE  # of a hold-up
BROKEN_DOWN: Final[Seconds] = 40 * MINUTE  # a tyre that takes longer is no delay any more
RINGS_FOR: Final[Seconds] = 3 * MINUTE
SEARCHES_FOR: Final[Seconds] = 15 * MINUTE  # for a gate's code, then gives up
GONE_WHEN_LATE: Final[Probability] = 0.25  # buyers who no longer wait once their window is over
MEETS_FOR: Final[Seconds] = 2 * MINUTE
BESIDE: Final[Metres] = 300
CLOSED_RADIUS: Final[Metres] = 150
_LATE_BUYER = 101  # kind of dice; the world's own are smaller

type Report = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One stop ahead of a manifest; without a promise it is a meeting with a van that broke down."""

    promise_id: str | None
    location: Location
    window: TimeWindow | None = None
    expected_at: Timestamp | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A manifest as a driver reads it: what is ahead, in order."""

    version: int
    ahead: tuple[Errand, ...]


class Phone(Protocol):
    """What a driver holds in hand."""

    def manifest(self) -> Sheet:
        """Read what is ahead."""
        ...

    def report(self, *reports: Report) -> None:
        """Send what happened, as `POST …/events` takes it, ids aside."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """What a driver is hired for."""

    shift_id: str
    driver: str
    starts_at: Timestamp
    ends_at: Timestamp
    depot: Location
    breaks: tuple[Break, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The ground all drivers stand on.

    Attributes
    ----------
    planned_service
        Seconds at the door, by promise.
    """

    travel: TravelTimes
    clock: WorkClock
    zone: ZoneInfo
    world: World
    day: date
    planned_service: Mapping[str, Seconds]

    def leg(self, origin: Location, to: Location) -> Leg:
        """The way between two places on an empty road."""
        ends = [origin, to]
        (found,) = legs_between(Places.of(ends, [self.travel.snap(end) for end in ends]), self.travel)
        return found

    def midway(self, origin: Location, to: Location) -> Location:
        """A place on a road, about half way; where there is none in between, the origin."""
        for share in (0.5, 0.4, 0.3, 0.2, 0.1):
            place = _between(origin, to, share)
            try:
                self.travel.snap(place)
            except OffRoad:
                continue
            return place
        return origin

    def waits(self, at: Location) -> bool:
        """Whether the buyer at this door would still be there after the window; the same for every van."""
        dice = self.world.chance(
            _LATE_BUYER, self.day.toordinal(), round((at.lat + 90) * 1e6), round((at.lon + 180) * 1e6)
        )
        return bool(dice.random() >= GONE_WHEN_LATE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try at a door.

    Attributes
    ----------
    set_out_in_time
        An empty road would have had the van there within the window when it left for this door: nobody could
        have known better by then.
    """

    promise_id: str
    shift_id: str
    window: TimeWindow
    arrived_at: Timestamp
    outcome: Outcome
    set_out_in_time: bool

    @property
    def kept(self) -> bool:
        """Whether the van was there within the promised window, or before it."""
        return self.arrived_at <= self.window.end


@dataclass(slots=True)
class Cargo:
    """Who has which parcels on board, and where vans stand that broke down: true whatever anybody thinks."""

    holder: dict[str, str] = field(default_factory=dict)
    down: dict[str, Location] = field(default_factory=dict)

    def aboard(self, shift_id: str) -> list[str]:
        """The promises whose parcels a van has."""
        return [promise_id for promise_id, holder in self.holder.items() if holder == shift_id]


class Driver:
    """One driver on one day.

    Parameters
    ----------
    follows
        Reads the manifest before every leg. One that does not goes by what it read in the morning.
    """

    def __init__(
        self, duty: Duty, phone: Phone, ground: Ground, cargo: Cargo, *, follows: bool = True
    ) -> None:
        self.duty, self._phone, self._ground, self._cargo = duty, phone, ground, cargo
        self._follows = follows
        self._luck: ShiftLuck = ground.world.shift(ground.day, duty.driver)
        self._sheet = Sheet(version=0, ahead=())
        self._done = set[str]()
        self._met = set[Location]()
        self._place, self._legs, self._rests = duty.depot, 0, 0
        self.now: Timestamp = duty.starts_at
        self.attempts = list[Attempt]()
        self.metres: Metres = 0
        self.incidents = list[str]()
        self.forecasts = list[tuple[str, Timestamp, Timestamp]]()  # promise, when it was said, what was said
        self.changes = 0  # of the manifest, noticed on the way
        self.fetched = 0  # stops' parcels, from vans that broke down

    def live(self) -> Iterator[Timestamp]:
        """Yield the instants at which something happens next."""
        yield self._wait_until(self.duty.starts_at + self._luck.late_start)
        self._read(morning=True)
        while not self._sheet.ahead:
            if self.now >= self.duty.ends_at:
                return
            yield self._wait_until(self.now + LOOKS_AGAIN)
            self._read(morning=True)
        self._load()
        self._tell("departed_depot")
        while (errand := self._next()) is not None:
            rest = self._due_rest()
            if rest is not None:
                yield from self._take(rest)
            else:
                yield from self._serve(errand)
        left = self._cargo.aboard(self.duty.shift_id)
        yield from self._drive(self.duty.depot)
        for promise_id in left:
            self._tell("completed", promise_id=promise_id, outcome=Outcome.FAILED_NO_TIME)
        self._tell("returned_to_depot")

    def _next(self) -> Errand | None:
        """What is to be done now; None: go home."""
        if self.now > self.duty.ends_at + OVERTIME or self._legs >= MOST_LEGS - 2:
            return None
        self._read()
        return next((errand for errand in self._sheet.ahead if not self._is_behind(errand)), None)

    def _is_behind(self, errand: Errand) -> bool:
        if errand.promise_id is not None:
            return errand.promise_id in self._done
        return errand.location in self._met and not self._fetchable(errand.location)

    def _read(self, *, morning: bool = False) -> None:
        if not (morning or self._follows):
            return
        before, self._sheet = self._sheet, self._phone.manifest()
        self.changes += bool(before.version) and self._sheet.version != before.version
        self.forecasts += [
            (errand.promise_id, self.now, errand.expected_at)
            for errand in self._sheet.ahead
            if errand.promise_id is not None and errand.expected_at is not None
        ]

    def _load(self) -> None:
        """Take everything on board that the manifest has and that is still at the depot."""
        for errand in self._sheet.ahead:
            if errand.promise_id is not None:
                self._cargo.holder.setdefault(errand.promise_id, self.duty.shift_id)

    def _due_rest(self) -> Break | None:
        if self._rests >= len(self.duty.breaks):
            return None
        rest = self.duty.breaks[self._rests]
        return rest if self.now >= self._luck.break_at(self._rests, rest) else None

    def _take(self, rest: Break) -> Iterator[Timestamp]:
        self._rests += 1
        self._tell("break_started")
        yield self._wait_until(self.now + rest.duration)
        self._tell("break_ended")

    def _serve(self, errand: Errand) -> Iterator[Timestamp]:
        leg = self._ground.leg(self._place, errand.location)
        due = self._ground.clock.arrive(self.now, leg.seconds)
        in_time = errand.window is None or int(due) <= errand.window.end
        stranded = yield from self._drive(errand.location, errand)
        if stranded:
            return
        if errand.promise_id is None:
            yield from self._meet(errand)
        else:
            yield from self._attempt(errand.promise_id, errand, in_time)

    def _drive(self, to: Location, errand: Errand | None = None) -> Generator[Timestamp, None, bool]:
        """Drive to a place; true if the van broke down on the way and is not needed there any more."""
        ground, origin = self._ground, self._place
        leg = ground.leg(origin, to)
        met = self._luck.leg(self._legs, to, datetime.fromtimestamp(self.now, ground.zone).hour)
        self._legs += 1
        work = ground.clock.work(self.now)
        takes = float(ground.clock.clock(work + leg.seconds * met.factor)) - self.now
        middle = ground.midway(origin, to)
        if met.closed:
            until_at = _rfc3339(self.now + 2 * HOUR)
            self._trouble("road_closed", middle, radius_metres=CLOSED_RADIUS, until_at=until_at)
        yield from self._roll(origin, to, takes, 0.0, 0.5)
        if met.hold_up >= 1:
            self._place = middle
            stranded = yield from self._held_up(round(met.hold_up), met.flat_tyre, errand)
            if stranded:
                self.metres += leg.metres // 2
                return True
        yield from self._roll(origin, to, takes, 0.5, 1.0)
        detour = ground.world.climate.detour if met.closed else 1.0
        self.metres += round(leg.metres * detour)
        self._place = to
        return False

    def _roll(
        self, origin: Location, to: Location, takes: float, since: float, until: float
    ) -> Iterator[Timestamp]:
        """Roll from one share of a leg to another, and be seen on the way."""
        began, lasts = self.now, takes * (until - since)
        for step in range(1, int(lasts // POSITION_EVERY) + 1):
            yield self._wait_until(began + step * POSITION_EVERY)
            share = since + (until - since) * step * POSITION_EVERY / lasts
            self._tell_position(_between(origin, to, share))
        yield self._wait_until(began + lasts)

    def _held_up(self, lasts: Seconds, tyre: bool, errand: Errand | None) -> Generator[Timestamp, None, bool]:
        """Stand still; true if others have taken over what this leg was for."""
        down = tyre and lasts >= BROKEN_DOWN
        if down or lasts >= WORTH_TELLING:
            self._tell_position(self._place)
        if down:
            self._cargo.down[self.duty.shift_id] = self._place
            self._trouble("vehicle_down", self._place)
        elif lasts >= WORTH_TELLING:
            self._trouble("delay", self._place, delay_seconds=lasts)
        again_at = self.now + lasts
        yield self._wait_until(again_at)
        if not down:
            return False
        while self._is_awaited():
            yield self._wait_until(self.now + LOOKS_AGAIN)
        del self._cargo.down[self.duty.shift_id]
        return errand is not None and not self._has(errand)

    def _is_awaited(self) -> bool:
        """Whether somebody is still to come for what is on board."""
        if self.now > self.duty.ends_at + OVERTIME:
            return False
        self._read()
        ours = {errand.promise_id for errand in self._sheet.ahead}
        aboard = self._cargo.aboard(self.duty.shift_id)
        return self._follows and any(each not in ours and each not in self._done for each in aboard)

    def _has(self, errand: Errand) -> bool:
        return errand.promise_id is None or self._cargo.holder.get(errand.promise_id) == self.duty.shift_id

    def _meet(self, errand: Errand) -> Iterator[Timestamp]:
        """Take over from the van that stands here what the manifest says we deliver."""
        self._tell_position(errand.location)
        self._met.add(errand.location)
        for promise_id in self._fetchable(errand.location):
            self._cargo.holder[promise_id] = self.duty.shift_id
            self.fetched += 1
        yield self._wait_until(self.now + MEETS_FOR)
        self._tell_position(errand.location)

    def _fetchable(self, place: Location) -> list[str]:
        """What we are to deliver and a van that stands here has."""
        wanted = {errand.promise_id for errand in self._sheet.ahead}
        here = {
            shift_id for shift_id, spot in self._cargo.down.items() if metres_between(spot, place) <= BESIDE
        }
        holders = self._cargo.holder.items()
        return [promise_id for promise_id, holder in holders if holder in here and promise_id in wanted]

    def _attempt(self, promise_id: str, errand: Errand, in_time: bool) -> Iterator[Timestamp]:
        assert errand.window is not None  # every promise has one
        arrived_at = self.now
        self._tell("arrived", promise_id=promise_id)
        outcome, lasts = self._luck_at(promise_id, errand.location, arrived_at > errand.window.end)
        yield self._wait_until(max(arrived_at, errand.window.start) + lasts)
        self._done.add(promise_id)
        self._tell("completed", promise_id=promise_id, outcome=outcome)
        if outcome is not Outcome.FAILED_PARCEL_MISSING:
            self._cargo.holder.pop(promise_id, None)
        self.attempts.append(
            Attempt(
                promise_id=promise_id,
                shift_id=self.duty.shift_id,
                window=errand.window,
                arrived_at=arrived_at,
                outcome=outcome,
                set_out_in_time=in_time,
            )
        )

    def _luck_at(self, promise_id: str, place: Location, late: bool) -> tuple[Outcome, float]:
        """What comes of a visit, and how long it takes."""
        luck = self._luck.visit(place)
        if self._cargo.holder.get(promise_id) != self.duty.shift_id:
            return Outcome.FAILED_PARCEL_MISSING, RINGS_FOR
        if luck.absent or (late and not self._ground.waits(place)):
            return Outcome.FAILED_NOT_HOME, RINGS_FOR
        if luck.search > SEARCHES_FOR:
            return Outcome.FAILED_NO_ACCESS, SEARCHES_FOR
        lasts = self._ground.planned_service[promise_id] * luck.factor + luck.trouble + luck.search
        return Outcome.DELIVERED_TO_RECIPIENT, lasts

    def _wait_until(self, at: float) -> Timestamp:
        self.now = max(self.now, round(at))
        return self.now

    def _trouble(self, kind: str, place: Location, **more: object) -> None:
        self.incidents.append(kind)
        self._tell("incident", kind=kind, location={"lat": place.lat, "lon": place.lon}, **more)

    def _tell_position(self, place: Location) -> None:
        self._tell("position", lat=place.lat, lon=place.lon)

    def _tell(self, what: str, **more: object) -> None:
        self._phone.report({"type": what, "at": _rfc3339(self.now), **more})


def _between(origin: Location, to: Location, share: float) -> Location:
    return Location(
        lat=origin.lat + (to.lat - origin.lat) * share, lon=origin.lon + (to.lon - origin.lon) * share
    )


def _rfc3339(at: Timestamp) -> str:
    return datetime.fromtimestamp(at, ZoneInfo("UTC")).isoformat()
