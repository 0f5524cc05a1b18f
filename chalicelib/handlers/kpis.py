"""The endpoint of a merchant's figures: how well promises were kept, per depot and day."""

from datetime import timedelta
from typing import Final

from chalicelib.errors import FieldError, InvalidRequest
from chalicelib.handlers.csv_export import csv_answer, is_wanted
from chalicelib.handlers.endpoints import Call, Endpoints
from chalicelib.handlers.http import Answer
from chalicelib.handlers.kpis_wire import KPI_COLUMNS, KpiList, KpisQuery, kpi_row
from chalicelib.kpis.service import latest_today
from chalicelib.merchants.model import Scope

api = Endpoints("Merchant")

USUAL_DAYS: Final = 7
MOST_DAYS: Final = 31
MOST_ROWS: Final = 124  # days of depots: each is two reads and all promises of the day


@api.endpoint(
    "GET",
    "/v1/kpis",
    scope=Scope.OPS,
    query=KpisQuery,
    answers={200: (KpiList, "text/csv")},
    problems=("not_found",),
)
def read_kpis(call: Call[None, KpisQuery]) -> Answer:
    """How well promises were kept, per depot and local date.

    Worked out from the promises at the moment they are asked for: whatever comes late, twice, or is corrected
    afterwards is counted as it really was. The last seven days of all depots unless told otherwise; at most
    31 days, and 124 days of depots. With `Accept: text/csv`, one line for each depot and day.
    """
    asked = call.query
    depots = call.services.kpis.depots(call.tenant, asked.depot_id)
    last = asked.to or latest_today(depots, call.now)
    first = asked.since or last - timedelta(days=USUAL_DAYS - 1)
    days = (last - first).days + 1
    if days < 1:
        raise _refused("?to", "Input should be no earlier than `from`")
    if days > MOST_DAYS:
        raise _refused("?to", f"Input should be at most {MOST_DAYS} days after `from`, both included")
    if days * len(depots) > MOST_ROWS:
        why = f"Input should name one depot, or fewer days: {len(depots)} depots, {days} days"
        raise _refused("?depot_id", why)
    rows = call.services.kpis.days(call.tenant, depots, first, last, call.now)
    if is_wanted(call.headers):
        return csv_answer(KPI_COLUMNS, map(kpi_row, rows))
    return Answer(200, KpiList.of(rows))


def _refused(pointer: str, why: str) -> InvalidRequest:
    return InvalidRequest("The query is not valid; see errors.", fields=[FieldError(pointer, why)])
