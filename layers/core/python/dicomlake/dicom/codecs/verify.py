"""Proof that a stored frame decodes to what came in, and the checksums by which readers can prove it again."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from dicomlake.dicom.codecs.lossless import CODEC_ERRORS, crc32, decode_openjpeg, decode_openjph
from dicomlake.dicom.codecs.markers import read_header, resolution_ends
from dicomlake.dicom.frames.pixels import Bytes, PixelArray, PixelLayout, little_endian
from dicomlake.domain.model import Level

SAMPLED_BITS = 7
"""One frame in 2^7 is decoded a second time by OpenJPEG: 2 % of the time of encoding and decoding a CT slice."""


KEPT = 32 * 1024 * 1024
"""Bytes of the largest frame that is decoded into memory which is kept for the next one: a mammogram's."""


class Independent(StrEnum):
    """Which frames the second, independent decoder has to confirm."""

    SAMPLE = "sample"
    """The first frame of a series and one frame in 2^SAMPLED_BITS, chosen by its frame id."""
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Verification:
    """How thoroughly frames are proved: OpenJPH decodes and compares every one, OpenJPEG those that are named here."""

    independent: Independent = Independent.SAMPLE
    first_of_series: bool = False

    def wants(self, frame_index: int, frame_id: str) -> bool:
        """Whether OpenJPEG has to decode this frame too; the same frame always gets the same answer."""
        if self.independent is Independent.ALL or (self.first_of_series and frame_index == 0):
            return True
        return int(frame_id[:4], 16) >> (16 - SAMPLED_BITS) == 0


SAMPLED = Verification()


def decoded_equal(stream: Bytes, source: PixelArray) -> PixelArray | None:
    """Return OpenJPH's decoding of the stream if it equals the source, else None.

    `source` is contiguous. The array is this thread's until its next call.
    """
    if source.ndim == 2 and source.nbytes <= KEPT:
        return _decoded_here(stream, source)
    out = np.empty(source.shape, source.dtype) if source.ndim == 2 else None
    try:
        decoded = decode_openjph(stream, out)
    except CODEC_ERRORS:
        return None
    return decoded if _equal(decoded, source) else None


class _Room(threading.local):
    """Where a thread decodes frames, one after another: a new array is memory that no cache holds yet."""

    def __init__(self) -> None:
        self.held = bytearray()


_ROOM = _Room()


def _decoded_here(stream: Bytes, source: PixelArray) -> PixelArray | None:
    if len(_ROOM.held) != source.nbytes:
        _ROOM.held = bytearray(source.nbytes)
    out = np.frombuffer(_ROOM.held, source.dtype).reshape(source.shape)
    try:
        decode_openjph(stream, out)
    except CODEC_ERRORS:
        return None
    return out if _ROOM.held == source.data else None  # bytes against bytes: half the time of comparing numbers


def independently_equal(stream: Bytes, source: PixelArray) -> bool:
    """Whether OpenJPEG, which shares no code with the encoder, decodes the stream to the source."""
    try:
        return _equal(decode_openjpeg(stream), source)
    except CODEC_ERRORS:
        return False


def levels(stream: Bytes, decoded: PixelArray, layout: PixelLayout) -> tuple[Level, ...]:
    """Return the stream's resolutions, smallest first, each with its CRC-32; `decoded` is the full one.

    Smaller ones are decoded from just the bytes they need, which proves those bytes suffice.
    Raises one of CODEC_ERRORS, or MalformedError if the stream's header cannot be read.
    """
    ends = resolution_ends(stream, read_header(stream))
    smaller = _smaller_levels(memoryview(stream), ends[:-1], layout)
    return (*smaller, Level(layout.columns, layout.rows, ends[-1], _pixels_crc(decoded, layout)))


def stored_level(stored: Bytes, layout: PixelLayout | None) -> tuple[Level, ...]:
    """Return the one level of a frame that is kept in its own syntax: its checksum is over the stored bytes."""
    rows, columns = (layout.rows, layout.columns) if layout else (0, 0)
    return (Level(columns, rows, len(stored), crc32(np.frombuffer(stored, np.uint8)) if len(stored) else 0),)


def _smaller_levels(stream: memoryview, ends: tuple[int, ...], layout: PixelLayout) -> Iterator[Level]:
    for index, end in enumerate(ends):
        small = decode_openjph(stream[:end], skip=len(ends) - index)
        yield Level(small.shape[1], small.shape[0], end, _pixels_crc(small, layout))


def _pixels_crc(array: PixelArray, layout: PixelLayout) -> int:
    return crc32(little_endian(array, layout))


def _equal(decoded: PixelArray, source: PixelArray) -> bool:
    if decoded.shape != source.shape or decoded.dtype.kind != source.dtype.kind:
        return False
    return bool(np.array_equal(decoded, source))
