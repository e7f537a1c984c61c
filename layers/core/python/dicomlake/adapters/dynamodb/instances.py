"""The instances of one data store: commits as transactions, look-ups by key."""

from collections.abc import Iterator, Sequence
from itertools import batched, chain

from dicomlake.adapters.dynamodb import keys
from dicomlake.adapters.dynamodb.rows import (
    claim_in,
    claim_item,
    commit_item,
    instance_in,
    instance_item,
    ledger_item,
    number,
    pointer_attributes,
    text,
)
from dicomlake.adapters.dynamodb.table import (
    ABSENT,
    MAX_ACTIONS,
    Action,
    Condition,
    Refusal,
    Table,
    check,
    item_of,
    keys_in,
    put,
    update,
)
from dicomlake.domain.commit import Clash, ClashKind, Commit, Location
from dicomlake.domain.errors import LostRaceError
from dicomlake.domain.model import (
    InstanceKey,
    InstanceRecord,
    InstanceUid,
    Outcome,
    PackPointer,
    SeriesUid,
    StudyUid,
    Visibility,
)
from dicomlake.ports import Page

UNDECIDED = Condition("attribute_not_exists(pk) OR o = :pending", {":pending": text(Outcome.PENDING)})


class DynamoDbInstanceIndex:
    """The instances of one data store, in its table."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._days: set[str] = set()

    def commit(self, commit: Commit) -> tuple[Clash, ...]:
        """Write a commit whole, or nothing and say what stands in its way: one clash a position, DECIDED first."""
        _refuse_repeats(commit)
        self._list_quarantined(commit)
        refused = self._table.transact(commit_actions(commit))
        clashes: dict[int, Clash] = {}
        for refusal in refused:
            position = _position(commit, refusal)
            if position not in clashes:
                clashes[position] = self._clash(commit, position, refusal)
        return tuple(clashes[position] for position in sorted(clashes))

    def _list_quarantined(self, commit: Commit) -> None:
        """List what is about to be quarantined. Before the transaction: a row that leads to no quarantined entry is
        passed over by the listing, a missing one would hide an object."""
        at = commit.row.at
        rows = [keys.quarantine_row(e, at) for e in commit.entries if e.outcome is Outcome.QUARANTINED]
        if not rows:
            return
        if at[:10] not in self._days:
            self._table.put_many([item_of((keys.QUARANTINE_DAYS, at[:10]))])
            self._days.add(at[:10])
        self._table.put_many(item_of(row) for row in rows)

    def _clash(self, commit: Commit, position: int, refusal: Refusal) -> Clash:
        """Say which condition failed, with the record that made it fail."""
        entries = len(commit.entries)
        if refusal.position < entries:
            return Clash(position, ClashKind.DECIDED)
        if refusal.position < entries + len(commit.records):
            return Clash(position, ClashKind.HELD, instance_in(refusal.held))
        claim = claim_in(refusal.held, commit.records[position].key.instance_uid)
        holder = InstanceKey(claim.study_uid, claim.series_uid, claim.instance_uid)
        return Clash(position, ClashKind.ELSEWHERE, self.instance(holder))

    def instance(self, key: InstanceKey) -> InstanceRecord | None:
        """Return the primary record under a key, or None."""
        item = self._table.get(keys.instance(key))
        return instance_in(item) if item else None

    def instances(
        self, study_uid: StudyUid, series_uid: SeriesUid | None = None, after: str = "", limit: int = 1000
    ) -> Page[InstanceRecord]:
        """List the records of a study or series in key order."""
        pk, prefix = keys.instances(study_uid, series_uid)
        items, last = self._table.query(pk, prefix, prefix + keys.LAST, after, limit)
        return Page(tuple(instance_in(item) for item in items), last, len(items))

    def instances_behind(
        self, study_uid: StudyUid, series_uid: SeriesUid, instance_uid: InstanceUid, limit: int = 1000
    ) -> Page[InstanceRecord]:
        """List the records of a series behind a SOP Instance UID."""
        _, place = keys.instance(InstanceKey(study_uid, series_uid, instance_uid))
        return self.instances(study_uid, series_uid, place, limit)

    def beside(self, study_uid: StudyUid, series_uid: SeriesUid | None = None) -> tuple[InstanceRecord, ...]:
        """Return the records that are kept beside the primary ones of a study or series, in key order."""
        pk, prefix = keys.besides(study_uid, series_uid)
        items, _ = self._table.query(pk, prefix, prefix + keys.LAST)
        return tuple(map(instance_in, items))

    def locate(self, instance_uid: InstanceUid) -> Location | None:
        """Return which study and series hold a SOP Instance UID."""
        item = self._table.get(keys.claim(instance_uid))
        return claim_in(item, instance_uid) if item else None

    def standing(self, records: Sequence[InstanceRecord]) -> tuple[InstanceRecord, ...]:
        """Return the rows that stand where these records were committed, primary or beside, as they are now."""
        wanted = [keys.record(record) for record in records]
        found = {keys_in(item): instance_in(item) for item in self._table.get_many(wanted)}
        return tuple(found[key] for key in wanted if key in found)

    def move(self, moves: Sequence[tuple[InstanceRecord, PackPointer]]) -> int:
        """Point records at other places, each if pack and version still stand as read; return how many did.

        A hundred a transaction: 300 single updates cost a settling study a second. What a refusal names is left out
        and the rest is tried again, so each record still switches by its own condition.
        """
        return sum(self._move_some(list(some)) for some in batched(moves, MAX_ACTIONS, strict=False))

    def _move_some(self, moves: list[tuple[InstanceRecord, PackPointer]]) -> int:
        while moves:
            refused = {refusal.position for refusal in self._table.transact([_moving(*move) for move in moves])}
            if not refused:
                return len(moves)
            moves = [move for position, move in enumerate(moves) if position not in refused]
        return 0


def _moving(record: InstanceRecord, to: PackPointer) -> Action:
    stands = Condition(
        "p = :pack AND v = :version", {":pack": text(record.pointer.pack), ":version": number(record.version)}
    )
    return update(keys.record(record), pointer_attributes(to), stands)


def commit_actions(commit: Commit) -> list[Action]:
    """Return a commit's transaction: entries, records, claims, and the commit row last."""
    return list(
        chain(
            (put(ledger_item(entry, commit.row.at), UNDECIDED) for entry in commit.entries),
            (put(instance_item(record), _row_free(record, commit)) for record in commit.records),
            (put(claim_item(record), _claim_free(record, commit)) for record in _claimants(commit)),
            _still_deleted(commit),
            (put(commit_item(commit.row)),),
        )
    )


def _row_free(record: InstanceRecord, commit: Commit) -> Condition:
    """There is no row, or the tombstone that the record takes the place of."""
    held = commit.replaced(record)
    if held is None or held.key != record.key:
        return ABSENT
    return Condition("v = :held", {":held": number(held.version)})


def _claim_free(record: InstanceRecord, commit: Commit) -> Condition:
    """Nobody claims the UID, or the tombstone does that the record takes the place of."""
    held = commit.replaced(record)
    if held is None:
        return ABSENT
    values = {":study": text(held.key.study_uid), ":series": text(held.key.series_uid)}
    return Condition("s = :study AND e = :series", values)


def _still_deleted(commit: Commit) -> Iterator[Action]:
    """Tombstones elsewhere stand as they were read, and no change of any tombstone's study is under way."""
    new = {record.key for record in commit.records}
    for held in commit.replaces:
        if held.key not in new:
            yield check(keys.instance(held.key), Condition("v = :held", {":held": number(held.version)}))
    for study_uid in sorted({held.key.study_uid for held in commit.replaces}):
        yield check(keys.under_way(study_uid), ABSENT)


def _claimants(commit: Commit) -> list[InstanceRecord]:
    """The records that claim their SOP Instance UID: those kept beside a primary one do not."""
    return [record for record in commit.records if record.visibility is not Visibility.NON_PRIMARY]


def _position(commit: Commit, refusal: Refusal) -> int:
    """The entry that an action belongs to. Entries come first, then records, then claims: so do their reasons."""
    entries, records = len(commit.entries), len(commit.records)
    if refusal.position < entries + records:
        return refusal.position if refusal.position < entries else refusal.position - entries
    if refusal.position >= entries + records + len(_claimants(commit)):
        raise LostRaceError("what was deleted is being changed; try again later")
    return commit.records.index(_claimants(commit)[refusal.position - entries - records])


def _refuse_repeats(commit: Commit) -> None:
    """A transaction takes one action an item; a commit that names one twice is a mistake of its maker."""
    items = [*map(keys.record, commit.records), *(keys.claim(one.key.instance_uid) for one in _claimants(commit))]
    names = [*(keys.ledger(entry.key) for entry in commit.entries), *items]
    if len(set(names)) != len(names):
        raise ValueError("a commit names every landed object, every primary SOP Instance UID and every content once")
