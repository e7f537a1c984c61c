"""Matching keys: lists of values, the empty value, and values that are none."""

import pytest

from dicomlake.domain.criteria import Match, MatchKind, holds, read_match
from dicomlake.domain.errors import InvalidRequestError
from dicomlake.domain.levels import BY_NAME, QueryLevel
from dicomlake.domain.model import JsonObject
from dicomlake.domain.query import parse_query

MODALITIES: JsonObject = {"00080061": {"vr": "CS", "Value": ["CT", "PT"]}}
CODES: JsonObject = {"00400275": {"vr": "SQ", "Value": [{"00401001": {"vr": "SH", "Value": ["RP1"]}}, {}]}}


def key(keyword: str, text: str, empty: bool = False, multiple: bool = False) -> Match:
    return read_match(tuple(BY_NAME[name] for name in keyword.split(".")), text, empty, multiple)


@pytest.mark.parametrize("text", ["CT", "MR,CT", "MR\\PT", "C?", "MR, P*"])
def test_any_value_of_a_list_of_code_strings_will_do(text: str) -> None:
    assert holds(key("ModalitiesInStudy", text), MODALITIES, fuzzy=False)


def test_no_value_of_a_list_is_found_where_none_is_there() -> None:
    assert not holds(key("ModalitiesInStudy", "MR,US"), MODALITIES, fuzzy=False)


@pytest.mark.parametrize(("text", "found"), [("CT\\PT", True), ("PT\\CT", True), ("CT\\MR", False), ("CT", True)])
def test_with_multiple_value_matching_every_value_of_a_list_has_to_be_there(text: str, found: bool) -> None:
    assert holds(key("ModalitiesInStudy", text, multiple=True), MODALITIES, fuzzy=False) is found


def test_a_list_of_other_text_needs_multiple_value_matching() -> None:
    names: JsonObject = {"00181020": {"vr": "LO", "Value": ["1.0", "kernel, B30"]}}

    assert holds(key("SoftwareVersions", "kernel, B30"), names, fuzzy=False)
    assert holds(key("SoftwareVersions", "kernel*\\1.0", multiple=True), names, fuzzy=False)
    with pytest.raises(InvalidRequestError, match="SoftwareVersions takes multiplevaluematching=true"):
        key("SoftwareVersions", "1.0\\2.0")


@pytest.mark.parametrize(
    ("attributes", "found"),
    [
        ({}, True),
        ({"00080050": {"vr": "SH"}}, True),
        ({"00080050": {"vr": "SH", "Value": [None]}}, True),
        ({"00080050": {"vr": "SH", "Value": ["A1"]}}, False),
    ],
)
def test_the_empty_value_finds_what_has_none(attributes: JsonObject, found: bool) -> None:
    assert holds(key("AccessionNumber", '""', empty=True), attributes, fuzzy=False) is found


def test_the_empty_value_inside_a_sequence_is_one_that_no_item_has() -> None:
    inside = "RequestAttributesSequence."

    assert not holds(key(f"{inside}RequestedProcedureID", '""', empty=True), CODES, fuzzy=False)
    assert holds(key(f"{inside}ScheduledProcedureStepID", '""', empty=True), CODES, fuzzy=False)
    assert holds(key(f"{inside}ScheduledProcedureStepID", '""', empty=True), {}, fuzzy=False)


def test_without_its_parameter_two_quotation_marks_are_text() -> None:
    asked = key("AccessionNumber", '""')

    assert asked.kind is MatchKind.SINGLE
    assert not holds(asked, {}, fuzzy=False)


@pytest.mark.parametrize(
    ("keyword", "text"),
    [
        ("StudyDate", "20241301"),
        ("StudyDate", "20240132"),
        ("StudyDate", "20240100-"),
        ("StudyDate", "2024"),
        ("StudyTime", "2400"),
        ("StudyTime", "-2360"),
        ("StudyTime", "10.5"),
        ("StudyTime", "1"),
        ("StudyInstanceUID", "1.2,x"),
        ("StudyDate", "20240101\\20240102"),
    ],
)
def test_a_value_that_is_none_of_its_vr_is_refused_by_name(keyword: str, text: str) -> None:
    with pytest.raises(InvalidRequestError, match=keyword):
        key(keyword, text)


@pytest.mark.parametrize("text", ["235960", "2359", "000000.000001", "-23", "0800-", "07-0830"])
def test_times_of_any_precision_are_taken(text: str) -> None:
    assert key("StudyTime", text).text == text


def test_an_offset_from_utc_keeps_the_plus_that_a_query_turned_into_a_space() -> None:
    (match,) = parse_query(QueryLevel.STUDY, [("TimezoneOffsetFromUTC", " 0900")]).matches

    assert match.text == "+0900"


def test_an_attribute_of_an_item_is_no_key_by_itself() -> None:
    with pytest.raises(InvalidRequestError, match=r"Sequence\.Attribute"):
        parse_query(QueryLevel.SERIES, [("ScheduledProcedureStepID", "S1")])


def test_the_parameters_of_a_signature_are_no_keys() -> None:
    assert parse_query(QueryLevel.STUDY, [("X-Amz-Signature", "00ff"), ("x-amz-date", "now")]).matches == ()


@pytest.mark.parametrize("names", [[("Modality", "CT"), ("Modality", "MR")], [("Modality", "CT,MR")]])
def test_code_strings_given_twice_are_a_list(names: list[tuple[str, str]]) -> None:
    (match,) = parse_query(QueryLevel.SERIES, names).matches

    assert (match.values, match.kind) == (("CT", "MR"), MatchKind.ANY)


def test_a_key_given_twice_with_one_value_is_given_once() -> None:
    assert parse_query(QueryLevel.STUDY, [("PatientID", "a"), ("00100020", "a")]).text("00100020") == "a"
