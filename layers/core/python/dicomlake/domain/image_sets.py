"""Image sets, HealthImaging's view of a series: its primary instances are one, what is kept beside them are others.

An image set changes by versions, numbered from 1: when instances come, and when its metadata are changed. `layer` 0 is
the primary one. Where other content came under an instance's key, the first of each instance is in layer 1, the second
in layer 2, and so on: an image set holds an instance once.
"""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from dicomlake.domain.ids import LakeSecret
from dicomlake.domain.model import DatastoreId, InstanceRecord, JsonObject, SeriesUid, StudyUid

PRIMARY_LAYER = 0


class ImageSetState(StrEnum):
    """Whether an image set may be read and changed."""

    ACTIVE = "ACTIVE"
    LOCKED = "LOCKED"
    DELETED = "DELETED"


class WorkflowStatus(StrEnum):
    """What was last done to an image set, or is being done."""

    CREATED = "CREATED"
    COPIED = "COPIED"
    COPYING = "COPYING"
    COPYING_WITH_READ_ONLY_ACCESS = "COPYING_WITH_READ_ONLY_ACCESS"
    COPY_FAILED = "COPY_FAILED"
    UPDATING = "UPDATING"
    UPDATING_FOR_STUDY_CONSISTENCY = "UPDATING_FOR_STUDY_CONSISTENCY"
    UPDATED = "UPDATED"
    UPDATE_FAILED = "UPDATE_FAILED"
    DELETING = "DELETING"
    DELETED = "DELETED"
    IMPORTING = "IMPORTING"
    IMPORTED = "IMPORTED"
    IMPORT_FAILED = "IMPORT_FAILED"


@dataclass(frozen=True, slots=True)
class ImageSet:
    """One version of an image set. Times are ISO 8601 in UTC, "" where there is none.

    `attributes` is DICOM JSON of what a search shows of the series; `content` 32 hex digits over the instances that the
    version holds, `instances` their number; `corrected` is the study's number as of which they are shown
    (domain.change), 0 as they were stored. `forced` says that a change was made past a rule.
    """

    image_set_id: str
    study_uid: StudyUid
    series_uid: SeriesUid
    layer: int
    version: int
    state: ImageSetState
    workflow: WorkflowStatus
    created_at: str
    updated_at: str
    content: str
    instances: int
    attributes: JsonObject = field(default_factory=dict)
    deleted_at: str = ""
    message: str = ""
    forced: bool = False
    corrected: int = 0

    @property
    def is_primary(self) -> bool:
        """Whether this is what readers of the series see."""
        return self.layer == PRIMARY_LAYER


def image_set_id(
    secret: LakeSecret, datastore: DatastoreId, study_uid: StudyUid, series_uid: SeriesUid, layer: int = PRIMARY_LAYER
) -> str:
    """Return the id of a series' image set: 32 hex digits that only this lake can link to its UIDs."""
    text = f"{study_uid}/{series_uid}/{layer}".encode()
    return hmac.new(secret.derive(f"image-set:{datastore}"), text, hashlib.sha256).hexdigest()[:32]


def content_of(records: Iterable[InstanceRecord]) -> str:
    """Return 32 hex digits over what an image set holds: which instances, with which content, in which version."""
    lines = sorted(f"{one.key.instance_uid} {one.content_digest} {one.version}" for one in records)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]


def layers_of(beside: Iterable[InstanceRecord]) -> tuple[tuple[InstanceRecord, ...], ...]:
    """Return the records that are kept beside a series' primary ones by layer, in the order in which they came."""
    counts: dict[str, int] = {}
    layers: list[list[InstanceRecord]] = []
    for record in sorted(beside, key=lambda one: (one.stored_at, one.content_digest)):
        layer = counts.get(record.key.instance_uid, 0)
        counts[record.key.instance_uid] = layer + 1
        if layer == len(layers):
            layers.append([])
        layers[layer].append(record)
    return tuple(map(tuple, layers))
