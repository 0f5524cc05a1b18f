"""F13: a message that comes again while its first run is still going on has one effect.

The second worker starts in the middle of the first one's run, at its first read, and is done before it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from chalicelib.adapters.addressees import PromiseAddressees
from chalicelib.adapters.dynamodb import DynamoStore
from chalicelib.adapters.phone_book import PhoneBook
from chalicelib.adapters.sealing import Sealer
from chalicelib.adapters.secrets import Fixed
from chalicelib.adapters.solver_process import SolverProcess
from chalicelib.adapters.sqs import PlanJobs
from chalicelib.dispatch.model import Work
from chalicelib.dispatch.service import Dispatch
from chalicelib.events import Tenant
from chalicelib.fleet.planning import Planner
from chalicelib.handlers import workers
from chalicelib.merchants.model import Merchant
from chalicelib.notifications.callbacks import Callbacks
from chalicelib.notifications.caps import TextCaps, TextLimiter
from chalicelib.notifications.carrier import Outgoing, Sighting, Taken
from chalicelib.notifications.pace import Pace
from chalicelib.notifications.policy import StillWanted
from chalicelib.notifications.progress import Moment, Progress
from chalicelib.notifications.sending import Ports, Sending
from chalicelib.notifications.service import Notifications
from chalicelib.routing.travel_times import StraightLine
from chalicelib.settings import Stage
from infra.sandbox.consumers import QueuePoller
from infra.sandbox.emulator import Emulator
from infra.sandbox.resources import Resources
from tests.builders import CALM
from tests.fakes import A_VAULT, FakeClock
from tests.fakes_texts import InMemoryPhones
from tests.faults.nursery import fresh_name
from tests.promises.shop import TENANT, TODAY, Shop, at
from tests.store_faults import drop_claims

if TYPE_CHECKING:
    from chalicelib.adapters.dynamodb.phones import PhoneRows

NOW = at(6)
STAGE = SimpleNamespace(stage=Stage.SANDBOX)


@pytest.fixture
def resources(emulator: Emulator) -> Resources:
    """A table and a queue of the test's own."""
    return emulator.create(fresh_name("visibility"))


@dataclass(slots=True, kw_only=True)
class Worker:
    """One instance of the workers, with a client of its own.

    Attributes
    ----------
    meanwhile
        Done once, when it is about to read.
    """

    name: str
    emulator: Emulator
    resources: Resources
    story: list[str]
    meanwhile: Callable[[], object] = lambda: None
    client: Any = field(init=False)
    store: DynamoStore = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.emulator.client("dynamodb")
        for operation in ("GetItem", "BatchGetItem", "PutItem"):
            self.client.meta.events.register(f"after-call.dynamodb.{operation}", self._interrupted)
        table = self.resources.table_name
        self.store = DynamoStore(
            self.client, table=table, vault=A_VAULT, clock=FakeClock(), pause=lambda _: None
        )

    def _interrupted(self, **_: Any) -> None:
        meanwhile, self.meanwhile = self.meanwhile, lambda: None
        meanwhile()

    def improve(self, event: Any) -> Any:
        self.story.append(f"{self.name} begins")
        services: Any = SimpleNamespace(
            settings=STAGE, business_now=lambda _: NOW, dispatch=self.dispatch(), store=self.store
        )
        answer = workers.improve(event, services)
        self.story.append(f"{self.name} ends")
        return answer

    @property
    def planner(self) -> Planner:
        return Planner(self.store, lambda _: StraightLine(), noise=CALM, staleness=0)

    @property
    def addressees(self) -> PromiseAddressees:
        return PromiseAddressees(self.store, self.planner, lambda token: f"https://slots.example/t/{token}")

    def dispatch(self) -> Dispatch:
        return Dispatch(
            self.store,
            self.planner,
            engine=SolverProcess,
            new_number=count(1).__next__,
            clock=lambda: 0.0,
            pause=lambda _: None,
        )

    def publish(self, event: Any) -> Any:
        sqs, url = self.emulator.client("sqs"), self.resources.improve_queue_url
        services: Any = SimpleNamespace(
            settings=STAGE,
            clock=FakeClock(),
            business_now=lambda _, system_now: NOW,
            store=self.store,
            dispatch=self.dispatch(),
            plan_jobs=PlanJobs(sqs, urls={Work.IMPROVE: url}),
            webhooks=SimpleNamespace(publish=lambda *_: []),
            access=SimpleNamespace(prepare=lambda *_: None),
            watch=SimpleNamespace(expect=lambda *_: None),
            notifications=Notifications(self.store, self.addressees, self, self.store.reminders),
        )
        return workers.publish_facts(event, services)

    def look_at_all(self, tenant: Tenant, delays: Mapping[str, int]) -> None:
        """Be asked for several at once."""
        for message_id in delays:
            self.look(tenant, message_id)

    def look(self, tenant: Tenant, message_id: str, *, delay: int = 0) -> None:
        """Be the queue of texts, and its worker at once."""
        sealer, nobody = Sealer([b"k" * 32]), InMemoryPhones()
        book = PhoneBook(cast("PhoneRows", nobody), Fixed([b"n" * 32]), sealer, own_sender=lambda: "")
        plenty = TextCaps(number=9, prefix=9, country=9, merchant=9)
        sending = Sending(
            Ports(
                store=self.store,
                addressees=self.addressees,
                sender=self,
                policy=StillWanted(book, self.store),
                pace=Pace(self.store.senders, segments_per_second=100),
                limiter=TextLimiter(self.store, caps=plenty, hide=sealer.derive),
                phone_book=book,
                progress=Progress(self.store, self, self.store.reminders, book, sealer),
                callbacks=Callbacks(sealer, base_url="https://slots.example"),
                seal=sealer,
                segments=lambda _: 1,
                jitter=lambda: 0.0,
            )
        )
        sending.look(tenant, message_id, Moment(now=NOW, system_now=NOW))

    def send(self, text: Outgoing) -> Taken:
        """Take a text, as the carrier does."""
        self.story.append(f"{self.name} texts")
        return Taken(sid=f"SM-{self.name}")

    def sent_to(self, to: str) -> list[Sighting]:
        return []

    def sighting(self, sid: str) -> None:
        return None

    def forget(self, sid: str) -> None:
        return None

    def poll(self) -> int:
        sqs, url = self.emulator.client("sqs"), self.resources.improve_queue_url
        return QueuePoller(sqs=sqs, queue_url=url, function=self.improve, batch_size=10).poll()


@pytest.fixture
def pair(emulator: Emulator, resources: Resources) -> tuple[Worker, Worker]:
    """Two workers, the second of which gets its turn in the middle of the first one's run."""
    story: list[str] = []
    first, second = (
        Worker(name=name, emulator=emulator, resources=resources, story=story) for name in ("one", "two")
    )
    return first, second


def booked(worker: Worker) -> Shop:
    """A shop that has promised something, and texts numbers that nobody has, which are American."""
    worker.store.put_merchant(Merchant(tenant=TENANT, brand="Ribeira Wines", sms_countries=("US",)))
    shop = Shop(store=worker.store)
    shop.buy(at(10))
    return shop


def rows_of(worker: Worker) -> list[Any]:
    items = worker.emulator.client("dynamodb").scan(TableName=worker.resources.table_name)["Items"]
    return sorted(items, key=lambda item: (item["pk"]["S"], item["sk"]["S"]))


def left_in(worker: Worker, queue_url: str) -> int:
    asked = {"QueueUrl": queue_url, "AttributeNames": ["All"]}
    counts = worker.emulator.client("sqs").get_queue_attributes(**asked)["Attributes"]
    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    return sum(int(counts[name]) for name in names)


def enqueue(worker: Worker, *, visibility: int | None = None) -> None:
    sqs, url = worker.emulator.client("sqs"), worker.resources.improve_queue_url
    if visibility is not None:
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": str(visibility)})
    PlanJobs(sqs, urls={Work.IMPROVE: url}).send(TENANT, f"porto/{TODAY}", Work.IMPROVE, request="r")


def test_f13_job_that_comes_again_while_it_runs_has_one_effect(pair: tuple[Worker, Worker]) -> None:
    """F13: both look, nothing that was sold moves, the job is gone and nobody calls it poison."""
    first, second = pair
    booked(first)
    enqueue(first, visibility=0)
    before = rows_of(first)
    first.meanwhile = second.poll
    assert first.poll() == 1
    assert first.story == ["one begins", "two begins", "two ends", "one ends"]
    assert rows_of(first) == before
    resources = first.resources
    assert [
        left_in(first, url) for url in (resources.improve_queue_url, resources.improve_dead_letters_url)
    ] == [0, 0]


def test_f13_declared_visibility_keeps_the_second_worker_away(pair: tuple[Worker, Worker]) -> None:
    """Control: with the queue as it is declared nobody else gets the job, so the run above was the fault."""
    first, second = pair
    booked(first)
    enqueue(first)
    first.meanwhile = second.poll
    assert first.poll() == 1
    assert first.story == ["one begins", "one ends"]


def handed_twice(first: Worker, second: Worker) -> list[str]:
    """Who texted, when the facts of a booking came again between the first one's claim and its text."""
    booked(first)
    items = [
        item for item in rows_of(first) if "#OUTBOX#" in item["pk"]["S"] and "promise." in item["facts"]["S"]
    ]
    changes = [{"NewImage": item, "SequenceNumber": "1"} for item in items]
    records = [
        {"eventName": "INSERT", "eventSource": "aws:dynamodb", "dynamodb": change} for change in changes
    ]
    event = {"Records": records}
    assert len(records) == 1
    first.meanwhile = lambda: second.publish(event)
    assert first.publish(event) == {"batchItemFailures": []}
    return first.story


def test_f13_facts_that_come_again_while_they_are_told_make_one_text(pair: tuple[Worker, Worker]) -> None:
    """F13: whoever claims the text first sends it, and one planning job is asked for."""
    assert len(handed_twice(*pair)) == 1
    assert left_in(pair[0], pair[0].resources.improve_queue_url) == 1


def test_f13_without_the_claim_facts_that_come_again_make_two_texts(pair: tuple[Worker, Worker]) -> None:
    """Control: the condition on the claim taken away, the buyer is texted twice."""
    for worker in pair:
        drop_claims(worker.client)
    assert len(handed_twice(*pair)) == 2
