"""The Native DICOM Model of PS3.19 A.1: every kind of element, and text that XML cannot hold."""

from xml.etree import ElementTree

import pytest

from dicomlake.domain.model import JsonObject
from dicomlake.usecases.write_native_model import write_native_model

NATIVE = "{http://dicom.nema.org/PS3.19/models/NativeDICOM}"


def model(dataset: JsonObject) -> ElementTree.Element:
    return ElementTree.fromstring(write_native_model(dataset))  # noqa: S314


def only(dataset: JsonObject) -> ElementTree.Element:
    (attribute,) = model(dataset)
    return attribute


def test_values_are_numbered_from_one_and_empty_ones_keep_their_number() -> None:
    attribute = only({"00080008": {"vr": "CS", "Value": ["ORIGINAL", None, "AXIAL"]}})

    assert attribute.attrib == {"tag": "00080008", "vr": "CS", "keyword": "ImageType"}
    assert [(one.get("number"), one.text) for one in attribute] == [("1", "ORIGINAL"), ("3", "AXIAL")]


def test_a_name_is_told_by_group_and_component() -> None:
    attribute = only({"00100010": {"vr": "PN", "Value": [{"Alphabetic": "A^B^^D", "Phonetic": "あ"}]}})

    groups = {group.tag: [(part.tag, part.text) for part in group] for group in attribute[0]}
    assert groups == {
        f"{NATIVE}Alphabetic": [
            (f"{NATIVE}FamilyName", "A"),
            (f"{NATIVE}GivenName", "B"),
            (f"{NATIVE}NamePrefix", "D"),
        ],
        f"{NATIVE}Phonetic": [(f"{NATIVE}FamilyName", "あ")],
    }


def test_a_sequence_holds_its_items() -> None:
    inner: JsonObject = {"00401001": {"vr": "SH", "Value": ["RP1"]}}
    attribute = only({"00400275": {"vr": "SQ", "Value": [inner, {}]}})

    first, second = attribute
    assert (first.get("number"), first[0].get("keyword"), first[0][0].text) == ("1", "RequestedProcedureID", "RP1")
    assert (second.get("number"), len(second)) == ("2", 0)


def test_binary_stands_inside_or_by_its_address() -> None:
    inline, bulk = model(
        {"00420011": {"vr": "OB", "InlineBinary": "AAE="}, "7FE00010": {"vr": "OW", "BulkDataURI": "a?b&c"}}
    )

    assert (inline[0].tag, inline[0].text) == (f"{NATIVE}InlineBinary", "AAE=")
    assert bulk[0].attrib == {"uri": "a?b&c"}


def test_a_private_element_names_its_creator_and_no_keyword() -> None:
    creator, value = model({"00091000": {"vr": "LO"}, "00090010": {"vr": "LO", "Value": ["ACME 1.0"]}})

    assert creator.attrib == {"tag": "00091000", "vr": "LO", "privateCreator": "ACME 1.0"}
    assert value.attrib == {"tag": "00090010", "vr": "LO"}


@pytest.mark.parametrize("text", ["<a> & 'b' \"c\"", "]]>", "山田\n太郎", "tab\tstays"])
def test_text_comes_back_as_it_was(text: str) -> None:
    assert only({"00104000": {"vr": "LT", "Value": [text]}})[0].text == text


def test_what_xml_cannot_hold_is_marked() -> None:
    assert only({"00104000": {"vr": "LT", "Value": ["a\x1b$B\x0c\ud800"]}})[0].text == "a\ufffd$B\ufffd\ufffd"
