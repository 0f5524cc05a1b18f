"""One command, a running sandbox, and a picture of its busiest plan before and after a replan."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from infra.demo.storefront import ApiFailed
from infra.picture import Viewer, main
from infra.sandbox import Sandbox
from tests.sandbox.test_product import call, offered

SVG = "{http://www.w3.org/2000/svg}"


def bought(sandbox: Sandbox, number: int) -> None:
    """Sell one delivery."""
    key = sandbox.merchants[0]["keys"]["secret"]
    hold = {"offer": offered(sandbox, key), "cart_ref": f"picture-{number}"}
    status, held = call(sandbox, "POST", "/v1/holds", hold, key=key)
    assert status == 201, held
    order = {
        "hold_id": held["hold_id"],
        "order_ref": f"picture-{number}",
        "recipient": {"name": "Ana"},
        "sms_consent": False,
    }
    status, promise = call(sandbox, "POST", "/v1/promises", order, key=key)
    assert status == 201, promise


def test_command_draws_the_busiest_plan(
    sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No arguments beside the folder of the sandbox: it reads, asks, waits, reads again and draws."""
    for number in range(4):
        bought(sandbox, number)
    out = tmp_path / "replan.svg"
    assert main(["--home", str(sandbox.home), "--out", str(out)]) == 0
    told = capsys.readouterr().out
    assert str(out) in told
    assert "promises kept" in told
    drawn = ElementTree.parse(out).getroot()
    sides = {text.text for text in drawn.iter(f"{SVG}text")} & {"Before", "After"}
    assert sides == {"Before", "After"}
    assert list(drawn.iter(f"{SVG}circle"))


def test_key_that_may_not_read_plans_is_told_so(sandbox: Sandbox) -> None:
    """In the API's words."""
    publishable = sandbox.merchants[0]["keys"]["publishable"]
    with Viewer(sandbox.url, publishable) as viewer, pytest.raises(ApiFailed, match="403"):
        viewer.depots()


def test_plan_that_is_not_there_is_named(
    sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No sandbox, no such depot, nothing promised on that date: one line and status 1, no picture."""
    assert main(["--home", str(tmp_path)]) == 1
    assert "make serve" in capsys.readouterr().err
    home = ["--home", str(sandbox.home), "--out", str(tmp_path / "none.svg")]
    assert main([*home, "--depot", "atlantis"]) == 1
    assert main([*home, "--depot", sandbox.merchants[1]["depot_id"], "--date", "2031-01-01"]) == 1
    assert "no delivery" in capsys.readouterr().err
    assert not (tmp_path / "none.svg").exists()
