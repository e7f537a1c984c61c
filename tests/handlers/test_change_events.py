"""What the handlers of changes make of requests and messages, told what the template tells them."""

import json

import pytest

from tests.handlers.conftest import DeployedLake
from tests.handlers.events import STUDY, event
from tests.handlers.test_ingest_events import NOTHING_FAILED, log_line
from tests.handlers.test_study_events import stored, tracked  # noqa: F401 - fixtures
from tests.unit.web.events import OPERATING
from tests.unit.web.events import event as request


def test_a_study_is_deleted_purged_and_tells_of_it(
    tracked: DeployedLake,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = f"/dicomweb/clinical/studies/{STUDY}"

    deleted = tracked.run("answer_changes", request(url, method="DELETE", caller=OPERATING))
    log_line(capsys)
    purged = tracked.run("answer_changes", request(f"/lake/studies/{STUDY}/purge", method="POST", caller=OPERATING))
    log_line(capsys)
    (command, *_) = tracked.sent("change-work")
    queued = event("sqs/instances_stored.json")
    queued["Records"][0]["body"] = json.dumps(command)
    carried = tracked.run("change_study", queued)

    assert (deleted["statusCode"], purged["statusCode"], carried) == (204, 202, NOTHING_FAILED)
    assert log_line(capsys)["images"] == 1
    told = [one for one in tracked.sent("told") if one["type"] == "StudyChanged"]
    assert [(one["kind"], one["number"], one["instances"]) for one in told] == [("deleted", 1, 1), ("purged", 2, 1)]
    assert len([key for key in tracked.keys("clinical-packs") if key.startswith("journal/")]) == 2
    assert tracked.run("answer_dicomweb", request(f"{url}/metadata", caller=OPERATING))["statusCode"] == 410
    assert tracked.run("track_study", told_of(told[0])) == NOTHING_FAILED


def told_of(message: object) -> object:
    """A change's event as the queue of studies gets it."""
    queued = event("sqs/instances_stored.json")
    queued["Records"][0]["body"] = json.dumps(message)
    return queued
