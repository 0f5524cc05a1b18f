"""What every request needs: settings, clock, store, secrets, the planner. All else is made of these."""

import random
import time
from typing import Any, Final, Literal

import boto3
from botocore.config import Config

from chalicelib.adapters.dynamodb import DynamoStore
from chalicelib.adapters.errand import note_conflict
from chalicelib.adapters.sealing import Sealer
from chalicelib.adapters.secrets import Secrets
from chalicelib.adapters.travel import TravelEngines
from chalicelib.events import Tenant
from chalicelib.fleet.planning import Planner
from chalicelib.routing.uncertainty import Noise
from chalicelib.settings import Settings
from chalicelib.units import Clock, Timestamp

QUEUE_TIMES: Final = Config(
    connect_timeout=1, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 3}
)
_PAUSE_SECONDS = 0.02  # doubled with every collision, then cut by chance


class SystemClock:
    """The machine's clock."""

    def system_now(self) -> Timestamp:
        """Seconds since the epoch."""
        return int(time.time())


def full_jitter(attempt: int) -> None:
    """Sleep by chance up to a bound that doubles with every attempt, a second at most."""
    time.sleep(random.uniform(0, min(1.0, _PAUSE_SECONDS * 2**attempt)))


def part(attempt: int) -> None:
    """Let two writers that met part; called once for every command that is decided anew."""
    note_conflict()
    full_jitter(attempt)


class Essentials:
    """What is made with the process.

    Parameters
    ----------
    store
        All stores in one: each feature sees the protocol it needs.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock,
        store: DynamoStore,
        travel: TravelEngines,
        secrets: Secrets,
    ) -> None:
        self.settings, self.clock, self.store, self.secrets = settings, clock, store, secrets
        self.sealer = Sealer(secrets.sealing)
        self._travel = travel
        self.planner = _planner(settings, store, travel)

    def business_now(self, tenant: Tenant, *, system_now: Timestamp | None = None) -> Timestamp:
        """A merchant's business time: the system's, in a sandbox moved by the test clock."""
        now = self.clock.system_now() if system_now is None else system_now
        return now + (self.store.clock_offset(tenant) if self.settings.has_test_clock else 0)

    def tracking_url(self, token: str) -> str:
        """The buyer's page of a promise."""
        return f"{self.settings.public_base_url}/t/{token}"


def aws_client(service: Literal["dynamodb", "sqs", "ssm"], config: Config, settings: Settings) -> Any:
    """A client of AWS; each call of it is a span where tracing is on."""
    client = boto3.client(service, config=config)
    if settings.tracing:
        from chalicelib.adapters import tracing

        tracing.hook(client, service)
    return client


def _planner(settings: Settings, store: DynamoStore, travel: TravelEngines) -> Planner:
    if settings.tracing:
        from chalicelib.adapters import tracing

        engines = tracing.traced_engines(travel.of)
        return tracing.TracedPlanner(store, engines, noise=Noise(), staleness=settings.staleness)
    return Planner(store, travel.of, noise=Noise(), staleness=settings.staleness)
