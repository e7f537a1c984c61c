"""Every command has help; every mistake is one sentence with what to do, and an exit code."""

import json
import os
from pathlib import Path

import pytest

from dicomlake.cli import main
from dicomlake.cli.commands import COMMANDS


@pytest.mark.parametrize("name", [command.name for command in COMMANDS])
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])

    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: dicomlake {name}")
    assert len(text.splitlines()) > 8


def test_the_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])

    text = capsys.readouterr().out
    assert all(f"\n    {command.name} " in text for command in COMMANDS)


def test_a_command_that_is_none_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["upload"])

    assert ended.value.code == 2
    assert "invalid choice" in capsys.readouterr().err


TALKING = ["studies", "cost", "bench", "show 1.2", "where 1.2", "get 1.2", "quarantine ls", "keys list", "push ."]


@pytest.mark.parametrize("line", TALKING)
def test_without_a_lake_one_sentence_says_how_to_start_one(
    line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main([*line.split(), "--data", str(tmp_path)])

    said = capsys.readouterr().err
    assert code == 1
    assert said.startswith("No lake runs on")
    assert "dicomlake up" in said
    assert said.count("\n") == 1


def test_a_killed_lakes_endpoints_are_not_believed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _write_endpoints(tmp_path, pid=_free_pid())

    code = main(["studies", "--data", str(tmp_path)])

    assert code == 1
    assert "was killed" in capsys.readouterr().err


def test_damaged_endpoints_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "endpoints.json").write_text("{}")

    code = main(["studies", "--data", str(tmp_path)])

    assert code == 1
    assert "cannot be read as the endpoints of a lake" in capsys.readouterr().err


def test_a_lake_that_does_not_answer_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _write_endpoints(tmp_path, pid=os.getpid())

    code = main(["cost", "--data", str(tmp_path), "1.2.3"])

    assert code == 1
    assert "does not answer" in capsys.readouterr().err


def test_the_demo_leaves_a_directory_alone_that_is_not_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.txt").write_text("mine")

    code = main(["demo", "--data", str(tmp_path)])

    assert code == 1
    assert "is not empty" in capsys.readouterr().err
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def _free_pid() -> int:
    return next(pid for pid in range(4_000_000, 1, -1) if not Path(f"/proc/{pid}").exists())


def _write_endpoints(data: Path, pid: int) -> None:
    """Endpoints of a lake on a port where nothing listens (RFC 6335: port 9 is discard)."""
    names = ["dicomweb", "imaging", "s3", "uploads", "lake", "console"]
    texts = "landingBucket quarantineBucket datastoreId researchDatastoreId region accessKeyId secretAccessKey"
    endpoints: dict[str, object] = dict.fromkeys(names, "http://127.0.0.1:9")
    endpoints |= dict.fromkeys(texts.split(), "x") | {"operatorToken": "x", "pid": pid}
    (data / "endpoints.json").write_text(json.dumps(endpoints))
