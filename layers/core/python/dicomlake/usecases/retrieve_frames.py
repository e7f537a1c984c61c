"""Retrieve frames (WADO-RS, PS3.18 10.4.1.1.6) as stored: found by the index row alone, read by few ranged GETs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from dicomlake.domain.errors import InvalidRequestError, NotFoundError, TooLargeError
from dicomlake.domain.model import Frame, InstanceKey, InstanceRecord, PackPointer
from dicomlake.lake.frames import frame_table_range, parse_frame_table
from dicomlake.lake.layout import Span
from dicomlake.ports import Datastore
from dicomlake.usecases.retrieve_metadata import visible_record

MAX_ANSWER = 4_500_000
"""Bytes of binary that one answer carries: AWS Lambda takes 6 MB of payload, in base64."""

GAP = 64 * 1024
"""Two ranges closer than this are one GET: bytes read in vain cost less than a request."""


@dataclass(frozen=True, slots=True)
class FramesRetrieved:
    """Fact: the instance's record and the stored bytes of the frames asked for, in the order asked."""

    record: InstanceRecord
    frames: tuple[bytes, ...]


def retrieve_frames(key: InstanceKey, numbers: Sequence[int], store: Datastore) -> FramesRetrieved:
    """Return frames by their 1-based numbers, in any order.

    Raises InvalidRequestError for a number given twice, NotFoundError for one that does not exist, TooLargeError where
    the frames do not fit one answer.
    """
    record = visible_record(key, store)
    _check(numbers, record)
    spans = _frame_spans(record, numbers, store)
    total = sum(span.length for span in spans.values())
    if total > MAX_ANSWER:
        raise TooLargeError(
            "the frames do not fit one answer: ask for fewer, or read the pack by the signed URL of the restore plan"
        )
    data = _read_spans(record.pointer.pack, tuple(spans.values()), store)
    return FramesRetrieved(record, tuple(data[spans[number]] for number in numbers))


def _check(numbers: Sequence[int], record: InstanceRecord) -> None:
    if len(set(numbers)) != len(numbers):
        raise InvalidRequestError("a frame is asked for twice: name each frame once")
    if not record.frame_count:
        raise NotFoundError("the instance has no frames")
    if any(not 1 <= number <= record.frame_count for number in numbers):
        raise NotFoundError(_held_frames(record))


def _held_frames(record: InstanceRecord) -> str:
    """What there is to ask for: frames that share bytes cannot be told apart where they are stored."""
    if any(warned.code == "unaligned-frames" for warned in record.warnings):
        return (
            "the instance's frames share bytes (such as one bit a pixel, no whole bytes a frame), so they are kept as "
            f"one run, cut by length alone, under the numbers 1 to {record.frame_count}: ask for those and cut the "
            "bits, or rebuild the landed object by its restore plan"
        )
    return f"the instance has frames 1 to {record.frame_count}"


def _frame_spans(record: InstanceRecord, numbers: Sequence[int], store: Datastore) -> dict[int, Span]:
    """Return where each frame lies: from the index row for the only frame, else from the pack's frame table."""
    if record.frame_count == 1:
        return {numbers[0]: Span(*record.pointer.first_frame)}
    frames = _frame_records(record.pointer, sorted(number - 1 for number in numbers), store)
    return {index + 1: Span(frame.offset, frame.length) for index, frame in frames.items()}


def _frame_records(pointer: PackPointer, indexes: Sequence[int], store: Datastore) -> dict[int, Frame]:
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
