"""The curl commands of docs/api.md, as they stand there, against a running lake."""

import io
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pydicom
import pytest

from tests.pipeline.running import RunningLake
from tests.usecases.dicom_files import changed, ct_slice

STUDY = "1.2.826.0.1.3680043.8.498.97"
NAMES = {"STUDY": STUDY, "SERIES": f"{STUDY}.1", "INSTANCE": f"{STUDY}.1.1"}


def commands(page: Path) -> str:
    """The page's only block of shell commands."""
    (block,) = re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.S)
    return str(block)


@pytest.mark.engine
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not on PATH")
def test_the_page_s_commands_store_find_and_read_an_instance(
    lake: RunningLake, repository: Path, tmp_path: Path
) -> None:
    uids = {f"{level}InstanceUID": uid for level, uid in zip(("Study", "Series", "SOP"), NAMES.values(), strict=True)}
    sent = changed(ct_slice(study=97), PatientID="CURL-1", StudyDescription="by curl", **uids)
    (tmp_path / "slice.dcm").write_bytes(sent)
    names = os.environ | NAMES | {"DICOMWEB": lake.endpoints.dicomweb}

    script = f"set -eu\n{commands(repository / 'docs' / 'api.md')}"
    subprocess.run(["bash", "-c", script], cwd=tmp_path, env=names, check=True)  # noqa: S603, S607

    landed = pydicom.dcmread(io.BytesIO(sent))
    (study,) = json.loads((tmp_path / "studies.json").read_bytes())
    assert json.loads((tmp_path / "stored.json").read_bytes())["00081199"]["Value"]
    assert study["00081030"]["Value"] == ["by curl"]
    (told,) = json.loads((tmp_path / "metadata.json").read_bytes())
    assert told["00080018"]["Value"] == [NAMES["INSTANCE"]]
    assert pydicom.dcmread(tmp_path / "again.dcm").PixelData == landed.PixelData
    assert (tmp_path / "pixels.raw").read_bytes() == landed.PixelData
    assert (tmp_path / "picture.jpg").read_bytes().startswith(b"\xff\xd8")
