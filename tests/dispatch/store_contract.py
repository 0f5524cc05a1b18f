"""What every store of replans keeps: subclass it with a `store` fixture."""

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.dispatch.model import Move, Replan, ReplanState, Requests, Standing, Work
from chalicelib.dispatch.store import PlanChanges
from chalicelib.errors import AlreadyDone, StaleWrite
from chalicelib.fleet.plans import PlanKey, plan_changed
from tests.promises.shop import TODAY
from tests.promises.store_contract import ACME, BEST, NOW, TOMORROW, a_receipt, a_route, describe, write

PLAN = PlanKey(depot_id="porto", day=TODAY)
OTHER_PLAN = PlanKey(depot_id="porto", day=TOMORROW)


def a_replan(**more: Any) -> Replan:
    described: dict[str, Any] = {
        "replan_id": "rpl_0000000000001",
        "plan": PLAN,
        "state": ReplanState.APPLIED,
        "requested_at": NOW,
        "began_at": NOW + 1,
        "finished_at": NOW + 2,
        "moves": (Move(stop_id=1, left="s-1", joined="s-2"), Move(stop_id=2, left=None, joined="s-1")),
        "seconds_saved": -20,
        "standing": Standing(kept=7, at_risk=1, broken=0),
        "why": "",
    }
    return Replan(**described | more)


class DispatchStoreContract:
    """Requests are counted once each; what a run writes is written together or not at all."""

    def test_requests_are_numbered_for_each_plan_and_merchant(self, store: Any) -> None:
        """Two plans of a depot, and two merchants with the same names, count apart."""
        assert [store.request(ACME, PLAN, Work.IMPROVE) for _ in range(3)] == [1, 2, 3]
        assert store.request(ACME, OTHER_PLAN, Work.IMPROVE) == 1
        assert store.request(BEST, PLAN, Work.IMPROVE) == 1
        assert store.requests(ACME, PLAN, Work.IMPROVE) == Requests(requested=3)

    def test_plan_nobody_asked_about_has_no_requests(self, store: Any) -> None:
        """Nothing is stored until somebody asks."""
        assert store.requests(ACME, PLAN, Work.IMPROVE) == Requests()

    def test_run_covers_what_was_asked_before_it(self, store: Any) -> None:
        """Requests that came meanwhile are not covered; the versions it left are remembered."""
        store.request(ACME, PLAN, Work.IMPROVE)
        store.request(ACME, PLAN, Work.IMPROVE)
        store.finish_requests(ACME, PLAN, Work.IMPROVE, 1, {"s-1": 4})
        assert store.requests(ACME, PLAN, Work.IMPROVE) == Requests(requested=2, done=1, improved={"s-1": 4})

    def test_run_that_ends_late_undoes_nothing(self, store: Any) -> None:
        """A worker that was slow covers less than the one that overtook it."""
        for _ in range(3):
            store.request(ACME, PLAN, Work.IMPROVE)
        store.finish_requests(ACME, PLAN, Work.IMPROVE, 3, {"s-1": 5})
        store.finish_requests(ACME, PLAN, Work.IMPROVE, 2, {"s-1": 4})
        assert store.requests(ACME, PLAN, Work.IMPROVE) == Requests(requested=3, done=3, improved={"s-1": 5})

    def test_replan_is_read_as_it_was_written(self, store: Any) -> None:
        """Every field, also where there is nothing in it; of one merchant only."""
        full, bare = (
            a_replan(),
            Replan(replan_id="rpl_2", plan=PLAN, state=ReplanState.QUEUED, requested_at=NOW),
        )
        for replan in (full, bare):
            store.commit_plan(ACME, PlanChanges(replan=replan))
            assert store.replan(ACME, replan.replan_id) == replace(replan, version=1)
            assert store.replan(BEST, replan.replan_id) is None

    def test_replan_that_moved_is_not_overwritten(self, store: Any) -> None:
        """Two workers on one replan: the second finds that it is not the first."""
        store.commit_plan(ACME, PlanChanges(replan=a_replan()))
        with pytest.raises(StaleWrite):
            store.commit_plan(ACME, PlanChanges(replan=a_replan(seconds_saved=5)))
        assert store.replan(ACME, a_replan().replan_id).seconds_saved == -20

    def test_change_needs_every_route_as_it_was(self, store: Any) -> None:
        """One of two routes was booked on meanwhile: neither is written, nor the replan."""
        describe(store)
        store.commit_plan(ACME, PlanChanges(routes=(write(a_route("s-1")), write(a_route("s-2")))))
        store.commit_plan(ACME, PlanChanges(routes=(write(a_route("s-2", version=1)),)))
        stale = (write(a_route("s-1", version=1)), write(a_route("s-2", version=1)))
        with pytest.raises(StaleWrite):
            store.commit_plan(ACME, PlanChanges(routes=stale, replan=a_replan()))
        stored = store.routes(ACME, "porto", first=TODAY, last=TODAY, consistent=True)
        assert {route.shift.shift_id: route.version for _, route in stored} == {"s-1": 1, "s-2": 2}
        assert store.replan(ACME, a_replan().replan_id) is None

    def test_route_is_born_only_under_the_fleet_it_was_made_from(self, store: Any) -> None:
        """As for a booking: a template that changed yields other routes."""
        describe(store)
        fleet = store.depot(ACME, "porto").fleet_version
        with pytest.raises(StaleWrite):
            store.commit_plan(ACME, PlanChanges(routes=(write(a_route(), fleet_version=fleet + 1),)))
        store.commit_plan(ACME, PlanChanges(routes=(write(a_route(), fleet_version=fleet),)))

    def test_request_that_was_answered_is_not_carried_out_again(self, store: Any) -> None:
        """The receipt is in the transaction."""
        fact = plan_changed(PLAN, NOW, "asked", replan_id="rpl_1")
        store.commit_plan(ACME, PlanChanges(replan=a_replan(), facts=(fact,), receipt=a_receipt()))
        again = PlanChanges(replan=a_replan(replan_id="rpl_2"), facts=(fact,), receipt=a_receipt())
        with pytest.raises(AlreadyDone):
            store.commit_plan(ACME, again)
        assert store.replan(ACME, "rpl_2") is None
