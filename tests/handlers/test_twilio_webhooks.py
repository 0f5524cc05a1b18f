"""What Twilio says is taken in if it is Twilio who says it, once, and answered with nothing."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
from chalice.test import HTTPResponse
from twilio.request_validator import RequestValidator

from chalicelib.adapters.twilio_signature import is_signed, signature_of
from chalicelib.events import FactKind
from chalicelib.notifications.keywords import Keyword, obeyed
from chalicelib.notifications.model import Message, MessageStatus
from infra.secrets import Vault
from tests.fakes import A_TWILIO_ACCOUNT
from tests.handlers.bakery import problem_of
from tests.handlers.shop_client import ACME, BEST, OUR_NUMBER, Shop

BASE = "https://track.example"
PHONE = "+12025550123"
EMPTY = b'<?xml version="1.0" encoding="UTF-8"?><Response></Response>'
SID = "SM" + "7" * 32
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def shop() -> Shop:
    return Shop()


def posted(
    shop: Shop,
    target: str,
    form: Mapping[str, str],
    *,
    token: str = A_TWILIO_ACCOUNT.auth_tokens[0],
    signed_for: str | None = None,
    **headers: str,
) -> HTTPResponse:
    """Send a form, signed by Twilio's own validator."""
    signature = RequestValidator(token).compute_signature(signed_for or BASE + target, dict(form))
    sent = {"Content-Type": FORM, "X-Twilio-Signature": signature, **headers}
    return shop.ask("POST", target, urlencode(form).encode(), key=None, idempotency_key=None, headers=sent)


def written(body: str = "1", sid: str = SID, **more: str) -> dict[str, str]:
    """A buyer's text as Twilio brings it, blank fields included."""
    return {
        "ToCountry": "US",
        "ToState": "",
        "SmsMessageSid": sid,
        "NumMedia": "0",
        "FromCity": "",
        "Body": body,
        "FromCountry": "US",
        "To": OUR_NUMBER,
        "NumSegments": "1",
        "MessageSid": sid,
        "AccountSid": A_TWILIO_ACCOUNT.account_sid,
        "From": PHONE,
        "ApiVersion": "2010-04-01",
        **more,
    }


def told(word: str, sid: str, **more: str) -> dict[str, str]:
    """What Twilio says of a text of ours."""
    return {
        "AccountSid": A_TWILIO_ACCOUNT.account_sid,
        "MessageSid": sid,
        "MessageStatus": word,
        "SmsStatus": word,
        "To": PHONE,
        "From": OUR_NUMBER,
        **more,
    }


def texted(shop: Shop) -> Message:
    """A text that the carrier took."""
    promise_id = shop.promise(recipient={"name": "Ana", "phone": PHONE})["promise_id"]
    shop.services.publish()
    [message] = shop.services.store.messages(ACME, promise_id)
    assert message.status is MessageStatus.SENT
    return message


def now(shop: Shop, message: Message) -> Message:
    found = shop.services.store.message(ACME, message.message_id)
    assert found is not None
    return found


def status_target(shop: Shop, message: Message) -> str:
    return shop.services.callbacks.url_of(ACME, message).removeprefix(BASE)


def test_a_callback_moves_the_text_on(shop: Shop) -> None:
    """Signed for the address we gave out, found by what stands in it; answered with empty TwiML."""
    message = texted(shop)
    answer = posted(shop, status_target(shop, message), told("delivered", message.sid or ""))
    assert (answer.status_code, answer.body) == (200, EMPTY)
    assert answer.headers["Content-Type"].startswith("text/xml")
    assert now(shop, message).status is MessageStatus.DELIVERED
    [shown] = shop.done("GET", f"/v1/promises/{message.subject}/messages")["data"]
    assert shown["status"] == "delivered"


def test_a_failure_is_told_to_the_merchant(shop: Shop) -> None:
    """`notification.failed` names the text and the carrier's code, and nobody's number."""
    message = texted(shop)
    shop.done("PUT", "/v1/webhooks/office", {"url": "https://shop.example/webhooks"})
    posted(shop, status_target(shop, message), told("undelivered", message.sid or "", ErrorCode="30005"))
    assert now(shop, message).reason == "30005"
    facts = [fact for _, row in shop.services.store.outbox for fact in row]
    [failed] = [fact for fact in facts if fact.kind is FactKind.NOTIFICATION_FAILED]
    assert failed.data == {
        "message_id": message.message_id,
        "message": "promise_confirmed",
        "status": "undelivered",
        "reason": "30005",
        "class": "bad_number",
    }
    shop.services.publish()
    shop.services.deliver()
    assert any(b"notification.failed" in posted.body for posted in shop.services.world.posted)


def test_replayed_callbacks_change_nothing(shop: Shop) -> None:
    """B13: the same form again, and an older one behind it, are 200 and no more."""
    message = texted(shop)
    target = status_target(shop, message)
    for word in ("delivered", "delivered", "sent", "queued", "failed"):
        assert posted(shop, target, told(word, message.sid or "")).status_code == 200
    row = now(shop, message)
    assert (row.status, row.version) == (MessageStatus.DELIVERED, message.version + 1)


@pytest.mark.parametrize(
    ("form", "o"),
    [
        ({"MessageSid": "SM7"}, None),
        ({"MessageStatus": "Delivered!"}, None),
        ({"MessageStatus": "teleported"}, None),
        ({"MessageSid": ""}, None),
        ({}, "A" * 40),
    ],
)
def test_signed_nonsense_is_done_with(shop: Shop, form: dict[str, str], o: str | None) -> None:
    """Signatures do not part names from values: a field counts in its own shape only. Nothing comes again."""
    message = texted(shop)
    target = status_target(shop, message) if o is None else f"/twilio/status?o={o}"
    answer = posted(shop, target, told("delivered", message.sid or "") | form)
    assert (answer.status_code, answer.body) == (200, EMPTY)
    assert now(shop, message) == message


BOTH = ["/twilio/inbound", "/twilio/status?o=" + "A" * 40]


@pytest.mark.parametrize("target", BOTH)
def test_b13_what_twilio_did_not_sign_is_refused(shop: Shop, target: str) -> None:
    """B13: no signature, a wrong one, one for another address or account: 403, and nothing is looked up."""
    form = written()
    refusals = [
        posted(shop, target, form, **{"X-Twilio-Signature": ""}),
        posted(shop, target, form, **{"X-Twilio-Signature": "AAAA"}),
        posted(shop, target, form, token="another"),
        posted(shop, target, form, signed_for="https://evil.example/twilio/inbound"),
        posted(shop, target, form, signed_for=f"http://track.example{target}"),
        posted(shop, target, form | {"AccountSid": "AC" + "9" * 32}),
        posted(shop, target, form, Host="evil.example", signed_for=f"https://evil.example{target}"),
    ]
    for answer in refusals:
        assert answer.status_code == 403
        assert problem_of(answer)["code"] == "signature_invalid"
    assert shop.services.store.phones.arrived == {}


@pytest.mark.parametrize("target", BOTH)
@pytest.mark.parametrize(
    "media_type", ["application/json", "", "multipart/form-data; boundary=x", "text/plain"]
)
def test_b13_only_forms_are_taken(shop: Shop, target: str, media_type: str) -> None:
    """B13: JSON, which Twilio may send elsewhere, is 415."""
    answer = posted(shop, target, written(), **{"Content-Type": media_type})
    assert answer.status_code == 415
    assert problem_of(answer)["code"] == "unsupported_media_type"


def test_b13_ten_thousand_fields_are_refused_unread(shop: Shop) -> None:
    """B13: signed or not."""
    form = {f"f{number}": "" for number in range(10_000)}
    assert posted(shop, "/twilio/inbound", form).status_code in (403, 413)
    form = written() | {f"f{number}": "" for number in range(190)}
    assert posted(shop, "/twilio/inbound", form).status_code == 403
    assert posted(shop, "/twilio/inbound", dict(list(form.items())[:190])).status_code == 200  # CONTROL


def test_b13_a_forgery_is_refused_without_asking_the_store(shop: Shop) -> None:
    """B13: what anybody may send costs an HMAC, no read and no write."""

    class Untouchable:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(f"{name} was asked for")

    shop.services.store = Untouchable()  # type: ignore[assignment]
    assert posted(shop, "/twilio/inbound", written(), token="another").status_code == 403


def test_a_charset_beside_the_form_is_as_good(shop: Shop) -> None:
    """Twilio says `; charset=utf-8`."""
    answer = posted(shop, "/twilio/inbound", written("é☂"), **{"Content-Type": f"{FORM}; charset=UTF-8"})
    assert answer.status_code == 200
    found = shop.services.phone_book.inbound(SID)
    assert found is not None
    assert found[0].body == "é☂"


def test_f36_a_token_that_was_exchanged_a_moment_ago_is_looked_up(shop: Shop) -> None:
    """F36: Twilio signs by the new one before this process has read it; the old one is good beside it."""
    vault = Vault(shop.services.parameters, "shop")
    assert posted(shop, "/twilio/inbound", written()).status_code == 200
    vault.rotate_twilio("the new one")
    shop.clock.advance(10)
    for number, token in enumerate(("the new one", A_TWILIO_ACCOUNT.auth_tokens[0])):
        sid = f"SM{number:032x}"
        assert posted(shop, "/twilio/inbound", written(sid=sid), token=token).status_code == 200
        assert shop.services.phone_book.inbound(sid) is not None


def test_f36_a_process_that_did_not_look_again_would_refuse_twilio(shop: Shop) -> None:
    """F36 control: by the token it knows alone, a valid call is refused."""
    signature = signature_of(BASE, [], "the new one")
    assert not is_signed(BASE, [], signature, shop.services.secrets.twilio.current().auth_tokens)


def test_a_text_is_stored_once_and_handed_on(shop: Shop) -> None:
    """By its MessageSid, sealed; the merchant who texted last gets a fact without a word of it."""
    message = texted(shop)
    for _ in range(3):
        assert posted(shop, "/twilio/inbound", written("after 5 please")).body == EMPTY
    [(tenant, fact)] = shop.services.store.phones.facts
    assert (tenant, fact.kind, fact.subject) == (ACME, FactKind.BUYER_REPLIED, message.subject)
    assert fact.data == {"message_sid": SID, "candidates": 1}
    [(sealed, _)] = shop.services.store.phones.arrived.values()
    assert "after" not in sealed
    assert PHONE[1:] not in sealed
    found = shop.services.phone_book.inbound(SID)
    assert found is not None
    assert (found[0].phone, found[0].body, found[1]) == (PHONE, "after 5 please", [ACME])


def test_a_text_of_nobodys_buyer_is_kept_and_handed_to_nobody(shop: Shop) -> None:
    """It may be a wrong number."""
    assert posted(shop, "/twilio/inbound", written()).status_code == 200
    assert shop.services.store.phones.facts == []
    assert SID in shop.services.store.phones.arrived


def test_stop_stops_and_start_starts(shop: Shop) -> None:
    """In the ledger of who texted this number; Twilio has answered, so we do not."""
    texted(shop)
    book = shop.services.phone_book
    for number, (word, out) in enumerate([("sToP", True), ("what?", True), ("START", False), ("end", True)]):
        answer = posted(shop, "/twilio/inbound", written(word, sid=f"SM{number:032x}"))
        assert answer.body == EMPTY
        assert book.is_opted_out(ACME, PHONE) is out
    posted(shop, "/twilio/inbound", written("START", sid=f"SM{2:032x}"))  # a replay
    assert book.is_opted_out(ACME, PHONE)
    promise_id = shop.promise(recipient={"name": "Ana", "phone": PHONE})["promise_id"]
    shop.services.publish()
    [message] = shop.done("GET", f"/v1/promises/{promise_id}/messages")["data"]
    assert (message["status"], message["reason"]) == ("skipped", "opted_out")


def test_what_twilio_takes_for_a_keyword_is_one(shop: Shop) -> None:
    """`OptOutType` comes with Advanced Opt-Out, in whatever language the buyer wrote."""
    texted(shop)
    posted(shop, "/twilio/inbound", written("parar", OptOutType="STOP"))
    assert shop.services.phone_book.is_opted_out(ACME, PHONE)


def test_the_ledger_is_each_merchants_own(shop: Shop) -> None:
    """A merchant that never texted a number has nothing to stop."""
    texted(shop)
    posted(shop, "/twilio/inbound", written("STOP"))
    assert not shop.services.phone_book.is_opted_out(BEST, PHONE)


@pytest.mark.parametrize(
    ("body", "keyword"),
    [
        ("STOP", Keyword.STOP),
        (" quit\n", Keyword.STOP),
        ("Unstop", Keyword.START),
        ("info", Keyword.HELP),
        ("CANCEL", Keyword.STOP),
        ("yes", Keyword.START),
        ("stop please", None),
        ("cancel.", None),
        ("Stopp", None),
        ("", None),
    ],
)
def test_keywords_are_whole_texts(body: str, keyword: Keyword | None) -> None:
    """As carriers match them."""
    assert obeyed(body) is keyword
