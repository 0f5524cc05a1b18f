"""A key makes so many requests in a window, counted over all processes, and no more."""

from collections import Counter
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.errors import Upstream
from chalicelib.merchants.quota import Quota, RateCounter, RateLimiter
from chalicelib.units import Timestamp
from tests.fakes import InMemoryRateCounter

WINDOW = 1_794_999_960  # a multiple of 60
PER_MINUTE = Quota(requests=10, window=60)


def limiter(counter: RateCounter | None = None) -> RateLimiter:
    return RateLimiter(counter or InMemoryRateCounter(), quota=PER_MINUTE)


def test_one_process_serves_exactly_the_quota() -> None:
    """The tenth request is served, the eleventh is not."""
    one = limiter()
    allowances = [one.take("k", now=WINDOW) for _ in range(12)]
    assert [each.is_exceeded for each in allowances] == [False] * 10 + [True] * 2
    assert [each.remaining for each in allowances] == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0]


def test_refused_requests_do_not_count() -> None:
    """A client that keeps knocking is served when the window ends, not later."""
    one = limiter()
    for _ in range(100):
        one.take("k", now=WINDOW)
    assert not one.take("k", now=WINDOW + 60).is_exceeded


def test_window_says_when_it_ends() -> None:
    """Windows begin at multiples of their length, in every process alike."""
    assert [limiter().take("k", now=WINDOW + second).resets_in for second in (0, 1, 59, 60)] == [
        60,
        59,
        1,
        60,
    ]


def test_each_key_has_a_quota_of_its_own() -> None:
    """A busy key takes nothing from another."""
    one = limiter()
    for _ in range(11):
        one.take("busy", now=WINDOW)
    assert one.take("idle", now=WINDOW).remaining == 9


def test_store_is_told_at_most_once_a_second_per_key() -> None:
    """A thousand requests in three seconds are three writes at most."""
    counter = InMemoryRateCounter()
    one = RateLimiter(counter, quota=Quota(requests=10_000, window=60))
    for second in range(3):
        for _ in range(300):
            one.take("k", now=WINDOW + second)
    assert counter.writes == 2
    assert counter.counts["k", WINDOW] == 600


def test_lonely_request_costs_no_write() -> None:
    """A process that sees a key once in a window leaves the store alone."""
    counter = InMemoryRateCounter()
    one = limiter(counter)
    one.take("k", now=WINDOW)
    one.take("k", now=WINDOW + 60)
    assert counter.writes == 0


def test_processes_share_the_quota_through_the_store() -> None:
    """After a second each knows what the other has served, and both stop together."""
    counter = InMemoryRateCounter()
    one, other = limiter(counter), limiter(counter)
    for _ in range(5):
        one.take("k", now=WINDOW)
        other.take("k", now=WINDOW)
    one.take("k", now=WINDOW + 1)
    assert other.take("k", now=WINDOW + 1).is_exceeded


def test_without_the_store_each_process_serves_the_whole_quota() -> None:
    """Control: separate counters let two processes serve twice the quota."""
    one, other = limiter(), limiter()
    served = [
        not each.take("k", now=WINDOW + second).is_exceeded for second in range(10) for each in (one, other)
    ]
    assert sum(served) == 20


@dataclass
class Silent:
    """A store that does not answer."""

    asked: list[int] = field(default_factory=list)

    def add(self, _key_id: str, _window: Timestamp, requests: int) -> int:
        self.asked.append(requests)
        raise Upstream("No answer.")


def test_store_that_does_not_answer_stops_nobody() -> None:
    """The process goes on by its own count, which is not lost, and asks again a second later."""
    silent = Silent()
    one = RateLimiter(silent, quota=PER_MINUTE)
    allowances = [one.take("k", now=WINDOW + second) for second in range(12)]
    assert [each.is_exceeded for each in allowances] == [False] * 10 + [True] * 2
    assert silent.asked == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10]


@given(st.lists(st.integers(0, 20), max_size=80))
def test_however_requests_are_spread_a_window_serves_its_quota(pauses: list[int]) -> None:
    """With one process, each window serves what was asked, and the quota at most."""
    one = limiter()
    now, asked, served = WINDOW, Counter[int](), Counter[int]()
    for pause in pauses:
        now += pause
        window = now // PER_MINUTE.window
        asked[window] += 1
        served[window] += not one.take("k", now=now).is_exceeded
    assert all(served[window] == min(asked[window], PER_MINUTE.requests) for window in asked)


def test_memory_of_counts_is_bounded() -> None:
    """A process that sees very many keys starts afresh rather than grow."""
    one = limiter()
    for number in range(10_000):
        one.take(f"k{number}", now=WINDOW)
    assert one.take("k0", now=WINDOW).remaining == 9
