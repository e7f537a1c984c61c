"""Any stored frame as an array of its stored values, also those that no encoder takes: bits, 32-bit, float, 4:2:2."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dicomlake.dicom.codecs.lossy import decoded_photometric
from dicomlake.dicom.files.part10 import StoredPixels, native_reader
from dicomlake.dicom.frames.pixels import PixelLayout
from dicomlake.dicom.frames.syntaxes import ENCAPSULATED_NATIVE, EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE
from dicomlake.domain.errors import MalformedError

FrameValues = NDArray[Any]

_NATIVE = frozenset({IMPLICIT_LITTLE, EXPLICIT_LITTLE, EXPLICIT_BIG, ENCAPSULATED_NATIVE})


def stored_values(pixels: StoredPixels, index: int, photometric: str, vr: str) -> tuple[FrameValues, str]:
    """Return a stored frame's values, (rows, columns[, 3]), and their Photometric Interpretation.

    Raises NotAcceptableError where the transfer syntax has no decoder, MalformedError where the frame cannot be read.
    """
    read, _ = native_reader(pixels, vr, photometric)
    if pixels.syntax in _NATIVE:
        return native_values(bytes(read(index)), pixels.layout, photometric, vr)
    layout = replace(pixels.layout, planar=False)  # what is decoded has its colours by pixel
    return native_values(bytes(read(index)), layout, decoded_photometric(photometric), vr)


def native_values(data: bytes, layout: PixelLayout, photometric: str, vr: str) -> tuple[FrameValues, str]:
    """Return a little-endian native frame's values, (rows, columns[, 3]), and their Photometric Interpretation.

    Raises MalformedError if the bytes are fewer than a frame has.
    """
    try:
        if layout.bits_allocated == 1:
            bits = np.unpackbits(np.frombuffer(data, np.uint8), count=_count(layout), bitorder="little")
            return bits.reshape(layout.shape), photometric
        if photometric == "YBR_FULL_422" and len(data) < layout.native_length:
            return _shared_colours(data, layout), "YBR_FULL"
        values = np.frombuffer(data, _dtype(layout, vr), _count(layout))
    except ValueError as error:
        raise MalformedError("a frame has fewer bytes than its header says") from error
    if layout.planar:
        return np.moveaxis(values.reshape(layout.samples, layout.rows, layout.columns), 0, -1), photometric
    return values.reshape(layout.shape), photometric


def _count(layout: PixelLayout) -> int:
    return layout.rows * layout.columns * layout.samples


def _dtype(layout: PixelLayout, vr: str) -> np.dtype[Any]:
    kind = "f" if vr in ("OF", "OD") else "i" if layout.signed else "u"
    return np.dtype(f"<{kind}{max(1, layout.bits_allocated // 8)}")


def _shared_colours(data: bytes, layout: PixelLayout) -> FrameValues:
    """Spread what two pixels share: Y1 Y2 Cb Cr (PS3.3 C.7.6.3.1.2)."""
    pairs = np.frombuffer(data, np.uint8, layout.rows * layout.columns * 2).reshape(layout.rows, -1, 4)
    spread = pairs[:, :, [0, 2, 3, 1, 2, 3]]
    return spread.reshape(layout.rows, layout.columns, 3)
