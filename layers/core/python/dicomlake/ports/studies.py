"""The studies and series of a data store, the rows they are found by, and the ordered list of its changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from dicomlake.domain.commit import CommitRow
from dicomlake.domain.cursor import Cursor
from dicomlake.domain.ledger import Tally
from dicomlake.domain.model import Counts, LedgerKey, StudyUid
from dicomlake.domain.search_keys import SearchKey
from dicomlake.domain.study import Series, Study
from dicomlake.ports.surroundings import Page


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A study found under a search key."""

    key: SearchKey
    study_uid: StudyUid

    @property
    def place(self) -> str:
        """What `StudyIndex.search` goes on behind, given as `after`; there need not be a row."""
        return f"{self.key.sort}\x01{self.study_uid}"


@dataclass(frozen=True, slots=True)
class Fold:
    """One exact step of a study: rows consumed, the study and series after, and the search rows to add and drop.

    Stands only if the study's row still has `expected_version` (0: no row yet) and every consumed row still exists.
    """

    study: Study
    expected_version: int
    series: tuple[Series, ...] = ()
    consumed: tuple[str, ...] = ()
    add_keys: tuple[SearchKey, ...] = ()
    drop_keys: tuple[SearchKey, ...] = ()


class StudyIndex(Protocol):
    """The studies and series of one data store, and the rows they are found by."""

    def study(self, study_uid: StudyUid) -> Study | None:
        """Return a study's row, read consistently."""
        ...

    def studies(self, study_uids: Sequence[StudyUid]) -> dict[StudyUid, Study]:
        """Return those of the studies that exist."""
        ...

    def series(self, study_uid: StudyUid) -> tuple[Series, ...]:
        """Return a study's series rows in UID order."""
        ...

    def unfolded(self, study_uid: StudyUid, limit: int = 50) -> tuple[CommitRow, ...]:
        """Return commit rows of a study that no fold consumed yet, read consistently."""
        ...

    def fold(self, fold: Fold) -> None:
        """Write a fold as one transaction (at most 100 actions); LostRaceError if its conditions fail."""
        ...

    def save_series(self, study_uid: StudyUid, series: Series) -> None:
        """Set a series' metadata key, metadata count and packs, leaving its counts to the folds."""
        ...

    def search(
        self,
        partition: str,
        low: str = "",
        high: str = "",
        newest_first: bool = False,
        after: str = "",
        limit: int = 100,
    ) -> Page[SearchHit]:
        """List the search rows of a partition whose sort text lies in [low, high]; "" is open."""
        ...

    def cursor(self, name: str, now: datetime) -> Cursor | None:
        """Return where a page of a search ended, if that was saved and has not expired."""
        ...

    def save_cursor(self, name: str, cursor: Cursor, expires: datetime) -> None:
        """Remember where a page of a search ended; the last one saved under a name counts."""
        ...

    def keep_link(self, link_id: str, expires: datetime) -> None:
        """Remember that a study link was given out, until it expires."""
        ...

    def is_link_kept(self, link_id: str, now: datetime) -> bool:
        """Whether a study link was given out, has not expired and was not revoked."""
        ...

    def drop_link(self, link_id: str) -> None:
        """Forget a study link: it is revoked. Revoking twice is no error."""
        ...

    def begin_pending(self, study_uid: StudyUid, work: LedgerKey, expires: datetime) -> None:
        """Mark an object as under way to this study, at most until `expires`."""
        ...

    def end_pending(self, study_uid: StudyUid, work: LedgerKey) -> None:
        """Unmark it; unmarking twice is no error."""
        ...

    def pending(self, study_uid: StudyUid, now: datetime) -> int:
        """Count the objects under way to a study."""
        ...


@dataclass(frozen=True, slots=True)
class Change:
    """One numbered entry of the change feed; numbers of a data store have no gap and never change."""

    number: int
    row: CommitRow


@dataclass(frozen=True, slots=True)
class FeedHead:
    """The end of the change feed: its last number, and the totals of everything numbered so far."""

    number: int
    tally: Tally
    counts: Counts


class ChangeFeed(Protocol):
    """The ordered list of every change of a data store, and the totals that follow from it."""

    def append(self, rows: Sequence[CommitRow]) -> FeedHead:
        """Number those rows that have no number yet, in the given order; appending twice is once."""
        ...

    def head(self) -> FeedHead:
        """Return the end of the feed."""
        ...

    def read(self, after: int, limit: int = 100) -> tuple[Change, ...]:
        """Return the changes behind a number, in order."""
        ...
