"""What parsing makes of one object: the pixel element's place, the head's spans, and the DICOM JSON view."""

from dataclasses import dataclass, field

from dicomlake.dicom.source import ByteSource
from dicomlake.domain.model import InstanceKey, JsonObject, SopClassUid, TransferSyntaxUid, Warned

PIXEL_DATA = 0x7FE00010
FLOAT_PIXEL_DATA = 0x7FE00008
DOUBLE_FLOAT_PIXEL_DATA = 0x7FE00009
PIXEL_TAGS = frozenset({PIXEL_DATA, FLOAT_PIXEL_DATA, DOUBLE_FLOAT_PIXEL_DATA})

PIXELS_URI = "pixeldata"
"""The BulkDataURI of the pixel data in the JSON view; whoever serves the view makes it absolute."""

Span = tuple[int, int]
"""A half-open range of bytes of a source: start, end."""


@dataclass(frozen=True, slots=True)
class PixelElement:
    """Where the pixel data lie: the element's tag and VR and the byte span of its value in the source.

    An encapsulated value spans its items, the offset table included, up to and including the sequence delimiter where
    there is one (PS3.5 A.4). `truncated` means that the source ends inside the value.
    """

    tag: int
    vr: str
    value_offset: int
    value_length: int
    encapsulated: bool
    truncated: bool

    @property
    def value_end(self) -> int:
        """The offset of the first byte after the value."""
        return self.value_offset + self.value_length


@dataclass(frozen=True, slots=True)
class PixelAttributes:
    """The Image Pixel module (PS3.3 C.7.6.3) as read, with what stands in for an attribute that is missing.

    Defaults: samples 1, bits allocated 16 (32 and 64 for float and double float pixels), bits stored = bits allocated,
    high bit = bits stored - 1, pixel representation 0, planar configuration 0, number of frames 1, photometric
    interpretation MONOCHROME2 (RGB for three samples); rows and columns have no default and are 0.
    `frame_offsets` and `frame_lengths` are the byte spans of the Extended Offset Table's values in the source.
    """

    rows: int
    columns: int
    samples: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    pixel_representation: int
    planar_configuration: int
    number_of_frames: int
    photometric: str
    frame_offsets: Span | None = None
    frame_lengths: Span | None = None


@dataclass(frozen=True, slots=True)
class BulkValue:
    """A value that the JSON view names but does not hold: `path` is its place there, [start, end) its bytes.

    The path alternates tags (8 hex digits) and item indices from 0, as in ("54000100", 0, "54001010"). The bytes are
    as the source has them: in a big-endian source they are big endian.
    """

    path: tuple[str | int, ...]
    vr: str
    start: int
    end: int

    @property
    def uri(self) -> str:
        """The BulkDataURI of the value in the JSON view."""
        return f"bulk/{self.start}-{self.end}"


@dataclass(frozen=True, slots=True)
class ParsedInstance:
    """One instance as read: its identity, its bytes outside the pixels, and its metadata as DICOM JSON (PS3.18 F).

    `source` is what was given, or, where the data set was deflated, its inflated form (preamble, file meta, inflated
    data set); all offsets are into it. `head_spans` are all its bytes outside the pixel value, in order.
    `transfer_syntax` is the one the bytes are in, which a warning says where it is not the declared one.
    `json` holds no group 0002 and no group lengths; pixel data are `{"vr": .., "BulkDataURI": "pixeldata"}` and values
    above the limit name their place (`BulkValue.uri`).
    `text` is `json` as compact JSON in UTF-8 where reading it made that by the way, else None.
    `canonical` is a SHA-256 over what makes two data sets the same content whatever their encoding.
    """

    key: InstanceKey
    sop_class_uid: SopClassUid
    transfer_syntax: TransferSyntaxUid
    source: ByteSource
    inflated: bool
    big_endian: bool
    head_spans: tuple[Span, ...]
    pixels: PixelElement | None
    pixel_attributes: PixelAttributes | None
    json: JsonObject
    bulk: tuple[BulkValue, ...]
    canonical: bytes
    warnings: tuple[Warned, ...]
    text: bytes | None = field(default=None, repr=False, compare=False)
