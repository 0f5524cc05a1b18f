"""What a phrase may turn out to be, and what it is read from."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from chalicelib.notifications.intents import Intent, Situation
from chalicelib.notifications.understanding.signs import Meaning, Sign
from chalicelib.notifications.understanding.times import Wall, Wish


class Nod(StrEnum):
    """What says something only together with the rest."""

    THANKS = "thanks"
    OK = "ok"
    YES = "yes"
    NO = "no"
    NONE = "none"  # none of them, not today
    BUT = "but"
    ANOTHER_TIME = "another_time"  # something is said of a time that was never promised
    OTHERWISE = "otherwise"  # another time, nobody says which


@dataclass(frozen=True, slots=True)
class Mention:
    """A place that is named, and nobody says to leave anything there."""

    where: str


type Part = Intent | Wish | Nod | Mention


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
    afternoon: tuple[int, int]

    def those(self, *meanings: Meaning) -> list[Sign]:
        """Signs of these meanings."""
        return [sign for sign in self.signs if sign.meaning in meanings]
