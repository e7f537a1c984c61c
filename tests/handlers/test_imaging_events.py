"""The HealthImaging API's deployed handlers on golden events: a signed request, and a step of an import job."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from dicomlake.adapters.rest.signature import Credentials, Request, Signer
from dicomlake.domain.access_key import secret_access_key
from dicomlake.domain.ids import LakeSecret
from tests.handlers.conftest import REGION, DeployedLake
from tests.handlers.events import IMAGE, MARKS, event
from tests.handlers.test_study_events import OPERATING, log_line, request

NO_BODY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def issued(deployed: DeployedLake, **asked: Any) -> dict[str, Any]:
    """A key that the operator asks for."""
    body = json.dumps({"name": "tests", "datastore": "all", **asked})
    asking = {**request("/lake/keys", caller=OPERATING), "body": body}
    asking["requestContext"]["http"]["method"] = "POST"
    made: dict[str, Any] = json.loads(deployed.run("answer_operations", asking)["body"])
    return made


def listing(key: dict[str, Any]) -> dict[str, Any]:
    """ListDatastores as boto3 sends it, signed now."""
    credentials = Credentials(key["accessKeyId"], key["secretAccessKey"])
    asked = Request("GET", "ahi.example.org", "/datastore", {"maxResults": "10"})
    headers = Signer(credentials, REGION, "medical-imaging").sign(asked, NO_BODY, datetime.now(UTC))
    return event("http/list_datastores.json", AUTHORIZATION=headers["authorization"], MOMENT=headers["x-amz-date"])


def test_a_signed_request_is_answered_and_another_refused(
    deployed: DeployedLake, capsys: pytest.CaptureFixture[str]
) -> None:
    key = issued(deployed)
    capsys.readouterr()

    answered = deployed.run("answer_imaging", listing(key))
    line = log_line(capsys)
    refused = deployed.run("answer_imaging", listing({**key, "secretAccessKey": "x" * 40}))

    listed = json.loads(answered["body"])["datastoreSummaries"]
    assert key["secretAccessKey"] == secret_access_key(LakeSecret(b"s" * 64), key["accessKeyId"])
    assert {store["datastoreName"] for store in listed} == {"clinical", "research"}
    assert (line["event"], line["status"]) == ("imaging", 200)
    assert refused["statusCode"] == 403
    assert refused["headers"]["x-amzn-errortype"] == "AccessDeniedException"


def test_a_step_of_an_import_copies_what_it_names_and_logs_no_name(
    deployed: DeployedLake, capsys: pytest.CaptureFixture[str]
) -> None:
    job = "0" * 31 + "1"
    deployed.client("s3").put_object(Bucket="research-packs", Key="in/Sentinel 患者.dcm", Body=IMAGE)
    row = {"pk": {"S": f"J#{job}"}, "sk": {"S": "J"}}
    note_job(deployed, job)

    deployed.run("run_import", event("sqs/run_import.json", JOB=job))

    line = log_line(capsys)
    (again,) = deployed.sent("import-work")
    assert (line["steps"], line["objects"]) == ({"copied": 1}, 1)
    assert deployed.keys("landing") == [f"sources/import-{job}/000000/000"]
    assert again["jobId"] == job
    assert row in [{name: item[name] for name in ("pk", "sk")} for item in deployed.rows("clinical")]
    assert not any(mark in json.dumps(line) for mark in MARKS)


def note_job(deployed: DeployedLake, job: str) -> None:
    """Put a submitted job into the clinical table."""
    from dicomlake.adapters.dynamodb import dynamodb_datastore
    from dicomlake.adapters.memory import MemoryObjectStore
    from dicomlake.domain.imports import ImportJob
    from dicomlake.domain.model import DatastoreId

    store = dynamodb_datastore(deployed.client("dynamodb"), "clinical-index", MemoryObjectStore("packs"))
    uris = ("s3://research-packs/in", "s3://research-packs/out")
    made = ImportJob(job, "tests", DatastoreId("clinical"), "arn", *uris, "2026-01-01T00:00:00.000Z")
    assert store.imports.save_import_job(made, 0)
