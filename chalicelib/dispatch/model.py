"""What replans are, as merchants see them and as the worker keeps count of them.

Requests for one plan are numbered, and a run covers every request that was made before it began: however many
bookings a busy minute brings, they are one run's work. Weak point: a run that was killed is seen as running
until its time is over.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from chalicelib.fleet.plans import PlanKey
from chalicelib.units import MINUTE, Seconds, StopId, Timestamp

LONGEST_RUN: Seconds = 20 * MINUTE  # every try of a job and the waits between them; behind that it is dead


class Work(StrEnum):
    """What a worker is asked to do with a plan; each kind has a queue and a count of requests of its own."""

    IMPROVE = "improve"  # behind a booking: sell more
    REPAIR = "repair"  # on the road: keep what is sold


class ReplanState(StrEnum):
    """How far a replan is."""

    QUEUED = "queued"
    RUNNING = "running"
    APPLIED = "applied"
    UNCHANGED = "unchanged"
    SUPERSEDED = "superseded"
    FAILED = "failed"

    @property
    def finished(self) -> bool:
        """Whether it stays so."""
        return self not in (ReplanState.QUEUED, ReplanState.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How many promises of a plan stand how, in the words of `fleet.risk`."""

    kept: int
    at_risk: int
    broken: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A stop that changed vans; None stands for no van."""

    stop_id: StopId
    left: str | None
    joined: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replan:
    """One improvement of a plan: asked for, or done by itself behind a booking.

    Attributes
    ----------
    began_at, finished_at
        Business time.
    seconds_saved
        Driving that the plan no longer has; negative if promises were bought with it.
    standing
        Of all the plan's promises afterwards.
    why
        Why it changed nothing, or failed, for a person.
    version
        0: not stored yet.
    """

    replan_id: str
    plan: PlanKey
    state: ReplanState
    requested_at: Timestamp
    began_at: Timestamp | None = None
    finished_at: Timestamp | None = None
    moves: tuple[Move, ...] = ()
    seconds_saved: Seconds = 0
    standing: Standing | None = None
    why: str | None = None
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """The count of requests for one plan.

    Attributes
    ----------
    requested
        Number of the latest.
    done
        Number of the latest that a finished run covers.
    improved
        Versions of the routes as the last run left them: what has another version changed since.
    """

    requested: int = 0
    done: int = 0
    improved: Mapping[str, int] = field(default_factory=dict)
