"""The operations API's JSON: how facts are written down. Names are camelCase; times ISO 8601 in UTC; sizes bytes."""

from typing import Any

from dicomlake.domain.errors import EXPLANATIONS, Reason
from dicomlake.domain.ledger import LedgerEntry, Tally
from dicomlake.domain.model import Counts, Warned
from dicomlake.domain.study import Study
from dicomlake.lake.layout import Span
from dicomlake.ports import Change
from dicomlake.usecases.lake_statistics import Statistics
from dicomlake.usecases.plan_restore import RestorePlan
from dicomlake.usecases.sign_uploads import SignedUpload

Document = dict[str, Any]


def entry_document(entry: LedgerEntry) -> Document:
    """Write down where one landed object is."""
    key = entry.instance
    document: Document = {
        "id": f"{entry.key.object_hash}/{entry.key.version_id}",
        "outcome": str(entry.outcome),
        "size": entry.size,
        "source": entry.source,
        "landedAt": entry.landed_at or None,
        "attempts": entry.attempts,
        "warnings": [_warned(one) for one in entry.warnings],
        "steps": [{"name": step.name, "at": step.at} for step in entry.steps],
        "instance": {"study": key.study_uid, "series": key.series_uid, "instance": key.instance_uid} if key else None,
    }
    return document | (explanation_document(entry.reason, entry.detail) if entry.reason else {})


def explanation_document(reason: Reason, detail: str) -> Document:
    """Write down why an object is in quarantine and what would repair it."""
    told = EXPLANATIONS[reason]
    return {"reason": str(reason), "sentence": told.sentence, "detail": detail, "repair": told.repair}


def _warned(warned: Warned) -> Document:
    return {"code": warned.code, "detail": warned.detail}


def study_document(study: Study) -> Document:
    """Write down a study's life: state, generation, counts and times; no patient data."""
    return {
        "studyUid": study.study_uid,
        "state": str(study.state),
        "generation": study.generation,
        "readyGeneration": study.ready_generation,
        "expected": study.declared,
        "series": study.series_count,
        **counts_document(study.counts),
        **tally_document(study.tally),
        "modalities": list(study.modalities),
        "warnings": study.warnings,
        "truncated": study.truncated,
        "generationStartedAt": study.generation_started_at or None,
        "lastStoredAt": study.last_stored_at or None,
        "readyAt": study.ready_at or None,
    }


def tally_document(tally: Tally) -> Document:
    """Write down how many objects ended where; the first is the sum of the others."""
    return {
        "landed": tally.landed,
        "stored": tally.stored,
        "duplicates": tally.duplicates,
        "quarantined": tally.quarantined,
    }


def counts_document(counts: Counts) -> Document:
    """Write down instances, frames and bytes."""
    return {
        "instances": counts.instances,
        "frames": counts.frames,
        "landedBytes": counts.landed_bytes,
        "storedBytes": counts.stored_bytes,
    }


def statistics_document(found: Statistics) -> Document:
    """Write down the totals of the lake."""
    return {
        "change": found.change,
        **tally_document(found.tally),
        **counts_document(found.counts),
        "ratio": found.ratio,
    }


def change_document(change: Change) -> Document:
    """Write down one entry of the change feed."""
    row = change.row
    return {
        "number": change.number,
        "kind": row.kind,
        "at": row.at,
        "study": row.study_uid,
        "series": [share.series_uid for share in row.series],
        **tally_document(row.tally),
        **counts_document(row.counts),
        "reasons": list(row.reasons),
    }


def upload_document(signed: SignedUpload) -> Document:
    """Write down where one file goes: one PUT, or one for each part and how to complete them."""
    requests = [{"method": "PUT", "url": one.url, "headers": dict(one.headers)} for one in signed.requests]
    if not signed.upload:
        return {"key": signed.key, **requests[0]}
    parts = [{"number": number, **request} for number, request in zip(signed.numbers, requests, strict=True)]
    document = {"key": signed.key, "uploadId": signed.upload, "partSize": signed.part_size, "parts": parts}
    return document | ({"sent": {str(number): etag for number, etag in signed.sent.items()}} if signed.sent else {})


def restore_document(plan: RestorePlan) -> Document:
    """Write down a restore plan; a span is `[offset, length]`."""
    record = plan.record
    return {
        "restorable": str(record.restorable),
        "landedSize": record.landed_size,
        "landedSha256": record.landed_sha256,
        "sourceTransferSyntax": record.source_transfer_syntax,
        "storedTransferSyntax": record.stored_transfer_syntax,
        "frameCount": record.frame_count,
        "pack": {"url": plan.url, "size": plan.pack_size, "ordinal": record.pointer.ordinal},
        "headBlocks": [{"place": _span(one.place), "stream": _span(one.stream)} for one in plan.blocks],
        "head": _span(plan.head),
        "splices": _span(plan.splices),
        "frameTable": {"place": _span(plan.table), "recordSize": record.pointer.record_size},
        "frames": [_span(frame) for frame in plan.frames],
    }


def _span(span: Span) -> list[int]:
    return [span.offset, span.length]
