"""What the use cases need of the world, in our words; adapters/ gives each twice: AWS, and memory for tests.

Every method raises RetryableError where trying again may help; other errors are named where they occur.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from dicomlake.domain.commit import Clash, Commit, CommitRow, Location
from dicomlake.domain.ids import LakeSecret
from dicomlake.domain.ledger import LedgerEntry, Tally
from dicomlake.domain.model import (
    Counts,
    InstanceKey,
    InstanceRecord,
    InstanceUid,
    LandedObject,
    LedgerKey,
    PackPointer,
    SeriesUid,
    StudyUid,
)
from dicomlake.domain.search_keys import SearchKey as SearchKey
from dicomlake.domain.study import Series, Study


@dataclass(frozen=True, slots=True)
class Page[T]:
    """One page of a listing; `after` continues it ("" at the end); `read` counts the index items it cost."""

    items: tuple[T, ...]
    after: str = ""
    read: int = 0


class Clock(Protocol):
    """What time it is."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        ...


class IdSource(Protocol):
    """New names that collide with nothing."""

    def new(self) -> str:
        """Return 32 fresh random hex digits."""
        ...


class SecretSource(Protocol):
    """Where the lake's secret is kept."""

    def lake_secret(self) -> LakeSecret:
        """Return the secret from which keyed names are derived; fetched once per process."""
        ...


# --- objects -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One version of one object in a listing."""

    key: str
    version_id: str
    size: int
    modified_at: str
    is_latest: bool = True


class ObjectWriter(Protocol):
    """An object under construction: invisible until `commit`; `abort` leaves nothing behind."""

    def write(self, data: bytes | bytearray | memoryview) -> object:
        """Append bytes; memory use is bounded whatever the total."""
        ...

    def commit(self) -> int:
        """Make the object visible and return its size."""
        ...

    def abort(self) -> None:
        """Drop everything written."""
        ...


class ObjectStore(Protocol):
    """One bucket. Missing objects raise NotFoundError."""

    def get(self, key: str, version_id: str = "") -> bytearray:
        """Return an object's bytes, writable, so that arrays over them cost no copy."""
        ...

    def read_range(self, key: str, start: int, length: int, version_id: str = "") -> bytes:
        """Return `length` bytes from `start`, fewer at the object's end; one request."""
        ...

    def put(
        self, key: str, body: bytes | bytearray | memoryview, content_type: str = "application/octet-stream"
    ) -> None:
        """Write an object whole."""
        ...

    def open_writer(self, key: str) -> AbstractContextManager[ObjectWriter]:
        """Write an object of unknown size in bounded memory; leaving the context without `commit` aborts."""
        ...

    def copy_in(self, source_bucket: str, source_key: str, source_version: str, key: str, size: int) -> None:
        """Copy an object of any size from another bucket, server side."""
        ...

    def info(self, key: str, version_id: str = "") -> ObjectInfo:
        """Return what is known of an object without reading it."""
        ...

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; deleting a missing one is no error."""
        ...

    def versions(self, prefix: str = "", after: str = "", limit: int = 1000) -> Page[ObjectInfo]:
        """List every version of every object, a page at a time, in key order."""
        ...

    def sign_get(self, key: str, seconds: int, version_id: str = "") -> str:
        """Return a URL that reads the object without credentials, for that long."""
        ...

    def sign_put(self, key: str, seconds: int) -> str:
        """Return a URL that writes the object without credentials, for that long."""
        ...


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A PUT that needs no credentials: its URL, and the headers that must be sent with it."""

    url: str
    headers: tuple[tuple[str, str], ...] = ()


class UploadSigner(Protocol):
    """Lets a sender write objects of one bucket without credentials: whole, or in parts above 5 GB or by choice."""

    def sign_whole(self, key: str, seconds: int, sha256: str = "") -> SignedRequest:
        """Sign the PUT of a whole object; with a SHA-256 (hex) the store refuses any other content."""
        ...

    def begin_parts(self, key: str) -> str:
        """Begin an upload in parts and return its id."""
        ...

    def sign_part(self, key: str, upload: str, number: int, seconds: int) -> SignedRequest:
        """Sign the PUT of one part, numbered from 1; its answer's ETag is needed to complete."""
        ...

    def complete_parts(self, key: str, upload: str, etags: Sequence[str]) -> None:
        """Make an object of the parts, in order; NotFoundError if there is no such upload."""
        ...


# --- index ---------------------------------------------------------------------------------------------------------


class InstanceIndex(Protocol):
    """The instances of one data store. A commit is the point at which readers see them."""

    def commit(self, commit: Commit) -> tuple[Clash, ...]:
        """Write a commit as one transaction; return () when it stands, else every clash, with nothing written.

        A NON_PRIMARY record is kept beside the primary one of its key: it claims nothing and clashes with nothing.
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


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A study found under a search key."""

    key: SearchKey
    study_uid: StudyUid


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


# --- messages and workflows ----------------------------------------------------------------------------------------


class EventPublisher(Protocol):
    """The topic on which the lake tells what happened."""

    def publish(self, event: object) -> None:
        """Publish one event of domain.events."""
        ...


class WorkQueue(Protocol):
    """A queue of commands of one kind."""

    def send(self, commands: Sequence[object], delay_seconds: int = 0) -> None:
        """Send commands of domain.events, to be seen after the delay (0-900 s)."""
        ...


class Workflows(Protocol):
    """The state machines."""

    def settle_study(self, name: str, command: object, large: bool) -> None:
        """Start the study machine; starting the same name twice is once where the machine allows it."""
        ...

    def ingest_large(self, name: str, landed: LandedObject) -> None:
        """Start the large-object machine; starting the same name twice is once."""
        ...


# --- a data store, whole -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Datastore:
    """The ports of one data store: its index and the bucket of its packs."""

    instances: InstanceIndex
    ledger: Ledger
    studies: StudyIndex
    feed: ChangeFeed
    objects: ObjectStore


def all_instances(index: InstanceIndex, study_uid: StudyUid, series_uid: SeriesUid | None) -> Iterator[InstanceRecord]:
    """Yield every primary record of a study or series, page by page."""
    after = ""
    while True:
        page = index.instances(study_uid, series_uid, after)
        yield from page.items
        after = page.after
        if not after:
            return
