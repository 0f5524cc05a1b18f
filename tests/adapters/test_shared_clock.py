"""The machine's clock is put right by the answers of the store, and never further than they say."""

from dataclasses import dataclass, field
from email.utils import formatdate
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.hooks import HierarchicalEmitter
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters.shared_clock import SharedClock
from tests.fakes import FakeClock

NOW = 1_795_000_000


@dataclass
class Wire:
    """A client whose answers carry a time of the test's own, and take as long as it says."""

    ahead: int
    own: FakeClock = field(default_factory=FakeClock)
    events: HierarchicalEmitter = field(default_factory=HierarchicalEmitter)

    def __post_init__(self) -> None:
        self.own.at = NOW + self.ahead
        self.clock = SharedClock(self.own)
        client: Any = SimpleNamespace(meta=SimpleNamespace(events=self.events))
        self.clock.listen_to(client)

    def call(self, date: str | None, *, seconds: int = 0) -> None:
        context = dict[str, Any]()
        self.events.emit("before-call.dynamodb.GetItem", model=None, context=context)
        self.own.at += seconds
        headers = {} if date is None else {"date": date}
        self.events.emit(
            "after-call.dynamodb.GetItem",
            http_response=SimpleNamespace(headers=headers),
            parsed={},
            context=context,
        )

    @property
    def error(self) -> int:
        """How far the clock is from the truth, which moves with the machine's."""
        return self.clock.system_now() - (self.own.at - self.ahead)


@pytest.mark.parametrize("ahead", [-300, -7, 7, 300, 86_400])
def test_one_answer_puts_a_clock_right_to_about_a_second(ahead: int) -> None:
    """However far it is off."""
    wire = Wire(ahead)
    assert wire.error == ahead  # control: until then there is nothing but its own
    wire.call(formatdate(NOW, usegmt=True))
    assert abs(wire.error) <= 1


@pytest.mark.parametrize("seconds", [0, 1, 5, 60])
def test_slow_answer_moves_no_clock_that_may_be_right(seconds: int) -> None:
    """The store looked at its clock at some time between the question and the answer."""
    wire = Wire(0)
    wire.call(formatdate(NOW + seconds // 2, usegmt=True), seconds=seconds)
    assert wire.error == 0


@given(st.integers(-600, 600), st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=6))
def test_estimate_is_never_worse_than_the_slowest_answer(ahead: int, calls: list[tuple[int, int]]) -> None:
    """Each answer took some seconds there and some back; the last fast one decides."""
    wire, truth = Wire(ahead), NOW
    for there, back in [*calls, (0, 0)]:
        truth += there + back
        wire.call(formatdate(truth - back, usegmt=True), seconds=there + back)
    assert abs(wire.error) <= 1


def test_clock_that_steps_back_is_put_right_by_the_next_answer() -> None:
    """Five minutes back, as when a machine is set by its host."""
    wire = Wire(0)
    wire.call(formatdate(NOW, usegmt=True))
    wire.own.at -= 300
    assert wire.clock.system_now() == NOW - 300
    wire.call(formatdate(NOW, usegmt=True))
    assert abs(wire.clock.system_now() - NOW) <= 1


@pytest.mark.parametrize("date", [None, "", "yesterday", "Tue, 99 Nov 2026 00:00:00 GMT"])
def test_answer_without_a_time_changes_nothing(date: str | None) -> None:
    """An emulator may not send it."""
    wire = Wire(300)
    wire.call(date)
    assert wire.error == 300
