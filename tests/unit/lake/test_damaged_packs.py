"""A pack that is cut, damaged or of another version is never read as if it were sound."""

import struct
import zlib

import pytest
import zstandard

from dicomlake.domain.errors import MalformedError, UnsupportedError
from dicomlake.domain.model import Splice
from dicomlake.lake.blocks import Block, BlockReader
from dicomlake.lake.frames import encode_frame_record
from dicomlake.lake.layout import Span, Trailer, encode_trailer
from dicomlake.lake.pack import PackReader, parse_frame_record
from dicomlake.lake.splices import decode_splices, landed_parts
from tests.unit.lake.packs import Given, Ranges, framed, packed, reading, record

PACK, SUMMARY = packed(
    Given(record("1.1", frames=2), framed(b"first frame", b"second"), b"a head", b'{"a":1}', (Splice(3, 0, 0, 4),)),
    Given(record("1.2", series="1.9"), (), b"another head", b'{"b":1}'),
)


def everything(data: bytes) -> list[object]:
    """Read all that a pack promises to guard: everything but code streams, whose guard is the decoded pixels' CRC."""
    reader = reading(data)
    reader.check_header()
    footer = reader.footer()
    found: list[object] = [list(footer.instances), footer.studies, footer.series, footer.heads, footer.metadata]
    for ordinal in range(len(reader.footer().instances)):
        found += [reader.head(ordinal), list(reader.splices(ordinal)), reader.metadata(ordinal)]
        found.append(list(reader.frames(ordinal)))
    return found


SOUND = everything(PACK)
STREAMS = range(16, 16 + len(b"first framesecond"))


def test_pack_cut_anywhere_is_malformed() -> None:
    for size in range(len(PACK)):
        with pytest.raises(MalformedError):
            everything(PACK[:size])


def test_byte_changed_anywhere_is_found_and_told_without_uids() -> None:
    for at in range(len(PACK)):
        damaged = bytearray(PACK)
        damaged[at] ^= 0x55

        if at in STREAMS or 10 <= at < 16:
            assert everything(bytes(damaged)) == SOUND
        else:
            with pytest.raises((MalformedError, UnsupportedError)) as caught:
                everything(bytes(damaged))
            assert not any(secret in str(caught.value) for secret in ("1.1", "1.2", "1.9"))


def test_bytes_added_at_either_end_are_found() -> None:
    with pytest.raises(MalformedError, match="does not end as a pack"):
        everything(PACK + b"\0")
    with pytest.raises(MalformedError, match="size is not what its trailer says"):
        reading(b"\0" + PACK).footer()


def test_frame_placed_outside_the_pack_is_malformed() -> None:
    pointer = SUMMARY.records[0].pointer
    wrong = encode_frame_record(reading(PACK).frame(0, 0), len(PACK) - 5)
    data = PACK[: pointer.table_offset] + wrong + PACK[pointer.table_offset + len(wrong) :]

    with pytest.raises(MalformedError, match="frame outside"):
        reading(data).frame(0, 0)
    with pytest.raises(MalformedError, match="frame outside"):
        list(reading(data).frames(0))


def test_block_of_another_size_than_listed_is_malformed() -> None:
    packed_block = zstandard.compress(b"eight by")
    reader = BlockReader([Block(Span(0, len(packed_block)), 9)], lambda span: packed_block)

    with pytest.raises(MalformedError, match="does not hold the bytes"):
        reader.value(Span(0, 4))


def test_short_read_is_malformed() -> None:
    reader = PackReader(lambda offset, length: PACK[offset : offset + length - 1], len(PACK))

    with pytest.raises(MalformedError, match="ends before"):
        reader.footer()


def trailer_with(**changes: int) -> bytes:
    """The pack with another trailer under a right checksum."""
    offset, length, raw_length, size, crc32 = struct.unpack("<QQQQI", PACK[-48:-12])
    values = {"offset": offset, "length": length, "raw": raw_length, "size": size, "crc32": crc32, "version": 1}
    values |= changes
    span = Span(values["offset"], values["length"])
    trailer = Trailer(span, values["raw"], values["crc32"], values["size"], values["version"])
    return PACK[:-48] + encode_trailer(trailer)


@pytest.mark.parametrize("version", [0, 2, 65535])
def test_other_version_is_named(version: int) -> None:
    with pytest.raises(UnsupportedError, match=f"version {version}, this release reads version 1"):
        reading(trailer_with(version=version)).footer()


@pytest.mark.parametrize("version", [0, 2])
def test_other_version_in_the_header_is_named(version: int) -> None:
    with pytest.raises(UnsupportedError, match=f"version {version}"):
        reading(PACK[:8] + struct.pack("<H", version) + PACK[10:]).check_header()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"offset": 3}, "footer outside"),
        ({"length": 1 << 40}, "footer outside"),
        ({"size": 7}, "footer outside"),
        ({"raw": 5}, "trailer promises"),
        ({"raw": 1 << 40}, "trailer promises"),
        ({"crc32": 1}, "damaged"),
    ],
)
def test_trailer_that_lies_is_malformed(changes: dict[str, int], told: str) -> None:
    with pytest.raises(MalformedError, match=told):
        reading(trailer_with(**changes)).footer()


def pack_with_footer(text: bytes) -> bytes:
    """A pack of nothing but a footer."""
    packed_footer = zlib.compress(text)
    size = 16 + len(packed_footer) + 48
    span = Span(16, len(packed_footer))
    return PACK[:16] + packed_footer + encode_trailer(Trailer(span, len(text), zlib.crc32(packed_footer), size))


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"heads":[],"metadata":[],"studies":[{}]}', b'{"heads":[[1]]}'])
def test_footer_of_another_shape_is_malformed(text: bytes) -> None:
    with pytest.raises(MalformedError, match="footer"):
        reading(pack_with_footer(text)).footer()


def test_instance_of_another_shape_is_malformed() -> None:
    series = b'{"series_uid":"1.2","attributes":{},"instances":[{}]}'
    study = b'{"study_uid":"1","attributes":{},"series":[' + series + b"]}"
    reader = reading(pack_with_footer(b'{"heads":[],"metadata":[],"studies":[' + study + b"]}"))

    with pytest.raises(MalformedError, match="format version 1"):
        reader.instance(0)


def test_footer_may_hold_members_unknown_to_this_reader() -> None:
    reader = reading(pack_with_footer(b'{"heads":[],"metadata":[],"studies":[],"later":1}'))

    assert list(reader.footer().instances) == []


@pytest.mark.parametrize(("ordinal", "frame_index"), [(2, 0), (-1, 0), (0, 2), (0, -1), (1, 0)])
def test_what_is_not_there_is_an_index_error(ordinal: int, frame_index: int) -> None:
    with pytest.raises(IndexError):
        reading(PACK).frame(ordinal, frame_index)


def test_cut_frame_record_is_malformed() -> None:
    pointer = SUMMARY.records[0].pointer
    whole = PACK[pointer.table_offset : pointer.table_offset + pointer.record_size]

    for size in range(len(whole)):
        with pytest.raises(MalformedError):
            parse_frame_record(whole[:size])


def test_read_outside_the_pack_asks_for_nothing() -> None:
    ranges = Ranges(PACK)
    reader = PackReader(ranges, len(PACK))

    for span in (Span(-1, 4), Span(len(PACK) - 1, 2), Span(4, -1)):
        with pytest.raises(MalformedError):
            reader.read(span)
    assert ranges.asked == []


def test_cut_splices_are_malformed() -> None:
    with pytest.raises(MalformedError, match="splices"):
        list(decode_splices(bytes(63)))


@pytest.mark.parametrize("splices", [(Splice(7, 0, 0, 1),), (Splice(4, 0, 0, 1), Splice(3, 1, 0, 1))])
def test_splices_outside_their_head_are_malformed(splices: tuple[Splice, ...]) -> None:
    with pytest.raises(MalformedError, match="splices"):
        list(landed_parts(b"a head", splices))
