"""Parsing reads sound files and repairs the usual damage, saying so; every rule on literal bytes."""

import struct

import pytest

from dicomlake.dicom.parse import BufferSource, ParsedInstance, parse
from dicomlake.domain.errors import PermanentError, Reason

EXPLICIT, IMPLICIT, BIG = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"
LONG = {"OB", "OW", "SQ", "UN", "UT", "UC", "UR", "OF", "OD", "OL", "OV", "SV", "UV"}
UNDEFINED = 0xFFFFFFFF


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


def test_a_sound_file_gives_key_syntax_json_and_no_warning() -> None:
    parsed = read(instance(explicit(0x00100010, "PN", b"Doe^Jane"), explicit(0x00280010, "US", b"\x10\x00")))

    assert (parsed.key.study_uid, parsed.key.series_uid, parsed.key.instance_uid) == ("1.2.3", "1.2", "1.2.3.4")
    assert (parsed.transfer_syntax, parsed.warnings, parsed.inflated, parsed.big_endian) == (EXPLICIT, (), False, False)
    assert parsed.json["00100010"] == {"vr": "PN", "Value": [{"Alphabetic": "Doe^Jane"}]}
    assert parsed.json["00280010"] == {"vr": "US", "Value": [16]}


def test_the_head_is_everything_but_the_pixel_value() -> None:
    data = instance(explicit(0x7FE00010, "OW", b"PIXELS"), explicit(0xFFFCFFFC, "OB", b"\0\0"))

    parsed = read(data)

    assert parsed.pixels is not None
    assert data[parsed.pixels.value_offset : parsed.pixels.value_end] == b"PIXELS"
    assert b"".join(data[a:b] for a, b in parsed.head_spans) == data.replace(b"PIXELS", b"")
    assert parsed.json["7FE00010"] == {"vr": "OW", "BulkDataURI": "pixeldata"}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", Reason.EMPTY),
        (b"hello, this is text and not an image " * 9, Reason.NOT_DICOM),
        (b"PK\x03\x04" + bytes(200), Reason.CONTAINER),
        (b"\x1f\x8b\x08" + bytes(200), Reason.CONTAINER),
        (bytes(257) + b"ustar" + bytes(300), Reason.CONTAINER),
        (bytes(0x8001) + b"CD001" + bytes(300), Reason.CONTAINER),
        (file_meta(), Reason.TRUNCATED_HEADER),
        (file_meta()[:150], Reason.TRUNCATED_HEADER),
        (instance()[:-10], Reason.TRUNCATED_HEADER),
        (file_meta() + explicit(0x00080018, "UI", b"1.2"), Reason.MISSING_UID),
        (instance().replace(b"1.2.3.4\0", b"1.2.x.4\0"), Reason.INVALID_UID),
        (instance().replace(b"5.1.4.1.1.2\0", b"5.1.4.39.1\0\0"), Reason.NON_PATIENT),
        (instance(explicit(0x00041220, "SQ", b"")), Reason.DIRECTORY),
    ],
)
def test_what_is_no_instance_is_named_by_its_reason(data: bytes, reason: Reason) -> None:
    with pytest.raises(PermanentError) as caught:
        read(data)

    assert caught.value.reason is reason
