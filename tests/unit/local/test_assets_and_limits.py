"""Assets are named by content; AWS's limits are judged on what a body becomes in a Lambda event."""

import os
import time
from pathlib import Path

import pytest

from dicomlake.local import limits
from dicomlake.local.assets import build_asset, forget_unused
from dicomlake.local.datadir import DataDirectory
from dicomlake.local.failure import LocalRunError
from dicomlake.local.repository import Repository


def directory(root: Path, text: str) -> Path:
    place = root / "function"
    (place / "__pycache__").mkdir(parents=True, exist_ok=True)
    (place / "handler.py").write_text(text)
    (place / "__pycache__" / "handler.pyc").write_text(text)
    return place


def test_an_asset_changes_its_key_with_its_content_and_only_then(tmp_path: Path) -> None:
    repository = Repository(tmp_path)

    first = build_asset(repository, "f.zip", directory(tmp_path, "1"))
    again = build_asset(repository, "f.zip", directory(tmp_path, "1"))
    other = build_asset(repository, "f.zip", directory(tmp_path, "2"))

    assert first.key == again.key != other.key
    assert first.file.exists()


def test_what_no_deployment_used_for_two_weeks_is_removed(tmp_path: Path) -> None:
    for name, age in {"old": 15, "new": 13}.items():
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (time.time() - age * 86_400,) * 2)

    forget_unused(tmp_path)

    assert [entry.name for entry in tmp_path.iterdir()] == ["new"]


def test_a_missing_asset_directory_says_what_makes_it(tmp_path: Path) -> None:
    with pytest.raises(LocalRunError, match="make setup"):
        build_asset(Repository(tmp_path), "layer.zip", tmp_path / "build" / "layers" / "base")


@pytest.mark.parametrize(
    ("length", "kind", "refused"),
    [
        (4_718_592, "application/dicom", False),
        (4_718_593, "application/dicom", True),
        (6_291_456, "application/json", False),
        (6_291_457, "text/plain; charset=utf-8", True),
        (10_485_761, "", True),
    ],
)
def test_a_body_is_judged_as_it_travels(length: int, kind: str, refused: bool) -> None:
    assert (limits.body_refusal(length, kind) is not None) is refused


def test_request_line_and_headers_share_one_limit() -> None:
    assert limits.header_refusal(40, [(b"a", b"x" * 10_199)]) is None
    assert limits.header_refusal(41, [(b"a", b"x" * 10_199)]) == limits.HEADERS_TOO_LARGE


def test_a_data_directory_keeps_its_identity_and_has_one_holder(tmp_path: Path) -> None:
    first = DataDirectory(tmp_path)
    identity = first.identity(4999)

    with pytest.raises(LocalRunError, match="Another lake runs"):
        DataDirectory(tmp_path)
    first.release()
    second = DataDirectory(tmp_path)

    assert second.identity(5000) == identity
    second.release()


def test_a_directory_of_another_format_is_refused(tmp_path: Path) -> None:
    held = DataDirectory(tmp_path)
    held.identity(4999)
    file = tmp_path / "lake.json"
    file.write_text(file.read_text().replace('"format": 1', '"format": 99'))

    with pytest.raises(LocalRunError, match="format 99"):
        held.identity(4999)
    held.release()
