"""The table of infra/security.md names tests that exist, and every row of the list has some."""

import re
from pathlib import Path

from tests.adapters.test_dynamodb_chart import charted_rows

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


def buyers_table() -> list[list[str]]:
    """What is said of buyers' data, line by line: rows, personal, sealed, kept, erasure, shown by."""
    lines = TABLE.partition("## Buyers' data")[2].partition("\n## ")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")][
        1:
    ]


def test_every_row_that_is_stored_is_spoken_of_once() -> None:
    """A kind of row that nobody thought of is one that nobody forgets a buyer in."""
    named = [name for line in buyers_table() for name in re.findall(r"`(\w+)`", line[0])]
    assert sorted(named) == sorted(row.name for row in charted_rows())


def test_every_row_that_may_name_a_buyer_has_a_time_to_live() -> None:
    """Said of it, and in the chart of the table; but for what stays because somebody asked for that."""
    charted = {row.name: row for row in charted_rows()}
    stays = {"opt_out", "vehicle"}
    for names, personal, _, kept, _, shown in buyers_table():
        assert "`test_" in shown, names
        if not personal.startswith("nothing"):
            assert re.search(r"\d+ days?", kept) or names == "`opt_out`", names
            found = set(re.findall(r"`(\w+)`", names)) - stays
            assert [name for name in found if "ttl" not in charted[name].needed] == [], names
