"""F28: holds of publishable keys are counted per network, destination and key, before they are placed."""

from dataclasses import dataclass, field, replace

import pytest

from chalicelib.errors import RateLimited, Upstream
from chalicelib.events import Mode, Tenant
from chalicelib.merchants.hold_caps import HoldAttempt, HoldCaps, HoldLimiter, network_of
from chalicelib.merchants.quota import Quota, RateCounter
from chalicelib.units import HOUR, Timestamp
from tests.fakes import InMemoryRateCounter

NOW = 1_794_999_600 + 1200  # twenty minutes past an hour
ATTEMPT = HoldAttempt(
    tenant=Tenant(merchant_id="acme", mode=Mode.TEST),
    key_id="key_1",
    source_ip="203.0.113.7",
    destination=(41.15, -8.61),
)


def caps(*, network: int = 100, destination: int = 100, key: int = 100) -> HoldCaps:
    quotas = [Quota(requests=most, window=HOUR) for most in (network, destination, key)]
    return HoldCaps(network=quotas[0], destination=quotas[1], key=quotas[2])


def limiter(most: HoldCaps, counter: RateCounter | None = None) -> HoldLimiter:
    def hide(purpose: str, text: str) -> str:
        return f"{hash((purpose, text)):x}"

    return HoldLimiter(counter or InMemoryRateCounter(), caps=most, hide=hide)


def placed(by: HoldLimiter, attempt: HoldAttempt = ATTEMPT, *, times: int = 1) -> int:
    """How many of so many tries get through."""
    done = 0
    for _ in range(times):
        try:
            by.take(attempt, now=NOW)
        except RateLimited:
            continue
        done += 1
    return done


@pytest.mark.parametrize(
    ("most", "elsewhere"),
    [
        (caps(network=3), {"source_ip": "203.0.113.8"}),
        (caps(destination=3), {"destination": (41.16, -8.61)}),
        (caps(key=3), {"key_id": "key_2"}),
    ],
    ids=["network", "destination", "key"],
)
def test_each_cap_lets_so_many_through_and_binds_nobody_else(
    most: HoldCaps, elsewhere: dict[str, object]
) -> None:
    """The third is placed, the fourth is not; another network, destination or key has a cap of its own."""
    one = limiter(most)
    assert placed(one, times=10) == 3
    assert placed(one, replace(ATTEMPT, **elsewhere), times=10) == 3  # type: ignore[arg-type]
    best = replace(ATTEMPT, tenant=Tenant(merchant_id="best", mode=Mode.TEST))
    assert placed(one, best, times=10) == 3


def test_refusal_says_when_the_hour_ends_and_then_it_ends() -> None:
    """`retry_after` is what is left of the clock hour."""
    one = limiter(caps(network=1))
    one.take(ATTEMPT, now=NOW)
    with pytest.raises(RateLimited) as refused:
        one.take(ATTEMPT, now=NOW)
    assert refused.value.retry_after == 2400
    one.take(ATTEMPT, now=NOW + 2400)


def test_processes_count_together_to_the_last_hold() -> None:
    """Two processes place as many as one: each hold is counted in the store before it is placed."""
    counter = InMemoryRateCounter()
    two = [limiter(caps(network=10), counter) for _ in range(2)]
    served = sum(placed(each) for _ in range(20) for each in two)
    assert served == 10


def test_without_the_shared_count_each_process_serves_the_whole_cap() -> None:
    """Control: two counters, twice the cap."""
    two = [limiter(caps(network=10)) for _ in range(2)]
    served = sum(placed(each) for _ in range(20) for each in two)
    assert served == 20


def test_who_is_refused_for_his_network_takes_nothing_from_the_key() -> None:
    """A script that knocks for an hour leaves the key's cap to the shoppers, and the store in peace."""
    counter = InMemoryRateCounter()
    one = limiter(caps(network=5, key=10), counter)
    assert placed(one, times=1000) == 5
    assert counter.writes == 5 * 3 + 1
    shoppers = [replace(ATTEMPT, source_ip=f"198.51.100.{number}") for number in range(5)]
    for shopper in shoppers:
        one.take(shopper, now=NOW)


@dataclass
class Silent:
    """A store that does not answer."""

    asked: list[str] = field(default_factory=list)

    def add(self, key_id: str, _window: Timestamp, _requests: int) -> int:
        self.asked.append(key_id)
        raise Upstream("No answer.")


def test_store_that_does_not_count_stops_no_checkout() -> None:
    """A hold is placed uncounted rather than refused."""
    silent = Silent()
    assert placed(limiter(caps(network=1), silent), times=5) == 5
    assert len(silent.asked) == 15


def test_nothing_of_the_shopper_is_in_the_store() -> None:
    """Neither address nor place is spelt in a count's name."""
    counter = InMemoryRateCounter()
    limiter(caps(), counter).take(ATTEMPT, now=NOW)
    assert len(counter.counts) == 3
    assert not [name for name, _ in counter.counts if "203.0" in name or "41.15" in name or "key_1" in name]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.7", "203.0.113.8", False),
        ("::ffff:203.0.113.7", "203.0.113.7", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("fe80::1%eth0", "fe80::1", True),
        ("", "127.0.0.1, 203.0.113.7", True),
    ],
)
def test_networks_are_what_one_household_has(one: str, other: str, same: bool) -> None:
    """An IPv4 address, an IPv6 /64; all that is no address counts as one."""
    assert (network_of(one) == network_of(other)) is same


def test_memory_of_used_up_caps_is_bounded() -> None:
    """Beyond some thousands a process asks the store again rather than grow."""
    counter = InMemoryRateCounter()
    one = limiter(caps(network=0), counter)
    for number in range(10_000):
        placed(one, replace(ATTEMPT, source_ip=f"2001:db8:0:{number:x}::1"))
    assert counter.writes == 10_000
    assert placed(one, replace(ATTEMPT, source_ip="2001:db8:0:0::1")) == 0
    assert counter.writes == 10_001
