"""The index of a data store in one DynamoDB table; docs/index.md describes the items."""

from typing import Any

from dicomlake.adapters.dynamodb.feed import DynamoDbChangeFeed
from dicomlake.adapters.dynamodb.instances import DynamoDbInstanceIndex
from dicomlake.adapters.dynamodb.ledger import DynamoDbLedger
from dicomlake.adapters.dynamodb.rows import commit_row_in
from dicomlake.adapters.dynamodb.studies import DynamoDbStudyIndex
from dicomlake.adapters.dynamodb.table import Table
from dicomlake.ports import Datastore, ObjectStore


def dynamodb_datastore(client: Any, table_name: str, objects: ObjectStore) -> Datastore:
    """Return a data store over its index table and the bucket of its packs."""
    table = Table(client, table_name)
    return Datastore(
        instances=DynamoDbInstanceIndex(table),
        ledger=DynamoDbLedger(table),
        studies=DynamoDbStudyIndex(table),
        feed=DynamoDbChangeFeed(table),
        objects=objects,
    )


__all__ = [
    "DynamoDbChangeFeed",
    "DynamoDbInstanceIndex",
    "DynamoDbLedger",
    "DynamoDbStudyIndex",
    "Table",
    "commit_row_in",
    "dynamodb_datastore",
]
