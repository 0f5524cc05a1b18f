"""A text is understood only if phrases cover it.

Every sign but fillers and pauses has to be part of a phrase or of an aside; the shortest asides win, then the
fewest phrases. So a negation, a condition or an unknown word near a wish takes its certainty away.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from chalicelib.notifications.intents import Intent, NotHome, Stop, WhereIsIt, WrongAddress, WrongNumber
from chalicelib.notifications.understanding.grammar import GRAMMAR, LETTER, pattern
from chalicelib.notifications.understanding.parts import Aside, Part, Said
from chalicelib.notifications.understanding.signs import Meaning
from chalicelib.notifications.understanding.tokens import folded

type Phrases = Sequence[Sequence[tuple[int, Part]]]
"""For every position the phrases that begin there: where each ends, and what it is."""


def phrases(said: Said) -> Phrases:
    """Read every phrase of a text. O(patterns x signs)."""
    written = "".join(LETTER[sign.meaning] for sign in said.signs)
    return [list(_phrases(said, written, at)) for at in range(len(written))]


def covering(
    said: Said, read: Phrases, asides: Mapping[int, tuple[int, Aside]] = MappingProxyType({})
) -> tuple[Part, ...] | None:
    """Read a whole text as phrases, as few as possible; None if something stays unread.

    Parameters
    ----------
    read
        Its `phrases`.
    asides
        What may be told at a position, after where it ends; as little as possible is read so.
    """
    best: list[tuple[Part, ...] | None] = [None] * len(read) + [()]
    for at in range(len(read) - 1, -1, -1):
        meaning = said.signs[at].meaning
        if meaning in (Meaning.PAUSE, Meaning.AND):
            best[at] = best[at + 1]
        told = [asides[at]] if at in asides else []
        for end, part in (*read[at], *told):
            rest = best[end]
            found = best[at]
            if rest is not None and (found is None or _cost((part, *rest)) < _cost(found)):
                best[at] = (part, *rest)
    return best[0]


def _cost(parts: Sequence[Part]) -> tuple[int, int]:
    return sum(len(part.signs) for part in parts if isinstance(part, Aside)), len(parts)


def _phrases(said: Said, written: str, at: int) -> Iterator[tuple[int, Part]]:
    for phrase, reader in GRAMMAR:
        found = pattern(phrase).match(written, at)
        if found is None or found.end() == at:
            continue
        part = reader(replace(said, signs=said.signs[at : found.end()]))
        if part is not None:
            yield found.end(), part


def _turned(said: Said) -> bool:
    """Whether a word that nobody reads may take back, report or add to the rest."""
    return any(
        word in said.manner.undoes
        for sign in said.signs
        if sign.meaning is Meaning.UNKNOWN
        for word in folded(sign.spelled).split()
    )


def glimpsed(said: Said) -> Intent | None:
    """Find one harmless intent in a text of which not every word was read."""
    written = "".join(LETTER[sign.meaning] for sign in said.signs)
    found = dict[Intent, None]()
    asking = bool(said.those(Meaning.ASKING))
    for phrase, intent, harmless in _TOLERANT:
        if asking and not isinstance(intent, WhereIsIt):
            continue
        match = pattern(phrase).search(written)
        if match is not None:
            rest = (*said.signs[: match.start()], *said.signs[match.end() :])
            if all(sign.meaning in harmless for sign in rest) and not _turned(said):
                found[intent] = None
    return next(iter(found)) if len(found) == 1 else None


# What cannot be part of another wish.
_HARMLESS = frozenset(
    {
        Meaning.UNKNOWN,
        Meaning.PAUSE,
        Meaning.ASKING,
        Meaning.PARCEL,
        Meaning.DRIVER,
        Meaning.THANKS,
        Meaning.OK,
        Meaning.CLOCK,
        Meaning.TODAY,
        Meaning.LATE,
        Meaning.SELF,
        Meaning.ASKS,
        Meaning.AND,
        Meaning.STOP,
        Meaning.TEXTS,
        Meaning.WHERE,
        Meaning.ARRIVE,
        Meaning.WAITING,
    }
)
_BESIDE_ADDRESSES = _HARMLESS | {
    Meaning.ADDRESS,
    Meaning.MOVED,
    Meaning.WRONG,
    Meaning.NUMBER,
    Meaning.MIXED,
    Meaning.SUFFIX,
    Meaning.UNIT,
    Meaning.IN,
    Meaning.AT,
    Meaning.FROM,
    Meaning.PLACE,
    Meaning.MONTH,
    Meaning.NEXT,
    Meaning.LAST,
    Meaning.WEEK,
    Meaning.ME,
    Meaning.IT_IS,
}
_BESIDE_ABSENCE = _HARMLESS - {Meaning.ASKING, Meaning.OK, Meaning.STOP} | {
    Meaning.AWAY,
    Meaning.NOBODY,
    Meaning.THEY,
}

# Read even where words around them are not, if those are harmless: what they lead to changes nothing.
_TOLERANT: Sequence[tuple[str, Intent, Collection[Meaning]]] = (
    ("STOP TEXTS|NO_TEXTS|NO_MORE TEXTS", Stop(), _HARMLESS - {Meaning.ASKS}),
    (
        "WHERE(?:PARCEL|DRIVER)|(?<!.)WHEN(?:UNKNOWN|MOVE|HOME|told)*ASKING(?!.)|WAITING PARCEL|NOTHING_YET",
        WhereIsIt(),
        _HARMLESS,
    ),
    (
        "WRONG ADDRESS|ADDRESS WRONG(?!UNKNOWN)|NOT ADDRESS|MOVED(?:IN|FROM)*MONTH|MOVED.*ADDRESS"
        "|ADDRESS.*MOVED|MOVED(?=PAUSE*(?:IN|FROM|UNKNOWN))",
        WrongAddress(),
        _BESIDE_ADDRESSES,
    ),
    ("PHONE", WrongNumber(), _HARMLESS | {Meaning.PHONE}),
    ("NOBODY HOME|SELF AWAY", NotHome(), _BESIDE_ABSENCE),
)
