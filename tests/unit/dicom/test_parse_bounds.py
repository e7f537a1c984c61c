"""No object takes more time, memory or reads than its share."""

import struct
import traceback

import pytest

from dicomlake.dicom.header import elements, fallback
from dicomlake.dicom.header.parse import parse
from dicomlake.domain.errors import PermanentError, Reason
from tests.unit.dicom.parse_given import (
    RLE,
    SEQUENCE_END,
    UNDEFINED,
    CountedSource,
    explicit,
    file_meta,
    instance,
    item,
    read,
)


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
