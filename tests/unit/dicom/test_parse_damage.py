"""The usual damage is repaired and told; every rule on literal bytes."""

import struct

import pytest

from dicomlake.domain.model import JsonObject
from tests.unit.dicom.parse_given import (
    ITEM_END,
    RLE,
    SEQUENCE_END,
    UNDEFINED,
    codes,
    explicit,
    file_meta,
    implicit,
    instance,
    item,
    read,
)

DAMAGE: list[tuple[str, tuple[bytes, ...], JsonObject, list[str]]] = [
    (
        "an element without VR inside explicit VR",
        (implicit(0x00100020, b"ID42"),),
        {"00100020": {"vr": "LO", "Value": ["ID42"]}},
        ["implicit-in-explicit"],
    ),
    (
        "an odd length",
        (struct.pack("<HH2sH", 0x10, 0x20, b"LO", 3) + b"ID4",),
        {"00100020": {"vr": "LO", "Value": ["ID4"]}},
        ["odd-length"],
    ),
    (
        "a VR of blanks",
        (struct.pack("<HH2sH", 0x10, 0x20, b"  ", 4) + b"ID42",),
        {"00100020": {"vr": "LO", "Value": ["ID42"]}},
        ["unknown-vr"],
    ),
    (
        "a VR of later editions",
        (struct.pack("<HH2sHI", 0x11, 0x20, b"ZZ", 0, 4) + b"ID42",),
        {"00110020": {"vr": "LO", "Value": ["ID42"]}},
        ["unknown-vr"],
    ),
    (
        "UN of a known tag",
        (explicit(0x00100020, "UN", b"ID42"),),
        {"00100020": {"vr": "LO", "Value": ["ID42"]}},
        ["un-known-tag"],
    ),
    (
        "UN of a tag that is US or SS, by the pixel representation that comes before",
        (explicit(0x00280103, "US", b"\1\0"), explicit(0x00280106, "UN", b"\xff\xff")),
        {"00280106": {"vr": "SS", "Value": [-1]}},
        ["un-known-tag"],
    ),
    (
        "UN of undefined length is a sequence in implicit VR (CP-246)",
        (explicit(0x00101002, "UN", item(implicit(0x00100020, b"AB")) + SEQUENCE_END, length=UNDEFINED),),
        {"00101002": {"vr": "SQ", "Value": [{"00100020": {"vr": "LO", "Value": ["AB"]}}]}},
        ["un-known-tag"],
    ),
    (
        "UN of a known sequence with a defined length",
        (explicit(0x00101002, "UN", item(implicit(0x00100020, b"AB"))),),
        {"00101002": {"vr": "SQ", "Value": [{"00100020": {"vr": "LO", "Value": ["AB"]}}]}},
        ["un-known-tag"],
    ),
    (
        "a UN sequence in explicit VR, which CP-246 does not allow",
        (explicit(0x00101002, "UN", item(explicit(0x00100020, "LO", b"AB")) + SEQUENCE_END, length=UNDEFINED),),
        {"00101002": {"vr": "SQ", "Value": [{"00100020": {"vr": "LO", "Value": ["AB"]}}]}},
        ["un-known-tag", "explicit-in-un"],
    ),
    (
        "a sequence whose defined length is too short for its items",
        (
            explicit(
                0x00101002,
                "SQ",
                item(explicit(0x00100020, "LO", b"AB"), length=UNDEFINED) + ITEM_END,
                length=22,
            ),
        ),
        {"00101002": {"vr": "SQ", "Value": [{"00100020": {"vr": "LO", "Value": ["AB"]}}]}},
        ["wrong-length"],
    ),
    (
        "a tag twice: the last one counts",
        (explicit(0x00100020, "LO", b"A1"), explicit(0x00100020, "LO", b"A2")),
        {"00100020": {"vr": "LO", "Value": ["A2"]}},
        ["duplicate-tag"],
    ),
    (
        "a value that its VR does not allow: its bytes are kept",
        (explicit(0x00280009, "AT", b"\x18\x00"),),
        {"00280009": {"vr": "UN", "InlineBinary": "GAA="}},
        ["invalid-value"],
    ),
    (
        "an undefined-length sequence without its delimiter",
        (explicit(0x00101002, "SQ", item(explicit(0x00100020, "LO", b"AB")), length=UNDEFINED),),
        {"00101002": {"vr": "SQ", "Value": [{"00100020": {"vr": "LO", "Value": ["AB"]}}]}},
        ["missing-delimiter"],
    ),
    (
        "an item delimiter too many",
        (
            explicit(
                0x00101002, "SQ", item(explicit(0x00100020, "LO", b"AB")) + ITEM_END + SEQUENCE_END, length=UNDEFINED
            ),
        ),
        {"00101002": {"vr": "SQ", "Value": [{"00100020": {"vr": "LO", "Value": ["AB"]}}]}},
        ["stray-delimiter"],
    ),
    (
        "group lengths are no part of the JSON",
        (explicit(0x00100000, "UL", b"\4\0\0\0"), explicit(0x00100020, "LO", b"AB")),
        {"00100020": {"vr": "LO", "Value": ["AB"]}},
        [],
    ),
]


@pytest.mark.parametrize(("damaged", "view", "warnings"), [row[1:] for row in DAMAGE], ids=[row[0] for row in DAMAGE])
def test_damage_is_repaired_and_told(damaged: tuple[bytes, ...], view: JsonObject, warnings: list[str]) -> None:
    parsed = read(instance(*damaged))

    assert {tag: parsed.json.get(tag) for tag in view} == view
    assert codes(parsed) == warnings
    assert not any(tag.endswith("0000") for tag in parsed.json)


def test_elements_out_of_order_are_put_in_order() -> None:
    parsed = read(instance() + explicit(0x00080060, "CS", b"CT"))

    assert list(parsed.json) == sorted(parsed.json)
    assert codes(parsed) == ["out-of-order"]


@pytest.mark.parametrize("tail", [b"\0" * 64, b"\r\n", b"\x12\x34\x56", b"garbage behind the pixels " * 9])
def test_bytes_after_the_pixels_are_told_and_stay_in_the_head(tail: bytes) -> None:
    data = instance(explicit(0x7FE00010, "OW", b"PIXELS")) + tail

    parsed = read(data)

    assert codes(parsed) == ["trailing-bytes"]
    assert b"".join(data[a:b] for a, b in parsed.head_spans).endswith(tail)


def test_zeros_after_a_data_set_without_pixels_are_trailing_bytes() -> None:
    assert codes(read(instance() + bytes(2048))) == ["trailing-bytes"]


@pytest.mark.parametrize("length", [1000, UNDEFINED])
def test_pixels_that_are_cut_off_are_truncated_not_lost(length: int) -> None:
    fragment = bytes.fromhex("feff00e000000000feff00e0e8030000") if length == UNDEFINED else b""

    parsed = read(instance(explicit(0x7FE00010, "OB", fragment + b"PIXELS", length=length)))

    assert parsed.pixels is not None
    assert (parsed.pixels.truncated, parsed.pixels.value_length) == (True, len(fragment) + 6)
    assert "truncated-pixels" in codes(parsed)


def test_fragments_without_their_last_delimiter_are_whole() -> None:
    fragments = bytes.fromhex("feff00e000000000feff00e00400000001020304")

    parsed = read(instance(explicit(0x7FE00010, "OB", fragments, length=UNDEFINED), head=file_meta(RLE)))

    assert parsed.pixels is not None
    assert not parsed.pixels.truncated
    assert codes(parsed) == ["missing-delimiter"]


def test_what_the_walk_declines_is_read_by_pydicom() -> None:
    long_value = explicit(0x00100020, "LO", b"ABCD")
    short_item = struct.pack("<HHI", 0xFFFE, 0xE000, len(long_value) - 2) + long_value
    data = instance(explicit(0x00101002, "SQ", short_item), explicit(0x7FE00010, "OW", b"PIXELS"))

    parsed = read(data)

    assert codes(parsed) == ["read-by-pydicom"]
    assert parsed.pixels is not None
    assert data[parsed.pixels.value_offset : parsed.pixels.value_end] == b"PIXELS"
    assert parsed.json["00101002"] == {"vr": "SQ", "Value": [{"00100020": {"vr": "LO", "Value": ["ABCD"]}}]}
