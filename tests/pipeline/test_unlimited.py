"""The gateway for bodies of any size, in both directions, through the task that Fargate runs."""

from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
import requests

from dicomlake.cli.phantom import Phantom
from tests.pipeline.running import RunningLake

pytestmark = pytest.mark.timeout(400)
SENT = {
    "Content-Type": 'multipart/related; type="application/dicom"; boundary=B',
    "Accept": "application/dicom+json",
}
ALL = {"Accept": 'multipart/related; type="application/dicom"'}


def parts(files: list[Path], end: bytes = b"--B--\r\n") -> Iterator[bytes]:
    for file in files:
        yield b"--B\r\nContent-Type: application/dicom\r\n\r\n" + file.read_bytes() + b"\r\n"
    yield end


@pytest.fixture(scope="module")
def stored(lake: RunningLake, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[Path]]:
    """A study of over 6 MB that came in one request of unknown length, and its files."""
    files = list(Phantom(16, 707).write(tmp_path_factory.mktemp("scan")))
    answer = requests.post(f"{lake.endpoints.gateway}/studies", data=parts(files), headers=SENT, timeout=120)
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["00081199"]["Value"]) == len(files)
    return str(pydicom.dcmread(files[0]).StudyInstanceUID), files


def test_what_is_too_long_for_a_function_is_stored_in_one_request(
    lake: RunningLake, stored: tuple[str, list[Path]]
) -> None:
    uid, files = stored
    refused = requests.post(f"{lake.endpoints.dicomweb}/studies", data=b"".join(parts(files)), headers=SENT, timeout=60)

    found = requests.get(f"{lake.endpoints.gateway}/studies?StudyInstanceUID={uid}", timeout=60).json()

    assert sum(file.stat().st_size for file in files) > 6_000_000
    assert refused.status_code == 413
    assert [study["0020000D"]["Value"] for study in found] == [[uid]]


def test_a_long_answer_comes_without_a_redirect_and_whole(lake: RunningLake, stored: tuple[str, list[Path]]) -> None:
    uid, files = stored

    answer = requests.get(f"{lake.endpoints.gateway}/studies/{uid}", headers=ALL, allow_redirects=False, timeout=120)

    assert answer.status_code == 200
    assert answer.content.count(b"Content-Type: application/dicom") == len(files)
    assert answer.content.endswith(b"--\r\n")
    assert all(pydicom.dcmread(file).PixelData in answer.content for file in files)


def test_a_body_that_is_cut_is_told_and_what_had_arrived_is_kept(lake: RunningLake, tmp_path: Path) -> None:
    files = list(Phantom(2, 708).write(tmp_path))

    cut = requests.post(f"{lake.endpoints.gateway}/studies", data=parts(files, b""), headers=SENT, timeout=60)

    assert cut.status_code == 400
    assert requests.get(f"{lake.endpoints.gateway}/studies?limit=1", timeout=60).status_code == 200


def test_the_gateway_knows_who_asks(lake: RunningLake) -> None:
    root = lake.endpoints.gateway.partition("/dicomweb")[0]
    operator = {"Authorization": f"Bearer {lake.endpoints.operatorToken}"}
    research = f"{root}/dicomweb/{lake.endpoints.researchDatastoreId}/studies"

    assert requests.get(research, timeout=60).status_code == 403
    assert requests.get(research, headers={"Authorization": "Bearer guessed"}, timeout=60).status_code == 403
    assert requests.get(research, headers=operator, timeout=60).status_code in (200, 204)
    assert requests.get(f"{root}/lake/statistics", headers=operator, timeout=60).status_code == 200
