"""Answers as CSV (RFC 4180), for people who will open them in a spreadsheet.

Text that a spreadsheet would take for a formula gets an apostrophe in front: a buyer's name must not run
anything.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from chalicelib.handlers.http import Answer, Text

MEDIA_TYPE = "text/csv"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def is_wanted(headers: Mapping[str, str]) -> bool:
    """Whether the caller asks for CSV rather than JSON."""
    return MEDIA_TYPE in headers.get("accept", "").lower()


def csv_answer(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Answer:
    """Write rows under their column names; `None` becomes an empty cell."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return Answer(200, Text(f"{MEDIA_TYPE}; charset=utf-8", out.getvalue()))


def _cell(value: object) -> object:
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
