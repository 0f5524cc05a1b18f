"""`infra/faults.md` tells the truth: each fault has a test and a control that are there and name it."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from infra.sandbox.emulator import ROOT

WANTED = {
    *("F01", "F02", "F03", "F04", "F05", "F06", "F07", "F08", "F09", "F10", "F11", "F12", "F13", "F14"),
    *("F15", "F16", "F17", "F18", "F19", "F20", "F21", "F22", "F23", "F24", "F25", "F26", "F27", "F29"),
    *("F30", "F31", "F32", "F33", "F34", "F35", "F36"),
}
_NAME = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def table() -> dict[str, list[str]]:
    """The cells of each fault's line."""
    lines = (ROOT / "infra" / "faults.md").read_text("utf-8").splitlines()
    rows = [line.strip("|").split("|") for line in lines if line.startswith("| F")]
    cells = [[cell.strip() for cell in row] for row in rows]
    return {line[0][:3]: line for line in cells}


TABLE = table()


@cache
def functions_of(path: Path) -> dict[str, str]:
    """What each test of a file says of itself: name and docstring."""
    tree = ast.walk(ast.parse(path.read_text("utf-8")))
    functions = [node for node in tree if isinstance(node, ast.FunctionDef)]
    return {node.name: f"{node.name} {ast.get_docstring(node)}" for node in functions}


def test_every_fault_has_a_line() -> None:
    """No more and no fewer than are wanted, each with what holds, tests and controls."""
    assert TABLE.keys() == WANTED
    assert all(len(line) == 4 and all(line) for line in TABLE.values())


@pytest.mark.parametrize("fault", TABLE)
def test_named_tests_are_there_and_name_the_fault(fault: str) -> None:
    """A reader who greps for the id finds the test; a control says that it is one."""
    for column, word in ((2, fault), (3, "control")):
        named = _NAME.findall(TABLE[fault][column])
        assert len(named) == TABLE[fault][column].count("::") > 0
        for file, name in named:
            says = functions_of(ROOT / file).get(name, "")
            assert word.lower() in says.lower(), f"{file}::{name}"
            assert fault.lower() in says.lower() or f"test_{fault.lower()}" in name, f"{file}::{name}"


def test_named_tests_of_inner_consumers_are_there() -> None:
    """Who reacts to facts, and what makes it do so once: the lower table names its tests, too."""
    lines = (ROOT / "infra" / "faults.md").read_text("utf-8").partition("## Told once")[2].splitlines()
    rows = [line for line in lines if line.startswith("|") and "::" in line]
    told = "".join(row.split("|")[1] for row in rows)
    assert all(f"`{consumer}`" in told for consumer in ("follow_up", "Watch.expect", "Conversation.take"))
    for row in rows:
        named = _NAME.findall(row)
        assert len(named) == row.count("::") >= 2, row
        assert all(name in functions_of(ROOT / file) for file, name in named), row
        controls = [functions_of(ROOT / file)[name] for file, name in _NAME.findall(row.split("|")[4])]
        assert controls, row
        assert all("control" in control.lower() for control in controls), row


def test_name_that_is_not_there_would_be_noticed() -> None:
    """Control: a renamed test is missed."""
    assert "test_that_nobody_wrote" not in functions_of(Path(__file__))
    assert _NAME.findall("`tests/a.py::test_b`") == [("tests/a.py", "test_b")]
