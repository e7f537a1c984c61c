"""Retrieve metadata (WADO-RS, PS3.18 10.4.1.1.2) as DICOM JSON: pre-built for settled series, else out of the packs.

No original is opened. A series' pre-built object is a gzip answer as it lies, so most answers are one GET.
"""

import zlib
from dataclasses import dataclass
from itertools import groupby

from dicomlake.domain.change import StudyChange, corrections
from dicomlake.domain.errors import GoneError, NotFoundError, TooLargeError
from dicomlake.domain.model import InstanceKey, InstanceRecord, SeriesUid, StudyUid, Visibility
from dicomlake.domain.study import Series
from dicomlake.lake.metadata import shown_metadata
from dicomlake.lake.series_metadata import read_series_index
from dicomlake.ports import Datastore, ObjectStore, all_instances
from dicomlake.usecases.open_pack import open_pack

MAX_PACKED = 4_500_000
"""Bytes of a pre-built object that one answer carries: AWS Lambda takes 6 MB of payload, in base64."""

MAX_RAW = 64 * 1024 * 1024
"""Bytes of JSON one answer may be made of before compression."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """Fact: a JSON array of DICOM JSON objects, gzip-compressed or plain; bulk data are named relative to the study."""

    body: bytes
    gzipped: bool = False

    def plain(self) -> bytes:
        """Return the JSON array itself. Raises TooLargeError rather than unpack more than an answer is made of."""
        return _inflate(self.body) if self.gzipped else self.body


def instance_metadata(key: InstanceKey, store: Datastore, version: int | None = None) -> Metadata:
    """Return the metadata of one instance, as of a number of its study's history where one is given."""
    record = visible_record(key, store)
    packed = open_pack(store.objects, record.pointer.pack).metadata(record.pointer.ordinal)
    return Metadata(b"[" + shown_metadata(packed, record, corrections_of(key.study_uid, store, version)) + b"]")


def series_metadata(study_uid: StudyUid, series_uid: str, store: Datastore, version: int | None = None) -> Metadata:
    """Return the metadata of every instance of a series, in display order."""
    series = next((one for one in store.studies.series(study_uid) if one.series_uid == series_uid), None)
    if series is None:
        raise NotFoundError("no series is stored under these UIDs")
    return _series(study_uid, series, store, version)


def study_metadata(study_uid: StudyUid, store: Datastore, version: int | None = None) -> Metadata:
    """Return the metadata of every instance of a study, series by series."""
    held = store.studies.series(study_uid)
    if not held:
        raise NotFoundError("no study is stored under this UID")
    whole = [series for series in held if series.counts.instances > 0]
    if not whole:
        raise GoneError("the study was deleted")
    if len(whole) == 1:
        return _series(study_uid, whole[0], store, version)
    arrays, size = [], 0
    for series in whole:
        try:
            array = _series(study_uid, series, store, version).plain()
        except GoneError:
            continue  # all of it was deleted since it was counted
        size = _bounded(size + len(array))
        arrays.append(array.strip()[1:-1])
    if not arrays:
        raise GoneError("the study was deleted")
    return Metadata(b"[" + b",".join(array for array in arrays if array) + b"]")


def _series(study_uid: StudyUid, series: Series, store: Datastore, version: int | None) -> Metadata:
    if version is None and series.has_metadata and series.counts.instances > 0:
        try:
            return Metadata(_pre_built(series, store.objects), gzipped=True)
        except NotFoundError:
            pass  # rebuilt since the row was read: the packs have it all
    return Metadata(_from_packs(study_uid, series, store, version))


def _pre_built(series: Series, objects: ObjectStore) -> bytes:
    """Read a pre-built object, no further than tells that no answer carries it; NotFoundError if it is another's.

    Generations take turns between two objects, so one may be overwritten by a run that was held up.
    """
    body = objects.read_range(series.metadata_key, 0, MAX_PACKED + 1)
    if read_series_index(body).count != series.metadata_instances:
        raise NotFoundError("the series' metadata object is not the one its row tells of")
    if len(body) > MAX_PACKED:
        raise TooLargeError("the series' metadata is too large for one answer: ask for it by instance")
    return body


def _inflate(body: bytes) -> bytes:
    raw = zlib.decompressobj(zlib.MAX_WBITS + 16).decompress(body, MAX_RAW + 1)
    _bounded(len(raw))
    return raw


def corrections_of(study_uid: StudyUid, store: Datastore, version: int | None = None) -> tuple[StudyChange, ...]:
    """Return the corrections of a study, as of a number of its history; NotFoundError where it has none such."""
    try:
        return corrections(store.changes.history(study_uid), version)
    except ValueError as error:
        raise NotFoundError("the study has no version of this number") from error


def _from_packs(study_uid: StudyUid, series: Series, store: Datastore, version: int | None) -> bytes:
    standing = corrections_of(study_uid, store, version)
    records = visible_of(study_uid, series.series_uid, store)
    texts: dict[InstanceKey, bytes] = {}
    size = 0
    for pack, members in groupby(sorted(records, key=_place), key=lambda one: one.pointer.pack):
        reader = open_pack(store.objects, pack)
        for one in members:
            texts[one.key] = shown_metadata(reader.metadata(one.pointer.ordinal), one, standing)
            size = _bounded(size + len(texts[one.key]))
    return b"[" + b",".join(texts[one.key] for one in sorted(records, key=_display_order)) + b"]"


def _place(record: InstanceRecord) -> tuple[str, int]:
    return record.pointer.pack, record.pointer.ordinal


def _display_order(record: InstanceRecord) -> tuple[bool, int, str]:
    return record.instance_number is None, record.instance_number or 0, record.key.instance_uid


def _bounded(size: int) -> int:
    if size > MAX_RAW:
        raise TooLargeError("the metadata is too large for one answer: ask for it series by series or by instance")
    return size


def is_visible(record: InstanceRecord) -> bool:
    """Whether readers see a record."""
    return record.visibility is Visibility.PRIMARY


def visible_record(key: InstanceKey, store: Datastore) -> InstanceRecord:
    """Return the record readers see under a key; raises NotFoundError if there is none, GoneError if it was deleted."""
    record = store.instances.instance(key)
    if record is None:
        raise NotFoundError("no instance is stored under these UIDs")
    if not is_visible(record):
        raise GoneError("the instance was deleted")
    return record


def visible_of(study_uid: StudyUid, series_uid: SeriesUid | None, store: Datastore) -> list[InstanceRecord]:
    """Return the records of a study or series that readers see.

    Raises NotFoundError where nothing is stored, GoneError where all of it was deleted.
    """
    held = list(all_instances(store.instances, study_uid, series_uid))
    found = [one for one in held if is_visible(one)]
    if not held:
        raise NotFoundError("no instance is stored under these UIDs")
    if not found:
        raise GoneError("what was stored under these UIDs was deleted")
    return found
