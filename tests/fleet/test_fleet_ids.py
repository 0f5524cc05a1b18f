"""Stop ids and their text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.fleet.ids import HOLD, PROMISE, hold_id, new_stop_id, promise_id, stop_id_of

IDS = st.integers(0, (1 << 63) - 1)


@given(IDS)
def test_stop_id_survives_its_text(stop_id: int) -> None:
    """A promise and a hold of one stop carry the same 13 characters."""
    assert stop_id_of(promise_id(stop_id), PROMISE) == stop_id
    assert stop_id_of(hold_id(stop_id), HOLD) == stop_id
    assert promise_id(stop_id)[4:] == hold_id(stop_id)[5:]
    assert len(promise_id(stop_id)) == 17


@given(IDS, IDS)
def test_ids_sort_as_their_stops(one: int, other: int) -> None:
    """Lists of promises can be kept in order of age by id."""
    assert (promise_id(one) < promise_id(other)) == (one < other)


@given(st.text(max_size=20))
def test_only_what_we_would_write_is_read(text: str) -> None:
    """Anything else is no id: capitals, look-alikes, other prefixes, other lengths, other scripts' digits."""
    stop_id = stop_id_of(text, PROMISE)
    assert stop_id is None or promise_id(stop_id) == text


@pytest.mark.parametrize(
    "text",
    [
        "prm_0000000000000x",
        "prm_000000000000",
        "hold_0000000000000",
        "prm_000000000000O",
        "prm_00000000000il",
        "PRM_0000000000000",
        "prm_zzzzzzzzzzzzz",  # more than 63 bits
        "prm_prm_000000000",
        "",
    ],
)
def test_wrong_ids_are_refused(text: str) -> None:
    """A wrong id names nothing."""
    assert stop_id_of(text, PROMISE) is None


def test_new_ids_sort_by_age_and_tell_neighbours_apart() -> None:
    """41 bits of milliseconds, then 22 of chance."""
    now = 1_795_000_000_000
    assert new_stop_id(now, (1 << 22) - 1) < new_stop_id(now + 1, 0) < 1 << 63
    assert new_stop_id(now, 1) != new_stop_id(now, 2)
    for clock, chance in ((0, 0), (now, 1 << 22), (now, -1), (now + (1 << 41), 0)):
        with pytest.raises(ValueError, match="41 bits"):
            new_stop_id(clock, chance)
