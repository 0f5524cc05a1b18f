"""The day after: robo drivers deliver what one depot has sold, and the product looks after them.

What the drivers meet comes from the seed (`infra.sandbox.world`), but for one thing: one of the vans that
leave first breaks down for hours, so that there is something to see. What is done about it comes from the
running API and its workers, and at the end the API's own word is held against what the drivers did. Weak
point: how often a fleet has such a day was not measured.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from chalicelib.adapters.road_graph import RoadFigures, RoadGraph
from chalicelib.notifications.governor import IMPORTANCE
from chalicelib.notifications.model import MessageStatus
from chalicelib.promises.model import Outcome, PromiseState
from chalicelib.routing.model import Break, Location
from chalicelib.routing.travel_times import CITY_PROFILE, WorkClock
from chalicelib.units import DAY, HOUR, MINUTE, Timestamp
from infra.demo.day import ZONE, at
from infra.demo.phones import SandboxOffice, SandboxPhone
from infra.demo.plans import Plan
from infra.demo.porto import ROADS, Depot
from infra.demo.screen import Screen
from infra.demo.storefront import Storefront
from infra.sandbox import Sandbox
from infra.sandbox.driver import Cargo, Driver, Duty, Ground
from infra.sandbox.drivers import Lived, live, summed
from infra.sandbox.world import Climate, LegLuck, ShiftLuck, World

MOST_STOPS: Final = 120  # of a day that is watched
DAWN: Final = 5  # local hour: nobody has loaded yet
STEP: Final = 10 * MINUTE  # of the day, between two lines on the screen
LEADS: Final = (0, 15 * MINUTE, HOUR, 3 * HOUR)
# Rougher than a usual day, so that there is something to see.
CLIMATE: Final = replace(Climate(), leg_trouble=0.03, leg_trouble_delay=1200, closed_road=0.01)
BREAKS_ON_LEG: Final = 5
TOWED_AFTER: Final = 4 * HOUR
QUEUES: Final = ("improve", "repair", "texts")
NEWS_GOAL: Final = 1.2  # texts for a delivery, of a usual day; this one is rougher
_SENT: Final = frozenset({MessageStatus.SENT, MessageStatus.DELIVERED})


@dataclass(frozen=True)
class OneBreakdown(World):
    """The world as it is drawn, but that one driver's van breaks down."""

    unlucky: str

    def shift(self, day: date, driver: str) -> ShiftLuck:
        """All that a driver's shift of that day may meet."""
        return _BreaksDown(self, day, driver) if driver == self.unlucky else super().shift(day, driver)


class _BreaksDown(ShiftLuck):
    def leg(self, number: int, to: Location, hour: int) -> LegLuck:
        met = super().leg(number, to, hour)
        return replace(met, hold_up=TOWED_AFTER, flat_tyre=True) if number == BREAKS_ON_LEG else met


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """A day on the road, and what the API says of it.

    Attributes
    ----------
    says
        States of the day's promises, counted, as the API has them.
    ignored
        Reports that the API ignored, by reason.
    texts
        That buyers of this day's deliveries were sent since it began, by kind.
    """

    depot: Depot
    day: date
    lived: Lived
    repairs: int
    says: Counter[str]
    ignored: Counter[str]
    texts: Counter[str]

    @property
    def news(self) -> float:
        """Texts for a delivery beyond what was agreed and what came of it, as the governor counts them."""
        return sum(self.texts[kind] for kind in IMPORTANCE) / max(1, len(self.lived.promised))

    @property
    def agreed(self) -> bool:
        """Whether the API knows every parcel handed over and no other, and sent nobody without parcels."""
        known = self.says[PromiseState.DELIVERED] == self.lived.delivered
        return known and not self.lived.failed(Outcome.FAILED_PARCEL_MISSING)


def watched(plans: Sequence[Plan], day: date) -> Plan | None:
    """Choose the plan whose day is lived: most stops, but not too many; None if nothing was promised."""
    there = sorted(
        (plan for plan in plans if plan.day == day and plan.stops), key=lambda plan: len(plan.stops)
    )
    return next(
        (plan for plan in reversed(there) if len(plan.stops) <= MOST_STOPS), there[0] if there else None
    )


def deliver(plan: Plan, *, sandbox: Sandbox, storefront: Storefront, seed: int, screen: Screen) -> Delivered:
    """Live the day of a plan.

    Raises
    ------
    ApiFailed
        If the API refuses what a phone may ask, or its workers do not keep up.
    """
    place = f"/v1/depots/{plan.depot.depot_id}/plans/{plan.day}"
    office = SandboxOffice(
        storefront,
        plan=f"{plan.depot.depot_id}/{plan.day}",
        home=sandbox.home,
        sqs=sandbox.client("sqs"),
        queues={name: sandbox.environment[f"{name.upper()}_QUEUE_URL"] for name in QUEUES},
    )
    office.rest("improve", "repair")
    dawn = round(at(plan.day, DAWN).timestamp())
    office.move_to(dawn)
    office.rest("improve", "repair")
    document = storefront.want("plan", "GET", place)
    stops = {stop["promise_id"]: stop for route in document["routes"] for stop in route["stops"]}
    ground = Ground(
        travel=RoadGraph(RoadFigures.read(ROADS / "graph.npz")),
        clock=_work_clock(plan.day),
        zone=ZONE,
        world=OneBreakdown(CLIMATE, seed, unlucky=_first_to_leave(document)),
        day=plan.day,
        planned_service={promise_id: stop["service_time_seconds"] for promise_id, stop in stops.items()},
    )
    cargo, drivers, phones = Cargo(), [], []
    for route in document["routes"]:
        if not route["withdrawn"]:
            phones.append(SandboxPhone(storefront, office, route["shift_id"]))
            drivers.append(Driver(_duty(plan, route), phones[-1], ground, cargo))
    show = _Progress(screen, plan.day, drivers, office, len(stops))
    live(drivers, office, seen=show)
    office.rest("repair", "texts")
    return Delivered(
        depot=plan.depot,
        day=plan.day,
        lived=summed(drivers, frozenset(stops)),
        repairs=office.repairs,
        says=_states(storefront, plan, frozenset(stops)),
        ignored=Counter(each.rpartition(" ")[2] for phone in phones for each in phone.ignored),
        texts=_texts(storefront, stops, since=dawn),
    )


def _texts(storefront: Storefront, promised: Iterable[str], *, since: Timestamp) -> Counter[str]:
    """What the buyers of these promises were sent since then, by kind."""
    sent = Counter[str]()
    for promise_id in promised:
        told = storefront.want("texts", "GET", f"/v1/promises/{promise_id}/messages")["data"]
        sent.update(
            text["kind"] for text in told if text["status"] in _SENT and _instant(text["created_at"]) >= since
        )
    return sent


def show(delivered: Delivered, screen: Screen) -> None:
    """Write what became of the day."""
    lived = delivered.lived
    promised = len(lived.promised)
    day, name = delivered.day, delivered.depot.name
    screen.heading(f"{day:%A}, {day.day} {day:%B}: robo drivers delivered what {name} had sold")
    trouble = Counter(lived.incidents)
    told = ", ".join(f"{kind.replace('_', ' ')} {count}" for kind, count in trouble.most_common()) or "none"
    failed = Counter(each.outcome for each in lived.attempts.values() if not each.outcome.is_delivery)
    why = ", ".join(
        f"{kind.removeprefix('failed_').replace('_', ' ')} {count}" for kind, count in failed.items()
    )
    rows = [
        ("promises", f"{promised}", ""),
        (
            "kept",
            f"{lived.kept}",
            f"{lived.kept / promised:.1%}  (the van was there within the promised window)",
        ),
        ("broken", f"{lived.broken}", f"of these on the very leg to the door: {lived.lost_on_the_way}"),
        ("delivered at once", f"{lived.delivered}", f"{lived.delivered / promised:.1%}"),
        ("failed attempts", f"{failed.total()}", why),
        ("trouble on the way", f"{trouble.total()}", told),
        ("repairs applied", f"{delivered.repairs}", f"manifests changed under way: {lived.changes}"),
        ("fetched", f"{lived.fetched}", "from the van that broke down, by others"),
        ("kilometres", f"{lived.metres / 1000:.0f}", ""),
    ]
    for label, count, note in rows:
        screen.say(f"    {label:<20} {count:>5}   {note}".rstrip())
    names = ("under 15 min", "15-60 min", "1-3 h", "over 3 h")
    errors = zip(names, lived.eta_errors(ahead=LEADS), strict=True)
    known = ", ".join(f"{name} ahead {error / MINUTE:.0f} min" for name, error in errors if error == error)
    screen.say(f"    live ETA, mean error: {known or 'nothing was forecast'}")
    says = ", ".join(f"{state} {count}" for state, count in delivered.says.most_common())
    screen.say(f"    the API says: {says}" + ("" if delivered.agreed else "   THE DRIVERS SAY OTHERWISE"))
    if delivered.ignored:
        reasons = ", ".join(f"{reason} {count}" for reason, count in delivered.ignored.most_common())
        screen.say(f"    reports it ignored: {reasons}")
    screen.say(
        f"    texts to their buyers on the day: {delivered.texts.total()}; beyond confirmation and outcome"
        f" {delivered.news:.2f} a delivery (goal {NEWS_GOAL})"
    )


class _Progress:
    """The bar of a day: a step for every ten minutes of business time."""

    def __init__(
        self, screen: Screen, day: date, drivers: Sequence[Driver], office: SandboxOffice, promised: int
    ) -> None:
        self._screen, self._drivers, self._office = screen, drivers, office
        self._promised, self._midnight = promised, round(at(day, 0).timestamp())
        self._shown = 0

    def __call__(self, now: Timestamp) -> None:
        """Show how far the day has come, unless that was shown a moment ago."""
        if now // STEP == self._shown:
            return
        self._shown = now // STEP
        attempts = [attempt for driver in self._drivers for attempt in driver.attempts]
        late = sum(not attempt.kept for attempt in attempts)
        failed = sum(not attempt.outcome.is_delivery for attempt in attempts)
        trouble = sum(len(driver.incidents) for driver in self._drivers)
        clock = timedelta(seconds=now - self._midnight) // timedelta(minutes=1)
        note = f"late {late}  failed {failed}  trouble {trouble}  repairs {self._office.repairs}"
        self._screen.bar(f"{clock // 60:02}:{clock % 60:02}", len(attempts), self._promised, note)


def _first_to_leave(document: Mapping[str, Any]) -> str:
    """The van that leaves first, of several the one with most to do."""
    routes = [route for route in document["routes"] if not route["withdrawn"]]
    first: str = min(routes, key=lambda route: (route["starts_at"], -len(route["stops"])))["vehicle"][
        "vehicle_id"
    ]
    return first


def _duty(plan: Plan, route: Mapping[str, Any]) -> Duty:
    van = plan.depot.vans[route["vehicle"]["vehicle_id"]]
    return Duty(
        shift_id=route["shift_id"],
        driver=route["vehicle"]["vehicle_id"],
        starts_at=_instant(route["starts_at"]),
        ends_at=_instant(route["ends_at"]),
        depot=plan.depot.location,
        breaks=tuple(
            Break(
                earliest_at=_wall(plan.day, rest["earliest"]),
                latest_at=_wall(plan.day, rest["latest"]),
                duration=rest["duration_seconds"],
            )
            for rest in van["breaks"]
        ),
    )


def _states(storefront: Storefront, plan: Plan, promised: frozenset[str]) -> Counter[str]:
    """What the API says of the promises of the day."""
    path = f"/v1/promises?depot_id={plan.depot.depot_id}&date={plan.day}&limit=100"
    states, page = Counter[str](), storefront.want("promises", "GET", path)
    while True:
        states.update(each["state"] for each in page["data"] if each["promise_id"] in promised)
        if page["next_cursor"] is None:
            return states
        page = storefront.want("promises", "GET", f"{path}&cursor={page['next_cursor']}")


def _work_clock(day: date) -> WorkClock:
    midnight = round(at(day, 0).timestamp())
    return WorkClock.over(CITY_PROFILE, ZONE, start=midnight - DAY, end=midnight + 2 * DAY)


def _wall(day: date, wall: str) -> Timestamp:
    return round(datetime.combine(day, time.fromisoformat(wall), ZONE).timestamp())


def _instant(text: str) -> Timestamp:
    return round(datetime.fromisoformat(text).timestamp())
