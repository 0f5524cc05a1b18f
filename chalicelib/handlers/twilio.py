"""What Twilio tells us, by signed forms: what became of a text, and what a buyer wrote.

Signature first, shape next, and nothing is answered that Twilio might send on: empty TwiML, at once. A form
that is signed and makes no sense to us is done with, because Twilio would only send it again. Weak point:
the fields' names are not separated in what is signed, so a field counts only in its own shape.
"""

import re
from typing import Annotated, Any, Final

from pydantic import Field

from chalicelib.adapters.twilio_signature import Form, is_signed, read_form
from chalicelib.errors import Forbidden, InvalidRequest
from chalicelib.events import Tenant
from chalicelib.handlers.endpoints import Endpoints, OpenCall
from chalicelib.handlers.http import Answer, Text
from chalicelib.handlers.wire import Query
from chalicelib.notifications.callbacks import INBOUND_PATH, STATUS_PATH
from chalicelib.notifications.inbound import Inbound
from chalicelib.notifications.keywords import Keyword
from chalicelib.notifications.progress import Moment

api = Endpoints("Twilio")

_FORM: Final = "application/x-www-form-urlencoded"
_SIGNATURE: Final = "x-twilio-signature"
_NOTHING: Final = Text(
    "text/xml; charset=utf-8", '<?xml version="1.0" encoding="UTF-8"?><Response></Response>'
)
_SID: Final = re.compile(r"[SM]M[0-9a-f]{32}", re.ASCII)
_SERVICE: Final = re.compile(r"MG[0-9a-f]{32}", re.ASCII)
_NUMBER: Final = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_SENDER: Final = re.compile(r"\+?[0-9]{3,15}", re.ASCII)
_WORD: Final = re.compile(r"[a-z_]{3,30}", re.ASCII)
_CODE: Final = re.compile(r"[1-9][0-9]{3,5}", re.ASCII)
_LONGEST_BODY: Final = 1600  # characters of a text that Twilio joins


class StatusQuery(Query):
    """What our own address said when it was given out."""

    o: Annotated[str, Field(pattern="^[A-Za-z0-9_-]{16,512}$", description="Names the text.")]
    resend: Annotated[str | None, Field(pattern="^1$", description="Set for its second try.")] = None


@api.open_endpoint(
    "POST",
    STATUS_PATH,
    query=StatusQuery,
    answers={200: "text/xml"},
    problems=("signature_invalid", "unsupported_media_type"),
)
def take_status(call: OpenCall[StatusQuery]) -> Answer:
    """Take what Twilio says became of a text. Doubled, late and shuffled callbacks do no harm."""
    services = call.build()
    url = services.callbacks.status_url(call.query.o, resent=call.query.resend is not None)
    told = _signed(call, url)
    known = services.callbacks.read(call.query.o)
    sid, word, code = told.get("MessageSid", ""), told.get("MessageStatus", ""), told.get("ErrorCode", "")
    if known is None or not _SID.fullmatch(sid) or not _WORD.fullmatch(word):
        return Answer(200, _NOTHING)
    tenant, message_id = known
    services.text_progress.hear(
        tenant,
        message_id,
        _moment(call, tenant),
        sid=sid,
        word=word,
        code=code if _CODE.fullmatch(code) else None,
    )
    return Answer(200, _NOTHING, about={"tenant": str(tenant), "message_id": message_id, "word": word})


@api.open_endpoint(
    "POST",
    INBOUND_PATH,
    answers={200: "text/xml"},
    problems=("signature_invalid", "unsupported_media_type"),
)
def take_text(call: OpenCall) -> Answer:
    """Take a text that a buyer wrote: stored once by its `MessageSid`, and answered with nothing."""
    services = call.build()
    inbound = _inbound(_signed(call, services.callbacks.inbound_url))
    if inbound is None:
        return Answer(200, _NOTHING)
    arrival = services.text_inbox.take(inbound, now=services.clock.system_now())
    about = {"message_sid": inbound.sid}
    if arrival is not None and arrival.candidates:
        about["tenant"] = str(arrival.candidates[0].tenant)
    return Answer(200, _NOTHING, about=about)


def _signed(call: OpenCall[Any], url: str) -> dict[str, str]:
    """Read a form that Twilio signed for this address; of a field that is there twice, the first.

    Raises
    ------
    InvalidRequest
        `unsupported_media_type`.
    Forbidden
        `signature_invalid`: it is not signed, or not by Twilio, or for another address or account.
    """
    if call.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise InvalidRequest("Send what Twilio sends: a form.", code="unsupported_media_type")
    signature, form = call.headers.get(_SIGNATURE, ""), read_form(call.raw)
    if not signature or form is None:
        raise _not_twilio()
    account = call.build().secrets.twilio
    known = account.current()
    if not is_signed(url, form, signature, known.auth_tokens):
        known = account.renewed()  # its token may have been exchanged just now
        if not is_signed(url, form, signature, known.auth_tokens):
            raise _not_twilio()
    told = _first(form)
    if told.get("AccountSid") != known.account_sid:
        raise _not_twilio()
    return told


def _first(form: Form) -> dict[str, str]:
    return dict(reversed(form))


def _inbound(told: dict[str, str]) -> Inbound | None:
    """Read a text; None if it did not come from a phone to a number of ours."""
    sid, phone, sender = told.get("MessageSid", ""), told.get("From", ""), told.get("To", "")
    if not (_SID.fullmatch(sid) and _NUMBER.fullmatch(phone) and _SENDER.fullmatch(sender)):
        return None
    service = told.get("MessagingServiceSid", "")
    keyword = told.get("OptOutType", "")
    return Inbound(
        sid=sid,
        phone=phone,
        senders=(sender, service) if _SERVICE.fullmatch(service) else (sender,),
        body=told.get("Body", "")[:_LONGEST_BODY],
        keyword=Keyword(keyword) if keyword in set(Keyword) else None,
    )


def _moment(call: OpenCall[Any], tenant: Tenant) -> Moment:
    services = call.build()
    system_now = services.clock.system_now()
    return Moment(now=services.business_now(tenant, system_now=system_now), system_now=system_now)


def _not_twilio() -> Forbidden:
    return Forbidden("This was not signed by Twilio for this address.", code="signature_invalid")
