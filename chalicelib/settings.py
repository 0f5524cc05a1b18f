"""Everything the environment says, read once and checked: the only reader of `os.environ`.

Weak point: a value is checked for shape, not for truth; a wrong table name is found by the first read.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from chalicelib.events import Mode
from chalicelib.units import MINUTE, Seconds

_WHOLE = re.compile(r"[0-9]{1,9}", re.ASCII)
_URL = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?", re.ASCII)

# Far above any household's, and what one address of a mobile carrier may still be the only way out for.
HOLDS_PER_NETWORK = 120
HOLDS_PER_DESTINATION = 60
HOLDS_PER_KEY = 3600

# What a busy buyer gets, a street of them, a city's worth of one merchant's: see `notifications.caps`.
TEXTS_PER_NUMBER = 20
TEXTS_PER_PREFIX = 200
TEXTS_PER_COUNTRY = 20_000
TEXTS_PER_MERCHANT = 50_000
SEGMENTS_PER_SECOND = 3  # a registered long code's share, at its lowest


class BadSetting(ValueError):
    """A variable is missing or malformed; the message names it and never its value."""


class Stage(StrEnum):
    """Where this runs."""

    SANDBOX = "sandbox"
    TEST = "test"
    LIVE = "live"


LONGEST_SECRETS_SECONDS: Seconds = 300  # a rotation waits for several times this (`infra.secrets`)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The configuration of one process.

    Attributes
    ----------
    table_name
        The stack's name, too; its queues and its secrets are named after it, so that nothing is shared.
    secrets_path
        Where the stack's secrets are in SSM; see `adapters.secrets`.
    secrets_seconds
        How long a secret is used before it is looked at again.
    staleness
        How old a snapshot may be that answers a search, in seconds.
    requests_per_minute
        Quota of one API key.
    holds_per_network_hour, holds_per_destination_hour, holds_per_key_hour
        Holds through publishable keys in a clock hour; see `merchants.hold_caps`.
    segments_per_second
        What one sender may text: as the carriers granted it.
    texts_per_number_day, texts_per_prefix_day, texts_per_country_day, texts_per_merchant_day
        Texts of one merchant in a day; see `notifications.caps`.
    roads_dir
        Road graphs, one folder each; None: depots use the straight line, labelled.
    tracing
        Whether spans are logged; off, nothing of it is loaded.
    proofs_url
        Of the bucket for photos and signatures; None: none are taken.
    twilio_api_url
        Where the texts go instead of Twilio; never in a live stage.
    """

    stage: Stage
    table_name: str
    improve_queue_url: str
    repair_queue_url: str
    webhooks_queue_url: str
    texts_queue_url: str
    secrets_path: str
    secrets_seconds: Seconds
    public_base_url: str
    twilio_api_url: str | None
    roads_dir: str | None
    osrm_url: str | None
    staleness: Seconds
    requests_per_minute: int
    tracing: bool = False
    proofs_url: str | None = None
    holds_per_network_hour: int = HOLDS_PER_NETWORK
    holds_per_destination_hour: int = HOLDS_PER_DESTINATION
    holds_per_key_hour: int = HOLDS_PER_KEY
    segments_per_second: int = SEGMENTS_PER_SECOND
    texts_per_number_day: int = TEXTS_PER_NUMBER
    texts_per_prefix_day: int = TEXTS_PER_PREFIX
    texts_per_country_day: int = TEXTS_PER_COUNTRY
    texts_per_merchant_day: int = TEXTS_PER_MERCHANT

    @property
    def mode(self) -> Mode:
        """The world whose merchants are served: live ones in the live stage and nowhere else."""
        return Mode.LIVE if self.stage is Stage.LIVE else Mode.TEST

    @property
    def has_test_clock(self) -> bool:
        """Whether merchants may move their business clock."""
        return self.stage is Stage.SANDBOX

    @property
    def has_receivers_here(self) -> bool:
        """Whether webhooks may lead to this very machine."""
        return self.stage is Stage.SANDBOX

    @staticmethod
    def from_env(environ: Mapping[str, str]) -> "Settings":
        """Read and check all variables.

        Raises
        ------
        BadSetting
            One is missing, malformed, not allowed in this stage, or of another stage's stack.
        """
        read = _Reader(environ)
        stage = read.stage("STAGE")
        settings = Settings(
            stage=stage,
            table_name=read.text("TABLE_NAME"),
            improve_queue_url=read.url("IMPROVE_QUEUE_URL"),
            repair_queue_url=read.url("REPAIR_QUEUE_URL"),
            webhooks_queue_url=read.url("WEBHOOKS_QUEUE_URL"),
            texts_queue_url=read.url("TEXTS_QUEUE_URL"),
            secrets_path=read.text("SECRETS_PATH"),
            secrets_seconds=read.whole("SECRETS_SECONDS", 60, most=LONGEST_SECRETS_SECONDS),
            public_base_url=read.url("PUBLIC_BASE_URL"),
            twilio_api_url=read.url("TWILIO_API_URL", required=False) or None,
            roads_dir=environ.get("ROADS_DIR") or None,
            osrm_url=read.url("OSRM_URL", required=False) or None,
            staleness=read.whole("STALENESS_SECONDS", 2 if stage is Stage.LIVE else 0, most=MINUTE),
            requests_per_minute=read.whole("REQUESTS_PER_MINUTE", 1200, least=1),
            tracing=read.switch("TRACING"),
            proofs_url=read.url("PROOFS_URL", required=False) or None,
            holds_per_network_hour=read.whole("HOLDS_PER_NETWORK_HOUR", HOLDS_PER_NETWORK),
            holds_per_destination_hour=read.whole("HOLDS_PER_DESTINATION_HOUR", HOLDS_PER_DESTINATION),
            holds_per_key_hour=read.whole("HOLDS_PER_KEY_HOUR", HOLDS_PER_KEY),
            segments_per_second=read.whole("SEGMENTS_PER_SECOND", SEGMENTS_PER_SECOND, least=1, most=1000),
            texts_per_number_day=read.whole("TEXTS_PER_NUMBER_DAY", TEXTS_PER_NUMBER),
            texts_per_prefix_day=read.whole("TEXTS_PER_PREFIX_DAY", TEXTS_PER_PREFIX),
            texts_per_country_day=read.whole("TEXTS_PER_COUNTRY_DAY", TEXTS_PER_COUNTRY),
            texts_per_merchant_day=read.whole("TEXTS_PER_MERCHANT_DAY", TEXTS_PER_MERCHANT),
        )
        settings._require_one_stack()
        if stage is Stage.LIVE and settings.twilio_api_url:
            raise BadSetting("TWILIO_API_URL is for sandboxes; a live stage texts through Twilio")
        if stage is not Stage.SANDBOX and not settings.public_base_url.startswith("https://"):
            raise BadSetting(f"PUBLIC_BASE_URL must be https in the stage {stage}")
        if "_" in (urlsplit(settings.public_base_url).hostname or ""):
            raise BadSetting("PUBLIC_BASE_URL must have a host without underscores: Twilio calls no other")
        return settings

    def _require_one_stack(self) -> None:
        """Two stages cannot share data: what each uses carries its name, and nothing else is accepted."""
        stack = self.table_name
        if not stack.endswith(f"-{self.stage}"):
            raise BadSetting(f"TABLE_NAME must end in -{self.stage}: this is the stage {self.stage}")
        if self.secrets_path != f"/{stack}":
            raise BadSetting("SECRETS_PATH must be a slash and TABLE_NAME: both are of one stack")
        queues = {
            "IMPROVE_QUEUE_URL": self.improve_queue_url,
            "REPAIR_QUEUE_URL": self.repair_queue_url,
            "WEBHOOKS_QUEUE_URL": self.webhooks_queue_url,
            "TEXTS_QUEUE_URL": self.texts_queue_url,
        }
        for name, url in queues.items():
            if not url.rpartition("/")[2].startswith(f"{stack}-"):
                raise BadSetting(f"{name} must name a queue that begins with TABLE_NAME and a hyphen")


class _Reader:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def text(self, name: str) -> str:
        value = self._environ.get(name, "")
        if not value:
            raise BadSetting(f"{name} is not set")
        return value

    def whole(self, name: str, default: int, *, least: int = 0, most: int | None = None) -> int:
        value = self._environ.get(name, "")
        if not value:
            return default
        if not _WHOLE.fullmatch(value):
            raise BadSetting(f"{name} must be a whole number")
        number = int(value)
        if number < least or (most is not None and number > most):
            raise BadSetting(f"{name} must be {least} or more" + (f", {most} at most" if most else ""))
        return number

    def url(self, name: str, *, required: bool = True) -> str:
        """An address without a slash at the end; empty where there is none."""
        value = self.text(name) if required else self._environ.get(name, "")
        if value and not _URL.fullmatch(value):
            raise BadSetting(f"{name} must be a URL: http or https, a host, no query")
        return value.rstrip("/")

    def switch(self, name: str) -> bool:
        value = self._environ.get(name, "")
        if value not in ("", "on", "off"):
            raise BadSetting(f"{name} must be on or off")
        return value == "on"

    def stage(self, name: str) -> Stage:
        try:
            return Stage(self.text(name))
        except ValueError as error:
            if isinstance(error, BadSetting):
                raise
            raise BadSetting(f"{name} must be one of {', '.join(Stage)}") from error
