"""Access keys, in the default data store's table."""

from dicomlake.adapters.dynamodb import keys
from dicomlake.adapters.dynamodb.rows import packed_item, value_in
from dicomlake.adapters.dynamodb.table import Table, put
from dicomlake.domain.access_key import AccessKey


class DynamoDbAccessKeys:
    """Every access key of the lake; their secrets are not among what is kept."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def access_key(self, access_key_id: str) -> AccessKey | None:
        """Return a key by its id."""
        item = self._table.get(keys.access_key(access_key_id))
        return value_in(AccessKey, item) if item else None

    def access_keys(self) -> tuple[AccessKey, ...]:
        """Return every key, by its id."""
        pk, low = keys.access_key("")
        items, _ = self._table.query(pk, low, low + keys.LAST)
        return tuple(value_in(AccessKey, item) for item in items)

    def save_access_key(self, key: AccessKey) -> None:
        """Write a key, in place of the one of its id."""
        self._table.write(put(packed_item(keys.access_key(key.access_key_id), key)))
