"""From the sources and the index to two zips and a template."""

import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from importlib.util import cache_from_source
from pathlib import Path
from typing import Final

from packaging.utils import NormalizedName, canonicalize_name

from infra.artefact import watch
from infra.artefact.commands import run
from infra.artefact.contents import ARTEFACTS, keeps
from infra.artefact.methods import keep_methods
from infra.artefact.template import Template, finished, write_template
from infra.artefact.wheels import closure, download, required

ROOT: Final = Path(__file__).parents[2]
TASK_ROOT: Final = "/var/task"  # where Lambda unpacks a zip; shown in tracebacks
TEMPLATE: Final = "template.yaml"
_EARLIEST: Final = (1980, 1, 1, 0, 0, 0)  # the oldest time a zip can say: nobody's clock is in the bytes
_READABLE: Final = 0o100644 << 16
_SOURCES: Final = ("app.py", ".chalice", "chalicelib")


def build(out: Path, *, stage: str = "live") -> None:
    """Write the zips and the template into a folder; half a minute.

    Raises
    ------
    BuildFailed
        If `chalice package` or pip fails, or a source does not compile.
    """
    asked = required(ROOT / "requirements.txt")
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="slotkeeper-") as scratch:
        place = Path(scratch)
        bundle, template = package(place / "chalice", stage=stage)
        tree = place / "tree"
        ours = [*_unpacked(bundle, tree, lambda _name: True), *_road_graphs(tree)]
        wheels = download(closure(asked), place / "wheels")
        theirs = {name: _unpacked(wheel, tree, keeps) for name, wheel in wheels.items()}
        _compile(tree)
        ours.append(keep_methods(tree))
        for artefact in ARTEFACTS:
            inside = closure(asked - {canonicalize_name(name) for name in artefact.without})
            _archive(out / artefact.file_name, tree, _files(ours, theirs, inside))
    write_template(template, out / TEMPLATE)


def package(place: Path, *, stage: str) -> tuple[Path, Template]:
    """Have Chalice bundle the application without libraries, and write the template of a stage.

    It would install everything in requirements.txt, for whichever glibc it thinks Lambda has, and bundle
    whatever bytecode lies about, its own first import's included.
    """
    project, written = place / "project", place / "out"
    for part in _SOURCES:
        source, target = ROOT / part, project / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    (project / "requirements.txt").touch()
    (project / "more.json").write_text(json.dumps(_more(stage)), "utf-8")
    # Nothing else of this environment: app.py declares endpoints by what it finds there.
    environment = {
        "AWS_DEFAULT_REGION": "eu-west-1",
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    chalice = ["-c", "from chalice.cli import main; main()"]
    merge = ["--merge-template", "more.json"]
    run([*chalice, "package", "--stage", stage, *merge, str(written)], cwd=project, environment=environment)
    return written / "deployment.zip", finished(json.loads((written / "sam.json").read_text("utf-8")))


def _more(stage: str) -> Template:
    """What is merged into Chalice's own template: what runs besides functions, and what watches over all."""
    declared: Template = json.loads((ROOT / "infra" / "resources.json").read_text("utf-8"))
    return declared | {"Resources": declared["Resources"] | watch.resources(stage)}


def _unpacked(archive: Path, tree: Path, wanted: Callable[[str], bool]) -> list[str]:
    with zipfile.ZipFile(archive) as source:
        kept = [name for name in source.namelist() if not name.endswith("/") and wanted(name)]
        source.extractall(tree, kept)
    return kept


def _road_graphs(tree: Path) -> list[str]:
    graphs = []
    for graph in (ROOT / "infra" / "roads").glob("*/graph.npz"):
        name = f"roads/{graph.parent.name}/{graph.name}"
        (tree / name).parent.mkdir(parents=True)
        shutil.copyfile(graph, tree / name)
        graphs.append(name)
    return graphs


def _compile(tree: Path) -> None:
    """Put bytecode beside each source that is used without a look at it: a zip's sources never change.

    In a process of its own, because bytecode says which of its constants were in use elsewhere, too.
    """
    unchecked = ["--invalidation-mode", "unchecked-hash"]
    run(["-I", "-m", "compileall", "-f", "-q", *unchecked, "-s", str(tree), "-p", TASK_ROOT, str(tree)])


def _files(
    ours: Iterable[str], theirs: dict[NormalizedName, list[str]], inside: Iterable[NormalizedName]
) -> list[str]:
    sources = {*ours, *(name for distribution in inside for name in theirs[distribution])}
    return sorted(sources | {cache_from_source(name) for name in sources if name.endswith(".py")})


def _archive(path: Path, tree: Path, names: Iterable[str]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            entry = zipfile.ZipInfo(name, _EARLIEST)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, _READABLE
            archive.writestr(entry, (tree / name).read_bytes())
