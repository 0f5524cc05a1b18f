"""The zips hold what their functions need, for the machine they run on, and little else."""

import ast
import email
import hashlib
import importlib.util
import os
import re
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from infra.artefact import ARTEFACTS, LEAN, WORKER, Artefact
from infra.artefact.build import TASK_ROOT
from infra.artefact.contents import AWS_SERVICES, CUTS, NEVER_CALLED, Cut, keeps
from infra.artefact.template import read_template
from infra.artefact.wheels import required

ROOT = Path(__file__).parents[2]
LAMBDA_LIMIT = 250 * 1024 * 1024
AMAZON_LINUX_2023_GLIBC = 34
X86_64 = 62

HOLDS = {
    LEAN: (
        "app.py",
        "chalice/app.py",
        "chalicelib/bootstrap/__init__.py",
        "chalicelib/handlers/pages/tracking.html",
        "chalicelib/notifications/understanding/words/en.txt",
        "phonenumbers/phonenumberutil.py",
        "roads/porto/graph.npz",
        "twilio/rest/api/v2010/account/message/__init__.py",
        "tzdata/zoneinfo/Europe/Lisbon",
    ),
    WORKER: (
        "app.py",
        "ortools/constraint_solver/_pywrapcp.so",
        "pyvrp/solve.py",
        "roads/porto/graph.npz",
        "vrplib/__init__.py",
    ),
}
NOWHERE = (
    *("aiohttp", "matplotlib", "moto", "pandas", "phonenumbers/geodata"),
    *("pip", "pytest", "setuptools", "tests", "tqdm"),
)
LACKS = {
    LEAN: (*NOWHERE, "ortools", "pyvrp", "vroom", "vrplib"),
    WORKER: (*NOWHERE, "phonenumbers", "twilio"),
}

each_artefact = pytest.mark.parametrize("artefact", ARTEFACTS, ids=lambda artefact: artefact.name)


def names(built: Path, artefact: Artefact) -> list[str]:
    with zipfile.ZipFile(built / artefact.file_name) as archive:
        return archive.namelist()


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.zip")}


@pytest.mark.parametrize(("artefact", "megabytes"), [(LEAN, 115), (WORKER, 200)], ids=["lean", "worker"])
def test_artefact_is_small_enough(built: Path, artefact: Artefact, megabytes: int) -> None:
    """Unpacked, each stays well under what Lambda takes: size is read at every cold start."""
    with zipfile.ZipFile(built / artefact.file_name) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    assert size < megabytes * 1_000_000 < LAMBDA_LIMIT


def test_uncut_libraries_would_not_fit() -> None:
    """Control: all that requirements.txt installs, solvers and all, is more than Lambda takes."""
    asked = {*required(ROOT / "requirements.txt"), *NEVER_CALLED, "botocore"}
    whole = sum(
        Path(str(file.locate())).stat().st_size
        for name in asked
        for file in metadata.files(name) or ()
        if file.suffix != ".pyc"
    )
    assert whole > LAMBDA_LIMIT


@each_artefact
def test_artefact_holds_what_its_functions_need(built: Path, artefact: Artefact) -> None:
    """Chalice drops what it cannot install and says nothing; a missing library would show in production."""
    inside = set(names(built, artefact))
    assert set(HOLDS[artefact]) <= inside
    for library in ("numpy/_core/_multiarray_umath", "pyroutingkit/_core", "pydantic_core/_pydantic_core"):
        assert any(name.startswith(library) and name.endswith(".so") for name in inside)


@each_artefact
def test_artefact_lacks_what_its_functions_never_call(built: Path, artefact: Artefact) -> None:
    """No solver with the API, no texts with the worker, nothing of development in either."""
    inside = names(built, artefact)
    for absent in LACKS[artefact]:
        assert not [name for name in inside if f"/{absent}/" in f"/{name}"]


def application(built: Path, artefact: Artefact) -> dict[str, int]:
    ours = ("app.py", "chalice/", "chalicelib/", "roads/")
    with zipfile.ZipFile(built / artefact.file_name) as archive:
        return {entry.filename: entry.CRC for entry in archive.infolist() if entry.filename.startswith(ours)}


def test_both_hold_the_same_application(built: Path) -> None:
    """One application in two zips: they differ in libraries only."""
    assert application(built, LEAN) == application(built, WORKER)


def test_application_is_complete(built: Path) -> None:
    """Every module of the repository is in it, and no other."""
    inside = {name for name in names(built, LEAN) if name.startswith("chalicelib/") and name.endswith(".py")}
    assert inside == {str(path.relative_to(ROOT)) for path in (ROOT / "chalicelib").rglob("*.py")}


@each_artefact
def test_versions_are_those_that_are_locked(built: Path, artefact: Artefact) -> None:
    """What is deployed is what was tested."""
    locked = {line.split(" ;")[0] for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()}
    with zipfile.ZipFile(built / artefact.file_name) as archive:
        described = [archive.read(name).decode() for name in archive.namelist() if name.endswith("/METADATA")]
    messages = map(email.message_from_string, described)
    pins = {f"{canonicalize_name(message['Name'])}=={message['Version']}" for message in messages}
    assert pins
    assert pins <= locked


@each_artefact
def test_machine_code_is_for_lambda(built: Path, artefact: Artefact) -> None:
    """Every shared library is for x86-64 and asks for no newer C library than Amazon Linux 2023 has."""
    with zipfile.ZipFile(built / artefact.file_name) as archive:
        binaries = {name: archive.read(name) for name in archive.namelist() if ".so" in Path(name).suffixes}
    assert binaries
    for name, content in binaries.items():
        assert content[:4] == b"\x7fELF", name
        assert int.from_bytes(content[18:20], "little") == X86_64, name
        asked = {int(minor) for minor in re.findall(rb"GLIBC_2\.(\d+)", content)}
        assert max(asked, default=0) <= AMAZON_LINUX_2023_GLIBC, name


@each_artefact
def test_every_source_has_its_bytecode(built: Path, artefact: Artefact) -> None:
    """/var/task is read-only: what is not compiled here is compiled again at every start. And no other."""
    inside = set(names(built, artefact))
    sources = {name for name in inside if name.endswith(".py")}
    bytecode = {name for name in inside if name.endswith(".pyc")}
    assert bytecode == {importlib.util.cache_from_source(name) for name in sources}
    with zipfile.ZipFile(built / artefact.file_name) as archive:
        compiled = archive.read(importlib.util.cache_from_source("app.py"))
    assert compiled[:4] == importlib.util.MAGIC_NUMBER
    assert compiled[4:8] == b"\x01\0\0\0"  # by a hash that nobody checks
    assert f"{TASK_ROOT}/app.py".encode() in compiled


def test_bytecode_is_for_the_runtime_in_the_template(built: Path) -> None:
    """The Python that builds decides both; another version would ignore the bytecode and the wheels."""
    resources = read_template(built / "template.yaml")["Resources"].values()
    runtimes = {one["Properties"]["Runtime"] for one in resources if "CodeUri" in one.get("Properties", {})}
    assert runtimes == {f"python{sys.version_info.major}.{sys.version_info.minor}"}


def test_template_points_at_the_zips_beside_it(built: Path) -> None:
    """`aws cloudformation package` uploads what it finds there."""
    resources = read_template(built / "template.yaml")["Resources"].values()
    uris = {one["Properties"]["CodeUri"] for one in resources if "CodeUri" in one.get("Properties", {})}
    assert uris == {path.name for path in built.glob("*.zip")}


def test_same_sources_give_the_same_bytes(built: Path, tmp_path: Path) -> None:
    """Another run, with other hash seeds and another umask, uploads nothing new."""
    again = [sys.executable, "-m", "infra.artefact", "--out", str(tmp_path)]
    there = {**os.environ, "PYTHONHASHSEED": "42", "TZ": "Pacific/Auckland"}
    subprocess.run(again, cwd=ROOT, env=there, umask=0o077, check=True, capture_output=True, timeout=300)
    assert digests(tmp_path) == digests(built)


@pytest.mark.parametrize("cut", CUTS, ids=lambda cut: cut.folder)
def test_every_cut_still_cuts(cut: Cut) -> None:
    """A folder that moved in a new version would come back unnoticed."""
    package, _, inner = cut.folder.partition("/")
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / inner
    assert cut.keeps < {child.name for child in folder.iterdir()}
    assert not keeps(f"{cut.folder}/anything")


def test_aws_clients_that_the_code_makes_are_packed() -> None:
    """botocore knows a service by a data file; most of them stay behind."""
    made = {
        call.args[0].value
        for path in (ROOT / "chalicelib").rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "aws_client"
        and call.args
        and isinstance(call.args[0], ast.Constant)
    }
    assert made
    assert made <= AWS_SERVICES
