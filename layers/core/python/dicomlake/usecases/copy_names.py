"""What a de-identified copy is called in the target's ledger: who looks whether it is there needs no pixels."""

import hmac

from dicomlake.domain.ids import LakeSecret
from dicomlake.domain.model import DatastoreId, InstanceRecord, LedgerKey


def copy_key(record: InstanceRecord, secret: LakeSecret, target_id: DatastoreId) -> LedgerKey:
    """Return the target's ledger key for what is made of a record: the same for the same content, wherever it lies.

    The first half names the instance, the second the landed object and the version that it came from.
    """
    key = secret.derive(f"deidentify-ledger:{target_id}")
    instance = "/".join((record.key.study_uid, record.key.series_uid, record.key.instance_uid))
    content = "/".join((record.ledger.object_hash, record.ledger.version_id, str(record.version)))
    return LedgerKey(_keyed(key, instance), _keyed(key, f"{instance}/{content}"))


def _keyed(key: bytes, text: str) -> str:
    return hmac.digest(key, text.encode("utf-8", "surrogatepass"), "sha256").hex()[:32]
