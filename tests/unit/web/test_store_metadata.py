"""STOW-RS with metadata and bulk data: what the streams say becomes the Image Pixel module."""

import io
import json
import shutil
import subprocess
import tempfile
from typing import Any

import imagecodecs
import numpy as np
import pydicom
import pytest
from PIL import Image

from dicomlake.usecases import receive_metadata
from dicomlake.usecases.write_native_model import write_native_model
from tests.unit.web.events import body_of, get, get_json
from tests.unit.web.pixel_lake import ROOT
from tests.unit.web.stow_lake import StowLake, items, told
from tests.unit.web.stow_metadata import (
    COLOUR,
    DEEP,
    ENCAPSULATED_PDF,
    GREY,
    PDF,
    PHOTOGRAPHIC_VIDEO,
    SECONDARY,
    TRUE_COLOUR,
    described,
    element,
    jpeg,
    metadata,
    mp4,
    sent,
)
from tests.usecases.dicom_files import ROOT as UID

TS = "1.2.840.10008.1.2."
NATIVE = "1.2.840.10008.1.2.1"
MONO, YBR_422 = "MONOCHROME2", "YBR_FULL_422"


def landed(lake: StowLake, number: int = 0) -> pydicom.Dataset:
    """A file as it was made and landed."""
    key = sorted(one.key for one in lake.landing.versions().items)[number]
    return pydicom.dcmread(io.BytesIO(lake.landing.get(key)))


def jpeg_ls(image: Any, near: int = 0) -> bytes:
    return bytes(imagecodecs.jpegls_encode(image, level=near))


def jpeg_2000(image: Any, **options: Any) -> bytes:
    return bytes(imagecodecs.jpeg2k_encode(image, **options))


_OPEN, _CLOSE = b'<DicomAttribute tag="0040A730" vr="SQ"><Item number="1">', b"</Item></DicomAttribute>"
NESTED_XML = b"<NativeDicomModel>" + _OPEN * 5000 + _CLOSE * 5000 + b"</NativeDicomModel>"
IMAGES = [
    ("image/jpeg", jpeg(), f"{TS}4.50", YBR_422, "ISO_10918_1"),
    ("image/jpeg", jpeg(COLOUR, subsampling="444"), f"{TS}4.50", YBR_422, "ISO_10918_1"),
    ("image/jpeg", jpeg(GREY), f"{TS}4.50", MONO, "ISO_10918_1"),
    ("image/jpeg", bytes(imagecodecs.ljpeg_encode(DEEP, bitspersample=12)), f"{TS}4.57", MONO, ""),
    ("image/jls", jpeg_ls(DEEP), f"{TS}4.80", MONO, ""),
    ("image/jls", jpeg_ls(COLOUR), f"{TS}4.80", "RGB", ""),
    ("image/jls", jpeg_ls(GREY, 3), f"{TS}4.81", MONO, "ISO_14495_1"),
    ("image/jp2", jpeg_2000(DEEP, reversible=True), f"{TS}4.90", MONO, ""),
    ("image/jp2", jpeg_2000(COLOUR, reversible=True, mct=True), f"{TS}4.90", "YBR_RCT", ""),
    ("image/jp2", jpeg_2000(COLOUR, level=30, mct=True), f"{TS}4.91", "YBR_ICT", "ISO_15444_1"),
    ("image/png", bytes(imagecodecs.png_encode(DEEP)), NATIVE, MONO, ""),
    ("image/png", bytes(imagecodecs.png_encode(np.dstack([COLOUR, GREY]))), NATIVE, "RGB", ""),
    ("image/gif", bytes(imagecodecs.gif_encode(GREY)), NATIVE, "RGB", ""),
]
NAMES = [f"{kind}-{syntax.removeprefix(TS)}-{colours}" for kind, _, syntax, colours, _ in IMAGES]


@pytest.mark.parametrize(("kind", "stream", "syntax", "colours", "method"), IMAGES, ids=NAMES)
def test_the_image_pixel_module_is_what_the_stream_says(
    kind: str, stream: bytes, syntax: str, colours: str, method: str
) -> None:
    lake = StowLake()

    response = lake.post(*sent(described(metadata(SECONDARY)), (kind, "bulk/1", stream)))

    assert response["statusCode"] == 200, response
    file = landed(lake)
    assert (file.file_meta.TransferSyntaxUID, file.PhotometricInterpretation) == (syntax, colours)
    assert (file.Rows, file.Columns, file.SamplesPerPixel) == (32, 48, 1 if colours == MONO else 3)
    assert file.get("LossyImageCompressionMethod", "") == method
    assert ("LossyImageCompression" in file) == bool(method)
    assert str(file.PatientName) == "Yamada^Tarou=山田^太郎"
    assert_sound(file)
    assert get_json(lake.services(), f"{ROOT}/instances?SOPInstanceUID={UID}.50.1.1")


@pytest.mark.parametrize(
    ("kind", "stream", "pixels"),
    [
        ("image/png", bytes(imagecodecs.png_encode(DEEP)), DEEP),
        ("image/png", bytes(imagecodecs.png_encode(COLOUR)), COLOUR),
        ("image/jls", jpeg_ls(DEEP), DEEP),
        ("image/jp2", jpeg_2000(COLOUR, reversible=True, mct=True), COLOUR),
        ("image/jpeg", bytes(imagecodecs.ljpeg_encode(DEEP, bitspersample=12)), DEEP),
    ],
)
def test_the_pixels_come_back_as_they_were(kind: str, stream: bytes, pixels: Any) -> None:
    lake = StowLake()
    lake.post(*sent(described(metadata(SECONDARY)), (kind, "bulk/1", stream)))

    place = f"{ROOT}/studies/{UID}.50/series/{UID}.50.1/instances/{UID}.50.1.1/frames/1"
    answer = get(lake.services(), place, "application/octet-stream")

    assert answer["statusCode"] == 200
    assert body_of(answer) == pixels.tobytes()


def test_a_progressive_jpeg_is_decoded_and_says_that_it_was_lossy() -> None:
    lake = StowLake()
    body, kind = sent(described(metadata(SECONDARY)), ("image/jpeg", "bulk/1", progressive()))

    assert lake.post(body, kind)["statusCode"] == 200

    file = landed(lake)
    assert (file.file_meta.TransferSyntaxUID, file.PhotometricInterpretation) == (NATIVE, "RGB")
    assert (file.LossyImageCompression, file.LossyImageCompressionMethod) == ("01", "ISO_10918_1")
    assert_sound(file)


def progressive() -> bytes:
    """A progressive JPEG file; Pillow comes with dicomweb-client."""
    out = io.BytesIO()
    Image.fromarray(COLOUR).save(out, "JPEG", progressive=True)
    assert b"\xff\xc2" in out.getvalue()
    return out.getvalue()


def test_the_ratio_of_a_lossy_stream_is_told() -> None:
    lake, stream = StowLake(), jpeg()
    lake.post(*sent(described(metadata(SECONDARY)), ("image/jpeg", "bulk/1", stream)))

    assert float(landed(lake).LossyImageCompressionRatio) == pytest.approx(COLOUR.nbytes / len(stream), rel=1e-4)


def test_frames_of_several_parts_are_one_instance() -> None:
    lake = StowLake()
    frames = [("image/jpeg", "bulk/1", jpeg(np.roll(COLOUR, turn, 0))) for turn in range(3)]

    response = lake.post(*sent(described(metadata(TRUE_COLOUR, **MULTIFRAME)), *frames))

    assert response["statusCode"] == 200
    assert landed(lake).NumberOfFrames == 3
    assert_sound(landed(lake))


MULTIFRAME = {
    "t00280009": element("AT", "00181063"),
    "t00181063": element("DS", 100),
    "t00280301": element("CS", "NO"),
}


def test_an_animated_gif_is_a_frame_a_picture() -> None:
    lake = StowLake()
    stream = bytes(imagecodecs.gif_encode(np.stack([GREY, 255 - GREY])))

    lake.post(*sent(described(metadata(TRUE_COLOUR, **MULTIFRAME)), ("image/gif", "bulk/1", stream)))

    assert landed(lake).NumberOfFrames == 2
    assert_sound(landed(lake))


@pytest.mark.parametrize(
    ("video", "syntax", "bits"),
    [
        (mp4(), "102", 8),
        (mp4(index_first=True), "102", 8),
        (mp4(level=42), "104", 8),
        (mp4(1, 123, b"hvc1"), "107", 8),
        (mp4(2, 123, b"hvc1"), "108", 10),
    ],
)
def test_a_video_keeps_its_stream_and_says_what_it_is(video: bytes, syntax: str, bits: int) -> None:
    lake = StowLake()
    changes = {"t00080060": element("CS", "XC"), "t00080008": element("CS", "ORIGINAL", "PRIMARY")}
    region = {
        "00080100": element("SH", "69536005"),
        "00080102": element("SH", "SCT"),
        "00080104": element("LO", "Head"),
    }
    changes |= {"t00082218": element("SQ", region)}
    changes |= {"t00400555": {"vr": "SQ", "Value": []}}

    document = metadata(PHOTOGRAPHIC_VIDEO, **changes)
    for tag in ("00200060", "00080064"):
        del document[tag]

    response = lake.post(*sent(described(document), ("video/mp4", "bulk/1", video)))

    assert response["statusCode"] == 200
    file = landed(lake)
    assert file.file_meta.TransferSyntaxUID == f"{TS}4.{syntax}"
    assert (file.Rows, file.Columns, file.NumberOfFrames, file.BitsStored) == (480, 640, 25, bits)
    assert (file.PhotometricInterpretation, float(file.FrameTime)) == ("YBR_PARTIAL_420", 40)
    assert file.LossyImageCompression == "01"
    if syntax in ("102", "104"):  # dciodvfy of 2022 knows no HEVC
        assert_sound(file)
    place = f"{ROOT}/studies/{UID}.50/series/{UID}.50.1/instances/{UID}.50.1.1/rendered"
    assert body_of(get(lake.services(), place, "video/mp4")) == video


def test_a_pdf_is_encapsulated() -> None:
    lake = StowLake()
    document = metadata(
        ENCAPSULATED_PDF,
        t00080060=element("CS", "DOC"),
        t00280301=element("CS", "YES"),
        t00420010=element("ST", "Report"),
        t00420011={"vr": "OB", "BulkDataURI": "bulk/1"},
        t0040A043={"vr": "SQ", "Value": []},
    )
    for tag in ("7FE00010", "00080008"):
        del document[tag]

    response = lake.post(*sent(described(document), ("application/pdf", "bulk/1", PDF)))

    assert response["statusCode"] == 200
    file = landed(lake)
    assert file.MIMETypeOfEncapsulatedDocument == "application/pdf"
    assert file.EncapsulatedDocument[: file.EncapsulatedDocumentLength] == PDF
    assert_sound(file)


def test_octets_are_native_pixels_of_the_metadata_s_image_pixel_module() -> None:
    lake = StowLake()

    response = lake.post(
        *sent(described(metadata(SECONDARY, **DEEP_MODULE)), ("application/octet-stream", "bulk/1", DEEP.tobytes()))
    )

    assert response["statusCode"] == 200
    assert np.array_equal(landed(lake).pixel_array, DEEP)
    assert_sound(landed(lake))


DEEP_MODULE = {
    "t00280002": element("US", 1),
    "t00280004": element("CS", MONO),
    "t00280010": element("US", 32),
    "t00280011": element("US", 48),
    "t00280100": element("US", 16),
    "t00280101": element("US", 12),
    "t00280102": element("US", 11),
    "t00280103": element("US", 0),
}


def test_what_the_stream_contradicts_is_told_with_the_values_sent() -> None:
    lake = StowLake()
    wrong = metadata(SECONDARY, t00280010=element("US", 99), t00280011=element("US", 48))

    response = lake.post(*sent(described(wrong), ("image/png", "bulk/1", bytes(imagecodecs.png_encode(GREY)))))

    assert response["statusCode"] == 200
    (item,) = told(response)["00081199"]["Value"]
    assert item["00081196"]["Value"] == [0xB000]
    modified = item["04000561"]["Value"][0]["04000550"]["Value"]
    assert modified == [{"00280010": {"vr": "US", "Value": [99]}}]
    assert landed(lake).Rows == 32


def test_several_instances_come_in_one_array_each_with_its_bulk_data() -> None:
    lake = StowLake()
    first, second = metadata(SECONDARY), metadata(SECONDARY, "bulk/2", 2)

    response = lake.post(
        *sent(described(first, second), ("image/jpeg", "bulk/2", jpeg()), ("image/jls", "bulk/1", jpeg_ls(GREY)))
    )

    assert response["statusCode"] == 200
    assert [landed(lake, number).file_meta.TransferSyntaxUID for number in (0, 1)] == [f"{TS}4.80", f"{TS}4.50"]


def test_metadata_come_as_xml_too() -> None:
    lake = StowLake()
    document = write_native_model(metadata(SECONDARY, **DEEP_MODULE))
    parts = (("application/dicom+xml", "", document), ("application/octet-stream", "bulk/1", DEEP.tobytes()))

    response = lake.post(*sent(*parts, root="application/dicom+xml"))

    assert response["statusCode"] == 200, response
    file = landed(lake)
    assert (file.Rows, str(file.PatientName), file.SeriesNumber) == (32, "Yamada^Tarou=山田^太郎", 1)


def test_metadata_without_bulk_data_are_an_instance_of_their_own() -> None:
    lake = StowLake()
    document = metadata("1.2.840.10008.5.1.4.1.1.88.11", t00080060=element("CS", "SR"))
    del document["7FE00010"]

    assert lake.post(json.dumps([document]).encode(), "application/dicom+json")["statusCode"] == 200
    assert landed(lake).SOPClassUID == "1.2.840.10008.5.1.4.1.1.88.11"


def test_a_part_without_a_content_location_is_what_the_only_uri_means() -> None:
    response = StowLake().post(*sent(described(metadata(SECONDARY)), ("image/jpeg", "", jpeg())))

    assert response["statusCode"] == 200


def test_large_bulk_data_are_not_kept_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receive_metadata, "HELD", 100)
    lake = StowLake()

    response = lake.post(*sent(described(metadata(SECONDARY)), ("image/jpeg", "bulk/1", jpeg())))

    assert response["statusCode"] == 200
    assert [one.key for one in lake.store.objects.versions("answers/").items]


@pytest.mark.parametrize(
    ("part", "reason", "told_of"),
    [
        (("image/jpeg", "bulk/other", b"x"), 0xC000, "Content-Location"),
        (("image/jpeg", "bulk/1", b"no image"), 0xC000, "media type"),
        (("image/png", "bulk/1", b"\x89PNG\r\n\x1a\n" + bytes(40)), 0xC000, "media type"),
        (("video/mp4", "bulk/1", b"no video" * 4), 0xC000, "MP4"),
        (("video/mp4", "bulk/1", mp4(level=51)), 0xC122, "codec"),
        (("image/webp", "bulk/1", b"RIFF"), 0xC122, "pixel data come as"),
        (("application/octet-stream", "bulk/1", b"x" * 10), 0xC000, "as long as"),
    ],
)
def test_an_instance_that_cannot_be_made_fails_with_its_reason(
    part: tuple[str, str, bytes], reason: int, told_of: str
) -> None:
    lake = StowLake()

    response = lake.post(*sent(described(metadata(SECONDARY)), part))

    assert response["statusCode"] == 409
    assert items(response, "00081198") == [{"00081150": SECONDARY, "00081155": f"{UID}.50.1.1", "00081197": reason}]
    assert told_of in response["headers"]["warning"]
    assert not lake.landing.versions().items


def test_one_instance_that_cannot_be_made_does_not_keep_its_neighbour_out() -> None:
    parts = (described(metadata(SECONDARY), metadata(SECONDARY, "bulk/2", 2)), ("image/jpeg", "bulk/2", jpeg()))

    response = StowLake().post(*sent(*parts))

    assert response["statusCode"] == 202
    assert len(items(response, "00081199")) == len(items(response, "00081198")) == 1


@pytest.mark.parametrize(
    ("kind", "document"),
    [
        ("application/dicom+json", b"{"),
        ("application/dicom+json", b"[1]"),
        ("application/dicom+json", b'{"00080018": 1}'),
        ("application/dicom+xml", b"<NativeDicomModel"),
        ("application/dicom+xml", b"<html/>"),
        ("application/dicom+json", b'{"00080018": {"vr": "SQ", "Value": [' * 100_000),
        ("application/dicom+xml", '<?xml version="1.0" encoding="UTF-16"?><NativeDicomModel/>'.encode("utf-16")),
        (
            "application/dicom+xml",
            b'<NativeDicomModel><DicomAttribute tag="00080008" vr="CS"><Value number="900000000">A</Value>'
            b"</DicomAttribute></NativeDicomModel>",
        ),
        ("application/dicom+xml", b'<NativeDicomModel><DicomAttribute tag="1" vr="SQ"><Item number="1">' * 20_000),
        ("application/dicom+xml", NESTED_XML),
        ("application/dicom+xml", b'<!DOCTYPE x [<!ENTITY a "b">]><NativeDicomModel/>'),
    ],
)
def test_metadata_that_are_none_are_a_bad_request(kind: str, document: bytes) -> None:
    assert StowLake().post(document, kind)["statusCode"] == 400


def test_an_image_too_large_to_decode_is_refused_before_it_is() -> None:
    claimed = bytearray(imagecodecs.png_encode(GREY))
    claimed[16:24] = (60_000).to_bytes(4) * 2

    response = StowLake().post(*sent(described(metadata(SECONDARY)), ("image/png", "bulk/1", bytes(claimed))))

    assert response["statusCode"] == 413


def test_metadata_that_nest_too_deep_to_be_written_fail_by_themselves() -> None:
    deep: Any = []
    for _ in range(400):
        deep = [{"0040A730": {"vr": "SQ", "Value": deep}}]
    document = metadata(SECONDARY, t0040A730={"vr": "SQ", "Value": deep})
    del document["7FE00010"]

    response = StowLake().post(json.dumps([document]).encode(), "application/dicom+json")

    assert response["statusCode"] == 409
    assert "nest too deep" in response["headers"]["warning"]


def assert_sound(file: pydicom.Dataset) -> None:
    """dciodvfy finds no error in a file; without it (Debian dicom3tools) the rest of a test stands alone."""
    tool = shutil.which("dciodvfy")
    if tool is None:
        return
    out = io.BytesIO()
    pydicom.dcmwrite(out, file, enforce_file_format=True)
    with tempfile.NamedTemporaryFile(suffix=".dcm") as made:
        made.write(out.getvalue())
        made.flush()
        done = subprocess.run([tool, made.name], capture_output=True, check=False)  # noqa: S603
    assert not [line for line in done.stderr.decode().splitlines() if line.startswith("Error")], done.stderr.decode()
