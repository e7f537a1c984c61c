"""Image sets deleted and corrected through boto3's own client, with versions, conflicts, and ways back."""

import gzip
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dicomlake.domain.change import Scope
from dicomlake.domain.model import SeriesUid, StudyUid
from dicomlake.usecases.delete_instances import Author
from dicomlake.usecases.hold_study import set_hold
from dicomlake.usecases.undo_change import undo_change
from tests.unit.web.imaging_lake import ImagingLake, found, slices
from tests.usecases.dicom_files import ROOT
from tests.usecases.memory_lake import DATASTORE

STUDY = StudyUid(f"{ROOT}.1")


@pytest.fixture
def lake() -> ImagingLake:
    lake = ImagingLake()
    lake.store_files(*slices(1, 2))
    return lake


def test_a_deleted_image_set_is_hidden_everywhere_and_has_a_last_version(lake: ImagingLake) -> None:
    client = lake.now()
    (summary,) = found(client)
    name = {"datastoreId": DATASTORE, "imageSetId": summary["imageSetId"]}

    deleted = client.delete_image_set(**name)

    assert (deleted["imageSetState"], deleted["imageSetWorkflowStatus"]) == ("DELETED", "DELETED")
    one = client.get_image_set(**name)
    assert (one["versionId"], one["imageSetState"]) == ("2", "DELETED")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_image_set_metadata(**name)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.delete_image_set(**name)
    assert found(client) == []
    assert lake.store.state.studies[STUDY].counts.instances == 0
    (change,) = lake.store.changes.history(STUDY)
    assert change.scope == Scope(STUDY, SeriesUid(f"{STUDY}.1"))


def test_an_image_set_whose_deletion_is_undone_is_active_again(lake: ImagingLake) -> None:
    client = lake.now()
    (summary,) = found(client)
    name = {"datastoreId": DATASTORE, "imageSetId": summary["imageSetId"]}
    client.delete_image_set(**name)

    undo_change(STUDY, 1, Author("somebody"), lake.change_ports())
    lake.pump()

    one = lake.now().get_image_set(**name)
    assert (one["versionId"], one["imageSetState"]) == ("3", "ACTIVE")


def test_a_held_image_set_is_a_conflict(lake: ImagingLake) -> None:
    client = lake.now()
    (summary,) = found(client)
    set_hold(STUDY, True, Author("counsel"), lake.change_ports())

    with pytest.raises(ClientError) as refused:
        client.delete_image_set(datastoreId=DATASTORE, imageSetId=summary["imageSetId"])

    assert refused.value.response["Error"]["Code"] == "ConflictException"


def updated(client: Any, name: dict[str, str], version: int, **updates: Any) -> Any:
    """Ask for an update of one level, or for a version."""
    asked = {"DICOMUpdates": {kind: json.dumps(part).encode() for kind, part in updates.items() if kind != "revert"}}
    wanted = {"revertToVersionId": updates["revert"]} if "revert" in updates else asked
    return client.update_image_set_metadata(**name, latestVersionId=str(version), updateImageSetMetadataUpdates=wanted)


def patient_of(client: Any, name: dict[str, str]) -> Any:
    blob = client.get_image_set_metadata(**name)["imageSetMetadataBlob"].read()
    return json.loads(gzip.decompress(blob))["Patient"]["DICOM"]


def test_metadata_are_updated_removed_and_reverted_by_versions(lake: ImagingLake) -> None:
    client = lake.now()
    (summary,) = found(client)
    name = {"datastoreId": DATASTORE, "imageSetId": summary["imageSetId"]}
    before = patient_of(client, name)
    patient = {"Patient": {"DICOM": {"PatientName": "Garcia^Ana", "PatientID": "RIGHT"}}}

    first = updated(client, name, 1, updatableAttributes=patient)
    shown = patient_of(client, name)
    second = updated(client, name, 2, removableAttributes={"Patient": {"DICOM": {"PatientName": None}}})
    third = updated(client, name, 3, revert="1")

    versions = [(one["latestVersionId"], one["imageSetWorkflowStatus"]) for one in (first, second, third)]
    assert versions == [("2", "UPDATED"), ("3", "UPDATED"), ("4", "UPDATED")]
    assert (shown["PatientName"], shown["PatientID"]) == ("Garcia^Ana", "RIGHT")
    assert patient_of(client, name) == before
    assert [one["versionId"] for one in client.list_image_set_versions(**name)["imageSetPropertiesList"]] == [
        "4",
        "3",
        "2",
        "1",
    ]


def test_an_update_of_an_older_version_is_a_conflict_and_one_of_a_uid_invalid(lake: ImagingLake) -> None:
    client = lake.now()
    (summary,) = found(client)
    name = {"datastoreId": DATASTORE, "imageSetId": summary["imageSetId"]}

    with pytest.raises(client.exceptions.ConflictException):
        updated(client, name, 7, updatableAttributes={"Patient": {"DICOM": {"PatientID": "1"}}})
    with pytest.raises(client.exceptions.ValidationException):
        updated(client, name, 1, updatableAttributes={"Study": {"DICOM": {"StudyInstanceUID": "1.2"}}})

    assert lake.store.changes.history(STUDY) == ()
    assert not lake.store.state.under_way
