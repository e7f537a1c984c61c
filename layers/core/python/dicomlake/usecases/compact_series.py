"""Bring a settled series into one pack, build its metadata object, and look at it as a stack of slices.

Segments are copied verbatim and each pointer switches by its own condition, so this may stop anywhere and run again,
beside late arrivals and deletes: what changed meanwhile keeps its old pack and is the next generation's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dicomlake.domain.events import CompactSeries
from dicomlake.domain.findings import findings
from dicomlake.domain.ids import LakeSecret, series_ref
from dicomlake.domain.model import InstanceRecord, Visibility
from dicomlake.domain.study import Series
from dicomlake.lake.compact import Copy, carry_out, moves, plan_series
from dicomlake.lake.layout import TAIL_SIZE
from dicomlake.lake.metadata import decode_metadata
from dicomlake.lake.pack import PackReader
from dicomlake.lake.paths import series_metadata_key, series_pack_key
from dicomlake.lake.series_metadata import build_series_metadata
from dicomlake.ports import Clock, Datastore, IdSource, ObjectStore, all_instances
from dicomlake.usecases.pack_session import PackSession
from dicomlake.usecases.superseded_packs import note_superseded

NO_LIMIT = 1 << 62
"""A series' pack is not split: what is copied is smaller than the packs that are left alone."""

COPIED_TAIL = 512 * 1024
"""What is read of a source's end: heads, metadata and tables of a batch of 100, so that its frames are all that is left
to ask for. When many studies arrive at once each image lies in a pack of its own, and its requests are the bill."""


@dataclass(frozen=True, slots=True)
class SeriesCompacted:
    """Fact: how many instances the series has, in how many packs before and after, and how many pointers switched."""

    instances: int
    packs_before: int
    packs_after: int
    moved: int
    findings: tuple[str, ...]


def compact_series(
    command: CompactSeries, store: Datastore, secret: LakeSecret, clock: Clock, ids: IdSource
) -> SeriesCompacted:
    """Compact one series, then write its metadata object and what was found, in that order."""
    before = _visible(command, store)
    packs_before = _packs(before)
    copies = plan_series(before)
    moved = _compact(before, copies, store, clock, ids) if copies else 0
    records = _visible(command, store) if copies else before  # another compaction may have moved them in our place
    metadata = _metadata(records, store.objects)
    found = findings(_modality(command, store), map(decode_metadata, metadata))
    key = _metadata_key(command, secret)
    store.objects.put(key, build_series_metadata(metadata), "application/json")
    packs = _packs(records)
    settled = Series(command.series_uid, metadata_key=key, metadata_instances=len(records), packs=packs, findings=found)
    store.studies.save_series(command.study_uid, settled)
    return SeriesCompacted(len(records), len(packs_before), len(packs), moved, found)


def _metadata_key(command: CompactSeries, secret: LakeSecret) -> str:
    """Generations take turns between two objects: readers of the last one are not disturbed, and nothing piles up."""
    ref = series_ref(secret, command.study_uid, command.series_uid)
    return series_metadata_key(ref, f"{command.generation % 2:032x}")


def _visible(command: CompactSeries, store: Datastore) -> list[InstanceRecord]:
    """The series' primary records in display order."""
    records = all_instances(store.instances, command.study_uid, command.series_uid)
    return sorted((record for record in records if record.visibility is Visibility.PRIMARY), key=_display_order)


def _display_order(record: InstanceRecord) -> tuple[bool, int, str]:
    number = record.instance_number
    return number is None, number or 0, record.key.instance_uid


def _packs(records: Sequence[InstanceRecord]) -> tuple[str, ...]:
    return tuple(sorted({record.pointer.pack for record in records}))


def _compact(
    records: Sequence[InstanceRecord], copies: Sequence[Copy], store: Datastore, clock: Clock, ids: IdSource
) -> int:
    new_key = _new_pack(clock, ids)
    with PackSession(store.objects, new_key, NO_LIMIT) as session:
        carry_out(copies, lambda pack: open_pack(store.objects, pack, COPIED_TAIL), session.writer())
        written = session.close()
    note_superseded((copy.pack for copy in copies), store.objects, clock, ids)
    return store.instances.move([(move.record, move.to) for move in moves(records, written.records)])


def _new_pack(clock: Clock, ids: IdSource) -> Callable[[], str]:
    return lambda: series_pack_key(clock.now().date(), ids.new())


def open_pack(objects: ObjectStore, pack: str, tail_size: int = TAIL_SIZE) -> PackReader:
    """Return a reader over a pack in a bucket: one request for its size, one for its tail, then what is asked for."""
    size = objects.info(pack).size
    return PackReader(lambda start, length: objects.read_range(pack, start, length), size, pack, tail_size)


def _metadata(records: Sequence[InstanceRecord], objects: ObjectStore) -> list[bytes]:
    """Each record's DICOM JSON, in the records' order; each pack is opened once."""
    readers = {pack: open_pack(objects, pack) for pack in _packs(records)}
    return [readers[record.pointer.pack].metadata(record.pointer.ordinal) for record in records]


def _modality(command: CompactSeries, store: Datastore) -> str:
    series = store.studies.series(command.study_uid)
    return next((one.modality for one in series if one.series_uid == command.series_uid), "")
