"""A truth that leaves what buyers were told is a fact, once, for everybody down the route."""

from dataclasses import replace
from datetime import time

from chalicelib.events import Fact, FactKind
from chalicelib.fleet.ids import promise_id
from chalicelib.fleet.model import SlotTemplate
from chalicelib.motion.store import MotionChanges
from chalicelib.promises.model import Promise
from chalicelib.routing.model import TimeWindow
from chalicelib.units import HOUR
from tests.dispatch.test_repair import FAR, VAN, Town, a_town
from tests.dispatch.test_service import PLAN
from tests.promises.shop import TENANT, Shop, a_depot, at


def news(town: Town) -> list[Fact]:
    facts = [fact for _, facts in town.shop.store.outbox for fact in facts]
    return [fact for fact in facts if fact.kind is FactKind.PROMISE_EXPECTED]


def look(town: Town, now: int) -> None:
    town.shop.now = now
    town.shop.watch.look(TENANT, PLAN, VAN, now)


def promise(town: Town, stop_id: int) -> Promise:
    found = town.shop.store.promise(TENANT, stop_id)
    assert found is not None
    return found


def test_everybody_down_the_route_is_looked_at() -> None:
    """Held up for hours, the van is late for its next stop and for the last; all four are facts at once."""
    town = a_town()
    stop_ids = town.order(VAN)
    town.hear(VAN, departed_at=None, held_until=at(14, 30))
    look(town, at(10))
    assert [fact.subject for fact in news(town)] == [promise_id(stop_id) for stop_id in stop_ids]
    for fact in news(town):
        assert fact.data["expected_window"]["ends_at"] > fact.data["told_window"]["ends_at"]


def test_what_is_foreseen_is_said_once() -> None:
    """Looking again, a little later, says nothing; what was told is what it was."""
    town = a_town()
    town.hear(VAN, departed_at=None, held_until=at(14, 30))
    look(town, at(10))
    before = len(news(town))
    look(town, at(10))
    look(town, at(10, 3))
    assert len(news(town)) == before
    last = promise(town, town.order(VAN)[-1])
    assert last.told_window == last.window
    assert last.foreseen is not None


def test_without_what_was_foreseen_it_would_be_said_at_each_look() -> None:
    """CONTROL: nobody remembers, and each look is four facts more."""
    town = a_town()
    town.hear(VAN, departed_at=None, held_until=at(14, 30))
    look(town, at(10))
    before = len(news(town))
    for stop_id in town.order(VAN):
        forgetful = replace(promise(town, stop_id), foreseen=None)
        town.shop.store.commit_motion(TENANT, MotionChanges(promises=(forgetful,)))
    look(town, at(10, 3))
    assert len(news(town)) == 2 * before


def test_what_was_told_holds_again_when_the_van_makes_up_for_it() -> None:
    """On its way after all, nothing is foreseen any more: a text that waits would not be true."""
    town = a_town()
    town.hear(VAN, departed_at=None, held_until=at(14, 30))
    look(town, at(10))
    town.hear(VAN, departed_at=at(10), held_until=None)
    look(town, at(10, 5))
    assert all(promise(town, stop_id).foreseen is None for stop_id in town.order(VAN)[1:])


def test_a_van_in_time_is_no_news() -> None:
    """Nobody's window is left."""
    town = a_town()
    town.hear(VAN, departed_at=at(9, 45))
    look(town, at(10))
    assert news(town) == []


def test_the_last_window_taken_by_the_carrier_is_what_the_buyer_goes_by() -> None:
    """Once, in any order; an older text changes nothing behind a newer one."""
    town = a_town()
    stop_id = town.order(VAN)[0]
    first, second = (TimeWindow(start=at(15) + n, end=at(16) + n) for n in (0, HOUR))
    telling = town.shop.telling
    assert telling.told(TENANT, stop_id, second, 6)
    assert telling.told(TENANT, stop_id, second, 6)
    assert not telling.told(TENANT, stop_id, first, 5)
    assert promise(town, stop_id).told_window == second
    assert promise(town, stop_id).window.start == at(10)


def test_what_was_foreseen_is_over_when_it_is_told() -> None:
    """The next look compares with what the buyer knows by then."""
    town = a_town()
    town.hear(VAN, departed_at=None, held_until=at(14, 30))
    look(town, at(10))
    known = promise(town, town.order(VAN)[0])
    assert known.foreseen is not None
    town.shop.telling.told(TENANT, known.stop_id, known.foreseen, known.sequence)
    knows = promise(town, known.stop_id)
    assert (knows.told_window, knows.foreseen) == (known.foreseen, None)
    before = len(news(town))
    look(town, at(10, 3))
    assert len(news(town)) == before


def all_day_long() -> Town:
    """Somebody far away may be served at any time from eight to six; the morning's text is behind us."""
    shop = Shop(depot=a_depot(slots=(SlotTemplate(starts=time(8), ends=time(18)),)))
    shop.buy(at(8), FAR, "far")
    return Town(shop)


def test_a_wide_window_is_said_more_exactly_when_the_van_has_left() -> None:
    """Once: hours become minutes, within what was told; looking again says nothing."""
    town = all_day_long()
    [stop_id] = town.order(VAN)
    town.hear(VAN, departed_at=at(8, 30))
    for minute in (31, 36, 41):
        look(town, at(8, minute))
    [fact] = news(town)
    said, told = fact.data["expected_window"], fact.data["told_window"]
    assert told["starts_at"] <= said["starts_at"] < said["ends_at"] <= told["ends_at"]
    assert said["ends_at"] - said["starts_at"] <= HOUR
    assert promise(town, stop_id).foreseen is not None


def test_before_a_van_has_left_a_wide_window_is_the_mornings_to_narrow() -> None:
    """CONTROL: the same forecast, an hour earlier."""
    town = all_day_long()
    town.hear(VAN, departed_at=None, milestones=1)
    look(town, at(7, 30))
    assert news(town) == []


def test_a_window_that_is_exact_enough_is_left_alone() -> None:
    """CONTROL: two hours are not made shorter."""
    town = a_town()
    town.hear(VAN, departed_at=at(9, 45))
    look(town, at(9, 50))
    assert news(town) == []
