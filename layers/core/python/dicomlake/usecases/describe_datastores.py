"""The data stores of a lake as the HealthImaging API tells of them.

Those of the stacks are there before anything is asked; what is told of them is noted when it is first asked for.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from dicomlake.domain.datastores import DatastoreRow, DatastoreStatus
from dicomlake.domain.errors import NotFoundError, RequestConflictError
from dicomlake.domain.model import DatastoreId
from dicomlake.domain.study import format_time
from dicomlake.ports import Clock, DatastoreRegistry

MOST_TAGS = 200


def describe_datastores(
    deployed: Mapping[DatastoreId, str], registry: DatastoreRegistry, clock: Clock
) -> tuple[DatastoreRow, ...]:
    """Return every data store, by its id; `deployed` are those of the stacks, with their names."""
    rows = {row.datastore_id: row for row in registry.datastores()}
    for datastore_id, name in deployed.items():
        if datastore_id not in rows:
            rows[datastore_id] = _noted(datastore_id, name, registry, clock)
    return tuple(rows[datastore_id] for datastore_id in sorted(rows))


def describe_datastore(
    datastore_id: DatastoreId, deployed: Mapping[DatastoreId, str], registry: DatastoreRegistry, clock: Clock
) -> DatastoreRow:
    """Return one data store. Raises NotFoundError."""
    row = registry.datastore(datastore_id)
    if row is None and datastore_id in deployed:
        row = _noted(datastore_id, deployed[datastore_id], registry, clock)
    if row is None:
        raise NotFoundError("there is no data store of this id")
    return row


def _noted(datastore_id: DatastoreId, name: str, registry: DatastoreRegistry, clock: Clock) -> DatastoreRow:
    now = format_time(clock.now())
    row = DatastoreRow(datastore_id, name, DatastoreStatus.ACTIVE, created_at=now, updated_at=now)
    return row if registry.save_datastore(row, 0) else registry.datastore(datastore_id) or row


def tag_datastore(
    row: DatastoreRow, added: Mapping[str, str], removed: Iterable[str], registry: DatastoreRegistry, clock: Clock
) -> DatastoreRow:
    """Add tags to a data store, then remove some. Raises RequestConflictError where another change came between."""
    gone = set(removed)
    tags = {key: value for key, value in {**dict(row.tags), **added}.items() if key not in gone}
    if len(tags) > MOST_TAGS:
        raise RequestConflictError(f"a data store has at most {MOST_TAGS} tags")
    now = format_time(clock.now())
    changed = replace(row, tags=tuple(sorted(tags.items())), updated_at=now, version=row.version + 1)
    if not registry.save_datastore(changed, row.version):
        raise RequestConflictError("the data store was changed meanwhile: read it again")
    return changed
