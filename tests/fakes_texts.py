"""What texts need beside promises, in memory: senders' pace, marks of numbers, a queue."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from chalicelib.events import Fact, Tenant
from chalicelib.notifications.inbound import Contact, Part
from chalicelib.notifications.pace import Reserved, SenderState
from chalicelib.units import Seconds, Timestamp


@dataclass
class InMemorySenders:
    """See `notifications.pace.SenderStore`."""

    states: dict[str, SenderState] = field(default_factory=dict)
    free_at: dict[str, int] = field(default_factory=dict)

    def sender_state(self, sender: str) -> SenderState:
        return self.states.get(sender, SenderState())

    def move_sender(self, sender: str, before: SenderState, after: SenderState) -> bool:
        if self.sender_state(sender) != before:
            return False
        self.states[sender] = after
        return True

    def reserve(self, sender: str, *, cost: int, now: int, latest: int, failures: int) -> Reserved:
        at, state = max(now, self.free_at.get(sender, 0)), self.sender_state(sender)
        if at > latest or state.failures > failures:
            return Reserved(at=None, state=state)
        self.free_at[sender] = at + cost
        return Reserved(at=at, state=state)


@dataclass
class InMemoryPhones:
    """See `adapters.dynamodb.phones.PhoneRows`."""

    out: dict[tuple[Tenant, str], bool] = field(default_factory=dict)
    known: dict[tuple[str, str, Tenant, str], Contact] = field(default_factory=dict)
    arrived: dict[str, tuple[str, list[Tenant]]] = field(default_factory=dict)
    wrote: dict[str, str] = field(default_factory=dict)
    came: dict[str, Timestamp] = field(default_factory=dict)
    facts: list[tuple[Tenant, Fact]] = field(default_factory=list)
    talks: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)

    def is_opted_out(self, tenant: Tenant, marks: Iterable[str]) -> bool:
        return any(self.out.get((tenant, mark), False) for mark in marks)

    def set_opt_out(self, tenant: Tenant, mark: str, *, out: bool, at: Timestamp) -> None:
        self.out[tenant, mark] = out

    def put_contact(self, mark: str, sender: str, contact: Contact) -> None:
        self.known[mark, sender, contact.tenant, contact.subject] = contact

    def contacts(self, marks: Iterable[str], senders: Sequence[str]) -> list[Contact]:
        wanted, latest = list(marks), dict[tuple[Tenant, str], Contact]()
        for (mark, sender, tenant, subject), contact in self.known.items():
            if mark in wanted and sender in senders:
                known = latest.get((tenant, subject))
                if known is None or contact.texted_at > known.texted_at:
                    latest[tenant, subject] = contact
        return sorted(
            latest.values(), key=lambda contact: (-contact.texted_at, str(contact.tenant), contact.subject)
        )

    def talk(self, mark: str, sender: str) -> tuple[str, int] | None:
        return self.talks.get((mark, sender))

    def put_talk(self, mark: str, sender: str, document: str, *, version: int, at: Timestamp) -> bool:
        known = self.talks.get((mark, sender))
        if (known[1] if known else 0) != version:
            return False
        self.talks[mark, sender] = document, version + 1
        return True

    def record_inbound(
        self,
        sid: str,
        sealed: str,
        at: Timestamp,
        *,
        mark: str,
        whose: Sequence[Tenant],
        ledger: Mapping[tuple[Tenant, str], bool],
        fact: Fact | None,
    ) -> bool:
        if sid in self.arrived:
            return False
        self.arrived[sid] = sealed, list(whose)
        self.wrote[sid], self.came[sid] = mark, at
        self.out.update(ledger)
        if fact:
            self.facts.append((whose[0], fact))
        return True

    def said(self, tenant: Tenant, marks: Iterable[str]) -> Part:
        wanted = set(marks)
        subjects = {key[3] for key in self.known if key[0] in wanted and key[2] == tenant}
        came = {sid: self.arrived[sid][1] for sid, mark in self.wrote.items() if mark in wanted}
        sids = {sid for sid, whose in came.items() if not whose or tenant in whose}
        shared = {sid for sid in sids if len(came[sid]) > 1}
        return Part(subjects=frozenset(subjects), sids=frozenset(sids), shared=frozenset(shared))

    def forget(self, tenant: Tenant, marks: Iterable[str], part: Part) -> None:
        wanted = set(marks)
        for key in [key for key in self.known if key[0] in wanted and key[2] == tenant]:
            if key[3] in part.subjects:
                del self.known[key]
        if part.is_all:
            theirs = {key[:2] for key in self.known}
            gone = [key for key in self.talks if key[0] in wanted and key not in theirs]
            for talk in gone:
                del self.talks[talk]
        for sid in [sid for sid, mark in self.wrote.items() if mark in wanted and sid in part.sids]:
            self._disown(tenant, sid)

    def _disown(self, tenant: Tenant, sid: str) -> None:
        sealed, whose = self.arrived[sid]
        left = [each for each in whose if each != tenant]
        if left:
            self.arrived[sid] = sealed, left
        else:
            del self.arrived[sid], self.wrote[sid]

    def inbound(self, sid: str) -> tuple[str, list[Tenant], Timestamp] | None:
        found = self.arrived.get(sid)
        return (*found, self.came[sid]) if found else None


@dataclass
class FakeTextQueue:
    """Texts that wait to be looked at, with their delays."""

    waiting: list[tuple[Tenant, str, Seconds]] = field(default_factory=list)

    def look(self, tenant: Tenant, message_id: str, *, delay: Seconds = 0) -> None:
        self.waiting.append((tenant, message_id, delay))

    def look_at_all(self, tenant: Tenant, delays: Mapping[str, Seconds]) -> None:
        self.waiting += [(tenant, message_id, delay) for message_id, delay in delays.items()]

    def taken(self) -> list[tuple[Tenant, str, Seconds]]:
        waiting, self.waiting = self.waiting, []
        return waiting
