"""What goes into each artefact, and what of the libraries stays behind: everything here is a decision.

A function may have 250 MB unpacked, and every megabyte is read when one starts.
"""

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    """One zip.

    Parameters
    ----------
    without
        What of requirements.txt it has no use for, and what only that needs.
    """

    name: str
    without: frozenset[str]

    @property
    def file_name(self) -> str:
        return f"{self.name}.zip"


LEAN: Final = Artefact(name="lean", without=frozenset({"ortools", "pyvrp"}))
WORKER: Final = Artefact(name="worker", without=frozenset({"jinja2", "phonenumbers", "twilio"}))
ARTEFACTS: Final = (LEAN, WORKER)

NEVER_CALLED: Final = {
    "aiohttp": "Twilio's client has a synchronous transport",
    "aiohttp-retry": "as aiohttp",
    "chalice": "`chalice package` bundles its runtime; the rest of it deploys",
    "matplotlib": "PyVRP draws with it, which nobody asks for",
    "pandas": "the routing solver of OR-Tools does without",
    "pycparser": "only builds C bindings",
    "tqdm": "PyVRP's command line shows progress with it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A folder of a library that stays behind, but for some names in it.

    Parameters
    ----------
    keeps
        Names of files and folders directly in it.
    """

    folder: str
    keeps: frozenset[str] = frozenset()


AWS_SERVICES: Final = frozenset({"dynamodb", "sqs", "ssm"})
_EVERY_AWS_CLIENT: Final = frozenset(
    {"_retry.json", "endpoints.json", "partitions.json", "sdk-default-configuration.json"}
)
CUTS: Final = (
    Cut(folder="boto3/data"),
    Cut(folder="boto3/examples"),
    Cut(folder="botocore/data", keeps=AWS_SERVICES | _EVERY_AWS_CLIENT),
    Cut(folder="numpy/_core/include"),
    Cut(folder="numpy/_core/lib"),
    Cut(folder="numpy/_pyinstaller"),
    Cut(folder="numpy/f2py"),
    Cut(folder="phonenumbers/carrierdata"),
    Cut(folder="phonenumbers/geodata"),
    Cut(folder="phonenumbers/tzdata"),
    Cut(folder="pyvrp/plotting"),
    Cut(folder="twilio/rest", keeps=frozenset({"__init__.py", "api"})),
)
_FOR_DEVELOPERS: Final = frozenset({".a", ".c", ".csv", ".h", ".js", ".pxd", ".pyi", ".pyx"})


def keeps(path: str) -> bool:
    """Tell whether a file of a wheel goes into an artefact.

    Of what describes a distribution only METADATA does: it tells a scanner which version this is.
    """
    *folders, name = PurePosixPath(path).parts
    if not folders:
        return True
    if folders[0].endswith(".dist-info"):
        return name == "METADATA"
    if folders[0].endswith(".data") or "tests" in folders:
        return False
    return PurePosixPath(name).suffix not in _FOR_DEVELOPERS and not any(_cuts(cut, path) for cut in CUTS)


def _cuts(cut: Cut, path: str) -> bool:
    inside = path.removeprefix(f"{cut.folder}/")
    return inside != path and inside.split("/")[0] not in cut.keeps
