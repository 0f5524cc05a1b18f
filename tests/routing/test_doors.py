"""Doors are known by what earlier visits took, by few bytes, and not for ever."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.routing.doors import FORGOTTEN_AFTER, MOST_DOORS, Doors, marks_of
from chalicelib.routing.pace import Door

TODAY = date(2026, 11, 24)
ONE = timedelta(days=1)
KEY = b"a key of the tests"

seen = st.dictionaries(
    st.integers(0, 2**32 - 1),
    st.builds(Door, visits=st.integers(1, 50), residual=st.floats(-2.5, 2.5)),
    max_size=30,
)


@settings(max_examples=50)
@given(seen, seen)
def test_what_was_seen_last_is_known(before: dict[int, Door], after: dict[int, Door]) -> None:
    """To a fiftieth, whatever else is known; also when it was stored in between."""
    doors = Doors.none().after(before.items(), TODAY - timedelta(days=1))
    doors = Doors.unpack(doors.pack()).after(after.items(), TODAY)
    every = before | after
    found = doors.known(np.array(list(every), np.uint32))
    assert len(doors) == len(every)
    assert found[:, 0].tolist() == [door.visits for door in every.values()]
    assert found[:, 1] == pytest.approx([door.residual for door in every.values()], abs=0.011)


def test_of_other_doors_nothing_is_known() -> None:
    """Not even where there is no door at all yet."""
    unknown = np.array([5, 2**32 - 1], np.uint32)
    some = Doors.none().after([(7, Door(3, 0.4))], TODAY)
    for doors in (Doors.none(), some):
        assert not doors.known(unknown).any()


def test_who_is_not_visited_is_forgotten() -> None:
    """Half a year later; CONTROL: a day before that it is known."""
    doors = Doors.none().after([(7, Door(3, 0.4))], TODAY)
    assert len(doors.after([], TODAY + FORGOTTEN_AFTER)) == 1
    assert len(doors.after([], TODAY + FORGOTTEN_AFTER + timedelta(days=1))) == 0


def test_only_so_many_are_kept() -> None:
    """Those visited last, in eight bytes each."""
    old = Doors.none().after(((mark, Door(9, 0.1)) for mark in range(MOST_DOORS)), TODAY)
    doors = old.after(((mark, Door(1, 0.1)) for mark in range(MOST_DOORS, MOST_DOORS + 100)), TODAY + ONE)
    assert len(doors) == MOST_DOORS
    assert doors.known(np.arange(MOST_DOORS, MOST_DOORS + 100, dtype=np.uint32))[:, 0].all()
    assert len(doors.pack()) == 8 * MOST_DOORS == 65_536


def test_a_place_cannot_be_read_from_its_mark() -> None:
    """The same place has the same mark, under another depot's key another one; metres apart they differ."""
    here, there = (41.15, -8.61), (41.15001, -8.61)
    assert marks_of([here, here, there], KEY).tolist() == [
        *[int(marks_of([here], KEY)[0])] * 2,
        int(marks_of([there], KEY)[0]),
    ]
    marks = {int(marks_of([place], key)[0]) for place in (here, there) for key in (KEY, b"another")}
    assert len(marks) == 4
