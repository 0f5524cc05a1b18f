"""On whose behalf something is done: the request to which a transaction, a job or a text goes back.

The door and the workers open an errand, adapters beneath them look up the one that is under way. So an id
travels through outbox, queue and texts, and no feature has to hand on what is nothing to it. Weak point: it
stays in its thread; whoever hands work to another one must open an errand there.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class Errand:
    """What is under way.

    Attributes
    ----------
    request_id
        As the caller's `X-Request-Id` has it; None if nobody asked: a trigger, or a row of before this was
        written down.
    conflicts
        How often a command was decided anew because another writer came first.
    """

    request_id: str | None = None
    conflicts: int = 0


_under_way: ContextVar[Errand | None] = ContextVar("errand", default=None)


@contextmanager
def errand(request_id: str | None = None) -> Iterator[Errand]:
    """Open an errand until the block ends; its conflicts are those of the one around it, too."""
    opened, around = Errand(request_id=request_id), _under_way.get()
    token = _under_way.set(opened)
    try:
        yield opened
    finally:
        _under_way.reset(token)
        if around:
            around.conflicts += opened.conflicts


def current_request_id() -> str | None:
    """Give the id of the request on whose behalf this runs; None if there is none."""
    current = _under_way.get()
    return current.request_id if current else None


def note_conflict() -> None:
    """Count that a command of this errand is decided anew."""
    current = _under_way.get()
    if current:
        current.conflicts += 1
