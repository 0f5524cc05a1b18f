"""F36: every secret we have is replaced under traffic, and no valid call is refused.

Processes are objects here, each with a cache of its own that it filled at a moment of its own. Time is a
number, so every second of a rotation is looked at.
"""

import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from twilio.request_validator import RequestValidator

from chalicelib.adapters.sealing import KEPT_AFTER_USE, Sealer
from chalicelib.adapters.secrets import Parameter, Secrets, TwilioAccount
from chalicelib.adapters.twilio import TwilioSender, sandbox_inbox
from chalicelib.errors import BadToken, Unauthorized
from chalicelib.events import Mode, Tenant
from chalicelib.merchants.model import ALL_SCOPES, KeyType
from chalicelib.merchants.service import Merchants
from chalicelib.notifications.carrier import Outgoing, Refused, Taken
from chalicelib.promises.search import OFFER_LIFE
from chalicelib.units import DAY, MINUTE, Seconds
from infra.sandbox import fake_twilio
from infra.secrets import LEAD, Vault
from tests.fakes import A_TWILIO_ACCOUNT, CountedEntropy, FakeClock, FakeParameters, InMemoryMerchants

PROCESSES = 4
FRESH_FOR: Seconds = 60
PHONE = "+12025550123"
ACME = Tenant(merchant_id="acme", mode=Mode.LIVE)


@dataclass(frozen=True, slots=True)
class Deaf[T]:
    """A secret that is never looked up for a token that does not open: what a control does without."""

    heard: Parameter[T]

    def current(self) -> T:
        return self.heard.current()

    def renewed(self) -> T:
        return self.heard.current()


class Fleet:
    """Processes that share parameters and nothing else; each read them at another second."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.parameters = FakeParameters.with_secrets("shop", self.clock)
        self.vault = Vault(self.parameters, "shop")
        self.secrets = [self._process() for _ in range(PROCESSES)]

    def _process(self) -> Secrets:
        secrets = Secrets(lambda: self.parameters, path="/shop", clock=self.clock, fresh_for=FRESH_FOR)
        secrets.sealing.current()
        secrets.twilio.current()
        self.clock.advance(FRESH_FOR // PROCESSES)
        return secrets

    def sealers(self, *, listening: bool) -> Sequence[Sealer]:
        return [Sealer(one.sealing if listening else Deaf(one.sealing)) for one in self.secrets]


class Traffic:
    """Each process seals something every second; every process opens it, at once and half an hour later."""

    def __init__(self, fleet: Fleet, sealers: Sequence[Sealer]) -> None:
        self.fleet, self.sealers = fleet, sealers
        self.opened = self.refused = 0
        self._sealed: list[tuple[str, str]] = []

    def run(self, seconds: Seconds) -> None:
        for _ in range(seconds):
            fresh = [(one.seal("offer", b"slot 1"), one.derive("hold", "hld_1")) for one in self.sealers]
            self._sealed = [*self._sealed, *fresh][-OFFER_LIFE * PROCESSES :]
            for offer, hold_token in (*fresh, self._sealed[0]):
                for one in self.sealers:
                    self._open(one, offer, hold_token)
            self.fleet.clock.advance(1)

    def _open(self, sealer: Sealer, offer: str, hold_token: str) -> None:
        try:
            assert sealer.unseal("offer", offer) == b"slot 1"
            self.opened += 1
        except BadToken:
            self.refused += 1
        self.refused += not sealer.is_derived("hold", "hld_1", hold_token)


def in_one_step(fleet: Fleet) -> None:
    """Put a new key in the place of the old one: what rotation is without a plan."""
    fleet.vault.replace_leaked(now=fleet.clock.at)


def without_waiting(fleet: Fleet) -> None:
    """Keep the old key, but seal with the new one at once."""
    fleet.vault.rotate_sealing(now=fleet.clock.at, lead=0)


@pytest.mark.parametrize("listening", [True, False])
def test_sealing_keys_are_rotated_and_nothing_is_refused(listening: bool) -> None:
    """Waiting alone is enough: no process ever meets a key that it has not read."""
    fleet = Fleet()
    traffic = Traffic(fleet, fleet.sealers(listening=listening))
    first = fleet.secrets[0].sealing.current()[0]
    fleet.vault.rotate_sealing(now=fleet.clock.at)
    traffic.run(LEAD + OFFER_LIFE + MINUTE)
    opened = (LEAD + OFFER_LIFE + MINUTE) * PROCESSES * (PROCESSES + 1)
    assert (traffic.refused, traffic.opened) == (0, opened)
    assert all(one.sealing.current()[0] != first for one in fleet.secrets)


def test_receipt_of_a_day_opens_after_rotations_every_day() -> None:
    """What is kept in the table was sealed with a key that is still there."""
    fleet = Fleet()
    one, other, *_ = fleet.sealers(listening=True)
    for _ in range(20):
        receipt = one.seal_bytes("receipt", b"201")
        fleet.vault.rotate_sealing(now=fleet.clock.at)
        fleet.clock.advance(DAY)
        assert other.unseal_bytes("receipt", receipt) == b"201"
    fleet.clock.advance(KEPT_AFTER_USE)
    fleet.vault.rotate_sealing(now=fleet.clock.at)
    fleet.clock.advance(FRESH_FOR)
    with pytest.raises(BadToken):  # CONTROL: keys are dropped in the end
        other.unseal_bytes("receipt", receipt)


@pytest.mark.parametrize("rotate", [in_one_step, without_waiting])
def test_control_careless_rotation_refuses_valid_calls(rotate: Callable[[Fleet], None]) -> None:
    """Without the wait some process gets a token of a key it has not read; that is what the wait is for."""
    fleet = Fleet()
    traffic = Traffic(fleet, fleet.sealers(listening=False))
    traffic.run(MINUTE)
    assert traffic.refused == 0
    rotate(fleet)
    traffic.run(2 * MINUTE)
    assert traffic.refused > 0


def test_process_that_looks_again_heals_a_careless_rotation() -> None:
    """The second net: an unknown token makes it read the keys, so nearly nothing is refused."""
    refused = {}
    for listening in (True, False):
        fleet = Fleet()
        traffic = Traffic(fleet, fleet.sealers(listening=listening))
        traffic.run(MINUTE)
        without_waiting(fleet)
        traffic.run(2 * MINUTE)
        refused[listening] = traffic.refused
    assert refused[True] * 10 < refused[False]


# --- Twilio's auth token


HELLO = Outgoing(to=PHONE, body="Hello", sender=None, callback_url="https://slots.example/", valid_for=600)


class Twilio:
    """A fake Twilio whose tokens change, and one sender for each process."""

    def __init__(self, *, listening: bool) -> None:
        self.fleet = Fleet()
        self.accepted = set(A_TWILIO_ACCOUNT.auth_tokens)
        listener = socket.create_server(("127.0.0.1", 0))
        serving = {"account": A_TWILIO_ACCOUNT.account_sid, "auth_tokens": self.accepted}
        threading.Thread(target=fake_twilio.serve, args=(listener,), kwargs=serving, daemon=True).start()
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        accounts: list[Any] = [one.twilio if listening else Deaf(one.twilio) for one in self.fleet.secrets]
        self.senders = [TwilioSender(account, api_url=self.url) for account in accounts]
        self.accounts: Sequence[Parameter[TwilioAccount]] = accounts
        self.sent = self.refused = 0

    def text(self, seconds: Seconds) -> None:
        """Each process sends a text every ten seconds."""
        for _ in range(seconds // 10):
            for sender in self.senders:
                answer = sender.send(HELLO)
                self.sent += isinstance(answer, Taken)
                self.refused += isinstance(answer, Refused)
            self.fleet.clock.advance(10)

    def inbox(self) -> int:
        return len(sandbox_inbox(self.url, PHONE))


@pytest.mark.parametrize("listening", [True, False])
def test_twilio_token_is_rotated_and_every_text_goes_out_once(listening: bool) -> None:
    """A secondary token at Twilio, then in our secrets; promoted when everybody has read it."""
    twilio = Twilio(listening=listening)
    twilio.text(MINUTE)
    twilio.accepted.add("the new one")
    twilio.fleet.vault.rotate_twilio("the new one")
    twilio.text(2 * MINUTE)
    twilio.accepted -= set(A_TWILIO_ACCOUNT.auth_tokens)
    twilio.text(2 * MINUTE)
    assert (twilio.refused, twilio.inbox()) == (0, twilio.sent)


def test_token_promoted_too_early_stops_no_text() -> None:
    """A process that has not read the new token looks for it when Twilio refuses the old one."""
    twilio = Twilio(listening=True)
    twilio.fleet.vault.rotate_twilio("the new one")
    twilio.accepted.clear()
    twilio.accepted.add("the new one")
    twilio.fleet.clock.advance(10)
    twilio.text(2 * MINUTE)
    assert (twilio.refused, twilio.inbox()) == (0, twilio.sent)


def test_control_token_promoted_too_early_stops_texts() -> None:
    """Without looking again they fail until the cache is old."""
    twilio = Twilio(listening=False)
    twilio.fleet.vault.rotate_twilio("the new one")
    twilio.accepted.clear()
    twilio.accepted.add("the new one")
    twilio.text(2 * MINUTE)
    assert twilio.refused > 0


def test_signature_by_either_token_verifies_in_every_process() -> None:
    """What Twilio signs is signed with the primary token, whichever of the two that is just then."""
    twilio = Twilio(listening=True)
    old = A_TWILIO_ACCOUNT.auth_tokens[0]
    form = {"From": PHONE, "Body": "STOP"}

    def verified(token: str) -> set[bool]:
        signature = RequestValidator(token).compute_signature("https://slots.example/twilio/inbound", form)
        return {
            any(
                RequestValidator(known).validate("https://slots.example/twilio/inbound", form, signature)
                for known in account.current().auth_tokens
            )
            for account in twilio.accounts
        }

    twilio.fleet.vault.rotate_twilio("the new one")
    assert verified(old) == {True}
    assert False in verified("the new one")  # CONTROL: one has not read it, so Twilio must not sign with it
    twilio.fleet.clock.advance(FRESH_FOR)
    assert verified(old) == verified("the new one") == {True}


# --- a merchant's API key


class Shops:
    """Processes that trust a key for two seconds, and a merchant whose servers are set up one by one."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        store = InMemoryMerchants()
        self.processes = [
            Merchants(store, entropy=CountedEntropy(drawn=1000 * number), remember_for=2, modes=(Mode.LIVE,))
            for number in range(PROCESSES)
        ]
        self.admin = self.make()
        self.old = self.make()
        self.servers = [self.old.text] * 5
        self.refused = 0

    def make(self) -> Any:
        return self.processes[0].create_key(ACME, type=KeyType.SECRET, scopes=ALL_SCOPES, now=self.clock.at)

    def revoke(self, key: Any) -> None:
        self.processes[-1].revoke_key(ACME, key.key.key_id, by=self.admin.key, now=self.clock.at)

    def traffic(self, seconds: Seconds) -> None:
        for _ in range(seconds):
            for text in self.servers:
                for process in self.processes:
                    try:
                        process.authenticate(text, now=self.clock.at)
                    except Unauthorized:
                        self.refused += 1
            self.clock.advance(1)


def test_merchant_changes_its_key_server_by_server() -> None:
    """Both keys are good until the old one is revoked, which is when its `last_used_on` is past."""
    shops = Shops()
    shops.traffic(3)
    new = shops.make()
    for number in range(len(shops.servers)):
        shops.servers[number] = new.text
        shops.traffic(3)
    shops.clock.advance(DAY)
    shops.traffic(3)
    used = {key.key_id: key.last_used_on for key in shops.processes[0].list_keys(ACME)}
    assert used[shops.old.key.key_id] < used[new.key.key_id]
    shops.revoke(shops.old)
    shops.traffic(3)
    assert shops.refused == 0
    shops.servers = [shops.old.text]
    shops.clock.advance(2)
    shops.traffic(1)
    assert shops.refused == PROCESSES  # CONTROL: it is revoked, in every process


def test_control_key_revoked_first_refuses_calls() -> None:
    """A merchant with a single key would have no other way."""
    shops = Shops()
    shops.traffic(3)
    shops.revoke(shops.old)
    new = shops.make()
    for number in range(len(shops.servers)):
        shops.servers[number] = new.text
        shops.traffic(3)
    assert shops.refused > 0
