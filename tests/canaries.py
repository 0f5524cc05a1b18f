"""Fails any test in which something personal gets into a log, a metric or a span.

Tests buy under the name and address below unless they say otherwise, and all their numbers are of one range,
so a leak shows wherever it is. What is looked at: every record from INFO on, its fields included, of every
logger of this process; and, when a sandbox ends, what its processes wrote. A test that plants a leak is
marked `leaks`. Weak point: below INFO only `tests.security.test_canaries` listens.
"""

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

NAME = "Ana Fledermaus"
LINE = "Rua das Flores 12"
PERSONAL = re.compile(rf"2025550[0-9]{{3}}|{NAME.split()[1]}|{LINE}", re.IGNORECASE)
_NOT_DEPLOYED = {"moto", "responses"}  # they stand in for AWS
_PLAIN = frozenset(vars(logging.makeLogRecord({})))  # attributes that every record has


def pytest_configure(config: pytest.Config) -> None:
    """Listen from the first test to the last."""
    config.addinivalue_line("markers", "leaks: plants something personal in a log, to see that it is found")
    watcher = Watcher()
    logging.getLogger().addHandler(watcher)
    config.pluginmanager.register(watcher, "canaries")


class Watcher(logging.Handler):
    """Listens to all loggers, and remembers what they should not have said."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.heard: list[str] = []

    def addFilter(self, filter: Any) -> None:
        """Let nobody keep a line from us: Powertools has the root's handlers pass over its loggers' own."""

    def emit(self, record: logging.LogRecord) -> None:
        """Look at a record: its words, its fields, and the error it is about."""
        if record.name.partition(".")[0] in _NOT_DEPLOYED:
            return
        fields = {name: part for name, part in vars(record).items() if name not in _PLAIN}
        said = f"{record.getMessage()} {fields} {record.exc_info and record.exc_info[1]!r}"
        self.heard += [f"{record.name}: {found}" for found in PERSONAL.findall(said)]

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Iterator[None]:
        """Fail the test that said it, whatever its outcome."""
        outcome: Any = yield
        heard, self.heard = self.heard, []
        if heard and item.get_closest_marker("leaks") is None:
            report = outcome.get_result()
            report.outcome = "failed"
            report.longrepr = f"personal data in a log: {', '.join(sorted(set(heard)))}"


def leaks_of(home: Path) -> list[str]:
    """What processes wrote into their logs, and should not have."""
    return [
        f"{path.name}: {found}"
        for path in sorted(home.glob("*.log"))
        for found in sorted(set(PERSONAL.findall(path.read_text("utf-8", "replace"))))
    ]
