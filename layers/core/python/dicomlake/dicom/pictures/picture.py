"""A frame as a picture: grey or RGB, 8 bits, through the LUTs and windows of its image, cropped and scaled."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut, convert_color_space

from dicomlake.dicom.files.dataset import UNREADABLE
from dicomlake.dicom.pictures.voi import Displayed, displayed
from dicomlake.domain.errors import MalformedError
from dicomlake.domain.picture import Viewport, Window

_TABLE = 1 << 16


def picture(
    frame: NDArray[Any], dataset: Dataset, frame_index: int, photometric: str, window: Window | None
) -> Displayed:
    """Return a frame's stored values as (rows, columns) grey or (rows, columns, 3) RGB, 8 bits.

    `photometric` is that of these very values. A window changes grey images only. Raises MalformedError where the
    image's palette or LUTs cannot be read.
    """
    if frame.ndim == 3:
        return _colour(frame, photometric, int(dataset.get("BitsStored") or 8))
    if photometric == "PALETTE COLOR":
        return _palette(frame, dataset)
    if frame.dtype.kind not in "iu" or not frame.size:
        return displayed(frame, dataset, frame_index, window)
    low, high = int(frame.min()), int(frame.max())
    if high - low >= _TABLE:
        return displayed(frame, dataset, frame_index, window)
    table = displayed(np.arange(low, high + 1), dataset, frame_index, window)
    return table[frame.astype(np.intp) - low] if low else table[frame]


def _colour(frame: NDArray[Any], photometric: str, bits: int) -> Displayed:
    if bits > 8:
        frame = frame >> (bits - 8)
    colours = frame.astype(np.uint8)
    return convert_color_space(colours, "YBR_FULL", "RGB") if photometric.startswith("YBR_FULL") else colours


def _palette(frame: NDArray[Any], dataset: Dataset) -> Displayed:
    try:
        colours = apply_color_lut(frame, dataset)
    except (*UNREADABLE, IndexError) as error:
        raise MalformedError("the image's palette cannot be read") from error
    return np.asarray(colours >> 8 if colours.dtype.itemsize == 2 else colours, np.uint8)


def seen(whole: Displayed, viewport: Viewport | None) -> Displayed:
    """Return the part of a picture that a viewport shows, scaled to fit it, its aspect kept (PS3.18 8.3.5.1.3)."""
    if viewport is None:
        return whole
    part = _cropped(whole, viewport)
    rows, columns = viewport.fitted(*part.shape[:2])
    return _scaled(part, rows, columns)


def _cropped(whole: Displayed, viewport: Viewport) -> Displayed:
    rows, columns = whole.shape[:2]
    left, top, width, height = viewport.region(rows, columns)
    part = whole[top : top + abs(height), left : left + abs(width)]
    return part[:: -1 if height < 0 else 1, :: -1 if width < 0 else 1]


def _scaled(part: Displayed, rows: int, columns: int) -> Displayed:
    if part.shape[:2] == (rows, columns):
        return np.ascontiguousarray(part)
    down, across = _weights(part.shape[0], rows), _weights(part.shape[1], columns)
    grey = part if part.ndim == 3 else part[:, :, None]
    mixed = [down @ grey[:, :, sample].astype(np.float32) @ across.T for sample in range(grey.shape[2])]
    shown = np.clip(np.rint(np.stack(mixed, -1)), 0, 255).astype(np.uint8)
    return shown if part.ndim == 3 else shown[:, :, 0]


def _weights(held: int, wanted: int) -> NDArray[np.float32]:
    """Return what each wanted line takes of those held: a triangle as wide as its step, at least one line."""
    step = held / wanted
    width = max(step, 1.0)
    centres = (np.arange(wanted) + 0.5) * step - 0.5
    weights = np.maximum(0, 1 - np.abs(np.arange(held)[None, :] - centres[:, None]) / width)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
