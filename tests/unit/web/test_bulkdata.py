"""What metadata name by URL: that every URL gives the value that landed, as itself, alone, in parts and in ranges."""

import io
import json
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from tests.unit.web.events import body_of, get
from tests.unit.web.multiparts import content, parts_of
from tests.unit.web.pixel_lake import ROOT, PixelLake
from tests.usecases.dicom_files import ROOT as UIDS
from tests.usecases.dicom_files import ct_slice

SERIES = f"{ROOT}/studies/{UIDS}.1/series/{UIDS}.1.1"
INSTANCE = f"{SERIES}/instances/{UIDS}.1.1.1"
HOST = "https://lake.example.org"
LONG = np.random.default_rng(1).integers(0, 65536, 600_000, dtype="<u2")
DOCUMENT = b"%PDF-1.7 " + bytes(range(256)) * 5000


def written(syntax: str = ExplicitVRLittleEndian, **elements: tuple[str, Any]) -> bytes:
    """A slice with more elements, as keyword or tag in hex: VR and value."""
    data = pydicom.dcmread(io.BytesIO(ct_slice()))
    big = syntax == ExplicitVRBigEndian
    if big:
        data.PixelData = np.frombuffer(data.PixelData, "<u2").astype(">u2").tobytes()
    for name, (vr, value) in elements.items():
        data.add_new(int(name[1:], 16), vr, value)
    data.file_meta.TransferSyntaxUID = syntax
    out = io.BytesIO()
    pydicom.dcmwrite(out, data, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=not big)
    return out.getvalue()


def lake_of(file: bytes) -> PixelLake:
    lake = PixelLake()
    lake.store_files(file)
    return lake


def metadata_of(lake: PixelLake, url: str = INSTANCE) -> dict[str, Any]:
    (found,) = json.loads(body_of(get(lake.services(), f"{url}/metadata")))
    return dict(found)


def value(lake: PixelLake, uri: str, accept: str = "", **headers: str) -> dict[str, Any]:
    assert uri.startswith(f"{HOST}{INSTANCE}/bulkdata/")
    return get(lake.services(), uri.removeprefix(HOST), accept, **headers)


# --- metadata ------------------------------------------------------------------------------------------------------


def test_metadata_names_bulk_data_absolutely_and_alike_at_every_level() -> None:
    lake = lake_of(written(t00091001=("OB", LONG.tobytes())))

    of_instance, of_series, of_study = (
        metadata_of(lake, url) for url in (INSTANCE, SERIES, SERIES.partition("/series")[0])
    )

    assert of_instance == of_series == of_study
    assert list(of_instance) == sorted(of_instance)
    assert of_instance["7FE00010"]["BulkDataURI"] == f"{HOST}{INSTANCE}/bulkdata/pixeldata"
    assert of_instance["00083002"] == {"vr": "UI", "Value": ["1.2.840.10008.1.2.4.202"]}


def test_metadata_is_alike_before_and_after_a_series_settles() -> None:
    lake = PixelLake()
    for number in (1, 2):
        lake.land(f"in/{number}", ct_slice(number=number))
    lake.ingest(lake.in_flight)
    lake._track()
    url = f"{SERIES}/metadata"
    early = get(lake.services(), url)

    lake.in_flight = []
    lake.pump()

    assert early["statusCode"] == 200
    assert json.loads(body_of(get(lake.services(), url))) == json.loads(body_of(early))


@pytest.mark.parametrize(
    ("known", "status"), [("{}", 304), ('"other", {}', 304), ("*", 304), ('W/"0"', 200), ("", 200)]
)
def test_metadata_that_is_known_is_not_sent_again(known: str, status: int) -> None:
    lake = lake_of(ct_slice())
    tag = get(lake.services(), f"{SERIES}/metadata")["headers"]["etag"]

    assert get(lake.services(), f"{SERIES}/metadata", if_none_match=known.format(tag))["statusCode"] == status


def test_the_same_metadata_under_another_name_of_the_host_is_another_version() -> None:
    lake = lake_of(ct_slice())

    here = get(lake.services(), f"{SERIES}/metadata")
    there = get(lake.services(), f"{SERIES}/metadata", x_forwarded_host="other.example.org")

    assert here["headers"]["etag"] != there["headers"]["etag"]
    assert b"https://other.example.org/dicomweb" in body_of(there)


# --- values --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_every_uri_in_the_metadata_gives_its_value(syntax: str) -> None:
    item = Dataset()
    item.add_new(0x00283006, "OW", LONG[::-1].astype(">u2" if syntax == ExplicitVRBigEndian else "<u2").tobytes())
    words = LONG.astype(">u2" if syntax == ExplicitVRBigEndian else "<u2").tobytes()
    lake = lake_of(written(syntax, t60003000=("OW", words), t00283010=("SQ", [item])))
    found = metadata_of(lake)

    for element, expected in (
        (found["60003000"], LONG),
        (found["00283010"]["Value"][0]["00283006"], LONG[::-1]),
    ):
        assert body_of(value(lake, element["BulkDataURI"], "application/octet-stream")) == expected.tobytes()


def test_a_value_comes_in_a_part_when_asked_so_and_in_ranges() -> None:
    lake = lake_of(written(t00091001=("OB", LONG.tobytes())))
    uri = metadata_of(lake)["00091001"]["BulkDataURI"]

    (part,) = parts_of(value(lake, uri, 'multipart/related; type="application/octet-stream"'))
    some = value(lake, uri, range="bytes=10-19")

    assert content(part) == LONG.tobytes()
    assert part["Content-Location"] == uri
    assert (some["statusCode"], body_of(some)) == (206, LONG.tobytes()[10:20])
    assert some["headers"]["content-range"] == f"bytes 10-19/{LONG.nbytes}"


def test_an_encapsulated_document_is_itself() -> None:
    file = pydicom.dcmread(io.BytesIO(ct_slice()))
    del file.PixelData
    file.SOPClassUID = file.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.104.1"
    file.EncapsulatedDocument, file.EncapsulatedDocumentLength = DOCUMENT + b"\0", len(DOCUMENT)
    file.MIMETypeOfEncapsulatedDocument = "application/pdf"
    out = io.BytesIO()
    pydicom.dcmwrite(out, file)
    lake = lake_of(out.getvalue())
    uri = metadata_of(lake)["00420011"]["BulkDataURI"]
    rendered = get(lake.services(), f"{INSTANCE}/rendered")

    alone = value(lake, uri, "application/pdf")

    assert len(DOCUMENT) % 2 == 1
    assert (alone["headers"]["content-type"], body_of(alone)) == ("application/pdf", DOCUMENT)
    assert content(parts_of(value(lake, uri, 'multipart/related; type="application/pdf"'))[0]) == DOCUMENT
    assert value(lake, uri, "image/png")["statusCode"] == 406
    assert (rendered["headers"]["content-type"], body_of(rendered)) == ("application/pdf", DOCUMENT)
    assert get(lake.services(), f"{INSTANCE}/rendered", "image/jpeg")["statusCode"] == 406
    assert get(lake.services(), f"{INSTANCE}/thumbnail")["statusCode"] == 406


def test_a_document_that_the_metadata_hold_is_rendered_as_itself() -> None:
    file = pydicom.dcmread(io.BytesIO(ct_slice()))
    del file.PixelData
    file.EncapsulatedDocument, file.MIMETypeOfEncapsulatedDocument = b"<cda/>", "text/xml"
    out = io.BytesIO()
    pydicom.dcmwrite(out, file)

    response = get(lake_of(out.getvalue()).services(), f"{INSTANCE}/rendered", "text/xml")

    assert (response["headers"]["content-type"], body_of(response)) == ("text/xml", b"<cda/>")


def test_pixel_data_come_compressed_by_frame_and_uncompressed_together() -> None:
    lake = lake_of(ct_slice())
    uri = metadata_of(lake)["7FE00010"]["BulkDataURI"]
    landed = pydicom.dcmread(io.BytesIO(ct_slice())).PixelData

    stored = parts_of(value(lake, uri))
    native = parts_of(value(lake, uri, 'multipart/related; type="application/octet-stream"'))

    assert [part.get_content_type() for part in stored] == ["image/jphc"]
    assert [content(part) for part in native] == [landed]
    assert body_of(value(lake, uri, "application/octet-stream", range="bytes=0-9")) == landed[:10]


@pytest.mark.parametrize("name", ["0-10", "99999999-99999999999", "x", "-1", "1-2-3", "bulk"])
def test_what_the_metadata_do_not_name_is_not_there(name: str) -> None:
    assert get(lake_of(ct_slice()).services(), f"{INSTANCE}/bulkdata/{name}")["statusCode"] == 404


def test_a_video_is_its_stream_and_has_no_frames() -> None:
    stream = np.random.default_rng(3).integers(0, 256, 5000, dtype="u1").tobytes()
    file = pydicom.dcmread(io.BytesIO(ct_slice()))
    file.SamplesPerPixel, file.PhotometricInterpretation, file.PlanarConfiguration = 3, "YBR_PARTIAL_420", 0
    file.BitsAllocated, file.BitsStored, file.HighBit, file.NumberOfFrames = 8, 8, 7, 25
    file.PixelData = encapsulate([stream], has_bot=False)
    file["PixelData"].VR = "OB"
    file.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.102"
    out = io.BytesIO()
    pydicom.dcmwrite(out, file)
    lake = lake_of(out.getvalue())

    whole = value(lake, metadata_of(lake)["7FE00010"]["BulkDataURI"], "video/mp4")
    some = value(lake, metadata_of(lake)["7FE00010"]["BulkDataURI"], "video/mp4", range="bytes=-100")

    assert whole["headers"]["content-type"] == "video/mp4"
    assert (body_of(whole), body_of(some)) == (stream, stream[-100:])
    assert body_of(get(lake.services(), f"{INSTANCE}/rendered", "video/*")) == stream
    assert get(lake.services(), f"{INSTANCE}/rendered", "image/jpeg")["statusCode"] == 406
    assert get(lake.services(), f"{INSTANCE}/frames/1")["statusCode"] == 406
    assert get(lake.services(), INSTANCE)["statusCode"] == 406
    assert get(lake.services(), INSTANCE, "application/dicom; transfer-syntax=*")["statusCode"] == 200
