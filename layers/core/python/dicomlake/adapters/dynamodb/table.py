"""One DynamoDB table through the low-level client: the few calls that the ports are made of. No Scan.

Every call asks for the capacity it consumed, so that the call meter can count it. Reads are consistent unless the
caller says otherwise: a consistent read costs half a millionth of a request's price more, a stale one costs a bug.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import batched
from secrets import SystemRandom
from time import sleep
from typing import Any

from dicomlake.adapters.aws_errors import aws_errors, client_error, code_of, error_for
from dicomlake.adapters.dynamodb.keys import Key
from dicomlake.domain.errors import InvalidRequestError, ThrottledError

Item = dict[str, dict[str, Any]]
Action = dict[str, dict[str, Any]]

MAX_ACTIONS = 100
BATCH_GET = 100
BATCH_WRITE = 25
TRIES = 6
_RANDOM = SystemRandom()


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition expression with the names and values it uses."""

    expression: str
    values: dict[str, dict[str, Any]]

    def arguments(self) -> dict[str, Any]:
        """The condition as a request spells it."""
        named: dict[str, Any] = {"ConditionExpression": self.expression}
        return named | ({"ExpressionAttributeValues": self.values} if self.values else {})


ABSENT = Condition("attribute_not_exists(pk)", {})
PRESENT = Condition("attribute_exists(pk)", {})


@dataclass(frozen=True, slots=True)
class Refusal:
    """One action of a cancelled transaction whose condition failed, and the item that made it fail."""

    position: int
    held: Item


def item_of(key: Key, **attributes: dict[str, Any]) -> Item:
    """Return an item: its keys and its attributes."""
    return {**key_of(key), **attributes}


def key_of(key: Key) -> Item:
    """Return the keys of an item as a request spells them."""
    return {"pk": {"S": key[0]}, "sk": {"S": key[1]}}


def keys_in(item: Item) -> Key:
    """Return an item's keys."""
    return str(item["pk"]["S"]), str(item["sk"]["S"])


def put(item: Item, condition: Condition | None = None) -> Action:
    """An action that writes an item."""
    return {"Put": {"Item": item, **(condition.arguments() if condition else {})}}


def delete(key: Key, condition: Condition | None = None) -> Action:
    """An action that deletes an item."""
    return {"Delete": {"Key": key_of(key), **(condition.arguments() if condition else {})}}


def update(key: Key, attributes: Item, condition: Condition | None = None) -> Action:
    """An action that sets attributes of an item, which it makes where there is none."""
    names = {f"#{name}": name for name in attributes}
    values = {f":set_{name}": value for name, value in attributes.items()}
    sets = ", ".join(f"#{name} = :set_{name}" for name in attributes)
    named: dict[str, Any] = {
        "Key": key_of(key),
        "UpdateExpression": f"SET {sets}",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values | (condition.values if condition else {}),
    }
    return {"Update": named | ({"ConditionExpression": condition.expression} if condition else {})}


def add_one(key: Key, attribute: str) -> Action:
    """An action that adds one to a number of an item, which it makes where there is none."""
    named = {"UpdateExpression": "ADD #n :one", "ExpressionAttributeNames": {"#n": attribute}}
    return {"Update": {"Key": key_of(key), **named, "ExpressionAttributeValues": {":one": {"N": "1"}}}}


def check(key: Key, condition: Condition) -> Action:
    """An action that changes nothing, and fails where its condition does."""
    return {"ConditionCheck": {"Key": key_of(key), **condition.arguments()}}


class Table:
    """A table by its name and a botocore client."""

    def __init__(self, client: Any, name: str, wait: Callable[[float], None] = sleep) -> None:
        self._client = client
        self._name = name
        self._wait = wait

    def get(self, key: Key) -> Item | None:
        """Return one item, read consistently."""
        with aws_errors():
            found = self._client.get_item(
                TableName=self._name, Key=key_of(key), ConsistentRead=True, ReturnConsumedCapacity="TOTAL"
            )
        item: Item | None = found.get("Item")
        return item

    def get_many(self, keys: Sequence[Key]) -> list[Item]:
        """Return those of the items that exist, in no particular order, read consistently."""
        found: list[Item] = []
        for some in batched(dict.fromkeys(keys), BATCH_GET, strict=False):
            request = {self._name: {"Keys": [key_of(key) for key in some], "ConsistentRead": True}}
            for answer in self._until_done("batch_get_item", request, "UnprocessedKeys"):
                found.extend(answer["Responses"].get(self._name, []))
        return found

    def put_many(self, items: Iterable[Item]) -> None:
        """Write items, unconditionally and not as one."""
        for some in batched(items, BATCH_WRITE, strict=False):
            request = {self._name: [{"PutRequest": {"Item": item}} for item in some]}
            for _ in self._until_done("batch_write_item", request, "UnprocessedItems"):
                pass

    def _until_done(self, call: str, request: dict[str, Any], left: str) -> Iterator[dict[str, Any]]:
        """Send a batch again for what it left undone, a few times, then say that we are throttled."""
        for attempt in range(TRIES):
            back_off(attempt, self._wait)
            with aws_errors():
                answer = getattr(self._client, call)(RequestItems=request, ReturnConsumedCapacity="TOTAL")
            yield answer
            request = answer.get(left) or {}
            if not request:
                return
        raise ThrottledError("the index left a part of a batch undone every time; try again later")

    def query(
        self,
        pk: str,
        low: str,
        high: str,
        after: str = "",
        limit: int = 0,
        descending: bool = False,
        consistent: bool = True,
    ) -> tuple[list[Item], str]:
        """Return the items of a partition with sort keys in [low, high], and the sort key to go on behind ("": none).

        InvalidRequestError where `after` lies outside the range: it came from another listing.
        """
        if after and not low <= after <= high:
            raise InvalidRequestError("the continuation does not belong to this listing; start it again")
        if low > high:
            return [], ""
        found: list[Item] = []
        while True:
            request = self._query_request(pk, low, high, after, limit - len(found) if limit else 0)
            with aws_errors():
                answer = self._client.query(**request, ScanIndexForward=not descending, ConsistentRead=consistent)
            found.extend(answer["Items"])
            after = answer.get("LastEvaluatedKey", {}).get("sk", {}).get("S", "")
            if not after or (limit and len(found) >= limit):
                return found, after

    def _query_request(self, pk: str, low: str, high: str, after: str, limit: int) -> dict[str, Any]:
        request: dict[str, Any] = {
            "TableName": self._name,
            "KeyConditionExpression": "pk = :pk AND sk BETWEEN :low AND :high",
            "ExpressionAttributeValues": {":pk": {"S": pk}, ":low": {"S": low}, ":high": {"S": high}},
            "ReturnConsumedCapacity": "TOTAL",
        }
        if limit:
            request["Limit"] = limit
        if after:
            request["ExclusiveStartKey"] = key_of((pk, after))
        return request

    def write(self, action: Action) -> bool:
        """Do one action; False if its condition failed."""
        ((kind, named),) = action.items()
        call = {"Put": "put_item", "Delete": "delete_item", "Update": "update_item"}[kind]
        try:
            with aws_errors():
                getattr(self._client, call)(TableName=self._name, ReturnConsumedCapacity="TOTAL", **named)
        except client_error() as exc:
            if code_of(exc) != "ConditionalCheckFailedException":
                raise
            return False
        return True

    def transact(self, actions: Sequence[Action]) -> tuple[Refusal, ...]:
        """Do all actions or none; return () when they stand, else every action whose condition failed.

        LostRaceError and ThrottledError where the service cancelled for another reason: then not every condition may
        have been looked at.
        """
        request = [
            {kind: {"TableName": self._name, "ReturnValuesOnConditionCheckFailure": "ALL_OLD", **named}}
            for action in actions
            for kind, named in action.items()
        ]
        try:
            with aws_errors():
                self._client.transact_write_items(TransactItems=request, ReturnConsumedCapacity="TOTAL")
        except client_error() as exc:
            if code_of(exc) != "TransactionCanceledException":
                raise
            return _refusals(exc)
        return ()


def _refusals(cancelled: Any) -> tuple[Refusal, ...]:
    reasons = cancelled.response.get("CancellationReasons", [])
    for reason in reasons:
        raised = error_for(reason.get("Code", ""))
        if raised is not None:
            raise raised from cancelled
    refused = tuple(
        Refusal(position, reason.get("Item", {}))
        for position, reason in enumerate(reasons)
        if reason.get("Code") == "ConditionalCheckFailed"
    )
    if not refused:
        raise cancelled
    return refused


def back_off(attempt: int, wait: Callable[[float], None] = sleep) -> None:
    """Wait before attempt 1, 2, ...: up to 20 ms, doubled each time, jittered so that rivals do not meet again."""
    if attempt:
        wait(_RANDOM.uniform(0.25, 1.0) * 0.02 * 2 ** (attempt - 1))
