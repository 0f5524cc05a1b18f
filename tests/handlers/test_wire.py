"""Values come in strictly and go out the way they came."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from chalicelib.handlers import wire
from chalicelib.handlers.wire import Body, View, absent, rfc3339


def read(kind: Any, value: object) -> Any:
    """Read a value as a body's field is read."""
    return TypeAdapter(kind, config=None).validate_json(json.dumps(value), strict=True)


def is_refused(kind: Any, value: object) -> bool:
    try:
        read(kind, value)
    except ValidationError:
        return True
    return False


# --- time (B04)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-24T10:00:00",  # naive
        "2026-11-24",
        "2026-W48-2",
        "2026-W48-2T10:00:00Z",
        "2026-328T10:00:00Z",
        "20261124T100000Z",
        "2026-11-24T10:00Z",
        "2026-11-24 10:00:00Z",
        "2026-11-24T10:00:00+25:00",
        "2026-11-24T10:00:00+14:01",
        "2026-11-24T10:00:00+0100",
        "2026-11-24T10:00:00+01",
        "2026-11-24T10:00:00+01:60",
        "2026-12-31T23:59:60Z",  # a leap second
        "2026-11-24T24:00:00Z",
        "2026-02-29T10:00:00Z",
        "2026-13-01T10:00:00Z",
        "0001-01-01T00:00:00Z",
        "1999-12-31T23:59:59Z",
        "2101-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "2026-11-24T10:00:00Z ",
        "2026-11-24T10:00:00Z\n",
        "\u0662\u0660\u0662\u0666-11-24T10:00:00Z",  # Arabic digits
        "2026-11-24T10:00:00.Z",
        "",
        1_795_000_000,
        None,
    ],
)
def test_instant_that_is_not_one_is_refused(text: object) -> None:
    """Only an RFC 3339 instant with offset, that exists, between 2000 and 2100."""
    assert is_refused(wire.Instant, text)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-11-24T10:00:00Z", "2026-11-24T10:00:00+00:00"),
        ("2026-11-24T10:00:00+01:00", "2026-11-24T09:00:00+00:00"),
        ("2026-11-24T10:00:00-00:00", "2026-11-24T10:00:00+00:00"),
        ("2026-11-24T10:00:00.999999Z", "2026-11-24T10:00:00+00:00"),
        ("2026-11-24t10:00:00z", "2026-11-24T10:00:00+00:00"),
        ("2026-11-24T10:00:00+14:00", "2026-11-23T20:00:00+00:00"),
        ("2000-01-01T00:00:00Z", "2000-01-01T00:00:00+00:00"),
        ("2100-12-31T23:59:59Z", "2100-12-31T23:59:59+00:00"),
    ],
)
def test_instant_is_read_as_epoch_seconds(text: str, utc: str) -> None:
    """Whatever the offset, inside there is one number."""
    assert read(wire.Instant, text) == int(datetime.fromisoformat(utc).timestamp())


class Departure(View):
    leaves_at: wire.Instant
    seen_at: wire.Instant | None = absent()


def test_instant_is_written_in_the_zone_of_the_answer() -> None:
    """The offset is the zone's at that very moment, summer and winter."""
    summer, winter = Departure(leaves_at=1_782_000_000), Departure(leaves_at=1_795_000_000)
    assert summer.model_dump_json() == '{"leaves_at":"2026-06-21T00:00:00Z"}'
    assert summer.model_dump_json(context={"zone": "Europe/London"}) == (
        '{"leaves_at":"2026-06-21T01:00:00+01:00"}'
    )
    assert winter.model_dump_json(context={"zone": "Europe/London"}) == (
        '{"leaves_at":"2026-11-18T11:06:40+00:00"}'
    )


@given(
    at=st.integers(946_684_800, 4_133_980_799),
    zone=st.sampled_from(
        [None, "Europe/Lisbon", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]
    ),
)
def test_what_is_written_is_read_as_the_same_instant(at: int, zone: str | None) -> None:
    """Through both hours that a clock change repeats or leaves out, too."""
    assert read(wire.Instant, rfc3339(at, zone)) == at


@pytest.mark.parametrize(
    "text", ["2026-11-31", "2026-W48-2", "26-11-24", "2026-11-24T00:00:00Z", "1999-01-01", 20]
)
def test_date_that_is_not_one_is_refused(text: object) -> None:
    """YYYY-MM-DD, and a day that exists."""
    assert is_refused(wire.Date, text)


def test_date_is_read() -> None:
    """A date is a day of the depot's calendar."""
    assert read(wire.Date, "2026-11-24") == date(2026, 11, 24)


@pytest.mark.parametrize("text", ["8:00", "24:00", "08:60", "08:00:00", "08:00Z", "0800", "", 8])
def test_wall_time_that_is_not_one_is_refused(text: object) -> None:
    """HH:MM between 00:00 and 23:59."""
    assert is_refused(wire.WallTime, text)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Europe",
        "Mars/Base",
        "../etc/passwd",
        "/etc/localtime",
        "localtime",
        "Europe/Lisbon\n",
        "GMT+25",
        "a" * 65,
    ],
)
def test_zone_that_is_not_one_is_refused(name: str) -> None:
    """The name is looked up among IANA's, and cannot leave their folder."""
    assert is_refused(wire.Zone, name)


def test_zone_is_named_as_iana_names_it() -> None:
    """Europe/Lisbon, America/Argentina/Buenos_Aires, UTC."""
    for name in ("Europe/Lisbon", "America/Argentina/Buenos_Aires", "UTC"):
        assert read(wire.Zone, name) == name


# --- places and money (B02)


@pytest.mark.parametrize(
    "point",
    [
        {"lat": 90.001, "lon": 0},
        {"lat": -91, "lon": 0},
        {"lat": 0, "lon": 180.5},
        {"lat": -8.61, "lon": 411.5},
        {"lat": 118.2, "lon": 34.0},  # Los Angeles, swapped and without its sign
        {"lat": 0, "lon": 0},
        {"lat": 0.0, "lon": -0.0},
        {"lat": "41.1", "lon": -8.6},
        {"lat": True, "lon": 1},
        {"lat": None, "lon": 1},
        {"lat": [41.1], "lon": 1},
        {"lat": 41.1},
        {"lat": 41.1, "lon": -8.6, "alt": 3},
        [41.1, -8.6],
        "41.1,-8.6",
    ],
)
def test_point_that_is_nowhere_is_refused(point: object) -> None:
    """In range, two numbers, and not the point (0, 0)."""
    assert is_refused(wire.LatLon, point)


def test_point_is_read_from_whole_and_broken_numbers() -> None:
    """`41` is as good as `41.0`."""
    location = read(wire.LatLon, {"lat": 41, "lon": -8.6109}).location()
    assert (location.lat, location.lon) == (41.0, -8.6109)


@pytest.mark.parametrize(
    "money",
    [
        {"amount": 4.5, "currency": "EUR"},
        {"amount": "450", "currency": "EUR"},
        {"amount": -1, "currency": "EUR"},
        {"amount": 450, "currency": "eur"},
        {"amount": 450, "currency": "XXX"},
        {"amount": 450, "currency": "D A"},
        {"amount": 450, "currency": "AED\nAFN"},
        {"amount": 450},
    ],
)
def test_money_that_is_not_is_refused(money: object) -> None:
    """Whole minor units of a currency that exists."""
    assert is_refused(wire.Money, money)


# --- phones (B05)


@pytest.mark.parametrize(
    "number",
    [
        "1-800-FLOWERS",
        "+1-202-555-0123",
        "+1 202 555 0123",
        "2025550123",
        "002025550123",
        "+12025550123;ext=5",
        "+12025550123x5",
        "+1202555012",
        "+" + "1" * 40,
        "+1\u0662\u0660\u0662\u0665\u0665\u0665\u0660\u0661\u0662\u0663",  # Arabic digits
        "\uff0b12025550123",
        "+0123456789",
        "+18005551234",  # toll free
        "+19005551234",  # premium rate
        "+447070123456",  # personal
        "+33899123456",  # shared cost or premium
        "+881612345678",  # satellite
        "+882101234567",
        "+351210000000",  # a fixed line receives no texts
        "+9999999999",
        "+15005550",
        "+150055500061",
        "",
        12025550123,
    ],
)
def test_number_that_cannot_be_texted_is_refused(number: object) -> None:
    """E.164 in plain digits, of a mobile phone that exists."""
    assert is_refused(wire.Phone, number)


@pytest.mark.parametrize("number", ["+12025550123", "+12025550199", "+351912345678", "+5511961234567"])
def test_mobile_number_is_taken_as_it_is(number: str) -> None:
    """Fictional American numbers serve in examples; a real one is as good."""
    assert read(wire.Phone, number) == number


@pytest.mark.parametrize("number", ["+15005550006", "+15005550001", "+15005550009"])
def test_twilios_test_numbers_are_taken(number: str) -> None:
    """By their prefix they are personal numbers; Twilio gives them their meaning in tests."""
    assert read(wire.Phone, number) == number


def test_buyers_may_be_told_a_toll_free_number_but_no_premium_one() -> None:
    """What a merchant shows to buyers must not cost them."""
    assert read(wire.SupportPhone, "+18005551234") == "+18005551234"
    assert read(wire.SupportPhone, "+351210000000") == "+351210000000"
    assert is_refused(wire.SupportPhone, "+19005551234")
    assert is_refused(wire.SupportPhone, "+447070123456")


@given(st.text(max_size=20) | st.from_regex(r"\+[0-9]{1,18}", fullmatch=True))
def test_any_text_is_a_number_or_is_refused(text: str) -> None:
    """No spelling makes the library fail."""
    assert is_refused(wire.Phone, text) or text.startswith("+")


# --- names and notes (B06)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("  Ana   Sofia ", "Ana Sofia"),
        ("Ana\nSofia\t", "Ana Sofia"),
        ("Ana\u202egro.live\u202c", "Anagro.live"),
        ("A\u200bn\u200ba\ufeff", "Ana"),
        ("Ana\u2028Sofia", "Ana Sofia"),
        ("\x1b[31mAna", "[31mAna"),
        ("Zoe\u0308", "Zo\u00eb"),
        ("Jos\u00e9 \U0001f600", "Jos\u00e9 \U0001f600"),
        ("{{first_name}}", "{{first_name}}"),
        ("<b>Ana</b>", "<b>Ana</b>"),
        ("O'Neil-Smith Jr.", "O'Neil-Smith Jr."),
        ("A. B. Smith", "A. B. Smith"),
        (
            "\u0646\u06cc\u0645\u200c\u0641\u0627\u0635\u0644\u0647",
            "\u0646\u06cc\u0645\u200c\u0641\u0627\u0635\u0644\u0647",
        ),
    ],
)
def test_name_is_one_line_without_anything_invisible(text: str, cleaned: str) -> None:
    """Controls, overrides of direction and zero widths go; letters, emoji and joiners stay as they are."""
    if cleaned == "Anagro.live":
        assert is_refused(wire.Name, text)  # what is left of the trick is a web address
    else:
        assert read(wire.Name, text) == cleaned


@pytest.mark.parametrize(
    "text",
    [
        "https://evil.example",
        "Ana http://x",
        "www.evil",
        "evil.com",
        "EVIL.COM",
        "bit.ly/x",
        "parcel-fee.top",
        "Ana evil\uff0ecom",
        "e\u200bvil.com",
        "ftp://x",
        "go.zz/pay",
    ],
)
def test_name_that_holds_a_web_address_is_refused(text: str) -> None:
    """A name goes into a text message, where an address becomes a link from a trusted sender."""
    assert is_refused(wire.Name, text)


@pytest.mark.parametrize("text", ["", "   ", "\u200b\u202e", "a" * 41, 5, None, ["Ana"]])
def test_name_is_neither_empty_nor_long(text: object) -> None:
    """1 to 40 characters remain after cleaning."""
    assert is_refused(wire.Name, text)


def test_note_keeps_its_lines_and_nothing_else() -> None:
    """A note is for a driver to read: lines stay, controls go."""
    assert read(wire.Note, " Ring twice.\r\n\tBlue\x00 door. \n") == "Ring twice.\nBlue door."


@pytest.mark.parametrize("text", ["", "a b", "a/b", "caf\u00e9", "a" * 65, "a\n", 7])
def test_id_is_short_and_plain(text: object) -> None:
    """Letters, digits and `_ . : -`, at most 64."""
    assert is_refused(wire.Id, text)


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "*",
        "http://shop.example",
        "https://shop.example/",
        "https://*.example",
        "https://user@shop.example",
        "https://SHOP.example",
        "https://shop.example:99999999",
        "shop.example",
        "https://shop.example\n",
        "file://",
    ],
)
def test_origin_is_what_a_browser_sends(origin: str) -> None:
    """Scheme, host and port, encrypted unless it is one's own machine."""
    assert is_refused(wire.Origin, origin)


def test_origin_of_a_shop_and_of_a_developers_machine_is_taken() -> None:
    """https anywhere, http on localhost."""
    for origin in ("https://shop.example", "https://shop.example:8443", "http://localhost:3000"):
        assert read(wire.Origin, origin) == origin


# --- models


def test_view_leaves_out_what_is_absent_and_shows_null_otherwise() -> None:
    """`absent()` fields vanish where they are None; other fields are always there."""

    class Slot(View):
        reason: str | None = absent()
        price: str | None = None

    assert Slot().model_dump_json() == '{"price":null}'
    assert Slot(reason="full").model_dump_json() == '{"reason":"full","price":null}'


def test_body_does_not_change() -> None:
    """A request that was validated stays what was validated."""

    class Loaf(Body):
        name: str

    loaf = Loaf(name="Rye")
    with pytest.raises(ValidationError):
        loaf.name = "Oat"  # type: ignore[misc]


def test_refusals_do_not_repeat_what_came() -> None:
    """An error message may reach a log; it holds no value."""
    for kind in (wire.Instant, wire.Phone, wire.Name, wire.Zone, wire.Origin, wire.Id, wire.Currency):
        with pytest.raises(ValidationError) as refused:
            read(kind, "canary https://canary.com")
        assert not [found for found in refused.value.errors() if "canary" in found["msg"]]


def test_year_bounds_are_what_their_numbers_say() -> None:
    """The two constants are the first seconds of 2000 and 2101."""
    assert rfc3339(946_684_800) == "2000-01-01T00:00:00Z"
    assert datetime(2101, 1, 1, tzinfo=UTC).timestamp() == 4_133_980_800
