"""What a JPEG 2000 code stream says of itself in its markers (ISO/IEC 15444-1 Annex A, 15444-15)."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from dicomlake.dicom.around import Recurring
from dicomlake.domain.errors import MalformedError

_SIZ, _CAP, _COD, _TLM, _COM, _SOT = 0xFF51, 0xFF50, 0xFF52, 0xFF55, 0xFF64, 0xFF90
_SOC, _SOT_BYTES, _EOC = b"\xff\x4f", b"\xff\x90", b"\xff\xd9"
_SIGNATURE_BOX = b"jP  "
_FRAME_HEADERS = frozenset({*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC})
_RPCL = 2
_HIGH_THROUGHPUT = 0x40

Bytes = bytes | bytearray | memoryview


class StreamHeader(NamedTuple):
    """A code stream's main header: its size, depth, transforms, and where its first tile-part starts.

    `tile_lengths` are those of the TLM markers, in bytes; empty where there are none.
    """

    rows: int
    columns: int
    components: int
    bits: int
    signed: bool
    colour_transform: bool
    reversible: bool
    high_throughput: bool
    rpcl: bool
    decompositions: int
    tile_lengths: tuple[int, ...]
    first_tile: int


def bare_stream(data: Bytes) -> Bytes:
    """Return the code stream inside a JP2 or JPH file (15444-1 Annex I), which some encoders put into fragments.

    Its boxes are not DICOM's (PS3.5 8.2.4): the data set says what the components mean. Anything else comes back as is.
    """
    view = memoryview(data)
    if bytes(view[4:8]) != _SIGNATURE_BOX:
        return data
    position = 0
    while position + 8 <= len(view):
        length, kind = struct.unpack_from(">I4s", view, position)
        head = 8
        if length == 1 and position + 16 <= len(view):
            length, head = int.from_bytes(view[position + 8 : position + 16]), 16
        if kind == b"jp2c":
            return view[position + head : position + length if length else len(view)]
        if length < head:
            break
        position += length
    raise MalformedError("a JP2 file without a code stream")


def without_comments(stream: Bytes) -> bytes:
    """Return a code stream without its COM segments (15444-1 A.9.2), which only tell the encoder's version.

    Equal pixels then give equal bytes whichever library, of whichever version, wrote them, and so equal frame ids.
    Offsets of tile-parts count from their own starts (Psot, TLM), so nothing else changes.
    """
    view = memoryview(stream)
    kept, position = [view[:2]], 2
    while position + 4 <= len(view):
        marker, length = struct.unpack_from(">HH", view, position)
        if marker == _SOT:
            break
        if marker != _COM:
            kept.append(view[position : position + 2 + length])
        position += 2 + length
    return b"".join((*kept, view[position:]))


_OPENING = 512
"""Bytes that the main header of a frame of one component and its first tile-part's SOT fit in."""
_HEADERS: Recurring[StreamHeader] = Recurring(64)
"""What code streams say that differ in their tile-parts' lengths alone."""


def read_header(stream: Bytes) -> StreamHeader:
    """Return what the main header says. Raises MalformedError if the bytes do not start a code stream."""
    view = memoryview(stream)
    opening = bytes(view[:_OPENING])
    known = _HEADERS.find(opening, len(opening))
    if known:
        return known.meaning._replace(tile_lengths=tuple(_tile_lengths(opening[len(known.before) : known.resumes])))
    segments, first_tile = _main_header(view)
    lengths = tuple(length for marker, body in segments if marker == _TLM for length in _tile_lengths(body))
    try:
        header = _header(dict(reversed(segments)), lengths, first_tile)
    except (KeyError, IndexError, struct.error) as error:
        raise MalformedError("a JPEG 2000 code stream's main header is damaged") from error
    places = list(_places(segments, _TLM))
    if len(places) == 1 and first_tile + 4 <= len(opening):
        _HEADERS.remember(opening, places[0], first_tile + 4, header)
    return header


def _places(segments: list[tuple[int, memoryview]], wanted: int) -> Iterator[tuple[int, int]]:
    """Yield where the bodies of a marker's segments start and end."""
    end = 2
    for marker, body in segments:
        start, end = end + 4, end + 4 + len(body)
        if marker == wanted:
            yield start, end


def _header(found: dict[int, memoryview], lengths: tuple[int, ...], first_tile: int) -> StreamHeader:
    siz, cod = found[_SIZ], found[_COD]
    right, bottom, left, top = struct.unpack_from(">IIII", siz, 2)
    return StreamHeader(
        rows=bottom - top,
        columns=right - left,
        components=struct.unpack_from(">H", siz, 34)[0],
        bits=(siz[36] & 0x7F) + 1,
        signed=siz[36] >= 0x80,
        colour_transform=cod[4] == 1,
        reversible=cod[9] == 1,
        high_throughput=_CAP in found and cod[8] & _HIGH_THROUGHPUT != 0,
        rpcl=cod[1] == _RPCL,
        decompositions=cod[5],
        tile_lengths=lengths,
        first_tile=first_tile,
    )


def jpeg_size(stream: Bytes) -> tuple[int, int]:
    """Return rows and columns of a JPEG or JPEG-LS frame (10918-1 B.2.2, 14495-1 C.2.2), before any memory is taken.

    Raises MalformedError if there is no frame header.
    """
    view = memoryview(stream)
    position = 2
    while position + 9 <= len(view) and view[position] == 0xFF:
        marker, length = view[position + 1], int.from_bytes(view[position + 2 : position + 4])
        if marker in _FRAME_HEADERS:
            rows, columns = struct.unpack_from(">HH", view, position + 5)
            return rows, columns
        position += 1 if marker == 0xFF else 2 + length
    raise MalformedError("a JPEG frame has no frame header")


def resolution_ends(stream: Bytes, header: StreamHeader) -> tuple[int, ...]:
    """Return for each resolution, smallest first, how many bytes of the stream hold it and all smaller ones.

    That is known where each resolution is one tile-part of one tile and TLM tells their lengths; otherwise the one
    answer is the whole stream, for the full resolution.
    """
    whole = len(stream)
    if len(header.tile_lengths) != header.decompositions + 1:
        return (whole,)
    ends, end = [], header.first_tile
    for length in header.tile_lengths:
        end += length
        ends.append(end)
    return (*ends[:-1], whole) if header.rpcl and end <= whole <= end + 3 else (whole,)


def is_complete(stream: Bytes) -> bool:
    """Whether the stream's tile-parts are all there and end with EOC; OpenJPH fills what is missing with zeros."""
    view = memoryview(stream)
    _, position = _main_header(view)
    while position + 12 <= len(view) and bytes(view[position : position + 2]) == _SOT_BYTES:
        length = int.from_bytes(view[position + 6 : position + 10])
        if length == 0:
            return bytes(view[-3:]).rstrip(b"\0").endswith(_EOC)
        position += max(length, 12)
    return bytes(view[position : position + 2]) == _EOC


def _main_header(view: memoryview) -> tuple[list[tuple[int, memoryview]], int]:
    """Return the marker segments before the first tile-part, without their lengths, and where that starts."""
    if bytes(view[:2]) != _SOC:
        raise MalformedError("a frame is no JPEG 2000 code stream")
    segments: list[tuple[int, memoryview]] = []
    position = 2
    while position + 4 <= len(view):
        marker, length = struct.unpack_from(">HH", view, position)
        if marker == _SOT:
            return segments, position
        if length < 2 or marker < 0xFF00:
            break
        segments.append((marker, view[position + 4 : position + 2 + length]))
        position += 2 + length
    raise MalformedError("a JPEG 2000 code stream ends inside its main header")


def _tile_lengths(body: Bytes) -> Iterator[int]:
    """Yield the tile-parts' lengths of one TLM segment (15444-1 A.7.1): ST index sizes, SP length sizes."""
    index_size, size = (body[1] >> 4) & 3, 4 if body[1] & 0x40 else 2
    for at in range(2 + index_size, len(body) - size + 1, index_size + size):
        yield int.from_bytes(body[at : at + size])
