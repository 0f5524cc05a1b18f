"""A van nobody hears of is looked at as time goes by: warned of in time, asked for again, left at last."""

from datetime import time
from itertools import pairwise

import pytest

from chalicelib.dispatch.model import ReplanState
from chalicelib.events import Fact, FactKind
from chalicelib.fleet.ids import promise_id
from chalicelib.fleet.live import Live, live
from chalicelib.fleet.model import EVERY_DAY, WeeklyShift
from chalicelib.fleet.past import Past
from chalicelib.fleet.plans import PlanKey
from chalicelib.fleet.progress import Incident, Served, Sighting, Trouble
from chalicelib.motion.service import world_of
from chalicelib.motion.watching import Odds, shift_of, when_next
from chalicelib.notifications.wording.sayings import Cause
from chalicelib.promises.model import Standing
from chalicelib.reminders import Reminder, ReminderKind
from chalicelib.routing.model import Location
from chalicelib.units import HOUR, MINUTE, Timestamp
from tests.dispatch.test_repair import NEAR, OTHER, VAN
from tests.dispatch.test_service import PLAN
from tests.motion.test_watching import FAR, Street
from tests.promises.shop import TENANT, Shop, a_vehicle, at


class Clockwork(Street):
    """A street where time goes by, and with it what comes due; repairs are made as they are asked for."""

    def __init__(self, shop: Shop) -> None:
        super().__init__(shop)
        self.looks: list[Timestamp] = []
        self.repairs: list[ReplanState] = []

    def wait(self, until: Timestamp, *, reminded: bool = True) -> None:
        """Nothing happens but that time goes by."""
        reminders = self.shop.store.reminders
        while reminded and (due := next(reminders.due_reminders(until), None)):
            _, reminder = due
            self.shop.now = max(self.shop.now, reminder.due_at)
            asked = len(self.facts(FactKind.PLAN_TROUBLED))
            if reminder.kind is ReminderKind.WATCH_PLAN:
                again = self.shop.watch.muster(TENANT, PlanKey.parse(reminder.subject), self.shop.now)
            else:
                self.looks.append(self.shop.now)
                again = self.shop.watch.watch(TENANT, *shift_of(reminder.subject), self.shop.now)
            reminders.finish_reminder(TENANT, reminder, again)
            if len(self.facts(FactKind.PLAN_TROUBLED)) > asked:
                self.repairs.append(self.repair().state)
        self.shop.now = until

    def standings(self) -> list[Standing]:
        return [self.promise(stop_id).standing for stop_id in self.order(VAN)]


@pytest.fixture
def street() -> Clockwork:
    """A far delivery from ten to twelve, three near ones from twelve to two; it is six in the morning."""
    shop = Shop()
    shop.buy(at(10), FAR, "far")
    for step in range(3):
        shop.buy(at(12), NEAR[step], f"near-{step}")
    street = Clockwork(shop)
    shop.watch.expect(TENANT, PLAN, shop.now)
    return street


def silent(street: Clockwork) -> None:
    """The van left at eight, and then nobody hears of it any more."""
    street.hear(VAN)


def test_of_a_van_nobody_hears_of_promises_get_at_risk_and_then_break(street: Clockwork) -> None:
    """By time alone, each warned of before its window closes."""
    silent(street)
    street.wait(at(15))
    assert street.standings() == [Standing.BROKEN] * 4
    ends = {promise_id(each): street.promise(each).window.end for each in street.order(VAN)}
    warned, broken = (
        {fact.subject: fact.at for fact in street.told() if fact.kind is kind}
        for kind in (FactKind.PROMISE_AT_RISK, FactKind.PROMISE_BROKEN)
    )
    assert set(warned) == set(broken) == set(ends)
    assert all(warned[each] <= end - 10 * MINUTE for each, end in ends.items())
    assert all(end < broken[each] <= end + 2 * MINUTE for each, end in ends.items())
    assert {fact.data["silent_since"] for fact in street.told()} == {at(8)}


def test_without_a_reminder_nobody_is_warned(street: Clockwork) -> None:
    """CONTROL: the same silence, and nobody looks."""
    silent(street)
    street.wait(at(15), reminded=False)
    assert street.standings() == [Standing.SAFE] * 4
    assert street.told() == []


def test_a_shift_that_never_departs_is_watched(street: Clockwork) -> None:
    """Another van of the plan reports, so that silence means something."""
    street.hear(OTHER)
    street.wait(at(15))
    assert street.standings() == [Standing.BROKEN] * 4
    assert street.looks[0] == at(8, 10)


def test_where_no_van_ever_reports_nobody_is_warned(street: Clockwork) -> None:
    """Its drivers may have no phones: buyers would be told every day that they may have to wait."""
    street.wait(at(15))
    assert street.standings() == [Standing.SAFE] * 4
    assert street.told() == []


def test_a_van_on_its_way_is_hardly_looked_at(street: Clockwork) -> None:
    """Heard of all the time nobody is named, and two looks are never closer than they may be."""
    far, *near = street.order(VAN)
    served = list[Served]()
    street.hear(VAN)
    for stop_id, came in zip((far, *near), (10, 12.1, 12.3, 12.5), strict=True):
        street.wait(at(0) + round(came * HOUR))
        served.append(Served(stop_id=stop_id, arrived_at=street.shop.now, left_at=street.shop.now + 300))
        street.hear(VAN, served=tuple(served), milestones=len(served) + 1)
    street.wait(at(18))
    assert street.told() == []
    assert street.shop.store.reminders.rows == {}
    assert min(later - look for look, later in pairwise(street.looks)) >= 5 * MINUTE
    assert len(street.looks) <= (at(13) - at(8)) / (10 * MINUTE)


def test_a_van_that_is_back_is_not_looked_at_any_more(street: Clockwork) -> None:
    """Nor is one whose windows are all over."""
    street.hear(VAN)
    street.wait(at(9))
    assert street.shop.store.reminders.rows
    street.hear(VAN, returned_at=at(9))
    street.wait(at(10))
    assert street.shop.store.reminders.rows == {}


def test_looks_end_when_every_window_is_over(street: Clockwork) -> None:
    """However silent the van stays."""
    silent(street)
    street.wait(at(14, 5))
    assert street.shop.store.reminders.rows == {}


def test_a_clock_that_jumps_misses_nobody(street: Clockwork) -> None:
    """The plan is mustered late, and whoever should have left is looked at at once."""
    silent(street)
    street.shop.now = at(13, 40)
    street.shop.watch.muster(TENANT, PLAN, street.shop.now)
    assert Standing.SAFE not in street.standings()


def test_who_stays_at_risk_is_asked_for_again_but_not_all_the_time(street: Clockwork) -> None:
    """Until its window is over; CONTROL: a look that no clock asks for asks once."""
    street.hear(VAN, departed_at=None, held_until=at(13, 50))
    street.shop.now = at(10)
    for _ in range(5):
        street.look()
    assert [fact.data["why"] for fact in street.facts(FactKind.PLAN_TROUBLED)] == ["at_risk"]
    street.wait(at(16))
    asked = [fact for fact in street.facts(FactKind.PLAN_TROUBLED) if fact.data["why"] == "still_at_risk"]
    times = [fact.at for fact in asked]
    assert 4 <= len(times) <= 4 * HOUR // (5 * MINUTE)
    assert min(later - sooner for sooner, later in pairwise(times)) >= 5 * MINUTE
    assert times[-1] <= at(14)


def rescuable() -> Clockwork:
    """A van broke down with three parcels on board; the other one has a flat tyre."""
    shop = Shop()
    shop.buy(at(10), FAR, "far")
    for step in range(3):
        shop.buy(at(12), NEAR[step], f"near-{step}")
    shop.fleet.put_vehicle(TENANT, "porto", a_vehicle(2), shop.now)
    street = Clockwork(shop)
    shop.watch.expect(TENANT, PLAN, shop.now)
    far, *_ = street.order(VAN)
    shop.now = at(11)
    came = Served(stop_id=far, arrived_at=at(10, 30), left_at=at(10, 36), outcome="delivered_to_recipient")
    spot = Sighting(location=Location(lat=41.20, lon=-8.61), at=at(10, 54))
    street.hear(VAN, served=(came,), seen=spot, down_at=at(10, 54), milestones=4)
    street.hear(OTHER, down_at=at(10, 40))
    street.look()
    assert street.repair().state is ReplanState.UNCHANGED  # nobody can come
    return street


def free_the_other(street: Clockwork) -> None:
    """The other van drives again."""
    street.wait(at(11, 30))
    street.hear(OTHER, down_at=None, milestones=2)


def test_a_later_repair_saves_whom_the_first_could_not() -> None:
    """Another van got free meanwhile: the shift in trouble is looked at again, and asks again."""
    street = rescuable()
    free_the_other(street)
    street.wait(at(11, 50))
    assert ReplanState.APPLIED in street.repairs
    assert street.order(VAN)[1:] == []
    street.shop.watch.look(TENANT, PLAN, OTHER, street.shop.now)
    safe = [street.promise(each).standing for each in street.order(OTHER) if each < 1 << 62]
    assert safe == [Standing.SAFE] * 3


def test_without_asking_again_nobody_is_saved() -> None:
    """CONTROL: the other van's milestone alone asks for nothing, and the parcels stay where they are."""
    street = rescuable()
    street.shop.store.reminders.rows.clear()
    free_the_other(street)
    street.shop.watch.look(TENANT, PLAN, OTHER, street.shop.now)
    street.wait(at(11, 50))
    assert street.repairs == []
    assert len(street.order(VAN)) == 4


def expected(street: Clockwork) -> list[Fact]:
    return street.facts(FactKind.PROMISE_EXPECTED)


def broken_down(street: Clockwork, wall: Timestamp) -> None:
    """The van says so, and nobody hears of it any more."""
    street.shop.now = wall
    street.hear(VAN, down_at=wall, milestones=2, incidents=(Incident(kind=Trouble.VEHICLE_DOWN, at=wall),))
    street.look()


def test_of_a_van_that_broke_down_everybody_is_said_to_wait_and_nobody_knows_how_long(
    street: Clockwork,
) -> None:
    """All down the route, once, with the cause, when no other van has come to help, though no event comes."""
    street.hear(VAN)
    broken_down(street, at(9))
    assert expected(street) == []  # a repair may still help
    street.wait(at(9, 30))
    said = {fact.subject: fact for fact in expected(street)}
    assert set(said) == {promise_id(each) for each in street.order(VAN)}
    assert all(at(9, 10) <= fact.at <= at(9, 25) for fact in said.values())
    assert {(fact.data["expected_window"], fact.data["cause"]) for fact in said.values()} == {
        (None, Cause.VEHICLE)
    }
    street.wait(at(11))
    assert len(expected(street)) == 4
    assert all(street.promise(each).adrift for each in street.order(VAN))


def test_shortly_before_a_window_closes_nobody_waits_for_a_repair(street: Clockwork) -> None:
    """Said at once to whom it is late for, who is promised until twelve; the others wait."""
    street.hear(VAN)
    broken_down(street, at(11, 40))
    far, *_ = street.order(VAN)
    assert [fact.subject for fact in expected(street)] == [promise_id(far)]


def test_whoever_was_helped_meanwhile_is_said_nothing(street: Clockwork) -> None:
    """CONTROL: the van drives again after five minutes."""
    street.hear(VAN)
    broken_down(street, at(9))
    street.shop.now = at(9, 5)
    street.hear(VAN, down_at=None, incidents=(), milestones=3, seen=Sighting(location=FAR, at=at(9, 5)))
    street.look()
    street.wait(at(9, 20))
    assert expected(street) == []


def test_what_was_said_of_a_van_that_broke_down_is_taken_back_when_it_drives_again(
    street: Clockwork,
) -> None:
    """Nobody is adrift any more: they are expected again, or what was told holds."""
    street.hear(VAN)
    broken_down(street, at(9))
    street.wait(at(9, 30))
    street.hear(VAN, down_at=None, incidents=(), milestones=3, seen=Sighting(location=FAR, at=at(9, 30)))
    street.look()
    back = expected(street)[4:]
    assert {fact.subject for fact in back} == {promise_id(each) for each in street.order(VAN)}
    assert all(fact.data["expected_window"] is not None for fact in back)
    assert not any(street.promise(each).adrift for each in street.order(VAN))
    street.look()
    assert len(expected(street)) == 8


def test_of_a_silent_van_nobody_knows_which_is_said_when_its_silence_endangers_somebody(
    street: Clockwork,
) -> None:
    """Twenty minutes before a window closes at the latest; CONTROL: before, silence alone says nothing."""
    silent(street)
    street.wait(at(9, 30))
    assert expected(street) == []
    street.wait(at(14))
    said = {fact.subject: fact for fact in reversed(expected(street))}
    assert set(said) == {promise_id(each) for each in street.order(VAN)}
    for stop_id in street.order(VAN):
        fact, window = said[promise_id(stop_id)], street.promise(stop_id).window
        assert fact.at <= window.end - 20 * MINUTE
        assert (fact.data["expected_window"], fact.data["cause"]) == (None, Cause.UNKNOWN)


def test_a_van_that_never_set_off_is_late_because_of_that(street: Clockwork) -> None:
    """Another one reports, so that silence means something; nobody says that earlier stops took longer."""
    street.hear(OTHER)
    street.wait(at(14))
    assert {fact.data["cause"] for fact in expected(street)} == {Cause.LATE_START}


def test_a_plan_is_mustered_before_its_day_begins_anywhere(street: Clockwork) -> None:
    """Whatever is booked for it, all write the same reminder."""
    reminders = street.shop.store.reminders.rows
    for before in (24, 29, 300):
        street.shop.watch.expect(TENANT, PLAN, at(6) - before * HOUR)
        (reminder,) = reminders.values()
    assert (reminder.kind, reminder.subject) == (ReminderKind.WATCH_PLAN, str(PLAN))
    assert reminder.due_at == at(0) - 14 * HOUR


def test_a_plan_that_is_written_to_twice_is_watched_once(street: Clockwork) -> None:
    """The same fact again, or another of the same plan: the reminder is the plan's, and so is the watch."""
    for _ in range(3):
        street.shop.watch.expect(TENANT, PLAN, street.shop.now)
    silent(street)
    street.wait(at(15))
    assert len(street.looks) == len(set(street.looks))
    assert len(street.told()) == 8  # four at risk, four broken


def test_without_one_name_a_plan_would_be_mustered_as_often_as_it_was_written_to(street: Clockwork) -> None:
    """CONTROL: a reminder for each fact is a row for each, and each of them musters."""
    rows = street.shop.store.reminders
    for nth in range(3):
        due = Reminder(kind=ReminderKind.WATCH_PLAN, subject=f"{PLAN}#{nth}", due_at=street.shop.now)
        rows.write_reminder(TENANT, due)
    mustered = [due for _, due in rows.due_reminders(at(15)) if due.kind is ReminderKind.WATCH_PLAN]
    assert len(mustered) == 1 + 3


def test_a_plan_under_way_that_is_written_to_all_the_time_is_mustered_all_the_same(street: Clockwork) -> None:
    """The reminder stays due until the sweeper had time to come; CONTROL: a minute later it is another."""
    dues = []
    for minute in range(10, 17):
        street.shop.watch.expect(TENANT, PLAN, at(9, minute))
        (reminder,) = street.shop.store.reminders.rows.values()
        dues.append((reminder.due_at - at(9)) // MINUTE)
    assert dues == [10, 10, 10, 15, 15, 15, 15]


def shift(starts: int, ends: int) -> WeeklyShift:
    return WeeklyShift(days=EVERY_DAY, starts=time(starts), ends=time(ends))


def test_who_loads_later_is_mustered_later() -> None:
    """A plan's reminder comes again when its next van has loaded, and no more after the last."""
    shop = Shop(vehicles=[a_vehicle(1, weekly=(shift(8, 13),)), a_vehicle(2, weekly=(shift(13, 18),))])
    shop.buy(at(10), NEAR[0], "morning")
    shop.buy(at(16), NEAR[1], "evening")
    loads = [at(7, 30), at(12, 30)]
    mustered = [shop.watch.muster(TENANT, PLAN, now) for now in (at(0), *loads)]
    assert mustered == [*loads, None]


def live_day(street: Clockwork, now: Timestamp) -> Live:
    """The van's day as it looks now."""
    duty, heard = (
        street.shop.fleet.duty(TENANT, VAN, place=PLAN),
        street.shop.store.progress(TENANT, PLAN, VAN),
    )
    world, travel = world_of(duty, street.shop.noise), street.shop.travel
    return live(duty.route, heard, now, world=world, travel=travel, past=Past.none())


@pytest.mark.parametrize(
    ("kept", "hour", "minutes"),
    [(1.0, 9, 15), (0.5, 9, 15), (0.5, 11, 5), (1.0, 11, 5)],
    ids=["nobody is in doubt", "there is much time left", "there is little", "it should be there by now"],
)
def test_the_less_time_is_left_the_sooner_a_look(
    street: Clockwork, kept: float, hour: int, minutes: int
) -> None:
    """Between the soonest and the latest it may be."""
    street.hear(VAN)
    now = at(hour)
    day = live_day(street, now)
    odds = {stop_id: Odds(kept=kept, expected_at=now) for stop_id in street.order(VAN)}
    assert when_next(day, odds, now) == now + minutes * MINUTE


def test_a_van_whose_driver_said_how_long_it_is_held_up_is_not_silent(street: Clockwork) -> None:
    """Nobody need hear of it until then; CONTROL: an hour behind that, they should have."""
    street.hear(VAN)
    street.shop.now = at(9)
    street.hear(
        VAN,
        held_until=at(13),
        milestones=2,
        incidents=(Incident(kind=Trouble.DELAY, at=at(9), until_at=at(13)),),
    )
    street.look()
    street.wait(at(12, 50))
    said = expected(street)
    assert said
    assert all(fact.data["expected_window"] is not None for fact in said)
    street.wait(at(13, 50))
    assert expected(street)[-1].data["expected_window"] is None
