"""The README's first command, small: it sells, checks, draws, and leaves nothing behind."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import pytest

from infra.demo.story import next_monday
from infra.sandbox.emulator import ROOT

TIMEOUT_SECONDS = 180
COMMAND = [sys.executable, "-m", "infra.demo"]


@contextmanager
def demo(home: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [*COMMAND, "--port", "0", "--home", str(home), *arguments]
    running = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    with running:
        try:
            yield running
        finally:
            running.kill()


def port_of(url: str) -> tuple[str, int]:
    found = re.search(r"http://(127\.0\.0\.1):(\d+)", url)
    assert found is not None
    return found[1], int(found[2])


def is_open(address: tuple[str, int]) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(address) == 0


@pytest.mark.sandbox
@pytest.mark.xdist_group("demo")
def test_demo_sells_a_day_delivers_it_and_ends_by_itself(tmp_path: Path) -> None:
    """Nothing is oversold, every text is sent, API and drivers agree, the lines by hand work, status 0."""
    with demo(tmp_path, "--exit", "--shoppers", "24", "--clients", "4") as running:
        told, _ = running.communicate(timeout=TIMEOUT_SECONDS)
    assert running.returncode == 0, told
    assert "24 shoppers" in told
    assert "oversold: 0 " in told
    texts = re.search(r"(\d+) numbers texted, (\d+) wanted it", told)
    assert texts is not None
    assert int(texts[1]) >= int(texts[2])  # who cancelled may have been told so
    driven = re.search(r"delivered at once +(\d+)", told)
    known = re.search(r"the API says: .*delivered (\d+)", told)
    assert driven is not None
    assert known is not None
    assert int(driven[1]) == int(known[1]) > 0
    assert "DRIVERS SAY OTHERWISE" not in told
    assert "they made a promise" in told or "not without curl" in told
    assert ElementTree.parse(tmp_path / "routes.svg").getroot().tag.endswith("svg")
    assert not is_open(port_of(told))


@pytest.mark.sandbox
@pytest.mark.xdist_group("demo")
def test_demo_that_is_interrupted_stops_all_it_started(tmp_path: Path) -> None:
    """Ctrl-C in the middle of the day ends everything within seconds."""
    with demo(tmp_path, "--shoppers", "4000") as running:
        assert running.stdout is not None
        seen = ""
        while "08:00" not in seen:
            line = running.stdout.readline()
            assert line, seen
            seen += line
        address = port_of((tmp_path / "ready.json").read_text("utf-8"))
        assert is_open(address)
        running.send_signal(signal.SIGINT)
        rest, _ = running.communicate(timeout=60)
    assert running.returncode == 130
    assert rest.endswith("Stopped.\n")
    assert not is_open(address)


def test_port_that_is_taken_is_named_before_anything_starts(tmp_path: Path) -> None:
    """What to do about it is said too."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [*COMMAND, "--home", str(tmp_path)],
            cwd=ROOT,
            env={**os.environ, "PORT": port},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert f"port {port} cannot be used" in done.stdout
    assert "make demo PORT=0" in done.stdout
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("today", "monday"),
    [
        (date(2026, 11, 22), date(2026, 11, 23)),  # a Sunday
        (date(2026, 11, 23), date(2026, 11, 30)),  # a Monday: today's vans may be loaded already
        (date(2026, 11, 24), date(2026, 11, 30)),
    ],
)
def test_shoppers_come_on_the_next_monday(today: date, monday: date) -> None:
    """Whatever the day on which it runs, the demo's week is the same."""
    assert next_monday(today) == monday
