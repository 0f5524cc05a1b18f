"""Makes a compact road graph of streets: one component, no parallel edges, nodes numbered by contraction."""

from typing import Final

import numpy as np
import numpy.typing as npt

from chalicelib.adapters.road_graph import RoadFigures, contraction_order
from infra.roads.extract import RoadClass, Streets

_MICRODEGREE: Final = 1e6


def compact(streets: Streets) -> RoadFigures:
    """Keep what a van can reach and leave again, and of parallel edges the fastest.

    O(edges log edges) plus the nested dissection, about two seconds per 100,000 nodes.
    """
    in_main = largest_strong_component(streets.tail, streets.head, nodes=len(streets.lat))
    useful = in_main[streets.tail] & in_main[streets.head] & (streets.tail != streets.head)
    renumbered = np.cumsum(in_main) - 1
    tail, head = renumbered[streets.tail[useful]], renumbered[streets.head[useful]]
    lat, lon = streets.lat[in_main], streets.lon[in_main]
    # Rounded up, so that no edge is faster than the map says and none takes no time at all.
    deciseconds = np.maximum(1, np.ceil(streets.seconds[useful] * 10)).astype(np.uint32)
    metres = np.ceil(streets.metres[useful]).astype(np.uint32)
    road_class = streets.road_class[useful]
    doorstep = np.zeros(len(lat), dtype=bool)
    doorstep[tail[road_class != RoadClass.THROUGH]] = True
    doorstep[head[road_class != RoadClass.THROUGH]] = True

    order = contraction_order(tail=tail.astype(np.uint32), head=head.astype(np.uint32), lat=lat, lon=lon)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    tail, head = rank[tail], rank[head]
    fastest_first = np.lexsort((metres, deciseconds, head, tail))
    tail, head = tail[fastest_first], head[fastest_first]
    first = np.ones(len(tail), dtype=bool)
    first[1:] = (np.diff(tail) != 0) | (np.diff(head) != 0)
    return RoadFigures(
        lat=np.round(lat[order] * _MICRODEGREE).astype(np.int32),
        lon=np.round(lon[order] * _MICRODEGREE).astype(np.int32),
        doorstep=doorstep[order],
        tail=tail[first].astype(np.uint32),
        head=head[first].astype(np.uint32),
        deciseconds=deciseconds[fastest_first][first],
        metres=metres[fastest_first][first],
    )


def largest_strong_component(
    tail: npt.NDArray[np.integer], head: npt.NDArray[np.integer], *, nodes: int
) -> npt.NDArray[np.bool_]:
    """Mark the nodes of the largest set in which every node reaches every other.

    The component of a node is what it reaches and is reached from (forward-backward search, Fleischer,
    Hendrickson and Pinar 2000). On a map the first one tried, the node with most edges, is as good as
    always the largest, and the search ends when no more nodes are left than it has.
    """
    degree = np.bincount(tail, minlength=nodes) + np.bincount(head, minlength=nodes)
    left = np.ones(nodes, dtype=bool)
    largest = np.zeros(nodes, dtype=bool)
    while left.sum() > largest.sum():
        start = int(np.argmax(np.where(left, degree, -1)))
        component = _reached(tail, head, start, nodes) & _reached(head, tail, start, nodes)
        left &= ~component
        if component.sum() > largest.sum():
            largest = component
    return largest


def _reached(
    tail: npt.NDArray[np.integer], head: npt.NDArray[np.integer], start: int, nodes: int
) -> npt.NDArray[np.bool_]:
    """Breadth-first search, one array operation a level."""
    by_tail = head[np.argsort(tail, kind="stable")]
    first = np.concatenate([[0], np.cumsum(np.bincount(tail, minlength=nodes))])
    reached = np.zeros(nodes, dtype=bool)
    reached[start] = True
    frontier = np.array([start])
    while len(frontier):
        counts = first[frontier + 1] - first[frontier]
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        neighbours = by_tail[np.repeat(first[frontier], counts) + within]
        frontier = np.unique(neighbours[~reached[neighbours]])
        reached[frontier] = True
    return reached
