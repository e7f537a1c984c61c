"""What a push finds to send: instances by their first bytes, in folders, archives and DICOMDIRs."""

import zipfile
from pathlib import Path

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomlake.cli.phantom import Phantom
from dicomlake.client.failure import LakeClientError
from dicomlake.client.sniff import LOOK, Kind, sniff
from dicomlake.client.sources import find_items

PYDICOM = Path(pydicom.__file__).parent / "data"
NEXT = bytes.fromhex("08001600") + b"UI\x02\x001\0"
WITHOUT_PREAMBLE = {
    "implicit little endian": bytes.fromhex("08000500 0a000000") + b"ISO_IR 100" + bytes.fromhex("08001600 02000000"),
    "explicit little endian": bytes.fromhex("08000500") + b"CS\x0a\x00ISO_IR 100" + NEXT,
    "explicit big endian": bytes.fromhex("00080005") + b"CS\x00\x0aISO_IR 100" + bytes.fromhex("00080016") + b"UI\0\2",
}


@pytest.mark.parametrize("name", WITHOUT_PREAMBLE)
def test_a_data_set_without_a_preamble_is_taken_for_an_instance(name: str) -> None:
    assert sniff(WITHOUT_PREAMBLE[name], 5000) is Kind.INSTANCE


@pytest.mark.parametrize(
    "start", [b"%PDF-1.7 some text", b"PK\x03\x04\x14\x00\x00\x00", b"<?xml version", b"\x89PNG\r\n\x1a\n", b"abc"]
)
def test_other_files_are_told_apart(start: bytes) -> None:
    assert sniff(start, 5000) is Kind.OTHER


def test_nothing_is_empty() -> None:
    assert sniff(b"", 0) is Kind.EMPTY


@given(st.binary(min_size=1, max_size=LOOK), st.integers(0, 10_000))
def test_any_bytes_are_judged(start: bytes, more: int) -> None:
    assert sniff(start, len(start) + more) in Kind


def test_what_the_lake_would_take_of_pydicoms_test_files_is_taken() -> None:
    files = list((PYDICOM / "test_files").rglob("*"))
    starts = {path.name: (path.read_bytes()[:LOOK], path.stat().st_size) for path in files if path.is_file()}

    judged = {name: sniff(*start) for name, start in starts.items() if name.endswith(".dcm") and "DIR" not in name}

    assert len(judged) > 60
    # its first byte is lost; the lake takes it for no DICOM either
    assert {name for name, kind in judged.items() if kind is not Kind.INSTANCE} == {"no_meta.dcm"}
    assert sniff(*starts["DICOMDIR"]) is Kind.DIRECTORY
    assert sniff(*starts["README.txt"]) is Kind.OTHER


def test_a_folder_gives_its_instances_and_counts_the_rest(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    (folder / "1.dcm").write_bytes(Phantom().file(0))
    (folder / "notes.txt").write_text("nothing")
    (folder / "nothing.dcm").write_bytes(b"")

    found = find_items([tmp_path])

    assert [Path(item.label).name for item in found.items] == ["1.dcm"]
    assert found.skipped == {"not DICOM": 1, "empty": 1}


def test_everything_is_everything_but_what_is_empty(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    (tmp_path / "empty").write_bytes(b"")

    found = find_items([tmp_path], everything=True)

    assert [Path(item.label).name for item in found.items] == ["notes.txt"]
    assert found.skipped == {"empty": 1}


def test_a_zip_archive_gives_its_members(tmp_path: Path) -> None:
    slices = [Phantom().file(0), Phantom().file(1)]
    with zipfile.ZipFile(tmp_path / "study.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("deep/1.dcm", slices[0])
        archive.writestr("2", slices[1])
        archive.writestr("readme.txt", "no DICOM")

    found = find_items([tmp_path / "study.zip"])

    assert [_read(item) for item in found.items] == slices
    assert found.skipped == {"not DICOM": 1}


def _read(item: object) -> bytes:
    with item.open() as stream:  # type: ignore[attr-defined]
        content: bytes = stream.read()
    return content


def test_a_dicomdir_gives_the_files_it_names() -> None:
    directory = PYDICOM / "test_files" / "dicomdirtests" / "DICOMDIR"

    found = find_items([directory])

    # 31 records of it name an image; those of the series 98892003/MR700 are in the package, the others are not
    assert found.items
    assert all(sniff(_read(item)[:LOOK], item.size) is Kind.INSTANCE for item in found.items)
    assert len(found.items) + found.skipped.get("named by the DICOMDIR, not there", 0) == 31


def test_a_path_that_is_not_there_is_named() -> None:
    with pytest.raises(LakeClientError, match=r"nowhere\.dcm does not exist"):
        find_items([Path("nowhere.dcm")])


def test_the_same_file_named_twice_is_sent_once(tmp_path: Path) -> None:
    (tmp_path / "1.dcm").write_bytes(Phantom().file(0))

    found = find_items([tmp_path, tmp_path / "1.dcm"])

    assert len(found.items) == 1


def test_a_changed_file_has_another_stamp(tmp_path: Path) -> None:
    file = tmp_path / "1.dcm"
    file.write_bytes(Phantom().file(0))
    before = find_items([file]).items[0].stamp

    file.write_bytes(Phantom().file(0) + b"\0\0")

    assert find_items([file]).items[0].stamp != before
