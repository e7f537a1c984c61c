"""What one conditional transaction writes, and what may stand in its way.

A commit is one study's share of one pack: for every instance its ledger entry, its index record and the claim of its
SOP Instance UID, and one commit row with the counts. Three actions an instance and one for the row, at most 100 a
transaction: so at most 33 instances.
"""

from dataclasses import dataclass
from enum import StrEnum

from dicomlake.domain.ledger import LedgerEntry, Tally
from dicomlake.domain.model import (
    NO_COUNTS,
    Counts,
    InstanceRecord,
    InstanceUid,
    SeriesAttributes,
    SeriesUid,
    StudyAttributes,
    StudyUid,
    Visibility,
)

MAX_INSTANCES = 33


@dataclass(frozen=True, slots=True)
class SeriesShare:
    """One series' part of a commit: its counts and its attributes as its first instance gave them."""

    attributes: SeriesAttributes
    counts: Counts
    modality: str = ""
    sop_classes: tuple[str, ...] = ()

    @property
    def series_uid(self) -> SeriesUid:
        """The series' UID."""
        return self.attributes.series_uid


@dataclass(frozen=True, slots=True)
class CommitRow:
    """The part of a commit that `track_study` folds into the study and the sequencer into the change feed.

    `kind` is `stored`, `duplicate`, `quarantined` or a later kind of change; `study_uid` is empty where the object
    belongs to no study (most of what is quarantined).
    """

    commit_id: str
    kind: str
    at: str
    study_uid: StudyUid | None
    tally: Tally
    counts: Counts = NO_COUNTS
    pack: str = ""
    study: StudyAttributes | None = None
    series: tuple[SeriesShare, ...] = ()
    reasons: tuple[str, ...] = ()
    warnings: int = 0
    truncated: int = 0


@dataclass(frozen=True, slots=True)
class Commit:
    """Everything one transaction writes: all of it, or nothing.

    `records` become index rows and claims; `entries` become ledger rows (one per record, in the same order, and
    more where objects end without a record: duplicates, quarantined). `replaces` are the tombstones that records take
    the place of, told by their SOP Instance UID: under the same key the row, under another the claim. It does not
    stand while a change of such a tombstone's study is under way.
    """

    row: CommitRow
    entries: tuple[LedgerEntry, ...]
    records: tuple[InstanceRecord, ...] = ()
    replaces: tuple[InstanceRecord, ...] = ()

    def __post_init__(self) -> None:
        studies = {one.key.study_uid for one in self.replaces}
        if 2 * len(self.records) + len(self.entries) + len(self.replaces) + len(studies) + 1 > 100:
            raise ValueError("a commit is one transaction of at most 100 actions")

    def replaced(self, record: InstanceRecord) -> InstanceRecord | None:
        """Return the tombstone that a record takes the place of."""
        if record.visibility is Visibility.NON_PRIMARY:
            return None
        uid = record.key.instance_uid
        return next((one for one in self.replaces if one.key.instance_uid == uid), None)


class ClashKind(StrEnum):
    """Why a transaction's condition failed."""

    DECIDED = "decided"
    """The ledger entry has an outcome already: this is a redelivery."""
    HELD = "held"
    """The index holds a record under this instance key, or a tombstone."""
    ELSEWHERE = "elsewhere"
    """Another study or series holds this SOP Instance UID."""


@dataclass(frozen=True, slots=True)
class Clash:
    """One thing that stood in a commit's way, by the position of the entry in `Commit.entries`.

    `held` is the record in the way (for HELD and ELSEWHERE, where it could be read).
    """

    position: int
    kind: ClashKind
    held: InstanceRecord | None = None


@dataclass(frozen=True, slots=True)
class Location:
    """Which study and series hold a SOP Instance UID."""

    study_uid: StudyUid
    series_uid: SeriesUid
    instance_uid: InstanceUid
