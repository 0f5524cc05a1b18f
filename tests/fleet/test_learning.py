"""A day is learned once, when it is over, and what it teaches is what live arrivals then know."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from chalicelib.events import Tenant
from chalicelib.fleet.learning import SETTLES, finished
from chalicelib.fleet.past import DAYS_NAMED, Past
from chalicelib.fleet.progress import Rest
from chalicelib.routing.finished import FinishedShift
from chalicelib.routing.uncertainty import Noise
from chalicelib.units import HOUR, MINUTE
from infra.sandbox.world import Climate
from tests.benchmarks.eta_product import told
from tests.builders import hour
from tests.fakes import InMemoryPasts
from tests.fleet.lived import TRAVEL, Depot, lived_days, plan_of

RESTLESS = Climate(service_visit=0.9, travel_leg=0.45)
TOO_QUIET = Noise(travel_leg=0.12, service_stop=0.25)


class Overtaken(InMemoryPasts):
    """Somebody else learns first, once, between reading and writing."""

    rival: Callable[[], object] | None = None

    def save_past(self, tenant: Tenant, depot_id: str, past: Past) -> None:
        rival, self.rival = self.rival, None
        if rival is not None:
            rival()
        super().save_past(tenant, depot_id, past)


@pytest.fixture(scope="module")
def days() -> list[list[FinishedShift]]:
    """Sixteen restless days."""
    return lived_days(RESTLESS, days=16)


def after(days: list[list[FinishedShift]], noise: Noise) -> Past:
    """What a depot knows that learned them."""
    depot = Depot(noise)
    for number, day in enumerate(days):
        depot.tell(day, number)
        assert depot.learn_day(number) is None
    return depot.past


def test_a_wrong_prior_repairs_itself(days: list[list[FinishedShift]]) -> None:
    """Thought far too quiet, learned for twelve days: nine in ten live arrivals are in their interval."""
    past = after(days[:12], TOO_QUIET)
    assert Depot(TOO_QUIET).covered(past, days[12:], 12) == pytest.approx(0.9, abs=0.04)


def test_without_learning_it_stays_wrong(days: list[list[FinishedShift]]) -> None:
    """CONTROL: on the same days; what a van learns on its way is its mean, not how much it strays."""
    assert Depot(TOO_QUIET).covered(Past.none(), days[12:], 12) < 0.7


def test_a_day_is_learned_when_it_has_settled() -> None:
    """Hours after its last shift's end; asked before, it says when."""
    depot = Depot()
    depot.tell(lived_days(Climate(), days=1, drivers=2)[0], 0)
    assert depot.learn_day(0, hours_later=1) == hour(23) + SETTLES
    assert depot.past.version == 0
    assert depot.learn_day(0, hours_later=4) is None
    assert depot.past.days == (plan_of(0).day,)


def test_a_day_learned_twice_changes_nothing() -> None:
    """A reminder may come again; so may a phone that tells its day when it was learned already."""
    depot = Depot()
    day = lived_days(Climate(), days=1, drivers=2)[0]
    depot.tell(day[:1], 0)
    depot.learn_day(0)
    learned = depot.past
    depot.tell(day[1:], 0)
    assert depot.learn_day(0) is None
    assert depot.past.version == learned.version == 1
    assert len(depot.past.history.drivers) == 1


def test_a_day_that_is_too_long_ago_is_not_learned_again() -> None:
    """It is named no more, but older than all that are."""
    past = replace(Past.none(), days=tuple(plan_of(number).day for number in range(10, 10 + DAYS_NAMED)))
    assert past.has(plan_of(9).day)
    assert past.has(plan_of(10).day)
    assert not past.has(plan_of(10 + DAYS_NAMED).day)


def test_two_days_learned_at_once_are_both_learned() -> None:
    """The second meets the first one's write, comes again in a minute, and adds to it."""
    depot, pasts = Depot(), Overtaken()
    depot.store.pasts = pasts
    for number, day in enumerate(lived_days(Climate(), days=2, drivers=2)):
        depot.tell(day, number)
    pasts.rival = lambda: depot.learn_day(0)
    now = hour(23 + 24) + 24 * HOUR
    assert depot.learn_day(1) == now + MINUTE
    assert depot.learn_day(1) is None
    assert depot.past.days == (plan_of(0).day, plan_of(1).day)


def test_a_day_on_which_nobody_drove_is_over_at_once() -> None:
    """No row is written for it."""
    depot = Depot()
    assert depot.learn_day(0) is None
    assert depot.past.version == 0


def test_a_past_is_small_and_names_nobody() -> None:
    """After sixteen days: some bytes for each door and driver; no name, and no place under a known key."""
    days = lived_days(Climate(), days=3)
    past = after(days, Noise())
    packed = past.history.pack() + past.doors.pack()
    assert b"driver-" not in packed
    assert len(past.doors) <= 6 * 120
    assert len(packed) < 2500 + 8 * len(past.doors) + 20 * len(past.history.drivers)
    other = replace(past, key=b"of another depot")
    assert other.mark_of("driver-0") != past.mark_of("driver-0")
    stops = days[0][0].route.stops
    assert set(other.marks_at(stops).tolist()).isdisjoint(past.marks_at(stops).tolist())


def test_who_was_slow_is_expected_to_be() -> None:
    """A driver and a door of their own, on a usual day; CONTROL: of others nothing else is expected."""
    climate = Climate(service_driver=0.4, service_door=0.5)
    days = lived_days(climate, days=8)
    past = after(days, Noise())
    means = [past.habits(f"driver-{number}", hour(9), Noise()).service.mean for number in range(6)]
    assert max(means) - min(means) > 0.4
    assert past.habits("somebody else", hour(9), Noise()).service.mean == 0
    known = past.doors_at(days[0][0].route.stops)
    assert known is not None
    assert (known[:, 0] >= 1).all()
    assert known[:, 1].std() > 0.2


def test_a_shift_is_read_as_it_was_told() -> None:
    """What its driver tapped comes back; what he did not tap, and a break at a door, teach nothing."""
    lived = lived_days(Climate(), days=1, drivers=1)[0][0]
    progress = told(lived, plan_of(0), round(lived.ends_at))
    found = finished(lived.route, progress, Past.none(), TRAVEL)
    assert found is not None
    assert found.arrived_at.tolist() == [round(at) for at in lived.arrived_at.tolist()]
    assert found.rested.sum() == lived.rested.sum()
    assert found.told.all()
    silent = replace(progress.served[3], inferred=True)
    at_door = Rest(began_at=progress.served[5].arrived_at, ended_at=progress.served[5].arrived_at + 60)
    served = (*progress.served[:3], silent, *progress.served[4:])
    found = finished(lived.route, replace(progress, served=served, rests=(at_door,)), Past.none(), TRAVEL)
    assert found is not None
    assert [number for number, sure in enumerate(found.told.tolist()) if not sure] == [3, 5]


def test_a_van_that_went_nowhere_teaches_nothing() -> None:
    """It never left, or came to nobody."""
    lived = lived_days(Climate(), days=1, drivers=1)[0][0]
    gone = told(lived, plan_of(0), lived.left_at)
    for progress in (replace(gone, departed_at=None), gone):
        assert finished(lived.route, progress, Past.none(), TRAVEL) is None
