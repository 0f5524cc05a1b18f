"""Which engine answers for a depot: its road graph, OSRM, or the straight line as labelled last resort.

Road graphs are loaded when the first depot needs one and kept for the process. Weak point: the folder is read
once; a graph that is added later needs a new process.
"""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.adapters.road_graph import RoadFigures, RoadGraph
from chalicelib.errors import OffRoad, Upstream
from chalicelib.fleet.model import Depot, TravelEngine
from chalicelib.routing.model import Location
from chalicelib.routing.travel_times import StraightLine, TravelTimes

if TYPE_CHECKING:
    from chalicelib.adapters.osrm import Osrm

_GRAPH = "graph.npz"


class TravelEngines:
    """All engines of a process.

    Parameters
    ----------
    roads
        Folder with a folder for each road graph (`graph.npz`, made by `infra.roads.build`).
    osrm_url
        Base URL of an OSRM server, if there is one.
    """

    def __init__(self, roads: Path | None, *, osrm_url: str | None) -> None:
        self._roads, self._osrm_url = roads, osrm_url
        self._graphs: dict[str, RoadGraph] = {}
        self._straight = StraightLine()

    def of(self, depot: Depot) -> TravelTimes:
        """The engine a depot asks for; without a graph that covers it, the straight line.

        Raises
        ------
        Upstream
            It asks for OSRM, or for a graph by name, and there is none.
        """
        match depot.travel.engine:
            case TravelEngine.OSRM:
                return self._osrm
            case TravelEngine.ROADS if depot.travel.graph is not None:
                if depot.travel.graph not in self._names:
                    raise Upstream(f"There is no road graph {depot.travel.graph!r}.")
                return self._graph(depot.travel.graph)
            case TravelEngine.ROADS:
                return next(
                    (graph for graph in map(self._graph, self._names) if _covers(graph, depot)),
                    self._straight,
                )
            case _:
                return self._straight

    def streets(
        self, depot: Depot, south_west: Location, north_east: Location, *, most: int
    ) -> list[tuple[Location, Location]]:
        """Stretches of street within a box, for drawing; none where the depot has no road graph."""
        engine = self.of(depot)
        return engine.streets(south_west, north_east, most=most) if isinstance(engine, RoadGraph) else []

    def warm(self) -> None:
        """Load every road graph, before any depot asks for one."""
        for name in self._names:
            self._graph(name)

    @cached_property
    def _names(self) -> list[str]:
        if self._roads is None:
            return []
        return sorted(found.parent.name for found in self._roads.glob(f"*/{_GRAPH}"))

    @cached_property
    def _osrm(self) -> "Osrm":
        from chalicelib.adapters.osrm import Osrm

        if self._osrm_url is None:
            raise Upstream("There is no OSRM server.")
        return Osrm(self._osrm_url)

    def _graph(self, name: str) -> RoadGraph:
        if name not in self._graphs:
            assert self._roads is not None  # or there were no names
            self._graphs[name] = RoadGraph(RoadFigures.read(self._roads / name / _GRAPH))
        return self._graphs[name]


def _covers(graph: RoadGraph, depot: Depot) -> bool:
    try:
        graph.snap(depot.location)
    except OffRoad:
        return False
    return True
