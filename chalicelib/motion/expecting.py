"""When a van is expected elsewhere than its buyer was told, or more exactly, why, and when nobody can say.

What is foreseen is compared with what was said, by the governor's rules. Of a van that broke down, or is not
heard of while somebody is in danger, nobody knows when it comes: that is said once, when a repair had its
time and no other van has come to help, and taken back when one has. Weak point: a van that is silent because
its phone is may have been there.
"""

from dataclasses import replace
from typing import Final

from chalicelib.events import Actor, Fact, FactKind
from chalicelib.fleet.arrival import Arrival, EtaStatus
from chalicelib.fleet.progress import Progress, Trouble
from chalicelib.notifications.governor import moved, narrowed
from chalicelib.notifications.wording.sayings import Cause
from chalicelib.promises.facts import promise_fact, window_data
from chalicelib.promises.model import Promise, Standing
from chalicelib.routing.live_eta import Interval
from chalicelib.routing.model import TimeWindow
from chalicelib.units import MINUTE, Seconds, Timestamp

LAST_CALL: Final[Seconds] = 30 * MINUTE  # before a window closes: more than once is looked until then
_HELPED_WITHIN: Final[Seconds] = 10 * MINUTE  # of a breakdown: a repair takes seconds, and is asked for twice
_FORESEEABLE: Final = (EtaStatus.PLANNED, EtaStatus.UNDER_WAY, EtaStatus.NEXT)
_CAUSES: Final = {
    Trouble.DELAY: Cause.TRAFFIC,
    Trouble.ROAD_CLOSED: Cause.ROAD_CLOSED,
    Trouble.VEHICLE_DOWN: Cause.VEHICLE,
}


def expected(
    promise: Promise, at: Arrival, progress: Progress, now: Timestamp, *, silent: bool
) -> tuple[Promise, Fact] | None:
    """Say when a van is expected whose arrival is likely to leave what was said; None if there is no news.

    Parameters
    ----------
    promise
        With how it stands by now.
    silent
        Whether nothing was heard of the van for long, or it should have left by now.
    """
    if promise.state.finished:
        return None
    cause = _cause(progress, silent=silent)
    if at.status not in _FORESEEABLE:
        lost = not promise.adrift and _is_lost(promise, at, progress, now)
        return _told(replace(promise, foreseen=None, adrift=True), None, None, cause, now) if lost else None
    fresh = Interval(earliest_at=at.earliest_at, expected_at=at.expected_at, latest_at=at.latest_at)
    told, said = promise.told_window, promise.foreseen or promise.told_window
    # Before the van has left, the morning's text says what can be said more exactly.
    exact = narrowed(said, fresh, promise.window.start) if at.status is not EtaStatus.PLANNED else None
    window = moved(said, fresh, promise.window, now) or exact
    if window is None and not promise.adrift:
        return None
    holds = exact is None and moved(told, fresh, promise.window, now) is None  # what was told
    foreseen = None if holds else window
    again = replace(promise, foreseen=foreseen, adrift=False)
    return _told(again, foreseen or told, at.expected_at, cause, now)


def _is_lost(promise: Promise, at: Arrival, progress: Progress, now: Timestamp) -> bool:
    """Whether nobody can say when a promise will be kept, and it is time to say that."""
    if at.status is EtaStatus.STRANDED and progress.down_at is not None:
        return now >= min(progress.down_at + _HELPED_WITHIN, promise.window.end - LAST_CALL)
    # A van that is silent may be in time all the same: only where its silence endangers somebody is it told.
    return at.status is EtaStatus.STALE and promise.standing is not Standing.SAFE


def _told(
    promise: Promise, window: TimeWindow | None, at: Timestamp | None, cause: Cause, now: Timestamp
) -> tuple[Promise, Fact]:
    promise = replace(promise, sequence=promise.sequence + 1)
    data = {
        "told_window": window_data(promise.told_window),
        "expected_window": window_data(window) if window is not None else None,
        **({"expected_at": at} if at is not None else {}),
        "cause": str(cause),
    }
    return promise, promise_fact(FactKind.PROMISE_EXPECTED, promise, now, data, actor=Actor.SYSTEM)


def _cause(progress: Progress, *, silent: bool) -> Cause:
    """What holds a van up, as far as anybody said."""
    known = [_CAUSES[each.kind] for each in progress.incidents if each.kind in _CAUSES]
    if known:
        return known[-1]
    if progress.departed_at is None:
        return Cause.LATE_START
    return Cause.UNKNOWN if silent else Cause.EARLIER_STOPS
