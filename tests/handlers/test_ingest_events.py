"""What the handlers of ingest make of the events that AWS sends."""

import io
import json
import struct
import sys
import zlib
from typing import Any

import pydicom
import pytest
from pydicom.uid import RLELossless

from dicomlake.dicom.codecs import lossless
from dicomlake.domain.errors import NotFoundError
from tests.handlers.conftest import DeployedLake
from tests.handlers.events import IMAGE, KEY, MARKS, STUDY, event

NOTHING_FAILED: dict[str, Any] = {"batchItemFailures": []}


def log_line(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Return the one canonical line that an invocation wrote; it names no patient, study or key."""
    out = capsys.readouterr().out
    assert not [mark for mark in MARKS if mark in out]
    (line,) = [json.loads(line) for line in out.splitlines() if '"event"' in line]
    found: dict[str, Any] = line
    return found


@pytest.mark.parametrize("name", ["landed", "landed_in_envelope"])
def test_an_announced_object_is_stored(deployed: DeployedLake, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    version = deployed.put(KEY, IMAGE)

    answer = deployed.run("ingest_instances", event(f"sqs/{name}.json", VERSION=version))

    assert answer == NOTHING_FAILED
    line = log_line(capsys)
    assert (line["event"], line["outcome"], line["images"], line["messages"]) == ("ingest", "ok", 1, 1)
    (told,) = deployed.sent("told")
    assert (told["type"], told["datastore"], told["studies"]) == ("InstancesStored", "clinical", [STUDY])
    assert len(deployed.keys("clinical-packs")) == 1


@pytest.mark.parametrize(("body", "told"), [(IMAGE[:300], [1]), (b"a text, and no DICOM " * 20, [])])
def test_what_somebody_should_look_at_is_told_to_the_alarm(
    deployed: DeployedLake, body: bytes, told: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    version = deployed.put(KEY, body)

    deployed.run("ingest_instances", event("sqs/landed.json", VERSION=version))

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    metrics = [line for line in lines if "_aws" in line]
    assert [line["quarantined"] for line in lines if "event" in line] == [1]
    assert [line["RejectedObjects"] for line in metrics] == [[float(number)] for number in told]
    assert [line["environment"] for line in metrics] == ["dev"] * len(told)


@pytest.mark.parametrize("name", ["test_event", "deleted"])
def test_what_announces_nothing_is_taken_and_forgotten(
    deployed: DeployedLake, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = deployed.run("ingest_instances", event(f"sqs/{name}.json", VERSION="v"))

    assert answer == NOTHING_FAILED
    assert (log_line(capsys)["images"], deployed.rows("clinical"), deployed.sent("told")) == (0, [], [])


def test_a_message_that_is_none_of_ours_goes_back_alone(
    deployed: DeployedLake, capsys: pytest.CaptureFixture[str]
) -> None:
    version = deployed.put(KEY, IMAGE)

    answer = deployed.run("ingest_instances", event("sqs/not_ours_beside_landed.json", VERSION=version))

    assert answer == {"batchItemFailures": [{"itemIdentifier": "2e1424d4-f796-459a-8184-9c92662be6da"}]}
    assert log_line(capsys)["images"] == 1


def test_a_redelivered_object_goes_to_the_queue_that_takes_one(
    deployed: DeployedLake, capsys: pytest.CaptureFixture[str]
) -> None:
    version = deployed.put(KEY, IMAGE)

    answer = deployed.run("ingest_instances", event("sqs/landed_redelivered.json", VERSION=version))

    assert answer == NOTHING_FAILED
    assert log_line(capsys)["sent"] == {"alone": 1}
    (command,) = deployed.sent("ingest-one-work")
    assert command["landed"] == {
        "bucket": "landing",
        "key": KEY,
        "versionId": version,
        "size": 1898,
        "landedAt": "2026-03-01T10:00:00.000Z",
        "source": "hospital-7",
    }


def test_an_object_alone_is_stored_where_it_is(deployed: DeployedLake, capsys: pytest.CaptureFixture[str]) -> None:
    version = deployed.put(KEY, IMAGE)

    assert deployed.run("ingest_instances", event("sqs/landed_alone.json", VERSION=version)) == NOTHING_FAILED

    line = log_line(capsys)
    assert (line["images"], line["sent"]) == (1, {})


def test_a_second_delivery_changes_nothing(deployed: DeployedLake, capsys: pytest.CaptureFixture[str]) -> None:
    version = deployed.put(KEY, IMAGE)
    deployed.run("ingest_instances", event("sqs/landed.json", VERSION=version))
    before = deployed.rows("clinical")
    assert len(before) > 2
    capsys.readouterr()

    assert deployed.run("ingest_instances", event("sqs/landed.json", VERSION=version)) == NOTHING_FAILED

    line = log_line(capsys)
    assert (line["images"], line["duplicates"], line["decidedBefore"]) == (0, 0, 1)
    assert deployed.rows("clinical") == before


def test_an_object_over_the_limit_is_handed_on_unread(
    deployed: DeployedLake, capsys: pytest.CaptureFixture[str]
) -> None:
    deployed.run("ingest_instances", event("sqs/landed_large.json", VERSION="never-read"))

    line = log_line(capsys)
    assert (line["sent"], "s3:GetObject" in line["calls"]) == ({"large": 1}, False)
    assert [command["landed"]["key"] for command in deployed.sent("large-work")] == [KEY]


def test_an_empty_object_is_quarantined_and_a_vanished_one_dropped(
    deployed: DeployedLake, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = deployed.put(KEY, b"")
    deployed.run("ingest_instances", event("sqs/landed_empty.json", VERSION=empty))
    assert log_line(capsys)["quarantined"] == 1

    answer = deployed.run("ingest_instances", event("sqs/landed.json", VERSION="00000000-0000-0000-0000-000000000000"))

    assert answer == NOTHING_FAILED
    assert log_line(capsys)["vanished"] == 1


def test_what_is_no_dicom_is_kept_with_its_reason(deployed: DeployedLake, capsys: pytest.CaptureFixture[str]) -> None:
    version = deployed.put(KEY, b"Sentinel " * 100)

    deployed.run("ingest_instances", event("sqs/landed.json", VERSION=version))

    assert log_line(capsys)["quarantined"] == 1
    kept, note = sorted(deployed.keys("quarantine"))
    s3 = deployed.client("s3")
    assert s3.get_object(Bucket="quarantine", Key=kept)["Body"].read() == b"Sentinel " * 100
    assert json.loads(s3.get_object(Bucket="quarantine", Key=note)["Body"].read())["reason"] == "not-dicom"


def test_too_little_time_sends_objects_back_untouched(
    deployed: DeployedLake, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    version = deployed.put(KEY, IMAGE)
    monkeypatch.setattr(type(deployed.context), "get_remaining_time_in_millis", lambda _: 9_000)

    deployed.run("ingest_instances", event("sqs/landed.json", VERSION=version))

    assert log_line(capsys)["sent"] == {"later": 1}
    assert [command["attempt"] for command in deployed.sent("ingest-work")] == [0]
    assert deployed.rows("clinical") == []


def test_a_fault_that_is_nobodys_is_loud_and_raised_by_its_class(
    deployed: DeployedLake, capsys: pytest.CaptureFixture[str]
) -> None:
    version = deployed.put(KEY, IMAGE)
    deployed.client("dynamodb").delete_table(TableName="clinical-index")

    with pytest.raises(NotFoundError):
        deployed.run("ingest_instances", event("sqs/landed.json", VERSION=version))

    line = log_line(capsys)
    assert (line["outcome"], line["error"]) == ("error", "NotFoundError")


def test_a_crashed_object_is_quarantined_with_its_bytes(
    deployed: DeployedLake, capsys: pytest.CaptureFixture[str]
) -> None:
    version = deployed.put(KEY, IMAGE)

    assert deployed.run("quarantine_crashed", event("sqs/crashed.json", VERSION=version)) == NOTHING_FAILED

    line = log_line(capsys)
    assert (line["event"], line["quarantined"]) == ("quarantine-crashed", 1)
    kept = min(deployed.keys("quarantine"))
    assert deployed.client("s3").get_object(Bucket="quarantine", Key=kept)["Body"].read() == IMAGE


def test_a_large_object_starts_one_execution_however_often_it_is_told(
    deployed: DeployedLake, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert deployed.run("start_large", event("sqs/large.json", VERSION="v")) == NOTHING_FAILED
        log_line(capsys)

    machine = deployed.values["DICOMLAKE_LARGE_MACHINE_ARN"]
    (started,) = deployed.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
    assert not [mark for mark in MARKS if mark in started["name"]]


@pytest.fixture
def mismatching(monkeypatch: pytest.MonkeyPatch) -> None:
    """An encoder that loses a pixel of what it is given."""
    whole = lossless.encode

    def losing(array: Any, layout: Any, *, colour_transform: bool) -> bytes:
        wrong = array.copy()
        wrong.flat[0] ^= 1
        return whole(wrong, layout, colour_transform=colour_transform)

    monkeypatch.setattr(lossless, "encode", losing)


@pytest.mark.usefixtures("mismatching")
def test_a_mismatch_is_counted_and_never_stored_as_htj2k(
    deployed: DeployedLake, capsys: pytest.CaptureFixture[str]
) -> None:
    version = deployed.put(KEY, IMAGE)

    deployed.run("ingest_instances", event("sqs/landed.json", VERSION=version))

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (line,) = [line for line in lines if "event" in line]
    assert (line["images"], line["notExact"]) == (1, {"verify-mismatch": 1})
    assert [one["VerifyMismatches"] for one in lines if "VerifyMismatches" in one] == [[1.0]]
    packed = deployed.client("s3").get_object(Bucket="clinical-packs", Key=deployed.keys("clinical-packs")[0])
    assert b"\xff\x4f\xff\x51" not in packed["Body"].read()


def test_without_the_fast_encoder_all_is_stored_and_an_alarm_told(
    deployed: DeployedLake, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ojph.ojph_bindings", None)
    lossless.self_test.cache_clear()
    version = deployed.put(KEY, IMAGE)

    deployed.run("ingest_instances", event("sqs/landed.json", VERSION=version))
    lossless.self_test.cache_clear()

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (line,) = [line for line in lines if "event" in line]
    assert (line["images"], line["notExact"], line["encoderFallbacks"]) == (1, {}, 1)
    assert [one["EncoderFallbacks"] for one in lines if "EncoderFallbacks" in one] == [[1.0]]


@pytest.mark.parametrize(("setting", "stored"), [("", "1.2.840.10008.1.2.4.202"), ("keep", "1.2.840.10008.1.2.5")])
def test_an_environment_that_keeps_code_streams_stores_rle_as_it_came(
    deployed: DeployedLake, monkeypatch: pytest.MonkeyPatch, setting: str, stored: str
) -> None:
    dataset = pydicom.dcmread(io.BytesIO(IMAGE))
    dataset.compress(RLELossless, encoding_plugin="pydicom")
    out = io.BytesIO()
    dataset.save_as(out)
    monkeypatch.setenv("DICOMLAKE_CODE_STREAMS", setting)
    version = deployed.put(KEY, out.getvalue())

    deployed.run("ingest_instances", event("sqs/landed.json", VERSION=version))

    (pack,) = deployed.keys("clinical-packs")
    data = deployed.client("s3").get_object(Bucket="clinical-packs", Key=pack)["Body"].read()
    footer, length = struct.unpack_from("<QQ", data, len(data) - 48)
    (study,) = json.loads(zlib.decompress(data[footer : footer + length]))["studies"]
    (instance,) = study["series"][0]["instances"]
    assert (instance["stored_transfer_syntax"], instance["restorable"]) == (stored, "bytes" if setting else "pixels")
