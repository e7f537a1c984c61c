"""Parsing reads sound files and those that miss their beginning, and says what is no instance; on literal bytes."""

import struct
import zlib

import pytest

from dicomlake.dicom.header import inflate
from dicomlake.dicom.header.parse import BufferSource, PixelAttributes, parse
from dicomlake.domain.errors import PermanentError, Reason
from tests.unit.dicom.parse_given import (
    BIG,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    RLE,
    UIDS,
    UNDEFINED,
    codes,
    explicit,
    file_meta,
    implicit,
    instance,
    item,
    read,
)


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


def test_a_file_without_preamble_is_read_and_says_so() -> None:
    sound = instance()

    assert codes(read(sound[132:])) == ["no-preamble"]
    assert codes(read(sound[128:])) == ["no-preamble"]


def test_a_data_set_without_file_meta_tells_its_encoding_itself() -> None:
    for order, syntax in (("<", EXPLICIT), (">", BIG)):
        parsed = read(instance(explicit(0x00280010, "US", struct.pack(f"{order}H", 7), order), order=order, head=b""))

        assert parsed.transfer_syntax == syntax
        assert parsed.json["00280010"] == {"vr": "US", "Value": [7]}
        assert codes(parsed) == ["no-preamble", "no-file-meta", "no-transfer-syntax"]


def test_an_implicit_data_set_without_anything_before_it_is_read() -> None:
    data = b"".join(implicit(tag, uid + b"\0" * (len(uid) % 2)) for tag, uid in UIDS)

    parsed = read(data)

    assert (parsed.transfer_syntax, parsed.key.instance_uid) == (IMPLICIT, "1.2.3.4")


def test_the_bytes_outweigh_a_wrong_transfer_syntax() -> None:
    data = file_meta(EXPLICIT) + b"".join(implicit(tag, uid + b"\0" * (len(uid) % 2)) for tag, uid in UIDS)

    parsed = read(data)

    assert parsed.transfer_syntax == IMPLICIT
    assert [(w.code, w.detail) for w in parsed.warnings] == [("wrong-transfer-syntax", IMPLICIT)]


def test_fragments_under_a_native_transfer_syntax_are_known_by_their_stream() -> None:
    stream = bytes.fromhex("feff00e000000000feff00e004000000ff4fff51feffdde000000000")

    parsed = read(instance(explicit(0x7FE00010, "OB", stream, length=UNDEFINED)))

    assert parsed.transfer_syntax == "1.2.840.10008.1.2.4.90"
    assert codes(parsed) == ["wrong-transfer-syntax"]
    assert parsed.pixels is not None
    assert (parsed.pixels.encapsulated, parsed.pixels.value_length) == (True, len(stream))


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_deflated_data_set_is_inflated_and_offsets_are_into_that(wrapped: bool) -> None:
    plain = instance(explicit(0x7FE00010, "OW", b"PIXELS"), head=b"")
    engine = zlib.compressobj(wbits=zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)
    head = file_meta(DEFLATED)

    parsed = read(head + engine.compress(plain) + engine.flush())

    assert parsed.inflated
    assert bytes(parsed.source.read(0, parsed.source.size)) == head + plain
    assert parsed.pixels is not None
    assert bytes(parsed.source.read(parsed.pixels.value_offset, 6)) == b"PIXELS"
    assert parsed.transfer_syntax == DEFLATED


def test_a_deflate_bomb_is_refused() -> None:
    engine = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    zeros = bytes(1 << 20)
    bomb = b"".join(engine.compress(zeros) for _ in range((inflate.MAX_INFLATED >> 20) + 1)) + engine.flush()

    with pytest.raises(PermanentError) as caught:
        read(file_meta(DEFLATED) + bomb)

    assert caught.value.reason is Reason.TOO_LARGE


def test_a_deflated_stream_that_is_cut_gives_what_is_there() -> None:
    plain = instance(explicit(0x7FE00010, "OW", bytes(range(256)) * 40), head=b"")
    engine = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    stream = engine.compress(plain) + engine.flush()

    parsed = read(file_meta(DEFLATED) + stream[:-20])

    assert {"truncated-deflate", "truncated-pixels"} <= set(codes(parsed))


def test_private_elements_are_read_by_their_creator_per_block_and_per_item() -> None:
    block_10 = implicit(0x00090010, b"GEMS_IDEN_01") + implicit(0x00091001, b"GE_GENESIS_FF ")
    block_11 = implicit(0x00090011, b"SOMEONE ELSE") + implicit(0x00091101, b"AB")
    inside = item(implicit(0x00090010, b"NOBODY") + implicit(0x00091001, b"AB"))
    uids = [implicit(tag, uid + b"\0" * (len(uid) % 2)) for tag, uid in UIDS]
    private = block_10 + block_11 + implicit(0x00101002, inside)
    data = file_meta(IMPLICIT) + b"".join(uids[:2]) + private + b"".join(uids[2:])

    parsed = read(data)

    assert parsed.json["00091001"] == {"vr": "LO", "Value": ["GE_GENESIS_FF"]}
    assert parsed.json["00091101"] == {"vr": "UN", "InlineBinary": "QUI="}
    assert parsed.json["00101002"]["Value"][0]["00091001"] == {"vr": "UN", "InlineBinary": "QUI="}  # type: ignore[index,call-overload]


def test_large_values_are_named_by_their_place() -> None:
    document = bytes(range(256)) * 8192
    data = instance(explicit(0x00420011, "OB", document))

    parsed = read(data)

    (bulk,) = parsed.bulk
    assert (bulk.path, bulk.vr, data[bulk.start : bulk.end]) == (("00420011",), "OB", document)
    assert parsed.json["00420011"] == {"vr": "OB", "BulkDataURI": f"bulk/{bulk.start}-{bulk.end}"}


def test_an_icon_inside_an_item_is_no_pixel_element() -> None:
    icon = item(explicit(0x7FE00010, "OW", b"ICON"))

    parsed = read(instance(explicit(0x00880200, "SQ", icon)))

    assert parsed.pixels is None
    assert parsed.json["00880200"] == {"vr": "SQ", "Value": [{"7FE00010": {"vr": "OW", "InlineBinary": "SUNPTg=="}}]}


def test_missing_pixel_attributes_have_their_documented_defaults() -> None:
    parsed = read(instance(explicit(0x7FE00008, "OF", b"\0\0\0\0")))

    assert parsed.pixel_attributes == PixelAttributes(0, 0, 1, 32, 32, 31, 0, 0, 1, "MONOCHROME2")


def test_the_extended_offset_table_is_told_by_its_spans() -> None:
    stream = bytes.fromhex("feff00e000000000feff00e004000000ff4fff51feffdde000000000")
    offsets, lengths = explicit(0x7FE00001, "OV", bytes(8)), explicit(0x7FE00002, "OV", b"\4" + bytes(7))
    data = instance(offsets, lengths, explicit(0x7FE00010, "OB", stream, length=UNDEFINED), head=file_meta(RLE))

    attributes = read(data).pixel_attributes

    assert attributes is not None
    assert attributes.frame_offsets is not None
    assert attributes.frame_lengths is not None
    assert data[slice(*attributes.frame_offsets)] == bytes(8)
    assert data[slice(*attributes.frame_lengths)] == b"\4" + bytes(7)


def test_equal_content_has_an_equal_digest_however_it_is_encoded() -> None:
    little = read(instance(explicit(0x00280010, "US", b"\x10\0"), explicit(0x00281201, "OW", b"\1\2\3\4")))
    big = read(
        instance(
            explicit(0x00280010, "US", b"\0\x10", ">"),
            explicit(0x00281201, "OW", b"\2\1\4\3", ">"),
            order=">",
            head=file_meta(BIG),
        )
    )
    padded = read(
        instance(
            explicit(0x00080005, "CS", b"ISO_IR 192"),
            explicit(0x00280010, "US", b"\x10\0"),
            explicit(0x00281201, "OW", b"\1\2\3\4"),
            explicit(0x7FE00010, "OW", b"PIXELS"),
            explicit(0xFFFCFFFC, "OB", bytes(64)),
        )
    )

    assert little.canonical == big.canonical == padded.canonical
    assert little.canonical != read(instance(explicit(0x00280010, "US", b"\x11\0"))).canonical


def test_bulk_values_count_by_their_content_not_their_place() -> None:
    document = explicit(0x00420011, "OB", b"x" * 5000)
    here = parse(BufferSource(instance(document)), bulk_limit=1000)
    there = parse(BufferSource(instance(document, explicit(0x00100000, "UL", b"\4\0\0\0"))), bulk_limit=1000)
    other = parse(BufferSource(instance(explicit(0x00420011, "OB", b"y" * 5000))), bulk_limit=1000)

    assert here.bulk[0].start != there.bulk[0].start
    assert here.canonical == there.canonical != other.canonical
