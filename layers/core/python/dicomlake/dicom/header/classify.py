"""What an object is before anything is read of it: by the evidence of its first bytes (PS3.10 7.1)."""

from dataclasses import dataclass

from dicomlake.dicom.header.syntax import sniff_encoding
from dicomlake.dicom.header.vr import KNOWN
from dicomlake.dicom.source import ByteSource
from dicomlake.domain.errors import NotAnInstanceError, Reason

PREAMBLE = 128
PREFIX = b"DICM"
ENOUGH = 512

CONTAINERS = (
    (0, b"PK\x03\x04"),
    (0, b"PK\x05\x06"),
    (0, b"\x1f\x8b"),
    (0, b"7z\xbc\xaf\x27\x1c"),
    (0, b"BZh"),
    (0, b"\xfd7zXZ\x00"),
    (0, b"\x28\xb5\x2f\xfd"),
    (0, b"Rar!\x1a\x07"),
    (257, b"ustar"),
    (0x8001, b"CD001"),
)
"""Offset and signature of zip, gzip, 7z, bzip2, xz, zstd, rar, tar and ISO 9660."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where file meta and data set begin; `warning` is the repair that it took to find them, if any."""

    offset: int
    warning: str = ""


def find_start(source: ByteSource) -> Start:
    """Find the first element of an object, or raise NotAnInstanceError for what is no DICOM."""
    if not source.size:
        raise NotAnInstanceError("the object has no bytes", Reason.EMPTY)
    head = bytes(source.read(0, ENOUGH))
    if head[PREAMBLE : PREAMBLE + 4] == PREFIX:
        return Start(PREAMBLE + 4)
    if _is_container(source, head):
        raise NotAnInstanceError("the object is an archive", Reason.CONTAINER)
    if head[:4] == PREFIX:
        return Start(4, "no-preamble")
    for offset in (0, PREAMBLE):
        if _two_elements(head[offset:], source.size - offset):
            return Start(offset, "no-preamble" if offset == 0 else "no-prefix")
    raise NotAnInstanceError("the object begins with nothing that DICOM files begin with")


def _is_container(source: ByteSource, head: bytes) -> bool:
    return any(
        (head[at : at + len(magic)] if at < ENOUGH else bytes(source.read(at, len(magic)))) == magic
        for at, magic in CONTAINERS
    )


def _two_elements(head: bytes, size: int) -> bool:
    """Whether bytes begin with two elements in order: one may be chance, two hardly are."""
    encoding = sniff_encoding(head)
    if encoding is None:
        return False
    layout = encoding.layout(head[: encoding.key_size])
    (length,) = layout.length(head, layout.skip)
    next_at = layout.header + length
    if next_at >= len(head):
        return next_at <= size and head[4:6].decode("latin-1") in KNOWN
    following = head[next_at : next_at + 8]
    return len(following) == 8 and layout.tag < encoding.tag(following)
