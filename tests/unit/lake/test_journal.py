"""Journal objects come back as they were written, and nothing is left out in silence."""

from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomlake.domain.change import ChangeKind
from dicomlake.domain.errors import MalformedError, UnsupportedError
from dicomlake.domain.model import InstanceUid, SeriesUid, StudyUid
from dicomlake.lake.journal import JournalEntry, Subject, decode_journal, encode_journal, in_order

SUBJECT = Subject(StudyUid("1.2"), SeriesUid("1.2.3"), InstanceUid("1.2.3.4"))
ENTRY = JournalEntry(
    "c1", ChangeKind.DELETE, "2026-01-09T12:00:00Z", "client-7", SUBJECT, 2, "wrong patient", {"a": [1]}
)

TEXT = st.text(max_size=20).filter(lambda text: not any("\ud800" <= char <= "\udfff" for char in text))
JSON = st.dictionaries(
    TEXT, st.none() | st.booleans() | st.integers(-9, 9) | TEXT | st.lists(TEXT, max_size=2), max_size=3
)
ENTRIES = st.lists(
    st.builds(
        JournalEntry,
        change_id=TEXT,
        kind=st.sampled_from(ChangeKind),
        at=TEXT,
        by=TEXT,
        subject=st.sampled_from([SUBJECT, Subject(), Subject(StudyUid("1.2"))]),
        version=st.integers(1, 9),
        reason=TEXT,
        detail=JSON,
    ),
    max_size=5,
)


@given(ENTRIES)
def test_entries_come_back(entries: list[JournalEntry]) -> None:
    assert decode_journal(encode_journal(entries)) == tuple(entries)


@given(ENTRIES)
def test_objects_read_twice_and_in_any_order_rebuild_the_same(entries: list[JournalEntry]) -> None:
    distinct = list({(entry.subject, entry.version): entry for entry in entries}.values())

    assert in_order([*distinct[::-1], *distinct]) == in_order(distinct)
    for subject in {entry.subject for entry in distinct}:
        versions = [entry.version for entry in in_order(distinct) if entry.subject == subject]
        assert versions == sorted(set(versions))


def test_journal_is_json_lines() -> None:
    lines = encode_journal([ENTRY]).splitlines()

    assert orjson.loads(lines[0]) == {"journal": 1, "entries": 1}
    assert orjson.loads(lines[1])["subject"] == ["1.2", "1.2.3", "1.2.3.4"]


def test_cut_journal_is_malformed() -> None:
    data = encode_journal([ENTRY, replace(ENTRY, version=3)])

    for size in range(len(data)):
        with pytest.raises(MalformedError):
            decode_journal(data[:size])


def test_other_version_is_unsupported() -> None:
    with pytest.raises(UnsupportedError, match="version 2"):
        decode_journal(b'{"journal":2,"entries":0}\n')


def test_unknown_kind_of_change_is_not_left_out() -> None:
    with pytest.raises(UnsupportedError, match="kind of change"):
        decode_journal(encode_journal([ENTRY]).replace(b'"delete"', b'"future"'))


@pytest.mark.parametrize("line", [b"{}", b"[]", b'{"kind":"delete"}'])
def test_damaged_entry_is_malformed(line: bytes) -> None:
    with pytest.raises(MalformedError):
        decode_journal(b'{"journal":1,"entries":1}\n' + line + b"\n")


def test_subject_is_given_from_the_study_downwards() -> None:
    with pytest.raises(ValueError, match="downwards"):
        Subject(StudyUid("1.2"), None, InstanceUid("1.2.3.4"))
