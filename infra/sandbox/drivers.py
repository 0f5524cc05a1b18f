"""A fleet of robo drivers lives a day: whatever happens next anywhere decides how far the clock goes.

The office is told after every step, and may take its time: nothing else happens until it has settled. So a
day depends on its seed and on what the office decides, not on how fast the machine is. Weak point: as the
world stands still while the office thinks, no decision ever comes too late.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Final, Protocol

from chalicelib.promises.model import Outcome
from chalicelib.units import Metres, Seconds, Timestamp
from infra.sandbox.driver import Attempt, Driver

MOST_STEPS: Final = 5_000  # of one driver; a day has some hundreds


class Office(Protocol):
    """Who is behind the phones."""

    def move_to(self, at: Timestamp) -> None:
        """It is this late now."""
        ...

    def settle(self) -> None:
        """Come back when all has been done that was to be done about what the phones said."""
        ...


class NeverEnds(RuntimeError):
    """A driver goes on and on: there is a mistake in the simulation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lived:
    """What became of a day.

    Attributes
    ----------
    attempts
        The first at each promise.
    promised
        Everything that was to be delivered.
    forecasts
        Promise, when it was said, and when the van was said to come: of followed manifests.
    changes
        Changed manifests that drivers noticed on the way.
    fetched
        Promises whose parcels were taken over from a van that broke down.
    """

    attempts: Mapping[str, Attempt]
    promised: frozenset[str]
    metres: Metres
    incidents: Sequence[str]
    forecasts: Sequence[tuple[str, Timestamp, Timestamp]]
    changes: int
    fetched: int

    @property
    def kept(self) -> int:
        """Promises kept: the van was at the door within the promised window."""
        return sum(attempt.kept for attempt in self.attempts.values())

    @property
    def broken(self) -> int:
        """Promises broken: the van came later, or never."""
        return len(self.promised) - self.kept

    @property
    def delivered(self) -> int:
        """Promises delivered at the first attempt."""
        return sum(attempt.outcome.is_delivery for attempt in self.attempts.values())

    @property
    def lost_on_the_way(self) -> int:
        """Promises broken on the very leg to their door: nobody could have known when the van set out."""
        return sum(not each.kept and each.set_out_in_time for each in self.attempts.values())

    def failed(self, outcome: Outcome) -> int:
        """How many first attempts ended so."""
        return sum(attempt.outcome is outcome for attempt in self.attempts.values())

    def eta_errors(self, *, ahead: Sequence[Seconds]) -> list[float]:
        """Mean absolute error of what was said, in seconds, for each of these leads and up to the next."""
        errors = [list[int]() for _ in ahead]
        for promise_id, said_at, expected_at in self.forecasts:
            attempt = self.attempts.get(promise_id)
            if attempt is None:
                continue
            began_at = max(attempt.arrived_at, attempt.window.start)
            reached = [at for at, lead in enumerate(ahead) if began_at - said_at >= lead]
            if reached:
                errors[reached[-1]].append(abs(began_at - expected_at))
        return [sum(each) / len(each) if each else float("nan") for each in errors]


def live(
    drivers: Sequence[Driver], office: Office, *, seen: Callable[[Timestamp], None] = lambda _: None
) -> None:
    """Let all of them live their day, one step at a time, the earliest first.

    Parameters
    ----------
    seen
        Called after every step with how late it is.

    Raises
    ------
    NeverEnds
        A driver took more than `MOST_STEPS` steps.
    """
    days = [driver.live() for driver in drivers]
    agenda = [(driver.now, number) for number, driver in enumerate(drivers)]
    heapify(agenda)
    steps = [0] * len(drivers)
    while agenda:
        at, number = heappop(agenda)
        steps[number] += 1
        if steps[number] > MOST_STEPS:
            raise NeverEnds(f"{drivers[number].duty.shift_id} took {MOST_STEPS} steps and goes on.")
        office.move_to(at)
        then = next(days[number], None)
        office.settle()
        seen(at)
        if then is not None:
            heappush(agenda, (then, number))


def summed(drivers: Iterable[Driver], promised: frozenset[str]) -> Lived:
    """Add up what the drivers of one day did."""
    whole = list(drivers)
    attempts = dict[str, Attempt]()
    for attempt in sorted((each for driver in whole for each in driver.attempts), key=_when):
        attempts.setdefault(attempt.promise_id, attempt)
    return Lived(
        attempts=attempts,
        promised=promised,
        metres=sum(driver.metres for driver in whole),
        incidents=[incident for driver in whole for incident in driver.incidents],
        forecasts=[forecast for driver in whole for forecast in driver.forecasts],
        changes=sum(driver.changes for driver in whole),
        fetched=sum(driver.fetched for driver in whole),
    )


def _when(attempt: Attempt) -> Timestamp:
    return attempt.arrived_at
