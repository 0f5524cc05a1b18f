"""What was planned as a van was loaded stays: `planned_eta` follows the plan until then, and no longer."""

from chalicelib.fleet.progress import Progress
from chalicelib.handlers.due import ACTS
from chalicelib.promises.model import ChangeKind
from chalicelib.promises.outlook import outlooks
from chalicelib.reminders import ReminderKind
from chalicelib.units import Timestamp
from tests.promises.shop import TENANT, Shop, at
from tests.promises.street import PLAN, SHIFT, Street


def planned(street: Street) -> dict[int, Timestamp]:
    """When each open promise is planned for, as a merchant reads it."""
    shop = street.shop
    promises = [street.promise(nth) for nth in range(len(street.stops))]
    found = outlooks(shop.store, shop.planner, TENANT, promises, shop.now)
    return {stop_id: outlook.planned_at for stop_id, outlook in found.items()}


def loaded() -> Street:
    """Three close by, one after the other in one slot; the van is loaded, and nothing was heard of it."""
    street = Street(Shop(cutoff=0), hours=(8, 8, 8))
    street.stops = street.order()
    street.shop.now = at(7, 40)
    return street


def test_planned_arrivals_freeze_at_loading() -> None:
    """The first is cancelled before the van leaves, and when it leaves: the others were planned as before."""
    street = loaded()
    assert street.shop.motion.keep_planned(TENANT, PLAN, street.shop.now) == 1
    before = planned(street)
    street.change(0, ChangeKind.CANCEL)
    after = planned(street)
    assert {after[stop_id] - before[stop_id] for stop_id in street.stops[1:]} == {0}
    street.leave()
    assert planned(street) == after
    assert street.shop.motion.keep_planned(TENANT, PLAN, street.shop.now) == 0


def test_without_that_they_would_follow_the_route() -> None:
    """CONTROL: what was promised to nobody moves when somebody before it goes."""
    street = loaded()
    before = planned(street)
    street.change(0, ChangeKind.CANCEL)
    after = planned(street)
    assert {after[stop_id] - before[stop_id] for stop_id in street.stops[1:]} != {0}


def test_before_loading_they_follow_the_plan() -> None:
    """CONTROL: nothing is kept yet."""
    street = loaded()
    assert street.shop.motion.keep_planned(TENANT, PLAN, at(7, 29)) == 0


def test_who_goes_to_a_later_slot_is_planned_for_that() -> None:
    """Not for the time before its window opens."""
    street = loaded()
    street.shop.motion.keep_planned(TENANT, PLAN, street.shop.now)
    street.move(1, at(12))
    assert planned(street)[street.stops[1]] >= at(12)


def test_what_was_planned_is_no_word_of_the_van() -> None:
    """Nobody takes the van to have reported, so that its silence would mean something."""
    street = loaded()
    street.shop.motion.keep_planned(TENANT, PLAN, street.shop.now)
    kept = street.shop.store.progress(TENANT, PLAN, SHIFT)
    assert (kept.heard, kept.milestones, len(kept.planned)) == (False, 0, 3)
    street.shop.now = at(10, 30)
    street.shop.watch.watch(TENANT, PLAN, SHIFT, street.shop.now)
    assert {street.promise(nth).standing for nth in range(3)} == {"safe"}
    assert Progress(shift_id=SHIFT, plan=PLAN, milestones=1).heard


def test_a_plan_is_kept_when_its_vans_are_mustered() -> None:
    """By the clock: the reminder of the plan freezes what is loaded."""
    street = loaded()

    class Services:
        motion, watch = street.shop.motion, street.shop.watch

    services: object = Services()
    ACTS[ReminderKind.WATCH_PLAN](services, TENANT, str(PLAN), street.shop.now)  # type: ignore[arg-type]
    assert len(street.progress().planned) == 3
