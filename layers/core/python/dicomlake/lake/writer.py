"""Writing a pack: instances go in one after the other, bytes come out as they are known, pixels are never held."""

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import chain

from dicomlake.domain.model import (
    Frame,
    InstanceRecord,
    PackPointer,
    SeriesAttributes,
    SeriesUid,
    Splice,
    StudyAttributes,
    StudyUid,
)
from dicomlake.lake.blocks import ZSTD_LEVEL, BlockWriter
from dicomlake.lake.footer import Footer, PackedInstance, encode_footer, pointer_to, sort_key
from dicomlake.lake.frames import FrameTable
from dicomlake.lake.layout import HEADER_SIZE, TRAILER_SIZE, Span, Trailer, encode_header, encode_trailer
from dicomlake.lake.splices import encode_splices

Sink = Callable[[bytes], object]
"""Takes a pack's bytes in their order, as they come; it may keep what it is given, the writer does not change it."""

HOLD_LIMIT = 8 * 1024 * 1024
"""Frames of an unfinished instance are held up to this many bytes, so that aborting it leaves nothing in the pack."""

UNPLACED = PackPointer("", 0)
"""The pointer of a record that is not in a pack yet; the writer fills in the true one."""


@dataclass(frozen=True, slots=True)
class PackSummary:
    """What was written: the pack's size in bytes, its records in footer order with their pointers, the attributes above
    them, and how many bytes of aborted instances lie in it unused."""

    size: int
    records: tuple[InstanceRecord, ...]
    studies: tuple[StudyAttributes, ...]
    series: tuple[SeriesAttributes, ...]
    wasted: int


class _OpenInstance:
    """The frames of the instance being written."""

    def __init__(self, start: int, taken: bool = False) -> None:
        self.start = start
        self.end = start
        self.frame_start = start
        self.taken = taken
        self.held: list[bytes] = []
        self.held_size = 0
        self.table = FrameTable()


class PackWriter:
    """Writes one pack to a sink; `pack` is the key the pack object will have.

    Memory: at most 8 MiB of one instance's frames, 4 MiB of packed heads and as much metadata, one block of each, and
    per frame its table record (64 bytes and 16 for each resolution). Call `begin_instance`, `add_frame` for each frame,
    `finish_instance`, for each instance, then `close`. Wrong order or contradicting values raise ValueError.
    """

    def __init__(self, sink: Sink, pack: str, level: int = ZSTD_LEVEL) -> None:
        self._sink = sink
        self._pack = pack
        self._written = 0
        self._wasted = 0
        self._heads = BlockWriter(self._emit, level)
        self._metadata = BlockWriter(self._emit, level)
        self._open: _OpenInstance | None = None
        self._finished: list[tuple[PackedInstance, bytes]] = []
        self._studies: dict[StudyUid, StudyAttributes] = {}
        self._series: dict[tuple[StudyUid, SeriesUid], SeriesAttributes] = {}

    @property
    def size(self) -> int:
        """The bytes of frames so far, those of the open instance included: what a splitter of packs goes by."""
        return self._open.end if self._open else self._written

    @property
    def instance_count(self) -> int:
        """How many instances are finished."""
        return len(self._finished)

    def begin_instance(self) -> None:
        """Start the next instance; the one before must be finished or aborted."""
        self._begin(lambda: _OpenInstance(self._written))

    def begin_taken_instance(self, offset: int) -> None:
        """Start an instance whose code streams begin at `offset` in a run that was taken over."""
        self._begin(lambda: _OpenInstance(offset, taken=True))

    def _begin(self, opened: Callable[[], _OpenInstance]) -> None:
        if self._open is not None:
            raise ValueError("finish or abort the instance before")
        self._put_header()
        self._open = opened()

    def _put_header(self) -> None:
        if not self._written:
            self._emit(encode_header())

    def take_run(self, run: Span, take: Callable[[Span], object]) -> int:
        """Take over code streams of another pack by `take`, which appends that range of it to the sink's object; return
        how many bytes later they lie here than there.

        A run at the other pack's start brings its header along: headers of one format version are equal.
        """
        if self._open is not None:
            raise ValueError("finish or abort the instance before")
        if not self._written and run.offset == HEADER_SIZE:
            run = Span(0, run.end)
        else:
            self._put_header()
        take(run)
        shift = self._written - run.offset
        self._written += run.length
        return shift

    def add_frame_part(self, part: bytes) -> None:
        """Add bytes of a code stream that is too long to be in hand at once; `add_frame` ends it."""
        instance = self._opened()
        instance.held.append(bytes(part))
        instance.held_size += len(part)
        instance.end += len(part)
        if instance.held_size > HOLD_LIMIT:
            self._spill(instance)

    def add_frame(self, code_stream: bytes, frame: Frame) -> int:
        """Add a frame, or the last part of one, and return its offset in the pack.

        `frame.length` is the length of the whole code stream; `frame.offset` is not looked at.
        """
        self.add_frame_part(code_stream)
        instance = self._opened()
        if instance.end - instance.frame_start != frame.length:
            raise ValueError("the frame's length is not that of its code stream")
        offset, instance.frame_start = instance.frame_start, instance.end
        instance.table.append(frame, offset)
        return offset

    def add_taken_frame(self, frame: Frame) -> int:
        """Add a frame of an instance that was taken over, behind the one before; return its offset in the pack."""
        instance = self._opened()
        if not instance.taken or instance.end + frame.length > self._written:
            raise ValueError("the frame lies outside what was taken over")
        offset, instance.end = instance.end, instance.end + frame.length
        instance.frame_start = instance.end
        instance.table.append(frame, offset)
        return offset

    def finish_instance(
        self,
        record: InstanceRecord,
        head: bytes | Iterable[bytes],
        metadata: bytes,
        splices: Iterable[Splice],
        study: StudyAttributes,
        series: SeriesAttributes,
    ) -> None:
        """Complete the open instance; its record's pointer is filled in at `close`.

        `head` is the landed bytes outside the pixel data value, whole or in parts; `metadata` its DICOM JSON; `splices`
        say where the pixel bytes stand in the head. Of several study and series attributes the first given are kept.
        """
        instance = self._opened()
        if record.frame_count != instance.table.count or instance.frame_start != instance.end:
            raise ValueError("the record's frame count is not that of the frames added")
        if (study.study_uid, series.series_uid) != (record.key.study_uid, record.key.series_uid):
            raise ValueError("the attributes are of another study or series")
        packed_splices = encode_splices(splices)
        head_span = self._heads.add(_joined(head, packed_splices))
        head_length = head_span.length - len(packed_splices)
        packed = PackedInstance(
            record=record,
            frames=Span(instance.start, instance.end - instance.start),
            table=Span(0, record.frame_count * instance.table.record_size),
            head=Span(head_span.offset, head_length),
            splices=Span(head_span.offset + head_length, len(packed_splices)),
            metadata=self._metadata.add(metadata),
        )
        self._spill(instance)
        self._finished.append((packed, instance.table.encode()))
        self._studies.setdefault(study.study_uid, study)
        self._series.setdefault((study.study_uid, series.series_uid), series)
        self._open = None

    def abort_instance(self) -> None:
        """Forget the open instance; bytes of it that are already out stay in the pack, unused and counted as wasted."""
        instance = self._opened()
        self._wasted += instance.end - instance.held_size - instance.start
        self._open = None

    def close(self) -> PackSummary:
        """Write what remains (blocks, frame tables, footer, trailer) and tell what the pack holds."""
        if self._open is not None:
            raise ValueError("finish or abort the open instance")
        self._put_header()
        self._heads.close()
        self._metadata.close()
        self._finished.sort(key=lambda finished: sort_key(finished[0]))
        footer = Footer(
            instances=tuple([self._write_table(at, *finished) for at, finished in enumerate(self._finished)]),
            studies=self._studies,
            series=self._series,
            heads=tuple(self._heads.blocks),
            metadata=tuple(self._metadata.blocks),
        )
        self._write_footer(footer)
        records = tuple([instance.record for instance in footer.instances])
        studies, series = tuple(self._studies.values()), tuple(self._series.values())
        return PackSummary(self._written, records, studies, series, self._wasted)

    def _write_table(self, ordinal: int, instance: PackedInstance, table: bytes) -> PackedInstance:
        span = Span(self._emit(table) if table else 0, len(table))
        pointer = pointer_to(self._pack, ordinal, instance.record.frame_count, instance.frames, span)
        record = replace(instance.record, pointer=pointer)
        return PackedInstance(record, instance.frames, span, instance.head, instance.splices, instance.metadata)

    def _write_footer(self, footer: Footer) -> None:
        packed, raw_length = encode_footer(footer)
        span = Span(self._emit(packed), len(packed))
        self._emit(encode_trailer(Trailer(span, raw_length, zlib.crc32(packed), span.end + TRAILER_SIZE)))

    def _opened(self) -> _OpenInstance:
        if self._open is None:
            raise ValueError("begin an instance first")
        return self._open

    def _spill(self, instance: _OpenInstance) -> None:
        for part in instance.held:
            self._sink(part)
        self._written += instance.held_size
        instance.held, instance.held_size = [], 0

    def _emit(self, data: bytes) -> int:
        if self._open is not None:
            self._spill(self._open)
        offset = self._written
        self._sink(data)
        self._written += len(data)
        return offset


def _joined(head: bytes | Iterable[bytes], splices: bytes) -> bytes | Iterable[bytes]:
    return head + splices if isinstance(head, bytes) else chain(head, (splices,))
