"""How many texts may go to one number, its neighbours, one country, and out for one merchant, in a day.

SMS pumping is a script that makes orders to numbers whose owner earns by each text. It needs many texts to
one range of numbers; people do not live there by the dozen. Counts are the store's, over all workers, by days
of the system's clock; a text is counted once, however often it is tried. Weak point: within a day's cap the
owner of a range still earns.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from chalicelib.errors import Upstream
from chalicelib.events import Tenant
from chalicelib.notifications.model import Silence
from chalicelib.units import DAY, Timestamp

_RANGE_DIGITS: Final = 4  # numbers that differ in the last four digits only are one range
_LONGEST_CALLING_CODE: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class TextCaps:
    """Texts in a day, at most."""

    number: int
    prefix: int
    country: int
    merchant: int


class TextCounter(Protocol):
    """One number per name and window, shared by all workers."""

    def add(self, key_id: str, window: Timestamp, requests: int) -> int:
        """Add to the count of the window that starts at `window`, and return the sum."""
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
        """Count a text, narrowest cap first, so that one that is refused takes nothing from the others.

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
        At most four writes to the store.
        """
        window = now - now % DAY
        counted = (
            (Silence.NUMBER_CAP, to, self._caps.number),
            (Silence.PREFIX_CAP, to[:-_RANGE_DIGITS], self._caps.prefix),
            (Silence.COUNTRY_CAP, calling_code(to), self._caps.country),
            (Silence.MERCHANT_CAP, "", self._caps.merchant),
        )
        for silence, whose, cap in counted:
            name = f"text.{silence}.{self._hide(f'texts per {silence}:{tenant}', whose)}"
            try:
                if self._counter.add(name, window, 1) > cap:
                    return silence
            except Upstream:
                continue
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
