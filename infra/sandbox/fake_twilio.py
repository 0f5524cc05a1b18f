"""Twilio's Messages resource as far as we use it, held in memory.

    python -m infra.sandbox.fake_twilio --socket FD

The magic numbers of Twilio's test credentials fail as they do there; every other number is accepted and reads
as delivered, and whoever asked to be told is told so by signed callbacks. Three paths are ours, not Twilio's:
`GET /_inbox?phone=` shows the sandbox's phones, `POST /_reply` plays one that writes back, `POST /_plan` says
what goes wrong next. Weak point: one text at a time goes through its life, so callbacks of two never mix.
"""

import argparse
import base64
import json
import os
import re
import secrets
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from infra.sandbox.twilio_webhooks import Courier

ACCOUNT_SID, AUTH_TOKENS = "FAKE_TWILIO_ACCOUNT_SID", "FAKE_TWILIO_AUTH_TOKENS"  # what it is started with
INBOUND_URL = "FAKE_TWILIO_INBOUND_URL"
# What may be planned for a text: refused for now, broken before or behind its acceptance, dropped, slow, no
# JSON, JSON of another shape. `undelivered:30003` is accepted, and ends so.
FAULTS = frozenset(
    {"429", "500", "500_after", "html503", "drop_before", "drop_after", "slow", "badshape", "no_json"}
)
ORDERS = ("in_order", "reversed", "doubled", "none")  # of callbacks
SLOW_SECONDS = 20.0  # longer than anybody waits
_COMPLIES = {
    "STOP": True,
    "STOPALL": True,
    "UNSUBSCRIBE": True,
    "START": False,
    "UNSTOP": False,
    "YES": False,
}
E164 = re.compile(r"\+[1-9]\d{6,14}")
PATH = re.compile(r"/2010-04-01/Accounts/(?P<account>\w+)/Messages(?:/(?P<sid>\w+))?\.json")
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
    """One text as the inbox shows it."""

    to: str
    from_number: str
    body: str
    sid: str
    status: str
    sent_at: str
    num_segments: int
    callback: str | None = None
    ends: str = "delivered"


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
    """Every text sent to this account, oldest first.

    Attributes
    ----------
    blocked
        Senders and phones between which nothing passes: who wrote STOP.
    """

    account: str
    courier: Courier
    inbound_url: str = ""
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
        text = Text(
            to=to,
            from_number=sender,
            body=body,
            sid=f"SM{secrets.token_hex(16)}",
            status="queued" if callback else "delivered",
            sent_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            num_segments=segments(body),
            callback=callback,
            ends=ends,
        )
        with self.lock:
            self.texts.append(text)
        return text

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
        complies = _COMPLIES.get(body.strip().upper())
        if complies is not None:
            (self.blocked.add if complies else self.blocked.discard)((to, phone))
        sid = f"SM{secrets.token_hex(16)}"
        told = {
            **self._named(sid, to=to, sender=phone),
            **{f"{end}{part}": "" for end in ("From", "To") for part in ("City", "State", "Zip")},
            "FromCountry": "US",
            "ToCountry": "US",
            "SmsStatus": "received",
            "NumMedia": "0",
            "NumSegments": str(segments(body)),
            "Body": body,
        }
        self.courier.bring(self.inbound_url, told)
        return sid

    def _named(self, sid: str, *, to: str, sender: str) -> dict[str, str]:
        return {
            "MessageSid": sid,
            "SmsSid": sid,
            "AccountSid": self.account,
            "ApiVersion": "2010-04-01",
            "From": sender,
            "To": to,
        }

    def shown(self, text: Text, *, status: str | None = None) -> dict[str, Any]:
        """Return a text as Twilio's API shows it."""
        sent = format_datetime(datetime.fromisoformat(text.sent_at))
        return {
            "account_sid": self.account,
            "api_version": "2010-04-01",
            "body": text.body,
            "date_created": sent,
            "date_sent": sent,
            "date_updated": sent,
            "direction": "outbound-api",
            "error_code": int(code) if (code := text.ends.partition(":")[2]) else None,
            "error_message": None,
            "from": text.from_number,
            "messaging_service_sid": text.from_number if text.from_number.startswith("MG") else None,
            "num_media": "0",
            "num_segments": str(text.num_segments),
            "price": None,
            "price_unit": "USD",
            "sid": text.sid,
            "status": status or text.status,
            "subresource_uris": {},
            "to": text.to,
            "uri": f"/2010-04-01/Accounts/{self.account}/Messages/{text.sid}.json",
        }

    def page(self, to: str | None) -> dict[str, Any]:
        """Return the list, newest first, all on one page."""
        uri = f"/2010-04-01/Accounts/{self.account}/Messages.json"
        found = [self.shown(text) for text in reversed(self.texts) if to in (None, text.to)]
        last = max(len(found) - 1, 0)
        paging = {"page": 0, "page_size": max(len(found), 50), "start": 0, "end": last}
        links = {"uri": uri, "first_page_uri": uri, "next_page_uri": None, "previous_page_uri": None}
        return {"messages": found, **paging, **links}

    def inbox(self, phone: str | None) -> dict[str, Any]:
        """Return what arrived on a phone, or on all of them, oldest first."""
        return {"data": [_inbox_entry(text) for text in self.texts if phone in (None, text.to)]}


def segments(body: str) -> int:
    """Return how many SMS segments a body takes: GSM-7 where every character allows it, else UCS-2."""
    if all(character in GSM7 or character in GSM7_EXTENSION for character in body):
        units, one, each = sum(2 if character in GSM7_EXTENSION else 1 for character in body), 160, 153
    else:
        units, one, each = len(body.encode("utf-16-le")) // 2, 70, 67
    return 1 if units <= one else -(-units // each)


def _inbox_entry(text: Text) -> dict[str, Any]:
    entry = asdict(text)
    del entry["callback"], entry["ends"]
    return {"to": entry.pop("to"), "from": entry.pop("from_number"), **entry}


def _bad(code: int, message: str) -> Refusal:
    return Refusal(HTTPStatus.BAD_REQUEST, code, message)


class _Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    messages: Messages
    accepted: Collection[str]
    slow_seconds: float
    after: Callable[[], None] = staticmethod(lambda: None)  # to be done when it is answered

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        form = parse_qs(self.rfile.read(length).decode(), keep_blank_values=True)
        told = {name: values[0] for name, values in form.items()}
        match urlsplit(self.path).path:
            case "/_plan":
                self.messages.plan.follow(told)
                self._answer_with(lambda: (HTTPStatus.OK, {}))
            case "/_reply":
                self._answer_with(lambda: (HTTPStatus.ACCEPTED, {"sid": self.messages.reply(told)}))
            case _:
                self._take(told)

    def do_GET(self) -> None:
        self._answer_with(self._read)

    def do_DELETE(self) -> None:
        self._answer_with(self._delete)

    def _delete(self) -> tuple[HTTPStatus, dict[str, Any]]:
        sid = self._resource()
        text = next((text for text in self.messages.texts if text.sid == sid), None)
        if text is None:
            raise self._not_found()
        if text.status in ("queued", "sending"):
            detail = "Cannot delete message because delivery has not been completed."
            raise Refusal(HTTPStatus.CONFLICT, 20009, detail)
        self.messages.texts.remove(text)
        return HTTPStatus.NO_CONTENT, {}

    def _take(self, told: Mapping[str, str]) -> None:
        """Take a text as the plan wants it."""
        fault = self.messages.plan.next_fault()
        match fault:
            case "drop_before":
                self._hang_up()
            case "html503":
                self._answer(HTTPStatus.SERVICE_UNAVAILABLE, b"<html>Busy</html>", "text/html")
            case "429" | "500":
                self._answer_with(lambda: self._refuse(fault))
            case "drop_after" | "500_after" | "no_json" | "badshape" | "slow":
                try:
                    self._resource()
                    text = self.messages.create(told)
                except Refusal:
                    self._answer_with(lambda: self._create(told))
                    return
                self._spoil(fault, text)
                self.messages.live(text)
            case "":
                self._answer_with(lambda: self._create(told))
            case ends:
                self._answer_with(lambda: self._create(told, ends=ends))

    def _create(
        self, told: Mapping[str, str], *, ends: str = "delivered"
    ) -> tuple[HTTPStatus, dict[str, Any]]:
        self._resource()
        text = self.messages.create(told, ends=ends)
        self.after = lambda: self.messages.live(text)
        return HTTPStatus.CREATED, self.messages.shown(text, status="queued")

    def _spoil(self, fault: str, text: Text) -> None:
        """Answer badly for a text that was taken."""
        match fault:
            case "drop_after":
                self._hang_up()
            case "500_after":
                self._answer_with(lambda: self._refuse("500"))
            case "no_json":
                self._answer(HTTPStatus.CREATED, b"<html>OK</html>", "text/html")
            case "badshape":
                self._answer(HTTPStatus.CREATED, b'{"sid": 7, "status": "teleported"}', "application/json")
            case _:
                time.sleep(self.slow_seconds)
                self._hang_up()

    def _refuse(self, fault: str) -> tuple[HTTPStatus, dict[str, Any]]:
        if fault == "429":
            raise Refusal(HTTPStatus.TOO_MANY_REQUESTS, 20429, "Too Many Requests")
        raise Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, 20500, "Internal Server Error")

    def _hang_up(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _read(self) -> tuple[HTTPStatus, dict[str, Any]]:
        target = urlsplit(self.path)
        query = parse_qs(target.query.replace("+", "%2B"))
        if target.path == "/_inbox":
            return HTTPStatus.OK, self.messages.inbox(query.get("phone", [None])[0])
        sid = self._resource()
        if sid is None:
            return HTTPStatus.OK, self.messages.page(query.get("To", [None])[0])
        for text in self.messages.texts:
            if text.sid == sid:
                return HTTPStatus.OK, self.messages.shown(text)
        raise self._not_found()

    def _resource(self) -> str | None:
        found = PATH.fullmatch(urlsplit(self.path).path)
        if found is None or found["account"] != self.messages.account:
            raise self._not_found()
        if self.headers.get("Authorization", "") not in map(self._credentials, tuple(self.accepted)):
            raise Refusal(HTTPStatus.UNAUTHORIZED, 20003, "Authenticate")
        return found["sid"]

    def _credentials(self, token: str) -> str:
        return f"Basic {base64.b64encode(f'{self.messages.account}:{token}'.encode()).decode()}"

    def _not_found(self) -> Refusal:
        path = urlsplit(self.path).path
        return Refusal(HTTPStatus.NOT_FOUND, 20404, f"The requested resource {path} was not found")

    def _answer_with(self, answer: Any) -> None:
        try:
            status, content = answer()
        except Refusal as refusal:
            status = refusal.status
            content = {
                "code": refusal.code,
                "message": refusal.message,
                "more_info": f"https://www.twilio.com/docs/errors/{refusal.code}",
                "status": status,
            }
        body = b"" if status == HTTPStatus.NO_CONTENT else json.dumps(content).encode()
        self._answer(status, body, "application/json")
        after, self.after = self.after, lambda: None
        after()

    def _answer(self, status: HTTPStatus, body: bytes, media_type: str) -> None:
        self.send_response(status)
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            self.send_header("Retry-After", "1")
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: the inbox shows all that happened, and a log would hold phone numbers."""


def serve(
    listener: socket.socket,
    *,
    account: str,
    auth_tokens: Collection[str],
    inbound_url: str = "",
    slow_seconds: float = SLOW_SECONDS,
) -> None:
    """Serve forever on a listening socket.

    Parameters
    ----------
    account, auth_tokens
        The only credentials it accepts. Twilio knows a primary and a secondary token; what is taken from the
        collection while it serves is accepted no more.
    inbound_url
        Where texts go that phones write.
    slow_seconds
        How long a slow answer takes.
    """

    class Door(_Door):
        messages = Messages(account, Courier(auth_tokens), inbound_url)
        accepted = auth_tokens

    Door.slow_seconds = slow_seconds

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    server.serve_forever()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--socket", type=int, required=True, help="file descriptor of a listening socket")
    serve(
        socket.socket(fileno=arguments.parse_args().socket),
        account=os.environ[ACCOUNT_SID],
        auth_tokens=os.environ[AUTH_TOKENS].split(","),
        inbound_url=os.environ.get(INBOUND_URL, ""),
    )
