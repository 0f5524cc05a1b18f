"""What a start costs: ``python -m infra.artefact.measure``, after `make package`.

Each figure is the CPU time of a fresh process from nothing to its first answer, the interpreter's own start
included; the search is a real one, against the sandbox's table and vans with booked routes. The floor is what
anybody pays for the same libraries (`floor.py`), as Python starts it and with what `chalicelib.start`
does. Weak point: Lambda also fetches the zip and starts its sandbox, which nothing here can show.
"""

import argparse
import json
import platform
import sys
import urllib.request
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

from chalicelib.start import kept_in
from infra.artefact.build import ROOT
from infra.artefact.contents import LEAN, WORKER
from infra.artefact.isolated import FIRST_ANSWER, FLOOR, NOWHERE, Isolated, http_event, unpacked
from infra.sandbox import Sandbox

NOTHING: Final = "import time; print(1000 * time.process_time())"
FLOOR_ROW: Final = "the floor of a search"
QUICK_FLOOR_ROW: Final = "the floor, started as we start"
SEARCH_ROW: Final = "first search, roads of Porto"
QUICK: Final = "from chalicelib.start import quick_imports\nquick = quick_imports()\nquick.__enter__()\n"
SOLVES: Final = f"import app\nfrom ortools.constraint_solver import pywrapcp\n{NOTHING}"
LISTED: Final = """
import json, pkgutil, chalicelib
print(json.dumps([each.name for each in pkgutil.walk_packages(chalicelib.__path__, "chalicelib.")]))
"""
# What a program would import at its top that does not think of its start.
BY_HABIT: Final = (
    "numpy.random",
    "ortools.constraint_solver.pywrapcp",
    "phonenumbers",
    "aws_lambda_powertools.utilities.batch",
    "twilio.rest.api.v2010.account.message",
)
WISH: Final = {"destination": {"lat": 41.1579, "lon": -8.6291}, "load": {"parcels": 1}, "days": 3}
BOOKED: Final = 12

type Milliseconds = float
type Row = Callable[[], Milliseconds]


def first_answer(
    isolated: Isolated,
    event: dict[str, object],
    *,
    imports: Sequence[str] = (),
    program: str = FIRST_ANSWER,
) -> Milliseconds:
    """Start the API and ask it one thing.

    Raises
    ------
    ValueError
        If the answer is not 200: a failure may be fast.
    """
    seen = isolated.first_answer("app.app", event, imports=imports, program=program)
    if seen.answer["statusCode"] != 200:
        raise ValueError(seen.answer["body"])
    return seen.cpu_ms


def book(url: str, key: str) -> None:
    """Hold a dozen places around the depot, so that a search finds vans with routes."""

    def post(path: str, name: str, body: object) -> Any:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        headers["Idempotency-Key"] = name
        request = urllib.request.Request(f"{url}{path}", json.dumps(body).encode(), headers, method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    for number in range(BOOKED):
        cart = f"cart-{number}"
        destination = {"lat": 41.15 + 0.002 * number, "lon": -8.63 + 0.003 * (number % 5)}
        found = post("/v1/slots/search", f"search-{cart}", {"destination": destination, "cart_ref": cart})
        offers = [slot["offer"] for slot in found["slots"] if slot["available"]]
        post("/v1/holds", f"hold-{cart}", {"offer": offers[number % len(offers)], "cart_ref": cart})


def rows_of(sandbox: Sandbox, *, lean: Path, sources: Path, both: Path) -> dict[str, Row]:
    """What is measured, by name.

    Parameters
    ----------
    lean, sources
        The lean artefact, as it is and without anything compiled.
    both
        Both artefacts in one folder.
    """
    key = sandbox.merchants[0]["keys"]["secret"]
    book(sandbox.url, key)
    health = http_event("GET", "/v1/health")
    search = http_event("POST", "/v1/slots/search", WISH, headers={"Authorization": f"Bearer {key}"})
    straight = {name: value for name, value in sandbox.environment.items() if name != "ROADS_DIR"}
    roads = {**straight, "ROADS_DIR": "roads"}
    everything = [*BY_HABIT, *json.loads(Isolated(both, NOWHERE).run(LISTED))]
    return {
        "Python itself": lambda: float(Isolated(lean, NOWHERE).run(NOTHING)),
        "first answer, health": lambda: first_answer(Isolated(lean, NOWHERE), health),
        "first search, straight lines": lambda: first_answer(Isolated(lean, straight), search),
        FLOOR_ROW: lambda: first_answer(Isolated(lean, roads), search, program=FLOOR),
        QUICK_FLOOR_ROW: lambda: first_answer(Isolated(lean, roads), search, program=QUICK + FLOOR),
        SEARCH_ROW: lambda: first_answer(Isolated(lean, roads), search),
        "the same, everything at top level": lambda: first_answer(
            Isolated(both, roads), search, imports=everything
        ),
        "the same, from sources": lambda: first_answer(Isolated(sources, roads, ("-B",)), search),
        "the worker with its solver": lambda: float(Isolated(both, NOWHERE).run(SOLVES)),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m infra.artefact.measure", description=__doc__)
    parser.add_argument("--build", type=Path, default=ROOT / "build", help="folder that `make package` wrote")
    parser.add_argument("--times", type=int, default=11, help="processes per figure")
    given = parser.parse_args(arguments)
    lean, worker = given.build / LEAN.file_name, given.build / WORKER.file_name
    with Sandbox() as sandbox, unpacked(lean) as whole, unpacked(lean) as sources, unpacked(worker) as both:
        with zipfile.ZipFile(lean) as archive:
            archive.extractall(both)
        kept_in(sources).unlink()
        for bytecode in sources.rglob("*.pyc"):
            bytecode.unlink()
        rows = rows_of(sandbox, lean=whole, sources=sources, both=both)
        taken = [{name: take() for name, take in rows.items()} for _ in range(given.times)]
    # In turn, and the floor beside its search: a machine that is busy for a while is so to all.
    print(
        f"CPU milliseconds, median and least of {given.times} processes, Python {platform.python_version()}"
    )
    for name in rows:
        figures = [one[name] for one in taken]
        print(f"{name:34}{median(figures):8.0f}{min(figures):8.0f}")
    for floor in (FLOOR_ROW, QUICK_FLOOR_ROW):
        above = median(one[SEARCH_ROW] - one[floor] for one in taken)
        ratio = median(one[SEARCH_ROW] / one[floor] for one in taken)
        print(f"the search above {floor}: {above:+.0f} ms, {ratio:.2f} times as much, median of the pairs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
