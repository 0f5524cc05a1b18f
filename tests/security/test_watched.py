"""Every test of the run is listened to: whichever gets something personal into a log fails."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.canaries import LINE, NAME, leaks_of

ROOT = Path(__file__).parents[2]
PLANTED = """
import logging
import pytest
from chalicelib.handlers.telemetry import Telemetry, structured_log

def told(**fields):
    with Telemetry(structured_log(), stage=lambda: "test").line("request") as line:
        line.fields |= fields

def test_tells_nothing():
    told(order="order-1")

@pytest.mark.parametrize("part", ["+12025550142", "{name}", "{line}"])
def test_tells_in_a_field(part):
    told(oops={{"deep": [part]}})

def test_tells_in_words():
    logging.getLogger("somebody.elses").warning("could not take %s", "+12025550142")

def test_tells_in_an_error():
    try:
        raise ValueError("{name}")
    except ValueError:
        logging.getLogger("somebody.elses").exception("oops")

@pytest.mark.leaks
def test_plants_it():
    told(oops="{name}")
"""


def test_leak_in_any_test_fails_it(tmp_path: Path) -> None:
    """In a field at any depth, in a library's words, in an error. CONTROL: unless it is planted there."""
    planted = tmp_path / "test_planted.py"
    planted.write_text(PLANTED.format(name=NAME, line=LINE), "utf-8")
    ran = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "tests.canaries",
            "-p",
            "no:cacheprovider",
            "-q",
            "-rN",  # each failure is told of once
            str(planted),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "5 failed, 2 passed" in ran.stdout, ran.stdout
    assert ran.stdout.count("personal data in a log") == 5


@pytest.mark.parametrize("leak", ["+12025550142", NAME.upper(), LINE])
def test_what_processes_of_a_sandbox_wrote_is_looked_through(tmp_path: Path, leak: str) -> None:
    """All their logs, when it ends. CONTROL: a log without it is clean."""
    (tmp_path / "serve.log").write_text("a promise was made", "utf-8")
    assert leaks_of(tmp_path) == []
    (tmp_path / "improve.log").write_text(f"to {leak}", "utf-8")
    [found] = leaks_of(tmp_path)
    assert found.startswith("improve.log: ")
