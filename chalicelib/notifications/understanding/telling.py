"""What of a text reaches the grammar: signs that say nothing are left out, and some say another thing here.

The dot of `No.`, a `to` that joins no times, the `no` of a house, the 30 of a Monday. Weak point: a few words
of languages stand here, because what they say depends on what stands around them.
"""

from collections.abc import Sequence
from dataclasses import replace

from chalicelib.notifications.understanding.signs import Manner, Meaning, Sign
from chalicelib.notifications.understanding.tokens import folded


def parted(every: Sequence[Sign], manner: Manner) -> Sequence[Sign]:
    """Let a please end what was wished where somebody goes on to tell: "saturday pls im on nights"."""
    tells = {at for at, sign in enumerate(every) if sign.meaning in (Meaning.SELF, Meaning.ME)}
    return [
        replace(sign, meaning=Meaning.PAUSE)
        if at + 1 in tells and sign.meaning is Meaning.FILLER and folded(sign.spelled) in manner.polite
        else sign
        for at, sign in enumerate(every)
    ]


def telling(every: Sequence[Sign]) -> list[Sign]:
    """Leave out what says nothing here: fillers, the dot of `No.`, `to` where it joins no two times."""
    kept = [sign for sign in every if sign.meaning is not Meaning.FILLER and sign.spelled not in _QUIET]
    out = list[Sign]()
    for at, sign in enumerate(kept):
        following = kept[at + 1].meaning if at + 1 < len(kept) else None
        before = out[-1].meaning if out else None
        if sign.meaning is Meaning.PAUSE and sign.spelled == "." and before in (Meaning.NR, Meaning.TITLE):
            continue
        if folded(sign.spelled) == "a las" and before in _TIMES and following in _TIMES:
            out.append(replace(sign, meaning=Meaning.TO))
            continue
        if following in _SPOTS and folded(sign.spelled) in _TO_A_SPOT:
            out.append(replace(sign, meaning=Meaning.IN))
            continue
        if folded(sign.spelled) in _DOORS and _door(kept[at + 1 : at + 2]):
            out.append(replace(sign, meaning=Meaning.UNIT))
            continue
        if sign.meaning is Meaning.NUMBER and sign.value > _HOURS_OF_A_DAY and _ends_a_weekday(out):
            if out[-1].meaning is Meaning.PAUSE:
                out.pop()
            out.append(replace(sign, meaning=Meaning.ORDINAL))  # "monday 30", "Montag, den 30."
            continue
        if sign.meaning is Meaning.TO and not (before in _TIMES and following in _TIMES):
            continue
        if sign.meaning is Meaning.IT_IS and following not in _TELL_THE_TIME:
            continue
        if sign.meaning is Meaning.ME and following not in (Meaning.MOVE, Meaning.LEAVE):
            continue
        if sign.meaning is Meaning.SELF and following in _AFTER_SELF:
            continue
        if sign.meaning is Meaning.NO and sign.spelled.lower() == "no" and _numbered(kept[at + 1 : at + 3]):
            out.append(replace(sign, meaning=Meaning.NR))
            continue
        out.append(sign)
    while out and out[-1].meaning is Meaning.PAUSE:
        out.pop()
    return out


def _ends_a_weekday(before: Sequence[Sign]) -> bool:
    """Whether a weekday stands right before, or a comma behind one."""
    behind_comma = bool(before) and before[-1].spelled == ","
    said = before[:-1] if behind_comma else before
    return bool(said) and said[-1].meaning is Meaning.WEEKDAY


def _numbered(following: Sequence[Sign]) -> bool:
    after = [sign.meaning for sign in following if sign.spelled != "."]
    return after[:1] in ([Meaning.NUMBER], [Meaning.MIXED])


def _door(following: Sequence[Sign]) -> bool:
    """Whether a door's number follows; one of more digits is rather a code."""
    return any(
        sign.meaning is Meaning.MIXED or (sign.meaning is Meaning.NUMBER and sign.value <= _MOST_DOORS)
        for sign in following
    )


_DOORS = frozenset({"tur", "tuer", "top", "puerta", "porte"})
_MOST_DOORS = 99
_HOURS_OF_A_DAY = 24
_SPOTS = frozenset({Meaning.PLACE, Meaning.ENTRY})
_TO_A_SPOT = frozenset({"a", "au"})  # in Spanish and French
_QUIET = frozenset("()\"':=")
_TIMES = frozenset({Meaning.NUMBER, Meaning.CLOCK, Meaning.NOON, Meaning.MORNING})
_TELL_THE_TIME = frozenset(
    {
        Meaning.TODAY,
        Meaning.TOMORROW,
        Meaning.WEEKDAY,
        Meaning.CLOCK,
        Meaning.AFTER,
        Meaning.BEFORE,
        Meaning.AFTERNOON,
        Meaning.EVENING,
    }
)
_AFTER_SELF = frozenset(
    {Meaning.NOT, Meaning.AWAY, Meaning.HOME, Meaning.MOVED, Meaning.WAITING, Meaning.NOBODY, Meaning.SELF}
)
