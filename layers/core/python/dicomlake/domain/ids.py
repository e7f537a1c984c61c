"""Keyed names: what stands in keys, logs and messages in place of what a sender or a patient is called."""

import hashlib
import hmac
from dataclasses import dataclass

from dicomlake.domain.model import DatastoreId, LandedObject, LedgerKey


@dataclass(frozen=True, slots=True)
class LakeSecret:
    """The deployment's secret, from which every keyed name is derived; 32 bytes or more."""

    value: bytes

    def __post_init__(self) -> None:
        if len(self.value) < 32:
            raise ValueError("the lake's secret needs at least 32 bytes")

    def derive(self, purpose: str) -> bytes:
        """Return 32 bytes for one purpose; different purposes give unrelated keys (RFC 5869, expand step)."""
        return hmac.new(self.value, purpose.encode() + b"\x01", hashlib.sha256).digest()


def ledger_key(secret: LakeSecret, landed: LandedObject) -> LedgerKey:
    """Name a landed object in the ledger without telling its key, which senders choose and which is PHI."""
    return LedgerKey(object_hash(secret, landed.bucket, landed.key), landed.version_id)


def object_hash(secret: LakeSecret, bucket: str, key: str) -> str:
    """Return 32 hex digits for an object's bucket and key."""
    text = f"{bucket}/{key}".encode("utf-8", "surrogatepass")
    return hmac.new(secret.derive("ledger"), text, hashlib.sha256).hexdigest()[:32]


def frame_key(secret: LakeSecret, datastore: DatastoreId) -> bytes:
    """Return the key under which a data store names its frames; another store's ids tell nothing of this one's."""
    return secret.derive(f"frame:{datastore}")


def frame_id(key: bytes, code_stream: bytes | bytearray | memoryview) -> str:
    """Return a frame's id: the first 32 hex digits of HMAC-SHA-256 over its stored bytes, keyed per data store.

    SHA-256 because processors have instructions for it: half the time of BLAKE2b on a CT slice's code stream.
    """
    return hmac.digest(key, code_stream, "sha256")[:16].hex()


def study_ref(secret: LakeSecret, study_uid: str) -> str:
    """Return what a log line may call a study: 16 hex digits that only this lake can link to its UID."""
    return hmac.new(secret.derive("study-ref"), study_uid.encode(), hashlib.sha256).hexdigest()[:16]


def series_ref(secret: LakeSecret, study_uid: str, series_uid: str) -> str:
    """Return what an object key may call a series: 32 hex digits that only this lake can link to its UIDs."""
    text = f"{study_uid}/{series_uid}".encode()
    return hmac.new(secret.derive("series-ref"), text, hashlib.sha256).hexdigest()[:32]
