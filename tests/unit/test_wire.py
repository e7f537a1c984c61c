"""Messages travel and come back; strangers' messages do not get in."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomlake import wire
from dicomlake.domain.errors import MalformedError
from dicomlake.domain.events import (
    ChangeStudy,
    DeidentifyStudy,
    IngestObject,
    InstancesStored,
    SettleStudy,
    StudyChanged,
    StudyReady,
)
from dicomlake.domain.ledger import Tally
from dicomlake.domain.model import DatastoreId, LandedObject, StudyUid
from dicomlake.domain.study import Completeness

text = st.text(max_size=20)
count = st.integers(0, 2**40)
landed = st.builds(LandedObject, text, text, text, count, text)
messages = st.one_of(
    st.builds(IngestObject, landed, count),
    st.builds(InstancesStored, text, text, st.lists(text, max_size=4).map(tuple)),
    st.builds(SettleStudy, text, text, count),
    st.builds(ChangeStudy, text, text, text),
    st.builds(StudyChanged, text, text, text, text, count, count, st.none() | text, st.none() | text),
    st.builds(DeidentifyStudy, text, text, count, text),
    st.builds(
        StudyReady,
        text,
        text,
        count,
        st.sampled_from(Completeness),
        st.none() | count,
        count,
        count,
        st.builds(Tally, count, count, count),
        count,
        st.lists(text, max_size=3).map(tuple),
        count,
        st.floats(0, 1e6),
    ),
)


@given(messages)
def test_what_is_sent_is_what_is_received(message: object) -> None:
    assert wire.loads(wire.dumps(message)) == message


def test_a_message_names_its_type_and_version() -> None:
    body = json.loads(wire.dumps(SettleStudy(DatastoreId("d"), StudyUid("1.2"), 3)))

    assert body == {"type": "SettleStudy", "version": 1, "datastore": "d", "studyUid": "1.2", "generation": 3}


def test_a_newer_writers_field_is_ignored_and_an_older_ones_gets_its_default() -> None:
    body = json.loads(wire.dumps(IngestObject(LandedObject("b", "k", "v", 1))))
    del body["attempt"]

    assert wire.decode({**body, "colour": "blue"}) == IngestObject(LandedObject("b", "k", "v", 1))


@pytest.mark.parametrize(
    "strange",
    [
        "",
        "[]",
        "{}",
        '{"type":"Os","version":1}',
        '{"type":"SettleStudy","version":2,"datastore":"d","studyUid":"1","generation":1}',
        '{"type":"SettleStudy","version":1,"datastore":"d","studyUid":"1","generation":"1"}',
        '{"type":"SettleStudy","version":1}',
    ],
)
def test_strangers_messages_are_refused(strange: str) -> None:
    with pytest.raises(MalformedError):
        wire.loads(strange)


def test_the_ready_event_carries_the_same_id_every_time() -> None:
    ready = StudyReady(DatastoreId("d"), StudyUid("1.2"), 1, Completeness.QUIET, None, 1, 1, Tally(1), 0, (), 0, 1.5)

    assert wire.encode(ready)["eventId"] == ready.event_id
    assert len(ready.event_id) == 32


@pytest.mark.parametrize("key", ["a\uffff", "a\ufffe", "r\u00f6ntgen", "\U0001f9b4", "\x01", "\ud800"])
def test_a_message_is_ascii_whatever_the_key(key: str) -> None:
    command = IngestObject(LandedObject("landing", key, "v1", 1))

    text = wire.dumps(command)

    assert text.isascii()
    assert wire.loads(text) == command
