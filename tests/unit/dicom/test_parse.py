"""Parsing reads sound files and repairs the usual damage, saying so; every rule on literal bytes."""

import struct
import traceback
import zlib

import pytest

from dicomlake.dicom import elements, fallback, inflate
from dicomlake.dicom.parse import BufferSource, ParsedInstance, PixelAttributes, parse
from dicomlake.domain.errors import PermanentError, Reason
from dicomlake.domain.model import JsonObject

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


def test_sequences_nested_without_end_are_refused() -> None:
    deep = b""
    for _ in range(120):
        deep = explicit(0x00081140, "SQ", item(deep))

    with pytest.raises(PermanentError):
        read(instance(deep))


def test_more_elements_than_any_memory_holds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elements, "MAX_ELEMENTS", 5000)
    many = b"".join(explicit(0x00110000 + n, "LO", b"") for n in range(0x1000, 0xFFFF))

    with pytest.raises(PermanentError) as caught:
        read(instance(many))

    assert caught.value.reason is Reason.TOO_LARGE


def test_more_items_than_any_memory_holds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elements, "MAX_ELEMENTS", 1000)

    with pytest.raises(PermanentError) as caught:
        read(instance(explicit(0x00101002, "SQ", item() * 2000)))

    assert caught.value.reason is Reason.TOO_LARGE


def test_a_second_reading_is_tried_only_where_it_is_soon_over() -> None:
    large = explicit(0x7FE00010, "OW", bytes(fallback.MAX_SIZE))

    with pytest.raises(PermanentError, match="too large for a second reading"):
        read(instance(explicit(0x00101002, "SQ", b"no item at all.."), large))


@pytest.mark.parametrize("body", [b"ab", b"abcd", b"\xfe\xff\x00\xe0\x02\x00"])
def test_a_sequence_too_short_for_an_item_is_malformed_for_both_readers(body: bytes) -> None:
    with pytest.raises(PermanentError) as caught:
        read(instance(explicit(0x00101002, "SQ", body), explicit(0x00101003, "UN", body)))

    assert caught.value.reason is Reason.MALFORMED


def test_an_error_of_the_second_reading_quotes_nothing() -> None:
    data = instance(explicit(0x00100020, "IS", b"SECRET"), explicit(0x00101002, "SQ", b"no item at all.."))

    with pytest.raises(PermanentError) as caught:
        read(data)

    assert "SECRET" not in "".join(traceback.format_exception(caught.value))


class CountedSource:
    """A source that counts what is read of it, as one that lies elsewhere would be billed."""

    def __init__(self, data: bytes) -> None:
        self.data, self.size, self.bytes_read, self.reads = data, len(data), 0, 0

    def read(self, start: int, length: int) -> memoryview:
        self.bytes_read += length
        self.reads += 1
        return memoryview(self.data)[start : start + length]


def test_the_pixels_are_never_read() -> None:
    fragment = struct.pack("<HHI", 0xFFFE, 0xE000, 1 << 20) + bytes(1 << 20)
    fragments = bytes.fromhex("feff00e000000000") + fragment * 8 + SEQUENCE_END
    source = CountedSource(instance(explicit(0x7FE00010, "OB", fragments, length=UNDEFINED), head=file_meta(RLE)))

    parsed = parse(source)

    assert parsed.pixels is not None
    assert parsed.pixels.value_length == len(fragments)
    assert source.bytes_read < 64 << 10


@pytest.mark.parametrize("right", [True, False])
def test_an_offset_table_leads_to_the_last_frame_if_it_is_right(right: bool) -> None:
    fragment = struct.pack("<HHI", 0xFFFE, 0xE000, 100_000) + bytes(100_000)
    offsets = [n * len(fragment) + (0 if right else 2) for n in range(40)]
    table = struct.pack("<HHI40I", 0xFFFE, 0xE000, 160, *offsets)
    fragments = table + fragment * 40 + SEQUENCE_END
    source = CountedSource(instance(explicit(0x7FE00010, "OB", fragments, length=UNDEFINED), head=file_meta(RLE)))

    parsed = parse(source)

    assert parsed.pixels is not None
    assert (parsed.pixels.value_length, parsed.pixels.truncated) == (len(fragments), False)
    assert (source.reads < 20) is right


def test_a_header_longer_than_any_window_reads_the_same_from_any_source() -> None:
    many = [explicit(0x00110000 + n, "LO", b"value %d" % n) for n in range(0x1000, 0x5000)]
    data = instance(*many, explicit(0x7FE00010, "OW", b"PIXELS"))

    parsed = parse(CountedSource(data))

    assert parsed.json["00114FFF"] == {"vr": "LO", "Value": ["value 20479"]}
    assert len(parsed.json) == 0x4000 + 5


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
