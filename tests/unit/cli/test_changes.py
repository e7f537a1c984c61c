"""`dicomlake delete` and `dicomlake correct`: what they ask of the lake, and what a command line's values mean."""

import json
from typing import Any

import pytest

from dicomlake.cli import correct, delete, main
from dicomlake.client.changes import elements, resource
from dicomlake.client.failure import LakeClientError

CHANGE = {"number": 3, "kind": "delete", "instances": 2}


class Asked:
    """A lake that notes what it is asked."""

    calls: list[tuple[Any, ...]]

    def __init__(self, _: object) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any) -> Any:
            self.calls.append((name, *arguments))
            return {"count": 2, "last_change": CHANGE}.get(name)

        return call


@pytest.fixture(autouse=True)
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    Asked.calls = []
    for module in (delete, correct):
        monkeypatch.setattr(module, "LakeClient", Asked)
        monkeypatch.setattr(module, "ChangeClient", Asked)
        monkeypatch.setattr(module, "find_lake", lambda data: None)
    return Asked.calls


def test_a_series_is_deleted_and_the_change_is_told(
    calls: list[tuple[Any, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["delete", "1.2", "1.2.3", "--reason", "wrong patient", "--json"])

    assert (code, json.loads(capsys.readouterr().out)) == (0, CHANGE)
    assert calls == [("delete", "studies/1.2/series/1.2.3", "wrong patient"), ("last_change", "1.2")]


@pytest.mark.parametrize("words", [["delete", "1.2"], ["delete", "1.2", "--purge"], ["correct", "1.2", "PatientID=1"]])
def test_a_dry_run_asks_how_many_and_changes_nothing(calls: list[tuple[Any, ...]], words: list[str]) -> None:
    assert main([*words, "--dry-run"]) == 0
    assert calls == [("count", "studies/1.2")]


def test_a_correction_names_the_version_it_is_made_to(calls: list[tuple[Any, ...]]) -> None:
    assert main(["correct", "1.2", "PatientID=4711", "PatientComments=", "--if-version", "2"]) == 0

    values = {"00100020": {"vr": "LO", "Value": ["4711"]}, "00104000": None}
    assert calls[0] == ("correct", "studies/1.2", values, 2, "")


@pytest.mark.parametrize(
    "words",
    [
        ["delete", "no-uid"],
        ["delete", "1.2", "--undo", "1", "--purge"],
        ["delete", "1.2", "1.3", "--purge"],
        ["correct", "1.2", "Nothing=1"],
        ["correct", "1.2", "PatientID"],
        ["correct", "1.2", "SeriesNumber=x"],
        ["correct", "1.2", "PatientID=1", "--instance", "1.2.3.4"],
    ],
)
def test_what_cannot_be_meant_is_one_sentence_and_asks_nothing(
    calls: list[tuple[Any, ...]], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert calls == []


def test_values_of_a_command_line_become_dicom_json() -> None:
    found = elements(["PatientName=Yamada^Tarou=\u5c71\u7530^\u592a\u90ce", "00080061=CT\\MR", "SeriesNumber=7"])

    assert found == {
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Yamada^Tarou", "Ideographic": "\u5c71\u7530^\u592a\u90ce"}]},
        "00080061": {"vr": "CS", "Value": ["CT", "MR"]},
        "00200011": {"vr": "IS", "Value": [7]},
    }


def test_a_resource_is_named_from_above() -> None:
    assert resource("1.2", "1.3", "1.4") == "studies/1.2/series/1.3/instances/1.4"
    with pytest.raises(LakeClientError):
        resource("1.2", "", "1.4")
