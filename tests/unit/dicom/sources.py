"""Frames of every kind as senders encode them, by encoders that the lake does not use."""

import zlib
from collections.abc import Callable

import imagecodecs
import numpy as np
from pydicom.pixels.encoders.base import get_encoder
from pydicom.uid import RLELossless

from dicomlake.dicom.frames.kinds import Kind
from dicomlake.dicom.frames.pixels import PixelLayout, array_to_landed, layout_of
from dicomlake.dicom.frames.syntaxes import EXPLICIT_BIG, SYNTAXES, Decoder, Stream
from dicomlake.domain.model import TransferSyntaxUid
from tests.unit.dicom.frames_given import DELIMITER, item, noise


def frame_of(kind: Kind, syntax: TransferSyntaxUid, seed: int = 7) -> np.ndarray:
    """Return noise over the kind's whole range, as the array of its stored values."""
    layout = layout_of(kind.attributes, big_endian=syntax == EXPLICIT_BIG, vr="OW")
    return noise(layout, seed)


def value_of(kind: Kind, syntax: TransferSyntaxUid, frame: np.ndarray) -> bytes:
    """Return the pixel data value that holds this frame in this transfer syntax."""
    row = SYNTAXES[syntax]
    layout = layout_of(kind.attributes, big_endian=syntax == EXPLICIT_BIG, vr="OW")
    if row.stream is Stream.NATIVE:
        return array_to_landed(frame, layout)
    stream = _ENCODERS[row.decoder](frame, layout, kind, syntax)
    return item(b"") + item(stream + b"\0" * (len(stream) % 2)) + DELIMITER


def _native(frame: np.ndarray, layout: PixelLayout, _: Kind, __: TransferSyntaxUid) -> bytes:
    return array_to_landed(frame, layout)


def _deflated(frame: np.ndarray, layout: PixelLayout, _: Kind, __: TransferSyntaxUid) -> bytes:
    engine = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return engine.compress(array_to_landed(frame, layout)) + engine.flush()


def _rle(frame: np.ndarray, layout: PixelLayout, kind: Kind, _: TransferSyntaxUid) -> bytes:
    # Bits Allocated for Bits Stored: told of 8 in 16, pydicom 3.0.2 writes one byte a pixel into two segments.
    encoded = get_encoder(RLELossless).encode(
        np.ascontiguousarray(frame),
        rows=layout.rows,
        columns=layout.columns,
        samples_per_pixel=layout.samples,
        bits_allocated=layout.bits_allocated,
        bits_stored=layout.bits_allocated,
        pixel_representation=int(layout.signed),
        photometric_interpretation=kind.attributes.photometric,
        number_of_frames=1,
        planar_configuration=0,
    )
    return bytes(encoded)


def _unsigned(frame: np.ndarray, layout: PixelLayout) -> np.ndarray:
    """Signed pixels as encoders without signs take them: the bits of Bits Stored."""
    bits = frame.view(f"u{frame.itemsize}")
    return np.ascontiguousarray(bits & ((1 << layout.bits_stored) - 1)).astype(bits.dtype)


def _jpeg_lossless(frame: np.ndarray, layout: PixelLayout, kind: Kind, _: TransferSyntaxUid) -> bytes:
    space = {"RGB": "rgb", "YBR_FULL": "ycbcr"}.get(kind.attributes.photometric)
    plain = _unsigned(frame, layout)
    bits = layout.bits_stored if plain.itemsize == 2 and layout.bits_stored > 8 else None
    return bytes(
        imagecodecs.jpeg8_encode(plain, lossless=True, colorspace=space, outcolorspace=space, bitspersample=bits)
    )


def _jpeg_ls(frame: np.ndarray, layout: PixelLayout, _: Kind, __: TransferSyntaxUid) -> bytes:
    return bytes(imagecodecs.jpegls_encode(_unsigned(frame, layout)))


def _jpeg_2000(frame: np.ndarray, layout: PixelLayout, kind: Kind, syntax: TransferSyntaxUid) -> bytes:
    transformed = kind.attributes.photometric in ("RGB", "YBR_RCT")
    if syntax.endswith(".4.90"):
        whole = np.ascontiguousarray(frame, layout.dtype)
        encoded = imagecodecs.jpeg2k_encode(
            whole, level=0, reversible=True, bitspersample=layout.bits_stored, codecformat="j2k", mct=transformed
        )
        return bytes(encoded)
    narrow = np.ascontiguousarray(frame, layout.dtype)
    planes = narrow.transpose(2, 0, 1) if layout.samples == 3 and not transformed else narrow
    return bytes(
        imagecodecs.htj2k_encode(
            np.ascontiguousarray(planes),
            reversible=True,
            bitspersample=layout.bits_stored,
            rgb=transformed if layout.samples == 3 else None,
            planar=layout.samples == 3 and not transformed,
            resolutions=1,
            prog_order="RPCL",
            tlm=True,
            tilepart="RESOLUTIONS",
        )
    )


_ENCODERS: dict[Decoder, Callable[[np.ndarray, PixelLayout, Kind, TransferSyntaxUid], bytes]] = {
    Decoder.NATIVE: _native,
    Decoder.DEFLATED: _deflated,
    Decoder.RLE: _rle,
    Decoder.JPEG_LOSSLESS: _jpeg_lossless,
    Decoder.JPEG_LS: _jpeg_ls,
    Decoder.JPEG_2000: _jpeg_2000,
}
