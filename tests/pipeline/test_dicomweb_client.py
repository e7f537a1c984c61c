"""dicomweb-client, a client that knows nothing of this lake, finds and reads what landed."""

import io
from collections.abc import Sequence

import numpy as np
import pydicom
import pytest
from dicomweb_client.api import DICOMwebClient

from tests.pipeline.running import RunningLake
from tests.usecases.dicom_files import changed, ct_slice

STUDY = "1.2.826.0.1.3680043.8.498.71"
SERIES, LARGE = f"{STUDY}.1", f"{STUDY}.2"
EXPLICIT_LITTLE, HTJ2K = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.202"
SIDE = 1700


def given(series: str, number: int, **attributes: object) -> bytes:
    """A slice of the study."""
    names = {"StudyInstanceUID": STUDY, "SeriesInstanceUID": series, "SOPInstanceUID": f"{series}.{number}"}
    return changed(ct_slice(study=71, number=number), PatientID="CLIENT-1", **names, **attributes)


FILES = [given(SERIES, number) for number in (1, 2, 3)]
NOISE = np.random.default_rng(71).integers(0, 4096, (SIDE, SIDE), dtype="<u2")
HEAVY = given(LARGE, 1, Rows=SIDE, Columns=SIDE, PixelData=NOISE.tobytes())
"""5.8 MB that do not compress to what one answer carries."""


@pytest.fixture(scope="module")
def client(lake: RunningLake) -> DICOMwebClient:
    lake.decided([lake.put(f"client/{number}", file) for number, file in enumerate([*FILES, HEAVY])])
    lake.ready(STUDY)
    return DICOMwebClient(url=lake.endpoints.dicomweb)


def landed(number: int) -> pydicom.Dataset:
    return pydicom.dcmread(io.BytesIO(FILES[number - 1]))


def by_number(found: Sequence[pydicom.Dataset]) -> dict[int, pydicom.Dataset]:
    return {int(data.InstanceNumber): data for data in found}


@pytest.mark.engine
def test_it_finds_the_study_by_its_patient(client: DICOMwebClient) -> None:
    (study,) = client.search_for_studies(search_filters={"PatientID": "CLIENT-1"})
    series = client.search_for_series(STUDY)

    assert study["0020000D"]["Value"] == [STUDY]
    assert sorted(one["0020000E"]["Value"][0] for one in series) == [SERIES, LARGE]
    assert len(client.search_for_instances(STUDY, SERIES)) == 3


@pytest.mark.engine
def test_it_reads_metadata_that_pydicom_takes(client: DICOMwebClient) -> None:
    for item in client.retrieve_series_metadata(STUDY, SERIES):
        found = pydicom.Dataset.from_json(item, lambda *_: b"")

        assert found.Rows == 24
        assert found.SOPInstanceUID == landed(found.InstanceNumber).SOPInstanceUID


@pytest.mark.engine
@pytest.mark.parametrize(
    ("wanted", "comes"),
    [
        (None, EXPLICIT_LITTLE),
        ((("application/dicom", "*"),), HTJ2K),
        ((("application/dicom", f"{HTJ2K[:-3]}90"),), f"{HTJ2K[:-3]}90"),
    ],
)
def test_it_reads_a_series_as_files(
    client: DICOMwebClient, wanted: tuple[tuple[str, str], ...] | None, comes: str
) -> None:
    found = by_number(client.retrieve_series(STUDY, SERIES, media_types=wanted))

    assert found.keys() == {1, 2, 3}
    for number, data in found.items():
        assert data.file_meta.TransferSyntaxUID == comes
        assert np.array_equal(data.pixel_array, landed(number).pixel_array)


@pytest.mark.engine
def test_it_follows_to_what_is_too_large_for_one_answer(client: DICOMwebClient) -> None:
    found = client.retrieve_instance(STUDY, LARGE, f"{LARGE}.1")
    whole = client.retrieve_study(STUDY)

    assert np.array_equal(found.pixel_array, NOISE)
    assert sorted(data.SOPInstanceUID for data in whole) == [*(f"{SERIES}.{n}" for n in (1, 2, 3)), f"{LARGE}.1"]


@pytest.mark.engine
def test_it_reads_frames_with_the_types_it_asks_for_by_itself(client: DICOMwebClient) -> None:
    (frame,) = client.retrieve_instance_frames(STUDY, SERIES, f"{SERIES}.2", [1])

    assert frame[:4] == b"\xff\x4f\xff\x51"


@pytest.mark.engine
def test_it_reads_frames_uncompressed_when_it_asks_so(client: DICOMwebClient) -> None:
    kinds = (("application/octet-stream", EXPLICIT_LITTLE),)

    (frame,) = client.retrieve_instance_frames(STUDY, SERIES, f"{SERIES}.2", [1], media_types=kinds)

    assert frame == landed(2).PixelData


@pytest.mark.engine
def test_it_reads_bulk_data_by_the_url_in_the_metadata(client: DICOMwebClient) -> None:
    found = client.retrieve_instance_metadata(STUDY, SERIES, f"{SERIES}.1")

    (value,) = client.retrieve_bulkdata(found["7FE00010"]["BulkDataURI"])

    assert value[:4] == b"\xff\x4f\xff\x51"


@pytest.mark.engine
def test_it_reads_pictures(client: DICOMwebClient) -> None:
    alone = client.retrieve_instance_rendered(STUDY, SERIES, f"{SERIES}.1", media_types=("image/png",))
    frame = client.retrieve_instance_frames_rendered(STUDY, SERIES, f"{SERIES}.1", [1], media_types=("image/jpeg",))

    assert (alone[:4], frame[:2]) == (b"\x89PNG", b"\xff\xd8")
