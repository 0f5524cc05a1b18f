"""The table of infra/security.md names tests that exist, and every row of the list has some."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TABLE = (ROOT / "infra" / "security.md").read_text("utf-8")


def known_tests() -> set[str]:
    return {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^\s*def (test_\w+)\(", path.read_text("utf-8"), re.M)
    }


def test_every_test_named_in_the_table_exists() -> None:
    """A claim whose test was renamed or dropped is no claim."""
    named = set(re.findall(r"`(test_\w+)`", TABLE))
    assert len(named) > 50
    assert named - known_tests() == set()


def test_every_row_of_the_list_has_tests() -> None:
    """API1 to API10, in order, each with what we do and what shows it."""
    rows = re.findall(r"^\| \*\*(API\d+)\*\*[^|]*\|([^|]+)\|([^|]+)\|$", TABLE, re.M)
    assert [name for name, _, _ in rows] == [f"API{number}" for number in range(1, 11)]
    assert all("`test_" in tests for _, _, tests in rows)


def test_caps_in_the_table_are_the_defaults() -> None:
    """The figures a merchant reads are those that bind him."""
    from chalicelib.settings import HOLDS_PER_DESTINATION, HOLDS_PER_KEY, HOLDS_PER_NETWORK

    said = (
        f"{HOLDS_PER_NETWORK} a network",
        f"{HOLDS_PER_DESTINATION} a destination",
        f"{HOLDS_PER_KEY:,} a key",
    )
    assert [each for each in said if each not in TABLE] == []
