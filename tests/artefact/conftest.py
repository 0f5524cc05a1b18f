"""One build for all tests of all xdist workers, unpacked once in each; and the template of the live stage."""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.artefact import LEAN, WORKER, build
from infra.artefact.isolated import unpacked
from infra.artefact.template import Template
from tests.artefact.expansion import Resources, expanded, template_of


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder `make package` would write."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    done = shared / "built" / "done"
    with (shared / "built.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            build(done.parent)
            done.touch()
    return done.parent


@pytest.fixture(scope="session")
def lean(built: Path) -> Iterator[Path]:
    with unpacked(built / LEAN.file_name) as folder:
        yield folder


@pytest.fixture(scope="session")
def worker(built: Path) -> Iterator[Path]:
    with unpacked(built / WORKER.file_name) as folder:
        yield folder


@pytest.fixture(scope="module")
def template() -> Template:
    """The live stage's, as it is written."""
    return template_of("live")


@pytest.fixture(scope="module")
def final(template: Template) -> Resources:
    """What CloudFormation gets to see of it."""
    return expanded(template)
