"""The value pass: what is known of a patient is found however it is written, and what is not of them stays."""

import pytest

from dicomlake.dicom.deidentify import Element
from dicomlake.dicom.deidentify.identifiers import Identifier, Kind, terms_of
from dicomlake.dicom.deidentify.search import Search
from dicomlake.dicom.deidentify.values import Kept, search_values

UNLISTED = 0x00189041
MAPPED = "2.25.1"


def cleaned(value: bytes, identifiers: list[Identifier], vr: str = "LO", charset: bytes = b"ISO_IR 192") -> bytes:
    kept = Kept((UNLISTED,), Element(UNLISTED, vr, value), charset, forms=True)
    found = list(search_values([kept], Search(terms_of(identifiers), lambda uid: MAPPED)))
    return found[0].element.value if found else value


def text(value: str, *identifiers: Identifier) -> str:
    return cleaned(value.encode(), list(identifiers)).decode()


YAMADA = (Kind.NAME, "Yamada^Tarou=山田^太郎=やまだ^たろう")
MUELLER = (Kind.NAME, "Müller^Leopoldine")
OBRIEN = (Kind.NAME, "O'Brien^Eva")
LI = (Kind.NAME, "Li^Na")


@pytest.mark.parametrize(
    ("name", "written", "left"),
    [
        (YAMADA, "撮影 山田太郎 頭部", "撮影 *** 頭部"),
        (YAMADA, "ヤマダ タロウ 5.0 mm", "*** *** 5.0 mm"),
        (YAMADA, "ﾔﾏﾀﾞ ﾀﾛｳ", "*** ***"),
        (YAMADA, "TAROH YAMADA head", "*** *** head"),
        (YAMADA, "山田　太郎", "** **"),
        (MUELLER, "MUELLER, L 120 kV", "***, L 120 kV"),
        (MUELLER, "muller_leopoldine_ct", "***_***_ct"),
        (MUELLER, "leopoldinemueller", "******"),
        (OBRIEN, "O\u2019Brien", "***"),
        (OBRIEN, "evaobrien T1", "*** T1"),
        (OBRIEN, "medieval", "medieval"),
        (LI, "Li Na axial, aliNa", "** ** axial, aliNa"),
        (LI, "LiNa", "***"),
        (LI, "lithium, sodium", "lithium, sodium"),
        ((Kind.NAME, "Head^Chest"), "HEAD FIRST, CHEST", "HEAD FIRST, CHEST"),
        ((Kind.NAME, "홍^길동"), "검사 홍길동 5.0", "검사 *** 5.0"),
        ((Kind.NAME, "渡邊^慎一"), "渡辺慎一", "***"),
    ],
)
def test_a_name_is_found_in_every_spelling(name: Identifier, written: str, left: str) -> None:
    assert text(written, name) == left


@pytest.mark.parametrize(
    ("identifier", "written", "left"),
    [
        ((Kind.ID, "KH-1234567"), "pat kh 1234567 ok", "pat *** ok"),
        ((Kind.ID, "KH-1234567"), "KH12345678", "KH12345678"),
        ((Kind.ID, "0123456"), "no 123456 and 0123456", "no *** and ***"),
        ((Kind.ID, "4711"), "case 4711, dose 47110, 4711 mm, 4711.5", "case ***, dose 47110, 4711 mm, 4711.5"),
        ((Kind.ID, "120"), "120 kV 120.0 and 120", "120 kV 120.0 and ***"),
        ((Kind.ID, "12"), "B30s 12", "B30s 12"),
        ((Kind.ID, "UNKNOWN"), "unknown phase", "unknown phase"),
        ((Kind.PHONE, "+49 151 2345678"), "call 0151/234 56 78", "call ***"),
        ((Kind.DATE, "19580714"), "580714 and 14071958 and 14.7.58", "*** and *** and ***"),
        ((Kind.TIME, "081530.5"), "at 08:15:30", "at ***"),
        ((Kind.PLACE, "St. Mary Hospital Springfield"), "from Springfield, hospital bed", "from ***, hospital bed"),
    ],
)
def test_numbers_dates_and_places_are_found_with_other_marks_between(
    identifier: Identifier, written: str, left: str
) -> None:
    assert text(written, identifier) == left


@pytest.mark.parametrize(
    "written",
    [
        "2024-02-15",
        "15.02.2024",
        "02/15/2024",
        "15 Feb 2024",
        "Feb 15, 2024",
        "15-FEB-24",
        "March 1977",
        "昭和52年3月4日",
        "S52.3.4",
        "令和元年",
        "２０２４年２月１５日",
        "a@b.de",
        "http://x/y",
        "192.168.1.20",
        "+49 151 2345678",
        "03-1234-5678",
        "(212) 555-0123",
        "09012345678",
        "4111 1111 1111 1111",
        "1234-5678-9018",
        "65 y/o",
        "45歳",
        "〒100-0001",
        "東京都千代田区千代田1-1",
        "12 Baker Street",
        "Hauptstr. 5",
        "Mustermann^Erika",
        "123-45-6789",
    ],
)
def test_what_has_the_form_of_an_identifier_goes_whoever_it_is_of(written: str) -> None:
    assert set(text(f"see {written} there")) <= set("see there*")


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ("MRN: 4711-9", "MRN: ***"),
        ("Pat.-Nr. 99-12", "Pat.-Nr. ***"),
        ("被保険者記号・番号 12-34・567", "被保険者記号・番号 ***"),
        ("Dr. Meyer asked", "Dr. *** asked"),
        ("佐藤先生", "**先生"),
        ("of 1.2.840.113619.2.55.3.604", f"of {MAPPED}"),
    ],
)
def test_a_label_stays_and_what_it_labels_goes(written: str, left: str) -> None:
    assert text(written) == left


@pytest.mark.parametrize(
    "written",
    [
        "version 5.1.0.2, syngo 2.1.12",
        "AXIAL HEAD 120 kV 5.0 mm MI 1.2 TIs 0.4 R L 10 cm",
        "T1 SE 500/15 256x256 2015",
        "SIEMENS Sensation 64 VA48A H30s",
        "MR 1.5 T 3D FSPGR DFOV 24.0 cm",
        "ORIGINAL PRIMARY AXIAL CT_SOM5 SPI",
        "DR CHEST PA",
        "0.938\\0.938",
        "4111 1111 1111 1112",
        "1234-5678-9012",
    ],
)
def test_technical_words_stay(written: str) -> None:
    assert text(written, YAMADA, MUELLER, (Kind.ID, "KH-1234567")) == written


def test_a_version_stays_where_versions_stand_and_a_proved_number_goes() -> None:
    search = Search(terms_of([]), lambda uid: MAPPED)

    for value, left in ((b"20150312", b"20150312"), (b"10.0.0.1", b"10.0.0.1"), (b"123456789018", b"***")):
        kept = Kept((0x00181020,), Element(0x00181020, "LO", value), b"", forms=True)
        assert [found.element.value for found in search_values([kept], search)] == [left] * (value != left)


@pytest.mark.parametrize(
    ("charset", "codec"),
    [
        (b"", "cp932"),
        (b"ISO_IR 100", "utf-8"),
        (b"ISO_IR 192", "euc_jp"),
        (b"\\ISO 2022 IR 87", "iso2022_jp"),
        (b"", "iso2022_jp"),
        (b"GB18030", "gb18030"),
    ],
)
def test_a_name_is_found_in_declared_and_undeclared_character_sets(charset: bytes, codec: str) -> None:
    value = cleaned("axial 山田太郎".encode(codec), [YAMADA], charset=charset)

    assert value.startswith(b"axial ")
    assert "山田".encode(codec) not in value
    assert value.decode(codec) == "axial ***"


@pytest.mark.parametrize(
    ("vr", "value", "left"),
    [
        ("CS", b"AXIAL\\MUELLER", b"AXIAL\\REMOVED"),
        ("IS", b"1234567 ", b"1"),
        ("IS", b"12345678", b"12345678"),
        ("DS", b"1.1234567", b"1.1234567"),
        ("OB", b"\0\1\2mueller, l.\0\3\4", b"\0\1\2" + bytes(11) + b"\0\3\4"),
        ("OB", b"\1\2" + "Leopoldine".encode("utf-16-le"), b"\1\2" + bytes(20)),
        ("OW", bytes(range(256)), bytes(range(256))),
    ],
)
def test_terms_numbers_and_bytes_are_searched_too(vr: str, value: bytes, left: bytes) -> None:
    assert cleaned(value, [MUELLER, (Kind.ID, "1234567")], vr) == left
