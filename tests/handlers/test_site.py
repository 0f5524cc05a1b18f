"""The site map says what the modules declare, and loads them one by one."""

import json
import subprocess
import sys

import pytest

from chalicelib.handlers.endpoints import Endpoint, Endpoints
from chalicelib.handlers.site import PATHS, site
from tests.handlers.bakery import api as bakery

LOADS = """
import json, os, sys
os.environ.update(AWS_DEFAULT_REGION="eu-west-1", STAGE="sandbox")
from chalicelib.handlers.site import PATHS, site
features = dict(zip(PATHS, site(sandbox=True)))
for name in sys.argv[1:]:
    features[name].declared
print(json.dumps([name for name in PATHS if f"chalicelib.handlers.{name}" in sys.modules]))
"""


def as_sets(paths: object) -> object:
    assert hasattr(paths, "items")
    return {path: set(methods) for path, methods in paths.items()}


def loaded_after(*asked: str) -> set[str]:
    command = [sys.executable, "-c", LOADS, *asked]
    return set(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


@pytest.mark.parametrize("name", PATHS)
def test_map_says_what_the_module_declares(name: str) -> None:
    """Paths, methods, and whether a web page may call: the same in the map and at the handlers."""
    feature = dict(zip(PATHS, site(sandbox=True), strict=True))[name]
    module = Endpoints("whatever")
    module.declared = list(feature.declared)
    assert as_sets(feature.paths) == as_sets(module.paths)


def test_a_path_missing_from_the_map_would_be_seen() -> None:
    """Control: a declaration more makes the two differ."""
    less = Endpoints("less")
    less.declared = bakery.declared[1:]
    assert as_sets(less.paths) != as_sets(bakery.paths)


def test_a_stage_without_sandbox_has_no_sandbox_paths() -> None:
    """The test clock is not merely locked: it is not there."""
    assert not any(path.startswith("/v1/test") for feature in site(sandbox=False) for path in feature.paths)
    assert any(path.startswith("/v1/test") for feature in site(sandbox=True) for path in feature.paths)


def test_description_covers_every_feature() -> None:
    """The document's feature sees all others, and they see themselves."""
    every: list[Endpoint] = [endpoint for feature in site(sandbox=True) for endpoint in feature.declared]
    assert {endpoint.path for endpoint in every} == {path for paths in PATHS.values() for path in paths}


def test_map_itself_loads_no_feature() -> None:
    """A process knows every path before it has imported a handler."""
    assert loaded_after() == set()


def test_a_feature_loads_alone() -> None:
    """A checkout does not pay for the endpoints of the fleet, nor a fleet's office for the checkout."""
    assert loaded_after("checkout") == {"checkout"}
    assert "checkout" not in loaded_after("fleet")
    assert loaded_after(*PATHS) == set(PATHS)  # control: all of them are found by this look
