"""Other slots, offered unasked: made once, for who still needs them, and taken like any other change."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.events import Actor, FactKind
from chalicelib.motion.events import EventKind
from chalicelib.motion.store import MotionChanges
from chalicelib.promises.choices import CHOICES_LIFE, MOST_CHOICES
from chalicelib.promises.documents import promise_document, read_promise
from chalicelib.promises.model import ChangeKind, ChoicesAfter, Outcome, Promise, Refusal, Standing
from tests.promises.shop import TENANT, TODAY, Shop, at
from tests.promises.street import PLAN, SHIFT, Street

TOMORROW = TODAY + timedelta(days=1)


def offer(street: Street, nth: int = 0, after: ChoicesAfter = ChoicesAfter.FAILED) -> Promise | None:
    """What the consumer of the promise's last fact does."""
    answers = street.promise(nth).sequence
    return street.shop.counteroffers.offer(TENANT, street.stops[nth], after, answers, street.shop.now)


@pytest.fixture
def street() -> Street:
    """The van was at the first door in vain."""
    street = Street()
    street.leave()
    street.serve(0, at(8, 30), Outcome.FAILED_NOT_HOME)
    return street


def starts(promise: Promise | None) -> list[int]:
    assert promise is not None
    assert promise.choices is not None
    return [each.window.start for each in promise.choices.choices]


def test_a_failed_attempt_gets_new_slots(street: Street) -> None:
    """The nearest first: later by the same van, and each of them is written with its slot and window."""
    assert starts(offer(street)) == [at(10), at(12), at(14)]
    [fact] = street.facts()
    assert (fact.kind, fact.actor, fact.data["after"]) == (FactKind.PROMISE_CHOICES, Actor.SYSTEM, "failed")
    assert [each["number"] for each in fact.data["choices"]] == [1, 2, 3]
    assert fact.data["choices"][0]["window"] == {"starts_at": at(10), "ends_at": at(12)}
    assert fact.data["choices"][0]["slot_id"] == "porto.2026-11-24.1000-1200"


def test_a_fact_that_comes_twice_is_answered_once(street: Street) -> None:
    """The same choices stay, under the same numbers."""
    first = offer(street)
    assert first is not None
    answers = first.choices.answers if first.choices else 0
    again = street.shop.counteroffers.offer(
        TENANT, street.stops[0], ChoicesAfter.FAILED, answers, street.shop.now + 600
    )
    assert again is None
    assert street.promise(0).choices == first.choices


def test_a_choice_is_taken_by_its_slot(street: Street) -> None:
    """It becomes the promise's window, by the buyer, and the choices are gone."""
    offer(street)
    changed = street.choose(0, "porto.2026-11-24.1200-1400")
    assert changed is not None
    assert (changed.refusal, changed.promise.window.start) == (None, at(12))
    assert changed.promise.choices is None
    assert street.facts()[0].actor is Actor.BUYER


def test_a_late_choice_sells_nothing_that_is_gone(street: Street) -> None:
    """The van has somebody to go to before: refused, with what there is. CONTROL: the next one is kept."""
    offer(street)
    street.serve(1, at(10, 30))
    street.shop.now = at(11, 58)
    taken = [
        street.choose(0, slot_id) for slot_id in ("porto.2026-11-24.1000-1200", "porto.2026-11-24.1200-1400")
    ]
    assert [each and each.refusal for each in taken] == [Refusal.SLOT_TAKEN, None]
    assert taken[0] is not None
    assert at(12) in {slot.window.start for slot in taken[0].alternatives}


@pytest.mark.parametrize("slot_id", ["porto.2026-11-24.1600-1800", "porto.2026-11-24.1000-1200"])
def test_what_is_not_offered_any_more_cannot_be_chosen(street: Street, slot_id: str) -> None:
    """The fourth nearest never was; the first is over when a day is."""
    offer(street)
    street.shop.now += CHOICES_LIFE if "1000" in slot_id else 0
    assert street.choose(0, slot_id) is None


def test_who_was_helped_meanwhile_is_offered_nothing(street: Street) -> None:
    """The buyer moved it before: no reason any more."""
    street.move(0, at(14))
    assert offer(street) is None


def test_whoever_is_endangered_gets_a_counter_offer() -> None:
    """Later with the same van, but not the slot that is in danger. CONTROL: who stands well gets none."""
    street = Street()
    street.leave()
    assert offer(street, 2, ChoicesAfter.AT_RISK) is None
    endangered = replace(street.promise(2), standing=Standing.AT_RISK)
    street.shop.store.commit_motion(TENANT, MotionChanges(promises=(endangered,)))
    made = offer(street, 2, ChoicesAfter.AT_RISK)
    assert len(starts(made)) == MOST_CHOICES
    assert at(12) not in starts(made)


def test_what_a_van_brings_back_untried_fails_for_want_of_time(street: Street) -> None:
    """F14: it does not stay out for delivery for ever; nobody came, and tomorrow's slots are offered."""
    street.serve(1, at(10, 30))
    street.tell(EventKind.RETURNED, at(13))
    back = street.shop.motion.bring_back
    assert back(TENANT, PLAN, SHIFT, street.shop.now) == 2
    assert [street.promise(nth).state for nth in range(4)] == [
        "confirmed",
        "delivered",
        "confirmed",
        "confirmed",
    ]
    failed = street.promise(2).attempts[-1]
    assert (failed.outcome, failed.shift_id) == (Outcome.FAILED_NO_TIME, SHIFT)
    assert [fact.data["in_window"] for fact in street.facts()] == [False, False]
    assert back(TENANT, PLAN, SHIFT, street.shop.now) == 0
    assert min(starts(offer(street, 2))) >= at(8, day=TOMORROW)
    street.move(2, at(10, day=TOMORROW))
    assert (street.stops[2] in street.order(), street.order(TOMORROW)) == (False, [street.stops[2]])


def test_a_van_that_is_still_out_brings_nothing_back(street: Street) -> None:
    """CONTROL of the one above: it may come yet."""
    assert street.shop.motion.bring_back(TENANT, PLAN, SHIFT, street.shop.now) == 0


def test_what_was_delivered_before_the_return_is_believed_when_it_is_heard_late(street: Street) -> None:
    """F31: the phone was out of reach; the door's word takes the place of nobody's."""
    street.tell(EventKind.RETURNED, at(13))
    street.shop.motion.bring_back(TENANT, PLAN, SHIFT, street.shop.now)
    street.serve(1, at(10, 30))
    done = street.promise(1)
    assert (str(done.state), [each.outcome for each in done.attempts]) == (
        "delivered",
        [Outcome.DELIVERED_TO_RECIPIENT],
    )


def test_choices_are_stored(street: Street) -> None:
    """And a promise from before there were any has none."""
    made = offer(street)
    assert made is not None
    document = promise_document(made)
    assert read_promise(document, 1).choices == made.choices
    del document["choices"]
    assert read_promise(document, 1).choices is None


def test_nothing_is_offered_for_who_is_gone() -> None:
    """Cancelled, or unknown."""
    street = Street(Shop(cutoff=0))
    street.change(1, ChangeKind.CANCEL)
    assert offer(street, 1) is None
    assert street.shop.counteroffers.offer(TENANT, 999, ChoicesAfter.FAILED, 1, street.shop.now) is None
