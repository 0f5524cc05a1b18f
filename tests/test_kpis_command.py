"""One command, a running API, and a chart of how well promises were kept."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from infra.kpis.__main__ import main
from infra.kpis.chart import Chart, charted, draw
from infra.sandbox import Sandbox
from tests.demo.test_picture import bought
from tests.handlers.shop_client import Shop, a_depot

SVG = "{http://www.w3.org/2000/svg}"
DAYS = ("2026-11-24", "2026-11-25", "2026-11-26")


def windows(kept: int, late: int) -> dict[str, int]:
    return {"kept": kept, "early": 0, "late": late, "missed": 0}


def answered() -> dict[str, Any]:
    """Three days of two depots, as the API shows them; on the second day nothing was promised."""
    shop = Shop()
    shop.done("PUT", "/v1/depots/a%3A1", a_depot())
    shown: dict[str, Any] = shop.done("GET", f"/v1/kpis?from={DAYS[0]}&to={DAYS[2]}")
    for row in shown["data"]:
        if row["date"] != DAYS[1]:
            row["promises"] |= windows(kept=9, late=1)
            row["on_slot"] |= windows(kept=8, late=2)
            row["first_attempts"] |= {"made": 10, "delivered": 7}
            row["exceptions"] |= {"failed_not_home": 2, "failed_no_access": 1}
    shown["total"]["promises"] |= windows(kept=36, late=4)
    return shown


@pytest.fixture(scope="module")
def chart() -> Chart:
    return charted(answered(), "Ribeira & <Sons>")


@pytest.fixture(scope="module")
def drawn(chart: Chart) -> ElementTree.Element:
    return ElementTree.fromstring(draw(chart))


def group(drawn: ElementTree.Element, mark: str) -> list[ElementTree.Element]:
    return [each for each in drawn.iter(f"{SVG}g") if each.get("class") == mark]


def test_depots_of_a_date_are_added_up(chart: Chart) -> None:
    """Counts, not shares: a small depot does not weigh as much as a large one."""
    assert [str(day.day) for day in chart.days] == list(DAYS)
    first, empty, _ = chart.days
    assert (first.kept, first.on_slot, first.first_attempt) == ((18, 20), (16, 20), (14, 20))
    assert first.failures == {"failed_not_home": 4, "failed_no_access": 2}
    assert (empty.kept.percent, str(empty.kept), empty.failures) == (None, "\N{EN DASH}", {})
    assert chart.figures[0] == ("90.0 %", "promises kept")


def test_a_day_without_promises_is_a_gap(drawn: ElementTree.Element) -> None:
    """Two dots in each panel and no line between them; CONTROL: without the gap there is one."""
    for panel in group(drawn, "share"):
        assert len(list(panel.iter(f"{SVG}circle"))) == 2
        assert not [path for path in panel.iter(f"{SVG}path") if path.get("stroke-linecap")]
    shown = answered()
    shown["data"] = [row for row in shown["data"] if row["date"] != DAYS[1]]
    whole = ElementTree.fromstring(draw(charted(shown, "Whole")))
    for panel in group(whole, "share"):
        assert len([path for path in panel.iter(f"{SVG}path") if path.get("stroke-linecap")]) == 1


def test_columns_are_as_high_as_their_counts(drawn: ElementTree.Element) -> None:
    """The commonest reason first, in proportion, with its number in the legend."""
    [columns] = group(drawn, "failures")
    bars = [bar for bar in columns.iter(f"{SVG}rect") if bar.find(f"{SVG}title") is not None]
    heights = [float(bar.get("height") or 0) for bar in bars]
    assert len(bars) == 4
    assert heights[0] == pytest.approx(2 * heights[1], abs=0.2)
    words = [each.text for each in columns.iter(f"{SVG}text")]
    assert words.index("not home") < words.index("no access")
    assert words[words.index("not home") + 1] == "8"


def test_what_merchants_write_is_text(drawn: ElementTree.Element) -> None:
    """A title with markup in it is shown as it is."""
    assert "Ribeira & <Sons>" in [each.text for each in drawn.iter(f"{SVG}text")]


def test_a_month_and_an_empty_week_can_be_drawn() -> None:
    """No number divides by nothing, and no label overlaps for want of room."""
    shop = Shop()
    for query in ("", "?from=2026-11-01&to=2026-12-01"):
        shown = shop.done("GET", f"/v1/kpis{query}")
        drawn = ElementTree.fromstring(draw(charted(shown, "Empty")))
        assert not list(drawn.iter(f"{SVG}circle"))
        assert "None" in [each.text for each in drawn.iter(f"{SVG}text")]


def test_command_draws_what_the_sandbox_sold(
    sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No arguments beside the folder of the sandbox; refusals and silence are told in a line."""
    bought(sandbox, 7)
    out = tmp_path / "kpis.svg"
    home = ["--home", str(sandbox.home), "--out", str(out)]
    assert main(home) == 0
    assert str(out) in capsys.readouterr().out
    today = datetime.now(UTC).date()
    assert main([*home, "--from", f"{today}", "--to", f"{today + timedelta(days=14)}"]) == 0
    assert " 0 promises" not in capsys.readouterr().out
    assert ElementTree.parse(out).getroot().tag == f"{SVG}svg"
    key = sandbox.merchants[0]["keys"]["secret"]
    ask = ["--url", sandbox.url, "--key", key, "--out", str(tmp_path / "none.svg")]
    assert main([*ask, "--from", "2026-11-25", "--to", "2026-11-24"]) == 1
    assert "?to" in capsys.readouterr().err
    assert main([*ask[:2], "--key", "nobody's", *ask[4:]]) == 1
    assert main(["--url", "http://127.0.0.1:9", *ask[2:]]) == 1
    assert main(["--url", "file:///etc", *ask[2:]]) == 1
    assert main(["--home", str(tmp_path)]) == 1
    assert "make serve" in capsys.readouterr().err
    assert not (tmp_path / "none.svg").exists()
