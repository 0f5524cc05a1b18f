"""What we seal is unreadable, unforgeable and always the same."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters.sealing import Sealer
from chalicelib.errors import BadToken

OLD, NEW = b"old secret, thirty-two bytes long", b"new secret, thirty-two bytes long"
sealer = Sealer([NEW])


@given(payload=st.binary(max_size=300), purpose=st.text(max_size=20))
def test_sealed_payload_comes_back(payload: bytes, purpose: str) -> None:
    """As text and as bytes, empty ones included."""
    assert sealer.unseal(purpose, sealer.seal(purpose, payload)) == payload
    assert sealer.unseal_bytes(purpose, sealer.seal_bytes(purpose, payload)) == payload


def test_same_payload_gives_the_same_token() -> None:
    """The same search gives the same offers; another process, too."""
    assert sealer.seal("offer", b"slot 1") == Sealer([NEW]).seal("offer", b"slot 1")


def test_token_does_not_show_what_it_holds() -> None:
    """Neither the payload nor another token of a similar payload can be made out."""
    one, other = sealer.seal_bytes("offer", b"slot 1, 10:00"), sealer.seal_bytes("offer", b"slot 2, 10:00")
    assert b"slot" not in one
    assert one[1:17] != other[1:17]
    assert one[-7:] != other[-7:]


def test_any_edit_is_noticed() -> None:
    """Each character, the last one included, whose spare bits base64 would ignore."""
    for payload in (b"a", b"ab", b"abc", b"abcd"):
        token = sealer.seal("offer", payload)
        for place, letter in enumerate(token):
            for other in "Aa0_-":
                edited = token[:place] + other + token[place + 1 :]
                if letter != other:
                    with pytest.raises(BadToken):
                        sealer.unseal("offer", edited)


@pytest.mark.parametrize(
    "token", ["", "A", "=", "AAAA", "\u00e4\u00f6", "a b", "A" * 20_000, "\ud800", "A\n", "A+/="]
)
def test_anything_else_is_a_bad_token(token: str) -> None:
    """Whatever comes, there is one error for it."""
    with pytest.raises(BadToken):
        sealer.unseal("offer", token)


@given(st.text())
def test_no_text_at_all_opens_or_breaks_it(token: str) -> None:
    """Guessing finds nothing and breaks nothing."""
    with pytest.raises(BadToken):
        sealer.unseal("offer", token)


@pytest.mark.parametrize("change", ["+", "=", " ", "\n"])
def test_another_spelling_of_a_token_is_not_the_token(change: str) -> None:
    """Padding and white space are edits."""
    with pytest.raises(BadToken):
        sealer.unseal("offer", sealer.seal("offer", b"slot 1") + change)


def test_token_is_good_for_its_purpose_only() -> None:
    """An offer is no cursor, and one merchant's offer is not another's."""
    token = sealer.seal("offer/acme.test", b"slot 1")
    for purpose in ("cursor/acme.test", "offer/best.test", "offer/acme.live", "offer/acme.tes"):
        with pytest.raises(BadToken):
            sealer.unseal(purpose, token)


def test_old_tokens_open_while_the_old_secret_is_kept() -> None:
    """Rotation: the newest secret seals, the older one still opens; dropped, it does not."""
    token, derived = Sealer([OLD]).seal("offer", b"slot 1"), Sealer([OLD]).derive("hold", "1")
    rotating = Sealer([NEW, OLD])
    assert rotating.unseal("offer", token) == b"slot 1"
    assert rotating.is_derived("hold", "1", derived)
    assert rotating.seal("offer", b"slot 1") == sealer.seal("offer", b"slot 1")
    with pytest.raises(BadToken):
        sealer.unseal("offer", token)
    assert not sealer.is_derived("hold", "1", derived)


@dataclass
class Rotating:
    """Secrets of which the newest is only found when they are looked up again."""

    looked_again: int = 0

    def current(self) -> list[bytes]:
        return [OLD]

    def renewed(self) -> list[bytes]:
        self.looked_again += 1
        return [NEW, OLD]


def test_token_of_a_secret_we_have_not_read_is_worth_another_look() -> None:
    """Another process sealed with a new one before we read it; what opens costs no look."""
    rotating = Rotating()
    ours = Sealer(rotating)
    assert ours.unseal("offer", Sealer([OLD]).seal("offer", b"slot 1")) == b"slot 1"
    assert ours.is_derived("hold", "1", Sealer([OLD]).derive("hold", "1"))
    assert rotating.looked_again == 0
    assert ours.unseal("offer", sealer.seal("offer", b"slot 1")) == b"slot 1"
    assert ours.is_derived("hold", "1", sealer.derive("hold", "1"))
    assert rotating.looked_again == 2
    with pytest.raises(BadToken):
        ours.unseal("offer", Sealer([b"another secret of thirty-two bytes"]).seal("offer", b"slot 1"))


def test_two_secrets_with_the_same_mark_both_open() -> None:
    """The first byte is a hint; sealing decides."""
    by_mark: dict[int, bytes] = {}
    for number in range(10_000):
        secret = number.to_bytes(32)
        mark = Sealer([secret]).seal_bytes("offer", b"")[0]
        if mark in by_mark:
            twins = Sealer([secret, by_mark[mark]])
            break
        by_mark[mark] = secret
    assert twins.unseal_bytes("offer", Sealer([by_mark[mark]]).seal_bytes("offer", b"x")) == b"x"


def test_derived_token_belongs_to_its_text_and_purpose() -> None:
    """Whoever knows the id does not know the token; one bit off is wrong."""
    token = sealer.derive("hold", "hld_1")
    assert len(token) == 22
    assert sealer.is_derived("hold", "hld_1", token)
    assert not sealer.is_derived("hold", "hld_2", token)
    assert not sealer.is_derived("order", "hld_1", token)
    for wrong in ("", token[:-1], token + "A", token.swapcase(), "\u00e4" * 22, "\ud800"):
        assert not sealer.is_derived("hold", "hld_1", wrong)


@pytest.mark.parametrize("secrets", [[], [b""], [b"x" * 31], [NEW, b"short"]])
def test_short_secret_is_refused(secrets: list[bytes]) -> None:
    """Less than 32 bytes is a mistake in the configuration, found at the start."""
    with pytest.raises(ValueError, match="at least 32 bytes"):
        Sealer(secrets)
