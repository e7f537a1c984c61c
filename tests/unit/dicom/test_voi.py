"""What a display shows of stored values, against pydicom's LUTs and against the standard's formulas in plain Python."""

import math

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut

from dicomlake.dicom.pictures.voi import displayed
from dicomlake.domain.errors import MalformedError
from dicomlake.domain.picture import Window

STORED = np.random.default_rng(9).integers(0, 4096, (40, 30)).astype("u2")


def image(**attributes: object) -> Dataset:
    """The attributes of a grey image."""
    data = Dataset()
    data.PhotometricInterpretation, data.BitsStored, data.PixelRepresentation = "MONOCHROME2", 12, 0
    for keyword, value in attributes.items():
        setattr(data, keyword, value)
    return data


def table(entries: int, first: int, bits: int, data: object) -> Dataset:
    """An item of a LUT sequence."""
    item = Dataset()
    item.LUTDescriptor, item.LUTData = [entries, first, bits], data
    item["LUTData"].VR = "US"
    return item


def in_255(values: np.ndarray, low: float, high: float) -> np.ndarray:
    return np.floor(np.clip((values - low) / (high - low), 0, 1) * 255 + 0.5).astype("u1")


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize(("centre", "width"), [(40.0, 400.0), (-300.5, 1200.25), (0.0, 1.0), (90.0, 2.0)])
def test_windows_are_pydicoms(function: str, centre: float, width: float) -> None:
    data = image(RescaleSlope=0.5, RescaleIntercept=-512, WindowCenter=[centre, 1], WindowWidth=[width, 9])
    data.VOILUTFunction = function

    shown = displayed(STORED, data, 0, None)

    values = apply_modality_lut(STORED, data)
    with np.errstate(over="ignore"):
        expected = apply_voi_lut(values, data)
    low, high = -512.0, 0.5 * 4095 - 512
    assert np.array_equal(shown, in_255(expected, low, high))


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_windows_follow_the_standards_formulas(function: str) -> None:
    values = np.arange(-50, 51)
    centre, width = 3.0, 20.0

    shown = displayed(values, image(), 0, Window(centre, width, function))

    for value, grey in zip(values.tolist(), shown.tolist(), strict=True):
        if function == "SIGMOID":
            exact = 255 / (1 + math.exp(-4 * (value - centre) / width))
        elif function == "LINEAR_EXACT":
            exact = 255 * min(max((value - centre) / width + 0.5, 0), 1)
        elif value <= centre - 0.5 - (width - 1) / 2:
            exact = 0
        elif value > centre - 0.5 + (width - 1) / 2:
            exact = 255
        else:
            exact = 255 * ((value - (centre - 0.5)) / (width - 1) + 0.5)
        assert grey == math.floor(exact + 0.5), value


def test_a_window_asked_for_goes_before_the_images_own() -> None:
    data = image(WindowCenter=10, WindowWidth=5, VOILUTSequence=[table(2, 0, 8, [0, 255])])

    assert np.array_equal(
        displayed(STORED, data, 0, Window(2000, 4000)), displayed(STORED, image(), 0, Window(2000, 4000))
    )


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_a_voi_lut_goes_before_windows_and_is_pydicoms(bits: int) -> None:
    entries = np.random.default_rng(bits).integers(0, 1 << bits, 3000).tolist()
    data = image(VOILUTSequence=[table(3000, 500, bits, entries)], WindowCenter=1, WindowWidth=2)
    data.VOILUTSequence[0].LUTDescriptor[2] = bits

    shown = displayed(STORED, data, 0, None)

    within = np.clip(STORED.astype(int) - 500, 0, 2999)
    assert np.array_equal(shown, in_255(np.asarray(entries)[within], 0, (1 << bits) - 1))


def test_a_modality_lut_is_pydicoms() -> None:
    entries = (np.arange(4096) ** 2 // 4096).tolist()
    data = image(ModalityLUTSequence=[table(4096, 0, 16, entries)], WindowCenter=1000, WindowWidth=900)

    shown = displayed(STORED, data, 0, None)

    expected = displayed(apply_modality_lut(STORED, data), image(WindowCenter=1000, WindowWidth=900), 0, None)
    assert np.array_equal(shown, expected)


def test_lut_data_as_words_are_little_endian() -> None:
    words = image(ModalityLUTSequence=[table(4, 0, 16, np.array([5, 1, 700, 2], "<u2").tobytes())])
    listed = image(ModalityLUTSequence=[table(4, 0, 16, [5, 1, 700, 2])])

    assert np.array_equal(displayed(np.arange(6), words, 0, None), displayed(np.arange(6), listed, 0, None))


@pytest.mark.parametrize(
    "attributes", [{"PhotometricInterpretation": "MONOCHROME1"}, {"PresentationLUTShape": "INVERSE"}]
)
def test_an_inverse_image_shows_its_smallest_value_white(attributes: dict[str, str]) -> None:
    plain = displayed(STORED, image(WindowCenter=2000, WindowWidth=3000), 0, None)

    inverse = displayed(STORED, image(WindowCenter=2000, WindowWidth=3000, **attributes), 0, None)

    assert np.array_equal(inverse, 255 - plain)


def test_without_a_window_values_are_spread_from_smallest_to_largest() -> None:
    shown = displayed(np.array([-5, 0, 5]), image(), 0, None)

    assert shown.tolist() == [0, 128, 255]
    assert displayed(np.array([7, 7]), image(), 0, None).tolist() == [0, 0]
    assert displayed(np.array([0.0, np.nan, 1.0]), image(), 0, None)[[0, 2]].tolist() == [0, 255]


def test_a_frames_functional_groups_go_before_the_shared_ones() -> None:
    def group(centre: float | None, slope: float | None) -> Dataset:
        found = Dataset()
        if centre is not None:
            found.FrameVOILUTSequence = [image(WindowCenter=centre, WindowWidth=100)]
        if slope is not None:
            found.PixelValueTransformationSequence = [image(RescaleSlope=slope, RescaleIntercept=0)]
        return found

    data = image(
        SharedFunctionalGroupsSequence=[group(1000, 2)],
        PerFrameFunctionalGroupsSequence=[group(50, None), group(None, None)],
    )

    first, second = (displayed(np.arange(0, 600), data, index, None) for index in (0, 1))

    assert np.array_equal(first, displayed(np.arange(0, 600) * 2, image(), 0, Window(50, 100)))
    assert np.array_equal(second, displayed(np.arange(0, 600) * 2, image(), 0, Window(1000, 100)))


def test_a_lut_that_cannot_be_read_is_malformed() -> None:
    with pytest.raises(MalformedError):
        displayed(STORED, image(VOILUTSequence=[table(4, 0, 8, b"")]), 0, None)


@pytest.mark.parametrize(
    ("centre", "width", "function"),
    [
        (1, 0, "LINEAR"),
        (1, 0.5, "LINEAR"),
        (1, 0, "SIGMOID"),
        (1, -1, "LINEAR_EXACT"),
        (math.nan, 5, "LINEAR"),
        (1, math.inf, "LINEAR"),
        (1, 5, "OTHER"),
    ],
)
def test_windows_that_cannot_be_are_not_built(centre: float, width: float, function: str) -> None:
    with pytest.raises(ValueError, match="window"):
        Window(centre, width, function)
