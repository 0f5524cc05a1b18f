"""A text cut into words, numbers, times and marks, as it was typed and as it is compared.

Compared are small letters without accents. What was quoted from an earlier text and what a phone adds below
is cut off first. Weak point: a signature of the buyer's own, without a mark before it, is read as text.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

LONGEST = 1600  # characters: the most Twilio delivers as one text

_QUOTED = re.compile(r"^[^\S\n]*(?:>|-{2,}|_{3,}).*", re.DOTALL | re.MULTILINE)
_SIGNED = re.compile(
    r"^[^\S\n]*(?:sent from my|get outlook for|von meinem .{1,40} gesendet"
    r"|gesendet von|envoy[eé] de|enviado desde"
    r"|on .{5,80} wrote:|am .{5,80} schrieb|le .{5,80} a écrit|el .{5,80} escribió).*",
    re.DOTALL | re.MULTILINE | re.IGNORECASE,
)
_SAME = str.maketrans("\u2019\u2018\u0060\u00b4\u2013\u2014\u2212", "''''---")
_NUMERO = re.compile(r"\bn\s?[º°]\.?\s?|№\s?", re.IGNORECASE)  # NFKC would make "no" of them: a refusal
_FEMININE = re.compile(r"(?<=\d)[ªº°](?!\s?\w\b)")
_FLOOR = re.compile(r"(?<=\d)[ªº°](?=\s?\w\b)")  # "2ºD" is a floor and a door: NFKC would make "2oD" of it
_STOREY = re.compile(r"(?<=\d)\.\s?(?=(?:stock|etage|og|stiege)\b)", re.IGNORECASE)
_WOULD_BE = re.compile(r"\bwär(?=s?\b)", re.IGNORECASE)  # without its accent it would be "was"
_HYPHEN = re.compile(r"(?<=\w)-(?=[^\W\d])")
_MARKS_OF_EMOJI = "\u200d\ufe0e\ufe0f\u20e3\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"
_TOKEN = re.compile(
    r"""
      (?P<clock>(?<![\w:.])(?P<hour>[01]?\d|2[0-4])(?:
            (?P<colon>[:h]|(?<=\d)\.(?=(?:00|15|30|45)(?![\w.]))|(?<=\d)\.(?=\d\d\s?(?:[ap]\.?m\b|uhr|heures?\b|horas?\b|h\b)))(?P<minute>[0-5]\d)
            \s?(?P<half_a>[ap]\.?\s?m\b\.?|uhr\b|h\b)?
          | \s?(?P<half_b>[ap]\.?\s?m\b\.?|uhr\b|h\b|o'?clock\b|heures?\b|horas?\b)))
    | (?P<date>(?<![\w.])(?P<dotted_day>\d{1,2})\.\s?(?P<dotted_month>\d{1,2})\.(?:\d{2,4})?(?!\w)
          | (?<![\w/])(?P<slashed_day>\d{1,2})/(?P<slashed_month>\d{1,2})(?:/\d{2,4})?(?![\w/]))
    | (?P<ordinal>(?<!\w)\d{1,2}(?:st|nd|rd|th|er|ere|e|eme|ª|º|\u00b0)(?!\w))
    | (?P<number>(?<!\w)\#?\d{1,9}(?![\w\#*]))
    | (?P<mixed>[\#*]?\w*\d\w*[\#*]*)
    | (?P<word>[^\W\d_]+(?:'[^\W\d_]+)*'?)
    | (?P<between>(?:(?<=\w)\s?|(?<=\d\s))-\s?(?=\d))
    | (?P<asking>\?)
    | (?P<stop>[.,;:!¡¿\n()"'…=-])
    | (?P<symbol>\S)
    """,
    re.VERBOSE | re.IGNORECASE,
)


class Shape(StrEnum):
    """What a token looks like."""

    CLOCK = "clock"
    DATE = "date"
    ORDINAL = "ordinal"
    NUMBER = "number"
    MIXED = "mixed"  # digits with letters, `#` or `*`
    WORD = "word"
    BETWEEN = "between"  # the dash in 5-7
    ASKING = "asking"
    STOP = "stop"  # any mark that ends a phrase
    SYMBOL = "symbol"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A piece of a text.

    Attributes
    ----------
    typed
        As it stands in the text.
    folded
        In small letters, without accents.
    start, end
        Where it stands in the cleaned text.
    value
        The number, the minute of the day, or month and day as `month * 100 + day`.
    told
        A time that says which half of the day it is in; a date that can be read in one way only.
    """

    shape: Shape
    typed: str
    folded: str
    start: int
    end: int
    value: int = 0
    told: bool = False


def cleaned(text: str) -> str:
    """Cut off what is quoted or signed and spell alike what means the same; never longer than `LONGEST`."""
    text = _NUMERO.sub("nr ", text[:LONGEST].translate(_SAME))
    text = _FEMININE.sub("", text)
    text = _STOREY.sub(" ", _FLOOR.sub("º", text))
    text = "º".join(unicodedata.normalize("NFKC", part) for part in text.split("º"))[:LONGEST]
    text = "".join(_ascii_digit(char) for char in text if char not in _MARKS_OF_EMOJI)
    text = _WOULD_BE.sub("wäre", _HYPHEN.sub(" ", text))
    return _SIGNED.sub("", _QUOTED.sub("", text)).strip()


def folded(text: str) -> str:
    """Write in small letters and without accents, as words are compared."""
    apart = unicodedata.normalize("NFD", text.casefold())
    return "".join(char for char in apart if not unicodedata.combining(char))


def tokens(text: str, *, apostrophe: str) -> Iterator[Token]:
    """Cut up a cleaned text. Linear in its length.

    Parameters
    ----------
    apostrophe
        What stands for it inside a word: nothing ("dont"), or a blank that parts words ("l adresse").
    """
    for found in _TOKEN.finditer(text):
        shape = Shape(found.lastgroup) if found.lastgroup in _SHAPES else _shape_of(found)
        value, told = _value_of(found, shape)
        token = Token(
            shape=shape,
            typed=found.group(),
            folded=folded(found.group()).strip("'"),
            start=found.start(),
            end=found.end(),
            value=value,
            told=told,
        )
        if shape is Shape.WORD and "'" in token.folded:
            yield from _parted(token, apostrophe)
        else:
            yield token


_SHAPES = frozenset(Shape)


def _shape_of(found: re.Match[str]) -> Shape:
    return next(shape for shape in Shape if found.group(shape) is not None)


def _parted(token: Token, apostrophe: str) -> Iterator[Token]:
    if not apostrophe:
        yield Token(
            shape=Shape.WORD,
            typed=token.typed,
            folded=token.folded.replace("'", ""),
            start=token.start,
            end=token.end,
        )
        return
    at = token.start
    for typed in token.typed.split("'"):
        if typed:
            yield Token(shape=Shape.WORD, typed=typed, folded=folded(typed), start=at, end=at + len(typed))
        at += len(typed) + 1


def _value_of(found: re.Match[str], shape: Shape) -> tuple[int, bool]:
    if shape is Shape.CLOCK:
        half = (found["half_a"] or found["half_b"] or "").lower()
        hour, minute = int(found["hour"]), int(found["minute"] or 0)
        if half[:1] in ("a", "p") and 1 <= hour <= 12:
            return (hour % 12 + 12 * (half[0] == "p")) * 60 + minute, True
        return hour * 60 + minute, hour > 12
    if shape is Shape.DATE:
        day, month = found["dotted_day"], found["dotted_month"]
        first, second = int(day or found["slashed_day"]), int(month or found["slashed_month"])
        return second * 100 + first, day is not None
    if shape in (Shape.NUMBER, Shape.ORDINAL):
        return int(re.sub(r"\D", "", found.group())), False
    return 0, False


def _ascii_digit(char: str) -> str:
    if char.isdecimal() and not char.isascii():
        return str(unicodedata.decimal(char))
    return char
