"""A text is given to the carrier once, whatever breaks, and comes to an end."""

from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any

import pytest

from chalicelib.events import FactKind
from chalicelib.notifications import kinds
from chalicelib.notifications.carrier import Answer, Outgoing, TextSender, Unanswered, heard
from chalicelib.notifications.kinds import Usefulness, usefulness_of
from chalicelib.notifications.model import UNDER_WAY, Message, MessageKind, MessageStatus, Phase, Silence
from chalicelib.notifications.pace import FAILURES_TO_OPEN
from chalicelib.notifications.sending import LEASE, SETTLED_AFTER
from chalicelib.units import HOUR
from tests.notifications.post_office import (
    ANA,
    CONFIRMED,
    NOW,
    TENANT,
    Died,
    PostOffice,
    killed_at_every_step,
)

FAULTS = ("", "429", "500", "500_after", "drop_before", "drop_after", "refused", "21211", "21610", "99999")
TAKEN_UNTOLD = ("500_after", "drop_after")
SID = f"SM{1:032x}"


def posted(*plan: str) -> PostOffice:
    office = PostOffice()
    office.carrier.plan = list(plan)
    office.react()
    return office


def two_tries(office: PostOffice) -> bool:
    return office.text.resent


@pytest.mark.parametrize("second", FAULTS)
@pytest.mark.parametrize("first", FAULTS)
def test_every_fault_after_every_fault_ends_well(first: str, second: str) -> None:
    """At most one accepted text, two where one is marked as resent; the row is at its end, none is lost."""
    office = posted(first, second)
    office.live(12 * HOUR, step=60)
    assert office.under_way == []
    assert len(office.carrier.texts) <= 1 + two_tries(office)
    lost = {"21211", "21610", "99999"} & {first, second}
    assert office.carrier.texts or lost or office.text.status is MessageStatus.FAILED


@pytest.mark.parametrize("fault", FAULTS)
def test_f08_killed_at_any_step_under_any_fault_a_text_goes_out_once(fault: str) -> None:
    """F08, F21: the worker dies before and behind each step; the next one finishes, nobody sends twice."""

    def make() -> PostOffice:
        return posted(fault)

    for office in killed_at_every_step(PostOffice.bring, make):
        office.live(12 * HOUR, step=60)
        assert office.under_way == []
        assert len(office.carrier.texts) <= 1 + two_tries(office)
        # A death and a fault in one text are two doubts, and a third try there is none: its merchant knows.
        told = office.rows.facts or office.text.status is MessageStatus.SKIPPED
        assert office.carrier.texts or told, "it was lost"


def died_behind_the_call(office: PostOffice) -> None:
    """The carrier has the text, and nobody wrote that down."""
    office.steps.kill_at = next(step for step in range(1, 50) if _dies_having_called(step))
    office.steps.taken, office.steps.behind = 0, True
    with pytest.raises(Died):
        office.bring()
    office.steps.kill_at = None


def _dies_having_called(step: int) -> bool:
    office = posted()
    office.steps.taken, office.steps.kill_at, office.steps.behind = 0, step, True
    with pytest.raises(Died):
        office.bring()
    return bool(office.carrier.texts)


def test_f08_a_worker_that_dies_behind_the_call_leaves_a_text_that_is_found() -> None:
    """F08: the carrier's list has it, so it is sent once and its id is known."""
    office = posted()
    died_behind_the_call(office)
    assert office.text.status is MessageStatus.SENDING
    office.live(600)
    assert (office.text.status, office.text.sid, office.text.resent) == (MessageStatus.SENT, SID, False)
    assert len(office.carrier.texts) == 1


def test_f08_a_worker_that_dies_behind_the_carriers_id_leaves_a_text_that_is_found() -> None:
    """F08: the id was written down, the row was not: the id in the list is no other text's."""
    office = posted()
    office.rows.dies_behind_the_id = True
    with pytest.raises(Died):
        office.bring()
    office.rows.dies_behind_the_id = False
    assert (office.text.status, office.rows.noted) == (MessageStatus.SENDING, {SID: office.text.message_id})
    office.live(600)
    assert (office.text.status, office.text.sid, len(office.carrier.texts)) == (MessageStatus.SENT, SID, 1)


def test_f08_without_the_list_a_worker_that_died_would_cost_a_second_text() -> None:
    """F08 control: who only sends again what was not written down sends twice."""

    @dataclass
    class Forgetful:
        sender: TextSender

        def __getattr__(self, name: str) -> Any:
            return getattr(self.sender, name)

        def sent_to(self, to: str) -> list[object]:
            return []

    office = PostOffice(sender=lambda sender: Forgetful(sender))  # type: ignore[arg-type,return-value]
    office.react()
    died_behind_the_call(office)
    office.live(600)
    assert len(office.carrier.texts) == 2


def test_f15_a_carrier_that_is_busy_gets_the_text_later() -> None:
    """F15: 429 was never processed; it is delayed as asked, and none is lost."""
    office = posted("429", "429", "429")
    office.bring()
    assert office.text.status is MessageStatus.PENDING
    assert office.text.ready_at >= NOW + 7
    office.live(900)
    assert [office.text.status, len(office.carrier.texts), office.carrier.calls] == [MessageStatus.SENT, 1, 4]


def test_f15_a_text_that_were_not_put_off_would_be_lost() -> None:
    """F15 control: the same 429 with nobody who comes back to it."""
    office = posted("429")
    office.bring()
    office.queue.waiting.clear()
    office.reminders.rows.clear()
    office.live(900)
    assert office.carrier.texts == []


def test_f15_a_carrier_that_stays_busy_is_left_when_nobody_needs_the_text() -> None:
    """F15: tries are bounded by the time the text is of use; then the merchant is told."""
    office = posted()
    office.carrier.fault = "429"
    office.live(7 * HOUR, step=30)
    assert (office.text.status, office.text.reason) == (MessageStatus.EXPIRED, Silence.TOO_LATE)
    assert [fact.kind for fact in office.rows.facts] == [FactKind.NOTIFICATION_FAILED]


@dataclass
class Insisting:
    """The control: a sender that repeats what was not answered, as HTTP clients do."""

    sender: TextSender

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sender, name)

    def send(self, text: Outgoing) -> Answer:
        answer = self.sender.send(text)
        return self.sender.send(text) if isinstance(answer, Unanswered) else answer


@pytest.mark.parametrize("fault", TAKEN_UNTOLD)
def test_f16_an_answer_that_is_an_error_leaves_a_doubt_and_no_second_text(fault: str) -> None:
    """F16: a 500 behind the acceptance is UNKNOWN; the list settles it, two minutes later."""
    office = posted(fault)
    office.bring()
    assert office.text.status is MessageStatus.UNKNOWN
    office.live(SETTLED_AFTER + 60)
    assert (office.text.status, office.text.sid, len(office.carrier.texts)) == (MessageStatus.SENT, SID, 1)


@pytest.mark.parametrize("fault", TAKEN_UNTOLD)
def test_f16_repeating_what_was_not_answered_would_send_twice(fault: str) -> None:
    """F16 control: a client that tries again by itself."""
    office = PostOffice(sender=Insisting)
    office.carrier.plan = [fault]
    office.react()
    office.live(600)
    assert len(office.carrier.texts) == 2


def test_f16_what_was_never_taken_goes_out_once_more_marked() -> None:
    """F16: a 500 before the acceptance; the list has nothing, so it is sent again, and says so."""
    office = posted("500")
    office.live(600)
    assert (office.text.status, office.text.resent, office.carrier.calls) == (MessageStatus.SENT, True, 2)
    [(text, _)] = office.carrier.texts
    assert text.callback_url.endswith("&resend=1")


def test_a_kind_that_is_worse_twice_than_never_is_not_sent_again() -> None:
    """Where the list has nothing, its end is `not_taken`."""
    office = posted("500")
    [row] = office.rows.texts.values()
    careful: Any = "van_is_near"  # a kind nobody entered is careful
    office.rows.texts[row.message_id] = replace(row, kind=careful)
    office.live(3 * HOUR)
    assert (office.text.status, office.text.reason) == (MessageStatus.FAILED, Silence.NOT_TAKEN)
    assert office.carrier.calls == 1


def test_a_second_doubt_is_the_last() -> None:
    """A text that was resent is never given to the carrier a third time."""
    office = posted("500", "500", "500")
    office.live(12 * HOUR, step=60)
    assert (office.text.status, office.text.reason) == (MessageStatus.FAILED, Silence.NOT_TAKEN)
    assert office.carrier.calls == 2


def test_a_doubt_that_nobody_answers_ends_too() -> None:
    """A list that is down for a day leaves `unresolved`, and a merchant who knows."""
    office = posted("500_after")
    office.carrier.lists = False
    office.live(40 * HOUR, step=240)
    assert (office.text.status, office.text.reason) == (MessageStatus.FAILED, Silence.UNRESOLVED)
    assert [fact.kind for fact in office.rows.facts] == [FactKind.NOTIFICATION_FAILED]


def test_the_list_shows_other_texts_with_the_same_words() -> None:
    """A text of another row, though it has the very words, is not taken for this one."""
    office = posted()
    office.bring()
    office.carrier.plan = ["500"]
    office.react(replace(CONFIRMED, sequence=2))
    office.live(600)
    first, second = office.rows.texts.values()
    assert first.sid != second.sid
    assert second.resent
    assert len(office.carrier.texts) == 2


WORDS = ("queued", "sent", "delivered")


@pytest.mark.parametrize("words", list(permutations(WORDS)))
def test_f18_callbacks_in_any_order_leave_the_same_state(words: tuple[str, ...]) -> None:
    """F18: doubled and shuffled, before and behind our own record of the call: delivered."""
    office = posted()
    office.bring()
    for word in (*words, *reversed(words)):
        office.hear(word)
    assert (office.text.status, office.text.sid) == (MessageStatus.DELIVERED, SID)


@pytest.mark.parametrize("words", list(permutations(WORDS)))
def test_f18_callbacks_before_our_own_record_are_believed(words: tuple[str, ...]) -> None:
    """F18: the worker is still waiting for its answer, or died for it; the callback carries our id."""
    office = posted()
    died_behind_the_call(office)
    for word in words:
        office.hear(word)
    office.live(600)
    assert (office.text.status, office.carrier.calls) == (MessageStatus.DELIVERED, 1)


def test_f18_the_last_word_taken_as_it_comes_would_be_wrong() -> None:
    """F18 control: without ranks a reversed sequence ends in `queued`."""
    state = ""
    for word in reversed(WORDS):
        state = word
    assert state == "queued"
    office = posted()
    office.bring()
    [message] = office.rows.texts.values()
    delivered = heard(message, sid=SID, word="delivered")
    assert delivered is not None
    assert heard(delivered, sid=SID, word="queued") is None


def test_words_nobody_knows_say_nothing() -> None:
    """Twilio may invent one; it changes no state."""
    office = posted()
    office.bring()
    assert office.hear("teleported") is None
    assert office.text.status is MessageStatus.SENT


def test_a_handset_out_of_reach_is_tried_once_more() -> None:
    """30003 is worth one more try within the validity; then it is undelivered, and told."""
    office = posted()
    office.bring()
    office.hear("undelivered", code="30003")
    assert (office.text.status, office.text.resent) == (MessageStatus.PENDING, True)
    assert office.hear("undelivered", code="30003") is None, "the same callback again"
    office.live(1200)
    assert office.carrier.calls == 2
    office.hear("undelivered", sid=f"SM{2:032x}", code="30003")
    assert (office.text.status, office.text.reason) == (MessageStatus.UNDELIVERED, "30003")
    assert [fact.data["reason"] for fact in office.rows.facts] == ["30003"]


def test_a_first_try_that_arrived_after_all_ends_it() -> None:
    """Its failure was told too soon: the buyer has it, so nothing goes out again."""
    office = posted()
    office.bring()
    office.hear("undelivered", code="30008")
    office.hear("delivered")
    office.live(1200)
    assert (office.text.status, office.carrier.calls) == (MessageStatus.DELIVERED, 1)


@pytest.mark.parametrize("code", ["30007", "30004", "30005", "12345"])
def test_what_a_carrier_filtered_is_never_tried_again(code: str) -> None:
    """Spam filters learn from repetition; codes nobody entered are final too."""
    office = posted()
    office.bring()
    office.hear("undelivered", code=code)
    office.live(2 * HOUR)
    assert (office.text.status, office.carrier.calls) == (MessageStatus.UNDELIVERED, 1)


def test_a_text_of_which_nothing_more_is_heard_is_asked_after() -> None:
    """The last callback never came: behind its expiry the carrier is asked once."""
    office = posted()
    office.bring()
    [(text, seen)] = office.carrier.texts
    office.carrier.texts = [(text, replace(seen, word="delivered"))]
    office.live(8 * HOUR, step=60)
    assert office.text.status is MessageStatus.DELIVERED
    assert office.reminders.rows == {} or office.live(8 * HOUR, step=600) is None


def test_f19_a_carrier_that_is_down_for_hours_is_not_called_by_every_text() -> None:
    """F19: the circuit opens, one tries from time to time; what is too late is told; the rest arrives."""
    office = PostOffice()
    office.carrier.fault = "500"
    for number in range(40):
        office.react(replace(CONFIRMED, subject=f"prm_{number}"))
    office.live(6 * HOUR, step=30)
    assert office.carrier.calls < 2 * 40
    calls_while_down = office.carrier.calls
    for number in range(40, 60):
        office.react(replace(CONFIRMED, subject=f"prm_{number}", at=office.clock.system_now))
    office.carrier.fault = ""
    office.live(8 * HOUR, step=30)
    assert office.under_way == []
    assert calls_while_down <= FAILURES_TO_OPEN + 6 * 6 + 30
    arrived = [text for text in office.rows.texts.values() if text.status is MessageStatus.SENT]
    assert len(arrived) >= 20, "those that were still of use"
    told = {fact.subject for fact in office.rows.facts}
    assert told == {
        text.subject for text in office.rows.texts.values() if text.status is not MessageStatus.SENT
    }


def test_f19_without_the_circuit_every_text_would_call_a_dead_carrier() -> None:
    """F19 control: refused connections, tried by each text for as long as it is of use."""
    offices = [PostOffice(), PostOffice()]
    for office in offices:
        office.carrier.fault = "refused"
        for number in range(40):
            office.react(replace(CONFIRMED, subject=f"prm_{number}"))
    guarded, bare = offices
    bare.rows.move_sender = lambda *_: False  # type: ignore[method-assign]
    for office in offices:
        office.live(HOUR, step=30)
    assert guarded.carrier.calls * 10 < bare.carrier.calls


def test_bad_credentials_stop_all_texts_at_once() -> None:
    """One 20003 opens the circuit; texts wait, and go when somebody has set it right."""
    office = posted("20003")
    office.bring()
    office.react(replace(CONFIRMED, sequence=2))
    office.bring()
    assert office.carrier.calls == 1
    office.live(900)
    assert {text.status for text in office.rows.texts.values()} == {MessageStatus.SENT}


def test_f35_a_number_that_opts_out_between_claim_and_send_is_not_texted() -> None:
    """F35: the ledger is read within the claim."""
    office = posted()
    original = office.rows.save_message

    def claimed(tenant: Any, message: Message, facts: Any = (), *, new_sid: Any = None) -> Message | None:
        saved = original(tenant, message, facts, new_sid=new_sid)
        office.rows.opted_out.add("+12025550123")  # STOP arrives the moment the text is claimed
        return saved

    office.rows.save_message = claimed  # type: ignore[method-assign]
    office.bring()
    assert office.carrier.texts == []
    assert (office.text.status, office.text.reason) == (MessageStatus.SKIPPED, Silence.OPTED_OUT)


def test_f35_looking_before_the_claim_only_would_text_somebody_who_said_stop() -> None:
    """F35 control: at the fact's moment the ledger was empty, and the text would go."""
    office = posted()
    assert not office.rows.is_opted_out(TENANT, "+12025550123")
    office.rows.opted_out.add("+12025550123")
    office.rows.is_opted_out = lambda *_: False  # type: ignore[method-assign]
    office.bring()
    assert len(office.carrier.texts) == 1


def test_the_carriers_own_opt_out_goes_into_the_ledger() -> None:
    """21610: somebody said STOP where we did not hear it."""
    office = posted("21610")
    office.bring()
    assert office.rows.opted_out == {"+12025550123"}
    assert (office.text.status, office.text.reason) == (MessageStatus.FAILED, "21610")
    office.react(replace(CONFIRMED, sequence=2))
    office.bring()
    assert office.carrier.calls == 1


@pytest.mark.parametrize("word", ["delivered", "undelivered", "failed"])
def test_the_number_stays_with_a_text_until_the_carrier_says_how_it_ended(word: str) -> None:
    """By it a text is found in the carrier's list, and whoever wants no more of them. CONTROL: until then."""
    office = posted()
    office.bring()
    assert (office.text.status, bool(office.text.sealed_to)) == (MessageStatus.SENT, True)
    office.hear(word, code=None if word == "delivered" else "21610")
    assert (office.text.status, office.text.sealed_to) == (MessageStatus(word), None)
    assert office.rows.opted_out == (set() if word == "delivered" else {"+12025550123"})


@pytest.mark.parametrize("fault", FAULTS)
def test_no_text_at_its_end_has_a_number(fault: str) -> None:
    """However it got there; one that is sent once more is given its number anew."""
    office = posted(fault, fault)
    office.live(12 * HOUR, step=60)
    if office.text.status is MessageStatus.SENT:
        office.hear("delivered", sid=office.text.sid or "")
    assert office.text.status not in (*UNDER_WAY, MessageStatus.SENT)
    assert office.text.sealed_to is None


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        (replace(ANA, phase=Phase.CANCELLED), Silence.NOT_TRUE),
        (replace(ANA, consent=False), Silence.NO_CONSENT),
        (replace(ANA, texting=False), Silence.TEXTING_OFF),
        (None, Silence.NOT_TRUE),
    ],
)
def test_what_is_no_longer_true_is_not_sent(to: Any, reason: Silence) -> None:
    """Between the fact and the text the promise was cancelled, or the merchant switched texts off."""
    office = posted()
    office.to = to
    office.bring()
    assert office.carrier.texts == []
    assert (office.text.status, office.text.reason) == (MessageStatus.SKIPPED, reason)


def test_f14_a_message_of_yesterday_is_not_sent_today() -> None:
    """F14: a queue drained a day late finds an expired text."""
    office = posted()
    office.clock.system_now += 24 * HOUR
    office.bring()
    assert office.carrier.texts == []
    assert (office.text.status, office.text.reason) == (MessageStatus.EXPIRED, Silence.TOO_LATE)


def test_the_carrier_is_told_how_long_a_text_is_of_use() -> None:
    """What it cannot deliver by then it gives up itself, ten hours at most."""
    office = posted()
    office.clock.system_now += 600
    office.bring()
    [(text, _)] = office.carrier.texts
    assert text.valid_for == usefulness_of(MessageKind.PROMISE_CONFIRMED).lasts - 600
    assert kinds.valid_for(20 * HOUR) == 10 * HOUR
    assert kinds.valid_for(0) == 1


def test_a_claim_is_one_workers() -> None:
    """The same message brought twice at once: the second looks, and goes."""
    office = posted()
    [message_id] = office.rows.texts
    seen: list[object] = []
    original = office.carrier.send

    def send(text: Outgoing) -> Answer:
        seen.append(office.look(message_id))
        return original(text)

    office.carrier.send = send  # type: ignore[method-assign]
    office.bring()
    assert seen == [None]
    assert len(office.carrier.texts) == 1


def test_a_slow_worker_whose_lease_ran_out_does_not_spoil_what_was_found() -> None:
    """It answers after another one has looked the text up: both know the same text."""
    office = posted()
    [message_id] = office.rows.texts
    original = office.carrier.send

    def send(text: Outgoing) -> Answer:
        answer = original(text)
        office.clock.system_now += LEASE + 1
        office.look(message_id)
        assert office.text.status is MessageStatus.SENT
        return answer

    office.carrier.send = send  # type: ignore[method-assign]
    office.bring()
    assert (office.text.status, len(office.carrier.texts)) == (MessageStatus.SENT, 1)


def test_usefulness_is_bounded_by_what_the_carrier_can_do() -> None:
    """No kind is of use for longer than Twilio keeps a text."""
    assert all(isinstance(usefulness_of(kind), Usefulness) for kind in MessageKind)
    assert all(0 < usefulness_of(kind).lasts <= kinds.LONGEST_VALIDITY for kind in MessageKind)
