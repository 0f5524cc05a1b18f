"""The words of the buyer's page, a module for each language; every sentence is here, none in the template."""

from typing import Final

from chalicelib.handlers.tracking_words.english import ENGLISH
from chalicelib.handlers.tracking_words.french import FRENCH
from chalicelib.handlers.tracking_words.german import GERMAN
from chalicelib.handlers.tracking_words.spanish import SPANISH
from chalicelib.handlers.tracking_words.words import PageWords

LANGUAGES: Final = {words.language: words for words in (ENGLISH, SPANISH, GERMAN, FRENCH)}


def words_for(*locales: str | None) -> PageWords:
    """The first of these locales' languages that the page speaks; English, if it speaks none."""
    for locale in locales:
        found = LANGUAGES.get((locale or "").replace("_", "-").split("-")[0].lower())
        if found is not None:
            return found
    return ENGLISH
