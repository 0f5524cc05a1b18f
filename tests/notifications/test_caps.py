"""SMS pumping runs into caps: per number, per range of numbers, per country, per merchant, per day."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.adapters.numbering import country_of
from chalicelib.errors import Upstream
from chalicelib.events import Mode, Tenant
from chalicelib.notifications.caps import TextCaps, TextLimiter, calling_code
from chalicelib.notifications.model import MessageStatus, Silence
from chalicelib.units import DAY
from tests.fakes import InMemoryRateCounter
from tests.notifications.post_office import ANA, CONFIRMED, NOW, PLENTY, TENANT, PostOffice
from tests.notifications.store_contract import TextCounterContract

CAPS = TextCaps(number=3, prefix=6, country=10, merchant=12)


def limiter(counter: Any = None, caps: TextCaps = CAPS) -> TextLimiter:
    hide = lambda purpose, text: f"{purpose}/{text}"  # noqa: E731
    return TextLimiter(counter or InMemoryRateCounter(), caps=caps, hide=hide)


class TestCountsInMemory(TextCounterContract):
    """What these tests count with keeps what the table keeps."""

    @pytest.fixture
    def counter(self) -> InMemoryRateCounter:
        return InMemoryRateCounter()


numbers = st.builds(
    lambda country, block, end: f"+{country}{block}{end:04}",
    st.sampled_from(["1202555", "351912", "447700"]),
    st.integers(0, 2),
    st.integers(0, 9),
)


@settings(max_examples=80, deadline=None)
@given(attempts=st.lists(st.tuples(numbers, st.integers(0, 2 * DAY)), max_size=60))
def test_f27_no_cap_is_ever_passed(attempts: list[tuple[str, int]]) -> None:
    """F27: whatever a script orders, in whatever order: within a day nothing goes beyond any cap."""
    limited, sent = limiter(), list[tuple[str, int]]()
    for number, seconds in attempts:
        at = NOW + seconds
        if limited.take(TENANT, number, now=at) is None:
            sent.append((number, at // DAY))
    for whose, cap in (
        (lambda number: number, CAPS.number),
        (lambda number: number[:-4], CAPS.prefix),
        (calling_code, CAPS.country),
        (lambda _: "", CAPS.merchant),
    ):
        kept = [(whose(number), day) for number, day in sent]
        assert all(kept.count(each) <= cap for each in kept)


def test_f27_a_merchant_that_is_pumped_takes_nothing_from_another() -> None:
    """F27: each counts its own."""
    limited, other = limiter(), Tenant(merchant_id="m2", mode=Mode.TEST)
    taken = [limited.take(TENANT, "+351912000001", now=NOW) for _ in range(5)]
    assert taken == [None, None, None, Silence.NUMBER_CAP, Silence.NUMBER_CAP]
    assert limited.take(other, "+351912000001", now=NOW) is None
    assert limited.take(TENANT, "+351912000001", now=NOW + DAY) is None


def test_f27_each_cap_says_which_it_is() -> None:
    """F27: neighbours, a country's numbers, all numbers."""
    limited = limiter()
    told = [limited.take(TENANT, f"+35191200{n:04}", now=NOW) for n in range(7)]
    assert told[-1] is Silence.PREFIX_CAP
    told = [limited.take(TENANT, f"+3519{n}200000", now=NOW) for n in range(20, 40)]
    assert told[-1] is Silence.COUNTRY_CAP
    told = [limited.take(TENANT, f"+4477{n}00000", now=NOW) for n in range(20, 40)]
    assert told[:3] == [None, None, Silence.MERCHANT_CAP]


def test_a_text_that_is_refused_takes_nothing_from_wider_caps() -> None:
    """A number, or a range, that is pumped does not use up what its country and merchant may text."""
    counter = InMemoryRateCounter()
    limited = limiter(counter)
    for number in ("+351912000001", *(f"+35191200{n:04}" for n in range(20))):
        for _ in range(5):
            limited.take(TENANT, number, now=NOW)
    merchants = {
        name: count for (name, _), count in counter.counts.items() if name.startswith("text.merchant")
    }
    assert set(merchants.values()) == {CAPS.prefix}


def test_a_text_is_counted_in_two_writes() -> None:
    """A number in the row of its range, a country in its merchant's; one that is refused there, in one."""
    counter = InMemoryRateCounter()
    limited = limiter(counter, replace(CAPS, number=1))
    assert limited.take(TENANT, "+351912000001", now=NOW) is None
    assert counter.writes == 2
    assert limited.take(TENANT, "+351912000001", now=NOW) is Silence.NUMBER_CAP
    assert counter.writes == 3


def pumped(office: PostOffice, texts: int) -> PostOffice:
    """A script makes orders to the numbers of one range."""
    for n in range(texts):
        subject = f"prm_{n}"
        office.others[subject] = replace(ANA, phone=f"+35191200{n:04}")
        office.react(replace(CONFIRMED, subject=subject))
    office.live(600)
    return office


def test_f27_a_script_that_orders_to_one_range_gets_what_people_would() -> None:
    """F27: the rest is on record with its reason, and costs nothing."""
    office = pumped(PostOffice(caps=CAPS), 40)
    assert len(office.carrier.texts) == CAPS.prefix
    refused = [text for text in office.rows.texts.values() if text.status is MessageStatus.SKIPPED]
    assert {text.reason for text in refused} == {Silence.PREFIX_CAP}
    assert len(refused) == 40 - CAPS.prefix


def test_f27_without_the_caps_each_order_would_be_paid_for() -> None:
    """F27 control: the same script."""
    assert len(pumped(PostOffice(), 40).carrier.texts) == 40


@pytest.mark.parametrize(
    ("cap", "phones", "elsewhere", "silence"),
    [
        ("number", ["+351912000001"] * 3, "+351912000002", Silence.NUMBER_CAP),
        ("prefix", [f"+35191200000{n}" for n in range(3)], "+351912010000", Silence.PREFIX_CAP),
        ("country", [f"+35191{n}000000" for n in range(3)], "+34612000000", Silence.COUNTRY_CAP),
        ("merchant", ["+351912000000", "+34612000000", "+4915112345678"], None, Silence.MERCHANT_CAP),
    ],
)
@pytest.mark.parametrize("holds", [True, False], ids=["capped", "control"])
def test_f27_each_cap_holds_by_itself(
    cap: str, phones: list[str], elsewhere: str | None, silence: Silence, holds: bool
) -> None:
    """F27: the third of two is not sent, and says why; who is outside of it is texted. CONTROL: all are."""
    office = PostOffice(caps=replace(PLENTY, **({cap: 2} if holds else {})))
    for n, phone in enumerate([*phones, *([elsewhere] if elsewhere else [])]):
        office.others[f"prm_{n}"] = replace(ANA, phone=phone)
        office.react(replace(CONFIRMED, subject=f"prm_{n}"))
        office.bring()
    reasons = [text.reason for text in office.rows.texts.values()]
    assert reasons[:3] == [None, None, silence if holds else None]
    assert reasons[3:] == ([None] if elsewhere else [])


def test_a_text_that_is_tried_again_is_counted_once() -> None:
    """Busy carriers are nobody's fault."""
    office = PostOffice(caps=replace(CAPS, number=1))
    office.carrier.plan = ["429", "429", "429"]
    office.react()
    office.live(900)
    assert office.text.status is MessageStatus.SENT


def test_counts_that_do_not_answer_stop_nobody() -> None:
    """Whoever reads a text's row reads the same store."""

    class Deaf:
        def take(self, name: str, window: int, caps: Mapping[str, int]) -> str | None:
            raise Upstream("No answer.")

    assert limiter(Deaf()).take(TENANT, "+351912000001", now=NOW) is None


@pytest.mark.parametrize(
    ("number", "code"),
    [("+12025550123", "1"), ("+74951234567", "7"), ("+351912345678", "351"), ("+3312345678", "33")],
)
def test_calling_codes_are_read_off_the_number(number: str, code: str) -> None:
    """E.164: one digit, two, else three."""
    assert calling_code(number) == code


def test_f27_a_calling_code_alone_would_not_tell_countries_apart() -> None:
    """F27 control: where texts are dear and where they are not, behind one code."""
    assert calling_code("+18765550123") == calling_code("+12025550123")
    assert country_of("+18765550123") != country_of("+12025550123")
