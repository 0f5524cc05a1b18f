"""POSTs to receivers that nobody vouches for: no address that is not public, no redirect, no waiting.

A name is resolved once and one of the very addresses that were looked at is connected to, so a name that
leads elsewhere a moment later leads nowhere; TLS and the Host header still speak of the name. Of the answer
only its first line counts: status codes 3xx are what they are, and a body of any length is heard out briefly
and thrown away. Every wait ends at one deadline, however slowly bytes drip. A library would follow, retry,
pool and resolve by itself, which is what must not happen here. Weak point: the resolver's own time-out is the
system's.
"""

import re
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from chalicelib.webhooks.destinations import Destination
from chalicelib.webhooks.model import Failure, Result

CONNECT_SECONDS: Final = 5.0
TOTAL_SECONDS: Final = 10.0
MOST_READ: Final = 65_536
_HEARD_OUT_SECONDS: Final = 1.0
_MOST_ADDRESSES: Final = 2  # that are tried: a third dead one is a dead host
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})[ \r]")
_INTERIM = 200  # below are answers before the answer


def addresses_of(host: str, port: int) -> Sequence[str]:
    """Look a name up as the system does; gives its addresses in the order in which to try them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def connected(address: str, port: int, seconds: float) -> socket.socket:
    """Connect to an address."""
    return socket.create_connection((address, port), timeout=seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Internet:
    """The ways in which the world is reached; tests have one of their own.

    Attributes
    ----------
    tls
        Makes what judges certificates.
    """

    resolve: Callable[[str, int], Sequence[str]] = addresses_of
    connect: Callable[[str, int, float], socket.socket] = connected
    tls: Callable[[], ssl.SSLContext] = field(default=ssl.create_default_context)


class _Failed(Exception):
    """There is no status; `failure` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)
        self.failure = failure


class WebhookPoster:
    """The way out: see `webhooks.ports.WayOut`.

    Parameters
    ----------
    connect_seconds, total_seconds
        Of one POST, for all that is waited for.
    """

    def __init__(
        self,
        internet: Internet,
        *,
        connect_seconds: float = CONNECT_SECONDS,
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:
        self._internet = internet
        self._connect_seconds, self._total_seconds = connect_seconds, total_seconds
        self._tls: ssl.SSLContext | None = None

    def refuses(self, destination: Destination) -> Failure | None:
        """Whether the addresses of a name can be found, and are none we do not call."""
        try:
            self._addresses(destination)
        except _Failed as failed:
            return failed.failure
        return None

    def post(self, destination: Destination, headers: Mapping[str, str], body: bytes) -> Result:
        """Send a POST and tell what came of it; never raises for what the other side does."""
        began = monotonic()
        status, failure = None, None
        try:
            status = self._status(destination, headers, body, began + self._total_seconds)
        except _Failed as failed:
            failure = failed.failure
        return Result(milliseconds=int((monotonic() - began) * 1000), status=status, failure=failure)

    def _addresses(self, destination: Destination) -> Sequence[str]:
        try:
            addresses = self._internet.resolve(destination.host, destination.port)
        except (OSError, UnicodeError):
            raise _Failed(Failure.NAME_NOT_FOUND) from None
        if not destination.admits(addresses):
            raise _Failed(Failure.ADDRESS_REFUSED)
        return addresses[:_MOST_ADDRESSES]

    def _status(
        self, destination: Destination, headers: Mapping[str, str], body: bytes, deadline: float
    ) -> int:
        try:
            with self._connection(destination, deadline) as connection:
                connection.settimeout(_left(deadline))
                connection.sendall(_request(destination, headers, body))
                status = _answered(connection, deadline)
                _hear_out(connection)
                return status
        except TimeoutError:
            raise _Failed(Failure.TIMED_OUT) from None
        except ssl.SSLError:
            raise _Failed(Failure.TLS_FAILED) from None
        except OSError:
            raise _Failed(Failure.NOT_REACHED) from None

    def _connection(self, destination: Destination, deadline: float) -> socket.socket:
        """Connect to one of the addresses that were looked at, and to no other."""
        *others, last = self._addresses(destination)
        for address in others:
            with suppress(OSError):
                return self._secured(destination, self._connect(destination, address, deadline), deadline)
        return self._secured(destination, self._connect(destination, last, deadline), deadline)

    def _connect(self, destination: Destination, address: str, deadline: float) -> socket.socket:
        seconds = min(self._connect_seconds, _left(deadline))
        return self._internet.connect(address, destination.port, seconds)

    def _secured(self, destination: Destination, plain: socket.socket, deadline: float) -> socket.socket:
        if not destination.secure:
            return plain
        self._tls = self._tls or self._internet.tls()
        try:
            plain.settimeout(_left(deadline))
            return self._tls.wrap_socket(plain, server_hostname=destination.host)
        except OSError:
            plain.close()
            raise


def _request(destination: Destination, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = [
        f"POST {destination.target} HTTP/1.1",
        f"Host: {destination.authority}",
        *(f"{name}: {text}" for name, text in headers.items()),
        f"Content-Length: {len(body)}",
        "Connection: close",
    ]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


def _answered(connection: socket.socket, deadline: float) -> int:
    """Read up to the status of the final answer."""
    heard = b""
    while len(heard) <= MOST_READ:
        status = _STATUS.match(heard)
        if status and int(status[1]) >= _INTERIM:
            return int(status[1])
        if status and b"\r\n\r\n" in heard:
            heard = heard.partition(b"\r\n\r\n")[2]
            continue
        if not status and b"\n" in heard:
            break
        connection.settimeout(_left(deadline))
        more = connection.recv(4096)
        if not more:
            break
        heard += more
    raise _Failed(Failure.BAD_ANSWER)


def _hear_out(connection: socket.socket) -> None:
    """Let the other side finish, within limits: a reset would make its success look like a failure to it."""
    until, left = monotonic() + _HEARD_OUT_SECONDS, MOST_READ
    with suppress(OSError):
        while left > 0:
            connection.settimeout(max(until - monotonic(), 0.001))
            heard = len(connection.recv(4096))
            if not heard:
                return
            left -= heard


def _left(deadline: float) -> float:
    left = deadline - monotonic()
    if left <= 0:
        raise TimeoutError
    return left
