"""Values in DICOM JSON (PS3.18 F): numbers only where nothing is lost, null for empty, base64 in little endian."""

import struct

import orjson
import pytest

from dicomlake.dicom.header.json_view import FROM_BYTES, FROM_TEXT, number_or_text, swap
from dicomlake.domain.model import JsonValue


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("512", 512),
        ("-3", -3),
        ("0", 0),
        ("0.488281", 0.488281),
        ("-1024.5", -1024.5),
        ("1.000000", "1.000000"),
        ("+5", "+5"),
        ("007", "007"),
        ("-0", "-0"),
        ("1e5", "1e5"),
        ("1.5e-05", "1.5e-05"),
        ("1_000", "1_000"),
        ("1A", "1A"),
        ("0.12345678901234567890", "0.12345678901234567890"),
        ("9007199254740993", "9007199254740993"),
        ("9" * 5000, "9" * 5000),
        ("nan", "nan"),
        ("inf.", "inf."),
        ("", None),
    ],
)
def test_a_number_is_a_number_only_where_its_text_comes_back(text: str, value: JsonValue) -> None:
    result = number_or_text(text)

    assert (result, type(result)) == (value, type(value))
    assert not isinstance(result, float) or orjson.dumps(result).decode() == text


@pytest.mark.parametrize(
    ("vr", "text", "values"),
    [
        ("CS", " ORIGINAL\\PRIMARY \\ \\AXIAL ", ["ORIGINAL", "PRIMARY", None, "AXIAL"]),
        ("LO", " leading stays, trailing goes  ", [" leading stays, trailing goes"]),
        ("LT", "one\\value \r\n", ["one\\value \r\n"]),
        ("UT", "a\\b  ", ["a\\b"]),
        ("UR", "http://a/b\\c", ["http://a/b\\c"]),
        ("DS", " 1.5\\2 \\", [1.5, 2, None]),
        ("IS", "12 ", [12]),
        ("UI", "1.2.3\0", ["1.2.3"]),
        ("DA", "20260101", ["20260101"]),
        ("AE", "  STORE  ", ["STORE"]),
    ],
)
def test_texts_lose_their_padding_and_keep_the_rest(vr: str, text: str, values: list[JsonValue]) -> None:
    assert FROM_TEXT[vr](text) == {"vr": vr, "Value": values}


@pytest.mark.parametrize("vr", sorted(FROM_TEXT))
def test_a_text_of_nothing_but_padding_has_no_value(vr: str) -> None:
    assert FROM_TEXT[vr]("  \0") == {"vr": vr}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Doe^Jane", [{"Alphabetic": "Doe^Jane"}]),
        ("A=B=C", [{"Alphabetic": "A", "Ideographic": "B", "Phonetic": "C"}]),
        ("==C ", [{"Phonetic": "C"}]),
        ("A\\\\B", [{"Alphabetic": "A"}, None, {"Alphabetic": "B"}]),
        ("A=B=C=D", [{"Alphabetic": "A", "Ideographic": "B", "Phonetic": "C"}]),
        ("==", [None]),
    ],
)
def test_names_have_their_groups(text: str, value: list[JsonValue]) -> None:
    assert FROM_TEXT["PN"](text) == {"vr": "PN", "Value": value}


NUMBERS: list[tuple[str, str, tuple[float, ...], list[JsonValue]]] = [
    ("US", "H", (0, 65535), [0, 65535]),
    ("SS", "h", (-1,), [-1]),
    ("UL", "I", (4294967295,), [4294967295]),
    ("SL", "i", (-5, 5), [-5, 5]),
    ("FD", "d", (0.1, float("inf"), float("-inf")), [0.1, "Infinity", "-Infinity"]),
    ("FL", "f", (1.5,), [1.5]),
    ("SV", "q", (-(2**60), 7), [str(-(2**60)), 7]),
    ("UV", "Q", (2**63,), [str(2**63)]),
]


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize(("vr", "form", "numbers", "values"), NUMBERS, ids=[row[0] for row in NUMBERS])
def test_binary_numbers(vr: str, form: str, numbers: tuple[float, ...], values: list[JsonValue], big: bool) -> None:
    raw = struct.pack(f"{'>' if big else '<'}{len(numbers)}{form}", *numbers)

    assert FROM_BYTES[big][vr](raw) == {"vr": vr, "Value": values}


def test_what_is_no_number_is_a_string_and_valid_json() -> None:
    element = FROM_BYTES[False]["FL"](struct.pack("<f", float("nan")))

    assert element == {"vr": "FL", "Value": ["NaN"]}


@pytest.mark.parametrize(("big", "raw"), [(False, b"\x18\0\x10\0"), (True, b"\0\x18\0\x10")])
def test_tags_are_eight_hex_digits(big: bool, raw: bytes) -> None:
    assert FROM_BYTES[big]["AT"](raw) == {"vr": "AT", "Value": ["00180010"]}


@pytest.mark.parametrize(
    ("vr", "little"), [("OB", "AQIDBAUGBwg="), ("OW", "AgEEAwYFCAc="), ("OL", "BAMCAQgHBgU="), ("OD", "CAcGBQQDAgE=")]
)
def test_inline_binary_is_little_endian(vr: str, little: str) -> None:
    assert FROM_BYTES[True][vr](bytes(range(1, 9))) == {"vr": vr, "InlineBinary": little}
    assert FROM_BYTES[False][vr](bytes(range(1, 9))) == {"vr": vr, "InlineBinary": "AQIDBAUGBwg="}


def test_swapping_leaves_what_is_no_whole_word() -> None:
    assert swap(b"\1\2\3", 2) == b"\2\1\3"


@pytest.mark.parametrize("vr", ["US", "UL", "FD", "AT", "SV"])
def test_a_length_that_is_no_multiple_is_an_error(vr: str) -> None:
    with pytest.raises(ValueError, match="no multiple"):
        FROM_BYTES[False][vr](b"\1\2\3")
