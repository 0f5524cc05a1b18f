"""One table knows every problem and its status."""

import ast
import json
from pathlib import Path

import pytest

from chalicelib import errors
from chalicelib.errors import BadToken, Conflict, FieldError, InvalidRequest, RateLimited, SlotTaken
from chalicelib.handlers.http import PROBLEMS, problem

WORKERS_ONLY = {"text_refused"}  # the carrier's refusal of a text; no request waits for it
SOURCES = sorted(Path(errors.__file__).parent.rglob("*.py"))


def codes_in(source: Path) -> set[str]:
    """Every text given as `code=` in a call, or as the `code` of an exception class."""
    found = set()
    for node in ast.walk(ast.parse(source.read_text())):
        match node:
            case ast.keyword(arg="code", value=ast.Constant(value=str(code))):
                found.add(code)
            case ast.Assign(targets=[ast.Name(id="code")], value=ast.Constant(value=str(code))):
                found.add(code)
    return found


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_every_code_that_is_raised_has_its_entry(source: Path) -> None:
    """Whatever a caller may get is explained on /docs, with its status."""
    assert codes_in(source) <= PROBLEMS.keys() | WORKERS_ONLY


def test_reader_of_codes_finds_them() -> None:
    """Control: the search above does find codes, of classes and of calls."""
    found = set().union(*map(codes_in, SOURCES))
    assert {"slot_taken", "key_in_use", "idempotency_mismatch"} <= found


def test_every_class_of_error_has_its_entry() -> None:
    """A subclass that sets no code of its own has its parent's."""
    kinds = [errors.SlotkeeperError]
    for kind in kinds:
        assert kind.code in PROBLEMS.keys() | WORKERS_ONLY
        kinds += kind.__subclasses__()


def test_entries_are_complete_sentences_for_people() -> None:
    """A title, a meaning that ends in a full stop, an error status."""
    for code, case in PROBLEMS.items():
        assert 400 <= case.status <= 599, code
        assert case.title, code
        assert not case.title.endswith("."), code
        assert case.meaning.endswith("."), code


def test_problem_carries_further_members_but_never_loses_its_own() -> None:
    """Alternatives travel along; an extra member cannot overwrite the status."""
    error = SlotTaken("Gone.", extra={"alternatives": [1], "status": 200, "code": "fine"})
    body = json.loads(problem(error, "req_1").text)
    assert (body["alternatives"], body["status"], body["code"]) == ([1], 409, "slot_taken")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidRequest("No.", fields=[FieldError("/a", "wrong")]), 422),
        (BadToken("No.", code="offer_invalid"), 400),
        (BadToken("No.", code="a_new_token_code"), 400),
        (Conflict("No.", code="order_already_promised"), 409),
        (RateLimited("No.", retry_after=7), 429),
    ],
)
def test_status_follows_from_code_and_class(error: errors.SlotkeeperError, status: int) -> None:
    """The code's own entry decides; without one, the nearest class that has one."""
    assert problem(error, "req_1").status == status


def test_too_early_is_told_when_to_come_back() -> None:
    """Retry-After is at least a second, or clients would spin."""
    assert problem(RateLimited("No.", retry_after=0), "r").headers["Retry-After"] == "1"
    assert problem(RateLimited("No.", retry_after=7), "r").headers["Retry-After"] == "7"


def test_text_in_a_problem_is_plain_ascii_json() -> None:
    """Whatever a pointer holds, the body is JSON that any parser reads."""
    error = InvalidRequest("No.", fields=[FieldError("/\u202e\ud800\n", "wrong")])
    text = problem(error, "r").text
    assert text.isascii()
    assert json.loads(text)["errors"][0]["detail"] == "wrong"
