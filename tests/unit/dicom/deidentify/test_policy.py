"""A policy in JSON: read with errors that say where, and followed attribute by attribute."""

import json
from typing import Any

import pytest

from dicomlake.dicom.deidentify import Dataset, Element, Subject, apply_edits, plan_edits, profile_for
from dicomlake.dicom.deidentify.options import OPTIONS, Option, option_named
from dicomlake.dicom.deidentify.policy import Policy
from dicomlake.dicom.deidentify.policy_file import ACTIONS, policy_schema, read_policy
from dicomlake.dicom.deidentify.standard import standard
from dicomlake.domain.errors import InvalidRequestError
from tests.unit.dicom.deidentify.deid_given import CT, NAMES

DESCRIPTION, PROTOCOL, STATION, STUDY_DATE, FRAME = 0x00081030, 0x00181030, 0x00081010, 0x00080020, 0x00200052


def policy(*rules: dict[str, str], **fields: Any) -> Policy:
    return read_policy(json.dumps({"name": "trial", "rules": list(rules), **fields}))


def clean(dataset: Dataset, chosen: Policy) -> dict[int, Element]:
    profile = profile_for(CT, frozenset(element.tag for element in dataset), chosen.options)
    subject = Subject(NAMES, "DLAAAAAAAAAAAAAAAA", -400)
    edits = plan_edits(dataset, profile, subject, (), chosen.rules)
    return {element.tag: element for element in apply_edits(dataset, edits)}


def test_each_action_does_what_it_says() -> None:
    dataset = (
        Element(STUDY_DATE, "DA", b"20240215"),
        Element(STATION, "SH", b"CT1"),
        Element(DESCRIPTION, "LO", b"Thorax Dr. Meyer"),
        Element(0x00102154, "SH", b"030-1234-5678"),
        Element(0x00180050, "DS", b"5"),
        Element(0x00181000, "LO", b"SN-4711"),
        Element(PROTOCOL, "LO", b"ROUTINE"),
        Element(0x00181210, "SH", b"H30s"),
        Element(FRAME, "UI", b"1.2.3"),
    )

    after = clean(
        dataset,
        policy(
            {"match": "StudyDate", "action": "shift-date"},
            {"match": "(0008,1010)", "action": "replace", "value": "SITE-A"},
            {"match": "00081030", "action": "clean-text"},
            {"match": "SliceThickness", "action": "remove"},
            {"match": "DeviceSerialNumber", "action": "hash"},
            {"match": "ProtocolName", "action": "keep"},
            {"match": "ConvolutionKernel", "action": "empty"},
            {"match": "FrameOfReferenceUID", "action": "regenerate-uid"},
        ),
    )

    assert after[STUDY_DATE].value == b"20230111"
    assert after[STATION].value == b"SITE-A"
    assert after[DESCRIPTION].value == b"Thorax Dr. ***"
    assert 0x00180050 not in after
    assert after[0x00181000].value == NAMES.hashed(b"SN-4711").encode()
    assert after[PROTOCOL].value == b"ROUTINE"
    assert after[0x00181210].value == b""
    assert after[FRAME].value == NAMES.uid("1.2.3").encode()
    assert 0x00102154 not in after


def test_the_first_rule_that_matches_counts() -> None:
    dataset = (Element(DESCRIPTION, "LO", b"Thorax"), Element(PROTOCOL, "LO", b"ROUTINE"))

    after = clean(
        dataset, policy({"match": "StudyDescription", "action": "keep"}, {"match": "vr:LO", "action": "empty"})
    )

    assert [after[tag].value for tag in (DESCRIPTION, PROTOCOL)] == [b"Thorax", b""]


def test_a_path_matches_in_its_place_alone() -> None:
    inner = (Element(DESCRIPTION, "LO", b"inner"),)
    dataset = (Element(DESCRIPTION, "LO", b"outer"), Element(0x00089215, "SQ", b"", (inner,)))

    after = clean(dataset, policy({"match": "DerivationCodeSequence/StudyDescription", "action": "keep"}))

    assert DESCRIPTION not in after
    assert after[0x00089215].items == (inner,)


def test_a_private_attribute_stays_with_its_creator_where_a_rule_says_so() -> None:
    dataset = (
        Element(0x00290010, "LO", b"SIEMENS CSA"),
        Element(0x00291008, "CS", b"IMAGE"),
        Element(0x00291009, "LO", b"gone"),
    )

    after = clean(dataset, policy({"match": "(0029,xx08,SIEMENS CSA)", "action": "keep"}))

    assert sorted(after) == [0x00290010, 0x00291008]


def test_what_a_rule_keeps_is_still_searched_for_the_patient() -> None:
    dataset = (Element(DESCRIPTION, "LO", b"Okonkwo CT"), Element(0x00101001, "PN", b"Okonkwo^Theodora"))

    after = clean(dataset, policy({"match": "StudyDescription", "action": "keep"}))

    assert after[DESCRIPTION].value == b"*** CT"


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ("{", "no JSON"),
        ([], "an object"),
        ({"name": ""}, "name"),
        ({"name": "x", "version": 0}, "version"),
        ({"name": "x", "base": "none"}, "base"),
        ({"name": "x", "colour": 1}, "colour"),
        ({"name": "x", "options": ["retain-all"]}, "no option"),
        ({"name": "x", "options": ["retain-full-dates", "retain-modified-dates"]}, "exclude each other"),
        ({"name": "x", "faces": "blur"}, "faces"),
        ({"name": "x", "rules": [{"match": "NoSuchThing", "action": "keep"}]}, r"rules\[0\]\.match"),
        ({"name": "x", "rules": [{"match": "StudyDate", "action": "burn"}]}, r"rules\[0\]\.action"),
        ({"name": "x", "rules": [{"match": "StudyDate", "action": "regenerate-uid"}]}, "VR DA"),
        ({"name": "x", "rules": [{"match": "vr:SQ", "action": "hash"}]}, "VR SQ"),
        ({"name": "x", "rules": [{"match": "StudyID", "action": "replace"}]}, "value"),
        ({"name": "x", "rules": [{"match": "StudyID", "action": "keep", "value": "1"}]}, "value"),
        ({"name": "x", "rules": [{"match": "PatientID", "action": "keep"}]}, "pseudonym"),
        ({"name": "x", "rules": [{"match": "(0029,1010)", "action": "keep"}]}, "creator"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(document: Any, where: str) -> None:
    text = document if isinstance(document, str) else json.dumps(document)

    with pytest.raises(InvalidRequestError, match=where):
        read_policy(text)


def test_the_schema_names_what_the_reader_knows() -> None:
    schema = policy_schema()["properties"]

    assert schema["rules"]["items"]["properties"]["action"]["enum"] == list(ACTIONS)
    assert schema["options"]["items"]["enum"] == [str(option) for option in Option]
    assert set(schema) == {"name", "version", "base", "options", "faces", "text", "rules"}


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("retain-modified-dates", Option.MODIFIED_DATES),
        ("113106", Option.FULL_DATES),
        ("rtnUIDsOpt", Option.UIDS),
        ("Retain Longitudinal Temporal Information Modified Dates Option", Option.MODIFIED_DATES),
        ("Retain Safe Private Option", Option.SAFE_PRIVATE),
        ("CleanDescriptors", Option.DESCRIPTORS),
        ("retain-patient-chars", Option.PATIENT),
        ("retain long full dates", Option.FULL_DATES),
    ],
)
def test_an_option_is_known_by_every_name_it_has(name: str, option: Option) -> None:
    assert option_named(name) is option


def test_every_option_has_a_column_a_code_and_a_clause() -> None:
    assert set(OPTIONS) == set(Option)
    assert {facts.column for facts in OPTIONS.values()} == {*standard().options, "rtnSafePrivOpt"}
    assert len({facts.code[0] for facts in OPTIONS.values()}) == len(Option)
