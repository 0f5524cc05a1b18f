"""A quick start leaves everything as it would be without it."""

import subprocess
import sys

PROGRAM = """
import gc
from chalicelib.start import quick_imports

with quick_imports():
    inside = gc.isenabled()
    from dataclasses import FrozenInstanceError, dataclass

@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    x: int
    y: int = 0

try:
    Point(x=1).x = 2
except FrozenInstanceError:
    print(inside, gc.isenabled(), Point(x=1) == Point(x=1, y=0), repr(Point(x=1)))
"""


def test_collector_waits_for_the_imports_only() -> None:
    """Garbage is collected again afterwards, and a class nobody compiled in advance is made as ever."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["False", "True", "True", "Point(x=1,", "y=0)"]


HOLD = """
import sys
import chalicelib.promises.booking
print([name for name in sys.modules if name in ("chalicelib.fleet.live", "chalicelib.routing.history")])
"""


def test_whoever_holds_a_slot_waits_for_no_forecasts() -> None:
    """What the day in motion needs is loaded when it is first asked for."""
    done = subprocess.run([sys.executable, "-c", HOLD], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["[]"]
