"""Several deliveries behind one number: it is asked which, and no merchant reads of another; over HTTP."""

import pytest

from chalicelib.events import FactKind
from chalicelib.notifications.model import MessageKind
from chalicelib.notifications.wording.sayings import (
    FeedbackAsked,
)
from chalicelib.units import HOUR, MINUTE
from tests.handlers.buyer import PHONE, Buyer
from tests.handlers.shop_client import ACME, BEST


@pytest.mark.parametrize("body", ["YES", "both", "the blue one?"])
def test_f33_what_names_none_of_the_list_is_asked_again_and_what_waits_is_kept(ana: Buyer, body: str) -> None:
    """F33: she only shows that it is not known which. CONTROL: nothing asked, a YES is the carrier's."""
    ana.orders(ana.shop)
    assert ana.writes("YES") == []
    ana.shop.clock.advance(MINUTE)
    ana.writes("gate code 4471#")
    [question] = ana.writes(body)
    assert question.startswith("acme: which delivery do you mean? Reply 1) order ")
    assert ana.unhandled() == ["unclear"]
    assert ana.writes("1") == ["acme: done: your driver has the code."]
    assert ana.unhandled() == ["unclear"]


def test_f33_a_list_is_over_when_one_of_them_asks_something_else(ana: Buyer) -> None:
    """F33: "1" is of the last list. CONTROL: nothing asked since, it names the order hours later."""
    other = ana.orders(ana.shop, order_ref="order-two")
    ana.writes("leave with no 12")
    ana.shop.clock.advance(2 * HOUR)
    slots = ana.endangered()
    assert ana.writes("1")[0].startswith("acme: done: today ")
    assert ana.promise().slot_id == slots[0]
    assert [ana.promise(each).order.instructions.neighbour for each in ("", other)] == [None, None]
    ana.writes("leave with no 12")
    ana.shop.clock.advance(2 * HOUR)
    assert ana.writes("1") == ["acme: done: your driver will ask that neighbour."]


def test_f33_a_list_that_was_never_sent_names_no_order(ana: Buyer) -> None:
    """F33: held back, because she had stopped the texts. CONTROL: sent, the number names one."""
    other = ana.orders(ana.shop)
    ana.writes("stop please")
    assert ana.writes("gate code 4471#") == []
    ana.writes("START")
    ana.writes("1")
    assert [ana.promise(each).order.instructions.gate_code for each in ("", other)] == [None, None]
    ana.writes("gate code 4471#")
    assert ana.writes("1") == ["acme: done: your driver has the code."]


def test_f33_a_number_written_before_the_list_came_names_no_order(ana: Buyer) -> None:
    """F33: two texts a second apart, looked at later. CONTROL: read and then answered, it does."""
    other = ana.orders(ana.shop)
    for body in ("gate code 4471#", "1"):
        ana.sends(body)
        ana.shop.clock.advance(1)
    ana.shop.services.publish()
    assert [ana.promise(each).order.instructions.gate_code for each in ("", other)] == [None, None]
    ana.writes("gate code 4471#")
    assert ana.writes("1") == ["acme: done: your driver has the code."]


def test_f33_what_may_be_said_of_a_finished_delivery_is_not_shown_to_another_merchant(ana: Buyer) -> None:
    """F33: one has just brought something, the other's is on its way: a complaint is shown to whom it is for.

    CONTROL: what can only be wished of a delivery to come asks nobody, and a day later no complaint does.
    """
    theirs = ana.orders(ana.shop.other)
    ana.brought(ana.promise_id)
    complaint = "you threw my parcel over the wall and the vase is broken, my number is 0701"
    [question] = ana.writes(complaint)
    assert question.startswith("which delivery do you mean? Reply 1) order ")
    assert ana.said_by_her(ana.shop, ana.promise_id) == ana.said_by_her(ana.shop.other, theirs) == []
    number = 1 if question.index("acme") < question.index(" 2) ") else 2
    assert ana.writes(str(number)) == ["acme: we have passed that on. Somebody will look at it."]
    assert complaint in ana.said_by_her(ana.shop, ana.promise_id)
    assert ana.said_by_her(ana.shop.other, theirs) == []
    assert ana.writes("gate code 4471#") == ["best: done: your driver has the code."]
    ana.shop.clock.advance(25 * HOUR)
    assert ana.writes(complaint)[0].startswith("best: ")


def test_f33_when_all_is_delivered_merchants_do_not_read_of_each_other(ana: Buyer) -> None:
    """F33: both were here this week: words are shown to whom they are for. CONTROL: a thanks asks nobody."""
    theirs = ana.orders(ana.shop.other)
    ana.brought(ana.promise_id)
    ana.shop.other.change(theirs, kind="cancel")
    ana.shop.services.publish()
    ana.texts()
    assert ana.writes("thanks!") == []
    [question] = ana.writes("the vase is broken")
    assert question.startswith("which delivery do you mean? Reply 1) order ")
    said = [*ana.said_by_her(ana.shop, ana.promise_id), *ana.said_by_her(ana.shop.other, theirs)]
    assert "the vase is broken" not in said


def test_f33_scores_that_two_deliveries_were_asked_for_are_kept_with_the_one_named(ana: Buyer) -> None:
    """F33: never guessed, also beside a third one that is open. CONTROL: asked for one, nothing is asked."""
    other = ana.orders(ana.shop, order_ref="order-two")
    ana.orders(ana.shop)
    ana.brought(ana.promise_id, other)
    for promise_id in (ana.promise_id, other):
        ana.is_told(FeedbackAsked(), MessageKind.FEEDBACK_ASKED, promise_id)
    [question] = ana.writes("9 10")
    assert question.startswith("acme: which delivery do you mean? Reply 1) order ")
    assert " 3) " not in question
    assert [ana.promise(each).feedback for each in ("", other)] == [None, None]
    listed = 1 if question.index("order-two") < question.index(" 2) ") else 2
    assert ana.writes(str(listed)) == ["acme: thank you for telling us."]
    feedback = ana.promise(other).feedback
    assert feedback is not None
    assert (feedback.product, feedback.delivery) == (9, 10)
    assert ana.promise().feedback is None
    assert ana.writes("8 7") == ["acme: thank you for telling us."]
    assert ana.promise().feedback is not None


def test_f33_a_text_that_waits_to_be_named_is_handed_over_when_she_writes_another(ana: Buyer) -> None:
    """F33: one list waits at a time; the first is not lost. CONTROL: a thanks ends nothing."""
    ana.orders(ana.shop)
    first = ana.sends("gate code 4471#")
    ana.shop.services.publish()
    ana.writes("thanks")
    assert ana.unhandled() == []
    ana.writes("and leave with no 12")
    facts = [fact for _, row in ana.shop.services.store.outbox for fact in row]
    [told] = [fact for fact in facts if fact.kind is FactKind.BUYER_UNHANDLED]
    assert (told.data["message_sid"], told.data["reason"]) == (first, "unclear")
    ana.texts()
    assert ana.writes("1") == ["acme: done: your driver will ask that neighbour."]
    assert ana.unhandled() == ["unclear"]


def test_f33_of_several_merchants_each_hears_of_a_text_that_names_nobody(ana: Buyer) -> None:
    """F33: once, and without its words: it may be another's. CONTROL: named, nobody needs to hear of it."""
    theirs = ana.orders(ana.shop.other)
    ana.writes("gate code 4471#")
    ana.writes("and leave with no 12")
    assert ana.unhandled() == ["unclear", "unclear"]
    assert ana.said_by_her(ana.shop, ana.promise_id) == ana.said_by_her(ana.shop.other, theirs) == []
    [answer] = ana.writes("1")
    assert answer.endswith(": done: your driver will ask that neighbour.")
    assert ana.unhandled() == ["unclear", "unclear"]


@pytest.mark.parametrize("silent", ["acme", "best"])
def test_f33_what_one_merchant_asks_for_all_can_be_answered(ana: Buyer, silent: str) -> None:
    """F33: whichever of them may text her asks, and is listed first."""
    theirs = ana.orders(ana.shop.other)
    ana.shop.services.phone_book.opt_out(ACME if silent == "acme" else BEST, PHONE, ana.now)
    [question] = ana.writes("gate code 4471#")
    first = "best" if silent == "acme" else "acme"
    assert question.startswith(f"which delivery do you mean? Reply 1) order {first}, ")
    assert ana.writes("1") == [f"{first}: done: your driver has the code."]
    named = ana.promise(theirs, BEST) if first == "best" else ana.promise()
    assert named.order.instructions.gate_code == "4471#"
