"""The instances of a data store and the ledger of what landed."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from dicomlake.domain.commit import Clash, Commit, Location
from dicomlake.domain.ledger import LedgerEntry
from dicomlake.domain.model import (
    InstanceKey,
    InstanceRecord,
    InstanceUid,
    LedgerKey,
    PackPointer,
    SeriesUid,
    StudyUid,
)
from dicomlake.ports.surroundings import Page


class InstanceIndex(Protocol):
    """The instances of one data store. A commit is the point at which readers see them."""

    def commit(self, commit: Commit) -> tuple[Clash, ...]:
        """Write a commit as one transaction; return () when it stands, else every clash, with nothing written.

        A NON_PRIMARY record is kept beside the primary one of its key: it claims nothing, and clashes with nothing but
        the record of equal content (`content_digest`) that is beside it already (HELD).
        """
        ...

    def instance(self, key: InstanceKey) -> InstanceRecord | None:
        """Return the primary record under a key, visible or not, or None."""
        ...

    def instances(
        self, study_uid: StudyUid, series_uid: SeriesUid | None = None, after: str = "", limit: int = 1000
    ) -> Page[InstanceRecord]:
        """List the primary records of a study or of one of its series, in key order."""
        ...

    def instances_behind(
        self, study_uid: StudyUid, series_uid: SeriesUid, instance_uid: InstanceUid, limit: int = 1000
    ) -> Page[InstanceRecord]:
        """List the primary records of a series behind a SOP Instance UID, which need not be one of them."""
        ...

    def beside(self, study_uid: StudyUid, series_uid: SeriesUid | None = None) -> tuple[InstanceRecord, ...]:
        """Return the records that are kept beside the primary ones of a study or series, in key order."""
        ...

    def locate(self, instance_uid: InstanceUid) -> Location | None:
        """Return which study and series hold a SOP Instance UID."""
        ...

    def standing(self, records: Sequence[InstanceRecord]) -> tuple[InstanceRecord, ...]:
        """Return the rows that stand where these records were committed, primary or beside, as they are now."""
        ...

    def move(self, moves: Sequence[tuple[InstanceRecord, PackPointer]]) -> int:
        """Point records at other places, each only if it still stands as read (pack and version); return how many."""
        ...


class Ledger(Protocol):
    """Where every landed object is."""

    def entry(self, key: LedgerKey) -> LedgerEntry | None:
        """Return one entry."""
        ...

    def entries(self, keys: Sequence[LedgerKey]) -> dict[LedgerKey, LedgerEntry]:
        """Return those of the entries that exist."""
        ...

    def versions(self, object_hash: str) -> tuple[LedgerEntry, ...]:
        """Return the entries of all versions of one object, oldest landing first."""
        ...

    def note_pending(self, entry: LedgerEntry) -> None:
        """Write a pending entry unless the object is decided already."""
        ...

    def quarantined(self, after: str = "", limit: int = 100) -> Page[LedgerEntry]:
        """List what is in quarantine, newest first."""
        ...


def all_instances(index: InstanceIndex, study_uid: StudyUid, series_uid: SeriesUid | None) -> Iterator[InstanceRecord]:
    """Yield every primary record of a study or series, page by page."""
    after = ""
    while True:
        page = index.instances(study_uid, series_uid, after)
        yield from page.items
        after = page.after
        if not after:
            return
