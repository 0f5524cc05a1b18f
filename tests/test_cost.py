"""The bill is what was used times the list price, and the command that measures it runs."""

import subprocess
import sys

import pytest

from infra.artefact.build import ROOT
from infra.cost.__main__ import bill, promise_bill
from infra.cost.measured import Use
from infra.cost.prices import ASSUMED

USE = Use(
    cpu_ms=88,
    reads=2,
    writes=1,
    read_units=8,
    write_units=10,
    queue_requests=0,
    log_bytes=2e3,
    answer_bytes=1e4,
)
FAST = dict.fromkeys(ASSUMED, 0.0) | {"memory_gb": 2.0, "read_wait_ms": 4.0, "write_wait_ms": 4.0}


def test_bill_multiplies_use_with_prices() -> None:
    """88 ms of our own and 12 of waiting on 2 GB are a fifth of a GB-second; the rest is as counted."""
    assert bill("search", USE, FAST) == pytest.approx(
        {
            "API request": 3.50e-6,
            "Lambda request": 0.20e-6,
            "Lambda GB-second": 0.2 * 0.0000166667,
            "read unit": 1e-6,
            "write unit": 6.25e-6,
            "GB of logs": 1e-6,
            "GB sent": 0.9e-6,
        }
    )


def test_work_behind_a_request_pays_for_its_queue_and_for_no_api() -> None:
    """A job is sent by one function and received and deleted for another."""
    behind = bill("replan", USE, FAST)
    assert behind["queue request"] == pytest.approx(1e-6)
    assert "API request" not in behind


def test_promise_pays_for_the_searches_that_lead_to_it_and_the_texts_that_follow() -> None:
    """Eight searches, one hold, one confirmation; each text is bought from Twilio and waited for."""
    used = {name: USE for name in ("search", "hold", "confirm", "facts", "replan")}
    none = promise_bill(used, FAST, searches=8, texts=0)
    two = promise_bill(used, FAST | {"text_wait_ms": 500.0}, searches=8, texts=2)
    assert none["API request"] == pytest.approx(10 * 3.50e-6)
    assert two["text"] - none["text"] == pytest.approx(2 * 0.0118)
    assert two["Lambda GB-second"] - none["Lambda GB-second"] == pytest.approx(2 * 0.0000166667)


def test_command_measures_and_prints_both_bills() -> None:
    """On a sandbox of its own, with real searches, holds and promises."""
    command = [sys.executable, "-m", "infra.cost", "--vans", "3", "--orders", "3"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=180)
    assert "A million searches: $" in done.stdout
    assert "A thousand promises, 8 searches and 2 texts each: $" in done.stdout
