"""Who is in danger on the road is named before it breaks, once, and no longer when it is over."""

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.dispatch.model import ReplanState
from chalicelib.errors import StaleWrite
from chalicelib.events import Fact, FactKind
from chalicelib.fleet.progress import Progress, Served
from chalicelib.motion.store import MotionChanges
from chalicelib.promises.documents import promise_document, read_promise
from chalicelib.promises.model import Promise, PromiseState, Standing
from chalicelib.routing.live_eta import USUAL, Status, status_next
from chalicelib.routing.model import Location
from tests.dispatch.test_repair import VAN, Town
from tests.dispatch.test_service import PLAN
from tests.promises.shop import TENANT, Shop, at

FAR = Location(lat=41.30, lon=-8.61)
NEAR = [Location(lat=41.15 + step / 200, lon=-8.61) for step in range(3)]
TOLD = {FactKind.PROMISE_AT_RISK, FactKind.PROMISE_RECOVERED, FactKind.PROMISE_BROKEN}


class Street(Town):
    """A town that is watched."""

    def look(self) -> int:
        return self.shop.watch.look(TENANT, PLAN, VAN, self.shop.now)

    def told(self) -> list[Fact]:
        """What was said of promises, in order."""
        return [fact for _, facts in self.shop.store.outbox for fact in facts if fact.kind in TOLD]

    def promise(self, stop_id: int) -> Promise:
        found = self.shop.store.promise(TENANT, stop_id)
        assert found is not None
        return found


@pytest.fixture
def street() -> Street:
    """A far delivery from ten to twelve, three near ones from twelve to two; it is noon, nobody has left."""
    shop = Shop()
    shop.buy(at(10), FAR, "far")
    for step, place in enumerate(NEAR):
        shop.buy(at(12), place, f"near-{step}")
    street = Street(shop)
    shop.now = at(10)
    return street


def test_nobody_is_named_while_all_is_well(street: Street) -> None:
    """A van on time is no news."""
    street.hear(VAN, departed_at=at(9, 45))
    assert street.look() == 0
    assert street.told() == []


def test_danger_is_told_before_it_breaks_and_once(street: Street) -> None:
    """Held up until half past one: the near ones, whose window closes at two, are at risk from now on."""
    far, *near = street.order(VAN)
    street.hear(VAN, departed_at=None, held_until=at(13, 30))
    assert street.look() == 4
    facts = street.told()
    assert {fact.kind for fact in facts} == {FactKind.PROMISE_AT_RISK}
    assert {fact.data["remedy"] for fact in facts} == {"other_slot"}
    assert all(street.promise(stop_id).standing is Standing.AT_RISK for stop_id in (far, *near))
    assert [fact.sequence for fact in facts] == [2, 2, 2, 2]
    assert street.look() == 0  # said already


def test_without_what_is_known_danger_would_be_told_twice(street: Street) -> None:
    """CONTROL: nobody remembers how a promise stood, and a look that is taken twice says it twice."""
    street.hear(VAN, departed_at=None, held_until=at(13, 30))
    assert street.look() == 4
    forgotten = tuple(
        replace(street.promise(stop_id), standing=Standing.SAFE) for stop_id in street.order(VAN)
    )
    street.shop.store.commit_motion(TENANT, MotionChanges(promises=forgotten))
    assert street.look() == 4
    assert len(street.told()) == 8


def test_danger_asks_for_a_repair_in_the_same_transaction(street: Street) -> None:
    """One fact for the plan, beside those of the promises; CONTROL: without danger there is none."""
    street.hear(VAN, departed_at=at(9, 45))
    street.look()
    assert street.facts(FactKind.PLAN_TROUBLED) == []
    street.hear(VAN, departed_at=None, held_until=at(13, 30))
    street.look()
    assert [fact.kind for fact in street.shop.store.outbox[-1][1]].count(FactKind.PLAN_TROUBLED) == 1


def test_whom_a_repair_helps_has_recovered(street: Street) -> None:
    """The loop closed: late, at risk, replanned, three are well again and only the lost one is not."""
    far, *near = street.order(VAN)
    street.hear(VAN, departed_at=None, held_until=at(13, 24))
    street.look()
    assert street.repair().state is ReplanState.APPLIED
    assert [fact.data["shifts"] for fact in street.facts(FactKind.PLAN_REPLANNED)] == [[VAN]]
    street.look()
    recovered = [fact.subject for fact in street.told() if fact.kind is FactKind.PROMISE_RECOVERED]
    assert len(recovered) == len(near)
    assert [street.promise(stop_id).standing for stop_id in (far, *near)] == [
        Standing.AT_RISK,
        *[Standing.SAFE] * len(near),
    ]


def test_a_promise_is_broken_only_when_its_window_is_over(street: Street) -> None:
    """However hopeless, until then it is at risk; afterwards it is broken for good, and that is said once."""
    far, *_ = street.order(VAN)
    street.hear(VAN, departed_at=None, held_until=at(13, 30))
    street.look()
    assert street.promise(far).standing is Standing.AT_RISK
    street.shop.now = at(12, 1)
    street.look()
    assert street.promise(far).standing is Standing.BROKEN
    street.look()
    assert [fact.kind for fact in street.told()].count(FactKind.PROMISE_BROKEN) == 1


def test_who_was_served_too_late_was_not_kept(street: Street) -> None:
    """The van came at ten past twelve; CONTROL: at ten to twelve it kept its word."""
    far, *_ = street.order(VAN)
    street.shop.now = at(12, 30)
    street.hear(VAN, served=(Served(stop_id=far, arrived_at=at(11, 50), left_at=at(11, 55)),))
    street.look()
    assert street.promise(far).standing is Standing.SAFE
    street.hear(VAN, served=(Served(stop_id=far, arrived_at=at(12, 10), left_at=at(12, 15)),))
    street.look()
    assert street.promise(far).standing is Standing.BROKEN


def test_a_stranded_van_keeps_nothing(street: Street) -> None:
    """Everything on board is at risk, and a replan may fetch it."""
    street.hear(VAN, departed_at=at(9, 45), down_at=at(9, 50))
    assert street.look() == 4
    assert {fact.data["remedy"] for fact in street.told()} == {"replan"}


def test_a_finished_promise_is_left_in_peace(street: Street) -> None:
    """It was delivered by somebody else, or corrected: nothing is said of it any more."""
    far, *_ = street.order(VAN)
    done = replace(street.promise(far), state=PromiseState.DELIVERED)
    street.shop.store.commit_motion(TENANT, MotionChanges(promises=(done,)))
    street.hear(VAN, departed_at=None, held_until=at(13, 30))
    street.look()
    assert street.promise(far).standing is Standing.SAFE


def test_how_a_promise_stands_is_stored(street: Street) -> None:
    """And a promise from before anybody looked is safe."""
    document = promise_document(replace(street.promise(street.order(VAN)[0]), standing=Standing.BROKEN))
    assert read_promise(document, 1).standing is Standing.BROKEN
    del document["standing"]
    assert read_promise(document, 1).standing is Standing.SAFE


def test_nobody_is_watched_of_whom_nothing_was_heard(street: Street) -> None:
    """Nor on a shift that is not there any more."""
    assert street.look() == 0
    assert street.shop.watch.look(TENANT, PLAN, "porto.van-9.2026-11-24.0800", street.shop.now) == 0


def test_jitter_says_nothing(street: Street) -> None:
    """Between the two thresholds who was safe stays safe, and who was at risk stays at risk."""
    between = (USUAL.at_risk_below + USUAL.safe_above) / 2
    assert status_next(Status.ON_TIME, between) is Status.ON_TIME
    assert status_next(Status.AT_RISK, between) is Status.AT_RISK


def test_another_writer_is_waited_for(street: Street) -> None:
    """The driver completed a stop meanwhile: the look is decided anew and loses nothing."""
    street.hear(VAN, departed_at=None, held_until=at(13, 30))
    store: Any = street.shop.store
    commit, refused = store.commit_motion, []

    def once(tenant: Any, changes: Any) -> None:
        if not refused:
            refused.append(changes)
            raise StaleWrite("somebody else")
        commit(tenant, changes)

    store.commit_motion = once
    assert street.look() == 4
    assert len(street.told()) == 4


def test_progress_of_nobody(street: Street) -> None:
    """A van that is back has nothing ahead."""
    street.hear(VAN, returned_at=at(9, 59))
    assert isinstance(street.shop.store.progress(TENANT, PLAN, VAN), Progress)
    assert street.look() == 0
