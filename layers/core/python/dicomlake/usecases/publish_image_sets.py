"""Show what a study has become as image sets: a series' primary instances as one, what is kept beside them as others.

Runs when a generation settles, after its objects and pointers. Publishing twice is once: an image set whose content did
not change keeps its version.
"""

from collections.abc import Sequence
from dataclasses import replace

from dicomlake.domain.errors import LostRaceError
from dicomlake.domain.ids import LakeSecret
from dicomlake.domain.image_sets import (
    PRIMARY_LAYER,
    ImageSet,
    ImageSetState,
    WorkflowStatus,
    content_of,
    image_set_id,
    layers_of,
)
from dicomlake.domain.model import DatastoreId, InstanceRecord, JsonObject, SeriesUid, StudyUid, Visibility
from dicomlake.domain.study import format_time
from dicomlake.ports import Clock, Datastore, SecretSource

TRIES = 5
NOTHING = content_of(())

SHOWN = ("00080060", "00180015", "00200011")
"""What a search shows of a series: Modality, Body Part Examined, Series Number."""


def publish_series(
    datastore_id: DatastoreId,
    study_uid: StudyUid,
    series_uid: SeriesUid,
    records: Sequence[InstanceRecord],
    attributes: JsonObject,
    store: Datastore,
    secret: LakeSecret,
    clock: Clock,
    layer: int = PRIMARY_LAYER,
    corrected: int = 0,
) -> ImageSet | None:
    """Bring a series' image set up to these records, as of a number of their study's history; return it as it is then,
    None where there is nothing to show."""
    name = image_set_id(secret, datastore_id, study_uid, series_uid, layer)
    content = content_of(records)
    for _ in range(TRIES):
        held = store.image_sets.image_set(name)
        if content == (held.content if held else NOTHING) and (held is None or held.corrected == corrected):
            return held
        shown = {tag: attributes[tag] for tag in SHOWN if tag in attributes}
        now = format_time(clock.now())
        first = ImageSet(
            image_set_id=name,
            study_uid=study_uid,
            series_uid=series_uid,
            layer=layer,
            version=1,
            state=ImageSetState.ACTIVE,
            workflow=WorkflowStatus.CREATED,
            created_at=now,
            updated_at=now,
            content=content,
            instances=len(records),
            attributes=shown,
            corrected=corrected,
        )
        made = first if held is None else _next(held, first)
        if not records:
            made = replace(made, state=ImageSetState.DELETED, workflow=WorkflowStatus.DELETED, deleted_at=now)
        if store.image_sets.save_image_set(made, sorted(one.key.instance_uid for one in records), held):
            return made
    raise LostRaceError("an image set was changed by others every time it was to be published")


def _next(held: ImageSet, first: ImageSet) -> ImageSet:
    """What came or went since makes a version, and so does a correction; what was deleted shows again by it."""
    workflow = WorkflowStatus.UPDATED if held.content == first.content else WorkflowStatus.IMPORTED
    return replace(first, version=held.version + 1, workflow=workflow, created_at=held.created_at)


def publish_beside(
    datastore_id: DatastoreId, study_uid: StudyUid, store: Datastore, secrets: SecretSource, clock: Clock
) -> int:
    """Publish the non-primary image sets of a study; return how many there are."""
    beside = store.instances.beside(study_uid)
    if not beside:
        return 0
    attributes = {one.series_uid: one.attributes for one in store.studies.series(study_uid)}
    secret, published = secrets.lake_secret(), 0
    for series_uid in sorted({one.key.series_uid for one in beside}):
        own = [one for one in beside if one.key.series_uid == series_uid]
        for layer, standing in enumerate(layers_of(own), PRIMARY_LAYER + 1):
            records = [one for one in standing if one.visibility is Visibility.NON_PRIMARY]
            known = attributes.get(series_uid, {})
            publish_series(datastore_id, study_uid, series_uid, records, known, store, secret, clock, layer)
            published += 1
    return published
