"""The codecs: HTJ2K encoders, decoders of everything that comes in, and the self-test that picks the encoder.

Codec libraries are imported at first use: a function that never meets a frame never pays for them.
"""

import zlib
from collections.abc import Callable
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np

from dicomlake.dicom.codecs.bounded import decode_in_time
from dicomlake.dicom.codecs.huffman import check_bits
from dicomlake.dicom.codecs.markers import bare_stream, is_complete, jpeg_size, read_header, without_comments
from dicomlake.dicom.codecs.plain import decode_deflated, decode_rle
from dicomlake.dicom.frames.pixels import Bytes, PixelArray, PixelLayout
from dicomlake.dicom.frames.syntaxes import Decoder
from dicomlake.domain.errors import MalformedError

CODEC_ERRORS = (RuntimeError, ValueError, TypeError, IndexError, OverflowError, MemoryError)
"""What the codec libraries raise on bytes they cannot read; all their own errors derive from RuntimeError."""

_BLOCK = (64, 64)
_SMALLEST_RESOLUTION = 64


class Encoder(StrEnum):
    """Who encodes single-component frames; both make the same bytes but for the COM marker."""

    OJPH = "ojph"
    IMAGECODECS = "imagecodecs"


def decompositions(rows: int, columns: int) -> int:
    """Return how many times a frame is halved: until its longer side is at most 64 pixels (PS3.5 10.18), at least once.

    With none OpenJPH is not lossless: pixels at the smallest value come back wrong.
    """
    count, side = 0, max(rows, columns)
    while side > _SMALLEST_RESOLUTION:
        side = (side + 1) // 2
        count += 1
    return max(count, 1)


def encode(array: PixelArray, layout: PixelLayout, *, colour_transform: bool) -> bytes:
    """Return a frame as an HTJ2K Lossless RPCL code stream: TLM, one tile-part a resolution, depth = Bits Stored.

    The same pixels give the same bytes whichever encoder wrote them: the comment with its version is left out.
    `array` must be in `layout.dtype` and within `layout.value_range`. Raises one of CODEC_ERRORS.
    """
    if array.ndim == 3:
        return _encode_colour(array, layout.bits_stored, colour_transform)
    return _ENCODERS[self_test()](array, layout.bits_stored, layout.signed)


def decode_openjph(stream: Bytes, out: PixelArray | None = None, *, skip: int = 0) -> PixelArray:
    """Decode HTJ2K with OpenJPH, leaving out the `skip` finest resolutions; lenient: cut streams come back with zeros.

    Colour comes as (rows, columns, 3). Raises one of CODEC_ERRORS.
    """
    array: PixelArray = _htj2k_decode()(stream, planar=False, skipres=skip or None, out=out)
    return array


def decode_openjpeg(stream: Bytes) -> PixelArray:
    """Decode JPEG 2000 or HTJ2K with OpenJPEG, another code base; strict. Raises one of CODEC_ERRORS."""
    from imagecodecs import jpeg2k_decode

    array: PixelArray = jpeg2k_decode(stream)
    return array


def decode(decoder: Decoder, data: Bytes, layout: PixelLayout, photometric: str) -> PixelArray:
    """Decode one compressed source frame to the values in it, (rows, columns[, 3]), its sign as the stream says.

    Raises MalformedError if the bytes cannot be decoded whole, or are another size than the header says.
    """
    try:
        array = _DECODERS[decoder](data, layout, photometric)
    except CODEC_ERRORS as error:
        raise MalformedError(f"a {decoder} frame cannot be decoded") from error
    if array.shape != layout.shape or array.dtype.kind not in "iu" or array.dtype.itemsize > 2:
        raise MalformedError(f"a {decoder} frame has another shape or depth than its header says")
    return array


def crc32(array: PixelArray) -> int:
    """Return the zlib CRC-32 of an array's bytes; with ISA-L ten times faster than zlib, where it is installed."""
    return _crc32()(array)


@cache
def self_test() -> Encoder:
    """Return the encoder of this process: `ojph` if it works here, else imagecodecs; tried once.

    It has to give a fixed frame, which holds both extremes, back exactly through both decoders.
    """
    try:
        return Encoder.OJPH if _is_exact(_encode_ojph) else Encoder.IMAGECODECS
    except (ImportError, *CODEC_ERRORS):
        return Encoder.IMAGECODECS


def encoder_in_use() -> Encoder | None:
    """Return the encoder that this process has chosen; None where it has not met a frame to encode."""
    return self_test() if self_test.cache_info().currsize else None


def _is_exact(encode_mono: Callable[[PixelArray, int, bool], bytes]) -> bool:
    scattered = np.arange(96 * 80, dtype=np.int64).reshape(96, 80) * 2654435761 // 1024 % 4096
    frame = (scattered - 2048).astype(np.int16)
    frame[0, :2] = -2048, 2047
    stream = encode_mono(frame, 12, True)
    return np.array_equal(decode_openjph(stream), frame) and np.array_equal(decode_openjpeg(stream), frame)


def _encode_ojph(array: PixelArray, bits: int, signed: bool) -> bytes:
    from ojph.ojph_bindings import Codestream, MemOutfile, Point  # type: ignore[import-untyped]

    if not array.flags.writeable or not array.dtype.isnative:  # the binding takes neither
        array = array.astype(array.dtype.newbyteorder("="))
    rows, columns = array.shape
    out, stream = MemOutfile(), Codestream()
    out.open(max(4096, array.nbytes // 2), False)
    size, coding = stream.access_siz(), stream.access_cod()
    size.set_image_extent(Point(columns, rows))
    size.set_num_components(1)
    size.set_component(0, Point(1, 1), bits, signed)
    coding.set_progression_order("RPCL")
    coding.set_reversible(True)
    coding.set_color_transform(False)
    coding.set_num_decomposition(decompositions(rows, columns))
    coding.set_block_dims(*_BLOCK)
    stream.set_planar(False)
    stream.set_tilepart_divisions(True, False)
    stream.request_tlm_marker(True)
    stream.write_headers(out, None, 0)
    stream.push_all_components(array, 1, "HW")
    stream.flush()
    encoded = without_comments(out.get_data())  # a copy: the view dies with the file
    stream.close()
    out.close()
    return encoded


def _encode_imagecodecs(array: PixelArray, bits: int, signed: bool) -> bytes:
    return _imagecodecs_encode(array, bits, rgb=None, planar=False)


def _encode_colour(array: PixelArray, bits: int, colour_transform: bool) -> bytes:
    if colour_transform:
        return _imagecodecs_encode(array, bits, rgb=True, planar=False)
    return _imagecodecs_encode(np.ascontiguousarray(array.transpose(2, 0, 1)), bits, rgb=False, planar=True)


def _imagecodecs_encode(array: PixelArray, bits: int, *, rgb: bool | None, planar: bool) -> bytes:
    from imagecodecs import htj2k_encode

    rows, columns = array.shape[-2:] if planar or array.ndim == 2 else array.shape[:2]
    encoded = htj2k_encode(
        array,
        reversible=True,
        bitspersample=bits,
        rgb=rgb,
        planar=planar,
        resolutions=decompositions(rows, columns),
        prog_order="RPCL",
        tlm=True,
        tilepart="RESOLUTIONS",
        block_size=_BLOCK,
    )
    if read_header(encoded).decompositions == 0:
        raise ValueError("a frame of one line was not decomposed, which is not lossless")
    return without_comments(encoded)


_ENCODERS = MappingProxyType({Encoder.OJPH: _encode_ojph, Encoder.IMAGECODECS: _encode_imagecodecs})


def decode_jpeg(data: Bytes, layout: PixelLayout, photometric: str) -> PixelArray:
    """Decode JPEG, lossless or not, colours as they are in the stream: imagecodecs gives RGB unless told otherwise.

    Raises MalformedError if the frame's size is not the layout's, one of CODEC_ERRORS if it cannot be decoded.
    """
    from imagecodecs import jpeg8_decode

    check_size(jpeg_size(data), layout)
    space = "ycbcr" if photometric.startswith("YBR") else "rgb" if photometric == "RGB" else None
    array: PixelArray = jpeg8_decode(data, colorspace=space, outcolorspace=space)
    return array


def _jpeg_lossless(data: Bytes, layout: PixelLayout, photometric: str) -> PixelArray:
    """Decode lossless JPEG strictly: libjpeg fills what a cut stream lacks without a word."""
    array = decode_jpeg(data, layout, photometric)
    check_bits(data, array)
    return array


def decode_jpeg_ls(data: Bytes, layout: PixelLayout, _: str) -> PixelArray:
    """Decode JPEG-LS, lossless or near. Errors as `decode_jpeg`."""
    check_size(jpeg_size(data), layout)
    return decode_in_time("jpeg-ls", data, layout.native_length)


def check_size(size: tuple[int, int], layout: PixelLayout) -> None:
    """Raise MalformedError unless a stream is of the size its instance says: decoders take memory for what it says."""
    if size != (layout.rows, layout.columns):
        raise MalformedError("a compressed frame has another shape than its header says")


def _jpeg_2000(data: Bytes, layout: PixelLayout, photometric: str) -> PixelArray:
    """Decode strictly: a stream that is cut, irreversible, or transforms colours that are not RGB is refused."""
    data = bare_stream(data)
    header = read_header(data)
    check_size((header.rows, header.columns), layout)
    if not header.reversible:
        raise ValueError("an irreversible code stream in a lossless transfer syntax")
    if not is_complete(data):
        raise ValueError("a cut code stream")
    if header.colour_transform and photometric not in ("RGB", "YBR_RCT"):
        raise ValueError("a colour transform where the photometric interpretation says there is none")
    return decode_openjpeg(data)


_DECODERS: MappingProxyType[Decoder, Callable[[Bytes, PixelLayout, str], PixelArray]] = MappingProxyType(
    {
        Decoder.DEFLATED: decode_deflated,
        Decoder.RLE: decode_rle,
        Decoder.JPEG_LOSSLESS: _jpeg_lossless,
        Decoder.JPEG_LS: decode_jpeg_ls,
        Decoder.JPEG_2000: _jpeg_2000,
    }
)


@cache
def _htj2k_decode() -> Callable[..., Any]:
    from imagecodecs import htj2k_decode

    return htj2k_decode


@cache
def _crc32() -> Callable[[Any], int]:
    try:
        from imagecodecs._isal import isal_crc32
    except ImportError:
        return zlib.crc32
    return isal_crc32  # type: ignore[no-any-return]
