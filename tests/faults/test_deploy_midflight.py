"""F30: while a deployment is under way, old and new code read what the other one wrote.

Every file of `formats` is one column of the matrix: bytes that some version wrote, read by the code as it is.
What newer code will add is played by fields that nobody knows yet.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from chalicelib.adapters.dynamodb import rows
from chalicelib.events import FactKind
from chalicelib.handlers.paging import position
from chalicelib.handlers.promise_wire import PromisesQuery
from chalicelib.promises.documents import offer_document
from chalicelib.promises.model import Address
from chalicelib.routing.packed import FORMAT, pack, unpack
from tests.faults.stored import ACME, FORMATS, OFFER, PAGE, SEALER, Stored, a_booked_route, a_page, opened

PLACE = Path(__file__).parent / "formats"
VERSIONS = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(PLACE.glob("*.json"))}
NEWEST = VERSIONS[max(VERSIONS, key=int)]
MATRIX = [(version, name) for version, written in VERSIONS.items() for name in written]
FREE = {"data"}  # of a fact: every kind has its own


@pytest.mark.parametrize(("version", "name"), MATRIX)
def test_f30_everything_ever_written_is_still_read(version: str, name: str) -> None:
    """F30: the new code reads the bytes of the old one, and understands the same."""
    assert FORMATS[name].read(VERSIONS[version][name]) == FORMATS[name].value


@pytest.mark.parametrize("name", FORMATS)
def test_f30_no_format_changes_without_a_file_of_its_own(name: str) -> None:
    """F30: what is written now is what the newest file holds; else the old code was never tried with it."""
    assert opened(FORMATS[name].write()) == opened(NEWEST[name])


@pytest.mark.parametrize("name", FORMATS)
def test_f30_fields_of_a_later_version_are_passed_over(name: str) -> None:
    """F30: the old code reads what the new one wrote with more in it, at any depth, and misses nothing."""
    assert FORMATS[name].read(from_later_code(name)) == FORMATS[name].value


def from_later_code(name: str) -> Stored:
    """Something stored, with a field that nobody knows wherever there is room for one."""
    stored = json.loads(json.dumps(NEWEST[name]))
    if name == "offer":
        return SEALER.seal(f"offer:{ACME}", json.dumps(grown(offer_document(OFFER))).encode())
    if name in ("planning job", "webhook job"):
        return json.dumps(grown(json.loads(stored)))
    if isinstance(stored, dict):
        stored["later"] = {"S": "x"}
        for nested in FORMATS[name].nested:
            if nested in stored:
                stored[nested] = {"S": json.dumps(grown(json.loads(stored[nested]["S"])))}
    return stored


def grown(document: Any) -> Any:
    """A document with one more field in each of its objects."""
    if isinstance(document, list):
        return [grown(each) for each in document]
    if not isinstance(document, dict):
        return document
    more = {key: value if key in FREE else grown(value) for key, value in document.items()}
    return {**more, "later": {"x": 1}}


def test_f30_without_passing_over_a_later_field_would_break_the_old_code() -> None:
    """Control: the fields are really there; a reader that takes an object as it is chokes on them."""
    document = json.loads(from_later_code("promise")["document"]["S"])
    with pytest.raises(TypeError, match="later"):
        Address(**document["delivery"]["address"])


class LaterQuery(PromisesQuery):
    """The list of promises with a filter that a later version has."""

    colour: str | None = None


def test_f30_cursor_survives_a_list_that_gains_a_filter() -> None:
    """F30: somebody turns pages while the new code, which can filter by more, takes over."""
    later = LaterQuery(order_ref=PAGE.order_ref, cursor=NEWEST["cursor"])
    assert position(a_page(later)) == FORMATS["cursor"].value


def test_f30_format_of_the_future_is_refused_and_never_guessed() -> None:
    """F30: a route, a depot, a fact that only newer code can read fail the try; a retry finds newer code."""
    stored = pack(a_booked_route())
    with pytest.raises(ValueError, match=f"format {FORMAT + 1}; this code reads {FORMAT}"):
        unpack("s-1", bytes([FORMAT + 1]) + stored[1:], 1)
    depot = json.loads(json.dumps(NEWEST["depot"]).replace('\\"shape\\":1', '\\"shape\\":2'))
    with pytest.raises(ValueError, match="stored in shape 2"):
        rows.depot_of(depot)
    with pytest.raises(ValueError, match="is not a valid FactKind"):
        rows.facts_of(NEWEST["outbox"]["facts"]["S"].replace(FactKind.PROMISE_CONFIRMED, "promise.beamed"))
