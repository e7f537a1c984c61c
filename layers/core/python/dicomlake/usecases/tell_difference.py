"""Tell a sender which attributes of what it sent are not what readers get: another instance holds the name."""

import hashlib
from dataclasses import dataclass, field

from dicomlake.dicom.header.view_text import NOT_CONTENT
from dicomlake.domain.model import InstanceKey, InstanceRecord, JsonObject, JsonValue, SopClassUid
from dicomlake.ports import Datastore
from dicomlake.usecases.open_pack import open_pack
from dicomlake.usecases.stored_instance import StoredInstance

CONFLICTS = frozenset({"conflict-kept-beside", "instance-uid-in-other-series"})
"""Warnings of instances that are kept beside the one that readers get."""


@dataclass(frozen=True, slots=True)
class Sent:
    """An instance as it was sent: its identity, its metadata as DICOM JSON and the digest over its data set."""

    key: InstanceKey
    sop_class_uid: SopClassUid
    view: JsonObject = field(repr=False)
    canonical: bytes = field(repr=False)


def tell_difference(sent: Sent, record: InstanceRecord | None, store: Datastore) -> JsonObject:
    """Return the attributes of an instance that differ from the one which readers get, with the values sent.

    An attribute that was not sent comes without a value, as do sequences, bulk data and pixels. `record` is what the
    sent instance was stored as, if it was: by it is told whether the pixels are the same; without it they are what
    differs where nothing else does.
    """
    place = store.instances.locate(sent.key.instance_uid)
    held = (
        store.instances.instance(InstanceKey(place.study_uid, place.series_uid, place.instance_uid)) if place else None
    )
    if held is None:
        return {}
    reader = open_pack(store.objects, held.pointer.pack)
    stored = StoredInstance(reader, held.pointer.ordinal, held.stored_transfer_syntax)
    mine, theirs = _content(sent.view), _content(stored.view)
    differing = {tag: _told(mine.get(tag), theirs.get(tag)) for tag in sorted({*mine, *theirs})}
    told: JsonObject = {tag: element for tag, element in differing.items() if element}
    if stored.pixel_tag and (not told if record is None else not _same_pixels(sent, record, stored)):
        told[stored.pixel_tag] = {"vr": stored.pixel_vr}
    return told


def _content(view: JsonObject) -> JsonObject:
    return {tag: value for tag, value in view.items() if tag not in NOT_CONTENT}


def _told(mine: JsonValue, theirs: JsonValue) -> JsonObject:
    """Return an attribute as it was sent, {} where both are the same."""
    if _comparable(mine) == _comparable(theirs):
        return {}
    shown = mine if isinstance(mine, dict) else theirs
    vr = str(shown.get("vr", "UN")) if isinstance(shown, dict) else "UN"
    if isinstance(mine, dict) and vr != "SQ" and "Value" in mine:
        return {"vr": vr, "Value": mine["Value"]}
    return {"vr": vr}


def _comparable(element: JsonValue) -> JsonValue:
    """Bulk data are named by their place, which tells how long they are and nothing more."""
    if not isinstance(element, dict) or "BulkDataURI" not in element:
        return element
    start, _, end = str(element["BulkDataURI"]).rpartition("/")[2].partition("-")
    length = int(end) - int(start) if start.isdigit() and end.isdigit() else 0
    return {"vr": element.get("vr"), "length": length}


def _same_pixels(sent: Sent, record: InstanceRecord, stored: StoredInstance) -> bool:
    """Whether the frames are equal: with those that are held, the digest of what was sent would be what it is."""
    digest = hashlib.sha256(sent.canonical)
    for frame in stored.frames:
        digest.update(bytes.fromhex(frame.frame_id))
    return digest.hexdigest()[:32] == record.content_digest
