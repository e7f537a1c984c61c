"""Pictures: colours, palettes, the part that a viewport shows, and the files they become."""

import numpy as np
import pytest
from imagecodecs import jpeg8_decode, png_decode
from pydicom.dataset import Dataset

from dicomlake.dicom.files.frame_values import native_values
from dicomlake.dicom.frames.pixels import PixelLayout
from dicomlake.dicom.pictures.encode import jpeg, png
from dicomlake.dicom.pictures.picture import picture, seen
from dicomlake.domain.errors import MalformedError
from dicomlake.domain.picture import Viewport, Window

RANDOM = np.random.default_rng(4)


def test_a_table_over_the_values_shows_the_same_as_the_values() -> None:
    data = Dataset()
    data.PhotometricInterpretation, data.WindowCenter, data.WindowWidth = "MONOCHROME2", -100, 3000
    frame = RANDOM.integers(-2048, 2048, (20, 30)).astype("i2")

    by_table = picture(frame, data, 0, "MONOCHROME2", None)
    by_value = picture(frame.astype("f8"), data, 0, "MONOCHROME2", None)

    assert np.array_equal(by_table, by_value)
    assert not np.array_equal(by_table, picture(frame, data, 0, "MONOCHROME2", Window(0, 50)))


def test_rgb_is_shown_as_it_is_and_ybr_as_the_rgb_it_means() -> None:
    frame = RANDOM.integers(0, 256, (5, 6, 3)).astype("u1")

    rgb, from_ybr = (picture(frame, Dataset(), 0, kind, None) for kind in ("RGB", "YBR_FULL"))

    luma, blue, red = (frame[..., sample].astype("f8") for sample in range(3))
    green = luma - 0.344136 * (blue - 128) - 0.714136 * (red - 128)
    expected = np.stack([luma + 1.402 * (red - 128), green, luma + 1.772 * (blue - 128)], -1)
    assert np.array_equal(rgb, frame)
    assert np.abs(from_ybr.astype(int) - np.clip(np.rint(expected), 0, 255)).max() <= 1


def test_deep_colours_show_their_highest_bits() -> None:
    data = Dataset()
    data.BitsStored = 16
    frame = RANDOM.integers(0, 65536, (5, 6, 3)).astype("u2")

    assert np.array_equal(picture(frame, data, 0, "RGB", None), (frame >> 8).astype("u1"))


@pytest.mark.parametrize("bits", [8, 16])
def test_a_palette_gives_every_value_its_colour(bits: int) -> None:
    data, tables = Dataset(), RANDOM.integers(0, 1 << bits, (3, 16))
    for colour, entries in zip(("Red", "Green", "Blue"), tables, strict=True):
        setattr(data, f"{colour}PaletteColorLookupTableDescriptor", [16, 4, bits])
        setattr(data, f"{colour}PaletteColorLookupTableData", entries.astype("<u2" if bits == 16 else "u1").tobytes())
    frame = np.arange(24, dtype="u1").reshape(4, 6)

    shown = picture(frame, data, 0, "PALETTE COLOR", None)

    index = np.clip(frame.astype(int) - 4, 0, 15)
    assert np.array_equal(shown, np.moveaxis(tables[:, index] >> (bits - 8), 0, -1))


def test_a_palette_that_is_missing_is_malformed() -> None:
    with pytest.raises(MalformedError):
        picture(np.zeros((2, 2), "u1"), Dataset(), 0, "PALETTE COLOR", None)


# --- viewports -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("viewport", "shape"),
    [
        (Viewport(30, 30), (15, 30)),
        (Viewport(120, 400), (60, 120)),
        (Viewport(10, 10, 0, 0, 20, 30), (10, 7)),
        (Viewport(60, 30, 30, 15), (30, 60)),
    ],
)
def test_a_picture_fits_its_viewport_and_keeps_its_aspect(viewport: Viewport, shape: tuple[int, int]) -> None:
    assert seen(np.zeros((30, 60), "u1"), viewport).shape == shape


def test_a_region_is_cut_and_negative_sizes_flip_it() -> None:
    whole = RANDOM.integers(0, 256, (30, 60, 3)).astype("u1")

    plain = seen(whole, Viewport(20, 10, 5, 7, 20, 10))
    across = seen(whole, Viewport(20, 10, 5, 7, -20, 10))
    both = seen(whole, Viewport(20, 10, 5, 7, -20, -10))

    assert np.array_equal(plain, whole[7:17, 5:25])
    assert np.array_equal(across, plain[:, ::-1])
    assert np.array_equal(both, plain[::-1, ::-1])


def test_scaling_keeps_flat_areas_and_the_mean() -> None:
    flat = np.full((50, 70), 77, "u1")
    noise = RANDOM.integers(0, 256, (256, 256)).astype("u1")

    assert (seen(flat, Viewport(33, 33)) == 77).all()
    assert (seen(flat, Viewport(300, 300)) == 77).all()
    assert abs(float(seen(noise, Viewport(64, 64)).mean()) - float(noise.mean())) < 1.5


@pytest.mark.parametrize("arguments", [(0, 5), (5, 8193), (5, 5, -1), (5, 5, 0, 0, 0, 4)])
def test_viewports_that_cannot_be_are_not_built(arguments: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="viewport"):
        Viewport(*arguments)


@pytest.mark.parametrize(
    "viewport", [Viewport(5, 5, 60), Viewport(5, 5, 0, 30), Viewport(5, 5, 50, 0, 11), Viewport(5, 5, 0, 20, 5, -11)]
)
def test_regions_outside_the_image_are_refused(viewport: Viewport) -> None:
    with pytest.raises(ValueError, match="60 x 30"):
        viewport.region(30, 60)


# --- files ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (40, 33, 3), (1, 9, 3)])
def test_a_png_is_read_back_exactly_by_libpng(shape: tuple[int, ...]) -> None:
    shown = RANDOM.integers(0, 256, shape).astype("u1")

    assert np.array_equal(png_decode(png(shown)).reshape(shape), shown)


@pytest.mark.parametrize("shape", [(64, 48), (64, 48, 3)])
def test_a_jpeg_is_near_and_nearer_with_quality(shape: tuple[int, ...]) -> None:
    rows, columns = np.mgrid[:64, :48]
    shown = np.broadcast_to((rows + columns).reshape(64, 48, *[1] * (len(shape) - 2)), shape).astype("u1")

    rough, fine = jpeg(shown, 10), jpeg(shown, 95)

    assert len(rough) < len(fine)
    assert np.abs(jpeg8_decode(fine).astype(int) - shown).max() <= 6


# --- native frames of any kind -------------------------------------------------------------------------------------


def test_native_frames_of_every_kind_become_their_values() -> None:
    grey = PixelLayout(2, 4, 1, 32, 32, signed=True)
    planes = PixelLayout(2, 4, 3, 8, 8, signed=False, planar=True)
    bits = PixelLayout(2, 4, 1, 1, 1, signed=False)
    colour = PixelLayout(1, 4, 3, 8, 8, signed=False)
    wide = np.arange(-4, 4, dtype="<i4")
    samples = np.arange(24, dtype="u1")

    assert native_values(wide.tobytes(), grey, "MONOCHROME2", "OW")[0].tolist() == wide.reshape(2, 4).tolist()
    assert native_values(np.float32([1.5] * 8).tobytes(), grey, "MONOCHROME2", "OF")[0].tolist() == [[1.5] * 4] * 2
    assert native_values(samples.tobytes(), planes, "RGB", "OB")[0][1, 2].tolist() == [6, 14, 22]
    assert native_values(b"\x81", bits, "MONOCHROME2", "OB")[0].tolist() == [[1, 0, 0, 0], [0, 0, 0, 1]]
    shared, photometric = native_values(bytes([1, 2, 8, 9, 3, 4, 6, 7]), colour, "YBR_FULL_422", "OB")
    assert (shared.tolist(), photometric) == ([[[1, 8, 9], [2, 8, 9], [3, 6, 7], [4, 6, 7]]], "YBR_FULL")


def test_a_native_frame_that_is_cut_is_malformed() -> None:
    with pytest.raises(MalformedError):
        native_values(b"\0\0\0", PixelLayout(2, 4, 1, 16, 16, signed=False), "MONOCHROME2", "OW")
