"""The command that makes and rotates secrets does no harm, whenever it is run, and tells none."""

from collections.abc import Sequence
from itertools import pairwise

import pytest

from chalicelib.adapters.sealing import KEPT_AFTER_USE
from chalicelib.adapters.secrets import SealingKey, sealing_keys, twilio_account
from chalicelib.promises.booking import LONGEST_HOLD
from chalicelib.promises.search import OFFER_LIFE
from chalicelib.retention import RECEIPTS_KEPT
from chalicelib.settings import LONGEST_SECRETS_SECONDS
from chalicelib.units import DAY, Seconds
from infra.secrets import LEAD, Refused, Vault, first_keys, next_keys
from tests.fakes import A_TWILIO_ACCOUNT, FakeClock, FakeParameters

TTL_LAG: Seconds = 2 * DAY  # until DynamoDB has deleted what ran out; until then it is still found


class Kept:
    """A stack that was just set up, and the command's view of it."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.parameters = FakeParameters.with_secrets("shop", self.clock)
        self.vault = Vault(self.parameters, "shop")

    def keys(self) -> Sequence[SealingKey]:
        return sealing_keys(self.parameters.kept["/shop/sealing-keys"][0])

    def tokens(self) -> Sequence[str]:
        return twilio_account(self.parameters.kept["/shop/twilio"][0]).auth_tokens


@pytest.fixture
def kept() -> Kept:
    return Kept()


def test_secrets_are_made_once(kept: Kept) -> None:
    """`init` in a stack that has secrets would make everything it sealed void."""
    before = dict(kept.parameters.kept)
    with pytest.raises(Refused, match="/shop/sealing-keys and /shop/twilio and /shop/number-keys exist"):
        kept.vault.make(A_TWILIO_ACCOUNT, now=kept.clock.at)
    assert kept.parameters.kept == before


def test_what_was_interrupted_is_made_complete(kept: Kept) -> None:
    """`init` that stopped half-way is run again; what is there by then stays."""
    before = dict(kept.parameters.kept)
    del kept.parameters.kept["/shop/twilio"]
    kept.vault.make(A_TWILIO_ACCOUNT, now=kept.clock.at)
    assert kept.parameters.kept == before


def test_new_key_waits_until_everybody_has_read_it() -> None:
    """Longer than any process may go without looking, several times over."""
    (first,) = first_keys(1000)
    old, new = next_keys([first], 2000)
    assert (old, new.seals_at) == (first, 2000 + LEAD)
    assert len(new.secret) == 32
    assert LEAD >= 3 * LONGEST_SECRETS_SECONDS


def test_rotation_does_not_overtake_another(kept: Kept) -> None:
    """Run twice by mistake it changes nothing the second time."""
    kept.vault.rotate_sealing(now=kept.clock.at)
    once = kept.keys()
    with pytest.raises(Refused, match="seals from"):
        kept.vault.rotate_sealing(now=kept.clock.at + LEAD - 1)
    assert kept.keys() == once
    kept.vault.rotate_sealing(now=kept.clock.at + LEAD)
    assert len(kept.keys()) == 3


def test_old_key_is_kept_while_anything_it_sealed_may_come_back() -> None:
    """Offers, hold tokens, and receipts until DynamoDB has deleted them; not a second less."""
    assert max(OFFER_LIFE, LONGEST_HOLD, RECEIPTS_KEPT + TTL_LAG) <= KEPT_AFTER_USE
    (first,) = first_keys(0)
    keys = next_keys([first], 0)
    stopped_sealing = keys[-1].seals_at
    assert first in next_keys(keys, stopped_sealing + KEPT_AFTER_USE - 1)
    assert first not in next_keys(keys, stopped_sealing + KEPT_AFTER_USE)


def test_keys_do_not_pile_up() -> None:
    """Whoever rotates every day for a year keeps about a week's; who rotates all the time is stopped."""
    keys: Sequence[SealingKey] = first_keys(0)
    for day in range(1, 366):
        keys = next_keys(keys, day * DAY)
        assert len(keys) <= 10
    again = 365 * DAY + LEAD
    while len(keys) < 20:
        keys, again = next_keys(keys, again), again + LEAD
    with pytest.raises(Refused, match="still needed"):
        next_keys(keys, again)


def test_leaked_key_is_gone_at_once(kept: Kept) -> None:
    """Better that shoppers search again than that somebody else writes offers."""
    old = kept.keys()
    kept.vault.replace_leaked(now=kept.clock.at)
    (new,) = kept.keys()
    assert new.secret != old[0].secret
    assert new.seals_at == kept.clock.at


def test_twilio_token_goes_before_the_one_in_use(kept: Kept) -> None:
    """Two are kept, as at Twilio: primary and secondary."""
    for token in ("second", "third"):
        kept.vault.rotate_twilio(token)
    assert kept.tokens() == ("third", "second")
    with pytest.raises(Refused, match="in use"):
        kept.vault.rotate_twilio("third")


def test_two_who_rotate_at_once_are_told(kept: Kept) -> None:
    """SSM takes the later write; its key does not seal yet, so nothing is lost but the other's key."""

    class Hurried(FakeParameters):
        """Somebody else writes between our read and our write."""

        def put_parameter(self, **asked: object) -> dict[str, int]:
            FakeParameters.put_parameter(self, **asked)  # type: ignore[arg-type]
            return FakeParameters.put_parameter(self, **asked)  # type: ignore[arg-type]

    hurried = Hurried(kept.clock, kept.parameters.kept)
    with pytest.raises(Refused, match="at the same time"):
        Vault(hurried, "shop").rotate_sealing(now=kept.clock.at)
    assert all(a.seals_at < b.seals_at for a, b in pairwise(kept.keys()))


def test_stack_without_secrets_says_how_to_make_them() -> None:
    """A typing error in the stack's name makes nothing."""
    parameters = FakeParameters()
    with pytest.raises(Refused, match="/typo/sealing-keys does not exist"):
        Vault(parameters, "typo").rotate_sealing(now=0)
    assert not parameters.kept


def test_what_is_shown_holds_no_secret(kept: Kept) -> None:
    """Names, roles and ages."""
    kept.vault.rotate_sealing(now=kept.clock.at + DAY)
    kept.clock.advance(DAY)
    kept.vault.rotate_twilio("hush")
    assert list(kept.vault.told(kept.clock.at)) == [
        "/shop/sealing-keys  seals from 2026-11-18T11:06:40Z",
        "/shop/sealing-keys  will seal from 2026-11-19T11:21:40Z",
        "/shop/twilio  2 auth tokens since 2026-11-19T11:06:40Z",
        "/shop/number-keys  1 key",
    ]
