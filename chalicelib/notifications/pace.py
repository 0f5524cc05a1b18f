"""How fast one sender may text, and when it stops because the carrier is in trouble.

A sender's pace is one moment, kept in the store: when it is free again. Whoever sends moves it on by what the
text costs, in one conditional write, and is told its own place: at once, or at that moment. So each text
waits once and exactly as long as it must, however many workers there are (the generic cell rate algorithm).
The same row, asked in the same write, breaks the circuit: after a few failures in a row nobody calls until a
moment that moves farther off each time, and then one worker does, to see. Weak point: what is sent by others
from the same number is not known here.
"""

from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Final, Protocol

from chalicelib.units import MINUTE, Seconds, Timestamp

FAILURES_TO_OPEN: Final = 5
SHORTEST_PAUSE: Final[Seconds] = 30
LONGEST_PAUSE: Final[Seconds] = 10 * MINUTE
_MILLISECONDS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """When a text may go: in so many seconds, 0 for now."""

    wait: Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """The circuit is open: nobody calls before then, in so many seconds."""

    wait: Seconds


@dataclass(frozen=True, slots=True)
class NoPlace:
    """Everything before it takes longer than the text is of use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderState:
    """How calls in a sender's name went lately.

    Attributes
    ----------
    failures
        Calls in a row that went wrong.
    open_until
        System time before which it is not called; 0: it may be.
    """

    failures: int = 0
    open_until: Timestamp = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved:
    """What came of asking for a sender's next moment.

    Attributes
    ----------
    at
        Where the moment stood, in milliseconds of system time; None: nothing was moved.
    state
        How the sender stood.
    """

    at: int | None
    state: SenderState


class SenderStore(Protocol):
    """One row for each sender."""

    def sender_state(self, sender: str) -> SenderState:
        """How a sender stands; one that nobody knows stands well."""
        ...

    def move_sender(self, sender: str, before: SenderState, after: SenderState) -> bool:
        """Write how it stands, on condition that it stands as it was found; False if it does not."""
        ...

    def reserve(self, sender: str, *, cost: int, now: int, latest: int, failures: int) -> Reserved:
        """Move the moment a sender is free on by `cost`, from `now` if that is later; all in milliseconds.

        Nothing is moved if the place would be after `latest`, or the sender has failed more than `failures`
        times in a row.
        """
        ...


class Pace:
    """Gives texts their turn.

    Parameters
    ----------
    segments_per_second
        What one sender may send: what the carriers granted it, not what Twilio takes.
    """

    def __init__(self, store: SenderStore, *, segments_per_second: int) -> None:
        self._store, self._per_second = store, segments_per_second
        self._troubled = set[str]()  # senders that failed when they were last looked at

    def is_closed(self, sender: str, *, now: Timestamp) -> Closed | None:
        """Whether a sender's circuit is open; when its pause is over, the first who asks may try.

        Parameters
        ----------
        now
            System time.
        """
        return self._closed(sender, self._store.sender_state(sender), now)

    def turn(
        self, sender: str, *, segments: int, now: Timestamp, within: Seconds
    ) -> Place | Closed | NoPlace:
        """Give a text its place, unless the circuit is open.

        Parameters
        ----------
        now
            System time.
        within
            How long the text is of use.

        Notes
        -----
        One write; two where the sender went idle, or is idle no more. Of an open circuit two or three.
        """
        cost = ceil(segments * _MILLISECONDS / self._per_second)  # rounded down, a second would take one more
        reserve = partial(
            self._store.reserve,
            sender,
            cost=cost,
            now=now * _MILLISECONDS,
            latest=(now + within) * _MILLISECONDS,
        )
        reserved = reserve(failures=FAILURES_TO_OPEN - 1)
        closed = self._closed(sender, reserved.state, now)
        if closed is not None:
            return closed
        if reserved.at is None and reserved.state.failures >= FAILURES_TO_OPEN:  # it is ours to try
            reserved = reserve(failures=reserved.state.failures)
        if reserved.at is None:
            return NoPlace()
        return Place(wait=max(0, reserved.at // _MILLISECONDS - now))

    def _closed(self, sender: str, state: SenderState, now: Timestamp) -> Closed | None:
        if state.failures:
            self._troubled.add(sender)
        if state.failures < FAILURES_TO_OPEN:
            return None
        if now < state.open_until:
            return Closed(wait=state.open_until - now)
        trial = SenderState(failures=state.failures, open_until=now + SHORTEST_PAUSE)
        return None if self._store.move_sender(sender, state, trial) else Closed(wait=SHORTEST_PAUSE)

    def note_success(self, sender: str) -> None:
        """Close the circuit again; asks nobody where there was no trouble."""
        if sender in self._troubled:
            self._store.move_sender(sender, self._store.sender_state(sender), SenderState())
            self._troubled.discard(sender)

    def note_failure(self, sender: str, *, now: Timestamp, at_once: bool = False) -> bool:
        """Count a failure; gives whether it opened the circuit.

        Parameters
        ----------
        at_once
            Whether one is enough: nobody's credentials are good the next second.
        """
        state = self._store.sender_state(sender)
        self._troubled.add(sender)
        failures = max(state.failures + 1, FAILURES_TO_OPEN if at_once else 0)
        beyond = failures - FAILURES_TO_OPEN
        pause = min(LONGEST_PAUSE, SHORTEST_PAUSE * 2 ** min(beyond, 8)) if beyond >= 0 else 0
        after = SenderState(failures=failures, open_until=now + pause if pause else 0)
        return self._store.move_sender(sender, state, after) and beyond == 0
