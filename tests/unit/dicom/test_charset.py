"""Texts come out as their writers meant them: every declared set, code extensions, and what nobody declared."""

import pytest

from dicomlake.dicom.text.charset import charset_of
from dicomlake.dicom.text.charset_guess import guess

ESC_ASCII, ESC_ROMAJI, ESC_KANA, ESC_KANJI, ESC_212 = b"\x1b(B", b"\x1b(J", b"\x1b)I", b"\x1b$B", b"\x1b$(D"
ESC_KOREAN, ESC_CHINESE = b"\x1b$)C", b"\x1b$)A"
YAMADA, TARO = bytes.fromhex("3b33 4544"), bytes.fromhex("4240 4f3a")


def decode(raw: bytes, *terms: str, splits: bool = True) -> str:
    charset, known = charset_of(terms)
    assert known
    assert charset is not None
    text, sound = charset.decode(raw, splits)
    assert sound
    return text


@pytest.mark.parametrize(
    ("term", "raw", "text"),
    [
        ("ISO_IR 100", b"Buc^J\xe9r\xf4me", "Buc^Jérôme"),
        ("ISO_IR 101", b"Wa\xb3\xeasa", "Wałęsa"),
        ("ISO_IR 109", b"\xc6i", "Ĉi"),
        ("ISO_IR 110", b"\xbf", "ŋ"),
        ("ISO_IR 126", b"\xc4\xe9\xef\xed\xf5\xf3\xe9\xef\xf2", "Διονυσιος"),
        ("ISO_IR 127", b"\xe2\xc8\xc7\xe6\xea", "قباني"),
        ("ISO_IR 138", b"\xf9\xf8\xe5\xef", "שרון"),
        ("ISO_IR 144", b"\xbb\xee\xda", "Люк"),
        ("ISO_IR 148", b"\xc7avu\xfeo\xf0lu", "Çavuşoğlu"),
        ("ISO_IR 166", b"\xb9\xd2\xc2", "นาย"),
        ("ISO_IR 192", "Wang^小東".encode(), "Wang^小東"),
        ("ISO_IR 203", b"\xa4 \xbd", "€ œ"),
        ("GB18030", "王^小东".encode("gb18030"), "王^小东"),
        ("GBK", "王^小东".encode("gbk"), "王^小东"),
        ("ISO_IR 13", b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3", "ﾔﾏﾀﾞ^ﾀﾛｳ"),
    ],
)
def test_a_single_set_is_read_by_its_registration(term: str, raw: bytes, text: str) -> None:
    assert decode(raw, term) == text


@pytest.mark.parametrize(
    "term", ["ISO_IR 100", "ISO IR 100", "ISO-IR 100", "iso_ir 100", "ISO 2022 IR 100", "ISO_IR_100"]
)
def test_a_term_is_known_as_people_spell_it(term: str) -> None:
    assert decode(b"\xe9", term) == "é"


def test_an_unknown_term_is_told() -> None:
    assert charset_of(("ISO_IR 999",)) == (None, False)
    assert charset_of(("",)) == (None, True)
    assert charset_of(("ISO_IR 6",)) == (None, True)


def test_japanese_with_its_three_groups() -> None:
    raw = b"Yamada^Tarou=" + ESC_KANJI + YAMADA + ESC_ASCII + b"^" + ESC_KANJI + TARO + ESC_ASCII
    raw += b"=" + ESC_KANJI + bytes.fromhex("2464 245e 2440") + ESC_ASCII

    assert decode(raw, "", "ISO 2022 IR 87") == "Yamada^Tarou=山田^太郎=やまだ"


def test_japanese_with_half_width_kana_and_romaji() -> None:
    raw = b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=" + ESC_KANJI + YAMADA + ESC_ROMAJI + b"^" + ESC_KANJI + TARO + ESC_ROMAJI

    assert decode(raw, "ISO 2022 IR 13", "ISO 2022 IR 87") == "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎"


def test_half_width_kana_in_g1_beside_kanji_in_g0() -> None:
    raw = ESC_KANJI + YAMADA + ESC_KANA + b"\xc0\xdb\xb3" + TARO

    assert decode(raw, "ISO 2022 IR 13", "ISO 2022 IR 87") == "山田ﾀﾛｳ太郎"


@pytest.mark.parametrize("delimiter", [b"^", b"=", b"\\", b"^^", b"=="])
def test_an_escape_missing_before_a_delimiter_is_supplied(delimiter: bytes) -> None:
    raw = ESC_KANJI + YAMADA + delimiter + ESC_KANJI + TARO

    assert decode(raw, "", "ISO 2022 IR 87") == f"山田{delimiter.decode()}太郎"


def test_a_delimiter_puts_the_first_set_back() -> None:
    korean = "김".encode("euc_kr")

    assert decode(ESC_KOREAN + korean + b"^" + ESC_KOREAN + korean, "", "ISO 2022 IR 149") == "김^김"
    assert decode(b"\xe9" + ESC_KANA + b"\xc0^\xe9", "ISO 2022 IR 100", "ISO 2022 IR 13") == "éﾀ^é"


def test_a_backslash_byte_inside_a_kanji_is_no_delimiter() -> None:
    raw = ESC_KANJI + bytes.fromhex("3c5c") + ESC_ASCII + b"\\B"

    assert decode(raw, "", "ISO 2022 IR 87").split("\\") == [bytes.fromhex("bcdc").decode("euc_jp"), "B"]


def test_byte_5c_of_the_yen_sets_parts_values_but_shows_as_yen_in_long_text() -> None:
    assert decode(b"A\\B~", "ISO_IR 13") == "A\\B‾"
    assert decode(b"A\\B~", "ISO_IR 13", splits=False) == "A¥B‾"
    assert decode(b"A\\B~", "ISO_IR 14", splits=False) == "A¥B‾"


def test_the_supplementary_kanji_of_ir_159() -> None:
    assert decode(ESC_212 + bytes.fromhex("3021") + ESC_ASCII, "", "ISO 2022 IR 159") == "丂"


@pytest.mark.parametrize("char", ["①", "髙", "﨑"])
def test_extensions_of_code_page_932_under_ir_87(char: str) -> None:
    lead, trail = {"①": (0x87, 0x40), "髙": (0xEE, 0xE0), "﨑": (0xED, 0x95)}[char]
    row = 2 * (lead - (0x70 if lead < 0xA0 else 0xB0)) - (1 if trail < 0x9F else 0)
    cell = trail - 0x7E if trail >= 0x9F else trail - (0x20 if trail > 0x7E else 0x1F)

    assert decode(ESC_KANJI + bytes((row, cell)) + ESC_ASCII, "", "ISO 2022 IR 87") == char


def test_korean_with_and_without_the_escape_it_should_have() -> None:
    hong = "홍^길동".encode("euc_kr")
    escaped = ESC_KOREAN + "홍".encode("euc_kr") + b"^" + ESC_KOREAN + "길동".encode("euc_kr")

    assert decode(escaped, "", "ISO 2022 IR 149") == decode(hong, "ISO 2022 IR 149") == "홍^길동"


def test_chinese_by_ir_58() -> None:
    raw = b"Zhang^XiaoDong=" + ESC_CHINESE + "张".encode("gb2312") + b"^" + ESC_CHINESE + "小东".encode("gb2312")

    assert decode(raw, "", "ISO 2022 IR 58") == "Zhang^XiaoDong=张^小东"


@pytest.mark.parametrize("term", ["GBK", "GB18030"])
def test_trail_bytes_of_chinese_sets_are_no_delimiters(term: str) -> None:
    char = b"\x81\x5c".decode("gbk")

    assert decode(b"\x81\x5c\\A", term) == f"{char}\\A"


def test_shift_jis_under_ir_13_is_read_and_told() -> None:
    charset, _ = charset_of(("ISO_IR 13",))

    assert charset is not None
    assert charset.decode("山田".encode("cp932"), True) == ("山田", False)


def test_bytes_that_the_set_does_not_have_are_marked() -> None:
    charset, _ = charset_of(("GB18030",))

    assert charset is not None
    assert charset.decode("王".encode("gb18030") + b"\xff", True) == ("王\N{REPLACEMENT CHARACTER}", False)


@pytest.mark.parametrize(
    ("codec", "texts"),
    [
        ("utf-8", ["山田^太郎", "Müller"]),
        ("cp932", ["山田^太郎", "ヤマダ^タロウ", "胸部"]),
        ("cp932", ["山田^太郎"]),
        ("euc_jp", ["山田^太郎", "やまだ^たろう"]),
        ("euc_jp", ["山田^太郎"]),
        ("gb18030", ["王^小东", "放射科"]),
        ("gb18030", ["张^小东"]),
        ("latin-1", ["Müller^Jürgen", "Größe"]),
        ("latin-1", ["Jérôme"]),
        ("latin-1", ["Åse^Ødegård"]),
    ],
)
def test_undeclared_text_is_read_by_its_evidence(codec: str, texts: list[str]) -> None:
    raws = [text.encode(codec) for text in texts]

    charset = guess(raws)

    assert [charset.decode(raw, True)[0] for raw in raws] == texts


def test_undeclared_escape_sequences_tell_themselves() -> None:
    raw = ESC_KANJI + YAMADA + ESC_ASCII

    assert guess([raw]).decode(raw, True) == ("山田", True)


@pytest.mark.parametrize("codec", ["utf-8", "cp932", "gb18030"])
def test_a_very_long_text_is_known_by_its_beginning(codec: str) -> None:
    text = "x" * 70_000 + {"gb18030": "王小东检查"}.get(codec, "山田太郎検査") * 20_000

    charset = guess([text.encode(codec)])

    assert charset.decode(text.encode(codec), True) == (text, True)
