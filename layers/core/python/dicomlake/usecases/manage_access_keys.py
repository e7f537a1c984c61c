"""Issue, list and revoke the access keys of the HealthImaging API's clients."""

from dataclasses import dataclass, replace

from dicomlake.domain.access_key import AccessKey, access_key_id, secret_access_key
from dicomlake.domain.errors import NotFoundError, QuotaExceededError
from dicomlake.domain.ids import LakeSecret
from dicomlake.domain.model import DatastoreId
from dicomlake.domain.study import format_time
from dicomlake.ports import AccessKeys, Clock, IdSource

MOST_KEYS = 1000
"""Keys of a lake, the revoked ones among them: the list is one answer."""


@dataclass(frozen=True, slots=True)
class KeyIssued:
    """Fact: a key, with its secret, which no list shows."""

    key: AccessKey
    secret_access_key: str


def issue_access_key(
    name: str,
    datastore: DatastoreId,
    read_only: bool,
    by: str,
    keys: AccessKeys,
    secret: LakeSecret,
    clock: Clock,
    ids: IdSource,
) -> KeyIssued:
    """Issue a key for one data store, for all where it is "". Raises QuotaExceededError where there are too many."""
    if len(keys.access_keys()) >= MOST_KEYS:
        raise QuotaExceededError(f"the lake has {MOST_KEYS} access keys, which is all it may have")
    key = AccessKey(access_key_id(ids.new()), name, datastore, format_time(clock.now()), by, read_only)
    keys.save_access_key(key)
    return KeyIssued(key, secret_access_key(secret, key.access_key_id))


def revoke_access_key(access_key_id: str, keys: AccessKeys, clock: Clock) -> AccessKey:
    """Revoke a key; revoking twice is once. Raises NotFoundError."""
    key = keys.access_key(access_key_id)
    if key is None:
        raise NotFoundError("the lake has issued no such access key")
    if not key.revoked_at:
        key = replace(key, revoked_at=format_time(clock.now()))
        keys.save_access_key(key)
    return key
