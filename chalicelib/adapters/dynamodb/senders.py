"""How fast a sender may text, and whether it may: one row for each, moved by conditional updates."""

from dataclasses import KW_ONLY, dataclass
from typing import Final

from chalicelib.adapters.dynamodb.keys import sender_key
from chalicelib.adapters.dynamodb.table import ConditionFailed, Item, NoAnswer, Rows, Table, key_item, number
from chalicelib.notifications.pace import Reserved, SenderState

_AS_READ: Final = "failures = :failures AND open_until = :open_until"
_WELL: Final = "(attribute_not_exists(failures) OR failures <= :failures)"


class SenderRows(Rows):
    """Senders: see `notifications.pace.SenderStore`."""

    def __init__(self, table: Table) -> None:
        super().__init__(table)
        self._idle = set[str]()  # senders that nobody was waiting for when they were last asked

    def sender_state(self, sender: str) -> SenderState:
        """How a sender stands; one that nobody knows stands well."""
        return _state_of(self._table.get(sender_key(sender)) or {})

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

    def reserve(self, sender: str, *, cost: int, now: int, latest: int, failures: int) -> Reserved:
        """Move the moment a sender is free on by `cost`, from `now` if that is later, in one write.

        Nothing is moved if that is after `latest`, or the sender has failed more than `failures` times in a
        row. A move whose answer was lost is made again: then the sender is a little slower than it might be.

        Raises
        ------
        Upstream
            Others kept moving it.
        """
        behind = _Move(
            "free_at + :cost",
            only_if="free_at BETWEEN :now AND :latest",
            values={":cost": number(cost), ":latest": number(latest)},
        )
        at_once = _Move(
            ":then",
            only_if="attribute_not_exists(free_at) OR free_at < :now",
            values={":then": number(now + cost)},
        )
        given = {":now": number(now), ":failures": number(failures)}
        # Texts come in bursts or hardly ever: who was idle probably still is, and who was not is not.
        ways = (at_once, behind) if sender in self._idle else (behind, at_once)
        for _ in self._table.tries():
            for move in ways:
                try:
                    before = self._moved(sender, move, given)
                except ConditionFailed as error:
                    state, free_at = _state_of(error.row), _free_at(error.row)
                    if state.failures > failures or free_at > latest:
                        return Reserved(at=None, state=state)
                    continue
                (self._idle.add if move is at_once else self._idle.discard)(sender)
                return Reserved(at=max(now, _free_at(before)), state=_state_of(before))
        raise NoAnswer(unclear=False)

    def _moved(self, sender: str, move: "_Move", given: Item) -> Item:
        """Move it in one of the two ways; gives the row as it was."""
        moved = self._table.ask(
            "update_item",
            Key=key_item(sender_key(sender)),
            UpdateExpression=f"SET free_at = {move.to}",
            ConditionExpression=f"({move.only_if}) AND {_WELL}",
            ExpressionAttributeValues=given | move.values,
            ReturnValues="ALL_OLD",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
        before: Item = moved.get("Attributes", {})
        return before


@dataclass(frozen=True, slots=True)
class _Move:
    """A way to move a sender's moment on; there are two, because DynamoDB knows no maximum."""

    to: str
    _: KW_ONLY
    only_if: str
    values: Item


def _state_of(row: Item) -> SenderState:
    if "failures" not in row:
        return SenderState()
    return SenderState(failures=int(row["failures"]["N"]), open_until=int(row["open_until"]["N"]))


def _free_at(row: Item) -> int:
    return int(row["free_at"]["N"]) if "free_at" in row else 0
