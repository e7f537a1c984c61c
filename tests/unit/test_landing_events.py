"""S3's ways of saying that something landed."""

import json
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomlake import wire
from dicomlake.domain.errors import MalformedError
from dicomlake.domain.events import IngestObject, SettleStudy
from dicomlake.domain.model import DatastoreId, LandedObject, StudyUid
from dicomlake.landing_events import ingest_commands, source_of


def record(key: str, name: str = "ObjectCreated:Put") -> dict[str, object]:
    entity = {"key": quote_plus(key), "size": 7, "versionId": "v1", "sequencer": "00"}
    return {"eventName": name, "s3": {"bucket": {"name": "b"}, "object": entity}}


def event(*records: object) -> str:
    return json.dumps({"Records": records})


@given(st.text(min_size=1, max_size=60).filter(lambda t: max(t) < "\ud800" or min(t) > "\udfff"))
def test_any_key_comes_through_its_percent_encoding(key: str) -> None:
    (command,) = ingest_commands(event(record(key)))

    assert command == IngestObject(LandedObject("b", key, "v1", 7, source_of(key)))


@pytest.mark.parametrize(
    ("told", "landed_at"),
    [
        ("2026-03-01T10:00:00.123Z", "2026-03-01T10:00:00.123Z"),
        ("2026-03-01T11:00:00+01:00", "2026-03-01T10:00:00.000Z"),
        ("yesterday", ""),
        (None, ""),
    ],
)
def test_an_event_tells_when_its_object_landed(told: str | None, landed_at: str) -> None:
    (command,) = ingest_commands(event({**record("k"), "eventTime": told}))

    assert command.landed.landed_at == landed_at
    assert ingest_commands(wire.dumps(command))[0].landed.landed_at == landed_at
    assert command == ingest_commands(event(record("k")))[0]


def test_several_records_in_one_body_are_several_commands() -> None:
    assert [c.landed.key for c in ingest_commands(event(record("患者 a+b"), record("c")))] == ["患者 a+b", "c"]


def test_an_sns_envelope_is_opened() -> None:
    body = json.dumps({"Type": "Notification", "Message": event(record("k"))})

    assert [c.landed.key for c in ingest_commands(body)] == ["k"]


def test_our_own_command_comes_back_with_its_attempt() -> None:
    command = IngestObject(LandedObject("b", "k", "v", 3, "ward"), attempt=2)

    assert ingest_commands(wire.dumps(command)) == (command,)


def test_s3s_test_event_and_deletions_announce_nothing() -> None:
    assert ingest_commands(json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent"})) == ()
    assert ingest_commands(event(record("k", "ObjectRemoved:Delete"))) == ()


def test_an_unversioned_bucket_names_its_only_version_null() -> None:
    plain = record("k")
    del plain["s3"]["object"]["versionId"]  # type: ignore[index]

    assert ingest_commands(event(plain))[0].landed.version_id == "null"


@pytest.mark.parametrize("body", ["", "3", "{}", '{"Records":[{"eventName":"ObjectCreated:Put","s3":{}}]}'])
def test_what_is_no_event_is_refused(body: str) -> None:
    with pytest.raises(MalformedError):
        ingest_commands(body)


def test_another_queues_command_is_refused() -> None:
    with pytest.raises(MalformedError):
        ingest_commands(wire.dumps(SettleStudy(DatastoreId("d"), StudyUid("1"), 1)))


@pytest.mark.parametrize(
    ("key", "source"),
    [("sources/north/x/1", "north"), ("sources/north", "default"), ("sources//x", "default"), ("x/y", "default")],
)
def test_the_key_says_who_sent_the_object(key: str, source: str) -> None:
    assert source_of(key) == source
