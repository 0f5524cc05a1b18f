"""A fact becomes at most one text, and every text is recorded, sent or not."""

from dataclasses import replace

import pytest

from chalicelib.events import FactKind
from chalicelib.notifications.model import Addressee, MessageStatus, Silence
from tests.notifications.post_office import (
    ANA,
    CONFIRMED,
    NOW,
    TENANT,
    PostOffice,
    killed_at_every_step,
)


def test_a_confirmed_promise_is_texted_in_local_time() -> None:
    """The buyer reads the day and the window on the wall of the delivery, in one GSM-7 segment."""
    office = PostOffice()
    office.react()
    office.bring()
    [(text, _)] = office.carrier.texts
    assert text.to == "+12025550123"
    assert (
        text.body
        == "Ribeira Wines: your delivery is booked for Tue 24 Nov, 10:00-12:00. Reply STOP to end texts."
    )
    assert office.text.status is MessageStatus.SENT
    assert len(text.body) <= 160
    assert text.body.isascii()


def test_the_same_fact_twice_is_one_text() -> None:
    """Streams repeat: the row of a text is written once, and brought again if it waits."""
    office = PostOffice()
    assert office.react() is not None
    assert office.react() is None
    office.live(600)
    assert office.react() is None
    office.live(600)
    assert len(office.carrier.texts) == 1


def test_without_the_condition_the_same_fact_would_be_texted_twice() -> None:
    """Control: what the condition on the row prevents."""
    office = PostOffice(guarded=False)
    for _ in range(2):
        office.react()
        office.live(600)
    assert len(office.carrier.texts) == 2


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        (replace(ANA, phone=None), Silence.NO_PHONE),
        (replace(ANA, consent=False), Silence.NO_CONSENT),
        (replace(ANA, texting=False), Silence.TEXTING_OFF),
    ],
)
def test_a_text_not_sent_is_recorded_with_its_reason(to: Addressee, reason: Silence) -> None:
    """Nobody is texted who has no number or did not agree; the record says why."""
    office = PostOffice()
    office.to = to
    office.react()
    office.live(600)
    assert office.carrier.texts == []
    assert (office.text.status, office.text.reason) == (MessageStatus.SKIPPED, reason)


def test_other_facts_say_nothing() -> None:
    """A changed plan is nobody's text."""
    office = PostOffice()
    assert office.react(replace(CONFIRMED, kind=FactKind.PLAN_CHANGED)) is None
    assert office.rows.texts == {}


def test_a_reaction_killed_at_any_step_is_finished_by_the_facts_return() -> None:
    """The stream repeats a fact whose worker died: one text in the end, whatever was done by then."""
    for office in killed_at_every_step(PostOffice.react, PostOffice):
        office.react()
        office.live(600)
        assert len(office.carrier.texts) == 1


ROUTE = [
    replace(CONFIRMED, subject="prm_1"),
    replace(CONFIRMED, subject="prm_2"),
    replace(CONFIRMED, kind=FactKind.PLAN_CHANGED, subject="porto/2026-11-24"),
    replace(CONFIRMED, subject="prm_1", sequence=2, kind=FactKind.PROMISE_CHANGED, data={"to_window": {}}),
    replace(CONFIRMED, subject="prm_3"),
]


def react_to_route(office: PostOffice) -> list[str | None]:
    made = office.notifications.react(TENANT, ROUTE, NOW)
    return [message and message.message_id for message in made]


def test_facts_that_became_true_together_make_a_text_each() -> None:
    """In their order, also where one promise has two; again, they make none."""
    office = PostOffice()
    told = ["prm_1.1.promise_confirmed", "prm_2.1.promise_confirmed", None]
    told += ["prm_1.2.promise_changed", "prm_3.1.promise_confirmed"]
    assert react_to_route(office) == told
    assert react_to_route(office) == [None] * len(ROUTE)
    office.live(600)
    assert len(office.carrier.texts) == 4


def test_facts_that_became_true_together_killed_at_any_step_are_told_when_they_come_again() -> None:
    """Each text once, whatever was done by then, also by reminders alone."""
    for loses in (False, True):
        for office in killed_at_every_step(react_to_route, PostOffice):
            office.queue.loses = loses
            react_to_route(office)
            office.queue.loses = False
            office.live(600)
            assert len(office.carrier.texts) == 4


def test_of_a_promise_without_a_buyer_nothing_is_said_beside_others() -> None:
    """Who is gone does not hold up who is there."""
    office = PostOffice()
    office.to, office.others = None, {"prm_2": ANA}
    assert react_to_route(office) == [None, "prm_2.1.promise_confirmed", None, None, None]


def test_a_message_that_the_queue_lost_is_brought_by_its_reminder() -> None:
    """A row is never without somebody who comes back to it."""
    office = PostOffice()
    office.queue.loses = True
    office.react()
    office.bring()
    assert office.carrier.texts == []
    office.queue.loses = False
    office.live(180)
    assert len(office.carrier.texts) == 1


def test_a_buyer_is_told_in_their_own_language() -> None:
    """The recipient's locale, where it is known; the merchant's else."""
    office = PostOffice()
    office.to = replace(ANA, locale="de-AT", locales=("es",))
    office.react()
    assert (
        office.text.body
        == "Ribeira Wines: Ihre Lieferung ist gebucht: Di 24.11. 10:00-12:00 Uhr. STOP beendet die SMS."
    )
