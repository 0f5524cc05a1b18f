"""A depot's day is found whole: those that are for it, and those that were tried on it and moved since."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.errors import NotFound
from chalicelib.events import Mode, Tenant
from chalicelib.fleet.plans import PlanKey
from chalicelib.fleet.progress import Progress, Served
from chalicelib.kpis.service import Kpis, latest_today
from chalicelib.motion.store import MotionChanges
from chalicelib.promises.model import Promise
from chalicelib.units import DAY
from tests.fakes_store import InMemoryStore
from tests.kpis.test_judging import EVENING, MORNING, NOT_HOME, TODAY, TOMORROW, promised, tried
from tests.promises.shop import TENANT, a_depot, at

PLAN = PlanKey(depot_id="porto", day=TODAY)
WEDNESDAY = PlanKey(depot_id="porto", day=TOMORROW)
LATER = {
    "day": TOMORROW,
    "window": replace(MORNING, start=MORNING.start + DAY, end=MORNING.end + DAY),
    "original_window": MORNING,
}


def store_with(*promises: Promise, served: Sequence[int] = ()) -> InMemoryStore:
    """A store with promises, and a shift of Tuesday that tried some of them."""
    store = InMemoryStore()
    visits = tuple(
        Served(stop_id=stop_id, arrived_at=at(9), left_at=at(9, 5), outcome=NOT_HOME) for stop_id in served
    )
    progress = Progress(shift_id="s-1", plan=PLAN, served=visits)
    store.commit_motion(TENANT, MotionChanges(progress=progress, promises=promises))
    return store


def test_who_moved_after_an_attempt_is_still_counted_on_its_day() -> None:
    """The shift knows it; CONTROL: the list of the day alone does not."""
    moved = replace(promised(tried(outcome=NOT_HOME)), **LATER)
    found = Kpis(store_with(moved, served=[1])).of(TENANT, PLAN, EVENING)
    assert (found.first_attempts, found.promised) == (1, 0)
    assert Kpis(store_with(moved)).of(TENANT, PLAN, EVENING).first_attempts == 0
    assert Kpis(store_with(moved, served=[1])).of(TENANT, WEDNESDAY, EVENING).promised == 1


def test_who_is_listed_and_tried_is_counted_once() -> None:
    """Found both ways."""
    kpis = Kpis(store_with(promised(tried(outcome=NOT_HOME)), served=[1]))
    assert kpis.of(TENANT, PLAN, EVENING).first_attempts == 1


def test_long_lists_are_read_to_their_end() -> None:
    """Page by page."""
    many = [promised(stop_id=number) for number in range(1, 1202)]
    assert Kpis(store_with(*many)).of(TENANT, PLAN, at(6)).open == 1201


def test_days_stand_in_order_and_empty_ones_too() -> None:
    """Each date of the range, both included, for each depot."""
    store = store_with(promised())
    depots = [a_depot(), a_depot(depot_id="maia")]
    rows = Kpis(store).days(TENANT, depots, TODAY, TOMORROW, EVENING)
    assert [(row.depot_id, row.day, row.figures.promised) for row in rows] == [
        ("porto", TODAY, 1),
        ("porto", TOMORROW, 0),
        ("maia", TODAY, 0),
        ("maia", TOMORROW, 0),
    ]


def test_another_merchants_promises_are_none_of_ours() -> None:
    """Same depot id, same day."""
    other: Any = Tenant(merchant_id="m2", mode=Mode.TEST)
    assert Kpis(store_with(promised())).of(other, PLAN, EVENING).promised == 0
    with pytest.raises(NotFound):
        Kpis(InMemoryStore()).depots(TENANT, "porto")


def test_today_is_the_latest_date_among_the_depots() -> None:
    """At half past one in the night of Lisbon it is still yesterday in New York, and noon in Kiritimati."""
    lisbon, york, line = (
        a_depot(timezone=zone) for zone in ("Europe/Lisbon", "America/New_York", "Pacific/Kiritimati")
    )
    night = at(1, 30)
    assert latest_today([york], night) == TODAY - timedelta(days=1)
    assert latest_today([york, lisbon], night) == TODAY
    assert latest_today([line], at(23)) == TODAY + timedelta(days=1)
    assert latest_today([], night) == TODAY
