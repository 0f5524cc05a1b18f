"""A fresh machine gets an environment that works, or a sentence that says what is missing."""

import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GROUPED = """
import pytest

@pytest.mark.parametrize("number", range(20))
{mark}
def test_says_where_it_runs(number, worker_id):
    raise AssertionError(f"in {{worker_id}}")
"""
TOOLS = ("sh", "ls", "rm", "touch", "env")


def bootstrap(home: Path, *, path: Path) -> subprocess.CompletedProcess[str]:
    """Make an environment with nothing installed, seeing only what is in one folder of programs."""
    nothing = home / "requirements.txt"
    nothing.write_text("")
    command = ["/bin/sh", str(ROOT / "infra" / "bootstrap"), str(home / "env"), str(nothing)]
    environment = {"PATH": str(path), "HOME": str(home)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A PATH with the usual tools and a `python3.12` that does not run, as pyenv's shims may."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for tool in TOOLS:
        (folder / tool).symlink_to(str(shutil.which(tool)))
    shim = folder / "python3.12"
    shim.write_text("#!/bin/sh\necho 'pyenv: python3.12: command not found' >&2\nexit 127\n")
    shim.chmod(0o755)
    return folder


def test_shim_that_does_not_run_is_passed_over_for_an_installed_python(
    tmp_path: Path, programs: Path
) -> None:
    """pyenv's own versions are found even where its shims refuse."""
    version = tmp_path / ".pyenv" / "versions" / "3.12.99" / "bin"
    version.mkdir(parents=True)
    (version / "python").write_text(f'#!/bin/sh\nexec "{Path(sys.executable).resolve()}" "$@"\n')
    (version / "python").chmod(0o755)
    done = bootstrap(tmp_path, path=programs)
    assert done.returncode == 0, done.stderr
    made = [tmp_path / "env" / "bin" / "python", "-c", "import sys; print(sys.prefix)"]
    assert subprocess.run(made, capture_output=True, text=True, check=True).stdout.strip() == str(
        tmp_path / "env"
    )
    assert (tmp_path / "env" / "installed").exists()


def test_machine_without_a_fitting_python_is_told_what_to_do(tmp_path: Path, programs: Path) -> None:
    """Nothing is made, and the message names versions and a way out."""
    done = bootstrap(tmp_path, path=programs)
    assert done.returncode == 1
    assert "Python 3.12 or 3.13" in done.stderr
    assert not (tmp_path / "env").exists()


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_requirement_is_pinned_and_has_a_reason(name: str) -> None:
    """A line of comment precedes each exact version, so that nothing is carried along unexplained."""
    lines = [
        line for line in (ROOT / name).read_text("utf-8").splitlines() if line and not line.startswith("-")
    ]
    for before, line in pairwise(lines):
        if not line.startswith("#"):
            assert before.startswith("#"), f"{line} has no reason"
            assert re.fullmatch(r"[\w-]+(\[[\w,]+\])?==[\w.]+", line), f"{line} is not pinned"


def test_constraints_hold_the_versions_that_are_asked_for() -> None:
    """The lock follows the requirements; `make lock` renews it."""
    asked = (ROOT / "requirements.txt").read_text("utf-8") + (ROOT / "requirements-dev.txt").read_text(
        "utf-8"
    )
    pins = {re.sub(r"\[.*\]", "", line) for line in asked.splitlines() if "==" in line}
    locked = {line.split(" ;")[0] for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()}
    assert pins <= locked


@pytest.mark.parametrize("mark", ["@pytest.mark.xdist_group('one')", ""])
def test_tests_of_a_group_share_a_worker(tmp_path: Path, mark: str) -> None:
    """Or whatever they share is built twice: pytest-xdist must fit pytest. CONTROL: unless they have none."""
    (tmp_path / "test_grouped.py").write_text(GROUPED.format(mark=mark), "utf-8")
    options = ("-n", "2", "--dist", "loadgroup", "-p", "no:cacheprovider", "-q", "--rootdir", str(tmp_path))
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    workers = set(re.findall(r"AssertionError: in (gw\d)", ran.stdout))
    assert len(workers) == (1 if mark else 2), ran.stdout
