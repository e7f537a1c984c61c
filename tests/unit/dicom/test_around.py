"""What is known of bytes that differ in one value alone changes how fast they are read, never what is read."""

import struct
from collections.abc import Callable, Iterator

import pytest

from dicomlake.dicom.around import KNOWN, Recurring
from dicomlake.dicom.codecs import markers
from dicomlake.dicom.codecs.lossless import encode
from dicomlake.dicom.codecs.markers import read_header
from dicomlake.dicom.frames.pixels import PixelLayout
from dicomlake.dicom.header import opened
from dicomlake.dicom.header.opened import open_object
from dicomlake.dicom.source import BufferSource
from dicomlake.domain.errors import PipelineError
from tests.unit.dicom.frames_given import noise
from tests.unit.dicom.parse_given import explicit, instance

LAYOUT = PixelLayout(300, 200, 1, 16, 12, signed=False)


def damaged(data: bytes, size: int) -> Iterator[bytes]:
    """Yield the bytes with each of the first `size` changed, and cut short at each."""
    for at in range(size):
        yield data[:at] + bytes([data[at] ^ 0x01]) + data[at + 1 :]
        yield data[:at] + bytes([data[at] ^ 0x80]) + data[at + 1 :]
        yield data[:at]


def outcome(read: Callable[[bytes], object], data: bytes) -> object:
    try:
        return read(data)
    except (PipelineError, IndexError) as error:
        return type(error), str(error)


def object_of(uid: bytes) -> bytes:
    elements = (
        explicit(0x00020001, "OB", b"\0\1"),
        explicit(0x00020002, "UI", b"1.2.840.10008.5.1.4.1.1.2"),
        explicit(0x00020003, "UI", uid),
        explicit(0x00020010, "UI", b"1.2.840.10008.1.2.1"),
    )
    body = b"".join(elements)
    length = explicit(0x00020000, "UL", struct.pack("<I", len(body)))
    return instance(explicit(0x00180050, "DS", b"1.25"), head=b"\0" * 128 + b"DICM" + length + body)


def opening(data: bytes) -> object:
    found = open_object(BufferSource(data))
    meta = found.meta
    return found.start, found.encoding, meta.end, meta.sop_class, meta.transfer_syntax, found.inflated, found.warnings


def test_only_the_value_in_between_may_differ() -> None:
    known: Recurring[str] = Recurring(2)
    known.remember(b"ab-12-cd", (3, 5), 7, "met")

    found = {data: known.find(data, len(data)) is not None for data in (b"ab-34-c", b"ab-34-d", b"ab+12-c", b"ab-12-")}

    assert list(found.values()) == [True, False, False, False]
    assert known.find(b"ab-12-cd", 6) is None


def test_what_is_remembered_is_bounded() -> None:
    known: Recurring[int] = Recurring(2)

    for number in range(3 * KNOWN):
        known.remember(number.to_bytes(2), (2, 2), 2, number)

    assert sum(known.find(number.to_bytes(2), 2) is not None for number in range(3 * KNOWN)) <= KNOWN


def test_the_file_meta_of_a_series_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = opening(object_of(b"1.2.3.4"))
    monkeypatch.setattr(opened, "read_file_meta", None)

    assert opening(object_of(b"1.2.3.5")) == first


def test_a_known_beginning_is_opened_as_if_it_were_new(monkeypatch: pytest.MonkeyPatch) -> None:
    data = object_of(b"1.2.3.4")
    end = open_object(BufferSource(data)).start + 24

    for changed in damaged(data, end):
        monkeypatch.setattr(opened, "_PREAMBLES", Recurring(160))
        expected = outcome(opening, changed)
        monkeypatch.setattr(opened, "_PREAMBLES", Recurring(160))
        opening(data)

        assert outcome(opening, changed) == expected


def test_the_main_header_of_a_series_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = (encode(noise(LAYOUT, seed), LAYOUT, colour_transform=False) for seed in (1, 2))
    monkeypatch.setattr(markers, "_HEADERS", Recurring(64))
    expected = read_header(other)
    monkeypatch.setattr(markers, "_HEADERS", Recurring(64))
    read_header(one)
    monkeypatch.setattr(markers, "_main_header", None)

    assert read_header(other) == expected
    assert read_header(one).tile_lengths != expected.tile_lengths


def test_a_known_main_header_is_read_as_if_it_were_new(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = encode(noise(LAYOUT), LAYOUT, colour_transform=False)

    for changed in damaged(stream, read_header(stream).first_tile + 8):
        monkeypatch.setattr(markers, "_HEADERS", Recurring(64))
        expected = outcome(read_header, changed)
        monkeypatch.setattr(markers, "_HEADERS", Recurring(64))
        read_header(stream)

        assert outcome(read_header, changed) == expected
