"""The phrases buyers use, the same in every language: a pattern of signs, and what reads it.

A pattern is a regular expression over meanings, one letter a sign; words in small letters stand for the parts
below. Weak point: what a language says in an order of its own needs a pattern of its own.
"""

import re
from collections.abc import Sequence
from functools import cache

from chalicelib.notifications.intents import (
    Help,
    Start,
    Stop,
    WhereIsIt,
    WrongAddress,
    WrongNumber,
)
from chalicelib.notifications.understanding import readers as read
from chalicelib.notifications.understanding.parts import Nod
from chalicelib.notifications.understanding.readers import Reader
from chalicelib.notifications.understanding.signs import Meaning

# Parts of patterns; a name in capitals is a meaning.
_WORDS = {
    "day": "(?:TODAY|TOMORROW|OVERMORROW"
    "|NEXT WEEK(?:NEAR|IN|AT)*WEEKDAY"
    "|NEXT?WEEKDAY(?:NEXT WEEK|NEXT)?(?:AT?(?:DATE|NUMBER MONTH|ORDINAL MONTH?))?"
    "|DATE|NUMBER MONTH|ORDINAL MONTH?|MONTH(?:NUMBER|ORDINAL))",
    "part": "(?:MORNING|AFTERNOON|EVENING|NOON)",
    "time": "(?:(?:AT|NEAR|HALF_PAST|HALF_TO)*(?:CLOCK|NUMBER)HALF_PAST?(?:MORNING|AFTERNOON|EVENING)?|NOON)",
    "hours": "(?:(?:AFTER|FROM|NOT BEFORE|NOT UNTIL|BEFORE|NOT AFTER)time|BETWEEN time(?:TO|AND|UNTIL)time"
    "|(?:FROM|IN)?time(?:TO|UNTIL|AND)time)",
    "on": "(?:NEAR|IN|AT|FROM|TO)*",
    "prep": "(?:NEAR|IN|AT|WITH|BEFORE|FROM)+",
    "spot": "(?:prep(?:PLACE|ENTRY)|prep?NEAR UNIT(?!NR|NUMBER|MIXED))",
    # ... with words nobody knows in it
    "described": "(?:spot UNKNOWN|prep UNKNOWN{1,2}PLACE|NEAR UNKNOWN{1,2}|spot prep?PLACE)",
    "number": "(?:NUMBER|MIXED)",
    "ask": "(?:REQUEST|(?<=REQUEST)DRIVER)*",
    "whereabouts": "(?:PAUSE?(?:BESIDE(?:WITH UNKNOWN)?|NEIGHBOUR(?!PAUSE?number)))*(?:PAUSE?THEY?TAKES)?",
    "name": "TITLE+(?:AND TITLE+)?UNKNOWN{1,2}",
    "move": "(?:MOVE|PICK)*",
    "leave": "LEAVE PARCEL?",
    "door": "(?:(?:prep)?(?:NR|NEIGHBOUR|UNIT|WITH|IN)(?:NR|NEIGHBOUR|UNIT|AT|prep)*number|AT MIXED)SUFFIX?",
    "tail": "(?:INSTEAD|PAUSE?GOOD)*(?:PAUSE?REQUEST(?=PAUSE|ASKING|THANKS|(?!.)))?ASKING?",
}
_WHEN = (
    "(?:on day(?:on part)?on AT time|on day(?:on part)?CLOCK(?!TO|UNTIL|AND)|on day(?:on part)?(?:on hours)?"
    "|on hours on day(?:on part)?|on part on day(?:on hours)?|on hours|on part"
    "|on hours on part|(?:on day)?ANYTIME(?:on(?:day|hours))?)"
)
_WORDS["when"] = _WHEN
_WORDS["whereof"] = "(?:PARCEL|DRIVER|ARRIVE|CLOSE|SELF|ASKS|AT|THEY|day)*ASKING*"
_WORDS["told"] = "(?:PARCEL|DRIVER|ARRIVE|CLOSE|day|part|CLOCK|SELF|AT|IN|THEY)"
_WORDS["more"] = (
    "(?:PARCEL|DRIVER|ARRIVE|MOVE|CLOSE|WAITING|NEWS|day|part|CLOCK|SELF|ASKS|AT|IN|HOME|LATE"
    "|NOTHING_YET|THEY|ANYTIME|YES)*ASKING*"
)


LETTER = {meaning: chr(0x4E00 + at) for at, meaning in enumerate(Meaning)}


@cache
def pattern(written: str) -> re.Pattern[str]:
    """Turn a pattern of meanings into one of letters, one letter a sign."""
    while True:
        spread = re.sub(r"\b[a-z]+\b", lambda found: f"(?:{_WORDS[found.group()]})", written)
        if spread == written:
            break
        written = spread
    return re.compile(
        re.sub(r"[A-Z_]+", lambda found: LETTER[Meaning(found.group())], written).replace(" ", "")
    )


GRAMMAR: Sequence[tuple[str, Reader]] = (
    ("THANKS+", read.just(Nod.THANKS)),
    ("THANKS+PAUSE*UNKNOWN{1,2}(?!.)", read.signed),
    ("(?<!.)part PAUSE(?=ask(?:WHERE|WHEN|HOWLONG|NEWS|CANCEL))", read.just(Nod.THANKS)),  # a greeting
    ("OK(?:OK|GOOD)*", read.fine),
    ("GOOD+", read.good),
    ("(?<!.)GOOD(?=(?:PAUSE|THANKS)*(?!.))", read.suits),
    ("YES+", read.just(Nod.YES)),
    ("NO+", read.just(Nod.NO)),
    ("(?<!.)NOT(?=(?:PAUSE+NO+)?(?:PAUSE|THANKS)*(?!.))", read.bare_no),
    ("NONE|NOT TODAY", read.just(Nod.NONE)),
    ("BAD day part?|(?:day part?|part)(?:NOT(?!on day)|BAD)BAD?", read.unsuitable),
    ("(?:day(?:NOT|BAD)BAD?|BAD day)PAUSE*move when ASKING", read.another_day),
    ("BUT", read.just(Nod.BUT)),
    ("SEE+(?:when)?|UNTIL day part?", read.see),
    ("(?:SELF|AND)*(?:when)?(?:PRESENT|SELF HOME)+(?:when)?", read.present),
    ("SELF IN(?:when)?(?=PAUSE|THANKS|(?!.))", read.present),
    ("ask(?:LATER|MOVE AFTER|MOVE)LATER?INSTEAD?GOOD?ASKING?", read.just(Nod.OTHERWISE)),
    ("(?:REQUEST|PICK|NR|YES)*(?:NUMBER|ORDINAL|LAST)(?:GOOD|PICK|YES|OK)*", read.choose),
    (
        "(?:REQUEST|GOOD|INSTEAD)*move(?:PARCEL|DRIVER|INSTEAD)*move"
        "(?:(?<=MOVE)LATER PAUSE?)?(?:(?<=MOVE)SEE)?when(?:INSTEAD|GOOD|MOVE|PICK|PARCEL|REQUEST)*ASKING?",
        read.reschedule,
    ),
    ("(?:REQUEST|PICK|YES)*(?:day part?|part|CLOCK)NUMBER(?:GOOD|OK)*", read.that_one),
    (
        "(?:SELF|day)*(?:NOT(?:HOME|IN|BACK)*|(?:AWAY|NOBODY)+HOME*)day?(?:UNTIL|BEFORE)time(?:on day)?",
        read.away_until,
    ),
    ("SELF*NOT(?:UNTIL|BEFORE)time(?:HOME|BACK)", read.away_until),
    ("SELF*(?:AWAY+HOME?UNTIL day part?|UNTIL day part?AWAY+)", read.away_for_days),
    ("SELF*(?:UNTIL|BEFORE)time(?:NOT|AWAY)+HOME?", read.away_until),
    ("(?:SELF|HOME)*(?:NOT NOBODY*|NOBODY+)(?:HOME|BACK|IN(?!PLACE))+(?:when|AT time)?", read.not_home),
    ("NOBODY+(?:when)|(?:SELF|HOME)*when NOBODY+HOME?", read.not_home),
    ("SELF*AWAY+HOME?(?:when)?|SELF*AWAY(?:AT|IN)PLACE", read.not_home),
    ("SELF*when(?:NOT|NOBODY|SELF)*(?:AWAY|(?:NOT|NOBODY)(?:HOME|BACK))+", read.not_home),
    ("ask leave day?spot{1,2}day?FROM?tail", read.place),
    ("PARCEL?ask LEAVE?day?PARCEL?spot{1,2}LEAVE INSTEAD?ASKING?", read.place),
    ("(?:prep)?PLACE(?:GOOD|OK)", read.place),
    ("(?<!.)(?:OK|YES|PAUSE)*spot{1,2}OK", read.mention),
    ("(?:prep)?PLACE|prep ENTRY", read.mention),
    ("ask leave day?described FROM?tail", read.place),
    ("ask LEAVE?day?described LEAVE INSTEAD?ASKING?", read.place),
    ("(?<!.)(?:OK|YES|PAUSE)*described", read.mention),
    (
        "PARCEL?ask LEAVE?PARCEL?door(?:PAUSE?BESIDE)*(?:TAKES|LEAVE|INSTEAD)+ASKING?",
        read.neighbour,
    ),
    (
        "ask leave door day?FROM?whereabouts tail",
        read.neighbour,
    ),
    (
        "(?<!.)NEIGHBOUR(?:IN|NR)*number SUFFIX?GOOD?(?=(?:PAUSE|THANKS)*(?!.))",
        read.neighbour,
    ),
    ("ask leave(?:WITH|AT|TO|NEIGHBOUR)*name FROM?whereabouts tail", read.named),
    ("PARCEL?ask(?:WITH|AT|NEIGHBOUR)*name whereabouts(?:LEAVE|TAKES)ASKING?", read.named),
    ("ask leave TO?(?:WITH|NEIGHBOUR)+UNKNOWN{1,2}whereabouts tail", read.first_named),
    ("PARCEL?ask(?:WITH|AT)*NEIGHBOUR UNKNOWN{1,2}BESIDE?LEAVE", read.neighbour_named),
    ("PARCEL?ask WITH UNKNOWN BESIDE LEAVE", read.neighbour_named),
    (
        "(?:WITH|AT|PICK|UNIT|NR|NEIGHBOUR|IN|YES|OK)*number SUFFIX?(?:GOOD|OK)?whereabouts",
        read.asked_neighbour,
    ),
    ("(?:WITH|NEIGHBOUR|MOVE|REQUEST)*name(?:AT NR?number)?whereabouts", read.asked_name),
    ("(?<!.)WITH name whereabouts(?=(?:PAUSE|THANKS)*(?!.))", read.name_alone),
    ("(?:WITH|NEIGHBOUR)+UNKNOWN{1,2}whereabouts", read.asked_first_name),
    ("UNKNOWN{1,2}(?=PAUSE?(?:BESIDE|THEY?TAKES))whereabouts", read.asked_first_name),
    (
        "(?:USE|ENTRY|PLACE|REQUEST)*CODE(?:ENTRY|PLACE|NR|USE|IN|AT|NEAR)*number(?:PAUSE?(?:USE|ENTRY|PLACE|IN|NEAR|BESIDE))*",
        read.code,
    ),
    ("number ASKS?CODE(?:ENTRY|PLACE)*", read.code),
    ("(?:ENTRY|PLACE)*USE+number(?:USE|ENTRY|IN|NEAR)*|ENTRY PAUSE number", read.opening_code),
    ("(?:USE|NR|YES|OK|IT_IS)*number(?:PAUSE?(?:USE|(?:NEAR|IN|AT)*(?:ENTRY|PLACE)))*", read.asked_code),
    ("NUMBER{3,8}", read.spelled_code),
    (
        "ask WHERE whereof|ask WHEN more|ask HOWLONG more|ask NEWS NEAR?more|more(?:WHERE|WHEN|HOWLONG)more",
        read.just(WhereIsIt()),
    ),
    ("PARCEL*(?:NOTHING_YET|LATE)+more|SELF?PARCEL*WAITING+more", read.just(WhereIsIt())),
    (
        "ASKS(?:THEY|PARCEL|DRIVER|ARRIVE|CLOSE|NOTHING_YET|NEWS|LATE|day|part)+ASKING*"
        "|ASKS(?:PARCEL|DRIVER|ARRIVE)*hours ASKING+",
        read.just(WhereIsIt()),
    ),
    (
        "ASKS PAST?(?:PARCEL|WITH|IN|NR|NEIGHBOUR|NEAR|AT|PLACE|number)*PAST*LEAVE ASKING?",
        read.just(WhereIsIt()),
    ),
    ("PAST+LEAVE(?:PARCEL|WITH|IN|NR|NEIGHBOUR|NEAR|AT|PLACE|number)*ASKING", read.just(WhereIsIt())),
    (
        "ASKS PAST*LEAVE(?:PARCEL|WITH|IN|NR|NEIGHBOUR|NEAR|AT|PLACE|number)*ASKING?",
        read.just(WhereIsIt()),
    ),
    ("(?:PARCEL|DRIVER|SELF)*(?:ARRIVE|CLOSE)day?ASKING", read.just(WhereIsIt())),
    (
        "(?:SELF|ASKS)*(?:WRONG ADDRESS|(?:NR)?ADDRESS(?:(?:NEAR|IN)PARCEL)?WRONG|NOT ADDRESS"
        "|MOVED(?:IN MONTH|PAST|ADDRESS WRONG)?(?!UNKNOWN|PLACE|PARCEL)|ADDRESS MOVED)"
        "(?:(?:NEAR|IN|WITH)PARCEL)?",
        read.just(WrongAddress()),
    ),
    ("NR WRONG(?:NUMBER(?:NOT NUMBER)?)?", read.house_number),
    (
        "(?:SELF|ASKS ASKING?PAUSE*)*PHONE+NR?(?:(?:PAUSE|SELF|ME|AND)*(?:NOT SELF?UNKNOWN{1,2}|PHONE+))*",
        read.just(WrongNumber()),
    ),
    ("SELF?ask CANCEL+PAUSE?day?PARCEL+CANCEL?ASKING?|ask PARCEL+CANCEL ASKING?", read.cancel),
    ("(?:(?<!.)|(?<=PAUSE))ask CANCEL(?=PAUSE|THANKS|(?!.))", read.cancel),
    (
        "REQUEST?STOP+TEXTS*|REQUEST?UNSUBSCRIBE TEXTS*|NO_TEXTS TEXTS*|NO_MORE TEXTS+",
        read.just(Stop()),
    ),
    ("(?:REQUEST|SELF)*START", read.just(Start())),
    ("(?:REQUEST|ASKS)*HELP+(?:AT PARCEL)?ASKING*", read.just(Help())),
)
