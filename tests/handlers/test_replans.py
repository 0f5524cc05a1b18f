"""Improvements of plans over HTTP: asked for, looked up, and what became of them."""

import pytest

from chalicelib.dispatch.model import Work
from chalicelib.dispatch.service import Job
from chalicelib.fleet.plans import PlanKey
from tests.handlers.shop_client import ACME, Shop, a_van
from tests.promises.shop import TODAY

REPLAN = "/v1/depots/porto/plans/2026-11-24/replan"
PLAN = PlanKey(depot_id="porto", day=TODAY)
NORTH, SOUTH = {"lat": 41.20, "lon": -8.61}, {"lat": 41.10, "lon": -8.61}


def work(shop: Shop, replan_id: str | None = None) -> None:
    """What the worker does when the job reaches it."""
    number = shop.services.dispatch.request(ACME, PLAN, Work.IMPROVE)
    job = Job(plan=PLAN, number=number, replan_id=replan_id)
    shop.services.dispatch.run(ACME, job, shop.services.business_now(ACME), seconds=20.0)


@pytest.fixture
def shop() -> Shop:
    """One van that crosses the town six times, and a second one that came too late."""
    shop = Shop()
    for nth in range(1, 4):
        for place in (NORTH, SOUTH):
            shop.promise(offer=shop.offer(nth, destination=place))
    shop.done("PUT", "/v1/depots/porto/vehicles/van-2", a_van())
    return shop


def test_replan_is_queued_then_applied_and_says_what_it_did(shop: Shop) -> None:
    """Its moves are in the plan, and no promise is worse off."""
    asked = shop.ask("POST", REPLAN)
    assert asked.status_code == 202
    replan_id = asked.json_body["replan_id"]
    queued = shop.done("GET", f"/v1/replans/{replan_id}")
    assert (queued["state"], queued["promises"], queued["moves"]) == ("queued", None, 0)
    work(shop, replan_id)
    done = shop.done("GET", f"/v1/replans/{replan_id}")
    assert (done["state"], done["depot_id"], done["date"]) == ("applied", "porto", "2026-11-24")
    assert done["promises"] == {"kept": 6, "at_risk": 0, "broken": 0}
    assert done["seconds_saved"] > 0
    assert done["moves"] == len(done["moved"]) > 0
    plan = shop.done("GET", "/v1/depots/porto/plans/2026-11-24")
    driven_by = {stop["promise_id"]: route["shift_id"] for route in plan["routes"] for stop in route["stops"]}
    for moved in done["moved"]:
        assert driven_by[moved["promise_id"]] == moved["to_shift_id"] != moved["from_shift_id"]


def test_replan_that_changes_nothing_says_why(shop: Shop) -> None:
    """The plan is as good as this looks, and the answer is a sentence."""
    work(shop)
    replan_id = shop.done("POST", REPLAN)["replan_id"]
    work(shop, replan_id)
    done = shop.done("GET", f"/v1/replans/{replan_id}")
    assert (done["state"], done["moves"]) == ("unchanged", 0)
    assert done["why"]


def test_repeated_request_asks_once(shop: Shop) -> None:
    """The receipt is in the transaction of the request."""
    first = shop.ask("POST", REPLAN, idempotency_key="again")
    second = shop.ask("POST", REPLAN, idempotency_key="again")
    assert second.json_body == first.json_body
    assert second.headers["Idempotent-Replayed"] == "true"


def test_request_asks_the_worker_by_a_fact(shop: Shop) -> None:
    """The stream hands it on with the replan's id."""
    replan_id = shop.done("POST", REPLAN)["replan_id"]
    tenant, (fact,) = shop.services.store.outbox[-1]
    assert (tenant, fact.subject, fact.data["replan_id"]) == (ACME, "porto/2026-11-24", replan_id)


@pytest.mark.parametrize("path", ["/v1/depots/elsewhere/plans/2026-11-24/replan"])
def test_plan_of_an_unknown_depot_is_not_found(shop: Shop, path: str) -> None:
    """As every other unknown thing."""
    assert shop.refused("POST", path)["status"] == 404


def test_date_that_is_none_is_refused(shop: Shop) -> None:
    """By name."""
    problem = shop.refused("POST", "/v1/depots/porto/plans/tomorrow/replan")
    assert (problem["status"], problem["errors"][0]["pointer"]) == (422, "{date}")
