"""Waiting ends when every object is decided and every study ready with these objects in it."""

from pathlib import Path
from typing import Any

import pytest

from dicomlake.client.failure import LakeClientError, LakeRefusedError
from dicomlake.client.receipts import Receipt
from dicomlake.client.sources import Item
from dicomlake.client.upload import Sent
from dicomlake.client.waiting import await_decisions, await_studies

STUDY = "1.2.3"


class ScriptedLake:
    """Answers look after look from a script; the last answer stays."""

    def __init__(self, looks: list[Any]) -> None:
        self.looks = looks

    def _next(self) -> Any:
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]

    def where(self, objects: list[tuple[str, str]]) -> list[dict[str, Any] | None]:
        answers = self._next()
        return [answers.get(key) for key, _ in objects]

    def where_is(self, name: dict[str, str]) -> dict[str, Any]:
        found = self._next().get(name["key"])
        if not found:
            raise LakeRefusedError(404, "not there")
        return {"objects": [found]}

    def study(self, study_uid: str) -> dict[str, Any]:
        answer = self._next()
        if answer is None:
            raise LakeRefusedError(404, "not there")
        return dict(answer)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dicomlake.client.waiting.time.sleep", lambda _: None)


def sent(key: str, version: str = "v1") -> Sent:
    return Sent(Item(key, 1, key, Path(key).open), Receipt(key, version), 1.0)  # type: ignore[arg-type]


def entry(outcome: str, at: str = "2026-01-01T00:00:05.000Z") -> dict[str, Any]:
    return {"outcome": outcome, "instance": {"study": STUDY}, "steps": [{"name": "committed", "at": at}]}


def study(state: str, stored: int, duplicates: int = 0, last: str = "2026-01-01T00:00:05.000Z") -> dict[str, Any]:
    return {"studyUid": STUDY, "state": state, "stored": stored, "duplicates": duplicates, "lastStoredAt": last}


def ignore(done: int, total: int) -> None:
    """Progress that nobody looks at."""


def test_decisions_come_in_the_order_sent_whatever_order_they_fall_in() -> None:
    lake = ScriptedLake([{}, {"b": entry("stored")}, {"a": entry("quarantined"), "b": entry("stored")}])

    decided = await_decisions(lake, [sent("a"), sent("b")], ignore)  # type: ignore[arg-type]

    assert [one["outcome"] for one in decided] == ["quarantined", "stored"]


def test_a_pending_object_is_not_decided() -> None:
    lake = ScriptedLake([{"a": entry("pending")}, {"a": entry("duplicate")}])

    assert await_decisions(lake, [sent("a")], ignore)[0]["outcome"] == "duplicate"  # type: ignore[arg-type]


def test_an_object_sent_in_parts_is_asked_for_by_its_key() -> None:
    lake = ScriptedLake([{}, {"large": entry("stored")}])

    assert await_decisions(lake, [sent("large", version="")], ignore)[0]["outcome"] == "stored"  # type: ignore[arg-type]


def test_waiting_without_any_progress_ends_with_what_to_do() -> None:
    with pytest.raises(LakeClientError, match="1 of 1 objects were not decided"):
        await_decisions(ScriptedLake([{}]), [sent("a")], ignore, patience=-1)  # type: ignore[arg-type]


def test_a_study_is_ready_when_these_objects_are_folded_into_it() -> None:
    before = study("ready", stored=1, last="2026-01-01T00:00:01.000Z")
    lake = ScriptedLake([None, before, study("receiving", stored=3), study("ready", stored=3)])

    ready = await_studies(lake, [entry("stored"), entry("stored")], ignore)  # type: ignore[arg-type]

    assert [(one["state"], one["stored"]) for one in ready] == [("ready", 3)]


def test_quarantined_objects_are_of_no_study() -> None:
    rejected = {"outcome": "quarantined", "instance": None, "steps": []}

    assert await_studies(ScriptedLake([]), [rejected], ignore) == []  # type: ignore[arg-type]


def test_a_study_that_never_gets_ready_is_told() -> None:
    with pytest.raises(LakeClientError, match="1 of 1 studies did not become ready"):
        await_studies(ScriptedLake([study("settling", 1)]), [entry("stored")], ignore, patience=-1)  # type: ignore[arg-type]
