"""What a phrase may turn out to be, and what it is read from."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from chalicelib.notifications.intents import Intent, Situation
from chalicelib.notifications.understanding.signs import Manner, Meaning, Sign
from chalicelib.notifications.understanding.times import Wall, Wish


class Nod(StrEnum):
    """What says something only together with the rest."""

    THANKS = "thanks"
    OK = "ok"
    YES = "yes"
    NO = "no"
    NONE = "none"  # none of them, not today
    BUT = "but"
    PRESENT = "present"  # somebody will be there
    ANOTHER_TIME = "another_time"  # something is said of a time that was never promised
    OTHERWISE = "otherwise"  # another time, nobody says which


@dataclass(frozen=True, slots=True)
class Mention:
    """A place that is named, and nobody says to leave anything there."""

    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """Something that is told and asks for nothing; not all of its words are known.

    Attributes
    ----------
    signs
        All of it, fillers included; at least one.
    stated
        It opens as statements do; otherwise it is only certain that it is none of our wishes.
    """

    signs: tuple[Sign, ...]
    stated: bool

    def has(self, *meanings: Meaning) -> bool:
        """Whether any sign of these meanings is in it."""
        return any(sign.meaning in meanings for sign in self.signs)

    @property
    def counts(self) -> bool:
        """Whether a number in it is no time and no article: "the 2 of them"."""
        numbers = (sign for sign in self.signs if sign.meaning in (Meaning.NUMBER, Meaning.MIXED))
        timed = {second.start for first, second in pairwise(self.signs) if first.meaning is Meaning.AT}
        return any(
            sign.start not in timed and not (sign.value == 1 and sign.spelled.isalpha()) for sign in numbers
        )


type Part = Intent | Wish | Nod | Mention | Aside


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A phrase's signs and all that is needed to read them.

    Attributes
    ----------
    text
        The cleaned text, to take a buyer's own words from.
    """

    signs: Sequence[Sign]
    text: str
    situation: Situation
    wall: Wall
    manner: Manner
    capitals: bool
    polite: bool
    afternoon: tuple[int, int]

    def those(self, *meanings: Meaning) -> list[Sign]:
        """Signs of these meanings."""
        return [sign for sign in self.signs if sign.meaning in meanings]
