"""Build the index from the packs and the journal: what the ledger does not know is committed as it was at first.

Records go through the same conditional commit as an ingest's, so this may run twice, beside live ingest, and stop
anywhere. Packs that compaction gathered come first, newest first: all they hold was primary, and rows that point there
need no second compaction. Then come all others in the order of writing, in which the policy decided before.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from dicomlake.domain.errors import LostRaceError, MalformedError, NotFoundError, UnsupportedError
from dicomlake.domain.events import InstancesStored
from dicomlake.domain.ledger import NO_TALLY, Origin, Tally, is_decided
from dicomlake.domain.model import DatastoreId, InstanceRecord, PackPointer, StudyUid
from dicomlake.domain.search_keys import open_key
from dicomlake.domain.study import Study, StudyState, format_time
from dicomlake.lake.pack import Footer, PackReader
from dicomlake.lake.paths import PACKS, is_gathered
from dicomlake.ports import Clock, Datastore, EventPublisher, Fold, IdSource, ObjectInfo, ObjectStore
from dicomlake.usecases.commit_records import Packed, commit_records
from dicomlake.usecases.replay_journal import Replay, read_journal, restore_corrections, restore_deleted
from dicomlake.usecases.sweep_packs import standing_rows

CURSOR = "sweeps/rebuild.json"
"""Where a rebuild that ran out of time goes on; there only between two of its runs."""

TRIES = 5


@dataclass(frozen=True, slots=True)
class IndexRebuilt:
    """Facts of one run: packs read and unreadable, records in them that were decided before (each copy counts), rows
    whose pack was gone and that now point to this one, what became of all others, and whether that was the end."""

    packs: int
    unreadable: int
    known: int
    moved: int
    tally: Tally
    complete: bool


@dataclass(frozen=True, slots=True)
class _Cursor:
    """The last pack done, and when the rebuild began: Unix seconds, from which its studies' generations count."""

    after: str
    generation: int


@dataclass(slots=True)
class _Run:
    """What one run has done so far."""

    datastore_id: DatastoreId
    store: Datastore
    events: EventPublisher
    clock: Clock
    ids: IdSource
    replay: Replay
    generation: int
    there: frozenset[str]
    packs: int = 0
    unreadable: int = 0
    known: int = 0
    moved: int = 0
    tally: Tally = NO_TALLY

    def fact(self, complete: bool) -> IndexRebuilt:
        """Return what was done."""
        return IndexRebuilt(self.packs, self.unreadable, self.known, self.moved, self.tally, complete)


def rebuild_index(
    datastore_id: DatastoreId,
    store: Datastore,
    events: EventPublisher,
    clock: Clock,
    ids: IdSource,
    out_of_time: Callable[[], bool],
) -> IndexRebuilt:
    """Commit what packs hold and the index does not, pack by pack until the time is used up; at least one pack a run.

    A study it adds to begins a generation numbered by the rebuild's time: above all it had, so that no event id and no
    execution's name comes twice. Raises UnsupportedError where the journal holds what this release cannot apply.
    """
    cursor = _cursor(store.objects, clock)
    replay, packs = read_journal(store.objects), _packs(store.objects)
    there = frozenset(pack.key for pack in packs)
    run = _Run(datastore_id, store, events, clock, ids, replay, cursor.generation, there)
    _restore_deleted(run)
    for pack in _after(cursor.after, packs):
        if run.packs and out_of_time():
            return run.fact(complete=False)
        _rebuild_pack(pack, run)
        cursor = replace(cursor, after=pack.key)
        _save(cursor, store.objects)
    for study_uid in restore_corrections(replay, store, clock, ids):
        events.publish(InstancesStored(datastore_id, "", (study_uid,)))
    store.objects.delete([CURSOR])
    return run.fact(complete=True)


def _cursor(objects: ObjectStore, clock: Clock) -> _Cursor:
    try:
        held = json.loads(bytes(objects.get(CURSOR)))
    except NotFoundError:
        return _Cursor("", int(clock.now().timestamp()))
    return _Cursor(str(held["after"]), int(held["generation"]))


def _save(cursor: _Cursor, objects: ObjectStore) -> None:
    body = json.dumps({"after": cursor.after, "generation": cursor.generation})
    objects.put(CURSOR, body.encode(), "application/json")


def _packs(objects: ObjectStore) -> list[ObjectInfo]:
    """Every pack in the order of the rebuild; 0.35 KB of memory a pack, whatever it holds."""
    packs = sorted(_latest(objects, PACKS), key=lambda info: (info.modified_at, info.key))
    gathered = [info for info in reversed(packs) if is_gathered(info.key)]
    return gathered + [info for info in packs if not is_gathered(info.key)]


def _after(key: str, packs: Sequence[ObjectInfo]) -> Sequence[ObjectInfo]:
    """The packs behind the one done last; all of them where it is gone meanwhile."""
    done = next((place for place, info in enumerate(packs, 1) if info.key == key), 0)
    return packs[done:]


def _latest(objects: ObjectStore, prefix: str) -> Iterator[ObjectInfo]:
    after = ""
    while True:
        page = objects.versions(prefix, after)
        yield from (info for info in page.items if info.is_latest)
        after = page.after
        if not after:
            return


def _restore_deleted(run: _Run) -> None:
    """Write what the journal alone knows; each run finds done what an earlier one did."""
    for study_uid in sorted(restore_deleted(run.replay, run.store, run.clock, run.ids)):
        _begin_generation(study_uid, run)
        run.events.publish(InstancesStored(run.datastore_id, "", (study_uid,)))


def _rebuild_pack(info: ObjectInfo, run: _Run) -> None:
    """Commit what a pack holds and nobody decided, then tell of its studies: an earlier run may have died before."""
    objects = run.store.objects
    reader = PackReader(lambda start, length: objects.read_range(info.key, start, length), info.size, info.key)
    try:
        footer = reader.footer()
        records = [packed.record for packed in footer.instances]
    except (MalformedError, UnsupportedError):
        run.unreadable += 1
        return
    except NotFoundError:
        return
    run.packs += 1
    _commit(records, footer, run)
    studies = tuple(sorted({record.key.study_uid for record in records}))
    run.events.publish(InstancesStored(run.datastore_id, info.key, studies))


def _commit(records: Sequence[InstanceRecord], footer: Footer, run: _Run) -> None:
    entries = run.store.ledger.entries([record.ledger for record in records])
    missing = [record for record in records if not is_decided(entries.get(record.ledger))]
    known = [record for record in records if is_decided(entries.get(record.ledger))]
    run.known += len(known)
    run.moved += run.store.instances.move(_dangling(known, run))
    for study_uid in sorted({record.key.study_uid for record in missing}):
        _begin_generation(study_uid, run)
    packed = Packed(tuple(map(run.replay.changed, missing)), footer.studies, footer.series)
    sources = {record.ledger: Origin(record.source, record.landed_at) for record in missing}
    done = commit_records(packed, sources, run.store, run.clock, run.ids)
    run.tally += done.tally
    run.known += done.decided
    if done.unsettled:
        raise done.error()


def _dangling(known: Sequence[InstanceRecord], run: _Run) -> list[tuple[InstanceRecord, PackPointer]]:
    """Rows of a table restored to an earlier time may point into packs that were replaced and swept since."""
    here = {record.ledger: record.pointer for record in known if record.ledger not in run.replay.purged}
    rows = [row for row in standing_rows(known, run.store) if row.ledger in here]
    gone = {pack for pack in {row.pointer.pack for row in rows} - run.there if _is_gone(pack, run.store.objects)}
    return [(row, here[row.ledger]) for row in rows if row.pointer.pack in gone]


def _is_gone(pack: str, objects: ObjectStore) -> bool:
    """Whether a row's pack is not there; a tombstone that came from the journal names none."""
    if not pack:
        return True
    try:
        objects.info(pack)
    except NotFoundError:
        return True
    return False


def _begin_generation(study_uid: StudyUid, run: _Run) -> None:
    for _ in range(TRIES):
        study = run.store.studies.study(study_uid)
        if study is not None and study.generation >= run.generation:
            return
        try:
            run.store.studies.fold(_beginning(study_uid, study, run))
        except LostRaceError:
            continue
        return
    raise LostRaceError("beginning a study's generation lost its race every time")


def _beginning(study_uid: StudyUid, study: Study | None, run: _Run) -> Fold:
    before = study or Study(study_uid)
    now = format_time(run.clock.now())
    after = replace(
        before,
        state=StudyState.RECEIVING,
        generation=run.generation,
        version=before.version + 1,
        generation_started_at=now,
        last_stored_at=before.last_stored_at or now,
        timer_due="",
        since_ready=NO_TALLY,
    )
    return Fold(after, before.version, add_keys=(open_key(after),), drop_keys=(open_key(study),) if study else ())
