"""Decoding what is lossless and kept all the same: for readers that take nothing compressed, never for storing."""

from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from dicomlake.dicom.codecs.lossless import CODEC_ERRORS, decode, decode_openjpeg
from dicomlake.dicom.codecs.markers import bare_stream, is_complete
from dicomlake.dicom.codecs.plain import decode_rle, inflated_frame
from dicomlake.dicom.frames.pixels import Bytes, PixelArray, PixelLayout, as_stored, little_endian
from dicomlake.dicom.frames.syntaxes import Decoder
from dicomlake.domain.errors import MalformedError

_DECODED_WHOLE = frozenset({8, 16})


def native_frame(decoder: Decoder, data: Bytes, layout: PixelLayout, photometric: str) -> bytes:
    """Return a kept lossless frame as Explicit VR Little Endian has it: colour by pixel, one bit a pixel where 1-bit.

    Raises MalformedError if it cannot be decoded whole.
    """
    if layout.bits_allocated in _DECODED_WHOLE:
        return kept_pixels(decoder, data, layout, photometric).tobytes()
    try:
        return _OTHERS[decoder, layout.bits_allocated](data, layout)
    except KeyError as error:
        raise MalformedError(f"a {decoder} frame of {layout.bits_allocated} bits a sample has no decoder") from error
    except CODEC_ERRORS as error:
        raise MalformedError(f"a {decoder} frame cannot be decoded") from error


def kept_pixels(decoder: Decoder, data: Bytes, layout: PixelLayout, photometric: str) -> PixelArray:
    """Return the pixels of a kept lossless frame of 8 or 16 bits as viewers get them: little endian, colour by pixel.

    Raises MalformedError if it cannot be decoded whole.
    """
    stored = as_stored(decode(decoder, data, layout, photometric), layout)
    if stored is None:
        raise MalformedError("a lossless frame has not its header's sign")
    return little_endian(stored, layout)


def has_decoder(decoder: Decoder, layout: PixelLayout) -> bool:
    """Whether `native_frame` can decode frames of this layout."""
    if layout.bits_allocated in _DECODED_WHOLE:
        return decoder not in (Decoder.NONE, Decoder.NATIVE)
    return (decoder, layout.bits_allocated) in _OTHERS


def _rle_bits(data: Bytes, layout: PixelLayout) -> bytes:
    """Decode one segment of packed bits, as the bytes they are (PS3.5 8.1.1, Annex G)."""
    line = replace(layout, rows=1, columns=layout.native_length, samples=1, bits_allocated=8, bits_stored=8)
    return decode_rle(data, line, "").tobytes()


def _rle_words(data: Bytes, layout: PixelLayout) -> bytes:
    return decode_rle(data, layout, "").tobytes()


def _jpeg_2000_bits(data: Bytes, layout: PixelLayout) -> bytes:
    bare = bare_stream(data)
    if not is_complete(bare):
        raise ValueError("a cut code stream")
    array = decode_openjpeg(bare)
    if array.shape != layout.shape or array.max(initial=0) > 1:
        raise ValueError("a code stream of another shape or depth than its header says")
    return np.packbits(array.reshape(-1), bitorder="little").tobytes()


def _deflated(data: Bytes, layout: PixelLayout) -> bytes:
    if layout.planar:
        raise ValueError("planes of more than 16 bits are not brought into the order of pixels")
    return inflated_frame(data, layout)


_OTHERS: MappingProxyType[tuple[Decoder, int], Callable[[Bytes, PixelLayout], bytes]] = MappingProxyType(
    {
        (Decoder.RLE, 1): _rle_bits,
        (Decoder.RLE, 32): _rle_words,
        (Decoder.JPEG_2000, 1): _jpeg_2000_bits,
        (Decoder.DEFLATED, 1): _deflated,
        (Decoder.DEFLATED, 32): _deflated,
        (Decoder.DEFLATED, 64): _deflated,
    }
)
"""By decoder and Bits Allocated: what HTJ2K may not or should not hold (docs/conformance.md)."""
