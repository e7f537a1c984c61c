"""Access keys and data stores as rows: one suite, every adapter."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from dicomlake.adapters.dynamodb import dynamodb_access_keys, dynamodb_datastores
from dicomlake.adapters.memory import MemoryAccessKeys, MemoryDatastoreRegistry
from dicomlake.domain.access_key import AccessKey
from dicomlake.domain.datastores import DatastoreRow, DatastoreStatus
from dicomlake.domain.model import DatastoreId
from dicomlake.ports import AccessKeys, DatastoreRegistry
from tests.contract.conftest import Aws

AT = "2026-01-01T00:00:00.000Z"
STORE = DatastoreId("a" * 32)
ROW = DatastoreRow(STORE, "one", DatastoreStatus.ACTIVE, AT, AT)


@pytest.fixture
def keys(place: Aws | None, unique: Callable[[str], str]) -> AccessKeys:
    if place is None:
        return MemoryAccessKeys()
    name = unique("keys")
    return dynamodb_access_keys(place.table(name), name)


@pytest.fixture
def registry(place: Aws | None, unique: Callable[[str], str]) -> DatastoreRegistry:
    if place is None:
        return MemoryDatastoreRegistry()
    name = unique("stores")
    return dynamodb_datastores(place.table(name), name)


def test_keys_come_back_as_they_were_saved_last(keys: AccessKeys) -> None:
    some = [AccessKey(f"DLAK{number}", f"client {number}", STORE, AT, read_only=bool(number)) for number in (1, 0)]

    for key in some:
        keys.save_access_key(key)
    revoked = replace(some[0], revoked_at=AT)
    keys.save_access_key(revoked)

    assert keys.access_keys() == (some[1], revoked)
    assert keys.access_key("DLAK1") == revoked
    assert keys.access_key("DLAK2") is None


def test_a_data_store_is_written_over_the_version_that_was_read(registry: DatastoreRegistry) -> None:
    tagged = replace(ROW, tags=(("a", "b"),), version=2)

    assert registry.save_datastore(ROW, 0)
    assert not registry.save_datastore(ROW, 0)
    assert registry.save_datastore(tagged, 1)
    assert not registry.save_datastore(replace(tagged, version=2), 1)

    assert registry.datastore(STORE) == tagged
    assert registry.datastores() == (tagged,)
    assert registry.datastore(DatastoreId("b" * 32)) is None
