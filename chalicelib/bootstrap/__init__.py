"""The one place where adapters meet features.

`build` makes what every request needs (`essentials`); a feature is imported and made when it is first asked
for, so that a search pays for a search. Texts have a module of their own (`texts`). Weak point: everything is
made once per process and lives as long.
"""

import random
import time
from functools import cached_property
from pathlib import Path
from secrets import randbits, token_bytes, token_urlsafe
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from chalicelib.adapters.dynamodb import DynamoStore, client_config
from chalicelib.adapters.sealing import Sealer
from chalicelib.adapters.secrets import Secrets
from chalicelib.adapters.shared_clock import SharedClock
from chalicelib.adapters.travel import TravelEngines
from chalicelib.bootstrap.essentials import QUEUE_TIMES, SystemClock, aws_client, full_jitter, part
from chalicelib.bootstrap.texts import Texts
from chalicelib.events import Tenant
from chalicelib.fleet.ids import RANDOM_BITS, new_stop_id, proof_id
from chalicelib.merchants.model import CHANGE_CUTOFF_MINUTES
from chalicelib.merchants.quota import Quota, RateLimiter
from chalicelib.merchants.service import Merchants
from chalicelib.promises.search import SlotSearch
from chalicelib.routing.model import Location
from chalicelib.routing.proof import PROOF_SCENARIOS
from chalicelib.routing.uncertainty import Noise, scenarios
from chalicelib.settings import Settings
from chalicelib.units import HOUR, MINUTE, Clock, Seconds, StopId, Timestamp

if TYPE_CHECKING:
    from chalicelib.adapters.s3 import Uploads
    from chalicelib.adapters.sqs import DeliveryJobs, PlanJobs
    from chalicelib.adapters.webhook_http import Internet
    from chalicelib.conversation.service import Conversation
    from chalicelib.dispatch.service import Dispatch
    from chalicelib.erasure.service import Erasure
    from chalicelib.fleet.learning import Learning
    from chalicelib.fleet.service import Fleet
    from chalicelib.kpis.service import Kpis
    from chalicelib.merchants.hold_caps import HoldLimiter
    from chalicelib.motion.corrections import Corrections
    from chalicelib.motion.service import Motion
    from chalicelib.motion.watching import Watch
    from chalicelib.promises.access import Access
    from chalicelib.promises.booking import Booking
    from chalicelib.promises.changes import Promises
    from chalicelib.promises.choices import Counteroffers
    from chalicelib.promises.heard import Heard
    from chalicelib.promises.importing import Importing
    from chalicelib.promises.pinning import Pinning
    from chalicelib.promises.placing import Ports
    from chalicelib.promises.telling import Telling
    from chalicelib.routing.optimiser import Engine
    from chalicelib.tracking.service import Tracking
    from chalicelib.webhooks.delivery import Deliveries
    from chalicelib.webhooks.ports import WayOut
    from chalicelib.webhooks.service import Webhooks

__all__ = ["Services", "SystemClock", "build", "full_jitter"]

# A search waits for this: better to go on soon with the secrets we have.
_SECRET_TIMES = Config(
    connect_timeout=1, read_timeout=1, retries={"mode": "standard", "total_max_attempts": 2}
)
MOST_STREETS = 3000  # of a picture
_LOOKS_A_MINUTE = 600  # of one network, which may be a whole carrier's


class Services(Texts):
    """Everything handlers and workers may ask for.

    Parameters
    ----------
    store
        All stores in one: each feature sees the protocol it needs.
    internet
        How webhooks reach the world; the system's ways unless given.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock,
        store: DynamoStore,
        travel: TravelEngines,
        secrets: Secrets,
        internet: "Internet | None" = None,
    ) -> None:
        super().__init__(settings, clock=clock, store=store, travel=travel, secrets=secrets)
        self._internet = internet
        self.receipts = store
        self.search = SlotSearch(store, self.planner)
        self.merchants = Merchants(
            store, entropy=token_bytes, remember_for=settings.staleness, modes=(settings.mode,)
        )
        quota = Quota(requests=settings.requests_per_minute, window=MINUTE)
        self.rate_limiter = RateLimiter(store, quota=quota)

    def expire_due(self, tenant: Tenant, until: Timestamp) -> int:
        """Clear up behind a merchant's holds that ran out by a business time; gives how many there were."""
        done = 0
        while due := self.store.due_holds(tenant, until, limit=100):
            cleared = sum(self.booking.expire(tenant, stop_id, until) for stop_id in due)
            done += cleared
            if not cleared:
                break
        return done

    def warm(self) -> None:
        """Draw and load what the first search would wait for; of secrets, only the way to them."""
        scenarios(Noise(), PROOF_SCENARIOS).draw_all()
        self._travel.warm()
        self.secrets.connect()

    def disconnect(self) -> None:
        """Close connections that are kept; whoever asks next makes new ones."""
        self.store.disconnect()
        self.secrets.disconnect()

    @cached_property
    def hold_limiter(self) -> "HoldLimiter":
        """The caps of holds through publishable keys."""
        from chalicelib.merchants.hold_caps import HoldCaps, HoldLimiter

        settings = self.settings
        caps = HoldCaps(
            network=Quota(requests=settings.holds_per_network_hour, window=HOUR),
            destination=Quota(requests=settings.holds_per_destination_hour, window=HOUR),
            key=Quota(requests=settings.holds_per_key_hour, window=HOUR),
        )
        return HoldLimiter(self.store, caps=caps, hide=self.sealer.derive)

    @cached_property
    def booking(self) -> "Booking":
        """Holds, and what becomes of them."""
        from chalicelib.promises.booking import Booking

        return Booking(self._ports)

    @cached_property
    def promises(self) -> "Promises":
        """Promises that were made."""
        from chalicelib.promises.changes import Promises

        return Promises(self._ports, self._change_cutoff)

    @cached_property
    def counteroffers(self) -> "Counteroffers":
        """Other slots, offered to buyers unasked."""
        from chalicelib.promises.choices import Counteroffers

        return Counteroffers(self._ports)

    @cached_property
    def access(self) -> "Access":
        """How drivers get in."""
        from chalicelib.promises.access import Access
        from chalicelib.promises.doors import Doors

        return Access(self._ports, Doors(self.store.doors, self.sealer))

    @cached_property
    def telling(self) -> "Telling":
        """What buyers go by."""
        from chalicelib.promises.telling import Telling

        return Telling(self._ports)

    def _change_cutoff(self, tenant: Tenant) -> Seconds:
        """How long before its van is expected a merchant's buyers may still change a delivery."""
        merchant = self.store.get_merchant(tenant)
        return (merchant.change_cutoff_minutes if merchant else CHANGE_CUTOFF_MINUTES) * MINUTE

    @cached_property
    def importing(self) -> "Importing":
        """Orders that were promised elsewhere."""
        from chalicelib.promises.importing import Importing

        return Importing(self._ports, self.fleet.shift_place)

    @cached_property
    def pinning(self) -> "Pinning":
        """Promises that a human fixes to a shift."""
        from chalicelib.promises.pinning import Pinning

        return Pinning(self._ports, self.fleet.shift_place)

    @cached_property
    def tracking(self) -> "Tracking":
        """What buyers see."""
        from chalicelib.tracking.service import Tracking

        return Tracking(self.store, self.planner)

    @cached_property
    def heard(self) -> "Heard":
        """What buyers say."""
        from chalicelib.promises.heard import Heard

        return Heard(self._ports)

    def streets(
        self, tenant: Tenant, depot_id: str, south_west: Location, north_east: Location
    ) -> list[tuple[Location, Location]]:
        """Stretches of street within a box around a depot's customer, for drawing."""
        depot = self.store.depot(tenant, depot_id)
        return self._travel.streets(depot, south_west, north_east, most=MOST_STREETS) if depot else []

    @cached_property
    def tracking_limiter(self) -> RateLimiter:
        """How often one network may look at deliveries: a page asks a few times a minute."""
        return RateLimiter(self.store, quota=Quota(requests=_LOOKS_A_MINUTE, window=MINUTE))

    @cached_property
    def _ports(self) -> "Ports":
        from chalicelib.promises.placing import Ports

        return Ports(
            store=self.store,
            planner=self.planner,
            search=self.search,
            new_stop_id=_fresh_stop_id,
            new_token=lambda: token_urlsafe(16),
            pause=part,
        )

    @cached_property
    def fleet(self) -> "Fleet":
        """Depots, vans and their shifts."""
        from chalicelib.fleet.service import Fleet

        return Fleet(self.store, self._travel.of, noise=Noise(), pause=part)

    @cached_property
    def learning(self) -> "Learning":
        """What finished days teach."""
        from chalicelib.fleet.learning import Learning

        return Learning(self.store, self._travel.of, noise=Noise(), entropy=token_bytes)

    @cached_property
    def motion(self) -> "Motion":
        """The day of the shifts."""
        from chalicelib.motion.service import Motion

        return Motion(self.store, self._ports, self.fleet, self._travel.of, noise=Noise())

    @cached_property
    def watch(self) -> "Watch":
        """Whose promise is in danger on the road."""
        from chalicelib.motion.watching import Watch

        return Watch(self.store, self._ports, self.fleet, self._travel.of, noise=Noise())

    @cached_property
    def uploads(self) -> "Uploads | None":
        """Photos and signatures from drivers' phones; None where there is no place for them."""
        from chalicelib.adapters.s3 import Uploads

        aws = boto3.Session()
        url, region = self.settings.proofs_url, aws.region_name
        return Uploads(url, region=region, credentials=aws.get_credentials) if url and region else None

    @staticmethod
    def new_proof_id() -> str:
        """A fresh id of a photo or signature."""
        return proof_id(_fresh_stop_id())

    @cached_property
    def corrections(self) -> "Corrections":
        """What people set right afterwards."""
        from chalicelib.motion.corrections import Corrections

        return Corrections(self.store, self._ports)

    @cached_property
    def kpis(self) -> "Kpis":
        """How well promises were kept."""
        from chalicelib.kpis.service import Kpis

        return Kpis(self.store)

    @cached_property
    def dispatch(self) -> "Dispatch":
        """Plans, looked after."""
        from chalicelib.dispatch.service import Dispatch

        return Dispatch(
            self.store,
            self.planner,
            engine=lambda: self._solver,
            new_number=_fresh_stop_id,
            clock=time.monotonic,
            pause=part,
        )

    @cached_property
    def _solver(self) -> "Engine":
        from chalicelib.adapters.solver_process import SolverProcess

        return SolverProcess()

    @cached_property
    def plan_jobs(self) -> "PlanJobs":
        """The queues of planning jobs."""
        from chalicelib.adapters.sqs import PlanJobs
        from chalicelib.dispatch.model import Work

        settings = self.settings
        urls = {Work.IMPROVE: settings.improve_queue_url, Work.REPAIR: settings.repair_queue_url}
        return PlanJobs(aws_client("sqs", QUEUE_TIMES, settings), urls=urls)

    @cached_property
    def webhooks(self) -> "Webhooks":
        """Webhooks as merchants manage them, and the log of what they are told."""
        from chalicelib.webhooks.service import Webhooks

        return Webhooks(
            self.store.hooks,
            self.delivery_jobs,
            self._way_out,
            self.sealer,
            entropy=token_bytes,
            loopback=self.settings.has_receivers_here,
            pause=part,
        )

    @cached_property
    def deliveries(self) -> "Deliveries":
        """What is still to be sent to webhooks."""
        from chalicelib.webhooks.delivery import Deliveries

        return Deliveries(
            self.store.hooks,
            self.delivery_jobs,
            self._way_out,
            self.sealer,
            clock=time.monotonic,
            loopback=self.settings.has_receivers_here,
            chance=random.random,
        )

    def bring_due(self, tenant: Tenant, until: Timestamp) -> int:
        """Bring a merchant's deliveries that are due by a business time; gives how many there were."""
        return sum(
            self.deliveries.sweep(due, until) for due in self.store.hooks.due_webhooks_of(tenant, until)
        )

    @cached_property
    def _way_out(self) -> "WayOut":
        from chalicelib.adapters.webhook_http import Internet, WebhookPoster

        return WebhookPoster(self._internet or Internet())

    @cached_property
    def delivery_jobs(self) -> "DeliveryJobs":
        """The queue of webhook deliveries."""
        from chalicelib.adapters.sqs import DeliveryJobs

        client = aws_client("sqs", QUEUE_TIMES, self.settings)
        return DeliveryJobs(client, webhooks_queue_url=self.settings.webhooks_queue_url)

    @cached_property
    def erasure(self) -> "Erasure":
        """Forgets buyers."""
        from chalicelib.erasure.service import Erasure
        from chalicelib.promises.doors import Doors

        doors = Doors(self.store.doors, self.sealer)
        return Erasure(self.store, self._ports, doors, self.phone_book, self.text_jobs, self.uploads)

    @cached_property
    def conversation(self) -> "Conversation":
        """What buyers' texts change."""
        from chalicelib.conversation.ports import Ports
        from chalicelib.conversation.service import Conversation

        return Conversation(
            Ports(
                letters=self.phone_book,
                messages=self.store,
                receipts=self.receipts,
                promise_ports=self._ports,
                promises=self.promises,
                addressees=self._addressees,
                posting=self.notifications,
                seal=self.sealer,
                business_now=self.business_now,
                tracking_url=self.tracking_url,
                support_phone=self._support_phone,
            )
        )

    def _support_phone(self, tenant: Tenant) -> str | None:
        merchant = self.store.get_merchant(tenant)
        return merchant.support_phone if merchant else None


def build(settings: Settings, *, clock: Clock | None = None, internet: "Internet | None" = None) -> Services:
    """Plug the real things in: called once, by the first request or event of a process."""
    shared = SharedClock(SystemClock())
    clock = clock or shared
    client = aws_client("dynamodb", client_config(), settings)
    shared.listen_to(client)
    secrets = Secrets(
        lambda: aws_client("ssm", _SECRET_TIMES, settings),
        path=settings.secrets_path,
        clock=clock,
        fresh_for=settings.secrets_seconds,
    )
    store = DynamoStore(
        client, table=settings.table_name, vault=Sealer(secrets.numbers), clock=clock, pause=full_jitter
    )
    roads = Path(settings.roads_dir) if settings.roads_dir else None
    return Services(
        settings,
        clock=clock,
        store=store,
        travel=TravelEngines(roads, osrm_url=settings.osrm_url),
        secrets=secrets,
        internet=internet,
    )


def _fresh_stop_id() -> StopId:
    return new_stop_id(time.time_ns() // 1_000_000, randbits(RANDOM_BITS))
