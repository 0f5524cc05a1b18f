"""Waiting for what another process will do."""

import threading
from collections.abc import Callable
from time import monotonic


def eventually[T](look: Callable[[], T | None], *, seconds: float = 20.0) -> T:
    """Look again and again until there is something to see."""
    deadline, never = monotonic() + seconds, threading.Event()
    while not (found := look()):
        assert monotonic() < deadline, "it did not happen in time"
        never.wait(0.05)
    return found
