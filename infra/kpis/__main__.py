"""Draws a merchant's figures: kept, on slot, first attempts, why attempts failed, day by day.

    make kpis
    make kpis ARGS="--depot porto --from 2026-11-01 --to 2026-11-24 --out november.svg"

Without arguments it looks into `.sandbox/ready.json`, as `make serve` and `make demo` leave it, and takes the
merchant with most promises in the last seven days, by that merchant's clock. Elsewhere `--url` and `--key`
say where and whose.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

from infra.kpis.chart import charted, draw
from infra.sandbox.emulator import ROOT

HOME = ROOT / ".sandbox"
ANSWER_SECONDS = 60.0


class Refused(Exception):
    """There are no figures; the message says why."""


def figures(url: str, key: str, query: Mapping[str, str]) -> Mapping[str, Any]:
    """Ask for a merchant's figures.

    Raises
    ------
    Refused
        In the API's words, or because nobody answered.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise Refused(f"{url} is no address of an API.")
    wish = Request(
        f"{url.rstrip('/')}/v1/kpis?{urlencode(query)}", headers={"Authorization": f"Bearer {key}"}
    )
    try:
        with urlopen(wish, timeout=ANSWER_SECONDS) as answer:
            found: Mapping[str, Any] = json.load(answer)
            return found
    except HTTPError as refused:
        with refused:
            told = json.loads(refused.read())
        fields = "; ".join(f"{each['pointer']} {each['detail']}" for each in told.get("errors", ()))
        raise Refused(f"{refused.code} {told['code']}: {told['detail']} {fields}".strip()) from None
    except (URLError, TimeoutError) as silent:
        raise Refused(f"No answer from {url}: {silent}") from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw one chart; gives the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.kpis",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--depot", help="id of one depot (default: all, added up)")
    add("--from", dest="first", type=date.fromisoformat, help="first local date (default: six days before)")
    add("--to", type=date.fromisoformat, help="last local date (default: today)")
    add("--url", help="of the API, without /v1 (default: as in ready.json)")
    add("--key", help="a secret key of the merchant with the scope ops (default: as in ready.json)")
    add("--home", type=Path, default=HOME, help="folder of ready.json (default .sandbox)")
    add("--out", type=Path, help="where to write the chart (default kpis.svg in that folder)")
    given = parser.parse_args(arguments)
    out = given.out or given.home / "kpis.svg"
    asked = {"depot_id": given.depot, "from": given.first, "to": given.to}
    query = {name: str(value) for name, value in asked.items() if value is not None}
    try:
        found = [figures(url, key, query) for url, key in _merchants(given)]
    except FileNotFoundError:
        print(f"No sandbox has written {given.home / 'ready.json'}: run `make serve` first.", file=sys.stderr)
        return 1
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    shown = max(found, key=lambda each: int(each["total"]["promised"]))
    if not shown["data"]:
        print("The merchant has no depot.", file=sys.stderr)
        return 1
    chart = charted(shown, "How well promises were kept")
    out.write_text(draw(chart), encoding="utf-8")
    print(f"{chart.subtitle}: {', '.join(f'{value} {label}' for value, label in chart.figures)}.\n{out}")
    return 0


def _merchants(given: argparse.Namespace) -> list[tuple[str, str]]:
    """Where to ask, and with which key: as given, or every merchant of the sandbox."""
    if given.url and given.key:
        return [(given.url, given.key)]
    ready = json.loads((given.home / "ready.json").read_text("utf-8"))
    return [(ready["url"], merchant["keys"]["secret"]) for merchant in ready["merchants"]]


if __name__ == "__main__":
    sys.exit(main())
