"""Whether a lossless JPEG stream holds all the bits that its pixels take (ISO/IEC 10918-1 Annex H).

libjpeg fills in what a cut or damaged stream lacks, and says nothing: decoded pixels alone prove nothing. But
prediction and Huffman codes are fixed, so the pixels tell in how many bits they were written, and how these end; a
stream of fewer bits, or of another end, did not hold them. That costs a third of decoding a second time.
"""

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dicomlake.dicom.frames.pixels import Bytes, PixelArray
from dicomlake.domain.errors import MalformedError

_SOF3, _DHT, _SOS, _DRI, _EOI = 0xC3, 0xC4, 0xDA, 0xDD, 0xD9
_BARE = frozenset({0x01, *range(0xD0, 0xD9)})
"""Markers without a segment: TEM, the restarts, SOI (B.1.1.3)."""
_SPARE = 16
"""Bits after the last code that any encoder may leave: the padding of the last byte, and one byte more."""
_LAST = 32
"""Pixels whose codes are compared with the stream's end: a cut code has less bits, and every pixel takes one."""
_BAND = 1 << 17
"""Pixels, about, of the lines that are looked at together."""
_LONGEST = 32
"""Bits that a pixel takes at most: a code of 16 and 16 more."""

_EXTRA = (*range(16), 0)
"""Bits behind a category's code; the difference 32768 has none (H.1.2.2)."""
_FEW = 32
"""Pixels of which at most one is left when it is worth to take those that are out of the rest."""
_NO_CODE = 200
"""Bits counted for a category that the stream has no code for: more than its padding, so that it never passes."""

Differences = NDArray[np.uint16]
_Plane = NDArray[Any]


@dataclass(frozen=True, slots=True)
class _Table:
    """A Huffman table: each category's code, as a text of bits, and what a pixel of it takes; "" without a code."""

    codes: tuple[str, ...]

    @property
    def costs(self) -> tuple[int, ...]:
        """The bits that a pixel of each category takes."""
        return tuple(len(code) + extra if code else _NO_CODE for code, extra in zip(self.codes, _EXTRA, strict=True))

    def written(self, difference: int) -> str:
        """Return the bits of one difference modulo 2^16."""
        signed = difference - 65536 if difference > 32768 else difference
        category = abs(signed).bit_length()
        value = signed if signed > 0 else signed + (1 << category) - 1
        extra = _EXTRA[category]
        return self.codes[category] + (f"{value:0{extra}b}" if extra else "")


@dataclass(frozen=True, slots=True)
class _Entropy:
    """Entropy-coded data: the bytes, how many bits they are without stuffed zeros and restarts, and the restarts."""

    data: memoryview = field(repr=False)
    bits: int
    restarts: int


@dataclass(frozen=True, slots=True)
class _Scan:
    """One scan: its components, each with its table; the predictor, the restart interval, and its bytes."""

    components: tuple[tuple[int, int], ...]
    tables: Mapping[int, _Table]
    predictor: int
    point_transform: int
    interval: int
    entropy: "_Entropy"


@dataclass(slots=True)
class _Stream:
    precision: int = 0
    order: tuple[int, ...] = ()
    interval: int = 0
    tables: dict[int, _Table] = field(default_factory=dict)
    scans: list[_Scan] = field(default_factory=list)


def check_bits(data: Bytes, array: PixelArray) -> None:
    """Raise MalformedError unless a lossless JPEG stream holds the bits that these decoded pixels take, and no more.

    `array` is the stream decoded: (rows, columns[, components]), unsigned, as many bits as its SOF3 says.
    Streams with a point transform lose their lowest bits, so they are refused too.
    """
    try:
        stream = _read(memoryview(data))
        planes = array if array.ndim == 3 else array[:, :, None]
        seen = sorted(component for scan in stream.scans for component, _ in scan.components)
        sound = seen == sorted(stream.order) and planes.shape[2] == len(seen)
        sound = sound and all(_is_whole(scan, stream, planes) for scan in stream.scans)
    except (struct.error, IndexError, KeyError, ValueError) as error:
        raise MalformedError("a lossless JPEG stream's markers cannot be read") from error
    if not sound:
        raise MalformedError("a lossless JPEG stream is cut or damaged")


def _is_whole(scan: _Scan, stream: _Stream, planes: PixelArray) -> bool:
    if scan.point_transform or not 1 <= scan.predictor <= 7:
        raise MalformedError("a JPEG stream with a point transform is not lossless")
    start = 1 << (stream.precision - 1)
    taken, ends = 0, []
    for name, number in scan.components:
        table, costs = scan.tables[number], scan.tables[number].costs
        last = np.empty(0, np.uint16)
        for found in _differences(planes[:, :, stream.order.index(name)], scan, start):
            taken += _bits_taken(found, costs)
            last = np.concatenate((last, found.reshape(-1)[-_LAST:]))[-_LAST:]
        ends.append((table, last))
    bits, restarts = scan.entropy.bits, scan.entropy.restarts
    if not taken <= bits <= taken + _SPARE + 8 * restarts:
        return False
    padding = range(8) if restarts else range(bits - taken, bits - taken + 1)
    return _ends_with(scan, planes.shape[0] * planes.shape[1], ends, padding)


def _bits_taken(found: Differences, costs: Sequence[int]) -> int:
    """Return the bits that these differences are written in, each by what its category costs (SSSS, Table H.2).

    Counted by comparing with powers of two: to look each pixel up takes memory that no cache holds. Where few pixels
    are left, the others are.
    """
    sizes = np.abs(found.view(np.int16)).view(np.uint16)  # that of -32768 is 32768, the one difference of category 16
    bits = costs[0] * sizes.size
    for category in range(1, len(costs)):
        reached = sizes >= 1 << (category - 1)
        count = int(np.count_nonzero(reached))
        if not count:
            break
        bits += (costs[category] - costs[category - 1]) * count
        if count * _FEW < sizes.size:
            sizes = sizes[reached]
    return bits


def _ends_with(scan: _Scan, count: int, components: Sequence[tuple[_Table, Differences]], padding: range) -> bool:
    """Whether the stream of so many pixels ends with the last ones' codes, before so many bits of padding."""
    behind = count % scan.interval or scan.interval if scan.interval else count
    last = min(_LAST, behind)
    pixels = np.stack([found[-last:] for _, found in components], axis=1)
    expected = "".join(
        table.written(int(one)) for pixel in pixels for (table, _), one in zip(components, pixel, strict=True)
    )
    tail = _tail(scan.entropy.data, 2 * _LONGEST // 8 * last * len(components) + 8)
    return any(tail[: len(tail) - bits].endswith(expected) for bits in padding)


def _differences(plane: PixelArray, scan: _Scan, start: int) -> Iterator[Differences]:
    """Yield every pixel less its prediction, modulo 2^16 (H.1.2.1), some lines at a time: so much stays in the cache.

    A restart begins anew, at the start of a line.
    """
    rows, columns = plane.shape
    lines = max(scan.interval // columns, 1) if scan.interval else rows
    step = max(_BAND // columns, 1)
    for first in range(0, rows, step):
        above = max(first - 1, 0)
        wide = plane[above : first + step].astype(np.int32 if scan.predictor > 4 else np.uint16, copy=False)
        found = np.empty_like(wide)
        predicted = _PREDICTORS[scan.predictor](wide[1:, :-1], wide[:-1, 1:], wide[:-1, :-1])
        np.subtract(wide[1:, 1:], predicted, out=found[1:, 1:])
        np.subtract(wide[1:, 0], wide[:-1, 0], out=found[1:, 0])
        anew = slice(-above % lines, None, lines)
        np.subtract(wide[anew, 1:], wide[anew, :-1], out=found[anew, 1:])
        np.subtract(wide[anew, 0], start, out=found[anew, 0])
        yield found.astype(np.uint16, copy=False)[first - above :]


_PREDICTORS: Mapping[int, Callable[[_Plane, _Plane, _Plane], _Plane]] = MappingProxyType(
    {
        1: lambda a, _, __: a,
        2: lambda _, b, __: b,
        3: lambda _, __, c: c,
        4: lambda a, b, c: a + b - c,
        5: lambda a, b, c: a + ((b - c) >> 1),
        6: lambda a, b, c: b + ((a - c) >> 1),
        7: lambda a, b, _: (a + b) >> 1,
    }
)
"""By selection value, from the pixels to the left, above, and above left (Table H.1)."""


def _tail(entropy: memoryview, size: int) -> str:
    """Return the last bytes as a text of bits, from the last restart on, without stuffed zeros."""
    cut = bytes(entropy[-size:])
    if len(entropy) > size and entropy[-size - 1] == 0xFF:
        cut = cut[1:]
    restart = max(cut.rfind(b"\xff" + bytes([kind])) for kind in range(0xD0, 0xD8))
    last = cut[restart + 2 if restart >= 0 else 0 :].replace(b"\xff\0", b"\xff")
    return f"{int.from_bytes(last):0{8 * len(last)}b}" if last else ""


def _read(data: memoryview) -> _Stream:
    stream = _Stream()
    for marker, body, entropy in _segments(data):
        if marker == _SOF3:
            stream.precision = body[0]
            stream.order = tuple(body[6 + 3 * index] for index in range(body[5]))
        elif marker == _DHT:
            stream.tables.update(_tables(body))
        elif marker == _DRI:
            (stream.interval,) = struct.unpack(">H", body)
        elif marker == _SOS:
            stream.scans.append(_scan(body, dict(stream.tables), stream.interval, entropy))
    return stream


def _segments(data: memoryview) -> Iterator[tuple[int, memoryview, _Entropy]]:
    """Yield marker segments, each with the entropy-coded data behind it: only a scan has them."""
    at = 0
    while at + 2 <= len(data):
        if data[at] != 0xFF or data[at + 1] in (0x00, 0xFF):
            at += 1
            continue
        marker, at = data[at + 1], at + 2
        if marker == _EOI:
            return
        if marker in _BARE:
            continue
        (length,) = struct.unpack_from(">H", data, at)
        if length < 2 or at + length > len(data):
            raise ValueError("a segment is cut")
        body, at = data[at + 2 : at + length], at + length
        entropy = _entropy(data[at:]) if marker == _SOS else _NOTHING
        yield marker, body, entropy
        at += len(entropy.data)


def _scan(body: memoryview, tables: Mapping[int, _Table], interval: int, entropy: _Entropy) -> _Scan:
    count = body[0]
    components = tuple((body[1 + 2 * index], body[2 + 2 * index] >> 4) for index in range(count))
    return _Scan(components, tables, body[1 + 2 * count], body[3 + 2 * count] & 0x0F, interval, entropy)


def _entropy(data: memoryview) -> _Entropy:
    """Return what lies before the next marker that is no restart."""
    values = np.frombuffer(data, np.uint8)
    marks = np.flatnonzero(values[:-1] == 0xFF)
    kinds = values[marks + 1]
    restarts = (kinds >= 0xD0) & (kinds <= 0xD7)
    ends = np.flatnonzero((kinds != 0) & (kinds != 0xFF) & ~restarts)
    count = int(ends[0]) if len(ends) else len(marks)
    length = int(marks[count]) if len(ends) else len(values)
    stuffed, begun = int(np.count_nonzero(kinds[:count] == 0)), int(np.count_nonzero(restarts[:count]))
    return _Entropy(data[:length], 8 * (length - stuffed - 2 * begun), begun)


_NOTHING = _Entropy(memoryview(b""), 0, 0)


def _tables(body: memoryview) -> Iterator[tuple[int, _Table]]:
    """Yield the Huffman tables of a segment by their number (B.2.4.2, C.2)."""
    at = 0
    while at < len(body):
        codes, code, value = [""] * 17, 0, at + 17
        for length in range(1, 17):
            code <<= 1
            for category in bytes(body[value : value + body[at + length]]):
                codes[category] = f"{code:0{length}b}"
                code += 1
            value += body[at + length]
        yield body[at] & 0x0F, _Table(tuple(codes))
        at = value
