"""Every text, in every language, at the delivery address's time; and all of them in one file to be read."""

import dataclasses
import os
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from chalicelib.notifications.model import MessageKind
from chalicelib.notifications.segments import Encoding, length
from chalicelib.notifications.templates import LANGUAGES, language_of, words
from chalicelib.notifications.wording.english import AMERICAN, ENGLISH
from chalicelib.notifications.wording.german import GERMAN
from chalicelib.notifications.wording.language import Language
from chalicelib.notifications.wording.sayings import (
    KIND_OF,
    Asking,
    AtRisk,
    MorningWindow,
    PromiseConfirmed,
    Saying,
    Whereabouts,
)
from chalicelib.routing.model import TimeWindow
from tests.notifications.sayings import NOW, SATURDAY, THIS_AFTERNOON, TOMORROW, examples, local

TEXTS = Path(__file__).parent.parent / "data" / "texts.txt"


def say(saying: Saying, language: Language = ENGLISH, timezone: str = "Europe/Lisbon", now: int = NOW) -> str:
    return words(saying, language=language, brand="Ribeira Wines", timezone=timezone, now=now)


def test_all_texts_read_as_they_were_last_reviewed() -> None:
    """The file is for people to read; `TEXTS=write` writes it anew, and its diff is the review."""
    lines = [
        f"{code} {name} [{length(text).segments}x {length(text).encoding} {length(text).units}]: {text}"
        for code, language in LANGUAGES.items()
        for name, saying in examples()
        for text in [say(saying, language)]
    ]
    written = "\n".join(lines) + "\n"
    if os.environ.get("TEXTS") == "write":
        TEXTS.write_text(written, encoding="utf-8")
    assert TEXTS.read_text(encoding="utf-8") == written


def test_every_kind_of_message_has_words_in_every_language() -> None:
    """A new kind or a new language is complete, or not there."""
    spoken = set(MessageKind) - {MessageKind.REPLY}  # what buyers wrote has their own words
    assert set(KIND_OF.values()) == spoken
    assert {KIND_OF[type(saying)] for _, saying in examples()} == spoken
    for language in LANGUAGES.values():
        for name in ("causes", "left", "failures", "obstacles", "choices", "effects"):
            told = getattr(language, name)
            assert set(told) == set(type(next(iter(told)))), (language.tag, name)
        assert set(language.questions) == set(ENGLISH.questions)
        assert all(
            getattr(language, one.name) for one in dataclasses.fields(language) if one.name != "twelve_hours"
        )


@pytest.mark.parametrize("language", LANGUAGES)
def test_our_words_are_spelled_in_gsm_7(language: str) -> None:
    """One letter outside it makes two parts of one; every month and weekday is tried."""
    for month in range(1, 13):
        for day in range(1, 8):
            start = int(datetime(2026, month, day, 10, tzinfo=ZoneInfo("Europe/Lisbon")).timestamp())
            text = say(
                PromiseConfirmed(window=TimeWindow(start=start, end=start + 7200)), LANGUAGES[language]
            )
            assert length(text).encoding is Encoding.GSM_7, text
    for _, saying in examples():
        assert length(say(saying, LANGUAGES[language])).encoding is Encoding.GSM_7


def test_days_near_are_named_and_others_dated() -> None:
    """Today and tomorrow need no date; Saturday does."""
    assert "today 14:00-16:00" in say(MorningWindow(window=THIS_AFTERNOON))
    assert "tomorrow 10:00-12:00" in say(MorningWindow(window=TOMORROW))
    assert "Sat 28 Nov, 10:00-12:00" in say(MorningWindow(window=SATURDAY))
    assert "Sa 28.11. 10:00-12:00 Uhr" in say(MorningWindow(window=SATURDAY), GERMAN)


def test_a_confirmation_is_dated_even_if_it_is_for_tomorrow() -> None:
    """It is kept, and read again when tomorrow is another day."""
    assert "Wed 25 Nov, 10:00-12:00" in say(PromiseConfirmed(window=TOMORROW))


def test_the_first_text_tells_the_way_out_where_that_costs_nothing() -> None:
    """Carriers want it said; a second part of a text would be paid for it."""
    link = "https://d.example.com/t/k7Q2mZ9xW4bT1rVs"
    short = say(PromiseConfirmed(window=TOMORROW, link=link))
    assert short.endswith("Reply STOP to end texts.")
    long = words(
        PromiseConfirmed(window=TOMORROW, link=link),
        language=ENGLISH,
        brand="Ribeira Wines and Delicatessen of Porto",
        timezone="Europe/Lisbon",
        now=NOW,
    )
    assert long.endswith(link)
    assert [length(text).segments for text in (short, long)] == [1, 1]
    assert "STOP" not in say(MorningWindow(window=TOMORROW, link=link))


def test_what_is_today_is_decided_at_the_delivery_address() -> None:
    """At half past eleven at night in Lisbon it is tomorrow already in Berlin."""
    late = local(24, 23, 30)
    window = TimeWindow(start=local(25, 10), end=local(25, 12))
    assert "tomorrow 10:00-12:00" in say(MorningWindow(window=window), now=late)
    assert "today 11:00-13:00" in say(MorningWindow(window=window), timezone="Europe/Berlin", now=late)


@pytest.mark.parametrize(
    ("minutes", "when"),
    [(0, "tomorrow 10:00-12:00"), (29, "tomorrow 10:00-12:00"), (31, "Wed 25 Nov, 10:00")],
)
def test_a_text_that_may_wait_past_midnight_names_days_by_their_dates(minutes: int, when: str) -> None:
    """Half past eleven: what is tomorrow would be today by then."""
    text = words(
        MorningWindow(window=TimeWindow(start=local(25, 10), end=local(25, 12))),
        language=ENGLISH,
        brand="Ribeira Wines",
        timezone="Europe/Lisbon",
        now=local(24, 23, 30),
        lasts=minutes * 60,
    )
    assert when in text


def test_the_clock_change_does_not_move_a_window_on_the_wall() -> None:
    """On 25 October 2026 the clocks in Lisbon go back at two."""
    zone = ZoneInfo("Europe/Lisbon")
    start = int(datetime(2026, 10, 25, 9, tzinfo=zone).timestamp())
    now = int(datetime(2026, 10, 24, 12, tzinfo=zone).timestamp())
    assert "tomorrow 09:00-11:00" in say(
        MorningWindow(window=TimeWindow(start=start, end=start + 7200)), now=now
    )


def test_one_stop_is_not_one_stops() -> None:
    """Plurals by language."""
    for language in LANGUAGES.values():
        one, more = (
            say(Whereabouts(window=THIS_AFTERNOON, stops_before=count), language) for count in (1, 2)
        )
        assert more != one.replace("1 ", "2 ")
    assert "1 stop before you" in say(Whereabouts(window=THIS_AFTERNOON, stops_before=1))
    assert "2 Stopps vor Ihnen" in say(Whereabouts(window=THIS_AFTERNOON, stops_before=2), GERMAN)


def test_americans_read_their_own_clock_and_dates() -> None:
    """A variant of English, by the locale."""
    assert "Sat, Nov 28, 10am-12pm" in say(MorningWindow(window=SATURDAY), AMERICAN)


def test_what_is_expected_on_another_day_is_told_with_its_day() -> None:
    """Hours alone would be read as today's."""
    at_risk = AtRisk(promised=THIS_AFTERNOON, expected=TOMORROW, choices=())
    assert "We now expect tomorrow 10:00-12:00" in say(at_risk)


@pytest.mark.parametrize(
    ("locale", "locales", "code"),
    [
        ("de-AT", ("es",), "de"),
        ("fr_CA", (), "fr"),
        ("pt-PT", ("es", "de"), "es"),
        (None, ("fr", "en"), "fr"),
        ("pt", ("it",), "en"),
        (None, (), "en"),
        ("EN-GB", (), "en"),
    ],
)
def test_a_language_we_have_not_falls_back(locale: str | None, locales: tuple[str, ...], code: str) -> None:
    """The recipient's, else the merchant's in order, else English."""
    assert language_of(locale, locales).tag == code


def test_only_an_american_locale_brings_the_american_clock() -> None:
    """`en` and `en-GB` have twenty-four hours."""
    assert language_of("en-US", ()) is AMERICAN
    assert language_of("en-GB", ()) is ENGLISH


def test_braces_in_a_name_are_letters() -> None:
    """B06: nothing a merchant gives is ever filled in."""
    text = words(Asking(), language=ENGLISH, brand="{when} %s {{x}}", timezone="Europe/Lisbon", now=NOW)
    assert text.startswith("{when} %s {{x}}: ")
