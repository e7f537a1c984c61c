"""The codecs that know bytes and nothing of images: RLE (PS3.5 Annex G) and deflated frames (PS3.5 A.4.13)."""

import zlib
from itertools import pairwise

import numpy as np

from dicomlake.dicom.frames.pixels import Bytes, PixelArray, PixelLayout, landed_to_array

_LONGEST_RUN, _NO_OPERATION = 128, b"\x80"
_RLE_SLACK = 4096
"""Bytes that an RLE segment may decode to beyond its plane: encoders pad segments, some with what decodes."""


def decode_deflated(data: Bytes, layout: PixelLayout, _: str) -> PixelArray:
    """Decode a deflated frame, which is otherwise native: its planes and signs are those of the data set.

    Raises ValueError.
    """
    return landed_to_array(inflated_frame(data, layout), layout)


def inflated_frame(data: Bytes, layout: PixelLayout) -> bytes:
    """Return a deflated frame's native bytes (PS3.5 A.4.13); ValueError unless they are one frame, to the last bit."""
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        frame = engine.decompress(data, layout.native_length + 2)
    except zlib.error as error:
        raise ValueError("a deflated frame is damaged") from error
    if not engine.eof or len(frame) - layout.native_length not in (0, layout.native_length % 2):
        raise ValueError("a deflated frame is cut, or another length than its header says")
    return frame[: layout.native_length]


def decode_rle(data: Bytes, layout: PixelLayout, _: str) -> PixelArray:
    """Decode PS3.5 Annex G: PackBits, one segment a byte of a sample, the most significant first.

    Raises ValueError or RuntimeError.
    """
    size, pixels = layout.bits_allocated // 8, layout.rows * layout.columns
    count, *starts = np.frombuffer(data, "<u4", 16).tolist()
    if count != layout.samples * size:
        raise ValueError("an RLE frame has another number of segments than its header says")
    segments = (
        np.frombuffer(_packbits(memoryview(data)[start:end], pixels), np.uint8, pixels)
        for start, end in pairwise((*starts[:count], len(data)))
    )
    if count == 2 and size == 2:
        high, low = segments
        return _joined(high, low).view(layout.wide_dtype).reshape(layout.shape)
    planes = np.empty((pixels, layout.samples, size), np.uint8)
    for segment, decoded in enumerate(segments):
        planes[:, segment // size, size - 1 - segment % size] = decoded
    return planes.view(layout.wide_dtype).reshape(layout.shape)


def _joined(high: PixelArray, low: PixelArray) -> PixelArray:
    """Return 16-bit values of their bytes: three passes over whole words, where two over every other byte take twice
    as long."""
    values = high.astype("<u2")
    values <<= 8
    values |= low
    return values


def _packbits(segment: memoryview, pixels: int) -> bytes:
    """Return a segment's bytes, at least one a pixel; its last run may claim more than the segment has.

    Some encoders end so. What is missing is filled with no-operations, and counted: no pixel may come of it.
    """
    from imagecodecs import packbits_decode

    for missing in range(_LONGEST_RUN + 1):
        try:
            padded = bytes(segment) + _NO_OPERATION * missing if missing else segment
            decoded = packbits_decode(padded, out=pixels + _RLE_SLACK)
        except RuntimeError:
            continue
        if len(decoded) - missing >= pixels:
            return bytes(decoded)
        break
    raise ValueError("an RLE segment is cut or damaged")
