"""Data stores as the HealthImaging API describes them."""

from dataclasses import dataclass, field
from enum import StrEnum

from dicomlake.domain.model import DatastoreId


class DatastoreStatus(StrEnum):
    """Where a data store is in its life."""

    CREATING = "CREATING"
    CREATE_FAILED = "CREATE_FAILED"
    ACTIVE = "ACTIVE"
    DELETING = "DELETING"
    DELETED = "DELETED"


HTJ2K = "HTJ2K"
"""The format in which the lake stores what it compresses: HTJ2K Lossless RPCL."""


@dataclass(frozen=True, slots=True)
class DatastoreRow:
    """What is known of a data store beside what it holds. Times are ISO 8601 in UTC; `version` guards every write.

    `tags` are pairs in order of their keys. `client_token` made the store; a store of the stacks has none.
    """

    datastore_id: DatastoreId
    name: str
    status: DatastoreStatus
    created_at: str
    updated_at: str
    version: int = 1
    lossless_storage_format: str = HTJ2K
    kms_key_arn: str = ""
    lambda_authorizer_arn: str = ""
    tags: tuple[tuple[str, str], ...] = field(default=())
    client_token: str = ""
