"""The worker's side: claim a text, see whether it is still true, give it to the carrier, once.

A worker claims by a write on the version it read, with a lease. `SENDING` is written before the carrier is
called, so a call of which nobody knows the end is known to have begun; it is never repeated blindly. What
became of it is told by the carrier's callback, else asked of its list, and only where the list has no such
text, and the kind allows it, it goes out once more, marked. Everything may be done twice. Weak point: what
the list shows is taken for true two minutes after the call.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from chalicelib.errors import BadToken, Upstream
from chalicelib.events import Tenant
from chalicelib.notifications.callbacks import Callbacks
from chalicelib.notifications.caps import TextLimiter
from chalicelib.notifications.carrier import (
    Answer,
    NotProcessed,
    Outgoing,
    Refused,
    Sighting,
    Taken,
    TextSender,
    Unanswered,
    heard,
)
from chalicelib.notifications.kinds import usefulness_of, valid_for
from chalicelib.notifications.model import Addressee, Message, MessageStatus, Silence
from chalicelib.notifications.pace import Closed, NoPlace, Pace, Place
from chalicelib.notifications.ports import Addressees, MessageStore, PhoneBook, Policy, Seal, Wait
from chalicelib.notifications.progress import GIVEN_UP_AFTER, LAST_WORD, Moment, Progress, number_purpose
from chalicelib.notifications.refusals import Refusal, again_after, refusal_of
from chalicelib.units import MINUTE, Seconds

LEASE: Final[Seconds] = 2 * MINUTE  # of a claim: longer than a worker lives
SETTLED_AFTER: Final[Seconds] = 2 * MINUTE  # of a call, its text stands in the carrier's list if anywhere
_LONGEST_WAIT: Final[Seconds] = 5 * MINUTE  # between two tries of what the carrier had no time for
_EARLIER: Final[Seconds] = 10  # by which the carrier's clock may be behind ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """What a sender of texts works with.

    Attributes
    ----------
    segments
        How many SMS a body takes.
    jitter
        Gives a number from 0 to 1 by chance.
    """

    store: MessageStore
    addressees: Addressees
    sender: TextSender
    policy: Policy
    pace: Pace
    limiter: TextLimiter
    phone_book: PhoneBook
    progress: Progress
    callbacks: Callbacks
    seal: Seal
    segments: Callable[[str], int]
    jitter: Callable[[], float]


class Sending:
    """Sends what is to be sent."""

    def __init__(self, ports: Ports) -> None:
        self._ports, self._store, self._progress = ports, ports.store, ports.progress

    def look(self, tenant: Tenant, message_id: str, at: Moment) -> Message | None:
        """Do for a text what is to be done now; gives it as it is then, None if there was nothing to do.

        Raises
        ------
        Upstream
            The store did not answer; looking again does no harm.
        """
        message = self._store.message(tenant, message_id)
        if message is None or at.system_now < message.leased_until:
            return None
        if message.redact:
            return self._forget(tenant, message, at)
        match message.status:
            case MessageStatus.PENDING if at.now >= message.ready_at:
                return self._send(tenant, message, at)
            case MessageStatus.SENDING:  # its worker died
                return self._resolve(tenant, message, at)
            case MessageStatus.UNKNOWN if at.now >= message.ready_at:
                return self._resolve(tenant, message, at)
            case MessageStatus.SENT if at.now >= message.expires_at + LAST_WORD:
                return self._ask_after(tenant, message, at)
            case _:
                return None

    def _send(self, tenant: Tenant, message: Message, at: Moment) -> Message | None:
        claimed = self._store.save_message(tenant, replace(message, leased_until=at.system_now + LEASE))
        if claimed is None:
            return None
        if at.now >= claimed.expires_at:
            return self._progress.end(tenant, claimed, MessageStatus.EXPIRED, Silence.TOO_LATE, at)
        to = self._ports.addressees.addressee(tenant, claimed.subject)
        if to is None:
            return self._progress.end(tenant, claimed, MessageStatus.SKIPPED, Silence.NOT_TRUE, at)
        admitted, verdict = self._judged(tenant, claimed, to, at)
        match verdict:
            case Wait(until=until):
                return self._progress.put_off(tenant, admitted, until, at)
            case Silence.TOO_LATE:
                return self._progress.end(tenant, admitted, MessageStatus.EXPIRED, verdict, at)
            case Silence():
                return self._progress.end(tenant, admitted, MessageStatus.SKIPPED, verdict, at)
        return self._call(tenant, admitted, to, at)

    def _judged(
        self, tenant: Tenant, message: Message, to: Addressee, at: Moment
    ) -> tuple[Message, Silence | Wait | None]:
        """Ask policy, caps, circuit and pace; gives the text with what it took of caps and pace."""
        verdict = self._ports.policy.verdict(tenant, message, to, at.now)
        if verdict is not None:
            return message, verdict
        if to.phone is None:
            return message, Silence.NO_PHONE
        if not message.counted:
            silence = self._ports.limiter.take(tenant, to.phone, now=at.system_now)
            if silence is not None:
                return message, silence
            message = replace(message, counted=True)
        turn = self._turn(message, to.sender or "", at)
        if isinstance(turn, Closed):
            return message, Wait(until=at.now + turn.wait + self._up_to(turn.wait // 4))
        if isinstance(turn, NoPlace):
            return message, Silence.TOO_LATE
        message = replace(message, paced=True)
        return message, Wait(until=at.now + turn.wait) if turn.wait else None

    def _turn(self, message: Message, sender: str, at: Moment) -> Place | Closed | NoPlace:
        """A text's place behind the others of its sender; whoever had theirs only asks the circuit."""
        pace, now = self._ports.pace, at.system_now
        if message.paced:
            return pace.is_closed(sender, now=now) or Place(wait=0)
        segments, within = self._ports.segments(message.body), message.expires_at - at.now
        return pace.turn(sender, segments=segments, now=now, within=within)

    def _call(self, tenant: Tenant, message: Message, to: Addressee, at: Moment) -> Message | None:
        phone = to.phone or ""
        self._ports.phone_book.note_texted(tenant, phone, to.sender or "", message.subject, at.system_now)
        going = self._store.save_message(
            tenant,
            replace(
                message,
                status=MessageStatus.SENDING,
                leased_until=at.system_now + LEASE,
                called_at=message.called_at or at.system_now,
                tries=message.tries + 1,
                sealed_to=self._ports.seal.seal(number_purpose(tenant), phone.encode()),
            ),
        )
        if going is None:
            return None
        left = min(going.expires_at - at.now, usefulness_of(going.kind).lasts)  # no night that we wait out
        answer = self._ports.sender.send(
            Outgoing(
                to=phone,
                body=going.body,
                sender=to.sender,
                callback_url=self._ports.callbacks.url_of(tenant, going),
                valid_for=valid_for(left),
            )
        )
        return self._note(tenant, going, to.sender or "", answer, at)

    def _note(
        self, tenant: Tenant, message: Message, sender: str, answer: Answer, at: Moment
    ) -> Message | None:
        """Write down what the carrier said; a callback of the same call may have been faster."""
        pace = self._ports.pace
        if isinstance(answer, Refused) and refusal_of(answer.code) is Refusal.BUSY:
            answer = NotProcessed()
        match answer:
            case Taken(sid=sid, word=word):
                pace.note_success(sender)
                return self._progress.change(tenant, message, lambda row: heard(row, sid=sid, word=word), at)
            case NotProcessed(after=after, reached=reached):
                if not reached:
                    pace.note_failure(sender, now=at.system_now)
                wait = self._back_off(message.tries, at_least=after or 0)
            case Refused(code=code):
                refusal = refusal_of(code)
                if refusal is Refusal.OPTED_OUT:
                    self._progress.opt_out(tenant, message, at)
                if refusal is Refusal.CREDENTIALS:
                    pace.note_failure(sender, now=at.system_now, at_once=True)
                    wait = self._back_off(message.tries, at_least=0)
                elif (later := again_after(refusal)) is not None:
                    wait = later
                else:
                    pace.note_success(sender)
                    return self._progress.end(tenant, message, MessageStatus.FAILED, code, at)
            case Unanswered():
                pace.note_failure(sender, now=at.system_now)
                return self._doubt(tenant, message, at)
        again = replace(message, status=MessageStatus.PENDING, paced=False)
        return self._progress.put_off(tenant, again, at.now + wait, at)

    def _doubt(self, tenant: Tenant, message: Message, at: Moment) -> Message | None:
        ready_at = at.now + SETTLED_AFTER

        def change(row: Message) -> Message | None:
            if row.status is not MessageStatus.SENDING:
                return None
            return replace(row, status=MessageStatus.UNKNOWN, ready_at=ready_at, leased_until=0)

        doubted = self._progress.change(tenant, message, change, at)
        if doubted is not None:
            self._progress.bring(tenant, doubted, delay=SETTLED_AFTER)
        return doubted

    def _resolve(self, tenant: Tenant, message: Message, at: Moment) -> Message | None:
        """Find out whether the carrier has a text of which the end of its call is not known."""
        claim = replace(message, status=MessageStatus.UNKNOWN, leased_until=at.system_now + LEASE)
        claimed = self._store.save_message(tenant, claim)
        if claimed is None:
            return None
        try:
            found = self._found(tenant, claimed)
        except BadToken:  # sealed by a key that is gone
            return self._progress.end(tenant, claimed, MessageStatus.FAILED, Silence.UNRESOLVED, at)
        except Upstream:
            if at.now >= claimed.expires_at + GIVEN_UP_AFTER:
                return self._progress.end(tenant, claimed, MessageStatus.FAILED, Silence.UNRESOLVED, at)
            later = replace(claimed, ready_at=at.now + _LONGEST_WAIT + self._up_to(MINUTE), leased_until=0)
            return self._store.save_message(tenant, later)
        if found is not None:
            sid, word, code = found.sid, found.word, found.code
            return self._progress.change(
                tenant, claimed, lambda row: heard(row, sid=sid, word=word, code=code), at
            )
        if claimed.resent or not usefulness_of(claimed.kind).resend or at.now >= claimed.expires_at:
            return self._progress.end(tenant, claimed, MessageStatus.FAILED, Silence.NOT_TAKEN, at)
        again = replace(claimed, status=MessageStatus.PENDING, resent=True, paced=False)
        return self._progress.put_off(tenant, again, at.now, at)

    def _found(self, tenant: Tenant, message: Message) -> Sighting | None:
        """The text in the carrier's list: its very words, to its number, since its call, and no other."""
        to = self._ports.seal.unseal(number_purpose(tenant), message.sealed_to or "").decode()
        listed = [
            each
            for each in self._ports.sender.sent_to(to)
            if each.body.strip() == message.body.strip()
            and each.created_at >= message.called_at - _EARLIER
            and each.sid != message.failed_sid
        ]
        # Its own id may be on record already: a worker writes that first, and may have died behind it.
        whose = self._store.own_sids(tenant, [each.sid for each in listed])
        own = message.message_id
        return next((each for each in listed if whose.get(each.sid, own) == own), None)

    def _ask_after(self, tenant: Tenant, message: Message, at: Moment) -> Message | None:
        """Ask how a text ended of which the last callback never came."""
        if message.sid is None or at.now >= message.expires_at + GIVEN_UP_AFTER:
            return None
        found = self._ports.sender.sighting(message.sid)
        if found is None:
            return None
        return self._progress.hear(
            tenant, message.message_id, at, sid=found.sid, word=found.word, code=found.code
        )

    def _forget(self, tenant: Tenant, message: Message, at: Moment) -> Message | None:
        """Have the carrier forget what a buyer was told and wrote, who was forgotten here."""
        try:
            for sid in message.redact:
                self._ports.sender.forget(sid)
        except Upstream:  # the reminder comes back to it
            return None

        def change(row: Message) -> Message:
            return replace(row, redact=tuple(sid for sid in row.redact if sid not in message.redact))

        return self._progress.change(tenant, message, change, at)

    def _back_off(self, tries: int, *, at_least: Seconds) -> Seconds:
        bound = min(_LONGEST_WAIT, 2 ** min(tries, 10))
        return max(1, at_least + self._up_to(bound))

    def _up_to(self, seconds: Seconds) -> Seconds:
        return round(self._ports.jitter() * seconds)
