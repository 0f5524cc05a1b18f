"""What every store of the day in motion keeps: subclass it with a `store` fixture."""

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.errors import AlreadyDone, StaleWrite
from chalicelib.fleet.plans import PlanKey
from chalicelib.fleet.progress import Hunch, Incident, Progress, Rest, Served, Sighting, Trouble
from chalicelib.motion.store import MotionChanges
from chalicelib.promises.model import PromiseState
from chalicelib.reminders import Reminder, ReminderKind
from tests.promises.shop import NEAR, TODAY
from tests.promises.store_contract import ACME, BEST, NOW, a_fact, a_promise, a_receipt

PLACE = PlanKey(depot_id="porto", day=TODAY)


def a_progress(shift_id: str = "s-1", **more: Any) -> Progress:
    return Progress(shift_id=shift_id, plan=PLACE, **more)


WHOLE = a_progress(
    driver="van van-1",
    departed_at=NOW,
    returned_at=NOW + 900,
    served=(
        Served(stop_id=1, arrived_at=NOW + 60, left_at=NOW + 90, outcome="failed_not_home", inferred=True),
        Served(stop_id=2, arrived_at=NOW + 120),
    ),
    rests=(Rest(began_at=NOW + 200, ended_at=NOW + 300), Rest(began_at=NOW + 400)),
    taps=((NOW + 200, True), (NOW + 300, False), (NOW + 400, True)),
    seen=Sighting(location=NEAR, at=NOW + 130),
    hunch=Hunch(stop_id=2, since=NOW + 100),
    doubted=Sighting(location=NEAR, at=NOW + 131),
    doubts=2,
    incidents=(
        Incident(kind=Trouble.DELAY, at=NOW + 5, until_at=NOW + 65),
        Incident(kind=Trouble.ACCESS, at=NOW + 6, stop_id=2, location=NEAR, radius=30),
    ),
    held_until=NOW + 65,
    down_at=NOW + 7,
    planned={1: NOW + 50, 2: NOW + 110},
    marks=("AAAAAAAA", "BBBBBBBB"),
    milestones=7,
)


class MotionStoreContract:
    @pytest.mark.parametrize("alone", [True, False])
    @pytest.mark.parametrize("progress", [WHOLE, a_progress()])
    def test_a_progress_comes_back_as_it_was(self, store: Any, progress: Progress, alone: bool) -> None:
        """With all its fields or none, whether it was written alone or with a promise."""
        promises = () if alone else (a_promise(),)
        store.commit_motion(ACME, MotionChanges(progress=progress, promises=promises))
        stored = replace(progress, version=1)
        assert store.progress(ACME, PLACE, "s-1") == stored
        assert store.progresses(ACME, PLACE) == {"s-1": stored}

    def test_each_shift_has_its_own(self, store: Any) -> None:
        """Of another shift, another plan and another tenant nothing is known."""
        store.commit_motion(ACME, MotionChanges(progress=a_progress("s-1", milestones=1)))
        store.commit_motion(ACME, MotionChanges(progress=a_progress("s-2", milestones=2)))
        assert {name: each.milestones for name, each in store.progresses(ACME, PLACE).items()} == {
            "s-1": 1,
            "s-2": 2,
        }
        assert store.progress(BEST, PLACE, "s-1") is None
        assert store.progress(ACME, replace(PLACE, depot_id="gaia"), "s-1") is None

    @pytest.mark.parametrize("facts", [(), (a_fact(),)])
    def test_who_read_before_another_wrote_writes_nothing(self, store: Any, facts: Any) -> None:
        """Two phones of one shift: the second one reads again; positions alone are guarded as well."""
        store.commit_motion(ACME, MotionChanges(progress=a_progress(milestones=1)))
        late = a_progress(milestones=9)
        with pytest.raises(StaleWrite):
            store.commit_motion(ACME, MotionChanges(progress=late, facts=facts))
        assert store.progress(ACME, PLACE, "s-1").milestones == 1
        store.commit_motion(ACME, MotionChanges(progress=replace(late, version=1), facts=facts))
        assert store.progress(ACME, PLACE, "s-1").milestones == 9

    def test_a_promise_that_moved_on_stops_the_milestone(self, store: Any) -> None:
        """Both or neither: a milestone is not known whose promise was not moved."""
        store.commit_motion(ACME, MotionChanges(promises=(a_promise(),)))
        out = a_promise(state=PromiseState.OUT_FOR_DELIVERY)
        with pytest.raises(StaleWrite):
            store.commit_motion(ACME, MotionChanges(progress=a_progress(), promises=(out,)))
        assert store.progress(ACME, PLACE, "s-1") is None
        assert store.promise(ACME, out.stop_id).state is PromiseState.CONFIRMED
        moved = replace(out, version=1)
        store.commit_motion(ACME, MotionChanges(progress=a_progress(), promises=(moved,)))
        assert store.promise(ACME, out.stop_id).state is PromiseState.OUT_FOR_DELIVERY

    def test_a_request_that_was_carried_out_is_not_again(self, store: Any) -> None:
        """Its receipt says so."""
        changes = MotionChanges(progress=a_progress(), receipt=a_receipt())
        store.commit_motion(ACME, changes)
        with pytest.raises(AlreadyDone):
            store.commit_motion(ACME, changes)

    def test_reminders_are_written_with_what_makes_them_due(self, store: Any) -> None:
        """In the same transaction, also when nothing else than the progress is written."""
        reminder = Reminder(kind=ReminderKind.WATCH_SHIFT, subject="s-1", due_at=NOW)
        with pytest.raises(StaleWrite):
            store.commit_motion(
                ACME, MotionChanges(progress=replace(a_progress(), version=3), reminders=(reminder,))
            )
        assert list(store.reminders.due_reminders_of(ACME, NOW)) == []
        store.commit_motion(ACME, MotionChanges(progress=a_progress(), reminders=(reminder,)))
        assert list(store.reminders.due_reminders_of(ACME, NOW)) == [reminder]

    def test_promises_are_read_by_their_ids(self, store: Any) -> None:
        """In the order asked for; those that are not there are left out."""
        store.commit_motion(ACME, MotionChanges(promises=(a_promise(1), a_promise(2))))
        assert [each.stop_id for each in store.promises_named(ACME, [2, 3, 1])] == [2, 1]
        assert store.promises_named(ACME, []) == []
