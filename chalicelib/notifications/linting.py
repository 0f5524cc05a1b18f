"""What must not stand in a text: checked over every text of ours in tests, and over what merchants give.

Weak point: marketing and personal data are found by their marks (per cent signs, discount words, telephone
numbers); a person with a will gets around that.
"""

import re
import unicodedata
from enum import StrEnum

from chalicelib.notifications.segments import Encoding, length, plain

LONGEST_BRAND = 40
MOST_SEGMENTS = 3


class Fault(StrEnum):
    """What is wrong with a text or a name."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    LINK_IN_NAME = "link_in_name"  # a brand that is a link is how people are phished
    NO_BRAND = "no_brand"  # nobody knows who is texting
    RESERVED_WORD = "reserved_word"  # the carrier would act on the answer, and we would not see it
    ONE_WAY_SENDER = "one_way_sender"  # a name cannot be replied to
    MARKETING = "marketing"
    PERSONAL = "personal"
    PUBLIC_SHORTENER = "public_shortener"  # carriers filter them
    CONTROL_CHARACTER = "control_character"
    NOT_GSM = "not_gsm"  # one such letter leaves a text 70 characters of its 160


# What phones make a link of: anything before one of the endings that are much in use.
_LINK = re.compile(
    r"https?:|www\.|//|\b[\w-]+\.[a-z]{2,}/|\b[\w-]+\.(?:com|net|org|info|biz|io|co|me|ly|app|dev|link|xyz|shop|store|top|site|online"
    r"|club|live|page|click|gl|gd|to|cc|tv|ai|eu|us|uk|de|fr|es|pt|it|nl|pl|ru|cn|in|br|au|ca|at|ch|be)\b",
    re.IGNORECASE,
)
_REPLY = (
    r"(?:reply|replying|text|send|answer|respond|responda|responde|conteste"
    r"|antworte[nt]?(?: sie)?|répondez|réponds|envoyez)"
)
_RESERVED = (
    r"stop|stopall|unsubscribe|cancel|end|quit|revoke|optout|start|unstop|yes|help|info"
    r"|arret|arrêt|alto|baja|stopp|ayuda|hilfe|aide"
)
_RESERVED_ASKED = re.compile(
    rf"\b{_REPLY}\W+(?:with |mit |con |par |by )?[\"'“«]?(?:{_RESERVED})\b", re.IGNORECASE
)
_RESERVED_SHOUTED = re.compile(rf"\b(?:{_RESERVED.upper()})\b")
_ASKS_REPLY = re.compile(rf"\b{_REPLY}\b", re.IGNORECASE)
_MARKETING = re.compile(
    r"\d\s?%|\b(?:sale|discount|promo\w*|voucher|coupon|buy now|special offer|deal of|shop now|black friday"
    r"|rebaja\w*|descuento\w*|oferta\w*|rabatt\w*|angebot\w*|gutschein\w*|soldes?|remise de|réduction\w*)\b",
    re.IGNORECASE,
)
_PERSONAL = re.compile(r"[\w.+-]+@[\w-]+\.\w+|\+?(?:\d[\s().-]*){9,}")
_SHORTENER = re.compile(
    r"\b(?:bit\.ly|tinyurl\.com|t\.co|goo\.gl|ow\.ly|is\.gd|rebrand\.ly|cutt\.ly|shorturl\.at)\b",
    re.IGNORECASE,
)
_A_NUMBER = re.compile(r"\+?[\d\s]+|MG[0-9a-f]{32}")


def clean_name(name: str) -> str:
    """Take out of a name what would change how a text looks: controls, direction marks, invisible letters.

    Letters of any script stay; so do braces, which nothing here interprets.
    """
    kept = "".join(
        " " if char.isspace() else char
        for char in unicodedata.normalize("NFC", plain(name))
        if char.isspace() or not unicodedata.category(char).startswith("C") or char == "\u200d"
    )
    return " ".join(re.sub("(?<![\u2600-\U0001faff\ufe0f])\u200d", "", kept).split())


def lint_brand(brand: str) -> tuple[Fault, ...]:
    """Say what is wrong with a merchant's name, for saving it; nothing if it may open a text."""
    clean = clean_name(brand)
    faults = {
        Fault.EMPTY: not any(char.isalnum() for char in clean),
        Fault.TOO_LONG: len(clean) > LONGEST_BRAND,
        Fault.LINK_IN_NAME: _LINK.search(clean) is not None,
        Fault.CONTROL_CHARACTER: clean != " ".join(plain(brand).split(" ")).strip() and clean != brand,
        Fault.MARKETING: _MARKETING.search(clean) is not None,
        Fault.PERSONAL: _PERSONAL.search(clean) is not None,
        Fault.RESERVED_WORD: _reads_as_an_order(clean),
        Fault.NOT_GSM: length(clean).encoding is not Encoding.GSM_7,
    }
    return tuple(fault for fault, found in faults.items() if found)


def _reads_as_an_order(name: str) -> bool:
    """Whether a name is a reserved word, shouts one or asks for one; "Stop & Shop" is a shop."""
    alone = re.fullmatch(rf"\W*(?:{_RESERVED})\W*", name, re.IGNORECASE)
    return bool(alone or _RESERVED_SHOUTED.search(name) or _RESERVED_ASKED.search(name))


def lint(
    text: str,
    *,
    brand: str,
    sender: str | None = None,
    most_segments: int = MOST_SEGMENTS,
    told: tuple[str, ...] = (),
    opting_out: bool = False,
) -> tuple[Fault, ...]:
    """Say what is wrong with a whole text.

    Parameters
    ----------
    brand
        What it must begin with.
    sender
        Number, messaging service or name it comes from; a name cannot be replied to.
    told
        What may stand in it though it looks personal: the link, the merchant's own number.
    opting_out
        The text says how to end the texts, and may name STOP.
    """
    said = text.removeprefix(brand)
    for allowed in told:
        said = said.replace(allowed, " ")
    named = sender is not None and _A_NUMBER.fullmatch(sender) is None
    without_stop = re.sub(r"\bSTOP\b", "", said) if opting_out else said
    faults = {
        Fault.NO_BRAND: not brand or not text.startswith(brand),
        Fault.TOO_LONG: length(text).segments > most_segments,
        Fault.RESERVED_WORD: bool(
            _RESERVED_ASKED.search(without_stop) or _RESERVED_SHOUTED.search(without_stop)
        ),
        Fault.ONE_WAY_SENDER: named and _ASKS_REPLY.search(said) is not None,
        Fault.MARKETING: _MARKETING.search(said) is not None,
        Fault.PERSONAL: _PERSONAL.search(said) is not None,
        Fault.PUBLIC_SHORTENER: _SHORTENER.search(text) is not None,
        Fault.CONTROL_CHARACTER: any(
            unicodedata.category(char) in ("Cc", "Cf") and char not in "\n\u200d" for char in text
        ),
    }
    return tuple(fault for fault, found in faults.items() if found)
