"""Who comes to the shop, when, and what they want: a day of demand from a seed.

Each shopper is drawn from the seed and the shopper's own number, so that ten more shoppers change nothing for
those before. Wishes peak in the morning and in the evening. Weak point: shares and peaks are assumptions, not
measured in any shop.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from random import Random

from chalicelib.routing.model import Load, Location
from infra.demo.porto import SLOT_HOURS, doors

OPEN_HOURS = range(8, 22)  # of the shop, local time

# How many shoppers come in each hour, and how many would like which slot best, as shares.
_COMES = {8: 4, 9: 6, 10: 7, 11: 7, 12: 9, 13: 8, 14: 6, 15: 6, 16: 6, 17: 7, 18: 8, 19: 9, 20: 10, 21: 7}
_LIKES = {8: 17, 10: 13, 12: 8, 14: 8, 16: 13, 18: 27, 20: 14}
_DAYS_AHEAD = {1: 70, 2: 19, 3: 11}
_PARCELS = {1: 40, 2: 28, 3: 16, 4: 9, 6: 5, 12: 2}

_FIRST_NAMES = (
    "Ana",
    "Rui",
    "Inês",
    "Tiago",
    "Marta",
    "João",
    "Sofia",
    "Pedro",
    "Clara",
    "Nuno",
    "Rita",
    "Luís",
)
_LAST_NAMES = (
    "Silva",
    "Santos",
    "Ferreira",
    "Costa",
    "Oliveira",
    "Sousa",
    "Almeida",
    "Ramos",
    "Lopes",
    "Pinto",
)
_FICTIONAL_NUMBERS = range(100, 200)  # +1 202 555 01xx, kept free for fiction


class Patience(Enum):
    """What a shopper does with a slot that is held."""

    PAYS = "pays"
    DAWDLES = "dawdles"  # asks for more time, then pays
    SWAPS = "swaps"  # finds another slot better before paying
    LEAVES = "leaves"  # gives the slot back
    VANISHES = "vanishes"  # closes the browser; the hold runs out


class SecondThought(Enum):
    """What a buyer changes after paying."""

    GATE_CODE = "gate_code"
    SAFE_PLACE = "safe_place"
    NEIGHBOUR = "neighbour"
    SLOT = "slot"
    CANCEL = "cancel"


_PATIENCE = {
    Patience.PAYS: 76,
    Patience.DAWDLES: 4,
    Patience.SWAPS: 8,
    Patience.LEAVES: 5,
    Patience.VANISHES: 7,
}
_SECOND_THOUGHTS: Mapping[SecondThought | None, int] = {
    None: 76,
    SecondThought.GATE_CODE: 8,
    SecondThought.SAFE_PLACE: 5,
    SecondThought.NEIGHBOUR: 3,
    SecondThought.SLOT: 5,
    SecondThought.CANCEL: 3,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A slot somebody would take: so many days ahead, starting at that local hour."""

    days_ahead: int
    hour: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shopper:
    """One shopper.

    Attributes
    ----------
    comes_at
        Local hour.
    wishes
        Best first; what is not among them is not taken.
    phone
        None for a shopper who wants no texts.
    """

    number: int
    comes_at: int
    door: Location
    load: Load
    skills: tuple[str, ...]
    wishes: Sequence[Wish]
    patience: Patience
    second_thought: SecondThought | None
    name: str
    phone: str | None

    @property
    def first_day(self) -> int:
        """Days ahead of the earliest wish."""
        return min(wish.days_ahead for wish in self.wishes)

    @property
    def days(self) -> int:
        """How many days the wishes span."""
        return max(wish.days_ahead for wish in self.wishes) - self.first_day + 1


def demand(*, seed: int, count: int) -> Sequence[Shopper]:
    """Draw the shoppers of a day, in the order in which they come."""
    shoppers = [_shopper(number, Random(f"{seed}/{number}")) for number in range(1, count + 1)]
    return sorted(shoppers, key=lambda shopper: (shopper.comes_at, shopper.number))


def _shopper(number: int, chance: Random) -> Shopper:
    parcels = _one_of(_PARCELS, chance)
    return Shopper(
        number=number,
        comes_at=_one_of(_COMES, chance),
        door=chance.choice(doors()),
        load=Load(
            parcels=parcels,
            grams=sum(chance.randrange(1500, 9500) for _ in range(parcels)),
            millilitres=sum(chance.randrange(8_000, 60_000) for _ in range(parcels)),
        ),
        skills=("cold",) if chance.random() < 0.15 else (),
        wishes=_wishes(chance),
        patience=_one_of(_PATIENCE, chance),
        second_thought=_one_of(_SECOND_THOUGHTS, chance),
        name=f"{chance.choice(_FIRST_NAMES)} {chance.choice(_LAST_NAMES)}",
        phone=f"+12025550{chance.choice(_FICTIONAL_NUMBERS)}" if chance.random() < 0.9 else None,
    )


def _wishes(chance: Random) -> Sequence[Wish]:
    """Draw a favourite; then what is near it in the day, then the same on another day."""
    day, hour = _one_of(_DAYS_AHEAD, chance), _one_of(_LIKES, chance)
    near = sorted(SLOT_HOURS, key=lambda other: (abs(other - hour), chance.random()))
    flexible = chance.choice((1, 1, 2, 2, 3, 4))
    wishes = [Wish(days_ahead=day, hour=other) for other in near[:flexible]]
    if chance.random() < 0.4:
        other_day = day + 1 if day < max(_DAYS_AHEAD) else day - 1
        wishes += [Wish(days_ahead=other_day, hour=other) for other in near[: chance.choice((1, 2))]]
    return wishes


def _one_of[T](shares: Mapping[T, int], chance: Random) -> T:
    return chance.choices(list(shares), weights=list(shares.values()))[0]
