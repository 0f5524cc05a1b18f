"""How figures look in JSON and CSV; what each of them means stands in `kpis.figures`.

Shares and means are null where nothing was counted: no deliveries are neither good nor bad. Beside each share
stand the counts it is made of, so that whoever adds up days of their own choice need not weigh means.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Annotated, Any

from pydantic import Field

from chalicelib.fleet.forecasts import HORIZONS
from chalicelib.handlers.paging import Listed
from chalicelib.handlers.wire import Date, Id, Query, View
from chalicelib.kpis.figures import DayFigures, Errors, Figures, Horizon, Opinions, Verdict
from chalicelib.promises.model import AttemptFlag, Outcome
from chalicelib.units import MINUTE

_HORIZONS: tuple[Horizon, ...] = (None, *sorted(HORIZONS, reverse=True))
_FAILURES = tuple(outcome for outcome in Outcome if not outcome.is_delivery)


class KpisQuery(Query):
    """Which days of which depots."""

    depot_id: Annotated[Id | None, Field(description="All depots unless given.")] = None
    since: Annotated[
        Date | None,
        Field(alias="from", description="First local date; six days before `to` unless given."),
    ] = None
    to: Annotated[Date | None, Field(description="Last local date, included; today unless given.")] = None


class WindowsView(View):
    """Visits held against a window."""

    kept: Annotated[int, Field(description="The van was there within it.")]
    early: Annotated[int, Field(description="It was there and away again before the window opened.")]
    late: Annotated[int, Field(description="It came after the window had closed.")]
    missed: Annotated[int, Field(description="The window closed and nobody came.")]
    kept_share: Annotated[float | None, Field(description="Of all four; null if there is none.")]

    @staticmethod
    def of(verdicts: Mapping[Verdict, int]) -> "WindowsView":
        """Show verdicts."""
        counts = {verdict.value: verdicts.get(verdict, 0) for verdict in Verdict}
        return WindowsView(**counts, kept_share=_share(counts["kept"], sum(counts.values())))


class PromiseKpis(WindowsView):
    """Each promise once, against the window that was promised first."""

    moved: Annotated[
        int, Field(description="Of these, who had been given another window; they count against the first.")
    ]


class FirstAttempts(View):
    """Promises that were attempted for the first time."""

    made: int
    delivered: int
    success_share: float | None


class EtaKpis(View):
    """How far expected arrivals of one horizon were off, when service started."""

    horizon_minutes: Annotated[
        int | None,
        Field(
            description="First expectation with at most this lead, and more than the next shorter horizon; "
            "null: the plan as the van left."
        ),
    ]
    forecasts: int
    mean_error_seconds: Annotated[
        float | None, Field(description="Positive where vans came later than expected.")
    ]
    mean_absolute_error_seconds: float | None
    intervals: Annotated[int, Field(description="Those with an interval of nine tenths.")]
    covered: Annotated[int, Field(description="How many of them held the truth.")]
    covered_share: float | None
    mean_width_seconds: float | None

    @staticmethod
    def of(horizon: Horizon, errors: Errors) -> "EtaKpis":
        """Show errors."""
        return EtaKpis(
            horizon_minutes=None if horizon is None else horizon // MINUTE,
            forecasts=errors.forecasts,
            mean_error_seconds=_mean(errors.error, errors.forecasts),
            mean_absolute_error_seconds=_mean(errors.absolute_error, errors.forecasts),
            intervals=errors.intervals,
            covered=errors.covered,
            covered_share=_share(errors.covered, errors.intervals),
            mean_width_seconds=_mean(errors.width, errors.intervals),
        )


class NpsView(View):
    """Answers from 0 to 10: 9 and 10 promote, 0 to 6 detract."""

    answers: int
    promoters: int
    detractors: int
    nps: Annotated[float | None, Field(description="From -100 to 100; null if nobody answered.")]

    @staticmethod
    def of(opinions: Opinions) -> "NpsView":
        """Show opinions."""
        return NpsView(
            answers=opinions.answers,
            promoters=opinions.promoters,
            detractors=opinions.detractors,
            nps=None if opinions.net is None else round(opinions.net, 1),
        )


class KpisView(View):
    """Figures of some days."""

    promised: Annotated[int, Field(description="Promises for these days as they stand now.")]
    cancelled: int
    open: Annotated[int, Field(description="Promised, not attempted, and the window has not closed.")]
    promises: PromiseKpis
    on_slot: Annotated[
        WindowsView,
        Field(description="Every visit, further attempts included, against the window its buyer was told."),
    ]
    first_attempts: FirstAttempts
    exceptions: Annotated[dict[Outcome, int], Field(description="Attempts that failed, by outcome.")]
    flags: Annotated[dict[AttemptFlag, int], Field(description="Deliveries that somebody should look at.")]
    eta: Annotated[list[EtaKpis], Field(description="By horizon, the longest first.")]
    contacts: Annotated[int, Field(description="Buyers who asked where their order is.")]
    nps_product: NpsView
    nps_delivery: NpsView


class _Whose(View):
    depot_id: str
    date: Date


class KpiDay(KpisView, _Whose):
    """Figures of one depot on one local date."""

    @staticmethod
    def of(day: DayFigures) -> "KpiDay":
        """Show a day."""
        return KpiDay(depot_id=day.depot_id, date=day.day, **_shown(day.figures))


class KpiList(Listed[KpiDay]):
    """A row for each depot and day, days without promises included, and all of them together."""

    total: KpisView

    @staticmethod
    def of(days: Sequence[DayFigures]) -> "KpiList":
        """Show days, and their sum."""
        total = sum((day.figures for day in days), Figures())
        return KpiList(data=[KpiDay.of(day) for day in days], total=KpisView(**_shown(total)))


def _shown(figures: Figures) -> dict[str, Any]:
    """Give figures as the fields of a view."""
    return {
        "promised": figures.promised,
        "cancelled": figures.cancelled,
        "open": figures.open,
        "promises": PromiseKpis(**dict(WindowsView.of(figures.original)), moved=figures.moved),
        "on_slot": WindowsView.of(figures.told),
        "first_attempts": FirstAttempts(
            made=figures.first_attempts,
            delivered=figures.first_successes,
            success_share=_share(figures.first_successes, figures.first_attempts),
        ),
        "exceptions": {outcome: figures.exceptions[outcome] for outcome in _FAILURES},
        "flags": {flag: figures.flags[flag] for flag in AttemptFlag},
        "eta": [EtaKpis.of(horizon, figures.errors.get(horizon, Errors())) for horizon in _HORIZONS],
        "contacts": figures.contacts,
        "nps_product": NpsView.of(figures.product),
        "nps_delivery": NpsView.of(figures.delivery),
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _mean(total: int, count: int) -> float | None:
    return round(total / count, 1) if count else None


def kpi_row(day: DayFigures) -> tuple[object, ...]:
    """Write a day as a row of `KPI_COLUMNS`."""
    return tuple(value for _, value in _cells(day))


def _cells(day: DayFigures) -> Iterator[tuple[str, object]]:
    """Every number of a day under its path in the JSON."""
    shown = KpiDay.of(day).model_dump(mode="json")
    for each in shown.pop("eta"):
        minutes = each.pop("horizon_minutes")
        shown |= {f"eta_{'planned' if minutes is None else minutes}": each}
    for name, value in shown.items():
        if isinstance(value, dict):
            yield from ((f"{name}_{part}", number) for part, number in value.items())
        else:
            yield name, value


KPI_COLUMNS = tuple(name for name, _ in _cells(DayFigures(depot_id="", day=date.min, figures=Figures())))
