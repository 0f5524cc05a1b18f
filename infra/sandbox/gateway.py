"""Our app behind a stand-in for API Gateway: one process, one request at a time, as Lambda has it.

    python -m infra.sandbox.gateway --socket FD --app app

Several of these processes share one listening socket. Chalice's own local gateway routes, authorizes and
answers preflights; what API Gateway answers itself (no such path or method, a body too large, a function that
failed) is worded by the gateway responses of `infra/resources.json`. Connections are kept alive, each in a
thread that waits its turn. Its weak point: nothing is throttled and no request times out.
"""

import argparse
import base64
import importlib
import json
import socket
import sys
import threading
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

from chalice import Chalice
from chalice.config import Config
from chalice.local import LocalGateway

from infra.sandbox.emulator import ROOT
from infra.sandbox.resources import template

LARGEST_BODY = 10 * 1024 * 1024  # API Gateway's own limit; the app's is far lower
IDLE_SECONDS = 75.0
HEARD_OUT_SECONDS, HEARD_OUT_CHUNKS = 2.0, 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One HTTP answer, ready to be written."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Gateway:
    """Answers requests with a Chalice app the way API Gateway and Lambda would.

    Parameters
    ----------
    app
        The Chalice instance.
    config
        Chalice's configuration of the stage; the context of the function is made from it.
    """

    def __init__(self, app: Chalice, config: Config) -> None:
        self._app = app
        self._local = _Local(app, config)
        self._responses = template()["Resources"]["RestAPI"]["Properties"]["GatewayResponses"]

    def answer(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        source_ip: str = "127.0.0.1",
    ) -> Answer:
        """Return the answer to one request; a HEAD's still has its body.

        Parameters
        ----------
        target
            Path and query as sent, still escaped.
        headers
            With names in lower case.
        """
        request_id = str(uuid4())
        if not self._has(method, target):
            return self.own_answer("MISSING_AUTHENTICATION_TOKEN", request_id=request_id)
        self._local.request_id, self._local.source_ip = request_id, source_ip
        try:
            answered = self._local.handle_request(method, target, dict(headers), body or None)
        except (Exception, SystemExit):  # Lambda logs whatever a function raises, API Gateway answers
            traceback.print_exc()
            return self.own_answer("DEFAULT_5XX", request_id=request_id)
        return _read(answered)

    def own_answer(self, kind: str, *, request_id: str | None = None) -> Answer:
        """Return what API Gateway says by itself, as the template words it.

        Parameters
        ----------
        kind
            A gateway response type, `REQUEST_TOO_LARGE` for example.
        """
        known = {"context.requestId": request_id or str(uuid4())}
        response = self._responses[kind]
        [(content_type, text)] = response["ResponseTemplates"].items()
        headers = [("Content-Type", content_type)]
        for name, value in response["ResponseParameters"]["Headers"].items():
            headers.append((name, known.get(value, value.strip("'"))))
        for name, value in known.items():
            text = text.replace(f"${name}", value)
        return Answer(status=int(response["StatusCode"]), headers=headers, body=text.encode())

    def _has(self, method: str, target: str) -> bool:
        try:
            route = self._local.event_converter.create_lambda_event(method, target, {})["requestContext"]
        except ValueError:
            return False
        entries = self._app.routes[route["resourcePath"]]
        preflight = method == "OPTIONS" and any(entry.cors is not None for entry in entries.values())
        return method in entries or preflight


class _Local(LocalGateway):
    """Chalice's gateway, with what its events lack of real ones."""

    request_id = ""
    source_ip = ""

    def _generate_lambda_event(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        event: dict[str, Any] = super()._generate_lambda_event(*args, **kwargs)
        event["requestContext"]["requestId"] = self.request_id
        event["requestContext"]["identity"]["sourceIp"] = self.source_ip
        return event


def _read(answered: Mapping[str, Any]) -> Answer:
    headers = [(name, str(value)) for name, value in (answered.get("headers") or {}).items()]
    for name, values in (answered.get("multiValueHeaders") or {}).items():
        headers += [(name, str(value)) for value in values]
    body = answered.get("body") or ""
    if isinstance(body, str):
        body = base64.b64decode(body) if answered.get("isBase64Encoded") else body.encode()
    if body and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "application/json"))
    return Answer(status=answered["statusCode"], headers=headers, body=body)


class _Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = IDLE_SECONDS
    gateway: Gateway
    turn: threading.Lock

    def _pass_on(self) -> None:
        try:
            body = self._body()
        except ValueError:
            self._refuse("DEFAULT_4XX")
            return
        if body is None:
            self._refuse("REQUEST_TOO_LARGE")
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        with self.turn:
            answer = self.gateway.answer(
                self.command, self.path, headers, body, source_ip=self.client_address[0]
            )
        self._write(answer)

    def _refuse(self, kind: str) -> None:
        """Answer a body that was not read, and hear its sender out: a reset would take the answer away."""
        self.close_connection = True
        self._write(self.gateway.own_answer(kind))
        self.connection.settimeout(HEARD_OUT_SECONDS)
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            for _ in range(HEARD_OUT_CHUNKS):
                if not self.rfile.read1(65_536):
                    break

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _pass_on

    def _body(self) -> bytes | None:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self._chunked_body()
        length = int(self.headers.get("Content-Length", "0"))
        if length < 0:
            raise ValueError("negative Content-Length")
        return self.rfile.read(length) if length <= LARGEST_BODY else None

    def _chunked_body(self) -> bytes | None:
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            if not 0 < size <= LARGEST_BODY - len(body):
                return None
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():  # trailers
            pass
        return body

    def _write(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        if answer.status not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what cannot be read as a request at all, in our form instead of HTML."""
        self.close_connection = True
        self.request_version = self.protocol_version  # else no status line, as for HTTP/0.9
        unknown_method = code == HTTPStatus.NOT_IMPLEMENTED
        self._write(
            self.gateway.own_answer("MISSING_AUTHENTICATION_TOKEN" if unknown_method else "DEFAULT_4XX")
        )

    def version_string(self) -> str:
        return "slotkeeper-sandbox"

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: the app logs its requests itself."""


def serve(listener: socket.socket, gateway_of_app: Gateway) -> None:
    """Serve forever on a listening socket that other processes may share."""
    listener.setblocking(False)  # where two processes wake for one connection, one of them goes back to sleep

    class Door(_Door):
        gateway = gateway_of_app
        turn = threading.Lock()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    server.serve_forever()


def load(module: str) -> Any:
    """Import the module that holds the Chalice app and its event handlers."""
    sys.path.insert(0, str(ROOT))
    return importlib.import_module(module)


def stage_config(function: str = "api_handler") -> Config:
    """Return Chalice's configuration of one function in the sandbox."""
    declared = json.loads((ROOT / ".chalice" / "config.json").read_text("utf-8"))
    return Config(chalice_stage="sandbox", function_name=function, config_from_disk=declared)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--socket", type=int, required=True, help="file descriptor of a listening socket")
    arguments.add_argument("--app", default="app", help="module that holds the Chalice app")
    given = arguments.parse_args()
    serve(socket.socket(fileno=given.socket), Gateway(load(given.app).app, stage_config()))
