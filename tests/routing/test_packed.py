"""A route as bytes, and as an array."""

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.routing.model import NO_NODE, Capacity, Leg, Load, Location, StopFlag, StopKind
from chalicelib.routing.packed import (
    FOREVER,
    FORMAT,
    GHOST_GRACE,
    MAX_SKILLS,
    STOP,
    Route,
    carried,
    fits,
    live,
    pack,
    together,
    unpack,
)
from tests.builders import hour, hours, house, route, shift, stop
from tests.routing.days_at_random import loads, routes, stops

AN_HOUR_AGO, NOW = hour(7), hour(8)


def same(one: Route, other: Route) -> bool:
    """Compare by value; routes themselves compare by identity."""
    return (
        one.all_stops() == other.all_stops()
        and bool((one.stops["leg_seconds"] == other.stops["leg_seconds"]).all())
        and bool((one.stops["leg_metres"] == other.stops["leg_metres"]).all())
        and all(
            getattr(one, name) == getattr(other, name)
            for name in (
                "shift",
                "last_leg",
                "version",
                "graph",
                "start_node",
                "end_node",
                "withdrawn",
                "by_hand",
            )
        )
    )


class TestBytes:
    """What is stored is what is read."""

    @given(packed=routes(), withdrawn=st.booleans(), by_hand=st.booleans(), graph=st.integers(0, 2**32 - 1))
    def test_a_route_survives_being_stored(
        self, packed: Route, withdrawn: bool, by_hand: bool, graph: int
    ) -> None:
        before = Route(
            shift=packed.shift,
            stops=packed.stops,
            last_leg=packed.last_leg,
            version=7,
            skill_names=packed.skill_names,
            graph=graph,
            start_node=12,
            end_node=NO_NODE,
            withdrawn=withdrawn,
            by_hand=by_hand,
        )
        after = unpack(before.shift.shift_id, pack(before), 7)
        assert same(before, after)
        assert pack(after) == pack(before)

    def test_the_version_guards_the_row_and_is_not_in_the_bytes(self) -> None:
        stored = pack(route(stop(1, 5), version=3))
        assert unpack("any", stored, 4).version == 4
        assert stored == pack(route(stop(1, 5), version=8))

    def test_an_unknown_format_is_refused_and_named(self) -> None:
        """Readers keep every version ever written, and do not guess at one to come."""
        stored = pack(route(stop(1, 5)))
        assert stored[0] == FORMAT == 1
        with pytest.raises(ValueError, match="stored in format 2; this code reads 1"):
            unpack("shift-9", bytes([2]) + stored[1:], 1)

    def test_a_route_stored_by_the_first_format_is_still_read(self) -> None:
        """These bytes were written when the format was new; they stand in every table by now."""
        stored = bytes([1]) + zlib.compress(bytes.fromhex(STORED_ONCE))
        read = unpack("shift-of-van-1", stored, 5)
        assert read.shift == shift(capacity=Capacity(parcels=9), skills=["fridge"])
        assert [each.stop_id for each in read.all_stops()] == [11, 12]
        assert read.stop(1) == stop(12, 8, hours(10, 12), skills=["fridge"], held_until=hour(9))
        assert read.last_leg == Leg(seconds=480, metres=890)

    @pytest.mark.parametrize("size", [0, 1, 50])
    def test_a_stop_is_fifty_eight_bytes_and_far_fewer_when_stored(self, size: int) -> None:
        chance = np.random.default_rng(1)
        doors = [
            stop(10**15 + n, float(chance.integers(-90, 90)), hours(8 + n % 5 * 2, 10 + n % 5 * 2))
            for n in range(size)
        ]
        assert STOP.itemsize == 58
        assert route(*doors).stops.nbytes == 58 * size
        assert len(pack(route(*doors))) <= 120 + 26 * size

    def test_nothing_stored_fits_beyond_its_field(self) -> None:
        """A service time of a day, more than 65,535 parcels: refused loudly, never cut off."""
        with pytest.raises(OverflowError):
            route(stop(1, 5, minutes=24 * 60))
        with pytest.raises(OverflowError):
            route(stop(1, 5, load=Load(parcels=70_000)))

    def test_what_was_read_cannot_be_written_to(self) -> None:
        """What is computed of a route is remembered by its identity, so it must not change under it."""
        read = unpack("any", pack(route(stop(1, 5))), 1)
        with pytest.raises(ValueError, match="read-only"):
            read.stops["kind"][0] = StopKind.DONE


class TestChanging:
    """Every change is a new route; the old one stays as it was."""

    @given(before=routes(), new=stops(), data=st.data())
    def test_a_stop_put_in_and_taken_out_leaves_no_trace(
        self, before: Route, new: StopKind, data: st.DataObject
    ) -> None:
        gap = data.draw(st.integers(0, len(before.stops)))
        joint = (
            Leg(seconds=int(before.stops["leg_seconds"][gap]), metres=int(before.stops["leg_metres"][gap]))
            if gap < len(before.stops)
            else before.last_leg
        )
        kept = before.all_stops()
        within = before.inserted(gap, new, Leg(seconds=1, metres=2), Leg(seconds=3, metres=4))
        assert within.stop(gap) == new
        assert (int(within.stops["leg_seconds"][gap]), int(within.stops["leg_metres"][gap])) == (1, 2)
        assert same(within.removed(gap, joint), before)
        assert before.all_stops() == kept

    def test_the_leg_behind_the_last_stop_is_the_way_home(self) -> None:
        grown = route(stop(1, 5)).inserted(
            1, stop(2, 9), Leg(seconds=240, metres=1), Leg(seconds=540, metres=2)
        )
        assert grown.last_leg == Leg(seconds=540, metres=2)
        shrunk = grown.removed(1, Leg(seconds=300, metres=3))
        assert shrunk.last_leg == Leg(seconds=300, metres=3)
        assert shrunk.stops["leg_seconds"].tolist() == [300]

    def test_marking_changes_one_record_of_a_copy(self) -> None:
        before = route(stop(1, 5, held_until=hour(9)), stop(2, 6))
        after = before.marked(0, kind=StopKind.PROMISED, expires_at=0, flags=StopFlag.PINNED)
        assert (after.stop(0).kind, after.stop(0).flags) == (StopKind.PROMISED, StopFlag.PINNED)
        assert before.stop(0).kind is StopKind.HELD
        assert after.index_of(2) == 1
        assert after.index_of(3) is None

    def test_a_route_tells_thirty_two_skills_apart(self) -> None:
        many = [stop(n, n, skills=[f"skill-{n}"]) for n in range(1, MAX_SKILLS + 1)]
        assert route(*many).stop(31).skills == {"skill-32"}
        with pytest.raises(ValueError, match="32 skills"):
            route(*many, stop(99, 1, skills=["one-too-many"]))


class TestGhosts:
    """An expired hold is only a point the van may still pass."""

    @pytest.mark.parametrize(("late", "real"), [(-1, True), (0, True), (1, True), (2, False), (3, False)])
    def test_readers_let_a_hold_live_two_seconds_longer(self, late: int, real: bool) -> None:
        held = route(stop(1, 5, held_until=NOW), stop(2, 6))
        assert live(held.stops, NOW + late).tolist() == [real, True]
        assert carried(held, NOW + late) == Load(parcels=2 if real else 1)

    def test_a_route_is_the_same_until_its_next_hold_becomes_a_ghost(self) -> None:
        held = route(stop(1, 5, held_until=hour(9)), stop(2, 6, held_until=AN_HOUR_AGO), stop(3, 7))
        assert held.unchanged_until(NOW) == hour(9) + GHOST_GRACE
        assert held.unchanged_until(hour(9) + GHOST_GRACE) == FOREVER
        assert route(stop(1, 5)).unchanged_until(NOW) == FOREVER


class TestLoads:
    """A load fits if it fits in every dimension that binds."""

    @given(one=loads, other=loads)
    def test_loads_add_up(self, one: Load, other: Load) -> None:
        both = together(one, other)
        assert (both.parcels, both.grams) == (one.parcels + other.parcels, one.grams + other.grams)
        assert both.millilitres == one.millilitres + other.millilitres

    @pytest.mark.parametrize(
        ("capacity", "room"),
        [
            (Capacity(), True),
            (Capacity(parcels=2, grams=500, millilitres=900), True),
            (Capacity(parcels=1), False),
            (Capacity(grams=499), False),
            (Capacity(millilitres=899), False),
        ],
    )
    def test_a_dimension_that_is_none_does_not_bind(self, capacity: Capacity, room: bool) -> None:
        assert fits(Load(parcels=2, grams=500, millilitres=900), capacity) is room

    def test_many_heavy_stops_add_up_beyond_thirty_two_bits(self) -> None:
        """Records hold 32 bits; their sum must not wrap around and look light."""
        heavy = [stop(n, n, load=Load(grams=4_000_000_000)) for n in (1, 2, 3)]
        assert carried(route(*heavy), NOW).grams == 12_000_000_000


def test_a_location_is_kept_to_eleven_centimetres() -> None:
    assert Location(lat=41.12345678, lon=-8.61234567) == Location(lat=41.123457, lon=-8.612346)
    assert house(3) == Location(lat=41.003, lon=-8.6)


STORED_ONCE = (
    "80acfe6a2039ff6a78a5fe6a09000000ffffffffffffffff409c710240c67cffffffffff409c710240c67cffffffffff"
    "00000000e00100007a03000000000200130076616e2d311f6672696467651f6672696467650b0c000000000000000000"
    "0000000000c880afbb717102024040c6c67c7cffffffffffffffffffff80a0acc8fefe6a6a20c039e4fffe6a6a009000"
    "ba00fe006a2cb40100000000002d4e0201000000000000000000000000000000000000000000010000000000002c2c01"
    "010101000002010000"
)
