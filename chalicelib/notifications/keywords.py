"""Words that end or begin texts, or call for help, where they are all that somebody writes.

The carrier obeys its own before we hear of them: in any case, with nothing but blanks around. What it did has
to stand in our ledger as well. Buyers write the same with a full stop, or in their own language; that the
carrier lets through, so it is for us to obey. Weak point: CANCEL and YES are the carrier's words, and what
buyers say of an order; the carrier asks nobody which it was.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from chalicelib.notifications.understanding.tokens import folded


class Keyword(StrEnum):
    """What the carrier takes a text for, in the carrier's own names."""

    STOP = "STOP"
    START = "START"
    HELP = "HELP"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """What is one keyword.

    Attributes
    ----------
    obeyed
        By the carrier, and they mean nothing else.
    meant_otherwise
        Obeyed by the carrier as well, but to a buyer they are about the order.
    alike
        Only by us.
    """

    obeyed: frozenset[str]
    meant_otherwise: frozenset[str] = frozenset()
    alike: frozenset[str] = frozenset()


_TABLE: Final = {
    Keyword.STOP: _Words(
        obeyed=frozenset({"stop", "stopall", "unsubscribe", "end", "quit", "revoke", "optout"}),
        meant_otherwise=frozenset({"cancel"}),
        alike=frozenset(
            {
                *("stopp", "abmelden", "beenden"),
                *("alto", "baja", "parar"),
                *("arret", "desabonner", "cessez"),
            }
        ),
    ),
    Keyword.START: _Words(obeyed=frozenset({"start", "unstop"}), meant_otherwise=frozenset({"yes"})),
    Keyword.HELP: _Words(obeyed=frozenset({"help", "info"}), alike=frozenset({"ayuda", "hilfe", "aide"})),
}
_OBEYED: Final = {
    word: keyword for keyword, words in _TABLE.items() for word in words.obeyed | words.meant_otherwise
}
_MEANT: Final = {word: keyword for keyword, words in _TABLE.items() for word in words.obeyed | words.alike}
_MARKS: Final = re.compile(r"[\W_]+")


def obeyed(body: str) -> Keyword | None:
    """Which keyword the carrier takes a text for; None if it lets the text through.

    Examples
    --------
    >>> obeyed(" sToP "), obeyed("cancel"), obeyed("Stop.")
    (<Keyword.STOP: 'STOP'>, <Keyword.STOP: 'STOP'>, None)
    """
    return _OBEYED.get(body.strip().lower())


def meant(text: str) -> Keyword | None:
    """Which keyword a buyer wrote, whatever marks stand around it; None if the text is anything else.

    Examples
    --------
    >>> meant("Arrêt !"), meant("cancel"), meant("please do not stop")
    (<Keyword.STOP: 'STOP'>, None, None)
    """
    return _MEANT.get(_MARKS.sub("", folded(text)))
