"""Senders text no faster than they may, and a carrier in trouble is left alone."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.notifications.model import MessageStatus, Silence
from chalicelib.notifications.pace import (
    FAILURES_TO_OPEN,
    LONGEST_PAUSE,
    SHORTEST_PAUSE,
    Closed,
    NoPlace,
    Pace,
    Place,
)
from chalicelib.units import HOUR
from tests.fakes_texts import InMemorySenders
from tests.notifications.post_office import CONFIRMED, NOW, PostOffice
from tests.notifications.store_contract import SenderStoreContract

SENDER = "+12025550100"


class TestSendersInMemory(SenderStoreContract):
    """What these tests pace by keeps what the table keeps."""

    @pytest.fixture
    def senders(self) -> InMemorySenders:
        return InMemorySenders()


@settings(max_examples=60, deadline=None)
@given(
    texts=st.lists(st.tuples(st.integers(0, 30), st.integers(1, 4)), max_size=60),
    per_second=st.integers(1, 20),
)
def test_no_second_gets_more_segments_than_it_may(texts: list[tuple[int, int]], per_second: int) -> None:
    """Over any stretch of time: what was granted, and one text of several segments that overlaps its end."""
    pace, sent = Pace(InMemorySenders(), segments_per_second=per_second), list[tuple[int, int]]()
    for after, segments in sorted(texts):
        turn = pace.turn(SENDER, segments=segments, now=NOW + after, within=HOUR)
        assert isinstance(turn, Place)
        sent.append((NOW + after + turn.wait, segments))
    for begin, _ in sent:
        for length in (1, 5, 20):
            within = sum(segments for at, segments in sent if begin <= at < begin + length)
            assert within <= per_second * length + 4


def test_a_text_waits_once_and_no_longer_than_it_must() -> None:
    """Thirty segments at three a second: the last goes ten seconds after the first."""
    pace = Pace(InMemorySenders(), segments_per_second=3)
    turns = [pace.turn(SENDER, segments=1, now=NOW, within=HOUR) for _ in range(30)]
    assert [turn.wait for turn in turns if isinstance(turn, Place)] == [n // 3 for n in range(30)]


def test_what_cannot_go_in_time_takes_no_place() -> None:
    """It would only hold up what comes behind it."""
    pace = Pace(InMemorySenders(), segments_per_second=1)
    for _ in range(10):
        pace.turn(SENDER, segments=1, now=NOW, within=HOUR)
    assert pace.turn(SENDER, segments=1, now=NOW, within=5) == NoPlace()
    assert pace.turn(SENDER, segments=1, now=NOW, within=HOUR) == Place(wait=10)


def test_senders_do_not_wait_for_each_other() -> None:
    """A merchant's own number is its own pace."""
    pace = Pace(InMemorySenders(), segments_per_second=1)
    assert [pace.turn(name, segments=5, now=NOW, within=HOUR) for name in ("a", "b")] == [Place(wait=0)] * 2


def test_texts_of_a_whole_route_go_out_at_the_senders_pace() -> None:
    """Each is looked at twice: when it comes, and when it is its turn."""
    office = PostOffice(per_second=3)
    for number in range(30):
        office.react(replace(CONFIRMED, subject=f"prm_{number}"))
    office.bring()
    assert len(office.carrier.texts) == 3
    office.live(12, step=1)
    assert len(office.carrier.texts) == office.carrier.calls == 30


def test_more_than_a_sender_can_send_in_time_expires() -> None:
    """Nothing is queued that could only arrive when nobody needs it."""
    office = PostOffice(per_second=1)
    office.rows.free_at[""] = (NOW + 7 * HOUR) * 1000
    office.react()
    office.bring()
    assert (office.text.status, office.text.reason) == (MessageStatus.EXPIRED, Silence.TOO_LATE)


def test_circuit_opens_after_failures_in_a_row_and_closes_after_one_success() -> None:
    """One worker tries when the pause is over; the others wait for what it finds."""
    store = InMemorySenders()
    pace, other = (Pace(store, segments_per_second=1) for _ in range(2))
    opened = [pace.note_failure(SENDER, now=NOW) for _ in range(FAILURES_TO_OPEN)]
    assert opened == [False] * (FAILURES_TO_OPEN - 1) + [True]
    assert other.is_closed(SENDER, now=NOW) == Closed(wait=SHORTEST_PAUSE)
    later = NOW + SHORTEST_PAUSE
    assert other.is_closed(SENDER, now=later) is None
    assert pace.is_closed(SENDER, now=later) == Closed(wait=SHORTEST_PAUSE)
    other.note_success(SENDER)
    assert pace.is_closed(SENDER, now=later) is None


def test_an_open_circuit_is_seen_by_the_write_that_takes_a_place() -> None:
    """Nobody takes a place behind a carrier that is not called; whoever may try takes one."""
    store = InMemorySenders()
    pace = Pace(store, segments_per_second=1)
    for _ in range(FAILURES_TO_OPEN):
        pace.note_failure(SENDER, now=NOW)
    assert pace.turn(SENDER, segments=1, now=NOW, within=HOUR) == Closed(wait=SHORTEST_PAUSE)
    assert SENDER not in store.free_at
    later = NOW + SHORTEST_PAUSE
    assert pace.turn(SENDER, segments=1, now=later, within=HOUR) == Place(wait=0)
    assert pace.turn(SENDER, segments=1, now=later, within=HOUR) == Closed(wait=SHORTEST_PAUSE)
    pace.note_success(SENDER)
    assert pace.turn(SENDER, segments=1, now=later, within=HOUR) == Place(wait=1)


def test_pauses_grow_and_are_bounded() -> None:
    """A carrier that is down for hours is asked every ten minutes."""
    store, now = InMemorySenders(), NOW
    pace = Pace(store, segments_per_second=1)
    pauses = []
    for _ in range(20):
        pace.note_failure(SENDER, now=now)
        pauses.append(max(0, store.sender_state(SENDER).open_until - now))
    assert pauses[: FAILURES_TO_OPEN + 2] == [0] * (FAILURES_TO_OPEN - 1) + [30, 60, 120]
    assert max(pauses) == LONGEST_PAUSE
