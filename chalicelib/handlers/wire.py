"""How our values look in JSON, and what of it we refuse: instants, places, money, phones, names, ids.

Each type here is strict first and meaningful second: a pattern decides what is looked at, then a library says
what it means (`datetime.fromisoformat` alone takes week dates, `phonenumbers` alone takes 1-800-FLOWERS).
Messages say what is wanted and never repeat what came. Weak point: swapped latitude and longitude are found
only where they leave the range; the depot's service area finds most of the rest.
"""

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SerializationInfo,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from chalicelib.fleet.model import MOST_MINOR_UNITS
from chalicelib.routing.model import Location
from chalicelib.units import Timestamp

# Not a dot in front: clients and proxies take `.` and `..` in a path for steps, and go elsewhere.
ID_PATTERN = r"[A-Za-z0-9_:-][A-Za-z0-9_.:-]{0,63}"
_EARLIEST, _LATEST = 946_684_800, 4_133_980_800  # 2000-01-01 and 2101-01-01, UTC
_FURTHEST_OFFSET = timedelta(hours=14)  # Kiritimati

# Patterns, compiled when they are first used: a search needs two of them.
_INSTANT = r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:[0-5]\d)"
_DATE = r"\d{4}-\d\d-\d\d"
_WALL_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d"
_ZONE = r"[A-Za-z0-9_+-]{1,32}(?:/[A-Za-z0-9_+-]{1,32}){0,2}"
_E164 = r"\+[1-9]\d{6,14}"
_SATELLITE = ("+870", "+881", "+882", "+883")
_TWILIO_MAGIC = "+1500555"  # test numbers of Twilio; by their prefix they would be personal numbers
_ORIGIN = r"(?:https://[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|http://(?:localhost|127\.0\.0\.1))(?::\d{1,5})?"
_JOINERS = "\u200c\u200d"  # Persian and Indic names and emoji need them
_LONGEST_RAW = 2_000  # characters that are cleaned before they are counted
# A run of letters is looked at once, from its beginning and without giving back: linear whatever comes.
_LINK = (
    r"://|\bwww\.|(?<![\w-])[\w-]++\.[a-z]{2,}/"
    r"|(?<![\w-])[\w-]{2,}+\.(?:com|net|org|info|biz|io|co|me|ly|app|dev|link|xyz|shop|store|top|site|online|club|live"
    r"|page|click|gl|gd|to|cc|tv|ai|eu|us|uk|de|fr|es|pt|it|nl|pl|ru|cn|in|br|au|ca)\b"
)
# ISO 4217, without funds, metals and test codes.
_CURRENCIES = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF
CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ
GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP
LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR
PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC
SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF
XPF YER ZAR ZMW ZWG
"""


class Body(BaseModel):
    """A request body: strict types, no unknown fields, frozen."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, defer_build=True, hide_input_in_errors=True
    )


class Query(BaseModel):
    """The query of a request: text is read as the field's type, unknown parameters are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True, hide_input_in_errors=True)


class LinkQuery(Query):
    """The query of a link that people open: apps append to it what they like, and nobody is refused for that.

    Its fields make the best of a bad value themselves.
    """

    model_config = ConfigDict(extra="ignore")


class View(BaseModel):
    """An answer. Fields made with `absent()` are left out where they are `None`; others are always there."""

    model_config = ConfigDict(frozen=True, defer_build=True, use_enum_values=False)


def absent(**kwargs: Any) -> Any:
    """Declare a field of a `View` that is left out of the JSON where it is `None`."""
    return Field(default=None, exclude_if=_is_none, **kwargs)


def _is_none(value: object) -> bool:
    return value is None


# --- time


def rfc3339(at: Timestamp, zone: str | None = None) -> str:
    """Write an instant with the offset its zone has at that moment; in UTC, with `Z`, without a zone."""
    if zone is None:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return datetime.fromtimestamp(at, ZoneInfo(zone)).isoformat(timespec="seconds")


def read_instant(text: object) -> Timestamp:
    """Read an RFC 3339 instant with offset; parts of a second are dropped.

    Raises
    ------
    PydanticCustomError
        If it is naive, does not exist (a leap second included), has an offset no place has, or lies outside
        the years 2000 to 2100. It is a `ValueError`.
    """
    if not isinstance(text, str) or not re.fullmatch(_INSTANT, text, re.ASCII):
        raise PydanticCustomError("instant", "Input should be an RFC 3339 instant with offset")
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError:  # the 30th of February, the hour 24, a leap second
        raise PydanticCustomError("instant", "Input should be an instant that exists") from None
    offset = moment.utcoffset()
    if offset is None or abs(offset) > _FURTHEST_OFFSET:
        raise PydanticCustomError("instant", "Input should have an offset of at most 14 hours")
    at = int(moment.timestamp() // 1)
    if not _EARLIEST <= at < _LATEST:
        raise PydanticCustomError("instant", "Input should be between the years 2000 and 2100")
    return at


def _from_wire[T](kind: type[T], read: Callable[[object], T]) -> BeforeValidator:
    """Read what comes in; let pass what a handler puts into a `View`, which is of the right type already."""

    def validate(value: object, about: ValidationInfo) -> object:
        return value if about.mode == "python" and isinstance(value, kind) else read(value)

    return BeforeValidator(validate)


def _write_instant(at: Timestamp, about: SerializationInfo) -> str:
    return rfc3339(at, about.context["zone"] if about.context else None)


def read_date(text: object) -> date:
    """Read a calendar date, `YYYY-MM-DD`.

    Raises
    ------
    PydanticCustomError
        If it is anything else, does not exist, or lies outside the years 2000 to 2100. It is a `ValueError`.
    """
    if isinstance(text, str) and re.fullmatch(_DATE, text, re.ASCII):
        try:
            day = date.fromisoformat(text)
        except ValueError:
            day = date.min
        if 2000 <= day.year <= 2100:
            return day
    raise PydanticCustomError("date", "Input should be a date as YYYY-MM-DD, between the years 2000 and 2100")


def _read_wall_time(text: object) -> time:
    if not isinstance(text, str) or not re.fullmatch(_WALL_TIME, text, re.ASCII):
        raise PydanticCustomError("wall_time", "Input should be a time of day as HH:MM")
    return time.fromisoformat(text)


def _check_zone(name: str) -> str:
    if not _is_zone(name):
        raise PydanticCustomError(
            "zone", "Input should be the name of an IANA time zone, such as Europe/Lisbon"
        )
    return name


@cache
def _is_zone(name: str) -> bool:
    if not re.fullmatch(_ZONE, name, re.ASCII) or name in {"Factory", "localtime", "posixrules"}:
        return False
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _text_schema(**keywords: object) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", **keywords})


_INSTANT_SCHEMA = _text_schema(format="date-time", examples=["2026-11-24T10:00:00+00:00"])

Instant = Annotated[
    int,
    _from_wire(int, read_instant),
    PlainSerializer(_write_instant, return_type=str),
    _INSTANT_SCHEMA,
]
"""An instant: epoch seconds inside, RFC 3339 in JSON, written in the zone of the `Answer`."""

InstantText = Annotated[str, _INSTANT_SCHEMA]
"""An instant in a `View` whose parts have different zones: made by `rfc3339(at, zone)`."""

Date = Annotated[date, _from_wire(date, read_date), _text_schema(format="date", examples=["2026-11-24"])]
"""A calendar date of the depot's zone."""

WallTime = Annotated[
    time,
    _from_wire(time, _read_wall_time),
    PlainSerializer(lambda at: at.strftime("%H:%M"), return_type=str),
    _text_schema(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["08:00"]),
]
"""A local time of day."""

Zone = Annotated[str, AfterValidator(_check_zone), Field(max_length=64, examples=["Europe/Lisbon"])]
"""Name of an IANA time zone."""


# --- places and quantities

Lat = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False, examples=[41.1496])]
Lon = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False, examples=[-8.6109])]


class LatLon(Body):
    """A point (WGS 84). The point (0, 0) is refused: it means that something upstream found no address."""

    lat: Lat
    lon: Lon

    @model_validator(mode="after")
    def _is_somewhere(self) -> "LatLon":
        if self.lat == 0 and self.lon == 0:
            raise PydanticCustomError("null_island", "The point (0, 0) is not an address")
        return self

    def location(self) -> Location:
        """Give the point as the routing library has it."""
        return Location(lat=self.lat, lon=self.lon)


class LocationView(View):
    """A point in an answer."""

    lat: float
    lon: float

    @staticmethod
    def of(location: Location) -> "LocationView":
        """Show a location."""
        return LocationView(lat=location.lat, lon=location.lon)


Grams = Annotated[int, Field(ge=0, le=1_000_000_000)]
Millilitres = Annotated[int, Field(ge=0, le=1_000_000_000)]


def _check_currency(code: str) -> str:
    if not re.fullmatch("[A-Z]{3}", code) or code not in _CURRENCIES:
        raise PydanticCustomError("currency", "Input should be an ISO 4217 currency code, such as EUR")
    return code


Currency = Annotated[
    str, Field(min_length=3, max_length=3, examples=["EUR"]), AfterValidator(_check_currency)
]


class Money(Body):
    """An amount in minor units of its currency: 450 EUR cents are `{"amount": 450, "currency": "EUR"}`."""

    amount: Annotated[int, Field(ge=0, le=MOST_MINOR_UNITS, examples=[450])]
    currency: Currency


# --- who and what


def _check_textable(number: str) -> str:
    if number.startswith(_TWILIO_MAGIC) and len(number) == 12:
        return number
    import phonenumbers  # 34 ms and 3 MB: only where a number has to be judged

    kinds = phonenumbers.PhoneNumberType
    if _kind_of(number) not in (kinds.MOBILE, kinds.FIXED_LINE_OR_MOBILE):
        raise PydanticCustomError("phone", "Input should be a number that can receive texts")
    return number


def _check_callable(number: str) -> str:
    if number.startswith(_TWILIO_MAGIC) and len(number) == 12:
        return number
    import phonenumbers

    kinds = phonenumbers.PhoneNumberType
    if _kind_of(number) in (
        kinds.UNKNOWN,
        kinds.PREMIUM_RATE,
        kinds.SHARED_COST,
        kinds.PERSONAL_NUMBER,
        kinds.PAGER,
    ):
        raise PydanticCustomError(
            "phone", "Input should be a number that anybody can call without a surcharge"
        )
    return number


def _kind_of(number: str) -> int:
    import phonenumbers

    if not re.fullmatch(_E164, number, re.ASCII):
        raise PydanticCustomError("phone", "Input should be a phone number in E.164, such as +12025550123")
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        raise PydanticCustomError("phone", "Input should be a phone number that exists") from None
    if number.startswith(_SATELLITE) or not phonenumbers.is_valid_number(parsed):
        raise PydanticCustomError("phone", "Input should be a phone number that exists on land")
    return int(phonenumbers.number_type(parsed))


_E164_SCHEMA = _text_schema(pattern=r"^\+[1-9][0-9]{6,14}$", examples=["+12025550123"])

Phone = Annotated[str, AfterValidator(_check_textable), _E164_SCHEMA]
"""A number that can be texted, E.164."""

SupportPhone = Annotated[str, AfterValidator(_check_callable), _E164_SCHEMA]
"""A number that buyers may call, E.164; a toll-free one is welcome."""


def _line(text: str) -> str:
    """Make one line of it: no controls, no overrides of direction, nothing invisible, single spaces."""
    return " ".join(_visible(text).split())


def _lines(text: str) -> str:
    _check_length(text)
    return "\n".join(_line(line) for line in text.splitlines()).strip()


def _check_length(text: str) -> None:
    if len(text) > _LONGEST_RAW:
        raise PydanticCustomError("string_too_long", f"String should have at most {_LONGEST_RAW} characters")


def _visible(text: str) -> str:
    _check_length(text)
    letters = []
    for letter in unicodedata.normalize("NFC", text):
        category = unicodedata.category(letter)
        if category in ("Cc", "Zl", "Zp"):
            letters.append(" ")
        elif category not in ("Cf", "Co", "Cs") or letter in _JOINERS:
            letters.append(letter)
    return "".join(letters)


def _no_link(text: str) -> str:
    # A name goes into a text message, where any address becomes a link that we would have sent.
    if re.search(_LINK, unicodedata.normalize("NFKC", text), re.I):
        raise PydanticCustomError("name", "A name holds no web address")
    return text


Id = Annotated[str, StringConstraints(pattern=f"^{ID_PATTERN}$"), Field(examples=["porto-1"])]
"""An id or reference of the caller's own choice."""

Name = Annotated[
    str, AfterValidator(_line), AfterValidator(_no_link), StringConstraints(min_length=1, max_length=40)
]
"""A person's or a place's name: one line, at most 40 characters, no web address."""

Label = Annotated[str, AfterValidator(_line), StringConstraints(min_length=1, max_length=100)]
"""One line of text, at most 100 characters."""

Note = Annotated[str, AfterValidator(_lines), StringConstraints(min_length=1, max_length=500)]
"""Text for a person to read, at most 500 characters, in lines."""

Locale = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2}|-[0-9]{3})?$"),
    Field(examples=["pt-PT"]),
]
"""A language as BCP 47 has it."""


def _check_origin(origin: str) -> str:
    if not re.fullmatch(_ORIGIN, origin, re.ASCII):
        raise PydanticCustomError("origin", "Input should be a web origin, such as https://shop.example")
    return origin


Origin = Annotated[
    str, Field(max_length=266, examples=["https://shop.example"]), AfterValidator(_check_origin)
]
"""Scheme, host and port of web pages: what browsers send as Origin."""
