"""Names are found however they were typed."""

import string
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomlake.domain.names import fold, name_tokens, sound, sound_prefixes, words
from dicomlake.domain.old_forms import OLD_FORMS


@pytest.mark.parametrize(
    ("typed", "folded"),
    [
        ("\uff39\uff21\uff2d\uff21\uff24\uff21", "yamada"),
        ("Müller", "muller"),
        ("Łukasz", "lukasz"),
        ("STRAẞE", "strasse"),
        ("ﾔﾏﾀﾞ", "やまだ"),
        ("ヤマダ", "やまだ"),
        ("髙橋", "高橋"),
        ("渡邊", "渡辺"),
        ("渡邉", "渡辺"),
        ("齋藤", "斉藤"),
        ("斎藤", "斉藤"),
        ("山﨑", "山崎"),
        ("濵田", "浜田"),
        ("𠮷田", "吉田"),
        ("山田　太郎", "山田 太郎"),
        ("ｷﾖｳｺ", "きようこ"),
        ("きょうこ", "きようこ"),
    ],
)
def test_writing_alone_makes_no_difference(typed: str, folded: str) -> None:
    assert fold(typed) == folded


@pytest.mark.parametrize(
    "spellings",
    [
        ("Sato", "Satoh", "Satou", "Satō", "SATOO", "サトウ", "さとう", "ｻﾄｳ"),
        ("Shoji", "Syozi", "Shouji", "Shōji", "しょうじ", "ショージ"),
        ("Ono", "Ohno", "Ōno", "おおの", "オオノ"),
        ("Namba", "Nanba", "なんば"),
        ("Hatchobori", "Hacchobori", "はっちょうぼり"),
        ("Tsuchiya", "Tutiya", "つちや"),
        ("Fujii", "Huzii", "ふじい"),
        ("Jun'ichi", "Zyun'iti", "Junichi", "じゅんいち"),
        ("Yuko", "Yūko", "Yuuko", "ユーコ", "ゆうこ"),
        ("Chika", "Tika", "ちか"),
    ],
)
def test_spellings_of_one_japanese_name_sound_the_same(spellings: tuple[str, ...]) -> None:
    assert {sound(spelling) for spelling in spellings} == {sound(spellings[0])}


def test_different_names_do_not_sound_the_same() -> None:
    names = ["Sato", "Saito", "Seto", "Shato", "Kato", "Sada", "Ono", "Oni", "Yuki", "Yuko"]

    assert len({sound(name) for name in names}) == len(names)


def test_every_group_of_a_name_gives_its_words_once() -> None:
    groups = ("Yamada^Tarou", "山田^太郎", "やまだ^たろう")

    assert name_tokens(groups) == ("yamada", "taro", "山田", "太郎")


def test_a_full_width_space_separates_words() -> None:
    assert words("山田　太郎") == ("山田", "太郎")
    assert words("Smith-Jones^Mary Ann") == ("Smith", "Jones", "Mary", "Ann")


@given(st.text(alphabet=string.ascii_lowercase, min_size=1, max_size=12), st.integers(1, 12))
def test_a_beginning_covers_every_latin_word_that_starts_so(word: str, cut: int) -> None:
    starts = sound_prefixes(word[:cut])

    assert not starts or any(sound(word).startswith(start) for start in starts)


@given(st.text(alphabet="しかおちんなばつとうゃょっーまさ", min_size=1, max_size=8), st.integers(1, 8))
def test_a_beginning_covers_every_kana_word_that_starts_so(word: str, cut: int) -> None:
    starts = sound_prefixes(word[:cut])

    assert not starts or any(sound(word).startswith(start) for start in starts)


@given(st.text(max_size=20))
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_no_old_form_folds_to_another_old_form() -> None:
    pairs = {pair[0]: pair[1] for pair in OLD_FORMS.split()}

    assert not [old for old, new in pairs.items() if new in pairs]
    assert all(unicodedata.normalize("NFKC", old) == old for old in pairs)
