"""A number's country and a place's, from the libraries that know."""

import pytest

from chalicelib.adapters.numbering import country_at, country_of


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("+12025550123", "US"),
        ("+14165550123", "CA"),
        ("+18765550123", "JM"),
        ("+18095550123", "DO"),
        ("+351912345678", "PT"),
        ("+447624123456", "IM"),
        ("+77011234567", "KZ"),
        ("+15005550006", "US"),  # Twilio's own
        ("+8821612345678", None),  # a satellite
        ("+447700900123", None),  # nobody's
        ("+351", None),
        ("", None),
    ],
)
def test_a_number_is_of_one_country(number: str, country: str | None) -> None:
    """Also where many share a calling code; what is no country's, or no number, has none."""
    assert country_of(number) == country


@pytest.mark.parametrize(
    ("zone", "country"),
    [
        ("Europe/Lisbon", "PT"),
        ("America/New_York", "US"),
        ("Europe/Luxembourg", "LU"),  # whose clocks are Brussels'
        ("US/Eastern", "US"),  # a name of earlier days
        ("America/Buenos_Aires", "AR"),
        ("UTC", None),
        ("Etc/GMT+3", None),
    ],
)
def test_a_zone_is_in_one_country(zone: str, country: str | None) -> None:
    """But for those that are in none."""
    assert country_at(zone) == country
