"""Is it DICOM: a look at the first bytes, as the lake looks at them, so that other files are not sent by mistake."""

from dataclasses import dataclass
from enum import StrEnum

from dicomlake.dicom.header.classify import ENOUGH, PREAMBLE, PREFIX, find_start
from dicomlake.domain.errors import NotAnInstanceError, Reason

LOOK = ENOUGH
"""Bytes of a file that are looked at."""

_DIRECTORY_CLASS = b"1.2.840.10008.1.3.10"


class Kind(StrEnum):
    """What a file seems to be."""

    INSTANCE = "instance"
    DIRECTORY = "directory"
    OTHER = "other"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class _Beginning:
    """A file of which only the beginning was read; what lies behind it reads as nothing."""

    data: bytes
    size: int

    def read(self, offset: int, length: int) -> memoryview:
        return memoryview(self.data)[offset : offset + length]


def sniff(start: bytes, size: int) -> Kind:
    """Say what a file of `size` bytes that begins with `start` seems to be; only an instance is worth sending.

    The rule is the lake's own (dicom/header/classify.py), but for a DICOMDIR, which its file meta names (PS3.10 7.1).
    """
    try:
        find_start(_Beginning(start, size))
    except NotAnInstanceError as exc:
        return Kind.EMPTY if exc.reason is Reason.EMPTY else Kind.OTHER
    has_meta = start[PREAMBLE : PREAMBLE + len(PREFIX)] == PREFIX
    return Kind.DIRECTORY if has_meta and _DIRECTORY_CLASS in start else Kind.INSTANCE
