"""Taking a landed object apart into head and frames, and putting it together again, byte for byte."""

from collections.abc import Callable, Iterable, Iterator

from dicomlake.dicom.codecs import lossless
from dicomlake.dicom.codecs.lossless import CODEC_ERRORS
from dicomlake.dicom.codecs.markers import bare_stream, is_complete
from dicomlake.dicom.frames import pixels
from dicomlake.dicom.frames.locate import FramePlan
from dicomlake.dicom.frames.pixels import Bytes, PixelLayout
from dicomlake.dicom.frames.syntaxes import Action, Decoder, StoragePlan
from dicomlake.dicom.instance import ParsedInstance, Span
from dicomlake.dicom.source import ByteSource
from dicomlake.domain.errors import MalformedError
from dicomlake.domain.model import Splice

PART = 1024 * 1024
"""Bytes of the longest part of a head that is in hand at once."""

FrameReader = Callable[[int], Bytes]
"""Gives a frame's bytes by its 0-based index: stored bytes, or landed bytes where that is said."""


def is_spliced(plan: StoragePlan) -> bool:
    """Whether the landed bytes can be made again from head and frames: native and kept sources, deflated ones inflated.

    RLE, JPEG and JPEG 2000 frames that became HTJ2K cannot: no encoder gives a foreign encoder's bytes.
    """
    return plan.action is not Action.TRANSCODE or plan.decoder is Decoder.NATIVE


def splices(plan: StoragePlan, frames: FramePlan) -> Iterator[Splice]:
    """Yield where the frames' bytes stand in the head, in the order of the landed object; none if not `is_spliced`.

    One a span: one a native frame, one a fragment. `frame_offset` counts in the frame's landed bytes.
    """
    if not is_spliced(plan):
        return
    taken = 0
    for index in range(len(frames)):
        within = 0
        for start, end in frames.spans[index]:
            yield Splice(start - taken, index, within, end - start)
            within += end - start
            taken += end - start


def head_parts(parsed: ParsedInstance, plan: StoragePlan, frames: FramePlan) -> Iterator[memoryview]:
    """Yield the head: every byte that is not a frame's where `is_spliced`, else every byte outside the pixel value.

    Item headers, offset tables, pad bytes and delimiters of kept pixel data are thus in the head.
    """
    for start, end in _head_spans(parsed.source, frames) if is_spliced(plan) else parsed.head_spans:
        for at in range(start, end, PART):
            yield parsed.source.read(at, min(PART, end - at))


def landed_reader(plan: StoragePlan, stored: FrameReader) -> FrameReader:
    """Return a reader of landed frames over a reader of stored ones: what native pixels became is decoded again."""
    layout = plan.layout
    if plan.action is not Action.TRANSCODE or layout is None:
        return stored
    return lambda index: landed_frame(stored(index), layout)


def landed_frame(code_stream: Bytes, layout: PixelLayout) -> bytes:
    """Return the native bytes a frame landed in: its byte order, width, planes and sign bits.

    Raises MalformedError if the code stream cannot be decoded to a frame of this layout.
    """
    return pixels.array_to_landed(decoded_frame(code_stream, layout), layout)


def decoded_frame(code_stream: Bytes, layout: PixelLayout) -> pixels.PixelArray:
    """Return a stored HTJ2K frame's pixels as viewers get them: little endian, Bits Allocated wide, colour by pixel.

    Raises MalformedError if the code stream cannot be decoded to a frame of this layout.
    """
    bare = bare_stream(code_stream)
    if not is_complete(bare):
        raise MalformedError("a stored frame is cut")
    try:
        array = lossless.decode_openjph(bare)
    except CODEC_ERRORS as error:
        raise MalformedError("a stored frame cannot be decoded") from error
    stored = pixels.as_stored(array, layout) if array.shape == layout.shape else None
    if stored is None:
        raise MalformedError("a stored frame has not its header's size or sign")
    return pixels.little_endian(stored, layout)


def rebuild(head: Bytes | Iterable[Bytes], splices: Iterable[Splice], landed: FrameReader) -> Iterator[Bytes]:
    """Yield the landed object's bytes in order, from its head (whole or in parts), its splices and its landed frames.

    Holds one frame and one part of the head. Raises MalformedError if the splices do not fit them.
    """
    unread = _HeadReader(head)
    held: tuple[int, Bytes] = (-1, b"")
    for splice in splices:
        yield from unread.until(splice.head_offset)
        if held[0] != splice.frame_index:
            held = (splice.frame_index, landed(splice.frame_index))
        piece = memoryview(held[1])[splice.frame_offset : splice.frame_offset + splice.length]
        if len(piece) != splice.length:
            raise MalformedError("a frame is shorter than its splices say")
        yield piece
    yield from unread.rest()


class _HeadReader:
    """A head's bytes, read once from start to end."""

    def __init__(self, head: Bytes | Iterable[Bytes]) -> None:
        self._parts = iter((head,) if isinstance(head, (bytes, bytearray, memoryview)) else head)
        self._part = memoryview(b"")
        self._position = 0

    def until(self, offset: int) -> Iterator[memoryview]:
        """Yield the bytes up to an offset of the head. Raises MalformedError if it lies behind or beyond."""
        if offset < self._position:
            raise MalformedError("the splices are out of order")
        while self._position < offset:
            if not self._part:
                self._part = self._next()
            piece = self._part[: offset - self._position]
            self._part = self._part[len(piece) :]
            self._position += len(piece)
            yield piece

    def rest(self) -> Iterator[memoryview]:
        """Yield what has not been read."""
        if self._part:
            yield self._part
        for part in self._parts:
            yield memoryview(part)

    def _next(self) -> memoryview:
        part = next(self._parts, None)
        if part is None:
            raise MalformedError("the splices reach beyond the head")
        return memoryview(part)


def _head_spans(source: ByteSource, frames: FramePlan) -> Iterator[Span]:
    position = 0
    for index in range(len(frames)):
        for start, end in frames.spans[index]:
            if position < start:
                yield position, start
            position = end
    yield position, source.size
