"""What finished days teach: the world's own figures, honestly counted, in a few hundred numbers."""

import struct
import zlib
from dataclasses import fields, replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.routing.activity import Doing
from chalicelib.routing.calibration import LEADS
from chalicelib.routing.finished import FinishedShift, Replay
from chalicelib.routing.history import MOST_DRIVERS, History, doors_after
from chalicelib.routing.model import Break
from chalicelib.routing.pace import Habits, Spread
from chalicelib.routing.tally import At
from chalicelib.routing.travel_times import WorkClock
from infra.sandbox.world import Climate, World
from tests.benchmarks.eta import said_of
from tests.benchmarks.eta_days import Outing, lived
from tests.builders import hour, hours, route, shift, stop

CLOCK = WorkClock.flat()
NOBODY = np.zeros((0, 2))
FIRST = date(2026, 11, 19)


def driven(*, rested: bool = False) -> FinishedShift:
    """Two stops, five minutes each, ten minutes apart; each took a minute longer, and so did each leg."""
    pause = Break(earliest_at=hour(9), latest_at=hour(10), duration=1800)
    van = route(stop(1, 10), stop(2, 20), of=shift(start=9, breaks=[pause]))
    rest = 1800 if rested else 0
    return FinishedShift(
        driver="ana",
        route=van,
        left_at=hour(9) + 120,
        arrived_at=np.array([780.0, 1800 + rest]) + hour(9),
        started_at=np.array([780.0, 1800 + rest]) + hour(9),
        done_at=np.array([1140.0, 2160 + rest]) + hour(9),
        rested=np.array([0.0, rest]),
        told=np.ones(2, dtype=bool),
        doors=np.zeros((2, 2)),
    )


def fleet(
    climate: Climate, *, days: int, drivers: int = 8, stops: int = 30, seed: int = 1
) -> list[list[FinishedShift]]:
    """A street's days, lived; every address is visited on every fourth day."""
    world, found = World(climate, seed), list[list[FinishedShift]]()
    for day in range(days):
        found.append([])
        for driver in range(drivers):
            chance = np.random.default_rng([day, driver])
            houses = (chance.permutation(4 * stops)[:stops] + 1000 * driver).tolist()
            pause = Break(earliest_at=hour(12), latest_at=hour(14), duration=1800)
            on_duty = shift(f"van-{driver}", start=8, end=23, breaks=[pause])
            visits = [stop(number + 1, house / 7, hours(8, 23)) for number, house in enumerate(houses)]
            legs = np.asarray(chance.uniform(180, 600, stops), dtype=np.int64)
            van = route(*visits, of=on_duty)
            records = van.stops.copy()
            records["leg_seconds"] = legs
            outing = Outing(
                replace(van, stops=records), FIRST + timedelta(days=day), driver=f"driver-{driver}"
            )
            found[-1].append(lived(outing, world, CLOCK, np.zeros((stops, 2))))
    return found


def learned(days: list[list[FinishedShift]]) -> History:
    history = History.empty()
    for day in days:
        history = history.after(day, CLOCK)
    return history


def test_a_finished_shift_tells_legs_from_visits() -> None:
    """A break before a leg is not part of it."""
    for rested in (False, True):
        shift_ = driven(rested=rested)
        legs, drove = shift_.legs(CLOCK)
        visits, served = shift_.visits()
        assert legs.tolist() == [600, 600]
        assert drove.tolist() == [660, 660]
        assert visits.tolist() == [300, 300]
        assert served.tolist() == [360, 360]


@pytest.mark.parametrize(
    ("after", "doing", "first", "breaks"),
    [
        (60, Doing.NOT_LEFT, 0, 1),
        (300, Doing.DRIVING, 0, 1),
        (800, Doing.AT_DOOR, 1, 1),
        (1200, Doing.RESTING, 1, 0),
        (3000, Doing.DRIVING, 1, 0),
        (3700, Doing.AT_DOOR, 2, 0),
        (4000, Doing.DRIVING, 2, 0),
    ],
)
def test_a_replay_knows_what_was_known_then(after: int, doing: Doing, first: int, breaks: int) -> None:
    """The activity, the stops that were left, the breaks still to come; never what came later."""
    found = Replay(driven(rested=True), CLOCK, Habits.unknown()).at(hour(9) + after)
    assert (found.activity.doing, found.first, len(found.rest.shift.breaks)) == (doing, first, breaks)
    assert len(found.rest.stops) == 2 - first


def test_a_replay_has_seen_only_what_was_finished() -> None:
    """At the first door the first leg is known, and nothing else."""
    habits = Habits.unknown()
    replay = Replay(driven(), CLOCK, habits)
    assert replay.at(hour(9) + 500).pace.travel == habits.travel
    at_door = replay.at(hour(9) + 800).pace
    assert at_door.travel.mean > habits.travel.mean
    assert at_door.service == habits.service
    assert replay.at(hour(9) + 1200).pace.service.mean > habits.service.mean


def test_without_any_history_the_assumptions_hold() -> None:
    """A new fleet gets the default spread and the plan."""
    habits = History.empty().habits("ana")
    assumed = Habits.unknown()
    for figure in fields(Spread):
        assert getattr(habits.spread, figure.name) == pytest.approx(
            getattr(assumed.spread, figure.name), rel=1e-6
        )
    assert habits.by_hour == pytest.approx(assumed.by_hour)
    assert habits.service_level == pytest.approx(assumed.service_level)
    assert habits.travel.variance == pytest.approx(assumed.travel.variance)


def test_a_world_is_learned_from_its_days() -> None:
    """Quiet travel and restless doors: each figure ends nearer to the world's than to what is assumed."""
    climate = Climate(
        travel_leg=0.12, travel_fading=0.08, travel_driver=0.15, service_visit=0.75, service_driver=0.30
    )
    spread = learned(fleet(climate, days=12)).spread
    assumed = Spread()
    for name in ("travel_leg", "travel_fading", "service_visit", "travel_driver"):
        true, before, found = (getattr(figures, name) for figures in (climate, assumed, spread))
        assert abs(found - true) < 0.5 * abs(before - true), name


def test_a_driver_is_known_by_his_days_and_a_new_one_is_not() -> None:
    """Shrunk to everybody's hand, and no more sure than the days allow."""
    climate, days = Climate(service_driver=0.3), 10
    history, world = learned(fleet(climate, days=days)), World(climate, 1)
    true = np.array([world.driver(f"driver-{number}").service for number in range(8)])
    found = [history.habits(f"driver-{number}").service for number in range(8)]
    means = np.array([belief.mean for belief in found])
    assert np.corrcoef(true, means)[0, 1] > 0.9
    stranger = history.habits("somebody new").service
    assert stranger.mean == 0
    assert stranger.variance > found[0].variance


def test_slow_doors_and_slow_hours_are_learned() -> None:
    """Every visit takes half as long again, and so does every leg between twelve and one."""
    slow = tuple(1.5 if number == 12 else 1.0 for number in range(24))
    climate = Climate(service=(1.5,) * 4, hours=slow)
    habits = learned(fleet(climate, days=12)).habits("driver-0")
    assert habits.service_level - Habits.unknown().service_level == pytest.approx(np.log(1.5), abs=0.12)
    assert habits.by_hour[12] - habits.by_hour[10] == pytest.approx(np.log(1.5), abs=0.1)


def test_what_is_calibrated_on_random_times_covers_nine_tenths() -> None:
    """In a world twice as restless as assumed, learned day by day, then tried on days not seen."""
    climate = Climate(service_visit=0.9, travel_leg=0.45)
    days = fleet(climate, days=16)
    history = learned(days[:12])
    assert covered(history, days[12:]) == pytest.approx(0.9, abs=0.04)


def test_without_learning_too_few_are_covered() -> None:
    """The control: what is assumed is too sure of itself in such a world, and nothing repairs that."""
    climate = Climate(service_visit=0.9, travel_leg=0.45)
    assert covered(History.empty(), fleet(climate, days=16)[12:]) < 0.85


def covered(history: History, days: list[list[FinishedShift]]) -> float:
    """Share of arrivals within the interval, at clock times the days have not chosen."""
    inside = list[bool]()
    for day in days:
        for shift_ in day:
            replay = Replay(shift_, CLOCK, history.habits(shift_.driver))
            for at in np.linspace(shift_.left_at, shift_.ends_at, 9)[:-1].tolist():
                moment = replay.at(round(at))
                if len(moment.rest.stops):
                    said = said_of(shift_, CLOCK, moment).arrive
                    actual = shift_.arrived_at[moment.first :]
                    inside += ((said[:, 0] <= actual) & (actual <= said[:, 2])).tolist()
    return float(np.mean(inside))


def test_doors_are_remembered_beyond_what_the_day_explains() -> None:
    """A door that takes much longer on an otherwise usual day."""
    shift_ = driven()
    slow = replace(shift_, done_at=shift_.done_at + np.array([0.0, 3000]))
    usual, long = doors_after(slow, CLOCK, Habits.unknown())
    assert usual.visits == long.visits == 1
    assert long.residual > 1.0 > 0.6 > usual.residual


def test_the_past_fades() -> None:
    """After sixty quiet days a day counts half."""
    history = learned(fleet(Climate(), days=1, drivers=2))
    later = history
    for _ in range(60):
        later = later.after([], CLOCK)
    assert later.sums[At.LATE] == pytest.approx(history.sums[At.LATE] / 2)
    assert later.drivers.keys() == history.drivers.keys()


names = st.binary(min_size=8, max_size=8)
single = st.floats(0, 100, width=32)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.dictionaries(names, st.tuples(single, single, single), max_size=5))
def test_a_history_survives_being_stored(seed: int, drivers: dict[bytes, tuple[float, float, float]]) -> None:
    """Single precision is enough."""
    sums = np.random.default_rng(seed).uniform(-1e6, 1e6, len(History.empty().sums)).astype(np.float32)
    again = History.unpack(History(sums.astype(np.float64), drivers).pack())
    assert again.sums.tolist() == sums.tolist()
    assert again.drivers == drivers


def test_a_history_stored_by_the_first_format_is_still_read() -> None:
    """Three legs at midnight, one driver, and no more sums than there were then; later ones are zero."""
    body = struct.pack("<I", 4) + bytes.fromhex("00004040" + 3 * "00000000")
    driver = b"driverA1" + bytes.fromhex("000000400000003f000080be")
    found = History.unpack(bytes([1]) + zlib.compress(body + driver))
    assert found.sums.tolist() == [3.0] + [0.0] * (len(History.empty().sums) - 1)
    assert found.drivers == {b"driverA1": (2.0, 0.5, -0.25)}


def test_a_history_is_small() -> None:
    """A few hundred numbers, and twenty bytes for each driver; names are not among them."""
    packed = learned(fleet(Climate(), days=3)).pack()
    assert len(packed) < 3000
    assert b"driver" not in packed


def test_a_history_of_an_unknown_format_is_refused() -> None:
    """A reader never guesses."""
    packed = History.empty().pack()
    with pytest.raises(ValueError, match="format 9"):
        History.unpack(bytes([9]) + packed[1:])


def test_only_so_many_drivers_are_kept() -> None:
    """Those seen most often."""
    drivers = {number.to_bytes(8, "big"): (float(number), 0.0, 0.0) for number in range(MOST_DRIVERS + 5)}
    kept = History(History.empty().sums, drivers).after([], CLOCK).drivers
    assert len(kept) == MOST_DRIVERS
    assert (0).to_bytes(8, "big") not in kept


def test_who_drives_no_more_is_forgotten() -> None:
    """After some months of other people's days; CONTROL: who drove more often is known for longer."""
    drivers = {b"seldom..": (1.0, 0.1, 0.1), b"often...": (20.0, 2.0, 2.0)}
    history = History(History.empty().sums, drivers)
    for _ in range(130):
        history = history.after([], CLOCK)
    assert history.drivers.keys() == {b"often..."}


def test_of_what_nobody_told_nothing_is_learned() -> None:
    """A stop whose times are guesses counts neither as leg, nor as visit, nor in the calibration."""
    some, none = driven(), replace(driven(), told=np.zeros(2, dtype=bool))
    assert History.empty().after([some], CLOCK).sums[At.SERVICE][0] == 2
    learned_from = History.empty().after([none], CLOCK).sums
    for part in (At.HOURS, At.SERVICE, At.VISITS, At.SCORES):
        assert not learned_from[part].any()


def test_what_is_assumed_counts_until_days_were_seen() -> None:
    """A depot that was thought calm is found restless by its days; CONTROL: before them it is what it was."""
    history = replace(History.empty(), assumed=Spread(service_visit=0.1))
    assert history.habits("ana").spread.service_visit == 0.1
    for day in fleet(Climate(), days=3):
        history = history.after(day, CLOCK)
    assert history.spread.service_visit > 0.3


def test_calibration_is_by_predicted_lead() -> None:
    """One row for every two minutes, up to beyond the longest bucket; before any day nothing is moved."""
    stretch = History.empty().stretch
    assert len(stretch) * 120 > LEADS[-1]
    assert stretch == pytest.approx(np.tile(np.eye(3), (len(stretch), 1, 1)), abs=0.02)


def test_an_empty_day_and_an_empty_shift_teach_nothing() -> None:
    """A van that never left."""
    empty = replace(
        driven(),
        route=route(of=shift(start=9)),
        **dict.fromkeys(("arrived_at", "started_at", "done_at", "rested"), np.zeros(0)),
        told=np.zeros(0, dtype=bool),
        doors=NOBODY,
    )
    assert not History.empty().after([empty], CLOCK).sums.any()
