"""Stored frames read again under the checksums of their records: what landed damaged, what was damaged since.

A record's last level has the CRC-32 of the pixels where the frame was proved when it was stored, and of the stored
bytes where it was kept as it landed (docs/lake-format.md). So a reader can tell a frame that nobody ever could decode
from one that could be decoded once.
"""

import numpy as np

from dicomlake.dicom.codecs import lossless
from dicomlake.dicom.codecs.kept import kept_pixels
from dicomlake.dicom.codecs.lossless import CODEC_ERRORS, crc32
from dicomlake.dicom.files.restore import decoded_frame
from dicomlake.dicom.frames.pixels import Bytes, PixelArray, PixelLayout, as_stored, little_endian
from dicomlake.dicom.frames.syntaxes import Decoder
from dicomlake.domain.errors import MalformedError


def is_as_landed(stored: Bytes, checksum: int) -> bool:
    """Whether stored bytes are those of a frame that was kept as it landed, by the checksum of its record."""
    return (crc32(np.frombuffer(stored, np.uint8)) if len(stored) else 0) == checksum


def proved_frame(code_stream: Bytes, layout: PixelLayout, photometric: str, checksum: int | None) -> PixelArray:
    """Return a stored HTJ2K frame's pixels as viewers get them: little endian, Bits Allocated wide, colour by pixel.

    `checksum` is its record's, None where there is none. A frame that was kept as it landed was never proved: it is
    decoded strictly, by OpenJPEG. Raises MalformedError if that fails, or the pixels are not those that were proved.
    """
    if checksum is not None and is_as_landed(code_stream, checksum):
        return kept_pixels(Decoder.JPEG_2000, code_stream, layout, photometric)
    array = decoded_frame(code_stream, layout)
    if checksum is not None and crc32(array) != checksum:
        raise MalformedError("a stored frame has other pixels than were proved when it was stored")
    return array


def proved_level(prefix: Bytes, skip: int, layout: PixelLayout, checksum: int) -> PixelArray:
    """Return a proved frame without its `skip` finest resolutions, from the bytes that hold the others.

    Raises MalformedError if they cannot be decoded, or the pixels are not those that were proved.
    """
    try:
        array = lossless.decode_openjph(prefix, skip=skip)
    except CODEC_ERRORS as error:
        raise MalformedError("a stored frame cannot be decoded") from error
    stored = as_stored(array, layout)
    if stored is None or crc32(little_endian(stored, layout)) != checksum:
        raise MalformedError("a stored frame has other pixels than were proved when it was stored")
    return stored
