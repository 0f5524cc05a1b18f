"""Stop ids, and their text inside the ids of holds and promises.

A stop keeps its id from hold to delivery: 63 bits, of which the upper 41 are milliseconds since 2024 and the
rest is chance, so ids sort by age and two of the same millisecond collide once in four million. The text is
Crockford's base 32 in lower case: 13 characters, no vowel that spells and no letter that looks like a digit.
Weak point: the milliseconds run out in 2093.
"""

from typing import Final

from chalicelib.events import Tenant
from chalicelib.units import StopId

PROMISE: Final = "prm_"
HOLD: Final = "hold_"
REPLAN: Final = "rpl_"
PROOF: Final = "prf_"
PROOF_KINDS: Final = ("photo", "signature")
RANDOM_BITS: Final = 22
_EPOCH_MS: Final = 1_704_067_200_000  # 2024-01-01T00:00:00Z
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUE: Final = {letter: value for value, letter in enumerate(_ALPHABET)}
_LENGTH: Final = 13


def new_stop_id(system_ms: int, random_bits: int) -> StopId:
    """Make an id from the system's clock in milliseconds and 22 bits of chance.

    Raises
    ------
    ValueError
        Outside the years 2024 to 2093, or when there are more bits than 22.
    """
    elapsed = system_ms - _EPOCH_MS
    if not 0 <= elapsed < 1 << 41 or not 0 <= random_bits < 1 << RANDOM_BITS:
        raise ValueError("a stop id is made of 41 bits of time since 2024 and 22 bits of chance")
    return elapsed << RANDOM_BITS | random_bits


def promise_id(stop_id: StopId) -> str:
    """Name the promise this stop stands for: `prm_` and 13 characters."""
    return PROMISE + _encode(stop_id)


def hold_id(stop_id: StopId) -> str:
    """Name the hold this stop stands for: `hold_` and 13 characters."""
    return HOLD + _encode(stop_id)


def replan_id(number: StopId) -> str:
    """Name a replan by a number made like a stop's: `rpl_` and 13 characters."""
    return REPLAN + _encode(number)


def proof_id(number: StopId) -> str:
    """Name a photo or signature by a number made like a stop's: `prf_` and 13 characters."""
    return PROOF + _encode(number)


def proof_key(tenant: Tenant, plan: str, shift_id: str, *, proof: str, kind: str) -> str:
    """Say where a shift's photo or signature lies in the bucket: the kind is one of `PROOF_KINDS`."""
    return f"{tenant}/{plan}/{shift_id}/{proof}.{kind}"


def stop_id_of(text: str, prefix: str) -> StopId | None:
    """Read the stop id out of a promise's or hold's id; None unless it is exactly one we would write."""
    digits = text.removeprefix(prefix)
    if len(text) != len(prefix) + _LENGTH or len(digits) != _LENGTH:
        return None
    stop_id = 0
    for digit in digits:
        if digit not in _VALUE:
            return None
        stop_id = stop_id << 5 | _VALUE[digit]
    return stop_id if stop_id < 1 << 63 else None


def _encode(stop_id: StopId) -> str:
    return "".join(_ALPHABET[stop_id >> shift & 31] for shift in range(5 * (_LENGTH - 1), -1, -5))
