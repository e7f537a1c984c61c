"""Transcoding on the way out, always lossless: which transfer syntaxes a stored instance can be given in, and how."""

from collections.abc import Callable
from types import MappingProxyType

import numpy as np

from dicomlake.dicom.codecs.lossless import CODEC_ERRORS, encode
from dicomlake.dicom.codecs.lossy import decoded_photometric
from dicomlake.dicom.files.dataset import HeadDataset
from dicomlake.dicom.files.part10 import StoredPixels, describe, photometric_of
from dicomlake.dicom.files.restore import FrameReader
from dicomlake.dicom.frames.pixels import PixelArray, PixelLayout, fits, narrowed
from dicomlake.domain.errors import NotAcceptableError, TooLargeError
from dicomlake.domain.model import TransferSyntaxUid

MOST_RECODED = 512 * 1024 * 1024
"""Native bytes of the largest instance that is transcoded: its frames are in memory until their offsets are known."""

_UNFIT = "the pixels do not fit the transfer syntax: ask for transfer-syntax=*"
_ROOT = "1.2.840.10008.1.2."
_HTJ2K = TransferSyntaxUid(f"{_ROOT}4.201")


def recoded_frame(pixels: StoredPixels, index: int, photometric: str, target: TransferSyntaxUid) -> bytes:
    """Return a stored HTJ2K frame in another lossless transfer syntax, proved by nothing but the codec's promise.

    Raises NotAcceptableError where its encoder does not take such pixels, MalformedError where the frame is damaged.
    """
    if target == _HTJ2K:
        return bytes(pixels.read(index))  # RPCL is HTJ2K lossless with rules added (PS3.5 A.4.4)
    layout = pixels.layout
    if layout.bits_allocated not in (8, 16) or not 0 < layout.bits_stored <= layout.bits_allocated:
        raise NotAcceptableError(_UNFIT)
    array = pixels.proved(index, photometric)
    if not fits(int(array.min()), int(array.max()), layout):
        raise NotAcceptableError(_UNFIT)
    try:
        return ENCODERS[target](array, layout)
    except CODEC_ERRORS as error:
        raise NotAcceptableError(_UNFIT) from error


def recoded(head: HeadDataset, pixels: StoredPixels, target: TransferSyntaxUid) -> StoredPixels:
    """Return an instance's pixels in another lossless transfer syntax; the head's data set says what they became.

    Encodes every frame, since the offset table stands before them. Raises TooLargeError above MOST_RECODED.
    """
    layout = pixels.layout
    if layout.native_length * len(pixels.lengths) > MOST_RECODED:
        raise TooLargeError("the instance is too large to be transcoded: ask for transfer-syntax=*, or by frame")
    photometric = photometric_of(head.dataset)
    sent = decoded_photometric(photometric)
    describe(head.dataset, layout, "YBR_RCT" if target == _HTJ2K and sent == "RGB" else sent)
    frames = [recoded_frame(pixels, index, photometric, target) for index in range(len(pixels.lengths))]
    return StoredPixels(target, layout, [len(frame) for frame in frames], _from(frames))


def _from(frames: list[bytes]) -> FrameReader:
    return lambda index: frames[index]


def _jpeg_2000(array: PixelArray, layout: PixelLayout) -> bytes:
    from imagecodecs import jpeg2k_encode

    samples = narrowed(array, layout)
    return bytes(
        jpeg2k_encode(samples, level=0, codecformat="J2K", reversible=True, mct=False, bitspersample=layout.bits_stored)
    )


def _jpeg_ls(array: PixelArray, layout: PixelLayout) -> bytes:
    from imagecodecs import jpegls_encode

    room = 2 * array.nbytes + 4096  # noise grows; left to itself imagecodecs takes as much as came in
    return bytes(jpegls_encode(_unsigned(array), level=0, bitspersample=_precision(layout), out=room))


def _jpeg_lossless(array: PixelArray, layout: PixelLayout) -> bytes:
    """Process 14, selection value 1 (PS3.5 A.4.2)."""
    from imagecodecs import jpeg8_encode

    space = "rgb" if layout.samples == 3 else None
    encoded = jpeg8_encode(
        _unsigned(array),
        lossless=True,
        predictor=1,
        colorspace=space,
        outcolorspace=space,
        bitspersample=_precision(layout),
    )
    return bytes(encoded)


def _rle(array: PixelArray, layout: PixelLayout) -> bytes:
    from rle.rle import encode_frame  # type: ignore[import-not-found]

    samples, size = layout.samples, layout.bits_allocated
    return bytes(encode_frame(array.tobytes(), layout.rows, layout.columns, samples, size, "<"))


def _htj2k(array: PixelArray, layout: PixelLayout) -> bytes:
    return encode(narrowed(array, layout), layout, colour_transform=layout.samples == 3)


def _precision(layout: PixelLayout) -> int:
    """Return the bits of the codec's samples: of signed pixels all that are allocated, for the sign fills them."""
    return layout.bits_allocated if layout.signed else max(layout.bits_stored, 2)


def _unsigned(array: PixelArray) -> PixelArray:
    """The bits as the codec counts them; Pixel Representation says how they are read (PS3.5 8.2.3)."""
    return np.ascontiguousarray(array).view(f"<u{array.dtype.itemsize}")


ENCODERS: MappingProxyType[TransferSyntaxUid, Callable[[PixelArray, PixelLayout], bytes]] = MappingProxyType(
    {
        TransferSyntaxUid(f"{_ROOT}5"): _rle,
        TransferSyntaxUid(f"{_ROOT}4.57"): _jpeg_lossless,
        TransferSyntaxUid(f"{_ROOT}4.70"): _jpeg_lossless,
        TransferSyntaxUid(f"{_ROOT}4.80"): _jpeg_ls,
        TransferSyntaxUid(f"{_ROOT}4.90"): _jpeg_2000,
        _HTJ2K: _htj2k,
    }
)
"""Lossless transfer syntaxes that stored frames can be transcoded to, beside Explicit VR Little Endian."""
