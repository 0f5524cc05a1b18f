"""How often a text asks the store, from the fact to the carrier's last word: this is what a text costs.

Calls are counted, not timed: whoever adds one finds out here. The whole way runs on moto's table.
"""

from collections import Counter
from typing import Any, Final

import boto3
import pytest

from chalicelib.adapters.addressees import PromiseAddressees
from chalicelib.adapters.phone_book import PhoneBook
from chalicelib.adapters.sealing import Sealer
from chalicelib.adapters.secrets import Fixed
from chalicelib.events import Actor, Fact, FactKind
from chalicelib.fleet.ids import promise_id
from chalicelib.fleet.planning import Planner
from chalicelib.merchants.model import Merchant
from chalicelib.motion.store import MotionChanges
from chalicelib.notifications.callbacks import Callbacks
from chalicelib.notifications.caps import TextCaps, TextLimiter
from chalicelib.notifications.carrier import Outgoing, Sighting, Taken
from chalicelib.notifications.model import MessageKind, MessageStatus
from chalicelib.notifications.pace import Pace
from chalicelib.notifications.policy import StillWanted
from chalicelib.notifications.progress import Moment, Progress
from chalicelib.notifications.sending import Ports, Sending
from chalicelib.notifications.service import Notifications
from chalicelib.promises.model import Standing
from chalicelib.routing.model import TimeWindow
from chalicelib.routing.travel_times import StraightLine
from tests.adapters.conftest import ACCOUNT, NewStore
from tests.fakes_texts import FakeTextQueue
from tests.promises.shop import CALM, at
from tests.promises.store_contract import ACME, a_promise

STOPS: Final = 30
NOW: Final = at(9)
LATER: Final = TimeWindow(start=at(10), end=at(10, 30))
PLENTY: Final = TextCaps(number=1000, prefix=1000, country=1000, merchant=1000)


class Carrier:
    """Takes every text."""

    def __init__(self) -> None:
        self.texts: list[Outgoing] = []

    def send(self, text: Outgoing) -> Taken:
        self.texts.append(text)
        return Taken(sid=f"SM{len(self.texts):032x}")

    def sent_to(self, to: str) -> list[Sighting]:
        return []

    def sighting(self, sid: str) -> None:
        return None

    def forget(self, sid: str) -> None:
        return None


class Office:
    """A van's buyers who are to be told of a delay, and all that tells them, on one table."""

    def __init__(self, new_store: NewStore) -> None:
        self.asked = Counter[str]()
        client = boto3.client("dynamodb", **ACCOUNT)
        client.meta.events.register("before-call.dynamodb", self._count)
        store = new_store(client)
        store.put_merchant(Merchant(tenant=ACME, brand="Acme", sms_countries=("US",)))
        late = [
            a_promise(stop_id, standing=Standing.AT_RISK, foreseen=LATER, sequence=2)
            for stop_id in range(1, STOPS + 1)
        ]
        for promise in late:
            store.commit_motion(ACME, MotionChanges(promises=(promise,)))
        self.queue, self.carrier = FakeTextQueue(), Carrier()
        sealer = Sealer([b"k" * 32])
        book = PhoneBook(store.phones, Fixed([b"n" * 32]), sealer, own_sender=lambda: "+12025550100")
        planner = Planner(store, lambda _: StraightLine(), noise=CALM, staleness=0)
        addressees = PromiseAddressees(store, planner, lambda token: f"https://slots.example/t/{token}")
        self.progress = Progress(store, self.queue, store.reminders, book, sealer)
        self.notifications = Notifications(store, addressees, self.queue, store.reminders)
        self.store = store
        self.sending = Sending(
            Ports(
                store=store,
                addressees=addressees,
                sender=self.carrier,
                policy=StillWanted(book, store),
                pace=Pace(store.senders, segments_per_second=100),
                limiter=TextLimiter(store, caps=PLENTY, hide=sealer.derive),
                phone_book=book,
                progress=self.progress,
                callbacks=Callbacks(sealer, base_url="https://slots.example"),
                seal=sealer,
                segments=lambda _: 1,
                jitter=lambda: 0.5,
            )
        )

    def _count(self, model: Any, **_: Any) -> None:
        self.asked[model.name] += 1

    def react(self) -> list[str]:
        """Tell everybody of the delay; gives the texts."""
        facts = [
            Fact(
                kind=FactKind.PROMISE_EXPECTED,
                at=NOW,
                actor=Actor.SYSTEM,
                subject=promise_id(stop_id),
                sequence=2,
                data={},
            )
            for stop_id in range(1, STOPS + 1)
        ]
        self.asked.clear()
        made = self.notifications.react(ACME, facts, NOW)
        assert {message.kind for message in made if message} == {MessageKind.DELAYED}
        return [message_id for _, message_id, _ in self.queue.taken()]

    def send(self, message_id: str) -> None:
        """Send a text, and count what that asks."""
        self.asked.clear()
        message = self.sending.look(ACME, message_id, Moment(now=NOW, system_now=NOW))
        assert message is not None
        assert message.status is MessageStatus.SENT

    def hear(self, message_id: str, word: str) -> None:
        """Let the carrier say what became of a text."""
        message = self.store.message(ACME, message_id)
        assert message is not None
        self.asked.clear()
        at_once = Moment(now=NOW, system_now=NOW)
        self.progress.hear(ACME, message_id, at_once, sid=message.sid or "", word=word, code=None)


@pytest.fixture
def office(new_store: NewStore) -> Office:
    return Office(new_store)


def test_texts_of_a_route_are_decided_with_a_write_each(office: Office) -> None:
    """One read for all, what reminds of them in two requests, and nothing else of the store."""
    assert len(office.react()) == STOPS
    assert office.asked == {"BatchGetItem": 1, "BatchWriteItem": 2, "PutItem": STOPS}


def test_a_text_is_sent_with_eleven_calls(office: Office) -> None:
    """Its row; the claim; buyer, opt-outs and other texts; two counts and its turn; whom it went to; that it
    is being sent; that it was, with whose the carrier's id is and what the buyer knows now.
    """
    for message_id in office.react()[:3]:  # the first finds its sender idle, the second finds that out
        office.send(message_id)
    assert office.asked == {
        "GetItem": 1,
        "PutItem": 3,
        "BatchGetItem": 2,
        "Query": 1,
        "UpdateItem": 3,
        "TransactWriteItems": 1,
    }
    assert len(office.carrier.texts) == 3


def test_words_that_say_nothing_new_are_not_written(office: Office) -> None:
    """That it was sent we know; that it arrived is one write, and no second one for the carrier's id."""
    message_id, *_ = office.react()
    office.send(message_id)
    office.hear(message_id, "sent")
    assert office.asked == {"GetItem": 1}
    office.hear(message_id, "delivered")
    assert office.asked == {"GetItem": 1, "PutItem": 1}
    office.hear(message_id, "delivered")
    assert office.asked == {"GetItem": 1}
