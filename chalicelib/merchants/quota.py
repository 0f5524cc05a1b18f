"""How many requests a key may make: a fixed window per key, shared by all processes.

Each process counts by itself and adds its count to the store's at most once a second per key, so a busy key
costs one write a second and not one per request. Weak point: between two additions a process does not see
what the others served, so together they may serve about a second's worth of requests too many.
"""

from dataclasses import dataclass
from typing import Protocol

from chalicelib.errors import Upstream
from chalicelib.units import Seconds, Timestamp

_COUNTED_KEYS = 4096  # counts a warm process keeps; beyond that it starts afresh


class RateCounter(Protocol):
    """One number per key and window, shared by all processes."""

    def add(self, key_id: str, window: Timestamp, requests: int) -> int:
        """Add to the count of the window that starts at `window`, and return the sum."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """At most `requests` in every `window` seconds."""

    requests: int
    window: Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What is left of a quota: `remaining` requests for the next `resets_in` seconds.

    `is_exceeded` says that this very request found nothing left; it was not counted.
    """

    quota: Quota
    remaining: int
    resets_in: Seconds
    is_exceeded: bool = False


@dataclass(slots=True, kw_only=True)
class _Count:
    window: Timestamp
    elsewhere_and_told: int = 0  # the store's sum when we last added to it
    untold: int = 0  # ours since then
    told_at: Timestamp = 0


class RateLimiter:
    """Counts requests per key.

    Parameters
    ----------
    counter
        The count shared between processes. When it does not answer, this process goes on by its own count.
    quota
        The same for every key.
    """

    def __init__(self, counter: RateCounter, *, quota: Quota) -> None:
        self._counter = counter
        self._quota = quota
        self._counts: dict[str, _Count] = {}

    def take(self, key_id: str, *, now: Timestamp) -> Allowance:
        """Count one request, if there is anything left for it.

        Parameters
        ----------
        now
            System time, in whole seconds.

        Notes
        -----
        O(1); one write to the store for a key's first request in a second other than its last.
        """
        quota = self._quota
        window = now - now % quota.window
        count = self._counts.get(key_id)
        if count is None or count.window != window:
            count = self._open(key_id, window=window, now=now)
        if count.untold and now > count.told_at:
            self._tell(key_id, count, now=now)
        resets_in = window + quota.window - now
        left = quota.requests - count.elsewhere_and_told - count.untold
        if left <= 0:
            return Allowance(quota=quota, remaining=0, resets_in=resets_in, is_exceeded=True)
        count.untold += 1
        return Allowance(quota=quota, remaining=left - 1, resets_in=resets_in)

    def _open(self, key_id: str, *, window: Timestamp, now: Timestamp) -> _Count:
        if len(self._counts) >= _COUNTED_KEYS:
            self._counts.clear()
        count = self._counts[key_id] = _Count(window=window, told_at=now)
        return count

    def _tell(self, key_id: str, count: _Count, *, now: Timestamp) -> None:
        count.told_at = now
        try:
            count.elsewhere_and_told = self._counter.add(key_id, count.window, count.untold)
        except Upstream:
            return  # better to serve a few too many than nobody
        count.untold = 0
