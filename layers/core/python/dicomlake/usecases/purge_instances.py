"""Give up the bytes of what was deleted: what remains of its packs is copied, and the sweep deletes them a grace later.

Rows stay as tombstones without a place. Content kept beside a deleted instance goes with it. Packs are not deleted
here: a compaction or a reader may be at them, and a day is longer than both.
"""

from collections.abc import Sequence
from dataclasses import replace

from dicomlake.domain.change import ChangeKind, Scope, StudyChange
from dicomlake.domain.ids import series_ref
from dicomlake.domain.image_sets import image_set_id
from dicomlake.domain.model import InstanceRecord, PackPointer, SeriesUid, Visibility
from dicomlake.lake.compact import Copy, Move, carry_out, identity, moves
from dicomlake.lake.paths import image_set_document_key, pack_key, series_metadata_key, series_pack_key
from dicomlake.ports import ChangeStep, Datastore, RowChange
from dicomlake.usecases.change_study import Changed, ChangePorts, begin_change, check_not_held, commit_row, ended
from dicomlake.usecases.delete_instances import Author, new_change, page_of
from dicomlake.usecases.open_pack import open_pack
from dicomlake.usecases.pack_session import PackSession
from dicomlake.usecases.read_ahead import sources
from dicomlake.usecases.superseded_packs import note_packs
from dicomlake.usecases.sweep_packs import standing_rows

NOWHERE = PackPointer("", 0)
NO_LIMIT = 1 << 62
ROWS_A_PURGE, BESIDE_A_PURGE = 20, 50
"""Tombstones of one step, and contents beside them: each takes an action, each series one more."""


def order_purge(scope: Scope, author: Author, ports: ChangePorts) -> Changed:
    """Begin a purge of what is deleted in a scope; the queue of changes carries it out.

    Raises HeldError under a legal hold, BusyError while the study is under another change.
    """
    check_not_held(ports.store.changes.history(scope.study_uid))
    return begin_change(new_change(ChangeKind.PURGE, scope, author, ports), ports)


def next_purge(change: StudyChange, ports: ChangePorts) -> ChangeStep:
    """Copy what remains out of the packs of the next page of tombstones, then take their places away."""
    page = page_of(change.scope, change.after, ports.store, ROWS_A_PURGE)
    gone = [one for one in page.items if one.visibility is Visibility.DELETED and one.pointer.pack]
    gone += _beside(page.items, ports.store)
    touched = sorted({one.key.series_uid for one in gone})
    _evacuate(gone, ports)
    _drop_metadata(change, touched, ports)
    rows = tuple(RowChange(one, replace(one, pointer=NOWHERE, version=one.version + 1)) for one in gone)
    return ChangeStep(
        change=change,
        rows=rows,
        touched=tuple(touched),
        row=commit_row(change, ports) if rows else None,
        following=change.continued(page.after, len(rows)) if page.after else None,
        written=None if page.after else ended(change, len(rows), ports),
    )


def _beside(page: Sequence[InstanceRecord], store: Datastore) -> list[InstanceRecord]:
    """Content kept beside instances of the page that are deleted, as far as one step takes it."""
    deleted = {one.key for one in page if one.visibility is Visibility.DELETED}
    found: list[InstanceRecord] = []
    for study_uid, series_uid in sorted({(key.study_uid, key.series_uid) for key in deleted}):
        some = store.instances.beside(study_uid, series_uid)
        found += [one for one in some if one.key in deleted and one.pointer.pack]
    return found[:BESIDE_A_PURGE]


def _evacuate(gone: Sequence[InstanceRecord], ports: ChangePorts) -> None:
    """Copy what rows still name out of the packs of what is given up, and switch the rows; then note the packs."""
    store, leaving = ports.store, {identity(one) for one in gone}
    packs = sorted({one.pointer.pack for one in gone})
    for pack in packs:
        records = [packed.record for packed in open_pack(store.objects, pack).footer().instances]
        rows = [row for row in standing_rows(records, store) if row.pointer.pack == pack]
        stay = [row for row in rows if identity(row) not in leaving]
        for beside in (False, True):
            some = [row for row in stay if (row.visibility is Visibility.NON_PRIMARY) == beside]
            if some:
                store.instances.move([(move.record, move.to) for move in _copied(some, beside, ports)])
    note_packs(packs, store.objects, ports.ids)


def _copied(records: Sequence[InstanceRecord], beside: bool, ports: ChangePorts) -> tuple[Move, ...]:
    """Copy records of one pack into another; what was primary goes into one that a rebuild reads first."""
    objects = ports.store.objects
    name = pack_key if beside else series_pack_key
    copies = (Copy(records[0].pointer.pack, tuple(sorted(one.pointer.ordinal for one in records))),)
    with PackSession(objects, lambda: name(ports.clock.now().date(), ports.ids.new()), NO_LIMIT) as session:
        carry_out(sources(copies, records, objects, session.take), session.writer())
        return moves(records, session.close().records)


def _drop_metadata(change: StudyChange, touched: Sequence[SeriesUid], ports: ChangePorts) -> None:
    """Delete both metadata objects of the series, and the documents of its image set's versions: those that count no
    more may hold what was deleted, and what is asked for is made again."""
    study_uid, secret = change.scope.study_uid, ports.secret()
    refs = [series_ref(secret, study_uid, series_uid) for series_uid in touched]
    keys = [series_metadata_key(ref, f"{turn:032x}") for ref in refs for turn in (0, 1)]
    for series_uid in touched:
        name = image_set_id(secret, ports.datastore_id, study_uid, series_uid)
        held = ports.store.image_sets.image_set(name)
        keys += [image_set_document_key(name, version) for version in range(1, 1 + (held.version if held else 0))]
    if keys:
        ports.store.objects.delete(keys)
