"""Writing DICOM files (PS3.10) from what is stored: streamed, in Explicit VR Little Endian or as stored."""

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset, write_file_meta_info
from pydicom.uid import UID

from dicomlake.dicom.codecs.kept import has_decoder, native_frame
from dicomlake.dicom.codecs.lossy import METHODS, decode_lossy, decoded_photometric
from dicomlake.dicom.files.dataset import UNREADABLE, HeadDataset
from dicomlake.dicom.files.proved import proved_frame
from dicomlake.dicom.files.restore import FrameReader
from dicomlake.dicom.frames.pixels import Bytes, PixelArray, PixelLayout
from dicomlake.dicom.frames.syntaxes import (
    ENCAPSULATED_NATIVE,
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    HTJ2K_LOSSLESS_RPCL,
    IMPLICIT_LITTLE,
    Stream,
    syntax_of,
)
from dicomlake.domain.errors import MalformedError, NotAcceptableError, TooLargeError
from dicomlake.domain.model import TransferSyntaxUid

IMPLEMENTATION_CLASS = UID("2.25.309279846302941216353873183216404870149")
IMPLEMENTATION_VERSION = "DICOMLAKE"

_HEADER = struct.Struct("<HH2s2xI")
_ITEM = struct.Struct("<HHI")
_UNDEFINED = 0xFFFFFFFF
_LARGEST = 0xFFFFFFFE
_NATIVE = frozenset({IMPLICIT_LITTLE, EXPLICIT_LITTLE, EXPLICIT_BIG})
_EXTENDED_OFFSETS, _EXTENDED_LENGTHS = "ExtendedOffsetTable", "ExtendedOffsetTableLengths"


@dataclass(frozen=True, slots=True)
class StoredPixels:
    """An instance's stored frames: their transfer syntax, landed layout, lengths in bytes, and how to read one.

    `lengths` are those of the stored bytes, in order; where frames cannot be addressed, those of the pieces.
    `checksums` are those of the last levels in their records; without them frames are taken on trust.
    """

    syntax: TransferSyntaxUid
    layout: PixelLayout
    lengths: Sequence[int]
    read: FrameReader
    checksums: Sequence[int] = ()

    def proved(self, index: int, photometric: str) -> PixelArray:
        """Return an HTJ2K frame of 8 or 16 bits as viewers get it, under its checksum; errors as `proved_frame`."""
        checksum = self.checksums[index] if self.checksums else None
        return proved_frame(self.read(index), self.layout, photometric, checksum)


def write_part10(
    head: HeadDataset,
    pixels: StoredPixels | None,
    *,
    as_stored: bool = False,
    syntax: TransferSyntaxUid = EXPLICIT_LITTLE,
) -> Iterator[Bytes]:
    """Yield a valid DICOM file of an instance, one frame in hand at a time.

    In Explicit VR Little Endian, or `as_stored`: compressed frames stay what they are (YBR_RCT is what HTJ2K of RGB is
    called, PS3.5 A.4.4), native ones of any encoding become Explicit VR Little Endian (PS3.18 8.7.3). `syntax` is the
    stored one, asked only where there are no pixels. The head's data set is changed. Raises NotAcceptableError where
    frames have no decoder, TooLargeError where native pixels exceed 4 GiB, MalformedError where a frame cannot be
    decoded or the data set cannot be written.
    """
    if pixels is None:
        yield _beginning(head.dataset, _without_pixels(syntax, as_stored=as_stored))
        return
    if as_stored and pixels.syntax not in _NATIVE:
        yield from _compressed(head, pixels)
    else:
        yield from _native(head, pixels)


def _without_pixels(syntax: TransferSyntaxUid, *, as_stored: bool) -> TransferSyntaxUid:
    """Return what a file without pixel data is written in: only JPIP's syntaxes may point to pixels elsewhere."""
    if syntax_of(syntax).stream is not Stream.REFERENCED:
        return EXPLICIT_LITTLE
    if as_stored:
        return syntax
    raise NotAcceptableError("the pixels are on another server: ask for transfer-syntax=*, which gives their reference")


def _compressed(head: HeadDataset, pixels: StoredPixels) -> Iterator[Bytes]:
    dataset = head.dataset
    if pixels.syntax == HTJ2K_LOSSLESS_RPCL:
        describe(dataset, pixels.layout, "YBR_RCT" if photometric_of(dataset) == "RGB" else photometric_of(dataset))
    offsets = list(_offsets(pixels.lengths))
    basic = _basic_table(pixels, offsets)
    if basic is None:
        setattr(dataset, _EXTENDED_OFFSETS, struct.pack(f"<{len(offsets)}Q", *offsets))
        setattr(dataset, _EXTENDED_LENGTHS, struct.pack(f"<{len(offsets)}Q", *pixels.lengths))
    after = _encoded(_cut_after(dataset, head.pixel_tag))  # here, so that it fails before anything is sent
    yield _beginning(dataset, pixels.syntax)
    yield _HEADER.pack(head.pixel_tag >> 16, head.pixel_tag & 0xFFFF, b"OB", _UNDEFINED)
    yield _item(basic or b"")
    for index in range(len(pixels.lengths)):
        yield _item(pixels.read(index))
    yield _ITEM.pack(0xFFFE, 0xE0DD, 0)
    yield after


def _native(head: HeadDataset, pixels: StoredPixels) -> Iterator[Bytes]:
    dataset, layout = head.dataset, pixels.layout
    read, length = native_reader(pixels, head.pixel_vr, photometric_of(dataset))
    if length > _LARGEST:
        raise TooLargeError("native pixels exceed 4 GiB: ask for transfer-syntax=*, which gives them compressed")
    if pixels.syntax not in _NATIVE:
        describe(dataset, layout, decoded_photometric(photometric_of(dataset)))
    if pixels.syntax in METHODS:
        _say_lossy(dataset, METHODS[pixels.syntax], length / max(sum(pixels.lengths), 1))
    after = _encoded(_cut_after(dataset, head.pixel_tag))  # here, so that it fails before anything is sent
    yield _beginning(dataset, EXPLICIT_LITTLE)
    vr = head.pixel_vr if head.pixel_vr in ("OF", "OD") else "OW" if layout.bits_allocated > 8 else "OB"
    yield _HEADER.pack(head.pixel_tag >> 16, head.pixel_tag & 0xFFFF, vr.encode(), length + length % 2)
    for index in range(len(pixels.lengths)):
        yield read(index)
    yield b"\0" * (length % 2) + after


def native_reader(pixels: StoredPixels, vr: str, photometric: str) -> tuple[FrameReader, int]:
    """Return a reader of little-endian frames and the bytes of all; decoders are found before anything is written."""
    layout, stored = pixels.layout, pixels.read
    decoded = layout.native_length * len(pixels.lengths)
    if pixels.syntax == EXPLICIT_BIG:
        return _swapped(stored, layout, vr), sum(pixels.lengths)
    if pixels.syntax in _NATIVE or pixels.syntax == ENCAPSULATED_NATIVE:
        return stored, sum(pixels.lengths)
    if not 0 < layout.bits_stored <= layout.bits_allocated:
        raise NotAcceptableError("no sample has so many Bits Stored: ask for transfer-syntax=*")
    if pixels.syntax == HTJ2K_LOSSLESS_RPCL and layout.bits_allocated in (8, 16):
        return lambda index: pixels.proved(index, photometric).tobytes(), decoded
    decoder = syntax_of(pixels.syntax).decoder
    if has_decoder(decoder, layout) and not _shares_bytes(layout, len(pixels.lengths)):
        return lambda index: native_frame(decoder, stored(index), layout, photometric), decoded
    if pixels.syntax not in METHODS:
        raise NotAcceptableError("the frames have no decoder: ask for transfer-syntax=*, which gives them as stored")
    return lambda index: decode_lossy(pixels.syntax, stored(index), layout, photometric).tobytes(), decoded


def _shares_bytes(layout: PixelLayout, frames: int) -> bool:
    """Whether native frames would begin inside a byte (PS3.5 8.1.1), which decoding one after the other cannot give."""
    return frames > 1 and layout.rows * layout.columns * layout.samples * layout.bits_allocated % 8 != 0


_WORDS = MappingProxyType({"OB": 1, "OW": 2, "OF": 4, "OD": 8})


def _swapped(stored: FrameReader, layout: PixelLayout, vr: str) -> Callable[[int], bytes]:
    """Read big-endian frames in little-endian order: words of the VR, or whole samples where those are wider."""
    size = max(_WORDS.get(vr, 1), layout.bits_allocated // 8)
    return lambda index: _swap(memoryview(stored(index)), size)


def _swap(data: memoryview, size: int) -> bytes:
    """Swap the bytes of whole words; what a cut frame has beyond them stays as it is."""
    whole = len(data) // size * size
    return np.frombuffer(data[:whole], f"u{size}").byteswap().tobytes() + bytes(data[whole:])


def describe(dataset: Dataset, layout: PixelLayout, photometric: str) -> None:
    """Say what the colours are; elements are put, not set: setting reads what was there, which may be unreadable."""
    dataset.add_new("PhotometricInterpretation", "CS", photometric)
    if layout.samples > 1:
        dataset.add_new("PlanarConfiguration", "US", 0)


def photometric_of(dataset: Dataset) -> str:
    """Return a data set's Photometric Interpretation, "" without one; MalformedError where it cannot be read."""
    try:
        return str(dataset.get("PhotometricInterpretation", ""))
    except UNREADABLE as error:
        raise MalformedError("the Photometric Interpretation cannot be read") from error


def _say_lossy(dataset: Dataset, method: str, ratio: float) -> None:
    """Say that the pixels went through lossy compression, unless the sender has (PS3.3 C.7.6.1.1.5)."""
    try:
        said = dataset.get("LossyImageCompression") == "01"
    except UNREADABLE:
        said = False
    if said:
        return
    dataset.add_new("LossyImageCompression", "CS", "01")
    dataset.add_new("LossyImageCompressionRatio", "DS", f"{ratio:.4g}")
    dataset.add_new("LossyImageCompressionMethod", "CS", method)


def _offsets(lengths: Sequence[int]) -> Iterator[int]:
    """Yield where each frame's item starts, counted from the first (PS3.5 A.4)."""
    offset = 0
    for length in lengths:
        yield offset
        offset += 8 + length + length % 2


def _basic_table(pixels: StoredPixels, offsets: Sequence[int]) -> bytes | None:
    """Return the basic offset table: empty for one frame and for video, None where 32 bits do not reach."""
    if len(offsets) < 2 or syntax_of(pixels.syntax).stream is Stream.VIDEO:
        return b""
    return struct.pack(f"<{len(offsets)}I", *offsets) if offsets[-1] < _UNDEFINED else None


def _item(data: Bytes) -> bytes:
    pad = len(data) % 2
    return b"".join((_ITEM.pack(0xFFFE, 0xE000, len(data) + pad), data, b"\0" * pad))


def _cut_after(dataset: Dataset, tag: int) -> Dataset:
    """Take the elements behind the pixel data out of a data set and return them."""
    after = Dataset()
    for behind in [found for found in list(dataset.keys()) if found > tag]:
        after[behind] = dataset.get_item(behind)
        del dataset[behind]
    return after


def _beginning(dataset: Dataset, syntax: TransferSyntaxUid) -> bytes:
    out = DicomBytesIO()
    try:
        write_file_meta_info(out, _file_meta(dataset, syntax), enforce_standard=True)
    except UNREADABLE as error:
        raise MalformedError("the data set lacks the UIDs that a file's meta information names") from error
    return bytes(128) + b"DICM" + out.getvalue() + _encoded(dataset)


def _file_meta(dataset: Dataset, syntax: TransferSyntaxUid) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID", "")
    meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", "")
    meta.TransferSyntaxUID = UID(syntax)
    meta.ImplementationClassUID = IMPLEMENTATION_CLASS
    meta.ImplementationVersionName = IMPLEMENTATION_VERSION
    return meta


def _encoded(dataset: Dataset) -> bytes:
    out = DicomBytesIO()
    out.is_implicit_VR, out.is_little_endian = False, True
    try:
        write_dataset(out, dataset)
    except UNREADABLE as error:
        raise MalformedError("the data set cannot be written in Explicit VR Little Endian") from error
    return out.getvalue()
