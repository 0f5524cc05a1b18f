"""Whether a text may still go: somebody wants it, nobody took that back, it is true, and this is the hour.

Asked within the claim, right before the carrier is: what was so when the text was written may be so no more.
Weak point: two texts about one delivery that are sent in the same moment do not see each other.
"""

from chalicelib.events import Tenant
from chalicelib.notifications.governor import IMPORTANCE, LAST_COUNTS, awake_at, is_overtaken, ruling
from chalicelib.notifications.kinds import usefulness_of
from chalicelib.notifications.model import Addressee, Message, Silence
from chalicelib.notifications.ports import MessageStore, PhoneBook, Wait
from chalicelib.notifications.reactions import is_true
from chalicelib.notifications.service import silence_of
from chalicelib.units import Timestamp


class StillWanted:
    """See `ports.Policy`."""

    def __init__(self, phone_book: PhoneBook, store: MessageStore) -> None:
        self._phone_book, self._store = phone_book, store

    def verdict(
        self, tenant: Tenant, message: Message, to: Addressee, now: Timestamp
    ) -> Silence | Wait | None:
        """Why it must not go, or until when it waits.

        Cost: for texts that are in a budget, or may be overtaken, a query of the others about their delivery.
        """
        if not is_true(message, to, now):
            return Silence.NOT_TRUE
        silence = silence_of(to)
        if silence is not None:
            return silence
        if to.phone is not None and self._phone_book.is_opted_out(tenant, to.phone):
            return Silence.OPTED_OUT
        if not usefulness_of(message.kind).asked:
            awake = awake_at(now, to.quiet, to.timezone)
            if awake >= message.expires_at:
                return Silence.QUIET_HOURS
            if awake > now:
                return Wait(until=awake)
        if message.kind not in IMPORTANCE and message.kind not in LAST_COUNTS:
            return None
        texts = self._store.messages(tenant, message.subject)
        if is_overtaken(message, texts):
            return Silence.ALREADY_TOLD
        return ruling(message.kind, [each for each in texts if each.message_id != message.message_id], now)
