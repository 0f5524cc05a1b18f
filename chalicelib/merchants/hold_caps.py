"""How many holds may come through publishable keys: per shopper's network, per destination, per key.

One live hold per cart binds nobody who makes carts up, so a script in a browser could hold a day empty. Holds
are rare and dear, so each is counted in the store before it is placed, by clock hours, over all processes. A
hold lives an hour at most: never more than twice a cap are live at once. What is counted, also where the slot
was gone by then, is the attempt. Weak point: a network shared by many (a mobile carrier's) shares its cap,
and a botnet is bounded by the key's only.
"""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from chalicelib.errors import RateLimited, Upstream
from chalicelib.events import Tenant
from chalicelib.merchants.quota import Quota, RateCounter
from chalicelib.units import Timestamp

_REMEMBERED = 4096  # caps that a warm process knows to be used up; beyond that it starts afresh
_IPV6_PREFIX: Final = 64  # one household's; within it an address is made up at will


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldCaps:
    """Holds placed through publishable keys, at most."""

    network: Quota
    destination: Quota
    key: Quota


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldAttempt:
    """A publishable key's wish for a hold.

    Attributes
    ----------
    source_ip
        Network address of the client as the gateway saw it; never what a header says.
    destination
        Latitude and longitude in degrees.
    """

    tenant: Tenant
    key_id: str
    source_ip: str
    destination: tuple[float, float]


class HoldLimiter:
    """Counts holds against their caps.

    Parameters
    ----------
    counter
        The counts shared between processes. When it does not answer, holds are placed uncounted: the hold
        needs the same store, so a shopper gains little by it, and a buyer loses nothing.
    hide
        Keyed hash of what is counted: who asked from where is not to be read in the store.
    """

    def __init__(self, counter: RateCounter, *, caps: HoldCaps, hide: Callable[[str, str], str]) -> None:
        self._counter, self._caps, self._hide = counter, caps, hide
        self._used_up: set[tuple[str, Timestamp]] = set()

    def take(self, attempt: HoldAttempt, *, now: Timestamp) -> None:
        """Count an attempt, narrowest cap first, so that whoever is refused takes nothing from the others.

        Parameters
        ----------
        now
            System time.

        Raises
        ------
        RateLimited
            A cap is used up until the clock hour ends.

        Notes
        -----
        Three writes to the store; none where this process knows a cap to be used up.
        """
        lat, lon = attempt.destination
        counted = (
            ("network", network_of(attempt.source_ip), self._caps.network),
            ("destination", f"{lat:.4f},{lon:.4f}", self._caps.destination),  # 11 metres: a building
            ("key", attempt.key_id, self._caps.key),
        )
        for kind, whose, quota in counted:
            window = now - now % quota.window
            name = f"hold.{kind}.{self._hide(f'holds per {kind}:{attempt.tenant}', whose)}"
            if not self._is_free(name, window, quota):
                raise RateLimited(
                    f"Too many holds were placed for this {kind}.", retry_after=window + quota.window - now
                )

    def _is_free(self, name: str, window: Timestamp, quota: Quota) -> bool:
        if (name, window) in self._used_up:
            return False
        try:
            free = self._counter.add(name, window, 1) <= quota.requests
        except Upstream:
            return True
        if not free:
            if len(self._used_up) >= _REMEMBERED:
                self._used_up.clear()
            self._used_up.add((name, window))
        return free


def network_of(source_ip: str) -> str:
    """The network an address is counted for: an IPv4 address itself, an IPv6 address's /64.

    Text that is no address counts for one network of all such.
    """
    try:
        address = ipaddress.ip_address(source_ip)
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            return str(ipaddress.ip_network((int(address), _IPV6_PREFIX), strict=False))
        address = address.ipv4_mapped
    return str(address)
