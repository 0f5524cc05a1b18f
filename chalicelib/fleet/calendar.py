"""A depot's wall clock: from weekly templates and dates to instants, through both clock changes.

A wall time that does not exist (the clocks jump over it) stands for the instant of the jump. One that exists
twice means its first occurrence for a start, and for an end the first occurrence after the start. A window
that is left without length on some day does not exist on that day.
Weak point: instants follow the zone rules of the moment they are computed; what was sold keeps the instants
it was sold with.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from hashlib import sha256
from zoneinfo import ZoneInfo

from chalicelib.fleet.model import Depot, OrderBy, Slot, SlotTemplate, Vehicle, Weekday, WeeklyShift
from chalicelib.routing.model import Break, Shift, TimeWindow
from chalicelib.routing.travel_times import SpeedProfile, WorkClock
from chalicelib.units import DAY, MINUTE, Timestamp

ONE_DAY = timedelta(days=1)
_LONGEST_READABLE = 48  # with date and time it stays within the 64 characters of an id
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def local_date(depot: Depot, at: Timestamp) -> date:
    """Read the date on the depot's wall at an instant."""
    return datetime.fromtimestamp(at, ZoneInfo(depot.timezone)).date()


def instant(zone: ZoneInfo, on: date, wall: time, *, after: Timestamp | None = None) -> Timestamp:
    """When the clocks of a zone show a wall time on a date.

    Parameters
    ----------
    after
        Of the occurrences of an ambiguous wall time, the first later than this; without it the first.

    Returns
    -------
    Whole seconds. A wall time that does not exist gives the instant of the jump over it, also when that is
    not later than `after`.
    """
    shown = datetime.combine(on, wall)
    first, second = (_epoch_seconds(shown.replace(tzinfo=zone, fold=fold)) for fold in (0, 1))
    if first > second:  # only inside a gap: the offset before the jump is the smaller one
        return _jump_between(zone, second, first)
    return second if after is not None and first <= after else first


def window(zone: ZoneInfo, on: date, starts: time, ends: time) -> TimeWindow | None:
    """Open a window from one wall time to another, on the next day if it `ends` no later than it `starts`.

    Returns
    -------
    None where a clock change left nothing of it.
    """
    start = instant(zone, on, starts)
    end = instant(zone, on if ends > starts else on + ONE_DAY, ends, after=start)
    return TimeWindow(start=start, end=end) if end > start else None


def slots_between(depot: Depot, first: date, last: date) -> list[Slot]:
    """Every slot that starts on a local date from `first` to `last`, in order of start and end.

    Closed slots are included and say why. Cost: a dictionary look-up per date once computed, about 10 us per
    slot before.
    """
    return [slot for on in dates_between(first, last) for slot in _slots_on(depot, on)]


def slot_of(depot: Depot, slot_id: str) -> Slot | None:
    """Find a slot by its id, None if the depot's template knows no such slot on that date."""
    on = date_named_in(slot_id)
    slots = _slots_on(depot, on) if on else ()
    return next((slot for slot in slots if slot.slot_id == slot_id), None)


@lru_cache(maxsize=4096)
def _slots_on(depot: Depot, on: date) -> tuple[Slot, ...]:
    zone = ZoneInfo(depot.timezone)
    day = Weekday.of(on)
    found = [_slot(depot, zone, on, template) for template in depot.slots if day in template.days]
    return tuple(
        sorted(
            (slot for slot in found if slot is not None),
            key=lambda slot: (slot.window.start, slot.window.end, slot.slot_id),
        )
    )


def _slot(depot: Depot, zone: ZoneInfo, on: date, template: SlotTemplate) -> Slot | None:
    open_for = window(zone, on, template.starts, template.ends)
    if open_for is None:
        return None
    order_by = template.order_by
    over_it = [closure for closure in depot.closures if closure.overlaps(open_for)]
    not_sold = [closure.reason for closure in over_it if not (closure.sell and closure.deliver)]
    return Slot(
        slot_id=f"{depot.depot_id}.{on.isoformat()}.{template.starts:%H%M}-{template.ends:%H%M}",
        depot_id=depot.depot_id,
        date=on,
        window=open_for,
        price=template.price,
        order_by_at=None if order_by is None else _order_by_at(zone, on, order_by),
        closed=not_sold[0] if not_sold else None,
        deliver=all(closure.deliver for closure in over_it),
    )


def _order_by_at(zone: ZoneInfo, on: date, order_by: OrderBy) -> Timestamp:
    return instant(zone, on - timedelta(days=order_by.days_before), order_by.time)


def template_shifts(depot: Depot, vehicle: Vehicle, on: date) -> tuple[Shift, ...]:
    """Lay out the shifts a vehicle's weekly template yields for a local date, in order of start.

    Each starts and ends at the depot, and has those of the vehicle's breaks that lie wholly inside it.
    """
    day = Weekday.of(on)
    zone = ZoneInfo(depot.timezone)
    found = [_shift(depot, zone, vehicle, weekly, on) for weekly in vehicle.weekly if day in weekly.days]
    return tuple(sorted((shift for shift in found if shift is not None), key=lambda shift: shift.starts_at))


def weekly_shift_of(depot: Depot, vehicle: Vehicle, shift: Shift) -> WeeklyShift | None:
    """Find the line of the template that starts when this shift does, for what a `Shift` leaves out."""
    on = local_date(depot, shift.starts_at)
    day, zone = Weekday.of(on), ZoneInfo(depot.timezone)
    lines = (weekly for weekly in vehicle.weekly if day in weekly.days)
    return next((line for line in lines if instant(zone, on, line.starts) == shift.starts_at), None)


def _shift_id(depot: Depot, vehicle: Vehicle, on: date, weekly: WeeklyShift) -> str:
    """Name a shift of a weekly template: `porto.van-1.2026-11-24.0800`, unique within a merchant.

    Ids that have dots, or are too long together to stand in a URL, are stood in for by their hash.
    """
    names = depot.depot_id, vehicle.vehicle_id
    whose = ".".join(names)
    if whose.count(".") > 1 or len(whose) > _LONGEST_READABLE:
        whose = sha256("\n".join(names).encode()).hexdigest()[:24]
    return f"{whose}.{on.isoformat()}.{weekly.starts:%H%M}"


def date_named_in(slot_or_shift_id: str) -> date | None:
    """Read the local date out of the id of a slot, or of a shift from a template; None if there is none."""
    parts = slot_or_shift_id.rsplit(".", 2)
    try:
        return date.fromisoformat(parts[1]) if len(parts) == 3 and len(parts[1]) == 10 else None
    except ValueError:
        return None


def _shift(depot: Depot, zone: ZoneInfo, vehicle: Vehicle, weekly: WeeklyShift, on: date) -> Shift | None:
    works = window(zone, on, weekly.starts, weekly.ends)
    if works is None:
        return None
    return Shift(
        shift_id=_shift_id(depot, vehicle, on, weekly),
        vehicle_id=vehicle.vehicle_id,
        starts_at=works.start,
        ends_at=works.end,
        loads_at=works.start - depot.loading_lead_minutes * MINUTE,
        capacity=vehicle.capacity,
        skills=vehicle.skills,
        start=depot.location,
        end=depot.location,
        breaks=tuple(_breaks(zone, vehicle, weekly, on, works)),
    )


def _breaks(
    zone: ZoneInfo, vehicle: Vehicle, weekly: WeeklyShift, on: date, works: TimeWindow
) -> Sequence[Break]:
    found = []
    for rest in vehicle.breaks:
        day = on if rest.earliest >= weekly.starts else on + ONE_DAY
        earliest_at = instant(zone, day, rest.earliest)
        latest_at = instant(zone, day if rest.latest >= rest.earliest else day + ONE_DAY, rest.latest)
        inside = works.start <= earliest_at and latest_at + rest.duration_seconds <= works.end
        if inside and earliest_at <= latest_at:
            found.append(Break(earliest_at=earliest_at, latest_at=latest_at, duration=rest.duration_seconds))
    return sorted(found, key=lambda rest: rest.earliest_at)


def work_clock(depot: Depot, first: date, last: date) -> WorkClock:
    """Build the speed of the hour at a depot, for routes of the plans from `first` to `last`.

    Spans a day more on either side, for shifts over midnight. Computed once per zone, profile and dates:
    about 0.1 ms per date.
    """
    return _work_clock(depot.travel.profile, depot.timezone, first, last)


@lru_cache(maxsize=64)
def _work_clock(profile: SpeedProfile, timezone: str, first: date, last: date) -> WorkClock:
    zone = ZoneInfo(timezone)
    start = instant(zone, first, time(0)) - DAY
    return WorkClock.over(profile, zone, start=start, end=instant(zone, last, time(0)) + 3 * DAY)


def dates_between(first: date, last: date) -> list[date]:
    """Every date from `first` to `last`, both included."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _epoch_seconds(local: datetime) -> Timestamp:
    return (local - _EPOCH) // timedelta(seconds=1)


def _jump_between(zone: ZoneInfo, before: Timestamp, after: Timestamp) -> Timestamp:
    """First second of the new offset, between an instant under the old and one under the new; O(log)."""
    old = datetime.fromtimestamp(before, zone).utcoffset()
    while after - before > 1:
        middle = (before + after) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after
