"""Read image sets: what one is and was, its metadata document, and its frames.

Document and list of frames are made when they are first asked for, and kept: a lake whose HealthImaging API nobody uses
makes none. Both follow from what a version holds, so that making them twice is once.
"""

import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from dicomlake.domain.change import StudyChange
from dicomlake.domain.errors import NotFoundError, RequestConflictError, TooLargeError
from dicomlake.domain.image_sets import ImageSet, ImageSetState, content_of, layers_of
from dicomlake.domain.model import DatastoreId, InstanceKey, InstanceRecord, Visibility
from dicomlake.lake.frame_list import FrameList, decode_frame_list, encode_frame_list
from dicomlake.lake.metadata import decode_metadata, encode_metadata, shown_metadata
from dicomlake.lake.paths import image_set_document_key, image_set_frames_key
from dicomlake.ports import Datastore, Page, all_instances
from dicomlake.usecases.image_set_document import DocumentPart, write_document
from dicomlake.usecases.open_pack import open_pack
from dicomlake.usecases.retrieve_frames import stored_frames
from dicomlake.usecases.retrieve_metadata import MAX_RAW, corrections_of, is_visible

MAX_ANSWER = 4_500_000
"""Bytes of binary that one answer carries: AWS Lambda takes 6 MB of payload, in base64."""


@dataclass(frozen=True, slots=True)
class ImageFrame:
    """Fact: a frame as it is stored, and in which transfer syntax."""

    body: bytes
    transfer_syntax: str


def find_image_set(image_set_id: str, version: int | None, store: Datastore) -> ImageSet:
    """Return an image set as it is now, or as it was in a version. Raises NotFoundError."""
    head = store.image_sets.image_set(image_set_id)
    if head is None:
        raise NotFoundError("there is no image set of this id")
    if version in (None, head.version):
        return head
    past = store.image_sets.image_set_version(image_set_id, version or 0)
    if past is None:
        raise NotFoundError("the image set has no such version")
    return past


def list_image_set_versions(image_set_id: str, before: int | None, limit: int, store: Datastore) -> Page[ImageSet]:
    """List the versions of an image set, newest first; below `before` on a further page. Raises NotFoundError."""
    if before is not None:
        return store.image_sets.image_set_versions(image_set_id, before, limit)
    head = find_image_set(image_set_id, None, store)
    if limit == 1:
        return Page((head,), str(head.version) if head.version > 1 else "", 1)
    past = store.image_sets.image_set_versions(image_set_id, head.version, limit - 1)
    return Page((head, *past.items), past.after, past.read + 1)


def image_set_document(image_set_id: str, version: int | None, datastore_id: DatastoreId, store: Datastore) -> bytes:
    """Return the metadata document of an image set's version, gzip-compressed.

    Raises NotFoundError where it is deleted, TooLargeError above what one answer carries.
    """
    image_set = _readable(find_image_set(image_set_id, version, store))
    key = image_set_document_key(image_set_id, image_set.version)
    try:
        body = bytes(store.objects.get(key))
    except NotFoundError:
        body = _write(image_set, datastore_id, store)
    if len(body) > MAX_ANSWER:
        raise TooLargeError("the metadata is over 4.5 MB: read it by instance, from the data store's DICOMweb service")
    return body


def _readable(image_set: ImageSet) -> ImageSet:
    if image_set.state is ImageSetState.DELETED:
        raise NotFoundError("the image set is deleted")
    return image_set


def image_frame(image_set_id: str, frame_id: str, store: Datastore, lists: "FrameLists") -> ImageFrame:
    """Return a frame of an image set by its id, as it is stored.

    Raises NotFoundError, and TooLargeError where the frame is more than one answer carries.
    """
    image_set = _readable(find_image_set(image_set_id, None, store))
    place = lists.of(image_set, store).find(frame_id)
    if place is None:
        raise NotFoundError("the image set has no frame of this id")
    key = InstanceKey(image_set.study_uid, image_set.series_uid, place[0])
    record = _record(image_set, key, store)
    found = stored_frames(record, [place[1] + 1], store)
    return ImageFrame(found.frames[0], record.stored_transfer_syntax)


def _record(image_set: ImageSet, key: InstanceKey, store: Datastore) -> InstanceRecord:
    """The instance's row as it is now: a pack may have been compacted, an instance hidden, since the list was made."""
    if image_set.is_primary:
        record = store.instances.instance(key)
        if record is not None and is_visible(record):
            return record
    record = next((one for one in records_of(image_set, store) if one.key == key), None)
    if record is None:
        raise NotFoundError("the frame's instance is no longer there")
    return record


class FrameLists:
    """The lists of frames that a process has read, the last used ones up to a number of bytes."""

    def __init__(self, room: int = 64 * 1024 * 1024) -> None:
        self._room = room
        self._held: dict[tuple[str, str], FrameList] = {}

    def of(self, image_set: ImageSet, store: Datastore) -> FrameList:
        """Return the list of what an image set holds now."""
        name = image_set.image_set_id, image_set.content
        found, is_whole = _frame_list(image_set, store) if name not in self._held else (self._held.pop(name), True)
        if is_whole:
            self._held[name] = found
        while len(self._held) > 1 and sum(one.size for one in self._held.values()) > self._room:
            del self._held[next(iter(self._held))]
        return found


def _frame_list(image_set: ImageSet, store: Datastore) -> tuple[FrameList, bool]:
    """Return the list, and whether it is that of the content which the image set names.

    Between a deletion and the version that tells of it there is less, and a list of that may not be kept by its name.
    """
    key = image_set_frames_key(image_set.image_set_id, image_set.content)
    try:
        return decode_frame_list(store.objects.get(key)), True
    except NotFoundError:
        records = records_of(image_set, store)
    parts = _parts(records, store, None)
    body = encode_frame_list((one.record.key.instance_uid, [f.frame_id for f in one.frames]) for one in parts)
    is_whole = content_of(records) == image_set.content
    if is_whole:
        store.objects.put(key, body)
    return decode_frame_list(body), is_whole


def _write(image_set: ImageSet, datastore_id: DatastoreId, store: Datastore) -> bytes:
    records = records_of(image_set, store)
    standing = corrections_of(image_set.study_uid, store, image_set.corrected) if image_set.corrected else ()
    parts = {one.record.key: one for one in _parts(records, store, standing)}
    ordered = (parts[record.key] for record in sorted(records, key=_display_order))
    body = gzip.compress(encode_metadata(write_document(image_set, datastore_id, ordered)), 6, mtime=0)
    store.objects.put(image_set_document_key(image_set.image_set_id, image_set.version), body, "application/json")
    return body


def _display_order(record: InstanceRecord) -> tuple[bool, int, str]:
    return record.instance_number is None, record.instance_number or 0, record.key.instance_uid


def records_of(image_set: ImageSet, store: Datastore) -> Sequence[InstanceRecord]:
    """Return the records of what an image set's version holds, without those that were deleted since.

    Raises RequestConflictError where the version's instances are too many to have been noted and others came since.
    """
    held = _standing(image_set, store)
    if content_of(held) == image_set.content:
        return held
    members = store.image_sets.members(image_set.image_set_id, image_set.content)
    if members is None:
        raise RequestConflictError("the image set is receiving instances: ask again when it is settled")
    wanted = frozenset(members)
    return [record for record in held if record.key.instance_uid in wanted]


def _standing(image_set: ImageSet, store: Datastore) -> list[InstanceRecord]:
    study_uid, series_uid = image_set.study_uid, image_set.series_uid
    if image_set.is_primary:
        return [one for one in all_instances(store.instances, study_uid, series_uid) if is_visible(one)]
    layers = layers_of(store.instances.beside(study_uid, series_uid))
    held = layers[image_set.layer - 1] if image_set.layer <= len(layers) else ()
    return [one for one in held if one.visibility is Visibility.NON_PRIMARY]


def _parts(
    records: Sequence[InstanceRecord], store: Datastore, standing: Sequence[StudyChange] | None
) -> Iterator[DocumentPart]:
    """Yield what the packs hold of each record, pack by pack, each opened once; with corrections over the metadata, or
    without metadata where `standing` is None."""
    ordered = sorted(records, key=lambda one: (one.pointer.pack, one.pointer.ordinal))
    size = 0
    for pack, members in groupby(ordered, key=lambda one: one.pointer.pack):
        reader = open_pack(store.objects, pack)
        for one in members:
            packed = b"{}" if standing is None else reader.metadata(one.pointer.ordinal)
            raw = packed if standing is None else shown_metadata(packed, one, standing)
            size += len(raw)
            if size > MAX_RAW:
                raise TooLargeError("the image set's metadata is too large for one document: read it by instance")
            yield DocumentPart(one, decode_metadata(raw), tuple(reader.frames(one.pointer.ordinal)))
