"""What stands in a row beside its keys: domain values to items and back."""

import json
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from dicomlake.adapters.dynamodb import keys
from dicomlake.adapters.dynamodb.packing import pack, unpack
from dicomlake.adapters.dynamodb.table import Item, item_of, keys_in
from dicomlake.domain.change import StudyChange
from dicomlake.domain.commit import CommitRow, Location
from dicomlake.domain.ledger import LedgerEntry
from dicomlake.domain.model import InstanceRecord, InstanceUid, Outcome, PackPointer, SeriesUid, StudyUid
from dicomlake.domain.study import Series, Study

NOWHERE = PackPointer("", 0)


def packed_item(key: keys.Key, value: object, **attributes: dict[str, Any]) -> Item:
    """Return an item that holds a value as its binary attribute `d`."""
    return item_of(key, **attributes, d={"B": pack(value, *key)})


def value_in[T](kind: type[T], item: Item, name: str = "d") -> T:
    """Return the value that an item holds as a binary attribute."""
    return unpack(kind, item[name]["B"], *keys_in(item))


def text(value: str) -> dict[str, Any]:
    """A string attribute."""
    return {"S": value}


def number(value: int) -> dict[str, Any]:
    """A number attribute."""
    return {"N": str(value)}


def instance_item(record: InstanceRecord) -> Item:
    """The row of an instance; pack `p`, place `l` and version `v` stand apart, because `move` changes them."""
    return item_of(keys.record(record), **record_attributes(record), **pointer_attributes(record.pointer))


def record_attributes(record: InstanceRecord) -> Item:
    """What stands in an instance's row beside its place: a row keeps its keys when it is hidden or corrected."""
    value = replace(record, pointer=NOWHERE)
    return {"d": {"B": pack(value, *keys.record(record))}, "v": number(record.version)}


def pointer_attributes(pointer: PackPointer) -> Item:
    """A pack pointer as attributes: the pack's key, and the rest of its fields in their order."""
    rest = [getattr(pointer, field.name) for field in fields(pointer)[1:]]
    return {"p": text(pointer.pack), "l": text(json.dumps(rest, separators=(",", ":")))}


def instance_in(item: Item) -> InstanceRecord:
    """The instance that a row holds."""
    ordinal, first_frame, *rest = json.loads(item["l"]["S"])
    pointer = PackPointer(item["p"]["S"], ordinal, (first_frame[0], first_frame[1]), *rest)
    return replace(value_in(InstanceRecord, item), pointer=pointer)


def claim_item(record: InstanceRecord) -> Item:
    """The claim of a SOP Instance UID."""
    key = record.key
    return item_of(keys.claim(key.instance_uid), s=text(key.study_uid), e=text(key.series_uid))


def claim_in(item: Item, instance_uid: str) -> Location:
    """Which study and series a claim names."""
    return Location(StudyUid(item["s"]["S"]), SeriesUid(item["e"]["S"]), InstanceUid(instance_uid))


def ledger_item(entry: LedgerEntry, at: str = "") -> Item:
    """The row of a landed object: outcome `o` apart, and `q`, when it went to quarantine."""
    item = packed_item(keys.ledger(entry.key), entry, o=text(entry.outcome))
    return item | ({"q": text(at)} if entry.outcome is Outcome.QUARANTINED else {})


def ledger_in(item: Item) -> LedgerEntry:
    """The ledger entry that a row holds."""
    return value_in(LedgerEntry, item)


def commit_item(row: CommitRow) -> Item:
    """A commit row; one without a study expires, since only the table's stream reads it."""
    item = packed_item(keys.commit_row(row), row)
    return item | ({"expires": number(keys.streamed_until(row.at))} if row.study_uid is None else {})


def commit_row_in(image: Mapping[str, Any]) -> CommitRow:
    """The commit row of an item, or of a stream record's NewImage as Lambda passes it (binary in base64)."""
    data = image["d"]["B"]
    return unpack(CommitRow, b64decode(data) if isinstance(data, str) else data, image["pk"]["S"], image["sk"]["S"])


def change_item(key: keys.Key, change: StudyChange) -> Item:
    """The row of a change: under way, with what conditions look at apart (its id `x`, its step `k`), or done."""
    return packed_item(key, change, x=text(change.change_id), k=number(change.step))


def study_item(study: Study) -> Item:
    """The row of a study, its version `v` apart."""
    return packed_item(keys.study(study.study_uid), study, v=number(study.version))


def series_in(item: Item) -> Series:
    """A series row: what folds wrote (`d`), with what the study machine made of it (`m`)."""
    series_uid = SeriesUid(item["sk"]["S"].removeprefix("SERIES#"))
    folded = value_in(Series, item) if "d" in item else Series(series_uid)
    made = value_in(Series, item, "m") if "m" in item else Series(series_uid)
    return replace(
        folded,
        metadata_key=made.metadata_key,
        metadata_instances=made.metadata_instances,
        metadata_changes=made.metadata_changes,
        changes=int(item["c"]["N"]) if "c" in item else 0,
        packs=made.packs,
        findings=made.findings,
    )
