"""Is it DICOM: a look at the first bytes, so that a folder's other files are not sent by mistake."""

from enum import StrEnum
from typing import Literal

LOOK = 512
"""Bytes of a file that are looked at: the preamble and what names a DICOMDIR in its file meta."""

_PREAMBLE = 128
_DIRECTORY_CLASS = b"1.2.840.10008.1.3.10"
_FIRST_GROUPS = (0x0002, 0x0004, 0x0008)
_VRS = frozenset(
    b"AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV".split()
)
_LONGEST_FIRST_VALUE = 1024


class Kind(StrEnum):
    """What a file seems to be."""

    INSTANCE = "instance"
    DIRECTORY = "directory"
    OTHER = "other"
    EMPTY = "empty"


def sniff(start: bytes) -> Kind:
    """Say what a file that begins with these bytes seems to be; only an instance is worth sending.

    With the preamble of PS3.10 7.1 it is DICOM; without it, where it begins like a data set in any native encoding.
    """
    if not start:
        return Kind.EMPTY
    if start[_PREAMBLE : _PREAMBLE + 4] == b"DICM":
        return Kind.DIRECTORY if _DIRECTORY_CLASS in start[_PREAMBLE:] else Kind.INSTANCE
    bare = start[4:] if start[:4] == b"DICM" else start
    return Kind.INSTANCE if _begins_as_data_set(bare) else Kind.OTHER


def _begins_as_data_set(start: bytes) -> bool:
    """Whether the first eight bytes read as an element of one of the groups that data sets begin with."""
    return len(start) >= 8 and (_is_element(start, "little") or _is_element(start, "big"))


def _is_element(start: bytes, order: Literal["little", "big"]) -> bool:
    if int.from_bytes(start[:2], order) not in _FIRST_GROUPS:
        return False
    return start[4:6] in _VRS or int.from_bytes(start[4:8], order) <= _LONGEST_FIRST_VALUE
