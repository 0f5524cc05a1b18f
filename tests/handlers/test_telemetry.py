"""One line for each request, with its counts; errors without their words; nothing lost by a log level."""

import io
import json
import logging
import re
import subprocess
import sys
from collections.abc import Mapping
from itertools import count
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from chalicelib.adapters.errand import current_request_id, note_conflict
from chalicelib.events import Tenant
from chalicelib.handlers.telemetry import (
    InvocationFailed,
    Metric,
    Telemetry,
    count_conflicts,
    safe_errors,
    structured_log,
)
from chalicelib.promises.store import Changes, Guard, WriteRefused
from tests.handlers.shop_client import Shop, fresh

NAMES = (
    "Searches Offers Holds Conflicts PromisesMade PromisesKept PromisesAtRisk PromisesBroken "
    "TextsSent TextsFailed WebhooksSent WebhooksFailed WebhooksStopped"
)
_services = count()


class Kept:
    """Telemetry, and what it wrote."""

    def __init__(self, level: str = "INFO") -> None:
        self.stream = io.StringIO()
        self.log = Logger(service=f"kept-{next(_services)}", stream=self.stream, level=level)
        self.telemetry = Telemetry(self.log, stage=lambda: "live")

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


def requests(shop: Shop) -> list[dict[str, Any]]:
    """Every request's line."""
    return [json.loads(line) for line in shop.log.getvalue().splitlines()]


def metrics(line: Mapping[str, Any]) -> dict[str, int]:
    """What CloudWatch reads out of a line."""
    if "_aws" not in line:
        return {}
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    return {each["Name"]: line[each["Name"]] for each in directive["Metrics"]}


def test_names_of_the_metrics_are_those_that_alarms_and_dashboard_use() -> None:
    """The template names them; whoever renames one here silences an alarm there."""
    assert [str(metric) for metric in Metric] == NAMES.split()


def test_counts_are_written_as_cloudwatch_wants_them() -> None:
    """Embedded metric format: namespace, one dimension, each metric a number at the top of the line."""
    kept = Kept()
    with kept.telemetry.line("request", "req-12345") as line:
        line.counts.update({Metric.SEARCHES: 1, Metric.OFFERS: 0})
    [written] = kept.lines()
    [directive] = written["_aws"]["CloudWatchMetrics"]
    assert directive == {
        "Namespace": "Slotkeeper",
        "Dimensions": [["stage"]],
        "Metrics": [{"Name": "Searches", "Unit": "Count"}, {"Name": "Offers", "Unit": "Count"}],
    }
    assert 1_700_000_000_000 < written["_aws"]["Timestamp"] < 10_000_000_000_000  # milliseconds
    assert (written["stage"], written["Searches"], written["Offers"]) == ("live", 1, 0)
    assert (written["message"], written["request_id"]) == ("request", "req-12345")


def test_line_without_counts_is_no_metric() -> None:
    """Nothing is paid for and nothing is said about metrics."""
    kept = Kept()
    with kept.telemetry.line("request"):
        pass
    assert set(kept.lines()[0]) == {
        "level",
        "location",
        "message",
        "timestamp",
        "service",
        "milliseconds",
    }


def test_line_is_written_with_its_counts_when_the_block_raises() -> None:
    """What was counted before the error is not lost; the error goes on, in the line it has no words."""
    kept = Kept()

    def ask() -> None:
        with kept.telemetry.line("request") as line:
            line.counts[Metric.HOLDS] += 1
            raise KeyError("+12025550123") from TimeoutError("Rua das Flores")

    with pytest.raises(KeyError):
        ask()
    [written] = kept.lines()
    assert metrics(written) == {"Holds": 1}
    assert (written["error"], written["cause"], written["level"]) == ("KeyError", "TimeoutError", "WARNING")
    assert re.search(r"test_telemetry\.py:\d+ ", written["stack"][-1])
    assert "12025550123" not in kept.stream.getvalue()
    assert "Flores" not in kept.stream.getvalue()


def test_line_has_the_trace_that_xray_gave_the_invocation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lambda hands it over in the environment, anew for each invocation."""
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3f;Parent=53995c3f42cd8ad8;Sampled=1")
    kept = Kept()
    with kept.telemetry.line("request"):
        pass
    assert kept.lines()[0]["xray_trace_id"] == "1-5759e988-bd862e3f"


def test_invocation_that_fails_raises_its_kind_only() -> None:
    """Lambda's runtime logs the words of what a function raises."""
    kept = Kept()
    with pytest.raises(InvocationFailed) as failed, kept.telemetry.invocation("improve"):
        raise KeyError("+12025550123")
    assert (str(failed.value), failed.value.__suppress_context__) == ("KeyError", True)


@pytest.mark.parametrize(("level", "plain"), [("INFO", 1), ("WARNING", 0), ("CRITICAL", 0)])
def test_metrics_are_written_at_every_level_of_the_log(level: str, plain: int) -> None:
    """LOG_LEVEL thins out lines; alarms do not go blind by it."""
    kept = Kept(level)
    with kept.telemetry.line("plain"):
        pass
    with kept.telemetry.line("counted") as line:
        line.counts[Metric.TEXTS_FAILED] += 1
    assert [written["message"] for written in kept.lines()] == ["plain"] * plain + ["counted"]


def test_without_that_exception_the_metric_would_be_lost() -> None:
    """The control: the same line through the log's own methods, which ask for the level."""
    kept = Kept("WARNING")
    kept.log.info("counted", extra={"Holds": 1})
    assert kept.lines() == []


def test_log_level_is_the_environments() -> None:
    """LOG_LEVEL=WARNING keeps requests out of the log of a deployed process; INFO unless set."""
    program = (
        "from chalicelib.handlers.telemetry import Telemetry, structured_log\n"
        "with Telemetry(structured_log(), stage=str).line('request'): pass\n"
    )
    written = [
        subprocess.run(
            [sys.executable, "-c", program],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.count("\n")
        for environment in ({}, {"LOG_LEVEL": "INFO"}, {"LOG_LEVEL": "WARNING"})
    ]
    assert written == [1, 1, 0]


@pytest.mark.parametrize(
    "name",
    ["botocore.endpoint", "urllib3.connectionpool", "twilio.http_client", "aws_lambda_powertools.x", "boto3"],
)
def test_libraries_that_quote_requests_are_kept_quiet(name: str) -> None:
    """Whatever level the runtime gives the root: botocore at DEBUG writes down every row."""
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.DEBUG)
    try:
        structured_log()
        assert not logging.getLogger(name).isEnabledFor(logging.INFO)
        assert logging.getLogger(name).isEnabledFor(logging.WARNING)
    finally:
        root.setLevel(before)


def _log_an_error(*, safe: bool) -> str:
    kept = Kept()
    if safe:
        safe_errors(logging.getLogger(kept.log.service))
    try:
        raise KeyError("+12025550123")
    except KeyError:
        logging.getLogger(kept.log.service).error("Caught exception for path %s", "/v1", exc_info=True)
    return kept.stream.getvalue()


def test_exception_that_is_logged_has_a_kind_and_a_place_and_no_words() -> None:
    """Chalice logs what escapes a view with its traceback; its log is ours."""
    [line] = _log_an_error(safe=True).splitlines()
    assert json.loads(line)["error"] == "KeyError"
    assert re.search(r"test_telemetry\.py:\d+ _log_an_error", json.loads(line)["stack"][-1])
    assert "12025550123" not in line


@pytest.mark.leaks
def test_without_that_the_words_of_an_exception_would_be_logged() -> None:
    """The control."""
    assert "12025550123" in _log_an_error(safe=False)


def test_deployed_app_writes_one_line_for_each_message() -> None:
    """Chalice adds no handler of its own to our log, and does not set its level."""
    program = (
        "import app, logging\n"
        "print(len(app.app.log.handlers), app.app.log.getEffectiveLevel() == logging.INFO)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["1", "True"]


# --- what requests count


def test_search_counts_itself_and_its_offers(shop: Shop) -> None:
    """Slots that can be had; sold-out and refused ones are none."""
    slots = shop.search()
    offers = sum(slot["available"] for slot in slots)
    assert metrics(requests(shop)[-1]) == {"Searches": 1, "Offers": offers}
    assert offers > 0
    shop.search(destination={"lat": 38.72, "lon": -9.14})
    assert metrics(requests(shop)[-1]) == {"Searches": 1, "Offers": 0}


def test_hold_and_promise_are_counted_once_and_named(shop: Shop) -> None:
    """A repetition under the same key has no effect and counts nothing; refusals count nothing."""
    body = {"offer": shop.offer(), "cart_ref": "cart-1"}
    held = shop.done("POST", "/v1/holds", body, idempotency_key="k1")
    line = requests(shop)[-1]
    assert (metrics(line), line["hold_id"]) == ({"Holds": 1}, held["hold_id"])
    assert shop.ask("POST", "/v1/holds", body, idempotency_key="k1").headers["Idempotent-Replayed"]
    assert metrics(requests(shop)[-1]) == {}

    order = shop.order(hold_id=held["hold_id"])
    made = shop.done("POST", "/v1/promises", order, idempotency_key="k2")
    line = requests(shop)[-1]
    assert (metrics(line), line["promise_id"]) == ({"PromisesMade": 1}, made["promise_id"])
    shop.done("POST", "/v1/promises", order, idempotency_key="k2")
    assert metrics(requests(shop)[-1]) == {}
    shop.refused("POST", "/v1/promises", order)
    assert metrics(requests(shop)[-1]) == {}


def test_conflict_is_counted_in_the_line_of_the_request_that_met_it() -> None:
    """Another writer was first twice, then the hold was made: two conflicts and a hold."""
    shop = Shop()
    offer = shop.offer()
    store, refusals = shop.services.store, count()
    commit = store.commit

    def contended(tenant: Tenant, changes: Changes) -> None:
        if next(refusals) < 2:
            raise WriteRefused(frozenset({Guard.ROUTE}))
        commit(tenant, changes)

    store.commit = contended  # type: ignore[method-assign]
    shop.hold(offer, fresh("cart"))
    assert metrics(requests(shop)[-1]) == {"Holds": 1, "Conflicts": 2}


def test_conflicts_of_one_record_are_those_of_its_invocation_too() -> None:
    """A record is an errand within the invocation's."""
    kept = Kept()
    with kept.telemetry.invocation("improve"):
        for _ in range(2):
            with kept.telemetry.line("plan"):
                note_conflict()
    assert [metrics(line) for line in kept.lines()] == [{}, {}, {"Conflicts": 2}]


def test_conflict_outside_of_any_errand_is_nobodys() -> None:
    """Scripts and tests use the services as well."""
    note_conflict()
    assert current_request_id() is None
    kept = Kept()
    with kept.telemetry.line("request") as line:
        count_conflicts(line)
    assert metrics(kept.lines()[0]) == {}


def test_request_is_logged_in_one_line_with_its_counts(shop: Shop) -> None:
    """No second line for metrics: what is paid by the byte is written once."""
    before = len(requests(shop))
    shop.search()
    shop.search()
    assert len(requests(shop)) == before + 2
