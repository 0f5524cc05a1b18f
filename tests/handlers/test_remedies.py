"""Trouble on the road, from the event to everybody's times: the cheapest remedy that helps, nobody asked.

Reordered; another van before loading; other slots for whom nothing keeps; and, last, a rescue. Each is played
over HTTP with the real workers: an event comes in, the manifest gets another version that says why, and what
buyers are told follows it.
"""

from typing import Any

import pytest

from chalicelib.handlers import workers
from tests.handlers.deployed import Deployed, Start
from tests.handlers.shop_client import a_van, at, fresh

DAY = "2026-11-24"
NEAR = [{"lat": 41.15 + step / 200, "lon": -8.61} for step in range(4)]
FAR = {"lat": 41.30, "lon": -8.61}


class Road:
    """A product whose facts and jobs are worked off whenever something happened."""

    def __init__(self, product: Deployed) -> None:
        self.product = product
        self._published = set[str]()

    def sell(self, place: dict[str, float], hour: int) -> str:
        """Promise a delivery in the slot that begins at this hour."""
        slots = self.product.search(destination=place)
        [offer] = [
            slot["offer"] for slot in slots if f"T{hour:02}:00" in slot["starts_at"] and slot["available"]
        ]
        promise_id: str = self.product.promise(offer=offer)["promise_id"]
        return promise_id

    def at(self, wall: str) -> None:
        """It is as late as that."""
        self.product.clock.at = at(f"{DAY}T{wall}:00Z")
        self.settle()

    def settle(self) -> None:
        """Hand on facts and repair, until nothing is left to do."""
        for _ in range(12):
            rows = [row for row in self.product.outbox() if row["pk"]["S"] not in self._published]
            self._published |= {row["pk"]["S"] for row in rows}
            if rows:
                workers.publish_facts(self.product.stream(*rows), self.product.services)
            jobs = self.product.repair_jobs()
            if jobs["Records"]:
                answer = workers.repair(jobs, self.product.services)
                assert answer == {"batchItemFailures": []}
            if not rows and not jobs["Records"]:
                return
        raise AssertionError("it never comes to rest")

    def report(self, van: str, *events: dict[str, Any]) -> None:
        """A driver's phone reports, and everything that follows is done."""
        body = {"events": [{"event_id": fresh("event"), **event} for event in events]}
        answer = self.product.ask("POST", f"/v1/shifts/{shift(van)}/events", body)
        assert answer.status_code == 202, answer.body
        assert answer.json_body["ignored"] == []
        self.settle()

    def manifest(self, van: str) -> dict[str, Any]:
        shown: dict[str, Any] = self.product.done("GET", f"/v1/shifts/{shift(van)}/manifest")
        return shown

    def promise(self, promise_id: str) -> dict[str, Any]:
        shown: dict[str, Any] = self.product.done("GET", f"/v1/promises/{promise_id}")
        return shown

    def told(self, promise_id: str) -> list[dict[str, Any]]:
        lines: list[dict[str, Any]] = self.product.done("GET", f"/v1/promises/{promise_id}/ledger")["data"]
        return lines

    def times_follow(self, van: str) -> None:
        """Whoever is ahead on this van is told the time that its driver reads."""
        for stop in self.manifest(van)["stops"]:
            if stop["kind"] == "promised" and stop["live_eta"] is not None:
                shown = self.promise(stop["promise_id"])["live_eta"]
                apart = at(shown["expected_at"]) - at(stop["live_eta"]["expected_at"])
                assert abs(apart) <= 60  # of a van that has not left, a promise says the plan's
                assert shown["stops_before"] == stop["live_eta"]["stops_before"]


def shift(van: str) -> str:
    return f"porto.{van}.{DAY}.0800"


def ahead(manifest: dict[str, Any]) -> list[str]:
    return [stop["promise_id"] for stop in manifest["stops"] if stop["kind"] == "promised"]


def event(type: str, wall: str, **more: Any) -> dict[str, Any]:
    return {"type": type, "at": f"{DAY}T{wall}:00Z"} | more


@pytest.fixture
def road(start: Start) -> Road:
    return Road(start())


def sold(road: Road) -> tuple[str, list[str]]:
    """A far delivery from ten to twelve, and three near ones from twelve to two, all on one van."""
    far = road.sell(FAR, 10)
    near = [road.sell(NEAR[step], 12) for step in range(3)]
    road.settle()
    assert sorted(ahead(road.manifest("van-1"))) == sorted([far, *near])
    return far, near


def test_first_the_van_goes_another_way_round(road: Road) -> None:
    """Held up at the depot for hours: who is lost anyway is put off, so that the others are kept."""
    far, near = sold(road)
    road.at("11:59")
    before = road.manifest("van-1")
    road.report("van-1", event("incident", "11:59", kind="delay", delay_seconds=84 * 60))
    after = road.manifest("van-1")
    assert after["version"] > before["version"]
    assert ahead(after) != ahead(before)
    assert {change["because"] for change in after["changes"]} == {"promise_at_risk"}
    named = {each for change in after["changes"] for each in change["moved"]}
    assert named
    assert {stop["promise_id"] for stop in after["stops"] if "changed_because" in stop} == named
    assert ahead(after)[-1] == far
    road.times_follow("van-1")
    for each in near:
        assert at(road.promise(each)["live_eta"]["expected_at"]) <= at(f"{DAY}T14:00:00Z")


def test_then_another_van_takes_over_before_it_is_loaded(road: Road) -> None:
    """The driver says at half past six that he comes at noon: who is promised at eight changes vans."""
    road.product.done("PUT", "/v1/depots/porto/vehicles/van-2", a_van())
    first = road.sell(NEAR[1], 8)
    road.settle()
    [van] = [van for van in ("van-1", "van-2") if first in ahead(road.manifest(van))]
    other = {"van-1": "van-2", "van-2": "van-1"}[van]
    road.at("06:30")
    version = road.manifest(van)["version"]
    road.report(van, event("incident", "06:30", kind="delay", delay_seconds=6 * 3600))
    assert ahead(road.manifest(van)) == []
    assert ahead(road.manifest(other)) == [first]
    assert road.manifest(van)["version"] > version
    [change] = road.manifest(van)["changes"]
    assert (change["gone"], change["because"]) == ([first], "promise_at_risk")
    [change] = road.manifest(other)["changes"]
    assert change["new"] == [first]
    road.times_follow(other)


def test_whom_no_plan_keeps_is_said_to_need_another_slot(road: Road) -> None:
    """Loaded and hours late: the fact that says so names that remedy."""
    far, _ = sold(road)
    road.at("11:30")
    road.report("van-1", event("departed_depot", "08:00"))
    road.report("van-1", event("incident", "11:30", kind="delay", delay_seconds=2 * 3600))
    [danger] = [line for line in road.told(far) if line["kind"] == "promise.at_risk"]
    assert danger["data"]["remedy"] == "other_slot"


def test_last_a_stranded_van_is_met(road: Road) -> None:
    """Another one fetches what is on board; both drivers read it, and the buyers' times are the rescuer's."""
    far, near = sold(road)
    road.product.done("PUT", "/v1/depots/porto/vehicles/van-2", a_van())
    road.at("10:50")
    road.report("van-2", event("departed_depot", "10:50"))
    arrived = event("arrived", "10:30", promise_id=far)
    done = event("completed", "10:36", promise_id=far, outcome="delivered_to_recipient")
    road.report("van-1", event("departed_depot", "08:00"), arrived, done)
    versions = {van: road.manifest(van)["version"] for van in ("van-1", "van-2")}
    road.at("10:54")
    place = {"lat": 41.20, "lon": -8.61}
    road.report("van-1", event("position", "10:54", **place), event("incident", "10:54", kind="vehicle_down"))
    stranded, rescuer = road.manifest("van-1"), road.manifest("van-2")
    assert ahead(stranded) == []
    assert rescuer["stops"][0]["kind"] == "meeting"
    assert sorted(ahead(rescuer)) == sorted(near)
    assert {van: road.manifest(van)["version"] > versions[van] for van in versions} == {
        "van-1": True,
        "van-2": True,
    }
    [gone], [new] = stranded["changes"], rescuer["changes"]
    assert (gone["because"], sorted(gone["gone"])) == ("van_broke_down", sorted(near))
    assert (new["because"], sorted(new["new"])) == ("van_broke_down", sorted(near))
    road.times_follow("van-2")
    assert {road.promise(each)["live_eta"]["status"] for each in near} <= {"under_way", "next"}
    kinds = [
        [line["kind"] for line in road.told(each) if "at_risk" in line["kind"] or "recovered" in line["kind"]]
        for each in near
    ]
    assert kinds == [["promise.at_risk", "promise.recovered"]] * 3
