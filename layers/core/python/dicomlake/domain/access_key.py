"""Access keys of the HealthImaging API: what a client signs its requests with, issued by the lake itself.

AWS checks no signature scoped to `medical-imaging` for anyone but its own service, so the lake issues keys of its own
and checks them. A secret access key is derived from the lake's secret, which Secrets Manager keeps under the lake's KMS
key: nothing that could sign is stored beside it, and a row that is read tells nothing.
"""

import base64
import hmac
from dataclasses import dataclass
from hashlib import sha256

from dicomlake.domain.ids import LakeSecret
from dicomlake.domain.model import DatastoreId

SERVICE = "medical-imaging"
PREFIX = "DLAK"
"""Marks our keys: AWS's own begin with AKIA or ASIA."""


@dataclass(frozen=True, slots=True)
class AccessKey:
    """One client's key: for one data store, or for all where `datastore` is "". Times are ISO 8601 in UTC.

    A key that is `read_only` starts, changes and deletes nothing. A revoked one stays listed and opens nothing.
    """

    access_key_id: str
    name: str
    datastore: DatastoreId
    created_at: str
    created_by: str = ""
    read_only: bool = False
    revoked_at: str = ""

    def opens(self, datastore: str) -> bool:
        """Whether the key is for a data store."""
        return self.datastore in ("", datastore)


def access_key_id(unique: str) -> str:
    """Return the id of a new key, 20 characters, from 32 random hex digits."""
    return f"{PREFIX}{unique[:16].upper()}"


def secret_access_key(secret: LakeSecret, key_id: str) -> str:
    """Return the secret of a key, 40 characters."""
    made = hmac.new(secret.derive("access-key"), key_id.encode(), sha256).digest()
    return base64.b64encode(made[:30]).decode()
