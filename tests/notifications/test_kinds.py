"""How long each kind of text is of use, and what is given to the carrier a second time."""

from dataclasses import replace
from datetime import time
from typing import Any

import pytest

from chalicelib.events import FactKind
from chalicelib.notifications.kinds import LONGEST_VALIDITY, usefulness_of, valid_for
from chalicelib.notifications.model import ANSWERS, MessageKind, MessageStatus, Phase, QuietHours, Silence
from chalicelib.routing.model import TimeWindow
from chalicelib.units import DAY, HOUR, MINUTE
from tests.notifications.post_office import ANA, CONFIRMED, NOW
from tests.notifications.test_reactions import LATE, ON_THE_ROAD, TODAY, fact, office_of

SAID = set(MessageKind) - {MessageKind.REPLY}
AT_NIGHT = QuietHours(starts=time(10), ends=time(16))  # it is a little past eleven
NEXT = replace(ON_THE_ROAD, phase=Phase.NEXT)
ARRIVING = fact(FactKind.PROMISE_ARRIVING)
EXPECTED = fact(FactKind.PROMISE_EXPECTED, cause="traffic")
MOVED = fact(FactKind.PROMISE_CHANGED, to_window={})
TOMORROW = TimeWindow(start=NOW + DAY, end=NOW + DAY + 2 * HOUR)


@pytest.mark.parametrize("kind", sorted(SAID))
def test_every_kind_says_how_long_it_is_of_use(kind: MessageKind) -> None:
    """Within what the carrier keeps a text for."""
    assert MINUTE <= usefulness_of(kind).lasts <= LONGEST_VALIDITY


def test_only_what_somebody_goes_by_is_sent_a_second_time() -> None:
    """An agreement, trouble and its end, an outcome; no answer, no reminder, and never "you are next"."""
    twice = {kind for kind in SAID if usefulness_of(kind).resend}
    assert twice == {
        MessageKind.PROMISE_CONFIRMED,
        MessageKind.RESCHEDULED,
        MessageKind.ADDRESS_CHANGED,
        MessageKind.REDIRECTED,
        MessageKind.CANCELLED,
        MessageKind.FAILED,
        MessageKind.DELIVERED,
        MessageKind.WINDOW_CHANGED,
        MessageKind.AT_RISK,
        MessageKind.DELAYED,
        MessageKind.BACK_ON_TIME,
    }


def test_only_what_follows_at_once_from_what_somebody_did_goes_by_night() -> None:
    """They are awake."""
    assert {kind for kind in SAID if usefulness_of(kind).asked} == {*ANSWERS, MessageKind.PROMISE_CONFIRMED}


@pytest.mark.parametrize(
    ("left", "seconds"), [(-5, 1), (0, 1), (1, 1), (900, 900), (36_000, 36_000), (DAY, 36_000)]
)
def test_the_carrier_is_given_a_time_that_it_takes(left: int, seconds: int) -> None:
    """Twilio: from a second to ten hours."""
    assert valid_for(left) == seconds


@pytest.mark.parametrize(
    ("about", "to", "seconds"),
    [
        (CONFIRMED, ANA, 6 * HOUR),
        (ARRIVING, NEXT, 15 * MINUTE),
        (EXPECTED, LATE, HOUR),
        (EXPECTED, replace(LATE, foreseen=TimeWindow(start=NOW, end=NOW + 20 * MINUTE)), 20 * MINUTE),
        (fact(FactKind.PROMISE_CHANGED, to_window={}), replace(ON_THE_ROAD, window=TODAY), 3 * HOUR),
        (fact(FactKind.PROMISE_CHANGED, to_window={}), ANA, 4 * HOUR),
    ],
    ids=["booked", "next", "late", "late, and soon", "moved to this morning", "moved to another day"],
)
def test_the_carrier_keeps_a_text_no_longer_than_it_is_of_use(about: Any, to: Any, seconds: int) -> None:
    """Not behind the end of the window it names; the seconds that went by are taken off."""
    office = office_of(to)
    office.react(about)
    office.clock.system_now += 10
    office.bring()
    [(text, _)] = office.carrier.texts
    assert text.valid_for == seconds - 10


def test_you_are_next_is_not_said_a_quarter_of_an_hour_later() -> None:
    """The carrier was busy until nobody needed it."""
    office = office_of(NEXT)
    office.carrier.fault = "429"
    office.react(ARRIVING)
    office.live(20 * MINUTE)
    assert (office.text.status, office.text.reason) == (MessageStatus.EXPIRED, Silence.TOO_LATE)


@pytest.mark.parametrize(("about", "to", "texts"), [(ARRIVING, NEXT, 0), (EXPECTED, LATE, 1)])
def test_what_was_never_taken_is_sent_again_if_somebody_goes_by_it(about: Any, to: Any, texts: int) -> None:
    """No answer, and the carrier has no such text: "late" goes out once more, marked, "next" does not."""
    office = office_of(to)
    office.carrier.plan = ["500"]
    office.react(about)
    office.live(10 * MINUTE)
    assert len(office.carrier.texts) == texts
    assert office.text.resent is bool(texts)
    assert office.text.status is (MessageStatus.SENT if texts else MessageStatus.FAILED)


def test_what_is_sent_again_is_asked_once_more_whether_it_is_true() -> None:
    """CONTROL of the second try: things have changed meanwhile, and nothing goes out."""
    office = office_of(LATE)
    office.carrier.plan = ["500"]
    office.react(EXPECTED)
    office.bring()
    office.to = replace(LATE, foreseen=None)
    office.live(10 * MINUTE)
    assert office.carrier.texts == []
    assert (office.text.status, office.text.reason) == (MessageStatus.SKIPPED, Silence.NOT_TRUE)


@pytest.mark.parametrize(
    ("how", "texts"), [("neighbour", 1), ("safe_place", 1), ("mailbox", 1), ("recipient", 0)]
)
def test_where_it_was_left_by_night_is_said_in_the_morning(how: str, texts: int) -> None:
    """Whoever has it in hand knows; the record says why they are not texted."""
    office = office_of(replace(ON_THE_ROAD, quiet=AT_NIGHT, phase=Phase.DELIVERED))
    office.react(fact(FactKind.PROMISE_DELIVERED, outcome=f"delivered_to_{how}", ended_at=NOW))
    office.live(5 * HOUR)
    assert len(office.carrier.texts) == texts
    assert office.text.reason == (None if texts else Silence.QUIET_HOURS)


def test_a_text_that_waits_for_the_morning_says_today_where_today_was_tomorrow() -> None:
    """Written at ten in the evening, read at eight; CONTROL: at noon it says tomorrow."""
    bodies = []
    for at in (NOW + 11 * HOUR, NOW + HOUR):
        quiet = QuietHours(starts=time(21), ends=time(8))
        office = office_of(replace(ON_THE_ROAD, window=TOMORROW, told=TOMORROW, quiet=quiet))
        office.clock.system_now = at
        office.react(MOVED)
        office.live(11 * HOUR, step=60)
        [(text, _)] = office.carrier.texts
        bodies.append(text.body)
    assert "new time: today 11:06-13:06" in bodies[0]
    assert "new time: tomorrow 11:06-13:06" in bodies[1]


@pytest.mark.parametrize("quiet", [None, QuietHours(starts=time(21), ends=time(8))], ids=["none", "usual"])
def test_a_text_that_waits_past_midnight_never_says_tomorrow_for_today(quiet: QuietHours | None) -> None:
    """The carrier takes nothing at twenty to nine, or to midnight, for half an hour; the text goes then."""
    office = office_of(replace(ON_THE_ROAD, window=TOMORROW, told=TOMORROW, quiet=quiet))
    office.clock.system_now = NOW + (9 if quiet else 12) * HOUR + 34 * MINUTE
    office.carrier.fault = "refused"
    office.react(MOVED)
    office.live(HOUR, step=60)
    office.carrier.fault = ""
    office.live(11 * HOUR, step=60)
    [(text, _)] = office.carrier.texts
    assert "new time: Thu 19 Nov, 11:06-13:06" in text.body
