"""Changes of what is stored: the one that a study is under, and its history."""

from dataclasses import dataclass
from typing import Protocol

from dicomlake.domain.change import StudyChange
from dicomlake.domain.commit import CommitRow
from dicomlake.domain.model import InstanceRecord, SeriesUid, StudyUid

ROWS_A_STEP = 30
"""Instances of one step: each takes up to three actions of a transaction's hundred (row, series, claim)."""

SERIES_A_STEP = 90
"""Series of one step that changes no instance's row."""


@dataclass(frozen=True, slots=True)
class RowChange:
    """An index row as it was read, and as it is to be. A row that becomes visible again needs its claim to be its."""

    before: InstanceRecord
    after: InstanceRecord


@dataclass(frozen=True, slots=True)
class ChangeStep:
    """One transaction of a change: all of it, or nothing.

    Stands only if the change is still at the step it was read at, every row at the version it was read in.
    `touched` series count one more change, so that their metadata objects count no more. `row` tells the change feed.
    `following` is the change one step on; None ends it. `written` goes into the study's history.
    """

    change: StudyChange
    rows: tuple[RowChange, ...] = ()
    touched: tuple[SeriesUid, ...] = ()
    row: CommitRow | None = None
    following: StudyChange | None = None
    written: StudyChange | None = None


class ChangeIndex(Protocol):
    """The changes of one data store's studies."""

    def begin(self, change: StudyChange) -> None:
        """Put a study under a change; LostRaceError if it is under one."""
        ...

    def under_way(self, study_uid: StudyUid) -> StudyChange | None:
        """Return the change that a study is under."""
        ...

    def carry(self, step: ChangeStep) -> None:
        """Carry a change one step on; LostRaceError if its conditions fail."""
        ...

    def history(self, study_uid: StudyUid) -> tuple[StudyChange, ...]:
        """Return the changes of a study that are done, by number."""
        ...

    def restore(self, change: StudyChange) -> None:
        """Write a change into its study's history again, as a rebuild does; nothing if its number is there."""
        ...
