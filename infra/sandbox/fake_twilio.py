"""Twilio's Messages resource as far as we use it, held in memory.

    python -m infra.sandbox.fake_twilio --socket FD

The magic numbers of Twilio's test credentials fail as they do there; every other number is accepted and reads
as delivered. `GET /_inbox?phone=` is ours, not Twilio's: it shows the sandbox's phones. Its weak point: it
calls nobody back. Callbacks and a plan of faults belong in `Messages.create`, before its answer.
"""

import argparse
import base64
import json
import os
import re
import secrets
import socket
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

ACCOUNT_SID, AUTH_TOKENS = "FAKE_TWILIO_ACCOUNT_SID", "FAKE_TWILIO_AUTH_TOKENS"  # what it is started with
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


@dataclass(slots=True)
class Messages:
    """Every text sent to this account, oldest first."""

    account: str
    texts: list[Text] = field(default_factory=list)

    def create(self, form: dict[str, str]) -> Text:
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
        text = Text(
            to=to,
            from_number=sender,
            body=body,
            sid=f"SM{secrets.token_hex(16)}",
            status="delivered",
            sent_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            num_segments=segments(body),
        )
        self.texts.append(text)
        return text

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
            "error_code": None,
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
    return {"to": entry.pop("to"), "from": entry.pop("from_number"), **entry}


def _bad(code: int, message: str) -> Refusal:
    return Refusal(HTTPStatus.BAD_REQUEST, code, message)


class _Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    messages: Messages
    accepted: Collection[str]

    def do_POST(self) -> None:
        self._answer_with(self._create)

    def do_GET(self) -> None:
        self._answer_with(self._read)

    def _create(self) -> tuple[HTTPStatus, dict[str, Any]]:
        length = int(self.headers.get("Content-Length", "0"))
        form = parse_qs(self.rfile.read(length).decode(), keep_blank_values=True)
        self._resource()
        text = self.messages.create({name: values[0] for name, values in form.items()})
        return HTTPStatus.CREATED, self.messages.shown(text, status="queued")

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
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: the inbox shows all that happened, and a log would hold phone numbers."""


def serve(listener: socket.socket, *, account: str, auth_tokens: Collection[str]) -> None:
    """Serve forever on a listening socket.

    Parameters
    ----------
    account, auth_tokens
        The only credentials it accepts. Twilio knows a primary and a secondary token; what is taken from the
        collection while it serves is accepted no more.
    """

    class Door(_Door):
        messages = Messages(account)
        accepted = auth_tokens

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
    )
