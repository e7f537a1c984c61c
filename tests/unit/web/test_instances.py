"""WADO-RS instances: what is accepted, what is sent, and that its pixels are those that landed."""

import io
from typing import Any

import numpy as np
import pydicom
import pytest
from imagecodecs import jpegls_decode, jpegsof3_decode

from dicomlake.domain.errors import NotAcceptableError
from dicomlake.web import large
from dicomlake.web.choose import DicomWish, dicom_wishes
from tests.unit.web.events import body_of, get
from tests.unit.web.multiparts import content, parsed, parts_of
from tests.unit.web.pixel_lake import ROOT, PixelLake
from tests.usecases.dicom_files import ROOT as UIDS
from tests.usecases.dicom_files import ct_slice

STUDY = f"{ROOT}/studies/{UIDS}.1"
INSTANCE = f"{STUDY}/series/{UIDS}.1.1/instances/{UIDS}.1.1.2"
FILES = [ct_slice(number=number) for number in (1, 2, 3)]
DICOM = 'multipart/related; type="application/dicom"'
ELE, HTJ2K = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.202"


@pytest.fixture(scope="module")
def lake() -> PixelLake:
    lake = PixelLake()
    lake.store_files(*FILES, ct_slice(series=2, number=9))
    return lake


def files_of(response: dict[str, Any]) -> list[pydicom.Dataset]:
    return [pydicom.dcmread(io.BytesIO(content(part))) for part in parts_of(response)]


def pixels(data: pydicom.Dataset) -> np.ndarray:
    """A file's pixels; pydicom itself has no decoder of JPEG lossless and JPEG-LS."""
    decode = {".57": jpegsof3_decode, ".70": jpegsof3_decode, ".80": jpegls_decode}
    known = decode.get(data.file_meta.TransferSyntaxUID[-3:])
    if known is None:
        return data.pixel_array
    (frame,) = pydicom.encaps.generate_frames(data.PixelData, number_of_frames=1)
    return known(frame)


# --- what is accepted ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accept", "wishes"),
    [
        ("*/*", [("", 1.0, True)]),
        (DICOM, [("", 1.0, True)]),
        ("multipart/related;type=application/dicom", [("", 1.0, True)]),
        ('multipart/related; type="*/*"', [("", 1.0, True)]),
        ("Multipart/Related; Type=Application/DICOM", [("", 1.0, True)]),
        (f"{DICOM}; transfer-syntax=*", [("*", 1.0, True)]),
        (f'{DICOM}; transfer-syntax="*"', [("*", 1.0, True)]),
        (f"{DICOM}; transfer-syntax={HTJ2K}", [(HTJ2K, 1.0, True)]),
        ("application/dicom", [("", 1.0, False)]),
        ("application/dicom; transfer-syntax=*", [("*", 1.0, False)]),
        (f"application/dicom;q=0.2, {DICOM};q=0.9", [("", 0.9, True)]),
        (f"{DICOM};q=0.2, application/dicom", [("", 1.0, False)]),
        (f"{DICOM};transfer-syntax={ELE};q=0.5, {DICOM};transfer-syntax=*", [("*", 1.0, True), (ELE, 0.5, True)]),
        (f"text/html, {DICOM};q=0.1", [("", 0.1, True)]),
    ],
)
def test_every_way_to_ask_is_understood(accept: str, wishes: list[tuple[str, float, bool]]) -> None:
    assert dicom_wishes(accept, single=True) == tuple(DicomWish(*wish) for wish in wishes)


@pytest.mark.parametrize(
    "accept",
    ["text/html", "image/jpeg", f"{DICOM};q=0", 'multipart/related; type="image/jp2"', f"{DICOM};transfer-syntax=a"],
)
def test_what_is_no_dicom_file_is_not_acceptable(accept: str) -> None:
    with pytest.raises(NotAcceptableError, match="application/dicom"):
        dicom_wishes(accept, single=True)


def test_several_files_are_never_sent_alone() -> None:
    with pytest.raises(NotAcceptableError):
        dicom_wishes("application/dicom", single=False)


# --- what is sent --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ("", ELE),
        (f"; transfer-syntax={ELE}", ELE),
        ("; transfer-syntax=*", HTJ2K),
        (f"; transfer-syntax={HTJ2K}", HTJ2K),
        *(
            (f"; transfer-syntax={uid}", uid)
            for tail in ("57", "70", "80", "90", "201")
            if (uid := f"{HTJ2K[:-3]}{tail}")
        ),
        ("; transfer-syntax=1.2.840.10008.1.2.5", "1.2.840.10008.1.2.5"),
        (f"; transfer-syntax={HTJ2K[:-3]}50, {DICOM}; q=0.3", ELE),
        (f"; transfer-syntax={ELE}, {DICOM}; transfer-syntax={HTJ2K}", HTJ2K),
    ],
)
def test_pixels_come_as_asked_and_are_those_that_landed(lake: PixelLake, asked: str, sent: str) -> None:
    response = get(lake.services(), f"{STUDY}/series/{UIDS}.1.1", DICOM + asked)

    assert response["statusCode"] == 200
    assert response["headers"]["content-type"].startswith('multipart/related; type="application/dicom"; boundary=')
    assert {part.get_param("transfer-syntax") for part in parts_of(response)} == {sent}
    found = {data.InstanceNumber: data for data in files_of(response)}
    assert found.keys() == {1, 2, 3}
    for number, file in enumerate(FILES, 1):
        landed = pydicom.dcmread(io.BytesIO(file))
        assert found[number].file_meta.TransferSyntaxUID == sent
        assert found[number].SOPInstanceUID == landed.SOPInstanceUID
        assert np.array_equal(pixels(found[number]), landed.pixel_array)


@pytest.mark.parametrize("tail", ["", ".2", ".4.50", ".4.91", ".4.102.1"])
def test_what_is_never_sent_is_a_406_that_says_what_works(lake: PixelLake, tail: str) -> None:
    response = get(lake.services(), INSTANCE, f"{DICOM}; transfer-syntax=1.2.840.10008.1.2{tail}")

    assert response["statusCode"] == 406
    assert b"transfer-syntax=*" in body_of(response)


def test_a_study_is_all_of_its_series(lake: PixelLake) -> None:
    response = get(lake.services(), STUDY)

    assert sorted((data.SeriesNumber, data.InstanceNumber) for data in files_of(response)) == [
        (1, 1),
        (1, 2),
        (1, 3),
        (2, 9),
    ]


def test_every_part_says_where_it_lies(lake: PixelLake) -> None:
    (part,) = parts_of(get(lake.services(), INSTANCE, DICOM))

    assert part["Content-Location"] == f"https://lake.example.org{INSTANCE}"


@pytest.mark.parametrize("parameter", ["", "?accept=application/dicom"])
def test_one_instance_comes_alone_when_asked_so(lake: PixelLake, parameter: str) -> None:
    response = get(lake.services(), INSTANCE + parameter, "" if parameter else "application/dicom")

    assert response["headers"]["content-type"] == f"application/dicom; transfer-syntax={ELE}"
    assert response["headers"]["content-location"].endswith(INSTANCE)
    assert pydicom.dcmread(io.BytesIO(body_of(response))).InstanceNumber == 2


@pytest.mark.parametrize(
    ("url", "status"),
    [
        (f"{ROOT}/studies/9.9", 404),
        (f"{STUDY}/series/9.9", 404),
        (f"{STUDY}/series/{UIDS}.1.1/instances/9.9", 404),
        (f"{ROOT}/studies/x", 400),
    ],
)
def test_what_is_not_there_is_said(lake: PixelLake, url: str, status: int) -> None:
    assert get(lake.services(), url)["statusCode"] == status


def test_a_series_is_not_sent_as_a_file_alone(lake: PixelLake) -> None:
    assert get(lake.services(), f"{STUDY}/series/{UIDS}.1.1", "application/dicom")["statusCode"] == 406


# --- any size ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("accept", [DICOM, "application/dicom"])
def test_an_answer_over_the_limit_is_read_where_the_redirect_says(
    lake: PixelLake, accept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = get(lake.services(), INSTANCE, accept)
    monkeypatch.setattr(large, "MAX_BODY", 500)

    response = get(lake.services(), INSTANCE, accept)

    assert (response["statusCode"], response["body"]) == (303, "")
    key = response["headers"]["location"].removeprefix("memory://lake/").partition("?")[0]
    assert key.startswith("answers/")
    assert "seconds=900" in response["headers"]["location"]
    kept = lake.store.objects._buckets.find("lake", key)
    if accept == DICOM:
        (part,) = parsed(kept.content_type, kept.body)
        assert content(part) == content(parts_of(whole)[0])
    else:
        assert (kept.content_type, kept.body) == (whole["headers"]["content-type"], body_of(whole))


def test_an_answer_that_takes_too_long_says_what_works_and_leaves_nothing(
    lake: PixelLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large, "MAX_BODY", 500)
    before = len(lake.store.objects.versions("answers/").items)

    response = get(lake.services(late=lambda: True), STUDY, DICOM)

    assert response["statusCode"] == 413
    assert b"transfer-syntax=*" in body_of(response)
    assert len(lake.store.objects.versions("answers/").items) == before
