"""Who is behind a promise: it, its merchant's settings and its van's forecast, in the words of the texts."""

from collections.abc import Callable, Mapping, Sequence
from datetime import time
from typing import TYPE_CHECKING, Final, Protocol

from chalicelib.adapters.numbering import country_at, country_of
from chalicelib.events import Fact, Tenant
from chalicelib.fleet.ids import PROMISE, stop_id_of
from chalicelib.fleet.planning import Planner
from chalicelib.merchants.model import Merchant
from chalicelib.notifications.model import ASKED_OF, Addressee, Phase, QuietHours
from chalicelib.promises.model import Promise, PromiseState, Standing
from chalicelib.promises.store import PromiseStore
from chalicelib.routing.live_eta import Interval
from chalicelib.units import StopId, Timestamp

if TYPE_CHECKING:
    from chalicelib.adapters.phone_book import PhoneBook

_PHASES: Final = {
    PromiseState.CONFIRMED: Phase.AHEAD,
    PromiseState.OUT_FOR_DELIVERY: Phase.AHEAD,
    PromiseState.ARRIVING: Phase.NEXT,
    PromiseState.DELIVERED: Phase.DELIVERED,
    PromiseState.RETURNED_TO_SENDER: Phase.RETURNED,
    PromiseState.CANCELLED: Phase.CANCELLED,
}


class Store(PromiseStore, Protocol):
    """Promises and merchants."""

    def addressed(
        self, tenant: Tenant, stop_ids: Sequence[StopId]
    ) -> tuple[Mapping[StopId, Promise], Merchant | None]:
        """Promises by their ids, and the merchant's settings; None before any were saved."""
        ...


class PromiseAddressees:
    """See `notifications.ports.Addressees`.

    Parameters
    ----------
    link
        The buyer's page of a tracking token.
    letters
        Who wrote a text: whom a question goes to that is about no one promise.
    """

    def __init__(
        self,
        store: Store,
        planner: Planner,
        link: Callable[[str], str],
        *,
        letters: "Callable[[], PhoneBook] | None" = None,
    ) -> None:
        self._store, self._planner, self._link = store, planner, link
        self._letters = letters

    def addressee(self, tenant: Tenant, subject: str) -> Addressee | None:
        """Whom to text; None if the promise is gone."""
        if self._letters is not None and subject.startswith(ASKED_OF):
            arrived = self._letters().inbound(subject.removeprefix(ASKED_OF))
            if arrived is None or tenant not in arrived[1]:  # it may be another merchant's still
                return None
            phone, sender = arrived[0].phone, arrived[0].senders[-1]
            return Addressee.of_writer(phone, sender, texting=self._merchant(tenant).texting)
        return self.addressees(tenant, [subject]).get(subject)

    def addressees(self, tenant: Tenant, subjects: Sequence[str]) -> Mapping[str, Addressee]:
        """Whom to text about promises, read at once; those that are gone are left out."""
        named = {
            stop_id: subject for subject in subjects if (stop_id := stop_id_of(subject, PROMISE)) is not None
        }
        if not named:
            return {}
        promises, settings = self._store.addressed(tenant, list(named))
        merchant = settings or _nobody_yet(tenant)
        return {named[stop_id]: self._behind(promise, merchant) for stop_id, promise in promises.items()}

    def _behind(self, promise: Promise, merchant: Merchant) -> Addressee:
        recipient, choices = promise.order.recipient, promise.choices
        return Addressee(
            phone=recipient.phone,
            consent=promise.order.sms_consent,
            brand=merchant.brand,
            texting=merchant.texting,
            window=promise.window,
            timezone=promise.timezone,
            sender=merchant.texts_from,
            phase=_PHASES[promise.state],
            told=promise.told_window,
            foreseen=promise.foreseen,
            adrift=promise.adrift,
            in_danger=promise.standing is not Standing.SAFE,
            offered=tuple(each.window for each in choices.choices) if choices else (),
            offered_at=choices.made_at if choices else 0,
            offered_until=choices.valid_until if choices else 0,
            rebooked=_is_rebooked(promise),
            sequence=promise.sequence,
            link=self._link(promise.tracking_token),
            quiet=_quiet(merchant),
            booked_at=promise.created_at,
            scored=promise.feedback is not None,
            country=country_of(recipient.phone) if recipient.phone else None,
            countries=_served(merchant, promise.timezone),
            locale=recipient.locale,
            locales=merchant.locales,
        )

    def fact(self, tenant: Tenant, subject: str, sequence: int) -> Fact | None:
        """What the ledger of a promise has by a number.

        Cost: a query of the whole ledger.
        """
        stop_id = stop_id_of(subject, PROMISE)
        ledger = self._store.ledger(tenant, stop_id) if stop_id is not None else ()
        return next((fact for fact in ledger if fact.sequence == sequence), None)

    def forecast(self, tenant: Tenant, subject: str, now: Timestamp) -> Interval | None:
        """When a van is expected; None if no van has it.

        Cost: that of `promises.outlook.outlooks`.
        """
        from chalicelib.promises.outlook import outlooks  # which most texts do without

        promise = self._promise(tenant, subject)
        if promise is None:
            return None
        seen = outlooks(self._store, self._planner, tenant, [promise], now).get(promise.stop_id)
        if seen is None:
            return None
        return Interval(earliest_at=seen.earliest_at, expected_at=seen.expected_at, latest_at=seen.latest_at)

    def _merchant(self, tenant: Tenant) -> Merchant:
        return self._store.addressed(tenant, ())[1] or _nobody_yet(tenant)

    def _promise(self, tenant: Tenant, subject: str) -> Promise | None:
        stop_id = stop_id_of(subject, PROMISE)
        return self._store.promise(tenant, stop_id) if stop_id is not None else None


def _nobody_yet(tenant: Tenant) -> Merchant:
    """A merchant before any settings were saved."""
    return Merchant(tenant=tenant, brand="", locales=())


def _served(merchant: Merchant, zone: str) -> frozenset[str]:
    """Whose numbers are texted: unless the merchant says, those of the country a delivery is made in."""
    here = country_at(zone)
    return frozenset(merchant.sms_countries or ([here] if here else []))


def _is_rebooked(promise: Promise) -> bool:
    tried = promise.attempts[-1].window if promise.attempts else None
    return tried is not None and tried != promise.window


def _quiet(merchant: Merchant) -> QuietHours | None:
    quiet = merchant.quiet_hours
    if quiet is None:
        return None
    return QuietHours(starts=time.fromisoformat(quiet.starts), ends=time.fromisoformat(quiet.ends))
