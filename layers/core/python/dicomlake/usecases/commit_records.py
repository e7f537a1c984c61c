"""Make what a pack holds visible: study by study, in conditional transactions, clashes resolved by the store's policy.

The index is the commit point. A redelivered instance is its own ledger row and changes nothing; same content under
the same key is a duplicate; other content is kept beside the first (`keep-first`), once, and says so. What landed after
its key was deleted is a new instance and takes the tombstone's place; what landed before is not.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import batched

from dicomlake.domain.change import came_after
from dicomlake.domain.commit import MAX_INSTANCES, Clash, ClashKind, Commit, CommitRow, SeriesShare
from dicomlake.domain.errors import LostRaceError, RetryableError
from dicomlake.domain.findings import TRUNCATED_CODES
from dicomlake.domain.ledger import NO_TALLY, LedgerEntry, Origin, Step, Tally
from dicomlake.domain.levels import text_of
from dicomlake.domain.model import (
    NO_COUNTS,
    Counts,
    InstanceRecord,
    InstanceUid,
    LedgerKey,
    Outcome,
    SeriesAttributes,
    SeriesUid,
    StudyAttributes,
    StudyUid,
    Visibility,
    Warned,
)
from dicomlake.domain.study import format_time
from dicomlake.ports import Clock, Datastore, IdSource

TRIES = 5
"""How often a transaction that lost a race is tried again before its objects go back to the queue."""


@dataclass(frozen=True, slots=True)
class Packed:
    """What was written to packs: records with their pointers, and the attributes above them."""

    records: tuple[InstanceRecord, ...]
    studies: Mapping[StudyUid, StudyAttributes]
    series: Mapping[tuple[StudyUid, SeriesUid], SeriesAttributes]


@dataclass(slots=True)
class Committed:
    """What came of committing: the tally, the studies to announce, and what has to be tried again."""

    tally: Tally = NO_TALLY
    counts: Counts = NO_COUNTS
    decided: int = 0
    studies: set[StudyUid] = field(default_factory=set)
    unsettled: list[LedgerKey] = field(default_factory=list)

    def error(self) -> RetryableError:
        """What to raise where nothing may stay unsettled."""
        return LostRaceError(f"{len(self.unsettled)} instances could not be committed now")


@dataclass(frozen=True, slots=True)
class _Ended:
    """A record with the ledger entry it ends in, and the tombstone that it takes the place of."""

    record: InstanceRecord
    outcome: Outcome = Outcome.STORED
    replaces: InstanceRecord | None = None


def commit_records(
    packed: Packed, sources: Mapping[LedgerKey, Origin], store: Datastore, clock: Clock, ids: IdSource
) -> Committed:
    """Commit every record; `sources` tells where each came from. A study that cannot be committed now is unsettled."""
    done = Committed()
    for chunk in _chunks(packed.records):
        try:
            _commit_chunk(chunk, packed, sources, store, clock, ids, done)
        except RetryableError:
            done.unsettled.extend(record.ledger for record in chunk)
    return done


def _chunks(records: Sequence[InstanceRecord]) -> Iterator[tuple[InstanceRecord, ...]]:
    """One study a chunk, and a SOP Instance UID once a chunk: a transaction touches an item once."""
    rounds: dict[tuple[StudyUid, int], list[InstanceRecord]] = defaultdict(list)
    seen: dict[tuple[StudyUid, InstanceUid], int] = defaultdict(int)
    for record in records:
        name = (record.key.study_uid, record.key.instance_uid)
        rounds[record.key.study_uid, seen[name]].append(record)
        seen[name] += 1
    for members in rounds.values():
        yield from batched(members, MAX_INSTANCES, strict=False)


def _commit_chunk(
    chunk: tuple[InstanceRecord, ...],
    packed: Packed,
    sources: Mapping[LedgerKey, Origin],
    store: Datastore,
    clock: Clock,
    ids: IdSource,
    done: Committed,
) -> None:
    ended = [_Ended(record) for record in chunk]
    while ended:
        ended = _commit_some(ended, packed, sources, store, clock, ids, done)


def _commit_some(
    ended: list[_Ended],
    packed: Packed,
    sources: Mapping[LedgerKey, Origin],
    store: Datastore,
    clock: Clock,
    ids: IdSource,
    done: Committed,
) -> list[_Ended]:
    """Commit them, or as many as one transaction takes with the tombstones they replace; return what is left."""
    study_uid = ended[0].record.key.study_uid
    left: list[_Ended] = []
    for _ in range(TRIES):
        ended, more = _fitting(ended)
        left = more + left
        commit = _commit(ended, packed, sources, format_time(clock.now()), ids.new())
        try:
            clashes = store.instances.commit(commit)
        except LostRaceError:
            continue
        if not clashes:
            done.tally += commit.row.tally
            done.counts += commit.row.counts
            done.studies.add(study_uid)
            return left
        before, ended = len(ended), _resolved(ended, clashes)
        done.decided += before - len(ended)
        if not ended:
            done.studies.add(study_uid)
            return left
    raise LostRaceError("a commit lost its race every time")


def _fitting(ended: list[_Ended]) -> tuple[list[_Ended], list[_Ended]]:
    """Two actions more for each that replaces a tombstone: where there are some, half a commit always fits."""
    whole = not any(one.replaces for one in ended) or len(ended) <= MAX_INSTANCES // 2
    return (ended, []) if whole else (ended[: MAX_INSTANCES // 2], ended[MAX_INSTANCES // 2 :])


def _resolved(ended: list[_Ended], clashes: tuple[Clash, ...]) -> list[_Ended]:
    """Apply the policy to what clashed; records decided before drop out, and those still stored come first."""
    worst: dict[int, Clash] = {}
    for clash in clashes:
        known = worst.get(clash.position)
        if known is None or _ORDER[clash.kind] < _ORDER[known.kind]:
            worst[clash.position] = clash
    resolved = (_resolve(item, worst[position]) if position in worst else item for position, item in enumerate(ended))
    return sorted((item for item in resolved if item is not None), key=lambda item: item.outcome is not Outcome.STORED)


_ORDER = {ClashKind.DECIDED: 0, ClashKind.HELD: 1, ClashKind.ELSEWHERE: 2}


def _resolve(item: _Ended, clash: Clash) -> _Ended | None:
    if clash.kind is ClashKind.DECIDED:
        return None
    record = item.record
    if clash.held and clash.held.visibility is Visibility.DELETED and came_after(record, clash.held.changed_at):
        version = clash.held.version + 1 if clash.held.key == record.key else record.version
        return replace(item, record=replace(record, version=version), replaces=clash.held)
    if clash.kind is ClashKind.HELD and clash.held and clash.held.content_digest == record.content_digest:
        return replace(item, outcome=Outcome.DUPLICATE)
    code = "conflict-kept-beside" if clash.kind is ClashKind.HELD else "instance-uid-in-other-series"
    beside = replace(record, visibility=Visibility.NON_PRIMARY, warnings=(*record.warnings, Warned(code)))
    return replace(item, record=beside, replaces=None)


def _commit(
    ended: Sequence[_Ended], packed: Packed, sources: Mapping[LedgerKey, Origin], at: str, commit_id: str
) -> Commit:
    """Those stored come first in `ended`, so that an entry's position is its record's."""
    stored = tuple(item.record for item in ended if item.outcome is Outcome.STORED)
    row = _row(ended, stored, packed, at, commit_id)
    replaced = tuple(item.replaces for item in ended if item.replaces and item.outcome is Outcome.STORED)
    return Commit(row, tuple(_entry(item, sources, at) for item in ended), stored, replaced)


def _row(
    ended: Sequence[_Ended], stored: Sequence[InstanceRecord], packed: Packed, at: str, commit_id: str
) -> CommitRow:
    study_uid = ended[0].record.key.study_uid
    primary = [record for record in stored if record.visibility is Visibility.PRIMARY]
    return CommitRow(
        commit_id=commit_id,
        kind="stored" if stored else "duplicate",
        at=at,
        study_uid=study_uid,
        tally=Tally(stored=len(stored), duplicates=len(ended) - len(stored)),
        counts=_counts(primary),
        pack=stored[0].pointer.pack if stored else "",
        study=packed.studies.get(study_uid) if primary else None,
        series=tuple(_share(uid, members, packed) for uid, members in _by_series(primary).items()),
        warnings=sum(1 for record in stored if record.warnings),
        truncated=sum(1 for record in stored if any(w.code in TRUNCATED_CODES for w in record.warnings)),
    )


def _by_series(records: Sequence[InstanceRecord]) -> dict[SeriesUid, list[InstanceRecord]]:
    groups: dict[SeriesUid, list[InstanceRecord]] = defaultdict(list)
    for record in records:
        groups[record.key.series_uid].append(record)
    return groups


def _share(series_uid: SeriesUid, records: Sequence[InstanceRecord], packed: Packed) -> SeriesShare:
    attributes = packed.series.get((records[0].key.study_uid, series_uid)) or SeriesAttributes(series_uid)
    return SeriesShare(
        attributes=attributes,
        counts=_counts(records),
        modality=text_of(attributes.attributes, "00080060"),
        sop_classes=tuple(sorted({record.sop_class_uid for record in records})),
    )


def _counts(records: Sequence[InstanceRecord]) -> Counts:
    return sum((Counts(1, record.frame_count, record.landed_size, record.stored_size) for record in records), NO_COUNTS)


def _entry(item: _Ended, sources: Mapping[LedgerKey, Origin], at: str) -> LedgerEntry:
    record, origin = item.record, sources.get(item.record.ledger, Origin())
    return LedgerEntry(
        key=record.ledger,
        outcome=item.outcome,
        size=record.landed_size,
        landed_at=origin.landed_at,
        source=origin.source,
        instance=record.key,
        warnings=record.warnings,
        steps=(Step("packed", record.stored_at), Step("committed", at)),
    )
