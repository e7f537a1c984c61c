"""What the handlers of a study's life, the change feed, de-identification, the sweep and the API make of events."""

import base64
import hashlib
import json
from typing import Any

import pytest

from dicomlake.domain.errors import MalformedError
from tests.handlers.conftest import LOGICAL, DeployedLake
from tests.handlers.events import IMAGE, KEY, SERIES, STUDY, event
from tests.handlers.test_ingest_events import NOTHING_FAILED, log_line
from tests.unit.web.events import OPERATING
from tests.unit.web.events import event as request


@pytest.fixture
def stored(deployed: DeployedLake, capsys: pytest.CaptureFixture[str]) -> DeployedLake:
    """A lake that holds one image of one study."""
    version = deployed.put(KEY, IMAGE)
    deployed.run("ingest_instances", event("sqs/landed.json", VERSION=version))
    deployed.sent("told")
    log_line(capsys)
    return deployed


@pytest.fixture
def tracked(stored: DeployedLake, capsys: pytest.CaptureFixture[str]) -> DeployedLake:
    """The same, its study folded."""
    assert stored.run("track_study", event("sqs/instances_stored.json")) == NOTHING_FAILED
    assert log_line(capsys)["studies"] == 1
    return stored


def test_a_folded_study_gets_its_timer(tracked: DeployedLake) -> None:
    names = ["ApproximateNumberOfMessagesDelayed"]
    url = tracked.queue_urls["settle-work"]

    told = tracked.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]

    assert told == {"ApproximateNumberOfMessagesDelayed": "1"}


def test_a_message_on_the_wrong_queue_goes_back_and_says_which_class(
    stored: DeployedLake, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = stored.run("track_study", event("sqs/wrong_queue.json"))

    assert answer == {"batchItemFailures": [{"itemIdentifier": "059f36b4-87a3-44ab-83d2-661975830a7d"}]}
    line = log_line(capsys)
    assert (line["outcome"], line["errors"]) == ("partial", ["MalformedError"])


def test_a_study_is_planned_compacted_and_finished(
    tracked: DeployedLake, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(tracked.values, "DICOMLAKE_QUIET_SECONDS", "0")

    assert tracked.run("settle_study", event("sqs/settle_study.json")) == NOTHING_FAILED
    assert log_line(capsys)["studies"] == {"settling": 1}
    plan = tracked.run("plan_study", event("steps/plan_study.json"))
    log_line(capsys)
    assert plan["series"] == [event("steps/compact_series.json")]
    tracked.run("compact_series", plan["series"][0])
    assert log_line(capsys)["images"] == 1
    assert tracked.run("finish_study", event("steps/finish_study.json")) == {"outcome": "ready"}

    assert log_line(capsys)["result"] == "ready"
    (ready,) = tracked.sent("told")
    event_id = hashlib.sha256(f"clinical/{STUDY}/1".encode()).hexdigest()[:32]
    golden = json.loads(event("sqs/study_ready.json", EVENT_ID=event_id)["Records"][0]["body"])
    assert ready == golden | {"seconds": ready["seconds"]}


@pytest.mark.parametrize("folder", ["plan_study", "compact_series", "finish_study"])
def test_a_step_given_what_is_no_command_raises_the_class_by_its_name(
    deployed: DeployedLake, folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(MalformedError):
        deployed.run(folder, event("steps/not_a_command.json"))

    assert log_line(capsys)["error"] == "MalformedError"


def test_commit_rows_are_numbered_from_the_tables_stream(
    stored: DeployedLake, capsys: pytest.CaptureFixture[str]
) -> None:
    (row,) = [row for row in stored.rows("clinical") if row["sk"]["S"].startswith("C#")]

    stored.run("sequence_changes", stream_event(row))
    stored.run("sequence_changes", stream_event(row))

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["rows"], line["number"]) for line in lines] == [(1, 1), (1, 1)]


def stream_event(row: dict[str, Any]) -> dict[str, Any]:
    """The golden stream event with a row as its new image, binary in base64 as Lambda passes it."""
    found = event("stream/commit_row.json")
    image = {
        name: {kind: base64.b64encode(value).decode() if kind == "B" else value for kind, value in typed.items()}
        for name, typed in row.items()
    }
    found["Records"][0]["dynamodb"] |= {"Keys": {"pk": image["pk"], "sk": image["sk"]}, "NewImage": image}
    return found


def test_a_ready_study_is_copied_without_its_patient(tracked: DeployedLake, capsys: pytest.CaptureFixture[str]) -> None:
    assert tracked.run("deidentify_study", event("sqs/study_ready.json")) == NOTHING_FAILED

    line = log_line(capsys)
    assert (line["images"], line["refused"]) == (1, 0)
    (told,) = tracked.sent("told")
    assert (told["type"], told["datastore"], told["studies"] != [STUDY]) == ("InstancesStored", "research", True)


def test_the_sweep_runs_on_its_schedule(stored: DeployedLake, capsys: pytest.CaptureFixture[str]) -> None:
    stored.run("sweep_lake", event("schedule/sweep.json"))

    line = log_line(capsys)
    assert (line["event"], line["missing"], line["complete"]) == ("sweep", 0, True)


def test_a_request_is_answered_and_its_line_tells_no_path(
    tracked: DeployedLake, capsys: pytest.CaptureFixture[str]
) -> None:
    found = tracked.run("answer_dicomweb", request(f"/dicomweb/clinical/studies/{STUDY}/series/{SERIES}/metadata"))
    line = log_line(capsys)
    missing = tracked.run("answer_operations", request("/lake/where?key=nothing%20of%20Sentinel", caller=OPERATING))

    assert (found["statusCode"], missing["statusCode"]) == (200, 404)
    assert (line["status"], line["method"]) == (200, "GET")
    assert log_line(capsys)["status"] == 404


def test_instances_and_pictures_are_answered_by_the_function_that_opens_them(
    tracked: DeployedLake, capsys: pytest.CaptureFixture[str]
) -> None:
    series = f"/dicomweb/clinical/studies/{STUDY}/series/{SERIES}"

    files = tracked.run("answer_pixels", request(series))
    line = log_line(capsys)
    picture = tracked.run("answer_pixels", request(f"{series}/thumbnail"))

    assert (files["statusCode"], picture["statusCode"]) == (200, 200)
    assert b"DICM" in base64.b64decode(files["body"])
    assert base64.b64decode(picture["body"])[:2] == b"\xff\xd8"
    assert (line["event"], line["status"]) == ("pixels", 200)


def test_every_function_of_the_template_is_run_here(repository: Any) -> None:
    deployed_folders = {file.parent.name for file in (repository / "functions").glob("*/handler.py")}

    assert deployed_folders == set(LOGICAL)
