"""Index records as JSON, the way a pack's footer holds them: enough to build the index anew from packs."""

from typing import Any

from dicomlake.domain.model import (
    InstanceKey,
    InstanceRecord,
    InstanceUid,
    LedgerKey,
    PackPointer,
    Restorable,
    SeriesUid,
    SopClassUid,
    StudyUid,
    TransferSyntaxUid,
    Visibility,
    Warned,
)

DEFAULT_SOURCE = "default"
"""Who sent an object that names no source; a footer leaves it out."""


def encode_record(record: InstanceRecord) -> dict[str, Any]:
    """Return a record's JSON object; study and series UID stand above it in the footer, the pointer follows from it."""
    return {
        **({"source": record.source} if record.source != DEFAULT_SOURCE else {}),
        **({"landed_at": record.landed_at} if record.landed_at else {}),
        **({"changed_at": record.changed_at} if record.changed_at else {}),
        "instance_uid": record.key.instance_uid,
        "instance_number": record.instance_number,
        "sop_class_uid": record.sop_class_uid,
        "source_transfer_syntax": record.source_transfer_syntax,
        "stored_transfer_syntax": record.stored_transfer_syntax,
        "ledger": [record.ledger.object_hash, record.ledger.version_id],
        "landed_size": record.landed_size,
        "landed_sha256": record.landed_sha256,
        "content_digest": record.content_digest,
        "stored_size": record.stored_size,
        "frame_count": record.frame_count,
        "restorable": record.restorable.value,
        "visibility": record.visibility.value,
        "version": record.version,
        "stored_at": record.stored_at,
        "warnings": [[warned.code, warned.detail] for warned in record.warnings],
        "attributes": record.attributes,
    }


def decode_record(
    data: dict[str, Any], study_uid: StudyUid, series_uid: SeriesUid, pointer: PackPointer
) -> InstanceRecord:
    """Build the record that `encode_record` described. Raises KeyError, TypeError or ValueError if it did not."""
    return InstanceRecord(
        key=InstanceKey(study_uid, series_uid, InstanceUid(data["instance_uid"])),
        ledger=LedgerKey(*data["ledger"]),
        sop_class_uid=SopClassUid(data["sop_class_uid"]),
        source_transfer_syntax=TransferSyntaxUid(data["source_transfer_syntax"]),
        stored_transfer_syntax=TransferSyntaxUid(data["stored_transfer_syntax"]),
        landed_size=data["landed_size"],
        landed_sha256=data["landed_sha256"],
        content_digest=data["content_digest"],
        stored_size=data["stored_size"],
        frame_count=data["frame_count"],
        restorable=Restorable(data["restorable"]),
        pointer=pointer,
        stored_at=data["stored_at"],
        instance_number=data["instance_number"],
        visibility=Visibility(data["visibility"]),
        version=data["version"],
        warnings=tuple([Warned(*warned) for warned in data["warnings"]]),
        attributes=data["attributes"],
        source=data.get("source", DEFAULT_SOURCE),
        landed_at=data.get("landed_at", ""),
        changed_at=data.get("changed_at", ""),
    )
