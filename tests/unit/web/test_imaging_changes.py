"""Image sets deleted through boto3's own client: hidden everywhere, with a last version, and brought back."""

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
