"""QIDO-RS as clients send it (PS3.18 10.6): what is returned at every level, and every way to write a query."""

import gzip
from email import message_from_bytes
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import pytest

from dicomlake.domain.levels import ATTRIBUTES, QueryLevel
from dicomlake.web.app import answer
from dicomlake.web.services import Services
from tests.unit.web.events import body_of, event, get, get_json
from tests.usecases.stored_lake import StoredLake, element, study_part

ROOT = "/dicomweb/reading-room"
NATIVE = "{http://dicom.nema.org/PS3.19/models/NativeDICOM}"
LEVELS = [
    (f"{ROOT}/studies", QueryLevel.STUDY, None),
    (f"{ROOT}/series", QueryLevel.SERIES, None),
    (f"{ROOT}/instances", QueryLevel.INSTANCE, None),
    (f"{ROOT}/studies/1.2.1/series", QueryLevel.SERIES, QueryLevel.STUDY),
    (f"{ROOT}/studies/1.2.1/instances", QueryLevel.INSTANCE, QueryLevel.STUDY),
    (f"{ROOT}/studies/1.2.1/series/1.2.1.1/instances", QueryLevel.INSTANCE, QueryLevel.SERIES),
]
MATCHED = {
    QueryLevel.STUDY: "StudyDate StudyTime AccessionNumber ModalitiesInStudy ReferringPhysicianName PatientName "
    "PatientID StudyInstanceUID StudyID",
    QueryLevel.SERIES: "Modality SeriesInstanceUID SeriesNumber PerformedProcedureStepStartDate "
    "PerformedProcedureStepStartTime RequestAttributesSequence.ScheduledProcedureStepID "
    "RequestAttributesSequence.RequestedProcedureID",
    QueryLevel.INSTANCE: "SOPClassUID SOPInstanceUID InstanceNumber",
}
RETURNED = {
    QueryLevel.STUDY: "00080020 00080030 00080050 00080056 00080061 00080090 00081190 00100010 00100020 00100030 "
    "00100040 0020000D 00200010 00201206 00201208",
    QueryLevel.SERIES: "00080060 00081190 0020000E 00200011 00201209",
    QueryLevel.INSTANCE: "00080016 00080018 00080056 00081190 00200013",
}
VALUES = {"DA": "20240131", "TM": "1015", "UI": "1.2.1", "IS": "1"}


@pytest.fixture(scope="module")
def services() -> Services:
    lake = StoredLake()
    zoned = study_part("1.2.1", t00080201=element("SH", "+0900"), t00080005=element("CS", "ISO_IR 192"))
    lake.add("1.2.1", "1.2.1.1", [[b"one"], [b"two"]], attributes=zoned)
    return lake.services()


def first(services: Services, url: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = get_json(services, url, "application/dicom+json")
    return found[0]


@pytest.mark.parametrize(("url", "level", "scope"), LEVELS)
def test_an_answer_has_every_required_attribute_even_without_a_value(
    services: Services, url: str, level: QueryLevel, scope: QueryLevel | None
) -> None:
    answer = first(services, url)

    due = [
        tag
        for each in QueryLevel
        if each <= level and (scope is None or each > scope)
        for tag in RETURNED[each].split()
    ]
    assert [tag for tag in due if tag not in answer] == []
    assert answer["00080005"]["Value"] == ["ISO_IR 192"]
    assert answer["00080201"]["Value"] == ["+0900"]
    if "00100030" in due:
        assert answer["00100030"] == {"vr": "DA"}


@pytest.mark.parametrize(("url", "level", "scope"), LEVELS)
def test_what_the_path_names_is_not_told_again_unless_asked_for(
    services: Services, url: str, level: QueryLevel, scope: QueryLevel | None
) -> None:
    answer, asked = first(services, url), first(services, f"{url}?includefield=00100010&StudyDescription=Chest")

    assert ("00100010" in answer) is (scope is None)
    assert asked["00100010"]["Value"][0]["Alphabetic"] == "Yamada^Tarou"
    assert asked["00081030"]["Value"] == ["Chest"]


@pytest.mark.parametrize(("url", "level", "scope"), LEVELS)
def test_every_required_key_is_matched_and_echoed(
    services: Services, url: str, level: QueryLevel, scope: QueryLevel | None
) -> None:
    keywords = [word for each in QueryLevel if each <= level for word in MATCHED[each].split()]
    tags = {row.keyword: row for row in ATTRIBUTES}

    for keyword in keywords:
        row = tags[keyword.split(".")[0]]
        for value in ("", "*"):
            assert row.tag in first(services, f"{url}?{keyword}={value}")
        nothing = (
            VALUES.get(row.vr, "none such").replace("1.2.1", "1.2.9").replace("1015", "0001").replace("2024", "1999")
        )
        assert (
            get(services, f"{url}?{keyword}={nothing.replace('1', '7') if row.vr == 'IS' else nothing}")["statusCode"]
            == 204
        )


@pytest.mark.parametrize(("url", "level", "scope"), LEVELS)
def test_include_all_is_all_the_index_has(
    services: Services, url: str, level: QueryLevel, scope: QueryLevel | None
) -> None:
    answer = first(services, f"{url}?includefield=all")

    assert {"00081030", "00080062", "00100010"} <= set(answer)
    assert ("0008103E" in answer) is (level >= QueryLevel.SERIES)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("PatientName=Yamada%5ETarou", True),
        ("PatientName=Yamada%5eTarou", True),
        ("PatientName=Yamada^Tarou", True),
        ("PatientName=%e5%b1%b1%e7%94%b0%5e*", True),
        ("PatientName=%E5%B1%B1%E7%94%B0%5E%2A", True),
        ("PatientName=Yamada+Tarou", True),
        ("PatientName=Yamada%20Tarou", True),
        ("PatientName=Yamada%2BTarou", False),
        ("%30%30100010=Yamada*", True),
        ("0020000d=1.2.1%2c1.2.2", True),
        ("0020000D=1.2.9,1.2.1", True),
        ("StudyInstanceUID=1.2.9%5C1.2.1", True),
        ("StudyInstanceUID=1.2.9&StudyInstanceUID=1.2.1", True),
        ("ModalitiesInStudy=MR%2CCT", True),
        ("ModalitiesInStudy=MR&ModalitiesInStudy=CT", True),
        ("ModalitiesInStudy=MR%5CUS", False),
        ("ModalitiesInStudy=CT%5CMR&multiplevaluematching=true", False),
        ("PatientBirthDate=%22%22&emptyvaluematching=true", True),
        ("PatientID=%22%22&emptyvaluematching=true", False),
        ("TimezoneOffsetFromUTC=+0900", True),
        ("TimezoneOffsetFromUTC=%2B0900", True),
        ("StudyDate=20240101-20240131", True),
        ("StudyDate=-20240130", False),
        ("StudyDate=20240131-20240131&StudyTime=-1014", False),
        ("includefield=00081030%2C00080060&includefield=StudyID&includefield=all", True),
        ("includefield=00091001,NoSuchThing,RequestAttributesSequence.RequestedProcedureID", True),
        ("PatientID=P1&X-Amz-Signature=00", True),
    ],
)
def test_a_query_means_the_same_however_it_is_written(services: Services, query: str, found: bool) -> None:
    assert get(services, f"{ROOT}/studies?{query}")["statusCode"] == (200 if found else 204)


@pytest.mark.parametrize(
    "query",
    [
        "PatientNam=Yamada",
        "StudyDate=20241301",
        "StudyTime=25",
        "StudyInstanceUID=1.2.x",
        "PatientID=a&PatientID=b",
        "limit=0",
        "limit=ten",
        "offset=-1",
        "fuzzymatching=perhaps",
        "PatientName=%E5%B1%ZZ%FF",
        "RetrieveURL=https://lake",
        "Modality=CT",
        "PatientID=a%5Cb",
    ],
)
def test_what_is_no_key_or_no_value_is_a_400(services: Services, query: str) -> None:
    assert get(services, f"{ROOT}/studies?{query}")["statusCode"] == 400


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "application/dicom+json"),
        ("*/*", "application/dicom+json"),
        ("application/json", "application/json"),
        ("application/*;q=0.2, application/json;q=0.1", "application/dicom+json"),
        ('multipart/related; type="application/dicom+xml"', "multipart/related"),
        ("multipart/related; type=application/dicom+xml; q=0.9, application/dicom+json; q=0.1", "multipart/related"),
        ('multipart/related; type="application/dicom+xml", application/dicom+json', "application/dicom+json"),
        ("application/dicom+json;q=0, */*", "multipart/related"),
        ('multipart/related; type="*/*"', "multipart/related"),
        ("application/dicom+xml", "multipart/related"),
    ],
)
def test_the_answer_has_the_form_that_weighs_most(services: Services, accept: str, kind: str) -> None:
    for request in (
        get(services, f"{ROOT}/studies", accept),
        get(services, f"{ROOT}/studies?accept={quote(accept)}", "text/html" if accept else ""),
    ):
        assert (request["statusCode"], request["headers"]["content-type"].split(";")[0]) == (200, kind)


def test_xml_says_what_json_says_one_part_a_result(services: Services) -> None:
    url = f"{ROOT}/studies/1.2.1/instances?includefield=all"

    response = get(services, url, 'multipart/related; type="application/dicom+xml"', accept_encoding="gzip")

    head = f"Content-Type: {response['headers']['content-type']}\r\n\r\n".encode()
    parts = message_from_bytes(head + gzip.decompress(body_of(response))).get_payload()
    assert [part.get_content_type() for part in parts] == ["application/dicom+xml"] * 2
    datasets = get_json(services, url)
    for part, dataset in zip(parts, datasets, strict=True):
        model = ElementTree.fromstring(part.get_payload(decode=True))  # noqa: S314
        told = {one.get("tag"): [value.text for value in one.iter(f"{NATIVE}Value")] for one in model}
        assert list(told) == list(dataset)
        for tag, element_ in dataset.items():
            if element_["vr"] != "PN":
                assert told[tag] == [str(value) for value in element_.get("Value", [])]
        (name,) = model.findall(f"./{NATIVE}DicomAttribute[@keyword='PatientName']/{NATIVE}PersonName")
        assert [one.text for one in name.iter(f"{NATIVE}FamilyName")] == ["Yamada", "山田", "やまだ"]


@pytest.mark.parametrize("query", ["", "?limit=1", "?PatientID=none", "?NoSuchKey=1"])
def test_a_head_is_answered_as_a_get_without_its_body(services: Services, query: str) -> None:
    url = f"{ROOT}/studies/1.2.1/instances{query}"

    whole, head = get(services, url), answer(event(url, method="HEAD"), services)

    assert (head["statusCode"], head["headers"]) == (whole["statusCode"], whole["headers"])
    assert head["body"] == ""
