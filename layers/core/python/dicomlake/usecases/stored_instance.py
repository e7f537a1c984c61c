"""One stored instance, opened in its pack: its metadata, its frames, and DICOM files made of both."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from dicomlake.dicom.files.dataset import read_head
from dicomlake.dicom.files.part10 import StoredPixels, write_part10
from dicomlake.dicom.files.recode import recoded
from dicomlake.dicom.frames.pixels import Bytes, PixelLayout, layout_of
from dicomlake.dicom.frames.syntaxes import EXPLICIT_LITTLE
from dicomlake.dicom.header.opened import open_object
from dicomlake.dicom.header.pixel_attributes import pixel_attributes
from dicomlake.dicom.source import BufferSource
from dicomlake.domain.levels import text_of
from dicomlake.domain.model import Frame, JsonObject, TransferSyntaxUid
from dicomlake.lake.metadata import decode_metadata
from dicomlake.lake.reader import PackReader

PIXEL_ELEMENTS = ("7FE00010", "7FE00008", "7FE00009")


@dataclass(frozen=True)
class StoredInstance:
    """An instance by its place in a pack; `syntax` is the transfer syntax of its stored frames."""

    reader: PackReader
    ordinal: int
    syntax: TransferSyntaxUid

    @cached_property
    def view(self) -> JsonObject:
        """Its metadata as DICOM JSON."""
        return decode_metadata(self.reader.metadata(self.ordinal))

    @cached_property
    def frames(self) -> tuple[Frame, ...]:
        """The records of all frames."""
        return tuple(self.reader.frames(self.ordinal))

    def frame(self, index: int) -> bytes:
        """Return a frame as it is stored, by its 0-based index."""
        return self.reader.frame_bytes(self.frames[index])

    @cached_property
    def pixel_tag(self) -> str:
        """The tag of its pixel data, 8 hex digits; "" without any."""
        return next((tag for tag in PIXEL_ELEMENTS if tag in self.view), "")

    @property
    def pixel_vr(self) -> str:
        """The VR of its pixel data."""
        element = self.view.get(self.pixel_tag)
        return str(element["vr"]) if isinstance(element, dict) else ""

    @property
    def photometric(self) -> str:
        """The Photometric Interpretation that it landed with."""
        return text_of(self.view, "00280004").strip()

    @cached_property
    def layout(self) -> PixelLayout | None:
        """How the pixels lay in the landed object; None without pixel data."""
        if not self.pixel_tag:
            return None
        encoding = open_object(BufferSource(self.reader.head(self.ordinal))).encoding
        attributes = pixel_attributes(self.view, int(self.pixel_tag, 16), None, None)
        return layout_of(attributes, big_endian=encoding.big_endian, vr=self.pixel_vr)

    def part10(self, target: TransferSyntaxUid) -> Iterator[Bytes]:
        """Yield a DICOM file of it: Explicit VR Little Endian, its own transfer syntax, or another lossless one.

        Errors as `write_part10` and `recoded`.
        """
        head = read_head(self.reader.head(self.ordinal), self.reader.splices(self.ordinal))
        layout = self.layout
        if layout is None or not self.frames:
            return write_part10(head, None, as_stored=target == self.syntax, syntax=self.syntax)
        pixels = StoredPixels(self.syntax, layout, [frame.length for frame in self.frames], self.frame)
        if target not in (self.syntax, EXPLICIT_LITTLE):
            pixels = recoded(head, pixels, target)
        return write_part10(head, pixels, as_stored=target != EXPLICIT_LITTLE)
