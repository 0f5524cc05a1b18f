"""How fast a sender may text, and whether it may: one row for each, moved by conditional updates."""

from typing import Final

from chalicelib.adapters.dynamodb.keys import sender_key
from chalicelib.adapters.dynamodb.table import ConditionFailed, NoAnswer, Rows, key_item, number
from chalicelib.notifications.pace import SenderState

_AS_READ: Final = "failures = :failures AND open_until = :open_until"


class SenderRows(Rows):
    """Senders: see `notifications.pace.SenderStore`."""

    def sender_state(self, sender: str) -> SenderState:
        """How a sender stands; one that nobody knows stands well."""
        item = self._table.get(sender_key(sender))
        if item is None or "failures" not in item:
            return SenderState()
        return SenderState(failures=int(item["failures"]["N"]), open_until=int(item["open_until"]["N"]))

    def move_sender(self, sender: str, before: SenderState, after: SenderState) -> bool:
        """Write how it stands, on condition that it stands as it was found; False if it does not."""
        only_if = _AS_READ if before != SenderState() else f"attribute_not_exists(failures) OR ({_AS_READ})"
        try:
            self._table.ask(
                "update_item",
                Key=key_item(sender_key(sender)),
                UpdateExpression="SET failures = :now_failures, open_until = :now_open_until",
                ConditionExpression=only_if,
                ExpressionAttributeValues={
                    ":failures": number(before.failures),
                    ":open_until": number(before.open_until),
                    ":now_failures": number(after.failures),
                    ":now_open_until": number(after.open_until),
                },
            )
        except ConditionFailed:
            return False
        return True

    def reserve(self, sender: str, *, cost: int, now: int, latest: int) -> int | None:
        """Move the moment a sender is free on by `cost`, from `now` if that is later; gives where it stood.

        None, and nothing moved, if that is after `latest`. A move whose answer was lost is made again: then
        the sender is a little slower than it might be.

        Raises
        ------
        Upstream
            Others kept moving it.
        """
        for _ in self._table.tries():
            try:
                return self._behind_others(sender, cost=cost, now=now, latest=latest)
            except ConditionFailed as error:
                free_at = int(error.row["free_at"]["N"]) if "free_at" in error.row else 0
                if free_at > latest:
                    return None
            try:
                return self._at_once(sender, cost=cost, now=now)
            except ConditionFailed:
                continue
        raise NoAnswer(unclear=False)

    def _behind_others(self, sender: str, *, cost: int, now: int, latest: int) -> int:
        moved = self._table.ask(
            "update_item",
            Key=key_item(sender_key(sender)),
            UpdateExpression="SET free_at = free_at + :cost",
            ConditionExpression="free_at BETWEEN :now AND :latest",
            ExpressionAttributeValues={":cost": number(cost), ":now": number(now), ":latest": number(latest)},
            ReturnValues="UPDATED_OLD",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
        return int(moved["Attributes"]["free_at"]["N"])

    def _at_once(self, sender: str, *, cost: int, now: int) -> int:
        self._table.ask(
            "update_item",
            Key=key_item(sender_key(sender)),
            UpdateExpression="SET free_at = :then",
            ConditionExpression="attribute_not_exists(free_at) OR free_at < :now",
            ExpressionAttributeValues={":then": number(now + cost), ":now": number(now)},
        )
        return now
