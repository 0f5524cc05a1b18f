"""The OSRM adapter against the real `osrm-routed` on the middle of Porto, and against bad servers.

The map is written from our own road figures, with a profile that drives each edge at its own speed: OSRM
then has to find what plain Dijkstra finds.
"""

import heapq
import http.server
import json
import math
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import osrm
import pytest
import urllib3

from chalicelib.adapters.osrm import Osrm
from chalicelib.adapters.road_graph import RoadFigures
from chalicelib.errors import OffRoad, Upstream
from chalicelib.routing.model import NO_NODE, Location
from chalicelib.routing.travel_times import UNREACHABLE, Places, TravelTimes, fewest_seconds, haversine_metres

PORTO = Path(__file__).parents[2] / "infra" / "roads" / "porto"
BINARIES = Path(osrm.__file__).parent / "bin"
MIDDLE = Location(lat=41.1496, lon=-8.6110)
AWAY = Location(lat=41.1496, lon=-9.2)

# Every way at the speed it is tagged with, no penalty for turning: seconds that can be checked by hand.
PROFILE = """
api_version = 4
function setup()
  return { properties = { weight_name = 'duration', max_speed_for_map_matching = 60, u_turn_penalty = 0,
    continue_straight_at_waypoint = false, use_turn_restrictions = false }, default_mode = mode.driving }
end
function process_node(profile, node, result) end
function process_way(profile, way, result)
  result.forward_mode, result.backward_mode = mode.driving, mode.inaccessible
  result.forward_speed = tonumber(way:get_value_by_key('speed'))
end
function process_turn(profile, turn) end
return { setup = setup, process_way = process_way, process_node = process_node, process_turn = process_turn }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """A server, and the graph it was given: (head, seconds) of the edges that leave each node."""

    url: str
    locations: list[Location]
    leaving: list[list[tuple[int, float]]]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """The streets within 1,500 m of the middle of Porto, and one loop on an island that no road leads to."""
    folder = tmp_path_factory.mktemp("osrm")
    locations, edges = _streets()
    (folder / "town.osm").write_text(_osm(locations, edges), encoding="utf-8")
    (folder / "exact.lua").write_text(PROFILE, encoding="utf-8")
    for command in (
        ["osrm-extract", "-p", "exact.lua", "town.osm"],
        ["osrm-partition", "town.osrm"],
        ["osrm-customize", "town.osrm"],
    ):
        made = subprocess.run(
            [BINARIES / command[0], *command[1:]], cwd=folder, capture_output=True, check=False, timeout=60
        )
        assert made.returncode == 0, made.stdout.decode()[-2000:]
    leaving: list[list[tuple[int, float]]] = [[] for _ in locations]
    for tail, head, seconds in edges:
        leaving[tail].append((head, seconds))
    with _routed(folder) as url:
        yield Town(url=url, locations=locations, leaving=leaving)


def _streets() -> tuple[list[Location], list[tuple[int, int, float]]]:
    figures = RoadFigures.read(PORTO / "graph.npz")
    lat, lon = figures.lat / 1e6, figures.lon / 1e6
    near = np.flatnonzero(haversine_metres(MIDDLE.lat, MIDDLE.lon, lat, lon) <= 1500)
    number = {node: index for index, node in enumerate(near.tolist())}
    locations = [Location(lat=lat[node], lon=lon[node]) for node in number]
    seconds = (figures.deciseconds / 10).tolist()
    edges = [
        (number[tail], number[head], cost)
        for tail, head, cost in zip(figures.tail.tolist(), figures.head.tolist(), seconds, strict=True)
        if tail in number and head in number
    ]
    island = [Location(lat=41.1496 + 0.001 * corner, lon=-8.9 + 0.001 * (corner % 2)) for corner in range(3)]
    first = len(locations)
    return [*locations, *island], [*edges, *((first + k, first + (k + 1) % 3, 20.0) for k in range(3))]


def _osm(locations: list[Location], edges: list[tuple[int, int, float]]) -> str:
    """One one-way street per edge, as fast as its straight line has to be driven in its seconds."""
    nodes = [
        f'<node id="{i + 1}" version="1" lat="{at.lat:.6f}" lon="{at.lon:.6f}"/>'
        for i, at in enumerate(locations)
    ]
    ways = []
    for number, (tail, head, seconds) in enumerate(edges):
        here, there = locations[tail], locations[head]
        kmh = 3.6 * float(haversine_metres(here.lat, here.lon, there.lat, there.lon)) / seconds
        ways.append(
            f'<way id="{number + 1}" version="1"><nd ref="{tail + 1}"/><nd ref="{head + 1}"/>'
            f'<tag k="highway" v="residential"/><tag k="speed" v="{kmh:.6f}"/></way>'
        )
    return "\n".join(['<?xml version="1.0"?><osm version="0.6">', *nodes, *ways, "</osm>"])


@contextmanager
def _routed(folder: Path) -> Iterator[str]:
    """Run `osrm-routed` on a free port until the block ends."""
    port = _free_port()
    command = [
        BINARIES / "osrm-routed",
        "-a",
        "mld",
        "-i",
        "127.0.0.1",
        "-p",
        str(port),
        "-t",
        "2",
        "town.osrm",
    ]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as server:
        assert server.stdout is not None
        # It says so when it listens.
        said = b""
        for line in server.stdout:
            said += line
            if b"running and waiting for requests" in line:
                break
        else:
            pytest.fail(said.decode())
        # It goes on telling of every request, and stands still when nobody reads.
        reader = threading.Thread(target=server.stdout.read)
        reader.start()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            reader.join()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def engine(town: Town) -> Osrm:
    return Osrm(town.url, deadline_seconds=20.0)


def dijkstra(town: Town, source: int) -> list[float]:
    seconds = [math.inf] * len(town.locations)
    queue = [(0.0, source)]
    while queue:
        cost, node = heapq.heappop(queue)
        if cost >= seconds[node]:
            continue
        seconds[node] = cost
        for head, edge in town.leaving[node]:
            heapq.heappush(queue, (cost + edge, head))
    return seconds


def places(*locations: Location) -> Places:
    return Places.of(locations, [NO_NODE] * len(locations))


class TestAgainstTheRealServer:
    """What a merchant's OSRM would answer."""

    def test_times_are_those_of_the_network_in_both_directions(self, town: Town, engine: Osrm) -> None:
        """350 legs in four requests against Dijkstra; one-way streets tell the directions apart.

        Nine in ten to the second; the others would have to turn round in the street, which OSRM does not do.
        """
        chance = np.random.default_rng(5)
        some = [int(node) for node in chance.integers(0, len(town.locations) - 3, 350)]
        many = places(*(town.locations[node] for node in some))
        for source in some[:2]:
            here = places(town.locations[source])
            expected = np.array([dijkstra(town, source)[node] for node in some])
            reached = np.isfinite(expected) & (expected > 0)
            answered = engine.from_one(here, many)
            off = np.abs(answered[reached] - expected[reached])
            assert np.quantile(off, 0.9) <= 1
            back = engine.to_one(many, here)
            assert (np.abs(back - answered) > 5).mean() > 0.2
            assert engine.from_one(many[0], here)[0] == back[0]

    def test_pairs_agree_with_the_look_ups_and_know_the_metres(self, town: Town, engine: Osrm) -> None:
        """Sixty pairs in three requests, both ends repeating, in the order they were asked."""
        some = places(*town.locations[:60:2], *town.locations[:60:2])
        others = places(*town.locations[300:360])
        seconds, metres = engine.pairs(some, others)
        for index in (0, 24, 25, 49, 59):
            assert engine.from_one(some[index], others[index : index + 1])[0] == seconds[index]
        met = seconds < UNREACHABLE
        assert met.sum() > 50
        straight = haversine_metres(some.lat, some.lon, others.lat, others.lon)
        assert (metres[met] >= 0.98 * straight[met]).all()
        assert (metres[met] < 8000).all()

    def test_nothing_is_faster_than_the_bound(self, town: Town, engine: Osrm) -> None:
        many = places(*town.locations[:400:2])
        for index in range(5):
            bound = fewest_seconds(many[index], many, engine.fastest_metres_per_second)
            assert (bound <= engine.from_one(many[index], many)).all()

    def test_a_point_far_from_any_road_is_refused_and_one_beside_a_road_is_not(
        self, town: Town, engine: Osrm
    ) -> None:
        port: TravelTimes = engine
        assert (port.name, port.fingerprint) == ("osrm", 0)
        assert port.snap(MIDDLE) == NO_NODE
        with pytest.raises(OffRoad, match=r"\d metres away; at most 300"):
            port.snap(AWAY)

    def test_a_stop_far_from_any_road_is_not_timed_from_somebody_elses(
        self, town: Town, engine: Osrm
    ) -> None:
        """Without looking at the distances of the answer, OSRM would time it from a street 25 km away."""
        here = places(MIDDLE)
        assert engine.from_one(here, places(AWAY, town.locations[0]))[0] == UNREACHABLE
        assert engine.to_one(places(AWAY), here).tolist() == [UNREACHABLE]
        assert engine.pairs(places(AWAY), here)[1].tolist() == [UNREACHABLE]
        control = Osrm(town.url, snap_limit=1_000_000, deadline_seconds=20.0)
        assert control.from_one(here, places(AWAY))[0] < UNREACHABLE

    def test_an_island_is_unreachable_not_near(self, town: Town, engine: Osrm) -> None:
        island = places(town.locations[-1])
        assert engine.from_one(places(MIDDLE), island).tolist() == [UNREACHABLE]
        seconds, metres = engine.pairs(places(MIDDLE), island)
        assert (seconds.tolist(), metres.tolist()) == ([UNREACHABLE], [UNREACHABLE])

    def test_two_parcels_for_one_door_need_no_driving(self, engine: Osrm) -> None:
        assert engine.from_one(places(MIDDLE), places(MIDDLE)).tolist() == [0]

    def test_no_places_are_no_request(self) -> None:
        nobody = Osrm("http://127.0.0.1:1")
        assert nobody.from_one(places(MIDDLE), places()).tolist() == []
        assert [figures.tolist() for figures in nobody.pairs(places(), places())] == [[], []]


@contextmanager
def answering(answer: Callable[[http.server.BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """Serve every GET with `answer` until the block ends."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def saying(status: int, body: bytes) -> Callable[[http.server.BaseHTTPRequestHandler], None]:
    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return answer


class TestBadServers:
    """Whatever goes wrong out there is one error, in time."""

    def ask_everything(self, url: str, *, deadline: float = 5.0) -> None:
        engine = Osrm(url, deadline_seconds=deadline)
        here, there = places(MIDDLE), places(AWAY)
        for ask in (
            lambda: engine.snap(MIDDLE),
            lambda: engine.from_one(here, there),
            lambda: engine.to_one(there, here),
            lambda: engine.pairs(here, there),
        ):
            with pytest.raises(Upstream) as caught:
                ask()
            assert caught.value.retryable

    def test_nobody_there(self) -> None:
        self.ask_everything(f"http://127.0.0.1:{_free_port()}")

    def test_a_server_that_does_not_answer_in_time(self) -> None:
        done = threading.Event()

        def silent(request: http.server.BaseHTTPRequestHandler) -> None:
            done.wait(20)

        with answering(silent) as url:
            self.ask_everything(url, deadline=0.1)
            done.set()

    def test_the_deadline_covers_all_requests_of_a_call(self) -> None:
        """Each answer takes 0.2 of half a second: the fourth hundred is not asked for."""
        asked: list[str] = []

        def slowly(request: http.server.BaseHTTPRequestHandler) -> None:
            asked.append(request.path)
            waypoints = [{"distance": 1.0}] * 100
            table = {"durations": [[5.0] * 100], "distances": [[50.0] * 100]}
            body = {"code": "Ok", "sources": waypoints[:1], "destinations": waypoints, **table}
            saying(200, json.dumps(body).encode())(request)

        many = places(*(Location(lat=41.0, lon=-8.0 + 0.001 * k) for k in range(1000)))
        with answering(slowly) as url:
            engine = Osrm(url, deadline_seconds=0.5, clock=lambda: 1000 + 0.2 * len(asked))
            assert len(engine.from_one(places(MIDDLE), many[:300])) == 300
            with pytest.raises(Upstream, match="too long"):
                engine.from_one(places(MIDDLE), many)
        assert len(asked) == 3 + 3
        assert max(map(len, asked)) < 4096

    @pytest.mark.parametrize(
        ("status", "body"),
        [
            (502, b"<html>Bad Gateway</html>"),
            (200, b"[]"),
            (200, b"\xff\xfe"),
            (400, b'{"code": "TooBig", "message": "Too many table coordinates"}'),
            (200, b'{"code": "Ok"}'),
            (200, b'{"code": "Ok", "sources": [{}], "destinations": [{}], "waypoints": [{}]}'),
            (
                200,
                b'{"code": "Ok", "sources": [{"distance": 1}], "destinations": [{"distance": 1}],'
                b' "durations": [[1, 2]], "distances": [[1]], "waypoints": 3}',
            ),
        ],
    )
    def test_an_answer_that_is_not_osrms(self, status: int, body: bytes) -> None:
        with answering(saying(status, body)) as url:
            self.ask_everything(url)

    def test_a_map_without_any_road_near_is_off_road(self) -> None:
        body = b'{"code": "NoSegment", "message": "Could not find a matching segment"}'
        with answering(saying(400, body)) as url, pytest.raises(OffRoad):
            Osrm(url).snap(MIDDLE)

    def test_a_plain_client_waits_for_ever(self) -> None:
        """Control: without a deadline the same silent server still has not answered when we stop waiting."""
        done, answered = threading.Event(), threading.Event()

        def plain(url: str) -> None:
            urllib3.request("GET", url, retries=False)
            answered.set()

        def silent(request: http.server.BaseHTTPRequestHandler) -> None:
            done.wait(20)
            saying(200, b"{}")(request)

        with answering(silent) as url:
            waiting = threading.Thread(target=plain, args=(url,))
            waiting.start()
            assert not answered.wait(0.3)
            done.set()
            waiting.join()
