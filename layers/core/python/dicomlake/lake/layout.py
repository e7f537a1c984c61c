"""The fixed ends of a pack: its header, its trailer, and the way bytes are asked for.

The trailer has the same 48 bytes in every version of the format, so that a reader of any age can say what it met.
"""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from dicomlake.domain.errors import MalformedError, UnsupportedError

ReadRange = Callable[[int, int], bytes]
"""Gives the `length` bytes that start at `offset` of one pack; both in bytes: `read_range(offset, length)`."""

VERSION = 1
MAGIC = b"\x89DLK\r\n\x1a\n"
END_MAGIC = b"DLKE"
HEADER_SIZE = 16
TRAILER_SIZE = 48
TAIL_SIZE = 64 * 1024
"""What one GET asks of a pack's end; it holds trailer, footer and frame tables of about 200 single-frame instances."""

_HEADER = struct.Struct("<8sH6x")
_TRAILER = struct.Struct("<QQQQIHxx")
_SEAL = struct.Struct("<I4s")


@dataclass(frozen=True, slots=True)
class Span:
    """A run of bytes: where it starts and how many there are."""

    offset: int
    length: int

    @property
    def end(self) -> int:
        """The first byte after the run."""
        return self.offset + self.length


@dataclass(frozen=True, slots=True)
class Trailer:
    """What a pack's last 48 bytes say: where its footer lies, how large both are, and the footer's CRC-32."""

    footer: Span
    footer_raw_length: int
    footer_crc32: int
    pack_size: int
    version: int = VERSION


def encode_header() -> bytes:
    """Return the 16 bytes every pack starts with."""
    return _HEADER.pack(MAGIC, VERSION)


def encode_trailer(trailer: Trailer) -> bytes:
    """Return the 48 bytes every pack ends with."""
    body = _TRAILER.pack(
        trailer.footer.offset,
        trailer.footer.length,
        trailer.footer_raw_length,
        trailer.pack_size,
        trailer.footer_crc32,
        trailer.version,
    )
    return body + _SEAL.pack(zlib.crc32(body), END_MAGIC)


def decode_trailer(tail: bytes) -> Trailer:
    """Read the trailer from the last bytes of a pack.

    Raises MalformedError if they are not the intact end of a pack, UnsupportedError if the pack has another version.
    """
    body, seal = tail[-TRAILER_SIZE : -_SEAL.size], tail[-_SEAL.size :]
    if len(body) != _TRAILER.size or seal != _SEAL.pack(zlib.crc32(body), END_MAGIC):
        raise MalformedError("the object does not end as a pack does: it is cut, damaged or no pack")
    offset, length, raw_length, size, crc32, version = _TRAILER.unpack(body)
    if version != VERSION:
        raise UnsupportedError(f"the pack has format version {version}, this release reads version {VERSION}")
    if offset < HEADER_SIZE or offset + length + TRAILER_SIZE != size:
        raise MalformedError("the pack's trailer places the footer outside the pack")
    return Trailer(Span(offset, length), raw_length, crc32, size, version)


def check_header(header: bytes) -> None:
    """Check a pack's first 16 bytes; raises MalformedError or UnsupportedError as `decode_trailer` does."""
    if len(header) != HEADER_SIZE or header[: len(MAGIC)] != MAGIC:
        raise MalformedError("the object does not begin as a pack does: it is damaged or no pack")
    version = _HEADER.unpack(header)[1]
    if version != VERSION:
        raise UnsupportedError(f"the pack has format version {version}, this release reads version {VERSION}")
