"""Image sets through boto3's own client: real files land, settle, and are searched, read, versioned and framed."""

import gzip
import json
import zlib
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from dicomlake.domain.model import DatastoreId
from tests.unit.web.imaging_lake import ImagingLake, found, slices
from tests.usecases.memory_lake import DATASTORE


@pytest.fixture
def lake() -> ImagingLake:
    lake = ImagingLake()
    lake.store_files(*slices(1, 2))
    return lake


def document_of(client: Any, image_set: str, **version: str) -> dict[str, Any]:
    """The metadata document of an image set."""
    answered = client.get_image_set_metadata(datastoreId=DATASTORE, imageSetId=image_set, **version)
    assert (answered["contentType"], answered["contentEncoding"]) == ("application/json", "gzip")
    document: dict[str, Any] = json.loads(gzip.decompress(answered["imageSetMetadataBlob"].read()))
    return document


def instances_of(document: dict[str, Any]) -> dict[str, Any]:
    """The instances of a document's only series."""
    (series,) = document["Study"]["Series"].values()
    instances: dict[str, Any] = series["Instances"]
    return instances


def test_a_series_is_an_image_set(lake: ImagingLake) -> None:
    client = lake.now()

    (summary,) = found(client)
    one = client.get_image_set(datastoreId=DATASTORE, imageSetId=summary["imageSetId"])

    tags = summary["DICOMTags"]
    assert summary["version"] == 1
    assert summary["isPrimary"] is True
    assert (tags["DICOMNumberOfStudyRelatedInstances"], tags["DICOMSeriesModality"]) == (2, "CT")
    assert (one["versionId"], one["imageSetState"], one["imageSetWorkflowStatus"]) == ("1", "ACTIVE", "CREATED")
    assert one["imageSetArn"].endswith(f"datastore/{DATASTORE}/imageset/{summary['imageSetId']}")
    assert one["createdAt"] == one["updatedAt"]
    assert len(summary["imageSetId"]) == 32


def test_the_document_has_each_attribute_at_its_level(lake: ImagingLake) -> None:
    client = lake.now()
    (summary,) = found(client)

    document = document_of(client, summary["imageSetId"])

    (series,) = document["Study"]["Series"].values()
    assert (document["SchemaVersion"], document["DatastoreID"]) == ("1.1", DATASTORE)
    assert document["ImageSetID"] == summary["imageSetId"]
    assert "PatientName" in document["Patient"]["DICOM"]
    assert document["Study"]["DICOM"]["StudyInstanceUID"] == summary["DICOMTags"]["DICOMStudyInstanceUID"]
    assert series["DICOM"]["Modality"] == "CT"
    assert len(series["Instances"]) == 2
    for uid, instance in series["Instances"].items():
        assert instance["DICOM"]["SOPInstanceUID"] == uid
        assert instance["DICOM"]["PixelData"] is None
        assert instance["DICOM"]["TransferSyntaxUID"] == "1.2.840.10008.1.2.1"
        assert not {"PatientName", "Modality", "StudyDate", "00083002"} & set(instance["DICOM"])
        assert instance["ChecksumType"] == "DECOMPRESSED"


def test_a_frame_is_its_code_stream_and_decodes_to_its_checksum(lake: ImagingLake) -> None:
    import imagecodecs

    client = lake.now()
    (summary,) = found(client)
    frames = [
        f for one in instances_of(document_of(client, summary["imageSetId"])).values() for f in one["ImageFrames"]
    ]

    for frame in frames:
        wanted = {"imageFrameId": frame["ID"]}
        answered = client.get_image_frame(
            datastoreId=DATASTORE, imageSetId=summary["imageSetId"], imageFrameInformation=wanted
        )
        body = answered["imageFrameBlob"].read()
        pixels = np.asarray(imagecodecs.htj2k_decode(body))

        assert answered["contentType"] == "image/jphc"
        assert len(body) == frame["FrameSizeInBytes"]
        full = frame["PixelDataChecksumFromBaseToFullResolution"][-1]
        assert (full["Width"], full["Height"]) == pixels.shape[::-1]
        assert full["Checksum"] == zlib.crc32(np.ascontiguousarray(pixels).tobytes())
    assert len(frames) == 2


def test_what_comes_later_is_a_new_version_and_the_old_one_stays(lake: ImagingLake) -> None:
    client = lake.now()
    (summary,) = found(client)
    name = summary["imageSetId"]

    lake.clock.advance(600)
    lake.store_files(*slices(3))
    client = lake.now()

    now = client.get_image_set(datastoreId=DATASTORE, imageSetId=name)
    versions = client.list_image_set_versions(datastoreId=DATASTORE, imageSetId=name)["imageSetPropertiesList"]
    assert (now["versionId"], now["imageSetWorkflowStatus"]) == ("2", "IMPORTED")
    assert [one["versionId"] for one in versions] == ["2", "1"]
    assert versions[1]["ImageSetWorkflowStatus"] == "CREATED"
    assert len(instances_of(document_of(client, name))) == 3
    assert len(instances_of(document_of(client, name, versionId="1"))) == 2
    assert client.get_image_set(datastoreId=DATASTORE, imageSetId=name, versionId="1")["versionId"] == "1"
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_image_set(datastoreId=DATASTORE, imageSetId=name, versionId="3")


def test_the_same_again_changes_nothing(lake: ImagingLake) -> None:
    before = found(lake.now())

    lake.clock.advance(600)
    lake.store_files(*slices(1, 2))

    assert found(lake.now()) == before


def test_versions_are_turned_by_page(lake: ImagingLake) -> None:
    for number in (3, 4, 5):
        lake.clock.advance(600)
        lake.store_files(*slices(number))
    client = lake.now()
    (summary,) = found(client)

    pages = client.get_paginator("list_image_set_versions").paginate(
        datastoreId=DATASTORE, imageSetId=summary["imageSetId"], PaginationConfig={"PageSize": 1}
    )

    assert [one["versionId"] for page in pages for one in page["imageSetPropertiesList"]] == ["4", "3", "2", "1"]


def test_other_content_under_a_key_is_a_non_primary_image_set(lake: ImagingLake) -> None:
    lake.clock.advance(600)
    lake.store_files(*slices(1, PatientComments="another content"))
    client = lake.now()

    (other,) = found(client, filters=[{"values": [{"isPrimary": False}], "operator": "EQUAL"}])
    (primary,) = found(client, filters=[{"values": [{"isPrimary": True}], "operator": "EQUAL"}])

    (instance,) = instances_of(document_of(client, other["imageSetId"])).values()
    (frame,) = instance["ImageFrames"]
    answered = client.get_image_frame(
        datastoreId=DATASTORE, imageSetId=other["imageSetId"], imageFrameInformation={"imageFrameId": frame["ID"]}
    )
    assert other["isPrimary"] is False
    assert primary["imageSetId"] != other["imageSetId"]
    assert primary["version"] == 1
    assert len(answered["imageFrameBlob"].read()) == frame["FrameSizeInBytes"]


@pytest.mark.parametrize(
    "call",
    [
        lambda client, name: client.get_image_set(datastoreId=DATASTORE, imageSetId="0" * 32),
        lambda client, name: client.list_image_set_versions(datastoreId=DATASTORE, imageSetId="0" * 32),
        lambda client, name: client.get_image_set_metadata(datastoreId=DATASTORE, imageSetId="0" * 32),
        lambda client, name: client.get_image_set_metadata(datastoreId=DATASTORE, imageSetId=name, versionId="9"),
        lambda client, name: client.get_image_frame(
            datastoreId=DATASTORE, imageSetId=name, imageFrameInformation={"imageFrameId": "0" * 32}
        ),
        lambda client, name: client.search_image_sets(datastoreId="f" * 32, searchCriteria={}),
    ],
)
def test_what_is_not_there_is_not_found(lake: ImagingLake, call: Any) -> None:
    client = lake.now()
    (summary,) = found(client)

    with pytest.raises(client.exceptions.ResourceNotFoundException):
        call(client, summary["imageSetId"])


# --- search --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def many() -> ImagingLake:
    """Five studies of different days, two of one patient, the third with two series."""
    lake = ImagingLake()
    for number in range(5):
        names = {
            "StudyInstanceUID": f"1.9.{number}",
            "StudyDate": f"2024010{number + 1}",
            "StudyTime": "101500",
            "PatientID": "P0" if number < 2 else f"P{number}",
            "AccessionNumber": f"A{number}",
            "StudyID": f"S{number}",
        }
        uids = {"SeriesInstanceUID": f"1.9.{number}.1", "SOPInstanceUID": f"1.9.{number}.1.1"}
        lake.store_files(*slices(1, **names, **uids))
        if number == 2:
            uids = {"SeriesInstanceUID": f"1.9.{number}.2", "SOPInstanceUID": f"1.9.{number}.2.1"}
            lake.store_files(*slices(1, **names, **uids))
        lake.clock.advance(60)
    return lake


def equal(**value: Any) -> dict[str, Any]:
    """A filter on one value."""
    return {"values": [value], "operator": "EQUAL"}


def between(*values: dict[str, Any]) -> dict[str, Any]:
    """A filter on a range."""
    return {"values": list(values), "operator": "BETWEEN"}


def series_of(summaries: list[dict[str, Any]]) -> list[str]:
    """Which series a search found, in order."""
    return [one["DICOMTags"]["DICOMSeriesInstanceUID"] for one in summaries]


def day(number: int, time: str = "") -> dict[str, Any]:
    """A study's day in January, as a filter's value."""
    more = {"DICOMStudyTime": time} if time else {}
    return {"DICOMStudyDateAndTime": {"DICOMStudyDate": f"2024010{number}", **more}}


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ([equal(DICOMPatientId="P0")], {"1.9.0.1", "1.9.1.1"}),
        ([equal(DICOMPatientId="p0")], set()),
        ([equal(DICOMAccessionNumber="A2")], {"1.9.2.1", "1.9.2.2"}),
        ([equal(DICOMStudyId="S3")], {"1.9.3.1"}),
        ([equal(DICOMStudyInstanceUID="1.9.2")], {"1.9.2.1", "1.9.2.2"}),
        ([equal(DICOMSeriesInstanceUID="1.9.2.2")], {"1.9.2.2"}),
        ([equal(DICOMPatientId="P0"), equal(DICOMAccessionNumber="A1")], {"1.9.1.1"}),
        ([between(day(2), day(4))], {"1.9.1.1", "1.9.2.1", "1.9.2.2", "1.9.3.1"}),
        ([between(day(2, "1016"), day(4))], {"1.9.2.1", "1.9.2.2", "1.9.3.1"}),
        ([equal(**day(1))], {"1.9.0.1"}),
        ([equal(**day(1, "101501"))], set()),
        ([equal(isPrimary=True), between(day(1), day(2))], {"1.9.0.1", "1.9.1.1"}),
        ([equal(isPrimary=False)], set()),
    ],
)
@pytest.mark.parametrize("field", ["updatedAt", "createdAt", "DICOMStudyDateAndTime"])
def test_a_search_finds_what_its_filters_name(
    many: ImagingLake, filters: list[Any], expected: set[str], field: str
) -> None:
    sort = {"sortField": field, "sortOrder": "ASC"}

    summaries = found(many.now(), filters=filters, sort=sort)

    assert set(series_of(summaries)) == expected
    assert len(summaries) == len(expected)
    studies = [one.rpartition(".")[0] for one in series_of(summaries)]
    assert studies == sorted(studies)


@pytest.mark.parametrize("field", ["updatedAt", "createdAt", "DICOMStudyDateAndTime"])
@pytest.mark.parametrize("size", [1, 2, 50])
def test_pages_are_one_list_in_the_order_asked_for(many: ImagingLake, field: str, size: int) -> None:
    client, orders = many.now(), {}
    for order in ("ASC", "DESC"):
        criteria = {"sort": {"sortField": field, "sortOrder": order}}
        pages = client.get_paginator("search_image_sets").paginate(
            datastoreId=DATASTORE, searchCriteria=criteria, PaginationConfig={"PageSize": size}
        )
        orders[order] = [one["imageSetId"] for page in pages for one in page["imageSetsMetadataSummaries"]]

    assert len(set(orders["ASC"])) == 6
    assert orders["DESC"] == orders["ASC"][::-1]


def test_without_a_sort_the_last_updated_come_first(many: ImagingLake) -> None:
    summaries = found(many.now())

    assert series_of(summaries)[0] == "1.9.4.1"
    assert [one["updatedAt"] for one in summaries] == sorted((one["updatedAt"] for one in summaries), reverse=True)


def test_times_are_searched_by_range(many: ImagingLake) -> None:
    client = many.now()
    third = next(one for one in found(client) if series_of([one]) == ["1.9.3.1"])
    at = third["createdAt"]

    around = [{"createdAt": at - timedelta(seconds=1)}, {"createdAt": at + timedelta(seconds=1)}]

    assert series_of(found(client, filters=[between(*around)])) == ["1.9.3.1"]
    assert series_of(found(client, filters=[equal(updatedAt=third["updatedAt"])])) == ["1.9.3.1"]


@pytest.mark.parametrize(
    ("filters", "told"),
    [
        ([between({"DICOMPatientId": "a"}, {"DICOMPatientId": "b"})], "BETWEEN is for"),
        ([between(day(1))], "two values"),
        ([{"values": [day(1), day(2)], "operator": "EQUAL"}], "EQUAL takes one"),
        ([between(day(2), day(1))], "lower one"),
        ([between(day(1), {"createdAt": 5})], "one attribute"),
        ([equal(DICOMStudyDateAndTime={"DICOMStudyDate": "2024"})], "YYYYMMDD"),
    ],
)
def test_a_filter_that_means_nothing_is_told(many: ImagingLake, filters: list[Any], told: str) -> None:
    client = many.now()

    with pytest.raises(client.exceptions.ValidationException, match=told):
        client.search_image_sets(datastoreId=DATASTORE, searchCriteria={"filters": filters})


def test_the_data_store_of_the_tests_has_an_id_of_the_models_form() -> None:
    assert DatastoreId("d" * 32) == DATASTORE


# --- deletion ------------------------------------------------------------------------------------------------------


def test_a_deleted_instance_leaves_the_next_version_and_its_frames_at_once(lake: ImagingLake) -> None:
    client = lake.now()
    (summary,) = found(client)
    name = summary["imageSetId"]
    instances = instances_of(document_of(client, name))
    gone, kept = instances
    (frame,) = instances[gone]["ImageFrames"]

    lake.clock.advance(600)
    lake.delete(summary["DICOMTags"]["DICOMStudyInstanceUID"], summary["DICOMTags"]["DICOMSeriesInstanceUID"], gone)
    client = lake.now()

    wanted = {"imageFrameId": frame["ID"]}
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_image_frame(datastoreId=DATASTORE, imageSetId=name, imageFrameInformation=wanted)
    lake.pump()
    client = lake.now()
    assert list(instances_of(document_of(client, name))) == [kept]
    assert client.get_image_set(datastoreId=DATASTORE, imageSetId=name)["versionId"] == "2"


def test_frames_are_asked_for_between_a_deletion_and_its_version_without_a_trace(lake: ImagingLake) -> None:
    client = lake.now()
    (summary,) = found(client)
    name, tags = summary["imageSetId"], summary["DICOMTags"]
    gone, frames = next((uid, one["ImageFrames"]) for uid, one in instances_of(document_of(client, name)).items())
    wanted = {"imageSetId": name, "imageFrameInformation": {"imageFrameId": frames[0]["ID"]}}
    lake.clock.advance(600)
    lake.delete(tags["DICOMStudyInstanceUID"], tags["DICOMSeriesInstanceUID"], gone)
    client = lake.now()
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_image_frame(datastoreId=DATASTORE, **wanted)

    assert not [info for info in lake.store.objects.versions("image-sets/").items if info.key.endswith(".frames")]


def test_a_series_without_instances_is_a_deleted_image_set(lake: ImagingLake) -> None:
    client = lake.now()
    (summary,) = found(client)
    name = summary["imageSetId"]

    lake.clock.advance(600)
    lake.delete(summary["DICOMTags"]["DICOMStudyInstanceUID"])
    lake.pump()
    client = lake.now()

    one = client.get_image_set(datastoreId=DATASTORE, imageSetId=name)
    assert (one["imageSetState"], one["imageSetWorkflowStatus"]) == ("DELETED", "DELETED")
    assert one["deletedAt"]
    assert found(client) == []
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_image_set_metadata(datastoreId=DATASTORE, imageSetId=name)
