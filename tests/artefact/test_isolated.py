"""Each artefact works where nothing else is installed, and loads no more than it uses."""

import json
import shutil
import sys
import zipfile
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

import pytest

from chalicelib.start import kept_in
from infra.artefact import LEAN
from infra.artefact.isolated import FIRST_ANSWER, NOWHERE, Died, Isolated, http_event
from infra.sandbox import Sandbox, lambda_events

WISH = {"destination": {"lat": 41.1579, "lon": -8.6291}, "load": {"parcels": 1}, "days": 3}
# What a first search loads of ours, beside routing, the store's rows and packages: add to it knowingly.
ON_THE_SEARCH_PATH = {
    "chalicelib.adapters.errand",
    "chalicelib.adapters.road_graph",
    "chalicelib.adapters.sealing",
    "chalicelib.adapters.secrets",
    "chalicelib.adapters.shared_clock",
    "chalicelib.adapters.travel",
    "chalicelib.bootstrap",
    "chalicelib.bootstrap.essentials",
    "chalicelib.bootstrap.texts",
    "chalicelib.dispatch",
    "chalicelib.dispatch.model",
    "chalicelib.dispatch.store",
    "chalicelib.errors",
    "chalicelib.events",
    "chalicelib.fleet.area",
    "chalicelib.fleet.calendar",
    "chalicelib.fleet.documents",
    "chalicelib.fleet.forecasts",
    "chalicelib.fleet.ids",
    "chalicelib.fleet.model",
    "chalicelib.fleet.planning",
    "chalicelib.fleet.plans",
    "chalicelib.fleet.store",
    "chalicelib.handlers.checkout",
    "chalicelib.handlers.delivery_wire",
    "chalicelib.handlers.door",
    "chalicelib.handlers.due",
    "chalicelib.handlers.endpoints",
    "chalicelib.handlers.follow_ups",
    "chalicelib.handlers.http",
    "chalicelib.handlers.idempotency",
    "chalicelib.handlers.incoming",
    "chalicelib.handlers.site",
    "chalicelib.handlers.snapshot",
    "chalicelib.handlers.strict_json",
    "chalicelib.handlers.telemetry",
    "chalicelib.handlers.wire",
    "chalicelib.handlers.workers",
    "chalicelib.merchants.hold_caps",
    "chalicelib.merchants.model",
    "chalicelib.merchants.quota",
    "chalicelib.merchants.service",
    "chalicelib.notifications.model",
    "chalicelib.promises.documents",
    "chalicelib.promises.model",
    "chalicelib.promises.offer_token",
    "chalicelib.promises.refusals",
    "chalicelib.promises.search",
    "chalicelib.promises.shaping",
    "chalicelib.promises.store",
    "chalicelib.receipts",
    "chalicelib.retention",
    "chalicelib.reminders",
    "chalicelib.settings",
    "chalicelib.start",
    "chalicelib.units",
}
LIBRARIES_OF_A_SEARCH = {
    "_cffi_backend",
    "annotated_types",
    "aws_lambda_powertools",
    "boto3",
    "botocore",
    "certifi",
    "chalice",
    "cryptography",
    "dateutil",
    "jmespath",
    "numpy",
    "pydantic",
    "pydantic_core",
    "pyroutingkit",
    "s3transfer",
    "six",
    "typing_extensions",
    "typing_inspection",
    "urllib3",
}
TELLS_WHAT_DATACLASSES_COMPILE = """
import sys

def heard(event, told):
    if event == "compile" and "__create_fn__" in str(told[0]):
        print("compiled")

sys.addaudithook(heard)
"""

# What a checkout must not wait for.
OFF_THE_CHECKOUT_PATH = {
    "aws_lambda_powertools.utilities.batch",
    "aws_xray_sdk",
    "chalicelib.adapters.osrm",
    "chalicelib.adapters.sqs",
    "chalicelib.adapters.twilio",
    "chalicelib.adapters.webhook_http",
    "chalicelib.dispatch.service",
    "chalicelib.fleet.service",
    "chalicelib.handlers.docs_page",
    "chalicelib.handlers.fleet",
    "chalicelib.handlers.openapi",
    "chalicelib.handlers.promises",
    "chalicelib.promises.booking",
    "chalicelib.webhooks",
    "numpy.ma",
    "numpy.random",
    "ortools",
    "pandas",
    "phonenumbers",
    "pyvrp",
    "requests",
    "statistics",
    "twilio",
}

SOLVES = """
from ortools.constraint_solver import pywrapcp
import numpy
places = [(0, 0), (0, 3), (4, 3), (4, 0)]
distance = numpy.array([[abs(a - c) + abs(b - d) for c, d in places] for a, b in places])
manager = pywrapcp.RoutingIndexManager(len(places), 1, 0)
routing = pywrapcp.RoutingModel(manager)
between = lambda i, j: int(distance[manager.IndexToNode(i), manager.IndexToNode(j)])
routing.SetArcCostEvaluatorOfAllVehicles(routing.RegisterTransitCallback(between))
print(routing.Solve().ObjectiveValue())
"""
IMPROVES = """
import sys
import numpy
from chalicelib.routing.optimiser import Budget, engine_for
from chalicelib.routing.optimiser.problem import Problem, Task, Van
tasks = [Task(stop_id=at, place=at, opens=0, closes=900, service=0, load=(1, 0, 0)) for at in range(3)]
van = Van(
    shift_id="a", start=3, end=4, starts=0, ends=900, capacity=(3, None, None),
    takes=frozenset(range(3)), order=(1, 0, 2),
)
street = numpy.array([1, 2, 3, 0, 0])
seconds = abs(street[:, None] - street).astype(numpy.int64)
for soft in (False, True):
    problem = Problem(tasks=tuple(tasks), vans=(van,), seconds=seconds, soft=soft)
    (order,) = engine_for(problem).improve(problem, Budget(clock=lambda: 0.0, until=1.0, iterations=20))
    print(problem.arrivals(0, order)[-1])
print({"matplotlib", "tqdm", "pandas"} & set(sys.modules))
"""
TEXTS = """
from chalicelib.adapters.secrets import Fixed, TwilioAccount
from chalicelib.adapters.twilio import TwilioSender
from chalicelib.notifications.carrier import Outgoing
account = TwilioAccount(account_sid="AC0", auth_tokens=("0",), sender="+15005550006")
sender = TwilioSender(Fixed(account), api_url="http://127.0.0.1:9")
text = Outgoing(
    to="+12025550123",
    body="Your delivery",
    sender=None,
    callback_url="https://track.example/twilio/status",
    valid_for=3600,
)
print(type(sender.send(text)).__name__)
"""
JUDGES_PHONES = """
import phonenumbers
print(phonenumbers.is_valid_number(phonenumbers.parse("+12025550123")))
"""
TELLS_TIME = """
import zoneinfo
zoneinfo.reset_tzpath([])
print(zoneinfo.ZoneInfo("Europe/Lisbon"))
"""


@pytest.fixture(params=["lean", "worker"])
def folder(request: pytest.FixtureRequest) -> Path:
    unpacked: Path = request.getfixturevalue(request.param)
    return unpacked


def roots(modules: Any) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def test_application_starts_with_only_its_artefact(folder: Path) -> None:
    """Both zips import all of app.py and answer, from their own files and the standard library's alone."""
    seen = Isolated(folder, NOWHERE).first_answer("app.app", http_event("GET", "/v1/health"))
    assert (seen.answer["statusCode"], json.loads(seen.answer["body"])) == (200, {"status": "ok"})
    files = {file for file in seen.modules.values() if file and "site-packages" in file}
    assert not files
    assert seen.modules["numpy"] == str(folder / "numpy" / "__init__.py")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("TABLE_NAME", "", "TABLE_NAME is not set"),
        ("TABLE_NAME", "nowhere-test", "TABLE_NAME must end in -live"),
        ("SECRETS_PATH", "/nowhere-test", "SECRETS_PATH must be"),
    ],
)
def test_function_that_is_set_up_wrongly_does_not_start(
    folder: Path, name: str, value: str, says: str
) -> None:
    """It fails while Lambda loads it, before any event and with what is wrong: its deployment stops there."""
    with pytest.raises(Died, match=says):
        Isolated(folder, {**NOWHERE, name: value}).first_answer(imports=["app"])


def test_application_is_packaged_without_its_settings(lean: Path) -> None:
    """CONTROL: where it is only looked at, as `chalice package` does, there is nothing to refuse."""
    without = {
        name: value
        for name, value in NOWHERE.items()
        if name not in {"TABLE_NAME", "AWS_LAMBDA_FUNCTION_NAME"}
    }
    assert Isolated(lean, without).first_answer(imports=["app"])


def test_worker_solves_a_route(worker: Path) -> None:
    """OR-Tools works without pandas, beside numpy."""
    assert Isolated(worker, NOWHERE).run(SOLVES).split() == ["14"]


def test_worker_improves_a_plan_with_either_solver(worker: Path) -> None:
    """What was cut of PyVRP and OR-Tools is not missed."""
    assert Isolated(worker, NOWHERE).run(IMPROVES).splitlines() == ["6", "6", "set()"]


def test_lean_artefact_has_no_solver_to_load(lean: Path) -> None:
    """Control: the same program finds no OR-Tools there."""
    with pytest.raises(Died, match="No module named 'ortools'"):
        Isolated(lean, NOWHERE).run(SOLVES)


def test_lean_artefact_can_text(lean: Path) -> None:
    """Twilio's client works with the one API of it that is packed, up to a host that does not answer."""
    assert Isolated(lean, NOWHERE).run(TEXTS).strip() == "NotProcessed"


@pytest.mark.parametrize(
    ("program", "says"),
    [(JUDGES_PHONES, "True"), (TELLS_TIME, "Europe/Lisbon")],
    ids=["phones", "zones"],
)
def test_cut_libraries_still_know_what_we_ask(lean: Path, program: str, says: str) -> None:
    """Numbers are judged without the names of towns; zones are there where the system has none."""
    assert Isolated(lean, NOWHERE).run(program).strip() == says


def test_bytecode_is_used_without_a_look_at_its_source(built: Path, tmp_path: Path) -> None:
    """A source that cannot even be parsed does no harm, so it was not compiled, read or compared."""
    modules = ("chalicelib/__init__.py", "chalicelib/units.py")
    with zipfile.ZipFile(built / LEAN.file_name) as archive:
        archive.extractall(tmp_path, [*modules, *map(cache_from_source, modules)])
    (tmp_path / modules[-1]).write_text("def def")
    import_it = "import chalicelib.units; print(chalicelib.units.MINUTE)"
    assert Isolated(tmp_path, NOWHERE).run(import_it).split() == ["60"]
    shutil.rmtree(tmp_path / "chalicelib" / "__pycache__")
    with pytest.raises(Died, match="SyntaxError"):
        Isolated(tmp_path, NOWHERE).run(import_it)


def test_search_loads_nothing_but_what_a_search_needs(lean: Path, sandbox: Sandbox) -> None:
    """A shopper's first search pays for no solver, no Twilio, no documents; the roads it does need."""
    seen = Isolated(lean, on_roads(sandbox)).first_answer("app.app", search_event(sandbox))
    assert seen.answer["statusCode"] == 200, seen.answer
    assert any(slot["available"] for slot in json.loads(seen.answer["body"])["slots"])
    assert not OFF_THE_CHECKOUT_PATH & (seen.modules.keys() | roots(seen.modules))
    assert "pyroutingkit" in seen.modules


def test_search_loads_what_it_is_known_to_load(lean: Path, sandbox: Sandbox) -> None:
    """Of our modules and of the libraries, each one on the way of a shopper who waits stands in a list."""
    seen = Isolated(lean, on_roads(sandbox)).first_answer("app.app", search_event(sandbox))
    assert seen.answer["statusCode"] == 200, seen.answer
    whole = ("chalicelib.routing.", "chalicelib.adapters.dynamodb")
    packages = {name for name, file in seen.modules.items() if str(file).endswith("__init__.py")}
    ours = {name for name in seen.modules if name.startswith("chalicelib.") and not name.startswith(whole)}
    assert ours - packages <= ON_THE_SEARCH_PATH
    theirs = {name for name, file in seen.modules.items() if file and Path(file).is_relative_to(lean)}
    assert roots(theirs) - {"app", "chalicelib"} <= LIBRARIES_OF_A_SEARCH


def test_first_search_compiles_no_dataclass(lean: Path, sandbox: Sandbox) -> None:
    """The methods of every dataclass on the way, ours and the libraries', were compiled with the artefact."""
    assert compiled_by_a_search(lean, sandbox) == 0


def test_without_its_file_each_dataclass_is_compiled(lean: Path, sandbox: Sandbox, tmp_path: Path) -> None:
    """Control: the same artefact without what the build compiled compiles hundreds, and answers the same."""
    bare = tmp_path / "bare"
    shutil.copytree(lean, bare, symlinks=True)
    kept_in(bare).unlink()
    assert compiled_by_a_search(bare, sandbox) > 300


def test_compiled_methods_are_for_the_runtime(lean: Path) -> None:
    """Another Python would not look at them: their file is named as bytecode is."""
    assert kept_in(lean).name == f"dataclasses.{sys.implementation.cache_tag}.marshal"
    assert kept_in(lean).exists()


def compiled_by_a_search(artefact: Path, sandbox: Sandbox) -> int:
    asked = {"handler": "app.app", "event": search_event(sandbox), "imports": []}
    program = TELLS_WHAT_DATACLASSES_COMPILE + FIRST_ANSWER
    *told, answer = Isolated(artefact, on_roads(sandbox)).run(program, given=json.dumps(asked)).splitlines()
    assert json.loads(answer)["answer"]["statusCode"] == 200
    return told.count("compiled")


def search_event(sandbox: Sandbox) -> dict[str, Any]:
    key = sandbox.merchants[0]["keys"]["secret"]
    return http_event("POST", "/v1/slots/search", WISH, headers={"Authorization": f"Bearer {key}"})


def on_roads(sandbox: Sandbox) -> dict[str, str]:
    return {**sandbox.environment, "ROADS_DIR": "roads"}


def test_texting_does_load_twilio(lean: Path) -> None:
    """Control: what the search is free of is there and found by the same look."""
    seen = Isolated(lean, NOWHERE).first_answer(imports=["chalicelib.adapters.twilio"])
    assert {"twilio", "requests"} <= OFF_THE_CHECKOUT_PATH & roots(seen.modules)


def test_worker_takes_a_planning_job(worker: Path, sandbox: Sandbox) -> None:
    """The function that runs from the worker's zip needs nothing that only the lean one has."""
    merchant = sandbox.merchants[0]
    plan = f"{merchant['depot_id']}/2030-01-01"
    job = {"tenant": f"{merchant['merchant_id']}.test", "plan": plan, "request": "r1"}
    message: dict[str, Any] = {"MessageId": "m1", "ReceiptHandle": "h1", "MD5OfBody": ""}
    message |= {"Body": json.dumps(job), "Attributes": {"MessageGroupId": plan}}
    record = lambda_events.queue_record(message, arn="arn:aws:sqs:eu-west-1:000000000000:improve.fifo")
    there = {**sandbox.environment, "ROADS_DIR": "roads"}
    seen = Isolated(worker, there).first_answer("app.improve", {"Records": [record]})
    assert seen.answer == {"batchItemFailures": []}
    assert not {"twilio", "phonenumbers"} & roots(seen.modules)


def test_clearing_up_runs_from_the_lean_artefact(lean: Path, sandbox: Sandbox) -> None:
    """The minute's trigger finds nothing due, and says so."""
    seen = Isolated(lean, sandbox.environment).first_answer("app.drain_due", lambda_events.tick())
    assert isinstance(seen.answer, int)
