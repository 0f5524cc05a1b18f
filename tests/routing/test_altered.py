"""A driver is told which stops moved, came or went, and why; of the rest nothing is said."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.routing.altered import MOST_KEPT, Altered, Cause, altered
from chalicelib.routing.model import StopKind
from chalicelib.routing.packed import Route
from chalicelib.routing.rescue import meeting_id
from tests.builders import hour, route, stop

NOON = hour(12)


def note(before: Route, after: Route, **more: list[int]) -> Route:
    return altered(before, after, because=Cause.PROMISE_AT_RISK, by="rpl_1", now=NOON, **more)


def told(before: list[int], after: list[int], **more: list[int]) -> dict[int, Altered]:
    """What is said of whom."""
    old, new = (route(*(stop(each, each) for each in ids)) for ids in (before, after))
    return {stop_id: what for each in note(old, new, **more).altered for stop_id, what in each.stops}


def test_one_stop_that_is_put_off_is_the_only_one_that_moved() -> None:
    """Everybody behind it comes one place earlier, and in the order that was known."""
    assert told([1, 2, 3, 4], [2, 3, 4, 1]) == {1: Altered.MOVED}


def test_who_came_and_who_went_is_named() -> None:
    """A meeting is a stop of the driver's day like any other."""
    meeting = meeting_id(9)
    old = route(stop(1, 5), stop(2, 6))
    new = route(stop(7, 7), stop(2, 6), stop(9, 9)).marked(0, stop_id=meeting, kind=StopKind.MEETING)
    (noted,) = note(old, new).altered
    assert noted.stops == ((meeting, Altered.NEW), (9, Altered.NEW), (1, Altered.GONE))


def test_who_stayed_but_is_to_be_served_otherwise_is_named() -> None:
    """A new window or a gate code; CONTROL: who moved as well is said to have moved, once."""
    assert told([1, 2, 3], [1, 2, 3], touched=[2]) == {2: Altered.CHANGED}
    assert told([1, 2, 3], [2, 3, 1], touched=[1]) == {1: Altered.MOVED}


def test_what_no_driver_sees_is_no_alteration() -> None:
    """A hold that ran out, a stop that is done, the same order: the very same route, and nothing noted."""
    before = route(stop(1, 5), stop(2, 6, held_until=hour(9)), stop(3, 7))
    after = before.removed(1, before.last_leg).marked(1, kind=StopKind.DONE)
    assert note(before.marked(2, kind=StopKind.DONE), after) is after


def test_a_note_names_the_version_that_brings_it() -> None:
    """The manifest that has it is the one that is about to be written."""
    old = route(stop(1, 5), version=7)
    (noted,) = note(old, old.removed(0, old.last_leg)).altered
    assert (noted.version, noted.because, noted.by, noted.at) == (8, Cause.PROMISE_AT_RISK, "rpl_1", NOON)


def test_notes_go_on_with_the_route_and_the_oldest_are_forgotten() -> None:
    """A driver who missed a version still reads what it did; a route does not grow with every change."""
    current = old = route(stop(1, 5), stop(2, 6))
    for _ in range(MOST_KEPT + 2):
        turned = replace(current, stops=current.stops[::-1].copy())
        current = replace(note(current, turned), version=current.version + 1)
    assert [each.version for each in current.altered] == [
        old.version + step for step in range(3, 3 + MOST_KEPT)
    ]


@settings(max_examples=100, deadline=None)
@given(order=st.permutations(range(1, 8)))
def test_whoever_is_not_said_to_have_moved_stands_in_the_old_order(order: list[int]) -> None:
    """And no fewer could be named, as trying all selections shows."""
    moved = set(told(sorted(order), list(order)))
    steady = [stop_id for stop_id in order if stop_id not in moved]
    assert steady == sorted(steady)
    longest = max(n for n in range(len(order) + 1) if any(map(rises, combinations(order, n))))
    assert len(steady) == longest


def rises(some: Sequence[int]) -> bool:
    return list(some) == sorted(some)
