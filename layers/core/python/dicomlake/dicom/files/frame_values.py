"""Any stored frame as an array of its stored values, also those that no encoder takes: bits, 32-bit, float, 4:2:2."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dicomlake.dicom.codecs.lossless import CODEC_ERRORS, decode_openjph
from dicomlake.dicom.codecs.lossy import decoded_photometric
from dicomlake.dicom.files.recode import viewed_frame
from dicomlake.dicom.frames.pixels import PixelLayout, as_stored
from dicomlake.domain.errors import MalformedError
from dicomlake.domain.model import TransferSyntaxUid

FrameValues = NDArray[Any]


def compressed_values(
    syntax: TransferSyntaxUid, data: bytes, layout: PixelLayout, photometric: str
) -> tuple[FrameValues, str]:
    """Return a compressed frame's values, (rows, columns[, 3]), and their Photometric Interpretation.

    Errors as `viewed_frame`.
    """
    return viewed_frame(syntax, data, layout, photometric), decoded_photometric(photometric)


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


def reduced_values(prefix: bytes, skip: int, layout: PixelLayout) -> FrameValues:
    """Return an HTJ2K frame without its `skip` finest resolutions, from the bytes that hold the others.

    Raises MalformedError if they cannot be decoded.
    """
    try:
        array = decode_openjph(prefix, skip=skip)
    except CODEC_ERRORS as error:
        raise MalformedError("a stored frame cannot be decoded") from error
    stored = as_stored(array, layout)
    if stored is None:
        raise MalformedError("a stored frame has not its header's sign")
    return stored


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
