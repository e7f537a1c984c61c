"""Where each frame's bytes lie in the landed object: native, by offset table, or by looking at the fragments."""

from array import array
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from dicomlake.dicom.frames.fragments import Fragments, group_fragments, note_padding, walk_fragments
from dicomlake.dicom.frames.pixels import Bytes, PixelLayout, layout_of
from dicomlake.dicom.frames.syntaxes import LARGEST_FRAME, Decoder, Stream, syntax_of
from dicomlake.dicom.instance import ParsedInstance, PixelAttributes, PixelElement, Span
from dicomlake.dicom.source import ByteSource
from dicomlake.domain.model import Warned

PIECE = 8 * 1024 * 1024
"""Bytes of the pieces in which pixel data are stored that cannot be cut into frames, so that memory stays flat."""


class FrameSpans(Protocol):
    """A sequence of frames, each as the byte spans of the source that make it up, in order."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> tuple[Span, ...]: ...


@dataclass(frozen=True, slots=True)
class FramePlan:
    """Where each frame lies in the source.

    `addressable` is False where frames cannot be cut out (video, 1-bit frames that share a byte, a frame too large to
    hold): then the entries are pieces of the pixel data, back to back, and no piece is an image. `truncated` is the
    index of the frame whose end is missing: its bytes are stored as they are and it is never shown as an image.
    """

    spans: FrameSpans
    addressable: bool = True
    truncated: int | None = None
    warnings: tuple[Warned, ...] = ()

    def __len__(self) -> int:
        return len(self.spans)


@dataclass(frozen=True, slots=True)
class EvenSpans:
    """Frames of one length, back to back from `start` to `end`; the last may be shorter."""

    start: int
    end: int
    length: int

    def __len__(self) -> int:
        return -(-(self.end - self.start) // self.length) if self.length else 0

    def __getitem__(self, index: int) -> tuple[Span, ...]:
        if not 0 <= index < len(self):
            raise IndexError("no such frame")
        start = self.start + index * self.length
        return ((start, min(start + self.length, self.end)),)


@dataclass(frozen=True, slots=True)
class FragmentSpans:
    """Frames as runs of fragments: frame i is the fragments from `firsts[i]` up to `firsts[i + 1]`."""

    fragments: Fragments
    firsts: "array[int]"

    def __len__(self) -> int:
        return len(self.firsts) - 1

    def __getitem__(self, index: int) -> tuple[Span, ...]:
        if not 0 <= index < len(self):
            raise IndexError("no such frame")
        first, after = self.firsts[index], self.firsts[index + 1]
        *body, last = (self.fragments.span(i) for i in range(first, after))
        return (*body, (last[0], last[1] - self.fragments.padding(after - 1)))


@dataclass(frozen=True, slots=True)
class PieceSpans:
    """Fragments of a stream that no frame can be cut out of, each in pieces of at most PIECE bytes."""

    pieces: "array[int]"

    def __len__(self) -> int:
        return len(self.pieces) // 2

    def __getitem__(self, index: int) -> tuple[Span, ...]:
        if not 0 <= index < len(self):
            raise IndexError("no such piece")
        return ((self.pieces[2 * index], self.pieces[2 * index + 1]),)


NO_FRAMES = FramePlan(EvenSpans(0, 0, 0))


def plan_frames(parsed: ParsedInstance) -> FramePlan:
    """Find an instance's frames; reads item headers and fragment ends only, nothing grows with the pixels' bytes.

    Warns of `frame-count-mismatch`, `bad-offset-table`, `bad-fragments`, `truncated-frame` and `unaligned-frames`.
    """
    if parsed.pixels is None or parsed.pixel_attributes is None:
        return NO_FRAMES
    if parsed.pixels.encapsulated:
        return _encapsulated(parsed, parsed.pixels, parsed.pixel_attributes)
    return _native(parsed, parsed.pixels, parsed.pixel_attributes)


def read_frame(source: ByteSource, plan: FramePlan, index: int) -> Bytes:
    """Return one frame's landed bytes: a view where they are one span, else a joined copy."""
    spans = plan.spans[index]
    if len(spans) == 1:
        return source.read(spans[0][0], spans[0][1] - spans[0][0])
    return b"".join(source.read(start, end - start) for start, end in spans)


def _native(parsed: ParsedInstance, pixels: PixelElement, attributes: PixelAttributes) -> FramePlan:
    start, end = pixels.value_offset, min(pixels.value_end, parsed.source.size)
    layout = layout_of(attributes, big_endian=parsed.big_endian, vr=pixels.vr)
    length, count = _native_length(layout, attributes, end - start), max(attributes.number_of_frames, 1)
    if length == 0 or length > LARGEST_FRAME:
        cut = (Warned("truncated-frame"),) if end - start < length * count else ()
        return FramePlan(_even_pieces(start, end), addressable=False, warnings=cut)
    if _share_bytes(layout, count):
        warned = Warned("unaligned-frames", "frames share bytes, so they are stored as one run")
        return FramePlan(_even_pieces(start, end), addressable=False, warnings=(warned,))
    present = min(end, start + count * length)
    spans = EvenSpans(start, present, length)
    truncated = len(spans) - 1 if (present - start) % length else None
    return FramePlan(spans, truncated=truncated, warnings=_native_warnings(spans, count, truncated, end - present))


def _share_bytes(layout: PixelLayout, count: int) -> bool:
    """Whether one frame's bytes hold another's pixels: bits that fill no byte, bytes swapped in words that straddle."""
    bits = layout.rows * layout.columns * layout.samples * layout.bits_allocated
    return (bits % 8 != 0 and count > 1) or (layout.words_swapped and bits % 16 != 0)


def _native_length(layout: PixelLayout, attributes: PixelAttributes, available: int) -> int:
    """Return a native frame's bytes; YBR_FULL_422 shares colours between two pixels (PS3.3 C.7.6.3.1.2)."""
    whole = layout.native_length
    shared = attributes.photometric == "YBR_FULL_422" and layout.samples == 3
    return whole * 2 // 3 if shared and available < whole * max(attributes.number_of_frames, 1) else whole


def _native_warnings(spans: EvenSpans, count: int, truncated: int | None, left_over: int) -> tuple[Warned, ...]:
    warnings = []
    if truncated is not None:
        warnings.append(Warned("truncated-frame", f"frame {truncated + 1}"))
    if len(spans) != count:
        warnings.append(Warned("frame-count-mismatch", f"{len(spans)} of {count} frames"))
    elif left_over >= spans.length:
        warnings.append(Warned("frame-count-mismatch", f"{left_over // spans.length} more than {count} frames"))
    return tuple(warnings)


def _even_pieces(start: int, end: int) -> EvenSpans:
    return EvenSpans(start, end, min(PIECE, end - start))


def _encapsulated(parsed: ParsedInstance, pixels: PixelElement, attributes: PixelAttributes) -> FramePlan:
    stream = syntax_of(parsed.transfer_syntax).stream
    fragments = walk_fragments(parsed.source, pixels, marked=stream is Stream.MARKED)
    if stream is Stream.VIDEO:
        return FramePlan(PieceSpans(_pieces(fragments)), addressable=False, warnings=fragments.warnings)
    firsts, warnings = group_fragments(parsed.source, fragments, attributes)
    if syntax_of(parsed.transfer_syntax).decoder is Decoder.NATIVE:
        note_padding(fragments, firsts, layout_of(attributes, big_endian=False, vr=pixels.vr).native_length)
    spans = FragmentSpans(fragments, firsts)
    truncated = len(spans) - 1 if fragments.truncated and len(spans) else None
    if truncated is not None:
        warnings = (*warnings, Warned("truncated-frame", f"frame {truncated + 1}"))
    if any(fragments.ends[after - 1] - fragments.starts[first] > LARGEST_FRAME for first, after in pairwise(firsts)):
        return FramePlan(PieceSpans(_pieces(fragments)), addressable=False, warnings=warnings)
    return FramePlan(spans, truncated=truncated, warnings=warnings)


def _pieces(fragments: Fragments) -> "array[int]":
    pieces = array("Q")
    for index in range(len(fragments)):
        start, end = fragments.span(index)
        for at in range(start, end, PIECE):
            pieces.extend((at, min(at + PIECE, end)))
    return pieces
