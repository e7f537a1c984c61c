"""The data stores of a lake, as rows."""

from typing import Protocol

from dicomlake.domain.datastores import DatastoreRow
from dicomlake.domain.model import DatastoreId


class DatastoreRegistry(Protocol):
    """Every data store that the lake knows of."""

    def datastore(self, datastore_id: DatastoreId) -> DatastoreRow | None:
        """Return a data store's row, read consistently."""
        ...

    def datastores(self) -> tuple[DatastoreRow, ...]:
        """Return every row, by data store id."""
        ...

    def save_datastore(self, row: DatastoreRow, expected_version: int) -> bool:
        """Write a row if the one there has this version (0: if there is none); return whether that was so."""
        ...
