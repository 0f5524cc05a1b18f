"""What the fake Twilio does with texts: takes or refuses them, lets them live, plays the phones they reach.

The magic numbers of Twilio's test credentials fail as they do there; every other number is accepted and reads
as delivered. Texts of phones are kept as well, because they can be asked to be forgotten. Weak point: one
text at a time goes through its life, so callbacks of two never mix.
"""

import re
import secrets
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit

from infra.sandbox.twilio_webhooks import Courier

# What may be planned for a text: refused for now, broken before or behind its acceptance, dropped, slow, no
# JSON, JSON of another shape. `undelivered:30003` is accepted, and ends so.
FAULTS = frozenset(
    {"429", "500", "500_after", "html503", "drop_before", "drop_after", "slow", "badshape", "no_json"}
)
ORDERS = ("in_order", "reversed", "doubled", "none")  # of callbacks
# What Twilio obeys by itself, where it is the whole text: nothing passes any more, or passes again.
_STOPS = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
_STARTS = frozenset({"START", "UNSTOP", "YES"})
_LONGEST_PAGE = 1000
E164 = re.compile(r"\+[1-9]\d{6,14}")
MAGIC_TO = {
    "+15005550001": (21211, "Invalid 'To' Phone Number: {to}"),
    "+15005550002": (21612, "The 'To' phone number: {to}, is not reachable using the 'From' number"),
    "+15005550003": (21408, "Permission to send an SMS has not been enabled for the region: {to}"),
    "+15005550004": (21610, "Attempt to send to unsubscribed recipient"),
    "+15005550009": (21614, "'To' number: {to}, is not a valid mobile number"),
}
GSM7 = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM7_EXTENSION = set("^{}\\[~]|€\f")


class Refusal(Exception):
    """An error in Twilio's words."""

    def __init__(self, status: HTTPStatus, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One text, from or to a phone."""

    to: str
    from_number: str
    body: str
    sid: str
    status: str
    sent_at: str
    num_segments: int
    callback: str | None = None
    ends: str = "delivered"
    direction: str = "outbound-api"

    @property
    def service(self) -> str | None:
        """The messaging service it was given to."""
        return self.from_number if self.from_number.startswith("MG") else None


@dataclass(slots=True)
class Plan:
    """What goes wrong next.

    Attributes
    ----------
    faults
        Of the next texts, one each; when there is none left, nothing goes wrong.
    callbacks
        In which order they come.
    """

    faults: deque[str] = field(default_factory=deque)
    callbacks: str = "in_order"

    def follow(self, form: Mapping[str, str]) -> None:
        """Take a new plan: `faults` separated by commas, and the order of `callbacks`."""
        self.faults.extend(fault for fault in form.get("faults", "").split(",") if fault)
        self.callbacks = form.get("callbacks", self.callbacks)

    def next_fault(self) -> str:
        """What is to happen to the text at hand; empty for nothing."""
        return self.faults.popleft() if self.faults else ""


@dataclass(slots=True)
class Messages:
    """Every text from and to this account, oldest first.

    Attributes
    ----------
    clock
        Gives the moment it is at Twilio.
    blocked
        Senders and phones between which nothing passes: who wrote STOP.
    """

    account: str
    courier: Courier
    inbound_url: str = ""
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    texts: list[Text] = field(default_factory=list)
    blocked: set[tuple[str, str]] = field(default_factory=set)
    plan: Plan = field(default_factory=Plan)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def create(self, form: Mapping[str, str], *, ends: str = "delivered") -> Text:
        """Take one text, or raise the `Refusal` Twilio would answer with."""
        to, body = form.get("To", ""), form.get("Body", "")
        sender = form.get("From") or form.get("MessagingServiceSid") or ""
        if not to:
            raise _bad(21604, "A 'To' phone number is required.")
        if not sender:
            raise _bad(21603, "A 'From' phone number is required.")
        if not body:
            raise _bad(21602, "Message body is required.")
        if len(body) > 1600:
            raise _bad(21617, "The concatenated message body exceeds the 1600 character limit")
        if to in MAGIC_TO:
            code, message = MAGIC_TO[to]
            raise _bad(code, message.format(to=to))
        if not E164.fullmatch(to):
            raise _bad(21211, f"Invalid 'To' Phone Number: {to}")
        if (sender, to) in self.blocked:
            raise _bad(21610, "Attempt to send to unsubscribed recipient")
        callback = form.get("StatusCallback")
        if callback is not None and not _can_be_called(callback):
            raise _bad(21609, f"The 'StatusCallback' URL {callback} is not a valid URL.")
        status = "queued" if callback else "delivered"
        return self._keep(to=to, sender=sender, body=body, status=status, callback=callback, ends=ends)

    def live(self, text: Text) -> None:
        """Let a text go its way, and tell whoever wants to know; nothing is told of its first status."""
        if text.callback is None:
            return
        end, _, code = text.ends.partition(":")
        words = [("sent", ""), (end, code)]
        with self.lock:
            self.texts[self.texts.index(text)] = replace(text, status=end)
        match self.plan.callbacks:
            case "reversed":
                words.reverse()
            case "doubled":
                words = [word for word in words for _ in range(2)]
            case "none":
                words = []
        for word, error in words:
            told = {
                **self._named(text.sid, to=text.to, sender=text.from_number),
                "MessageStatus": word,
                "SmsStatus": word,
            }
            self.courier.bring(text.callback, told | ({"ErrorCode": error} if error else {}))

    def reply(self, form: Mapping[str, str]) -> str:
        """Play a phone that writes to one of the account's numbers; gives the text's id."""
        phone, to, body = form["From"], form["To"], form["Body"]
        word = body.strip().upper()
        if word in _STOPS:
            self.blocked.add((to, phone))
        elif word in _STARTS:
            self.blocked.discard((to, phone))
        text = self._keep(to=to, sender=phone, body=body, status="received", direction="inbound")
        told = {
            **self._named(text.sid, to=to, sender=phone),
            **{f"{end}{part}": "" for end in ("From", "To") for part in ("City", "State", "Zip")},
            "FromCountry": "US",
            "ToCountry": "US",
            "SmsStatus": "received",
            "NumMedia": "0",
            "NumSegments": str(text.num_segments),
            "Body": body,
        }
        self.courier.bring(self.inbound_url, told)
        return text.sid

    def forget(self, sid: str | None) -> bool:
        """Delete a text, whoever wrote it; False if there is none.

        Raises
        ------
        Refusal
            It is on its way.
        """
        with self.lock:
            text = self.find(sid)
            if text is None:
                return False
            if text.status in ("queued", "sending"):
                detail = "Cannot delete message because delivery has not been completed."
                raise Refusal(HTTPStatus.CONFLICT, 20009, detail)
            self.texts.remove(text)
            return True

    def find(self, sid: str | None) -> Text | None:
        """One text by its id."""
        return next((text for text in self.texts if text.sid == sid), None)

    def _keep(self, *, to: str, sender: str, body: str, **more: Any) -> Text:
        text = Text(
            to=to,
            from_number=sender,
            body=body,
            sid=f"SM{secrets.token_hex(16)}",
            sent_at=self.clock().isoformat(timespec="milliseconds"),
            num_segments=segments(body),
            **more,
        )
        with self.lock:
            self.texts.append(text)
        return text

    def _named(self, sid: str, *, to: str, sender: str) -> dict[str, str]:
        return {
            "MessageSid": sid,
            "SmsSid": sid,
            "AccountSid": self.account,
            "ApiVersion": "2010-04-01",
            "From": sender,
            "To": to,
        }

    def taken(self, text: Text) -> dict[str, Any]:
        """Return a text as Twilio answers whoever sent it: a service has chosen no number for it yet."""
        if text.service is None:
            return self.shown(text) | {"status": "queued"}
        return self.shown(text) | {"status": "accepted", "num_segments": "0", "from": None}

    def shown(self, text: Text) -> dict[str, Any]:
        """Return a text as Twilio's API shows it."""
        sent = format_datetime(datetime.fromisoformat(text.sent_at))
        return {
            "account_sid": self.account,
            "api_version": "2010-04-01",
            "body": text.body,
            "date_created": sent,
            "date_sent": sent,
            "date_updated": sent,
            "direction": text.direction,
            "error_code": int(code) if (code := text.ends.partition(":")[2]) else None,
            "error_message": None,
            "from": text.from_number,
            "messaging_service_sid": text.service,
            "num_media": "0",
            "num_segments": str(text.num_segments),
            "price": None,
            "price_unit": "USD",
            "sid": text.sid,
            "status": text.status,
            "subresource_uris": {},
            "to": text.to,
            "uri": f"/2010-04-01/Accounts/{self.account}/Messages/{text.sid}.json",
        }

    def page(self, query: Mapping[str, str]) -> dict[str, Any]:
        """Return a page of the list, newest first: by `To`, `PageSize` and `Page`."""
        to, size = query.get("To"), min(int(query.get("PageSize", "50")), _LONGEST_PAGE)
        number = int(query.get("Page", "0"))
        found = [text for text in reversed(self.texts) if to in (None, text.to)]
        shown = [self.shown(text) for text in found[number * size : (number + 1) * size]]

        def uri(page: int) -> str:
            asked = {"To": to, "PageSize": str(size), "Page": str(page)}
            wanted = urlencode({name: value for name, value in asked.items() if value is not None})
            return f"/2010-04-01/Accounts/{self.account}/Messages.json?{wanted}"

        more = len(found) > (number + 1) * size
        start = number * size
        paging = {"page": number, "page_size": size, "start": start, "end": start + max(len(shown) - 1, 0)}
        links = {
            "uri": uri(number),
            "first_page_uri": uri(0),
            "next_page_uri": uri(number + 1) if more else None,
            "previous_page_uri": uri(number - 1) if number else None,
        }
        return {"messages": shown, **paging, **links}

    def inbox(self, phone: str | None) -> dict[str, Any]:
        """Return what arrived on a phone, or on all of them, oldest first."""
        arrived = [text for text in self.texts if text.direction != "inbound"]
        return {"data": [_inbox_entry(text) for text in arrived if phone in (None, text.to)]}


def segments(body: str) -> int:
    """Return how many SMS segments a body takes: GSM-7 where every character allows it, else UCS-2."""
    if all(character in GSM7 or character in GSM7_EXTENSION for character in body):
        units, one, each = sum(2 if character in GSM7_EXTENSION else 1 for character in body), 160, 153
    else:
        units, one, each = len(body.encode("utf-16-le")) // 2, 70, 67
    return 1 if units <= one else -(-units // each)


def _inbox_entry(text: Text) -> dict[str, Any]:
    entry = asdict(text)
    del entry["callback"], entry["ends"], entry["direction"]
    return {"to": entry.pop("to"), "from": entry.pop("from_number"), **entry}


def _can_be_called(url: str) -> bool:
    """Whether Twilio takes an address: of a host, without underscores in its name."""
    host = urlsplit(url).hostname
    return host is not None and "_" not in host


def _bad(code: int, message: str) -> Refusal:
    return Refusal(HTTPStatus.BAD_REQUEST, code, message)
