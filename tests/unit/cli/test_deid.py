"""`dicomlake deid`: copies of a folder, what it leaves for its user, and what it says."""

import csv
import json
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file

from dicomlake.cli.commands import main
from dicomlake.dicom.deidentify.report import is_genuine

OPEN = ("--faces", "accept-risk", "--text", "none")


@pytest.fixture
def given(tmp_path: Path) -> Path:
    folder = tmp_path / "in/sub"
    folder.mkdir(parents=True)
    for name in ("CT_small.dcm", "MR_small_bigendian.dcm", "test-SR.dcm", "image_dfl.dcm", "MR_small_RLE.dcm"):
        (folder / name).write_bytes(Path(str(get_testdata_file(name))).read_bytes())
    (tmp_path / "in/notes.txt").write_text("Dr. Meyer's notes")
    (tmp_path / "in/empty").write_bytes(b"")
    return tmp_path


def run(given: Path, *more: str) -> int:
    key, report = str(given / "keys/key"), str(given / "report")
    return main(["deid", str(given / "in"), str(given / "out"), "--key-file", key, "--report", report, *more])


def test_each_source_has_a_copy_by_its_new_uid_or_a_reason(given: Path) -> None:
    assert run(given, *OPEN) == 3

    files = json.loads((given / "report/files.json").read_text())
    assert set(files) == {str(path) for path in (given / "in").rglob("*") if path.is_file()}
    refused = {Path(path).name: where for path, where in files.items() if where.startswith("refused: ")}
    assert set(refused) == {"notes.txt", "empty"}
    for where in set(files.values()) - set(refused.values()):
        copy = pydicom.dcmread(where)
        assert Path(where) == given / "out" / copy.StudyInstanceUID / copy.SeriesInstanceUID / Path(where).name
        assert Path(where).name.startswith(copy.SOPInstanceUID)
        assert copy.PatientIdentityRemoved == "YES"


def test_pixels_are_the_same_in_every_transfer_syntax(given: Path) -> None:
    run(given, *OPEN)

    files = json.loads((given / "report/files.json").read_text())
    for name in ("CT_small.dcm", "MR_small_bigendian.dcm", "image_dfl.dcm", "MR_small_RLE.dcm"):
        source = given / "in/sub" / name
        before, after = pydicom.dcmread(source), pydicom.dcmread(files[str(source)])
        assert (before.pixel_array == after.pixel_array).all(), name


def test_the_same_key_gives_the_same_names_and_no_key_others(given: Path) -> None:
    run(given, *OPEN)
    first = json.loads((given / "report/files.json").read_text())

    run(given, *OPEN)
    again = json.loads((given / "report/files.json").read_text())
    (given / "keys/key").unlink()
    run(given, *OPEN)
    other = json.loads((given / "report/files.json").read_text())

    assert again == first
    assert set(other.values()) & set(first.values()) == {v for v in first.values() if v.startswith("refused: ")}


def test_mappings_and_a_signed_report_are_left_apart_from_the_copies(given: Path) -> None:
    run(given, *OPEN, "--accepted-by", "A. Person")

    with (given / "report/patid_mapping.csv").open() as stream:
        patients = {row["id_old"]: row["id_new"] for row in csv.DictReader(stream)}
    with (given / "report/uid_mapping.csv").open() as stream:
        uids = {row["id_old"]: row["id_new"] for row in csv.DictReader(stream)}
    source = pydicom.dcmread(given / "in/sub/CT_small.dcm")
    assert patients[source.PatientID].startswith("DL")
    assert uids[source.SOPInstanceUID].startswith("2.25.")
    report = json.loads((given / "report/report.json").read_text())
    key = (given / "keys/key").read_bytes().strip()
    assert is_genuine(report, key)
    assert not is_genuine(report, b"another key")
    assert not is_genuine(report | {"found": {}, "entries": report["entries"][1:]}, key)
    assert report["objects"]["written"] == 5
    assert any("A. Person" in risk for risk in report["atRisk"])
    page = (given / "report/report.html").read_text()
    for text in (source.PatientID, str(source.PatientName), source.StudyInstanceUID, str(given)):
        assert text not in page + json.dumps(report)


def test_a_dry_run_prints_edits_and_writes_nothing(given: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(given, *OPEN, "--dry-run") == 3

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert not (given / "out").exists()
    assert ("00080018", "U") in {(line["path"], line["action"]) for line in lines}
    assert "CompressedSamples" not in json.dumps(lines)


def test_a_policy_file_is_followed(given: Path) -> None:
    policy = given / "policy.json"
    rules = [{"match": "StudyDescription", "action": "replace", "value": "TRIAL 7"}]
    policy.write_text(
        json.dumps({"name": "trial-7", "options": ["retain-uids"], "faces": "accept-risk", "rules": rules})
    )

    run(given, "--policy", str(policy), "--text", "none", "--option", "retain-full-dates")

    source = pydicom.dcmread(given / "in/sub/CT_small.dcm")
    files = json.loads((given / "report/files.json").read_text())
    copy = pydicom.dcmread(files[str(given / "in/sub/CT_small.dcm")])
    assert copy.SOPInstanceUID == source.SOPInstanceUID
    assert copy.StudyDate == source.StudyDate
    assert copy.StudyDescription == "TRIAL 7"


@pytest.mark.parametrize("place", ["out/report", "out"])
def test_what_links_copies_to_originals_may_not_lie_among_them(given: Path, place: str) -> None:
    code = main(["deid", str(given / "in"), str(given / "out"), "--report", str(given / place)])

    assert code == 1
    assert not (given / "out").exists()


def test_heads_are_refused_unless_the_risk_is_taken(given: Path) -> None:
    head = pydicom.dcmread(given / "in/sub/CT_small.dcm")
    head.BodyPartExamined = "HEAD"
    head.save_as(given / "in/sub/CT_small.dcm")

    assert run(given, "--text", "none") == 3
    files = json.loads((given / "report/files.json").read_text())
    assert "faces" in files[str(given / "in/sub/CT_small.dcm")]
    assert not files[str(given / "in/sub/test-SR.dcm")].startswith("refused: ")
