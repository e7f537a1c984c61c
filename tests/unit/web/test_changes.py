"""Changes over the API: deletion at every level, what every other path says of it, undoing, holds, who may."""

import json
from datetime import timedelta
from typing import Any

import pytest

from dicomlake.domain.events import ChangeStudy, StudyChanged
from dicomlake.domain.study import parse_time
from dicomlake.usecases.change_steps import STEPS
from dicomlake.usecases.change_study import ChangePorts, resume_change
from dicomlake.web.app import answer
from dicomlake.web.services import Services
from tests.builders import AT
from tests.unit.web.events import CALLER, OPERATING, body_of, event, get, get_json
from tests.usecases.stored_lake import STORE, StoredLake

ROOT = f"/dicomweb/{STORE}/studies"
ONE, TWO = f"{ROOT}/1.2.1/series/1.2.1.1/instances/1.2.1.1.1", f"{ROOT}/1.2.1/series/1.2.1.1/instances/1.2.1.1.2"


@pytest.fixture
def lake() -> StoredLake:
    lake = StoredLake()
    lake.add("1.2.1", "1.2.1.1", [[b"one"], [b"two"]])
    lake.add("1.2.1", "1.2.1.2", [[b"three"]], modality="MR")
    lake.add("1.2.2", "1.2.2.1", [[b"four"]])
    lake.clock.set(parse_time(AT) + timedelta(hours=1))
    return lake


def ask(lake: StoredLake, method: str, url: str, caller: str = OPERATING, services: Services | None = None) -> Any:
    return answer(event(url, method=method, caller=caller), services or lake.services())


def status(lake: StoredLake, url: str) -> int:
    found: int = get(lake.services(), url)["statusCode"]
    return found


def found(lake: StoredLake, url: str) -> list[str]:
    """The UIDs that a search gives."""
    answered = get(lake.services(), url)
    items = json.loads(body_of(answered)) if answered["statusCode"] == 200 else []
    return sorted(item["00080018" if "instances" in url else "0020000D"]["Value"][0] for item in items)


def test_a_deleted_instance_is_gone_at_once_on_every_path(lake: StoredLake) -> None:
    deleted = ask(lake, "DELETE", ONE)

    assert (deleted["statusCode"], deleted["headers"]["etag"]) == (204, '"1"')
    assert status(lake, f"{ONE}/metadata") == status(lake, "/lake/restore/1.2.1/1.2.1.1/1.2.1.1.1") == 410
    assert status(lake, f"{TWO}/metadata") == 200
    assert found(lake, f"{ROOT}/1.2.1/series/1.2.1.1/instances") == ["1.2.1.1.2"]
    assert len(get_json(lake.services(), f"{ROOT}/1.2.1/series/1.2.1.1/metadata")) == 1
    (study,) = get_json(lake.services(), f"{ROOT}?StudyInstanceUID=1.2.1")
    assert study["00201208"]["Value"] == [2]


def test_a_deleted_series_takes_its_modality_along(lake: StoredLake) -> None:
    ask(lake, "DELETE", f"{ROOT}/1.2.1/series/1.2.1.2")

    (study,) = get_json(lake.services(), f"{ROOT}?StudyInstanceUID=1.2.1")
    assert (study["00080061"]["Value"], study["00201206"]["Value"]) == (["CT"], [1])
    assert found(lake, f"{ROOT}?ModalitiesInStudy=MR") == []
    assert status(lake, f"{ROOT}/1.2.1/series/1.2.1.2/metadata") == 410
    assert len(get_json(lake.services(), f"{ROOT}/1.2.1/metadata")) == 2


def test_a_deleted_study_is_found_by_nothing_and_told_to_who_listens(lake: StoredLake) -> None:
    ask(lake, "DELETE", f"{ROOT}/1.2.1?reason=wrong%20patient")

    assert found(lake, ROOT) == found(lake, f"{ROOT}?PatientID=P1") == ["1.2.2"]
    assert status(lake, f"{ROOT}/1.2.1/metadata") == 410
    assert not [one for one in lake.datastore.state.search if one[1] == "1.2.1" and "open" not in one[0].partition]
    (told,) = [one for one in lake.events.events if isinstance(one, StudyChanged)]
    assert (told.kind, told.instances, told.number) == ("deleted", 3, 1)
    (change,) = get_json(lake.services(), "/lake/studies/1.2.1/history", caller=OPERATING)["changes"]
    assert (change["kind"], change["by"], change["reason"]) == ("delete", OPERATING, "wrong patient")


def test_deleting_again_is_no_error_and_no_change(lake: StoredLake) -> None:
    ask(lake, "DELETE", f"{ROOT}/1.2.1")

    again = ask(lake, "DELETE", f"{ROOT}/1.2.1")

    assert again["statusCode"] == 204
    assert len(lake.datastore.changes.history("1.2.1")) == 1  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "url", [f"{ROOT}/1.9", f"{ROOT}/1.2.1/series/1.9", f"{ROOT}/1.2.1/series/1.2.1.1/instances/1.9"]
)
def test_what_was_never_stored_cannot_be_deleted(lake: StoredLake, url: str) -> None:
    assert ask(lake, "DELETE", url)["statusCode"] == 404


def test_a_deletion_that_is_undone_leaves_all_as_it_was(lake: StoredLake) -> None:
    before = get_json(lake.services(), f"{ROOT}?StudyInstanceUID=1.2.1"), found(lake, f"{ROOT}/1.2.1/instances")
    ask(lake, "DELETE", f"{ROOT}/1.2.1")

    undone = ask(lake, "POST", "/lake/studies/1.2.1/history/1/undo")

    after = get_json(lake.services(), f"{ROOT}?StudyInstanceUID=1.2.1"), found(lake, f"{ROOT}/1.2.1/instances")
    assert (undone["statusCode"], undone["headers"]["etag"]) == (204, '"2"')
    assert after == before


def test_readers_change_nothing(lake: StoredLake) -> None:
    urls = [("DELETE", f"{ROOT}/1.2.1"), ("PUT", "/lake/studies/1.2.1/hold"), ("POST", "/lake/studies/1.2.1/purge")]

    assert [ask(lake, method, url, CALLER)["statusCode"] for method, url in urls] == [403, 403, 403]


def test_what_is_held_stays_until_it_is_released(lake: StoredLake) -> None:
    assert ask(lake, "PUT", "/lake/studies/1.2.1/hold")["statusCode"] == 204
    assert ask(lake, "PUT", "/lake/studies/1.2.1/hold")["statusCode"] == 204

    refused = ask(lake, "DELETE", ONE)

    assert (refused["statusCode"], json.loads(body_of(refused))["reason"]) == (409, "held")
    assert ask(lake, "DELETE", "/lake/studies/1.2.1/hold")["statusCode"] == 204
    assert ask(lake, "DELETE", ONE)["statusCode"] == 204


def test_a_large_deletion_goes_on_behind_a_202_and_hides_all_in_the_end(lake: StoredLake) -> None:
    for first in range(1, 101, 25):
        lake.add("1.2.3", "1.2.3.1", [[b"x"]] * 25, first)
    hurried = lake.services(late=lambda: True)

    answered = ask(lake, "DELETE", f"{ROOT}/1.2.3", services=hurried)
    watched = get_json(lake.services(), "/lake/studies/1.2.3/history", caller=OPERATING)["underWay"]
    busy = ask(lake, "DELETE", f"{ROOT}/1.2.3/series/1.2.3.1")
    work_off(lake)

    assert (answered["statusCode"], watched["instances"]) == (202, 30)
    assert answered["headers"]["location"].endswith("/lake/studies/1.2.3/history?datastore=reading-room")
    assert (busy["statusCode"], busy["headers"]["retry-after"]) == (409, "2")
    assert status(lake, f"{ROOT}/1.2.3/metadata") == 410
    assert [one.instances for one in lake.datastore.changes.history("1.2.3")] == [100]  # type: ignore[arg-type]


PATIENT = {"00100020": {"vr": "LO", "Value": ["RIGHT"]}}


def patch(lake: StoredLake, url: str, body: object, method: str = "PATCH", **headers: str) -> Any:
    return answer(event(url, method=method, caller=OPERATING, body=body, **headers), lake.services())


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_corrected_metadata_are_shown_found_and_versioned(lake: StoredLake, method: str) -> None:
    metadata = f"{ROOT}/1.2.1/metadata"

    done = patch(lake, metadata, [PATIENT], method, if_match='"0"')

    assert (done["statusCode"], done["headers"]["etag"]) == (204, '"1"')
    assert found(lake, f"{ROOT}?PatientID=RIGHT") == ["1.2.1"]
    assert {one["00100020"]["Value"][0] for one in get_json(lake.services(), metadata)} == {"RIGHT"}
    assert all("04000561" not in one for one in get_json(lake.services(), f"{metadata}?version=0"))
    assert status(lake, f"{metadata}?version=9") == 404
    (change,) = get_json(lake.services(), "/lake/studies/1.2.1/history", caller=OPERATING)["changes"]
    assert (change["kind"], change["values"]) == ("correct", PATIENT)


def test_a_correction_of_an_older_version_is_stale_and_one_of_a_uid_refused(lake: StoredLake) -> None:
    metadata = f"{ROOT}/1.2.1/metadata"
    patch(lake, metadata, PATIENT)

    stale = patch(lake, metadata, PATIENT, if_match='"0"')
    refused = patch(lake, metadata, {"0020000D": {"vr": "UI", "Value": ["1.2.9"]}})

    assert (stale["statusCode"], refused["statusCode"]) == (412, 400)
    assert ask(lake, "PATCH", metadata, CALLER)["statusCode"] == 403


def test_a_correction_is_taken_back_by_its_number(lake: StoredLake) -> None:
    before = get_json(lake.services(), f"{ROOT}/1.2.1/metadata")
    patch(lake, f"{ROOT}/1.2.1/metadata", PATIENT)

    undone = ask(lake, "POST", "/lake/studies/1.2.1/history/1/undo")

    assert (undone["statusCode"], undone["headers"]["etag"]) == (204, '"2"')
    assert get_json(lake.services(), f"{ROOT}/1.2.1/metadata") == before
    assert found(lake, f"{ROOT}?PatientID=RIGHT") == []


def work_off(lake: StoredLake) -> None:
    """Do what the queue of changes holds."""
    ports = ChangePorts(
        STORE,
        lake.datastore,
        lake.changes,
        lake.events,
        lake.clock,
        lake.ids,
        lake.secret.lake_secret,
        STEPS,
    )
    for command, _ in lake.changes.take():
        assert isinstance(command, ChangeStudy)
        resume_change(command.study_uid, command.change_id, ports)
