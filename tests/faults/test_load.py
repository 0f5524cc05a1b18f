"""A load run of seconds: what `make bench ARGS=load` measures is true of its answers as well (F04, F05)."""

from pathlib import Path

import pytest

from tests.benchmarks.load import LoadBox, Seen, failures, table

CLIENTS, SECONDS, SHARE = 4, 5, 0.5

pytestmark = [pytest.mark.sandbox, pytest.mark.xdist_group("load")]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("load")


@pytest.fixture(scope="module")
def seen_and_faults(home: Path) -> tuple[Seen, Seen, list[str]]:
    """What shoppers see of a store that is well, of one that throttles, and what an audit says after it."""
    with LoadBox(home) as box:
        well = box.run(CLIENTS, SECONDS)
        box.throttle(SHARE)
        throttled = box.run(CLIENTS, SECONDS)
        sold = box.audit([*well.promised, *throttled.promised])
    assert sold.stops
    return well, throttled, list(sold.faults)


def test_f05_store_that_throttles_costs_a_503_that_says_when_to_come_back(
    seen_and_faults: tuple[Seen, Seen, list[str]],
) -> None:
    """F04, F05: under load no 500, every 503 with Retry-After, and whoever comes back is served."""
    well, throttled, _ = seen_and_faults
    assert failures([well, throttled]) == [], table([well, throttled])
    assert throttled.status(503)
    assert throttled.status(201)


def test_f05_nothing_is_oversold_or_lost_under_load(seen_and_faults: tuple[Seen, Seen, list[str]]) -> None:
    """Every promise that was answered is on one route that can be driven, and no other."""
    assert seen_and_faults[2] == []


def test_f05_store_that_is_well_answers_no_503(seen_and_faults: tuple[Seen, Seen, list[str]]) -> None:
    """Control: the same shoppers, left alone, are never told to come back, so the 503s were the store's."""
    assert seen_and_faults[0].status(503) == 0
