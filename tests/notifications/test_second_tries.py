"""A text whose first try failed on its way goes once more, or its merchant knows that it did not."""

from dataclasses import replace
from datetime import time
from typing import Any

import pytest

from chalicelib.events import Actor, Fact, FactKind
from chalicelib.notifications.model import Addressee, MessageStatus, Phase, QuietHours, Silence
from chalicelib.routing.model import TimeWindow
from chalicelib.units import DAY, HOUR, MINUTE
from tests.notifications.post_office import ANA, CONFIRMED, NOW, PostOffice

TODAY = TimeWindow(start=NOW + HOUR, end=NOW + 3 * HOUR)
SOONER = TimeWindow(start=NOW + HOUR, end=NOW + 2 * HOUR)
LATER = TimeWindow(start=NOW + 3 * HOUR, end=NOW + 4 * HOUR)
TOMORROW = TimeWindow(start=TODAY.start + DAY, end=TODAY.end + DAY)
ON_THE_ROAD = replace(ANA, window=TODAY, told=TODAY)
LATE = replace(ON_THE_ROAD, in_danger=True, foreseen=LATER)
OFFERED = replace(LATE, offered=(TOMORROW,), offered_until=NOW + DAY)


def fact(kind: FactKind, **data: Any) -> Fact:
    return replace(CONFIRMED, kind=kind, sequence=5, actor=Actor.SYSTEM, data=data)


EXPECTED = fact(FactKind.PROMISE_EXPECTED)


def taken(about: Fact, to: Addressee) -> PostOffice:
    """The carrier took a text, and the promise knows what its buyer was told."""
    office = PostOffice()
    office.to = to
    office.react(about)
    office.bring()
    assert office.text.status is MessageStatus.SENT
    if FactKind.PROMISE_TOLD in {each.kind for each in office.rows.facts}:
        office.to = replace(to, told=office.text.window, foreseen=None)
    return office


def unreachable(office: PostOffice, *, tries: int = 1) -> None:
    office.hear("undelivered", sid=f"SM{tries:032x}", code="30003")


def kinds(office: PostOffice) -> list[FactKind]:
    return [each.kind for each in office.rows.facts if each.kind is not FactKind.PROMISE_TOLD]


@pytest.mark.parametrize(
    ("about", "to"),
    [
        (fact(FactKind.PROMISE_CHANGED, to_window={}), ON_THE_ROAD),
        (fact(FactKind.PROMISE_CANCELLED), replace(ON_THE_ROAD, phase=Phase.CANCELLED)),
        (fact(FactKind.PROMISE_FAILED, outcome="failed_not_home"), ON_THE_ROAD),
        (
            fact(FactKind.PROMISE_DELIVERED, outcome="delivered_to_neighbour", ended_at=NOW),
            replace(ON_THE_ROAD, phase=Phase.DELIVERED),
        ),
        (EXPECTED, replace(ON_THE_ROAD, foreseen=SOONER)),
        (EXPECTED, LATE),
        (EXPECTED, OFFERED),
        (EXPECTED, replace(ON_THE_ROAD, adrift=True)),
    ],
    ids=["changed", "cancelled", "failed", "delivered", "window", "delayed", "at_risk", "adrift"],
)
def test_what_may_go_twice_goes_twice(about: Fact, to: Addressee) -> None:
    """A handset out of reach for ten minutes is told, though by then what the text names counts as told."""
    office = taken(about, to)
    unreachable(office)
    office.live(20 * MINUTE)
    assert (office.text.status, office.text.resent) == (MessageStatus.SENT, True)
    assert (office.carrier.calls, kinds(office)) == (2, [])


def test_a_second_try_that_is_overtaken_does_not_go() -> None:
    """The van is expected elsewhere by now, or nobody knows when: another text says so."""
    for since in ({"foreseen": replace(LATER, end=LATER.end + HOUR)}, {"adrift": True}):
        office = taken(EXPECTED, LATE)
        unreachable(office)
        assert office.to is not None
        office.to = replace(office.to, **since)
        office.live(20 * MINUTE)
        first = next(iter(office.rows.texts.values()))
        assert (first.reason, first.tries) == (Silence.NOT_TRUE, 1)


def test_a_merchant_hears_of_a_second_try_that_may_not_go() -> None:
    """It is not true any more, or night: the buyer was told nothing, and nobody else would know."""
    night: dict[str, Any] = {"quiet": QuietHours(starts=time(11), ends=time(20))}
    for since, reason in (({"phase": Phase.DELIVERED}, Silence.NOT_TRUE), (night, Silence.QUIET_HOURS)):
        office = taken(EXPECTED, LATE)
        unreachable(office)
        assert office.to is not None
        office.to = replace(office.to, **since)
        office.live(20 * MINUTE)
        assert (office.text.status, office.text.reason) == (MessageStatus.SKIPPED, reason)
        assert kinds(office) == [FactKind.NOTIFICATION_FAILED]
        [failed] = [each for each in office.rows.facts if each.kind is FactKind.NOTIFICATION_FAILED]
        assert failed.data["reason"] == reason


def test_what_never_went_is_no_failure() -> None:
    """CONTROL: a text that is skipped on its first try says why in its row, and that is all."""
    office = PostOffice()
    office.to = replace(ON_THE_ROAD, foreseen=SOONER)
    office.react(EXPECTED)
    office.to = ON_THE_ROAD
    office.live(20 * MINUTE)
    assert (office.text.status, kinds(office)) == (MessageStatus.SKIPPED, [])
