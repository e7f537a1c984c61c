"""How a search finds its studies, and what it answers: parsing, access paths, search rows, projection."""

import json

import pytest

from dicomlake.domain.access import RowRange, advise, matches_level, plan_access
from dicomlake.domain.answers import describe_study, project
from dicomlake.domain.errors import InvalidRequestError
from dicomlake.domain.levels import ATTRIBUTES, BUDGETS, QueryLevel, split
from dicomlake.domain.model import Counts, JsonObject, StudyUid
from dicomlake.domain.query import Query, parse_query
from dicomlake.domain.search_keys import END, SearchKey, search_keys
from dicomlake.domain.study import Study
from tests.usecases.stored_lake import NAME, element, study_part


def ask(*parameters: tuple[str, str], level: QueryLevel = QueryLevel.STUDY) -> Query:
    return parse_query(level, parameters)


# --- parsing -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["PatientID", "00100020"])
def test_a_key_is_named_by_keyword_or_tag(name: str) -> None:
    assert ask((name, "P1")).text("00100020") == "P1"


def test_a_tag_may_be_written_in_small_letters() -> None:
    assert ask(("0020000d", "1.2")).text("0020000D") == "1.2"


def test_a_dotted_path_reaches_into_a_sequence() -> None:
    (match,) = ask(("RequestAttributesSequence.00401001", "RP1"), level=QueryLevel.SERIES).matches

    assert [one.keyword for one in match.path] == ["RequestAttributesSequence", "RequestedProcedureID"]


def test_fields_are_included_from_lists_and_repeats_and_unknown_ones_are_no_error() -> None:
    query = ask(("includefield", "00081030,StudyTime"), ("includefield", "PatientSex"), ("includefield", "NoSuchField"))

    assert query.include == {"00081030", "00080030", "00100040"}
    assert ask(("includefield", "all")).include_all


def test_limits_have_a_default_and_a_top() -> None:
    assert (ask().limit, ask().offset) == (100, 0)
    assert (ask(("limit", "5000")).limit, ask(("offset", "7")).offset) == (1000, 7)


def test_uids_given_twice_are_a_list() -> None:
    assert plan_access(ask(("StudyInstanceUID", "1.2"), ("StudyInstanceUID", "1.3"))).study_uids == ("1.2", "1.3")


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ([("NoSuchKey", "1")], "NoSuchKey"),
        ([("00100020.00100021", "1")], "PatientID"),
        ([("RequestAttributesSequence", "1")], "RequestAttributesSequence"),
        ([("SOPInstanceUID", "1.2")], "SOPInstanceUID"),
        ([("PatientID", "a"), ("PatientID", "b")], "PatientID"),
        ([("limit", "0")], "limit"),
        ([("limit", "-1")], "limit"),
        ([("offset", "x")], "offset"),
        ([("fuzzymatching", "maybe")], "fuzzymatching"),
        ([("StudyDate", "yesterday")], "StudyDate"),
    ],
)
def test_what_breaks_the_protocol_is_refused_by_name(parameters: list[tuple[str, str]], told: str) -> None:
    with pytest.raises(InvalidRequestError, match=told):
        parse_query(QueryLevel.SERIES if told == "RequestAttributesSequence" else QueryLevel.STUDY, parameters)


# --- access paths --------------------------------------------------------------------------------------------------

MORE = [("StudyDate", "20240101-20240131"), ("ModalitiesInStudy", "CT")]
DATES = ("20240101", f"20240131{END}")


@pytest.mark.parametrize(
    ("parameters", "key", "ranges"),
    [
        ([("AccessionNumber", "A1"), ("PatientID", "P1")], "AccessionNumber", [RowRange("accession#A1")]),
        ([("PatientID", "P1"), ("PatientName", "Yamada")], "PatientID", [RowRange("patient#P1")]),
        ([("PatientID", "P1"), *MORE], "PatientID", [RowRange("patient#P1", *DATES)]),
        (
            [("PatientID", "P1"), ("IssuerOfPatientID", "H")],
            "PatientID",
            [RowRange("patient-of#H\nP1")],
        ),
        ([("PatientName", "YAMADA^TAROU")], "PatientName", [RowRange("name#ya", "yamada#", f"yamada#{END}")]),
        ([("PatientName", "山田*")], "PatientName", [RowRange("name#山", "山田", f"山田{END}")]),
        ([("PatientName", "Yamash*")], "PatientName", [RowRange("name#ya", "yamas", f"yamas{END}")]),
        ([("PatientName", "*mada"), ("StudyID", "7")], "StudyID", [RowRange("study-id#7")]),
        ([("PatientID", "P*")], "StudyDate", [RowRange("studies")]),
        ([("PatientName", "Y*")], "StudyDate", [RowRange("studies")]),
        (MORE, "ModalitiesInStudy", [RowRange("modality#CT", *DATES)]),
        (MORE[:1], "StudyDate", [RowRange("studies", *DATES)]),
        ([("ModalitiesInStudy", "CT,MR")], "ModalitiesInStudy", [RowRange("modality#CT"), RowRange("modality#MR")]),
        ([("ModalitiesInStudy", "C*")], "StudyDate", [RowRange("studies")]),
        ([("StudyDate", "-20240131")], "StudyDate", [RowRange("studies", "00000001", DATES[1])]),
        ([], "StudyDate", [RowRange("studies")]),
    ],
)
def test_the_most_selective_key_chooses_the_rows(
    parameters: list[tuple[str, str]], key: str, ranges: list[RowRange]
) -> None:
    path = plan_access(parse_query(QueryLevel.STUDY, parameters))

    assert (path.key, list(path.ranges)) == (key, ranges)


def test_advice_names_only_keys_that_are_not_given() -> None:
    told = "add StudyInstanceUID, AccessionNumber, PatientID or ModalitiesInStudy"

    assert advise(ask(("StudyDate", "20240101"))) == told


@pytest.mark.parametrize(
    "asked",
    [
        "YAMADA^TAROU",
        "Yamada^Taro",
        "山田^太郎",
        "ヤマダ^タロウ",
        "ﾔﾏﾀﾞ*",
        "山*",
        "Yama*",
        "Yamad*^T*",
        "=山田^*",
        "タロウ",
    ],
)
@pytest.mark.parametrize("fuzzy", ["true", "false"])
def test_every_row_range_of_a_name_that_matches_holds_a_row_of_it(asked: str, fuzzy: str) -> None:
    study = Study(StudyUid("1.2"), attributes=study_part("1.2"))
    query = ask(("PatientName", asked), ("fuzzymatching", fuzzy))
    rows = search_keys(study)

    path = plan_access(query)

    found = [row for row in rows for part in path.ranges if row.partition == part.partition]
    inside = [row for row in found for part in path.ranges if part.low <= row.sort and row.sort <= (part.high or END)]
    assert inside or not matches_level(query, QueryLevel.STUDY, study.attributes)


# --- search rows ---------------------------------------------------------------------------------------------------


def test_a_study_is_found_by_these_rows() -> None:
    attributes = study_part("1.2", t00100021=element("LO", "Hospital"))

    rows = search_keys(Study(StudyUid("1.2"), attributes=attributes))

    stamp = "20240131#101500"
    assert set(rows) == {
        SearchKey("studies", stamp),
        SearchKey("accession#A1.2", stamp),
        SearchKey("patient#P1", stamp),
        SearchKey("patient-of#Hospital\nP1", stamp),
        SearchKey("study-id#1", stamp),
        SearchKey("name#ya", f"yamada#{stamp}"),
        SearchKey("name#ta", f"taro#{stamp}"),
        SearchKey("name#山", f"山田#{stamp}"),
        SearchKey("name#太", f"太郎#{stamp}"),
        SearchKey("referrer#su", f"suzuki#{stamp}"),
        SearchKey("referrer#ha", f"hanako#{stamp}"),
    }


def test_a_study_without_attributes_is_in_the_list_of_all() -> None:
    assert search_keys(Study(StudyUid("1.2"))) == (SearchKey("studies", "00000000#000000"),)


def test_names_of_any_length_give_few_and_short_rows() -> None:
    name = element("PN", {"Alphabetic": "^".join(f"name{number}" + "x" * 100 for number in range(50))})
    attributes = study_part("1.2", t00100010=name, t00080090=name)

    rows = search_keys(Study(StudyUid("1.2"), attributes=attributes))

    assert len(rows) <= 27
    assert all(len(row.sort.encode()) <= 900 for row in rows)


# --- levels and answers --------------------------------------------------------------------------------------------


def test_an_instance_is_split_by_level_and_its_identity_left_to_its_key() -> None:
    instance: JsonObject = {
        "00080018": element("UI", "1.2.3"),
        "00080020": element("DA", "20240131"),
        "00080060": element("CS", "CT"),
        "00100010": element("PN", NAME),
        "00200013": element("IS", 7),
        "00280030": element("DS", 0.5, 0.5),
        "00081030": {"vr": "LO"},
    }

    study, series, own = split(instance)

    assert set(study) == {"00080020", "00100010"}
    assert set(series) == {"00080060"}
    assert set(own) == {"00200013"}


def test_no_level_is_over_its_budget_whatever_a_header_holds() -> None:
    instance: JsonObject = {
        row.tag: element(row.vr, *("山" * 300 for _ in range(4))) for row in ATTRIBUTES if not row.computed
    }
    instance["00280010"] = element("US", 512)

    parts = split(instance)

    sizes = [len(json.dumps(part, ensure_ascii=False, separators=(",", ":")).encode()) for part in parts]
    assert all(size <= BUDGETS[level] for size, level in zip(sizes, QueryLevel, strict=True))
    assert "00280010" in parts[2]


def test_an_ordinary_slice_keeps_every_required_attribute() -> None:
    instance: JsonObject = {
        "00200013": element("IS", 12345),
        "00280010": element("US", 65535),
        "00280011": element("US", 65535),
        "00280100": element("US", 16),
        "00280008": element("IS", 100000),
        "00080008": element("CS", "DERIVED", "SECONDARY", "AXIAL"),
    }

    assert set(split(instance)[2]) == set(instance)


def test_an_answer_has_what_is_required_asked_for_and_matched() -> None:
    study = Study(StudyUid("1.2"), attributes=study_part("1.2"), counts=Counts(instances=3), modalities=("CT",))
    query = ask(("PatientAge", ""), ("includefield", "StudyDescription"))

    answer = project(query, describe_study(study, "https://lake"))

    assert answer["00081030"] == element("LO", "Chest")
    assert answer["00101010"] == {"vr": "AS"}
    assert answer["00201208"] == element("IS", 3)
    assert answer["00080061"] == element("CS", "CT")
    assert list(answer) == sorted(answer)
    required = {row.tag for row in ATTRIBUTES if row.returned and row.level is QueryLevel.STUDY}
    held = set(describe_study(study, ""))
    assert required & held <= set(answer)
    assert "00081030" not in project(ask(), describe_study(study, "https://lake"))
