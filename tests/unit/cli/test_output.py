"""What people see: tables that line up, sizes and times in words, progress with rate and time left."""

import json

import pytest

from dicomlake.cli.listing import value_of
from dicomlake.cli.output import duration, print_facts, print_json, print_table, size
from dicomlake.cli.progress import Progress


def test_a_table_lines_up_with_wide_characters(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("name", "n"), [("山田", 5), ("Smith", 12)])

    assert capsys.readouterr().out.splitlines() == ["name    n", "山田    5", "Smith  12"]


def test_a_table_without_rows_is_its_heads(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("a", "b"), [])

    assert capsys.readouterr().out == "a  b\n"


def test_facts_that_are_not_there_are_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    print_facts({"state": "ready", "expected": None, "warnings": [], "attempts": 0})

    assert capsys.readouterr().out == "state     ready\nattempts  0\n"


def test_json_keeps_every_script(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"name": "山田"})

    text = capsys.readouterr().out
    assert "山田" in text
    assert json.loads(text) == {"name": "山田"}


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (525_536, "525.5 kB"), (157e6, "157.0 MB"), (5e12, "5.00 TB")]
)
def test_sizes_are_told_in_words(count: float, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(("seconds", "text"), [(1.24, "1.2 s"), (59, "59 s"), (61, "1 min 1 s"), (7300, "2 h 1 min")])
def test_times_are_told_in_words(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_progress_ends_with_a_line_of_everything(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress("sent", 2, 2000)

    progress.add(1, 500)
    progress.add(1, 1500)
    progress.finish()

    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("sent 2/2  2.0 kB of 2.0 kB  ")


def test_quiet_progress_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress("sent", 1, quiet=True)

    progress.add()
    progress.finish()

    assert capsys.readouterr().err == ""


def test_a_name_is_told_in_the_first_form_that_is_there() -> None:
    found = {"00100010": {"vr": "PN", "Value": [{"Ideographic": "山田^太郎", "Phonetic": "やまだ^たろう"}]}}

    assert value_of(found, "00100010") == "山田^太郎"
    assert value_of(found, "00080020") == ""
