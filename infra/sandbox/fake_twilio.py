"""Twilio's Messages resource as far as we use it, held in memory.

    python -m infra.sandbox.fake_twilio --socket FD

This is its door; `twilio_texts` is what happens behind it, `twilio_webhooks` the way back. Three paths are
ours, not Twilio's: `GET /_inbox?phone=` shows the sandbox's phones, `POST /_reply` plays one that writes
back, `POST /_plan` says what goes wrong next. Weak point: what is planned goes wrong for whoever sends next,
so two who plan at once get each other's faults.
"""

import argparse
import base64
import json
import os
import re
import socket
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from infra.sandbox.twilio_texts import Messages, Refusal, Text
from infra.sandbox.twilio_webhooks import Courier

ACCOUNT_SID, AUTH_TOKENS = "FAKE_TWILIO_ACCOUNT_SID", "FAKE_TWILIO_AUTH_TOKENS"  # what it is started with
INBOUND_URL = "FAKE_TWILIO_INBOUND_URL"
SLOW_SECONDS = 20.0  # longer than anybody waits
PATH = re.compile(r"/2010-04-01/Accounts/(?P<account>\w+)/Messages(?:/(?P<sid>\w+))?\.json")


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
        if not self.messages.forget(self._resource()):
            raise self._not_found()
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
        return HTTPStatus.CREATED, self.messages.taken(text)

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
        asked = parse_qs(target.query.replace("+", "%2B"))
        query = {name: values[0] for name, values in asked.items()}
        if target.path == "/_inbox":
            return HTTPStatus.OK, self.messages.inbox(query.get("phone"))
        sid = self._resource()
        if sid is None:
            return HTTPStatus.OK, self.messages.page(query)
        if (text := self.messages.find(sid)) is None:
            raise self._not_found()
        return HTTPStatus.OK, self.messages.shown(text)

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
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
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
    clock
        Gives the moment it is at Twilio.
    """

    class Door(_Door):
        messages = Messages(account, Courier(auth_tokens), inbound_url, clock)
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
