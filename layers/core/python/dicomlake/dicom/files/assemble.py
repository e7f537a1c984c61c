"""A DICOM file out of metadata and the bulk data sent beside it (PS3.18 10.5.1.2): what the streams say, counts.

metadata (DICOM JSON) + an image, a video, a document, octets ► data set ► Part 10, streamed
"""

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from pydicom.dataset import Dataset

from dicomlake.dicom.codecs.media import IMAGES, ImageStream, read_image
from dicomlake.dicom.codecs.mp4 import read_mp4
from dicomlake.dicom.files.dataset import UNREADABLE, HeadDataset
from dicomlake.dicom.files.part10 import StoredPixels, write_part10
from dicomlake.dicom.frames.pixels import Bytes, PixelLayout, layout_of
from dicomlake.dicom.frames.syntaxes import EXPLICIT_LITTLE, IMPLICIT_LITTLE
from dicomlake.dicom.header.pixel_attributes import pixel_attributes
from dicomlake.dicom.source import ByteSource
from dicomlake.domain.errors import MalformedError, TooLargeError, UnsupportedError
from dicomlake.domain.model import JsonObject, TransferSyntaxUid

OCTETS, PDF = "application/octet-stream", "application/pdf"
VIDEOS = frozenset({"video/mp4"})
PIECE = 8 * 1024 * 1024
"""Bytes of a video in one fragment; PS3.5 8.2.5 lets them be cut anywhere."""
LARGEST_VALUE = 64 * 1024 * 1024
"""Bytes of a value other than pixel data, which is in memory while its file is written."""

_PIXEL_TAGS = ("7FE00010", "7FE00008", "7FE00009")
_DOCUMENT, _DOCUMENT_TYPE, _DOCUMENT_LENGTH = "00420011", "00420012", "00420015"
_MONOCHROME = frozenset({"MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"})


@dataclass(frozen=True, slots=True)
class BulkData:
    """Bulk data as they were sent: media type, transfer syntax ("" where none is named), and their bytes."""

    media_type: str
    transfer_syntax: str
    source: ByteSource = field(repr=False)

    def all(self) -> bytes:
        """Return every byte. Raises TooLargeError where they are no value to hold in memory."""
        if self.source.size > LARGEST_VALUE:
            raise TooLargeError("bulk data other than video are at most 64 MiB: send the instance as a DICOM file")
        return bytes(self.source.read(0, self.source.size))


Bulks = Mapping[str, Sequence[BulkData]]
"""Bulk data by the URI that metadata name them by; several of one are an image's frames, in order."""


@dataclass(frozen=True, slots=True)
class Assembled:
    """A file in pieces; `original` holds the attributes whose values the stream proved to be others, as sent."""

    pieces: Iterator[Bytes] = field(repr=False)
    original: JsonObject


def assemble(metadata: JsonObject, bulks: Bulks) -> Assembled:
    """Make a DICOM file of an instance's metadata and its bulk data.

    The Image Pixel module is what the stream says, with Photometric Interpretation and the lossy attributes (PS3.3
    C.7.6.1.1.5); JPEG, JPEG-LS, JPEG 2000 and MP4 keep their streams, PNG and GIF become native pixels, a PDF is
    encapsulated. Raises MalformedError or UnsupportedError where that cannot be.
    """
    view = {tag: element for tag, element in metadata.items() if not tag.startswith("0002")}
    pixel_tag = next((tag for tag in _PIXEL_TAGS if tag in view), "")
    pixels = _sent(view.pop(pixel_tag), bulks) if pixel_tag else ()
    derived = _describe(view, pixels)
    document = _document(view, bulks)
    original = {tag: view[tag] for tag, element in derived.attributes.items() if _differs(view.get(tag), element)}
    dataset = _dataset({**view, **derived.attributes, **document}, bulks)
    head = HeadDataset(dataset, int(pixel_tag or "0", 16), derived.vr)
    pieces = write_part10(head, derived.stored, as_stored=True)
    beginning = next(pieces)  # a data set that cannot be written is known by now
    return Assembled(chain([beginning], pieces), original)


@dataclass(frozen=True, slots=True)
class _Derived:
    """What pixel data are stored as, and the attributes that follow from them."""

    stored: StoredPixels | None = None
    attributes: JsonObject = field(default_factory=dict)
    vr: str = ""


def _sent(element: object, bulks: Bulks) -> Sequence[BulkData]:
    uri = element.get("BulkDataURI") if isinstance(element, dict) else None
    found = bulks.get(str(uri)) if uri else None
    if not found:
        raise MalformedError("the metadata name pixel data by a BulkDataURI that no part has as its Content-Location")
    return found


def _describe(view: JsonObject, pixels: Sequence[BulkData]) -> _Derived:
    if not pixels:
        return _Derived()
    kinds = {one.media_type for one in pixels}
    if len(kinds) > 1:
        raise MalformedError("the frames of one instance are of several media types")
    (kind,) = kinds
    if kind in VIDEOS and len(pixels) == 1:
        return _video(view, pixels[0].source)
    if kind in IMAGES:
        return _images(view, [read_image(kind, one.all()) for one in pixels])
    if kind == OCTETS:
        return _octets(view, pixels)
    raise UnsupportedError("pixel data come as an image, one video/mp4, or application/octet-stream")


def _images(view: JsonObject, streams: Sequence[ImageStream]) -> _Derived:
    """Frames of several files have to be alike: one Image Pixel module describes them all."""
    first, frames = streams[0], [frame for stream in streams for frame in stream.frames]
    alike = {(one.syntax, one.rows, one.columns, one.samples, one.bits, one.photometric) for one in streams}
    if len(alike) > 1:
        raise MalformedError("the frames of one instance differ in size, depth, colour or transfer syntax")
    bits = _bits_stored(view, first)
    signed = first.signed if first.says_sign else _number(view, "00280103") == 1
    layout = PixelLayout(first.rows, first.columns, first.samples, first.bits_allocated, bits, signed)
    attributes = _module(layout, _photometric(view, first), len(frames), said="00280008" in view)
    methods = {one.method for one in streams} - {""}
    if methods:
        native = sum(one.native_length for one in streams)
        attributes |= _lossy(methods.pop(), native / max(1, sum(one.coded for one in streams)))
    stored = StoredPixels(first.syntax, layout, [len(frame) for frame in frames], lambda index: bytes(frames[index]))
    return _Derived(stored, attributes, "OW" if layout.bits_allocated > 8 else "OB")


def _bits_stored(view: JsonObject, stream: ImageStream) -> int:
    """The stream's depth, or what the metadata say where that fits in: coders often round up."""
    said = _number(view, "00280101")
    return said if 0 < said <= stream.bits and said > stream.bits_allocated - 8 else stream.bits


def _photometric(view: JsonObject, stream: ImageStream) -> str:
    """What the stream says; of one sample, which of its meanings it has is the metadata's to say."""
    said = _text(view, "00280004")
    return said if stream.samples == 1 and said in _MONOCHROME else stream.photometric


def _video(view: JsonObject, source: ByteSource) -> _Derived:
    found = read_mp4(source)
    allocated = 8 if found.bits <= 8 else 16
    layout = PixelLayout(found.rows, found.columns, 3, allocated, found.bits, signed=False)
    native = found.rows * found.columns * 3 * allocated // 8 * found.frames
    attributes = {
        **_module(layout, "YBR_PARTIAL_420", found.frames, said=True),
        **_lossy(found.method, native / source.size),
    }
    if "00280009" not in view:
        attributes["00280009"] = {"vr": "AT", "Value": ["00181063"]}
        attributes["00181063"] = {"vr": "DS", "Value": [_decimal(found.frame_time)]}
    starts = range(0, source.size, PIECE)
    lengths = [min(PIECE, source.size - start) for start in starts]
    stored = StoredPixels(found.syntax, layout, lengths, lambda index: bytes(source.read(starts[index], PIECE)))
    return _Derived(stored, attributes, "OB")


def _octets(view: JsonObject, pixels: Sequence[BulkData]) -> _Derived:
    """Octets are what the metadata say: native pixels, or frames of the transfer syntax that the part names."""
    syntax = TransferSyntaxUid(pixels[0].transfer_syntax or EXPLICIT_LITTLE)
    attributes = pixel_attributes(view, 0x7FE00010, None, None)
    layout = layout_of(attributes, big_endian=False, vr="")
    lengths = [one.source.size for one in pixels]
    if syntax in (EXPLICIT_LITTLE, IMPLICIT_LITTLE):
        syntax, expected = EXPLICIT_LITTLE, layout.native_length * max(1, attributes.number_of_frames)
        if not expected or sum(lengths) - sum(lengths) % 2 not in (expected, expected + expected % 2):
            raise MalformedError("uncompressed pixel data are not as long as the metadata's Image Pixel module says")
    read = _pieces([one.source for one in pixels])
    stored = StoredPixels(syntax, layout, lengths if syntax != EXPLICIT_LITTLE else [sum(lengths)], read)
    return _Derived(stored, {}, "OW" if layout.bits_allocated > 8 else "OB")


def _pieces(sources: Sequence[ByteSource]) -> Callable[[int], bytes]:
    return lambda index: bytes(sources[index].read(0, sources[index].size))


def _document(view: JsonObject, bulks: Bulks) -> JsonObject:
    """Say what an encapsulated document is (PS3.3 C.24.2): its media type and its length without the pad byte."""
    element = view.get(_DOCUMENT)
    found = bulks.get(str(element.get("BulkDataURI"))) if isinstance(element, dict) else None
    if not found:
        return {}
    attributes: JsonObject = {_DOCUMENT_LENGTH: {"vr": "UL", "Value": [found[0].source.size]}}
    if found[0].media_type == PDF:
        attributes[_DOCUMENT_TYPE] = {"vr": "LO", "Value": [PDF]}
    return attributes


# --- attributes ----------------------------------------------------------------------------------------------------


def _module(layout: PixelLayout, photometric: str, frames: int, *, said: bool) -> JsonObject:
    """The Image Pixel module of a stream (PS3.3 C.7.6.3)."""
    numbers = {
        "00280002": layout.samples,
        "00280010": layout.rows,
        "00280011": layout.columns,
        "00280100": layout.bits_allocated,
        "00280101": layout.bits_stored,
        "00280102": layout.bits_stored - 1,
        "00280103": int(layout.signed),
    }
    module: JsonObject = {tag: {"vr": "US", "Value": [number]} for tag, number in numbers.items()}
    module["00280004"] = {"vr": "CS", "Value": [photometric]}
    if layout.samples > 1:
        module["00280006"] = {"vr": "US", "Value": [0]}
    if frames > 1 or said:
        module["00280008"] = {"vr": "IS", "Value": [frames]}
    return module


def _lossy(method: str, ratio: float) -> JsonObject:
    return {
        "00282110": {"vr": "CS", "Value": ["01"]},
        "00282112": {"vr": "DS", "Value": [_decimal(ratio)]},
        "00282114": {"vr": "CS", "Value": [method]},
    }


def _decimal(number: float) -> str:
    return f"{number:.6g}"


def _number(view: JsonObject, tag: str) -> int:
    text = _text(view, tag)
    return int(text) if text.isdigit() else 0


def _text(view: JsonObject, tag: str) -> str:
    element = view.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return str(values[0]).strip() if isinstance(values, list) and values else ""


def _differs(said: object, derived: object) -> bool:
    """Whether the metadata say something else; what they leave open is no difference."""
    if not (isinstance(said, dict) and isinstance(derived, dict) and said.get("Value")):
        return False
    return [str(value).strip() for value in said["Value"]] != [str(value) for value in derived["Value"]]


def _dataset(view: JsonObject, bulks: Bulks) -> Dataset:
    """Return the data set of DICOM JSON, which is UTF-8 whatever its Specific Character Set says (PS3.18 F.2)."""

    def bulk(_tag: str, _vr: str, uri: str) -> bytes:
        found = bulks.get(uri)
        if not found:
            raise MalformedError("the metadata name a BulkDataURI that no part has as its Content-Location")
        return b"".join(one.all() for one in found)

    try:
        dataset = Dataset.from_json(view, bulk)
        if not _is_ascii(view):
            dataset.SpecificCharacterSet = "ISO_IR 192"
    except (*UNREADABLE, struct.error) as error:
        raise MalformedError("the metadata are no DICOM JSON data set (PS3.18 F)") from error
    return dataset


def _is_ascii(value: object) -> bool:
    if isinstance(value, dict):
        return all(map(_is_ascii, value.values()))
    if isinstance(value, list):
        return all(map(_is_ascii, value))
    return not isinstance(value, str) or value.isascii()
