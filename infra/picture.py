"""A picture of a plan before and after a replan, asked for over HTTP.

    make picture
    make picture ARGS="--withdraw maia.van-7.2026-11-24.0730"

Without arguments it looks into `.sandbox/ready.json`, as `make serve` and `make demo` leave it, and takes the
depot and date with most deliveries. Elsewhere `--url` and `--key` say where. `--withdraw` takes a shift back
first, for good: its deliveries look for other vans. Weak point: deliveries that are bought or given up while
the replan runs are in the second plan only, or in the first.
"""

import argparse
import json
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any, Self
from uuid import uuid4
from zoneinfo import ZoneInfo

from chalicelib.routing.model import Location
from chalicelib.routing.travel_times import haversine_metres
from infra.demo.comparison import Comparison, Figure, draw
from infra.demo.map import DrawnVan
from infra.demo.porto import PLACE_NAMES, ROADS, WATER_NAMES
from infra.demo.storefront import ApiFailed, Stopwatch, Storefront
from infra.demo.streets import Streets, Way
from infra.sandbox.emulator import ROOT

HOME = ROOT / ".sandbox"
DAYS = 8  # from today, among which the busiest is looked for
ANSWER_SECONDS = 120.0
PAUSE_SECONDS = 0.3
NEAR_METRES = 2_000  # a depot farther from every street that we know is somewhere else
FINISHED = ("applied", "unchanged", "superseded", "failed")

type Document = Mapping[str, Any]


class NothingToShow(Exception):
    """There is no plan with a delivery in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What was drawn, and what came of the replan."""

    depot_id: str
    day: date
    replan: Document
    comparison: Comparison
    svg: str


class Viewer:
    """Asks the API on behalf of one merchant."""

    def __init__(self, url: str, secret_key: str) -> None:
        keys = {"secret": secret_key, "publishable": secret_key}
        self._closing = threading.Event()
        self._api = Storefront(url, keys, stopwatch=Stopwatch(), closing=self._closing)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._api.close()

    def depots(self) -> Sequence[Document]:
        """The merchant's depots, at most as many as one page has."""
        found: Sequence[Document] = self._get("/v1/depots")["data"]
        return found

    def coming_days(self, depot: Document) -> Sequence[date]:
        """Today and the days after it, by the merchant's clock: a sandbox's may be far ahead of ours."""
        wish = {"depot_id": depot["depot_id"], "destination": depot["location"], "days": 1}
        answer = self._api.want("search", "POST", "/v1/slots/search", wish, once=uuid4().hex)
        now = datetime.fromisoformat(answer["computed_at"])
        today = now.astimezone(ZoneInfo(answer["timezone"])).date()
        return [today + timedelta(days=ahead) for ahead in range(DAYS)]

    def plan(self, depot: Document, day: date) -> Document:
        """A plan as it stands."""
        return self._get(f"/v1/depots/{depot['depot_id']}/plans/{day}")

    def withdraw(self, depot: Document, shift_id: str) -> None:
        """Take a shift back."""
        path = f"/v1/depots/{depot['depot_id']}/shifts/{shift_id}"
        self._api.want("withdraw", "DELETE", path)

    def replanned(self, depot: Document, day: date) -> Document:
        """Ask for a replan, and wait until it has an answer.

        Raises
        ------
        ApiFailed
            There was none within `ANSWER_SECONDS`.
        """
        path = f"/v1/depots/{depot['depot_id']}/plans/{day}/replan"
        asked = self._api.want("replan", "POST", path, {}, once=uuid4().hex)
        until = monotonic() + ANSWER_SECONDS
        while monotonic() < until:
            found = self._get(f"/v1/replans/{asked['replan_id']}")
            if found["state"] in FINISHED:
                return found
            self._closing.wait(PAUSE_SECONDS)
        raise ApiFailed(f"The replan had no answer within {ANSWER_SECONDS:.0f} s; is a worker running?")

    def _get(self, path: str) -> Document:
        return self._api.want("read", "GET", path)


def show(viewer: Viewer, depot: Document, day: date, *, withdraw: str | None = None) -> Shown:
    """Replan a plan, and draw it as it was and as it is.

    Parameters
    ----------
    withdraw
        A shift that is taken back first.
    """
    before = viewer.plan(depot, day)
    if not _deliveries(before):
        raise NothingToShow(f"The plan of {depot['depot_id']} on {day} has no delivery in it.")
    if withdraw is not None:
        viewer.withdraw(depot, withdraw)
    replan = viewer.replanned(depot, day)
    after = viewer.plan(depot, day)
    streets = _streets_around(Location(**depot["location"]))
    comparison = compared(depot, day, before, after, replan, streets)
    return Shown(
        depot_id=depot["depot_id"],
        day=day,
        replan=replan,
        comparison=comparison,
        svg=draw(comparison, streets),
    )


def compared(
    depot: Document,
    day: date,
    before: Document,
    after: Document,
    replan: Document,
    streets: Streets | None,
) -> Comparison:
    """Put two states of one plan side by side; vans by shift, also those of one state only."""
    place = Location(**depot["location"])
    shifts = sorted(
        {route["shift_id"]: route for plan in (after, before) for route in plan["routes"]}.values(),
        key=lambda route: (route["starts_at"], _natural(route["vehicle"]["vehicle_id"])),
    )
    shifts = [shift for shift in shifts if any(_stops(plan, shift) for plan in (before, after))]
    was, then = _holders(before), _holders(after)
    moved = {stop_id for stop_id in was.keys() & then.keys() if then[stop_id] not in ("", was[stop_id])}
    return Comparison(
        title=f"{depot['name']}, {day:%A} {day.day} {day:%B}",
        verdict=_verdict(replan),
        figures=_figures(replan, after, len(moved)),
        depot=(depot["depot_id"], place),
        before=[_van(_stops(before, shift), shift, place, streets) for shift in shifts],
        after=[_van(_stops(after, shift), shift, place, streets) for shift in shifts],
        moved=frozenset(
            Location(**stop["location"])
            for plan in (before, after)
            for stop in _all_stops(plan)
            if _name(stop) in moved
        ),
        waiting_before=[Location(**stop["location"]) for stop in before["unassigned"]],
        waiting_after=[Location(**stop["location"]) for stop in after["unassigned"]],
        places=PLACE_NAMES if streets else (),
        waters=WATER_NAMES if streets else (),
    )


def _verdict(replan: Document) -> str:
    words = {
        "applied": "The worker found a better plan.",
        "unchanged": "The worker changed nothing.",
        "superseded": "Another run was faster; this is what the plans show.",
        "failed": "The replan failed.",
    }
    return " ".join(filter(None, (words[replan["state"]], replan.get("why"))))


def _figures(replan: Document, after: Document, moved: int) -> Sequence[Figure]:
    saved, stands = replan["seconds_saved"], after["promises"]
    minutes = round(abs(saved) / 60)
    return (
        Figure(
            number=f"{minutes} min",
            label="of driving saved by the replan" if saved >= 0 else "more driving, for a promise",
            good=True if minutes and saved > 0 else None,
        ),
        Figure(number=str(moved), label=f"{'delivery' if moved == 1 else 'deliveries'} changed vans"),
        Figure(number=str(stands["kept"]), label="promises kept", good=True),
        Figure(number=str(stands["at_risk"]), label="at risk", good=False if stands["at_risk"] else None),
        Figure(number=str(stands["broken"]), label="broken", good=False if stands["broken"] else None),
    )


def _deliveries(plan: Document) -> int:
    return sum(len(route["stops"]) for route in plan["routes"]) + len(plan["unassigned"])


def _stops(plan: Document, shift: Document) -> Sequence[Document]:
    found: Sequence[Document] = next(
        (route["stops"] for route in plan["routes"] if route["shift_id"] == shift["shift_id"]), ()
    )
    return found


def _all_stops(plan: Document) -> Sequence[Document]:
    return [stop for route in plan["routes"] for stop in route["stops"]] + list(plan["unassigned"])


def _name(stop: Document) -> str:
    return str(stop.get("promise_id") or stop.get("hold_id"))


def _holders(plan: Document) -> dict[str, str]:
    """Which shift has what; none has what is unassigned."""
    held = {_name(stop): route["shift_id"] for route in plan["routes"] for stop in route["stops"]}
    return held | {_name(stop): "" for stop in plan["unassigned"]}


def _van(stops: Sequence[Document], shift: Document, depot: Location, streets: Streets | None) -> DrawnVan:
    doors = [Location(**stop["location"]) for stop in stops]
    legs = list(zip([depot, *doors], [*doors, depot], strict=True)) if doors else []
    ways = [streets.way(*leg) if streets else _as_the_crow_flies(*leg) for leg in legs]
    starts, ends = (datetime.fromisoformat(shift[name]) for name in ("starts_at", "ends_at"))
    return DrawnVan(
        name=shift["vehicle"]["vehicle_id"].replace("-", " "),
        depot="",
        hours=f"{starts:%H:%M}\N{EN DASH}{ends:%H:%M}",
        line=[point for way in ways for point in way.points],
        doors=doors,
        metres=sum(way.metres for way in ways),
    )


def _as_the_crow_flies(origin: Location, destination: Location) -> Way:
    metres = round(float(haversine_metres(origin.lat, origin.lon, destination.lat, destination.lon)))
    return Way(0.0, metres, [origin, destination])


def _streets_around(depot: Location) -> Streets | None:
    """The streets we have, if the depot stands at one of them."""
    streets = Streets(ROADS / "graph.npz")
    return streets if streets.metres_to(depot) < NEAR_METRES else None


def _natural(name: str) -> tuple[int, str]:
    digits = "".join(filter(str.isdigit, name))
    return int(digits or 0), name


def _chosen(given: argparse.Namespace, viewers: Sequence[Viewer]) -> tuple[Viewer, Document, date]:
    """The plan that was asked for: of all that fit the arguments the one with most deliveries."""
    found = list[tuple[int, Viewer, Document, date]]()
    for viewer in viewers:
        for depot in viewer.depots():
            if given.depot in (None, depot["depot_id"]):
                for day in [given.date] if given.date else viewer.coming_days(depot):
                    plan = viewer.plan(depot, day)
                    shifts = [route["shift_id"] for route in plan["routes"]]
                    if given.withdraw is None or given.withdraw in shifts:
                        found.append((_deliveries(plan), viewer, depot, day))
    if not found:
        raise NothingToShow("There is no such plan.")
    _, viewer, depot, day = max(found, key=lambda each: each[0])
    return viewer, depot, day


def _viewers(given: argparse.Namespace) -> Sequence[Viewer]:
    if given.url and given.key:
        return [Viewer(given.url, given.key)]
    ready = json.loads((given.home / "ready.json").read_text("utf-8"))
    return [Viewer(ready["url"], merchant["keys"]["secret"]) for merchant in ready["merchants"]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw one plan twice; gives the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.picture",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--depot", help="id of the depot (default: that of the busiest plan)")
    add("--date", type=date.fromisoformat, help="local date of the plan (default: the depot's busiest)")
    add("--withdraw", metavar="SHIFT_ID", help="take this shift back first, for good")
    add("--url", help="of the API (default: as in ready.json)")
    add("--key", help="a secret key of the merchant (default: as in ready.json)")
    add("--home", type=Path, default=HOME, help="folder of ready.json (default .sandbox)")
    add("--out", type=Path, help="where to write the picture (default replan.svg in that folder)")
    given = parser.parse_args(arguments)
    out = given.out or given.home / "replan.svg"
    try:
        with ExitStack() as hanging_up:
            viewers = [hanging_up.enter_context(viewer) for viewer in _viewers(given)]
            viewer, depot, day = _chosen(given, viewers)
            shown = show(viewer, depot, day, withdraw=given.withdraw)
    except FileNotFoundError:
        print(f"No sandbox has written {given.home / 'ready.json'}: run `make serve` first.", file=sys.stderr)
        return 1
    except (ApiFailed, NothingToShow) as error:
        print(error, file=sys.stderr)
        return 1
    out.write_text(shown.svg, encoding="utf-8")
    figures = ", ".join(f"{figure.number} {figure.label}" for figure in shown.comparison.figures)
    print(f"{shown.depot_id} on {shown.day}: {shown.comparison.verdict} {figures}.\n{out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
