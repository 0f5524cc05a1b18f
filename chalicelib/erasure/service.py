"""Forgets a buyer: name, number, address, words, and what was texted; what stays is that a delivery was made.

One transaction cannot hold all of it, so the order matters: first what is found through the promise, and last
the promise itself, by which it is found. Whoever asks again after a crash goes on where it stopped. What is
still being done for a buyer needs the buyer, so an open promise is refused: cancel it first. Some of it
cannot go at once: a text that is with the carrier, a place on a route that is still driven, a photo on its
way from a phone. So a reminder comes back in an hour, and until nothing is left. Weak point: a copy of the
table as it was before (PITR) knows the buyer again, for as long as such copies are kept.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace

from chalicelib.erasure.places import Places
from chalicelib.erasure.store import Correspondence, ErasureStore, Proofs
from chalicelib.errors import Conflict, StaleWrite
from chalicelib.events import Tenant
from chalicelib.fleet.ids import PROMISE, PROOF_KINDS, promise_id, proof_key, stop_id_of
from chalicelib.fleet.plans import PlanKey
from chalicelib.notifications.inbound import Part, answer_receipt
from chalicelib.notifications.model import ASKED_OF, Message, MessageKind, MessageStatus, Silence
from chalicelib.notifications.ports import TextQueue
from chalicelib.promises.doors import Doors
from chalicelib.promises.model import HandedOver, Instructions, Promise, Recipient
from chalicelib.promises.placing import Ports
from chalicelib.promises.store import Changes, PromiseQuery
from chalicelib.receipts import Receipt
from chalicelib.reminders import Reminder, ReminderKind
from chalicelib.routing.blurred import blurred_place
from chalicelib.units import HOUR, MINUTE, Timestamp

NOBODY = Recipient(name="")
_PAGE = 100
_AT_THE_CARRIER = frozenset({MessageStatus.SENDING, MessageStatus.UNKNOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """Who is to be forgotten: all promises to a number, or those of one order."""

    phone: str | None = None
    order_ref: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """How much was forgotten; nothing that was before is counted.

    Attributes
    ----------
    texts, replies
        What the buyer was sent, and what came from the buyer's number.
    doors
        Gate codes learned from the buyer.
    """

    promises: int = 0
    texts: int = 0
    replies: int = 0
    doors: int = 0

    def and_also(self, other: "Erased") -> "Erased":
        """Both together."""
        return Erased(
            promises=self.promises + other.promises,
            texts=self.texts + other.texts,
            replies=self.replies + other.replies,
            doors=self.doors + other.doors,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Texts:
    """What became of the texts about one thing, as they were read: a row may move on a moment later.

    Attributes
    ----------
    some_stay
        Whether some are with the carrier, which needs their words.
    """

    forgotten: int
    some_stay: bool


class Erasure:
    """Forgets buyers; holds no state.

    Parameters
    ----------
    proofs
        None where there is no place for them.
    """

    def __init__(
        self,
        store: ErasureStore,
        ports: Ports,
        doors: Doors,
        correspondence: Correspondence,
        queue: TextQueue,
        proofs: Proofs | None,
    ) -> None:
        self._store, self._ports, self._doors = store, ports, doors
        self._correspondence, self._queue, self._proofs = correspondence, queue, proofs
        self._places = Places(store, ports)

    def erase(self, tenant: Tenant, buyer: Buyer, now: Timestamp, receipt: Receipt[Erased]) -> Erased:
        """Forget a buyer; once more does nothing, and says so.

        Raises
        ------
        Conflict
            `promises_open`, with their ids: nothing was forgotten.
        StaleWrite
            Other writers were faster each time; some of it may be forgotten already.
        """
        found = self._promises(tenant, buyer)
        still_open = [promise_id(promise.stop_id) for promise in found if not promise.state.finished]
        if still_open:
            raise Conflict(
                "What is still to be delivered needs its buyer: cancel it, or come back when it is finished.",
                code="promises_open",
                extra={"promise_ids": still_open},
            )
        known = [promise for promise in found if promise.erased_at is None]
        phones = {promise.order.recipient.phone for promise in known} | {buyer.phone}
        erased = Erased()
        for phone in sorted(filter(None, phones)):
            erased = erased.and_also(self._forget_said(tenant, phone, known, now))
        if buyer.phone is not None:
            erased = erased.and_also(Erased(doors=self._doors.forget(tenant, phone=buyer.phone)))
        for promise in known:
            erased = erased.and_also(self._forget(tenant, promise, now))
        row = receipt(erased)
        if row is not None:
            self._store.commit(tenant, Changes(receipt=row))
        return erased

    def finish(self, tenant: Tenant, subject: str, now: Timestamp) -> Timestamp | None:
        """Forget what could not go when a buyer was forgotten; gives when to come back.

        Parameters
        ----------
        subject
            What it was about: a promise, or a text that was asked back about.
        """
        texts, needed = self._forget_texts(tenant, subject, now), None
        stop_id = stop_id_of(subject, PROMISE)
        promise = self._store.promise(tenant, stop_id) if stop_id is not None else None
        if promise is not None:
            self._forget_proofs(tenant, promise)
            needed = self._places.forget(tenant, promise, now)
        return now + HOUR if texts.some_stay else needed

    def _promises(self, tenant: Tenant, buyer: Buyer) -> Sequence[Promise]:
        found = dict[int, Promise]()
        if buyer.phone is not None:
            for stop_id in self._store.people.promises_to(tenant, buyer.phone):
                promise = self._store.promise(tenant, stop_id)
                if promise is not None:
                    found[stop_id] = promise
        if buyer.order_ref is not None:
            query, start = PromiseQuery(order_ref=buyer.order_ref), None
            while True:
                page = self._store.promises(tenant, query, limit=_PAGE, start=start)
                found |= {promise.stop_id: promise for promise in page.rows}
                start = page.next_start
                if start is None:
                    break
        return list(found.values())

    def _forget_said(self, tenant: Tenant, phone: str, known: Sequence[Promise], now: Timestamp) -> Erased:
        """Forget what was said with a number: all of it, unless another order of it is still remembered."""
        said, stop_ids = self._correspondence.said(tenant, phone), {promise.stop_id for promise in known}
        if not stop_ids.issuperset(self._store.people.promises_to(tenant, phone)):
            said = self._said_about(tenant, said, {promise_id(each) for each in stop_ids})
        # A question about several merchants' orders is no promise's. Once it went its contact names it, and
        # until then the text that it answers.
        asked = {subject for subject in said.subjects if subject.startswith(ASKED_OF)}
        texts = 0
        for subject in sorted(asked | {f"{ASKED_OF}{sid}" for sid in said.sids}):
            found = self._forget_texts(tenant, subject, now)
            texts += found.forgotten
            if found.forgotten or found.some_stay:
                self._come_back(tenant, subject, now)
        gone = sorted(said.sids - said.shared)
        for sid in gone:
            self._forget_at_carrier(tenant, sid, now)
        for sid in said.sids:
            self._store.people.drop_receipt(tenant, answer_receipt(sid))
        self._correspondence.forget(tenant, phone, said)  # last: by it all of this is found
        return Erased(texts=texts, replies=len(gone))

    def _said_about(self, tenant: Tenant, said: Part, subjects: Set[str]) -> Part:
        texts = [text for subject in subjects for text in self._store.messages(tenant, subject)]
        replies = {text.sid for text in texts if text.kind is MessageKind.REPLY and text.sid}
        return said.of(subjects | {f"{ASKED_OF}{sid}" for sid in replies}, replies)

    def _forget(self, tenant: Tenant, promise: Promise, now: Timestamp) -> Erased:
        subject = promise_id(promise.stop_id)
        # Always: what is being written down, sent or photographed at this moment cannot be seen yet.
        self._come_back(tenant, subject, now)
        texts = self._forget_texts(tenant, subject, now)
        self._places.forget(tenant, promise, now)
        self._forget_proofs(tenant, promise)
        doors = self._doors.forget(tenant, order_ref=promise.order.order_ref)
        self._store.people.erase_ledger(tenant, promise.stop_id)

        def attempt() -> None:
            before = self._store.promise(tenant, promise.stop_id)
            if before is not None and before.erased_at is None:
                self._store.people.erase_promise(tenant, before, without_buyer(before, now))

        self._ports.retried(attempt)
        return Erased(promises=1, texts=texts.forgotten, doors=doors)

    def _forget_texts(self, tenant: Tenant, subject: str, now: Timestamp) -> _Texts:
        """Forget the texts about something here, and have them forgotten by the carrier."""
        forgotten, some_stay = 0, False
        for message in self._store.messages(tenant, subject):
            if message.status in _AT_THE_CARRIER:
                some_stay = True
                continue
            after = message
            if message.body:
                after, forgotten = without_words(message), forgotten + 1
                if self._store.save_message(tenant, after) is None:
                    raise StaleWrite("A text was written meanwhile.")
            if after.redact:
                self._bring(tenant, message.message_id, now)
        return _Texts(forgotten=forgotten, some_stay=some_stay)

    def _forget_at_carrier(self, tenant: Tenant, sid: str, now: Timestamp) -> None:
        """Have a text that came in forgotten there: a row of its own says so, for there may be no other."""
        subject = f"{ASKED_OF}{sid}"
        row = Message(
            message_id=f"{subject}.{sid}.reply",
            subject=subject,
            kind=MessageKind.REPLY,
            status=MessageStatus.RECEIVED,
            created_at=now,
            redact=(sid,),
        )
        self._store.add_message(tenant, row)
        self._bring(tenant, row.message_id, now)

    def _bring(self, tenant: Tenant, message_id: str, now: Timestamp) -> None:
        """Bring a text to the worker that talks to the carrier, again and again until it was told."""
        reminder = Reminder(kind=ReminderKind.SEE_TO_TEXT, subject=message_id, due_at=now + MINUTE)
        self._store.reminders.write_reminder(tenant, reminder)
        self._queue.look(tenant, message_id)

    def _forget_proofs(self, tenant: Tenant, promise: Promise) -> None:
        if self._proofs is not None:
            for key in proof_keys(tenant, promise):
                self._proofs.delete(key)

    def _come_back(self, tenant: Tenant, subject: str, now: Timestamp) -> None:
        reminder = Reminder(kind=ReminderKind.FINISH_ERASURE, subject=subject, due_at=now + HOUR)
        self._store.reminders.write_reminder(tenant, reminder)


def proof_keys(tenant: Tenant, promise: Promise) -> list[str]:
    """Where photos and signatures of a promise may lie: an attempt does not say which of them it has."""
    return [
        proof_key(
            tenant,
            str(PlanKey(depot_id=attempt.depot_id, day=attempt.day)),
            attempt.shift_id,
            proof=proof,
            kind=kind,
        )
        for attempt in promise.attempts
        for proof in attempt.proof.uploads
        for kind in PROOF_KINDS
    ]


def without_buyer(promise: Promise, now: Timestamp) -> Promise:
    """What may still be known of a promise; by the ids of photos those on their way are found and deleted."""
    said, place = promise.feedback, promise.delivery.location
    return replace(
        promise,
        order=replace(promise.order, recipient=NOBODY, sms_consent=False, instructions=Instructions()),
        delivery=replace(promise.delivery, location=blurred_place(place), address=None),
        attempts=tuple(
            replace(attempt, proof=HandedOver(uploads=attempt.proof.uploads)) for attempt in promise.attempts
        ),
        feedback=replace(said, comment=None) if said else None,
        choices=None,
        erased_at=now,
    )


def without_words(message: Message) -> Message:
    """What may still be known of a text; what waits is not sent."""
    waits = message.status is MessageStatus.PENDING
    at_carrier = (message.sid, message.failed_sid, *message.redact)
    return replace(
        message,
        body="",
        sealed_to=None,
        status=MessageStatus.SKIPPED if waits else message.status,
        reason=Silence.ERASED if waits else message.reason,
        redact=tuple(dict.fromkeys(filter(None, at_carrier))),
    )
