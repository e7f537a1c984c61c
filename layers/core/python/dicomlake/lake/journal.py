"""Journal objects: every change other than store, immutable; packs and journal together rebuild the index.

A journal object is UTF-8 JSON lines. The first line is `{"entries": n, "journal": 1}`, then come n entries, one a line,
in the order in which the changes were made.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from dicomlake.domain.change import ChangeKind
from dicomlake.domain.errors import MalformedError, UnsupportedError
from dicomlake.domain.model import InstanceUid, JsonObject, SeriesUid, StudyUid

VERSION = 1


@dataclass(frozen=True, slots=True)
class Subject:
    """The index row that was changed: an instance's, or where UIDs are None a series', a study's, the data store's."""

    study_uid: StudyUid | None = None
    series_uid: SeriesUid | None = None
    instance_uid: InstanceUid | None = None

    def __post_init__(self) -> None:
        if (self.instance_uid and not self.series_uid) or (self.series_uid and not self.study_uid):
            raise ValueError("a subject's UIDs are given from the study downwards")


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One change: its id, time (RFC 3339, UTC), author, subject, and the version the subject's index row has after it.

    A rebuild applies an entry if its version is above the row's; so entries may be read twice and in any order of
    objects, and the result is the same. A change of many rows is one entry a row, under one `change_id`.
    """

    change_id: str
    kind: ChangeKind
    at: str
    by: str
    subject: Subject
    version: int
    reason: str = ""
    detail: JsonObject = field(default_factory=dict)


def encode_journal(entries: Sequence[JournalEntry]) -> bytes:
    """Return a journal object's bytes; the same entries give the same bytes."""
    head: dict[str, Any] = {"journal": VERSION, "entries": len(entries)}
    options = orjson.OPT_APPEND_NEWLINE | orjson.OPT_SORT_KEYS
    return b"".join(orjson.dumps(line, option=options) for line in (head, *map(_to_json, entries)))


def decode_journal(data: bytes) -> tuple[JournalEntry, ...]:
    """Read a journal object.

    Raises MalformedError if it is cut or damaged, UnsupportedError if it has another version or a kind of change that
    this release does not know: leaving it out would rebuild a wrong index.
    """
    lines = data.splitlines()
    try:
        head = orjson.loads(lines[0])
        version, count = head["journal"], head["entries"]
        bodies = [orjson.loads(line) for line in lines[1:]]
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise MalformedError("a journal object is damaged") from error
    if version != VERSION:
        raise UnsupportedError(f"the journal has version {version}, this release reads version {VERSION}")
    if count != len(bodies) or not data.endswith(b"\n"):
        raise MalformedError("a journal object is cut")
    return tuple(_from_json(body) for body in bodies)


def in_order(entries: Iterable[JournalEntry]) -> list[JournalEntry]:
    """Return entries of many journal objects in the order a rebuild applies them, each once."""
    once = {(entry.subject, entry.version): entry for entry in entries}
    return sorted(once.values(), key=_order)


def _order(entry: JournalEntry) -> tuple[int, str, str, tuple[str, ...]]:
    uids = (entry.subject.study_uid, entry.subject.series_uid, entry.subject.instance_uid)
    return entry.version, entry.at, entry.change_id, tuple([uid or "" for uid in uids])


def _to_json(entry: JournalEntry) -> dict[str, Any]:
    subject = entry.subject
    return {
        "change_id": entry.change_id,
        "kind": entry.kind.value,
        "at": entry.at,
        "by": entry.by,
        "subject": [subject.study_uid, subject.series_uid, subject.instance_uid],
        "version": entry.version,
        "reason": entry.reason,
        "detail": entry.detail,
    }


def _from_json(body: dict[str, Any]) -> JournalEntry:
    try:
        kind = body["kind"]
        if kind not in ChangeKind:
            raise UnsupportedError("the journal holds a kind of change that this release does not know: update it")
        return JournalEntry(
            change_id=body["change_id"],
            kind=ChangeKind(kind),
            at=body["at"],
            by=body["by"],
            subject=Subject(*body["subject"]),
            version=body["version"],
            reason=body["reason"],
            detail=body["detail"],
        )
    except (ValueError, TypeError, KeyError) as error:
        raise MalformedError("a journal entry is damaged") from error
