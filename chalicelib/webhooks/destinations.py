"""Where a webhook may lead: to a public name over TLS, and never back to us or into anybody's network.

A URL is judged when it is saved, and its addresses each time before one of them is connected to. Names only:
an address has a dozen spellings (decimal, octal, short, with other digits), a name has one. Weak point: a
public address may still forward into a private network; that network's owner would have to open it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import urlsplit

from chalicelib.errors import FieldError, InvalidRequest

LONGEST_URL: Final = 1000
_URL = re.compile(r"[!-\[\]-~]+")  # visible ASCII, without a backslash, which some take for a slash
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)+(?:[a-z]{{2,63}}|xn--[a-z0-9-]{{1,58}}[a-z0-9])")
_LONGEST_NAME = 253
_NEVER_PUBLIC: Final = ("localhost", "local", "internal", "localdomain", "lan", "arpa", "onion", "alt")
_HTTPS: Final = 443
_LOOPBACK_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})

# Everything that is not a host on the public internet: IANA's registries of special purposes.
_NOT_PUBLIC_4: Final = tuple(
    IPv4Network(block)
    for block in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24"),
        *("192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
        *("224.0.0.0/4", "240.0.0.0/4"),
    )
)
_PUBLIC_6: Final = IPv6Network(
    "2000::/3"
)  # so neither ::1, mapped and translated IPv4, fc00::/7 nor fe80::/10
_NOT_PUBLIC_6: Final = tuple(
    IPv6Network(block)
    for block in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A URL, taken apart.

    Attributes
    ----------
    target
        Path and query, as they stand in a request's first line.
    loopback
        It is a sandbox's own receiver: on this machine, or it is refused.
    """

    secure: bool
    host: str
    port: int
    target: str
    loopback: bool = False

    @property
    def authority(self) -> str:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (_HTTPS if self.secure else 80) else f"{host}:{self.port}"

    def admits(self, addresses: Sequence[str]) -> bool:
        """Whether all addresses of its name are of the kind it may lead to; one that is not spoils it."""
        if self.loopback:
            return bool(addresses) and all(ip_address(each).is_loopback for each in addresses)
        return bool(addresses) and all(map(is_public, addresses))


def destination_of(url: str, *, loopback: bool = False) -> Destination:
    """Take a webhook's URL apart.

    Parameters
    ----------
    loopback
        Whether receivers on this machine are allowed, also without TLS and on any port: in a sandbox.

    Raises
    ------
    InvalidRequest
        It is no URL, or one that we do not call.
    """
    if len(url) > LONGEST_URL or not _URL.fullmatch(url):
        raise _refused("Input should be a URL of visible ASCII characters; write other names as xn--")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _refused("Input should be a URL") from None
    if "@" in parts.netloc or "#" in url:
        raise _refused("Input should be a URL without credentials and fragment")
    secure = parts.scheme == "https"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if loopback and host in _LOOPBACK_HOSTS and parts.scheme in ("http", "https"):
        return Destination(
            secure=secure, host=host, port=port or (_HTTPS if secure else 80), target=target, loopback=True
        )
    if not secure or port not in (None, _HTTPS):
        raise _refused("Input should be an https URL, on port 443")
    if len(host) > _LONGEST_NAME or not _NAME.fullmatch(host) or host.endswith(_NEVER_PUBLIC_ENDINGS):
        raise _refused("Input should be a URL with a public host name")
    return Destination(secure=True, host=host, port=_HTTPS, target=target)


_NEVER_PUBLIC_ENDINGS: Final = tuple(f".{name}" for name in _NEVER_PUBLIC)


def is_public(address: str) -> bool:
    """Whether an IP address is of a host on the public internet."""
    try:
        parsed = ip_address(address)
    except ValueError:  # with a zone, say: fe80::1%eth0
        return False
    if isinstance(parsed, IPv6Address):
        return parsed in _PUBLIC_6 and not any(parsed in block for block in _NOT_PUBLIC_6)
    return not any(parsed in block for block in _NOT_PUBLIC_4)


def _refused(why: str) -> InvalidRequest:
    return InvalidRequest("We do not call this URL.", fields=[FieldError("/url", why)])
