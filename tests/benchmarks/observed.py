"""What being observed costs: ``python -m tests.benchmarks.observed``. CPU of the best of many rounds.

Beside our line with its counts stand the line alone, Powertools' own Metrics, and a span. What tracing costs
when it is off needs no figure: nothing of it is loaded (`tests/adapters/test_tracing.py`).
"""

import contextlib
import io
import logging
import os
from collections.abc import Callable
from time import process_time

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from chalicelib.adapters.tracing import span
from chalicelib.handlers.telemetry import Metric, Telemetry, structured_log

ROUNDS, TIMES = 15, 2_000
FIELDS = {
    "endpoint": "POST /v1/slots/search",
    "status": 200,
    "tenant": "acme.live",
    "key_id": "key_1EfDNeAHB0",
}


def microseconds(act: Callable[[], object]) -> float:
    """CPU time of one call, in the round that was disturbed least."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = process_time()
        for _ in range(TIMES):
            act()
        best = min(best, (process_time() - began) / TIMES)
    return best * 1e6


def main() -> None:
    """Print the figures."""
    kept = io.StringIO()
    with open(os.devnull, "w") as nowhere:
        telemetry = Telemetry(Logger(service="bench", stream=nowhere, location=None), stage=lambda: "live")
        shown = Telemetry(Logger(service="shown", stream=kept, location=None), stage=lambda: "live")
        metrics = Metrics(namespace="Slotkeeper")
        metrics.set_default_dimensions(stage="live")
        structured_log()
        traced = logging.getLogger("slotkeeper")
        for handler in traced.handlers:
            traced.removeHandler(handler)
        handler = logging.StreamHandler(nowhere)
        handler.setFormatter(logging.getLogger("shown").handlers[0].formatter)
        traced.addHandler(handler)

        def line(telemetry: Telemetry, *, counted: bool) -> None:
            with telemetry.line("request", "req_0123456789abcdef") as written:
                written.fields |= FIELDS
                if counted:
                    written.counts.update({Metric.SEARCHES: 1, Metric.OFFERS: 12})

        def powertools() -> None:
            metrics.add_metric("Searches", MetricUnit.Count, 1)
            metrics.add_metric("Offers", MetricUnit.Count, 12)
            metrics.flush_metrics()

        def one_span() -> None:
            with span("search.screen", routes=400, windows=12):
                pass

        print(
            f"  a request's line               {microseconds(lambda: line(telemetry, counted=False)):5.1f} µs"
        )
        print(
            f"  ... with a search's two counts {microseconds(lambda: line(telemetry, counted=True)):5.1f} µs"
        )
        with contextlib.redirect_stdout(nowhere):
            separate = microseconds(powertools)
        print(f"  the counts by Powertools       {separate:5.1f} µs more, and a line more")
        print(f"  a span, tracing on             {microseconds(one_span):5.1f} µs")
        for counted in (False, True):
            line(shown, counted=counted)
        alone, counted_line = map(len, kept.getvalue().splitlines())
        print(f"  bytes of a search's line       {counted_line:5} of which counts {counted_line - alone}")


if __name__ == "__main__":
    main()
