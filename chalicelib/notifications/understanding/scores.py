"""How somebody found goods and delivery, read from what they write when they are asked: each from 0 to 10.

Two numbers are goods and delivery, in the order in which they are asked for; with what they are about beside
them they may stand in any. Weak point: a number in a remark makes it a question again.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from chalicelib.notifications.intents import Scores
from chalicelib.notifications.understanding.parts import Aside, Said
from chalicelib.notifications.understanding.signs import Manner, Meaning, Sign
from chalicelib.notifications.understanding.tokens import folded

_HIGHEST_SCORE = 10
_DECIMAL = re.compile(r"\d[.,]\d")
_DELIVERY, _PRODUCT = 1, 2  # as the words for them are numbered
_PRAISE = frozenset({Meaning.OK, Meaning.GOOD, Meaning.THANKS, Meaning.DRIVER, Meaning.PARCEL})
_REMARKS = frozenset(
    {
        Meaning.UNKNOWN,
        Meaning.GOOD,
        Meaning.LATE,
        Meaning.DRIVER,
        Meaning.THEY,
        Meaning.ME,
        Meaning.PLACE,
        Meaning.ENTRY,
        Meaning.NEAR,
        Meaning.IN,
    }
)
_BESIDE_SCORES = frozenset({Meaning.PAUSE, Meaning.AND, Meaning.THANKS, Meaning.OK})


def scores(said: Said, told: Mapping[int, tuple[int, Aside]]) -> Scores | None:
    """Read two numbers, or numbers beside what they are about; what is told or praised behind is left out.

    Parameters
    ----------
    told
        Its `asides`.
    """
    if _DECIMAL.search(said.text):
        return None  # "8,5" is one score, and none we asked for
    signs = [each for sign in said.signs for each in _slashed(sign)]
    for at, (end, aside) in told.items():
        if (
            aside.stated
            and not aside.has(Meaning.BAD)
            and at
            and end == len(signs)
            and signs[at - 1].meaning is Meaning.PAUSE
        ):
            signs = signs[:at]
    left = [sign for sign in _unpraised(signs) if sign.meaning not in _BESIDE_SCORES]
    if sorted(sign.meaning for sign in left) == [Meaning.BOTH, Meaning.NUMBER]:
        left = 2 * [sign for sign in left if sign.meaning is Meaning.NUMBER]
    labelled = _labels(left)
    numbers = [sign for sign in left if sign.meaning is Meaning.NUMBER]
    if not all(number.value <= _HIGHEST_SCORE for number in numbers):
        return None
    if not labelled and len(numbers) == len(left) == 2:
        if folded(said.text[numbers[0].end : numbers[1].start].strip()) == "de":
            return None  # "8 de 10" is one of ten
        return Scores(product=numbers[0].value, delivery=numbers[1].value)
    if len(labelled) != len(numbers) or not 1 <= len(numbers) <= 2:
        return None
    by_label = {
        _label(label) or _PRODUCT: number.value for label, number in zip(labelled, numbers, strict=True)
    }
    rest = [sign for sign in left if sign not in labelled and sign not in numbers]
    if len(by_label) != len(numbers) or _mixed_up(labelled + numbers):
        return None
    if rest and not (len(by_label) == 2 and _side_by_side(signs) and _remarked(rest, said.manner)):
        return None
    return Scores(product=by_label.get(_PRODUCT), delivery=by_label.get(_DELIVERY))


def _label(sign: Sign) -> int | None:
    """Say what a score beside it is about."""
    if sign.meaning is Meaning.DRIVER:
        return _DELIVERY
    return sign.value or None if sign.meaning is Meaning.PARCEL else None


def _labels(signs: Sequence[Sign]) -> list[Sign]:
    """Find what scores are about: also the driver, and the goods by their own name beside the delivery."""
    labels = [sign for sign in signs if sign.meaning is Meaning.PARCEL and sign.value]
    if not any(label.value == _DELIVERY for label in labels):
        labels += [sign for sign in signs if sign.meaning is Meaning.DRIVER]
    named = [sign for sign in signs if sign.meaning in (Meaning.UNKNOWN, Meaning.PLACE)]
    if [_label(label) for label in labels] == [_DELIVERY] and len(named) == 1:
        labels += named
    return sorted(labels, key=lambda label: label.start)


def _slashed(sign: Sign) -> Sequence[Sign]:
    """Read "9/10" as the score it is and "8/9" as two; "4/5" and "6/6" may be either."""
    if sign.meaning is not Meaning.DATE or sign.spelled.count("/") != 1:
        return [sign]
    second, first = divmod(sign.value, 100)
    if second == _HIGHEST_SCORE:
        return [replace(sign, meaning=Meaning.NUMBER, value=first)]
    if first == second or (first < second and second == _HIGHEST_SCORE / 2):
        return [sign]
    return [replace(sign, meaning=Meaning.NUMBER, value=value) for value in (first, second)]


def _unpraised(signs: Sequence[Sign]) -> Sequence[Sign]:
    """Leave out the praise at the end: "10 10, lovely driver", "8 10 great service"."""
    at = len(signs)
    while at and signs[at - 1].meaning in _PRAISE:
        at -= 1
    parted = at and signs[at - 1].meaning is Meaning.PAUSE
    praised = at < len(signs) and signs[at].meaning in (Meaning.OK, Meaning.GOOD)
    return signs[:at] if parted or praised else signs


def _side_by_side(signs: Sequence[Sign]) -> bool:
    """Whether each number stands right beside its label, so that a remark cannot part them."""
    kinds = [sign.meaning for sign in signs if sign.meaning in (Meaning.NUMBER, Meaning.PARCEL)]
    pairs = [(first.meaning, second.meaning) for first, second in pairwise(signs)]
    return pairs.count((kinds[0], kinds[1])) >= len(kinds) // 2


def _remarked(rest: Sequence[Sign], manner: Manner) -> bool:
    """Whether all that is said beside two labelled scores is how it was."""
    return all(
        sign.meaning in _REMARKS and not manner.turns & set(folded(sign.spelled).split()) for sign in rest
    )


def _mixed_up(labelled: Sequence[Sign]) -> bool:
    """Whether labels and numbers do not alternate."""
    in_order = sorted(labelled, key=lambda sign: sign.start)
    numbers = [sign.meaning is Meaning.NUMBER for sign in in_order]
    return any(first is second for first, second in pairwise(numbers))
