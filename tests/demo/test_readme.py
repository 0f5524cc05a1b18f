"""What the README tells people to type works as written."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from infra.sandbox import Sandbox
from infra.sandbox.emulator import ROOT

README = (ROOT / "README.md").read_text("utf-8")


@pytest.mark.skipif(shutil.which("curl") is None, reason="types what a person with curl types")
def test_sixty_seconds_make_a_promise(sandbox: Sandbox, tmp_path: Path) -> None:
    """Search, hold and confirm with the key that `make serve` leaves in ready.json."""
    home = tmp_path / ".sandbox"
    home.mkdir()
    ready = {"url": sandbox.url, "merchants": sandbox.merchants}
    (home / "ready.json").write_text(json.dumps(ready, indent=2), "utf-8")
    [lines] = [
        block for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) if "slots/search" in block
    ]
    typed = lines.replace("http://127.0.0.1:8000", sandbox.url)
    done = subprocess.run(
        ["sh", "-c", typed], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    promise = json.loads(done.stdout)
    assert promise["state"] == "confirmed"
    shown = json.loads(re.findall(r"```json\n(.*?)```", README, re.DOTALL)[0])
    assert shown.keys() <= promise.keys()


def test_files_the_readme_names_exist() -> None:
    """Links and folders in the README lead somewhere."""
    linked = re.findall(r"\]\(([^)#:]+)\)", README)
    folders = re.findall(r"`((?:chalicelib|infra|tests)/[\w./]+)`", README)
    assert len(linked) + len(folders) > 10
    for path in (*linked, *folders):
        assert (ROOT / path).exists(), path


def test_commands_the_readme_names_are_targets_of_make() -> None:
    """A command that is not there would be the first thing a newcomer meets."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:`|\n)make ([a-z]+)", README)) <= targets


def test_picture_of_the_readme_is_small_and_says_whose_roads_it_shows() -> None:
    """It is loaded with the first page of the repository."""
    picture = (ROOT / "infra" / "demo" / "porto.svg").read_text("utf-8")
    assert len(picture.encode()) < 150_000
    assert "© OpenStreetMap contributors" in picture
