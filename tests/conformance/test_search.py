"""QIDO-RS: PS3.18 10.6, with the query parameters of 8.3.4."""

import pytest

from tests.conformance.made_study import STUDY_DATE, MadeStudy, uid
from tests.conformance.service import JSON, Service, media_type, parts_of, values

STUDY, SERIES, INSTANCE = "0020000D", "0020000E", "00080018"
REQUIRED = {
    "studies": "00080020 00080030 00080050 00080061 00080090 00100010 00100020 00100030 00100040 0020000D 00200010 "
    "00201206 00201208",
    "series": "00080060 0020000E 00200011 00201209",
    "instances": "00080016 00080018 00200013 00280010 00280011 00280100",
}
"""Attributes that every result has (Tables 10.6.3-3 to 10.6.3-5), those that were stored with a value."""


@pytest.mark.clause("10.6.1")
def test_a_study_is_found_by_its_uid(service: Service, made: MadeStudy) -> None:
    (found,) = service.find("studies", StudyInstanceUID=made.study)

    assert values(found, STUDY) == [made.study]
    assert values(found, "00201208") == [4]
    assert sorted(values(found, "00080061")) == ["CT", "OT"]


@pytest.mark.clause("10.6.1")
@pytest.mark.parametrize(
    ("path", "number"),
    [("studies/{study}/series", 2), ("studies/{study}/instances", 4), ("studies/{study}/series/{slices}/instances", 3)],
)
def test_what_is_below_a_study_is_listed(service: Service, made: MadeStudy, path: str, number: int) -> None:
    found = service.find(path.format(study=made.study, slices=made.slices))

    assert len(found) == number


@pytest.mark.clause("10.6.1")
@pytest.mark.parametrize(("level", "number"), [("series", 2), ("instances", 4)])
def test_all_studies_are_searched_at_once_below(service: Service, made: MadeStudy, level: str, number: int) -> None:
    found = service.find(level, PatientID=made.patient_id)

    assert len(found) == number
    assert {values(one, STUDY)[0] for one in found} == {made.study}


@pytest.mark.clause("10.6.3.3")
@pytest.mark.parametrize(
    ("level", "path"),
    [("studies", "studies"), ("series", "studies/{0}/series"), ("instances", "studies/{0}/instances")],
)
def test_results_have_the_required_attributes(service: Service, made: MadeStudy, level: str, path: str) -> None:
    found = service.find(path.format(made.study), StudyInstanceUID=made.study)

    missing = {tag for one in found for tag in REQUIRED[level].split() if tag not in one}
    assert found
    assert not missing, f"without {', '.join(sorted(missing))}"


KINDS = {
    "single value": ("PatientID", "CONF-{mark}"),
    "single value by tag": ("00100020", "CONF-{mark}"),
    "wildcard *": ("PatientID", "CONF-{mark}*"),
    "wildcard ?": ("PatientID", "CONF-?{rest}"),
    "range": ("StudyDate", "19990401-19990430"),
    "range from": ("StudyDate", "19990412-"),
    "range until": ("StudyDate", "-19990412"),
    "universal": ("PatientName", ""),
    "person name": ("PatientName", "Conform{mark}^Made^Up"),
    "person name by its beginning": ("PatientName", "Conform{mark}*"),
    "modalities in study": ("ModalitiesInStudy", "CT"),
}
"""A key and value of each kind of matching (PS3.4 C.2.2.2), which the study that was stored meets."""


@pytest.mark.clause("8.3.4.1")
@pytest.mark.parametrize("kind", KINDS)
def test_a_key_matches(service: Service, made: MadeStudy, kind: str) -> None:
    key, value = KINDS[kind]
    asked = {key: value.format(mark=made.mark, rest=made.mark[1:])}

    found = service.find("studies", StudyInstanceUID=made.study, **asked)

    assert len(found) == 1, f"{len(found)} results"


@pytest.mark.clause("8.3.4.1")
def test_a_key_inside_a_sequence_matches(service: Service, made: MadeStudy) -> None:
    key = {"RequestAttributesSequence.RequestedProcedureID": f"R{made.mark}"}

    found = service.find("series", StudyInstanceUID=made.study, **key)

    assert [values(one, SERIES) for one in found] == [[made.slices]], f"{len(found)} results"


@pytest.mark.clause("8.3.4.1")
@pytest.mark.parametrize("encoded", ["PatientID=CONF%2D{0}%2A", "PatientName=Conform{0}%5EMade%5EUp"])
def test_percent_encoded_values_are_what_they_encode(service: Service, made: MadeStudy, encoded: str) -> None:
    url = f"{service.base}/studies?StudyInstanceUID={made.study}&{encoded.format(made.mark)}"

    answer = service.get(url, JSON["Accept"])

    assert answer.status_code == 200, f"answered {answer.status_code}"
    assert len(answer.json()) == 1, f"{len(answer.json())} results"


@pytest.mark.clause("8.3.4.1")
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("PatientID", "ANOTHER"),
        ("StudyDate", "19990413-19990430"),
        ("PatientName", "Another*"),
        ("ModalitiesInStudy", "MG"),
        ("AccessionNumber", "?"),
    ],
)
def test_another_value_matches_nothing(service: Service, made: MadeStudy, key: str, value: str) -> None:
    assert service.find("studies", **{"StudyInstanceUID": made.study, key: value}) == []


@pytest.mark.clause("8.3.4.1")
@pytest.mark.parametrize("separator", [",", "\\"])
def test_a_list_of_uids_matches_any(service: Service, made: MadeStudy, separator: str) -> None:
    found = service.find("studies", StudyInstanceUID=separator.join([made.study, uid()]))

    assert [values(one, STUDY) for one in found] == [[made.study]]


@pytest.mark.clause("8.3.4.2")
def test_fuzzymatching_is_done_or_a_warning_says_that_it_is_not(service: Service, made: MadeStudy) -> None:
    name = f"conform{made.mark.lower()}"

    answer = service.get("studies", JSON["Accept"], PatientName=name, fuzzymatching="true")

    done = answer.status_code == 200 and len(answer.json()) == 1
    assert done or "299" in answer.headers.get("Warning", ""), "neither matched nor warned"


@pytest.mark.clause("8.3.4.3")
@pytest.mark.parametrize("name", ["StudyDescription", "00081030"])
def test_includefield_adds_an_attribute(service: Service, made: MadeStudy, name: str) -> None:
    (found,) = service.find("studies", StudyInstanceUID=made.study, includefield=name)

    assert values(found, "00081030") == ["made up"]


@pytest.mark.clause("8.3.4.3")
def test_includefield_all_is_taken(service: Service, made: MadeStudy) -> None:
    (found,) = service.find("studies", StudyInstanceUID=made.study, includefield="all")

    assert values(found, "00080020") == [STUDY_DATE]


@pytest.mark.clause("8.3.4.4")
def test_pages_of_a_search_are_whole_and_without_overlap(service: Service, made: MadeStudy) -> None:
    path = f"studies/{made.study}/instances"

    first, second = service.find(path, limit="3"), service.find(path, limit="3", offset="3")

    assert (len(first), len(second)) == (3, 1)
    assert {values(one, INSTANCE)[0] for one in first + second} == set(made.instances)


@pytest.mark.clause("8.3.4.4")
def test_a_warning_299_says_that_more_remains(service: Service, made: MadeStudy) -> None:
    answer = service.get(f"studies/{made.study}/instances", JSON["Accept"], limit="1")

    assert len(answer.json()) == 1
    assert answer.headers.get("Warning", "").startswith("299"), "no Warning"


@pytest.mark.clause("10.6.3.1")
def test_nothing_found_is_a_204(service: Service, made: MadeStudy) -> None:
    answer = service.get("studies", JSON["Accept"], StudyInstanceUID=uid())

    assert answer.status_code == 204


@pytest.mark.clause("10.6.3.1")
@pytest.mark.parametrize("malformed", ["limit=many", "offset=-1", "StudyDate=yesterday", "fuzzymatching=perhaps"])
def test_malformed_parameters_are_a_400(service: Service, made: MadeStudy, malformed: str) -> None:
    name, _, value = malformed.partition("=")

    answer = service.get("studies", JSON["Accept"], **{"StudyInstanceUID": made.study, name: value})

    assert answer.status_code == 400, f"answered {answer.status_code}"


@pytest.mark.clause("10.6.4")
def test_results_come_as_dicom_json(service: Service, made: MadeStudy) -> None:
    answer = service.get("studies", JSON["Accept"], StudyInstanceUID=made.study)

    assert media_type(answer.headers["Content-Type"]) == "application/dicom+json"


@pytest.mark.clause("10.6.4")
def test_results_come_as_xml_a_part_each(service: Service, made: MadeStudy) -> None:
    kind = 'multipart/related; type="application/dicom+xml"'

    found = parts_of(service.get(f"studies/{made.study}/instances", kind))

    assert len(found) == 4
    assert all(b"NativeDicomModel" in one.body for one in found)
