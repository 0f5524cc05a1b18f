"""Texts under races: eight processes take the same one, answer at once, send the same row, hear of it.

Every race has its control: the same processes without the condition that decides it do the harm.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import time
from itertools import count
from secrets import token_bytes
from typing import Any

import pytest

from chalicelib.events import Actor, FactKind
from chalicelib.fleet.ids import promise_id
from chalicelib.fleet.model import BookingRules, ServiceTime, SlotTemplate
from chalicelib.merchants.model import Merchant
from chalicelib.merchants.service import Merchants
from chalicelib.notifications.inbound import Inbound
from chalicelib.notifications.kinds import usefulness_of
from chalicelib.notifications.model import Message, MessageKind, MessageStatus
from chalicelib.promises.model import Offer
from chalicelib.promises.search import SlotQuery, SlotSearch
from chalicelib.receipts import no_receipt
from chalicelib.routing.model import Load
from chalicelib.units import HOUR, MINUTE, Seconds, StopId
from tests.concurrency.arena import NOW, Arena, oversold
from tests.concurrency.racers import Held, Racers
from tests.concurrency.talkers import OUR_NUMBER, SID, Arrive, ByPage, Hear, Look, Take, Talking
from tests.promises.shop import NEAR, TODAY, a_depot, a_vehicle, an_order

pytestmark = pytest.mark.xdist_group("races")  # one emulator and one set of processes are enough

ROUNDS = 8
CONTROLS = 12  # at most; a control ends with the first harm
SLOTS = (8, 12, 14)
ALONE = 2 * HOUR + MINUTE  # at a door: a slot has room for nobody else
NUMBERS = count()  # a phone of her own for everybody: all tests share one table


@dataclass(frozen=True, slots=True, kw_only=True)
class Ana:
    """Somebody with an order for eight to ten at a depot of her own, who was texted about it."""

    depot_id: str
    phone: str
    stop_id: StopId
    number: int

    def text(self, body: str, nth: int = 0) -> Inbound:
        """A text of hers."""
        sid = f"SM{self.stop_id:016x}{nth:016x}"
        return Inbound(sid=sid, phone=self.phone, senders=(OUR_NUMBER,), body=body)


class Town:
    """As many of her as there are rounds."""

    def __init__(self, arena: Arena) -> None:
        self.arena, self.talking = arena, Talking(arena.store, NOW)
        merchant = Merchant(tenant=arena.tenant, brand="acme", sms_countries=("US",))
        Merchants(arena.store, entropy=token_bytes).save_settings(merchant)

    def anas(self, rounds: int, *, service: Seconds = 60) -> Iterator[Ana]:
        """Open a depot for each, and let her order there."""
        arena = self.arena
        for number in range(rounds):
            depot = a_depot(
                depot_id=f"talk-{number}",
                slots=tuple(SlotTemplate(starts=time(hour), ends=time(hour + 2)) for hour in SLOTS),
                booking=BookingRules(horizon_days=2, cutoff_minutes=60, hold_seconds=600),
                service=ServiceTime(base_seconds=service, per_parcel_seconds=0),
            )
            arena.fleet.put_depot(arena.tenant, depot, NOW)
            arena.fleet.put_vehicle(arena.tenant, depot.depot_id, a_vehicle(), NOW)
            phone = f"+120255501{next(NUMBERS) % 100:02}"
            offer = self.offer(depot.depot_id, 0)
            held = arena.booking.hold(arena.tenant, offer, f"cart-{number}", NOW, no_receipt, trusted=True)
            order = an_order(f"order-{number}")
            order = replace(order, recipient=replace(order.recipient, phone=phone))
            made = arena.booking.confirm_hold(arena.tenant, held.stop_id, order, NOW, no_receipt).promise
            ana = Ana(depot_id=depot.depot_id, phone=phone, stop_id=made.stop_id, number=number)
            subject = promise_id(made.stop_id)
            self.talking.book.note_texted(arena.tenant, phone, "", subject, NOW)
            yield ana

    def offer(self, depot_id: str, nth: int) -> Offer:
        """The offer of a depot's n-th slot today, for whoever asks."""
        search = SlotSearch(self.arena.store, self.arena.desk.planner)
        query = SlotQuery(location=NEAR, load=Load(parcels=1), depot_id=depot_id, days=1)
        offer = search.search(self.arena.tenant, query, NOW).slots[nth].offer
        assert offer is not None
        return offer

    def asked(self, ana: Ana) -> None:
        """She will not be there, and is asked what to do instead: "1" is the slot from twelve to two."""
        text = ana.text("not home", nth=99)
        assert self.talking.inbox.take(text, now=NOW) is not None
        self.talking.conversation.take(self.arena.tenant, text.sid, None, NOW, system_now=NOW)
        [question] = [text for text in self.texts(ana) if text.kind is MessageKind.QUESTION]
        assert "1) today 12:00-14:00" in question.body
        self.talking.sending.look(self.arena.tenant, question.message_id, self.talking.moment)

    def texts(self, ana: Ana) -> list[Message]:
        return list(self.arena.store.messages(self.arena.tenant, promise_id(ana.stop_id)))

    def did(self, ana: Ana) -> list[FactKind]:
        """What she changed or asked, by the ledger."""
        facts = self.arena.store.ledger(self.arena.tenant, ana.stop_id)
        return [fact.kind for fact in facts if fact.actor is Actor.BUYER]

    def waiting(self, ana: Ana, name: str = "waiting") -> str:
        """A text to her that waits to be sent; gives its id."""
        kind = MessageKind.DONE
        message = Message(
            message_id=f"{promise_id(ana.stop_id)}.{name}",
            subject=promise_id(ana.stop_id),
            kind=kind,
            status=MessageStatus.PENDING,
            created_at=NOW,
            body="done.",
            ready_at=NOW,
            expires_at=NOW + usefulness_of(kind).lasts,
        )
        assert self.talking.notifications.post(self.arena.tenant, message, NOW) is not None
        return message.message_id

    def status(self, message_id: str) -> MessageStatus:
        row = self.arena.store.message(self.arena.tenant, message_id)
        assert row is not None
        return row.status


@pytest.fixture
def town(arena: Arena) -> Town:
    return Town(arena)


def arrived_at_once(racers: Racers, town: Town, ana: Ana, body: str) -> tuple[int, int]:
    """Every process takes in the same text, and then acts on it; how often it was stored, what she did."""
    text, tenant = ana.text(body), town.arena.tenant
    stored = racers.race([Arrive(inbound=text, now=NOW)] * racers.count)
    assert {code for code, _ in stored} <= {"stored", "known", "stale_write"}, stored
    taken = racers.race([Take(tenant=tenant, sid=text.sid, now=NOW)] * racers.count)
    assert {code for code, _ in taken} <= {"taken", "stale_write"}, taken
    town.talking.conversation.take(tenant, text.sid, None, NOW, system_now=NOW)  # brought once more
    return [code for code, _ in stored].count("stored"), len(town.did(ana))


def test_f09_a_text_that_comes_eight_times_at_once_acts_once(racers: Racers, town: Town) -> None:
    """F09, F32: one row, one effect, one answer, whoever of the twins is first."""
    for ana in town.anas(ROUNDS):
        body = "where is my order?" if ana.number % 2 else "gate code 4471#"
        assert arrived_at_once(racers, town, ana, body) == (1, 1)
        kinds = sorted(text.kind for text in town.texts(ana))
        answer = MessageKind.WHEREABOUTS if ana.number % 2 else MessageKind.DONE
        assert kinds == sorted([answer, MessageKind.REPLY])


def test_f09_without_receipts_a_text_that_comes_at_once_acts_several_times(
    forgetful_racers: Racers, town: Town
) -> None:
    """F09, control: each twin finds nothing done, and does it."""
    rounds = town.anas(CONTROLS)
    assert any(arrived_at_once(forgetful_racers, town, ana, "where is my order?")[1] > 1 for ana in rounds)


def test_f32_a_number_by_text_and_another_on_the_page_have_one_outcome(racers: Racers, town: Town) -> None:
    """F32: "1" by text, the slot behind it on the page: each effect is in the ledger, the last one holds."""
    winners = set()
    tenant = town.arena.tenant
    for ana in town.anas(ROUNDS):
        town.asked(ana)
        text = ana.text("1")
        town.talking.inbox.take(text, now=NOW)
        promise = town.arena.store.promise(tenant, ana.stop_id)
        assert promise is not None
        possible = town.arena.desk.promises.possible(tenant, promise, NOW, days=1)
        later = next(slot.offer for slot in possible.slots if slot.slot_id.endswith(".1400-1600"))
        assert later is not None
        page = ByPage(tenant=tenant, stop_id=ana.stop_id, offer=later, request=f"page-{ana.number}", now=NOW)
        take = Take(tenant=tenant, sid=text.sid, now=NOW)
        half = racers.count // 2
        outcomes = {code for code, _ in racers.race([take, page] * half)}
        assert outcomes <= {"taken", "changed", "already_done", "stale_write"}, outcomes
        town.talking.conversation.take(tenant, text.sid, None, NOW, system_now=NOW)
        ledger = town.arena.store.ledger(tenant, ana.stop_id)
        moves = [fact.data["to_window"] for fact in ledger if "to_window" in fact.data]
        promise = town.arena.store.promise(tenant, ana.stop_id)
        assert promise is not None
        assert moves[-1] == {"starts_at": promise.window.start, "ends_at": promise.window.end}
        assert len(moves) == len({move["starts_at"] for move in moves})  # neither of them twice
        [answer] = [text for text in town.texts(ana) if text.message_id.endswith(ana.text("1").sid)]
        assert answer.kind is MessageKind.DONE
        told = "14:00-16:00" if moves[0]["starts_at"] == promise.window.start else "12:00-14:00"
        assert told in answer.body
        winners.add(told)
        assert stops_of(town, ana) == [ana.stop_id]
    assert winners


def stops_of(town: Town, ana: Ana) -> list[StopId]:
    """Every stop of her depot's routes of the day."""
    stored = town.arena.store.routes(
        town.arena.tenant, ana.depot_id, first=TODAY, last=TODAY, consistent=True
    )
    return [stop.stop_id for _, route in stored for stop in route.all_stops()]


def rush(racers: Racers, town: Town, ana: Ana) -> tuple[int, list[str]]:
    """She answers "1" late, and everybody else wants that slot's only place; who got it, what is wrong."""
    tenant, text = town.arena.tenant, ana.text("1")
    town.asked(ana)
    town.talking.inbox.take(text, now=NOW)
    offer = town.offer(ana.depot_id, 1)
    take: list[Any] = [Take(tenant=tenant, sid=text.sid, now=NOW)]
    others = [
        Held(tenant=tenant, offer=offer, cart_ref=f"{ana.number}-{n}", now=NOW)
        for n in range(racers.count - 1)
    ]
    outcomes = racers.race(take + others)
    town.talking.conversation.take(tenant, text.sid, None, NOW, system_now=NOW)
    held = [stop_id for code, stop_id in outcomes if code == "held"]
    promise = town.arena.store.promise(tenant, ana.stop_id)
    assert promise is not None
    moved = promise.slot_id == offer.slot_id
    [(_, route)] = town.arena.store.routes(tenant, ana.depot_id, first=TODAY, last=TODAY, consistent=True)
    return len(held) + moved, oversold(route, [ana.stop_id, *held])


def test_f32_a_late_number_beside_a_rush_oversells_nothing(racers: Racers, town: Town) -> None:
    """F01, F32: one of them has the place, and what is stored can be driven."""
    for ana in town.anas(ROUNDS, service=ALONE):
        assert rush(racers, town, ana) == (1, [])


def test_f32_without_the_guard_a_late_number_oversells(unguarded_racers: Racers, town: Town) -> None:
    """F01, F32, control: routes are written whatever is stored."""
    assert any(rush(unguarded_racers, town, ana)[1] for ana in town.anas(CONTROLS, service=ALONE))


def looked_at_once(racers: Racers, town: Town, ana: Ana) -> int:
    """Every process looks at the same row; how often the carrier was called."""
    look = Look(tenant=town.arena.tenant, message_id=town.waiting(ana), now=NOW)
    return sum(calls for code, calls in racers.race([look] * racers.count) if code == "looked")


def test_f13_workers_on_one_row_send_it_once(racers: Racers, town: Town) -> None:
    """F13: eight of them at the very same moment."""
    for ana in town.anas(ROUNDS):
        assert looked_at_once(racers, town, ana) == 1


def test_f13_without_the_claim_workers_on_one_row_send_it_several_times(
    claimless_racers: Racers, town: Town
) -> None:
    """F13, control: whoever claims, has it."""
    assert any(looked_at_once(claimless_racers, town, ana) > 1 for ana in town.anas(CONTROLS))


def test_f35_stop_while_a_text_is_claimed(racers: Racers, town: Town) -> None:
    """F35: sent once at most, and after STOP was answered nothing goes any more."""
    for ana in town.anas(ROUNDS):
        tenant, message_id = town.arena.tenant, town.waiting(ana)
        stop = Arrive(inbound=ana.text("STOP"), now=NOW)
        look = Look(tenant=tenant, message_id=message_id, now=NOW)
        outcomes = racers.race([stop, look] * (racers.count // 2))
        assert sum(calls for code, calls in outcomes if code == "looked") <= 1
        assert town.talking.book.is_opted_out(tenant, ana.phone)
        assert town.status(message_id) in (MessageStatus.SENT, MessageStatus.SKIPPED)
        later = town.waiting(ana, "later")
        town.talking.sending.look(tenant, later, town.talking.moment)
        assert town.status(later) is MessageStatus.SKIPPED
    assert town.talking.carrier.taken == []


def heard_at_once(racers: Racers, town: Town, ana: Ana) -> MessageStatus:
    """The sender's own write beside callbacks that are doubled and shuffled; how the row ends."""
    tenant, message_id = town.arena.tenant, town.waiting(ana)
    words = ["delivered", "sent", "queued", "sending", "sent", "delivered", "queued"]
    look: list[Any] = [Look(tenant=tenant, message_id=message_id, now=NOW)]
    heard = [Hear(tenant=tenant, message_id=message_id, word=word, now=NOW) for word in words]
    outcomes = racers.race(look + heard)
    for (code, _), word in zip(outcomes[1:], words, strict=True):
        if code == "stale_write":  # Twilio tries again
            town.talking.progress.hear(tenant, message_id, town.talking.moment, sid=SID, word=word, code=None)
    return town.status(message_id)


def test_f18_callbacks_beside_the_senders_own_write_end_in_delivered(racers: Racers, town: Town) -> None:
    """F18: the carrier is faster than our own record of the call, in any order."""
    for ana in town.anas(ROUNDS):
        assert heard_at_once(racers, town, ana) is MessageStatus.DELIVERED


def test_f18_without_versions_a_late_word_writes_over_the_last(claimless_racers: Racers, town: Town) -> None:
    """F18, control: rows are written whatever is stored."""
    ends = (heard_at_once(claimless_racers, town, ana) for ana in town.anas(CONTROLS))
    assert any(end is not MessageStatus.DELIVERED for end in ends)
