"""Fixtures that cost seconds to build and are therefore shared: the emulated AWS and the running sandbox."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from infra.sandbox import Emulator, Sandbox
from tests import quick_moto
from tests.canaries import leaks_of, pytest_configure

__all__ = ["pytest_configure"]  # which has every test listened to
quick_moto.install()

if TYPE_CHECKING:
    from tests.handlers.deployed import Start

# A shared machine may be slow at any moment: how long an example takes says nothing about the code.
settings.register_profile("shared machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared machine")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`make test ARGS="tests/security --times 20"` looks twenty times as long for what nobody thought of."""
    parser.addoption("--times", type=int, default=1, help="multiplies the examples of the fuzzing tests")


@pytest.fixture(scope="session")
def times(request: pytest.FixtureRequest) -> int:
    """How many times as many examples as usual the fuzzing tests shall try."""
    found: int = request.config.getoption("--times")
    return found


@pytest.hookimpl(tryfirst=True)  # before xdist looks for groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs the emulator; keep in one xdist worker what shares something that is dear to build.

    That is everything with the whole sandbox, and the tests of a module that share what the module starts.
    """
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if "emulator" in fixtures or "sandbox" in fixtures:
            item.add_marker(pytest.mark.sandbox)
        if "sandbox" in fixtures:
            item.add_marker(pytest.mark.xdist_group("sandbox"))
        elif not item.get_closest_marker("xdist_group") and _shares_with_its_module(item):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


def _shares_with_its_module(item: pytest.Item) -> bool:
    manager = item.session._fixturemanager  # noqa: SLF001  - nothing public tells a fixture's scope
    named = (manager.getfixturedefs(name, item) for name in getattr(item, "fixturenames", ()))
    return any(fixture.scope == "module" for found in named for fixture in found or ())


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """Emulated AWS with our table and queues; one per xdist worker.

    Tests that must not see each other's items use merchants of their own, or `emulator.create("name")`.
    """
    with Emulator(logs=tmp_path_factory.mktemp("emulator")) as running:
        yield running


@pytest.fixture(scope="session")
def dynamodb(emulator: Emulator) -> Any:
    """A DynamoDB client of the emulator that retries nothing."""
    return emulator.client("dynamodb")


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """The whole product, running; `sandbox.merchants` has two merchants with keys and a depot each."""
    home = tmp_path_factory.mktemp("sandbox")
    with Sandbox(home=home) as running:
        yield running
    assert leaks_of(home) == []


@pytest.fixture(scope="module")
def start() -> "Iterator[Start]":
    """Starts the product in this process; all it starts ends with the module."""
    from tests.handlers.deployed import deployed  # of no use to most tests, and slow to import

    with ExitStack() as running, pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        yield lambda **given: running.enter_context(deployed(**given))
