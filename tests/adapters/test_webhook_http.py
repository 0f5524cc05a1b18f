"""POSTs to strangers end in time, go where they should and nowhere else (B14, F20)."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

import pytest

from chalicelib.adapters.webhook_http import MOST_READ, Internet, WebhookPoster
from chalicelib.webhooks.destinations import Destination, destination_of
from chalicelib.webhooks.model import Failure, Result
from tests.webhooks.receiver import NAME, PUBLIC, Receiver, certified, misbehaving, reaching, receiving

HEADERS = {"Content-Type": "application/json", "webhook-id": "evt_1"}
BODY = b'{"type":"webhook.test"}'
SHORT = 0.3  # seconds that a test waits for what never comes


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


def here(port: int, path: str = "/in?a=1") -> Destination:
    return destination_of(f"http://127.0.0.1:{port}{path}", loopback=True)


def post(destination: Destination, internet: Internet | None = None, **given: Any) -> Result:
    return WebhookPoster(internet or Internet(), **given).post(destination, HEADERS, BODY)


def test_request_is_what_was_meant(receiver: Receiver) -> None:
    """Path and query, host, headers and body; 2xx is a delivery."""
    result = post(here(receiver.port))
    [got] = receiver.got
    assert (got.method, got.path, got.body) == ("POST", "/in?a=1", BODY)
    assert got.headers["Host"] == f"127.0.0.1:{receiver.port}"
    assert got.headers["webhook-id"] == "evt_1"
    assert (result.status, result.failure, result.delivered) == (204, None, True)


@pytest.mark.parametrize("status", [400, 401, 404, 410, 429, 500, 503])
def test_other_answers_are_told_and_are_no_delivery(receiver: Receiver, status: int) -> None:
    """The status as it was given."""
    receiver.answers.append((status, {}))
    result = post(here(receiver.port))
    assert (result.status, result.delivered) == (status, False)


def test_f20_redirect_is_not_followed(receiver: Receiver) -> None:
    """B14, too: wherever it points, nobody is asked there."""
    with receiving() as metadata:
        for status in (301, 302, 303, 307, 308):
            receiver.answers.append((status, {"Location": metadata.url}))
            result = post(here(receiver.port))
            assert (result.status, result.delivered) == (status, False)
        assert metadata.got == []


def test_f20_client_that_follows_would_ask_the_metadata_service(receiver: Receiver) -> None:
    """CONTROL: the standard library's client, told to redirect, hits what only this machine can reach."""
    with receiving() as metadata:
        receiver.answers.append((302, {"Location": metadata.url}))
        opener = build_opener(ProxyHandler({}), HTTPRedirectHandler)
        with opener.open(Request(receiver.url, BODY, HEADERS), timeout=5):
            assert len(metadata.got) == 1


class Rebinding:
    """A name that is public when it is looked at, and this machine a moment later."""

    def __init__(self, port: int) -> None:
        self.answers = [PUBLIC]
        self.port = port
        self.connected: list[str] = []

    def resolve(self, host: str, port: int) -> list[str]:
        return [self.answers.pop(0) if self.answers else "127.0.0.1"]

    def connect(self, address: str, port: int, seconds: float) -> socket.socket:
        self.connected.append(address)
        if address == PUBLIC:
            raise ConnectionRefusedError
        return socket.create_connection((address, self.port), timeout=seconds)


def test_b14_name_that_leads_elsewhere_a_moment_later_leads_nowhere() -> None:
    """DNS rebinding: the address that was looked at is the one that is connected to."""
    with receiving() as metadata:
        world = Rebinding(metadata.port)
        internet = Internet(resolve=world.resolve, connect=world.connect)
        there = destination_of("https://rebind.example/latest/meta-data/")
        assert post(there, internet).failure is Failure.NOT_REACHED
        assert world.connected == [PUBLIC]
        assert metadata.got == []


def test_b14_looking_first_and_connecting_by_name_would_ask_this_machine() -> None:
    """CONTROL: a look at the addresses, then a client that resolves the name by itself."""
    with receiving() as metadata:
        world = Rebinding(metadata.port)
        there = destination_of("https://rebind.example/latest/meta-data/")
        assert there.admits(world.resolve(there.host, there.port))
        [address] = world.resolve(there.host, there.port)  # as any client does
        with world.connect(address, 80, 5.0) as connection:
            connection.sendall(b"GET /latest/meta-data/ HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(100)
        assert len(metadata.got) == 1


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["169.254.169.254"], ["::ffff:127.0.0.1"], [PUBLIC, "10.0.0.1"], ["fd00:ec2::254"], []],
)
def test_b14_private_address_is_refused_before_anybody_is_called(addresses: list[str]) -> None:
    """At saving and at sending, also where only one of several is private."""
    with receiving() as metadata:
        world = Rebinding(metadata.port)
        internet = Internet(resolve=lambda *_: addresses, connect=world.connect)
        poster, there = WebhookPoster(internet), destination_of("https://evil.example/")
        assert poster.refuses(there) is Failure.ADDRESS_REFUSED
        assert poster.post(there, HEADERS, BODY).failure is Failure.ADDRESS_REFUSED
        assert world.connected == []
        assert metadata.got == []


def test_b14_without_the_look_a_private_address_would_be_asked() -> None:
    """CONTROL: the same way out for a destination whose addresses nobody looks at."""

    class Anywhere(Destination):
        def admits(self, addresses: object) -> bool:
            return True

    with receiving() as metadata:
        world = Rebinding(metadata.port)
        internet = Internet(resolve=lambda *_: ["127.0.0.1"], connect=world.connect)
        there = Anywhere(secure=False, host="evil.example", port=80, target="/latest/meta-data/")
        assert post(there, internet).delivered
        assert [got.path for got in metadata.got] == ["/latest/meta-data/"]


def test_name_that_is_not_found_is_told() -> None:
    """By the resolver, or because it cannot be a name."""

    def nowhere(*_: object) -> list[str]:
        raise socket.gaierror(-2, "unknown")

    there = destination_of("https://nowhere.example/")
    assert post(there, Internet(resolve=nowhere)).failure is Failure.NAME_NOT_FOUND
    assert WebhookPoster(Internet(resolve=nowhere)).refuses(there) is Failure.NAME_NOT_FOUND


def test_certificate_is_judged_by_the_name_and_not_the_address(tmp_path: Path) -> None:
    """The connection is to an address, the name is in TLS and in the Host header."""
    server, trusting = certified(tmp_path, NAME)
    with receiving(server) as receiver:
        result = post(destination_of(f"https://{NAME}/in"), reaching(receiver, trusting))
        assert result.status == 204
        assert receiver.got[0].headers["Host"] == NAME


def test_certificate_of_somebody_else_gets_nothing(tmp_path: Path) -> None:
    """Of another name, of the address only, or of nobody we trust."""
    there = destination_of(f"https://{NAME}/in")
    for number, names in enumerate([("other.example",), (PUBLIC,), (NAME,)]):
        folder = tmp_path / str(number)
        folder.mkdir()
        server, trusting = certified(folder, *names)
        tls = Internet().tls if names == (NAME,) else trusting
        with receiving(server) as receiver:
            assert post(there, reaching(receiver, tls)).failure is Failure.TLS_FAILED
            assert receiver.got == []


def drips(connection: socket.socket) -> None:
    """One byte after the other, for ever, each well before anybody's patience with a byte ends."""
    never = threading.Event()
    for byte in b"HTTP/1.1 200 OK\r\n" * 100:
        connection.sendall(bytes([byte]))
        never.wait(0.05)


def silent(connection: socket.socket) -> None:
    """Listens, and says nothing."""
    while connection.recv(4096):
        pass


@pytest.mark.parametrize("serve", [drips, silent])
def test_f20_slow_receiver_is_left_when_time_is_up(serve: Any) -> None:
    """Drip by drip or not at all: one deadline for everything."""
    with misbehaving(serve) as port:
        began = monotonic()
        assert post(here(port), total_seconds=SHORT).failure is Failure.TIMED_OUT
        assert monotonic() - began < 10  # and not for as long as it drips


def test_f20_time_out_of_each_read_alone_would_wait_for_the_last_drip() -> None:
    """CONTROL: a client whose time-out is for each read hears the first line out, slower than allowed."""
    with misbehaving(drips) as port, socket.create_connection(("127.0.0.1", port)) as connection:
        connection.settimeout(SHORT)
        heard, began = b"", monotonic()
        while b"\n" not in heard:
            heard += connection.recv(1)
        assert monotonic() - began > SHORT


def test_f20_endless_answer_is_not_read_to_its_end() -> None:
    """A status is enough; of 10 MB behind it we take 64 KB at most, and the sender is cut off."""
    sent = [0]
    done = threading.Event()

    def floods(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n")
        try:
            for _ in range(10_000):
                sent[0] += connection.send(b"x" * 1000)
        finally:
            done.set()

    with misbehaving(floods) as port:
        assert post(here(port)).status == 200
        assert done.wait(5)
    assert MOST_READ < sent[0] < 10_000_000


@pytest.mark.parametrize(
    "answer",
    [b"", b"hello\r\n", b"HTTP/2 200\r\n", b"HTTP/1.1 OK\r\n", b"220 smtp.example ESMTP\r\n", b"x" * 100_000],
)
def test_what_is_no_http_is_no_delivery(answer: bytes) -> None:
    """Whatever listens there."""

    def says(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(4096)

    with misbehaving(says) as port:
        assert post(here(port)).failure is Failure.BAD_ANSWER


def test_interim_answers_are_passed_over() -> None:
    """103 and 100 come before the answer and are none."""

    def says(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")
        connection.sendall(b"HTTP/1.1 202 Accepted\r\n\r\n")

    with misbehaving(says) as port:
        assert post(here(port)).status == 202


def test_nobody_at_home_is_told(receiver: Receiver) -> None:
    """A port at which nobody listens, and a connection that is cut."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert post(here(port)).failure is Failure.NOT_REACHED
    with misbehaving(lambda connection: connection.close()) as cut:
        assert post(here(cut)).failure in (Failure.NOT_REACHED, Failure.BAD_ANSWER)


def test_second_address_is_tried_where_the_first_is_dead() -> None:
    """Two at most, of those that were looked at."""
    tried: list[str] = []

    def connect(address: str, port: int, seconds: float) -> socket.socket:
        tried.append(address)
        raise ConnectionRefusedError

    addresses = ["2606:2800:21f::1", PUBLIC, "8.8.8.8"]
    internet = Internet(resolve=lambda *_: addresses, connect=connect)
    assert post(destination_of(f"https://{NAME}/"), internet).failure is Failure.NOT_REACHED
    assert tried == addresses[:2]
