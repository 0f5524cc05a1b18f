"""What a buyer has still to hear of is said anew when its text did not go, as it is by then, and once."""

from contextlib import suppress
from dataclasses import replace
from datetime import time
from typing import Any

import pytest

from chalicelib.events import FactKind
from chalicelib.notifications.kinds import usefulness_of
from chalicelib.notifications.model import Addressee, MessageKind, MessageStatus, Phase, QuietHours, Silence
from chalicelib.routing.model import TimeWindow
from chalicelib.units import DAY, HOUR, MINUTE
from tests.notifications.post_office import NOW, TENANT, Died, PostOffice
from tests.notifications.test_reactions import LATE, LATER, ON_THE_ROAD, TODAY, fact, office_of

AT_NIGHT = QuietHours(starts=time(10), ends=time(13))  # it is a little past eleven
LATER_STILL = TimeWindow(start=LATER.start + HOUR, end=LATER.end + HOUR)
EXPECTED = fact(FactKind.PROMISE_EXPECTED, sequence=5, cause="road_closed")
ASLEEP = replace(LATE, quiet=AT_NIGHT)
ADRIFT = replace(ON_THE_ROAD, in_danger=True, adrift=True)


def bodies(office: PostOffice) -> list[str]:
    return [text.body.partition(": ")[2] for text, _ in office.carrier.texts]


def test_only_what_was_agreed_and_trouble_and_its_end_are_said_anew() -> None:
    """Whoever missed them goes by what is no longer so; nobody goes by a missed reminder."""
    assert {kind for kind in MessageKind if usefulness_of(kind).anew} == {
        MessageKind.RESCHEDULED,
        MessageKind.ADDRESS_CHANGED,
        MessageKind.REDIRECTED,
        MessageKind.CANCELLED,
        MessageKind.FAILED,
        MessageKind.WINDOW_CHANGED,
        MessageKind.AT_RISK,
        MessageKind.DELAYED,
        MessageKind.BACK_ON_TIME,
    }


@pytest.mark.parametrize("to", [LATE, ADRIFT], ids=["late", "nobody knows when"])
def test_what_is_known_by_night_is_said_once_when_it_is_over(to: Addressee) -> None:
    """As it is by then, with its cause; the record of the night says why it was silent."""
    office = office_of(replace(to, quiet=AT_NIGHT))
    office.react(EXPECTED)
    assert (office.text.status, office.text.reason) == (MessageStatus.SKIPPED, Silence.QUIET_HOURS)
    office.live(5 * HOUR, step=60)
    [body] = bodies(office)
    assert "a road is closed" in body


def test_of_several_windows_of_one_night_the_last_is_said() -> None:
    """Three facts, one text: the later ones take it over from the first."""
    office = office_of(ASLEEP)
    for number, window in ((5, LATER), (6, LATER_STILL), (7, LATER)):
        office.to = replace(ASLEEP, foreseen=window)
        office.react(replace(EXPECTED, sequence=number))
        office.live(5 * MINUTE)
    office.live(3 * HOUR, step=60)
    [body] = bodies(office)
    assert "14:06-15:06" in body


@pytest.mark.parametrize(
    "to",
    [
        replace(ON_THE_ROAD, quiet=AT_NIGHT),
        replace(ASLEEP, told=LATER, foreseen=None),
        replace(ASLEEP, foreseen=TimeWindow(start=NOW, end=NOW + HOUR)),
        None,
    ],
    ids=["in time after all", "told by another text", "over", "gone"],
)
def test_what_is_over_in_the_morning_is_not_said(to: Addressee | None) -> None:
    """CONTROL: nothing is kept; there is nothing to say any more."""
    office = office_of(ASLEEP)
    office.react(EXPECTED)
    office.to = to
    office.live(5 * HOUR, step=60)
    assert office.carrier.texts == []
    assert len(office.rows.texts) == 1


def test_what_the_carrier_did_not_take_for_hours_is_said_when_it_takes_texts_again() -> None:
    """An hour is what such a text lasts; what is expected by then is what is said."""
    office = office_of(replace(LATE, window=replace(TODAY, end=NOW + 9 * HOUR)))
    office.carrier.fault = "refused"
    office.react(EXPECTED)
    office.live(90 * MINUTE)
    assert [each.status for each in office.rows.texts.values()] == ["expired", "pending"]
    office.carrier.fault = ""
    office.live(HOUR)
    assert len(bodies(office)) == 1


def test_what_was_stopped_with_all_texts_is_said_when_they_are_on_again() -> None:
    """A quarter of an hour later at the latest; while they are off no row is written for it."""
    office = office_of(replace(LATE, texting=False))
    office.react(EXPECTED)
    office.live(HOUR)
    assert (office.text.status, office.text.reason) == (MessageStatus.SKIPPED, Silence.TEXTING_OFF)
    office.to = LATE
    office.live(20 * MINUTE)
    assert len(bodies(office)) == 1


def test_nobody_asks_for_ever_whether_texts_are_on_again() -> None:
    """A day behind the promised window nobody waits for it."""
    office = office_of(replace(LATE, texting=False))
    office.react(EXPECTED)
    [reminder] = office.reminders.due_reminders_of(TENANT, NOW + HOUR)
    over_at = TODAY.end + DAY
    assert office.notifications.tell_anew(TENANT, reminder.subject, over_at - 1) is not None
    assert office.notifications.tell_anew(TENANT, reminder.subject, over_at) is None


@pytest.mark.parametrize("to", [replace(LATE, phone=None), replace(LATE, consent=False)])
def test_whoever_is_texted_nothing_is_told_nothing_anew(to: Addressee) -> None:
    """Nothing will be otherwise: no reminder is written."""
    office = office_of(to)
    office.react(EXPECTED)
    assert list(office.reminders.due_reminders_of(TENANT, NOW + DAY)) == []


def test_what_the_carrier_refuses_for_good_is_not_said_anew() -> None:
    """The number is a landline's: the next text would meet the same."""
    office = office_of(LATE)
    office.carrier.fault = "21614"
    office.react(EXPECTED)
    office.live(3 * HOUR)
    assert office.carrier.calls == 1


def test_saying_anew_killed_at_any_step_is_one_text() -> None:
    """The reminder comes back: it finds the text that was written, or writes it."""
    for step in range(1, 12):
        office = office_of(ASLEEP)
        office.react(EXPECTED)
        office.clock.system_now = NOW + 2 * HOUR
        office.steps.taken, office.steps.kill_at = 0, step
        with suppress(Died):
            office.live(60)
        office.steps.kill_at = None
        office.live(10 * MINUTE)
        assert len(bodies(office)) == 1


CANCELLED = replace(ON_THE_ROAD, phase=Phase.CANCELLED)


@pytest.mark.parametrize("minutes", [45, 150], ids=["before the night", "into it"])
def test_what_is_agreed_before_the_night_is_said_in_the_morning_if_the_carrier_takes_nothing(
    minutes: int,
) -> None:
    """Half an hour before the night; CONTROL: what is agreed in the night is, and was always."""
    evening = QuietHours(starts=time(11, 30), ends=time(23))  # it is six minutes past eleven
    office = office_of(replace(CANCELLED, quiet=evening))
    office.carrier.fault = "refused"
    office.react(fact(FactKind.PROMISE_CANCELLED))
    office.live(minutes * MINUTE, step=60)
    office.carrier.fault = ""
    office.live(11 * HOUR - minutes * MINUTE, step=60)
    assert office.carrier.texts == []
    office.live(2 * HOUR, step=60)
    assert bodies(office) == ["your delivery is cancelled."]


def test_what_is_agreed_is_said_in_the_morning_though_the_night_begins_earlier_than_it_did() -> None:
    """The merchant widens the quiet hours while the carrier takes nothing."""
    office = office_of(CANCELLED)
    office.carrier.fault = "refused"
    office.react(fact(FactKind.PROMISE_CANCELLED))
    office.live(HOUR, step=60)
    office.carrier.fault = ""
    office.to = replace(CANCELLED, quiet=QuietHours(starts=time(12), ends=time(20)))
    office.live(12 * HOUR, step=60)
    assert bodies(office) == ["your delivery is cancelled."]
    [(text, _)] = office.carrier.texts
    assert text.valid_for <= 4 * HOUR


def test_a_new_time_that_is_over_when_the_carrier_takes_texts_again_is_not_said() -> None:
    """CONTROL: nobody waits for it any more."""
    office = office_of(replace(ON_THE_ROAD, window=TODAY))
    office.carrier.fault = "refused"
    office.react(fact(FactKind.PROMISE_CHANGED, to_window={}))
    office.live(4 * HOUR, step=60)
    office.carrier.fault = ""
    office.live(4 * HOUR, step=60)
    assert office.carrier.texts == []


IN_VAIN = fact(FactKind.PROMISE_FAILED, outcome="failed_not_home")
TOMORROW = TimeWindow(start=TODAY.start + DAY, end=TODAY.end + DAY)
CHOOSING = replace(ON_THE_ROAD, quiet=AT_NIGHT, offered=(TOMORROW,), offered_at=NOW, offered_until=NOW + DAY)
NOBODY_IN = "we could not deliver: nobody was in."


@pytest.mark.parametrize(
    ("at_first", "by_then", "said"),
    [
        ({}, {}, [f"{NOBODY_IN} Reply 1) tomorrow 12:06-14:06."]),
        ({"offered_until": NOW + HOUR}, {"offered_until": NOW + HOUR}, [NOBODY_IN]),
        (
            {},
            {"offered": (LATER_STILL,), "offered_at": NOW + 60},
            [f"{NOBODY_IN} Reply 1) today 15:06-16:06."],
        ),
        ({}, {"rebooked": True, "window": TOMORROW, "offered": (), "offered_at": 0, "offered_until": 0}, []),
        ({}, {"phase": Phase.DELIVERED}, []),
    ],
    ids=["control", "over by then", "replaced", "chosen on the page", "delivered after all"],
)
def test_a_failure_of_the_night_is_told_with_what_may_be_chosen_in_the_morning(
    at_first: dict[str, Any], by_then: dict[str, Any], said: list[str]
) -> None:
    """It stays untold only to who has another time, or their parcel; nobody is offered what is over."""
    office = office_of(replace(CHOOSING, **at_first))
    office.react(IN_VAIN)
    office.live(20 * MINUTE)
    office.to = replace(CHOOSING, **at_first | by_then)
    office.live(4 * HOUR, step=60)
    assert [body.partition(" Details")[0] for body in bodies(office)] == said


def test_a_failure_that_waited_behind_the_last_moment_to_choose_is_told_without_choices() -> None:
    """The carrier took nothing until then."""
    office = office_of(replace(CHOOSING, quiet=None, offered_until=NOW + HOUR))
    office.carrier.fault = "refused"
    office.react(IN_VAIN)
    office.live(HOUR, step=60)
    office.carrier.fault = ""
    office.live(HOUR, step=60)
    assert [body.partition(" Details")[0] for body in bodies(office)] == [NOBODY_IN]
