"""A key's text can be judged without asking anybody, and guessed by nobody."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.events import Mode
from chalicelib.merchants.model import (
    ALL_SCOPES,
    RANDOM_BYTES,
    KeyType,
    Scope,
    is_well_formed,
    key_hash,
    key_text,
    short_id,
)

RANDOM = st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES)
KEY = key_text(mode=Mode.TEST, type=KeyType.SECRET, random=bytes(range(20)))


@given(mode=st.sampled_from(Mode), type=st.sampled_from(KeyType), random=RANDOM)
def test_every_key_is_well_formed_and_tells_what_it_is(mode: Mode, type: KeyType, random: bytes) -> None:
    """The prefix names product, world and kind; the length never varies."""
    text = key_text(mode=mode, type=type, random=random)
    assert is_well_formed(text)
    mark = {KeyType.SECRET: "sk", KeyType.PUBLISHABLE: "pk", KeyType.DRIVER: "dt"}[type]
    assert text.startswith(f"slk_{mode}_{mark}_")
    assert len(text) == 45


@given(one=RANDOM, other=RANDOM)
def test_different_random_bytes_give_different_keys(one: bytes, other: bytes) -> None:
    """All 160 bits are in the text."""
    keys = {key_text(mode=Mode.TEST, type=KeyType.SECRET, random=random) for random in (one, other)}
    assert len(keys) == len({one, other})


@pytest.mark.parametrize("place", range(12, 45))
def test_any_single_typing_error_is_found(place: int) -> None:
    """The check digits cover everything before them."""
    for letter in "0aZ":
        edited = KEY[:place] + letter + KEY[place + 1 :]
        assert is_well_formed(edited) == (edited == KEY)


@pytest.mark.parametrize(
    "text",
    [
        KEY.replace("_test_", "_live_"),
        KEY.replace("_sk_", "_pk_"),
        KEY.upper(),
        KEY + "0",
        KEY[:-1],
        " " + KEY,
        KEY + "\n",
        "sk_live_" + KEY[12:],
        "",
    ],
)
def test_other_world_other_kind_and_other_spelling_are_not_well_formed(text: str) -> None:
    """A test key cannot be turned into a live one by its prefix."""
    assert not is_well_formed(text)


def test_hash_is_of_the_whole_text() -> None:
    """SHA-256, in hex; nothing of the key can be read from it."""
    assert len(key_hash(KEY)) == 64
    assert key_hash(KEY) != key_hash(KEY[:-1])


@given(st.sets(st.sampled_from(list(ALL_SCOPES))))
def test_scopes_survive_being_named(scopes: set[Scope]) -> None:
    """What the store and the wire hold is read back as the same set."""
    flag = Scope(0)
    for scope in scopes:
        flag |= scope
    assert Scope.of(flag.names) == flag


def test_no_scope_implies_another() -> None:
    """An admin key opens what admins do, and nothing else."""
    assert not Scope.ADMIN & (Scope.CHECKOUT | Scope.OPS | Scope.DRIVER)


@given(st.binary(min_size=12, max_size=12))
def test_short_ids_have_one_length(random: bytes) -> None:
    """96 random bits are 17 digits, whatever they are."""
    assert len(short_id("key", random)) == len("key_") + 17
