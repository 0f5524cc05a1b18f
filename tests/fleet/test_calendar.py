"""A depot's wall clock through clock changes, and the slots and shifts that are read off it (F23)."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from time import perf_counter
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.fleet.calendar import (
    date_named_in,
    instant,
    local_date,
    slot_of,
    slots_between,
    template_shifts,
    weekly_shift_of,
    window,
    work_clock,
)
from chalicelib.fleet.model import Closure, Driver, OrderBy, SlotTemplate, WallBreak, Weekday
from chalicelib.routing.model import Break
from chalicelib.units import HOUR, MINUTE
from tests.fleet.builders import TUESDAY, at, depot, van, weekly

ZONES = ["Europe/London", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu"]


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("zone", "day", "starts", "ends", "opens", "closes"),
    [
        # London: 01:00-02:00 does not exist on 28 March 2027 ...
        ("Europe/London", "2027-03-28", "08:00", "10:00", "2027-03-28 07:00", "2027-03-28 09:00"),
        ("Europe/London", "2027-03-28", "00:30", "01:30", "2027-03-28 00:30", "2027-03-28 01:00"),
        ("Europe/London", "2027-03-28", "01:30", "02:30", "2027-03-28 01:00", "2027-03-28 01:30"),
        ("Europe/London", "2027-03-28", "01:00", "02:00", None, None),
        ("Europe/London", "2027-03-28", "01:15", "01:45", None, None),
        ("Europe/London", "2027-03-27", "23:00", "01:30", "2027-03-27 23:00", "2027-03-28 01:00"),
        # ... and 01:00-02:00 comes twice on 31 October 2027.
        ("Europe/London", "2027-10-31", "08:00", "10:00", "2027-10-31 08:00", "2027-10-31 10:00"),
        ("Europe/London", "2027-10-31", "01:15", "01:45", "2027-10-31 00:15", "2027-10-31 00:45"),
        ("Europe/London", "2027-10-31", "01:30", "02:30", "2027-10-31 00:30", "2027-10-31 02:30"),
        ("Europe/London", "2027-10-31", "00:30", "01:30", "2027-10-30 23:30", "2027-10-31 00:30"),
        ("Europe/London", "2027-10-30", "23:00", "01:00", "2027-10-30 22:00", "2027-10-31 00:00"),
        # New York: 02:00-03:00 on 14 March, twice 01:00-02:00 on 7 November.
        ("America/New_York", "2027-03-14", "01:00", "03:00", "2027-03-14 06:00", "2027-03-14 07:00"),
        ("America/New_York", "2027-03-14", "02:15", "04:00", "2027-03-14 07:00", "2027-03-14 08:00"),
        ("America/New_York", "2027-11-07", "00:00", "04:00", "2027-11-07 04:00", "2027-11-07 09:00"),
        # Lord Howe changes by half an hour: 02:00-02:30 on 3 October, twice 01:30-02:00 on 4 April.
        ("Australia/Lord_Howe", "2027-10-03", "02:00", "02:30", None, None),
        ("Australia/Lord_Howe", "2027-10-03", "01:00", "03:00", "2027-10-02 14:30", "2027-10-02 16:00"),
        ("Australia/Lord_Howe", "2027-04-04", "01:00", "03:00", "2027-04-03 14:00", "2027-04-03 16:30"),
        ("Australia/Lord_Howe", "2027-04-04", "01:45", "02:00", "2027-04-03 14:45", "2027-04-03 15:30"),
        # Apia skipped 30 December 2011 altogether when it changed sides of the date line.
        ("Pacific/Apia", "2011-12-30", "08:00", "10:00", None, None),
        ("Pacific/Apia", "2011-12-29", "22:00", "02:00", "2011-12-30 08:00", "2011-12-30 10:00"),
        ("Pacific/Apia", "2011-12-31", "08:00", "10:00", "2011-12-30 18:00", "2011-12-30 20:00"),
        # Kathmandu is 5:45 ahead and never changes.
        ("Asia/Kathmandu", "2027-03-28", "08:00", "10:00", "2027-03-28 02:15", "2027-03-28 04:15"),
    ],
)
def test_window_from_wall_times_survives_clock_changes(
    zone: str, day: str, starts: str, ends: str, opens: str | None, closes: str | None
) -> None:
    """F23: a time jumped over is the jump, one that comes twice its first occurrence (after the start)."""
    found = window(
        ZoneInfo(zone), date.fromisoformat(day), time.fromisoformat(starts), time.fromisoformat(ends)
    )
    expected = (utc(opens), utc(closes)) if opens and closes else None
    assert (found and (found.start, found.end)) == expected


def test_end_that_comes_twice_is_the_one_after_the_start() -> None:
    """A window never ends before it starts: the second occurrence is taken where the first came before."""
    london, night = ZoneInfo("Europe/London"), date(2027, 10, 31)
    second_half = utc("2027-10-31 00:40")
    assert instant(london, night, time(1, 30), after=second_half) == utc("2027-10-31 01:30")
    assert instant(london, night, time(1, 30)) == utc("2027-10-31 00:30")  # control: without `after`


@given(
    zone=st.sampled_from(ZONES),
    day=st.dates(date(2000, 1, 1), date(2035, 12, 31)),
    starts=st.times(),
    ends=st.times(),
)
@example("Pacific/Apia", date(2011, 12, 30), time(12), time(13))
def test_every_window_is_positive_and_at_most_a_day_and_a_clock_change(
    zone: str, day: date, starts: time, ends: time
) -> None:
    """Whatever the zone does, a window has a positive length and starts when the wall says, or at a jump."""
    starts, ends = starts.replace(second=0, microsecond=0), ends.replace(second=0, microsecond=0)
    found = window(ZoneInfo(zone), day, starts, ends)
    if found is None:
        return
    assert 0 < found.end - found.start <= 25 * HOUR
    shown = datetime.fromtimestamp(found.start, ZoneInfo(zone))
    before = datetime.fromtimestamp(found.start - 1, ZoneInfo(zone))
    jumped = shown.replace(tzinfo=None) - before.replace(tzinfo=None) > timedelta(seconds=1)
    assert (shown.date(), shown.time()) == (day, starts) or jumped


def test_slots_have_stable_names_and_come_in_order() -> None:
    """A slot's id is depot, date and wall times, whatever else the merchant changes."""
    slots = slots_between(depot(), TUESDAY, TUESDAY + timedelta(days=13))
    assert len(slots) == 14 * 4
    assert slots[0].slot_id == "porto.2026-11-24.0800-1000"
    assert (slots[0].window.start, slots[0].window.end) == (at(8), at(10))
    assert all(one.window.start <= other.window.start for one, other in pairwise(slots))
    renamed = depot(name="Porto West", target_kept=0.9)
    assert [slot.slot_id for slot in slots_between(renamed, TUESDAY, TUESDAY)] == [
        slot.slot_id for slot in slots[:4]
    ]


def test_slot_is_found_by_its_id() -> None:
    """A token that names a slot finds it again, and only at its own depot."""
    here = depot(depot_id="a.b:c")
    (slot, *_) = slots_between(here, TUESDAY, TUESDAY)
    assert slot_of(here, slot.slot_id) == slot
    for other in (
        "porto.2026-11-24.0800-1000",
        "a.b:c.2026-11-24.0800-1100",
        "a.b:c.2026-13-24.0800-1000",
        "a.b:c.2026-W48-2.0800-1000",
        "",
        "a..b",
    ):
        assert slot_of(here, other) is None


def test_slot_over_midnight_belongs_to_the_date_it_starts_on() -> None:
    """22:00-01:00 of Tuesday ends on Wednesday."""
    late = depot(slots=(SlotTemplate(starts=time(22), ends=time(1), days=frozenset({Weekday.TUE})),))
    (slot,) = slots_between(late, TUESDAY - timedelta(days=1), TUESDAY + timedelta(days=1))
    assert slot.date == TUESDAY
    assert (slot.window.start, slot.window.end) == (at(22), at(1, day=TUESDAY + timedelta(days=1)))


def test_order_by_is_an_instant_of_the_wall_days_before() -> None:
    """Ordered by 18:00 two days before, on the depot's wall."""
    template = SlotTemplate(starts=time(8), ends=time(10), order_by=OrderBy(days_before=2, time=time(18)))
    (slot,) = slots_between(depot(slots=(template,)), TUESDAY, TUESDAY)
    assert slot.order_by_at == at(18, day=TUESDAY - timedelta(days=2))


@pytest.mark.parametrize(
    ("sell", "deliver", "sold", "delivered"),
    [
        (False, False, False, False),
        (True, False, False, False),
        (False, True, False, True),
        (True, True, True, True),
    ],
)
def test_closure_closes_the_slots_it_overlaps(sell: bool, deliver: bool, sold: bool, delivered: bool) -> None:
    """Half past nine to two: the slots 8-10 and 10-12 are touched, 14-16 is not."""
    closure = Closure(from_at=at(9, 30), to_at=at(14), reason="Stocktaking", sell=sell, deliver=deliver)
    slots = slots_between(depot(closures=(closure,)), TUESDAY, TUESDAY)
    assert [slot.sell for slot in slots] == [sold, sold, True, True]
    assert [slot.deliver for slot in slots] == [delivered, delivered, True, True]
    assert slots[0].closed == (None if sold else "Stocktaking")


def test_slots_follow_a_new_version_of_the_depot() -> None:
    """What is remembered belongs to one description: the same id and version with other slots is another."""
    two_hours, one_hour = depot(), depot(slots=(SlotTemplate(starts=time(8), ends=time(9)),))
    assert len(slots_between(two_hours, TUESDAY, TUESDAY)) == 4
    assert len(slots_between(one_hour, TUESDAY, TUESDAY)) == 1


def test_two_weeks_of_slots_cost_well_under_a_millisecond() -> None:
    """14 days of 12 slots, computed before: a look-up per date."""
    busy = depot(slots=tuple(SlotTemplate(starts=time(h), ends=time(h + 2)) for h in range(8, 20)))
    last = TUESDAY + timedelta(days=13)
    assert len(slots_between(busy, TUESDAY, last)) == 14 * 12
    best = min(_seconds(lambda: slots_between(busy, TUESDAY, last)) for _ in range(20))
    assert best < 0.001


def _seconds(work: object) -> float:
    began = perf_counter()
    work()  # type: ignore[operator]
    return perf_counter() - began


def test_template_yields_shifts_with_stable_names() -> None:
    """Loading begins the depot's lead before the start; the id names depot, van, date and time."""
    (shift,) = template_shifts(depot(loading_lead_minutes=45), van(), TUESDAY)
    assert shift.shift_id == "porto.van-1.2026-11-24.0800"
    assert (shift.starts_at, shift.ends_at, shift.loads_at) == (at(8), at(16), at(7, 15))
    assert date_named_in(shift.shift_id) == TUESDAY


def test_shift_ids_of_two_vans_are_never_the_same() -> None:
    """Dots in ids, or very long ones, do not make two shifts one, nor an id too long for a URL."""
    names = [("a.b", "c"), ("a", "b.c"), ("x" * 64, "y" * 64), ("x" * 64, "z" * 64), ("a", "b")]
    ids = [template_shifts(depot(depot_id=here), van(there), TUESDAY)[0].shift_id for here, there in names]
    assert len(set(ids)) == len(ids)
    assert all(len(shift_id) <= 64 for shift_id in ids)
    assert all(date_named_in(shift_id) == TUESDAY for shift_id in ids)


def test_shift_over_midnight_and_over_a_clock_change() -> None:
    """London, 22:00-06:00 into the night of the spring change: seven hours instead of eight."""
    here = depot(timezone="Europe/London")
    (shift,) = template_shifts(here, van(weekly=(weekly(22, 6),)), date(2027, 3, 27))
    assert shift.ends_at - shift.starts_at == 7 * HOUR
    assert local_date(here, shift.starts_at) == date(2027, 3, 27)
    assert local_date(here, shift.ends_at) == date(2027, 3, 28)


def test_several_shifts_a_day_come_in_order() -> None:
    """One van, morning and evening."""
    shifts = template_shifts(depot(), van(weekly=(weekly(17, 21), weekly(8, 12))), TUESDAY)
    assert [shift.starts_at for shift in shifts] == [at(8), at(17)]


def test_break_belongs_to_the_shift_that_holds_it() -> None:
    """Lunch is taken by the day shift; the evening shift, and a shift it would stick out of, go without."""
    lunch = WallBreak(earliest=time(12), latest=time(13), duration_seconds=30 * MINUTE)
    lines = (weekly(8, 16), weekly(17, 21))
    day, evening = template_shifts(depot(), van(weekly=lines, breaks=(lunch,)), TUESDAY)
    assert day.breaks == (Break(earliest_at=at(12), latest_at=at(13), duration=30 * MINUTE),)
    assert evening.breaks == ()
    (short,) = template_shifts(depot(), van(weekly=(weekly(8, 13),), breaks=(lunch,)), TUESDAY)
    assert short.breaks == ()


def test_break_after_midnight_belongs_to_the_night_shift() -> None:
    """02:00-03:00 within 22:00-06:00 is on the next date."""
    rest = WallBreak(earliest=time(2), latest=time(3), duration_seconds=1800)
    (night,) = template_shifts(depot(), van(weekly=(weekly(22, 6),), breaks=(rest,)), TUESDAY)
    assert night.breaks[0].earliest_at == at(2, day=TUESDAY + timedelta(days=1))


def test_line_of_the_template_is_found_for_its_shift() -> None:
    """The driver of a template's shift is read from the line that starts when the shift does."""
    driven = van(weekly=(weekly(8, 12, driver=Driver(name="Ines")), weekly(13, 17)))
    morning, afternoon = template_shifts(depot(), driven, TUESDAY)
    found = weekly_shift_of(depot(), driven, morning)
    assert found is not None
    assert found.driver == Driver(name="Ines")
    assert weekly_shift_of(depot(), driven, afternoon) == driven.weekly[1]
    assert weekly_shift_of(depot(), van(weekly=()), morning) is None


def test_work_clock_spans_the_dates_and_is_remembered() -> None:
    """Routes of one plan are judged on one clock, object for object, so that judgements can be kept."""
    here = depot()
    assert work_clock(here, TUESDAY, TUESDAY) is work_clock(here, TUESDAY, TUESDAY)
    assert work_clock(here, TUESDAY, TUESDAY).arrive(at(9), 600) == at(9, 10)
