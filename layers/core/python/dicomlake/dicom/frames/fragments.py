"""Encapsulated pixel data (PS3.5 A.4): walk the items once, then say which fragments make which frame."""

import struct
from array import array
from dataclasses import dataclass
from itertools import pairwise

from dicomlake.dicom.instance import PixelAttributes, PixelElement, Span
from dicomlake.dicom.source import ByteSource
from dicomlake.domain.model import Warned

_HEADER = struct.Struct("<HHI")
_ITEM, _DELIMITER = (0xFFFE, 0xE000), (0xFFFE, 0xE0DD)
_UNDEFINED = 0xFFFFFFFF
_STARTS = (b"\xff\xd8", b"\xff\x4f")
"""SOI of the JPEG family (ISO/IEC 10918-1 B.1.1.3) and SOC of the JPEG 2000 family (15444-1 A.4.1)."""
_END = b"\xff\xd9"
_BEGINS, _COMPLETE, _PADDED = 1, 2, 4


@dataclass(frozen=True, slots=True)
class Fragments:
    """The fragments of one pixel data element: 17 bytes each, whatever their size.

    `starts` and `ends` are offsets in the source; `flags` tell whether a fragment starts as a frame does, ends as one
    does, and has a pad byte after that end. `offset_table` is the basic offset table's span, `truncated` means that
    the source ends inside the last fragment.
    """

    starts: "array[int]"
    ends: "array[int]"
    flags: bytearray
    offset_table: Span
    truncated: bool
    warnings: tuple[Warned, ...]

    def __len__(self) -> int:
        return len(self.starts)

    def span(self, index: int) -> Span:
        """The fragment's bytes in the source."""
        return self.starts[index], self.ends[index]

    def padding(self, index: int) -> int:
        """How many bytes after the code stream's end fill the fragment up to an even length: 0 or 1."""
        return 1 if self.flags[index] & _PADDED else 0

    def begins_frame(self, index: int) -> bool:
        """Whether a frame starts here: with its start marker, after a fragment that ends with an end marker."""
        begins = self.flags[index] & _BEGINS != 0
        return begins and (index == 0 or self.flags[index - 1] & _COMPLETE != 0)


def walk_fragments(source: ByteSource, pixels: PixelElement, *, marked: bool) -> Fragments:
    """Walk the items of an encapsulated value up to its delimiter, its end, or the first thing that is no item.

    Reads 8 bytes an item, and its first and last bytes where frames are `marked` by their code streams.
    """
    limit = min(pixels.value_end, source.size)
    starts, ends, flags = array("Q"), array("Q"), bytearray()
    table: Span | None = None
    position, sound, cut = pixels.value_offset, True, pixels.truncated
    while position + 8 <= limit:
        group, element, length = _HEADER.unpack(source.read(position, 8))
        start, position = position + 8, position + 8 + length
        if (group, element) != _ITEM or length == _UNDEFINED:
            sound = (group, element) == _DELIMITER
            break
        end = min(position, limit)
        if table is None:
            table = (start, end)
            continue
        cut = cut or position > limit
        starts.append(start)
        ends.append(end)
        flags.append(_look(source, start, end) if marked else 0)
    warnings = () if sound and table else (Warned("bad-fragments", "pixel data hold something that is no item"),)
    return Fragments(starts, ends, flags, table or (position, position), cut, warnings)


def group_fragments(
    source: ByteSource, fragments: Fragments, attributes: PixelAttributes
) -> tuple["array[int]", tuple[Warned, ...]]:
    """Return the first fragment of every frame, then the fragments' number; and what was met on the way.

    By extended offset table, basic offset table, one fragment a frame, all fragments one frame, or start and end
    markers, in this order; a table that does not fit the fragments is not believed.
    """
    count, total = max(attributes.number_of_frames, 1), len(fragments)
    tables = [table for table in _offset_tables(source, fragments, attributes) if table]
    grouped = [_by_offsets(fragments, table) for table in tables]
    warnings = fragments.warnings
    if None in grouped:
        warnings = (*warnings, Warned("bad-offset-table", "frames were found by their fragments"))
    believed = next((firsts for firsts in grouped if firsts is not None and len(firsts) == count), None)
    firsts = believed or _by_looking(fragments, count)
    if len(firsts) != count:
        warnings = (*warnings, Warned("frame-count-mismatch", f"{len(firsts)} of {count} frames"))
    firsts.append(total)
    return firsts, warnings


def note_padding(fragments: Fragments, firsts: "array[int]", length: int) -> None:
    """Note the pad byte of frames that are known to have this many bytes: native ones, which nothing else ends."""
    for first, after in pairwise(firsts):
        present = sum(fragments.ends[index] - fragments.starts[index] for index in range(first, after))
        if length % 2 and present == length + 1:
            fragments.flags[after - 1] |= _PADDED


def _offset_tables(
    source: ByteSource, fragments: Fragments, attributes: PixelAttributes
) -> tuple["array[int]", "array[int]"]:
    extended = attributes.frame_offsets or (0, 0)
    return _numbers(source, extended, 8), _numbers(source, fragments.offset_table, 4)


def _numbers(source: ByteSource, span: Span, size: int) -> "array[int]":
    """Return a table's little-endian numbers; encapsulated transfer syntaxes are all little endian."""
    raw = bytes(source.read(span[0], (span[1] - span[0]) // size * size))
    return array("Q", (value for (value,) in struct.iter_unpack("<Q" if size == 8 else "<I", raw)))


def _by_offsets(fragments: Fragments, offsets: "array[int]") -> "array[int] | None":
    """Return the fragments at these offsets, which count from the first fragment's item tag (PS3.5 A.4)."""
    if not len(fragments):
        return None
    base, firsts, at = fragments.starts[0], array("Q"), 0
    for offset in offsets:
        while at < len(fragments) and fragments.starts[at] - base < offset:
            at += 1
        if at == len(fragments) or fragments.starts[at] - base != offset or (firsts and firsts[-1] == at):
            return None
        firsts.append(at)
    return firsts if firsts[0] == 0 else None


def _by_looking(fragments: Fragments, count: int) -> "array[int]":
    total = len(fragments)
    if total == count:
        return array("Q", range(total))
    found = array("Q", (index for index in range(total) if fragments.begins_frame(index)))
    if found and found[0] == 0 and (len(found) == count or count > 1 or len(found) > 1):
        return found
    return array("Q", [0] if count == 1 and total else range(total))


def _look(source: ByteSource, start: int, end: int) -> int:
    begins = _BEGINS if bytes(source.read(start, min(2, end - start))) in _STARTS else 0
    tail = bytes(source.read(max(start, end - 3), min(3, end - start)))
    if tail.endswith(_END):
        return begins | _COMPLETE
    return begins | (_COMPLETE | _PADDED if tail == _END + b"\0" else 0)
