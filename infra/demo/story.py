"""The demo from the fleet to the last line on the screen.

Weak point: it needs a sandbox of its own; the shop's clock is moved, and only goes forward.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from time import monotonic, time

from infra.demo import delivery
from infra.demo.audit import audit
from infra.demo.by_hand import curl_lines, run
from infra.demo.day import ZONE, Checkout, Day, Ending, Tally, at, move_clock
from infra.demo.map import draw
from infra.demo.plans import Plan, busiest_day, picture_of, read
from infra.demo.porto import CITY, ROADS, Depot, depots
from infra.demo.screen import Screen
from infra.demo.shoppers import OPEN_HOURS, Patience, SecondThought, Shopper, demand
from infra.demo.storefront import Stopwatch, Storefront
from infra.demo.streets import Streets
from infra.demo.summary import Outcome, show
from infra.sandbox import Sandbox

TEXTS_SECONDS = 30.0
LONE_SHOPPERS = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the command line asks for."""

    seed: int
    shoppers: int
    clients: int
    port: int
    home: Path
    picture: Path
    ends: bool
    drives: bool


class Story:
    """One run of the demo against a running sandbox."""

    def __init__(self, sandbox: Sandbox, wanted: Wanted, screen: Screen) -> None:
        self._sandbox, self._url = sandbox, sandbox.url
        self._wanted, self._screen = wanted, screen
        self._merchant = sandbox.merchants[0]
        self._run_name = f"demo-{int(time())}"
        self._today = next_monday(datetime.now(ZONE).date())
        self._closing = threading.Event()

    def tell(self) -> bool:
        """Sell a day, show what became of it, deliver the next; return whether all of it is right.

        Raises
        ------
        ApiFailed
            If the API did not answer, or refused what nobody may be refused.
        RuntimeError
            If the lines to go on by hand do not work.
        """
        screen, wanted, today = self._screen, self._wanted, self._today
        stopwatch = Stopwatch()
        storefront = self._storefront(Stopwatch())
        fleet = depots(self._merchant["depot_id"])
        vans = describe(fleet, storefront)
        # An hour before the shop opens: the clock goes on by itself, and only ever forward.
        move_clock(storefront, at(today, OPEN_HOURS.start - 1))
        screen.say(
            f"{CITY}: {len(fleet)} depots, {vans} vans, {wanted.shoppers} shoppers to come. "
            f"The shop's clock is moved to {today:%A}, {today.day} {today:%B}.\n"
        )
        shoppers = demand(seed=wanted.seed, count=wanted.shoppers)
        day = Day(lambda: self._storefront(stopwatch), today=today, run=self._run_name)
        began = monotonic()
        tally = day.sell(shoppers, clients=wanted.clients, closing=self._closing, seen=self._show_progress)
        seconds = monotonic() - began
        streets = Streets(ROADS / "graph.npz")
        plans = read(fleet, today, storefront, streets, self._show_checking)
        # Some share a number: there are few of those that nobody has. Who cancels at once may hear nothing.
        open_ones = tally.standing()
        numbers = {visit.shopper.phone for visit in tally.visits if visit.promise_id in open_ones}
        texted = len(numbers - {None})
        texts = _await_texts(storefront, texted)
        lone_laps = self._serve_alone(shoppers[:LONE_SHOPPERS])
        outcome = outcome_of(
            tally,
            plans,
            seconds=seconds,
            clients=wanted.clients,
            laps=stopwatch.laps,
            lone_laps=lone_laps,
            texts=texts,
            texted=texted,
        )
        show(outcome, screen)
        self._draw(plans, streets)
        agreed = self._deliver(plans) if wanted.drives else True
        self._go_on_by_hand(today + timedelta(days=3))
        return agreed and not outcome.audit.faults

    def _storefront(self, stopwatch: Stopwatch) -> Storefront:
        return Storefront(self._url, self._merchant["keys"], stopwatch=stopwatch, closing=self._closing)

    def _serve_alone(self, shoppers: Sequence[Shopper]) -> Mapping[str, Sequence[float]]:
        """Measure a few shoppers without a queue before them; they cancel, so that nothing stays."""
        stopwatch = Stopwatch()
        storefront = self._storefront(stopwatch)
        for shopper in shoppers:
            lone = replace(shopper, patience=Patience.PAYS, second_thought=SecondThought.CANCEL)
            Checkout(storefront, lone, today=self._today, run=f"{self._run_name}-alone").visit()
        return stopwatch.laps

    def _show_progress(self, tally: Tally) -> None:
        promised, refused = tally.count(Ending.PROMISED), tally.count(Ending.REFUSED)
        done, hour = len(tally.visits), tally.visits[-1].shopper.comes_at
        reasons = ", ".join(f"{reason} {count}" for reason, count in tally.reasons().most_common(3))
        note = f"promised {promised}  left {done - promised - refused}  refused {refused}"
        note += f" ({reasons})" if reasons else ""
        self._screen.bar(f"{hour:02}:00", done, self._wanted.shoppers, note)

    def _show_checking(self, done: int, of: int) -> None:
        self._screen.bar("checking", done, of, "plans driven again on a map of our own")

    def _deliver(self, plans: Sequence[Plan]) -> bool:
        """Go on into the day after; return whether API and drivers say the same of it."""
        plan = delivery.watched(plans, self._today + timedelta(days=1))
        if plan is None:
            self._screen.heading("Nothing was promised for tomorrow, so nobody drives")
            return True
        count = len(plan.stops)
        self._screen.heading(f"{plan.day:%A} comes: {count} promises of {plan.depot.name} are to be kept")
        delivered = delivery.deliver(
            plan,
            sandbox=self._sandbox,
            storefront=self._storefront(Stopwatch()),
            seed=self._wanted.seed,
            screen=self._screen,
        )
        delivery.show(delivered, self._screen)
        return delivered.agreed

    def _draw(self, plans: Sequence[Plan], streets: Streets) -> None:
        picture = picture_of(busiest_day(plans))
        if not picture.vans:
            self._screen.heading("Nothing was promised, so there is no map to draw")
            return
        path = self._wanted.picture
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(draw(picture, streets), "utf-8")
        self._screen.heading(f"The routes of {picture.title}, drawn on the map")
        self._screen.say(f"    {short(path)}  (open it in a browser)")

    def _go_on_by_hand(self, day: date) -> None:
        say, keys = self._screen.say, self._merchant["keys"]
        self._screen.heading("Go on by hand: search a slot, hold it, confirm it")
        say(f"    API          {self._url}  (described at {self._url}/docs)")
        for name in ("publishable", "secret", "admin"):
            say(f"    {name:<12} {keys[name]}")
        lines = curl_lines(self._url, keys, day)
        say("\n" + "\n\n".join(lines))
        if self._wanted.ends:
            answer = run(lines)
            came = "they made a promise" if answer else "not without curl"
            say(f"\n  These lines were just run: {came}.")


def describe(fleet: Sequence[Depot], storefront: Storefront) -> int:
    """Describe depots and vans to the API; return how many vans there are."""
    for depot in fleet:
        path = f"/v1/depots/{depot.depot_id}"
        storefront.want("describe", "PUT", path, depot.description)
        for vehicle_id, van in depot.vans.items():
            storefront.want("describe", "PUT", f"{path}/vehicles/{vehicle_id}", van)
    return sum(len(depot.vans) for depot in fleet)


def outcome_of(
    tally: Tally,
    plans: Sequence[Plan],
    *,
    seconds: float,
    clients: int,
    laps: Mapping[str, Sequence[float]],
    lone_laps: Mapping[str, Sequence[float]],
    texts: int,
    texted: int,
) -> Outcome:
    """Put together what the summary shows."""
    documents = [plan.document for plan in plans]
    unassigned = [stop for document in documents for stop in document["unassigned"]]
    standing = [document["promises"] for document in documents]
    return Outcome(
        tally=tally,
        seconds=seconds,
        clients=clients,
        laps=laps,
        lone_laps=lone_laps,
        kept=[stop["kept_probability"] for plan in plans for stop in plan.stops],
        at_risk=sum(counts["at_risk"] + counts["broken"] for counts in standing),
        texts=texts,
        expected_texts=texted,
        plans=sum(bool(document["version"]) for document in documents),
        versions=sum(document["version"] for document in documents),
        audit=audit([driven for plan in plans for driven in plan.rounds], unassigned, tally.standing()),
    )


def next_monday(today: date) -> date:
    """The next Monday, tomorrow at the earliest: whenever the demo runs, its week is the same."""
    tomorrow = today + timedelta(days=1)
    return tomorrow + timedelta(days=-tomorrow.weekday() % 7)


def short(path: Path) -> str:
    """Write a path as seen from where we are."""
    resolved, here = path.resolve(), Path.cwd()
    return str(resolved.relative_to(here)) if resolved.is_relative_to(here) else str(resolved)


def _await_texts(storefront: Storefront, expected: int) -> int:
    """Count who was texted once all were, or once it is clear that some will not be."""
    deadline = monotonic() + TEXTS_SECONDS
    while True:
        texts = storefront.want("texts", "GET", "/v1/test/messages")["data"]
        texted = len({text["to"] for text in texts})
        if texted >= expected or monotonic() > deadline:
            return texted
        threading.Event().wait(0.5)
