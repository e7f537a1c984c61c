"""Data stores as rows, in the default data store's table."""

from dicomlake.adapters.dynamodb import keys
from dicomlake.adapters.dynamodb.rows import number, packed_item, value_in
from dicomlake.adapters.dynamodb.table import ABSENT, Condition, Table, put
from dicomlake.domain.datastores import DatastoreRow
from dicomlake.domain.model import DatastoreId


class DynamoDbDatastoreRegistry:
    """Every data store that the lake knows of."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def datastore(self, datastore_id: DatastoreId) -> DatastoreRow | None:
        """Return a data store's row, read consistently."""
        item = self._table.get(keys.datastore(datastore_id))
        return value_in(DatastoreRow, item) if item else None

    def datastores(self) -> tuple[DatastoreRow, ...]:
        """Return every row, by data store id."""
        pk, low = keys.datastore("")
        items, _ = self._table.query(pk, low, low + keys.LAST)
        return tuple(value_in(DatastoreRow, item) for item in items)

    def save_datastore(self, row: DatastoreRow, expected_version: int) -> bool:
        """Write a row if the one there has this version; return whether that was so."""
        stands = Condition("v = :read", {":read": number(expected_version)}) if expected_version else ABSENT
        item = packed_item(keys.datastore(row.datastore_id), row, v=number(row.version))
        return self._table.write(put(item, stands))
