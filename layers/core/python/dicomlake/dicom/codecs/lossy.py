"""Decoding what is kept because it is lossy: for viewers that take nothing compressed, never for storing."""

from collections.abc import Callable
from types import MappingProxyType

from dicomlake.dicom.codecs.lossless import CODEC_ERRORS, check_size, decode_jpeg, decode_jpeg_ls, decode_openjpeg
from dicomlake.dicom.codecs.markers import bare_stream, is_complete, jpeg_size, read_header
from dicomlake.dicom.frames.pixels import Bytes, PixelArray, PixelLayout, as_stored, little_endian
from dicomlake.domain.errors import MalformedError
from dicomlake.domain.model import TransferSyntaxUid

_ROOT = "1.2.840.10008.1.2.4."

METHODS = MappingProxyType(
    {
        TransferSyntaxUid(_ROOT + suffix): method
        for suffix, method in (
            ("50", "ISO_10918_1"),
            ("51", "ISO_10918_1"),
            ("81", "ISO_14495_1"),
            ("91", "ISO_15444_1"),
            ("203", "ISO_15444_15"),
        )
    }
)
"""Lossy transfer syntaxes with a decoder, and what Lossy Image Compression Method calls them (PS3.3 C.7.6.1.1.5.1)."""

_EOI, _PADDED = b"\xff\xd9", 64
_JFIF = b"JFIF\0"
_RGB_AFTER = frozenset({"YBR_ICT", "YBR_RCT"})
_SHARED = frozenset({"YBR_FULL_422", "YBR_PARTIAL_422", "YBR_PARTIAL_420"})


def decoded_photometric(photometric: str) -> str:
    """Return the Photometric Interpretation of the decoded frame: transforms are undone, shared colours spread out."""
    if photometric in _RGB_AFTER:
        return "RGB"
    return "YBR_FULL" if photometric in _SHARED else photometric


def decode_lossy(syntax: TransferSyntaxUid, data: Bytes, layout: PixelLayout, photometric: str) -> PixelArray:
    """Return a lossy frame's pixels as viewers get them: little endian, Bits Allocated wide, colour by pixel.

    Raises MalformedError if it cannot be decoded whole. Other decoders may rightly differ by 1 to 3 counts.
    """
    try:
        array = _DECODERS[syntax](data, layout, photometric)
    except CODEC_ERRORS as error:
        raise MalformedError("a lossy frame cannot be decoded") from error
    stored = as_stored(array, layout) if array.shape == layout.shape else None
    if stored is None:
        raise MalformedError("a lossy frame has not its header's size or sign")
    return little_endian(stored, layout)


def _jpeg_2000(data: Bytes, layout: PixelLayout, _: str) -> PixelArray:
    bare = bare_stream(data)
    header = read_header(bare)
    check_size((header.rows, header.columns), layout)
    if not is_complete(bare):
        raise MalformedError("a lossy frame is cut")
    return decode_openjpeg(bare)


def _jpeg(data: Bytes, layout: PixelLayout, photometric: str) -> PixelArray:
    """Decode a JPEG that has its end, padded with whatever: libjpeg fills what a cut one lacks with gray.

    A JFIF file holds YCbCr (ISO/IEC 10918-5), also where the data set says RGB: then RGB is made of it.
    """
    if _EOI not in bytes(memoryview(data)[-_PADDED:]):
        raise MalformedError("a lossy frame is cut")
    if photometric != "RGB" or bytes(memoryview(data)[6:11]) != _JFIF:
        return decode_jpeg(data, layout, photometric)
    from imagecodecs import jpeg8_decode

    check_size(jpeg_size(data), layout)
    array: PixelArray = jpeg8_decode(data, colorspace="ycbcr", outcolorspace="rgb")
    return array


_DECODERS: MappingProxyType[str, Callable[[Bytes, PixelLayout, str], PixelArray]] = MappingProxyType(
    {
        _ROOT + "50": _jpeg,
        _ROOT + "51": _jpeg,
        _ROOT + "81": decode_jpeg_ls,
        _ROOT + "91": _jpeg_2000,
        _ROOT + "203": _jpeg_2000,
    }
)
