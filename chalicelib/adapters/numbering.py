"""Which country a phone number belongs to, and which one a place is in.

Numbers are judged by `phonenumbers`, which tells the 25 countries behind +1 apart: each has its own tariffs,
and some live on them. A zone's country is the tz database's, where a zone has one. Weak point: what a country
gave out yesterday is unknown until the library is brought up to date, and is not texted.
"""

from functools import cache
from importlib.resources import files
from typing import Final

_NOWHERE: Final = "001"  # in phonenumbers' words: satellites, and services of no country


def country_of(number: str) -> str | None:
    """The country of an E.164 number by ISO 3166-1; None for one of no country, or of none that there is.

    Cost: some 10 us; the first time 30 ms, for the library.
    """
    import phonenumbers

    try:
        country: str | None = phonenumbers.region_code_for_number(phonenumbers.parse(number, None))
    except phonenumbers.NumberParseException:
        return None
    return None if country == _NOWHERE else country


@cache
def country_at(zone: str) -> str | None:
    """The country of a time zone by ISO 3166-1, such as `PT` for `Europe/Lisbon`; None for one like `UTC`.

    Names of earlier days count as those that took their place. Cost: a table of 450 lines, read once a zone.
    """
    rows = (line.split("\t") for line in _table("zone.tab") if not line.startswith("#"))
    countries = {name: country for country, _, name, *_ in rows}
    links = (line.split() for line in _table("tzdata.zi") if line.startswith("L "))
    names = {alias: name for _, name, alias in links}
    return countries.get(zone) or countries.get(names.get(zone, ""))


def _table(name: str) -> list[str]:
    return (files("tzdata") / "zoneinfo" / name).read_text("utf-8").splitlines()
