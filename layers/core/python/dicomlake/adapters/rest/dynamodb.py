"""DynamoDB's items, by the names and shapes of botocore's client."""

from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import uuid4

from dicomlake.adapters.calls import CallMeter
from dicomlake.adapters.rest.place import Caller, Place
from dicomlake.adapters.rest.protocols import Dialect, ask_json

DIALECT = Dialect("1.0", "DynamoDB_20120810")
OPERATIONS = {
    "batch_get_item": "BatchGetItem",
    "batch_write_item": "BatchWriteItem",
    "delete_item": "DeleteItem",
    "get_item": "GetItem",
    "put_item": "PutItem",
    "query": "Query",
    "transact_write_items": "TransactWriteItems",
    "update_item": "UpdateItem",
}
Call = Callable[..., dict[str, Any]]


class RestDynamoDb:
    """The calls on items. An attribute that is binary is bytes, as in botocore; other operations are not here."""

    def __init__(self, place: Place, meter: CallMeter) -> None:
        self._caller = Caller(place, "dynamodb", meter)
        self._meter = meter

    def __getattr__(self, name: str) -> Call:
        if name not in OPERATIONS:
            raise AttributeError(f"{name} is not a call on items: {', '.join(OPERATIONS)}")
        operation = OPERATIONS[name]

        def call(**named: Any) -> dict[str, Any]:
            return self._ask(operation, named)

        self.__dict__[name] = call
        return call

    def _ask(self, operation: str, named: dict[str, Any]) -> dict[str, Any]:
        """Ask; a transaction carries a token, so that it happens once though it may be sent again."""
        token = {"ClientRequestToken": str(uuid4())} if operation == "TransactWriteItems" else {}
        said = ask_json(self._caller, DIALECT, operation, token | named, _with_bytes)
        self._meter.consumed(operation, said.get("ConsumedCapacity"))
        return said


def _with_bytes(said: dict[str, Any]) -> dict[str, Any]:
    for item in _items(said):
        for value in item.values():
            if "B" in value:
                value["B"] = b64decode(value["B"])
    return said


def _items(said: Mapping[str, Any]) -> Iterator[dict[str, dict[str, Any]]]:
    """Every item of an answer: the one asked for, those found, those held in the way of a condition."""
    yield from (said[name] for name in ("Item", "Attributes") if name in said)
    yield from said.get("Items", ())
    for found in said.get("Responses", {}).values():
        yield from found
    yield from (reason["Item"] for reason in said.get("CancellationReasons", ()) if "Item" in reason)
