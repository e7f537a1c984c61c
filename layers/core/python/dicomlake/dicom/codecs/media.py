"""What an image file says of itself, as the Image Pixel module and a transfer syntax: for metadata sent beside it.

JPEG (ISO/IEC 10918-1), JPEG-LS (14495-1) and JPEG 2000 (15444-1) keep their code streams; PNG and GIF, which DICOM
has no transfer syntax for, become native pixels.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from dicomlake.dicom.codecs.lossless import CODEC_ERRORS
from dicomlake.dicom.codecs.lossy import METHODS
from dicomlake.dicom.codecs.markers import bare_stream, read_header
from dicomlake.dicom.frames.pixels import Bytes, PixelArray
from dicomlake.dicom.frames.syntaxes import EXPLICIT_LITTLE, LARGEST_FRAME
from dicomlake.domain.errors import MalformedError, TooLargeError, UnsupportedError
from dicomlake.domain.model import TransferSyntaxUid

_ROOT = "1.2.840.10008.1.2.4."
_BASELINE, _EXTENDED, _PROGRESSIVE, _LOSSLESS, _JPEG_LS = 0xC0, 0xC1, 0xC2, 0xC3, 0xF7
_SOS, _APP14 = 0xDA, 0xEE
_BARE = frozenset({0x01, 0xFF, *range(0xD0, 0xD9)})
_FIRST_ORDER = 1


@dataclass(frozen=True, slots=True)
class ImageStream:
    """One image file as DICOM has it: its frames' bytes, their transfer syntax, and the Image Pixel module's numbers.

    `photometric` is that of the stream; `method` is the Lossy Image Compression Method, "" where it is lossless.
    `says_sign` is whether the stream itself tells if its samples are signed. `coded` is the file's length in bytes.
    """

    syntax: TransferSyntaxUid
    frames: tuple[Bytes, ...] = field(repr=False)
    rows: int
    columns: int
    samples: int
    bits: int
    photometric: str
    coded: int
    method: str = ""
    signed: bool = False
    says_sign: bool = False

    @property
    def bits_allocated(self) -> int:
        """Bits Allocated: whole bytes."""
        return 8 if self.bits <= 8 else 16

    @property
    def native_length(self) -> int:
        """The bytes of all frames, uncompressed."""
        return self.rows * self.columns * self.samples * self.bits_allocated // 8 * len(self.frames)


def read_image(media_type: str, data: Bytes) -> ImageStream:
    """Read an image file of a media type.

    Raises UnsupportedError where there is no such media type here, or DICOM has no place for the image; MalformedError
    where the file is not of its type.
    """
    reader = _READERS.get(media_type)
    if reader is None:
        raise UnsupportedError("bulk data of this media type cannot be pixel data")
    try:
        stream = reader(data)
    except (*CODEC_ERRORS, IndexError) as error:
        raise MalformedError("an image file is not of the media type that it was sent as") from error
    if not (stream.rows and stream.columns) or stream.samples not in (1, 3) or stream.bits > 16:
        raise UnsupportedError("an image of no size, or of other than 1 or 3 samples of 1 to 16 bits a pixel")
    return stream


def _jpeg(data: Bytes) -> ImageStream:
    """A JPEG file by its frame header: baseline, extended or lossless as it is, progressive decoded."""
    found = _markers(memoryview(data))
    kind, frame, scan = found.kind, found.frame, found.scan
    if kind == _PROGRESSIVE:
        return _decoded_jpeg(data)
    suffix = {_BASELINE: "50", _EXTENDED: "51", _LOSSLESS: "57"}.get(kind, "")
    if not suffix:
        raise UnsupportedError("a JPEG file of a process that DICOM has no transfer syntax for")
    if kind == _LOSSLESS and scan[1 + 2 * scan[0]] == _FIRST_ORDER:
        suffix = "70"
    syntax = TransferSyntaxUid(_ROOT + suffix)
    return ImageStream(
        syntax=syntax,
        frames=(data,),
        rows=int.from_bytes(frame[1:3]),
        columns=int.from_bytes(frame[3:5]),
        samples=frame[5],
        bits=frame[0],
        photometric=_jpeg_colours(found),
        coded=len(data),
        method=METHODS.get(syntax, ""),
    )


@dataclass(slots=True)
class _Markers:
    """Of a JPEG file: the frame header's marker and body, the first scan header, and Adobe's colour transform."""

    kind: int = 0
    frame: bytes = b""
    scan: bytes = b""
    adobe: int = -1


def _markers(view: memoryview) -> _Markers:
    if bytes(view[:2]) != b"\xff\xd8":
        raise ValueError("no SOI")
    found, position = _Markers(), 2
    while position + 4 <= len(view) and view[position] == 0xFF:
        marker = view[position + 1]
        if marker in _BARE:
            position += 1 if marker == 0xFF else 2
            continue
        length = int.from_bytes(view[position + 2 : position + 4])
        body = bytes(view[position + 4 : position + 2 + length])
        if marker == _SOS:
            found.scan = body
            break
        if marker == _APP14 and body.startswith(b"Adobe") and len(body) >= 12:
            found.adobe = body[11]
        elif marker in (*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0), _JPEG_LS):
            found.kind, found.frame = marker, body
        position += 2 + length
    if len(found.frame) < 6 or not found.scan:
        raise ValueError("no frame or scan header")
    return found


def _jpeg_colours(found: _Markers) -> str:
    """The Photometric Interpretation of a JPEG stream: what no one says is YCbCr, as JFIF has it.

    Lossy YCbCr is YBR_FULL_422 however its colours were sampled (PS3.5 8.2.1): decoders go by the stream.
    """
    frame = found.frame
    if frame[5] == 1:
        return "MONOCHROME2"
    named = bytes(frame[6 + 3 * index] for index in range(frame[5]))
    if found.adobe == 0 or (found.adobe < 0 and (named == b"RGB" or found.kind == _LOSSLESS)):
        return "RGB"
    return "YBR_FULL_422"


def _decoded_jpeg(data: Bytes) -> ImageStream:
    from imagecodecs import jpeg8_decode

    _check_size(_markers(memoryview(data)).frame)
    return _native(jpeg8_decode(bytes(data)), len(data), "ISO_10918_1")


def _check_size(frame: bytes) -> None:
    """Refuse what would not fit into memory before it is decoded."""
    if int.from_bytes(frame[1:3]) * int.from_bytes(frame[3:5]) * frame[5] > LARGEST_FRAME:
        raise TooLargeError("the image is over 64 MiB decoded: send it as a DICOM file")


def _jpeg_ls(data: Bytes) -> ImageStream:
    found = _markers(memoryview(data))
    if found.kind != _JPEG_LS:
        raise ValueError("no JPEG-LS frame header")
    near = found.scan[1 + 2 * found.scan[0]]
    syntax = TransferSyntaxUid(_ROOT + ("81" if near else "80"))
    frame = found.frame
    return ImageStream(
        syntax=syntax,
        frames=(data,),
        rows=int.from_bytes(frame[1:3]),
        columns=int.from_bytes(frame[3:5]),
        samples=frame[5],
        bits=frame[0],
        photometric="MONOCHROME2" if frame[5] == 1 else "RGB",
        coded=len(data),
        method=METHODS.get(syntax, ""),
    )


def _jpeg_2000(data: Bytes) -> ImageStream:
    bare = bare_stream(data)
    header = read_header(bare)
    suffixes = ("203", "201") if header.high_throughput else ("91", "90")
    syntax = TransferSyntaxUid(_ROOT + suffixes[header.reversible])
    colours = "YBR_RCT" if header.reversible else "YBR_ICT"
    several = colours if header.colour_transform else "RGB"
    return ImageStream(
        syntax=syntax,
        frames=(bare,),
        rows=header.rows,
        columns=header.columns,
        samples=header.components,
        bits=header.bits,
        photometric="MONOCHROME2" if header.components == 1 else several,
        coded=len(bare),
        method=METHODS.get(syntax, ""),
        signed=header.signed,
        says_sign=True,
    )


def _png(data: Bytes) -> ImageStream:
    from imagecodecs import png_decode

    head = bytes(data[:26])
    if len(head) < 26 or int.from_bytes(head[16:20]) * int.from_bytes(head[20:24]) * 3 > LARGEST_FRAME:
        raise TooLargeError("the image is over 64 MiB decoded: send it as a DICOM file")
    return _native(png_decode(bytes(data)), len(data))


def _gif(data: Bytes) -> ImageStream:
    from imagecodecs import gif_decode

    head = bytes(data[:10])
    if int.from_bytes(head[6:8], "little") * int.from_bytes(head[8:10], "little") * 3 > LARGEST_FRAME:
        raise TooLargeError("the image is over 64 MiB decoded: send it as a DICOM file")
    decoded = gif_decode(bytes(data))
    several = decoded if decoded.ndim == 4 else decoded[np.newaxis]
    frames = tuple(_opaque(one).tobytes() for one in several)
    first = _native(several[0], len(data))
    return ImageStream(
        EXPLICIT_LITTLE, frames, first.rows, first.columns, first.samples, 8, first.photometric, len(data)
    )


def _native(array: PixelArray, coded: int, method: str = "") -> ImageStream:
    shown = _opaque(array)
    samples = 1 if shown.ndim == 2 else shown.shape[2]
    little = shown.astype(shown.dtype.newbyteorder("<"), copy=False)
    return ImageStream(
        syntax=EXPLICIT_LITTLE,
        frames=(little.tobytes(),),
        rows=shown.shape[0],
        columns=shown.shape[1],
        samples=samples,
        bits=8 * shown.dtype.itemsize,
        photometric="MONOCHROME2" if samples == 1 else "RGB",
        coded=coded,
        method=method,
    )


def _opaque(array: PixelArray) -> PixelArray:
    """Leave the alpha channel out: DICOM's pixels have none."""
    if array.ndim == 3 and array.shape[2] in (1, 2):
        return np.ascontiguousarray(array[:, :, 0])
    return np.ascontiguousarray(array[:, :, :3]) if array.ndim == 3 else array


_READERS: MappingProxyType[str, Callable[[Bytes], ImageStream]] = MappingProxyType(
    {
        "image/jpeg": _jpeg,
        "image/jls": _jpeg_ls,
        "image/jp2": _jpeg_2000,
        "image/jpx": _jpeg_2000,
        "image/j2c": _jpeg_2000,
        "image/jphc": _jpeg_2000,
        "image/png": _png,
        "image/gif": _gif,
    }
)
IMAGES = frozenset(_READERS)
"""Media types that `read_image` reads."""
