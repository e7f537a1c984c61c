"""boto3's own `medical-imaging` client against a running lake: every operation, as a user's code calls it."""

import gzip
import json
import subprocess
import sys
import time
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config

from dicomlake.client.lake import LakeClient
from tests.pipeline.running import RunningLake
from tests.usecases.dicom_files import changed, ct_slice

ROLE = "arn:aws:iam::000000000000:role/import"
SECONDS = 120


def client_of(lake: RunningLake, **changes: Any) -> Any:
    """boto3's client with the keys that endpoints.json tells."""
    told = lake.endpoints
    arguments = {
        "endpoint_url": told.imaging,
        "region_name": told.region,
        "aws_access_key_id": told.accessKeyId,
        "aws_secret_access_key": told.secretAccessKey,
        "config": Config(inject_host_prefix=False),
    }
    return boto3.client("medical-imaging", **(arguments | changes))


@pytest.fixture(scope="module")
def imaging(lake: RunningLake) -> Any:
    """The client of whoever runs the lake."""
    return client_of(lake)


@pytest.fixture(scope="module")
def job(lake: RunningLake, imaging: Any) -> dict[str, Any]:
    """An import that is done: two slices and a text."""
    bucket, unique = f"import-{uuid4().hex[:12]}", str(uuid4().int)[:12]
    lake.s3.create_bucket(Bucket=bucket)
    for number in (1, 2):
        uids = {"StudyInstanceUID": f"1.7.{unique}", "SeriesInstanceUID": f"1.7.{unique}.1"}
        body = changed(ct_slice(number=number), SOPInstanceUID=f"1.7.{unique}.1.{number}", PatientID=unique, **uids)
        lake.s3.put_object(Bucket=bucket, Key=f"in/患者 {number}.dcm", Body=body)
    lake.s3.put_object(Bucket=bucket, Key="in/readme.txt", Body=b"no DICOM " * 50)
    asked = {
        "datastoreId": lake.endpoints.datastoreId,
        "dataAccessRoleArn": ROLE,
        "inputS3Uri": f"s3://{bucket}/in",
        "outputS3Uri": f"s3://{bucket}/out/",
    }
    started = imaging.start_dicom_import_job(jobName="pipeline", clientToken=unique, **asked)
    assert imaging.start_dicom_import_job(jobName="pipeline", clientToken=unique, **asked)["jobId"] == started["jobId"]
    return {**asked, "bucket": bucket, "patient": unique, **ended(imaging, started)}


def ended(imaging: Any, started: dict[str, Any]) -> dict[str, Any]:
    """What GetDICOMImportJob says once the job is over."""
    deadline = time.monotonic() + SECONDS
    while True:
        names = {name: started[name] for name in ("datastoreId", "jobId")}
        told: dict[str, Any] = imaging.get_dicom_import_job(**names)["jobProperties"]
        if told["jobStatus"] in ("COMPLETED", "FAILED"):
            return told
        assert time.monotonic() < deadline, f"the job is {told['jobStatus']} after {SECONDS} s"
        time.sleep(0.5)


@pytest.fixture(scope="module")
def image_set(imaging: Any, job: dict[str, Any]) -> dict[str, Any]:
    """The imported series as a search finds it."""
    patient = {"values": [{"DICOMPatientId": job["patient"]}], "operator": "EQUAL"}
    found = imaging.search_image_sets(datastoreId=job["datastoreId"], searchCriteria={"filters": [patient]})
    (one,) = found["imageSetsMetadataSummaries"]
    return {"datastoreId": job["datastoreId"], "imageSetId": one["imageSetId"], "summary": one}


def names(image_set: dict[str, Any]) -> dict[str, str]:
    """The arguments that name an image set."""
    return {name: image_set[name] for name in ("datastoreId", "imageSetId")}


def test_an_import_job_reports_what_it_did(lake: RunningLake, imaging: Any, job: dict[str, Any]) -> None:
    folder = job["outputS3Uri"].partition(f"{job['bucket']}/")[2]
    listed = imaging.list_dicom_import_jobs(datastoreId=job["datastoreId"], jobStatus="COMPLETED")["jobSummaries"]

    body = lake.s3.get_object(Bucket=job["bucket"], Key=f"{folder}job-output-manifest.json")["Body"].read()

    summary = json.loads(body)["jobSummary"]
    assert job["jobStatus"] == "COMPLETED"
    assert job["jobId"] in [one["jobId"] for one in listed]
    assert (summary["numberOfScannedFiles"], summary["numberOfImportedFiles"]) == (3, 2)
    assert summary["numberOfFilesWithCustomerError"] == 1


def test_an_image_set_is_found_read_and_versioned(imaging: Any, image_set: dict[str, Any]) -> None:
    one = imaging.get_image_set(**names(image_set))
    versions = imaging.list_image_set_versions(**names(image_set))["imageSetPropertiesList"]

    assert one["imageSetState"] == "ACTIVE"
    assert one["versionId"] == versions[0]["versionId"] == str(image_set["summary"]["version"])
    assert image_set["summary"]["DICOMTags"]["DICOMNumberOfStudyRelatedInstances"] == 2


def test_metadata_and_frames_come_as_they_are(imaging: Any, image_set: dict[str, Any]) -> None:
    answered = imaging.get_image_set_metadata(**names(image_set))
    document = json.loads(gzip.decompress(answered["imageSetMetadataBlob"].read()))
    (series,) = document["Study"]["Series"].values()
    frames = [frame for one in series["Instances"].values() for frame in one["ImageFrames"]]

    for frame in frames:
        got = imaging.get_image_frame(**names(image_set), imageFrameInformation={"imageFrameId": frame["ID"]})
        assert got["contentType"] == "image/jphc"
        assert len(got["imageFrameBlob"].read()) == frame["FrameSizeInBytes"]
    assert (answered["contentEncoding"], len(frames)) == ("gzip", 2)


def test_data_stores_are_described_and_tagged(lake: RunningLake, imaging: Any) -> None:
    told = imaging.get_datastore(datastoreId=lake.endpoints.datastoreId)["datastoreProperties"]
    arn = told["datastoreArn"]

    imaging.tag_resource(resourceArn=arn, tags={"ward": "3 b"})
    tags = imaging.list_tags_for_resource(resourceArn=arn)["tags"]
    imaging.untag_resource(resourceArn=arn, tagKeys=["ward"])

    stores = {one["datastoreId"] for one in imaging.list_datastores()["datastoreSummaries"]}
    assert stores >= {lake.endpoints.datastoreId, lake.endpoints.researchDatastoreId}
    assert tags["ward"] == "3 b"
    assert "ward" not in imaging.list_tags_for_resource(resourceArn=arn)["tags"]
    with pytest.raises(imaging.exceptions.ServiceQuotaExceededException):
        imaging.create_datastore(datastoreName="third")
    with pytest.raises(imaging.exceptions.ConflictException):
        imaging.delete_datastore(datastoreId=lake.endpoints.datastoreId)


def test_a_wrong_secret_and_a_foreign_data_store_are_refused(lake: RunningLake, imaging: Any) -> None:
    wrong = client_of(lake, aws_secret_access_key="x" * 40)
    told = lake.endpoints

    with pytest.raises(wrong.exceptions.AccessDeniedException):
        wrong.list_datastores()
    operator = LakeClient(told)
    made = operator.issue_access_key("ward", told.researchDatastoreId, read_only=True)
    narrow = client_of(lake, aws_access_key_id=made["accessKeyId"], aws_secret_access_key=made["secretAccessKey"])
    assert narrow.get_datastore(datastoreId=told.researchDatastoreId)
    with pytest.raises(narrow.exceptions.AccessDeniedException):
        narrow.get_datastore(datastoreId=told.datastoreId)
    operator.revoke_access_key(made["accessKeyId"])
    with pytest.raises(narrow.exceptions.AccessDeniedException):
        narrow.get_datastore(datastoreId=told.researchDatastoreId)
    assert made["accessKeyId"] in [key["accessKeyId"] for key in operator.access_keys()]


def test_unchanged_code_needs_one_variable_of_the_environment(lake: RunningLake, image_set: dict[str, Any]) -> None:
    told = lake.endpoints
    code = "import boto3, sys; c = boto3.client('medical-imaging'); "
    code += "print(c.get_image_set(datastoreId=sys.argv[1], imageSetId=sys.argv[2])['imageSetState'])"
    environment = {
        "AWS_ENDPOINT_URL_MEDICAL_IMAGING": told.imaging,
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        "AWS_REGION": told.region,
        "AWS_DEFAULT_REGION": told.region,
        "AWS_ACCESS_KEY_ID": told.accessKeyId,
        "AWS_SECRET_ACCESS_KEY": told.secretAccessKey,
    }

    done = subprocess.run(  # noqa: S603 - our own line
        [sys.executable, "-c", code, *names(image_set).values()],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )

    assert done.stdout.strip() == "ACTIVE"
