"""The list of studies goes on behind a page, and counts in words."""

from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from dicomlake.cli import main, studies
from dicomlake.client.lake import PAGE, LakeClient

HELD = 2345


class Pages(LakeClient):
    """A lake of so many studies, which answers a thousand a page."""

    def __init__(self, _: object) -> None:
        self.asked = 0

    def search(self, path: str, query: Any) -> list[dict[str, Any]]:
        """One page."""
        self.asked += 1
        first = int(query["offset"])
        return [{"0020000D": {"vr": "UI", "Value": [f"1.{n}"]}} for n in range(first, min(HELD, first + PAGE))]


@pytest.fixture(autouse=True)
def lake(monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands speak to the pages."""
    monkeypatch.setattr(studies, "LakeClient", Pages)
    monkeypatch.setattr(studies, "find_lake", lambda data: None)


@pytest.mark.parametrize(
    ("limit", "last"),
    [
        (1, "1 study, and maybe more: raise --limit"),
        (1500, "1500 studies, and maybe more: raise --limit"),
        (5000, "2345 studies"),
        (0, "0 studies, and maybe more: raise --limit"),
    ],
)
def test_a_limit_over_a_page_is_paged_through(limit: int, last: str, capsys: pytest.CaptureFixture[str]) -> None:
    studies.run(Namespace(data=Path(), match=[], limit=limit, json=False))

    assert capsys.readouterr().out.splitlines()[-1] == last


def test_a_port_that_is_no_number_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["up", "--port", "abc"])

    said = capsys.readouterr().err
    assert (code, said.count("\n")) == (1, 1)
    assert said.startswith("Port abc is no number")
