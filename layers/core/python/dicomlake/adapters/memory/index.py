"""Instances and the ledger in memory; a commit is all or nothing, as a DynamoDB transaction is."""

from collections.abc import Sequence
from dataclasses import replace

from dicomlake.adapters.memory.state import MemoryState, page_of
from dicomlake.domain.commit import Clash, ClashKind, Commit, Location
from dicomlake.domain.errors import LostRaceError
from dicomlake.domain.ledger import LedgerEntry
from dicomlake.domain.model import (
    InstanceKey,
    InstanceRecord,
    InstanceUid,
    LedgerKey,
    Outcome,
    PackPointer,
    SeriesUid,
    StudyUid,
    Visibility,
)
from dicomlake.ports import Page


class MemoryInstanceIndex:
    """The instances of one data store, in memory."""

    def __init__(self, state: MemoryState) -> None:
        self._state = state

    def commit(self, commit: Commit) -> tuple[Clash, ...]:
        """Write a commit whole, or nothing and say what stands in its way: one clash a position, DECIDED first."""
        _refuse_repeats(commit)
        with self._state.lock:
            if any(one.key.study_uid in self._state.under_way for one in commit.replaces):
                raise LostRaceError("a change of what was deleted is under way; try again later")
            clashes = self._clashes(commit)
            if not clashes:
                self._write(commit)
            return clashes

    def _clashes(self, commit: Commit) -> tuple[Clash, ...]:
        found: dict[int, Clash] = {}
        for position, record in enumerate(commit.records):
            clash = self._record_clash(position, record, commit.replaced(record))
            if clash:
                found[position] = clash
        for position, entry in enumerate(commit.entries):
            held = self._state.ledger.get(entry.key)
            if held and held.outcome is not Outcome.PENDING:
                found[position] = Clash(position, ClashKind.DECIDED)
        return tuple(found[position] for position in sorted(found))

    def _record_clash(self, position: int, record: InstanceRecord, replaced: InstanceRecord | None) -> Clash | None:
        held = self._row(record)
        if held and not _same_row(held, replaced):
            return Clash(position, ClashKind.HELD, held)
        if record.visibility is Visibility.NON_PRIMARY:
            return None
        claim = self._state.claims.get(record.key.instance_uid)
        if claim is None:
            return None
        elsewhere = InstanceKey(claim.study_uid, claim.series_uid, claim.instance_uid)
        holder = self._state.instances.get(elsewhere)
        return None if holder and _same_row(holder, replaced) else Clash(position, ClashKind.ELSEWHERE, holder)

    def _write(self, commit: Commit) -> None:
        state, row = self._state, commit.row
        for entry in commit.entries:
            state.ledger[entry.key] = entry
            if entry.outcome is Outcome.QUARANTINED:
                state.quarantined[f"{row.at}#{_name(entry.key)}"] = entry.key
        for record in commit.records:
            key = record.key
            if record.visibility is Visibility.NON_PRIMARY:
                state.beside[_content(record)] = record
                continue
            state.instances[key] = record
            state.claims[key.instance_uid] = Location(key.study_uid, key.series_uid, key.instance_uid)
        state.committed.append(row)
        if row.study_uid is not None:
            state.unfolded.setdefault(row.study_uid, {})[row.commit_id] = row

    def instance(self, key: InstanceKey) -> InstanceRecord | None:
        """Return the primary record under a key, or None."""
        with self._state.lock:
            return self._state.instances.get(key)

    def instances(
        self, study_uid: StudyUid, series_uid: SeriesUid | None = None, after: str = "", limit: int = 1000
    ) -> Page[InstanceRecord]:
        """List the records of a study or series in key order."""
        with self._state.lock:
            found = [
                record
                for key, record in self._state.instances.items()
                if key.study_uid == study_uid and series_uid in (None, key.series_uid)
            ]
        return page_of(found, lambda r: f"{r.key.series_uid}#{r.key.instance_uid}", after, limit)

    def instances_behind(
        self, study_uid: StudyUid, series_uid: SeriesUid, instance_uid: InstanceUid, limit: int = 1000
    ) -> Page[InstanceRecord]:
        """List the records of a series behind a SOP Instance UID."""
        return self.instances(study_uid, series_uid, f"{series_uid}#{instance_uid}", limit)

    def beside(self, study_uid: StudyUid, series_uid: SeriesUid | None = None) -> tuple[InstanceRecord, ...]:
        """Return the records that are kept beside the primary ones of a study or series, in key order."""
        with self._state.lock:
            found = [
                place
                for place in sorted(self._state.beside)
                if place[0].study_uid == study_uid and series_uid in (None, place[0].series_uid)
            ]
            return tuple(self._state.beside[place] for place in found)

    def locate(self, instance_uid: InstanceUid) -> Location | None:
        """Return which study and series hold a SOP Instance UID."""
        with self._state.lock:
            return self._state.claims.get(instance_uid)

    def standing(self, records: Sequence[InstanceRecord]) -> tuple[InstanceRecord, ...]:
        """Return the rows that stand where these records were committed, primary or beside, as they are now."""
        with self._state.lock:
            found = (self._row(record) for record in records)
            return tuple(row for row in found if row is not None)

    def _row(self, record: InstanceRecord) -> InstanceRecord | None:
        if record.visibility is Visibility.NON_PRIMARY:
            return self._state.beside.get(_content(record))
        return self._state.instances.get(record.key)

    def move(self, moves: Sequence[tuple[InstanceRecord, PackPointer]]) -> int:
        """Point records at other places, each if pack and version still stand as read; return how many did."""
        return sum(self._move(record, to) for record, to in moves)

    def _move(self, record: InstanceRecord, to: PackPointer) -> bool:
        with self._state.lock:
            held = self._row(record)
            if held is None or (held.pointer.pack, held.version) != (record.pointer.pack, record.version):
                return False
            moved = replace(held, pointer=to)
            if record.visibility is Visibility.NON_PRIMARY:
                self._state.beside[_content(record)] = moved
            else:
                self._state.instances[record.key] = moved
            return True


class MemoryLedger:
    """The ledger of one data store, in memory."""

    def __init__(self, state: MemoryState) -> None:
        self._state = state

    def entry(self, key: LedgerKey) -> LedgerEntry | None:
        """Return one entry."""
        with self._state.lock:
            return self._state.ledger.get(key)

    def entries(self, keys: Sequence[LedgerKey]) -> dict[LedgerKey, LedgerEntry]:
        """Return those of the entries that exist."""
        with self._state.lock:
            return {key: self._state.ledger[key] for key in keys if key in self._state.ledger}

    def versions(self, object_hash: str) -> tuple[LedgerEntry, ...]:
        """Return the entries of all versions of one object, oldest landing first."""
        with self._state.lock:
            found = [e for e in self._state.ledger.values() if e.key.object_hash == object_hash]
        return tuple(sorted(found, key=lambda e: (e.landed_at, e.key.version_id)))

    def note_pending(self, entry: LedgerEntry) -> None:
        """Write a pending entry unless the object is decided already."""
        if entry.outcome is not Outcome.PENDING:
            raise ValueError("only a pending entry is noted; an outcome is committed")
        with self._state.lock:
            held = self._state.ledger.get(entry.key)
            if held is None or held.outcome is Outcome.PENDING:
                self._state.ledger[entry.key] = entry

    def quarantined(self, after: str = "", limit: int = 100) -> Page[LedgerEntry]:
        """List what is in quarantine, newest first."""
        with self._state.lock:
            places = page_of(self._state.quarantined, str, after, limit, descending=True)
            entries = tuple(self._state.ledger[self._state.quarantined[place]] for place in places.items)
        return Page(entries, places.after, places.read)


def _same_row(held: InstanceRecord, replaced: InstanceRecord | None) -> bool:
    """Whether what is held is the tombstone that a record takes the place of."""
    return replaced is not None and (held.key, held.version) == (replaced.key, replaced.version)


def _content(record: InstanceRecord) -> tuple[InstanceKey, str]:
    """What the row of a record beside the primary one is named by."""
    return record.key, record.content_digest


def _name(key: LedgerKey) -> str:
    return f"{key.object_hash}#{key.version_id}"


def _refuse_repeats(commit: Commit) -> None:
    """A transaction takes one action an item; a commit that names one twice is a mistake of its maker."""
    primary = (record for record in commit.records if record.visibility is not Visibility.NON_PRIMARY)
    beside = (record for record in commit.records if record.visibility is Visibility.NON_PRIMARY)
    names = [*(entry.key for entry in commit.entries), *(record.key.instance_uid for record in primary)]
    names += map(_content, beside)
    if len(set(names)) != len(names):
        raise ValueError("a commit names every landed object, every primary SOP Instance UID and every content once")
