"""Copying instances from pack to pack: code streams verbatim, read in few and bounded ranges, or not read at all."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from dicomlake.domain.errors import MalformedError
from dicomlake.domain.model import InstanceRecord
from dicomlake.lake.footer import PackedInstance
from dicomlake.lake.layout import Span
from dicomlake.lake.reader import PackReader
from dicomlake.lake.writer import PackWriter

WINDOW = 8 * 1024 * 1024
"""The most bytes one read of frames asks for, and the most that copying holds of a source."""

TAKEN = 8 * 1024 * 1024
"""Neighbouring code streams this long are copied by the store: one request, where reading and writing them takes two
and carries every byte through the function twice. S3 takes 5 MiB and more; what is shorter costs less to read."""

GAP = 1024 * 1024
"""Unwanted bytes up to this many are read along: at 80 MB/s they take 12 ms, less than another GET's first byte."""


def coalesce(spans: Iterable[Span], gap: int = GAP) -> list[Span]:
    """Join spans (sorted by offset) that lie at most `gap` bytes apart; each result is one run to read."""
    runs: list[Span] = []
    for span in spans:
        if runs and span.offset - runs[-1].end <= gap:
            runs[-1] = Span(runs[-1].offset, max(runs[-1].end, span.end) - runs[-1].offset)
        else:
            runs.append(span)
    return runs


Take = Callable[[str, Span], object]
"""Appends a range of the pack under a key to the pack that is written, by the object store itself."""


def copy_instance(reader: PackReader, ordinal: int, writer: PackWriter) -> None:
    """Copy one instance: the code streams, head, splices and metadata it had, and its record, in another place."""
    copy_instances(reader, (ordinal,), writer)


def copy_instances(reader: PackReader, ordinals: Sequence[int], writer: PackWriter) -> None:
    """Copy instances of one pack in the order they lie in it, so that neighbours are read together."""
    PackSource(reader, ordinals).copy_to(writer)


@dataclass(frozen=True, slots=True)
class Copied:
    """An instance that was copied: its record as its old pack has it, and its DICOM JSON."""

    record: InstanceRecord
    metadata: bytes


class PackSource:
    """Instances of one pack that are to be copied, in the order they lie in it; making one reads the pack's tail.

    With `take`, code streams that lie together for `TAKEN` bytes and more are not read: the store copies them.
    """

    def __init__(self, reader: PackReader, ordinals: Sequence[int], take: Take | None = None) -> None:
        self._reader = reader
        self._take = take
        instances = [reader.instance(ordinal) for ordinal in ordinals]
        self._instances = sorted(instances, key=lambda packed: packed.frames.offset)
        touching = coalesce((packed.frames for packed in self._instances), gap=0)
        self._taken = [run for run in touching if take and run.length >= TAKEN]
        read = [packed.frames for packed in self._instances if self._run_of(packed.frames) is None]
        self._frames = _Forward(reader, coalesce(read))

    def read_ahead(self) -> None:
        """Read the first frames, at most a window of them; they are held until `copy_to`."""
        self._frames.read_ahead()

    def copy_to(self, writer: PackWriter) -> list[Copied]:
        """Copy the instances; memory is bounded by a window of frames, and by the metadata that is returned."""
        copied: list[Copied] = []
        shifts: dict[Span, int] = {}
        for packed in self._instances:
            run = self._run_of(packed.frames)
            if run is None:
                writer.begin_instance()
                self._copy_frames(packed, writer)
            else:
                if run not in shifts:
                    shifts[run] = writer.take_run(run, self._take_over)
                writer.begin_taken_instance(packed.frames.offset + shifts[run])
                self._place_frames(packed, shifts[run], writer)
            copied.append(self._copy_rest(packed, writer))
        return copied

    def _run_of(self, span: Span) -> Span | None:
        return next((run for run in self._taken if run.offset <= span.offset and span.end <= run.end), None)

    def _take_over(self, run: Span) -> None:
        if self._take is not None:
            self._take(self._reader.pack, run)

    def _copy_frames(self, packed: PackedInstance, writer: PackWriter) -> None:
        for frame in self._reader.frames(packed.record.pointer.ordinal):
            for part in self._frames.parts(Span(frame.offset, frame.length)):
                writer.add_frame_part(part)
            writer.add_frame(b"", frame)

    def _place_frames(self, packed: PackedInstance, shift: int, writer: PackWriter) -> None:
        for frame in self._reader.frames(packed.record.pointer.ordinal):
            if not packed.frames.offset <= frame.offset <= packed.frames.end - frame.length:
                raise MalformedError(CONTRADICTION)
            if writer.add_taken_frame(frame) != frame.offset + shift:
                raise MalformedError(CONTRADICTION)

    def _copy_rest(self, packed: PackedInstance, writer: PackWriter) -> Copied:
        reader, ordinal, key = self._reader, packed.record.pointer.ordinal, packed.record.key
        footer, metadata = reader.footer(), reader.metadata(ordinal)
        writer.finish_instance(
            packed.record,
            reader.head(ordinal) if packed.head.length <= WINDOW else reader.head_parts(ordinal),
            metadata,
            reader.splices(ordinal),
            footer.studies[key.study_uid],
            footer.series[key.study_uid, key.series_uid],
        )
        return Copied(packed.record, metadata)


CONTRADICTION = "the pack's frame tables do not agree with its footer"
_NOWHERE = Span(-1, 0)


class _Forward:
    """Reads spans of rising offset out of runs, one window of at most `WINDOW` bytes at a time."""

    def __init__(self, reader: PackReader, runs: Sequence[Span]) -> None:
        self._reader = reader
        self._runs = iter(runs)
        self._run = Span(0, 0)
        self._at = 0
        self._window = b""

    def read_ahead(self) -> None:
        """Load the first window of the first run; the first `parts` finds it."""
        self._run = next(self._runs, self._run)
        if self._run.length:
            self._load(self._run.offset)

    def parts(self, span: Span) -> Iterator[bytes]:
        """Yield a span in parts of at most one window."""
        position = span.offset
        while position < span.end:
            if not self._at <= position < self._at + len(self._window):
                self._load(position)
            start = position - self._at
            part = self._window[start : start + span.end - position]
            yield part
            position += len(part)

    def _load(self, position: int) -> None:
        while position >= self._run.end:
            self._run = next(self._runs, _NOWHERE)
            if self._run is _NOWHERE:
                raise MalformedError(CONTRADICTION)
        self._window = b""
        self._at = position
        self._window = self._reader.read(Span(position, min(WINDOW, self._run.end - position)))
