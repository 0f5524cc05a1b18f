"""What is known of numbers: who wants no texts, who texted them, what came from them.

A number is known by its mark, a keyed hash; what it wrote is sealed by whoever hands it over. So the table
names nobody, whoever reads it.
"""

from collections.abc import Iterable, Mapping, Sequence

from chalicelib.adapters.dynamodb.keys import (
    arrival_key,
    arrivals_span,
    contact_key,
    contact_of,
    contacts_span,
    inbound_key,
    opt_out_key,
    talk_key,
    talks_span,
)
from chalicelib.adapters.dynamodb.table import ConditionFailed, Item, Rows, key_item, key_of, number, text
from chalicelib.adapters.dynamodb.transaction import ABSENT, Refused, Transaction, unmoved
from chalicelib.errors import StaleWrite
from chalicelib.events import Fact, Tenant
from chalicelib.notifications.inbound import Contact, Part
from chalicelib.retention import BUYERS_KEPT, INBOUND_KEPT, TALKS_KEPT
from chalicelib.units import Timestamp

_SEEN, _LEDGER = "seen", "ledger"


class PhoneRows(Rows):
    """Marks of numbers, and what is known by them."""

    def is_opted_out(self, tenant: Tenant, marks: Iterable[str]) -> bool:
        """Whether any of a number's marks stands in a merchant's ledger as wanting nothing."""
        found = self._table.get_many([opt_out_key(tenant, mark) for mark in marks])
        return any(item["out"]["BOOL"] for item in found.values())

    def set_opt_out(self, tenant: Tenant, mark: str, *, out: bool, at: Timestamp) -> None:
        """Write a line of a merchant's ledger; it is never forgotten."""
        self._table.ask("put_item", Item=key_item(opt_out_key(tenant, mark)) | _line(out, at))

    def put_contact(self, mark: str, sender: str, contact: Contact) -> None:
        """Remember who texted a number, and what about."""
        row = key_item(contact_key(mark, sender, contact.tenant, contact.subject))
        about = {"subject": text(contact.subject), "at": number(contact.texted_at)}
        self._table.ask("put_item", Item=row | about | {"ttl": number(contact.texted_at + BUYERS_KEPT)})

    def contacts(self, marks: Iterable[str], senders: Sequence[str]) -> list[Contact]:
        """What a number was texted about from one of these, the latest first; each promise once."""
        found = dict[tuple[Tenant, str], Contact]()
        for mark in marks:
            for item in self._table.query(contacts_span(mark)):
                tenant, sender = contact_of(item["sk"]["S"])
                subject, texted_at = item["subject"]["S"], int(item["at"]["N"])
                known = found.get((tenant, subject))
                if sender in senders and (known is None or texted_at > known.texted_at):
                    found[tenant, subject] = Contact(tenant=tenant, subject=subject, texted_at=texted_at)
        return sorted(
            found.values(), key=lambda contact: (-contact.texted_at, str(contact.tenant), contact.subject)
        )

    def talk(self, mark: str, sender: str) -> tuple[str, int] | None:
        """How a talk stands, as it was written, and its version; strongly consistent."""
        item = self._table.get(talk_key(mark, sender))
        return (item["document"]["S"], int(item["version"]["N"])) if item else None

    def put_talk(self, mark: str, sender: str, document: str, *, version: int, at: Timestamp) -> bool:
        """Write how a talk stands as the version that follows; False if it moved."""
        only_if = unmoved(version)
        row = {"document": text(document), "version": number(version + 1), "ttl": number(at + TALKS_KEPT)}
        values = {"ExpressionAttributeValues": only_if.values} if only_if.values else {}
        try:
            self._table.ask(
                "put_item",
                Item=key_item(talk_key(mark, sender)) | row,
                ConditionExpression=only_if.expression,
                **values,
            )
        except ConditionFailed:
            return False
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
        """Write a text that came in, the lines of ledgers it makes, and its fact; False if it is there.

        Parameters
        ----------
        mark
            Of the number it came from: under that it is found when its buyer is forgotten.
        whose
            Who may be meant; the first of them is handed the fact. Nobody: it has neither lines nor fact.
        ledger
            Whether a number wants no texts, by merchant and mark.

        Raises
        ------
        StaleWrite
            Another text from this number was being written at that moment.
        """
        item = {
            "sealed": text(sealed),
            "at": number(at),
            "tenants": text(" ".join(map(str, whose))),
            "ttl": number(at + INBOUND_KEPT),
        }
        if not whose:
            return self._put_for_nobody(sid, mark, item)
        recording = Transaction[str](self._table, whose[0])
        recording.put(_SEEN, inbound_key(sid), item, only_if=ABSENT)
        recording.put(_SEEN, arrival_key(mark, sid), {"ttl": item["ttl"]}, only_if=None)
        for (tenant, each), out in ledger.items():
            recording.put(_LEDGER, opt_out_key(tenant, each), _line(out, at), only_if=None)
        try:
            recording.commit((fact,) if fact else ())
        except Refused as refused:
            if _SEEN in refused.guards:
                return False
            raise StaleWrite("Something else was being written of this number.") from refused
        return True

    def inbound(self, sid: str) -> tuple[str, list[Tenant], Timestamp] | None:
        """What came in, sealed, who may be meant, and when; None if it did not, or is forgotten."""
        item = self._table.get(inbound_key(sid))
        if item is None:
            return None
        tenants = [Tenant.parse(each) for each in item["tenants"]["S"].split()]
        return item["sealed"]["S"], tenants, int(item["at"]["N"])

    def said(self, tenant: Tenant, marks: Iterable[str]) -> Part:
        """What a merchant texted a number about, and what came back: also what no merchant is meant by."""
        subjects, sids, shared = set[str](), set[str](), set[str]()
        for mark in marks:
            for item in self._table.query(contacts_span(mark)):
                if contact_of(item["sk"]["S"])[0] == tenant:
                    subjects.add(item["subject"]["S"])
            for item in self._table.query(arrivals_span(mark)):
                found = self.inbound(sid := item["sk"]["S"])
                whose = found[1] if found else []
                if not whose or tenant in whose:
                    sids.add(sid)
                    shared |= {sid} if len(whose) > 1 else set()
        return Part(subjects=frozenset(subjects), sids=frozenset(sids), shared=frozenset(shared))

    def forget(self, tenant: Tenant, marks: Iterable[str], part: Part) -> None:
        """Forget whom a merchant texted, and what came back.

        A text that may have been meant for another merchant as well stays theirs. How a talk stands goes
        with all that was said. Who wants no texts is never forgotten.
        """
        for mark in marks:
            theirs = set[str]()  # whom other merchants text this number from: that talk is theirs as well
            for item in self._table.query(contacts_span(mark)):
                whose, sender = contact_of(item["sk"]["S"])
                if whose != tenant:
                    theirs.add(sender)
                elif item["subject"]["S"] in part.subjects:
                    self._table.ask("delete_item", Key=key_item(key_of(item)))
            if part.is_all:
                for item in self._table.query(talks_span(mark)):
                    if item["sk"]["S"] not in theirs:
                        self._table.ask("delete_item", Key=key_item(key_of(item)))
            for item in self._table.query(arrivals_span(mark)):
                if item["sk"]["S"] in part.sids:
                    self._disown(tenant, mark, item["sk"]["S"])

    def _disown(self, tenant: Tenant, mark: str, sid: str) -> None:
        found = self.inbound(sid)
        whose = found[1] if found else []
        left = [each for each in whose if each != tenant]
        if left:
            names = {":left": text(" ".join(map(str, left)))}
            self._table.ask(
                "update_item",
                Key=key_item(inbound_key(sid)),
                UpdateExpression="SET tenants = :left",
                ExpressionAttributeValues=names,
            )
            return
        for key in (inbound_key(sid), arrival_key(mark, sid)):
            self._table.ask("delete_item", Key=key_item(key))

    def _put_for_nobody(self, sid: str, mark: str, item: Item) -> bool:
        """Write a text that is no merchant's; first that it came, or nobody could have it forgotten."""
        self._table.ask("put_item", Item=key_item(arrival_key(mark, sid)) | {"ttl": item["ttl"]})
        row = key_item(inbound_key(sid)) | item
        try:
            self._table.ask("put_item", Item=row, ConditionExpression=ABSENT.expression)
        except ConditionFailed:
            return False
        return True


def _line(out: bool, at: Timestamp) -> dict[str, dict[str, object]]:
    return {"out": {"BOOL": out}, "at": {"N": str(at)}}
