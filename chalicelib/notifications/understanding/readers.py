"""What phrases mean: a reader for each way in which signs make sense together.

A reader is given a phrase's signs and answers None where they fit and the sense does not.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

from chalicelib.notifications.intents import (
    Asked,
    Cancel,
    Choose,
    GateCode,
    Hours,
    Neighbour,
    NotHome,
    SafePlace,
    WrongAddress,
)
from chalicelib.notifications.understanding.parts import Mention, Nod, Part, Said
from chalicelib.notifications.understanding.signs import Meaning, Sign
from chalicelib.notifications.understanding.times import Wish, covers, wish
from chalicelib.notifications.understanding.tokens import folded

_REFUSES = 2  # as our questions list it
_MOST_CHOICES = 4  # no prompt of ours has more

type Reader = Callable[[Said], Part | None]


def just(part: Part) -> Reader:
    """Read a phrase that says one thing, whatever stands in it."""
    return lambda said: part


def choose(said: Said) -> Part | None:
    """Read the number of a choice, as far as there is one."""
    if said.situation.asked not in (None, Asked.CHOICE, Asked.CONFIRMATION):
        return None
    (sign,) = said.those(Meaning.NUMBER, Meaning.ORDINAL, Meaning.LAST)
    number = said.situation.choices if sign.meaning is Meaning.LAST else sign.value
    match said.situation.asked:
        case Asked.CHOICE:
            most = said.situation.choices
        case Asked.CONFIRMATION if number == _REFUSES and said.those(Meaning.YES, Meaning.OK):
            return None  # "yes 2"
        case Asked.CONFIRMATION:
            most = 2
        case _:
            most = _MOST_CHOICES
    return Choose(number) if 1 <= number <= most else None


def reschedule(said: Said) -> Part | None:
    """Read a time; certain where it is named once and nobody puts it as a question."""
    times = [sign for sign in said.signs if sign.meaning not in _NOT_TIMES]
    choosing = said.situation.asked is Asked.CHOICE
    wall = replace(said.wall, minute=0) if choosing else said.wall  # of another day than today
    asked = wish(times, wall, said.afternoon)
    asked_for = bool(said.those(*_ASKING_FOR))
    doubted = not asked_for and bool(said.those(Meaning.ASKING, Meaning.PARCEL))
    doubted |= choosing and bool(said.those(Meaning.ASKING))  # whether another time would do as well
    suits = bool(said.those(Meaning.GOOD)) and not said.those(Meaning.MOVE, Meaning.REQUEST)
    if asked.day == said.wall.promised and asked.hours is None and suits:
        return Nod.OK
    bare = len(said.signs) == 1 and asked.day is None  # "5pm", "afternoon": a time, a greeting?
    bare |= choosing and bool(said.those(Meaning.ORDINAL))
    bare |= len(said.signs) == 1 and _greets(said)
    certain = asked.certain and not doubted and not bare
    return Wish(
        day=asked.day,
        hours=asked.hours,
        certain=certain,
        asked_for=asked_for,
        readable=not doubted and (asked.day is not None or asked.hours is not None),
    )


def _greets(said: Said) -> bool:
    """Whether "morgen" may be short for a good one: before noon, where nothing was asked."""
    morning = said.wall.minute < _NOON and said.situation.asked is None and not said.polite
    return morning and any(sign.value for sign in said.those(Meaning.TOMORROW))


_NOON = 12 * 60
_ASKING_FOR = (
    Meaning.REQUEST,
    Meaning.MOVE,
    Meaning.PICK,
    Meaning.INSTEAD,
    Meaning.GOOD,
    Meaning.NOT,
    Meaning.AWAY,
    Meaning.HOME,
    Meaning.BACK,
)
_NOT_TIMES = frozenset(
    {
        Meaning.REQUEST,
        Meaning.MOVE,
        Meaning.PICK,
        Meaning.INSTEAD,
        Meaning.GOOD,
        Meaning.ASKING,
        Meaning.PARCEL,
        Meaning.DRIVER,
        Meaning.HOME,
        Meaning.BACK,
        Meaning.YES,
        Meaning.OK,
        Meaning.LEAVE,
        Meaning.SELF,
        Meaning.ARRIVE,
        Meaning.LATER,
        Meaning.PAUSE,
    }
)


_PRESENCE = frozenset({Meaning.NOT, Meaning.NOBODY, Meaning.AWAY, Meaning.HOME, Meaning.BACK, Meaning.SELF})


def not_home(said: Said) -> Part | None:
    """Read that nobody is there, when it comes or at a time of which nothing was said."""
    when = [sign for sign in said.signs if sign.meaning not in _PRESENCE]
    asked = wish(when, said.wall, said.afternoon)
    return NotHome() if asked.one_hour and covers(asked, said.wall) else Nod.ANOTHER_TIME


def away_until(said: Said) -> Part | None:
    """Read when somebody comes home, which says that nobody is there before; not when to come."""
    until = [
        sign
        for sign in said.signs
        if sign.meaning not in (Meaning.HOME, Meaning.BACK, Meaning.SELF, Meaning.IN)
    ]
    asked = wish(until, said.wall, said.afternoon)
    if not asked.certain or asked.hours is None or asked.hours.start is None:
        return Nod.ANOTHER_TIME
    before = Wish(day=asked.day, hours=Hours(end=asked.hours.start))
    return NotHome() if covers(before, said.wall) else Nod.ANOTHER_TIME


def away_for_days(said: Said) -> Part | None:
    """Read until which day nobody is there."""
    until = wish(said.those(*_DAYS, Meaning.NEXT), said.wall, said.afternoon)
    if not until.certain or until.day is None:
        return None
    return NotHome() if until.day > said.wall.promised else Nod.ANOTHER_TIME


def unsuitable(said: Said) -> Part | None:
    """Read that a day is no good: an answer if it is the one that is promised, or today."""
    times = [sign for sign in said.signs if sign.meaning not in (Meaning.BAD, Meaning.NOT)]
    asked = wish(times, said.wall, said.afternoon)
    promised = asked.certain and (asked.day == said.wall.today or covers(asked, said.wall))
    return Nod.NONE if promised else Nod.ANOTHER_TIME


def signed(said: Said) -> Part | None:
    """Read a name below the thanks."""
    names = said.those(Meaning.UNKNOWN)
    return Nod.THANKS if all(name.spelled.istitle() for name in names) else None


def fine(said: Said) -> Part | None:
    """Read "ok", which says yes to a question; "received" and "all good" do not, whatever was asked."""
    assents = all(sign.value for sign in said.those(Meaning.OK))
    return Nod.YES if assents and said.situation.asked is Asked.CONFIRMATION else Nod.OK


def good(said: Said) -> Part | None:
    """Read "works for me", which says yes to a question and nothing without one."""
    return Nod.YES if said.situation.asked is Asked.CONFIRMATION else None


def suits(said: Said) -> Part | None:
    """Read what stands alone and finds nothing better: "passt"."""
    return Nod.OK if said.situation.asked is None and folded(said.signs[0].spelled) in _SUITING else None


_SUITING = frozenset(
    {"passt", "passt mir", "passt gut", "passt super", "das passt", "das passt gut", "me va bien"}
)


def bare_no(said: Said) -> Part | None:
    """Read the "no" that also negates, where it stands alone."""
    return Nod.NO if said.signs[0].spelled.lower() == "no" else None


def that_one(said: Said) -> Part | None:
    """Read "the thursday one", where it is one of our choices."""
    *_, one = said.those(Meaning.NUMBER)  # "the 3 december one" has another before it
    if said.situation.asked is not Asked.CHOICE or one.spelled.lower() != "one":
        return None
    return reschedule(replace(said, signs=[sign for sign in said.signs if sign is not one]))


def another_day(said: Said) -> Part | None:
    """Read "tomorrow is no good, friday?", which asks for the day though nobody says to come."""
    cut = max(at for at, sign in enumerate(said.signs) if sign.meaning in _RULED_OUT)
    if unsuitable(replace(said, signs=said.signs[:cut])) is not Nod.NONE:
        return None
    return reschedule(replace(said, signs=said.signs[cut + 1 : -1]))


_RULED_OUT = (Meaning.BAD, Meaning.NOT, Meaning.PAUSE)


def see(said: Said) -> Part | None:
    """Read "see you tomorrow": fine if that is the day, and a misunderstanding if it is not."""
    times = [sign for sign in said.signs if sign.meaning not in (Meaning.SEE, Meaning.UNTIL)]
    asked = wish(times, said.wall, said.afternoon)
    return Nod.OK if asked.certain and covers(asked, said.wall) else Nod.ANOTHER_TIME


def present(said: Said) -> Part | None:
    """Read that somebody is there when it comes; of another time it says nothing."""
    when = [
        sign
        for sign in said.signs
        if sign.meaning not in (Meaning.PRESENT, Meaning.AND, Meaning.IN, *_PRESENCE)
    ]
    asked = wish(when, said.wall, said.afternoon)
    return Nod.PRESENT if asked.certain and covers(asked, said.wall) else Nod.ANOTHER_TIME


def _unsure(said: Said) -> bool:
    """Whether it is put as a question, and not as "can you"."""
    return bool(said.those(Meaning.ASKING)) and not said.those(Meaning.REQUEST)


def cancel(said: Said) -> Part | None:
    """Read that what is coming is not wanted any more."""
    return None if _unsure(said) or not _promised_day(said) else Cancel()


def place(said: Said) -> Part | None:
    """Read where to leave it."""
    repaired = any(sign.repaired for sign in said.signs)
    if _unsure(said) or not _promised_day(said) or (repaired and not said.those(Meaning.LEAVE)):
        return None
    where = _words(said, _PLACE_SIGNS)
    return SafePlace(where) if where else None


def _one_thing(said: Said, signs: Sequence[Sign]) -> bool:
    """Whether words that nobody knows name a thing: letters, no verb, and only articles between them."""
    between = (said.text[first.end : second.start] for first, second in pairwise(signs))
    joined = all(folded(word) in said.manner.articles for words in between for word in words.split())
    unknown = [folded(sign.spelled) for sign in signs if sign.meaning is Meaning.UNKNOWN]
    return joined and all(word.isalpha() and word not in said.manner.no_thing for word in unknown)


def _promised_day(said: Said) -> bool:
    """Whether no day is named, or the one that is promised."""
    day = wish(said.those(*_DAYS), said.wall, said.afternoon).day
    return day in (None, said.wall.promised)


_DAYS = (Meaning.TODAY, Meaning.TOMORROW, Meaning.OVERMORROW, Meaning.WEEKDAY, Meaning.DATE, Meaning.MONTH)


def mention(said: Said) -> Part | None:
    """Read a place that nobody says to leave anything in."""
    where = _words(said, _PLACE_SIGNS)
    if not where or not _nothing_left_out(said):
        return None
    asked_for = said.polite and said.situation.asked is None and said.signs[0].meaning in _LEADING
    return SafePlace(where) if asked_for else Mention(where)


_LEADING = (Meaning.NEAR, Meaning.IN, Meaning.WITH)


def _nothing_left_out(said: Said) -> bool:
    """Whether no word but an article or a please stands right before, such as a preposition nobody reads."""
    *_, clause = re.split(r"[.,;:!?\n]", said.text[: said.signs[0].start])
    words = [folded(word) for word in clause.split()]
    while set(words) & said.manner.therefore:  # "the shed is open so in the shed"
        words.pop(0)
    return all(word in said.manner.articles | said.manner.polite for word in words)


_PLACE_SIGNS = frozenset(
    {
        Meaning.NEAR,
        Meaning.IN,
        Meaning.AT,
        Meaning.WITH,
        Meaning.BEFORE,
        Meaning.FROM,
        Meaning.PLACE,
        Meaning.ENTRY,
        Meaning.UNIT,
        Meaning.UNKNOWN,
    }
)


def _words(said: Said, meanings: frozenset[Meaning]) -> str:
    """Take the buyer's words between the first and the last sign of these meanings, slips put right."""
    signs = [sign for sign in said.signs if sign.meaning in meanings]
    while signs[-1].meaning is Meaning.FROM:  # the second half of "legen ... ab"
        signs.pop()
    start, end = signs[0].start, signs[-1].end
    if any(sign.meaning is Meaning.UNKNOWN for sign in signs) and not _one_thing(said, signs):
        return ""
    words = said.text[start:end]
    for sign in reversed(signs):
        if sign.repaired:
            words = words[: sign.start - start] + sign.spelled + words[sign.end - start :]
    return " ".join(words.split())


def neighbour(said: Said) -> Part | None:
    """Read whose door, by its number."""
    if _unsure(said) or not _promised_day(said):
        return None
    named = said.those(Meaning.UNIT, Meaning.NUMBER, Meaning.MIXED, Meaning.SUFFIX)
    numbers = [sign for sign in named if sign.meaning is not Meaning.UNIT]
    if numbers[0].spelled.isalpha() and not said.those(Meaning.NR, Meaning.UNIT) and len(said.signs) > 1:
        return None  # "the one opposite", "any one"
    if numbers[0].meaning is Meaning.MIXED and not _HOUSE_NUMBER.fullmatch(numbers[0].spelled):
        return None
    return Neighbour(" ".join(sign.spelled.lstrip("#") for sign in named))


_HOUSE_NUMBER = re.compile(r"\d{1,4}º?[A-Za-z]?|[A-Za-z]\d{1,4}")


def house_number(said: Said) -> Part | None:
    """Read that a number is wrong, where it is a house's and not the phone's."""
    return WrongAddress() if folded(said.signs[0].spelled).startswith(("hous", "haus")) else None


def named(said: Said) -> Part | None:
    """Read whose door, by a name."""
    if _unsure(said):
        return None
    signs = said.those(Meaning.TITLE, Meaning.AND, Meaning.UNKNOWN)
    name = said.text[signs[0].start : signs[-1].end]
    unknown = [sign.spelled for sign in said.those(Meaning.UNKNOWN)]
    if not all(
        word.replace("'", "").isalpha() and folded(word) not in said.manner.no_thing for word in unknown
    ):
        return None
    cased = all(word[0].isupper() for word in unknown) or len(unknown) == 1
    apart = [said.text[first.end : second.start].strip(" .") for first, second in pairwise(signs)]
    return Neighbour(name) if cased and not any(apart) else None


def first_named(said: Said) -> Part | None:
    """Read a name without a title, where a capital tells one."""
    names = said.those(Meaning.UNKNOWN)
    if said.capitals or not all(name.spelled.istitle() for name in names) or not _one_thing(said, names):
        return None
    return named(replace(said, signs=names))


def neighbour_named(said: Said) -> Part | None:
    """Read "bei Nachbar Yilmaz", where a capital tells no name and the word before it does."""
    return first_named(replace(said, capitals=False))


def code(said: Said) -> Part | None:
    """Read what is called a code."""
    (sign,) = said.those(Meaning.NUMBER, Meaning.MIXED)
    return GateCode(sign.spelled) if _CODE.fullmatch(sign.spelled) else None


_CODE = re.compile(r"[#*]?[A-Za-z]{0,3}\d[0-9A-Za-z]{1,9}[#*]?|[#*]?[A-Za-z]{1,3}\d[#*]?")


def asked_code(said: Said) -> Part | None:
    """Read a code that was asked for."""
    if said.situation.asked is not Asked.GATE_CODE:
        return None
    return code(said)


def opening_code(said: Said) -> Part | None:
    """Read what is to be typed at a door, though nobody calls it a code; a short number may be a house's."""
    (sign,) = said.those(Meaning.NUMBER, Meaning.MIXED)
    return code(said) if len(sign.spelled) >= _SHORTEST_BARE_CODE else None


_SHORTEST_BARE_CODE = 4


def spelled_code(said: Said) -> Part | None:
    """Read a code whose digits are written as words."""
    digits = [str(sign.value) for sign in said.signs]
    spelled = all(sign.spelled.isalpha() for sign in said.signs) and all(len(digit) == 1 for digit in digits)
    return GateCode("".join(digits)) if spelled and said.situation.asked is Asked.GATE_CODE else None


def asked_neighbour(said: Said) -> Part | None:
    """Read a door's number that was asked for."""
    return neighbour(said) if said.situation.asked is Asked.NEIGHBOUR else None


def name_alone(said: Said) -> Part | None:
    """Read "with Mrs Miller please", to which nobody says to leave it."""
    wanted = said.polite or said.those(Meaning.TAKES)
    return named(said) if said.situation.asked is None and wanted and _nothing_left_out(said) else None


def asked_first_name(said: Said) -> Part | None:
    """Read who is named without a title; where every noun has a capital, only with where they live."""
    if said.situation.asked is not Asked.NEIGHBOUR or (said.capitals and not said.those(Meaning.BESIDE)):
        return None
    return first_named(replace(said, capitals=False))


def asked_name(said: Said) -> Part | None:
    """Read a name that was asked for."""
    return named(said) if said.situation.asked is Asked.NEIGHBOUR else None
