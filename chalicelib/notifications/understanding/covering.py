"""A text is understood only if phrases cover it.

Every sign but fillers and pauses has to be part of a phrase, and the fewest phrases win. So a negation, a
condition or an unknown word near a wish takes its certainty away.
"""

from collections.abc import Iterator
from dataclasses import replace

from chalicelib.notifications.intents import Intent, WhereIsIt
from chalicelib.notifications.understanding.grammar import GRAMMAR, HARMLESS, LETTER, TOLERANT, pattern
from chalicelib.notifications.understanding.parts import Part, Said
from chalicelib.notifications.understanding.signs import Meaning


def covering(said: Said) -> tuple[Part, ...] | None:
    """Read a whole text as phrases, as few as possible; None if something stays unread.

    O(patterns x signs).
    """
    written = "".join(LETTER[sign.meaning] for sign in said.signs)
    best: list[tuple[Part, ...] | None] = [None] * len(written) + [()]
    for at in range(len(written) - 1, -1, -1):
        meaning = said.signs[at].meaning
        if meaning in (Meaning.PAUSE, Meaning.AND):
            best[at] = best[at + 1]
        for part, end in _phrases(said, written, at):
            rest = best[end]
            found = best[at]
            if rest is not None and (found is None or len(rest) + 1 < len(found)):
                best[at] = (part, *rest)
    return best[0]


def _phrases(said: Said, written: str, at: int) -> Iterator[tuple[Part, int]]:
    for phrase, reader in GRAMMAR:
        found = pattern(phrase).match(written, at)
        if found is None or found.end() == at:
            continue
        part = reader(replace(said, signs=said.signs[at : found.end()]))
        if part is not None:
            yield part, found.end()


def glimpsed(said: Said) -> Intent | None:
    """Find one harmless intent in a text of which not every word was read."""
    written = "".join(LETTER[sign.meaning] for sign in said.signs)
    found = dict[Intent, None]()
    asking = bool(said.those(Meaning.ASKING))
    for phrase, intent in TOLERANT:
        if asking and not isinstance(intent, WhereIsIt):
            continue
        match = pattern(phrase).search(written)
        if match is not None:
            rest = (*said.signs[: match.start()], *said.signs[match.end() :])
            if all(sign.meaning in HARMLESS for sign in rest):
                found[intent] = None
    return next(iter(found)) if len(found) == 1 else None
