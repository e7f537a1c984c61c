"""The change feed of one data store: gap-free numbers, given after commit, conditional on the feed's head."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import batched
from time import sleep

from dicomlake.adapters.dynamodb import keys
from dicomlake.adapters.dynamodb.rows import number, packed_item, value_in
from dicomlake.adapters.dynamodb.table import ABSENT, Action, Condition, Table, back_off, item_of, put
from dicomlake.domain.commit import CommitRow
from dicomlake.domain.errors import LostRaceError
from dicomlake.domain.ledger import NO_TALLY, Tally
from dicomlake.domain.model import NO_COUNTS, Counts
from dicomlake.ports import Change, FeedHead

ROWS_A_TRANSACTION = 49
"""Two actions a row, the number and the marker, and one for the head: 99."""
TRIES = 8


@dataclass(frozen=True, slots=True)
class _Totals:
    tally: Tally = NO_TALLY
    counts: Counts = NO_COUNTS


class DynamoDbChangeFeed:
    """The change feed of one data store, in its table."""

    def __init__(self, table: Table, wait: Callable[[float], None] = sleep) -> None:
        self._table = table
        self._wait = wait

    def append(self, rows: Sequence[CommitRow]) -> FeedHead:
        """Number those rows that have no number yet, in the given order; LostRaceError after too many lost races."""
        for some in batched({row.commit_id: row for row in rows}.values(), ROWS_A_TRANSACTION, strict=False):
            self._append_some(some)
        return self.head()

    def _append_some(self, rows: Sequence[CommitRow]) -> None:
        for attempt in range(TRIES):
            back_off(attempt, self._wait)
            head = self.head()
            fresh = self._without_number(rows)
            if not fresh or self._stands(head, fresh):
                return
        raise LostRaceError("the head of the change feed moved every time; try again later")

    def _stands(self, head: FeedHead, rows: Sequence[CommitRow]) -> bool:
        try:
            return not self._table.transact(append_actions(head, rows))
        except LostRaceError:
            return False

    def _without_number(self, rows: Sequence[CommitRow]) -> list[CommitRow]:
        markers = self._table.get_many([keys.numbered(row.commit_id) for row in rows])
        known = {item["pk"]["S"] for item in markers}
        return [row for row in rows if keys.numbered(row.commit_id)[0] not in known]

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
            following = after + len(found) + 1
            some = self._read_bucket(following, limit - len(found))
            found += some
            if not some or some[-1].number % keys.FEED_BUCKET != keys.FEED_BUCKET - 1:
                break
        return tuple(found)

    def _read_bucket(self, first: int, limit: int) -> list[Change]:
        pk, sk = keys.change(first)
        items, _ = self._table.query(pk, sk, keys.LAST, limit=limit)
        return [Change(int(item["sk"]["S"]), value_in(CommitRow, item)) for item in items]


def append_actions(head: FeedHead, rows: Sequence[CommitRow]) -> list[Action]:
    """Return the transaction that gives rows the numbers behind the head: head, then a number and a marker a row."""
    stands = Condition("n = :read", {":read": number(head.number)}) if head.number else ABSENT
    totals = _Totals(
        sum((row.tally for row in rows), head.tally),
        sum((row.counts for row in rows), head.counts),
    )
    actions = [put(packed_item(keys.FEED_HEAD, totals, n=number(head.number + len(rows))), stands)]
    for following, row in enumerate(rows, head.number + 1):
        actions.append(put(packed_item(keys.change(following), row), ABSENT))
        actions.append(put(item_of(keys.numbered(row.commit_id), n=number(following)), ABSENT))
    return actions
