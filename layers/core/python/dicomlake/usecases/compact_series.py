"""Bring a settled series into one pack, build its metadata object, and look at it as a stack of slices.

Segments are copied verbatim and each pointer switches by its own condition, so this may stop anywhere and run again,
beside late arrivals and deletes: what changed meanwhile keeps its old pack and is the next generation's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from dicomlake.domain.change import StudyChange, corrected_as_of, corrections
from dicomlake.domain.events import CompactSeries
from dicomlake.domain.findings import findings
from dicomlake.domain.ids import LakeSecret, series_ref
from dicomlake.domain.model import InstanceKey, InstanceRecord, LedgerKey, Visibility
from dicomlake.domain.study import Series
from dicomlake.lake.compact import Copy, Move, carry_out, identity, moves, plan_series
from dicomlake.lake.metadata import decode_metadata, shown_metadata
from dicomlake.lake.paths import series_metadata_key, series_pack_key
from dicomlake.lake.series_metadata import build_series_metadata
from dicomlake.ports import Clock, Datastore, IdSource, ObjectStore, all_instances
from dicomlake.usecases.open_pack import open_pack
from dicomlake.usecases.pack_session import PackSession
from dicomlake.usecases.publish_image_sets import publish_series
from dicomlake.usecases.read_ahead import Wanted, in_order, metadata_of, sources
from dicomlake.usecases.superseded_packs import note_superseded

NO_LIMIT = 1 << 62
"""A series' pack is not split: what is copied is smaller than the packs that are left alone."""

Known = dict[tuple[InstanceKey, LedgerKey], bytes]
"""DICOM JSON that is in hand, of instances that were copied: it is the same wherever they lie."""


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
    """Compact one series, then write its metadata object, what was found, and its image set, in that order."""
    series = _series(command, store)  # read first: what changes from here on leaves the object behind
    before = _visible(command, store)
    copies = plan_series(before)
    planned, known = _copied(before, copies, store, clock, ids) if copies else ((), {})
    moved = store.instances.move([(move.record, move.to) for move in planned]) if planned else 0
    # One that did not switch was moved, replaced or hidden by someone else in the meantime: look again.
    records = _switched(before, planned) if moved == len(planned) else _visible(command, store)
    history = store.changes.history(command.study_uid)
    standing = corrections(history)
    metadata = _metadata(records, known, standing, store.objects)
    found = findings(series.modality, map(decode_metadata, metadata))
    key = _metadata_key(command, secret)
    store.objects.put(key, build_series_metadata(metadata), "application/json")
    packs = _packs(records)
    settled = Series(
        command.series_uid,
        metadata_key=key,
        metadata_instances=len(records),
        metadata_changes=series.changes,
        packs=packs,
        findings=found,
    )
    store.studies.save_series(command.study_uid, settled)
    publish_series(
        command.datastore,
        command.study_uid,
        command.series_uid,
        records,
        series.attributes,
        store,
        secret,
        clock,
        corrected=corrected_as_of(history, command.series_uid),
    )
    return SeriesCompacted(len(records), len(_packs(before)), len(packs), moved, found)


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


def _copied(
    records: Sequence[InstanceRecord], copies: Sequence[Copy], store: Datastore, clock: Clock, ids: IdSource
) -> tuple[tuple[Move, ...], Known]:
    """Write the new pack; return which pointers are to switch, and the metadata that was copied."""
    with PackSession(store.objects, _new_pack(clock, ids), NO_LIMIT) as session:
        copied = carry_out(sources(copies, records, store.objects, session.take), session.writer())
        written = session.close()
    note_superseded((copy.pack for copy in copies), store.objects, clock, ids)
    return moves(records, written.records), {identity(one.record): one.metadata for one in copied}


def _new_pack(clock: Clock, ids: IdSource) -> Callable[[], str]:
    return lambda: series_pack_key(clock.now().date(), ids.new())


def _switched(records: Sequence[InstanceRecord], switched: Sequence[Move]) -> list[InstanceRecord]:
    places = {identity(move.record): move.to for move in switched}
    return [replace(record, pointer=places.get(identity(record), record.pointer)) for record in records]


def _metadata(
    records: Sequence[InstanceRecord], known: Known, standing: Sequence[StudyChange], objects: ObjectStore
) -> list[bytes]:
    """Each record's DICOM JSON as readers get it, in the records' order; each pack with some of it is opened once."""
    missing = sorted([one for one in records if identity(one) not in known], key=lambda one: one.pointer.pack)
    by_pack = groupby(missing, key=lambda one: one.pointer.pack)

    def read(one: Wanted) -> Known:
        reader = open_pack(objects, one.pack, one.tail_size)
        return {identity(record): reader.metadata(record.pointer.ordinal) for record in one.records}

    for found in in_order([metadata_of(pack, list(members)) for pack, members in by_pack], read):
        known |= found
    return [shown_metadata(known[identity(record)], record, standing) for record in records]


def _series(command: CompactSeries, store: Datastore) -> Series:
    series = store.studies.series(command.study_uid)
    return next((one for one in series if one.series_uid == command.series_uid), Series(command.series_uid))
