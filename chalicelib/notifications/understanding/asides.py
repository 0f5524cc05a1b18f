"""What people tell beside what they want: who they are, and why they ask.

"Pop it in the greenhouse, the door slides to the left": nobody has to know what sliding is to know that it is
no second wish. A clause of unknown words is an aside only if nothing in it could turn what is said beside
it: no negation, condition, report of what others said, second wish or number. Beside what changes something
it has to open as statements do, too; beside what is only answered or passed on it may hold more.
Weak point: irony, and a retraction in words that no list of ours has.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise

from chalicelib.notifications.intents import (
    Cancel,
    Choose,
    GateCode,
    Help,
    Hours,
    Intent,
    Neighbour,
    NotHome,
    Reschedule,
    SafePlace,
    Scores,
    Stop,
    WhereIsIt,
    WrongAddress,
    WrongNumber,
)
from chalicelib.notifications.understanding.parts import Aside, Said
from chalicelib.notifications.understanding.signs import Manner, Meaning, Sign
from chalicelib.notifications.understanding.times import Wish, wish
from chalicelib.notifications.understanding.tokens import folded

_LONGEST_NAME = 3
_LONGEST_GREETING = 6  # signs, with "this is" and its like
# What an aside may hold; whatever asks, chooses, denies, doubts or names a number turns or adds to a wish.
_TELLABLE = frozenset(
    {
        Meaning.FILLER,
        Meaning.UNKNOWN,
        Meaning.AND,
        Meaning.GOOD,
        Meaning.BAD,
        Meaning.SELF,
        Meaning.ME,
        Meaning.THEY,
        Meaning.IT_IS,
        Meaning.HOME,
        Meaning.AWAY,
        Meaning.NOBODY,
        Meaning.BACK,
        Meaning.OK,
        Meaning.YES,
        Meaning.PLACE,
        Meaning.ENTRY,
        Meaning.NEAR,
        Meaning.IN,
        Meaning.AT,
        Meaning.TO,
        Meaning.FROM,
        Meaning.WITH,
        Meaning.UNTIL,
        Meaning.BEFORE,
        Meaning.AFTER,
        Meaning.ANYTIME,
        Meaning.PARCEL,
        Meaning.DRIVER,
        Meaning.WAITING,
        Meaning.TODAY,
        Meaning.TOMORROW,
        Meaning.OVERMORROW,
        Meaning.WEEKDAY,
        Meaning.WEEK,
        Meaning.CLOCK,
        Meaning.MORNING,
        Meaning.AFTERNOON,
        Meaning.EVENING,
        Meaning.NOON,
        Meaning.TAKES,
        Meaning.CLOSE,
        Meaning.BESIDE,
    }
)
# ... and what else it may hold beside what is only answered or passed on: facts, of now or of another time.
_LOOSELY_TELLABLE = _TELLABLE | {
    Meaning.REQUEST,
    Meaning.MOVE,
    Meaning.PICK,
    Meaning.NOT,
    Meaning.PAST,
    Meaning.NUMBER,
    Meaning.MIXED,
    Meaning.MONTH,
    Meaning.DATE,
    Meaning.HALF_PAST,
    Meaning.HALF_TO,
    Meaning.BETWEEN,
    Meaning.NR,
    Meaning.UNIT,
    Meaning.TITLE,
    Meaning.ADDRESS,
    Meaning.WRONG,
    Meaning.MOVED,
    Meaning.PHONE,
    Meaning.ARRIVE,
    Meaning.LATE,
    Meaning.NOTHING_YET,
    Meaning.NEWS,
}
_BEFORE_HOURS = (Meaning.AT, Meaning.UNTIL, Meaning.BEFORE)  # "at 5": a number that is a time
_MARKS = frozenset({Meaning.PAUSE, Meaning.ASKING, Meaning.THANKS})
# What is said right behind these belongs to them: "when I get home", "we moved the car".
_TAKE_MORE = frozenset(
    {
        Meaning.WHERE,
        Meaning.WHEN,
        Meaning.HOWLONG,
        Meaning.ASKS,
        Meaning.PHONE,
        Meaning.MOVED,
        Meaning.REQUEST,
        Meaning.MOVE,
        Meaning.PICK,
        Meaning.LEAVE,
    }
)
_RESUMES = frozenset({Meaning.PAUSE, Meaning.THANKS, Meaning.REQUEST})


def unsigned(every: Sequence[Sign], manner: Manner, *, capitals: bool) -> list[Sign]:
    """Leave out the names people begin and end with: "Hi its Dawn.", "Thank you, Ivor"."""
    signs = list(every)
    while signs and signs[-1].meaning is Meaning.PAUSE:
        signs.pop()
    at = len(signs)
    while at and (_is_name(signs[at - 1], manner) or signs[at - 1].spelled == "."):
        at -= 1
    named = [sign for sign in signs[at:] if sign.meaning is not Meaning.PAUSE]
    if (
        1 <= len(named) <= _LONGEST_NAME
        and at < len(signs)
        and _may_sign(signs, at, manner, capitals=capitals)
    ):
        signs = signs[:at]
    return _unintroduced(signs, manner)


def _may_sign(signs: Sequence[Sign], at: int, manner: Manner, *, capitals: bool) -> bool:
    """Whether a name may follow: a greeting or thanks before it, or a line or sentence that ends."""
    before = [sign for sign in signs[:at] if sign.meaning is not Meaning.PAUSE or sign.spelled == "\n"]
    if not before:
        return False
    last = before[-1]
    if last.meaning is Meaning.THANKS or folded(last.spelled) in manner.closings:
        return True
    if folded(last.spelled) in manner.polite and not capitals and signs[at - 1].spelled == ",":
        return True  # "in the shed please, Hilary"
    between = {sign.spelled for sign in signs[at - _pauses(signs[:at]) : at]}
    starts_sentence = signs[at].spelled == "." or bool(between & {".", "!", "\n"})
    return starts_sentence and (not capitals or "\n" in between)


def _pauses(signs: Sequence[Sign]) -> int:
    count = 0
    while count < len(signs) and signs[-1 - count].meaning is Meaning.PAUSE:
        count += 1
    return count


def _is_name(sign: Sign, manner: Manner) -> bool:
    if sign.meaning is Meaning.TITLE:
        return True
    return (
        sign.meaning is Meaning.UNKNOWN
        and sign.spelled[:1].isupper()
        and sign.spelled.isalpha()
        and folded(sign.spelled) not in manner.turns
    )


def _unintroduced(signs: Sequence[Sign], manner: Manner) -> list[Sign]:
    """Leave out who writes, where a text begins with that; a greeting may stand before it."""
    for at, sign in enumerate(signs[:_LONGEST_GREETING]):
        if folded(sign.spelled) not in manner.introducing:
            if sign.meaning in (Meaning.FILLER, Meaning.PAUSE):
                continue
            break
        end = at + 1
        while end < len(signs) and end - at <= _LONGEST_NAME and _is_name(signs[end], manner):
            end += 1
        if end > at + 1 and (end == len(signs) or signs[end].meaning is Meaning.PAUSE):
            return list(signs[end:])
    return list(signs)


def asides(
    every: Sequence[Sign], kept: Sequence[Sign], manner: Manner, *, loosely: bool = False
) -> Mapping[int, tuple[int, Aside]]:
    """Give where an aside may begin, and for each where it ends.

    Parameters
    ----------
    every
        All signs, fillers included.
    kept
        Those that phrases are made of; positions count in these.
    loosely
        Give also what may only stand beside an intent that changes nothing at once.
    """
    before = list(_before_each(every, kept))
    ends = [at for at in range(1, len(kept) + 1) if _ends(at, kept, before, manner)]
    found = dict[int, tuple[int, Aside]]()
    for at in range(len(kept)):
        opening = _opening(at, kept, before, manner.opens if loosely else manner.subjects, manner)
        needs = loosely and kept[at].meaning is Meaning.REQUEST and _first_word(kept[at]) in manner.opens
        if opening is None or (kept[at].meaning in _RESUMES and not needs):
            continue
        end = next((end for end in ends if end > at), None)
        if end is None:
            continue
        words = list(opening)
        for each in range(at, end):
            words += (*(before[each] if each > at else ()), kept[each])
        if _turns_nothing(words, _TELLABLE, manner.turns):
            stated = not loosely and _stated(words, manner)
            found[at] = end, Aside(signs=tuple(words), stated=stated)
        elif loosely and _turns_nothing(words, _LOOSELY_TELLABLE, manner.undoes):
            found[at] = end, Aside(signs=tuple(words), stated=False)
    return found


def beside(aside: Aside, intents: Collection[Intent], wishes: Sequence[Wish], said: Said) -> bool:
    """Whether what is told leaves what is wanted as it is.

    Parameters
    ----------
    intents
        What is wanted, as it was read without the aside.
    wishes
        The times in it.
    """
    if not intents or not all(isinstance(intent, _MAY_BE_EXPLAINED) for intent in intents):
        return False
    if not aside.stated and not all(isinstance(intent, _ONLY_ANSWERED) for intent in intents):
        return False
    if any(isinstance(intent, Choose) for intent in intents) and aside.has(*_TIMES, *_SUITS):
        return False  # it may be why it is another
    if aside.has(Meaning.NUMBER) and any(isinstance(intent, _NUMBERED) for intent in intents):
        return False  # which of the two numbers?
    if any(isinstance(intent, Cancel | NotHome) for intent in intents) and aside.counts:
        return False
    if all(isinstance(intent, WhereIsIt) for intent in intents):
        return not (aside.has(*_NEEDS) and aside.has(*_TIMES, *_OF_THE_ORDER))
    if aside.has(*_NEEDS):
        return False
    times = [sign for sign in aside.signs if sign.meaning in _TIMES]
    hours = [sign for sign in aside.signs if sign.meaning in _TIMES or sign.meaning in _NUMBERS]
    if aside.has(Meaning.BAD) and not any(sign.meaning in _NAMED_TIMES for sign in times):
        return False  # what does not suit?
    if aside.has(Meaning.NOBODY) or (aside.has(Meaning.AWAY) and aside.has(Meaning.THEY)):
        return False  # the neighbour is not there?
    if any(isinstance(intent, NotHome) for intent in intents) and aside.has(*_SOMEBODY_THERE):
        return False
    if any(isinstance(intent, Reschedule) for intent in intents):
        if not (said.polite or all(asked.asked_for for asked in wishes)):
            return False
        if aside.has(Meaning.GOOD):
            return False
        if aside.has(Meaning.HOME, Meaning.BACK) and aside.has(*_ONESELF):
            return aside.has(Meaning.BACK) and _back_before(hours, wishes, said)
        return not hours or not _meet(hours, wishes, said)
    return not any(sign.meaning in _OTHER_DAYS for sign in times)


def _meet(times: Sequence[Sign], wishes: Sequence[Wish], said: Said) -> bool:
    """Whether a time that is told touches the one that is wished; then it may be part of the wish."""
    if not any(sign.meaning in _NAMED_TIMES for sign in times):
        return False  # "before that"
    told = wish([sign for sign in times if sign.meaning is not Meaning.ANYTIME], said.wall, said.afternoon)
    if not told.one_hour or any(sign.meaning is Meaning.ANYTIME for sign in times):
        return True
    return any(_touch(told, asked, said) for asked in wishes)


def _back_before(times: Sequence[Sign], wishes: Sequence[Wish], said: Said) -> bool:
    """Whether somebody is told to be back at a time, and it is wished for later: "I finish at 5"."""
    if any(sign.meaning in _BOUNDS for sign in times):
        return False
    back = wish(times, said.wall, said.afternoon)
    if not back.one_hour or back.hours is None or back.hours.start != back.hours.end:
        return False
    until_then = Wish(day=back.day, hours=Hours(end=back.hours.start))
    return not any(_touch(until_then, asked, said) for asked in wishes)


def _touch(told: Wish, asked: Wish, said: Said) -> bool:
    if told.day is not None and told.day != (asked.day or said.wall.promised):
        return False
    first, second = told.hours, asked.hours
    if first is None or second is None:
        return True
    return (first.start is None or second.end is None or first.start < second.end) and (
        first.end is None or second.start is None or first.end > second.start
    )


_MAY_BE_EXPLAINED = (
    Choose,
    Reschedule,
    SafePlace,
    Neighbour,
    GateCode,
    NotHome,
    WhereIsIt,
    WrongAddress,
    WrongNumber,
    Cancel,
    Stop,
    Help,
    Scores,
)
# Nothing changes at once by these: they are answered, asked about or passed on.
_ONLY_ANSWERED = (NotHome, WhereIsIt, WrongAddress, WrongNumber, Cancel, Help)
_NEEDS = (Meaning.REQUEST, Meaning.MOVE, Meaning.PICK)  # "need to move the car"
_OF_THE_ORDER = (Meaning.PARCEL, Meaning.ADDRESS, Meaning.PHONE)
_NUMBERED = (Choose, Neighbour, GateCode, Scores)
_SUITS = (Meaning.GOOD, Meaning.BAD)
_ONESELF = (Meaning.SELF, Meaning.ME)
_TIMES = frozenset(
    {
        Meaning.TODAY,
        Meaning.TOMORROW,
        Meaning.OVERMORROW,
        Meaning.WEEKDAY,
        Meaning.CLOCK,
        Meaning.MORNING,
        Meaning.AFTERNOON,
        Meaning.EVENING,
        Meaning.NOON,
        Meaning.AFTER,
        Meaning.BEFORE,
        Meaning.UNTIL,
        Meaning.FROM,
        Meaning.ANYTIME,
        Meaning.WEEK,
    }
)
_BOUNDS = frozenset({Meaning.AFTER, Meaning.BEFORE, Meaning.UNTIL, Meaning.FROM})
_NAMED_TIMES = (_TIMES - _BOUNDS) | {Meaning.NUMBER}
_NUMBERS = frozenset({Meaning.AT, Meaning.NUMBER})
_SOMEBODY_THERE = (
    Meaning.HOME,
    Meaning.THEY,
    Meaning.PLACE,
    Meaning.NEAR,
    Meaning.TAKES,
    Meaning.ENTRY,
    Meaning.BACK,
)
_OTHER_DAYS = frozenset({Meaning.TOMORROW, Meaning.OVERMORROW, Meaning.WEEKDAY, Meaning.WEEK})


def _before_each(every: Sequence[Sign], kept: Sequence[Sign]) -> Iterator[Sequence[Sign]]:
    """Give the signs that were left out right before each one that was kept."""
    at = 0
    for sign in kept:
        skipped = list[Sign]()
        while at < len(every) and every[at].start < sign.start:
            if not (every[at].meaning is Meaning.PAUSE or every[at].end > sign.start):
                skipped.append(every[at])
            at += 1
        at += 1
        yield skipped


def _opening(
    at: int,
    kept: Sequence[Sign],
    before: Sequence[Sequence[Sign]],
    opens: Collection[str],
    manner: Manner,
) -> Sequence[Sign] | None:
    """Give the words an aside begins with before its first kept sign; None if none can begin here."""
    left_out = before[at]
    for nth in range(len(left_out) - 1, -1, -1):
        if folded(left_out[nth].spelled) in manner.polite:
            return left_out[nth + 1 :]
    if at == 0 or kept[at - 1].meaning in _MARKS:
        return left_out
    if kept[at - 1].meaning in _TAKE_MORE:
        return None
    if kept[at - 1].meaning in _NAMED_TIMES and (at == 1 or kept[at - 2].meaning in _MARKS):
        return None  # "today I work": the time is told, too
    for nth, sign in enumerate((*left_out, kept[at])):
        if _first_word(sign) in opens:
            return left_out[nth:]
    return None


def _ends(at: int, kept: Sequence[Sign], before: Sequence[Sequence[Sign]], manner: Manner) -> bool:
    if at == len(kept) or kept[at].meaning in _RESUMES:
        return True
    return any(folded(sign.spelled) in manner.polite | manner.therefore for sign in before[at])


def _stated(words: Sequence[Sign], manner: Manner) -> bool:
    """Whether it opens as a statement does, and not as an order."""
    spelled = [word for sign in words for word in folded(sign.spelled).split()]
    first = _first_word(words[0])
    return first in manner.subjects or first in manner.tells or bool(set(spelled[1:4]) & manner.copulas)


def _turns_nothing(words: Sequence[Sign], tellable: Collection[Meaning], turns: Collection[str]) -> bool:
    hours = {second.start for first, second in pairwise(words) if first.meaning in _BEFORE_HOURS}
    return all(
        sign.meaning in tellable or sign.repaired or (sign.meaning is Meaning.NUMBER and sign.start in hours)
        for sign in words
    ) and not any(word in turns for sign in words for word in _loose(sign))


def _loose(sign: Sign) -> Sequence[str]:
    """Words of a sign that mean nothing in particular to the grammar, and may therefore mean anything."""
    vague = sign.repaired or sign.meaning in (Meaning.FILLER, Meaning.UNKNOWN, Meaning.PLACE, Meaning.GOOD)
    return folded(sign.spelled).split() if vague else ()


def _first_word(sign: Sign) -> str:
    return folded(sign.spelled).split(" ")[0].replace("'", "")
