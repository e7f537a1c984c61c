"""Texts inside compressed frames: comments and application data of code streams, and what follows their end.

Everything is overwritten where it stands, so offset tables, fragments' lengths and tile-part lengths stay true.
"""

import struct
from collections.abc import Iterator

from dicomlake.dicom.deidentify.patterns import Span

_SOI, _SOC, _END = b"\xff\xd8", b"\xff\x4f", b"\xff\xd9"
_COM, _SOS, _COM_2000, _SOT = 0xFE, 0xDA, 0xFF64, 0xFF90
_JP2 = b"jP  "
_PICTURE_BOXES = frozenset({b"jP  ", b"ftyp", b"jp2h", b"jp2c"})
_MEANT = ((b"JFIF\0", 14), (b"Adobe", 12), (b"mrfx", 5))
"""Application data that a decoder needs, and how many of its bytes: density, and two kinds of colour transform."""


def without_texts(fragment: bytes) -> bytes:
    """Return a fragment with comments, application data and what follows its end overwritten with zeros."""
    if fragment[:2] == _SOI:
        spans = _jpeg_spans(fragment)
    elif fragment[:2] == _SOC:
        spans = _jpeg_2000_spans(fragment)
    elif fragment[4:8] == _JP2:
        spans = _box_spans(fragment)
    else:
        return fragment
    cleaned = bytearray(fragment)
    for start, end in (*spans, *_after_end(fragment)):
        cleaned[start:end] = bytes(end - start)
    return bytes(cleaned)


def _after_end(data: bytes) -> Iterator[Span]:
    """Yield what follows the last end marker: padding, where there is no more to it than the standard's one byte."""
    end = data.rfind(_END)
    if end >= 0:
        yield end + 2, len(data)


def _jpeg_spans(data: bytes) -> Iterator[Span]:
    """Yield comments and application data before the first scan (ISO/IEC 10918-1 B.2.4)."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        if marker == _SOS:
            return
        if marker == 0xFF:
            at += 1
            continue
        if marker == _COM or 0xE0 <= marker <= 0xEF:
            body = data[at + 4 : at + 2 + length]
            meant = next((size for start, size in _MEANT if body.startswith(start)), 0)
            yield min(at + 4 + meant, at + 2 + length), min(at + 2 + length, len(data))
        at += 2 + length


def _jpeg_2000_spans(data: bytes, at: int = 0) -> Iterator[Span]:
    """Yield the comments of the main header (ISO/IEC 15444-1 A.9.2), from where the code stream starts."""
    at += 2
    while at + 4 <= len(data):
        marker, length = struct.unpack_from(">HH", data, at)
        if marker == _SOT or marker < 0xFF00:
            return
        if marker == _COM_2000:
            yield at + 4, min(at + 2 + length, len(data))
        at += 2 + length


def _box_spans(data: bytes) -> Iterator[Span]:
    """Yield boxes of a JP2 file that hold no picture (15444-1 annex I): XML, UUID and the like, and its comments."""
    at = 0
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        end = len(data) if not length else min(at + max(length, 8), len(data))
        if kind == b"jp2c":
            yield from _jpeg_2000_spans(data, at + 8)
        elif kind not in _PICTURE_BOXES:
            yield at + 8, end
        at = end
