"""What a conversation needs of the world: letters, orders, a way to change them, a way to answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from chalicelib.conversation.model import Talk
from chalicelib.events import Tenant
from chalicelib.notifications.inbound import Contact, Inbound
from chalicelib.notifications.model import Message
from chalicelib.notifications.ports import Addressees, MessageStore, Seal
from chalicelib.promises.changes import Promises
from chalicelib.promises.placing import Ports as PromisePorts
from chalicelib.receipts import ReceiptStore
from chalicelib.units import Timestamp


class Letters(Protocol):
    """What came in from numbers, and where the talk with each stands."""

    def inbound(self, sid: str) -> tuple[Inbound, Sequence[Tenant]] | None:
        """A text that came in, and whose buyer may have written it; `BadToken` if it opens no more."""
        ...

    def contacts(self, phone: str, senders: Sequence[str]) -> Sequence[Contact]:
        """What a number was texted about from one of these, the latest first."""
        ...

    def is_opted_out(self, tenant: Tenant, phone: str) -> bool:
        """Whether a number wants nothing from a merchant."""
        ...

    def opt_out(self, tenant: Tenant, phone: str, at: Timestamp) -> None:
        """Write down that a number wants nothing from a merchant."""
        ...

    def opt_in(self, tenant: Tenant, phone: str, at: Timestamp) -> None:
        """Write down that a number may be texted by a merchant again."""
        ...

    def talk(self, phone: str, sender: str) -> Talk:
        """How the talk between two numbers stands; strongly consistent."""
        ...

    def save_talk(self, phone: str, sender: str, talk: Talk, *, at: Timestamp) -> bool:
        """Write it as the version that follows its own; False if it moved."""
        ...


class Posting(Protocol):
    """Has a text sent once for its id."""

    def post(self, tenant: Tenant, message: Message, now: Timestamp) -> Message | None:
        """None if it was under way before."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """All of it together.

    Attributes
    ----------
    business_now
        A merchant's own time.
    tracking_url
        A buyer's page, by its token.
    support_phone
        Where a merchant's buyers may call.
    """

    letters: Letters
    messages: MessageStore
    receipts: ReceiptStore
    promise_ports: PromisePorts
    promises: Promises
    addressees: Addressees
    posting: Posting
    seal: Seal
    business_now: Callable[[Tenant], Timestamp]
    tracking_url: Callable[[str], str]
    support_phone: Callable[[Tenant], str | None]
