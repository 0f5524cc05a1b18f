"""Whether a text may still go, in its plainest form: somebody wants it, nobody took that back, it is true.

Asked within the claim, right before the carrier is: what was so when the text was written may be so no more.
Weak point: hours and budgets are not looked at here.
"""

from chalicelib.events import Tenant
from chalicelib.notifications.kinds import usefulness_of
from chalicelib.notifications.model import Addressee, Message, Silence
from chalicelib.notifications.ports import PhoneBook, Wait
from chalicelib.notifications.service import silence_of
from chalicelib.units import Timestamp


class StillWanted:
    """See `ports.Policy`."""

    def __init__(self, phone_book: PhoneBook) -> None:
        self._phone_book = phone_book

    def verdict(
        self, tenant: Tenant, message: Message, to: Addressee, now: Timestamp
    ) -> Silence | Wait | None:
        """Why it must not go; it never waits."""
        if to.cancelled and not usefulness_of(message.kind).outlives:
            return Silence.NOT_TRUE
        silence = silence_of(to)
        if silence is None and to.phone is not None and self._phone_book.is_opted_out(tenant, to.phone):
            return Silence.OPTED_OUT
        return silence
