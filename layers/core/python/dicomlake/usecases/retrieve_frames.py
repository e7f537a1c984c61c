"""Retrieve frames (WADO-RS, PS3.18 10.4.1.1.6) as stored: found by the index row alone, read by few ranged GETs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from dicomlake.domain.errors import InvalidRequestError, NotAcceptableError, NotFoundError, TooLargeError
from dicomlake.domain.levels import text_of
from dicomlake.domain.model import Frame, InstanceKey, InstanceRecord, PackPointer
from dicomlake.domain.served import NATIVE, VIDEO
from dicomlake.lake.frames import frame_table_range, parse_frame_table
from dicomlake.lake.layout import Span
from dicomlake.ports import Datastore
from dicomlake.usecases.retrieve_metadata import visible_record

MAX_ANSWER = 4_500_000
"""Bytes of binary that one answer carries: AWS Lambda takes 6 MB of payload, in base64."""

GAP = 64 * 1024
"""Two ranges closer than this are one GET: bytes read in vain cost less than a request."""


@dataclass(frozen=True, slots=True)
class FramesFound:
    """Fact: the instance's record, and where the frames asked for lie in its pack, in the order asked.

    `run` is where all frames lie as one run of bytes that none can be cut out of at a byte (bits, frames too large to
    hold): then there are no spans, and cut_frames reads them.
    """

    record: InstanceRecord
    numbers: tuple[int, ...]
    spans: tuple[Span, ...] = ()
    run: Span | None = None

    @property
    def size(self) -> int:
        """The bytes of all of them as stored."""
        return sum(span.length for span in self.spans)


@dataclass(frozen=True, slots=True)
class FramesRetrieved:
    """Fact: the instance's record and the stored bytes of the frames asked for, in the order asked."""

    record: InstanceRecord
    frames: tuple[bytes, ...]


def find_frames(key: InstanceKey, numbers: Sequence[int], store: Datastore) -> FramesFound:
    """Find frames by their 1-based numbers, in any order.

    Raises InvalidRequestError for a number given twice, NotFoundError for one that does not exist, NotAcceptableError
    where the instance is a video.
    """
    record = visible_record(key, store)
    if record.stored_transfer_syntax in VIDEO:
        raise NotAcceptableError("a video has no frames of its own: ask for it rendered, or for the instance")
    if not is_one_run(record):
        _check(numbers, record.frame_count)
        spans = _frame_spans(record, numbers, store)
        return FramesFound(record, tuple(numbers), tuple(spans[number] for number in numbers))
    _check(numbers, declared_frames(record))
    pieces = _frame_spans(record, sorted({1, record.frame_count}), store)
    first, last = pieces[1], pieces[record.frame_count]
    return FramesFound(record, tuple(numbers), run=Span(first.offset, last.end - first.offset))


def declared_frames(record: InstanceRecord) -> int:
    """Return the Number of Frames that the instance's header tells."""
    text = text_of(record.attributes, "00280008")
    return int(text) if text.isdigit() else 1


def is_one_run(record: InstanceRecord) -> bool:
    """Whether the pixel data are stored as pieces of one run: bits that share bytes, or a frame too large to hold."""
    shared = any(warned.code == "unaligned-frames" for warned in record.warnings)
    return record.stored_transfer_syntax in NATIVE and (shared or record.frame_count > declared_frames(record))


def read_frames(found: FramesFound, store: Datastore) -> Iterator[bytes]:
    """Yield the stored bytes of each frame: together where they fit one answer, else one after the other."""
    pack = found.record.pointer.pack
    if found.size > MAX_ANSWER:
        yield from (store.objects.read_range(pack, span.offset, span.length) for span in found.spans)
        return
    data = _read_spans(pack, found.spans, store)
    yield from (data[span] for span in found.spans)


def retrieve_frames(key: InstanceKey, numbers: Sequence[int], store: Datastore) -> FramesRetrieved:
    """Return what is stored under 1-based numbers, in any order: frames, or pieces where `is_one_run` or video.

    Errors as `find_frames`; TooLargeError above one answer.
    """
    return stored_frames(visible_record(key, store), numbers, store)


def stored_frames(record: InstanceRecord, numbers: Sequence[int], store: Datastore) -> FramesRetrieved:
    """Return what is stored of a record that is in hand; errors as `retrieve_frames`."""
    _check(numbers, record.frame_count)
    spans = _frame_spans(record, numbers, store)
    found = FramesFound(record, tuple(numbers), tuple(spans[number] for number in numbers))
    if found.size > MAX_ANSWER:
        raise TooLargeError(
            "the frames do not fit one answer: ask for fewer, or read the pack by the signed URL of the restore plan"
        )
    return FramesRetrieved(found.record, tuple(read_frames(found, store)))


def _check(numbers: Sequence[int], count: int) -> None:
    if len(set(numbers)) != len(numbers):
        raise InvalidRequestError("a frame is asked for twice: name each frame once")
    if not count:
        raise NotFoundError("the instance has no frames")
    if any(not 1 <= number <= count for number in numbers):
        raise NotFoundError(f"the instance has frames 1 to {count}")


def _frame_spans(record: InstanceRecord, numbers: Sequence[int], store: Datastore) -> dict[int, Span]:
    """Return where each frame lies: from the index row for the only frame, else from the pack's frame table."""
    if record.frame_count == 1:
        return {numbers[0]: Span(*record.pointer.first_frame)}
    frames = frame_records(record.pointer, sorted(number - 1 for number in numbers), store)
    return {index + 1: Span(frame.offset, frame.length) for index, frame in frames.items()}


def frame_records(pointer: PackPointer, indexes: Sequence[int], store: Datastore) -> dict[int, Frame]:
    """Return the records of frames by their 0-based indexes, which are sorted; neighbours are read together."""
    frames: dict[int, Frame] = {}
    for first, last in _runs(indexes, pointer.record_size):
        span = frame_table_range(pointer, first, last + 1)
        table = store.objects.read_range(pointer.pack, span.offset, span.length)
        frames.update(enumerate(parse_frame_table(table, pointer.record_size), first))
    return {index: frames[index] for index in indexes}


def _runs(indexes: Sequence[int], record_size: int) -> Iterator[tuple[int, int]]:
    """Yield first and last index of runs whose records are read together, from sorted indexes."""
    first = last = indexes[0]
    for index in indexes[1:]:
        if (index - last) * record_size > GAP:
            yield first, last
            first = index
        last = index
    yield first, last


def _read_spans(pack: str, spans: Sequence[Span], store: Datastore) -> dict[Span, bytes]:
    """Return the bytes of each span, neighbours read by one GET."""
    found: dict[Span, bytes] = {}
    for _, members in groupby(_numbered(sorted(spans, key=lambda span: span.offset)), key=lambda pair: pair[0]):
        run = [span for _, span in members]
        start = run[0].offset
        data = memoryview(store.objects.read_range(pack, start, max(span.end for span in run) - start))
        found.update({span: bytes(data[span.offset - start : span.end - start]) for span in run})
    return found


def _numbered(spans: Sequence[Span]) -> Iterator[tuple[int, Span]]:
    """Pair each span with the number of its run; a run ends where the next span is further than the gap."""
    run, end = 0, spans[0].end
    for span in spans:
        run += span.offset > end + GAP
        end = max(end, span.end)
        yield run, span
