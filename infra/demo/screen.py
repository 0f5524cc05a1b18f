"""What the demo shows on a terminal: steps, a bar that moves, a table.

On a terminal the bar moves in place; in a log it is a line now and then. Weak point: widths are counted in
characters, not in columns.
"""

import os
import shutil
import sys
from collections.abc import Sequence
from typing import TextIO

BAR_WIDTH = 20
_LOG_STEPS = 5  # lines of a bar in a log


class Screen:
    """Writes to one stream, by default standard output."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._moves = self._stream.isatty()
        self._coloured = self._moves and "NO_COLOR" not in os.environ
        self._shown = (0, 0)  # of the last bar: of how many, and how far
        self._bar_is_open = False

    def say(self, text: str = "") -> None:
        """Write a line."""
        self._close_bar()
        self._stream.write(text + "\n")
        self._stream.flush()

    def bar(self, label: str, done: int, of: int, note: str = "") -> None:
        """Show how far something has come."""
        line = f"  {label:<11} {bar(done / of if of else 1.0, BAR_WIDTH)} {done:>4}/{of}  {note}"
        if self._moves:
            if self._shown[0] != of:
                self._close_bar()  # another bar: the last one stays as it is
            self._shown = of, done
            columns = shutil.get_terminal_size().columns
            self._stream.write(f"\r\x1b[K{line[: columns - 1]}")
            self._bar_is_open = True
            self._stream.flush()
        elif (reached := (of, done * _LOG_STEPS // max(of, 1))) != self._shown:
            self._shown = reached
            self.say(line)

    def _close_bar(self) -> None:
        if self._bar_is_open:
            self._bar_is_open = False
            self._stream.write("\n")

    def heading(self, text: str) -> None:
        """Write a heading."""
        self.say()
        self.say(f"  {self.bold(text)}")

    def bold(self, text: str) -> str:
        """Make text stand out, where that can be shown."""
        return f"\x1b[1m{text}\x1b[0m" if self._coloured else text

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """Write rows in columns: the first to the left, the others to the right."""
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for first, *others in rows:
            cells = [
                first.ljust(widths[0]),
                *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)),
            ]
            self.say(f"    {'   '.join(cells).rstrip()}")


def bar(share: float, width: int, *, rest: str = "░") -> str:
    """Draw a share of one as a bar, to an eighth of a character; `rest` fills what is left."""
    eighths = round(min(max(share, 0.0), 1.0) * width * 8)
    whole, eighth = divmod(eighths, 8)
    return ("█" * whole + " ▏▎▍▌▋▊▉"[eighth].strip()).ljust(width, rest)
