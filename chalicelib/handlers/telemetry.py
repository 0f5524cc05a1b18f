"""What the outside may know of us: one line for each request, record and event, and counts that ride on it.

A line is JSON, written when its block ends, however it ends. Counts go along in the same line in CloudWatch's
embedded metric format, so a metric costs no second line. Of an error its kind and its places in the code are
told, never its words, which quote what the code choked on. Weak point: what stands in `Line.fields` was put
there by hand; `tests/security/test_canaries.py` looks for what should not.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from time import perf_counter, time
from traceback import extract_tb
from types import TracebackType
from typing import Any, Final

from aws_lambda_powertools import Logger

from chalicelib.adapters.errand import Errand, errand
from chalicelib.notifications.model import MessageStatus

SERVICE: Final = "slotkeeper"
NAMESPACE: Final = "Slotkeeper"

# Below WARNING these quote what they handle: botocore whole rows, Twilio's client its parameters, Powertools'
# batches the words of an error.
_TALKATIVE: Final = ("aws_lambda_powertools", "boto3", "botocore", "requests", "twilio", "urllib3")


class Metric(StrEnum):
    """What is counted: in namespace `Slotkeeper`, by the one dimension `stage`; look at sums."""

    SEARCHES = "Searches"
    """Slot searches that were answered, with or without a slot to offer."""
    OFFERS = "Offers"
    """Slots offered by those searches; none over many searches means sold out, or an area nobody serves."""
    HOLDS = "Holds"
    """Holds made, swaps included; a repetition of a request that was carried out before is none."""
    CONFLICTS = "Conflicts"
    """Commands decided anew because another writer came first: contention, by which nothing is lost."""
    PROMISES_MADE = "PromisesMade"
    """Promises made, renewed and imported ones included; a repetition is none."""
    PROMISES_KEPT = "PromisesKept"
    """Promises that the worker, looking at a plan, found to be kept. Each look counts the whole plan again,
    so this tells proportions to the next two, and not how many there are."""
    PROMISES_AT_RISK = "PromisesAtRisk"
    """Promises that a look found likely enough to be missed that somebody should act."""
    PROMISES_BROKEN = "PromisesBroken"
    """Promises that a look found impossible to keep, the plan being what it is; any is one too many."""
    TEXTS_SENT = "TextsSent"
    """Texts the carrier took."""
    TEXTS_FAILED = "TextsFailed"
    """Texts that will not arrive, or of which no answer came; those nobody wanted are not counted."""
    WEBHOOKS_SENT = "WebhooksSent"
    """Events that a merchant's receiver took."""
    WEBHOOKS_FAILED = "WebhooksFailed"
    """Attempts that it did not take: most of these cure themselves, or are the merchant's to cure."""
    WEBHOOKS_STOPPED = "WebhooksStopped"
    """Webhooks that are sent nothing more: gone, or failing for days."""


TEXT_FAILURES: Final = frozenset(
    {MessageStatus.FAILED, MessageStatus.UNDELIVERED, MessageStatus.EXPIRED, MessageStatus.UNKNOWN}
)


class InvocationFailed(Exception):
    """An invocation ended in an error: names its kind only, because the runtime logs these words."""


@dataclass(slots=True, kw_only=True)
class Line:
    """One line in the making.

    Attributes
    ----------
    fields
        Ids, codes, kinds and numbers. Never a name, number, address, text, body, key or token.
    counts
        What this line adds to the metrics; only the line of a whole invocation has any.
    errand
        On whose behalf: its request id stands in the line.
    is_wanted
        Whether there is anything to tell; an error is told in any case.
    """

    errand: Errand
    fields: dict[str, Any] = field(default_factory=dict)
    counts: Counter[Metric] = field(default_factory=Counter)
    is_wanted: bool = True


def structured_log() -> Logger:
    """Make the one log of a process: JSON lines on standard output, from `LOG_LEVEL` on (INFO unless set)."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    log = Logger(service=SERVICE, location=None)
    safe_errors(logging.getLogger(SERVICE))
    return log


def safe_errors(log: logging.Logger) -> None:
    """Let a log tell kind and place of an exception it is given, not its words: Chalice's log is ours."""
    if _only_places not in log.filters:
        log.addFilter(_only_places)


class Telemetry:
    """Where door and workers are observed.

    Parameters
    ----------
    stage
        Gives the stage's name; asked only when there is something to count.
    """

    def __init__(self, log: Logger, *, stage: Callable[[], str]) -> None:
        self._log, self._stage = logging.getLogger(log.service), stage

    @contextmanager
    def line(self, message: str, request_id: str | None = None) -> Iterator[Line]:
        """Run the block as an errand, and write its line when it ends; what it raises goes on.

        Cost: about 30 microseconds, most of them for writing JSON.
        """
        began = perf_counter()
        with errand(request_id) as opened:
            line, level = Line(errand=opened), logging.INFO
            try:
                yield line
            except BaseException as failed:
                line.fields |= told(failed)
                line.is_wanted, level = True, logging.WARNING
                raise
            finally:
                if line.is_wanted or line.counts:
                    line.fields["milliseconds"] = round((perf_counter() - began) * 1000, 2)
                    self._write(message, line, level=level)

    @contextmanager
    def invocation(self, message: str) -> Iterator[Line]:
        """Do the same for an event as a whole, with its conflicts counted.

        Raises
        ------
        InvocationFailed
            Whatever the block raised, without its words.
        """
        try:
            with self.line(message) as line:
                try:
                    yield line
                finally:
                    count_conflicts(line)
        except Exception as failed:  # not caught, only renamed: the runtime would log its words
            raise InvocationFailed(type(failed).__qualname__) from None

    def bug(self, failed: BaseException, *, request_id: str) -> None:
        """Tell of a bug that was answered with a 500: its kind and place."""
        if self._log.isEnabledFor(logging.ERROR):
            self._handle("bug", {"request_id": request_id} | told(failed), logging.ERROR)

    def _write(self, message: str, line: Line, *, level: int) -> None:
        if not line.counts and not self._log.isEnabledFor(level):
            return
        asked = line.errand.request_id
        fields = line.fields if asked is None else {"request_id": asked} | line.fields
        if line.counts:
            # Past the level: alarms must not go blind because somebody wanted fewer lines.
            fields |= embedded(line.counts, stage=self._stage())
        self._handle(message, fields, level)

    def _handle(self, message: str, fields: Mapping[str, Any], level: int) -> None:
        self._log.handle(
            self._log.makeRecord(self._log.name, level, "", 0, message, (), None, extra=dict(fields))
        )


def count_conflicts(line: Line) -> None:
    """Put the conflicts of a line's errand into its counts."""
    if line.errand.conflicts:
        line.counts[Metric.CONFLICTS] += line.errand.conflicts


def embedded(counts: Mapping[Metric, int], *, stage: str) -> dict[str, Any]:
    """Write counts in CloudWatch's embedded metric format, as fields of a line."""
    definitions = [{"Name": str(metric), "Unit": "Count"} for metric in counts]
    directive = {"Namespace": NAMESPACE, "Dimensions": [["stage"]], "Metrics": definitions}
    about = {"Timestamp": int(time() * 1000), "CloudWatchMetrics": [directive]}
    return {"_aws": about, "stage": stage, **{str(metric): number for metric, number in counts.items()}}


def told(failed: BaseException) -> dict[str, Any]:
    """Say what may be said of an error: its kind, that of what lies behind it, and the places in the code."""
    fields: dict[str, Any] = {"error": type(failed).__qualname__, "stack": _places(failed.__traceback__)}
    if failed.__cause__ is not None:
        fields["cause"] = type(failed.__cause__).__qualname__
    return fields


def _places(trace: TracebackType | None) -> list[str]:
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in extract_tb(trace)]


def _only_places(record: logging.LogRecord) -> bool:
    if isinstance(record.exc_info, tuple) and record.exc_info[1] is not None:
        vars(record).update(told(record.exc_info[1]))
    record.exc_info = record.exc_text = record.stack_info = None
    return True
