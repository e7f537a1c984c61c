"""What the lake tells (events, past tense) and what it is told (commands, imperative). References only.

No event carries pixels, names or patient identifiers; UIDs travel on encrypted topics and never reach a log.
"""

import hashlib
from dataclasses import dataclass

from dicomlake.domain.ledger import Tally
from dicomlake.domain.model import DatastoreId, InstanceUid, LandedObject, SeriesUid, StudyUid
from dicomlake.domain.study import Completeness


@dataclass(frozen=True, slots=True)
class IngestObject:
    """Command: decide one landed object. `attempt` counts our own re-enqueues, from 0."""

    landed: LandedObject
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class InstancesStored:
    """Event: a pack was committed; these studies of this data store have commit rows to fold."""

    datastore: DatastoreId
    pack: str
    studies: tuple[StudyUid, ...]


@dataclass(frozen=True, slots=True)
class SettleStudy:
    """Command: look whether this generation of a study may settle."""

    datastore: DatastoreId
    study_uid: StudyUid
    generation: int


@dataclass(frozen=True, slots=True)
class CompactSeries:
    """Command: bring one series of a settling study into one pack and build its metadata object."""

    datastore: DatastoreId
    study_uid: StudyUid
    series_uid: SeriesUid
    generation: int


@dataclass(frozen=True, slots=True)
class StudyPlan:
    """What the study machine works through: the series that changed, then the study itself.

    `after` is the last series listed where there may be more: the next plan goes on behind it.
    """

    datastore: DatastoreId
    study_uid: StudyUid
    generation: int
    series: tuple[CompactSeries, ...] = ()
    after: str = ""


@dataclass(frozen=True, slots=True)
class StudyReady:
    """Event: a generation of a study is searchable, compacted and has its metadata objects.

    Delivery is at least once; `event_id` is the same for the same generation, so its effect can be once.
    """

    datastore: DatastoreId
    study_uid: StudyUid
    generation: int
    completeness: Completeness
    expected: int | None
    instances: int
    series: int
    added: Tally
    pending: int
    findings: tuple[str, ...]
    truncated: int
    seconds: float
    sop_classes: tuple[str, ...] = ()
    modalities: tuple[str, ...] = ()

    @property
    def event_id(self) -> str:
        """32 hex digits, equal for every delivery of this generation's event."""
        text = f"{self.datastore}/{self.study_uid}/{self.generation}"
        return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class ChangeStudy:
    """Command: carry on a change that a study is under."""

    datastore: DatastoreId
    study_uid: StudyUid
    change_id: str


@dataclass(frozen=True, slots=True)
class StudyChanged:
    """Event: a change of a study is done: `deleted`, `undeleted`, `purged`, `corrected`, `held` or `released`.

    `number` is its number in the study's history, `instances` how many it changed; `series_uid` and `instance_uid` say
    to which part of the study it was made. Delivery is at least once, with the same `change_id`.
    """

    datastore: DatastoreId
    study_uid: StudyUid
    change_id: str
    kind: str
    number: int
    instances: int
    series_uid: SeriesUid | None = None
    instance_uid: InstanceUid | None = None


@dataclass(frozen=True, slots=True)
class RunImport:
    """Command: do the next step of an import job."""

    datastore: DatastoreId
    job_id: str


@dataclass(frozen=True, slots=True)
class ImportJobEnded:
    """Event: an import job is over, its report written; `status` is COMPLETED or FAILED."""

    datastore: DatastoreId
    job_id: str
    status: str


@dataclass(frozen=True, slots=True)
class DeidentifyStudy:
    """Command: write the de-identified copy of one generation of a study; `after` resumes a copy under way."""

    source: DatastoreId
    study_uid: StudyUid
    generation: int
    after: str = ""
