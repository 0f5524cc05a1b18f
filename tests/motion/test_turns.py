"""A later shift of the same van inherits its lateness: for buyers, for the office, and for its driver."""

from dataclasses import replace
from datetime import time
from typing import Any

import pytest

from chalicelib.events import FactKind
from chalicelib.fleet.arrival import EtaStatus
from chalicelib.fleet.ids import promise_id
from chalicelib.fleet.model import EVERY_DAY, WeeklyShift
from chalicelib.fleet.plans import PlanKey
from chalicelib.fleet.progress import Progress
from chalicelib.fleet.risk import Risk
from chalicelib.motion.store import MotionChanges
from chalicelib.promises.model import Standing
from chalicelib.promises.outlook import Outlook, outlooks
from chalicelib.units import MINUTE, Timestamp
from tests.promises.shop import NEAR, TENANT, TODAY, Shop, a_vehicle, at

PLAN = PlanKey(depot_id="porto", day=TODAY)
MORNING, NOON, OTHERS = (
    f"porto.{van}.{TODAY}.{start}" for van, start in (("van-1", "0800"), ("van-1", "1200"), ("van-2", "1200"))
)


class Street:
    """A delivery from ten to twelve by the morning's shift, one from twelve to two by the next."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.early, self.late = (
            shop.buy(starts, NEAR, f"at-{starts}").promise for starts in (at(10), at(12))
        )
        shop.now = at(11)

    def hear(self, shift_id: str = MORNING, **facts: Any) -> None:
        """The morning's shift has left at eight; `facts` say what else is known of it."""
        new = Progress(shift_id=shift_id, plan=PLAN, departed_at=at(8), milestones=1)
        progress = replace(self.shop.store.progress(TENANT, PLAN, shift_id) or new, **facts)
        self.shop.store.commit_motion(TENANT, MotionChanges(progress=progress))

    def look(self) -> None:
        """Something was heard of the morning's shift."""
        self.shop.watch.look(TENANT, PLAN, MORNING, self.shop.now)

    def standing(self) -> Standing:
        """How it is known that the later delivery stands."""
        promise = self.shop.store.promise(TENANT, self.late.stop_id)
        assert promise is not None
        return promise.standing

    def outlook(self) -> Outlook:
        """How the later delivery stands."""
        shop = self.shop
        (found,) = outlooks(shop.store, shop.planner, TENANT, [self.late], shop.now).values()
        return found

    def expected(self) -> dict[str, Timestamp | None]:
        """When it is expected, by whoever says so."""
        shop, stop_id = self.shop, self.late.stop_id
        manifest = shop.motion.manifest(TENANT, shop.motion.duty(TENANT, NOON), shop.now)
        routes = shop.fleet.plan(TENANT, "porto", TODAY, shop.now).routes
        (plan,) = [route for route in routes if route.shift.shift_id == NOON]
        arrivals = [line.arrival for line in manifest.lines if line.arrival is not None]
        return {
            "promise": self.outlook().expected_at,
            "plan": plan.arrivals[stop_id].expected_at if stop_id in plan.arrivals else None,
            "manifest": arrivals[0].expected_at,
        }


@pytest.fixture
def street() -> Street:
    """One van with two shifts a day."""
    turns = ((time(8), time(12)), (time(12), time(18)))
    weekly = tuple(WeeklyShift(days=EVERY_DAY, starts=starts, ends=ends) for starts, ends in turns)
    return Street(Shop(vehicles=[a_vehicle(weekly=weekly)]))


def test_who_is_late_from_one_shift_is_late_for_the_next(street: Street) -> None:
    """Held up until one: the delivery from twelve to two is expected an hour later, and everybody says so."""
    on_time = street.outlook()
    assert (on_time.status, on_time.risk) == (EtaStatus.PLANNED, Risk.KEPT)
    street.hear(held_until=at(13))
    said = street.expected()
    assert len(set(said.values())) == 1
    late = street.outlook()
    assert late.expected_at - on_time.expected_at > 60 * MINUTE
    assert late.status is EtaStatus.PLANNED
    assert late.planned_at == on_time.planned_at


def test_danger_for_the_next_shift_is_told_before_it_begins(street: Street) -> None:
    """Held up until half past two, its delivery by two is at risk at eleven; home, it has recovered."""
    assert street.standing() is Standing.SAFE
    street.hear(held_until=at(14, 30))
    street.look()
    assert street.standing() is Standing.AT_RISK
    street.look()
    street.hear(held_until=None, returned_at=at(11, 30))
    street.shop.now = at(11, 31)
    street.look()
    assert street.standing() is Standing.SAFE
    named = [fact for _, facts in street.shop.store.outbox for fact in facts]
    about = [fact.kind for fact in named if fact.subject == promise_id(street.late.stop_id)]
    kinds = [kind for kind in about if kind is not FactKind.PROMISE_EXPECTED]
    assert kinds[-2:] == [FactKind.PROMISE_AT_RISK, FactKind.PROMISE_RECOVERED]


def test_who_is_back_in_time_endangers_nothing(street: Street) -> None:
    """CONTROL: looked at as often, on time."""
    street.hear()
    street.look()
    assert street.standing() is Standing.SAFE


def test_who_is_back_in_time_changes_nothing(street: Street) -> None:
    """CONTROL: out, but home before noon; and home late, but home: it leaves now."""
    planned = street.outlook().expected_at
    street.hear()
    assert street.outlook().expected_at == planned
    assert street.expected()["plan"] is None
    street.hear(held_until=at(13), returned_at=at(11))
    assert street.outlook().expected_at == planned


def test_another_van_is_not_waited_for(street: Street) -> None:
    """CONTROL: a shift of a van that has nothing to do with it."""
    planned = street.outlook().expected_at
    street.hear(OTHERS, held_until=at(15))
    assert street.outlook().expected_at == planned


def test_a_van_that_broke_down_comes_to_no_later_shift_either(street: Street) -> None:
    """What it should carry at noon is at risk, long before noon."""
    street.hear(down_at=at(10, 45))
    stands = street.outlook()
    assert (stands.kept, stands.risk) == (0.0, Risk.AT_RISK)


def test_a_shift_that_has_left_waits_for_nobody(street: Street) -> None:
    """Somebody forgot to say that the morning's van was back."""
    street.hear(held_until=at(15))
    late = street.outlook().expected_at
    street.shop.now = at(12, 5)
    street.hear(NOON, departed_at=at(12))
    assert street.outlook().expected_at < late
