"""What an MP4 file says of its video (ISO/IEC 14496-12): size, frames, codec; the pictures are never decoded."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from dicomlake.dicom.source import ByteSource
from dicomlake.domain.errors import MalformedError, UnsupportedError
from dicomlake.domain.model import TransferSyntaxUid

_ROOT = "1.2.840.10008.1.2.4."
_HEVC = {1: ("107", 8), 2: ("108", 10)}
"""Main and Main 10 profile: transfer syntax and bits."""
_LARGEST_INDEX = 64 * 1024 * 1024
_ENTRY_HEADER = 78
"""Bytes of a visual sample entry before its boxes (14496-12 12.1.3.2)."""


@dataclass(frozen=True, slots=True)
class VideoStream:
    """A video as DICOM has it (PS3.5 8.2.7 to 8.2.12): transfer syntax, size in pixels, frames, milliseconds a frame.

    `method` is its Lossy Image Compression Method.
    """

    syntax: TransferSyntaxUid
    rows: int
    columns: int
    frames: int
    frame_time: float
    bits: int
    method: str


def read_mp4(source: ByteSource) -> VideoStream:
    """Read the index of an MP4 file, wherever it lies in it.

    Raises MalformedError where there is none, UnsupportedError where DICOM has no transfer syntax for its codec.
    """
    moov = _moov(source)
    for track in _all(moov, b"trak"):
        media = _first(track, b"mdia")
        if bytes(_first(media, b"hdlr")[8:12]) == b"vide":
            return _video(media)
    raise MalformedError("an MP4 file without a video")


def _moov(source: ByteSource) -> memoryview:
    """Find the index among the file's boxes, skipping what it is the index of."""
    position = 0
    while position + 8 <= source.size:
        head = bytes(source.read(position, 16))
        length, kind = struct.unpack_from(">I4s", head)
        skipped = 8
        if length == 1 and len(head) == 16:
            length, skipped = int.from_bytes(head[8:16]), 16
        length = length or source.size - position
        if length < skipped:
            break
        if kind == b"moov" and length <= _LARGEST_INDEX:
            return source.read(position + skipped, length - skipped)
        position += length
    raise MalformedError("an MP4 file without an index")


def _boxes(view: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    position = 0
    while position + 8 <= len(view):
        length, kind = struct.unpack_from(">I4s", view, position)
        if length < 8:
            return
        yield kind, view[position + 8 : position + length]
        position += length


def _all(view: memoryview, kind: bytes) -> Iterator[memoryview]:
    return (body for found, body in _boxes(view) if found == kind)


def _first(view: memoryview, *path: bytes) -> memoryview:
    for kind in path:
        found = next(_all(view, kind), None)
        if found is None:
            raise MalformedError("the index of an MP4 file lacks what describes its video")
        view = found
    return view


def _video(media: memoryview) -> VideoStream:
    table = _first(media, b"minf", b"stbl")
    entry = next(_boxes(_first(table, b"stsd")[8:]), None)
    if entry is None or len(entry[1]) < _ENTRY_HEADER:
        raise MalformedError("the index of an MP4 file lacks what describes its video")
    codec, described = entry
    columns, rows = struct.unpack_from(">HH", described, 24)
    syntax, bits, method = _syntax(codec, described[_ENTRY_HEADER:])
    frames, frame_time = _frames(_first(table, b"stts"), _timescale(_first(media, b"mdhd")))
    return VideoStream(syntax, rows, columns, frames, frame_time, bits, method)


def _syntax(codec: bytes, boxes: memoryview) -> tuple[TransferSyntaxUid, int, str]:
    """Return transfer syntax, bits stored and compression method: levels above 4.1 have one of their own."""
    if codec in (b"avc1", b"avc3"):
        profile, level = (_first(boxes, b"avcC")[index] for index in (1, 3))
        if profile in (66, 77, 88, 100) and level <= 42:
            return TransferSyntaxUid(_ROOT + ("102" if level <= 41 else "104")), 8, "ISO_14496_10"
    if codec in (b"hvc1", b"hev1"):
        profile, level = _first(boxes, b"hvcC")[1] & 0x1F, _first(boxes, b"hvcC")[12]
        if profile in _HEVC and level <= 153:
            suffix, bits = _HEVC[profile]
            return TransferSyntaxUid(_ROOT + suffix), bits, "ISO_23008_2"
    raise UnsupportedError("a video of a codec, profile or level that DICOM has no transfer syntax for")


def _timescale(header: memoryview) -> int:
    return int.from_bytes(header[20:24] if header[0] == 1 else header[12:16])


def _frames(times: memoryview, timescale: int) -> tuple[int, float]:
    entries = [struct.unpack_from(">II", times, 8 + 8 * index) for index in range(int.from_bytes(times[4:8]))]
    frames, ticks = sum(count for count, _ in entries), sum(count * length for count, length in entries)
    if not (frames and ticks and timescale):
        raise MalformedError("an MP4 file without frames, or without their times")
    return frames, 1000 * ticks / timescale / frames
