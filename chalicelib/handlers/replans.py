"""Endpoints for improvements of plans: asking for one, and seeing what became of it."""

from chalicelib.dispatch.model import Replan
from chalicelib.handlers.endpoints import Call, Endpoints
from chalicelib.handlers.fleet import PLAN, day_of
from chalicelib.handlers.http import Answer
from chalicelib.handlers.replan_wire import ReplanAsked, ReplanView
from chalicelib.merchants.model import Scope

api = Endpoints("Replans")


@api.endpoint("POST", f"{PLAN}/replan", scope=Scope.OPS, answers={202: ReplanAsked})
def ask_for_replan(call: Call) -> Answer:
    """Ask for an improvement of a plan.

    Plans are improved behind every booking anyway; this one looks longer. Promises are never traded away: a
    plan changes only when none is worse off.
    """

    def answer(asked: Replan) -> Answer:
        return Answer(202, ReplanAsked(replan_id=asked.replan_id, state=asked.state))

    day = day_of(call.path["date"])
    asked = call.services.dispatch.ask(
        call.tenant, call.path["depot_id"], day, call.now, call.receipt(answer)
    )
    return answer(asked)


@api.endpoint("GET", "/v1/replans/{replan_id}", scope=Scope.OPS, answers={200: ReplanView})
def get_replan(call: Call) -> Answer:
    """Read what became of a replan."""
    found = call.services.dispatch.replan(call.tenant, call.path["replan_id"], call.now)
    depot = call.services.fleet.depot(call.tenant, found.plan.depot_id)
    return Answer(200, ReplanView.of(found), zone=depot.timezone)
