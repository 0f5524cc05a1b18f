"""How long everything is kept stands in one place, and whatever names a buyer goes by itself."""

import ast
import json
import re
from pathlib import Path

import pytest

from chalicelib import retention
from chalicelib.units import DAY

ROOT = Path(__file__).parents[1]
PERIODS = {
    name: value for name, value in vars(retention).items() if name.endswith(("_KEPT", "_FOR", "COUNTED"))
}
SECURITY = (ROOT / "infra" / "security.md").read_text("utf-8")


def times_to_live(source: str) -> list[str]:
    """What is put down as a row's time to live."""
    found = list[str]()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            found += [
                ast.unparse(part)
                for name, part in pairs
                if isinstance(name, ast.Constant) and name.value == "ttl"
            ]
    return found


def test_no_row_has_a_period_of_its_own() -> None:
    """A time to live is a moment and one of these periods; none is written out where a row is written.

    CONTROL: one that is written out is found.
    """
    own = re.compile(r"\b\d|DAY|HOUR|WEEK")
    written = [
        (path.name, each)
        for path in (ROOT / "chalicelib").rglob("*.py")
        for each in times_to_live(path.read_text("utf-8"))
    ]
    assert len(written) > 15
    assert [each for each in written if own.search(each[1])] == []
    [oops] = times_to_live('{"ttl": number(now + 120 * DAY)}')
    assert own.search(oops)


def test_period_of_nothing_is_found_outside_its_place() -> None:
    """Whoever looks for how long something is kept need look in one file."""
    elsewhere = re.compile(r"^_?[A-Z_]*(?<!MOST_)KEPT\w*\b.*=.*\b(DAY|HOUR)\b", re.M)
    found = {
        path.name: elsewhere.findall(path.read_text("utf-8"))
        for path in (ROOT / "chalicelib").rglob("*.py")
        if path.name != "retention.py"
    }
    # The keys of sealed things: how long a secret is kept is another question.
    assert [name for name, each in found.items() if each] == ["sealing.py"]
    assert elsewhere.search(
        (ROOT / "chalicelib" / "retention.py").read_text("utf-8").replace("BUYERS_KEPT", "KEPT")
    )


def test_a_number_is_kept_for_ninety_days() -> None:
    """Three months behind a delivery; by what a promise is found stays longer than one that was moved."""
    assert retention.BUYERS_KEPT == 90 * DAY
    assert retention.FOUND_FOR >= retention.BUYERS_KEPT + 30 * DAY
    assert max(retention.PLANS_KEPT, retention.INBOUND_KEPT, retention.HOLDS_KEPT) <= retention.BUYERS_KEPT


def test_bucket_forgets_photos_with_their_promises() -> None:
    """What the code does to rows the bucket does to objects, and keeps no earlier version of any."""
    resources = json.loads((ROOT / "infra" / "resources.json").read_text("utf-8"))["Resources"]
    bucket = resources["Proofs"]["Properties"]
    [rule] = bucket["LifecycleConfiguration"]["Rules"]
    assert (rule["Status"], rule["ExpirationInDays"] * DAY) == ("Enabled", retention.BUYERS_KEPT)
    assert "VersioningConfiguration" not in bucket


def test_table_forgets_by_the_attribute_that_rows_have() -> None:
    """Without it a time to live is a number like any other."""
    resources = json.loads((ROOT / "infra" / "resources.json").read_text("utf-8"))["Resources"]
    ttl = resources["Table"]["Properties"]["TimeToLiveSpecification"]
    assert ttl == {"AttributeName": "ttl", "Enabled": True}


@pytest.mark.parametrize("name", PERIODS)
def test_period_is_what_the_page_on_security_says(name: str) -> None:
    """Each period is named there, with its days."""
    days = PERIODS[name] // DAY
    said = re.findall(rf"(\d+) days?[^|;]*\(`{name}`\)", SECURITY)
    assert said
    assert set(map(int, said)) == {days}
