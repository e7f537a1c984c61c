"""Splices: where the pixel bytes belong in the landed object, kept as arithmetic progressions.

A native multi-frame object is one progression however many frames it has. A progression is 64 bytes, little endian:
u64 head_offset, u64 frame_index, u64 frame_offset, u64 length, u64 count, then the steps from one splice to the next:
i64 head_offset, i64 frame_index, i64 frame_offset.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence

from dicomlake.domain.errors import MalformedError
from dicomlake.domain.model import Splice

_RUN = struct.Struct("<QQQQQqqq")
RUN_SIZE = _RUN.size

_Step = tuple[int, int, int]
_STILL: _Step = (0, 0, 0)


def encode_splices(splices: Iterable[Splice]) -> bytes:
    """Return the splices as progressions, in their order."""
    return b"".join(
        _RUN.pack(first.head_offset, first.frame_index, first.frame_offset, first.length, count, *step)
        for first, count, step in _runs(splices)
    )


def decode_splices(data: bytes) -> Iterator[Splice]:
    """Yield the splices one by one. Raises MalformedError if the progressions are cut."""
    if len(data) % RUN_SIZE:
        raise MalformedError("the pack's splices are cut")
    for head, index, offset, length, count, head_step, index_step, offset_step in _RUN.iter_unpack(data):
        for i in range(count):
            yield Splice(head + i * head_step, index + i * index_step, offset + i * offset_step, length)


def landed_parts(head: bytes, splices: Sequence[Splice] | Iterable[Splice]) -> Iterator[bytes | Splice]:
    """Yield the landed object in its order: pieces of the head, and for pixel bytes the splice that says which."""
    position = 0
    for splice in splices:
        if not position <= splice.head_offset <= len(head):
            raise MalformedError("the pack's splices do not fit its head")
        if splice.head_offset > position:
            yield head[position : splice.head_offset]
        position = splice.head_offset
        yield splice
    if position < len(head):
        yield head[position:]


def _runs(splices: Iterable[Splice]) -> Iterator[tuple[Splice, int, _Step]]:
    first: Splice | None = None
    last: Splice | None = None
    count, step = 0, _STILL
    for splice in splices:
        if first is None or last is None:
            first, last, count = splice, splice, 1
        elif splice.length == first.length and (count == 1 or _step(last, splice) == step):
            last, count, step = splice, count + 1, _step(last, splice)
        else:
            yield first, count, step
            first, last, count, step = splice, splice, 1, _STILL
    if first is not None:
        yield first, count, step


def _step(before: Splice, after: Splice) -> _Step:
    return (
        after.head_offset - before.head_offset,
        after.frame_index - before.frame_index,
        after.frame_offset - before.frame_offset,
    )
