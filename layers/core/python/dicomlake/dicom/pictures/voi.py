"""From stored values to what a display shows: Modality LUT, VOI LUT or window, presentation (PS3.4 N.2, PS3.3 C.11)."""

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from dicomlake.dicom.files.dataset import UNREADABLE
from dicomlake.domain.errors import MalformedError
from dicomlake.domain.picture import Window

Values = NDArray[np.float64]
Displayed = NDArray[np.uint8]
WHITE = 255


def _linear(values: Values, centre: float, width: float) -> Values:
    """C.11.2.1.2.1: a width of 1 is a threshold."""
    if width == 1:
        return np.asarray(values > centre - 0.5, np.float64)
    return (values - (centre - 0.5)) / (width - 1) + 0.5


def _linear_exact(values: Values, centre: float, width: float) -> Values:
    """C.11.2.1.3.2."""
    return (values - centre) / width + 0.5


def _sigmoid(values: Values, centre: float, width: float) -> Values:
    """C.11.2.1.3.1; beyond the exponent's bounds it is 0 or 1 to the last bit."""
    return np.asarray(1 / (1 + np.exp(np.clip(-4 * (values - centre) / width, -700, 700))), np.float64)


FUNCTIONS: MappingProxyType[str, Callable[[Values, float, float], Values]] = MappingProxyType(
    {"LINEAR": _linear, "LINEAR_EXACT": _linear_exact, "SIGMOID": _sigmoid}
)
"""VOI LUT Function -> from values, centre and width to 0 (black) to 1 (white), not yet clipped."""


def displayed(stored: NDArray[Any], dataset: Dataset, frame_index: int, window: Window | None) -> Displayed:
    """Return grey values as a display shows them, 0 black to 255 white, of any array of an image's stored values.

    `window` goes before the image's own, its VOI LUT before its windows, its first window before others; without any
    the values are spread from the smallest to the largest of the array. Frames' functional groups are looked at
    (C.7.6.16). Raises MalformedError where a LUT cannot be read.
    """
    levels = _Levels(dataset, frame_index)
    try:
        values = levels.modality(stored)
        grey = _windowed(values, window) if window else levels.voi(values)
    except (*UNREADABLE, IndexError) as error:
        raise MalformedError("a look-up table or window of the image cannot be read") from error
    if grey is None:
        grey = _spread(values)
    shown = np.floor(np.clip(grey, 0, 1) * WHITE + 0.5).astype(np.uint8)
    return WHITE - shown if _is_inverse(dataset) else shown


def _windowed(values: Values, window: Window) -> Values:
    return FUNCTIONS[window.function](values, window.centre, window.width)


def _spread(values: Values) -> Values:
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    return (np.nan_to_num(values) - low) / (high - low) if high > low else np.zeros_like(values)


def _is_inverse(dataset: Dataset) -> bool:
    """Whether the smallest value is shown white (C.7.6.3.1.2, C.11.6)."""
    photometric, shape = dataset.get("PhotometricInterpretation"), dataset.get("PresentationLUTShape")
    return bool(photometric == "MONOCHROME1" or shape == "INVERSE")


class _Levels:
    """An image's own LUTs and windows, those of a frame's functional groups before those of the image."""

    def __init__(self, dataset: Dataset, frame_index: int) -> None:
        self._dataset = dataset
        self._groups = [
            *list(dataset.get("PerFrameFunctionalGroupsSequence") or [])[frame_index : frame_index + 1],
            *list(dataset.get("SharedFunctionalGroupsSequence") or [])[:1],
        ]

    def modality(self, stored: NDArray[Any]) -> Values:
        """Apply the Modality LUT (C.11.1): a table, or slope and intercept."""
        values = np.asarray(stored, np.float64)
        table = _table(self._dataset, "ModalityLUTSequence")
        if table is not None:
            return _looked_up(values, table)
        found = self._macro("PixelValueTransformationSequence", "RescaleSlope")
        slope, intercept = _first(found.get("RescaleSlope")), _first(found.get("RescaleIntercept"))
        return values * (1.0 if slope is None else slope) + (intercept or 0.0)

    def voi(self, values: Values) -> Values | None:
        """Apply the image's VOI LUT or its first window; None where it has neither."""
        table = _table(self._dataset, "VOILUTSequence")
        if table is not None:
            return _looked_up(values, table) / ((1 << int(table.LUTDescriptor[2])) - 1)
        found = self._macro("FrameVOILUTSequence", "WindowCenter")
        centre, width = _first(found.get("WindowCenter")), _first(found.get("WindowWidth"))
        if centre is None or width is None or width <= 0:
            return None
        function = str(found.get("VOILUTFunction") or "LINEAR")
        known = function if function in FUNCTIONS else "LINEAR"
        return _windowed(values, Window(centre, max(width, 1.0) if known == "LINEAR" else width, known))

    def _macro(self, sequence: str, keyword: str) -> Dataset:
        for group in self._groups:
            items: list[Dataset] = list(group.get(sequence) or [])
            for item in items[:1]:
                if keyword in item:
                    return item
        return self._dataset


def _table(dataset: Dataset, sequence: str) -> Dataset | None:
    """Return the first item of a sequence of LUTs that has its descriptor and data."""
    items: list[Dataset] = list(dataset.get(sequence) or [])
    for item in items[:1]:
        if "LUTDescriptor" in item and "LUTData" in item:
            return item
    return None


def _looked_up(values: Values, table: Dataset) -> Values:
    """Map values by a LUT: below its first value to its first entry, beyond its last to its last (C.11.1.1)."""
    entries, first = int(table.LUTDescriptor[0]) or 65536, int(table.LUTDescriptor[1])
    raw = table.LUTData
    if isinstance(raw, bytes):
        data = np.frombuffer(raw, np.uint8 if len(raw) < 2 * entries else "<u2")
    else:
        data = np.atleast_1d(np.asarray(raw))
    index = np.clip(np.rint(values) - first, 0, min(entries, len(data)) - 1).astype(np.intp)
    return np.asarray(data[index], np.float64)


def _first(value: Any) -> float | None:
    """Return an attribute's first value as a number; None where it is missing or empty."""
    values = list(value) if isinstance(value, MultiValue) else [value]
    return None if not values or values[0] in (None, "") else float(values[0])
