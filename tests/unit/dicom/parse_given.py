"""Bytes of data sets and files, built element by element, and a source that counts what is read of it."""

import struct

from dicomlake.dicom.header.parse import BufferSource, ParsedInstance, parse

EXPLICIT, IMPLICIT, BIG = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"
DEFLATED, RLE = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.5"
LONG = {"OB", "OW", "SQ", "UN", "UT", "UC", "UR", "OF", "OD", "OL", "OV", "SV", "UV"}
UNDEFINED = 0xFFFFFFFF
ITEM_END, SEQUENCE_END = bytes.fromhex("feff0de000000000"), bytes.fromhex("feffdde000000000")


def pad(value: bytes, vr: str) -> bytes:
    return value + (b"" if len(value) % 2 == 0 else b"\0" if vr in {"UI", "OB", "UN"} else b" ")


def explicit(tag: int, vr: str, value: bytes, order: str = "<", length: int | None = None) -> bytes:
    value = pad(value, vr)
    size = len(value) if length is None else length
    head = struct.pack(f"{order}HH2s", tag >> 16, tag & 0xFFFF, vr.encode())
    return head + (struct.pack(f"{order}HI", 0, size) if vr in LONG else struct.pack(f"{order}H", size)) + value


def implicit(tag: int, value: bytes, length: int | None = None) -> bytes:
    value = value + b" " * (len(value) % 2)
    return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(value) if length is None else length) + value


def item(*elements: bytes, length: int | None = None) -> bytes:
    body = b"".join(elements)
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(body) if length is None else length) + body


def file_meta(syntax: str = EXPLICIT) -> bytes:
    body = explicit(0x00020002, "UI", b"1.2.840.10008.5.1.4.1.1.2") + explicit(0x00020010, "UI", syntax.encode())
    return b"\0" * 128 + b"DICM" + explicit(0x00020000, "UL", struct.pack("<I", len(body))) + body


UIDS = (
    (0x00080016, b"1.2.840.10008.5.1.4.1.1.2"),
    (0x00080018, b"1.2.3.4"),
    (0x0020000D, b"1.2.3"),
    (0x0020000E, b"1.2"),
)


def instance(*elements: bytes, order: str = "<", head: bytes | None = None) -> bytes:
    """A file with the four UIDs and what else is given, in tag order."""
    uids = [explicit(tag, "UI", uid, order) for tag, uid in UIDS]
    ordered = sorted([*uids, *elements], key=lambda e: struct.unpack(f"{order}HH", e[:4]))
    return (file_meta() if head is None else head) + b"".join(ordered)


def read(data: bytes) -> ParsedInstance:
    return parse(BufferSource(data))


def codes(parsed: ParsedInstance) -> list[str]:
    return [warning.code for warning in parsed.warnings]


class CountedSource:
    """A source that counts what is read of it, as one that lies elsewhere would be billed."""

    def __init__(self, data: bytes) -> None:
        self.data, self.size, self.bytes_read, self.reads = data, len(data), 0, 0

    def read(self, start: int, length: int) -> memoryview:
        self.bytes_read += length
        self.reads += 1
        return memoryview(self.data)[start : start + length]
