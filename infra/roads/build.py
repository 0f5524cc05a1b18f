"""Builds the road graph of a depot: ``python -m infra.roads.build EXTRACT.osm.pbf FOLDER --centre=LAT,LON``.

Writes into the folder `graph.npz` (what `RoadFigures.read` reads), `points.csv` (points on streets, for
generated demand), `figures.json` (what was built, from what, and the straight-line curve fitted against
it) and `README.md` with the licence, which stays with everything derived from OpenStreetMap.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np

from chalicelib.adapters.road_graph import RoadFigures, RoadGraph
from chalicelib.errors import OffRoad
from chalicelib.routing.model import Location
from chalicelib.routing.travel_times import Floats, Places, haversine_metres
from infra.roads.extract import RoadClass, Streets, read
from infra.roads.graph import compact

LICENCE: Final = "© OpenStreetMap contributors, Open Database License (ODbL) 1.0"
_LICENCE_URL: Final = "https://opendatacommons.org/licenses/odbl/1-0/"
# Of 100 metres of road, how many times as many doors as on a main road: nobody lives on a motorway, most
# on streets.
_DOORS: Final = {
    RoadClass.THROUGH: 0.0,
    RoadClass.MAIN: 0.5,
    RoadClass.STREET: 1.0,
    RoadClass.SERVICE: 0.0,
}
_SETBACK_METRES: Final = (4.0, 20.0)
_METRES_PER_DEGREE: Final = 111_195.0


def points_on_streets(
    streets: Streets, *, centre: Location, radius: float, count: int, seed: int
) -> tuple[Floats, Floats]:
    """Draw doors along streets, evenly by length, a garden's width beside them.

    Returns
    -------
    lat, lon
        Degrees, six digits; the same ones for the same seed.
    """
    tail, head = streets.tail, streets.head
    near = haversine_metres(centre.lat, centre.lon, streets.lat, streets.lon) <= radius
    doors = np.array([_DOORS[road_class] for road_class in RoadClass])[streets.road_class]
    weight = streets.metres * doors * (near[tail] & near[head])
    # A street that may be driven both ways is two edges and one street.
    ways = np.minimum(tail, head).astype(np.int64) * len(near) + np.maximum(tail, head)
    _, one_way = np.unique(ways, return_index=True)
    weight[np.setdiff1d(np.arange(len(ways)), one_way)] = 0
    chance = np.random.default_rng(seed)
    edge = chance.choice(len(weight), size=count, p=weight / weight.sum())
    along = chance.random(count)
    lat = streets.lat[tail[edge]] + along * (streets.lat[head[edge]] - streets.lat[tail[edge]])
    lon = streets.lon[tail[edge]] + along * (streets.lon[head[edge]] - streets.lon[tail[edge]])
    setback = chance.uniform(*_SETBACK_METRES, count) / _METRES_PER_DEGREE
    bearing = chance.uniform(0, 2 * np.pi, count)
    lat = lat + setback * np.cos(bearing)
    lon = lon + setback * np.sin(bearing) / np.cos(np.radians(lat))
    return np.round(lat, 6), np.round(lon, 6)


def fit_straight_line(graph: RoadGraph, places: Places, *, seed: int) -> dict[str, float]:
    """Fit seconds as a power of the straight line, least squares in logarithms, on random pairs of places.

    Returns
    -------
    dict
        The figures of `StraightLine` by name, and `median_error`, the share by which half of the pairs
        are off.
    """
    chance = np.random.default_rng(seed)
    origins = places[chance.integers(0, len(places), 20_000)]
    destinations = places[chance.integers(0, len(places), 20_000)]
    straight = haversine_metres(origins.lat, origins.lon, destinations.lat, destinations.lon)
    far_enough = straight >= 100
    origins, destinations, straight = origins[far_enough], destinations[far_enough], straight[far_enough]
    seconds, metres = graph.pairs(origins, destinations)
    slope, level = np.polyfit(np.log(straight), np.log(seconds), 1)
    error = np.abs(np.exp(level + slope * np.log(straight)) / seconds - 1)
    return {
        "level": round(float(level), 4),
        "slope": round(float(slope), 4),
        "detour": round(float(np.median(metres / straight)), 3),
        "tangent_from_metres": float(np.ceil(straight.max() / 1000) * 1000),
        "median_error": round(float(np.median(error)), 3),
    }


def streets_of_npz(path: Path) -> Streets:
    """Read a ready-made graph: arrays `lon`, `lat`, `tail`, `head`, `sec`, `metres`.

    It names no classes; an edge driven faster than 60 km/h counts as a road without doors.
    """
    with np.load(path, allow_pickle=False) as arrays:
        seconds, metres = arrays["sec"].astype(np.float64), arrays["metres"].astype(np.float64)
        fast = metres > seconds * (60 / 3.6)
        return Streets(
            lat=arrays["lat"].astype(np.float64),
            lon=arrays["lon"].astype(np.float64),
            tail=arrays["tail"],
            head=arrays["head"],
            seconds=seconds,
            metres=metres,
            road_class=np.where(fast, RoadClass.THROUGH, RoadClass.STREET).astype(np.uint8),
        )


def build(arguments: argparse.Namespace) -> dict[str, Any]:
    """Carry the whole thing out and return what `figures.json` says."""
    told = _Steps()
    told.step(f"reading {arguments.extract}")
    streets = (
        streets_of_npz(arguments.extract)
        if arguments.from_npz
        else read(arguments.extract, node_index=arguments.node_index)
    )
    told.step(f"one component of {len(streets.lat):,} nodes, {len(streets.tail):,} edges, and its order")
    roads = compact(streets)
    graph = RoadGraph(roads)
    told.step(f"{arguments.points:,} points on streets and the straight-line curve")
    lat, lon = points_on_streets(
        streets,
        centre=arguments.centre,
        radius=arguments.radius_metres,
        count=2 * arguments.points,
        seed=arguments.seed,
    )
    places = _near_a_road(graph, lat, lon)[: arguments.points]
    figures = {
        "source": arguments.source or arguments.extract.name,
        "licence": LICENCE,
        "nodes": len(roads.lat),
        "edges": len(roads.tail),
        "fingerprint": roads.fingerprint,
        "fastest_metres_per_second": round(graph.fastest_metres_per_second, 2),
        "straight_line": fit_straight_line(graph, places, seed=arguments.seed),
        "points": {
            "count": len(places),
            "seed": arguments.seed,
            "radius_metres": arguments.radius_metres,
            "centre": {"lat": arguments.centre.lat, "lon": arguments.centre.lon},
        },
    }
    told.step(f"writing {arguments.folder}")
    _write(arguments.folder, roads, places, figures)
    return figures


def _near_a_road(graph: RoadGraph, lat: Floats, lon: Floats) -> Places:
    """Keep the points that snap: not those on islands that no van reaches."""
    locations, nodes = [], []
    for point in zip(lat.tolist(), lon.tolist(), strict=True):
        location = Location(lat=point[0], lon=point[1])
        try:
            nodes.append(graph.snap(location))
        except OffRoad:
            continue
        locations.append(location)
    return Places.of(locations, nodes)


def _write(folder: Path, roads: RoadFigures, places: Places, figures: dict[str, Any]) -> None:
    doors = zip(places.lat.tolist(), places.lon.tolist(), strict=True)
    texts = {
        "points.csv": "\n".join(["lat,lon", *(f"{lat:.6f},{lon:.6f}" for lat, lon in doors)]),
        "figures.json": json.dumps(figures, indent=2, ensure_ascii=False),
        "README.md": _readme(figures),
    }
    folder.mkdir(parents=True, exist_ok=True)
    roads.write(folder / "graph.npz")
    for name, text in texts.items():
        (folder / name).write_text(text + "\n", encoding="utf-8")


def _readme(figures: dict[str, Any]) -> str:
    points = figures["points"]
    return f"""# A road graph

{LICENCE} (<{_LICENCE_URL}>).
A derived database: whatever is made of it stays under the same licence and says so.

Source: {figures["source"]}. Built by `python -m infra.roads.build`.

| file | what |
|---|---|
| `graph.npz` | {figures["nodes"]:,} nodes, {figures["edges"]:,} directed edges, free-flow times and lengths |
| `points.csv` | {points["count"]:,} points beside streets, drawn from seed {points["seed"]}; no addresses |
| `figures.json` | what was built, and the straight-line curve fitted against it |"""


class _Steps:
    """Numbered progress on standard error."""

    def __init__(self) -> None:
        self._done = 0

    def step(self, doing: str) -> None:
        self._done += 1
        print(f"[{self._done}/4] {doing}", file=sys.stderr, flush=True)


def _location(text: str) -> Location:
    lat, lon = text.split(",")
    return Location(lat=float(lat), lon=float(lon))


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m infra.roads.build", description=__doc__)
    parser.add_argument("extract", type=Path, help="an OpenStreetMap extract, .osm.pbf or .osm")
    parser.add_argument("folder", type=Path, help="where the graph goes")
    parser.add_argument("--from-npz", action="store_true", help="the extract is a ready-made graph instead")
    parser.add_argument("--node-index", default="flex_mem", help="sparse_file_array,FILE for a country")
    parser.add_argument("--source", help="what the extract is and from when, for the README")
    parser.add_argument("--centre", type=_location, required=True, metavar="LAT,LON", help="of the demand")
    parser.add_argument("--radius-metres", type=float, default=12_000.0)
    parser.add_argument("--points", type=int, default=4_000)
    parser.add_argument("--seed", type=int, default=1)
    print(json.dumps(build(parser.parse_args()), indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
