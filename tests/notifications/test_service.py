"""A fact becomes at most one text, and every text is recorded, sent or not."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from chalicelib.errors import Upstream
from chalicelib.events import Actor, Fact, FactKind, Mode, Tenant
from chalicelib.notifications.model import Addressee, Message, MessageStatus, Silence
from chalicelib.notifications.service import Notifications, TextRefused
from chalicelib.routing.model import TimeWindow

TENANT = Tenant(merchant_id="m1", mode=Mode.TEST)
TEN_TO_TWELVE = TimeWindow(start=1_795_514_400, end=1_795_521_600)  # Tuesday 24 November 2026, Lisbon
ANA = Addressee(
    phone="+12025550123",
    consent=True,
    brand="Ribeira Wines",
    texting=True,
    window=TEN_TO_TWELVE,
    timezone="Europe/Lisbon",
)
CONFIRMED = Fact(
    kind=FactKind.PROMISE_CONFIRMED,
    at=1_795_000_000,
    actor=Actor.MERCHANT,
    subject="prm_1",
    sequence=1,
    data={},
)


@dataclass
class Texts:
    """Store, address book and carrier in one."""

    to: Addressee | None = ANA
    error: Exception | None = None
    rows: dict[str, Message] = field(default_factory=dict)
    sent: list[tuple[str, str]] = field(default_factory=list)

    def claim_message(self, tenant: Tenant, message: Message) -> bool:
        return self.rows.setdefault(message.message_id, message) is message

    def record_message(self, tenant: Tenant, message: Message) -> None:
        self.rows[message.message_id] = message

    def messages(self, tenant: Tenant, subject: str) -> Sequence[Message]:
        return list(self.rows.values())

    def own_sids(self, tenant: Tenant, sids: Sequence[str]) -> frozenset[str]:
        return frozenset(sids)

    def addressee(self, tenant: Tenant, subject: str) -> Addressee | None:
        return self.to

    def send(self, to: str, body: str) -> str:
        if self.error:
            raise self.error
        self.sent.append((to, body))
        return f"SM{len(self.sent)}"


def react(texts: Texts, fact: Fact = CONFIRMED) -> Message | None:
    return Notifications(texts, texts, texts).react(TENANT, fact, 1_795_000_000)


def test_a_confirmed_promise_is_texted_in_local_time() -> None:
    """The buyer reads the day and the window on the wall of the delivery, in one GSM-7 segment."""
    texts = Texts()
    message = react(texts)
    assert texts.sent == [
        ("+12025550123", "Ribeira Wines: your delivery is booked for Tue 24 Nov, 10:00-12:00.")
    ]
    assert message is not None
    assert (message.status, message.sid) == (MessageStatus.SENT, "SM1")
    assert len(texts.sent[0][1]) <= 160
    assert texts.sent[0][1].isascii()


def test_the_same_fact_twice_is_one_text() -> None:
    """Streams repeat: the row that claims a text is written once."""
    texts = Texts()
    react(texts)
    assert react(texts) is None
    assert len(texts.sent) == 1


class Forgetful(Texts):
    """The control: a store whose claim always succeeds."""

    def claim_message(self, tenant: Tenant, message: Message) -> bool:
        return True


def test_without_the_claim_the_same_fact_would_be_texted_twice() -> None:
    """What the claim prevents."""
    texts = Forgetful()
    react(texts)
    react(texts)
    assert len(texts.sent) == 2


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
    texts = Texts(to=to)
    message = react(texts)
    assert texts.sent == []
    assert message is not None
    assert (message.status, message.reason) == (MessageStatus.SKIPPED, reason)


def test_a_refused_text_is_recorded_with_the_carriers_code() -> None:
    """It will not be tried again."""
    texts = Texts(error=TextRefused("no", code="21211"))
    message = react(texts)
    assert message is not None
    assert (message.status, message.reason) == (MessageStatus.FAILED, "21211")


def test_an_unknown_outcome_keeps_the_claim() -> None:
    """Whether Twilio took it is not known: a second try could be a second text."""
    texts = Texts(error=Upstream("no answer"))
    with pytest.raises(Upstream):
        react(texts)
    texts.error = None
    assert react(texts) is None
    assert [message.status for message in texts.rows.values()] == [MessageStatus.SENDING]


def test_other_facts_say_nothing() -> None:
    """A changed plan is nobody's text."""
    texts = Texts()
    assert react(texts, replace(CONFIRMED, kind=FactKind.PLAN_CHANGED)) is None
    assert texts.rows == {}
