"""A day at the shop: hour by hour the shoppers of that hour search, hold, pay, change their minds.

Between the hours the business clock moves, so that abandoned holds run out as they would. Weak point: which
of two shoppers in one hour is first is decided by the machine, so two runs of a seed differ by a few orders.
"""

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import Enum
from itertools import groupby
from queue import SimpleQueue
from typing import Any
from zoneinfo import ZoneInfo

from infra.demo.porto import TIMEZONE
from infra.demo.shoppers import Patience, SecondThought, Shopper, Wish
from infra.demo.storefront import Answer, ApiFailed, Storefront, wanted

ZONE = ZoneInfo(TIMEZONE)
_MOST_TRIES = 3  # holds somebody tries to get before going elsewhere

type Slot = Mapping[str, Any]


class Ending(Enum):
    """How a visit to the shop ended."""

    PROMISED = "promised"
    REFUSED = "refused"
    LEFT = "left"  # had a slot and gave it back
    VANISHED = "vanished"  # had a slot and closed the browser


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What came of one shopper.

    Attributes
    ----------
    reason
        Why the best wish was refused, in the API's word.
    rank
        Of the wish that was promised: 0 is the best.
    taken
        How often another shopper was faster between search and hold.
    change
        The kind of change after paying and whether it was accepted.
    """

    shopper: Shopper
    ending: Ending
    reason: str | None = None
    rank: int | None = None
    promise_id: str | None = None
    taken: int = 0
    swapped: bool = False
    change: tuple[SecondThought, bool] | None = None


@dataclass(slots=True)
class Tally:
    """The visits of a day, counted."""

    visits: list[Visit] = field(default_factory=list)

    def count(self, ending: Ending) -> int:
        """How many visits ended so."""
        return sum(visit.ending is ending for visit in self.visits)

    def reasons(self) -> Counter[str]:
        """Count the refused by the reason their best wish was given."""
        return Counter(visit.reason or "" for visit in self.visits if visit.ending is Ending.REFUSED)

    def standing(self) -> frozenset[str]:
        """Ids of the promises that were made and not cancelled."""
        return frozenset(
            visit.promise_id
            for visit in self.visits
            if visit.promise_id and visit.change != (SecondThought.CANCEL, True)
        )


class Day:
    """One day of one shop.

    Parameters
    ----------
    open_storefront
        Makes a client; each thread gets its own.
    today
        Local date on which the shoppers come.
    run
        Prefix of all references, so that a second day in the same sandbox is another one.
    """

    def __init__(self, open_storefront: Callable[[], Storefront], *, today: date, run: str) -> None:
        self._open_storefront, self._today, self._run = open_storefront, today, run

    def sell(
        self,
        shoppers: Sequence[Shopper],
        *,
        clients: int,
        closing: threading.Event,
        seen: Callable[[Tally], None],
    ) -> Tally:
        """Serve all shoppers, so many at a time, and call `seen` after each.

        Raises
        ------
        ApiFailed
            If the API did not answer, or refused what nobody may be refused.
        """
        tally = Tally()
        storefronts: SimpleQueue[Storefront] = SimpleQueue()
        for _ in range(clients):
            storefronts.put(self._open_storefront())

        def serve(shopper: Shopper) -> Visit:
            storefront = storefronts.get()
            try:
                return Checkout(storefront, shopper, today=self._today, run=self._run).visit()
            finally:
                storefronts.put(storefront)

        clock = self._open_storefront()
        with ThreadPoolExecutor(clients) as at_once:
            try:
                for hour, coming in groupby(shoppers, key=lambda shopper: shopper.comes_at):
                    move_clock(clock, at(self._today, hour))
                    for visit in as_completed([at_once.submit(serve, shopper) for shopper in coming]):
                        tally.visits.append(visit.result())
                        seen(tally)
            except BaseException:
                closing.set()
                at_once.shutdown(cancel_futures=True)
                raise
        # The last abandoned holds run out too: what is left are promises.
        move_clock(clock, at(self._today, 23))
        return tally


class Checkout:
    """One shopper at the shop's pages."""

    def __init__(self, storefront: Storefront, shopper: Shopper, *, today: date, run: str) -> None:
        self._shop, self._shopper, self._today = storefront, shopper, today
        self._cart = f"{run}-cart-{shopper.number}"
        self._order = f"{run}-order-{shopper.number}"
        self._wishes = {self._start(wish): rank for rank, wish in enumerate(shopper.wishes)}

    def visit(self) -> Visit:
        """Go through the checkout."""
        slots = self._search()
        held, slot, taken = self._hold_one_of(self._liked(slots))
        if held is None:
            return Visit(
                shopper=self._shopper, ending=Ending.REFUSED, reason=self._why(slots, taken), taken=taken
            )
        swapped = False
        match self._shopper.patience:
            case Patience.VANISHES:
                return Visit(shopper=self._shopper, ending=Ending.VANISHED, taken=taken)
            case Patience.LEAVES:
                wanted(self._with_token("release", "DELETE", "", held), "releasing a hold")
                return Visit(shopper=self._shopper, ending=Ending.LEFT, taken=taken)
            case Patience.DAWDLES:
                wanted(self._with_token("extend", "POST", "/extend", held), "extending a hold")
            case Patience.SWAPS:
                held, slot, swapped = self._swap(held, slot)
            case Patience.PAYS:
                pass
        promise = self._pay(held)
        return Visit(
            shopper=self._shopper,
            ending=Ending.PROMISED,
            rank=self._wishes.get(_start_of(slot)),
            promise_id=promise["promise_id"],
            taken=taken,
            swapped=swapped,
            change=self._think_again(promise["promise_id"]),
        )

    def _search(self) -> Sequence[Slot]:
        shopper = self._shopper
        body = {
            "destination": {
                "lat": shopper.door.lat,
                "lon": shopper.door.lon,
                "address": {"lines": [f"Rua {shopper.number}"], "city": "Porto", "country": "PT"},
            },
            "load": {
                "parcels": shopper.load.parcels,
                "grams": shopper.load.grams,
                "millilitres": shopper.load.millilitres,
            },
            "skills": list(shopper.skills),
            "from_date": (self._today + timedelta(days=shopper.first_day)).isoformat(),
            "days": shopper.days,
            "cart_ref": self._cart,
        }
        answer = self._shop.browser("search", "POST", "/v1/slots/search", body)
        slots: Sequence[Slot] = wanted(answer, "searching slots")["slots"]
        return slots

    def _liked(self, slots: Sequence[Slot]) -> list[Slot]:
        """Pick the offered slots among the wishes, best wish first, surest first where two depots offer."""
        liked = [slot for slot in slots if slot["available"] and _start_of(slot) in self._wishes]
        return sorted(liked, key=lambda slot: (self._wishes[_start_of(slot)], -slot["confidence"]))

    def _hold_one_of(self, liked: Sequence[Slot], **swap: str) -> tuple[Mapping[str, Any] | None, Slot, int]:
        """Hold the best; where somebody was faster, go on with the alternatives in the refusal."""
        taken = 0
        while liked and taken < _MOST_TRIES:
            body = {"offer": liked[0]["offer"], "cart_ref": self._cart, **swap}
            once = f"{self._cart}-hold-{'again-' if swap else ''}{taken}"
            answer = self._shop.browser("hold", "POST", "/v1/holds", body, once=once)
            if answer.good:
                return answer.body, liked[0], taken
            if answer.code != "slot_taken":
                raise ApiFailed(f"holding a slot: {answer.status} {answer.code}")
            taken += 1
            liked = self._liked(answer.body["alternatives"])
        return None, {}, taken

    def _why(self, slots: Sequence[Slot], taken: int) -> str:
        """Say why the best wish could not be had; the depot that came nearest to it speaks."""
        if taken:
            return "slot_taken"
        best = next(iter(self._wishes))
        reasons = [slot.get("reason", "") for slot in slots if _start_of(slot) == best]
        reasons.sort(key=lambda reason: reason == "out_of_area")
        return reasons[0] if reasons else "no_such_slot"

    def _swap(self, held: Mapping[str, Any], slot: Slot) -> tuple[Mapping[str, Any], Slot, bool]:
        others = [other for other in self._liked(self._search()) if other["slot_id"] != slot["slot_id"]]
        replaces = {"replaces": held["hold_id"], "hold_token": held["hold_token"]}
        other_held, other, _ = self._hold_one_of(others, **replaces)
        return (held, slot, False) if other_held is None else (other_held, other, True)

    def _with_token(self, name: str, method: str, path: str, held: Mapping[str, Any]) -> Answer:
        body = {"hold_token": held["hold_token"]}
        once = f"{self._cart}-{name}" if method == "POST" else None
        return self._shop.browser(name, method, f"/v1/holds/{held['hold_id']}{path}", body, once=once)

    def _pay(self, held: Mapping[str, Any]) -> Mapping[str, Any]:
        shopper = self._shopper
        recipient = {"name": shopper.name} | ({"phone": shopper.phone} if shopper.phone else {})
        body = {
            "hold_id": held["hold_id"],
            "order_ref": self._order,
            "recipient": recipient,
            "sms_consent": shopper.phone is not None,
        }
        return wanted(
            self._shop.server("confirm", "POST", "/v1/promises", body, once=self._order), "confirming"
        )

    def _think_again(self, promise_id: str) -> tuple[SecondThought, bool] | None:
        """Change something after paying; being refused with a reason is an answer too."""
        thought = self._shopper.second_thought
        path = f"/v1/promises/{promise_id}"
        match thought:
            case None:
                return None
            case SecondThought.GATE_CODE:
                change = {"kind": "gate_code", "code": f"{self._shopper.number:04}#"}
            case SecondThought.SAFE_PLACE:
                change = {"kind": "safe_place", "where": "in the bicycle shed"}
            case SecondThought.NEIGHBOUR:
                change = {"kind": "neighbour", "name_or_number": "ground floor left"}
            case SecondThought.CANCEL:
                change = {"kind": "cancel", "reason": "ordered twice"}
            case SecondThought.SLOT:
                slots = self._shop.want("other slots", "GET", f"{path}/slots?days=4")["slots"]
                offered = [slot for slot in slots if slot["available"]]
                if not offered:
                    return thought, False
                change = {"kind": "slot", "offer": offered[self._shopper.number % len(offered)]["offer"]}
        answer = self._shop.want("change", "POST", f"{path}/changes", change, once=f"{self._order}-change")
        return thought, answer["state"] == "accepted"

    def _start(self, wish: Wish) -> datetime:
        return at(self._today + timedelta(days=wish.days_ahead), wish.hour)


def at(day: date, hour: int) -> datetime:
    """The instant of a local hour."""
    return datetime.combine(day, time(hour), ZONE)


def move_clock(storefront: Storefront, moment: datetime) -> None:
    """Move the business clock forward, and wait until what came due is done."""
    storefront.want("clock", "POST", "/v1/test/clock", {"now_at": moment.isoformat()})


def _start_of(slot: Slot) -> datetime:
    return datetime.fromisoformat(slot["starts_at"])
