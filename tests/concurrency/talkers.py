"""What racers do with texts: take one in, act on it, send one, hear what became of it.

Each process puts its own conversation and sender together, on its own client: nothing is shared but the
table. The carrier is in the process and takes everything, and each task says how often it was called. Weak
point: the queue brings nothing; whoever wants a text sent looks at it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chalicelib.adapters.addressees import PromiseAddressees
from chalicelib.adapters.dynamodb import DynamoStore
from chalicelib.adapters.phone_book import PhoneBook
from chalicelib.adapters.sealing import Sealer
from chalicelib.adapters.secrets import Fixed
from chalicelib.conversation.ports import Ports as TalkPorts
from chalicelib.conversation.service import Conversation
from chalicelib.events import Actor, Tenant
from chalicelib.notifications.callbacks import Callbacks
from chalicelib.notifications.caps import TextCaps, TextLimiter
from chalicelib.notifications.carrier import Outgoing, Sighting, Taken
from chalicelib.notifications.inbound import Inbound, Inbox
from chalicelib.notifications.model import MessageStatus
from chalicelib.notifications.pace import Pace
from chalicelib.notifications.policy import StillWanted
from chalicelib.notifications.progress import Moment, Progress
from chalicelib.notifications.sending import Ports, Sending
from chalicelib.notifications.service import Notifications
from chalicelib.promises.model import Change, ChangeKind, Offer
from chalicelib.units import Seconds, StopId, Timestamp
from tests.concurrency.racers import Desk, Outcome, receipt

OUR_NUMBER = "+15005550006"
SID = f"SM{7:032x}"  # of whatever text a carrier takes in a race
_SEALER = Sealer([b"k" * 32])
_PLENTY = TextCaps(number=1000, prefix=1000, country=1000, merchant=1000)


@dataclass
class Carrier:
    """Takes every text, under the same id: a race is about one."""

    taken: list[Outgoing] = field(default_factory=list)

    def send(self, text: Outgoing) -> Taken:
        self.taken.append(text)
        return Taken(sid=SID)

    def sent_to(self, to: str) -> Sequence[Sighting]:
        return []

    def sighting(self, sid: str) -> Sighting | None:
        return None

    def forget(self, sid: str) -> None:
        pass


class NoQueue:
    """Forgets whatever it is given."""

    def look(self, tenant: Tenant, message_id: str, *, delay: Seconds = 0) -> None:
        pass

    def look_at_all(self, tenant: Tenant, delays: Mapping[str, Seconds]) -> None:
        pass


class Talking:
    """Everything that texts need, on one store; it is always `now`."""

    def __init__(self, store: DynamoStore, now: Timestamp) -> None:
        self.store, self.moment = store, Moment(now=now, system_now=now)
        desk, queue = Desk(store), NoQueue()
        ports = desk.ports
        self.book = PhoneBook(store.phones, Fixed([b"n" * 32]), _SEALER, own_sender=lambda: OUR_NUMBER)
        self.inbox = Inbox(self.book, business_now=lambda _: now)
        addressees = PromiseAddressees(
            store, ports.planner, lambda token: f"https://slots.example/t/{token}", letters=lambda: self.book
        )
        self.notifications = Notifications(store, addressees, queue, store.reminders)
        self.conversation = Conversation(
            TalkPorts(
                letters=self.book,
                messages=store,
                receipts=store,
                promise_ports=ports,
                promises=desk.promises,
                addressees=addressees,
                posting=self.notifications,
                seal=_SEALER,
                business_now=lambda _: now,
                tracking_url=lambda token: f"https://slots.example/t/{token}",
                support_phone=lambda _: None,
            )
        )
        self.carrier = Carrier()
        self.progress = Progress(store, queue, store.reminders, self.book, _SEALER)
        self.sending = Sending(
            Ports(
                store=store,
                addressees=addressees,
                sender=self.carrier,
                policy=StillWanted(self.book, store),
                pace=Pace(store.senders, segments_per_second=1000),
                limiter=TextLimiter(store, caps=_PLENTY, hide=_SEALER.derive),
                phone_book=self.book,
                progress=self.progress,
                callbacks=Callbacks(_SEALER, base_url="https://slots.example"),
                seal=_SEALER,
                segments=lambda body: 1,
                jitter=lambda: 0.0,
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrive:
    """A text comes in, as Twilio brings it."""

    inbound: Inbound
    now: Timestamp

    def run(self, desk: Desk) -> Outcome:
        arrival = Talking(desk.store, self.now).inbox.take(self.inbound, now=self.now)
        return "stored" if arrival is not None else "known", None


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """A text that came in is acted on, as the stream's consumer does."""

    tenant: Tenant
    sid: str
    now: Timestamp

    def run(self, desk: Desk) -> Outcome:
        talking = Talking(desk.store, self.now)
        kind = talking.conversation.take(self.tenant, self.sid, None, self.now, system_now=self.now)
        return "taken", kind


@dataclass(frozen=True, slots=True, kw_only=True)
class ByPage:
    """The buyer takes an offer on the page."""

    tenant: Tenant
    stop_id: StopId
    offer: Offer
    request: str
    now: Timestamp

    def run(self, desk: Desk) -> Outcome:
        change = Change(kind=ChangeKind.SLOT, offer=self.offer)
        changed = desk.promises.change(
            self.tenant,
            self.stop_id,
            change,
            self.now,
            lambda _: receipt(self.request),
            actor=Actor.BUYER,
        )
        return "refused" if changed.refusal else "changed", self.stop_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A worker looks at a text that waits; gives how often it called the carrier."""

    tenant: Tenant
    message_id: str
    now: Timestamp

    def run(self, desk: Desk) -> Outcome:
        talking = Talking(desk.store, self.now)
        talking.sending.look(self.tenant, self.message_id, talking.moment)
        return "looked", len(talking.carrier.taken)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hear:
    """The carrier says what became of a text."""

    tenant: Tenant
    message_id: str
    word: MessageStatus | str
    now: Timestamp

    def run(self, desk: Desk) -> Outcome:
        talking = Talking(desk.store, self.now)
        talking.progress.hear(
            self.tenant, self.message_id, talking.moment, sid=SID, word=str(self.word), code=None
        )
        return "heard", None
