"""What a start costs: ``python -m infra.artefact.measure``, after `make package`.

Each figure is the CPU time of a fresh process from nothing to its first answer, the interpreter's own start
included; the search is a real one, against the sandbox's table. Weak point: Lambda also fetches the zip and
starts its sandbox, which nothing here can show.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

from infra.artefact.build import ROOT
from infra.artefact.contents import LEAN, WORKER
from infra.artefact.isolated import NOWHERE, Isolated, http_event, unpacked
from infra.sandbox import Sandbox

# What a search stands on, whoever wrote it.
LIBRARIES: Final = """
import time
import boto3, chalice, numpy, pydantic
from aws_lambda_powertools import Logger
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
Logger(service="any")
boto3.client("dynamodb")
print(1000 * time.process_time())
"""
NOTHING: Final = "import time; print(1000 * time.process_time())"
SOLVER: Final = "the worker with its solver"
SOLVES: Final = f"import app\nfrom ortools.constraint_solver import pywrapcp\n{NOTHING}"
# What is imported where it is needed.
LAZY: Final = (
    "aws_lambda_powertools.utilities.batch",
    "chalicelib.adapters.sqs",
    "chalicelib.handlers.docs_page",
    "chalicelib.handlers.openapi",
    "phonenumbers",
    "pyroutingkit",
    "twilio.rest.api.v2010.account.message",
)
WISH: Final = {"destination": {"lat": 41.1579, "lon": -8.6291}, "load": {"parcels": 1}, "days": 3}

type Milliseconds = float
type Environment = Mapping[str, str]
type Row = Callable[[Callable[[Environment], Isolated]], Milliseconds]


def printed(isolated: Isolated, program: str) -> Milliseconds:
    return float(isolated.run(program))


def first_answer(isolated: Isolated, event: dict[str, object], imports: Sequence[str] = ()) -> Milliseconds:
    """Start the API and ask it one thing.

    Raises
    ------
    ValueError
        If the answer is not 200: a failure may be fast.
    """
    seen = isolated.first_answer("app.app", event, imports=imports)
    if seen.answer["statusCode"] != 200:
        raise ValueError(seen.answer["body"])
    return seen.cpu_ms


def rows_of(sandbox: Sandbox) -> dict[str, Row]:
    """What is measured in the lean artefact, by name; each gets what makes a process in an environment."""
    key = sandbox.merchants[0]["keys"]["secret"]
    health = http_event("GET", "/v1/health")
    search = http_event("POST", "/v1/slots/search", WISH, headers={"Authorization": f"Bearer {key}"})
    straight = {name: value for name, value in sandbox.environment.items() if name != "ROADS_DIR"}
    roads = {**straight, "ROADS_DIR": "roads"}
    return {
        "Python itself": lambda within: printed(within(NOWHERE), NOTHING),
        "the libraries of a search": lambda within: printed(within(NOWHERE), LIBRARIES),
        "first answer, health": lambda within: first_answer(within(NOWHERE), health),
        "first search, straight lines": lambda within: first_answer(within(straight), search),
        "first search, roads of Porto": lambda within: first_answer(within(roads), search),
        "the same, nothing lazy": lambda within: first_answer(within(roads), search, LAZY),
    }


def medians(take: Callable[[], Mapping[str, Milliseconds]], *, times: int) -> dict[str, Milliseconds]:
    """Take all figures in turn, several times over: a machine that is busy for a while is so to all."""
    taken = [take() for _ in range(times)]
    return {name: median(one[name] for one in taken) for name in taken[0]}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.artefact.measure", description=__doc__)
    parser.add_argument("--build", type=Path, default=ROOT / "build", help="folder that `make package` wrote")
    parser.add_argument("--times", type=int, default=7, help="processes per figure")
    given = parser.parse_args()
    lean, worker = given.build / LEAN.file_name, given.build / WORKER.file_name
    with (
        Sandbox() as sandbox,
        unpacked(lean) as whole,
        unpacked(lean) as sources,
        unpacked(worker) as solving,
    ):
        for bytecode in sources.rglob("*.pyc"):
            bytecode.unlink()
        rows = rows_of(sandbox)

        def take() -> dict[str, Milliseconds]:
            found = {SOLVER: printed(Isolated(solving, NOWHERE), SOLVES)}
            for name, row in rows.items():
                found[name] = row(partial(Isolated, whole))
                found[f"{name}, sources"] = row(partial(Isolated, sources, options=("-B",)))
            return found

        found = medians(take, times=given.times)
    print(f"CPU milliseconds, median of {given.times} processes, Python {sys.version.split()[0]}")
    print(f"{'':30}{'bytecode':>10}{'sources':>10}")
    for name in rows:
        print(f"{name:30}{found[name]:10.0f}{found[f'{name}, sources']:10.0f}")
    print(f"{SOLVER:30}{found[SOLVER]:10.0f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
