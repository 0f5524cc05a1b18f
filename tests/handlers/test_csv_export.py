"""A list may be asked for as CSV, and opens nothing but itself."""

import csv
import io

import pytest

from chalicelib.handlers.csv_export import csv_answer
from chalicelib.handlers.http import Text
from tests.handlers.bakery import Bakery


def written(*cells: object) -> list[str]:
    body = csv_answer(["a", "b"], [cells]).body
    assert isinstance(body, Text)
    return list(csv.reader(io.StringIO(body.text)))[1]


@pytest.mark.parametrize("cell", ["=1+1", "+12025550123", "-1", "@SUM(A1)", "\tx", "\rx", "\uff1d1"])
def test_text_that_would_be_a_formula_is_escaped(cell: str) -> None:
    """B15: a spreadsheet shows it as text."""
    assert written(cell)[0] == "'" + cell


def test_numbers_and_gaps_stay_what_they_are() -> None:
    """Only text is escaped: a negative number is a number."""
    assert written(-5, None) == ["-5", ""]


def test_commas_quotes_and_line_breaks_stay_inside_their_cell() -> None:
    """RFC 4180: what is read is what was written."""
    assert written('a,"b"', "c\nd") == ['a,"b"', "c\nd"]


def test_list_is_csv_for_whoever_accepts_csv(bakery: Bakery) -> None:
    """Accept decides between JSON and CSV."""
    bakery.oven.loaves = ["Rye", "=cmd()"]
    answer = bakery.ask("GET", "/v1/loaves", headers={"Accept": "text/csv"})
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.body == b"name\r\nRye\r\n'=cmd()\r\n"
