"""A series' pre-built metadata: a gzip file of the JSON array that WADO-RS answers, with an index to read parts of it.

Any gzip reader gives the whole array (one member, RFC 1952), so that the object is an HTTP answer as it lies. Inside,
instances stand in groups; deflate is flushed and its history dropped between groups (Z_FULL_FLUSH), and the header's
extra field "DL" lists the groups, so that one group is read by a range and inflated alone. docs/lake-format.md.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dicomlake.domain.errors import MalformedError
from dicomlake.lake.layout import Span

GROUP_SIZE = 256 * 1024
"""A group ends with the instance that takes it to this many bytes before compression; twice that every 512 groups."""

INDEX_LIMIT = 12 + 65535
"""The index lies within this many bytes from the object's start, always."""

_DEFLATE_LEVEL = 6
_GZIP = 16
_DOUBLED_EVERY = 512
_HEADER = struct.Struct("<3sBIBBHBBHI")
_GROUP = struct.Struct("<III")
_MOST_GROUPS = (65535 - 8) // _GROUP.size


@dataclass(frozen=True, slots=True)
class Group:
    """Neighbouring instances: the position of the first in the array, their number, and where their bytes lie."""

    first: int
    count: int
    place: Span
    raw_length: int


@dataclass(frozen=True, slots=True)
class SeriesIndex:
    """The groups of a series' metadata, in order."""

    groups: tuple[Group, ...]

    @property
    def count(self) -> int:
        """How many instances the array holds."""
        return self.groups[-1].first + self.groups[-1].count if self.groups else 0

    def group_of(self, position: int) -> Group:
        """Return the group that holds the instance at a position (0-based); raises IndexError if there is none."""
        for group in self.groups:
            if group.first <= position < group.first + group.count:
                return group
        raise IndexError("the series' metadata holds no instance at this position")


def build_series_metadata(instances: Iterable[bytes]) -> bytes:
    """Return the object for a series' instances: each one's DICOM JSON (PS3.18 F), in display order."""
    deflate = zlib.compressobj(_DEFLATE_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    parts: list[bytes] = []
    sizes: list[bytes] = []
    crc32 = size = 0
    for count, raw in _groups(instances):
        part = deflate.compress(raw) + deflate.flush(zlib.Z_FULL_FLUSH)
        parts.append(part)
        sizes.append(_GROUP.pack(count, len(part), len(raw)))
        crc32, size = zlib.crc32(raw, crc32), size + len(raw)
    end = b"]" if parts else b"[]"
    parts.append(deflate.compress(end) + deflate.flush())
    crc32, size = zlib.crc32(end, crc32), size + len(end)
    return b"".join((_header(sizes), *parts, struct.pack("<II", crc32, size & 0xFFFFFFFF)))


def _header(sizes: list[bytes]) -> bytes:
    index = b"".join(sizes)
    if len(sizes) > _MOST_GROUPS:
        raise ValueError("the series' metadata is too large for its index")
    return _HEADER.pack(b"\x1f\x8b\x08", 4, 0, 0, 255, len(index) + 8, 68, 76, len(index) + 4, len(sizes)) + index


def _groups(instances: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield number and text of each group; the first begins with "[", every other with ","."""
    held: list[bytes] = []
    size = done = 0
    for instance in instances:
        held.append(instance)
        size += len(instance)
        if size >= GROUP_SIZE << (done // _DOUBLED_EVERY):
            yield len(held), _text(held, done)
            held, size, done = [], 0, done + 1
    if held:
        yield len(held), _text(held, done)


def _text(held: list[bytes], done: int) -> bytes:
    return (b"," if done else b"[") + b",".join(held)


def read_series_metadata(data: bytes) -> bytes:
    """Return the whole JSON array. Raises MalformedError if the object is cut or damaged."""
    try:
        return zlib.decompress(data, zlib.MAX_WBITS | _GZIP)
    except zlib.error as error:
        raise MalformedError("a series' metadata object is damaged") from error


def read_series_index(start: bytes) -> SeriesIndex:
    """Read the index out of the object's first bytes (`INDEX_LIMIT` always suffice).

    Raises MalformedError if they hold no index or a part of one.
    """
    if len(start) < _HEADER.size or start[:4] != b"\x1f\x8b\x08\x04" or start[12:14] != b"DL":
        raise MalformedError("the object is no series' metadata")
    *_, count = _HEADER.unpack_from(start)
    offset = end = _HEADER.size + count * _GROUP.size
    if len(start) < end:
        raise MalformedError("the index of a series' metadata is cut")
    groups: list[Group] = []
    first = 0
    for instances, length, raw_length in _GROUP.iter_unpack(start[_HEADER.size : end]):
        groups.append(Group(first, instances, Span(offset, length), raw_length))
        first, offset = first + instances, offset + length
    return SeriesIndex(tuple(groups))


def read_group(packed: bytes, group: Group) -> bytes:
    """Return a group's instances as a JSON array of its own; `packed` are the bytes at `group.place`.

    Raises MalformedError if they are cut or damaged.
    """
    try:
        raw = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, group.raw_length + 1)
    except zlib.error as error:
        raise MalformedError("a group of a series' metadata is damaged") from error
    if len(packed) != group.place.length or len(raw) != group.raw_length:
        raise MalformedError("a group of a series' metadata is cut")
    return b"[" + raw[1:] + b"]"
