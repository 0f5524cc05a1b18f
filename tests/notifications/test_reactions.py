"""Which fact becomes which text, and whether it is still true when it goes."""

from dataclasses import replace
from datetime import time
from typing import Any

import pytest

from chalicelib.events import Actor, Fact, FactKind
from chalicelib.notifications.model import (
    Addressee,
    Message,
    MessageKind,
    MessageStatus,
    Phase,
    QuietHours,
    Silence,
)
from chalicelib.reminders import ReminderKind
from chalicelib.routing.live_eta import Interval
from chalicelib.routing.model import TimeWindow
from chalicelib.units import DAY, HOUR, MINUTE
from tests.notifications.post_office import ANA, CONFIRMED, NOW, TENANT, PostOffice

TODAY = TimeWindow(start=NOW + HOUR, end=NOW + 3 * HOUR)
LATER = TimeWindow(start=NOW + 3 * HOUR, end=NOW + 4 * HOUR)
ON_THE_ROAD = replace(ANA, window=TODAY, told=TODAY, link="https://slots.example/t/abc")
LATE = replace(ON_THE_ROAD, in_danger=True, foreseen=LATER)


def fact(kind: FactKind, sequence: int = 5, actor: Actor = Actor.SYSTEM, **data: Any) -> Fact:
    return replace(CONFIRMED, kind=kind, sequence=sequence, actor=actor, data=data)


def office_of(to: Any = ON_THE_ROAD) -> PostOffice:
    office = PostOffice()
    office.to = to
    return office


def written(office: PostOffice, kind: MessageKind) -> Message:
    [message] = [each for each in office.rows.texts.values() if each.kind is kind]
    return message


@pytest.mark.parametrize(
    ("about", "to", "kind"),
    [
        (fact(FactKind.PROMISE_CHANGED, to_window={}), ON_THE_ROAD, MessageKind.RESCHEDULED),
        (
            fact(FactKind.PROMISE_CANCELLED),
            replace(ON_THE_ROAD, phase=Phase.CANCELLED),
            MessageKind.CANCELLED,
        ),
        (
            fact(FactKind.PROMISE_DELIVERED, outcome="delivered_to_neighbour", ended_at=NOW),
            replace(ON_THE_ROAD, phase=Phase.DELIVERED),
            MessageKind.DELIVERED,
        ),
        (fact(FactKind.PROMISE_FAILED, outcome="failed_not_home"), ON_THE_ROAD, MessageKind.FAILED),
        (fact(FactKind.PROMISE_EXPECTED, cause="traffic"), LATE, MessageKind.DELAYED),
        (
            fact(FactKind.PROMISE_EXPECTED),
            replace(ON_THE_ROAD, foreseen=TimeWindow(start=TODAY.start, end=TODAY.start + HOUR)),
            MessageKind.WINDOW_CHANGED,
        ),
        (fact(FactKind.PROMISE_ARRIVING), replace(ON_THE_ROAD, phase=Phase.NEXT), MessageKind.NEXT_STOP),
        (fact(FactKind.PROMISE_ACCESS_ASKED), ON_THE_ROAD, MessageKind.ACCESS_ASKED),
    ],
)
def test_what_happens_is_told(about: Fact, to: Any, kind: MessageKind) -> None:
    """Each fact makes the text of its kind, and its return makes no second."""
    office = office_of(to)
    office.react(about)
    office.react(about)
    office.bring()
    assert [message.kind for message in office.rows.texts.values()] == [kind]
    assert len(office.carrier.texts) == 1


def test_a_confirmation_links_to_its_page() -> None:
    """The page is where everything else can be done."""
    office = office_of()
    office.react()
    assert "Track it: https://slots.example/t/abc" in office.text.body


def test_failed_comes_with_the_next_choices_as_they_are_numbered() -> None:
    """A digit is an answer."""
    choices = (days_later(1), days_later(2))
    office = office_of(replace(ON_THE_ROAD, offered=choices, offered_until=NOW + DAY))
    office.react(fact(FactKind.PROMISE_FAILED, outcome="failed_not_home"))
    assert "Reply 1) tomorrow 12:06-14:06 2) Fri 20 Nov, 12:06-14:06." in office.text.body


def days_later(days: int) -> TimeWindow:
    return TimeWindow(start=TODAY.start + days * DAY, end=TODAY.end + days * DAY)


def test_danger_with_another_slot_to_offer_is_one_text() -> None:
    """The forecast and the counter-offer are two facts of one trouble: the offer is told, once."""
    office = office_of(replace(LATE, offered=(days_later(1),), offered_until=NOW + DAY))
    office.react(fact(FactKind.PROMISE_EXPECTED, sequence=5))
    office.react(fact(FactKind.PROMISE_CHOICES, sequence=6, after="at_risk"))
    office.live(600)
    first, second = office.rows.texts.values()
    assert (first.kind, first.window) == (MessageKind.AT_RISK, LATER)
    assert (second.status, second.reason) == (MessageStatus.SKIPPED, Silence.ALREADY_TOLD)
    assert len(office.carrier.texts) == 1


OFFERED = replace(LATE, offered=(days_later(1),), offered_until=NOW + DAY)
BACK = replace(ON_THE_ROAD, told=LATER, foreseen=replace(TODAY, start=TODAY.start + HOUR))


def waiting_text(office: PostOffice, to: Addressee, about: Fact) -> Message:
    """A text that waits for the gap behind another one."""
    office.rows.add_message(
        TENANT,
        Message(
            message_id="prm_1.1.x",
            subject="prm_1",
            kind=MessageKind.DELAYED,
            status=MessageStatus.SENT,
            created_at=NOW,
            ready_at=NOW,
            window=LATER,
        ),
    )
    office.to = to
    waiting = office.react(about)
    assert waiting is not None
    office.live(5 * MINUTE)
    assert office.carrier.texts == []
    return waiting


@pytest.mark.parametrize(
    ("meanwhile", "texts"),
    [
        (
            {},
            ["we may not make today 12:06-14:06. We now expect 14:06-15:06. Reply 1) tomorrow 12:06-14:06."],
        ),
        ({"foreseen": days_later(2)}, ["Fri 20 Nov, 12:06-14:06"]),
        ({"offered": (days_later(2),), "offered_at": NOW + 60}, ["Reply 1) Fri 20 Nov, 12:06-14:06."]),
        ({"offered": ()}, ["earlier stops took longer. Your delivery now comes today 14:06-15:06."]),
        ({"in_danger": False, "foreseen": None}, []),
    ],
    ids=["control", "expected elsewhere", "other choices", "no choices", "no danger"],
)
def test_a_counter_offer_that_waited_goes_only_as_things_are(
    meanwhile: dict[str, Any], texts: list[str]
) -> None:
    """Still true: the window it expects and the choices it numbers; else what is true is said, once."""
    office = office_of()
    waiting = waiting_text(office, OFFERED, fact(FactKind.PROMISE_EXPECTED, sequence=5))
    assert waiting.kind is MessageKind.AT_RISK
    office.to = replace(OFFERED, **meanwhile)
    office.live(40 * MINUTE)
    sent = [text.body for text, _ in office.carrier.texts]
    assert len(sent) == len(texts)
    assert all(part in body for part, body in zip(texts, sent, strict=True))


@pytest.mark.parametrize(
    ("meanwhile", "part"),
    [
        ({}, "back on time, today 13:06-14:06"),
        ({"foreseen": replace(TODAY, end=TODAY.start + HOUR)}, "back on time, today 12:06-13:06"),
        ({"foreseen": days_later(2), "in_danger": True}, "Your delivery now comes Fri 20 Nov"),
        ({"foreseen": None, "adrift": True, "in_danger": True}, "Your delivery will be late"),
    ],
    ids=["control", "another window", "late again", "nobody knows when"],
)
def test_that_it_is_back_on_time_is_said_only_of_the_window_that_is_expected(
    meanwhile: dict[str, Any], part: str
) -> None:
    """Still true at the moment of sending; else what is true is said."""
    office = office_of()
    waiting = waiting_text(office, BACK, fact(FactKind.PROMISE_EXPECTED, sequence=6))
    assert waiting.kind is MessageKind.BACK_ON_TIME
    office.to = replace(BACK, **meanwhile)
    office.live(40 * MINUTE)
    [(text, _)] = office.carrier.texts
    assert part in text.body


def test_a_counter_offer_that_will_not_go_is_made_again_with_what_is_expected_then() -> None:
    """The first waits behind another text; before it goes the van is expected elsewhere: still an offer."""
    office = office_of()
    waiting_text(office, OFFERED, fact(FactKind.PROMISE_EXPECTED, sequence=5))
    office.to = replace(OFFERED, foreseen=days_later(2))
    office.react(fact(FactKind.PROMISE_EXPECTED, sequence=6))
    office.live(40 * MINUTE)
    [(text, _)] = office.carrier.texts
    assert "We now expect Fri 20 Nov, 12:06-14:06. Reply 1) tomorrow 12:06-14:06." in text.body


def test_nobody_hears_of_the_end_of_a_danger_whose_text_will_not_go() -> None:
    """It waited, and is true no more."""
    office = office_of()
    office.react(fact(FactKind.PROMISE_EXPECTED, sequence=4))
    office.to = LATE
    office.react(fact(FactKind.PROMISE_EXPECTED, sequence=5))
    office.to = ON_THE_ROAD
    assert office.react(fact(FactKind.PROMISE_RECOVERED, sequence=6)) is None
    office.live(HOUR)
    assert office.carrier.texts == []


def test_a_fact_that_comes_again_when_things_have_changed_is_no_second_text() -> None:
    """What it asked for first was told; that it would ask for another kind by now makes no other row."""
    office = office_of(LATE)
    about = fact(FactKind.PROMISE_EXPECTED, sequence=5)
    office.react(about)
    office.live(60)
    office.to = replace(LATE, offered=(days_later(1),), offered_until=NOW + DAY)
    office.react(about)
    office.live(HOUR)
    assert len(office.carrier.texts) == len(office.rows.texts) == 1


def test_back_on_time_is_told_to_whoever_was_told_of_trouble_only() -> None:
    """Of a danger that nobody was told of, nobody hears that it is over."""
    recovered = fact(FactKind.PROMISE_RECOVERED, sequence=9)
    office = office_of()
    assert office.react(recovered) is None
    office.to = LATE
    office.react(fact(FactKind.PROMISE_EXPECTED))
    office.live(16 * MINUTE)
    office.to = replace(ON_THE_ROAD, told=LATER)
    office.react(recovered)
    office.react(replace(recovered, sequence=10))
    office.live(60)
    assert len(office.carrier.texts) == 2
    assert "back on time" in office.carrier.texts[-1][0].body


@pytest.mark.parametrize("kind", [FactKind.PROMISE_CHANGED, FactKind.PROMISE_CANCELLED])
def test_what_a_buyer_did_by_a_text_is_answered_by_one(kind: FactKind) -> None:
    """No second one repeats it; the record says so."""
    office = office_of()
    office.react(fact(kind, actor=Actor.BUYER, to_window={}, by_text=True))
    assert (office.text.status, office.text.reason) == (MessageStatus.SKIPPED, Silence.ANSWERED)


def test_whoever_chooses_the_same_again_on_the_page_is_texted_once() -> None:
    """One window, another, and the first again: what the first text says is true, and the last says it."""
    office = office_of()
    for number, window in ((5, TODAY), (6, LATER), (7, TODAY)):
        office.to = replace(ON_THE_ROAD, window=window, told=window)
        office.react(fact(FactKind.PROMISE_CHANGED, number, actor=Actor.BUYER, to_window={}))
        office.live(30)
    office.live(4 * MINUTE)
    assert len(office.carrier.texts) == 1
    reasons = [each.reason for each in office.rows.texts.values()]
    assert reasons == [Silence.ALREADY_TOLD, Silence.NOT_TRUE, None]


def test_whoever_chooses_on_the_page_is_texted_what_they_chose_last() -> None:
    """Three clicks within two minutes are one text, and a merchant's change is one at once."""
    office = office_of()
    for number, window in ((5, TODAY), (6, LATER), (7, days_later(1))):
        office.to = replace(ON_THE_ROAD, window=window, told=window)
        office.react(fact(FactKind.PROMISE_CHANGED, number, actor=Actor.BUYER, to_window={}))
        office.live(30)
    assert office.carrier.texts == []
    office.live(4 * MINUTE)
    [(text, _)] = office.carrier.texts
    assert "tomorrow 12:06-14:06" in text.body
    reasons = [each.reason for each in office.rows.texts.values()]
    assert reasons == [Silence.NOT_TRUE, Silence.NOT_TRUE, None]
    office.react(fact(FactKind.PROMISE_CHANGED, 8, actor=Actor.MERCHANT, to_window={}))
    office.bring()
    assert len(office.carrier.texts) == 2


def test_without_the_pause_each_click_would_be_a_text() -> None:
    """CONTROL: as a merchant's changes are, each of which its buyer must know of."""
    office = office_of()
    for number, window in ((5, TODAY), (6, LATER), (7, days_later(1))):
        office.to = replace(ON_THE_ROAD, window=window, told=window)
        office.react(fact(FactKind.PROMISE_CHANGED, number, actor=Actor.MERCHANT, to_window={}))
        office.live(30)
    assert len(office.carrier.texts) == 3


def test_a_window_is_told_when_the_gap_is_over_if_it_is_true_by_then() -> None:
    """Two forecasts within minutes: the second waits; a third takes its place before it goes."""
    office = office_of(LATE)
    office.react(fact(FactKind.PROMISE_EXPECTED, sequence=5))
    office.live(5 * MINUTE)
    for number, behind in ((6, 1), (7, 2)):
        later = TimeWindow(start=LATER.start + behind * HOUR, end=LATER.end + behind * HOUR)
        office.to = replace(LATE, told=LATER, foreseen=later)
        office.react(fact(FactKind.PROMISE_EXPECTED, sequence=number))
        office.live(60)
    assert len(office.carrier.texts) == 1
    office.live(20 * MINUTE)
    first, second, third = office.rows.texts.values()
    assert (second.status, second.reason) == (MessageStatus.SKIPPED, Silence.NOT_TRUE)
    assert (first.status, third.status) == (MessageStatus.SENT, MessageStatus.SENT)


def test_without_another_look_what_waited_would_be_told_though_it_is_over() -> None:
    """CONTROL: a policy that asks nobody again sends both."""
    office = PostOffice(policy=Anything())
    office.to = LATE
    for number in (5, 6):
        office.react(fact(FactKind.PROMISE_EXPECTED, sequence=number))
    office.to = replace(ON_THE_ROAD, told=LATER)
    office.live(20 * MINUTE)
    assert len(office.carrier.texts) == 2


class Anything:
    """Lets everything go."""

    def verdict(self, *_: object) -> None:
        return None


def test_at_night_a_text_waits_for_the_morning_or_is_not_sent() -> None:
    """Cancelled is still of use in the morning; that one has it in hand is not, and the record says why."""
    quiet = QuietHours(starts=time(10), ends=time(16))  # it is a little past eleven
    office = office_of(replace(ON_THE_ROAD, quiet=quiet, phase=Phase.CANCELLED))
    office.react(fact(FactKind.PROMISE_CANCELLED))
    office.live(HOUR)
    assert office.carrier.texts == []
    office.live(4 * HOUR)
    assert len(office.carrier.texts) == 1
    office = office_of(replace(ON_THE_ROAD, quiet=quiet, phase=Phase.DELIVERED))
    office.react(fact(FactKind.PROMISE_DELIVERED, outcome="delivered_to_recipient", ended_at=NOW))
    assert (office.text.status, office.text.reason) == (MessageStatus.SKIPPED, Silence.QUIET_HOURS)


def test_whoever_just_bought_is_told_so_at_any_hour() -> None:
    """They are awake."""
    office = office_of(replace(ON_THE_ROAD, quiet=QuietHours(starts=time(10), ends=time(16))))
    office.react()
    office.bring()
    assert len(office.carrier.texts) == 1


def test_the_carrier_taking_a_window_is_a_fact_once() -> None:
    """What the buyer was told is what the carrier took, and callbacks add nothing."""
    office = office_of(LATE)
    office.react(fact(FactKind.PROMISE_EXPECTED, sequence=5))
    assert office.rows.facts == []
    office.bring()
    office.hear("delivered")
    [told] = office.rows.facts
    assert told.kind is FactKind.PROMISE_TOLD
    assert told.data == {"starts_at": LATER.start, "ends_at": LATER.end, "sequence": 5}


def test_a_text_without_a_new_window_tells_none() -> None:
    """A confirmation says what was promised."""
    office = office_of()
    office.react()
    office.bring()
    assert office.rows.facts == []


def test_next_stop_names_the_forecast() -> None:
    """Minutes, not the slot."""
    office = office_of(replace(ON_THE_ROAD, phase=Phase.NEXT))
    at = TODAY.start + HOUR
    office.expected = Interval(earliest_at=at - 300, expected_at=at, latest_at=at + 300)
    office.react(fact(FactKind.PROMISE_ARRIVING))
    window = office.text.window
    assert window is not None
    assert window.start <= at - 300 < at + 300 <= window.end <= window.start + 30 * MINUTE


def test_whoever_booked_long_ago_is_reminded_the_evening_before() -> None:
    """Whoever booked yesterday has not forgotten; the record says so."""
    for booked_at, status in (
        (ANA.window.start - 5 * DAY, "sent"),
        (ANA.window.start - 20 * HOUR, "skipped"),
    ):
        office = office_of(replace(ANA, booked_at=booked_at))
        due_at = office.notifications.remind(TENANT, ReminderKind.TELL_DAY_BEFORE, "prm_1", NOW)
        assert due_at is not None
        office.clock.system_now = due_at
        assert office.notifications.remind(TENANT, ReminderKind.TELL_DAY_BEFORE, "prm_1", due_at) is None
        office.live(60)
        assert written(office, MessageKind.DAY_BEFORE).status == status


def test_a_confirmation_plans_what_is_to_be_said_later() -> None:
    """The evening before and the morning, as reminders; twice is once."""
    office = office_of(ANA)
    office.react()
    office.react()
    kinds = [each.kind for each in office.reminders.due_reminders_of(TENANT, ANA.window.end)]
    assert kinds.count(ReminderKind.TELL_DAY_BEFORE) == kinds.count(ReminderKind.TELL_MORNING) == 1


def test_in_the_morning_only_a_wide_window_is_told_more_exactly() -> None:
    """Eight hours become less than two; two hours stay as they are, and the record says why."""
    for hours, status in ((8, MessageStatus.SENT), (2, MessageStatus.SKIPPED)):
        window = TimeWindow(start=TODAY.start, end=TODAY.start + hours * HOUR)
        office = office_of(replace(ON_THE_ROAD, window=window, told=window))
        at = window.start + HOUR
        office.expected = Interval(earliest_at=at - 1800, expected_at=at, latest_at=at + 1800)
        office.notifications.remind(TENANT, ReminderKind.TELL_MORNING, "prm_1", NOW)
        office.live(60)
        assert written(office, MessageKind.MORNING_WINDOW).status is status


def test_what_the_van_said_more_exactly_is_not_said_again_in_the_morning() -> None:
    """It left before eight, and its text waits for the end of the night."""
    window = TimeWindow(start=TODAY.start, end=TODAY.start + 8 * HOUR)
    exact = TimeWindow(start=window.start + HOUR, end=window.start + 2 * HOUR)
    office = office_of(replace(ON_THE_ROAD, window=window, told=window, foreseen=exact))
    at = exact.start + 30 * MINUTE
    office.expected = Interval(earliest_at=at - 1800, expected_at=at, latest_at=at + 1800)
    office.notifications.remind(TENANT, ReminderKind.TELL_MORNING, "prm_1", NOW)
    assert written(office, MessageKind.MORNING_WINDOW).reason is Silence.ALREADY_TOLD


def test_feedback_is_asked_for_hours_later_unless_it_was_given() -> None:
    """On the page, it may have been."""
    delivered = replace(ON_THE_ROAD, phase=Phase.DELIVERED)
    for to, status in ((delivered, MessageStatus.SENT), (replace(delivered, scored=True), "skipped")):
        office = office_of(to)
        office.notifications.remind(TENANT, ReminderKind.ASK_FEEDBACK, "prm_1", NOW)
        office.live(60)
        assert written(office, MessageKind.FEEDBACK_ASKED).status == status
