"""Robo drivers live whole days: the same luck whatever is decided, and decisions that help."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from chalicelib.events import FactKind
from chalicelib.fleet.ids import promise_id
from chalicelib.promises.model import Outcome
from chalicelib.routing.model import Break, Location, StopKind
from chalicelib.routing.travel_times import WorkClock
from chalicelib.units import HOUR, MINUTE, Timestamp
from infra.sandbox.driver import BROKEN_DOWN, Cargo, Driver, Duty, Errand, Ground, Report, Sheet
from infra.sandbox.drivers import NeverEnds, live, summed
from infra.sandbox.world import Climate, LegLuck, ShiftLuck, World
from tests.builders import MIDNIGHT, Street, hour, hours, house
from tests.dispatch.test_service import Ticking
from tests.promises.shop import NEAR, TENANT, TODAY, Shop, a_vehicle, at
from tests.sandbox.desk import Desk, hired, lived

CALM = replace(
    Climate(),
    **{
        figure.name: 0
        for figure in fields(Climate)
        if figure.name not in ("hours", "dwellings", "service", "break_lean", "detour")
    },
)
VAN = "porto.van-1.2026-11-24.0800"


def sold(vans: int = 2) -> Desk:
    """Two vans and a day of deliveries in all directions."""
    shop = Shop(vehicles=[a_vehicle(number) for number in range(1, vans + 1)])
    for number in range(12):
        place = Location(lat=41.15 + (number % 4 - 1.5) / 40, lon=-8.61 + (number % 3 - 1) / 30)
        shop.buy(at(8 + 2 * (number % 5)), place, f"order-{number}")
    shop.now = at(7)
    return Desk(shop, Ticking())


def test_a_day_from_one_seed_is_the_same_day() -> None:
    """Whoever lives it twice meets the same; CONTROL: another seed is another day."""
    days = [lived(desk, hired(desk, World(Climate(), seed))) for seed in (1, 1, 2) for desk in [sold()]]
    assert days[0] == days[1]
    assert days[0].attempts != days[2].attempts


def test_both_ways_meet_the_same_luck() -> None:
    """As long as nobody is sent another way, a plan on paper and the product have the same day."""
    desk = sold()
    desk.repairs = False
    with_us = lived(desk, hired(desk, World(Climate(), 3)))
    on_paper = lived(desk_ := sold(), hired(desk_, World(Climate(), 3), on_paper=True))
    assert with_us.attempts == on_paper.attempts
    assert with_us.metres == on_paper.metres


def test_what_a_driver_meets_has_nothing_to_do_with_the_others() -> None:
    """The same driver alone has the same day."""
    days = []
    for names in (("ana", "rui"), ("rui",)):
        drivers = [
            on_the_street(Told([sheet(1, 5, 9)]), Climate(), driver=name, shift_id=name) for name in names
        ]
        live(drivers, Nobody())
        days.append(drivers[-1].attempts)
    assert len(days[0]) == 3
    assert days[0] == days[1]


def test_a_calm_day_keeps_every_promise_and_nothing_is_ignored() -> None:
    """All is delivered, in its window, and the product knows it."""
    desk = sold()
    day = lived(desk, hired(desk, World(CALM, 1)))
    assert (day.kept, day.broken, day.delivered) == (12, 0, 12)
    assert [fact.kind for fact in desk.facts].count(FactKind.PROMISE_DELIVERED) == 12
    assert desk.ignored == []


def test_a_day_can_be_foretold_where_nothing_goes_wrong() -> None:
    """In a calm world what the manifest says comes true, whatever the lead."""
    desk = sold()
    day = lived(desk, hired(desk, World(CALM, 1)))
    assert max(error for error in day.eta_errors(ahead=(0, HOUR)) if error == error) < 5 * MINUTE


@dataclass(frozen=True)
class Unlucky(ShiftLuck):
    """On its second leg this van gets a tyre that takes all day."""

    def leg(self, number: int, to: Location, hour: int) -> LegLuck:
        luck = super().leg(number, to, hour)
        return replace(luck, hold_up=8.0 * HOUR, flat_tyre=True) if number == 1 else luck


@dataclass(frozen=True)
class OneTyre(World):
    """A calm world in which one van has bad luck."""

    def shift(self, day: Any, driver: str) -> ShiftLuck:
        return Unlucky(self, day, driver) if driver == "van-1" else super().shift(day, driver)


def broken_down(*, repairs: bool) -> tuple[Desk, Any]:
    """Van one has near deliveries until the evening; van two comes into the fleet with little to do."""
    shop = Shop()
    places = [Location(lat=41.15 + step / 200, lon=-8.61) for step in range(5)]
    for step, place in enumerate(places):
        shop.buy(at(8 + 2 * step), place, f"order-{step}")
    shop.fleet.put_vehicle(TENANT, "porto", a_vehicle(2), shop.now)
    shop.buy(at(10), NEAR, "other")
    shop.now = at(7)
    desk = Desk(shop, Ticking(), repairs=repairs)
    return desk, lived(desk, hired(desk, OneTyre(CALM, 1)))


def test_a_van_that_breaks_down_is_met_by_another() -> None:
    """Its parcels are fetched where it stands and delivered by the other van, in time."""
    desk, day = broken_down(repairs=True)
    assert desk.applied
    assert "vehicle_down" in day.incidents
    kinds = [int(kind) for route in desk.routes() for kind in route.stops["kind"].tolist()]
    assert StopKind.MEETING in kinds
    assert {attempt.shift_id for attempt in day.attempts.values()} > {VAN}
    assert day.failed(Outcome.FAILED_PARCEL_MISSING) == 0
    assert day.fetched
    assert day.kept >= 5


def test_without_repairs_its_promises_are_broken() -> None:
    """CONTROL: the same tyre, nobody comes."""
    desk, day = broken_down(repairs=False)
    assert desk.applied == 0
    assert day.broken >= 3


@dataclass
class Told:
    """A phone that shows one sheet after another, and remembers what it was told."""

    sheets: list[Sheet]
    reports: list[Report] = field(default_factory=list)

    def manifest(self) -> Sheet:
        return self.sheets.pop(0) if len(self.sheets) > 1 else self.sheets[0]

    def report(self, *reports: Report) -> None:
        self.reports.extend(reports)

    def told(self, kind: str) -> list[Any]:
        return [each.get("promise_id") for each in self.reports if each["type"] == kind]


class Nobody:
    """An office in which nothing is done."""

    def move_to(self, at: Timestamp) -> None:
        pass

    def settle(self) -> None:
        pass


def errand(number: int, name: str = "", window: Any = None) -> Errand:
    return Errand(promise_id=name or f"p{number}", location=house(number), window=window or hours(8, 18))


def sheet(*numbers: int, version: int = 1) -> Sheet:
    return Sheet(version=version, ahead=tuple(errand(number) for number in numbers))


def on_the_street(
    phone: Told,
    climate: Climate = CALM,
    *,
    follows: bool = True,
    kind: type[Driver] = Driver,
    cargo: Cargo | None = None,
    **duty: Any,
) -> Driver:
    """A driver on a street where every house is a minute from the next."""
    service = {f"p{number}": 300 for number in range(200)}
    ground = Ground(
        travel=Street(),
        clock=WorkClock.flat(),
        zone=ZoneInfo("UTC"),
        world=World(climate, 1),
        day=TODAY,
        planned_service=service,
    )
    described: dict[str, Any] = {
        "shift_id": "s1",
        "driver": "ana",
        "starts_at": hour(8),
        "ends_at": hour(18),
        "depot": house(0),
    }
    return kind(Duty(**(described | duty)), phone, ground, cargo or Cargo(), follows=follows)


def test_a_driver_follows_a_changed_manifest() -> None:
    """After the first stop the order is another one."""
    phone = Told([sheet(1, 2, 3), sheet(1, 2, 3), sheet(3, 2, version=2)])
    driver = on_the_street(phone)
    live([driver], Nobody())
    assert phone.told("arrived") == ["p1", "p3", "p2"]
    assert driver.changes == 1


def test_a_driver_with_a_list_on_paper_does_not() -> None:
    """CONTROL: what was read in the morning is what is driven."""
    phone = Told([sheet(1, 2, 3), sheet(3, 2, 1, version=2)])
    driver = on_the_street(phone, follows=False)
    live([driver], Nobody())
    assert phone.told("arrived") == ["p1", "p2", "p3"]


def test_nobody_hands_over_what_is_not_on_board() -> None:
    """A stop that appears after loading, without a meeting, is a stop without parcels."""
    phone = Told([sheet(1), sheet(1), sheet(2, version=2)])
    driver = on_the_street(phone)
    live([driver], Nobody())
    assert [attempt.outcome for attempt in driver.attempts] == [
        Outcome.DELIVERED_TO_RECIPIENT,
        Outcome.FAILED_PARCEL_MISSING,
    ]


@pytest.mark.parametrize(
    ("stands", "outcome"),
    [(3, Outcome.DELIVERED_TO_RECIPIENT), (80, Outcome.FAILED_PARCEL_MISSING)],
)
def test_parcels_are_taken_over_where_the_other_van_stands(stands: int, outcome: Outcome) -> None:
    """CONTROL: where it does not stand there is nothing to take over, whatever the plan says."""
    meeting = Errand(promise_id=None, location=house(3))
    phone = Told([Sheet(version=1, ahead=(errand(1), meeting, errand(5)))])
    cargo = Cargo(holder={"p5": "s2"}, down={"s2": house(stands)})
    driver = on_the_street(phone, cargo=cargo)
    live([driver], Nobody())
    assert [attempt.outcome for attempt in driver.attempts] == [Outcome.DELIVERED_TO_RECIPIENT, outcome]


def test_a_day_is_told_from_leaving_to_coming_back() -> None:
    """Departure, doors, the break and the return, in their order and by the minute."""
    rest = Break(earliest_at=hour(8.2), latest_at=hour(8.2), duration=30 * MINUTE)
    phone = Told([sheet(10, 20)])
    driver = on_the_street(phone, breaks=(rest,))
    live([driver], Nobody())
    milestones = [(each["type"], each["at"][11:16]) for each in phone.reports if each["type"] != "position"]
    assert milestones == [
        ("departed_depot", "08:00"),
        ("arrived", "08:10"),
        ("completed", "08:15"),
        ("break_started", "08:15"),
        ("break_ended", "08:45"),
        ("arrived", "08:55"),
        ("completed", "09:00"),
        ("returned_to_depot", "09:20"),
    ]
    assert driver.metres == pytest.approx(40 * 111.2, rel=0.01)


def test_what_goes_wrong_is_told() -> None:
    """Absent buyers fail, hold-ups and closed roads are incidents, and the longest tyres a breakdown."""
    rough = replace(CALM, absent=1.0, leg_trouble=1.0, leg_trouble_delay=20 * MINUTE, closed_road=1.0)
    phone = Told([sheet(1, 2, 3)])
    driver = on_the_street(phone, rough)
    live([driver], Nobody())
    assert {attempt.outcome for attempt in driver.attempts} == {Outcome.FAILED_NOT_HOME}
    assert {"delay", "road_closed"} <= set(driver.incidents)
    phone = Told([sheet(1)])
    driver = on_the_street(phone, replace(CALM, flat_tyre=1.0, flat_tyre_delay=30 * BROKEN_DOWN))
    live([driver], Nobody())
    assert "vehicle_down" in driver.incidents


def test_who_is_late_is_missed_by_some_buyers() -> None:
    """A quarter no longer waits, the same ones whoever comes; CONTROL: in time all are at home."""
    late, in_time = [], []
    for window, outcomes in ((hours(7, 7.5), late), (hours(8, 18), in_time)):
        stops = tuple(errand(number, window=window) for number in range(1, 60))
        driver = on_the_street(Told([Sheet(version=1, ahead=stops)]))
        live([driver], Nobody())
        outcomes += [attempt.outcome for attempt in driver.attempts]
    assert 0.1 < late.count(Outcome.FAILED_NOT_HOME) / len(late) < 0.4
    assert in_time.count(Outcome.FAILED_NOT_HOME) == 0


def test_a_promise_lost_on_its_own_leg_is_told_apart() -> None:
    """Set out in time and held up on the way: hopeless. Set out late: somebody could have known."""
    held_up = replace(CALM, leg_trouble=1.0, leg_trouble_delay=2 * HOUR)
    tight = errand(5, window=hours(8, 8.2))
    for climate, starts, lost in ((held_up, 8, 1), (CALM, 9, 0)):
        driver = on_the_street(Told([Sheet(version=1, ahead=(tight,))]), climate, starts_at=hour(starts))
        live([driver], Nobody())
        day = summed([driver], frozenset({"p5", "p6"}))
        assert (day.kept, day.broken, day.lost_on_the_way) == (0, 2, lost)


class Endless(Driver):
    """Waits for ever."""

    def live(self) -> Iterator[Timestamp]:
        while True:
            yield MIDNIGHT


def test_a_driver_goes_home_though_there_is_always_more_to_do() -> None:
    """An hour past the end of the shift, whatever the manifest says."""
    phone = Told([sheet(*range(1, 150))])
    driver = on_the_street(phone, ends_at=hour(10))
    live([driver], Nobody())
    assert driver.now <= hour(13.5)
    left = [each for each in phone.reports if each.get("outcome") == Outcome.FAILED_NO_TIME]
    assert left
    assert phone.reports[-1]["type"] == "returned_to_depot"


def test_a_driver_without_work_stays_at_home() -> None:
    """Nothing is reported of a van that never left."""
    phone = Told([sheet()])
    live([on_the_street(phone)], Nobody())
    assert phone.reports == []


def test_a_day_that_does_not_end_is_ended() -> None:
    """A mistake of ours is named; it does not hang."""
    endless = on_the_street(Told([sheet()]), kind=Endless)
    with pytest.raises(NeverEnds, match="s1"):
        live([endless], Nobody())


def test_names_of_the_day_are_those_of_its_stops() -> None:
    """What is counted is what was promised."""
    desk = sold()
    day = lived(desk, hired(desk, World(CALM, 1)))
    assert day.promised == {promise_id(stop.stop_id) for stop in desk.shop.stops()}
