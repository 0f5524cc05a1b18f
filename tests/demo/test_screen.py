"""What is written on a terminal and in a log."""

from io import StringIO

import pytest

from infra.demo.screen import Screen, bar
from infra.demo.summary import percentile


class Terminal(StringIO):
    """A stream that is looked at by a person."""

    def isatty(self) -> bool:
        return True


def test_log_gets_a_few_lines_of_a_bar() -> None:
    """A hundred steps are no hundred lines where nothing can move."""
    stream = StringIO()
    screen = Screen(stream)
    for done in range(1, 101):
        screen.bar("selling", done, 100)
    lines = stream.getvalue().splitlines()
    assert 5 <= len(lines) <= 6
    assert "100/100" in lines[-1]
    assert "\x1b" not in stream.getvalue()


def test_bar_moves_in_place_on_a_terminal() -> None:
    """Each step overwrites the one before, and what follows starts on a line of its own."""
    stream = Terminal()
    screen = Screen(stream)
    for done in range(1, 11):
        screen.bar("selling", done, 10)
    screen.say("done")
    assert stream.getvalue().count("\n") == 2
    assert stream.getvalue().endswith("\ndone\n")


def test_finished_bar_stays_above_the_next() -> None:
    """What was sold is still to be seen while it is checked."""
    stream = Terminal()
    screen = Screen(stream)
    screen.bar("selling", 10, 10)
    screen.bar("checking", 1, 8)
    screen.bar("checking", 2, 8)
    assert stream.getvalue().count("\n") == 1


def test_table_has_straight_columns() -> None:
    """Names to the left, figures to the right."""
    stream = StringIO()
    Screen(stream).table([("a", "1"), ("long name", "100")])
    assert stream.getvalue() == "    a             1\n    long name   100\n"


@pytest.mark.parametrize(
    ("share", "drawn"), [(0, "░░░░"), (0.5, "██░░"), (0.53125, "██▏░"), (1, "████"), (7, "████")]
)
def test_bar_is_drawn_to_an_eighth(share: float, drawn: str) -> None:
    """Four characters are 32 steps: 0.53125 of them are 17."""
    assert bar(share, 4) == drawn


def test_percentile_is_a_value_that_was_measured() -> None:
    """Nearest rank: of ten values the 90th percentile is the ninth, of one any percentile is that one."""
    assert percentile([float(value) for value in range(10, 0, -1)], 90) == 9.0
    assert percentile([4.0], 50) == percentile([4.0], 99) == 4.0
