"""The change feed of one data store: gap-free numbers, given after commit, conditional on the feed's head.

What is numbered together lies together: a run of changes is one item, and the commits of a tenth of a second share the
item that says they have their number. Rows are paid for by the kilobyte, and a change alone is a third of one.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import batched, groupby
from time import sleep

from dicomlake.adapters.dynamodb import keys
from dicomlake.adapters.dynamodb.packing import pack
from dicomlake.adapters.dynamodb.rows import number, packed_item, value_in
from dicomlake.adapters.dynamodb.table import ABSENT, Action, Condition, Item, Table, back_off, item_of, put
from dicomlake.domain.commit import CommitRow
from dicomlake.domain.errors import LostRaceError
from dicomlake.domain.ledger import NO_TALLY, Tally
from dicomlake.domain.model import NO_COUNTS, Counts
from dicomlake.ports import Change, FeedHead

ROWS_A_TRANSACTION = 97
"""The head, a marker a row at most, and two runs where the numbers cross into another partition: 100 actions."""
RUNS_A_PAGE = 50
TRIES = 8

Marked = dict[keys.Key, set[str]]
"""Commit ids that have a number, by the item that says so."""


@dataclass(frozen=True, slots=True)
class _Totals:
    tally: Tally = NO_TALLY
    counts: Counts = NO_COUNTS


@dataclass(frozen=True, slots=True)
class _Run:
    rows: tuple[CommitRow, ...] = ()


@dataclass(frozen=True, slots=True)
class _Numbered:
    commits: tuple[str, ...] = ()


class DynamoDbChangeFeed:
    """The change feed of one data store, in its table."""

    def __init__(self, table: Table, wait: Callable[[float], None] = sleep) -> None:
        self._table = table
        self._wait = wait

    def append(self, rows: Sequence[CommitRow]) -> FeedHead:
        """Number those rows that have no number yet, in the given order; LostRaceError after too many lost races."""
        head = None
        for some in batched({row.commit_id: row for row in rows}.values(), ROWS_A_TRANSACTION, strict=False):
            head = self._append_some(some)
        return head or self.head()

    def _append_some(self, rows: Sequence[CommitRow]) -> FeedHead:
        for attempt in range(TRIES):
            back_off(attempt, self._wait)
            head, marked = self._read(rows)
            fresh = [row for row in rows if row.commit_id not in marked[keys.numbered(row.at)]]
            if not fresh:
                return head
            if self._stands(append_actions(head, fresh, marked)):
                return _moved(head, fresh)
        raise LostRaceError("the head of the change feed moved every time; try again later")

    def _stands(self, actions: Sequence[Action]) -> bool:
        try:
            return not self._table.transact(actions)
        except LostRaceError:
            return False

    def _read(self, rows: Sequence[CommitRow]) -> tuple[FeedHead, Marked]:
        """Return the head, and what is marked where these rows would be. The head is read first: a marker changes
        with it only, so markers that were read too late fail its condition."""
        head = self.head()
        wanted = dict.fromkeys(keys.numbered(row.at) for row in rows)
        found = {(item["pk"]["S"], item["sk"]["S"]): item for item in self._table.get_many(list(wanted))}
        return head, {key: set(value_in(_Numbered, found[key]).commits) if key in found else set() for key in wanted}

    def head(self) -> FeedHead:
        """Return the end of the feed."""
        item = self._table.get(keys.FEED_HEAD)
        if item is None:
            return FeedHead(0, NO_TALLY, NO_COUNTS)
        totals = value_in(_Totals, item)
        return FeedHead(int(item["n"]["N"]), totals.tally, totals.counts)

    def read(self, after: int, limit: int = 100) -> tuple[Change, ...]:
        """Return the changes behind a number, in order."""
        found: list[Change] = []
        while len(found) < limit:
            some = self._read_bucket(after + len(found) + 1, limit - len(found))
            if not some:
                break
            found += some
        return tuple(found[:limit])

    def _read_bucket(self, first: int, limit: int) -> list[Change]:
        """Return changes from a number on, within its partition: an item is named by the last of its run."""
        pk, sk = keys.change(first)
        items, _ = self._table.query(pk, sk, keys.LAST, limit=min(limit, RUNS_A_PAGE))
        return [change for item in items for change in _changes(item) if change.number >= first]


def _changes(item: Item) -> Iterable[Change]:
    rows = value_in(_Run, item, "r").rows if "r" in item else (value_in(CommitRow, item),)
    return (Change(following, row) for following, row in enumerate(rows, int(item["sk"]["S"]) - len(rows) + 1))


def _moved(head: FeedHead, rows: Sequence[CommitRow]) -> FeedHead:
    return FeedHead(
        head.number + len(rows),
        sum((row.tally for row in rows), head.tally),
        sum((row.counts for row in rows), head.counts),
    )


def append_actions(head: FeedHead, rows: Sequence[CommitRow], marked: Marked) -> list[Action]:
    """Return the transaction that gives rows the numbers behind the head: head, runs of changes, and markers."""
    stands = Condition("n = :read", {":read": number(head.number)}) if head.number else ABSENT
    after = _moved(head, rows)
    totals = packed_item(keys.FEED_HEAD, _Totals(after.tally, after.counts), n=number(after.number))
    numbers = enumerate(rows, head.number + 1)
    runs = (_run_item(list(run)) for _, run in groupby(numbers, lambda numbered: numbered[0] // keys.FEED_BUCKET))
    return [put(totals, stands), *(put(item, ABSENT) for item in runs), *map(put, _markers(rows, marked))]


def _run_item(numbered: Sequence[tuple[int, CommitRow]]) -> Item:
    key = keys.change(numbered[-1][0])
    return item_of(key, r={"B": pack(_Run(tuple(row for _, row in numbered)), *key)})


def _markers(rows: Sequence[CommitRow], marked: Marked) -> Iterable[Item]:
    """Write each marker with what it held and what is new; it expires when no stream can tell of its commits again."""
    fresh: dict[keys.Key, list[CommitRow]] = defaultdict(list)
    for row in rows:
        fresh[keys.numbered(row.at)].append(row)
    for key, some in fresh.items():
        commits = _Numbered(tuple(sorted(marked.get(key, set()) | {row.commit_id for row in some})))
        yield packed_item(key, commits, expires=number(keys.streamed_until(some[0].at)))
