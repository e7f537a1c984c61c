"""`dicomlake link`: what it asks of the lake, and what it prints."""

import json
from typing import Any

import pytest

from dicomlake.cli import link, main

ID = "0a" * 16
TOLD = {
    "id": ID,
    "study": "1.2.1",
    "expires": "2026-03-02T10:00:00+00:00",
    "dicomweb": f"http://x/links/s/{ID}-1-1.2-f",
}


class Asked:
    """A lake that notes what it is asked."""

    calls: list[tuple[Any, ...]]

    def __init__(self, _: object) -> None:
        pass

    def share(self, study_uid: str, seconds: int) -> dict[str, str]:
        """A link."""
        self.calls.append(("share", study_uid, seconds))
        return TOLD

    def revoke(self, link_id: str) -> None:
        """Nothing comes back."""
        self.calls.append(("revoke", link_id))


@pytest.fixture(autouse=True)
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    Asked.calls = []
    monkeypatch.setattr(link, "LakeClient", Asked)
    monkeypatch.setattr(link, "find_lake", lambda data: None)
    return Asked.calls


def test_a_link_is_good_for_the_hours_asked_for(
    calls: list[tuple[Any, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["link", "1.2.1", "--hours", "1.5", "--json"])

    assert code == 0
    assert json.loads(capsys.readouterr().out) == TOLD
    assert calls == [("share", "1.2.1", 5400)]


@pytest.mark.parametrize("given", [ID, TOLD["dicomweb"], TOLD["dicomweb"] + "/"])
def test_a_link_is_revoked_by_its_id_or_by_itself(calls: list[tuple[Any, ...]], given: str) -> None:
    assert main(["link", "--revoke", given]) == 0
    assert calls == [("revoke", ID)]


@pytest.mark.parametrize("words", [[], ["1.2.1", "--revoke", ID], ["not a uid"]])
def test_what_cannot_be_done_is_one_sentence(
    calls: list[tuple[Any, ...]], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["link", *words]) == 1
    assert calls == []
    assert capsys.readouterr().err.count("\n") == 1
