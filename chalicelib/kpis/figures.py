"""What is counted of a depot's day, and how counts of several days become those of a longer time.

The glossary of all figures: what each of them means stands here, once. Whatever is shown as a share or a mean
is kept as the sums it is made of, so that days add up exactly.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final

from chalicelib.promises.model import AttemptFlag, Outcome
from chalicelib.units import Seconds

type Horizon = Seconds | None
"""Of `fleet.forecasts.HORIZONS`; None stands for the plan as the van left."""

PROMOTES: Final = 9  # of ten; from here on a buyer recommends it
DETRACTS: Final = 6  # and up to here advises against it


class Verdict(StrEnum):
    """How a visit did against a window."""

    KEPT = "kept"  # the van was there within it; who comes before it opens, and waits, is within
    EARLY = "early"  # it was there and away again before the window opened
    LATE = "late"  # it came after the window had closed
    MISSED = "missed"  # nobody came


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors:
    """How far forecasts of one horizon were off when service started: sums.

    Attributes
    ----------
    error
        Positive where the van came later than expected.
    intervals, covered, width
        Forecasts with an interval of nine tenths; how many held the truth; and how wide they were.
    """

    forecasts: int = 0
    error: Seconds = 0
    absolute_error: Seconds = 0
    intervals: int = 0
    covered: int = 0
    width: Seconds = 0

    def __add__(self, other: "Errors") -> "Errors":
        return Errors(
            forecasts=self.forecasts + other.forecasts,
            error=self.error + other.error,
            absolute_error=self.absolute_error + other.absolute_error,
            intervals=self.intervals + other.intervals,
            covered=self.covered + other.covered,
            width=self.width + other.width,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinions:
    """Answers from 0 to 10, in the three classes of a net promoter score (Reichheld 2003)."""

    promoters: int = 0
    passives: int = 0
    detractors: int = 0

    def __add__(self, other: "Opinions") -> "Opinions":
        return Opinions(
            promoters=self.promoters + other.promoters,
            passives=self.passives + other.passives,
            detractors=self.detractors + other.detractors,
        )

    @staticmethod
    def of(score: int) -> "Opinions":
        """Count one answer."""
        if score >= PROMOTES:
            return Opinions(promoters=1)
        return Opinions(detractors=1) if score <= DETRACTS else Opinions(passives=1)

    @property
    def answers(self) -> int:
        """How many there are."""
        return self.promoters + self.passives + self.detractors

    @property
    def net(self) -> float | None:
        """Share of promoters less that of detractors, from -100 to 100; None if nobody answered."""
        return 100 * (self.promoters - self.detractors) / self.answers if self.answers else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Everything that is counted.

    Attributes
    ----------
    promised, cancelled
        Promises that are for this day as they stand now.
    open
        Those of them of whom nobody can say yet: not attempted, and the window has not closed.
    original
        Each promise once, the first visit that really came against the window that was promised first: on the
        day of its first attempt, or on the day it is for if its window closed and there was none.
    moved
        Of these, who had been given another window before; whoever asked for that, they count against the
        first.
    told
        Every visit of the day, further attempts included, against the window its buyer was last told.
    first_attempts, first_successes
        Promises attempted for the first time, and those of them that were delivered at once.
    exceptions
        Attempts that failed, by what came of them.
    flags
        Deliveries that somebody should look at.
    errors
        Of forecasts, where both that the van came and when is known.
    contacts
        How often buyers asked where their order is, on the day it is for.
    product, delivery
        What buyers think of the goods, and apart from that of how they were delivered.
    """

    promised: int = 0
    cancelled: int = 0
    open: int = 0
    original: Counter[Verdict] = field(default_factory=Counter)
    moved: int = 0
    told: Counter[Verdict] = field(default_factory=Counter)
    first_attempts: int = 0
    first_successes: int = 0
    exceptions: Counter[Outcome] = field(default_factory=Counter)
    flags: Counter[AttemptFlag] = field(default_factory=Counter)
    errors: Mapping[Horizon, Errors] = field(default_factory=dict)
    contacts: int = 0
    product: Opinions = Opinions()
    delivery: Opinions = Opinions()

    def __add__(self, other: "Figures") -> "Figures":
        horizons = self.errors.keys() | other.errors.keys()
        return Figures(
            promised=self.promised + other.promised,
            cancelled=self.cancelled + other.cancelled,
            open=self.open + other.open,
            original=self.original + other.original,
            moved=self.moved + other.moved,
            told=self.told + other.told,
            first_attempts=self.first_attempts + other.first_attempts,
            first_successes=self.first_successes + other.first_successes,
            exceptions=self.exceptions + other.exceptions,
            flags=self.flags + other.flags,
            errors={
                horizon: self.errors.get(horizon, Errors()) + other.errors.get(horizon, Errors())
                for horizon in horizons
            },
            contacts=self.contacts + other.contacts,
            product=self.product + other.product,
            delivery=self.delivery + other.delivery,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFigures:
    """The figures of one depot on one local date."""

    depot_id: str
    day: date
    figures: Figures
