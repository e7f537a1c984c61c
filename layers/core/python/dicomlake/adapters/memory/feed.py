"""The change feed in memory."""

from collections.abc import Sequence

from dicomlake.adapters.memory.state import MemoryState
from dicomlake.domain.commit import CommitRow
from dicomlake.domain.ledger import NO_TALLY
from dicomlake.domain.model import NO_COUNTS
from dicomlake.ports import Change, FeedHead


class MemoryChangeFeed:
    """The change feed of one data store, in memory."""

    def __init__(self, state: MemoryState) -> None:
        self._state = state

    def append(self, rows: Sequence[CommitRow]) -> FeedHead:
        """Number those rows that have no number yet, in the given order."""
        with self._state.lock:
            for row in rows:
                if row.commit_id not in self._state.numbered:
                    self._append_one(row)
            return self.head()

    def _append_one(self, row: CommitRow) -> None:
        head = self.head()
        self._state.numbered.add(row.commit_id)
        self._state.changes.append(Change(head.number + 1, row))
        self._state.head = FeedHead(head.number + 1, head.tally + row.tally, head.counts + row.counts)

    def head(self) -> FeedHead:
        """Return the end of the feed."""
        with self._state.lock:
            return self._state.head or FeedHead(0, NO_TALLY, NO_COUNTS)

    def read(self, after: int, limit: int = 100) -> tuple[Change, ...]:
        """Return the changes behind a number, in order."""
        with self._state.lock:
            return tuple(self._state.changes[after : after + limit])
