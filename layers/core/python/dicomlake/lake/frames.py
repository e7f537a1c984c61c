"""Frame tables: fixed-size records, so that frame i of 100,000 is found by one range read without the footer.

 0  u64 offset          code stream's first byte in the pack
 8  u64 length          code stream's bytes
16  u64 native_length   bytes of the decoded frame
24  i64 minimum         smallest pixel value, 0 where unknown
32  i64 maximum         largest pixel value, 0 where unknown
40  16 bytes frame_id
56  u8  levels          how many resolutions follow, smallest first
57  u8  flags           bit 0: minimum and maximum are known
58  u16 zero
60  u32 crc32           of the record's other bytes: 0..59, then 64 to the last level
64  levels times: u64 end, u32 crc32, u16 width, u16 height; then zeros up to the record size
"""

import struct
import zlib
from collections.abc import Iterator

from dicomlake.domain.errors import MalformedError
from dicomlake.domain.model import Frame, Level, PackPointer
from dicomlake.lake.layout import Span

_FIXED = struct.Struct("<QQQqq16sBBxx")
_CRC = struct.Struct("<I")
_LEVEL = struct.Struct("<QIHH")
_LEVELS_AT = _FIXED.size + _CRC.size
_HAS_RANGE = 1


def record_size(levels: int) -> int:
    """Return the size in bytes of a frame record with this many levels."""
    return _LEVELS_AT + levels * _LEVEL.size


def frame_record_range(pointer: PackPointer, frame_index: int) -> Span:
    """Return where the record of a frame (0-based) lies, from the index's pointer alone; the count is the caller's."""
    return frame_table_range(pointer, frame_index, frame_index + 1)


def frame_table_range(pointer: PackPointer, start: int, stop: int) -> Span:
    """Return where the records of frames `start` to `stop - 1` (0-based) lie, from the index's pointer alone."""
    return Span(pointer.table_offset + start * pointer.record_size, (stop - start) * pointer.record_size)


def encode_frame_record(frame: Frame, offset: int) -> bytes:
    """Return the record of a frame that lies at `offset` of the pack, whatever the frame itself says of that.

    Raises ValueError if a value does not fit the record or the frame contradicts itself.
    """
    _check(frame)
    known = frame.minimum is not None and frame.maximum is not None
    try:
        fixed = _FIXED.pack(
            offset,
            frame.length,
            frame.native_length,
            frame.minimum if known else 0,
            frame.maximum if known else 0,
            bytes.fromhex(frame.frame_id),
            len(frame.levels),
            _HAS_RANGE if known else 0,
        )
        levels = b"".join([_LEVEL.pack(level.end, level.crc32, level.width, level.height) for level in frame.levels])
    except struct.error as error:
        raise ValueError("a frame's value does not fit its record") from error
    return fixed + _CRC.pack(zlib.crc32(levels, zlib.crc32(fixed))) + levels


def _check(frame: Frame) -> None:
    if len(frame.frame_id) != 32:
        raise ValueError("a frame id has 32 hex digits")
    ends = [level.end for level in frame.levels]
    if ends != sorted(ends) or (ends and ends[-1] > frame.length):
        raise ValueError("a frame's levels end in rising order and inside its code stream")


def parse_frame_record(record: bytes) -> Frame:
    """Read one frame record. Raises MalformedError if it is cut or damaged."""
    count = record[_FIXED.size - 4] if len(record) >= _LEVELS_AT else -1
    end = record_size(count)
    if count < 0 or len(record) < end:
        raise MalformedError("a frame record of the pack is cut")
    levels = record[_LEVELS_AT:end]
    crc32 = zlib.crc32(levels, zlib.crc32(record[: _FIXED.size]))
    if _CRC.unpack_from(record, _FIXED.size)[0] != crc32:
        raise MalformedError("a frame record of the pack is damaged")
    offset, length, native_length, minimum, maximum, frame_id, _, flags = _FIXED.unpack_from(record)
    known = flags & _HAS_RANGE
    return Frame(
        offset=offset,
        length=length,
        native_length=native_length,
        levels=tuple([Level(width, height, end, crc) for end, crc, width, height in _LEVEL.iter_unpack(levels)]),
        minimum=minimum if known else None,
        maximum=maximum if known else None,
        frame_id=frame_id.hex(),
    )


def parse_frame_table(table: bytes, size: int) -> Iterator[Frame]:
    """Read the records of `size` bytes each that lie end to end in `table`."""
    for start in range(0, len(table), size):
        yield parse_frame_record(table[start : start + size])


class FrameTable:
    """The table of one instance as it grows; a frame with more levels than those before widens every record."""

    def __init__(self) -> None:
        self.count = 0
        self.record_size = 0
        self._records = bytearray()

    def append(self, frame: Frame, offset: int) -> None:
        """Add the record of the next frame, which lies at `offset`; errors as `encode_frame_record`."""
        record = encode_frame_record(frame, offset)
        if len(record) > self.record_size:
            self._widen(len(record))
        self._records += record.ljust(self.record_size, b"\0")
        self.count += 1

    def encode(self) -> bytes:
        """Return the records end to end."""
        return bytes(self._records)

    def _widen(self, size: int) -> None:
        narrow, self.record_size = self.record_size, size
        starts = range(0, len(self._records), narrow) if narrow else ()
        self._records = bytearray().join(self._records[at : at + narrow].ljust(size, b"\0") for at in starts)
