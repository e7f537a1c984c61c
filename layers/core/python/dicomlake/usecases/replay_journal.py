"""What the journal says of the index: tombstones and histories to write before packs are read, rows as changed.

Tombstones come first: what was deleted may be in no pack any more, and a copy of it that landed before the deletion
must find it deleted. Everything here may run twice.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import batched

from dicomlake.domain.change import ChangeKind, StudyChange, corrections
from dicomlake.domain.commit import Commit, CommitRow, SeriesShare
from dicomlake.domain.correction import held_at
from dicomlake.domain.errors import MalformedError, UnsupportedError
from dicomlake.domain.ledger import NO_TALLY, LedgerEntry, Origin, Tally, is_decided
from dicomlake.domain.levels import QueryLevel
from dicomlake.domain.model import (
    NO_COUNTS,
    InstanceKey,
    InstanceRecord,
    JsonObject,
    LedgerKey,
    Outcome,
    PackPointer,
    SeriesAttributes,
    SeriesUid,
    StudyAttributes,
    StudyUid,
    Visibility,
)
from dicomlake.domain.study import CORRECTED, format_time, overlaid
from dicomlake.lake.journal import JournalEntry, decode_journal, in_order
from dicomlake.lake.paths import JOURNAL
from dicomlake.lake.records import decode_record
from dicomlake.ports import Clock, Datastore, IdSource, ObjectStore
from dicomlake.usecases.change_study import change_in
from dicomlake.usecases.commit_records import Packed, commit_records

ROWS = frozenset({ChangeKind.DELETE, ChangeKind.UNDELETE, ChangeKind.PURGE, ChangeKind.CORRECT, ChangeKind.REVERT})
OVERLAYS = frozenset({ChangeKind.CORRECT, ChangeKind.REVERT})
STUDIES = ROWS | {ChangeKind.HOLD, ChangeKind.RELEASE}
"""The kinds that a rebuild applies; any other stops it: rather none than a wrong index."""

NOWHERE = PackPointer("", 0)
ENTRIES_A_COMMIT = 90


@dataclass(frozen=True, slots=True)
class Replay:
    """What the journal says: the last state of every row that was changed, and the studies' histories.

    `rows` has a key's states in the order of their versions, one a landed object; `purged` names those whose bytes
    were given up.
    """

    rows: dict[InstanceKey, tuple[InstanceRecord, ...]]
    beside: tuple[InstanceRecord, ...]
    purged: frozenset[LedgerKey]
    studies: tuple[StudyChange, ...]

    def changed(self, record: InstanceRecord) -> InstanceRecord:
        """Return a pack's record as it was changed after it was packed."""
        for state in self.rows.get(record.key, ()):
            if state.ledger == record.ledger and state.version > record.version:
                return replace(state, pointer=record.pointer)
        return record


def read_journal(objects: ObjectStore) -> Replay:
    """Read the whole journal. Raises UnsupportedError where it holds what this release cannot apply."""
    rows: dict[InstanceKey, dict[LedgerKey, InstanceRecord]] = defaultdict(dict)
    beside: dict[LedgerKey, InstanceRecord] = {}
    purged: set[LedgerKey] = set()
    studies: list[StudyChange] = []
    for entry in in_order(_entries(objects)):
        if entry.subject.instance_uid is None:
            studies.append(_study_change(entry))
            continue
        state = _row(entry)
        if entry.kind is ChangeKind.PURGE:
            purged.add(state.ledger)
        if state.visibility is Visibility.NON_PRIMARY:
            beside[state.ledger] = state
            continue
        rows[state.key].pop(state.ledger, None)  # the last state of a key stands last
        rows[state.key][state.ledger] = state
    last = {key: tuple(states.values()) for key, states in rows.items()}
    return Replay(last, tuple(beside.values()), frozenset(purged), tuple(studies))


def _entries(objects: ObjectStore) -> Iterator[JournalEntry]:
    after = ""
    while True:
        page = objects.versions(JOURNAL, after)
        for info in page.items:
            if info.is_latest:
                yield from decode_journal(bytes(objects.get(info.key)))
        after = page.after
        if not after:
            return


def _row(entry: JournalEntry) -> InstanceRecord:
    subject, row = entry.subject, entry.detail.get("row")
    if entry.kind not in ROWS or not (subject.study_uid and subject.series_uid):
        raise UnsupportedError("the journal holds a kind of change that this release cannot apply: update it")
    if not isinstance(row, dict):
        raise MalformedError("a journal entry lacks the row as it was changed")
    try:
        return decode_record(row, subject.study_uid, subject.series_uid, NOWHERE)
    except (KeyError, TypeError, ValueError) as error:
        raise MalformedError("a journal entry's row is damaged") from error


def _study_change(entry: JournalEntry) -> StudyChange:
    if entry.kind not in STUDIES:
        raise UnsupportedError("the journal holds a kind of change that this release cannot apply: update it")
    try:
        return change_in(entry)
    except (KeyError, TypeError, ValueError) as error:
        raise MalformedError("a journal entry of a study is damaged") from error


def restore_deleted(replay: Replay, store: Datastore, clock: Clock, ids: IdSource) -> frozenset[StudyUid]:
    """Write what packs may not hold any more, and the studies' histories; return the studies that got rows."""
    for change in replay.studies:
        store.changes.restore(change)
    gone = [states[-1] for states in replay.rows.values() if states[-1].visibility is Visibility.DELETED]
    older = [one for states in replay.rows.values() for one in states[:-1]]
    missing = _undecided([*gone, *replay.beside], store)
    sources = {one.ledger: Origin(one.source, one.landed_at) for one in missing}
    done = commit_records(Packed(tuple(missing), {}, {}), sources, store, clock, ids)
    if done.unsettled:
        raise done.error()
    replaced = [one for one in _undecided(older, store) if one.visibility is Visibility.DELETED]
    for some in _by_study(replaced):
        _note_stored(some, store, clock, ids)
    return frozenset(one.key.study_uid for one in (*missing, *replaced))


def _undecided(records: Sequence[InstanceRecord], store: Datastore) -> list[InstanceRecord]:
    found: list[InstanceRecord] = []
    for some in batched(records, 100, strict=False):
        entries = store.ledger.entries([one.ledger for one in some])
        found += [one for one in some if not is_decided(entries.get(one.ledger))]
    return found


def _by_study(records: Iterable[InstanceRecord]) -> Iterator[Sequence[InstanceRecord]]:
    groups: dict[StudyUid, list[InstanceRecord]] = defaultdict(list)
    for record in records:
        groups[record.key.study_uid].append(record)
    for members in groups.values():
        yield from batched(members, ENTRIES_A_COMMIT, strict=False)


def _note_stored(records: Sequence[InstanceRecord], store: Datastore, clock: Clock, ids: IdSource) -> None:
    """Say in the ledger that these were stored: another instance has their row since they were deleted."""
    now = format_time(clock.now())
    entries = tuple(
        LedgerEntry(
            one.ledger,
            Outcome.STORED,
            one.landed_size,
            one.landed_at,
            one.source,
            one.key,
            warnings=one.warnings,
        )
        for one in records
    )
    row = CommitRow(ids.new(), "stored", now, records[0].key.study_uid, Tally(stored=len(records)))
    store.instances.commit(Commit(row, entries))


def restore_corrections(replay: Replay, store: Datastore, clock: Clock, ids: IdSource) -> tuple[StudyUid, ...]:
    """Tell the fold of what corrections made of studies and series, where their rows do not show it yet."""
    told = []
    for study_uid in sorted({one.scope.study_uid for one in replay.studies if one.kind in OVERLAYS}):
        row = _corrections_row(study_uid, store, format_time(clock.now()), ids.new())
        if row is not None:
            store.instances.commit(Commit(row, ()))
            told.append(study_uid)
    return tuple(told)


def _corrections_row(study_uid: StudyUid, store: Datastore, at: str, commit_id: str) -> CommitRow | None:
    standing = corrections(store.changes.history(study_uid))
    study = store.studies.study(study_uid)
    held: dict[SeriesUid | None, JsonObject] = {
        one.series_uid: one.attributes for one in store.studies.series(study_uid)
    }
    held[None] = study.attributes if study else {}
    wanted: dict[SeriesUid | None, JsonObject] = defaultdict(dict)
    for one in standing:
        if one.scope.instance_uid is None:
            level = QueryLevel.STUDY if one.scope.series_uid is None else QueryLevel.SERIES
            wanted[one.scope.series_uid] |= held_at(one.values, level)
    missing = {uid: some for uid, some in wanted.items() if overlaid(held.get(uid, {}), some) != held.get(uid)}
    if not missing:
        return None
    shares = (SeriesShare(SeriesAttributes(uid, some), NO_COUNTS) for uid, some in missing.items() if uid is not None)
    study_part = StudyAttributes(study_uid, missing[None]) if None in missing else None
    return CommitRow(commit_id, CORRECTED, at, study_uid, NO_TALLY, study=study_part, series=tuple(shares))
