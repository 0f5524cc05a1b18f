"""Every fault of Twilio at every step of the worker that sends, which is killed there with SIGKILL.

One text for each step, each of which meets the fault; then the minute's sweeper finishes them all, and what
Twilio accepted is held against the rows. The control leaves out what is written before the call.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

import pytest

from chalicelib.notifications.model import UNDER_WAY, Message, MessageKind, MessageStatus
from chalicelib.units import MINUTE
from tests.faults.nursery import Killed
from tests.faults.premises import NOW, Shop

FAULTS = (
    *("none", "429", "500", "html503", "drop_before"),
    *("500_after", "drop_after", "slow", "badshape", "no_json", "undelivered:30003"),
)
PHONE = "+12025550171"
MOST_STEPS = 32  # as many texts are said, and all of them end
MOST_SWEEPS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """One text in the end: its row, and how often Twilio accepted it.

    Attributes
    ----------
    step
        At which its worker died; the last one's lived.
    """

    step: int
    row: Message
    accepted: int


def finished(shop: Shop, kind: MessageKind, fault: str) -> list[Audit]:
    """Send a text for each step, die there, and let the sweeper come until nothing is under way."""
    promise_id = shop.api.promise(recipient={"name": "Ana", "phone": PHONE})["promise_id"]
    bodies = [f"acme: text {number}" for number in range(MOST_STEPS)]
    jobs = shop.say(promise_id, kind, bodies)
    said = steps_of(shop, jobs, fault)
    rows = dict[str, Message]()
    for sweep in range(1, MOST_SWEEPS):
        shop.trust_the_sender()
        shop.sweep(NOW + sweep * 3 * MINUTE)
        rows = {row.message_id: row for row in shop.text_rows()}
        if not any(row.status in UNDER_WAY for row in rows.values()):
            break
    accepted = Counter(text["body"] for text in shop.twilio.accepted(PHONE))
    return [
        Audit(step=number + 1, row=rows[f"{promise_id}.said.{number}"], accepted=accepted[bodies[number]])
        for number in range(said)
    ]


def steps_of(shop: Shop, jobs: list[dict[str, object]], fault: str) -> int:
    """Kill the worker of each text one step later than the one before; gives how many texts that took."""
    for step in count(1):
        if fault != "none":
            shop.twilio.plan(fault)
        shop.trust_the_sender()
        shop.kill_at = step
        try:
            shop.invoke("send_texts", {"Records": [jobs[step - 1]]})
        except Killed:
            continue
        finally:
            shop.kill_at = None
        return step
    raise AssertionError


@pytest.mark.parametrize("fault", FAULTS)
def test_f08_f16_every_fault_at_every_step_ends_with_one_text(
    new_shop: Callable[..., Shop], fault: str
) -> None:
    """F08, F15, F16, F17: accepted once, or twice where the row says so; every row at its end, none lost."""
    shop = new_shop()
    audits = finished(shop, MessageKind.PROMISE_CONFIRMED, fault)
    assert len(audits) > 8
    for audit in audits:
        assert audit.row.status not in UNDER_WAY, audit
        assert audit.accepted <= 1 + audit.row.resent, audit
        assert audit.accepted >= 1 or told(shop, audit.row), audit
    assert {audit.row.resent for audit in audits} == {False, True}  # who died right before the call


@pytest.mark.parametrize("fault", ["none", "500", "drop_after"])
def test_f08_a_kind_that_goes_out_once_is_never_sent_twice(new_shop: Callable[..., Shop], fault: str) -> None:
    """F08, F16: an answer to a reply: accepted once or not at all, and then its merchant is told."""
    shop = new_shop()
    for audit in finished(shop, MessageKind.DONE, fault):
        assert audit.row.status not in UNDER_WAY, audit
        assert (audit.row.resent, audit.accepted <= 1) == (False, True), audit
        assert audit.accepted == 1 or told(shop, audit.row), audit


def test_f08_without_what_is_written_before_the_call_texts_go_out_twice(
    new_shop: Callable[..., Shop],
) -> None:
    """F08, control: the same deaths, and nobody wrote down that the carrier is being called."""
    audits = finished(new_shop(durable=False), MessageKind.DONE, "none")
    assert any(audit.accepted > 1 and not audit.row.resent for audit in audits)


def told(shop: Shop, row: Message) -> bool:
    """Whether the merchant was told that a text did not go out."""
    facts = [fact for _, facts in shop.books().outbox for fact in facts]
    return row.status in (MessageStatus.FAILED, MessageStatus.EXPIRED) and row.message_id in {
        fact.data.get("message_id") for fact in facts
    }
