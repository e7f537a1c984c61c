"""STOW-RS over a running lake, by clients that know nothing of it: stored, found at once, ready like what landed."""

import io
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
import requests
from dicomweb_client.api import DICOMwebClient

from tests.pipeline.running import RunningLake
from tests.unit.web.stow_lake import BOUNDARY, MULTIPART, multipart
from tests.unit.web.stow_metadata import SECONDARY, described, jpeg, metadata, sent
from tests.usecases.dicom_files import ROOT as UID
from tests.usecases.dicom_files import changed, ct_slice

STUDY = f"{UID}.81"


def given(number: int, study: int = 81) -> pydicom.Dataset:
    return pydicom.dcmread(io.BytesIO(ct_slice(study=study, number=number)))


@pytest.mark.engine
def test_dicomweb_client_stores_and_finds_at_once_and_the_study_becomes_ready(lake: RunningLake) -> None:
    client = DICOMwebClient(url=lake.endpoints.dicomweb)

    told = client.store_instances([given(number) for number in (1, 2, 3)])

    assert len(told.ReferencedSOPSequence) == 3
    (study,) = client.search_for_studies(search_filters={"StudyInstanceUID": STUDY})
    assert study["00201208"]["Value"] == [3]
    assert len(client.retrieve_series_metadata(STUDY, f"{STUDY}.1")) == 3
    found = client.retrieve_instance(STUDY, f"{STUDY}.1", f"{STUDY}.1.2")
    assert np.array_equal(found.pixel_array, given(2).pixel_array)
    lake.ready(STUDY)


@pytest.mark.engine
def test_dicomweb_client_stores_into_a_study(lake: RunningLake) -> None:
    client = DICOMwebClient(url=lake.endpoints.dicomweb)

    told = client.store_instances([given(1, study=82)], study_instance_uid=f"{UID}.82")

    assert told.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == f"{UID}.82.1.1"
    assert told.RetrieveURL.endswith(f"/studies/{UID}.82")


@pytest.mark.engine
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not on PATH")
def test_curl_stores_with_an_unquoted_type_and_boundary(lake: RunningLake, tmp_path: Path) -> None:
    body = tmp_path / "body"
    body.write_bytes(multipart(ct_slice(study=83)))
    kind = f"Content-Type: multipart/related; type=application/dicom; boundary={BOUNDARY}"
    url = f"{lake.endpoints.dicomweb}/studies"

    done = subprocess.run(  # noqa: S603
        ["curl", "-sS", "-w", "\n%{http_code}", "-H", kind, "--data-binary", f"@{body}", url],  # noqa: S607
        capture_output=True,
        check=True,
    )

    answer, _, status = done.stdout.decode().rpartition("\n")
    assert status == "200", answer
    assert json.loads(answer)["00081199"]["Value"][0]["00081155"]["Value"] == [f"{UID}.83.1.1"]


@pytest.mark.engine
def test_a_picture_with_metadata_is_shown_right_after(lake: RunningLake) -> None:
    body, kind = sent(described(metadata(SECONDARY)), ("image/jpeg", "bulk/1", jpeg()))

    stored = requests.post(f"{lake.endpoints.dicomweb}/studies", body, headers={"Content-Type": kind}, timeout=30)
    place = f"studies/{UID}.50/series/{UID}.50.1/instances/{UID}.50.1.1/rendered"
    shown = requests.get(f"{lake.endpoints.dicomweb}/{place}", headers={"Accept": "image/png"}, timeout=30)

    assert stored.status_code == 200, stored.text
    assert shown.content.startswith(b"\x89PNG")


@pytest.mark.engine
def test_other_content_is_kept_beside_and_the_answer_names_what_differs(lake: RunningLake) -> None:
    for file in (ct_slice(study=84), changed(ct_slice(study=84), StudyDescription="other")):
        answer = requests.post(
            f"{lake.endpoints.dicomweb}/studies", multipart(file), headers={"Content-Type": MULTIPART}, timeout=30
        )

    assert answer.status_code == 200
    (item,) = answer.json()["00081199"]["Value"]
    modified = item["04000561"]["Value"][0]["04000550"]["Value"]
    assert modified == [{"00081030": {"vr": "LO", "Value": ["other"]}}]


@pytest.mark.engine
def test_a_body_over_what_a_function_takes_is_a_413(lake: RunningLake) -> None:
    large = requests.post(
        f"{lake.endpoints.dicomweb}/studies", bytes(5_000_000), headers={"Content-Type": MULTIPART}, timeout=30
    )

    assert large.status_code == 413
