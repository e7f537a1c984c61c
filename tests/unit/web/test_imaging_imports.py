"""Import jobs through boto3's own client: what they copy, what they say of each object, and that it adds up."""

import json
from typing import Any

import pytest

from dicomlake.adapters.memory import MemoryEventPublisher, MemoryObjectStore
from dicomlake.domain.errors import UnreadableError
from dicomlake.domain.events import ImportJobEnded, RunImport
from dicomlake.ports import ObjectStore
from dicomlake.usecases.run_import import ImportPorts, run_import
from tests.unit.web.imaging_lake import ImagingLake, found, slices
from tests.usecases.memory_lake import DATASTORE

ROLE = "arn:aws:iam::123456789012:role/import"
TOKEN = "token-1"  # noqa: S105 - names a request


class ImportLake(ImagingLake):
    """A lake whose import jobs are worked by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.ended = MemoryEventPublisher()
        self.files = MemoryObjectStore("files", self.store.objects._buckets)  # type: ignore[attr-defined]
        self.out = MemoryObjectStore("reports", self.store.objects._buckets)  # type: ignore[attr-defined]
        self.refused: frozenset[str] = frozenset()

    def bucket(self, name: str) -> ObjectStore:
        """The buckets that a job may name."""
        if name in self.refused:
            raise UnreadableError("no access")
        return {"files": self.files, "reports": self.out}[name]

    def step(self, command: RunImport) -> str:
        """Do one step of a job."""
        ports = ImportPorts(
            self.store, self.landing, "landing", self.bucket, self.work, self.ended, self.secret, self.clock
        )
        return run_import(command, ports).outcome

    def work_off(self) -> list[str]:
        """Do every step of every job, taking in between what landed."""
        outcomes = []
        while commands := [command for command, _ in self.work.take()]:
            outcomes += [self.step(command) for command in commands if isinstance(command, RunImport)]
            self.sweep()
            self.pump()
            assert len(outcomes) < 50
        return outcomes

    def start(self, client: Any, **changes: Any) -> dict[str, Any]:
        """Ask for a job."""
        asked = {
            "jobName": "monday",
            "datastoreId": DATASTORE,
            "dataAccessRoleArn": ROLE,
            "clientToken": TOKEN,
            "inputS3Uri": "s3://files/in",
            "outputS3Uri": "s3://reports/out/",
        }
        started: dict[str, Any] = client.start_dicom_import_job(**(asked | changes))
        return started

    def report(self, job: dict[str, Any], part: str) -> Any:
        """A file of a job's report: the manifest, or the lines of a part."""
        key = f"out/{DATASTORE}-DicomImport-{job['jobId']}/{part}"
        body = bytes(self.out.get(key)).decode()
        return json.loads(body) if part.endswith(".json") else [json.loads(line) for line in body.splitlines()]


@pytest.fixture
def lake() -> ImportLake:
    lake = ImportLake()
    for number, file in enumerate(slices(1, 2)):
        lake.files.put(f"in/患者 a+b/{number}.dcm", file)
    lake.files.put("in/again.dcm", slices(1)[0])
    lake.files.put("in/readme.txt", b"this is no DICOM file at all, and long enough to be looked at" * 9)
    lake.files.put("in/folder/", b"")
    lake.files.put("input-of-somebody-else/x.dcm", b"")
    return lake


def properties(client: Any, job: dict[str, Any]) -> dict[str, Any]:
    """What GetDICOMImportJob says."""
    told: dict[str, Any] = client.get_dicom_import_job(datastoreId=DATASTORE, jobId=job["jobId"])["jobProperties"]
    return told


def test_a_job_reports_every_object_once_and_its_numbers_add_up(lake: ImportLake) -> None:
    client = lake.now()

    job = lake.start(client)
    before = properties(client, job)
    lake.work_off()

    client = lake.now()
    after, summary = properties(client, job), lake.report(job, "job-output-manifest.json")["jobSummary"]
    assert (job["jobStatus"], before["jobStatus"], after["jobStatus"]) == ("SUBMITTED", "SUBMITTED", "COMPLETED")
    assert (before["outputS3Uri"], before["jobName"]) == ("s3://reports/out/", "monday")
    assert after["outputS3Uri"] == f"s3://reports/out/{DATASTORE}-DicomImport-{job['jobId']}/"
    assert after["endedAt"] >= after["submittedAt"]
    assert summary["numberOfScannedFiles"] == 4
    assert summary["numberOfImportedFiles"] == 3
    assert (summary["numberOfFilesWithCustomerError"], summary["numberOfFilesWithServerError"]) == (1, 0)
    assert summary["numberOfGeneratedImageSets"] == 1
    assert summary["imageSetsSummary"][0]["numberOfMatchedSOPInstances"] == 3


def test_lines_name_the_objects_as_they_were_named(lake: ImportLake) -> None:
    job = lake.start(lake.now())
    lake.work_off()

    done, failed = lake.report(job, "SUCCESS/success.ndjson"), lake.report(job, "FAILURE/failure.ndjson")
    (image_set,) = found(lake.now())

    assert {line["inputFile"] for line in done} == {"in/患者 a+b/0.dcm", "in/患者 a+b/1.dcm", "in/again.dcm"}
    assert all(
        line["importResponse"]
        == {"imageSetId": image_set["imageSetId"], "imageSetVersion": image_set["version"], "isPrimary": True}
        for line in done
    )
    assert sum(line.get("duplicate", False) for line in done) == 1
    assert [line["inputFile"] for line in failed] == ["in/readme.txt"]
    assert failed[0]["exception"]["exceptionType"] == "ValidationException"
    assert "not DICOM" in failed[0]["exception"]["message"]


def test_other_content_is_reported_as_non_primary_with_a_warning(lake: ImportLake) -> None:
    lake.start(lake.now())
    lake.work_off()
    lake.clock.advance(600)
    lake.files.put("more/other.dcm", slices(1, PatientComments="another content")[0])

    job = lake.start(lake.now(), clientToken="token-2", inputS3Uri="s3://files/more/")
    lake.work_off()

    (line,) = lake.report(job, "SUCCESS/success.ndjson")
    (warning,) = lake.report(job, "WARNING/warning.ndjson")
    assert line["importResponse"]["isPrimary"] is False
    assert warning["inputFile"] == "more/other.dcm"
    assert warning["warnings"][0]["warning_reason_code"] == 49151
    assert {one["isPrimary"] for one in found(lake.now())} == {True, False}


def test_the_report_is_there_before_the_status_says_so(lake: ImportLake) -> None:
    client = lake.now()
    job = lake.start(client)

    while True:
        (command,) = [command for command, _ in lake.work.take() if isinstance(command, RunImport)] or [None]
        if command is None:
            break
        manifest = f"out/{DATASTORE}-DicomImport-{job['jobId']}/job-output-manifest.json"
        there = any(one.key == manifest for one in lake.out.versions().items)
        assert properties(lake.now(), job)["jobStatus"] != "COMPLETED" or there
        lake.step(command)
        lake.sweep()
        lake.pump()

    assert lake.ended.events == [ImportJobEnded(DATASTORE, job["jobId"], "COMPLETED")]


def test_a_token_starts_one_job_however_often_it_is_sent(lake: ImportLake) -> None:
    client = lake.now()

    jobs = {lake.start(client)["jobId"] for _ in range(3)}
    lake.work_off()
    again = lake.start(lake.now())

    assert jobs == {again["jobId"]}
    assert again["jobStatus"] == "COMPLETED"
    assert lake.store.feed.head().tally.landed <= 4 * 3
    assert lake.report(again, "job-output-manifest.json")["jobSummary"]["numberOfScannedFiles"] == 4
    client = lake.now()
    with pytest.raises(client.exceptions.ConflictException):
        lake.start(client, inputS3Uri="s3://files/elsewhere/")


def test_steps_that_run_twice_change_nothing(lake: ImportLake) -> None:
    job = lake.start(lake.now())

    while commands := [command for command, _ in lake.work.take()]:
        for command in commands:
            assert isinstance(command, RunImport)
            held = lake.store.imports.import_job(job["jobId"])
            lake.step(command)
            assert held is not None
            assert lake.store.imports.save_import_job(held, held.version) is (
                lake.store.imports.import_job(job["jobId"]) == held
            )
        lake.sweep()
        lake.pump()
        if len(lake.ended.events) > 1:
            break

    assert lake.report(job, "job-output-manifest.json")["jobSummary"]["numberOfScannedFiles"] == 4


def test_an_empty_prefix_and_a_bucket_without_access_fail_with_a_message(lake: ImportLake) -> None:
    empty = lake.start(lake.now(), inputS3Uri="s3://files/nothing/here")
    lake.work_off()
    lake.refused = frozenset({"files"})
    closed = lake.start(lake.now(), clientToken="token-3")
    lake.work_off()

    client = lake.now()
    assert properties(client, empty)["jobStatus"] == properties(client, closed)["jobStatus"] == "FAILED"
    assert "no object" in properties(client, empty)["message"]
    assert "cannot be reached" in properties(client, closed)["message"]
    assert {event.status for event in lake.ended.events} == {"FAILED"}  # type: ignore[attr-defined]


def test_jobs_are_listed_last_first_by_page_and_by_status(lake: ImportLake) -> None:
    for number in range(3):
        lake.start(lake.now(), clientToken=f"t{number}", inputS3Uri="s3://files/nothing", jobName=f"n{number}")
        lake.clock.advance(1)
    lake.work_off()
    client = lake.now()

    pages = client.get_paginator("list_dicom_import_jobs").paginate(
        datastoreId=DATASTORE, PaginationConfig={"PageSize": 2}
    )
    failed = client.list_dicom_import_jobs(datastoreId=DATASTORE, jobStatus="FAILED")["jobSummaries"]
    done = client.list_dicom_import_jobs(datastoreId=DATASTORE, jobStatus="COMPLETED")["jobSummaries"]

    assert sorted(one["jobName"] for page in pages for one in page["jobSummaries"]) == ["n0", "n1", "n2"]
    assert (len(failed), done) == (3, [])


@pytest.mark.parametrize(
    "changes",
    [
        {"inputOwnerAccountId": "210987654321"},
        {"inputS3Uri": "s3://UPPER/x"},
        {
            "importConfiguration": {
                "dicomJsonMetadataImportConfiguration": {
                    "dicomMetadataMappings": [{"studyInstanceUID": "1.2", "metadataFilePath": "a"}]
                }
            }
        },
    ],
)
def test_what_the_lake_does_not_import_is_told_at_once(lake: ImportLake, changes: dict[str, Any]) -> None:
    client = lake.now()

    with pytest.raises((client.exceptions.ValidationException, client.exceptions.ConflictException)):
        lake.start(client, **changes)


def test_a_job_that_is_not_there_is_not_found(lake: ImportLake) -> None:
    client = lake.now()

    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_dicom_import_job(datastoreId=DATASTORE, jobId="f" * 32)
