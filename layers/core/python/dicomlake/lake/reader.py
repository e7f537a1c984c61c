"""Reading a pack: its tail first, then only the ranges that are asked for."""

import zlib
from collections.abc import Iterator

from dicomlake.domain.errors import MalformedError
from dicomlake.domain.model import Frame, Splice
from dicomlake.lake.blocks import BlockReader
from dicomlake.lake.footer import Footer, PackedInstance, decode_footer
from dicomlake.lake.frames import frame_record_range, frame_table_range, parse_frame_record, parse_frame_table
from dicomlake.lake.layout import HEADER_SIZE, TAIL_SIZE, ReadRange, Span, check_header, decode_trailer
from dicomlake.lake.splices import decode_splices

TABLE_SLICE = 4096
"""Frame records are read this many at a time: about half a megabyte."""


class PackReader:
    """Reads one pack through ranged reads; `pack` is the pack object's key and `size` its length in bytes.

    The last `tail_size` bytes are read once and kept: for most packs that is the only read before the frames. A `tail`
    that is in hand already takes their place. Every
    method raises MalformedError where the pack is cut or damaged, UnsupportedError where it has another format version,
    and IndexError where an ordinal or a frame index does not exist.
    """

    def __init__(
        self, read_range: ReadRange, size: int, pack: str = "", tail_size: int = TAIL_SIZE, tail: bytes = b""
    ) -> None:
        self._read_range = read_range
        self.size = size
        self.pack = pack
        self._tail_size = tail_size
        self._tail_at = size - len(tail)
        self._tail = tail
        self._footer: Footer | None = None
        self._heads = BlockReader((), self.read)
        self._metadata = BlockReader((), self.read)

    def footer(self) -> Footer:
        """Return what the pack holds; read at the first call, then kept."""
        if self._footer is None:
            self._footer = self._read_footer()
            self._heads = BlockReader(self._footer.heads, self.read)
            self._metadata = BlockReader(self._footer.metadata, self.read)
        return self._footer

    def instance(self, ordinal: int) -> PackedInstance:
        """Return one instance of the pack."""
        instances = self.footer().instances
        if not 0 <= ordinal < len(instances):
            raise IndexError("the pack has no instance of this ordinal")
        return instances[ordinal]

    def head(self, ordinal: int) -> bytes:
        """Return an instance's head: the landed bytes outside the pixel data value."""
        return b"".join(self.head_parts(ordinal))

    def head_parts(self, ordinal: int, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Yield bytes `start` to `stop - 1` of a head in bounded parts; bulk data are read this way."""
        span = self.instance(ordinal).head
        first, last, _ = slice(start, stop).indices(span.length)
        return self._heads.parts(Span(span.offset + first, max(0, last - first)))

    def splices(self, ordinal: int) -> Iterator[Splice]:
        """Return where the pixel bytes stand in an instance's head."""
        span = self.instance(ordinal).splices
        return decode_splices(self._heads.value(span))

    def metadata(self, ordinal: int) -> bytes:
        """Return an instance's DICOM JSON (PS3.18 F), one object, UTF-8."""
        span = self.instance(ordinal).metadata
        return self._metadata.value(span)

    def frame(self, ordinal: int, frame_index: int) -> Frame:
        """Return one frame's record, whatever the number of frames, by one small read."""
        record = self.instance(ordinal).record
        if not 0 <= frame_index < record.frame_count:
            raise IndexError("the instance has no frame of this index")
        return self._inside(parse_frame_record(self.read(frame_record_range(record.pointer, frame_index))))

    def frames(self, ordinal: int, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Yield the records of frames `start` to `stop - 1`, read in slices of bounded size."""
        record = self.instance(ordinal).record
        first, last, _ = slice(start, stop).indices(record.frame_count)
        for begin in range(first, last, TABLE_SLICE):
            span = frame_table_range(record.pointer, begin, min(begin + TABLE_SLICE, last))
            for frame in parse_frame_table(self.read(span), record.pointer.record_size):
                yield self._inside(frame)

    def frame_bytes(self, frame: Frame, level: int | None = None) -> bytes:
        """Return a frame's code stream, or the part of it that holds resolution `level` (0 smallest) and below."""
        return self.read(Span(frame.offset, frame.length if level is None else frame.levels[level].end))

    def check_header(self) -> None:
        """Check that the pack begins as one; reading never needs it, a sweep that looks for damage does."""
        check_header(self.read(Span(0, min(HEADER_SIZE, self.size))))

    def read(self, span: Span) -> bytes:
        """Return bytes of the pack, from the kept tail where they lie in it."""
        if span.offset < 0 or span.length < 0 or span.end > self.size:
            raise MalformedError("the pack places bytes outside itself")
        if span.offset >= self._tail_at:
            start = span.offset - self._tail_at
            return self._tail[start : start + span.length]
        return self._fetch(span)

    def _fetch(self, span: Span) -> bytes:
        data = self._read_range(span.offset, span.length) if span.length else b""
        if len(data) != span.length:
            raise MalformedError("the pack ends before the bytes its footer names")
        return data

    def _inside(self, frame: Frame) -> Frame:
        if frame.offset + frame.length > self.size:
            raise MalformedError("the pack places a frame outside itself")
        return frame

    def _read_footer(self) -> Footer:
        if not self._tail:
            tail_at = max(0, self.size - self._tail_size)
            self._tail = self._fetch(Span(tail_at, self.size - tail_at))
            self._tail_at = tail_at
        trailer = decode_trailer(self._tail)
        if trailer.pack_size != self.size:
            raise MalformedError("the pack's size is not what its trailer says")
        packed = self.read(trailer.footer)
        if zlib.crc32(packed) != trailer.footer_crc32:
            raise MalformedError("the pack's footer is damaged")
        return decode_footer(packed, trailer.footer_raw_length, self.pack)
