"""What waits for the morning says how things are by then: from the van and the page to the buyer's phone."""

from urllib.parse import urlsplit

import pytest

from tests.handlers.deployed import Start
from tests.handlers.played import Played
from tests.handlers.test_remedies import NEAR, event

PHONE = "+12025550165"
BY_NIGHT = {"starts": "21:00", "ends": "11:00"}  # so that a van which comes at ten comes by night


@pytest.fixture
def night(start: Start) -> Played:
    return Played(start(), quiet_hours=BY_NIGHT)


def missed(night: Played) -> str:
    """Nobody was in at five past ten; the text that says so waits."""
    made = night.buy(NEAR[1], 10, PHONE)
    night.at("08:00")
    night.report("van-1", event("departed_depot", "08:00"))
    night.at("10:10")
    arrived = event("arrived", "10:05", promise_id=made)
    night.report("van-1", arrived, event("completed", "10:10", promise_id=made, outcome="failed_not_home"))
    assert ("failed", "pending") in night.recorded(made)
    return made


def test_who_was_missed_by_night_and_chose_another_time_is_asked_for_none_in_the_morning(
    night: Played,
) -> None:
    """Chosen on the page before the night was over: only that is confirmed."""
    made = missed(night)
    slots = night.product.other_slots(made)
    offer = next(slot["offer"] for slot in slots if slot["available"] and "T14:00" in slot["starts_at"])
    page = urlsplit(night.promise(made)["tracking_url"]).path
    answer = night.product.done("POST", f"{page}/changes", {"kind": "slot", "offer": offer}, key=None)
    assert answer["state"] == "accepted"
    night.until("11:20")
    _, *told = night.texts(PHONE)
    assert [body.partition(":")[0] for body in told] == ["your delivery has a new time"]
    assert ("failed", "skipped") in night.recorded(made)


def test_who_was_missed_by_night_hears_of_it_in_the_morning(night: Played) -> None:
    """CONTROL: with what may be chosen, once."""
    missed(night)
    night.until("11:20")
    _, told = night.texts(PHONE)
    assert told.startswith("we could not deliver: nobody was in. Reply 1) ")
