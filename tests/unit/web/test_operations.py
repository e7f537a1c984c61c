"""The operations API over a lake in memory: uploads, where-is-it, quarantine, statistics, changes, restore plans."""

import json
import re
from typing import Any
from urllib.parse import quote

import pytest

from dicomlake.domain.commit import Commit, CommitRow
from dicomlake.domain.errors import Reason
from dicomlake.domain.ids import object_hash
from dicomlake.domain.ledger import LedgerEntry, Step, Tally
from dicomlake.domain.model import LedgerKey, Outcome
from dicomlake.lake.reader import PackReader
from dicomlake.web.app import answer
from tests.builders import AT
from tests.unit.web.events import OPERATING, body_of, event, get, get_json
from tests.usecases.stored_lake import StoredLake

MIB = 1024 * 1024


@pytest.fixture
def lake() -> StoredLake:
    lake = StoredLake()
    lake.add("1.2.1", "1.2.1.1", [[b"one"], [b"two"]])
    return lake


def post(lake: StoredLake, url: str, body: object) -> tuple[int, Any]:
    response = answer(event(url, method="POST", body=body), lake.services())
    return response["statusCode"], json.loads(body_of(response))


def quarantine(lake: StoredLake, key: str, reason: Reason = Reason.MALFORMED) -> LedgerEntry:
    """Put one object into quarantine, as the ingest does."""
    hashed = object_hash(lake.secret.lake_secret(), "landing", key)
    entry = LedgerEntry(
        key=LedgerKey(hashed, "v1"),
        outcome=Outcome.QUARANTINED,
        size=7,
        landed_at=AT,
        reason=reason,
        detail="the value of an element ends behind the object's end",
        quarantine_key=f"objects/{hashed}/v1",
        steps=(Step("quarantined", AT),),
    )
    row = CommitRow(lake.ids.new(), "quarantined", AT, None, Tally(quarantined=1), reasons=(str(reason),))
    assert lake.datastore.instances.commit(Commit(row, (entry,))) == ()
    lake.datastore.feed.append([row])
    return entry


def test_files_are_announced_and_get_a_url_each_under_keys_that_tell_nothing(lake: StoredLake) -> None:
    files = [{"name": "Yamada Tarou/1.dcm", "size": 500}, {"name": "b", "size": 600, "sha256": "a" * 64}]

    status, told = post(lake, "/uploads", {"files": files, "source": "hospital-7"})

    assert status == 200
    assert told["expiresIn"] == 3600
    first, second = told["files"]
    assert re.fullmatch(r"sources/hospital-7/[0-9a-f]{32}/0", first["key"])
    assert second["key"] == first["key"][:-1] + "1"
    assert first["method"] == "PUT"
    assert "Yamada" not in json.dumps(told)
    assert second["headers"] != {}


def test_a_file_over_64_mb_goes_up_in_parts_and_lands_when_it_is_completed(lake: StoredLake) -> None:
    _, told = post(lake, "/uploads", {"files": [{"name": "wsi", "size": 150 * MIB}]})
    (file,) = told["files"]

    assert file["partSize"] == 64 * MIB
    assert len(file["parts"]) == 3
    etags = [lake.uploads.send_part(file["uploadId"], number, b"%d" % number) for number in (1, 2, 3)]
    status, done = post(
        lake, "/uploads/complete", {"files": [{"key": file["key"], "uploadId": file["uploadId"], "etags": etags}]}
    )

    assert (status, done) == (200, {"completed": 1})
    assert lake.landing.get(file["key"]) == b"123"


def test_a_crc32c_is_a_header_of_a_whole_file_and_checked_of_one_in_parts(lake: StoredLake) -> None:
    files = [{"name": "a", "size": 9, "crc32c": "e3069283"}, {"name": "wsi", "size": 150 * MIB, "crc32c": "e3069283"}]
    _, told = post(lake, "/uploads", {"files": files})
    whole, parted = told["files"]
    etags = [
        lake.uploads.send_part(parted["uploadId"], number, text) for number, text in enumerate((b"12345", b"6789"), 1)
    ]
    file = {"key": parted["key"], "uploadId": parted["uploadId"], "etags": etags}

    wrong = post(lake, "/uploads/complete", {"files": [file | {"crc32c": "00000000"}]})[0]
    right = post(lake, "/uploads/complete", {"files": [file | {"crc32c": "e3069283"}]})[0]

    assert list(whole["headers"].values()) == ["e3069283"]
    assert (wrong, right) == (400, 200)
    assert lake.landing.get(parted["key"]) == b"123456789"


def test_an_upload_that_broke_goes_on_with_what_is_missing(lake: StoredLake) -> None:
    _, told = post(lake, "/uploads", {"files": [{"name": "wsi", "size": 150 * MIB}]})
    (file,) = told["files"]
    etag = lake.uploads.send_part(file["uploadId"], 2, b"2")

    asked = {"key": file["key"], "uploadId": file["uploadId"], "size": 150 * MIB}
    status, again = post(lake, "/uploads/resume", {"files": [asked]})

    assert status == 200
    (left,) = again["files"]
    assert [part["number"] for part in left["parts"]] == [1, 3]
    assert left["sent"] == {"2": etag}
    etags = [lake.uploads.send_part(file["uploadId"], number, b"%d" % number) for number in (1, 3)]
    done = {"key": file["key"], "uploadId": file["uploadId"], "etags": [etags[0], etag, etags[1]]}
    assert post(lake, "/uploads/complete", {"files": [done]})[0] == 200
    assert lake.landing.get(file["key"]) == b"123"
    assert post(lake, "/uploads/resume", {"files": [asked]})[0] == 404


def test_a_whole_file_whose_url_ran_out_is_signed_again_under_its_key(lake: StoredLake) -> None:
    _, told = post(lake, "/uploads", {"files": [{"name": "a", "size": 5, "sha256": "a" * 64}]})
    (file,) = told["files"]

    _, again = post(lake, "/uploads/resume", {"files": [{"key": file["key"], "size": 5, "sha256": "a" * 64}]})

    assert again["files"] == [file]


@pytest.mark.parametrize(
    "file",
    [
        {"key": "config/secret", "size": 5},
        {"key": "sources/default/" + "0" * 32 + "/0", "size": 150 * MIB},
        {"key": "sources/default/" + "0" * 32 + "/0", "size": 5, "uploadId": "u"},
        {"key": 1, "size": 5},
        {"size": 5},
    ],
)
def test_only_what_was_announced_is_resumed(lake: StoredLake, file: object) -> None:
    assert post(lake, "/uploads/resume", {"files": [file]})[0] == 400


def test_a_missing_part_is_told_and_nothing_lands(lake: StoredLake) -> None:
    _, told = post(lake, "/uploads", {"files": [{"name": "wsi", "size": 150 * MIB}]})
    (file,) = told["files"]
    etag = lake.uploads.send_part(file["uploadId"], 1, b"1")

    status, _ = post(
        lake,
        "/uploads/complete",
        {"files": [{"key": file["key"], "uploadId": file["uploadId"], "etags": [etag, etag, etag]}]},
    )

    assert status == 400
    assert not lake.landing.versions().items


def test_a_declared_study_knows_what_to_expect_before_and_after_its_first_image(lake: StoredLake) -> None:
    for uid in ("1.2.1", "1.2.9"):
        status, _ = post(
            lake, "/uploads", {"files": [{"name": "a", "size": 1}], "study": {"studyUid": uid, "expected": 7}}
        )
        assert status == 200

    lake.add("1.2.9", "1.2.9.1")

    known = get_json(lake.services(), "/lake/studies/1.2.1")
    early = get_json(lake.services(), "/lake/studies/1.2.9")
    assert (known["expected"], known["instances"]) == (7, 2)
    assert (early["expected"], early["instances"]) == (7, 1)
    found = get_json(lake.services(), "/dicomweb/reading-room/studies?StudyInstanceUID=1.2.9")
    assert found[0]["00201208"]["Value"] == [1]


def test_a_declared_study_without_images_is_not_found_by_a_search(lake: StoredLake) -> None:
    post(lake, "/uploads", {"files": [{"name": "a", "size": 1}], "study": {"studyUid": "1.2.9", "expected": 7}})

    studies = get_json(lake.services(), "/dicomweb/reading-room/studies")

    assert [study["0020000D"]["Value"] for study in studies] == [["1.2.1"]]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"files": []},
        {"files": [{"name": "a"}]},
        {"files": [{"name": "a", "size": 0}]},
        {"files": [{"name": "a", "size": True}]},
        {"files": [{"name": "a", "size": 1, "sha256": "xyz"}]},
        {"files": [{"name": "a", "size": 1, "crc32c": "xyz"}]},
        {"files": [{"name": "a", "size": 1, "crc32c": 5}]},
        {"files": [{"name": "a", "size": 1, "crc32c": "0" * 8, "sha256": "0" * 64}]},
        {"files": [{"name": "a", "size": 100 * MIB, "sha256": "0" * 64}]},
        {"files": [{"name": "a", "size": 1}], "source": "../x"},
        {"files": [{"name": "a", "size": 1}], "study": {"studyUid": "x", "expected": 1}},
        {"files": [{"name": "a", "size": 1}], "study": {"studyUid": "1.2", "expected": 0}},
        {"files": [{"name": "a", "size": 1}] * 1001},
        [],
    ],
)
def test_an_announcement_that_breaks_its_form_is_refused(lake: StoredLake, body: object) -> None:
    assert post(lake, "/uploads", body)[0] == 400


def test_an_upload_outside_the_announced_keys_cannot_be_completed(lake: StoredLake) -> None:
    file = {"key": "config/secret", "uploadId": "u", "etags": ["e"]}

    assert post(lake, "/uploads/complete", {"files": [file]})[0] == 400


def test_a_stored_instance_is_found_by_its_uid_with_its_steps(lake: StoredLake) -> None:
    found = get_json(lake.services(), "/lake/where?uid=1.2.1.1.2")

    (entry,) = found["objects"]
    assert entry["outcome"] == "stored"
    assert entry["instance"] == {"study": "1.2.1", "series": "1.2.1.1", "instance": "1.2.1.1.2"}
    assert [step["name"] for step in entry["steps"]] == ["landed", "stored"]
    assert found["study"]["instances"] == 2


def test_a_study_is_found_by_its_uid(lake: StoredLake) -> None:
    found = get_json(lake.services(), "/lake/where?uid=1.2.1")

    assert found["objects"] == []
    assert (found["study"]["state"], found["study"]["stored"]) == ("receiving", 2)


def test_a_quarantined_object_is_found_by_its_key_with_reason_and_repair(lake: StoredLake) -> None:
    quarantine(lake, "in/a b.dcm")

    found = get_json(lake.services(), "/lake/where?key=in%2Fa+b.dcm")

    (entry,) = found["objects"]
    assert (entry["outcome"], entry["reason"]) == ("quarantined", "malformed")
    assert entry["sentence"] == "The data set cannot be read to its end."
    assert "in/a b" not in json.dumps(found)


def test_many_objects_are_looked_up_at_once_in_the_order_asked(lake: StoredLake) -> None:
    quarantine(lake, "in/a b.dcm")
    asked = [{"key": "in/later.dcm", "version": "v1"}, {"key": "in/a b.dcm", "version": "v1"}]

    status, told = post(lake, "/lake/where", {"objects": asked})

    assert status == 200
    assert told["objects"][0] is None
    assert told["objects"][1]["outcome"] == "quarantined"
    assert told["objects"][1]["id"].endswith("/v1")


def test_another_version_of_an_object_is_another_object(lake: StoredLake) -> None:
    quarantine(lake, "in/a.dcm")

    _, told = post(lake, "/lake/where", {"objects": [{"key": "in/a.dcm", "version": "v2"}]})

    assert told == {"objects": [None]}


@pytest.mark.parametrize(
    "objects", [[], [{"key": "a"}], [{"key": "a", "version": 1}], [{"key": "a", "version": "1"}] * 1001]
)
def test_a_list_of_objects_that_is_none_is_refused(lake: StoredLake, objects: list[dict[str, Any]]) -> None:
    assert post(lake, "/lake/where", {"objects": objects})[0] == 400


@pytest.mark.parametrize(
    ("query", "status"),
    [("", 400), ("?uid=1.2&key=a", 400), ("?uid=x", 400), ("?uid=9.9", 404), ("?key=never", 404)],
)
def test_what_is_nowhere_is_told_from_a_question_that_is_none(lake: StoredLake, query: str, status: int) -> None:
    assert get(lake.services(), f"/lake/where{query}")["statusCode"] == status


def test_an_operator_lists_the_quarantine_and_reads_what_was_kept(lake: StoredLake) -> None:
    entries = [quarantine(lake, f"in/{number}") for number in range(3)]

    page = get_json(lake.services(), "/lake/quarantine?limit=2", caller=OPERATING)
    rest = get_json(
        lake.services(), f"/lake/quarantine?limit=2&after={quote(page['after'], safe='')}", caller=OPERATING
    )
    one = get_json(lake.services(), f"/lake/quarantine/{page['objects'][0]['id']}", caller=OPERATING)

    listed = {entry["id"] for entry in (*page["objects"], *rest["objects"])}
    assert listed == {f"{entry.key.object_hash}/{entry.key.version_id}" for entry in entries}
    assert rest["after"] is None
    assert one["repair"] == "Ask the sender for an intact copy and land that."
    assert one["url"].startswith("memory://quarantine/objects/")


def test_statistics_add_up(lake: StoredLake) -> None:
    lake.datastore.feed.append(lake.datastore.state.committed)
    quarantine(lake, "in/1")

    told = get_json(lake.services(), "/lake/statistics", caller=OPERATING)

    assert told["landed"] == told["stored"] + told["duplicates"] + told["quarantined"] == 3
    assert told["instances"] == 2
    assert told["ratio"] == 1.0


def test_changes_are_read_behind_a_number(lake: StoredLake) -> None:
    lake.datastore.feed.append(lake.datastore.state.committed)
    quarantine(lake, "in/1")

    first = get_json(lake.services(), "/lake/changes?limit=1", caller=OPERATING)
    rest = get_json(lake.services(), f"/lake/changes?after={first['after']}", caller=OPERATING)

    assert [change["kind"] for change in first["changes"]] == ["stored"]
    assert [change["reasons"] for change in rest["changes"]] == [["malformed"]]
    assert get_json(lake.services(), "/lake/changes?after=2", caller=OPERATING) == {"changes": [], "after": 2}


def test_a_restore_plan_places_head_and_frames_in_the_pack(lake: StoredLake) -> None:
    plan = get_json(lake.services(), "/lake/restore/1.2.1/1.2.1.1/1.2.1.1.2")

    pack = next(info.key for info in lake.datastore.objects.versions().items)
    data = bytes(lake.datastore.objects.get(pack))
    reader = PackReader(lambda start, length: data[start : start + length], plan["pack"]["size"])
    (frame,) = plan["frames"]
    assert data[frame[0] : sum(frame)] == b"two"
    assert reader.head(plan["pack"]["ordinal"]) == b"head of 1.2.1.1.2"
    assert plan["head"][1] == len(b"head of 1.2.1.1.2")
    assert plan["headBlocks"][0]["stream"][0] <= plan["head"][0]
    assert plan["pack"]["url"].startswith(f"memory://lake/{pack}")
    assert plan["restorable"] == "bytes"


def test_a_series_plans_come_together_page_by_page() -> None:
    lake = StoredLake()
    for first in range(1, 150, 30):
        lake.add("1.2.1", "1.2.1.1", [[b"a"]] * 30, first)
    services, signed = lake.services(), []
    sign_get = lake.datastore.objects.sign_get

    def counted(key: str, seconds: int, version_id: str = "") -> str:
        signed.append(key)
        return sign_get(key, seconds, version_id)

    lake.datastore.objects.sign_get = counted  # type: ignore[method-assign]
    page = get_json(services, "/lake/restore/1.2.1/1.2.1.1")
    last = get_json(services, "/lake/restore/1.2.1/1.2.1.1?after=" + quote(page["after"], safe=""))

    assert (len(page["instances"]), len(last["instances"]), last["after"]) == (100, 50, None)
    assert len(signed) <= 2 * 5
    for plan in (page["instances"][0], last["instances"][-1]):
        alone = get_json(services, f"/lake/restore/1.2.1/1.2.1.1/{plan['instance']}")
        assert {**alone, "instance": plan["instance"]} == plan


@pytest.mark.parametrize(
    "url", ["/lake/studies/9.9", "/lake/restore/1.2.1/1.2.1.1/9.9", "/lake/restore/1.2.1/9.9", "/lake/quarantine/ab/v9"]
)
def test_what_is_not_there_is_404(lake: StoredLake, url: str) -> None:
    assert get(lake.services(), url, caller=OPERATING)["statusCode"] == 404
