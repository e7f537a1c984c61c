"""Rendered resources and thumbnails through the web: what is asked, what comes, and that it shows what landed."""

import io
from typing import Any

import numpy as np
import pydicom
import pytest
from imagecodecs import gif_decode, jpeg8_decode, png_decode
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut

from dicomlake.adapters.memory import MemoryObjectStore
from tests.unit.web.events import body_of, get
from tests.unit.web.multiparts import content, parts_of
from tests.unit.web.pixel_lake import ROOT, PixelLake
from tests.usecases.dicom_files import ROOT as UIDS
from tests.usecases.dicom_files import changed, ct_slice

STUDY = f"{ROOT}/studies/{UIDS}.1"
SERIES = f"{STUDY}/series/{UIDS}.1.1"
ROWS, COLUMNS = 200, 300
DOWN, ACROSS = np.mgrid[:ROWS, :COLUMNS]
SLOPE = ((ACROSS * 9 + DOWN * 5) % 4096).astype("<u2")
SIGNED = (SLOPE.astype("i4") - 2048).astype("<i2")
CINE = np.stack([np.full((24, 24), value, "<u2") for value in (10, 500, 4000)])
SIZE = {"Rows": ROWS, "Columns": COLUMNS}
REPORT = {"Modality": "SR"}


def without_pixels(file: bytes) -> bytes:
    data = pydicom.dcmread(io.BytesIO(file))
    del data.PixelData
    out = io.BytesIO()
    pydicom.dcmwrite(out, data)
    return out.getvalue()


FILES = {
    1: changed(ct_slice(number=1), PixelData=SLOPE.tobytes(), WindowCenter=1500, WindowWidth=2000, **SIZE),
    2: changed(
        ct_slice(number=2),
        PixelData=SIGNED.tobytes(),
        PixelRepresentation=1,
        RescaleSlope=2,
        RescaleIntercept=-100,
        WindowCenter=300,
        WindowWidth=3000,
        **SIZE,
    ),
    3: changed(ct_slice(number=3), PixelData=SLOPE.tobytes(), PhotometricInterpretation="MONOCHROME1", **SIZE),
    4: changed(ct_slice(number=4), PixelData=CINE.tobytes(), NumberOfFrames=3, WindowCenter=2048, WindowWidth=4096),
    5: without_pixels(changed(ct_slice(series=2, number=5), **REPORT)),
}


@pytest.fixture(scope="module")
def lake() -> PixelLake:
    lake = PixelLake()
    lake.store_files(*FILES.values())
    return lake


def instance(number: int) -> str:
    return f"{SERIES}/instances/{UIDS}.1.1.{number}"


def png_of(response: dict[str, Any]) -> np.ndarray:
    assert (response["statusCode"], response["headers"]["content-type"]) == (200, "image/png"), response
    return png_decode(body_of(response))


def by_pydicom(number: int, low: float, high: float) -> np.ndarray:
    """What pydicom's LUTs make of the landed file, spread over 8 bits."""
    data = pydicom.dcmread(io.BytesIO(FILES[number]))
    values = apply_voi_lut(apply_modality_lut(data.pixel_array, data), data)
    return np.floor(np.clip((values - low) / (high - low), 0, 1) * 255 + 0.5).astype("u1")


# --- what it shows -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "low", "high"), [(1, 0, 4095), (2, 2 * -2048 - 100, 2 * 2047 - 100)])
def test_an_image_shows_what_pydicom_shows(lake: PixelLake, number: int, low: float, high: float) -> None:
    shown = png_of(get(lake.services(), f"{instance(number)}/rendered", "image/png"))

    assert np.array_equal(shown, by_pydicom(number, low, high))


def test_without_a_window_an_inverse_image_is_spread_and_inverse(lake: PixelLake) -> None:
    shown = png_of(get(lake.services(), f"{instance(3)}/rendered", "image/png"))

    low, high = int(SLOPE.min()), int(SLOPE.max())
    assert np.array_equal(shown, 255 - np.floor((SLOPE.astype("f8") - low) / (high - low) * 255 + 0.5).astype("u1"))


@pytest.mark.parametrize("separator", [",", "%2C"])
def test_the_window_asked_for_is_applied(lake: PixelLake, separator: str) -> None:
    asked = separator.join(("100", "50", "linear-exact"))

    shown = png_of(get(lake.services(), f"{instance(1)}/rendered?window={asked}&accept=image/png"))

    expected = np.clip((SLOPE.astype("f8") - 100) / 50 + 0.5, 0, 1) * 255
    assert np.array_equal(shown, np.floor(expected + 0.5).astype("u1"))


def test_a_region_is_shown_as_it_lies(lake: PixelLake) -> None:
    whole = png_of(get(lake.services(), f"{instance(1)}/rendered", "image/png"))

    part = png_of(get(lake.services(), f"{instance(1)}/rendered?viewport=50,40,30,20,50,40", "image/png"))

    assert np.array_equal(part, whole[20:60, 30:80])


def test_a_jpeg_comes_by_default_and_is_near_the_png(lake: PixelLake) -> None:
    response = get(lake.services(), f"{instance(1)}/rendered?quality=98")

    assert response["headers"]["content-type"] == "image/jpeg"
    shown = jpeg8_decode(body_of(response)).astype(int)
    assert np.abs(shown - png_of(get(lake.services(), f"{instance(1)}/rendered", "image/png"))).mean() < 2


# --- frames, series and studies ------------------------------------------------------------------------------------


def test_frames_are_rendered_each_and_the_middle_one_stands_for_all(lake: PixelLake) -> None:
    several = parts_of(
        get(lake.services(), f"{instance(4)}/frames/3,1/rendered", 'multipart/related; type="image/png"')
    )
    middle = png_of(get(lake.services(), f"{instance(4)}/rendered", "image/png"))
    alone = png_of(get(lake.services(), f"{instance(4)}/frames/3/rendered", "image/png"))

    assert [int(png_decode(content(part)).max()) for part in several] == [249, 1]
    assert [part["Content-Location"][-17:] for part in several] == ["frames/3/rendered", "frames/1/rendered"]
    assert (int(middle.max()), int(alone.max())) == (31, 249)


def test_a_clip_is_an_animation_of_its_frames(lake: PixelLake) -> None:
    clip = get(lake.services(), f"{instance(4)}/rendered", "image/gif")
    named = get(lake.services(), f"{instance(4)}/frames/3,1/rendered?viewport=12,12", "image/gif")

    assert clip["headers"]["content-type"] == named["headers"]["content-type"] == "image/gif"
    assert gif_decode(body_of(clip), index=None)[:, 0, 0, 0].tolist() == [1, 31, 249]
    assert gif_decode(body_of(named), index=None)[..., 0].tolist() == [[[249] * 12] * 12, [[1] * 12] * 12]


def test_one_frame_as_gif_shows_what_its_png_shows(lake: PixelLake) -> None:
    still = get(lake.services(), f"{instance(1)}/rendered", "image/gif")

    shown = gif_decode(body_of(still))[..., 0]
    assert np.array_equal(shown, png_of(get(lake.services(), f"{instance(1)}/rendered", "image/png")))


def test_a_series_and_a_study_are_a_part_an_image(lake: PixelLake) -> None:
    for url in (SERIES, STUDY):
        parts = parts_of(get(lake.services(), f"{url}/rendered"))

        assert [part.get_content_type() for part in parts] == ["image/jpeg"] * 4


@pytest.mark.parametrize("url", [STUDY, SERIES, instance(1), f"{instance(4)}/frames/1"])
def test_a_thumbnail_is_small_whatever_it_stands_for(lake: PixelLake, url: str) -> None:
    response = get(lake.services(), f"{url}/thumbnail")

    assert response["headers"]["content-type"] == "image/jpeg"
    assert max(jpeg8_decode(body_of(response)).shape) == 128


def test_a_thumbnail_is_the_image_made_small(lake: PixelLake) -> None:
    small = png_of(get(lake.services(), f"{instance(1)}/thumbnail?viewport=75,75", "image/png")).astype(int)

    whole = png_of(get(lake.services(), f"{instance(1)}/rendered", "image/png")).astype(int)
    means = whole.reshape(50, 4, 75, 4).mean(axis=(1, 3))
    assert small.shape == (50, 75)
    assert np.median(np.abs(small - means)) < 6


def test_a_thumbnail_reads_the_bytes_of_its_resolution_only(monkeypatch: pytest.MonkeyPatch) -> None:
    lake, noise = PixelLake(), np.random.default_rng(2).integers(0, 4096, (400, 400), dtype="<u2")
    lake.store_files(changed(ct_slice(), Rows=400, Columns=400, PixelData=noise.tobytes()))
    (record,) = lake.store.state.instances.values()
    read: list[tuple[int, int]] = []

    def read_range(self: MemoryObjectStore, key: str, start: int, length: int, version_id: str = "") -> bytes:
        read.append((start, length))
        return bytes(self.get(key, version_id)[start : start + length])

    monkeypatch.setattr(MemoryObjectStore, "read_range", read_range)

    get(lake.services(), f"{instance(1)}/thumbnail?viewport=50,50")

    offset, length = record.pointer.first_frame
    (of_frame,) = (count for start, count in read if start == offset)
    assert of_frame < length / 20


# --- what cannot be ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "status", "told"),
    [
        ("rendered?window=1,2", 400, "window=centre,width,function"),
        ("rendered?window=1,2,cubic", 400, "window=centre,width,function"),
        ("rendered?window=a,2,linear", 400, "window=centre,width,function"),
        ("rendered?window=1,0,linear", 400, "width above 0"),
        ("rendered?viewport=1", 400, "viewport=width,height"),
        ("rendered?viewport=0,5", 400, "1 to 8192"),
        ("rendered?viewport=5,5,300,0,5,5", 400, "300 x 200"),
        ("rendered?viewport=5,5,0,0,5", 400, "viewport=width,height"),
        ("rendered?quality=101", 400, "quality"),
        ("thumbnail?viewport=5,5,0,0,5,5", 400, "whole image"),
        ("frames/2/rendered", 404, "frames 1 to 1"),
        ("frames/0/rendered", 404, "frames 1 to 1"),
        ("frames/1,2/rendered", 404, "frames 1 to 1"),
        ("frames/1,2/thumbnail", 400, "one frame"),
        ("frames/x/rendered", 400, "numbers"),
        ("frames/1,2/rendered?accept=image/gif", 404, "frames 1 to 1"),
        ("rendered?viewport=5,5,300,0,5,5&accept=image/gif", 400, "300 x 200"),
        ("rendered?accept=image/webp", 406, "image/png"),
    ],
)
def test_what_cannot_be_is_told_with_what_can(lake: PixelLake, asked: str, status: int, told: str) -> None:
    response = get(lake.services(), f"{instance(1)}/{asked}")

    assert response["statusCode"] == status
    assert told in body_of(response).decode()


def test_what_is_no_image_has_no_picture(lake: PixelLake) -> None:
    report = f"{STUDY}/series/{UIDS}.1.2/instances/{UIDS}.1.2.5"

    for url in (f"{report}/rendered", f"{report}/thumbnail", f"{STUDY}/series/{UIDS}.1.2/rendered"):
        assert get(lake.services(), url)["statusCode"] == 406
    assert get(lake.services(), f"{STUDY}/thumbnail")["statusCode"] == 200


def test_a_frame_that_landed_short_is_refused_and_its_file_still_comes() -> None:
    lake = PixelLake()
    lake.store_files(changed(ct_slice(), PixelData=SLOPE.tobytes(), **SIZE)[:-5000])

    for url in ("rendered", "thumbnail", "frames/1/rendered"):
        response = get(lake.services(), f"{instance(1)}/{url}")
        assert response["statusCode"] == 406
        assert b"landed damaged" in body_of(response)
    assert get(lake.services(), f"{instance(1)}?accept=application/dicom;transfer-syntax=*")["statusCode"] == 200
