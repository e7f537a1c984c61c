"""Blocks: how the small values of a pack (heads, metadata) are kept together and read apart.

Values are laid end to end in a stream, the stream is cut into blocks of at most 256 KiB, and each block is one zstd
frame (RFC 8878). A value that fits a block lies in one block, so that reading it costs one range and one block.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import zstandard

from dicomlake.domain.errors import MalformedError
from dicomlake.lake.layout import Span

BLOCK_SIZE = 256 * 1024
ZSTD_LEVEL = 3
HELD_LIMIT = 4 * 1024 * 1024
"""Finished blocks are held back so that frames lie together; beyond this many bytes they are written where they are."""

KEPT_BLOCKS = 8
"""A reader keeps this many unpacked blocks, 2 MiB: the metadata of 150 CT slices, in whatever order they are read."""


@dataclass(frozen=True, slots=True)
class Block:
    """One zstd frame: where it lies in the pack and how many bytes it holds unpacked."""

    place: Span
    raw_length: int


class BlockWriter:
    """Lays values end to end and cuts them into blocks; `emit` writes bytes to the pack and returns their offset."""

    def __init__(self, emit: Callable[[bytes], int], level: int = ZSTD_LEVEL) -> None:
        self.blocks: list[Block] = []
        self._emit = emit
        self._zstd = zstandard.ZstdCompressor(level=level, write_checksum=True, write_content_size=True)
        self._position = 0
        self._open: list[bytes] = []
        self._filled = 0
        self._held: list[tuple[bytes, int]] = []
        self._held_size = 0

    def add(self, value: bytes | Iterable[bytes]) -> Span:
        """Append a value and return its place in the stream; one that comes in parts begins a block of its own."""
        if not isinstance(value, bytes) or self._filled + len(value) > BLOCK_SIZE:
            self._cut()
        start = self._position
        for part in (value,) if isinstance(value, bytes) else value:
            self._append(part)
        return Span(start, self._position - start)

    def close(self) -> None:
        """Write everything that is still held."""
        self._cut()
        self._release()

    def _append(self, part: bytes) -> None:
        start = 0
        while start < len(part):
            piece = part[start : start + BLOCK_SIZE - self._filled]
            self._open.append(piece)
            self._filled += len(piece)
            self._position += len(piece)
            start += len(piece)
            if self._filled == BLOCK_SIZE:
                self._cut()

    def _cut(self) -> None:
        if not self._filled:
            return
        packed = self._zstd.compress(b"".join(self._open))
        self._held.append((packed, self._filled))
        self._held_size += len(packed)
        self._open, self._filled = [], 0
        if self._held_size > HELD_LIMIT:
            self._release()

    def _release(self) -> None:
        for packed, raw_length in self._held:
            self.blocks.append(Block(Span(self._emit(packed), len(packed)), raw_length))
        self._held, self._held_size = [], 0


class BlockReader:
    """Reads values out of a stream of blocks; the blocks read last are kept: neighbours are asked for together."""

    def __init__(self, blocks: Sequence[Block], read: Callable[[Span], bytes]) -> None:
        self._blocks = blocks
        self._ends = list(accumulate(block.raw_length for block in blocks))
        self._read = read
        self._zstd = zstandard.ZstdDecompressor()
        self._kept: dict[int, bytes] = {}

    def value(self, span: Span) -> bytes:
        """Return a whole value. Raises MalformedError where the stream does not hold it or a block is damaged."""
        return b"".join(self.parts(span))

    def parts(self, span: Span) -> Iterator[bytes]:
        """Yield a value in parts of at most one block."""
        if span.offset < 0 or span.end > (self._ends[-1] if self._ends else 0):
            raise MalformedError("the pack's footer places a value outside its blocks")
        position = span.offset
        while position < span.end:
            index = bisect_right(self._ends, position)
            start = self._ends[index] - self._blocks[index].raw_length
            part = self._block(index)[position - start : span.end - start]
            yield part
            position += len(part)

    def _block(self, index: int) -> bytes:
        block = self._kept.pop(index, None) or self._unpack(self._blocks[index])
        if len(self._kept) >= KEPT_BLOCKS:
            del self._kept[next(iter(self._kept))]
        self._kept[index] = block
        return block

    def _unpack(self, block: Block) -> bytes:
        packed = self._read(block.place)
        try:
            if zstandard.frame_content_size(packed) != block.raw_length:
                raise MalformedError("a block of the pack does not hold the bytes its footer promises")
            return self._zstd.decompress(packed)
        except zstandard.ZstdError as error:
            raise MalformedError("a block of the pack is damaged") from error
