"""Every kind of frame beside every transfer syntax that is decoded: what the storage plan says to each.

docs/conformance.md is generated from this, and tests store a frame of every kind from every syntax.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType

from dicomlake.dicom.frames.pixels import layout_of
from dicomlake.dicom.frames.syntaxes import EXPLICIT_BIG, SYNTAXES, Action, StoragePlan, Stream, plan_storage
from dicomlake.dicom.instance import (
    DOUBLE_FLOAT_PIXEL_DATA,
    FLOAT_PIXEL_DATA,
    PIXEL_DATA,
    ParsedInstance,
    PixelAttributes,
    PixelElement,
)
from dicomlake.dicom.source import BufferSource
from dicomlake.domain.model import InstanceKey, InstanceUid, SeriesUid, SopClassUid, StudyUid, TransferSyntaxUid


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of frame: its name on the conformance page and its Image Pixel module (PS3.3 C.7.6.3)."""

    name: str
    attributes: PixelAttributes
    tag: int = PIXEL_DATA


def _kind(name: str, allocated: int, stored: int = 0, photometric: str = "MONOCHROME2", **other: int) -> Kind:
    bits = stored or allocated
    return Kind(
        name,
        PixelAttributes(
            rows=66,
            columns=70,
            samples=other.get("samples", 1),
            bits_allocated=allocated,
            bits_stored=bits,
            high_bit=other.get("high_bit", bits - 1),
            pixel_representation=other.get("signed", 0),
            planar_configuration=other.get("planar", 0),
            number_of_frames=1,
            photometric=photometric,
        ),
        other.get("tag", PIXEL_DATA),
    )


KINDS = (
    _kind("gray, 1 bit", 1),
    _kind("gray, 8 bits", 8),
    _kind("gray, 8 bits, signed", 8, signed=1),
    _kind("gray, 8 bits in 16", 16, 8),
    _kind("gray, 10 bits in 16", 16, 10),
    _kind("gray, 12 bits in 16", 16, 12),
    _kind("gray, 12 bits in 16, signed", 16, 12, signed=1),
    _kind("gray, 12 bits in 16, High Bit 15", 16, 12, high_bit=15),
    _kind("gray, inverted (MONOCHROME1), 12 bits in 16", 16, 12, "MONOCHROME1"),
    _kind("gray, 16 bits", 16),
    _kind("gray, 16 bits, signed", 16, signed=1),
    _kind("gray, 32 bits", 32),
    _kind("float (Float Pixel Data)", 32, tag=FLOAT_PIXEL_DATA),
    _kind("double (Double Float Pixel Data)", 64, tag=DOUBLE_FLOAT_PIXEL_DATA),
    _kind("PALETTE COLOR, 8 bits", 8, photometric="PALETTE COLOR"),
    _kind("PALETTE COLOR, 16 bits", 16, photometric="PALETTE COLOR"),
    _kind("RGB, 8 bits", 8, 0, "RGB", samples=3),
    _kind("RGB, 8 bits, by plane", 8, 0, "RGB", samples=3, planar=1),
    _kind("RGB, 16 bits", 16, 0, "RGB", samples=3),
    _kind("RGB, 8 bits, signed", 8, 0, "RGB", samples=3, signed=1),
    _kind("YBR_FULL, 8 bits", 8, 0, "YBR_FULL", samples=3),
    _kind("YBR_FULL_422, 8 bits", 8, 0, "YBR_FULL_422", samples=3),
    _kind("YBR_RCT, 8 bits", 8, 0, "YBR_RCT", samples=3),
    _kind("YBR_ICT, 8 bits", 8, 0, "YBR_ICT", samples=3),
    _kind("CMYK, 8 bits", 8, 0, "CMYK", samples=4),
)

DECODED = MappingProxyType({uid: row for uid, row in SYNTAXES.items() if row.action is not Action.KEEP})
"""The transfer syntaxes whose frames are decoded; what comes in any other is kept, whatever its kind."""


def plan_of(syntax: TransferSyntaxUid, kind: Kind) -> StoragePlan:
    """Return how a whole instance of one such frame is stored; what its pixels hold may still overrule it."""
    big = syntax == EXPLICIT_BIG
    layout = layout_of(kind.attributes, big_endian=big, vr="OW")
    encapsulated = SYNTAXES[syntax].stream is not Stream.NATIVE
    pixels = PixelElement(kind.tag, "OW", 0, layout.native_length, encapsulated, truncated=False)
    return plan_storage(
        ParsedInstance(
            key=InstanceKey(StudyUid("1"), SeriesUid("1"), InstanceUid("1")),
            sop_class_uid=SopClassUid("1"),
            transfer_syntax=syntax,
            source=BufferSource(b""),
            inflated=False,
            big_endian=big,
            head_spans=(),
            pixels=pixels,
            pixel_attributes=kind.attributes,
            json={},
            bulk=(),
            canonical=b"",
            warnings=(),
        )
    )


def outcomes(kind: Kind) -> Iterator[tuple[TransferSyntaxUid, StoragePlan]]:
    """Yield what becomes of a kind of frame in every transfer syntax that is decoded."""
    for syntax in DECODED:
        yield syntax, plan_of(syntax, kind)
