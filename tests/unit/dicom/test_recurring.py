"""What one instance teaches about the next of its series changes how fast it is read, never what is read."""

import random
import struct
from collections.abc import Callable
from itertools import count

import pytest
from pydicom.data import get_testdata_file

from dicomlake.dicom.header import recurring
from dicomlake.dicom.header.parse import BufferSource, parse
from dicomlake.dicom.instance import ParsedInstance
from dicomlake.domain.errors import PipelineError
from dicomlake.lake.metadata import encode_metadata
from tests.unit.dicom.parse_given import BIG, IMPLICIT, codes, explicit, file_meta, implicit, instance, item, read

SERIES = (f"1.2.{number}".encode() for number in count(77_000))


def tag_of(element: bytes) -> tuple[int, ...]:
    return struct.unpack("<HH", element[:4])


def slice_of(series: bytes, *elements: bytes, uid: bytes = b"1.2.3.4") -> bytes:
    uids = ((0x00080016, b"1.2.840.10008.5.1.4.1.1.2"), (0x00080018, uid), (0x0020000D, b"1.2.3"), (0x0020000E, series))
    all_elements = [*(explicit(tag, "UI", value) for tag, value in uids), *elements]
    all_elements.sort(key=tag_of)
    return file_meta() + b"".join(all_elements)


def forgetful(data: bytes | bytearray) -> ParsedInstance:
    recurring._remembered.cache_clear()
    return read(bytes(data))


def seen(parsed: ParsedInstance) -> tuple[object, ...]:
    assert parsed.text in (None, encode_metadata(parsed.json))
    return parsed.json, list(parsed.json), parsed.canonical, parsed.warnings, parsed.bulk, parsed.pixels


ACQUISITION = (
    explicit(0x00180050, "DS", b"1.25"),
    explicit(0x00181030, "LO", b"CHEST"),
    explicit(0x00280010, "US", struct.pack("<H", 512)),
)


def test_what_recurs_is_not_read_again() -> None:
    series = next(SERIES)
    read(slice_of(series, *ACQUISITION, uid=b"1.2.3.1"))
    second = read(slice_of(series, *ACQUISITION, uid=b"1.2.3.2"))

    third = read(slice_of(series, *ACQUISITION, uid=b"1.2.3.3"))

    assert third.json["00181030"] is second.json["00181030"]
    assert third.json["00080018"] == {"vr": "UI", "Value": ["1.2.3.3"]}


def test_what_recurs_is_not_written_again() -> None:
    series = next(SERIES)
    sequence = explicit(0x00081140, "SQ", item(explicit(0x00081155, "UI", b"1.2.9")))
    slices = [slice_of(series, sequence, *ACQUISITION, uid=b"1.2.3.%d" % uid) for uid in (1, 2, 3)]

    first, _, third = [read(one) for one in slices]

    assert first.text is None
    assert third.text == encode_metadata(third.json)
    assert third.canonical == forgetful(slices[2]).canonical


def test_where_it_came_from_is_written_but_no_content() -> None:
    series = next(SERIES)
    charset = explicit(0x00080005, "CS", b"ISO_IR 100")
    stations = [explicit(0x00080054, "AE", name) for name in (b"HERE", b"THERE ")]

    read(slice_of(series, charset, stations[0], *ACQUISITION))
    here, there = [read(slice_of(series, charset, station, *ACQUISITION)) for station in stations]
    again, elsewhere = [read(slice_of(series, charset, station, *ACQUISITION)) for station in stations]

    assert again.text != elsewhere.text
    assert len({one.canonical for one in (here, there, again, elsewhere)}) == 1


def test_an_element_met_twice_around_what_recurs_is_written_once() -> None:
    series = next(SERIES)
    for uid in (b"1.2.3.1", b"1.2.3.2"):
        read(slice_of(series, *ACQUISITION, uid=uid))
    twice = slice_of(series, *ACQUISITION) + ACQUISITION[0]

    parsed = read(twice)

    assert codes(parsed) == ["duplicate-tag"]
    assert parsed.text is None
    assert parsed.canonical == forgetful(twice).canonical


@pytest.mark.parametrize(
    "change",
    [
        explicit(0x00181030, "LO", b"HEAD"),
        explicit(0x00181030, "LO", b"CHESX"),
        explicit(0x00181030, "LO", b""),
        explicit(0x00181030, "SH", b"CHEST"),
        explicit(0x00181030, "LO", b"CHEST") + explicit(0x00181040, "LO", b"IV"),
        explicit(0x00181030, "LO", b"CHEST") + explicit(0x00181030, "LO", b"AGAIN"),
        explicit(0x00181030, "LO", "Thörax".encode("latin-1")),
        explicit(0x00181030, "LO", b"ODD", length=3)[:-1],
        b"",
    ],
    ids=["value", "last byte", "empty", "VR", "inserted", "twice", "not ASCII", "odd length", "left out"],
)
def test_an_element_that_differs_is_read_as_it_is(change: bytes) -> None:
    series = next(SERIES)
    changed = (
        slice_of(series, ACQUISITION[0], change, ACQUISITION[2]) if change else slice_of(series, *ACQUISITION[::2])
    )
    alone = seen(forgetful(changed))
    recurring._remembered.cache_clear()
    for uid in (b"1.2.3.5", b"1.2.3.6"):
        read(slice_of(series, *ACQUISITION, uid=uid))

    again = [seen(read(changed)) for _ in range(3)]

    assert again == [alone] * 3


def test_a_character_set_of_escapes_forgets_what_ascii_meant() -> None:
    series = next(SERIES)
    name = explicit(0x00100010, "PN", b"A\\B~")
    yen = explicit(0x00080005, "CS", b"ISO_IR 13")
    alone = seen(forgetful(slice_of(series, yen, name)))
    recurring._remembered.cache_clear()
    for _ in range(2):
        read(slice_of(series, name))

    assert seen(read(slice_of(series, yen, name))) == alone


def test_values_above_a_smaller_limit_are_named_though_they_recur() -> None:
    data = slice_of(next(SERIES), explicit(0x00204000, "LT", b"x" * 300), *ACQUISITION)
    for _ in range(2):
        read(data)

    parsed = parse(BufferSource(data), bulk_limit=100)

    assert "BulkDataURI" in parsed.json["00204000"]  # type: ignore[operator]
    assert read(data).json["00204000"] == {"vr": "LT", "Value": ["x" * 300]}


def test_what_depends_on_other_elements_never_recurs() -> None:
    series = next(SERIES)
    signed, unsigned = (explicit(0x00280103, "US", struct.pack("<H", value)) for value in (1, 0))
    smallest = explicit(0x00280106, "UN", b"\xff\xff")

    parsed = [read(slice_of(series, sign, smallest)) for sign in (unsigned, signed, unsigned, signed)]

    values = [one.json["00280106"] for one in parsed]
    assert values == [{"vr": vr, "Value": [value]} for vr, value in (("US", 65535), ("SS", -1)) * 2]


REFERENCED = explicit(0x00081155, "UI", b"1.2.9")
UNDEFINED_SEQUENCE = b"\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff" + item(REFERENCED) + b"\xfe\xff\xdd\xe0\0\0\0\0"


@pytest.mark.parametrize(
    "sequence", [explicit(0x00081140, "SQ", item(REFERENCED) * 2), UNDEFINED_SEQUENCE], ids=["defined", "undefined"]
)
def test_a_sequence_that_its_bytes_alone_decide_recurs(sequence: bytes) -> None:
    series = next(SERIES)
    slices = [slice_of(series, sequence, *ACQUISITION, uid=b"1.2.3.%d" % uid) for uid in range(3)]
    other = slice_of(series, sequence.replace(b"1.2.9", b"1.2.8"), *ACQUISITION)

    _, second, third = [read(one) for one in slices]

    assert third.json["00081140"] is second.json["00081140"]
    assert seen(third) == seen(forgetful(slices[2]))
    for one in slices:
        read(one)
    assert seen(read(other)) == seen(forgetful(other))


IN_ITEMS = {
    "a private creator": explicit(0x00091001, "UN", b"\1\0\2\0"),
    "the pixels' sign": explicit(0x00280106, "UN", b"\xff\xff"),
    "a character set": explicit(0x00080005, "CS", b"ISO_IR 100") + explicit(0x00080104, "LO", b"AB"),
    "the data set's character set": explicit(0x00080104, "LO", "Thörax".encode("latin-1")),
}


@pytest.mark.parametrize("inner", IN_ITEMS.values(), ids=IN_ITEMS.keys())
def test_a_sequence_in_which_more_than_its_bytes_decides_never_recurs(inner: bytes) -> None:
    series = next(SERIES)
    sequence = explicit(0x00081140, "SQ", item(inner))
    slices = [slice_of(series, sequence, *ACQUISITION, uid=b"1.2.3.%d" % uid) for uid in range(4)]
    alone = [seen(forgetful(one)) for one in slices]
    recurring._remembered.cache_clear()

    together = [read(one) for one in slices]

    assert [seen(one) for one in together] == alone
    assert together[3].json["00081140"] is not together[2].json["00081140"]


def test_implicit_vr_recurs_apart_from_explicit() -> None:
    uids = [
        implicit(tag, value)
        for tag, value in (
            (0x00080016, b"1.2.840.10008.5.1.4.1.1.2"),
            (0x00080018, b"1.2.3.4\0"),
            (0x00180050, b"1.25"),
            (0x0020000D, b"1.2.3\0"),
            (0x0020000E, b"1.2.77\0\0"),
        )
    ]
    data = file_meta(IMPLICIT) + b"".join(uids)

    first, second, third = (read(data) for _ in range(3))

    assert seen(first) == seen(second) == seen(third)
    assert third.json["00180050"] is second.json["00180050"]
    assert codes(third) == []


def test_memory_is_bounded_by_series() -> None:
    recurring._remembered.cache_clear()
    for _ in range(2 * recurring.MAX_SERIES):
        read(slice_of(next(SERIES), *ACQUISITION))

    assert recurring._remembered.cache_info().currsize == recurring.MAX_SERIES


def test_nothing_is_remembered_of_big_endian() -> None:
    for _ in range(3):
        read(instance(explicit(0x00181030, "LO", b"CHEST", ">"), order=">", head=file_meta(BIG)))

    assert recurring.NOTHING == {}


def _damaged(data: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(data)
    for _ in range(chance.randint(0, 3)):
        at = chance.randrange(132, min(len(damaged), 7000))
        kind = chance.randrange(3)
        if kind == 0:
            damaged[at] = chance.randrange(256)
        elif kind == 1:
            del damaged[at : at + chance.choice((1, 2, 8))]
        else:
            damaged[at:at] = chance.randbytes(chance.choice((1, 2, 8)))
    return bytes(damaged)


def _outcome(read_one: Callable[[bytes], ParsedInstance], data: bytes) -> object:
    try:
        return seen(read_one(data))
    except PipelineError as error:
        return type(error), str(error), getattr(error, "reason", None)


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small_implicit.dcm", "rtplan.dcm", "reportsi.dcm"])
def test_damaged_slices_read_alike_whatever_was_read_before(name: str) -> None:
    path = get_testdata_file(name)
    if path is None:
        pytest.skip(f"this pydicom has no {name}")
    with open(str(path), "rb") as file:
        data = file.read()
    chance = random.Random(name)  # noqa: S311
    slices = [_damaged(data, chance) for _ in range(150)]
    alone = [_outcome(forgetful, one) for one in slices]

    recurring._remembered.cache_clear()
    together = [_outcome(read, one) for one in slices]

    assert together == alone
