"""The index of a data store in one DynamoDB table; docs/index.md describes the items."""

from typing import Any

from dicomlake.adapters.dynamodb.access import DynamoDbAccessKeys
from dicomlake.adapters.dynamodb.changes import DynamoDbChangeIndex
from dicomlake.adapters.dynamodb.datastores import DynamoDbDatastoreRegistry
from dicomlake.adapters.dynamodb.feed import DynamoDbChangeFeed
from dicomlake.adapters.dynamodb.image_sets import DynamoDbImageSetIndex
from dicomlake.adapters.dynamodb.imports import DynamoDbImportJobs
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
        imports=DynamoDbImportJobs(table),
        image_sets=DynamoDbImageSetIndex(table),
        objects=objects,
        changes=DynamoDbChangeIndex(table),
    )


def dynamodb_access_keys(client: Any, table_name: str) -> DynamoDbAccessKeys:
    """Return the access keys that lie in a table."""
    return DynamoDbAccessKeys(Table(client, table_name))


def dynamodb_datastores(client: Any, table_name: str) -> DynamoDbDatastoreRegistry:
    """Return the data stores of which a table tells."""
    return DynamoDbDatastoreRegistry(Table(client, table_name))


__all__ = [
    "DynamoDbAccessKeys",
    "DynamoDbChangeFeed",
    "DynamoDbChangeIndex",
    "DynamoDbDatastoreRegistry",
    "DynamoDbImageSetIndex",
    "DynamoDbImportJobs",
    "DynamoDbInstanceIndex",
    "DynamoDbLedger",
    "DynamoDbStudyIndex",
    "Table",
    "commit_row_in",
    "dynamodb_access_keys",
    "dynamodb_datastore",
    "dynamodb_datastores",
]
