"""What an answer is read against: what its buyer had read, and nothing that is over; over HTTP."""

import pytest

from chalicelib.notifications.carrier import Refused
from chalicelib.notifications.model import MessageKind
from chalicelib.notifications.wording.sayings import (
    AccessAsked,
    DayBefore,
)
from chalicelib.units import MINUTE
from tests.handlers.buyer import Buyer


@pytest.mark.parametrize("body", ["did you cancel my order?", "cancel the texts please", "should i cancel?"])
def test_who_only_speaks_of_cancelling_is_not_asked_whether_we_shall(ana: Buyer, body: str) -> None:
    """No yes that follows is one to it, and somebody reads it. CONTROL: its number does what it says."""
    [question] = ana.writes(body)
    assert question == "acme: sorry, we did not understand. Reply 1) keep it 2) cancel it."
    assert ana.unhandled()[0] == "unclear"
    for nod in ("yes", "ok thanks", "1"):
        ana.writes(nod)
        assert not ana.promise().state.finished
    ana.shop.clock.advance(31 * MINUTE)
    ana.writes(body)
    assert ana.writes("2") == ["acme: done: your delivery is cancelled."]


def test_a_question_whether_to_cancel_is_over_when_something_else_was_told(ana: Buyer) -> None:
    """A reminder hours later, an answer of ours: a yes is to that. CONTROL: right behind it, it cancels."""
    ana.writes("please cancel my delivery")
    ana.shop.clock.advance(MINUTE)
    window = ana.promise().window
    ana.is_told(DayBefore(window=window), MessageKind.DAY_BEFORE)
    ana.shop.clock.advance(MINUTE)
    assert all("cancelled" not in answer for body in ("yes", "1") for answer in ana.writes(body))
    ana.shop.clock.advance(31 * MINUTE)
    ana.writes("please cancel my delivery")
    ana.writes("where is it?")
    assert all("cancelled" not in answer for body in ("yes", "1") for answer in ana.writes(body))
    ana.shop.clock.advance(31 * MINUTE)
    ana.writes("please cancel my delivery")
    assert ana.writes("1") == ["acme: done: your delivery is cancelled."]


def test_a_question_whether_to_cancel_is_over_when_another_delivery_was_texted_about(ana: Buyer) -> None:
    """One number, two orders: her yes may be to what she read last. CONTROL: without it, that cancels."""
    other = ana.orders(ana.shop)
    for is_told in (True, False):
        ana.writes("please cancel my delivery")
        [question] = ana.writes("1")
        assert question.startswith("acme: shall we cancel your delivery?")
        asked_of = ana.last_asked()
        ana.shop.clock.advance(MINUTE)
        if is_told:
            told = other if asked_of == ana.promise_id else ana.promise_id
            ana.is_told(DayBefore(window=ana.promise(told).window), MessageKind.DAY_BEFORE, told)
        ana.writes("yes")
        assert ana.promise(asked_of).state.finished is not is_told
        ana.shop.clock.advance(31 * MINUTE)


def test_a_question_whether_to_cancel_is_over_in_an_hour(ana: Buyer) -> None:
    """It cannot be taken back. CONTROL: slots that were listed can be had for a day."""
    for wish, answer in (("tomorrow", "acme: done: "), ("please cancel my delivery", "acme: that choice is")):
        ana.writes(wish)
        ana.shop.clock.advance(61 * MINUTE)
        assert ana.writes("1")[0].startswith(answer)
        assert not ana.promise().state.finished


def test_a_number_stands_for_the_last_list_whatever_was_told_since(ana: Buyer) -> None:
    """Nothing that was told in between has numbers, so there is nothing else it could mean."""
    ana.writes("tomorrow")
    ana.shop.clock.advance(MINUTE)
    ana.is_told(DayBefore(window=ana.promise().window), MessageKind.DAY_BEFORE)
    ana.writes("where is it?")
    assert ana.writes("1")[0].startswith("acme: done: tomorrow ")


def test_a_question_ends_what_was_offered_before_it(ana: Buyer) -> None:
    """At risk with slots, then "shall we cancel?", then something else: "1" is neither."""
    ana.endangered()
    ana.writes("please cancel my delivery")
    ana.writes("where is it?")
    before = ana.window()
    assert ana.writes("1")[0].startswith("acme: that choice is no longer open. Reply 1) ")
    assert ana.window() == before
    assert not ana.promise().state.finished


@pytest.mark.parametrize(
    ("first", "second", "slot"),
    [("please cancel my delivery", "1", 0), ("tomorrow", "1", 0), ("not home", "2", 1)],
)
def test_a_number_written_before_the_answer_came_is_not_read_against_it(
    ana: Buyer, first: str, second: str, slot: int
) -> None:
    """Two texts a second apart, looked at later: the number is of the list she had."""
    slots = ana.endangered()
    ana.shop.clock.advance(MINUTE)
    for body in (first, second):
        ana.sends(body)
        ana.shop.clock.advance(1)
    ana.shop.services.publish()
    assert ana.promise().slot_id == slots[slot]
    assert not ana.promise().state.finished
    assert ana.promise().order.instructions.neighbour is None


def test_a_number_written_before_any_list_acts_on_nothing(ana: Buyer) -> None:
    """She cannot have chosen what she had not read. CONTROL: written behind it, it counts."""
    for body in ("please cancel my delivery", "1"):
        ana.sends(body)
        ana.shop.clock.advance(1)
    ana.shop.services.publish()
    assert ana.texts()[-1].startswith("acme: that choice is no longer open. Reply 1) ")
    assert not ana.promise().state.finished
    ana.writes("please cancel my delivery")
    assert ana.writes("1") == ["acme: done: your delivery is cancelled."]


def test_a_question_the_carrier_refused_asked_nothing(ana: Buyer) -> None:
    """She has the list of slots only, that is what a number is of. CONTROL: told, it is of that."""
    slots, services = ana.endangered(), ana.shop.services
    vars(services)["send"] = lambda text: Refused(code="30007")
    assert ana.writes("please cancel my delivery") == []
    del vars(services)["send"]
    assert ana.writes("1")[0].startswith("acme: done: today ")
    assert ana.promise().slot_id == slots[0]
    ana.writes("please cancel my delivery")
    assert ana.writes("1") == ["acme: done: your delivery is cancelled."]


@pytest.mark.parametrize("body", ["Yes", "YES"])
def test_a_yes_to_a_list_is_asked_which_of_it(ana: Buyer, body: str) -> None:
    """To the carrier it starts texts, which she never stopped. CONTROL: nothing asked, it is theirs."""
    assert ana.writes(body) == []
    ana.shop.clock.advance(MINUTE)
    slots = ana.endangered()
    [question] = ana.writes(body)
    assert question.startswith("acme: sorry, we did not understand. Reply 1) ")
    assert ana.unhandled() == ["unclear"]
    assert ana.writes("1")[0].startswith("acme: done: ")
    assert ana.promise().slot_id == slots[0]


@pytest.mark.parametrize(("number", "again"), [("1", "1"), ("1", "yes please"), ("1", "2"), ("2", "2")])
def test_f32_a_cancellation_answered_twice_is_told_the_same_twice(
    ana: Buyer, number: str, again: str
) -> None:
    """F32: cancelled or kept, both answers say so, and nobody else has to read them."""
    ana.writes("please cancel my delivery")
    for body in (number, again):
        ana.sends(body)
    ana.shop.services.publish()
    cancelled, kept = "acme: done: your delivery is cancelled.", "acme: fine, we come today 14:00-16:00."
    assert ana.texts() == [cancelled if number == "1" else kept] * 2
    assert ana.unhandled() == []


def test_a_number_for_what_the_shop_cancelled_is_told_so(ana: Buyer) -> None:
    """Once more, in the words of an answer; nobody has to read a number."""
    ana.endangered()
    ana.shop.change(ana.promise_id, kind="cancel")
    ana.shop.services.publish()
    assert ana.texts() == ["acme: your delivery is cancelled."]
    assert ana.writes("1") == ["acme: done: your delivery is cancelled."]
    assert ana.unhandled() == []


def test_a_number_for_what_was_delivered_is_told_that_it_is_no_longer_open(ana: Buyer) -> None:
    """With the page, and nothing to choose from. CONTROL: what is said in words of it, somebody reads."""
    ana.endangered()
    ana.brought(ana.promise_id)
    [answer] = ana.writes("1")
    assert answer.startswith("acme: that choice is no longer open. ")
    assert "Reply" not in answer
    assert ana.unhandled() == []
    assert ana.writes("the vase is broken") == ["acme: we have passed that on. Somebody will look at it."]
    assert ana.unhandled() == ["no_open_delivery"]


def test_a_number_behind_what_was_done_in_words_is_of_no_list(ana: Buyer) -> None:
    """It says nothing was moved, because nothing was. CONTROL: behind the question, it is the neighbour's."""
    ana.is_told(AccessAsked(), MessageKind.ACCESS_ASKED)
    assert ana.writes("4471#") == ["acme: done: your driver has the code."]
    assert ana.writes("1")[0].startswith("acme: that choice is no longer open. Reply 1) ")
    ana.writes("not home")
    ana.writes("2")
    assert ana.writes("1") == ["acme: done: your driver will ask that neighbour."]
    assert ana.writes("1")[0].startswith("acme: that choice is no longer open. Reply 1) ")
