"""The day after the sale: which plan is lived, what happens to its vans, what is said of it."""

from collections import Counter
from datetime import date, timedelta
from io import StringIO
from typing import Any

from chalicelib.promises.model import Outcome
from chalicelib.routing.model import TimeWindow
from infra.demo.audit import Round
from infra.demo.delivery import BREAKS_ON_LEG, CLIMATE, MOST_STOPS, Delivered, OneBreakdown, show, watched
from infra.demo.plans import Plan
from infra.demo.porto import depots
from infra.demo.screen import Screen
from infra.sandbox.driver import BROKEN_DOWN, Attempt
from infra.sandbox.drivers import Lived
from infra.sandbox.world import World
from tests.builders import hour, hours, house

CITY, MAIA = depots("ribeira")
DAY = date(2026, 11, 24)


def plan(of: Any, stops: int, day: date = DAY) -> Plan:
    driven = Round(route={"stops": [{}] * stops}, depot=of.location, ways=())
    return Plan(depot=of, day=day, document={}, rounds=[driven])


def test_the_biggest_day_that_can_be_watched_is_lived() -> None:
    """Of tomorrow; too big a one only where there is no other, and none where nothing was promised."""
    small, big, later = plan(MAIA, 40), plan(CITY, 90), plan(CITY, 100, DAY + timedelta(days=1))
    huge = plan(CITY, MOST_STOPS + 1)
    assert watched([small, big, later], DAY) is big
    assert watched([small, huge], DAY) is small
    assert watched([huge], DAY) is huge
    assert watched([plan(MAIA, 0), later], DAY) is None


def test_one_van_breaks_down_and_all_else_is_as_drawn() -> None:
    """CONTROL: every other leg, and every other van, is the world's."""
    drawn, shown = World(CLIMATE, 1), OneBreakdown(CLIMATE, 1, unlucky="van-1")
    met = shown.shift(DAY, "van-1").leg(BREAKS_ON_LEG, house(1), 9)
    assert met.flat_tyre
    assert met.hold_up > BROKEN_DOWN
    for van, leg in (("van-1", BREAKS_ON_LEG - 1), ("van-2", BREAKS_ON_LEG)):
        assert shown.shift(DAY, van).leg(leg, house(1), 9) == drawn.shift(DAY, van).leg(leg, house(1), 9)


def attempt(name: str, at: float, outcome: Outcome, window: TimeWindow) -> Attempt:
    return Attempt(
        promise_id=name,
        shift_id="s1",
        window=window,
        arrived_at=hour(at),
        outcome=outcome,
        set_out_in_time=True,
    )


def delivered(**says: int) -> Delivered:
    attempts = {
        "p1": attempt("p1", 9, Outcome.DELIVERED_TO_RECIPIENT, hours(8, 10)),
        "p2": attempt("p2", 10.5, Outcome.FAILED_NOT_HOME, hours(8, 10)),
    }
    lived = Lived(
        attempts=attempts,
        promised=frozenset({"p1", "p2", "p3"}),
        metres=42_000,
        incidents=["delay", "vehicle_down"],
        forecasts=[("p1", hour(7), hour(9.1))],
        changes=2,
        fetched=1,
    )
    return Delivered(
        depot=CITY,
        day=DAY,
        lived=lived,
        repairs=1,
        says=Counter(says),
        ignored=Counter(out_of_date=1),
        texts=Counter(delivered=1, window_changed=2, next_stop=1, done=3),
    )


def told(of: Delivered) -> str:
    stream = StringIO()
    show(of, Screen(stream))
    return stream.getvalue()


def test_a_day_is_told_in_figures() -> None:
    """Kept, broken, delivered, failed, trouble, repairs, kilometres, and how good the forecasts were."""
    text = told(delivered(delivered=1, confirmed=2))
    for figure in (
        "kept                     1   33.3%",
        "texts to their buyers on the day: 7; beyond confirmation and outcome 1.00 a delivery (goal 1.2)",
        "broken                   2   of these on the very leg to the door: 1",
        "delivered at once        1   33.3%",
        "failed attempts          1   not home 1",
        "trouble on the way       2   delay 1, vehicle down 1",
        "repairs applied          1   manifests changed under way: 2",
        "fetched                  1   from the van that broke down",
        "kilometres              42",
        "1-3 h ahead 6 min",
        "the API says: confirmed 2, delivered 1\n",
        "reports it ignored: out_of_date 1",
    ):
        assert figure in text


def test_api_and_drivers_that_disagree_are_no_success() -> None:
    """CONTROL: where they agree, they agree."""
    assert delivered(delivered=1).agreed
    assert not delivered(delivered=2).agreed
    assert "THE DRIVERS SAY OTHERWISE" in told(delivered(delivered=2))
