"""The stand-in for API Gateway answers as API Gateway and Lambda would."""

import http.client
import json
import socket
import threading
from collections.abc import Iterator

import pytest
from chalice.config import Config

from infra.sandbox.gateway import LARGEST_BODY, Answer, Gateway, serve
from tests.sandbox import tiny_app


@pytest.fixture(scope="module")
def gateway() -> Gateway:
    return Gateway(tiny_app.app, Config.create(lambda_timeout=28, lambda_memory_size=1769))


@pytest.fixture(scope="module")
def port(gateway: Gateway) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener, gateway), daemon=True).start()
        yield listener.getsockname()[1]


def header(answer: Answer, name: str) -> str:
    [value] = [value for known, value in answer.headers if known == name]
    return value


def said(port: int, request: bytes) -> bytes:
    """Everything the server answers to these bytes until it closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        answer = b""
        while received := connection.recv(65536):
            answer += received
    return answer


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nowhere"),
        ("GET", "/"),
        ("PATCH", "/v1/health"),
        ("HEAD", "/v1/health"),
        ("OPTIONS", "/v1/health"),
    ],
)
def test_path_or_method_nobody_declared_is_not_found_in_our_form(
    gateway: Gateway, method: str, path: str
) -> None:
    """API Gateway's own refusal is problem+json with code `not_found` and a request id."""
    answer = gateway.answer(method, path, {"authorization": "Bearer any"}, b"")
    problem = json.loads(answer.body)
    assert (answer.status, problem["status"], problem["code"]) == (404, 404, "not_found")
    assert header(answer, "Content-Type") == "application/problem+json"
    assert header(answer, "X-Request-Id") == problem["request_id"]


def test_preflight_of_a_route_with_cors_needs_no_function(gateway: Gateway) -> None:
    """A browser's preflight is answered from the route's declaration."""
    answer = gateway.answer("OPTIONS", "/v1/echo/any", {}, b"")
    assert answer.status == 200
    assert header(answer, "Access-Control-Allow-Origin") == "*"


def test_function_sees_query_body_and_a_request_id(gateway: Gateway) -> None:
    """The event carries what a real one does."""
    answer = gateway.answer(
        "POST", "/v1/echo/anna?x=1", {"content-type": "application/json"}, '{"é": 1}'.encode()
    )
    seen = json.loads(answer.body)
    assert answer.status == 201
    assert (seen["name"], seen["query"], seen["body"]) == ("anna", {"x": "1"}, '{"é": 1}')
    assert seen["request_id"]


def test_function_that_dies_is_answered_503_and_the_next_request_is_served(gateway: Gateway) -> None:
    """A dead invocation harms nobody else, and tells the caller when to come back."""
    answer = gateway.answer("GET", "/v1/break", {}, b"")
    assert answer.status == 503
    assert header(answer, "Retry-After") == "1"
    assert gateway.answer("GET", "/v1/health", {}, b"").status == 200


def test_connection_serves_many_requests(port: int) -> None:
    """Connections are kept alive."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    for body in ("one", "two"):
        connection.request("POST", "/v1/echo/a", body, {"Content-Type": "application/json"})
        first_socket = connection.sock
        assert json.loads(connection.getresponse().read())["body"] == body
        assert connection.sock is first_socket
    connection.close()


def test_chunked_body_arrives_whole(port: int) -> None:
    """A client that does not know its body's length can still send it."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    headers = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    connection.request("POST", "/v1/echo/a", iter([b"ab", b"cde"]), headers, encode_chunked=True)
    assert json.loads(connection.getresponse().read())["body"] == "abcde"
    connection.close()


def test_head_has_no_body(port: int) -> None:
    """A HEAD is answered with headers only."""
    answer = said(port, b"HEAD /v1/health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GARBAGE\r\n\r\n", b"400"),
        (b"GET /v1/health HTTP/9.9\r\n\r\n", b"400"),
        (b"POST /v1/echo/a HTTP/1.1\r\nContent-Length: many\r\n\r\n", b"400"),
        (b"POST /v1/echo/a HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"POST /v1/echo/a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", b"400"),
        (b"POST /v1/echo/a HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (LARGEST_BODY + 1), b"413"),
        (b"BREW /v1/health HTTP/1.1\r\nConnection: close\r\n\r\n", b"404"),
        (b"GET /v1/health HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", b"400"),
    ],
)
def test_bytes_that_are_no_request_are_refused_in_our_form(
    port: int, request_bytes: bytes, status: bytes
) -> None:
    """What cannot be read is refused with problem+json, never HTML, and never kills the server."""
    head, _, body = said(port, request_bytes).partition(b"\r\n\r\n")
    assert head.split()[1] == status
    assert json.loads(body)["status"] == int(status)
    assert b"application/problem+json" in head
