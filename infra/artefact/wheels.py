"""Which distributions the requirements need, and their wheels for Lambda's x86-64 Linux.

Versions are those installed here, which the tests ran with; wheels come through pip, for the target's
platform whatever this machine is. Weak point: what a distribution needs is read from the installed one, so
this environment must hold everything that is deployed.
"""

import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name, parse_wheel_filename

from infra.artefact.commands import run
from infra.artefact.contents import NEVER_CALLED

type Versions = dict[NormalizedName, str]

_GLIBC: Final = 34  # minor version on Amazon Linux 2023, where Python 3.12 and 3.13 run
_PLATFORMS: Final = (
    *(f"manylinux_2_{minor}_x86_64" for minor in range(_GLIBC, 16, -1)),
    "manylinux2014_x86_64",
)
_TARGET: Final = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "sys_platform": "linux",
}


def required(requirements: Path) -> frozenset[NormalizedName]:
    """Return the names a requirements file asks for, without its options."""
    lines = requirements.read_text("utf-8").splitlines()
    return frozenset(
        canonicalize_name(Requirement(line).name)
        for line in lines
        if line and not line.startswith(("#", "-"))
    )


def closure(names: Iterable[NormalizedName]) -> Versions:
    """Return all distributions that these need in Lambda, themselves included."""
    found: Versions = {}
    ahead = [(name, frozenset[str]()) for name in names]
    while ahead:
        name, extras = ahead.pop()
        if name in NEVER_CALLED or name in found:
            continue
        found[name] = metadata.version(name)
        for text in metadata.requires(name) or ():
            needed = Requirement(text)
            if _applies(needed, extras):
                ahead.append((canonicalize_name(needed.name), frozenset(needed.extras)))
    return found


def _applies(requirement: Requirement, extras: frozenset[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate(_TARGET | {"extra": extra}) for extra in {"", *extras})


def download(versions: Versions, folder: Path) -> dict[NormalizedName, Path]:
    """Fetch exactly these wheels; nothing is built from source."""
    folder.mkdir()
    major, minor = sys.version_info[:2]
    target = ["--implementation", "cp", "--python-version", f"{major}.{minor}"]
    for platform in _PLATFORMS:
        target += ["--platform", platform]
    pins = [f"{name}=={version}" for name, version in sorted(versions.items())]
    run(["-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--dest", str(folder), *target, *pins])
    return {parse_wheel_filename(wheel.name)[0]: wheel for wheel in folder.glob("*.whl")}
