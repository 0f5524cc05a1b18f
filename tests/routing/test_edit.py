"""Changing a stored route: in, out, and what has to stay."""

from dataclasses import replace

from chalicelib.errors import OffRoad
from chalicelib.routing.edit import (
    NOBODY,
    ends_of,
    inserted,
    left_over,
    renumbered,
    reordered,
    with_stop,
    without,
    without_ghosts,
)
from chalicelib.routing.insertion import Candidate
from chalicelib.routing.model import Location
from chalicelib.routing.packed import live
from chalicelib.routing.sweeps import Sweeps
from tests.builders import (
    THE_DAY_BEFORE,
    Street,
    calm_world,
    hour,
    hours,
    house,
    restless_world,
    route,
    shift,
    stop,
)

NOW = THE_DAY_BEFORE
STREET = Street()


def candidate(of: object, gap: int, at: float) -> Candidate:
    return Candidate(
        route=of,  # type: ignore[arg-type]
        gap=gap,
        window=hours(8, 18),
        leg_in=0,
        leg_out=0,
        extra=0,
    )


def test_a_stop_goes_in_with_the_roads_real_legs() -> None:
    """What the candidate guessed is looked up again, metres included."""
    changed = with_stop(candidate(route(stop(1, 20)), 0, 10), stop(2, 10), STREET, NOW, calm_world())
    assert changed is not None
    assert changed.stops["stop_id"].tolist() == [2, 1]
    assert changed.stops["leg_seconds"].tolist() == [600, 600]
    assert [round(metres, -1) for metres in changed.stops["leg_metres"].tolist()] == [1110, 1110]
    assert changed.last_leg.seconds == 1200


def test_a_stop_that_would_endanger_another_does_not_go_in() -> None:
    """The proof is repeated on what is there now."""
    tight = route(stop(1, 20, hours(8, 8.4)))
    newcomer = stop(2, -20)
    assert with_stop(candidate(tight, 0, -20), newcomer, STREET, NOW, calm_world()) is None


def test_ghosts_are_swept_out_on_the_way() -> None:
    """A writer drops what ran out, and joins the neighbours."""
    haunted = route(stop(1, 10, held_until=hour(7)), stop(2, 20))
    changed = with_stop(candidate(haunted, 2, 30), stop(3, 30), STREET, hour(7) + 2, calm_world())
    assert changed is not None
    assert changed.stops["stop_id"].tolist() == [2, 3]
    assert changed.stops["leg_seconds"].tolist() == [1200, 600]


def test_taking_a_stop_out_joins_its_neighbours() -> None:
    """The first, one in the middle, the last, the only one."""
    three = route(stop(1, 10), stop(2, 20), stop(3, 30))
    for gone, legs, last in ((1, [1200, 600], 1800), (2, [600, 1200], 1800), (3, [600, 600], 1200)):
        left = without(three, gone, STREET, NOW, restless_world())
        assert left.stops["leg_seconds"].tolist() == legs
        assert left.last_leg.seconds == last
    empty = without(route(stop(1, 10)), 1, STREET, NOW, restless_world())
    assert (len(empty.stops), empty.last_leg.seconds) == (0, 0)


def test_a_stop_that_is_not_there_changes_nothing() -> None:
    """The very same route comes back."""
    one = route(stop(1, 10))
    assert without(one, 99, STREET, NOW, calm_world()) is one


def test_a_removal_that_would_make_another_late_leaves_a_ghost() -> None:
    """Where the direct way is longer than the way round the van still passes; nobody is served there."""
    roundabout = Street(ways={(0.0, 20.0): 7200})
    both = route(stop(1, 10), stop(2, 20, hours(8, 9)), travel=roundabout)
    left = without(both, 1, roundabout, NOW, calm_world())
    assert left.stops["stop_id"].tolist() == [NOBODY, 2]
    assert live(left.stops, NOW).tolist() == [False, True]
    assert left.index_of(1) is None


def test_on_ordinary_roads_the_same_removal_leaves_nothing() -> None:
    """The control: it is the broken triangle that made the ghost stay."""
    both = route(stop(1, 10), stop(2, 20, hours(8, 9)))
    assert without(both, 1, STREET, NOW, calm_world()).stops["stop_id"].tolist() == [2]


def test_a_ghost_goes_as_soon_as_it_harms_nobody() -> None:
    """The way was mended, or the neighbour is gone."""
    roundabout = Street(ways={(0.0, 20.0): 7200})
    both = route(stop(1, 10), stop(2, 20, hours(8, 9)), travel=roundabout)
    haunted = without(both, 1, roundabout, NOW, calm_world())
    assert without_ghosts(haunted, STREET, NOW, calm_world()).stops["stop_id"].tolist() == [2]


def test_a_gap_begins_and_ends_at_a_stop_or_the_depot() -> None:
    """Ends of every gap of a route with one stop."""
    one = route(stop(1, 10))
    assert [tuple(end.location for end in ends_of(one, gap)) for gap in (0, 1)] == [
        (house(0), house(10)),
        (house(10), house(0)),
    ]


class Numbered(Street):
    """A road graph that reaches some houses."""

    fingerprint = 42

    def snap(self, location: Location) -> int:
        if location == house(30):
            raise OffRoad("far from any road")
        return round((location.lat - 41) * 1000)


def test_nodes_of_another_graph_are_found_anew() -> None:
    """A stored node means something only with the graph that numbered it; what is off its roads has none."""
    moved = renumbered(route(stop(1, 10), stop(2, 30)), Numbered())
    assert moved.stops["node"].tolist() == [10, -1]
    assert (moved.graph, moved.start_node) == (42, 0)
    assert renumbered(moved, Numbered()) is moved


def test_the_version_stays_with_whoever_was_read() -> None:
    """What is written is written on condition of what was read."""
    read = replace(route(stop(1, 10), of=shift()), version=7)
    assert without(read, 1, STREET, NOW, calm_world()).version == 7


def test_stops_of_several_routes_in_a_new_order_get_the_roads_legs() -> None:
    """Wherever they come from; skills keep their meaning, the version stays with the shift."""
    cold = route(stop(1, 10, skills=["fridge"]), stop(2, 20), of=shift("a"))
    plain = route(stop(3, 30, skills=["ladder"]), of=shift("b"), version=4)
    changed = reordered(plain, [(cold, 1), (plain, 0), (cold, 0)], STREET)
    fresh = route(stop(2, 20), stop(3, 30, skills=["ladder"]), stop(1, 10, skills=["fridge"]), of=shift("b"))
    assert changed.all_stops() == fresh.all_stops()
    assert changed.stops["leg_seconds"].tolist() == fresh.stops["leg_seconds"].tolist()
    assert changed.stops["leg_metres"].tolist() == fresh.stops["leg_metres"].tolist()
    assert (changed.last_leg, changed.version, changed.shift) == (fresh.last_leg, 4, plain.shift)
    assert len(reordered(plain, [], STREET).stops) == 0


def test_a_stop_goes_where_it_costs_least_among_the_able() -> None:
    """Or nowhere, and then it says so."""
    plan, sweeps = (
        [route(stop(1, 10), of=shift("a")), route(stop(2, -10), of=shift("b"))],
        Sweeps(calm_world()),
    )
    newcomer = stop(3, -11)
    for able, at, order in (([True, True], 1, [2, 3]), ([True, False], 0, [1, 3])):
        found = inserted(newcomer, plan, able, sweeps, STREET, NOW)
        assert found is not None
        assert found[0] == at
        assert sorted(found[1].stops["stop_id"].tolist()) == order
    assert inserted(newcomer, plan, [False, False], sweeps, STREET, NOW) is None
    assert inserted(stop(4, 500, hours(8, 9)), plan, [True, True], sweeps, STREET, NOW) is None


def test_what_found_a_van_leaves_the_list_of_those_without() -> None:
    """The rest is the very same, in its order."""
    waiting = route(stop(1, 10), stop(2, 20), stop(3, 30))
    assert left_over(waiting, {1, 3, 99}).stops["stop_id"].tolist() == [2]
    assert left_over(waiting, {99}) is waiting
