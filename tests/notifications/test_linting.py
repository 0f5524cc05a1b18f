"""What must not stand in a text is found, and what may is left alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.notifications.linting import LONGEST_BRAND, Fault, clean_name, lint, lint_brand
from chalicelib.notifications.segments import length
from chalicelib.notifications.templates import LANGUAGES, words
from chalicelib.notifications.wording.sayings import HelpGiven, PromiseConfirmed
from tests.notifications.sayings import LINK, LONGEST_LINK, NOW, PHONE, examples, longest

WIDE = "W" * LONGEST_BRAND
NUMBER = "+12025550123"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("brand", ["Ribeira Wines", WIDE])
def test_every_text_of_ours_passes_with_its_longest_values(language: str, brand: str) -> None:
    """B07: no reserved word to answer with, the brand first, three parts at most, nothing personal."""
    for name, saying in (*examples(), *longest()):
        text = words(saying, language=LANGUAGES[language], brand=brand, timezone="Europe/Lisbon", now=NOW)
        faults = lint(
            text,
            brand=brand,
            sender=NUMBER,
            told=(LINK, LONGEST_LINK, PHONE),
            opting_out=isinstance(saying, HelpGiven | PromiseConfirmed),
        )
        assert not faults, (name, text, faults)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_is_one_part_on_an_ordinary_day(language: str) -> None:
    """Two parts cost twice and halve what a sender can send."""
    for name, saying in examples():
        text = words(
            saying, language=LANGUAGES[language], brand="Ribeira Wines", timezone="Europe/Lisbon", now=NOW
        )
        assert length(text).segments == 1, (name, len(text), text)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("Your delivery comes today.", Fault.NO_BRAND),
        ("Acme: reply STOP to keep your slot.", Fault.RESERVED_WORD),
        ("Acme: Reply cancel to cancel.", Fault.RESERVED_WORD),
        ("Acme: answer with YES.", Fault.RESERVED_WORD),
        ("Acme: Antworten Sie STOPP.", Fault.RESERVED_WORD),
        ("Acme: Responda ALTO.", Fault.RESERVED_WORD),
        ("Acme: répondez arrêt.", Fault.RESERVED_WORD),
        ("Acme: " + "a" * 460, Fault.TOO_LONG),
        ("Acme: 20% off your next order!", Fault.MARKETING),
        ("Acme: see our special offer.", Fault.MARKETING),
        ("Acme: Rabatt auf alles.", Fault.MARKETING),
        ("Acme: call +1 202 555 0155.", Fault.PERSONAL),
        ("Acme: write to ana@example.com.", Fault.PERSONAL),
        ("Acme: https://bit.ly/3abc", Fault.PUBLIC_SHORTENER),
        ("Acme: your \u202edelivery", Fault.CONTROL_CHARACTER),
    ],
)
def test_a_fault_is_found(text: str, fault: Fault) -> None:
    """CONTROL of the test above: the same eyes see what is wrong where something is."""
    assert fault in lint(text, brand="Acme", sender=NUMBER)


def test_a_name_as_sender_may_not_ask_for_a_reply() -> None:
    """Nobody can reply to a name."""
    text = "Acme: Reply 1) keep it 2) today 17:10-17:40."
    assert lint(text, brand="Acme", sender="AcmeShop") == (Fault.ONE_WAY_SENDER,)
    assert lint(text, brand="Acme", sender="+12025550123") == ()
    assert lint(text, brand="Acme", sender="MG" + "0" * 32) == ()


def test_only_a_text_about_opting_out_names_stop() -> None:
    """HELP has to say how the texts end."""
    text = "Acme: texts about your delivery. Reply STOP for no more texts."
    assert lint(text, brand="Acme", opting_out=True) == ()
    assert lint(text, brand="Acme") == (Fault.RESERVED_WORD,)


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("Ribeira\nWines", "Ribeira Wines"),
        ("Acme\u202egnp.exe", "Acmegnp.exe"),
        ("Ac\u200bme\u2066", "Acme"),
        ("  Acme \t Ltd ", "Acme Ltd"),
        ("Acme\x00\x07", "Acme"),
        ("{{brand}} {link}", "{{brand}} {link}"),
        ("Łódź & Peña 🍷", "Łódź & Peña 🍷"),
        ("Chef 👨\u200d🍳", "Chef 👨\u200d🍳"),
        ("O\u2019Neill", "O'Neill"),
    ],
)
def test_a_name_is_cleaned_of_what_changes_how_a_text_looks(name: str, clean: str) -> None:
    """B06: controls, direction marks and invisible letters go; letters, emoji and braces stay."""
    assert clean_name(name) == clean


@pytest.mark.parametrize(
    "name",
    ["acme.com", "https://acme.example", "Acme www.acme.example", "pay-me.xyz now", "Acme //x", "acme.pt"],
)
def test_a_link_as_a_name_is_refused(name: str) -> None:
    """B06: a brand that can be tapped is how people are phished."""
    assert Fault.LINK_IN_NAME in lint_brand(name)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("", Fault.EMPTY),
        ("\u200b\u202e", Fault.EMPTY),
        ("W" * 41, Fault.TOO_LONG),
        ("Stop", Fault.RESERVED_WORD),
        ("Help!", Fault.RESERVED_WORD),
        ("STOP SHOP", Fault.RESERVED_WORD),
        ("Acme, reply stop", Fault.RESERVED_WORD),
        ("50% Wines", Fault.MARKETING),
        ("Acme +1 202 555 0155", Fault.PERSONAL),
        ("Acme\u202e", Fault.CONTROL_CHARACTER),
    ],
)
def test_a_name_no_text_may_open_with_is_refused(name: str, fault: Fault) -> None:
    """Said when it is saved, with the reason."""
    assert fault in lint_brand(name)


@pytest.mark.parametrize(
    "name",
    [
        "Ribeira Wines",
        "Peña & Søn",
        "O\u2019Neill",
        "7-Eleven",
        "Café No 5",
        "Stop & Shop",
        "Infotex",
        "St. Co",
    ],
)
def test_an_honest_name_is_accepted(name: str) -> None:
    """What a carrier acts on may be a part of it; a typographic mark is written plain."""
    assert lint_brand(name) == ()


@pytest.mark.parametrize("name", ["Padaria São João", "酒屋", "Acme 🍷", "Café Nº 5"])
def test_a_name_that_would_double_every_text_is_refused(name: str) -> None:
    """One letter outside GSM-7 and a text of 75 characters is two parts; CONTROL: written plain it is one."""
    text = "{}: your delivery is booked for Tue 24 Nov, 10:00-12:00. It can be changed until nine."
    assert lint_brand(name) == (Fault.NOT_GSM,)
    assert length(text.format(name)).segments == 2
    assert length(text.format("Padaria Sao Joao")).segments == 1


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=80))
def test_whatever_a_brand_is_a_text_begins_with_it_cleaned(brand: str) -> None:
    """A row written before there was a lint, or by hand, cannot break a text."""
    text = words(
        next(saying for _, saying in examples()),
        language=LANGUAGES["en"],
        brand=brand,
        timezone="Europe/Lisbon",
        now=NOW,
    )
    assert Fault.CONTROL_CHARACTER not in lint(text, brand="")
    assert "\n" not in text
    assert "your delivery is booked" in text
