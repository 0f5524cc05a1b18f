"""The languages buyers write in, read from the lists in `words`.

A list is words and nothing else, so that somebody who speaks the language can mend it. Weak point: a word
that is in no list is unknown, and what is not known is asked about.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from chalicelib.notifications.understanding.signs import Lexicon, Manner

_WORDS = Path(__file__).parent / "words"
_SECTION = re.compile(r"^\[(?:(accented|of) )?(.+)\]\n", re.MULTILINE)


@cache
def lexicons() -> tuple[Lexicon, ...]:
    """Arrange the words of every language, once.

    Cost
    ----
    About 30 ms of CPU.
    """
    return (
        _lexicon("en", apostrophe="", afternoon=(12, 18)),
        _lexicon("es", apostrophe="", afternoon=(12, 20)),  # la tarde is longer
        _lexicon("de", apostrophe="", afternoon=(12, 18), capitals=True),
        _lexicon("fr", apostrophe=" ", afternoon=(12, 18)),
    )


def _lexicon(
    language: str, *, apostrophe: str, afternoon: tuple[int, int], capitals: bool = False
) -> Lexicon:
    written = (_WORDS / f"{language}.txt").read_text(encoding="utf-8")
    _, *parts = _SECTION.split(written)
    sections = [*zip(parts[0::3], parts[1::3], parts[2::3], strict=True)]

    def those(of_kind: str | None) -> Mapping[str, str]:
        return {name: listed for kind, name, listed in sections if kind == of_kind}

    return Lexicon.of(
        language,
        those(None),
        accented=those("accented"),
        apostrophe=apostrophe,
        afternoon=afternoon,
        manner=Manner.of(**those("of")),
        capitals=capitals,
    )
