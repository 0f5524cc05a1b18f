"""A row that moved under whoever worked on it stays as it was moved: erasures and callbacks know better."""

from dataclasses import dataclass, replace

import pytest

from chalicelib.erasure.service import without_words
from chalicelib.events import Tenant
from chalicelib.notifications.model import Addressee, Message, MessageStatus, Silence
from chalicelib.notifications.ports import Wait
from chalicelib.units import HOUR, Timestamp
from tests.notifications.post_office import NOW, TENANT, PostOffice

SID = f"SM{1:032x}"
OTHER = f"SM{2:032x}"


@dataclass
class ErasedMeanwhile:
    """A policy that takes its time: the buyer is forgotten while a worker holds their text."""

    verdict_is: Silence | Wait
    office: PostOffice | None = None

    def verdict(self, tenant: Tenant, message: Message, to: Addressee, now: Timestamp) -> Silence | Wait:
        assert self.office is not None
        assert self.office.rows.save_message(tenant, replace(without_words(self.office.text), redact=(SID,)))
        return self.verdict_is


def erased_meanwhile(verdict: Silence | Wait, *, guarded: bool = True) -> PostOffice:
    policy = ErasedMeanwhile(verdict)
    policy.office = office = PostOffice(guarded=guarded, policy=policy)
    office.react()
    office.bring()
    return office


@pytest.mark.parametrize("verdict", [Silence.NOT_TRUE, Wait(until=NOW + HOUR), Wait(until=NOW + 10 * HOUR)])
def test_an_erasure_stands_above_what_a_worker_decided(verdict: Silence | Wait) -> None:
    """Words that were erased do not come back, and the carrier is still to forget them."""
    text = erased_meanwhile(verdict).text
    assert (text.body, text.status, text.reason) == ("", MessageStatus.SKIPPED, Silence.ERASED)
    assert text.redact == (SID,)


def test_writing_over_what_moved_would_bring_the_words_back() -> None:
    """CONTROL: a store that takes a worker's old copy."""
    text = erased_meanwhile(Silence.NOT_TRUE, guarded=False).text
    assert "Ribeira Wines" in text.body
    assert text.redact == ()


def test_an_erased_text_that_failed_is_not_tried_again() -> None:
    """It has no words any more: the callback that comes behind the erasure says how it ended, no more."""
    office = PostOffice()
    office.react()
    office.bring()
    assert office.rows.save_message(TENANT, without_words(office.text))
    office.hear("undelivered", code="30003")
    assert (office.text.status, office.text.resent) == (MessageStatus.UNDELIVERED, False)
    office.live(HOUR)
    assert office.carrier.calls == 1


def test_what_is_to_be_forgotten_since_is_not_taken_for_forgotten() -> None:
    """A second erasure names another text of the carrier's while the first is at work."""
    office = PostOffice()
    office.react()
    office.bring()
    assert office.rows.save_message(TENANT, without_words(office.text))
    forgotten = list[str]()

    def forget(sid: str) -> None:
        if not forgotten:
            row = replace(office.text, redact=(*office.text.redact, OTHER))
            assert office.rows.save_message(TENANT, row)
        forgotten.append(sid)

    office.carrier.forget = forget  # type: ignore[method-assign]
    office.look(office.text.message_id)
    assert (forgotten, office.text.redact) == ([SID], (OTHER,))
    office.look(office.text.message_id)
    assert (forgotten, office.text.redact) == ([SID, OTHER], ())
