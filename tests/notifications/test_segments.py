"""A text takes as many parts as a carrier cuts it into."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.notifications.segments import Encoding, length, plain

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"  # 11 units of UTF-16, one picture
THUMB = "\U0001f44d\U0001f3fd"  # a thumb and its skin: 4 units


@pytest.mark.parametrize(
    ("text", "encoding", "units", "segments"),
    [
        ("", Encoding.GSM_7, 0, 1),
        ("a" * 160, Encoding.GSM_7, 160, 1),
        ("a" * 161, Encoding.GSM_7, 161, 2),
        ("a" * 306, Encoding.GSM_7, 306, 2),
        ("a" * 307, Encoding.GSM_7, 307, 3),
        ("€" * 80, Encoding.GSM_7, 160, 1),
        ("€" * 81, Encoding.GSM_7, 162, 2),
        # 152 septets, then a character of two: it moves to the second part as a whole.
        ("a" * 152 + "€" + "a" * 152, Encoding.GSM_7, 306, 3),
        ("ü" * 160, Encoding.GSM_7, 160, 1),
        ("á" * 70, Encoding.UCS_2, 70, 1),
        ("á" * 71, Encoding.UCS_2, 71, 2),
        ("á" * 134, Encoding.UCS_2, 134, 2),
        ("á" * 135, Encoding.UCS_2, 135, 3),
        ("\U0001f44d" * 35, Encoding.UCS_2, 70, 1),
        ("\U0001f44d" * 36, Encoding.UCS_2, 72, 2),
        # 66 units, then a pair of two: never cut in half, so 66 + 68 does not fit in two parts.
        ("á" * 66 + "\U0001f44d" + "á" * 66, Encoding.UCS_2, 134, 3),
        ("á" * 60 + FAMILY + "á" * 60, Encoding.UCS_2, 131, 3),
        ("á" * 64 + THUMB + "á" * 64, Encoding.UCS_2, 132, 3),
    ],
)
def test_a_text_is_counted_as_it_is_cut(text: str, encoding: Encoding, units: int, segments: int) -> None:
    """160 or 153 septets, 70 or 67 units; what belongs together stays together."""
    counted = length(text)
    assert (counted.encoding, counted.units, counted.segments) == (encoding, units, segments)


def test_a_long_dash_doubles_a_text_and_plain_marks_do_not() -> None:
    """CONTROL: the same words with and without what writing programs put in."""
    typeset = "Your slot is 9\u201311am \u2013 that\u2019s tomorrow\u00a0\u2026 " * 3
    assert length(typeset).segments == 2
    assert length(plain(typeset)).segments == 1
    assert length(plain(typeset)).encoding is Encoding.GSM_7


def test_letters_stay_as_they_are() -> None:
    """Only marks are replaced: nobody's name is respelled."""
    assert plain("Peña & Søn, Łódź") == "Peña & Søn, Łódź"


def test_a_picture_longer_than_a_part_is_cut_like_anything_else() -> None:
    """A joined sequence without end is the only cluster that does not fit into one part."""
    endless = "\u200d".join(["\U0001f468"] * 50)  # 149 units
    assert length(endless).segments == 3


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=400))
def test_parts_are_never_fewer_than_their_units_need(text: str) -> None:
    """Keeping clusters whole costs at most what is left of each part."""
    counted = length(text)
    alone, part = (160, 153) if counted.encoding is Encoding.GSM_7 else (70, 67)
    assert (counted.segments == 1) == (counted.units <= alone)
    if counted.segments > 1:
        assert counted.segments >= -(-counted.units // part)
