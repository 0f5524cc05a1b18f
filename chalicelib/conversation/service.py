"""From a text that came in to what it changed, and the answer: each once, whatever comes twice.

What is answered is decided and written in the transaction that acts, under the text's own id, so a text that
is brought again is answered the same and does nothing. Then the answer is let go, if it keeps no machine
going, and what nobody here could do is handed to the merchant. Weak point: two texts of one number at once
may be answered in either order.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial

from chalicelib.conversation.acting import Acting
from chalicelib.conversation.answers import SILENCE, Answer
from chalicelib.conversation.kept import Keeping, Kept
from chalicelib.conversation.model import PROMPT_LIFE, About, Prompt, Talk, Unhandled, Weight
from chalicelib.conversation.orders import Order, answered, orders_of, pick
from chalicelib.conversation.ports import Ports
from chalicelib.conversation.prompts import open_list, subject_of_list
from chalicelib.conversation.speaking import Speaking
from chalicelib.errors import AlreadyDone, BadToken
from chalicelib.events import Tenant
from chalicelib.notifications.inbound import Inbound
from chalicelib.notifications.intents import Cancel, Situation, Start, Stop, Thanks
from chalicelib.notifications.keywords import Keyword, meant
from chalicelib.notifications.kinds import usefulness_of
from chalicelib.notifications.model import Message, MessageKind, MessageStatus
from chalicelib.notifications.replies import understand
from chalicelib.notifications.service import silence_of
from chalicelib.notifications.templates import words
from chalicelib.notifications.wording.sayings import KIND_OF, WhichOrder
from chalicelib.notifications.wording.sayings import Order as Listed
from chalicelib.promises.store import Changes
from chalicelib.receipts import ReceiptRow
from chalicelib.routing.model import TimeWindow
from chalicelib.units import Timestamp


class Conversation:
    """Acts on what buyers write; holds no state."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._keeping, self._speaking = Keeping(ports), Speaking(ports)

    def take(
        self, tenant: Tenant, sid: str, keyword: Keyword | None, now: Timestamp, *, system_now: Timestamp
    ) -> MessageKind | None:
        """Act on a text, once; gives the kind of answer, None if nothing is said.

        Parameters
        ----------
        tenant
            Who texted this number last.
        keyword
            What the carrier took it for, which was obeyed when it came in.
        now
            The tenant's time.

        Raises
        ------
        StaleWrite, Upstream
            Taking it again does no harm.
        """
        try:
            arrived = self._ports.letters.inbound(sid)
        except BadToken:  # brought so late that its sealing key is gone
            return None
        if arrived is None:
            return None
        inbound, tenants = arrived
        whose, kept = self._keeping.before(tenants, sid)
        if kept is None:
            try:
                whose, kept = self._decided(tenant, inbound, tenants, keyword, now, system_now)
            except AlreadyDone:  # by a twin that ran beside us
                whose, kept = self._keeping.before(tenants, sid)
        return self._speaking.say(whose, inbound, kept, system_now) if kept is not None else None

    def _decided(
        self,
        tenant: Tenant,
        inbound: Inbound,
        tenants: Sequence[Tenant],
        keyword: Keyword | None,
        now: Timestamp,
        system_now: Timestamp,
    ) -> tuple[Tenant, Kept | None]:
        """Find out what is meant and do it."""
        talk = self._ports.letters.talk(inbound.phone, inbound.senders[-1])
        orders = orders_of(self._ports, inbound, talk, system_now)
        if not orders:
            return tenant, self._long_ago(tenant, inbound, tenants, keyword, now, system_now)
        asked_at = max(order.asked_at for order in orders)
        listed = open_list(self._ports.messages, talk, inbound, now, asked_at=asked_at)
        used = answered(listed, orders, inbound.body, now) if listed is not None else None
        order = self._named(used, inbound, talk, now, system_now) if used is not None else None
        if order is None:
            possible = pick(orders)
            order = possible[0]
            was_asked = listed is not None or any(each.prompt is not None for each in possible)
            if keyword is not None and not (was_asked and _is_yes(inbound, keyword)):
                self._show(order, inbound, now)
                return order.tenant, self._perhaps_cancelled(order, inbound, keyword, system_now)
            if len(possible) > 1 and listed is not None and all(each.is_unsure for each in possible):
                self._handed_over(inbound.sid, listed.about, system_now)
                return self._which(inbound, possible, listed.waiting, now, system_now)
            if not order.is_about_none:
                self._left(talk.prompt, inbound, now, system_now)
            if len(possible) > 1:
                return self._which(inbound, possible, inbound.sid, now, system_now)
        self._show(order, inbound, now)
        if isinstance(order.read, Stop | Start):
            done = self._obeyed(order.read, order.tenant, order.subject, inbound, tenants, system_now)
            return order.tenant, done
        found = order

        may_text = cache(partial(self._may_text, order))  # which what was done does without

        def kept(answer: Answer) -> Kept:
            kept = _kept(found, answer, used)
            if kept.kind is None or kept.weight is Weight.NOTHING or may_text():
                return kept
            return replace(kept, unhandled=kept.unhandled or Unhandled.NOT_ANSWERED)

        def keep(answer: Answer) -> ReceiptRow:
            return self._keeping.receipt(found.tenant, inbound.sid, kept(answer), system_now)

        answer = Acting(self._ports, order, talk, inbound.sid, keep).act()
        return order.tenant, None if answer is SILENCE else kept(answer)

    def _may_text(self, order: Order) -> bool:
        """Whether an answer about a delivery would go: by its merchant's switch, and by its own ledger."""
        if silence_of(order.to) is not None or order.to.phone is None:
            return False
        return not self._ports.letters.is_opted_out(order.tenant, order.to.phone)

    def _long_ago(
        self,
        tenant: Tenant,
        inbound: Inbound,
        tenants: Sequence[Tenant],
        keyword: Keyword | None,
        now: Timestamp,
        system_now: Timestamp,
    ) -> Kept | None:
        """Nothing is delivered to this number any more: who wants no texts gets none, else they are read."""
        contacts = self._ports.letters.contacts(inbound.phone, inbound.senders)
        subject = next((each.subject for each in contacts if each.tenant == tenant), None)
        if subject is None:
            return None
        nowhen = Situation(now=now, timezone="UTC", window=TimeWindow(start=now, end=now))
        read = understand(inbound.body, nowhen)
        if isinstance(read, Stop | Start):
            return self._obeyed(read, tenant, subject, inbound, tenants, system_now)
        if isinstance(read, Thanks) or keyword is Keyword.START:
            return None
        return Kept(subject=subject, unhandled=Unhandled.NO_OPEN_DELIVERY)

    def _perhaps_cancelled(
        self, order: Order, inbound: Inbound, keyword: Keyword, system_now: Timestamp
    ) -> Kept | None:
        """CANCEL ended the texts; whether the order was meant only the merchant can still ask."""
        if keyword is not Keyword.STOP or not isinstance(order.read, Cancel) or order.promise.state.finished:
            return None
        kept = Kept(subject=order.subject, unhandled=Unhandled.MAY_CANCEL)
        return self._written_down(order.tenant, inbound, kept, system_now)

    def _obeyed(
        self,
        wish: Stop | Start,
        tenant: Tenant,
        subject: str,
        inbound: Inbound,
        tenants: Sequence[Tenant],
        system_now: Timestamp,
    ) -> Kept:
        """Text nobody any more who asks for that, or again; once: they may ask for the opposite tomorrow."""
        letters = self._ports.letters
        note = letters.opt_out if isinstance(wish, Stop) else letters.opt_in
        for each in tenants:
            note(each, inbound.phone, system_now)
        return self._written_down(tenant, inbound, Kept(subject=subject), system_now)

    def _written_down(self, tenant: Tenant, inbound: Inbound, kept: Kept, system_now: Timestamp) -> Kept:
        receipt = self._keeping.receipt(tenant, inbound.sid, kept, system_now)
        self._ports.promise_ports.store.commit(tenant, Changes(receipt=receipt))
        return kept

    def _which(
        self,
        inbound: Inbound,
        orders: Sequence[Order],
        waiting: str,
        now: Timestamp,
        system_now: Timestamp,
    ) -> tuple[Tenant, Kept]:
        """Ask which of several; of several merchants, by their names, where none of them reads of another.

        One that may text this number asks for all and is listed first; where none may nobody asks, and the
        latest hears of it.

        Parameters
        ----------
        waiting
            The text that the answer is for: an earlier one, if this one names none of what was listed.
        """
        first = next(filter(self._may_text, orders), None)
        merchants = {order.tenant for order in orders}
        if len(merchants) == 1:
            self._show(orders[0], inbound, now)
        if first is None:
            tenant = orders[0].tenant
            unasked = Kept(subject=orders[0].subject, unhandled=Unhandled.NOT_ANSWERED)
            return tenant, self._written_down(tenant, inbound, unasked, system_now)
        orders = (first, *(order for order in orders if order is not first))
        listed = tuple(
            Listed(
                order_ref=order.promise.order.order_ref if len(merchants) == 1 else order.to.brand,
                window=order.promise.told_window,
            )
            for order in orders
        )
        body = words(
            WhichOrder(orders=listed),
            language=first.language,
            brand=first.to.brand if len(merchants) == 1 else "",
            timezone=first.promise.timezone,
            now=first.now,
            lasts=usefulness_of(MessageKind.WHICH_ORDER).lasts,
        )
        prompt = Prompt(
            sid=inbound.sid,
            asked=None,
            about=tuple(order.about for order in orders),
            waiting=waiting,
            at=inbound.at,
            valid_until=now + PROMPT_LIFE,
        )
        kept = Kept(
            subject=subject_of_list(prompt),
            kind=MessageKind.WHICH_ORDER,
            body=body,
            wish=f"which? {first.wish}",
            weight=Weight.ONE,
            prompt=prompt,
        )
        return first.tenant, self._written_down(first.tenant, inbound, kept, system_now)

    def _left(self, listed: Prompt | None, inbound: Inbound, now: Timestamp, system_now: Timestamp) -> None:
        """Hand over a text that waits for its delivery to be named, when its buyer writes something else."""
        if listed is None or listed.asked is not None or not listed.is_open(now):
            return
        if listed.sid != inbound.sid and listed.at <= inbound.at:
            self._handed_over(listed.waiting, listed.about, system_now)

    def _handed_over(self, sid: str, about: Sequence[About], system_now: Timestamp) -> None:
        """Tell each merchant who may be meant, once; of several none can read it, only ask its buyer."""
        for each in about:
            self._speaking.hand_over(each, sid, Unhandled.UNCLEAR, system_now)

    def _show(self, order: Order, inbound: Inbound, now: Timestamp) -> None:
        """List a text with its promise's, for the merchant to read; its words stay sealed where they are."""
        message = Message(
            message_id=f"{order.subject}.{inbound.sid}.reply",
            subject=order.subject,
            kind=MessageKind.REPLY,
            status=MessageStatus.RECEIVED,
            created_at=now,
            sid=inbound.sid,
        )
        self._ports.messages.add_message(order.tenant, message)

    def _named(
        self, listed: Prompt, inbound: Inbound, talk: Talk, now: Timestamp, system_now: Timestamp
    ) -> Order | None:
        """The order that was named, with the text read that waited for that; None if it is gone."""
        try:
            found = self._ports.letters.inbound(listed.waiting)
        except BadToken:
            found = None
        waiting = found[0] if found else inbound
        wanted = listed.about[(listed.taken or 0) - 1]
        orders = orders_of(self._ports, waiting, talk, system_now)
        order = next((order for order in orders if order.about == wanted), None)
        if order is not None:
            self._show(order, waiting, now)
        return order


def _is_yes(inbound: Inbound, keyword: Keyword) -> bool:
    """Whether a word that starts texts anew may be said to a question of ours: YES is both."""
    return keyword is Keyword.START and meant(inbound.body) is None


def _kept(order: Order, answer: Answer, used: Prompt | None) -> Kept:
    saying = answer.saying
    body = ""
    if saying is not None:
        body = words(
            saying,
            language=order.language,
            brand=order.to.brand,
            timezone=order.promise.timezone,
            now=order.now,
            lasts=usefulness_of(KIND_OF[type(saying)]).lasts,
        )
    return Kept(
        subject=order.subject,
        kind=KIND_OF[type(saying)] if saying is not None else None,
        body=body,
        wish=order.wish,
        weight=answer.weight,
        prompt=answer.prompt or used,
        unhandled=answer.unhandled,
    )
