"""A shift's progress as a plain JSON document, and back.

Written every few seconds for every van, so names are short and what is empty is left out. Readers pass over
fields that newer code added.
"""

from datetime import date
from typing import Any

from chalicelib.fleet.forecasts import forecast_document, read_forecast
from chalicelib.fleet.plans import PlanKey
from chalicelib.fleet.progress import Hunch, Incident, Progress, Rest, Served, Sighting, Trouble
from chalicelib.routing.model import Location

type Document = dict[str, Any]

SHAPE = 1


def progress_document(progress: Progress) -> Document:
    """Write a progress; its version and the count of its milestones are the row's."""
    fields: Document = {
        "shape": SHAPE,
        "shift": progress.shift_id,
        "plan": [progress.plan.depot_id, progress.plan.day.isoformat()],
        "driver": progress.driver,
        "departed": progress.departed_at,
        "returned": progress.returned_at,
        "served": [
            [each.stop_id, each.arrived_at, each.left_at, each.outcome, int(each.inferred)]
            for each in progress.served
        ],
        "rests": [[rest.began_at, rest.ended_at] for rest in progress.rests],
        "taps": [[at, int(begins)] for at, begins in progress.taps],
        "seen": _sighting(progress.seen),
        "hunch": [progress.hunch.stop_id, progress.hunch.since] if progress.hunch else None,
        "doubted": _sighting(progress.doubted),
        "doubts": progress.doubts or None,
        "incidents": [_incident(each) for each in progress.incidents],
        "held": progress.held_until,
        "down": progress.down_at,
        "planned": [list(each) for each in progress.planned.items()],
        "foreseen": [
            [stop_id, *map(forecast_document, forecasts)] for stop_id, forecasts in progress.foreseen.items()
        ],
        "marks": "".join(progress.marks),
    }
    return {name: value for name, value in fields.items() if value not in (None, [], "")}


def read_progress(stored: Document, *, milestones: int, version: int) -> Progress:
    """Read what `progress_document` wrote."""
    depot_id, day = stored["plan"]
    hunch, marks = stored.get("hunch"), stored.get("marks", "")
    return Progress(
        shift_id=stored["shift"],
        plan=PlanKey(depot_id=depot_id, day=date.fromisoformat(day)),
        driver=stored.get("driver", ""),
        departed_at=stored.get("departed"),
        returned_at=stored.get("returned"),
        served=tuple(
            Served(
                stop_id=stop_id,
                arrived_at=arrived_at,
                left_at=left_at,
                outcome=outcome,
                inferred=bool(inferred),
            )
            for stop_id, arrived_at, left_at, outcome, inferred in stored.get("served", ())
        ),
        rests=tuple(Rest(began_at=began, ended_at=ended) for began, ended in stored.get("rests", ())),
        taps=tuple((at, bool(begins)) for at, begins in stored.get("taps", ())),
        seen=_read_sighting(stored.get("seen")),
        hunch=Hunch(stop_id=hunch[0], since=hunch[1]) if hunch else None,
        doubted=_read_sighting(stored.get("doubted")),
        doubts=stored.get("doubts", 0),
        incidents=tuple(map(_read_incident, stored.get("incidents", ()))),
        held_until=stored.get("held"),
        down_at=stored.get("down"),
        planned={stop_id: at for stop_id, at in stored.get("planned", ())},
        foreseen={
            stop_id: tuple(map(read_forecast, forecasts))
            for stop_id, *forecasts in stored.get("foreseen", ())
        },
        marks=tuple(marks[at : at + 8] for at in range(0, len(marks), 8)),
        milestones=milestones,
        version=version,
    )


def _sighting(seen: Sighting | None) -> list[Any] | None:
    return [seen.location.lat, seen.location.lon, seen.at] if seen else None


def _read_sighting(stored: list[Any] | None) -> Sighting | None:
    return Sighting(location=Location(lat=stored[0], lon=stored[1]), at=stored[2]) if stored else None


def _incident(each: Incident) -> list[Any]:
    place = [each.location.lat, each.location.lon] if each.location else None
    return [each.kind, each.at, each.until_at, each.stop_id, place, each.radius]


def _read_incident(stored: list[Any]) -> Incident:
    kind, at, until_at, stop_id, place, radius = stored
    return Incident(
        kind=Trouble(kind),
        at=at,
        until_at=until_at,
        stop_id=stop_id,
        location=Location(lat=place[0], lon=place[1]) if place else None,
        radius=radius,
    )
