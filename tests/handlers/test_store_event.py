"""What the handler of STOW-RS makes of the event that API Gateway sends."""

import base64
import json

import pytest

from tests.handlers.conftest import DeployedLake
from tests.handlers.events import IMAGE, MARKS, STUDY, event
from tests.unit.web.stow_lake import multipart


@pytest.mark.parametrize(("part", "status", "told"), [(IMAGE, 200, 1), (b"a text, and no DICOM " * 20, 409, 0)])
def test_a_request_is_decided_before_it_is_answered(
    deployed: DeployedLake, part: bytes, status: int, told: int, capsys: pytest.CaptureFixture[str]
) -> None:
    body = multipart(part)
    sent = event("http/store_instances.json", BODY=base64.b64encode(body).decode(), LENGTH=str(len(body)))

    answer = deployed.run("store_instances", sent)

    assert answer["statusCode"] == status, answer
    assert len(deployed.sent("told")) == told
    assert len([row for row in deployed.rows("clinical") if row["pk"]["S"].endswith(STUDY)]) >= told
    assert [key.split("/")[0] for key in deployed.keys("landing")] == ["stow"]
    (line,) = [json.loads(text) for text in capsys.readouterr().out.splitlines() if '"event"' in text]
    assert (line["event"], line["outcome"], line["status"]) == ("store", "ok", status)
    assert not [mark for mark in (*MARKS, STUDY) if mark in json.dumps(line)]


def test_the_event_of_what_a_request_brought_finds_it_decided(
    deployed: DeployedLake, capsys: pytest.CaptureFixture[str]
) -> None:
    body = multipart(IMAGE)
    sent = event("http/store_instances.json", BODY=base64.b64encode(body).decode(), LENGTH=str(len(body)))
    deployed.run("store_instances", sent)
    (landed,) = deployed.client("s3").list_object_versions(Bucket="landing")["Versions"]
    announced = json.dumps(event("sqs/landed.json", VERSION=landed["VersionId"]))
    spelled = "sources/hospital-7/%E6%82%A3%E8%80%85+Sentinel%2BOtto/%C3%BC%2520.dcm"
    assert spelled in announced

    answer = deployed.run("ingest_instances", json.loads(announced.replace(spelled, landed["Key"])))

    assert answer == {"batchItemFailures": []}
    line = [json.loads(text) for text in capsys.readouterr().out.splitlines() if '"event"' in text][-1]
    assert (line["event"], line["decidedBefore"], line["images"]) == ("ingest", 1, 0)
    assert "GetObject" not in line["calls"]
