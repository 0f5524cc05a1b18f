"""One clock for all processes: the machine's own, put right by the store's.

Every answer of DynamoDB carries its time in the `Date` header. It was given between the sending of the
request and the coming of the answer, which bounds how far our own clock can be ahead or behind; the estimate
moves only as far as the bound demands. So two workers agree on when a hold runs out to about a second, less
than the grace of a ghost, whatever their machines think. Weak point: until its first answer a process has
nothing but its own clock.
"""

from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, Final

from botocore.client import BaseClient

from chalicelib.units import Clock, Seconds, Timestamp

_SENT_AT: Final = "slotkeeper_sent_at"


class SharedClock:
    """System time as the store has it.

    Parameters
    ----------
    own
        The machine's clock.
    """

    def __init__(self, own: Clock) -> None:
        self._own = own
        self._ahead: Seconds = 0

    def system_now(self) -> Timestamp:
        """Seconds since the epoch."""
        return self._own.system_now() - self._ahead

    def listen_to(self, client: BaseClient) -> None:
        """Read the time off every answer that a DynamoDB client gets."""
        client.meta.events.register("before-call.dynamodb", self._sent)
        client.meta.events.register("after-call.dynamodb", self._answered)

    def _sent(self, context: dict[str, Any], **_: Any) -> None:
        context[_SENT_AT] = self._own.system_now()  # with the call: threads have several under way

    def _answered(self, http_response: Any, context: dict[str, Any], **_: Any) -> None:
        said = _read(getattr(http_response, "headers", {}).get("date"))
        if said is None:
            return
        least = context[_SENT_AT] - said - 1  # the header has whole seconds
        most = self._own.system_now() - said
        self._ahead = min(max(self._ahead, least), most)


@lru_cache(maxsize=2)
def _read(date: str | None) -> Timestamp | None:
    """Read a `Date` header; None if there is none or it makes no sense. Many calls share a second."""
    try:
        return int(parsedate_to_datetime(date).timestamp()) if date else None
    except ValueError:
        return None
