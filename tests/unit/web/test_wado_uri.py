"""WADO-URI: the same pictures and files as WADO-RS gives, by query parameters."""

import io

import numpy as np
import pydicom
import pytest
from imagecodecs import jpeg8_decode, png_decode

from tests.unit.web.events import body_of, get
from tests.unit.web.pixel_lake import ROOT, PixelLake
from tests.usecases.dicom_files import ROOT as UIDS
from tests.usecases.dicom_files import changed, ct_slice

DOWN, ACROSS = np.mgrid[:40, :60]
FILE = changed(ct_slice(), Rows=40, Columns=60, PixelData=(DOWN * 50 + ACROSS * 30).astype("<u2").tobytes())
ASKED = f"{ROOT}/wado?requestType=WADO&studyUID={UIDS}.1&seriesUID={UIDS}.1.1&objectUID={UIDS}.1.1.1"
RENDERED = f"{ROOT}/studies/{UIDS}.1/series/{UIDS}.1.1/instances/{UIDS}.1.1.1/rendered"


@pytest.fixture(scope="module")
def lake() -> PixelLake:
    lake = PixelLake()
    lake.store_files(FILE)
    return lake


@pytest.mark.parametrize(
    ("uri", "rs"),
    [
        ("", "?"),
        ("&contentType=image/png", "?accept=image/png"),
        ("&contentType=image/webp,image/png;q=0.5", "?accept=image/png"),
        ("&windowCenter=900&windowWidth=100", "?window=900,100,linear"),
        ("&rows=20", "?viewport=8192,20"),
        ("&columns=30&rows=30", "?viewport=30,30"),
        ("&region=0.5,0.25,1,0.75&contentType=image/png", "?viewport=30,20,30,10,30,20&accept=image/png"),
        ("&region=0,0,0.5,1&rows=20&imageQuality=50", "?viewport=8192,20,0,0,30,40&quality=50"),
        ("&frameNumber=1", "?"),
    ],
)
def test_a_picture_is_the_rendered_one(lake: PixelLake, uri: str, rs: str) -> None:
    by_uri, by_rs = get(lake.services(), ASKED + uri), get(lake.services(), RENDERED + rs)

    assert by_uri["statusCode"] == 200, by_uri
    assert by_uri["headers"] | {"etag": ""} == by_rs["headers"] | {"etag": ""}
    assert body_of(by_uri) == body_of(by_rs)
    decode = png_decode if by_uri["headers"]["content-type"] == "image/png" else jpeg8_decode
    assert decode(body_of(by_uri)).size > 1


@pytest.mark.parametrize(("asked", "sent"), [("", ".1"), ("1.2.840.10008.1.2.4.90", ".4.90"), ("*", ".4.202")])
def test_a_file_comes_in_the_transfer_syntax_asked_for(lake: PixelLake, asked: str, sent: str) -> None:
    response = get(lake.services(), f"{ASKED}&contentType=application%2Fdicom&transferSyntax={asked}")

    data = pydicom.dcmread(io.BytesIO(body_of(response)))
    assert data.file_meta.TransferSyntaxUID == f"1.2.840.10008.1.2{sent}"
    assert np.array_equal(data.pixel_array, pydicom.dcmread(io.BytesIO(FILE)).pixel_array)


def test_what_is_no_image_comes_as_a_file() -> None:
    data = pydicom.dcmread(io.BytesIO(ct_slice()))
    del data.PixelData
    out = io.BytesIO()
    pydicom.dcmwrite(out, data)
    lake = PixelLake()
    lake.store_files(out.getvalue())

    assert get(lake.services(), ASKED)["headers"]["content-type"].startswith("application/dicom")
    assert get(lake.services(), f"{ASKED}&contentType=image/jpeg")["statusCode"] == 406


@pytest.mark.parametrize(
    ("url", "status"),
    [
        (ASKED.replace("requestType=WADO&", ""), 400),
        (ASKED.replace(f"studyUID={UIDS}.1&", ""), 400),
        (ASKED.replace("objectUID=", "objectUID=x"), 400),
        (f"{ASKED}9", 404),
        (f"{ASKED}&contentType=text/html", 406),
        (f"{ASKED}&anonymize=yes", 406),
        (f"{ASKED}&presentationUID=1.2.3", 406),
        (f"{ASKED}&frameNumber=2", 404),
        (f"{ASKED}&frameNumber=0", 400),
        (f"{ASKED}&rows=0", 400),
        (f"{ASKED}&windowCenter=5", 400),
        (f"{ASKED}&region=0,0,1", 400),
        (f"{ASKED}&region=0.5,0,0.4,1", 400),
        (f"{ASKED}&region=0,0,2,1", 400),
        (f"{ASKED}&contentType=application/dicom&transferSyntax=1.2.840.10008.1.2.2", 406),
    ],
)
def test_what_cannot_be_has_its_status(lake: PixelLake, url: str, status: int) -> None:
    assert get(lake.services(), url)["statusCode"] == status
