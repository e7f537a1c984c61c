"""WADO-RS: files, metadata, frames and bulk data (PS3.18 10.4)."""

import io
from itertools import pairwise

import pydicom
import pytest
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

from tests.conformance.made_study import FRAMES, MadeStudy, uid
from tests.conformance.service import JSON, Part, Service, media_type, parts_of, values

FILES = 'multipart/related; type="application/dicom"'
OCTETS = 'multipart/related; type="application/octet-stream"'


def read(part: Part) -> pydicom.Dataset:
    """A part as the file that it is."""
    return pydicom.dcmread(io.BytesIO(part.body))


@pytest.mark.clause("10.4.1.1.1")
@pytest.mark.parametrize(
    ("path", "numbers"),
    [("studies/{0.study}", (1, 2, 3, 4)), ("studies/{0.study}/series/{0.slices}", (1, 2, 3)), ("film", (4,))],
    ids=["study", "series", "instance"],
)
def test_files_come_a_part_each(service: Service, made: MadeStudy, path: str, numbers: tuple[int, ...]) -> None:
    place = made.place(4) if path == "film" else path.format(made)

    found = [read(part) for part in parts_of(service.get(place, FILES))]

    assert sorted(one.SOPInstanceUID for one in found) == sorted(made.instances[number - 1] for number in numbers)


@pytest.mark.clause("8.7.3")
@pytest.mark.parametrize("number", [1, 3, 4], ids=["native", "RLE", "frames"])
def test_without_a_transfer_syntax_files_are_explicit_little_endian(
    service: Service, made: MadeStudy, number: int
) -> None:
    (part,) = parts_of(service.get(made.place(number), FILES))

    found = read(part)
    assert found.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian, f"came in {found.file_meta.TransferSyntaxUID}"
    assert found.PixelData == made.pixels(number)


@pytest.mark.clause("8.7.3")
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless], ids=["explicit", "RLE"])
@pytest.mark.parametrize("number", [1, 3], ids=["native", "compressed"])
def test_files_come_in_the_transfer_syntax_asked_for(
    service: Service, made: MadeStudy, number: int, syntax: str
) -> None:
    (part,) = parts_of(service.get(made.place(number), f"{FILES}; transfer-syntax={syntax}"))

    found = read(part)
    assert found.file_meta.TransferSyntaxUID == syntax
    assert found.pixel_array.astype("<u2").tobytes() == made.pixels(number)


@pytest.mark.clause("8.7.3")
@pytest.mark.parametrize("star", ["*", '"*"'], ids=["bare", "quoted"])
def test_any_transfer_syntax_gives_a_file(service: Service, made: MadeStudy, star: str) -> None:
    (part,) = parts_of(service.get(made.place(3), f"{FILES}; transfer-syntax={star}"))

    assert read(part).SOPInstanceUID == made.instances[2]


@pytest.mark.clause("10.4.1.1.2")
@pytest.mark.parametrize(
    ("path", "number"), [("studies/{0.study}", 4), ("studies/{0.study}/series/{0.slices}", 3), ("instance", 1)]
)
def test_metadata_are_whole_and_without_pixels(service: Service, made: MadeStudy, path: str, number: int) -> None:
    place = made.place(1) if path == "instance" else path.format(made)

    answer = service.get(f"{place}/metadata", JSON["Accept"])

    found = answer.json()
    assert media_type(answer.headers["Content-Type"]) == "application/dicom+json"
    assert len(found) == number
    assert all(values(one, "00100020") == [made.patient_id] and values(one, "00280010") == [24] for one in found)
    assert not any("InlineBinary" in one.get("7FE00010", {}) for one in found)


@pytest.mark.clause("10.4.1.1.2")
def test_metadata_have_sequences_and_numbers_as_they_were_stored(service: Service, made: MadeStudy) -> None:
    (found,) = service.get(f"{made.place(2)}/metadata", JSON["Accept"]).json()

    (item,) = values(found, "00400275")
    assert values(item, "00401001") == [f"R{made.mark}"]
    assert values(found, "00281050") == [2048]
    assert values(found, "00200032") == [0, 0, 2]


@pytest.mark.clause("10.4.1.1.2")
def test_metadata_come_as_xml(service: Service, made: MadeStudy) -> None:
    found = parts_of(service.get(f"{made.place(1)}/metadata", 'multipart/related; type="application/dicom+xml"'))

    assert len(found) == 1
    assert b"NativeDicomModel" in found[0].body


@pytest.mark.clause("10.4.1.1.5")
@pytest.mark.parametrize("accept", [OCTETS, 'multipart/related; type="*/*"'], ids=["octets", "any"])
def test_pixel_data_are_had_by_their_bulk_data_uri(service: Service, made: MadeStudy, accept: str) -> None:
    place = f"{made.place(1)}/metadata"
    (found,) = service.get(place, JSON["Accept"]).json()
    uri = found.get("7FE00010", {}).get("BulkDataURI")
    assert uri, "the metadata have no BulkDataURI of Pixel Data"

    (part, *_) = parts_of(service.bulk(uri, place, accept))

    assert part.body


@pytest.mark.clause("10.4.1.1.6")
@pytest.mark.parametrize(("number", "frame"), [(1, 1), (3, 1), (4, 1), (4, 3)])
def test_a_frame_comes_uncompressed_as_octets(service: Service, made: MadeStudy, number: int, frame: int) -> None:
    (part,) = parts_of(service.get(f"{made.place(number)}/frames/{frame}", OCTETS))

    assert part.body == frame_of(made, number, frame)


@pytest.mark.clause("10.4.1.1.6")
def test_several_frames_come_in_the_order_asked_for(service: Service, made: MadeStudy) -> None:
    found = parts_of(service.get(f"{made.place(4)}/frames/3,1", OCTETS))

    assert [one.body for one in found] == [frame_of(made, 4, 3), frame_of(made, 4, 1)]


def frame_of(made: MadeStudy, number: int, frame: int) -> bytes:
    """The bytes of a frame, from 1."""
    pixels = made.pixels(number)
    length = len(pixels) // (FRAMES if number == 4 else 1)
    cuts = list(pairwise(range(0, len(pixels) + 1, length)))
    return pixels[slice(*cuts[frame - 1])]


@pytest.mark.clause("10.4.3")
@pytest.mark.parametrize("rest", ["", "/metadata", "/rendered"])
def test_an_unknown_study_is_a_404(service: Service, made: MadeStudy, rest: str) -> None:
    assert service.get(f"studies/{uid()}{rest}").status_code == 404


@pytest.mark.clause("10.4.3")
def test_an_unknown_instance_of_a_known_series_is_a_404(service: Service, made: MadeStudy) -> None:
    assert service.get(f"{made.series_place(1)}/instances/{uid()}").status_code == 404


@pytest.mark.clause("10.4.3")
@pytest.mark.parametrize("frame", ["4", "99"])
def test_a_frame_that_is_not_there_is_a_404(service: Service, made: MadeStudy, frame: str) -> None:
    answer = service.get(f"{made.place(4)}/frames/{frame}", OCTETS)

    assert answer.status_code in (400, 404), f"answered {answer.status_code}"


@pytest.mark.clause("10.4.3")
@pytest.mark.parametrize("frames", ["0", "first", "1,,2"])
def test_a_malformed_list_of_frames_is_a_400(service: Service, made: MadeStudy, frames: str) -> None:
    answer = service.get(f"{made.place(4)}/frames/{frames}", OCTETS)

    assert answer.status_code in (400, 404), f"answered {answer.status_code}"
