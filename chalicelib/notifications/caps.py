"""How many texts may go to one number, its neighbours, one country, and out for one merchant, in a day.

SMS pumping is a script that makes orders to numbers whose owner earns by each text. It needs many texts to
one range of numbers; people do not live there by the dozen. Counts are the store's, over all workers, by days
of the system's clock; a text is counted once, however often it is tried. Weak point: within a day's cap the
owner of a range still earns.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from chalicelib.errors import Upstream
from chalicelib.events import Tenant
from chalicelib.notifications.model import Silence
from chalicelib.units import DAY, Timestamp

_RANGE_DIGITS: Final = 4  # numbers that differ in the last four digits only are one range
_LONGEST_CALLING_CODE: Final = 3
_ALL: Final = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextCaps:
    """Texts in a day, at most."""

    number: int
    prefix: int
    country: int
    merchant: int


class TextCounter(Protocol):
    """Rows of counts, one for each name and window, shared by all workers."""

    def take(self, name: str, window: Timestamp, caps: Mapping[str, int]) -> str | None:
        """Add one to each of a row's counts, in one write, unless one of them has reached its cap.

        Parameters
        ----------
        window
            When the time begins that is counted.
        caps
            The counts, and how much each may be.

        Returns
        -------
        str
            The first count that is full, of which nothing was added to any; None if all had room.
        """
        ...


class TextLimiter:
    """Counts texts against their caps.

    Parameters
    ----------
    counter
        When it does not answer the text goes out uncounted: its row needs the same store.
    hide
        Keyed hash of what is counted: whom a merchant texts is not to be read in the store.
    """

    def __init__(self, counter: TextCounter, *, caps: TextCaps, hide: Callable[[str, str], str]) -> None:
        self._counter, self._caps, self._hide = counter, caps, hide

    def take(self, tenant: Tenant, to: str, *, now: Timestamp) -> Silence | None:
        """Count a text, narrowest cap first, so that one that is refused takes nothing from the wider ones.

        Parameters
        ----------
        to
            E.164.
        now
            System time.

        Returns
        -------
        Silence
            Which cap is used up; None if there is room in all.

        Notes
        -----
        At most two writes to the store: a number is counted in the row of its range, which holds no more
        numbers than a text each fits under its cap, and a country in its merchant's. A row that all of a
        merchant's texts are counted in takes about a thousand of them a second.
        """
        window = now - now % DAY
        reach, whose = to[:-_RANGE_DIGITS], f"texts:{tenant}"
        counted = (
            (
                f"text.range.{self._hide(whose, reach)}",
                {
                    self._hide(whose, to): (Silence.NUMBER_CAP, self._caps.number),
                    _ALL: (Silence.PREFIX_CAP, self._caps.prefix),
                },
            ),
            (
                f"text.merchant.{self._hide(whose, '')}",
                {
                    calling_code(to): (Silence.COUNTRY_CAP, self._caps.country),
                    _ALL: (Silence.MERCHANT_CAP, self._caps.merchant),
                },
            ),
        )
        for name, caps in counted:
            try:
                full = self._counter.take(name, window, {count: cap for count, (_, cap) in caps.items()})
            except Upstream:
                continue
            if full is not None:
                return caps[full][0]
        return None


# Calling codes of one and two digits (ITU-T E.164); all others have three.
_SHORT_CODES: Final = frozenset({"1", "7"}) | frozenset(
    f"{tens}{units}"
    for tens, all_units in {
        2: "07",
        3: "0123469",
        4: "013456789",
        5: "12345678",
        6: "0123456",
        8: "1246",
        9: "0123458",
    }.items()
    for units in all_units
)


def calling_code(number: str) -> str:
    """The country code of an E.164 number: `+351912345678` has `351`.

    Examples
    --------
    >>> calling_code("+12025550123"), calling_code("+351210000000"), calling_code("+442079460000")
    ('1', '351', '44')
    """
    digits = number.removeprefix("+")
    found = (digits[:length] for length in (1, 2) if digits[:length] in _SHORT_CODES)
    return next(found, digits[:_LONGEST_CALLING_CODE])
