"""How a replan looks in JSON."""

from typing import Annotated

from pydantic import Field

from chalicelib.dispatch.model import Replan, ReplanState
from chalicelib.fleet.ids import promise_id
from chalicelib.handlers.wire import Date, Instant, View, absent


class PromisesView(View):
    """How the promises of the plan stand afterwards."""

    kept: int
    at_risk: int
    broken: int


class MovedView(View):
    """A delivery that another van makes now."""

    promise_id: Annotated[str, Field(description="Of a delivery that is held only: what it will be.")]
    from_shift_id: Annotated[str | None, Field(description="null: no van had it.")]
    to_shift_id: str | None


class ReplanAsked(View):
    """An improvement that was asked for."""

    replan_id: str
    state: ReplanState


class ReplanView(View):
    """One improvement of a plan."""

    replan_id: str
    depot_id: str
    date: Date
    state: Annotated[
        ReplanState,
        Field(description="`superseded`: a run that began after this was asked for has covered it."),
    ]
    requested_at: Instant
    finished_at: Instant | None
    moves: Annotated[int, Field(description="How many deliveries changed vans.")]
    moved: list[MovedView]
    seconds_saved: Annotated[int, Field(description="Of driving; negative where that bought a promise.")]
    promises: Annotated[PromisesView | None, Field(description="null until it is finished.")]
    why: str | None = absent()

    @staticmethod
    def of(replan: Replan) -> "ReplanView":
        """Show a replan."""
        standing = replan.standing
        return ReplanView(
            replan_id=replan.replan_id,
            depot_id=replan.plan.depot_id,
            date=replan.plan.day,
            state=replan.state,
            requested_at=replan.requested_at,
            finished_at=replan.finished_at,
            moves=len(replan.moves),
            moved=[
                MovedView(
                    promise_id=promise_id(move.stop_id), from_shift_id=move.left, to_shift_id=move.joined
                )
                for move in replan.moves
            ],
            seconds_saved=replan.seconds_saved,
            promises=PromisesView(kept=standing.kept, at_risk=standing.at_risk, broken=standing.broken)
            if standing
            else None,
            why=replan.why,
        )
