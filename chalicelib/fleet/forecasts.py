"""What was expected of a stop when it was an hour, half an hour and a quarter of an hour away.

Whoever wants to know how good forecasts are has to keep them from before the truth is known. A shift keeps
them for the stops within an hour only, so they stay few; the attempt takes them over. Weak point: a forecast
is noted at milestones of the van, so a lead is reached somewhat later than by the clock.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from chalicelib.units import MINUTE, Seconds, StopId, Timestamp

HORIZONS: Final[tuple[Seconds, ...]] = (15 * MINUTE, 30 * MINUTE, 60 * MINUTE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """When service was expected to start: 5 %, 50 % and 95 %.

    Attributes
    ----------
    horizon
        The shortest of `HORIZONS` that was not shorter than the lead.
    """

    horizon: Seconds
    earliest_at: Timestamp
    expected_at: Timestamp
    latest_at: Timestamp


def horizon_of(lead: Seconds) -> Seconds | None:
    """Say to which horizon a lead belongs; None if it is longer than all."""
    return next((horizon for horizon in HORIZONS if lead <= horizon), None)


def noted(
    known: Mapping[StopId, tuple[Forecast, ...]],
    ahead: Iterable[tuple[StopId, Timestamp, Timestamp, Timestamp]],
    now: Timestamp,
    *,
    awaited: Collection[StopId] = (),
) -> dict[StopId, tuple[Forecast, ...]]:
    """Add what is expected now where a horizon is reached for the first time; forget who is no longer ahead.

    Parameters
    ----------
    ahead
        Stops with the earliest, expected and latest start of service.
    awaited
        Stops that are behind, and of which nobody has said what came of them.
    """
    after = {stop_id: known[stop_id] for stop_id in awaited if stop_id in known}
    for stop_id, earliest_at, expected_at, latest_at in ahead:
        before = known.get(stop_id, ())
        horizon = horizon_of(expected_at - now)
        if horizon is not None and all(each.horizon != horizon for each in before):
            new = Forecast(
                horizon=horizon, earliest_at=earliest_at, expected_at=expected_at, latest_at=latest_at
            )
            before = (*before, new)
        if before:
            after[stop_id] = before
    return after


def forecast_document(forecast: Forecast) -> list[int]:
    """Write a forecast as a plain JSON document."""
    return [forecast.horizon, forecast.earliest_at, forecast.expected_at, forecast.latest_at]


def read_forecast(stored: list[int]) -> Forecast:
    """Read what `forecast_document` wrote."""
    horizon, earliest_at, expected_at, latest_at = stored
    return Forecast(horizon=horizon, earliest_at=earliest_at, expected_at=expected_at, latest_at=latest_at)
