"""Everything the environment says, read once and checked: the only reader of `os.environ`.

Weak point: a value is checked for shape, not for truth; a wrong table name is found by the first read.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from chalicelib.units import Seconds


class BadSetting(ValueError):
    """A variable is missing or malformed; the message names it and never its value."""


class Stage(StrEnum):
    """Where this runs."""

    SANDBOX = "sandbox"
    TEST = "test"
    LIVE = "live"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The configuration of one process.

    Attributes
    ----------
    staleness
        How old a snapshot may be that answers a search, in seconds.
    requests_per_minute
        Quota of one API key.
    sealing_secrets
        The newest first; see `adapters.sealing`.
    roads_dir
        Road graphs, one folder each; None: depots use the straight line, labelled.
    twilio_api_url
        Where the texts go instead of Twilio; never in a live stage.
    """

    stage: Stage
    table_name: str
    improve_queue_url: str
    sealing_secrets: tuple[bytes, ...]
    public_base_url: str
    twilio_account_sid: str
    twilio_auth_token: str
    twilio_from: str
    twilio_api_url: str | None
    roads_dir: str | None
    osrm_url: str | None
    staleness: Seconds
    requests_per_minute: int

    @property
    def has_test_clock(self) -> bool:
        """Whether merchants may move their business clock."""
        return self.stage is Stage.SANDBOX

    @staticmethod
    def from_env(environ: Mapping[str, str]) -> "Settings":
        """Read and check all variables.

        Raises
        ------
        BadSetting
            One is missing, malformed, or not allowed in this stage.
        """
        read = _Reader(environ)
        stage = read.stage("STAGE")
        settings = Settings(
            stage=stage,
            table_name=read.text("TABLE_NAME"),
            improve_queue_url=read.text("IMPROVE_QUEUE_URL"),
            sealing_secrets=read.secrets("SEALING_KEY"),
            public_base_url=read.text("PUBLIC_BASE_URL").rstrip("/"),
            twilio_account_sid=read.text("TWILIO_ACCOUNT_SID"),
            twilio_auth_token=read.text("TWILIO_AUTH_TOKEN"),
            twilio_from=read.text("TWILIO_FROM"),
            twilio_api_url=environ.get("TWILIO_API_URL") or None,
            roads_dir=environ.get("ROADS_DIR") or None,
            osrm_url=environ.get("OSRM_URL") or None,
            staleness=read.whole("STALENESS_SECONDS", 2 if stage is Stage.LIVE else 0),
            requests_per_minute=read.whole("REQUESTS_PER_MINUTE", 1200),
        )
        if stage is Stage.LIVE and settings.twilio_api_url:
            raise BadSetting("TWILIO_API_URL is for sandboxes; a live stage texts through Twilio")
        if stage is Stage.LIVE and not settings.public_base_url.startswith("https://"):
            raise BadSetting("PUBLIC_BASE_URL must be https in a live stage")
        return settings


class _Reader:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def text(self, name: str) -> str:
        value = self._environ.get(name, "")
        if not value:
            raise BadSetting(f"{name} is not set")
        return value

    def whole(self, name: str, default: int) -> int:
        value = self._environ.get(name, "")
        if not value:
            return default
        if not (value.isascii() and value.isdigit()):
            raise BadSetting(f"{name} must be a whole number")
        return int(value)

    def stage(self, name: str) -> Stage:
        try:
            return Stage(self.text(name))
        except ValueError as error:
            if isinstance(error, BadSetting):
                raise
            raise BadSetting(f"{name} must be one of {', '.join(Stage)}") from error

    def secrets(self, name: str) -> tuple[bytes, ...]:
        """Base64 secrets of at least 32 bytes, separated by commas, the newest first."""
        try:
            secrets = tuple(base64.b64decode(part, validate=True) for part in self.text(name).split(","))
        except binascii.Error as error:
            raise BadSetting(f"{name} must be base64") from error
        if min(map(len, secrets)) < 32:
            raise BadSetting(f"{name} must hold at least 32 bytes")
        return secrets
