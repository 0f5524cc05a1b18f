"""Replans in the table, and the count of what was asked for; their rows are written and read back here too.

A request is counted in a row that no booking reads or writes, so that counting never stands in a booking's
way. Weak point: requests of one busy plan meet in that row, one small write each.
"""

import json
from collections.abc import Mapping

from chalicelib.adapters.dynamodb.keys import progress_key, replan_key, requests_key
from chalicelib.adapters.dynamodb.plans import PlanRows, write_routes
from chalicelib.adapters.dynamodb.rows import json_text, time_to_live, version_of
from chalicelib.adapters.dynamodb.table import ConditionFailed, Item, key_item, number, text
from chalicelib.adapters.dynamodb.transaction import Refused, Transaction, no_further, unmoved
from chalicelib.dispatch.model import Move, Replan, ReplanState, Requests, Standing, Work
from chalicelib.dispatch.store import PlanChanges
from chalicelib.errors import StaleWrite
from chalicelib.events import Tenant
from chalicelib.fleet.plans import PlanKey
from chalicelib.retention import REPLANS_KEPT
from chalicelib.units import Timestamp


class ReplanRows(PlanRows):
    """What the worker keeps: see `dispatch.store.DispatchStore`."""

    def request(self, tenant: Tenant, plan: PlanKey, work: Work) -> int:
        """Count one more request; gives its number."""
        answer = self._table.ask(
            "update_item",
            Key=key_item(requests_key(tenant, plan, work)),
            UpdateExpression="ADD requested :one SET #ttl = :ttl",
            ExpressionAttributeNames={"#ttl": "ttl"},
            ExpressionAttributeValues={":one": number(1), ":ttl": number(self._table.now() + REPLANS_KEPT)},
            ReturnValues="UPDATED_NEW",
        )
        return int(answer["Attributes"]["requested"]["N"])

    def requests(self, tenant: Tenant, plan: PlanKey, work: Work) -> Requests:
        """How many requests there were for a plan, and how many are covered; strongly consistent."""
        return requests_of(self._table.get(requests_key(tenant, plan, work)))

    def finish_requests(
        self, tenant: Tenant, plan: PlanKey, work: Work, covered: int, improved: Mapping[str, int]
    ) -> None:
        """Note that a run covers all requests up to a number; no effect if a later one is noted already."""
        try:
            self._table.ask(
                "update_item",
                Key=key_item(requests_key(tenant, plan, work)),
                UpdateExpression="SET done = :covered, improved = :improved",
                ConditionExpression="attribute_not_exists(done) OR done <= :covered",
                ExpressionAttributeValues={
                    ":covered": number(covered),
                    ":improved": text(improved_text(improved)),
                },
            )
        except ConditionFailed:
            return

    def replan(self, tenant: Tenant, replan_id: str) -> Replan | None:
        """One replan, strongly consistent."""
        item = self._table.get(replan_key(tenant, replan_id))
        return replan_of(item, replan_id) if item else None

    def commit_plan(self, tenant: Tenant, changes: PlanChanges) -> None:
        """Apply everything or nothing.

        Raises
        ------
        StaleWrite
            A condition no longer held, or the rows were being written at that moment.
        AlreadyDone
            The receipt exists: this very request had its effect before.
        Upstream
            The store did not answer; whether it was applied was looked up, and it was not.
        """
        writing, now = Transaction[str](self._table, tenant), self._table.now()
        if not write_routes(writing, "route", tenant, changes.routes, now):
            raise StaleWrite("The fleet changed while its plan was read.")
        for progress in changes.known:
            key = progress_key(tenant, progress.plan, progress.shift_id)
            writing.check("progress", key, only_if=no_further(progress.milestones))
        replan = changes.replan
        if replan is not None:
            key = replan_key(tenant, replan.replan_id)
            writing.put("replan", key, replan_item(replan, now), only_if=unmoved(replan.version))
        writing.receipt(changes.receipt)
        try:
            writing.commit(changes.facts)
        except Refused as refused:
            what = ", ".join(sorted(refused.guards)) or "conflict"
            raise StaleWrite(f"Something changed in the meantime: {what}.") from refused


def replan_item(replan: Replan, now: Timestamp) -> Item:
    """Write a replan as the version that follows its own."""
    standing = replan.standing
    document = {
        "plan": str(replan.plan),
        "state": replan.state,
        "requested_at": replan.requested_at,
        "began_at": replan.began_at,
        "finished_at": replan.finished_at,
        "moves": [[move.stop_id, move.left, move.joined] for move in replan.moves],
        "seconds_saved": replan.seconds_saved,
        "standing": standing and [standing.kept, standing.at_risk, standing.broken],
        "why": replan.why,
    }
    return {
        "version": number(replan.version + 1),
        "document": text(json_text(document)),
        "ttl": time_to_live(now, replan.requested_at, REPLANS_KEPT),
    }


def replan_of(item: Item, replan_id: str) -> Replan:
    """Read what `replan_item` wrote."""
    stored = json.loads(item["document"]["S"])
    standing = stored["standing"]
    return Replan(
        replan_id=replan_id,
        plan=PlanKey.parse(stored["plan"]),
        state=ReplanState(stored["state"]),
        requested_at=stored["requested_at"],
        began_at=stored["began_at"],
        finished_at=stored["finished_at"],
        moves=tuple(Move(stop_id=stop, left=left, joined=joined) for stop, left, joined in stored["moves"]),
        seconds_saved=stored["seconds_saved"],
        standing=Standing(kept=standing[0], at_risk=standing[1], broken=standing[2]) if standing else None,
        why=stored["why"],
        version=version_of(item),
    )


def requests_of(item: Item | None) -> Requests:
    """Read the count of a plan's requests; no row: there were none."""
    if item is None:
        return Requests()
    improved = item.get("improved")
    return Requests(
        requested=int(item["requested"]["N"]),
        done=int(item["done"]["N"]) if "done" in item else 0,
        improved=json.loads(improved["S"]) if improved else {},
    )


def improved_text(improved: Mapping[str, int]) -> str:
    """Write versions of routes by their shifts."""
    return json_text(dict(improved))
