"""Routes for properties: anything a shop could have sold on one street, now and then too much."""

from hypothesis import strategies as st

from chalicelib.routing.model import Break, Capacity, Load, Shift, Stop, StopFlag, StopKind, TimeWindow
from chalicelib.routing.packed import Route
from tests.builders import MIDNIGHT, Street, hour, house, route, shift

HOUR = 3600
SKILLS = ("fridge", "tail_lift", "two_people")

windows = st.builds(
    lambda start, length: TimeWindow(start=MIDNIGHT + start, end=MIDNIGHT + start + length),
    start=st.integers(7 * HOUR, 17 * HOUR),
    length=st.integers(0, 6 * HOUR),
)
loads = st.builds(
    Load, parcels=st.integers(0, 5), grams=st.integers(0, 9_000), millilitres=st.integers(0, 9_000)
)
houses = st.integers(-40, 40).map(house)


@st.composite
def stops(draw: st.DrawFn, *, ghosts: bool = True) -> Stop:
    kind = draw(st.sampled_from([StopKind.PROMISED, StopKind.HELD]))
    expiries = [hour(-2), hour(-1), hour(0)] if ghosts else [hour(0)]
    return Stop(
        stop_id=draw(st.integers(1, 2**63 - 1)),
        location=draw(houses),
        window=draw(windows),
        service_time=draw(st.integers(0, 1800)),
        load=draw(loads),
        skills=frozenset(draw(st.sets(st.sampled_from(SKILLS)))),
        kind=kind,
        expires_at=draw(st.sampled_from(expiries)) if kind is StopKind.HELD else 0,
        flags=draw(st.sampled_from(StopFlag)),
    )


@st.composite
def breaks(draw: st.DrawFn) -> list[Break]:
    """Up to two, one after the other."""
    starts = sorted(draw(st.lists(st.integers(8, 15), max_size=2, unique=True)))
    return [
        Break(
            earliest_at=hour(start),
            latest_at=hour(start) + draw(st.integers(0, 3 * HOUR)),
            duration=draw(st.integers(60, HOUR)),
        )
        for start in starts
    ]


@st.composite
def shifts(draw: st.DrawFn, *, rests: bool = True) -> Shift:
    limits = st.none() | st.integers(0, 60_000)
    return shift(
        draw(st.sampled_from(["van-1", "van-2", "van-3"])),
        start=draw(st.sampled_from([6.5, 8])),
        end=draw(st.sampled_from([14, 18, 22])),
        capacity=Capacity(parcels=draw(limits), grams=draw(limits), millilitres=draw(limits)),
        skills=sorted(draw(st.sets(st.sampled_from(SKILLS)))),
        breaks=draw(breaks()) if rests else (),
    )


@st.composite
def routes(
    draw: st.DrawFn, *, most: int = 8, rests: bool = True, ghosts: bool = True, street: Street | None = None
) -> Route:
    """Mostly in the order of their windows, so that something is often kept."""
    chosen = draw(st.lists(stops(ghosts=ghosts), max_size=most, unique_by=lambda each: each.stop_id))
    if draw(st.integers(0, 3)):
        chosen.sort(key=lambda each: each.window.end)
    return route(*chosen, of=draw(shifts(rests=rests)), travel=street)
