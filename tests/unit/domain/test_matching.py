"""Attribute matching: what PS3.4 C.2.2.2 says matches, and nothing else."""

import fnmatch
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomlake.domain.errors import InvalidRequestError
from dicomlake.domain.levels import BY_NAME
from dicomlake.domain.matching import (
    check_value,
    date_matches,
    fuzzy_name_matches,
    glob_matches,
    moment_matches,
    name_matches,
    path_matches,
    time_matches,
    value_matches,
)
from dicomlake.domain.model import JsonObject

YAMADA: JsonObject = {"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎", "Phonetic": "やまだ^たろう"}


@given(st.text("ab*?", max_size=10), st.text("ab", max_size=10))
def test_wildcards_match_what_a_regular_expression_says(pattern: str, text: str) -> None:
    expression = "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern)

    assert glob_matches(pattern, text) == bool(re.fullmatch(expression, text))


def test_brackets_are_no_wildcards() -> None:
    assert fnmatch.fnmatchcase("a", "[a]")
    assert not glob_matches("[a]", "a")


def test_a_hostile_pattern_costs_pattern_times_text() -> None:
    assert not glob_matches("*a" * 500 + "b", "a" * 5000)


dates = st.dates().map(lambda day: f"{day:%Y%m%d}".zfill(8))


@given(dates, dates, dates)
def test_a_date_lies_in_a_range_exactly_when_it_is_between_its_ends(low: str, high: str, day: str) -> None:
    assert date_matches(f"{low}-{high}", day) == (low <= day <= high)
    assert date_matches(f"{low}-", day) == (low <= day)
    assert date_matches(f"-{high}", day) == (day <= high)
    assert date_matches(low, day) == (low == day)


@pytest.mark.parametrize(
    ("asked", "time", "matches"),
    [
        ("10", "100000", True),
        ("10", "105959.999", True),
        ("10", "11", False),
        ("1000-1200", "120059", True),
        ("1000-1200", "1201", False),
        ("-0800", "075959", True),
        ("2200-", "215959", False),
        ("10", "not a time", False),
    ],
)
def test_times_match_to_the_precision_asked_for(asked: str, time: str, matches: bool) -> None:
    assert time_matches(asked, time) is matches


def test_ranges_of_date_and_time_together_are_one_interval() -> None:
    ask = ("20240101-20240103", "0800-1200")

    assert moment_matches(*ask, "20240102", "0300")
    assert not moment_matches(*ask, "20240101", "0759")
    assert not moment_matches(*ask, "20240103", "1201")


@pytest.mark.parametrize(
    "asked",
    [
        "YAMADA^TAROU",
        "yamada^taro",
        "Yamada*",
        "山田^太郎",
        "山田*",
        "ヤマダ^タロウ",
        "ﾔﾏﾀﾞ*",
        "=山田*",
        "==やまだ*",
        "Yamada^Tarō",
        "山田 太郎",
        "山田　太*",
        "yamada taro",
    ],
)
def test_a_name_is_found_by_any_writing_of_any_group(asked: str) -> None:
    assert name_matches(asked, YAMADA)


@pytest.mark.parametrize("asked", ["Yamada", "Taro^Yamada", "山本*", "=Yamada*", "Yamada^J*"])
def test_another_name_is_not_found(asked: str) -> None:
    assert not name_matches(asked, YAMADA)


@pytest.mark.parametrize("asked", ["tar yama", "taro", "太郎 山", "たろう", "Yamada^Taroh", "yam*", "山田　太郎"])
def test_fuzzy_matching_takes_words_in_any_order_and_their_beginnings(asked: str) -> None:
    assert fuzzy_name_matches(asked, YAMADA)


@pytest.mark.parametrize("asked", ["taro suzuki", "amada", "山本"])
def test_fuzzy_matching_needs_every_word(asked: str) -> None:
    assert not fuzzy_name_matches(asked, YAMADA)


def test_text_is_compared_with_case_and_without_padding() -> None:
    held: JsonObject = {"vr": "LO", "Value": ["Ab1 "]}

    assert value_matches(BY_NAME["PatientID"], "Ab1", held, fuzzy=False)
    assert not value_matches(BY_NAME["PatientID"], "AB1", held, fuzzy=False)


def test_a_list_of_uids_matches_any_of_them() -> None:
    held: JsonObject = {"vr": "UI", "Value": ["1.2.3"]}

    assert value_matches(BY_NAME["SOPInstanceUID"], "1.2,1.2.3", held, fuzzy=False)
    assert value_matches(BY_NAME["SOPInstanceUID"], "1.2\\1.2.3", held, fuzzy=False)
    assert not value_matches(BY_NAME["SOPInstanceUID"], "1.2,1.2.4", held, fuzzy=False)


def test_numbers_match_by_value() -> None:
    assert value_matches(BY_NAME["SeriesNumber"], "007", {"vr": "IS", "Value": [7]}, fuzzy=False)
    assert value_matches(BY_NAME["SeriesNumber"], "7", {"vr": "IS", "Value": ["+7"]}, fuzzy=False)


def test_any_item_of_a_sequence_may_match() -> None:
    attributes: JsonObject = {
        "00400275": {
            "vr": "SQ",
            "Value": [
                {"00401001": {"vr": "SH", "Value": ["RP1"]}},
                {"00401001": {"vr": "SH", "Value": ["RP2"]}},
            ],
        }
    }
    path = (BY_NAME["RequestAttributesSequence"], BY_NAME["RequestedProcedureID"])

    assert path_matches(path, "RP2", attributes, fuzzy=False)
    assert not path_matches(path, "RP3", attributes, fuzzy=False)


@pytest.mark.parametrize("universal", ["", "*", "**"])
def test_universal_matching_takes_absent_attributes_too(universal: str) -> None:
    assert path_matches((BY_NAME["StudyDescription"],), universal, {}, fuzzy=False)


def test_an_absent_attribute_matches_no_value() -> None:
    assert not path_matches((BY_NAME["StudyDescription"],), "a", {}, fuzzy=False)
    assert not path_matches((BY_NAME["StudyDate"],), "-20240101", {"00080020": {"vr": "DA"}}, fuzzy=False)


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("StudyDate", "2024"),
        ("StudyDate", "20240101-20240102-20240103"),
        ("StudyDate", "-"),
        ("StudyTime", "1"),
        ("StudyTime", "10:00"),
        ("StudyInstanceUID", "1.2.x"),
        ("PatientID", "x" * 1025),
    ],
)
def test_a_value_of_the_wrong_form_is_refused_by_the_name_of_its_key(keyword: str, value: str) -> None:
    with pytest.raises(InvalidRequestError, match=keyword):
        check_value(BY_NAME[keyword], value)
