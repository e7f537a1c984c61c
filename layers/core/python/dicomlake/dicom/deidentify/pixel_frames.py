"""Decoded frames of a whole object, and how they are written after something was filled over in them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from dicomlake.dicom.codecs.lossy import METHODS, decoded_photometric
from dicomlake.dicom.deidentify.dataset import Dataset, Element
from dicomlake.dicom.deidentify.picture_views import Samples
from dicomlake.dicom.deidentify.pixel_text import fill
from dicomlake.dicom.files.part10 import StoredPixels, native_reader
from dicomlake.dicom.frames.locate import FramePlan, plan_frames, read_frame
from dicomlake.dicom.frames.pixels import PixelLayout, layout_of
from dicomlake.dicom.frames.syntaxes import ENCAPSULATED_NATIVE, EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE
from dicomlake.dicom.header.parse import parse
from dicomlake.dicom.instance import ParsedInstance
from dicomlake.dicom.source import BufferSource
from dicomlake.domain.errors import PipelineError, RefusedError
from dicomlake.domain.picture_text import Line

_NATIVE = frozenset({IMPLICIT_LITTLE, EXPLICIT_LITTLE, EXPLICIT_BIG, ENCAPSULATED_NATIVE})


@dataclass(frozen=True, slots=True)
class DecodedFrames:
    """The frames of an object, decoded one at a time as (rows, columns) or (rows, columns, samples)."""

    parsed: ParsedInstance
    plan: FramePlan
    layout: PixelLayout

    @property
    def photometric(self) -> str:
        """What the decoded values mean."""
        attributes = self.parsed.pixel_attributes
        told = attributes.photometric if attributes else ""
        return told if self.parsed.transfer_syntax in _NATIVE else decoded_photometric(told)

    def __iter__(self) -> Iterator[Samples]:
        """Decode frame after frame; raises RefusedError where one cannot be."""
        try:
            read, _ = native_reader(self._stored(), self.parsed.pixels.vr if self.parsed.pixels else "OW", self._told)
            for index in range(len(self.plan)):
                yield self._shaped(bytes(read(index)))
        except (PipelineError, ValueError) as error:
            raise RefusedError("the pixels cannot be decoded, so text in them cannot be found") from error

    @property
    def _told(self) -> str:
        return self.parsed.pixel_attributes.photometric if self.parsed.pixel_attributes else ""

    @property
    def lengths(self) -> list[int]:
        """The bytes of each frame as the object has it."""
        return [sum(end - start for start, end in self.plan.spans[index]) for index in range(len(self.plan))]

    def _stored(self) -> StoredPixels:
        plan, source = self.plan, self.parsed.source
        return StoredPixels(
            self.parsed.transfer_syntax, self.layout, self.lengths, lambda index: bytes(read_frame(source, plan, index))
        )

    def _shaped(self, frame: bytes) -> Samples:
        layout = self.layout
        values = np.frombuffer(frame, layout.wide_dtype)
        if layout.planar and self.parsed.transfer_syntax in _NATIVE:
            return values.reshape(layout.samples, layout.rows, layout.columns).transpose(1, 2, 0)
        return values.reshape(layout.shape)

    def filled(self, boxes: Sequence[Line]) -> Iterator[bytes]:
        """Yield frames in little endian, colour by pixel, with boxes filled over."""
        for frame in self:
            yield np.ascontiguousarray(fill(frame, boxes)).tobytes()


def decoded_frames(data: bytes | memoryview) -> DecodedFrames:
    """Return the frames of an object; RefusedError where they cannot be told apart or are no whole bytes."""
    parsed = parse(BufferSource(data))
    attributes, pixels = parsed.pixel_attributes, parsed.pixels
    if attributes is None or pixels is None:
        raise RefusedError("the pixels are not described, so text in them cannot be found")
    layout = layout_of(attributes, big_endian=parsed.big_endian, vr=pixels.vr)
    plan = plan_frames(parsed)
    if not plan.addressable or plan.truncated is not None or not len(plan) or layout.bits_allocated not in (8, 16, 32):
        raise RefusedError("the pixels cannot be decoded frame by frame, so text in them cannot be found")
    return DecodedFrames(parsed, plan, layout)


def described(dataset: Dataset, frames: DecodedFrames) -> Dataset:
    """Return a data set that says what decoded frames are: their colours, and that they once were lossy if so."""
    told = {element.tag: element for element in dataset}
    said = {0x00280004: Element(0x00280004, "CS", frames.photometric.encode())}
    if frames.layout.samples > 1:
        said[0x00280006] = Element(0x00280006, "US", b"\0\0")
    method = METHODS.get(frames.parsed.transfer_syntax)
    if method and told.get(0x00282110, Element(0, "", b"")).value.strip() != b"01":
        ratio = frames.layout.native_length * len(frames.plan) / max(sum(frames.lengths), 1)
        said[0x00282110] = Element(0x00282110, "CS", b"01")
        said[0x00282112] = Element(0x00282112, "DS", f"{ratio:.4g}".encode())
        said[0x00282114] = Element(0x00282114, "CS", method.encode())
    dropped = {0x7FE00001, 0x7FE00002}
    return tuple(sorted(element for tag, element in (told | said).items() if tag not in dropped))
