"""Data stores as rows, in memory."""

from threading import Lock

from dicomlake.domain.datastores import DatastoreRow
from dicomlake.domain.model import DatastoreId


class MemoryDatastoreRegistry:
    """Every data store that a lake knows of."""

    def __init__(self) -> None:
        self._rows: dict[DatastoreId, DatastoreRow] = {}
        self._lock = Lock()

    def datastore(self, datastore_id: DatastoreId) -> DatastoreRow | None:
        """Return a data store's row."""
        return self._rows.get(datastore_id)

    def datastores(self) -> tuple[DatastoreRow, ...]:
        """Return every row, by data store id."""
        return tuple(self._rows[name] for name in sorted(self._rows))

    def save_datastore(self, row: DatastoreRow, expected_version: int) -> bool:
        """Write a row if the one there has this version; return whether that was so."""
        with self._lock:
            held = self._rows.get(row.datastore_id)
            if (held.version if held else 0) != expected_version:
                return False
            self._rows[row.datastore_id] = row
            return True
