"""Of a van that broke down, or is not heard of, its buyers hear: from one event, or none, to their texts."""

import pytest

from tests.handlers.deployed import Start
from tests.handlers.played import Played
from tests.handlers.shop_client import a_van
from tests.handlers.test_remedies import FAR, NEAR, event

PHONES = [f"+12025550{number}" for number in range(161, 165)]
BROKE_DOWN, LATE, BACK = "van has broken down", "we are running late", "back on time"


BY_NIGHT = {"starts": "21:00", "ends": "09:30"}  # so that a van which leaves at eight leaves by night


@pytest.fixture
def night(start: Start) -> Played:
    return Played(start(), quiet_hours=BY_NIGHT)


@pytest.fixture
def day(start: Start) -> Played:
    return Played(start(), quiet_hours=None)


def sold(day: Played) -> list[str]:
    """A far delivery from ten to twelve and three near ones from twelve to two; they leave at eight."""
    made = [day.buy(FAR, 10, PHONES[0])]
    made += [day.buy(NEAR[step], 12, PHONES[1 + step]) for step in range(3)]
    day.at("08:00")
    day.report("van-1", event("departed_depot", "08:00"))
    return made


def whoever_read(day: Played, words: str) -> list[str]:
    return [phone for phone in PHONES for body in day.texts(phone) if words in body]


def test_everybody_down_the_route_of_a_van_that_broke_down_is_told_why_they_wait(day: Played) -> None:
    """One event, and nothing after it: each is texted once, with the cause; no other time is named."""
    made = sold(day)
    day.at("09:00")
    day.report("van-1", event("incident", "09:00", kind="vehicle_down"))
    assert whoever_read(day, BROKE_DOWN) == []  # help may be near
    day.until("09:30")
    assert whoever_read(day, BROKE_DOWN) == PHONES
    day.until("10:15")
    assert whoever_read(day, BROKE_DOWN) == PHONES
    for promise_id in made:
        promise = day.promise(promise_id)
        assert promise["told_window"]["ends_at"] <= promise["promised_window"]["ends_at"]
        [danger] = [line for line in day.told(promise_id) if line["kind"] == "promise.expected"]
        assert (danger["data"]["expected_window"], danger["data"]["cause"]) == (None, "vehicle")


def test_whom_another_van_helps_at_once_is_told_nothing_of_it(day: Played) -> None:
    """CONTROL: it is met by another one before anybody has to know."""
    day.product.done("PUT", "/v1/depots/porto/vehicles/van-2", a_van())
    sold(day)
    day.at("09:00")
    day.report("van-2", event("departed_depot", "09:00"))
    day.report("van-1", event("incident", "09:00", kind="vehicle_down"))
    day.until("09:30")
    assert whoever_read(day, BROKE_DOWN) == []


def test_whoever_was_told_is_told_when_the_van_drives_again(day: Played) -> None:
    """Mended by half past nine: the far one is served, the others are in time again."""
    far, *_ = sold(day)
    day.at("09:00")
    day.report("van-1", event("incident", "09:00", kind="vehicle_down"))
    day.until("09:30")
    day.until("10:05")
    arrived = event("arrived", "10:05", promise_id=far)
    done = event("completed", "10:05", promise_id=far, outcome="delivered_to_recipient")
    day.report("van-1", arrived, done)
    day.until("10:30")
    assert whoever_read(day, BACK) == PHONES[1:]


def test_buyers_of_a_van_that_nobody_hears_of_are_told_before_their_window_closes(day: Played) -> None:
    """No event at all since it left; whoever is later has time, and is told later."""
    sold(day)
    day.until("11:20")
    assert whoever_read(day, LATE) == []
    day.until("11:40")
    assert whoever_read(day, LATE) == PHONES[:1]
    day.until("13:40")
    assert whoever_read(day, LATE) == PHONES


def test_who_sleeps_when_their_van_breaks_down_is_told_when_the_night_is_over(night: Played) -> None:
    """It breaks down an hour before anybody may be texted: all hear of it at half past nine, and once."""
    made = sold(night)
    night.at("08:05")
    night.report("van-1", event("incident", "08:05", kind="vehicle_down"))
    night.until("09:25")
    assert whoever_read(night, BROKE_DOWN) == []
    assert ("delayed", "skipped") in night.recorded(made[0])
    night.until("09:35")
    assert whoever_read(night, BROKE_DOWN) == PHONES
    night.until("10:15")
    assert [len(night.texts(phone)) for phone in PHONES] == [2] * 4


def test_a_delay_that_is_known_by_night_is_told_in_the_morning(night: Played) -> None:
    """With its cause and the window that is expected, not ten minutes before the promised one closes."""
    far, *_ = sold(night)
    night.at("08:20")
    night.report("van-1", event("incident", "08:20", kind="delay", delay_seconds=4 * 3600))
    night.until("09:25")
    assert [len(night.texts(phone)) for phone in PHONES] == [1] * 4
    night.until("09:35")
    assert "traffic is heavy. Your delivery now comes today" in night.texts(PHONES[0])[-1]
    assert night.promise(far)["told_window"] != night.promise(far)["promised_window"]


def test_trouble_that_is_over_before_the_morning_is_nobodys_text(night: Played) -> None:
    """CONTROL: what is said anew is how things are by then; whoever heard of no danger hears of no end."""
    far, *_ = sold(night)
    night.at("08:05")
    night.report("van-1", event("incident", "08:05", kind="vehicle_down"))
    night.until("08:50")
    arrived = event("arrived", "08:50", promise_id=far)
    done = event("completed", "08:50", promise_id=far, outcome="delivered_to_recipient")
    night.report("van-1", arrived, done)
    night.until("09:40")
    assert [len(night.texts(phone)) for phone in PHONES[1:]] == [1] * 3


def test_whose_merchant_texted_nobody_is_told_when_texting_is_on_again(day: Played) -> None:
    """The van broke down while it was off, and nobody knows any better since."""
    sold(day)
    known = day.product.done("GET", "/v1/settings", key="admin")
    day.product.done("PUT", "/v1/settings", known | {"texting": False}, key="admin")
    day.at("09:00")
    day.report("van-1", event("incident", "09:00", kind="vehicle_down"))
    day.until("09:40")
    assert whoever_read(day, BROKE_DOWN) == []
    day.product.done("PUT", "/v1/settings", known | {"texting": True}, key="admin")
    day.until("10:00")
    assert whoever_read(day, BROKE_DOWN) == PHONES
