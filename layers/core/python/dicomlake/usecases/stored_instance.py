"""One stored instance, opened in its pack: its metadata, its frames, and DICOM files made of both.

What cannot be given because it landed damaged is NotAcceptableError: the lake is well, and asking again is vain. What
was damaged since stays MalformedError, which is loud. The checksums of the pack tell one from the other.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

from dicomlake.dicom.files.dataset import HeadDataset, read_head
from dicomlake.dicom.files.overlay import lay_over
from dicomlake.dicom.files.part10 import StoredPixels, native_reader, write_part10
from dicomlake.dicom.files.proved import is_as_landed
from dicomlake.dicom.files.recode import recoded, recoded_frame
from dicomlake.dicom.frames.pixels import Bytes, PixelLayout, layout_of
from dicomlake.dicom.frames.syntaxes import EXPLICIT_LITTLE
from dicomlake.dicom.header.opened import open_object
from dicomlake.dicom.header.pixel_attributes import pixel_attributes
from dicomlake.dicom.source import BufferSource
from dicomlake.domain.change import StudyChange
from dicomlake.domain.correction import changed_tags, corrected
from dicomlake.domain.errors import MalformedError, NotAcceptableError
from dicomlake.domain.levels import text_of
from dicomlake.domain.model import Frame, JsonObject, TransferSyntaxUid
from dicomlake.lake.metadata import decode_metadata
from dicomlake.lake.reader import PackReader

PIXEL_ELEMENTS = ("7FE00010", "7FE00008", "7FE00009")
_FRAME = "the frame landed damaged and cannot be decoded: ask for transfer-syntax=*, or for the landed bytes"
_HEADER = "the header landed damaged and cannot be written again: ask for the frames, or for the landed bytes"


@contextmanager
def frame_damage_told(data: bytes, frame: Frame) -> Iterator[None]:
    """Refuse what is asked of a frame that landed damaged; `data` are its stored bytes, `frame` its record."""
    try:
        yield
    except MalformedError as error:
        if not is_as_landed(data, checksum_of(frame)):
            raise
        raise NotAcceptableError(_FRAME) from error


@contextmanager
def header_damage_told() -> Iterator[None]:
    """Refuse what is asked of a header: its bytes were read under their checksum, so they are those that landed."""
    try:
        yield
    except MalformedError as error:
        raise NotAcceptableError(_HEADER) from error


def checksum_of(frame: Frame) -> int:
    """Return the checksum that a frame's record ends with: of its pixels, or its bytes where it was kept."""
    return frame.levels[-1].crc32 if frame.levels else 0


@dataclass(slots=True)
class _LastRead:
    """Reads frames, and remembers the last one: where decoding fails, it is the one."""

    reader: PackReader
    frames: Sequence[Frame]
    data: bytes = field(default=b"", repr=False)
    index: int = 0

    def __call__(self, index: int) -> bytes:
        self.index, self.data = index, self.reader.frame_bytes(self.frames[index])
        return self.data


@dataclass(frozen=True)
class StoredInstance:
    """An instance by its place in a pack; `syntax` is the transfer syntax of its stored frames, `changes` are the
    corrections that stand over it."""

    reader: PackReader
    ordinal: int
    syntax: TransferSyntaxUid
    changes: tuple[StudyChange, ...] = ()

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

    def head(self) -> HeadDataset:
        """Return its head as a data set, the caller's own; NotAcceptableError if it landed unreadable."""
        landed, splices = self.reader.head(self.ordinal), tuple(self.reader.splices(self.ordinal))
        with header_damage_told():
            head = read_head(landed, splices)
            if self.changes:
                lay_over(head.dataset, corrected(self.view, self.changes), changed_tags(self.changes))
            return head

    def pixels(self, frame: Frame, data: bytes) -> StoredPixels:
        """Return one of its frames, read already, as stored pixels of one frame."""
        if self.layout is None:
            raise NotAcceptableError("the instance is no image: ask for transfer-syntax=*")
        return StoredPixels(self.syntax, self.layout, [len(data)], lambda _: data, [checksum_of(frame)])

    def frame_in(self, target: TransferSyntaxUid, frame: Frame, data: bytes) -> bytes:
        """Return one of its frames, read already, in Explicit VR Little Endian or one of `served.TRANSCODED`.

        Raises NotAcceptableError where there is no decoder or encoder for it, or it landed damaged.
        """
        pixels = self.pixels(frame, data)
        with frame_damage_told(data, frame):
            if target != EXPLICIT_LITTLE:
                return recoded_frame(pixels, 0, self.photometric, target)
            read, _ = native_reader(pixels, self.pixel_vr, self.photometric)
            return bytes(read(0))

    def part10(self, target: TransferSyntaxUid) -> Iterator[Bytes]:
        """Yield a DICOM file of it: Explicit VR Little Endian, its own transfer syntax, or another lossless one.

        Errors as `write_part10` and `recoded`; NotAcceptableError where a frame or the header landed damaged.
        """
        layout = self.layout
        if layout is None or not self.frames:
            with header_damage_told():
                yield from write_part10(self.head(), None, as_stored=target == self.syntax, syntax=self.syntax)
            return
        last = _LastRead(self.reader, self.frames)
        try:
            yield from self._with_pixels(layout, target, last)
        except MalformedError as error:
            if last.data and not is_as_landed(last.data, checksum_of(self.frames[last.index])):
                raise
            raise NotAcceptableError(_FRAME if last.data else _HEADER) from error

    def _with_pixels(self, layout: PixelLayout, target: TransferSyntaxUid, read: _LastRead) -> Iterator[Bytes]:
        lengths, checksums = [one.length for one in self.frames], [checksum_of(one) for one in self.frames]
        head, pixels = self.head(), StoredPixels(self.syntax, layout, lengths, read, checksums)
        if target not in (self.syntax, EXPLICIT_LITTLE):
            pixels = recoded(head, pixels, target)
            read.data = b""  # all are encoded: what fails from here on is the header
        return write_part10(head, pixels, as_stored=target != EXPLICIT_LITTLE)
